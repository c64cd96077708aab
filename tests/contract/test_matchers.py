"""What every usable matcher must do, whoever wrote it; a new matcher is picked up by itself."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from app.locate import photographs
from app.matchers import MatcherSpec, discover, get
from app.records import Features, Keypoints, Matches, StageSettings, UserError, WorkingImage
from app.settings import fields_of

READY = [entry for entry in discover() if not entry.reason]
SPECS = [pytest.param(entry.spec, id=entry.key) for entry in READY]
# Matchers that compare windows as they stand.
UPRIGHT = ("patch-ssd", "patch-zncc", "fast-patch", "gftt-patch", "daisy")
every_matcher = pytest.mark.parametrize("spec", SPECS)


def picture(width: int = 313, height: int = 241) -> np.ndarray:
    """A textured photograph at odd sizes."""
    grey = cv2.imread(str(photographs() / "brick.png"), cv2.IMREAD_GRAYSCALE)
    other = cv2.imread(str(photographs() / "camera.png"), cv2.IMREAD_GRAYSCALE)
    mixed = cv2.addWeighted(cv2.resize(grey, other.shape[::-1]), 0.3, other, 0.7, 0)
    return np.ascontiguousarray(cv2.resize(mixed, (width, height), interpolation=cv2.INTER_AREA))


def quick(spec: MatcherSpec) -> StageSettings:
    """The matcher's defaults with few enough keypoints for a test."""
    base = spec.defaults()
    return replace(base, detect=replace(base.detect, count=400))


def working(grey: np.ndarray, name: str = "test") -> WorkingImage:
    return WorkingImage(name, grey)


def features(spec: MatcherSpec, grey: np.ndarray, settings: StageSettings | None = None) -> Features:
    chosen = settings or quick(spec)
    image = working(grey)
    return spec.describe(image, spec.detect(image, chosen.detect), chosen.describe)


def run(spec: MatcherSpec, left: np.ndarray, right: np.ndarray) -> tuple[Features, Features, Matches]:
    settings = quick(spec)
    if spec.joint is not None:
        return spec.joint(working(left, "l"), working(right, "r"), settings.detect, settings.match)
    a, b = features(spec, left, settings), features(spec, right, settings)
    return a, b, spec.match(a, b, settings.match)


def share_within(a: Features, b: Features, matches: Matches, h: np.ndarray, px: float) -> float:
    left = a.keypoints.xy[matches.pairs[:, 0]].astype(np.float64)
    ends = np.c_[left, np.ones(len(left))] @ h.T
    error = np.linalg.norm(ends[:, :2] / ends[:, 2:] - b.keypoints.xy[matches.pairs[:, 1]], axis=1)
    return float(np.mean(error <= px))


def same(a: Any, b: Any) -> None:
    """Assert two records of arrays hold the same bytes."""
    for name in a.__dataclass_fields__:
        left, right = getattr(a, name), getattr(b, name)
        if isinstance(left, np.ndarray):
            assert np.array_equal(left, right, equal_nan=left.dtype.kind == "f"), name
        elif hasattr(left, "__dataclass_fields__"):
            same(left, right)
        else:
            assert left == right, name


def test_the_usual_matchers_are_there() -> None:
    keys = {entry.key for entry in READY}
    assert {"sift", "rootsift", "patch-ssd", "patch-zncc", "asift", "orb", "fast-patch", "gftt-patch"} <= keys


def test_contrib_matchers_are_listed_with_the_way_to_get_them_when_absent() -> None:
    entries = {entry.key: entry for entry in discover()}
    for key in ("akaze", "kaze", "brisk", "daisy", "teblid", "gms"):
        if hasattr(cv2, "xfeatures2d"):
            assert entries[key].reason == ""
        else:
            assert "pip uninstall -y opencv-python" in entries[key].reason
            assert 'pip install "opencv-contrib-python>=5,<6"' in entries[key].reason
            with pytest.raises(UserError, match="opencv-contrib-python"):
                get(key)


@every_matcher
def test_that_it_teaches_and_explains_every_setting(spec: MatcherSpec) -> None:
    assert spec.teaches.endswith(".")
    assert spec.source
    settings = spec.defaults()
    names = [field.name for field in fields_of(settings.detect)]
    assert names[:1] == ["count"]
    assert "max_side" in names
    for stage in (settings.detect, settings.describe, settings.match):
        for field in fields_of(stage):
            assert field.label, field.name
            assert field.help.endswith("."), field.name


@every_matcher
def test_that_a_known_homography_is_recovered_at_odd_sizes(spec: MatcherSpec) -> None:
    left = picture()
    h = np.array([[0.98, -0.06, 12.0], [0.05, 0.99, -7.0], [1e-5, 2e-5, 1.0]])
    right = cv2.warpPerspective(left, h, (339, 257), flags=cv2.INTER_AREA)
    a, b, matches = run(spec, left, right)
    assert len(matches) >= 30
    assert share_within(a, b, matches, h, 3.0) > 0.8


@every_matcher
def test_that_identical_images_match_themselves(spec: MatcherSpec) -> None:
    image = picture()
    a, b, matches = run(spec, image, image)
    same(a.keypoints, b.keypoints)
    assert len(matches) > 0.3 * len(a.keypoints)
    assert share_within(a, b, matches, np.eye(3), 1.0) > 0.98


@every_matcher
def test_that_it_finds_itself_in_the_image_rotated_by_90_degrees_or_says_it_cannot(spec: MatcherSpec) -> None:
    image = picture()
    turned = np.ascontiguousarray(np.rot90(image, k=-1))
    h = np.array([[0.0, -1.0, image.shape[0] - 1], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    a, b, matches = run(spec, image, turned)
    if spec.key in UPRIGHT:
        assert len(matches) == 0 or share_within(a, b, matches, h, 3.0) < 0.9
    else:
        assert share_within(a, b, matches, h, 3.0) > 0.9


@every_matcher
@pytest.mark.parametrize("size", [(1, 1), (1, 64), (64, 1), (2, 2), (3, 200), (7, 9), (17, 16), (31, 20)])
def test_that_tiny_and_blank_images_give_empty_or_valid_results(spec: MatcherSpec, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    for grey in (np.zeros(size, np.uint8), np.full(size, 255, np.uint8), noise):
        a, b, matches = run(spec, grey, picture(121, 99))
        assert matches.pairs.shape[1] == 2
        assert np.all(matches.pairs[:, 0] < len(a.keypoints))
        assert np.all(matches.pairs[:, 1] < len(b.keypoints))


@every_matcher
def test_that_a_blank_image_gives_zero_matches_on_either_side(spec: MatcherSpec) -> None:
    blank, image = np.full((120, 160), 128, np.uint8), picture()
    for left, right in ((blank, image), (image, blank), (blank, blank)):
        _, _, matches = run(spec, left, right)
        assert len(matches) == 0
        assert matches.distance.shape == (0,)


@every_matcher
def test_that_one_or_no_keypoint_on_either_side_is_handled(spec: MatcherSpec) -> None:
    if spec.joint is not None:
        pytest.skip("a joint matcher takes images, not keypoints")
    settings, full = quick(spec), features(spec, picture())
    descriptors = full.descriptors
    assert descriptors is not None

    def first(n: int) -> Features:
        return Features(full.keypoints.take(np.arange(n)), replace(descriptors, values=descriptors.values[:n]))

    for n, m in ((0, 0), (0, 1), (1, 0), (1, 1), (1, len(full.keypoints)), (len(full.keypoints), 1), (2, 2)):
        matches = spec.match(first(n), first(m), settings.match)
        assert len(matches) <= max(n, 0)
        if m == 1:
            assert np.all(np.isnan(matches.second))
        assert matches.funnel[0] == ("nearest", n if m else 0)
    assert len(spec.describe(working(picture()), Keypoints.empty(), settings.describe).keypoints) == 0


@every_matcher
def test_that_the_count_limits_the_keypoints_and_zero_means_all(spec: MatcherSpec) -> None:
    settings, image = quick(spec), working(picture())
    everything = spec.detect(image, replace(settings.detect, count=0))
    few = spec.detect(image, replace(settings.detect, count=50))
    assert 0 < len(few) <= 50 < len(everything)
    if few.response.max() > 0 and spec.key not in ("orb", "teblid", "gms"):  # ORB shares the count among its levels
        assert few.response.min() >= np.sort(everything.response)[-60]


@every_matcher
def test_that_the_same_input_gives_the_same_bytes_and_is_left_unchanged(spec: MatcherSpec) -> None:
    left, right = picture(), picture(257, 339)
    kept = left.copy(), right.copy()
    first, second = run(spec, left, right), run(spec, left, right)
    for one, other in zip(first, second, strict=True):
        same(one, other)
    assert np.array_equal(left, kept[0])
    assert np.array_equal(right, kept[1])


@every_matcher
def test_that_the_fused_call_gives_what_the_two_stages_give(spec: MatcherSpec) -> None:
    if spec.extract is None:
        pytest.skip("this matcher has no fused call")
    settings, image = quick(spec), working(picture())
    for count in (0, 37):
        detect = replace(settings.detect, count=count)
        fused = spec.extract(image, detect, settings.describe)
        assert fused is not None
        same(fused, spec.describe(image, spec.detect(image, detect), settings.describe))
        # They are kept for other descriptors, so none may be missing; where some would be there is no fused call.
        assert np.array_equal(fused.keypoints.xy, spec.detect(image, detect).xy)
        if hasattr(settings.describe, "upright"):
            assert spec.extract(image, detect, replace(settings.describe, upright=True)) is None


@every_matcher
def test_that_swapping_sides_swaps_the_mutual_nearest(spec: MatcherSpec) -> None:
    settings = quick(spec).match
    if spec.joint is not None or not {"ratio", "mutual"} <= {field.name for field in fields_of(settings)}:
        pytest.skip("this matcher has no mutual check")
    if spec.key == "asift":
        pytest.skip("keeps one of several matches that join the same places, by order")
    settings = replace(settings, ratio=0.0, mutual=True)
    a, b = features(spec, picture()), features(spec, picture(257, 339))
    there, back = spec.match(a, b, settings), spec.match(b, a, settings)
    forward = {tuple(pair) for pair in there.pairs.tolist()}
    # Equal descriptors are resolved towards the lower index on the searching side, so only ties may differ.
    backward = {(j, i) for i, j in back.pairs.tolist()}
    assert len(forward ^ backward) <= 0.02 * len(forward)


@every_matcher
def test_that_the_funnel_never_widens_and_ends_with_the_matches(spec: MatcherSpec) -> None:
    _, _, matches = run(spec, picture(), picture(257, 339))
    counts = [count for _, count in matches.funnel]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == len(matches)


@every_matcher
def test_that_keypoints_lie_in_the_image_and_numbers_are_finite(spec: MatcherSpec) -> None:
    image = picture()
    found = features(spec, image)
    height, width = image.shape
    xy = found.keypoints.xy
    assert np.all((xy >= -0.5) & (xy <= [width - 0.5, height - 0.5]))
    assert np.all(found.keypoints.size > 0)
    angle = found.keypoints.angle
    assert np.all(np.isnan(angle) | ((angle >= 0) & (angle <= 360)))
    if found.descriptors is not None and found.descriptors.values.dtype != np.uint8:
        assert np.all(np.isfinite(found.descriptors.values))


@every_matcher
def test_that_asking_for_readiness_loads_nothing(spec: MatcherSpec) -> None:
    spec.ready()  # the first time may look for a library
    before = set(sys.modules)
    spec.ready()
    assert set(sys.modules) == before
