"""ASIFT: views, the way back from them, and matching within one view."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.locate import photographs
from app.records import Descriptors, Features, Keypoints
from app.vision.affine import AffineDetect, describe_affine, detect_affine, join, match_affine, view_of, views
from app.vision.describe import extract_sift
from app.vision.detect import SiftDetect, detect_sift
from app.vision.match import MatchSettings, match_features
from app.vision.nearest import Stopped


@pytest.fixture(scope="module")
def camera() -> np.ndarray:
    grey = cv2.imread(str(photographs() / "camera.png"), cv2.IMREAD_GRAYSCALE)
    return np.asarray(cv2.resize(grey, (321, 317), interpolation=cv2.INTER_AREA))


def test_that_the_views_are_those_of_the_paper() -> None:
    assert views(0) == ((1.0, 0.0),)
    tilts = [tilt for tilt, _ in views(2)]
    assert tilts.count(2.0) == 5  # 180 / (72 / 2)
    assert len(views(5)) == 43
    assert all(0 <= roll < 180 for _, roll in views(5))


def test_that_no_tilt_is_plain_sift(camera: np.ndarray) -> None:
    plain, found = detect_sift(camera, SiftDetect(count=0)), detect_affine(camera, AffineDetect(count=0, tilts=0))
    assert np.array_equal(plain.xy, found.xy)
    assert np.allclose(plain.size, found.size)
    features, expected = describe_affine(camera, found), extract_sift(camera, SiftDetect(count=0))
    assert features.descriptors is not None
    assert expected.descriptors is not None
    difference = np.abs(features.descriptors.values - expected.descriptors.values)
    assert np.mean(difference > 1) < 1e-3


def test_that_orientations_of_tilted_views_are_those_of_the_image(camera: np.ndarray) -> None:
    found = detect_affine(camera, AffineDetect(count=0, tilts=2))
    plain = detect_sift(camera, SiftDetect(count=0))
    view = view_of(found)
    for number in range(1, len(views(2))):
        seen = found.take(view == number)
        near = np.linalg.norm(seen.xy[:, None] - plain.xy[None], axis=2) < 1.0
        near &= np.abs(np.log2(seen.size[:, None] / plain.size[None])) < 0.5
        turn = np.abs((seen.angle[:, None] - plain.angle[None] + 180) % 360 - 180)
        smallest = np.where(near, turn, np.inf).min(axis=1)[near.any(axis=1)]
        assert len(smallest) > 10
        # A tilt of 2 turns a gradient by up to 19.5 degrees; a forgotten roll would put the median at 45 and more.
        assert np.median(smallest) < 30


def test_that_a_strong_tilt_needs_it(camera: np.ndarray) -> None:
    h = np.array([[0.28, 0.0, 20.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # tilt 3.6
    blurred = cv2.GaussianBlur(camera, (0, 0), sigmaX=2.5, sigmaY=0.01)
    squeezed = cv2.warpPerspective(blurred, h, (130, 317))

    def right(matches_of: tuple[Features, Features], how: object) -> int:
        a, b = matches_of
        matches = how(a, b, MatchSettings())  # type: ignore[operator]
        p, q = a.keypoints.xy[matches.pairs[:, 0]], b.keypoints.xy[matches.pairs[:, 1]]
        return int(np.sum(np.hypot(0.28 * p[:, 0] + 20 - q[:, 0], p[:, 1] - q[:, 1]) < 3))

    settings = AffineDetect(count=6000)
    affine = [describe_affine(image, detect_affine(image, settings)) for image in (camera, squeezed)]
    plain = [extract_sift(image, SiftDetect(count=0)) for image in (camera, squeezed)]
    assert right((affine[0], affine[1]), match_affine) > 5 * max(3, right((plain[0], plain[1]), match_features))


def test_that_the_cap_bounds_the_keypoints_of_all_views(camera: np.ndarray) -> None:
    assert len(detect_affine(camera, AffineDetect(count=150, tilts=3))) == 150


def test_that_it_stops_between_views(camera: np.ndarray) -> None:
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        detect_affine(camera, AffineDetect(), stop=lambda: next(asked))
    keypoints = detect_affine(camera, AffineDetect(count=50, tilts=1))
    with pytest.raises(Stopped):
        describe_affine(camera, keypoints, stop=lambda: True)


def test_that_the_same_point_in_two_views_is_no_rival_and_is_kept_once() -> None:
    def features(values: list[float], view: list[int], x: list[float]) -> Features:
        base = Keypoints.at(np.stack([x, np.zeros(len(x))], axis=1))
        packed = (np.asarray(view) << 24).astype(np.int32)
        fields = {name: getattr(base, name) for name in Keypoints.__dataclass_fields__}
        keypoints = Keypoints(**{**fields, "packed": packed})
        return Features(keypoints, Descriptors(np.asarray(values, np.float32)[:, None]))

    left = features([0.0, 0.5], [0, 1], [10.0, 10.2])
    right = features([0.1, 0.4, 90.0, 91.0], [0, 1, 0, 1], [50.0, 50.1, 70.0, 80.0])
    assert len(match_features(left, right, MatchSettings(ratio=0.2))) == 0
    matches = match_affine(left, right, MatchSettings(ratio=0.2))
    assert len(matches) == 1
    assert matches.second[0] > 80


def test_that_joining_nothing_is_empty() -> None:
    assert len(join([])) == 0
    assert len(describe_affine(np.zeros((9, 9), np.uint8), Keypoints.empty()).keypoints) == 0
