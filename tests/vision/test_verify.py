"""Verification: known models are found, the same seed gives the same bytes, nothing is an answer too."""

from __future__ import annotations

import numpy as np
import pytest

from app.records import Keypoints, Matches
from app.vision.geometry import symmetric_epipolar_distance, transform
from app.vision.verify import METHODS, VerifySettings, camera, verify
from tests.vision.poses import known_pose

H = np.array([[1.05, 0.08, 12], [-0.06, 0.97, -5], [5e-5, 2e-5, 1]])
A = np.array([[1.05, 0.08, 12], [-0.06, 0.97, -5], [0, 0, 1]])


def matched(a: np.ndarray, b: np.ndarray) -> tuple[Matches, Keypoints, Keypoints]:
    n = len(a)
    pairs = np.repeat(np.arange(n, dtype=np.int32)[:, None], 2, axis=1)
    one = np.ones(n, np.float32)
    return Matches(pairs, one, 2 * one, one), Keypoints.at(a), Keypoints.at(b)


def planar(
    rng: np.random.Generator, model: np.ndarray, n: int = 80, wrong: int = 25
) -> tuple[Matches, Keypoints, Keypoints]:
    a = rng.uniform(0, 500, (n, 2))
    b = transform(model, a) + rng.normal(0, 0.3, (n, 2))
    b[:wrong] = rng.uniform(0, 500, (wrong, 2))
    return matched(a, b)


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize(("model", "truth"), [("homography", H), ("affine", A)])
def test_that_a_plane_is_found_among_wrong_matches(
    rng: np.random.Generator, model: str, truth: np.ndarray, method: str
) -> None:
    matches, left, right = planar(rng, truth)
    found = verify(matches, left, right, VerifySettings(model=model, method=method))
    assert found.matrix is not None
    assert (
        np.linalg.norm(transform(found.matrix, [[100, 100], [400, 300]]) - transform(truth, [[100, 100], [400, 300]]))
        < 1.5
    )
    assert found.inlier[25:].all()
    assert found.inlier[:25].sum() <= 2
    assert np.array_equal(found.inlier, found.residual_px <= 3.0)


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("model", ["fundamental", "essential"])
def test_that_two_views_of_depth_are_found(rng: np.random.Generator, model: str, method: str) -> None:
    pose = known_pose()
    points = rng.uniform([-1, -1, 3], [1, 1, 6], (150, 3))
    moved = points @ pose.rotation.T + pose.translation
    a, b = ((p @ pose.k_left.T)[:, :2] / p[:, 2:] for p in (points, moved))
    b[:40] = rng.uniform(0, 480, (40, 2))
    matches, left, right = matched(a, b)
    found = verify(
        matches,
        left,
        right,
        VerifySettings(model=model, method=method, threshold=1.0),
        k_left=pose.k_left,
        k_right=pose.k_right,
    )
    assert found.fundamental is not None
    assert found.inlier[40:].mean() > 0.9
    assert found.inlier[:40].mean() < 0.2
    assert np.median(found.residual_px[40:]) < 0.3
    assert np.allclose(found.residual_px, symmetric_epipolar_distance(found.fundamental, a, b), atol=1e-3)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_that_the_same_seed_gives_the_same_bytes(rng: np.random.Generator, method: str) -> None:
    matches, left, right = planar(rng, H)
    first, second = (verify(matches, left, right, VerifySettings(method=method, seed=7)) for _ in range(2))
    assert first.matrix is not None
    assert second.matrix is not None
    assert first.matrix.tobytes() == second.matrix.tobytes()
    assert np.array_equal(first.inlier, second.inlier)


@pytest.mark.parametrize("model", ["homography", "affine", "fundamental", "essential"])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_that_too_few_matches_are_said(rng: np.random.Generator, model: str, n: int) -> None:
    matches, left, right = planar(rng, H, n=n, wrong=0)
    found = verify(matches, left, right, VerifySettings(model=model), k_left=np.eye(3), k_right=np.eye(3))
    assert found.matrix is None
    assert found.note.startswith(f"{n} match{'' if n == 1 else 'es'}; ")
    assert not found.inlier.any()
    assert np.isnan(found.residual_px).all()


@pytest.mark.parametrize("model", ["homography", "affine", "fundamental", "essential"])
@pytest.mark.parametrize("method", sorted(METHODS))
def test_that_equal_points_do_not_crash(model: str, method: str) -> None:
    matches, left, right = matched(np.full((20, 2), 5.0), np.full((20, 2), 9.0))
    found = verify(
        matches, left, right, VerifySettings(model=model, method=method), k_left=np.eye(3), k_right=np.eye(3)
    )
    assert found.inlier.shape == (20,)


def test_that_no_model_has_no_inliers_and_no_complaint(rng: np.random.Generator) -> None:
    matches, left, right = planar(rng, H)
    found = verify(matches, left, right, VerifySettings(model="none"))
    assert not found.inlier.any()
    assert found.note == ""


def test_that_the_essential_matrix_asks_for_a_camera(rng: np.random.Generator) -> None:
    matches, left, right = planar(rng, H)
    assert "focal length" in verify(matches, left, right, VerifySettings(model="essential")).note
    assert camera((641, 481), 500.0).tolist() == [[500, 0, 320], [0, 500, 240], [0, 0, 1]]


@pytest.mark.parametrize("method", ["magsac", "ransac"])
def test_that_a_model_that_nobody_agrees_with_is_none(method: str) -> None:
    """Where many points match one place OpenCV returns nearly singular homographies, hundreds of pixels off."""
    without = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        a, b = rng.uniform(0, 700, (2, 40, 2))
        b[:12] = b[0] + rng.uniform(-3, 3, (12, 2))
        found = verify(*matched(a, b), VerifySettings(method=method))
        if found.matrix is None:
            without += 1
            assert not found.inlier.any()
            assert np.isnan(found.residual_px).all()
            assert found.note.startswith("No homography fits these 40 matches: the best found agrees with ")
        else:
            assert found.inlier.sum() >= 4
    assert without
