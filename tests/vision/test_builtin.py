"""The built-in pairs: their truth is exact, their words and licences are there, they are quick to make."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest

from app import locate
from app.records import ImagePair, PairRef, UserError
from app.vision import builtin, builtin_scenes, photographs, synth
from app.vision.evaluate import reversed_truth, true_fundamental, true_places
from app.vision.geometry import epipolar_distance, sample_map, transform
from app.vision.images import grey8

KEYS = [ref.recipe for ref in builtin.REFS]
DENSE_OR_PLANE = [key for key in KEYS if key not in ("cups", "bicycles")]
NEEDED_TAGS = {
    "viewpoint", "rotation", "scale", "blur", "exposure", "gamma", "shadow", "contrast reversal", "noise", "JPEG",
    "repeated structure", "out of plane", "non-rigid", "articulated", "stereo", "semantic", "geometric", "photometric",
}  # fmt: skip


@lru_cache
def made(key: str) -> ImagePair:
    return builtin.make(next(ref for ref in builtin.REFS if ref.recipe == key))


def test_that_every_kind_of_change_is_shown() -> None:
    assert len(KEYS) >= 14
    assert {tag for ref in builtin.REFS for tag in ref.tags} >= NEEDED_TAGS
    assert all(ref.tags[0] in ("geometric", "photometric", "semantic") for ref in builtin.REFS)


@pytest.mark.parametrize("key", KEYS)
def test_that_every_pair_states_source_licence_and_words(key: str) -> None:
    pair = made(key)
    assert pair.source
    assert pair.licence
    assert builtin.describe(pair.ref)
    assert pair.truth.kind != "none"
    assert pair.left.rgb.shape[2] == 3


def agreement(pair: ImagePair, off: float = 0.0) -> float:
    """Median local correlation of the left picture with the right one fetched by the truth."""
    height, width = pair.left.rgb.shape[:2]
    grid = synth.pixel_grid(width, height)
    places = true_places(pair.truth, grid.reshape(-1, 2), pair.right.size)[0].reshape(grid.shape) + off
    known = np.isfinite(places).all(axis=2)
    at = np.where(known[..., None], places, -100).astype(np.float32)
    there = cv2.remap(grey8(pair.right.rgb).astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    here = grey8(pair.left.rgb).astype(np.float32)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (31, 31))

    a, b = here - mean(here), there - mean(there)
    with np.errstate(invalid="ignore", divide="ignore"):
        local = mean(a * b) / np.sqrt(mean(a * a) * mean(b * b))
    whole = cv2.erode(known.astype(np.uint8), np.ones((41, 41)), borderValue=0) > 0
    rough = mean(a * a) > 30.0
    inside = whole & rough & np.isfinite(local)
    assert inside.sum() > 500
    return float(np.median(local[inside]))


@pytest.mark.parametrize("key", DENSE_OR_PLANE)
def test_that_the_truth_carries_one_picture_onto_the_other(key: str) -> None:
    pair = made(key)
    sign = -1 if key == "camera" else 1  # contrast reversal
    close, shifted = sign * agreement(pair), sign * agreement(pair, off=8.0)
    assert close > 0.5
    assert close > shifted + 0.2


@pytest.mark.parametrize("key", ["boxes", "doll", "chelsea-warp", "motorcycle"])
def test_that_dense_maps_lead_there_and_back(key: str) -> None:
    pair = made(key)
    rng = np.random.default_rng(0)
    xy = rng.uniform([0, 0], np.asarray(pair.left.size) - 1, (4000, 2))
    there = true_places(pair.truth, xy, pair.right.size)[0]
    back = true_places(reversed_truth(pair.truth), there, pair.left.size)[0]
    known = np.isfinite(back).all(axis=1)
    assert known.mean() > 0.3
    gap = np.linalg.norm(back[known] - xy[known], axis=1)
    assert np.percentile(gap, 95) < 1.0


def test_that_the_smooth_warp_is_exact() -> None:
    truth = made("chelsea-warp").truth
    moved = synth.sine_displacement(7.0, 110.0)
    grid = synth.pixel_grid(451, 300)
    forward = truth.forward
    assert forward is not None
    known = np.isfinite(forward).all(axis=2)
    assert known.mean() > 0.9
    assert np.abs(moved(forward.astype(np.float64))[known] - grid[known]).max() < 1e-3


def test_that_rendered_points_lie_on_their_epipolar_lines() -> None:
    pair = made("boxes")
    xy = synth.pixel_grid(*pair.left.size).reshape(-1, 2)[::97]
    places, _ = true_places(pair.truth, xy, pair.right.size)
    known = np.isfinite(places).all(axis=1)
    fundamental = true_fundamental(pair.truth)
    assert fundamental is not None
    assert known.sum() > 500
    assert epipolar_distance(fundamental, xy[known], places[known]).max() < 1e-2


def test_that_a_spot_drawn_at_a_known_place_is_found_at_its_true_place() -> None:
    h = synth.homography_between([[10, 5], [190, 20], [185, 150], [3, 160]], synth.corners(240, 200))
    for x, y in ((60.0, 50.0), (120.0, 90.0), (150.0, 120.0)):
        v, u = np.mgrid[0:170, 0:200]
        spot = np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 2.0**2)) * 200
        rgb = np.repeat(spot[:, :, None], 3, axis=2).round().astype(np.uint8)
        seen = grey8(synth.warp(rgb, h, (240, 200), oversampling=4)).astype(float)
        v, u = np.mgrid[0:200, 0:240]
        expected = transform(h, [[x, y]])[0]
        near = np.hypot(u - expected[0], v - expected[1]) < 14
        weight = seen * near
        centre = np.array([(u * weight).sum(), (v * weight).sum()]) / weight.sum()
        # The centroid of a projected disc is not exactly the projected centre; at σ = 2 px it is within 0.05.
        assert np.linalg.norm(centre - expected) < 0.05


def test_that_whole_pixel_shifts_of_relit_pairs_are_exact() -> None:
    pair = made("camera")
    h = pair.truth.homography
    assert h is not None
    x, y = transform(h, [[100, 100]])[0].astype(int)
    assert np.array_equal(pair.right.rgb[y, x], 255 - pair.left.rgb[100, 100])


def test_that_disparity_maps_agree_with_the_file() -> None:
    pair = made("motorcycle")
    assert pair.truth.forward is not None
    with np.load(locate.photographs() / "motorcycle_disp.npz", allow_pickle=False) as file:
        disparity = file["arr_0"]
    y, x = np.argwhere(np.isfinite(pair.truth.forward).all(axis=2))[::5000].T
    there = sample_map(pair.truth.forward, np.stack([x, y], axis=1))
    assert np.array_equal(there[:, 1], y)
    assert np.allclose(x - there[:, 0], disparity[y, x], atol=1e-4)


def test_that_named_parts_lie_on_their_drawings() -> None:
    for key in ("cups", "bicycles"):
        pair = made(key)
        assert pair.truth.points is not None
        assert len(pair.truth.names) == len(pair.truth.points) >= 8
        assert np.all(pair.truth.points >= 0)
        assert np.all(pair.truth.points[:, :2] < pair.left.size)
        assert np.all(pair.truth.points[:, 2:] < pair.right.size)


def test_that_the_same_reference_makes_the_same_pair() -> None:
    ref = next(ref for ref in builtin.REFS if "noise" in ref.tags)
    assert builtin.make(ref).right.id == builtin.make(ref).right.id


def test_that_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(UserError, match="no built-in pair"):
        builtin.make(PairRef("builtin", "x", recipe="nowhere"))


@pytest.mark.parametrize("key", KEYS)
def test_that_every_photograph_in_a_pair_is_credited(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()
    read = photographs.photograph

    def noted(name: str) -> np.ndarray:
        used.add(name)
        return read(name)

    monkeypatch.setattr(builtin_scenes, "photograph", noted)
    builtin_scenes.boxes.cache_clear()
    pair = builtin.make(next(ref for ref in builtin.REFS if ref.recipe == key))
    used.discard("motorcycle_right")  # of the same source as the left one
    for name in used:
        source, licence = photographs.CREDITS[name]
        assert source in pair.source
        assert licence in pair.licence
    assert used or pair.source == photographs.OURS[0]


def test_that_the_doll_itself_bears_most_of_the_keypoints() -> None:
    pair = made("doll")
    points = cv2.SIFT_create(2000, enable_precise_upscale=True).detect(grey8(pair.left.rgb), None)
    xy = cv2.KeyPoint.convert(points)
    there, _ = true_places(pair.truth, xy, pair.right.size)
    rests = np.linalg.norm(there - xy, axis=1) < 0.01
    assert rests.mean() < 0.5
