"""Geometry on arrays: closed forms, SciPy and OpenCV as peers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from app.records import Pose
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

POINTS = hnp.arrays(np.float64, st.tuples(st.integers(0, 8), st.just(2)), elements=st.floats(-500, 500))


def test_that_a_homography_maps_as_opencv_does(rng: np.random.Generator) -> None:
    h = np.array([[1.1, 0.1, 5], [-0.05, 0.9, 3], [1e-4, -2e-4, 1]])
    xy = rng.uniform(0, 400, (50, 2))
    assert np.allclose(transform(h, xy), cv2.perspectiveTransform(xy[None], h)[0])


@given(POINTS)
def test_that_a_map_and_its_inverse_give_the_point_back(xy: np.ndarray) -> None:
    h = np.array([[1.2, 0.2, -7], [0.1, 0.8, 2], [1e-5, 2e-5, 1]])
    assert np.allclose(transform(np.linalg.inv(h), transform(h, xy)), xy, atol=1e-6)


def test_that_points_behind_the_horizon_have_no_place() -> None:
    h = np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]])
    assert np.isnan(transform(h, [[100, 0], [150, 0]])).all()
    assert np.isfinite(transform(h, [[50, 0]])).all()


def _pose() -> Pose:
    k = np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]])
    angle = 0.2
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return Pose(k, k, rotation, np.array([0.5, 0.1, 0.05]))


def test_that_projected_points_lie_on_their_epipolar_lines(rng: np.random.Generator) -> None:
    pose = _pose()
    points = rng.uniform([-1, -1, 3], [1, 1, 6], (40, 3))
    moved = points @ pose.rotation.T + pose.translation
    left, right = ((p @ pose.k_left.T)[:, :2] / p[:, 2:] for p in (points, moved))
    f = fundamental_from_pose(pose)
    assert np.allclose(epipolar_distance(f, left, right), 0, atol=1e-8)
    assert np.allclose(symmetric_epipolar_distance(f, left, right), 0, atol=1e-8)
    lines = epipolar_lines(f, left)
    assert np.allclose(np.hypot(lines[:, 0], lines[:, 1]), 1)
    off = right + lines[:, :2] * 4.0
    assert np.allclose(epipolar_distance(f, left, off), 4.0)


def test_that_the_edge_of_the_image_belongs_to_it() -> None:
    assert inside([[-0.5, -0.5], [9.5, 4.5], [-0.51, 0], [9.51, 0], [np.nan, 1]], (10, 5)).tolist() == [
        True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("n", [3, 3000])
def test_that_nearest_distances_equal_brute_force(rng: np.random.Generator, n: int) -> None:
    a, b = rng.uniform(0, 500, (n, 2)), rng.uniform(0, 500, (700, 2))
    assert np.allclose(nearest_distance(a, b), cdist(a, b).min(axis=1), rtol=1e-5)


def test_that_nothing_is_infinitely_far_and_nowhere_is_unknown() -> None:
    assert nearest_distance([[1, 2]], np.zeros((0, 2))).tolist() == [np.inf]
    assert np.isnan(nearest_distance([[np.nan, 2]], [[0, 0]])).all()
    assert nearest_distance(np.zeros((0, 2)), [[0, 0]]).shape == (0,)


def test_that_a_linear_map_is_sampled_exactly() -> None:
    y, x = np.mgrid[0:20, 0:30].astype(np.float32)
    dense = np.stack([2 * x + y, x - 3 * y], axis=-1)
    at = np.array([[0, 0], [29, 19], [3.25, 7.5], [28.9, 18.1]])
    expected = np.stack([2 * at[:, 0] + at[:, 1], at[:, 0] - 3 * at[:, 1]], axis=1)
    assert np.allclose(sample_map(dense, at), expected, atol=1e-5)


def test_that_a_map_says_nothing_beside_a_hole_or_outside() -> None:
    dense = np.zeros((5, 5, 2), np.float32)
    dense[2, 2] = np.nan
    values = sample_map(dense, [[1.5, 2.0], [1.0, 2.0], [4.2, 0], [-0.1, 0], [np.nan, 0]])
    assert np.isnan(values[:, 0]).tolist() == [True, False, True, True, True]


def test_that_one_pixel_maps_work() -> None:
    assert sample_map(np.full((1, 1, 2), 7, np.float32), [[0, 0]]).tolist() == [[7, 7]]
