"""Detectors and SIFT descriptors: conventions, counts, and the facts they must show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.locate import photographs
from app.records import Keypoints
from app.vision.corners import SimpleDetect, detect_corners, detect_fast, detect_grid, detect_simple
from app.vision.describe import describe_sift, extract_sift, root
from app.vision.detect import (
    OrbDetect,
    SiftDetect,
    detect_orb,
    detect_sift,
    from_cv,
    strongest,
    to_cv,
    unpack_octave,
)
from app.vision.geometry import nearest_distance
from app.vision.sift_matching import (
    ExplainedDescribe,
    ExplainedDetect,
    describe_explained,
    detect_explained,
    extract_explained,
)

ALL = SiftDetect(count=0)


@pytest.fixture(scope="module")
def camera() -> np.ndarray:
    return cv2.imread(str(photographs() / "camera.png"), cv2.IMREAD_GRAYSCALE)


@given(octave=st.integers(-1, 12), layer=st.integers(1, 3), step=st.integers(0, 255))
def test_that_the_packed_octave_is_taken_apart(octave: int, layer: int, step: int) -> None:
    packed = np.array([(octave & 255) | (layer << 8) | (step << 16)], np.int32)
    found = unpack_octave(packed)
    assert (found[0][0], found[1][0]) == (octave, layer)
    assert found[2][0] == pytest.approx(step / 255 - 0.5, abs=1e-6)


def test_that_size_is_twice_the_sigma_of_octave_and_layer(camera: np.ndarray) -> None:
    found = detect_sift(camera, ALL)
    sigma = 1.6 * 2.0 ** (found.octave + (found.layer + found.sublayer) / 3)
    assert np.allclose(found.size, 2 * sigma, rtol=2e-3)  # the sublayer is stored in steps of 1/255
    assert found.octave.min() == -1


def test_that_no_quarter_pixel_is_lost(camera: np.ndarray) -> None:
    turned = np.ascontiguousarray(np.rot90(camera, k=-1))
    here, there = detect_sift(camera, ALL).xy.astype(np.float64), detect_sift(turned, ALL).xy
    expected = np.stack([camera.shape[0] - 1 - here[:, 1], here[:, 0]], axis=1)
    gap = nearest_distance(expected, there)
    assert np.median(gap) < 0.01
    assert np.mean(gap < 0.05) > 0.85  # the others sit at a threshold or a border and appear in one of the two only


def test_that_keypoints_survive_the_way_to_opencv_and_back(camera: np.ndarray) -> None:
    found = detect_sift(camera, ALL)
    back = from_cv(to_cv(found), sift_octaves=True)
    for name in Keypoints.__dataclass_fields__:
        assert np.array_equal(getattr(found, name), getattr(back, name), equal_nan=True), name
    assert len(from_cv([])) == 0


def test_that_an_angle_of_minus_one_is_none() -> None:
    assert np.isnan(from_cv([cv2.KeyPoint(1, 2, 3)]).angle[0])
    assert to_cv(Keypoints.at([[1, 2]]))[0].angle == -1


def test_that_the_strongest_are_kept_in_their_order() -> None:
    response = np.array([1, 5, 3, 5, 2], np.float32)
    assert strongest(response, 2).tolist() == [1, 3]
    assert strongest(response, 3).tolist() == [1, 2, 3]
    assert strongest(np.ones(4, np.float32), 2).tolist() == [0, 1]
    assert strongest(response, 0).tolist() == [0, 1, 2, 3, 4]


def test_that_a_limited_count_is_a_subset_of_all(camera: np.ndarray) -> None:
    everything, few = detect_sift(camera, ALL), detect_sift(camera, SiftDetect(count=100))
    assert len(few) == 100
    assert few.response.min() >= np.sort(everything.response)[-100]


@pytest.mark.parametrize("centre", [(64.0, 64.0), (60.3, 70.6)])
def test_that_a_blob_is_found_where_it_is_and_opencvs_default_a_quarter_pixel_aside(
    centre: tuple[float, float],
) -> None:
    """Without precise upscaling OpenCV places every keypoint of the doubled picture 0.25 px too far right and down."""
    y, x = np.mgrid[0:128, 0:128]
    blob = (200 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * 4.0**2))).astype(np.uint8)
    found = detect_sift(blob, ALL)
    best = found.xy[int(np.argmax(found.response))]
    assert best == pytest.approx(centre, abs=0.05)
    default = max(cv2.SIFT_create(enable_precise_upscale=False).detect(blob, None), key=lambda point: point.response)
    assert np.array(default.pt) - centre == pytest.approx((0.25, 0.25), abs=0.05)


def test_that_corners_of_a_square_are_found_where_they_are() -> None:
    image = np.full((81, 101), 40, np.uint8)
    image[20:61, 30:71] = 220
    image = cv2.GaussianBlur(image, (0, 0), 0.8)  # in a sharp corner two pixels answer alike and suppress each other
    corners = np.array([[30, 20], [70, 20], [30, 60], [70, 60]], np.float32)
    for found in (
        detect_corners(image, quality=0.2, distance=5, count=4),
        detect_fast(image, threshold=20, count=4),
    ):
        assert len(found) == 4
        assert nearest_distance(corners, found.xy).max() <= 2


def test_that_the_grid_keeps_its_step_and_its_count() -> None:
    grid = detect_grid(np.zeros((50, 70), np.uint8), step=10, count=0)
    assert len(grid) == 35
    assert set(np.diff(np.unique(grid.xy[:, 0])).tolist()) == {10.0}
    assert len(detect_grid(np.zeros((50, 70), np.uint8), step=1, count=100)) <= 100
    assert len(detect_grid(np.zeros((1, 1), np.uint8), step=10, count=5)) == 1


@pytest.mark.parametrize("detector", ["gftt", "fast", "dog", "grid"])
def test_that_each_simple_detector_keeps_to_the_image(detector: str, camera: np.ndarray) -> None:
    found = detect_simple(camera[150:251, 200:277], SimpleDetect(detector=detector, count=60))
    assert 0 < len(found) <= 60
    assert np.all((found.xy >= -0.5) & (found.xy <= [76.5, 100.5]))


def test_that_orb_gives_an_orientation_and_a_level(camera: np.ndarray) -> None:
    found = detect_orb(camera, OrbDetect(count=300))
    assert len(found) == 300
    assert not np.isnan(found.angle).any()
    assert found.octave.max() > 0
    assert np.allclose(found.size, 31 * 1.2**found.octave, rtol=1e-3)


def test_that_sift_equals_opencv(camera: np.ndarray) -> None:
    features = extract_sift(camera, ALL)
    found, values = cv2.SIFT.create(enable_precise_upscale=True).detectAndCompute(camera, None)
    assert np.array_equal(features.keypoints.xy, np.array([k.pt for k in found], np.float32))
    assert features.descriptors is not None
    assert np.array_equal(features.descriptors.values, values)


def test_that_descriptors_are_whole_numbers_of_norm_512(camera: np.ndarray) -> None:
    descriptors = extract_sift(camera, ALL).descriptors
    assert descriptors is not None
    assert np.array_equal(descriptors.values, np.rint(descriptors.values))
    assert np.allclose(np.linalg.norm(descriptors.values, axis=1), 512, atol=3)


def test_that_coarse_keypoints_alone_are_described_as_among_all(camera: np.ndarray) -> None:
    features = extract_sift(camera, ALL)
    coarse = features.keypoints.octave >= 1
    alone = describe_sift(camera, features.keypoints.take(coarse)).descriptors
    assert alone is not None
    assert features.descriptors is not None
    assert np.array_equal(alone.values, features.descriptors.values[coarse])


def test_that_an_upright_descriptor_of_the_negative_is_rolled_by_four_bins(camera: np.ndarray) -> None:
    keypoints = detect_sift(camera, SiftDetect(count=200))
    here = describe_sift(camera, keypoints, upright=True).descriptors
    there = describe_sift(255 - camera, keypoints, upright=True).descriptors
    assert here is not None
    assert there is not None
    assert np.array_equal(np.roll(here.values.reshape(-1, 16, 8), 4, axis=2), there.values.reshape(-1, 16, 8))


def test_that_a_place_described_upright_is_one_point(camera: np.ndarray) -> None:
    """Twins with one descriptor would lose every ratio test: of a picture and itself all points must pass it."""
    turned = detect_sift(camera, SiftDetect(count=400))
    both = describe_sift(camera, turned, upright=True), extract_sift(camera, SiftDetect(count=400), upright=True)
    explained = ExplainedDetect(count=400), ExplainedDescribe(upright=True)
    places = {tuple(row) for row in turned.xy.tolist()}
    for features in (*both, extract_explained(camera, *explained)):
        assert features.descriptors is not None
        assert len(features.keypoints) == len(features.descriptors.values) < len(turned)
        if features in both:
            assert {tuple(row) for row in features.keypoints.xy.tolist()} == places
        values = features.descriptors.values.astype(np.float64)
        near = np.sort(np.linalg.norm(values[:, None] - values[None], axis=2), axis=1)[:, 1]
        assert near.min() > 10
    alone = describe_explained(camera, detect_explained(camera, explained[0]), explained[1])
    assert len(alone.keypoints) == len(extract_explained(camera, *explained).keypoints)


def test_that_root_sift_has_unit_length_and_hellinger_distance() -> None:
    h, g = np.random.default_rng(0).random((2, 5, 128)).astype(np.float32)
    a, b = root(h), root(g)
    assert np.allclose((a**2).sum(axis=1), 1, atol=1e-6)
    p, q = h / h.sum(axis=1, keepdims=True), g / g.sum(axis=1, keepdims=True)
    assert np.allclose(((a - b) ** 2).sum(axis=1), 2 - 2 * np.sqrt(p * q).sum(axis=1), atol=1e-5)
    assert np.array_equal(root(np.zeros((1, 128), np.float32)), np.zeros((1, 128)))
