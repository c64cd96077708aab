"""Windows: cutting them, and the closed forms of SSD and ZNCC."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.records import Keypoints
from app.vision.nearest import nearest
from app.vision.patches import PatchDescribe, cut, describe_windows
from app.vision.similarity import ssd, standardised, textured, zncc

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (61, 73), dtype=np.uint8)


def windows(n: int = 6, side: int = 11) -> np.ndarray:
    return RNG.random((n, side, side)) * 255


@given(gain=st.floats(0.1, 10), offset=st.floats(-100, 100))
def test_that_zncc_ignores_gain_and_offset(gain: float, offset: float) -> None:
    a = windows()
    assert np.allclose(zncc(a, gain * a + offset), 1)
    assert np.allclose(zncc(a, -gain * a + offset), -1)


def test_that_ssd_of_an_offset_is_n_times_its_square() -> None:
    a = windows()
    assert np.allclose(ssd(a, a + 3), 121 * 9)
    assert np.allclose(ssd(a, a), 0)
    assert ssd(a[:0], a[:0]).shape == (0,)


def test_that_zncc_is_symmetric_bounded_and_about_zero_for_noise() -> None:
    a, b = RNG.standard_normal((2, 4000, 11, 11))
    values = zncc(a, b)
    assert np.array_equal(values, zncc(b, a))
    assert np.all(np.abs(values) <= 1)
    assert abs(values.mean()) < 0.006
    assert values.std() == pytest.approx(1 / np.sqrt(120), rel=0.05)


def test_that_standardised_windows_turn_zncc_into_a_distance() -> None:
    a, b = (windows().reshape(6, -1).astype(np.float32) for _ in range(2))
    squared = ((standardised(a).astype(np.float64) - standardised(b)) ** 2).sum(axis=1)
    assert np.allclose(squared, 2 * (1 - zncc(a, b)), atol=1e-5)


def test_that_zncc_equals_opencv() -> None:
    a, b = windows(1), windows(1)
    expected = cv2.matchTemplate(a[0].astype(np.float32), b[0].astype(np.float32), cv2.TM_CCOEFF_NORMED)
    assert zncc(a, b)[0] == pytest.approx(float(expected[0, 0]), abs=1e-5)


def test_that_a_flat_window_has_no_zncc() -> None:
    flat = np.full((1, 5, 5), 7.0)
    assert np.isnan(zncc(flat, windows(1, 5))).all()
    # Also one whose mean is rounded, which leaves 121 equal differences, and so would correlate with itself by 1.
    rounded = np.full((1, 11, 11), 85.3)
    assert (rounded.reshape(1, -1).mean(axis=1) != 85.3).all()
    for other in (rounded, windows(1, 11)):
        assert np.isnan(zncc(rounded, other)).all()
        assert np.isnan(zncc(other, rounded)).all()
    strong = windows(1, 11)
    assert zncc(85.3 + 1e-9 * strong, strong) == pytest.approx(1, abs=1e-4)  # little, yet no rounding
    assert np.isnan(standardised(flat.reshape(1, -1).astype(np.float32))).all()
    assert textured(flat.reshape(1, -1).astype(np.float32), least=0.0).tolist() == [False]


def test_that_whole_pixel_windows_are_the_pixels_themselves() -> None:
    found, inside = cut(IMAGE, Keypoints.at([[30, 20], [5, 5], [4, 5]]), side=11)
    assert np.array_equal(found[0], IMAGE[15:26, 25:36])
    assert np.array_equal(found[1], IMAGE[:11, :11])
    assert inside.tolist() == [True, True, False]


def test_that_half_pixel_windows_are_means_of_neighbours() -> None:
    found, _ = cut(IMAGE, Keypoints.at([[30.5, 20]]), side=7)
    assert np.allclose(found[0], (IMAGE[17:24, 27:34].astype(float) + IMAGE[17:24, 28:35]) / 2, atol=1e-3)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_that_a_following_window_turns_with_the_keypoint(turns: int) -> None:
    smooth = cv2.GaussianBlur(IMAGE, (0, 0), 2)
    here = replace(Keypoints.at([[36, 30]], size=17 / 6), angle=np.array([0.0], np.float32))
    turned = np.ascontiguousarray(np.rot90(smooth, k=-turns))
    x, y = 36.0, 30.0
    height, width = smooth.shape
    for _ in range(turns):
        x, y, height, width = height - 1 - y, x, width, height
    there = replace(Keypoints.at([[x, y]], size=17 / 6), angle=np.array([90.0 * turns], np.float32))
    a, b = cut(smooth, here, side=17, follow=True)[0], cut(turned, there, side=17, follow=True)[0]
    assert np.allclose(a, b, atol=0.5)


def test_that_many_windows_are_cut_in_parts_without_a_seam() -> None:
    xy = RNG.uniform(10, 50, (5000, 2)).astype(np.float32)
    together, _ = cut(IMAGE, Keypoints.at(xy), side=11)
    alone, _ = cut(IMAGE, Keypoints.at(xy[2900:2930]), side=11)
    assert np.array_equal(together[2900:2930], alone)


@pytest.mark.parametrize("measure", ["ssd", "zncc"])
def test_that_flat_and_cut_off_windows_are_dropped(measure: str) -> None:
    grey = IMAGE.copy()
    grey[:, 40:] = 90
    keypoints = Keypoints.at([[20, 30], [60, 30], [2, 30]])
    found = describe_windows(grey, keypoints, PatchDescribe(window="11"), measure=measure)  # type: ignore[arg-type]
    assert found.keypoints.xy.tolist() == [[20, 30]]
    none = describe_windows(grey, Keypoints.empty(), PatchDescribe(), measure=measure)  # type: ignore[arg-type]
    assert none.descriptors is not None
    assert none.descriptors.values.shape == (0, 17 * 17)


@pytest.mark.parametrize("measure", ["ssd", "zncc"])
def test_that_distances_are_roots_of_the_measures(measure: str) -> None:
    grid = np.stack(np.meshgrid(np.arange(12, 60, 6), np.arange(12, 48, 6)), axis=-1).reshape(-1, 2)
    settings = PatchDescribe(window="9")
    features = describe_windows(IMAGE, Keypoints.at(grid), settings, measure=measure)  # type: ignore[arg-type]
    other = describe_windows(255 - IMAGE.T.copy(), Keypoints.at(grid[:, ::-1]), settings, measure=measure)  # type: ignore[arg-type]
    assert features.descriptors is not None
    assert other.descriptors is not None
    found = nearest(features.descriptors, other.descriptors)
    a, _ = cut(IMAGE, features.keypoints, side=9)
    b, _ = cut(255 - IMAGE.T.copy(), other.keypoints.take(found.index), side=9)
    expected = np.sqrt(ssd(a, b)) if measure == "ssd" else np.sqrt(2 * (1 - zncc(a, b)))
    assert np.allclose(found.distance, expected, rtol=1e-5, atol=1e-5)
