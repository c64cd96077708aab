"""One pair through the stages: what runs again, what is reported on the way, and agreement with a plain script."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from app import matchers, pairs, pipeline
from app.jobs import NativeCall, Progress, native_calls_ended, run_to_end
from app.matchers import MatcherSpec
from app.records import (
    Descriptors,
    Features,
    Keypoints,
    Matches,
    MatchRequest,
    MatchResult,
    PairRef,
    WorkingImage,
)
from app.settings import Settings, number
from app.vision.match import MatchSettings, match_features

CALLS: Counter[str] = Counter()


@dataclass(frozen=True)
class FakeDetect(Settings):
    count: int = number(20, 0, 100, 1, label="n", help="n")
    max_side: int = number(0, 0, 5000, 1, label="n", help="n")


@dataclass(frozen=True)
class FakeDescribe(Settings):
    gain: float = number(1.0, 0.0, 9.0, 1.0, label="g", help="g")


def detect(image: WorkingImage, settings: FakeDetect) -> Keypoints:
    CALLS["detect"] += 1
    height, width = image.grey.shape
    points = np.random.default_rng(1).uniform(0, 1, (settings.count, 2)) * (width - 1, height - 1)
    return Keypoints.at(points, size=6)


def describe(image: WorkingImage, keypoints: Keypoints, settings: FakeDescribe) -> Features:
    CALLS["describe"] += 1
    values = np.arange(len(keypoints), dtype=np.float32)[:, None] * [1.0, settings.gain]
    return Features(keypoints, Descriptors(values.astype(np.float32)))


def match(left: Features, right: Features, settings: MatchSettings) -> Matches:
    CALLS["match"] += 1
    return match_features(left, right, settings)


FAKE = MatcherSpec("fake", "Fake", "t", "s", FakeDetect, FakeDescribe, MatchSettings, detect, describe, match)


RELEASE = threading.Event()


def slow(image: WorkingImage, settings: FakeDetect) -> Keypoints:
    RELEASE.wait(10)
    return detect(image, settings)


def joint(
    left: WorkingImage, right: WorkingImage, _d: FakeDetect, _m: MatchSettings
) -> tuple[Features, Features, Matches]:
    CALLS["joint"] += 1
    points = Keypoints.at([[3, 3], [9, 9]])
    one = np.ones(2, np.float32)
    found = Matches(np.array([[0, 0], [1, 1]], np.int32), one, one * np.nan, one, (("matches", 2),))
    return Features(points), Features(points), found


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = {
        "fake": FAKE,
        "slow": replace(FAKE, key="slow", detect=slow),
        "joint": replace(FAKE, key="joint", joint=joint),
    }
    real = matchers.get
    monkeypatch.setattr(matchers, "get", lambda key: known.get(key) or real(key))
    CALLS.clear()
    yield
    assert native_calls_ended(20), "an abandoned stage still counts its calls"


def request(key: str = "fake", *assignments: str, ref: PairRef | None = None) -> MatchRequest:
    settings = matchers.with_assignments(matchers.get(key).defaults(), list(assignments))
    return MatchRequest(ref or pairs.builtin()[0], key, settings)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize(
    ("assignment", "again"),
    [
        ("match.ratio=0.7", {"match": 1}),
        ("match.mutual=false", {"match": 1}),
        ("verify.threshold=5", {}),
        ("verify.model=affine", {}),
        ("evaluate.threshold=5", {}),
        ("describe.gain=2", {"describe": 2, "match": 1}),
        ("detect.count=10", {"detect": 2, "describe": 2, "match": 1}),
    ],
)
def test_that_a_change_runs_only_the_stages_behind_it(assignment: str, again: dict[str, int]) -> None:
    cache = pipeline.Cache()
    run_to_end(pipeline.run_pair(request(), cache))
    assert dict(CALLS) == {"detect": 2, "describe": 2, "match": 1}
    CALLS.clear()
    run_to_end(pipeline.run_pair(request("fake", assignment), cache))
    assert dict(CALLS) == again


@pytest.mark.parametrize("matcher", ["sift", "sift-explained"])
def test_that_what_upright_drops_is_there_again_without_it(matcher: str) -> None:
    """Results must not depend on what was asked before: of the places, upright keeps one keypoint each."""
    settings = matchers.get(matcher).defaults()
    settings = replace(settings, detect=replace(settings.detect, count=300))
    upright = replace(settings, describe=replace(settings.describe, upright=True))
    ref = pairs.builtin()[0]
    cache = pipeline.Cache()
    found = [
        dict(run_to_end(pipeline.run_pair(MatchRequest(ref, matcher, asked), cache)).funnel)["left keypoints"]
        for asked in (upright, settings, upright)
    ]
    assert found[0] == found[2] < found[1] == 300


@pytest.mark.usefixtures("fakes")
def test_that_a_pair_being_read_already_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request()
    pair = pairs.load(asked.ref)
    monkeypatch.setattr(pairs, "load", lambda _ref: pytest.fail("it was read a second time"))
    result = run_to_end(pipeline.run_pair(asked, reading=NativeCall(lambda: pair)))
    assert result.pair is pair


@pytest.mark.usefixtures("fakes")
def test_that_the_result_grows_and_ends_complete() -> None:
    seen: list[Progress] = []
    result = run_to_end(pipeline.run_pair(request()), seen.append)
    parts = [step.payload for step in seen]
    assert all(isinstance(part, MatchResult) for part in parts)
    fields = ("pair", "left", "matches", "verification")
    filled = [sum(getattr(part, name) is not None for name in fields) for part in parts]
    assert filled == sorted(filled)
    assert set(filled) >= {0, 1, 2, 3, 4}
    assert result.evaluation is not None
    assert set(result.seconds) == {"load", "detect + describe", "match", "verify", "evaluate"}
    assert [name for name, _ in result.funnel][:3] == ["left keypoints", "right keypoints", "nearest"]


@pytest.mark.usefixtures("fakes")
def test_that_a_slow_stage_yields_often_and_can_be_cancelled() -> None:
    job = pipeline.run_pair(request("slow"))
    RELEASE.clear()
    try:
        told = itertools.islice(job, 20)
        assert sum(progress.payload.pair is not None for progress in told) > 8
        assert CALLS["detect"] == 0, "it was asked while the stage was still at work"
        job.close()
        assert CALLS["detect"] == 0, "closing must not wait for the stage"
    finally:
        RELEASE.set()


@pytest.mark.usefixtures("fakes")
def test_that_a_joint_matcher_needs_no_detector() -> None:
    result = run_to_end(pipeline.run_pair(request("joint")))
    assert dict(CALLS) == {"joint": 1}
    assert result.matches is not None
    assert len(result.matches) == 2


@pytest.mark.usefixtures("fakes")
def test_that_coordinates_are_original_whatever_the_working_size() -> None:
    full = run_to_end(pipeline.run_pair(request()))
    small = run_to_end(pipeline.run_pair(request("fake", "detect.max_side=200")))
    assert full.left is not None
    assert small.left is not None
    assert small.working_size == ((200, 133), (200, 133))
    assert np.abs(full.left.keypoints.xy - small.left.keypoints.xy).max() < 3.1
    assert "200 × 133" in small.notes[0]


@pytest.mark.usefixtures("fakes")
def test_that_no_keypoints_are_an_answer_with_advice(tmp_path: Path) -> None:
    for name in "ab":
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((40, 50), 128, np.uint8))
    ref = pairs.from_files(tmp_path / "a.png", tmp_path / "b.png")
    result = run_to_end(pipeline.run_pair(request("sift", ref=ref)))
    assert result.matches is not None
    assert len(result.matches) == 0
    assert "No keypoints in the left image" in " ".join(result.notes)


def test_that_the_cache_stays_within_its_bytes() -> None:
    cache = pipeline.Cache(max_bytes=3000)
    for index in range(10):
        cache.put(index, np.zeros(1000, np.uint8))
    assert len(cache) == 3
    assert cache.bytes <= 3000
    assert cache.get(9) is not None
    assert cache.get(0) is None
    cache.put("large", np.zeros(5000, np.uint8))
    assert cache.get("large") is None


def plain_precision(folder: Path, k: int) -> float:
    """The reference: OpenCV alone, as a student would write it."""
    grey = []
    for index in (1, k):
        rgb = cv2.cvtColor(cv2.imread(str(folder / f"img{index}.png")), cv2.COLOR_BGR2RGB)
        grey.append(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    sift = cv2.SIFT_create(nfeatures=2000, enable_precise_upscale=True)
    (kp1, d1), (kp2, d2) = (sift.detectAndCompute(g, None) for g in grey)
    good = [m for m, n in cv2.BFMatcher(cv2.NORM_L2).knnMatch(d1, d2, k=2) if m.distance < 0.8 * n.distance]
    h = np.loadtxt(folder / f"H_1_{k}")
    a = np.array([kp1[m.queryIdx].pt for m in good])
    b = np.array([kp2[m.trainIdx].pt for m in good])
    mapped = cv2.perspectiveTransform(a[None], h)[0]
    height, width = grey[1].shape
    inside = ((mapped >= -0.5) & (mapped <= [width - 0.5, height - 0.5])).all(axis=1)
    return float(((np.linalg.norm(mapped - b, axis=1) <= 3) & inside).mean())


@pytest.mark.parametrize("name", ["graf", "boat", "bikes", "leuven"])
def test_that_precision_equals_an_independent_script(shared_data: Path, name: str) -> None:
    folder = shared_data / "oxford_affine" / name
    cache = pipeline.Cache()
    for ref, k in zip(pairs.from_folder(folder), range(2, 7), strict=True):
        asked = request("sift", "detect.count=2000", "match.mutual=false", "verify.model=none", ref=ref)
        result = run_to_end(pipeline.run_pair(asked, cache))
        assert result.evaluation is not None
        assert result.evaluation.precision == pytest.approx(plain_precision(folder, k), abs=0.01)
