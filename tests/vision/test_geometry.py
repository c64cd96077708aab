"""Plane and epipolar geometry: closed forms first, OpenCV and SciPy as independent peers."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.records import Float64, Pose
from app.vision import geometry
from app.vision.geometry import (
    epipolar_distance,
    epipolar_lines,
    fundamental_from_pose,
    inside,
    nearest_distance,
    sample_map,
    symmetric_epipolar_distance,
    transform,
)

QUICK = settings(max_examples=60, deadline=None)
COORDINATE = st.floats(-2000, 2000, allow_nan=False)


def points(least: int = 0, most: int = 12) -> st.SearchStrategy[npt.NDArray[np.float64]]:
    shapes = st.integers(least, most).map(lambda n: (n, 2))
    return shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=COORDINATE))


def mild_homography(seed: int) -> Float64:
    """A homography whose horizon lies far outside a 640 x 480 picture."""
    rng = np.random.default_rng(seed)
    matrix = np.eye(3) + rng.normal(0, 0.1, (3, 3))
    matrix[:2, 2] = rng.normal(0, 50, 2)
    matrix[2] = [*rng.normal(0, 1e-4, 2), 1]
    return matrix


def some_pose(seed: int = 0) -> Pose:
    rng = np.random.default_rng(seed)
    rotation = cv2.Rodrigues(rng.normal(0, 0.2, 3))[0]
    k_left = np.array([[700, 0, 320], [0, 710, 240], [0, 0, 1.0]])
    k_right = np.array([[650, 0, 300], [0, 640, 250], [0, 0, 1.0]])
    return Pose(k_left, k_right, rotation, rng.normal(0, 1, 3))


def seen(pose: Pose, n: int = 50) -> tuple[Float64, Float64]:
    """Points of space in both pictures."""
    rng = np.random.default_rng(3)
    space = rng.uniform([-2, -2, 6], [2, 2, 12], (n, 3))
    left = space @ pose.k_left.T
    right = (space @ pose.rotation.T + pose.translation) @ pose.k_right.T
    return left[:, :2] / left[:, 2:], right[:, :2] / right[:, 2:]


# ------------------------------------------------------------------------------- homographies


@QUICK
@given(points(), st.floats(-500, 500), st.floats(-500, 500))
def test_a_translation_adds_and_the_identity_changes_nothing(xy: Float64, dx: float, dy: float) -> None:
    shift = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]])
    np.testing.assert_allclose(transform(shift, xy), xy + np.array([dx, dy]), atol=1e-9)
    np.testing.assert_array_equal(transform(np.eye(3), xy), xy)


@QUICK
@given(st.integers(0, 10_000), st.floats(-10, 10).filter(lambda v: abs(v) > 0.01))
def test_a_homography_means_the_same_at_any_scale_and_its_inverse_undoes_it(seed: int, factor: float) -> None:
    matrix = mild_homography(seed)
    xy = np.random.default_rng(seed).uniform(0, 480, (20, 2))
    there = transform(matrix, xy)
    np.testing.assert_allclose(transform(matrix * factor, xy), there, atol=1e-6)
    np.testing.assert_allclose(transform(np.linalg.inv(matrix), there), xy, atol=1e-6)


@QUICK
@given(st.integers(0, 10_000))
def test_transform_agrees_with_opencv(seed: int) -> None:
    matrix = mild_homography(seed)
    xy = np.random.default_rng(seed).uniform(0, 480, (20, 2))
    peer = cv2.perspectiveTransform(xy[None], matrix)[0]
    np.testing.assert_allclose(transform(matrix, xy), peer, rtol=1e-9, atol=1e-9)


def test_a_point_on_or_behind_the_horizon_is_nan() -> None:
    matrix = np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]])  # the horizon is x = 100
    found = transform(matrix, [[50, 10], [100, 10], [150, 10]])
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, False]


def test_a_mirror_keeps_all_its_points() -> None:
    np.testing.assert_allclose(transform(np.diag([-1.0, 1, 1]), [[3, 4], [900, 2]]), [[-3, 4], [-900, 2]])


def test_points_that_are_not_finite_stay_so_and_no_points_stay_none() -> None:
    assert not np.isfinite(transform(np.eye(3), [[np.nan, 1], [np.inf, 2]])).all(axis=1).any()
    assert transform(np.eye(3), []).shape == (0, 2)


# ----------------------------------------------------------------------------- epipolar geometry


def test_lines_and_distances_follow_a_sideways_camera() -> None:
    # Moving along x makes the epipolar lines horizontal: y' = y.
    sideways = np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0.0]])
    left = np.array([[10, 20], [300, 5.5]])
    right = np.array([[400, 23], [-7, 5.5]])
    lines = epipolar_lines(sideways, left)
    np.testing.assert_allclose(np.abs(lines), [[0, 1, 20], [0, 1, 5.5]])
    np.testing.assert_allclose(epipolar_distance(sideways, left, right), [3, 0])


@pytest.mark.parametrize("seed", range(5))
def test_the_fundamental_matrix_of_a_pose_has_rank_two_and_fits_all_points(seed: int) -> None:
    pose = some_pose(seed)
    matrix = fundamental_from_pose(pose)
    left, right = seen(pose)
    values = np.linalg.svd(matrix, compute_uv=False)
    assert values[2] < 1e-12 * values[0]
    assert np.linalg.norm(matrix) == pytest.approx(1)
    assert epipolar_distance(matrix, left, right).max() < 1e-6
    assert symmetric_epipolar_distance(matrix, left, right).max() < 1e-6


def test_epipolar_lines_agree_with_opencv() -> None:
    matrix = fundamental_from_pose(some_pose(1))
    xy = np.random.default_rng(0).uniform(0, 480, (30, 2))
    peer = cv2.computeCorrespondEpilines(xy[:, None], 1, matrix)[:, 0]
    np.testing.assert_allclose(epipolar_lines(matrix, xy), peer, atol=1e-6)


def test_the_symmetric_distance_is_the_larger_of_both_and_swaps_with_the_sides() -> None:
    matrix = fundamental_from_pose(some_pose(2))
    rng = np.random.default_rng(1)
    left, right = rng.uniform(0, 480, (2, 40, 2))
    both = symmetric_epipolar_distance(matrix, left, right)
    there, back = epipolar_distance(matrix, left, right), epipolar_distance(matrix.T, right, left)
    np.testing.assert_allclose(both, np.maximum(there, back))
    np.testing.assert_allclose(both, symmetric_epipolar_distance(matrix.T, right, left))


def test_points_that_are_not_finite_have_no_distance_to_a_line() -> None:
    matrix = fundamental_from_pose(some_pose(0))
    odd = [[np.nan, 1], [np.inf, 2], [3, -np.inf]]
    assert np.isnan(epipolar_distance(matrix, odd, np.ones((3, 2)))).all()
    assert not np.isfinite(epipolar_distance(matrix, np.ones((3, 2)), odd)).any()


def test_the_epipole_has_no_line_and_no_points_have_none() -> None:
    matrix = fundamental_from_pose(some_pose(0))
    assert epipolar_lines(matrix, []).shape == (0, 3)
    assert np.isnan(epipolar_lines(np.zeros((3, 3)), [[1, 2]])).all()
    still = Pose(np.eye(3), np.eye(3), np.eye(3), np.zeros(3))
    assert not fundamental_from_pose(still).any()


# ----------------------------------------------------------------------------------- inside


def test_inside_reaches_half_a_pixel_beyond_the_outer_centres() -> None:
    xy = [[-0.5, 0], [-0.51, 0], [9.5, 4.5], [9.51, 4], [0, 4.51], [np.nan, 1], [np.inf, 1]]
    assert inside(xy, (10, 5)).tolist() == [True, False, True, False, False, False, False]
    assert inside([], (10, 5)).shape == (0,)


# ------------------------------------------------------------------------------ nearest distance


@QUICK
@given(points(1), points(1))
def test_the_nearest_distance_is_that_of_a_plain_loop(queries: Float64, known: Float64) -> None:
    expected = [min(float(np.hypot(*(q - k))) for k in known) for q in queries]
    np.testing.assert_allclose(nearest_distance(queries, known), expected, rtol=1e-5, atol=1e-4)


def test_a_point_among_the_points_is_at_distance_zero_however_far_from_the_origin() -> None:
    known = np.random.default_rng(0).uniform(0, 1, (500, 2)) + 1e5
    assert (nearest_distance(known, known) == 0).all()


def test_both_ways_of_searching_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, known = rng.uniform(0, 2000, (3000, 2)), rng.uniform(0, 2000, (700, 2))
    by_product = nearest_distance(queries, known)
    monkeypatch.setattr(geometry, "_PRODUCT", 0)
    np.testing.assert_allclose(by_product, nearest_distance(queries, known), rtol=1e-6, atol=1e-6)


def test_nothing_to_be_near_to_is_infinitely_far_and_what_is_not_finite_has_no_distance() -> None:
    assert nearest_distance([[1, 2]], []).tolist() == [np.inf]
    assert nearest_distance([], [[1, 2]]).shape == (0,)
    found = nearest_distance([[np.nan, 2], [np.inf, 0], [4, 6]], [[1, 2]])
    np.testing.assert_array_equal(found, np.array([np.nan, np.nan, 5], np.float32))
    assert found.dtype == np.float32


# ------------------------------------------------------------------------------------ dense maps


def plane_map(height: int = 20, width: int = 30) -> npt.NDArray[np.float32]:
    """The map (x, y) -> (2 x + y, y - 3), which bilinear sampling reproduces exactly."""
    y, x = np.indices((height, width)).astype(np.float32)
    return np.dstack([2 * x + y, y - 3])


@QUICK
@given(hnp.arrays(np.float64, (7, 2), elements=st.floats(0, 1)))
def test_sampling_reproduces_a_linear_map_everywhere_inside(share: Float64) -> None:
    xy = share * [29, 19]
    expected = np.column_stack([2 * xy[:, 0] + xy[:, 1], xy[:, 1] - 3])
    np.testing.assert_allclose(sample_map(plane_map(), xy), expected, atol=1e-9)


def test_sampling_agrees_with_scipy() -> None:
    from scipy.ndimage import map_coordinates

    rng = np.random.default_rng(0)
    dense = rng.normal(0, 100, (15, 21, 2)).astype(np.float32)
    xy = rng.uniform(0, [20, 14], (200, 2))
    peer = [map_coordinates(dense[:, :, c].astype(float), xy[:, ::-1].T, order=1) for c in (0, 1)]
    np.testing.assert_allclose(sample_map(dense, xy), np.transpose(peer), atol=1e-4)


def test_outside_the_outer_centres_the_map_says_nothing() -> None:
    xy = [[-0.01, 5], [29.01, 5], [5, -0.01], [5, 19.01], [np.nan, 5], [np.inf, 5]]
    assert np.isnan(sample_map(plane_map(), xy)).all()
    assert sample_map(plane_map(), []).shape == (0, 2)


def test_a_hole_spreads_to_all_points_that_would_mix_it_in_and_to_no_others() -> None:
    dense = plane_map()
    dense[10, 10] = np.nan
    mixed = sample_map(dense, [[10, 10], [9.5, 10], [10.99, 9.01], [9.01, 10.99]])
    assert np.isnan(mixed).all()
    assert np.isfinite(sample_map(dense, [[9, 10], [11, 10], [10, 9], [11.5, 10.5], [8.5, 9.5]])).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (8, 1)])
def test_a_map_one_pixel_wide_can_be_sampled(shape: tuple[int, int]) -> None:
    dense = plane_map(*shape)
    last = np.array([[shape[1] - 1, shape[0] - 1]], float)
    np.testing.assert_allclose(sample_map(dense, last), dense[-1:, -1])
