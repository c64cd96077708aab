"""The explained SIFT against OpenCV's at equal parameters, and against scikit-image's at the level of repeatability.

Measured with OpenCV 5.0.0 (share of keypoints with a partner within 0.01 px, 1 % of scale and 1 degree, both ways; of
those the share with descriptors nearer than 10 of 512):

    camera   705 |  705   100 % and 100 %      both ways
    graf    2728 | 2728   100 % and 100 %      both ways
    boat    8359 | 8357   99.98 % of OpenCV's, 100 % of ours; 100 %
    leuven  2312 | 2312   100 % and 100 %      both ways

The two keypoints of boat that OpenCV alone has lie on a threshold: (556.40, 261.18) has the edge ratio 12.1002 by
float64 against the limit of 12.1, and the fit at (807.64, 568.17) ends 0.500004 of a layer away, where 0.5 is the
limit; OpenCV's float32 falls on the other side. Everything else that
differs, differs by rounding: responses by 2e-7, positions by less than 1e-3 px, single descriptor bins by one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.records import Features, Keypoints, UInt8
from app.vision.describe import extract_sift
from app.vision.detect import SiftDetect, unpack_octave
from tests.vision.sift_pictures import OXFORD, camera, explained, oxford

PX, SCALE, DEGREES, DISTANCE = 0.01, 0.01, 1.0, 10.0


def partners(a: Keypoints, b: Keypoints) -> np.ndarray:
    """Return for each row of ``a`` the row of ``b`` that is the same keypoint, -1 for none."""
    result = np.full(len(a), -1)
    order = np.argsort(b.xy[:, 0], kind="stable")
    low = np.searchsorted(b.xy[order, 0], a.xy[:, 0] - PX)
    high = np.searchsorted(b.xy[order, 0], a.xy[:, 0] + PX, side="right")
    for row in range(len(a)):
        rows = order[low[row] : high[row]]
        near = np.linalg.norm(b.xy[rows] - a.xy[row], axis=1) < PX
        near &= np.abs(b.size[rows] / a.size[row] - 1) < SCALE
        turn = np.abs((b.angle[rows] - a.angle[row] + 180) % 360 - 180)
        rows, turn = rows[near & (turn < DEGREES)], turn[near & (turn < DEGREES)]
        if len(rows):
            result[row] = rows[turn.argmin()]
    return result


def agreement(a: Features, b: Features) -> tuple[float, float, np.ndarray]:
    """Return the shares of keypoints of ``a`` that are in ``b`` and of equal descriptors, and the rows that are not."""
    to = partners(a.keypoints, b.keypoints)
    assert a.descriptors is not None
    assert b.descriptors is not None
    has = to >= 0
    gap = np.linalg.norm(a.descriptors.values[has] - b.descriptors.values[to[has]], axis=1)
    return float(has.mean()), float((gap < DISTANCE).mean()), np.flatnonzero(~has)


def check(name: str, grey: UInt8, **settings: float) -> None:
    theirs = extract_sift(grey, SiftDetect(count=0, **settings))
    ours = explained(grey, **settings).features
    assert len(theirs.keypoints) > 200
    for title, one, other in (("of OpenCV's", theirs, ours), ("of ours", ours, theirs)):
        share, equal, rest = agreement(one, other)
        listed = [
            f"({k.xy[i, 0]:.2f}, {k.xy[i, 1]:.2f}) octave {k.octave[i]} layer {k.layer[i]}{k.sublayer[i]:+.3f} "
            f"angle {k.angle[i]:.2f} response {k.response[i]:.5f}"
            for k in [one.keypoints]
            for i in rest
        ]
        line = f"{name}: {share:.3%} {title} {len(one.keypoints)}, descriptors {equal:.3%}; without partner: {listed}"
        sys.stdout.write(f"{line}\n")
        assert share >= 0.99, line
        assert equal >= 0.99, line


def test_that_camera_agrees_with_opencv() -> None:
    check("camera", camera())


@pytest.mark.parametrize("name", OXFORD)
def test_that_oxford_pictures_agree_with_opencv(name: str, shared_data: Path) -> None:
    check(name, oxford(shared_data, name))


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g[:201, :333],
        lambda g: g[5:, 3:],
        lambda g: (g // 2 + 40).astype(np.uint8),
        lambda g: np.ascontiguousarray(g[:, :120]),
        lambda g: np.clip(g.astype(int) * 3 - 200, 0, 255).astype(np.uint8),
        lambda g: np.random.default_rng(3).integers(0, 256, g[:150, :211].shape, dtype=np.uint8),
    ],
    ids=["odd", "shifted", "half gain", "narrow", "saturated", "noise"],
)
def test_that_other_pictures_agree_too(change: Callable[[UInt8], UInt8]) -> None:
    grey = np.ascontiguousarray(change(camera()))
    theirs, ours = extract_sift(grey, SiftDetect(count=0)), explained(grey).features
    for one, other in ((theirs, ours), (ours, theirs)):
        share, equal, _ = agreement(one, other)
        assert share >= 0.99
        assert equal >= 0.99


@pytest.mark.parametrize("settings", [{"contrast": 0.09}, {"contrast": 0.02, "edge": 5.0}, {"contrast": 0.0}])
def test_that_other_thresholds_agree_too(settings: dict[str, float]) -> None:
    check(str(settings), np.ascontiguousarray(camera()[100:356, 100:356]), **settings)


@pytest.mark.parametrize("layers", [1, 2, 4, 5, 8])
def test_that_other_numbers_of_layers_agree_too(layers: int) -> None:
    import cv2

    from app.vision.detect import from_cv

    grey = camera()
    engine = cv2.SIFT.create(
        nOctaveLayers=layers, contrastThreshold=0.04, edgeThreshold=10, sigma=1.6, enable_precise_upscale=True
    )
    theirs, ours = from_cv(engine.detect(grey, None), sift_octaves=True), explained(grey, layers=layers).keypoints
    assert len(theirs) > 100
    assert np.mean(partners(theirs, ours) >= 0) >= 0.99
    assert np.mean(partners(ours, theirs) >= 0) >= 0.99


def test_that_the_octave_is_packed_as_opencv_does() -> None:
    ours, theirs = explained(camera()).keypoints, extract_sift(camera(), SiftDetect(count=0)).keypoints
    to = partners(ours, theirs)
    assert np.array_equal(ours.octave, theirs.octave[to])
    assert np.array_equal(ours.layer, theirs.layer[to])
    # The sublayer is rounded to 1 / 255 when packed; rounding may go either way.
    assert np.abs((ours.packed >> 16) - (theirs.packed[to] >> 16)).max() <= 1
    octave, layer, sublayer = unpack_octave(ours.packed)
    assert np.array_equal(octave, ours.octave)
    assert np.array_equal(layer, ours.layer)
    assert np.abs(sublayer - ours.sublayer).max() <= 0.5 / 255 + 1e-6
    sigma = 1.6 * 2.0 ** (octave + (layer + ours.sublayer) / 3)
    assert np.allclose(ours.size, 2 * sigma, rtol=1e-5)


def test_that_scikit_image_finds_most_of_the_strong_points() -> None:
    """Another implementation (Rey-Otero and Delbracio) with its own upsampling and thresholds: repeatability only."""
    from skimage.feature import SIFT

    grey = camera()
    engine = SIFT(c_dog=0.04 / 3)
    engine.detect(grey)
    theirs = engine.positions[:, ::-1]
    ours = explained(grey).keypoints
    strong = ours.xy[ours.response > np.median(ours.response)]
    gap = np.linalg.norm(strong[:, None] - theirs[None], axis=2).min(axis=1)
    assert np.mean(gap < 1.0) > 0.8
    chance = 1 - np.exp(-len(theirs) * np.pi / grey.size)
    assert np.mean(gap < 1.0) > 20 * chance
