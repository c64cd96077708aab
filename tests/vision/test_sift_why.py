"""Why is there no keypoint? Pictures made so that the reason is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from app import matchers
from app.jobs import run_to_end
from app.records import (
    ImagePair,
    MatchRequest,
    MatchResult,
    PairRef,
    StageSettings,
    UInt8,
)
from app.vision.images import make_image
from app.vision.match import match_features
from app.vision.probe import WhyNot, why_not
from app.vision.sift_matching import detection_at, explanation_of, sift_settings
from app.vision.sift_records import Stage
from app.vision.sift_why import Detection, reason, why_not_detected
from tests.vision.sift_pictures import blob, camera, disk, explained


def at(grey: UInt8, x: float, y: float, **settings: float) -> Detection:
    return why_not_detected(explained(grey, **settings), x, y)


def test_that_a_keypoint_is_told_with_its_scale() -> None:
    found = at(disk(10), 128, 128)
    assert found.passed
    assert found.stage == ""
    assert found.sentence.startswith("A keypoint ")
    assert "bright blob" in found.sentence
    assert found.place is not None
    assert found.place[:2] == pytest.approx((128, 128), abs=0.2)
    assert "dark blob" in at(255 - disk(10), 128, 128).sentence


def test_that_a_weak_blob_is_below_contrast_by_so_much() -> None:
    weak = blob(4, height=14)
    found = at(weak, 128, 128)
    expected = 0.1150 * 14 / 255 * 3
    assert not found.passed
    assert found.stage == "contrast"
    assert found.numbers["contrast"] == pytest.approx(expected, rel=0.05)
    assert found.numbers["short"] == pytest.approx(0.04 - found.numbers["contrast"])
    assert "below contrast by" in found.sentence
    assert at(weak, 128, 128, contrast=expected * 0.9).passed


def test_that_what_is_below_the_noise_floor_is_told_as_contrast_too() -> None:
    found = at(blob(4, height=6), 128, 128)
    assert found.stage == "extremum"
    assert found.sentence.startswith("Below contrast by")
    assert found.numbers["D"] < 0
    assert abs(found.numbers["D"]) == pytest.approx(0.1150 * 6, rel=0.2)


def test_that_a_long_bar_is_an_edge() -> None:
    y, x = np.mgrid[:201, :201] - 100
    bar = np.rint(60 + 120 * np.exp(-(x**2) / (2 * 4**2) - (y**2) / (2 * 26**2))).astype(np.uint8)
    found = at(bar, 100, 100)
    assert found.stage == "edge"
    assert "on an edge" in found.sentence
    assert found.numbers["limit"] == pytest.approx(12.1)
    assert found.numbers["edge ratio"] > 12.1
    assert at(bar, 100, 100, edge=100.0).passed


def test_that_the_border_says_how_near() -> None:
    whole = blob(4.6, side=161)
    cut = np.ascontiguousarray(whole[:, 72:])  # its middle is 8 px from the left border, 4 px of octave 1
    found = at(cut, 8, 80)
    assert found.stage == "border"
    assert found.numbers["border px"] < 5
    assert "5 are needed" in found.sentence


def test_that_nothing_near_names_the_nearest_with_its_value() -> None:
    found = at(disk(10), 30, 30)
    assert found.stage == "extremum"
    assert found.sentence.startswith("No extremum here: the nearest is")
    assert found.numbers["distance px"] == pytest.approx(np.hypot(98, 98), abs=20)
    nothing = at(np.full((60, 60), 9, np.uint8), 30, 30)
    assert not nothing.passed
    assert nothing.place is None
    assert "nor anywhere" in nothing.sentence


def test_that_every_rejected_candidate_has_a_reason() -> None:
    explanation = explained(camera())
    found = explanation.candidates
    words = {
        Stage.EXTREMA: "refinement left the cell",
        Stage.REFINED: "below contrast by",
        Stage.CONTRAST: "on an edge",
        Stage.EDGE: "too near the border",
        Stage.BORDER: "the same point as candidate",
    }
    for stage, begin in words.items():
        rows = np.flatnonzero(found.stage == int(stage))
        assert len(rows), stage
        for row in rows[:20]:
            assert reason(found, int(row), explanation.settings)[0].startswith(begin)
    assert reason(found, int(np.flatnonzero(found.passed(Stage.DESCRIBED))[0]), explanation.settings) == ("", {})


# ------------------------------------------------------------------------------- the probe


def pair() -> ImagePair:
    image = make_image(cv2.cvtColor(camera(), cv2.COLOR_GRAY2RGB), "camera")
    return ImagePair(PairRef("builtin", "t", recipe="r"), image, image)


@pytest.fixture(scope="module", params=["sift", "rootsift", "sift-explained"])
def result(request: pytest.FixtureRequest) -> MatchResult:
    spec, images = matchers.get(request.param), pair()
    base = spec.defaults()
    settings = StageSettings(
        replace(base.detect, max_side=256, count=100), base.describe, base.match, base.verify, base.evaluate
    )
    work, _ = run_to_end(explanation_of(images.left, settings.detect))
    features = spec.describe(work, spec.detect(work, settings.detect), settings.describe)
    features = replace(features, keypoints=work.to_original(features.keypoints))
    return MatchResult(
        MatchRequest(images.ref, spec.key, settings),
        pair=images,
        left=features,
        right=features,
        matches=match_features(features, features, settings.match),
    )


def ask(result: MatchResult, left: tuple[float, float], right: tuple[float, float]) -> WhyNot:
    return run_to_end(why_not(result, matchers.get(result.request.matcher), left, right))


def test_that_the_probe_gives_the_detectors_reason(result: MatchResult) -> None:
    assert result.left is not None
    x, y = (float(v) for v in result.left.keypoints.xy[0])
    answer = ask(result, (x, y), (300.0, 60.0))  # the sky
    assert answer.died_at == "detector"
    assert [report.stage for report in answer.reports][:2] == ["detector", "keypoint"]
    assert answer.sentence.startswith("Right image: ")
    ((side, detection),) = answer.detections
    assert side == "right"
    assert detection.sentence[1:] in answer.sentence
    assert not detection.passed


def test_that_the_probe_tells_where_in_scale_both_were_found(result: MatchResult) -> None:
    assert result.left is not None
    place = (float(result.left.keypoints.xy[0, 0]), float(result.left.keypoints.xy[0, 1]))
    report = ask(result, place, place).reports[0]
    assert report.stage == "detector"
    assert report.passed
    octave = str(int(result.left.keypoints.octave[0])).replace("-", "−")
    assert f"left octave {octave}, layer" in report.text


def test_that_a_keypoint_beyond_the_count_is_told_with_its_rank(result: MatchResult) -> None:
    assert result.pair is not None
    image, settings = result.pair.left, result.request.settings.detect
    work, explanation = run_to_end(explanation_of(image, settings))
    order = np.argsort(-explanation.keypoints.response, kind="stable")
    weak = work.to_original(explanation.keypoints.take(order[-1:]))
    x, y = (float(v) for v in weak.xy[0])
    found = run_to_end(detection_at(image, x, y, settings))
    if found.stage == "count":  # a stronger one may lie within reach of it
        assert f"of {len(order)} by its response" in found.sentence
        assert found.place is not None
        assert found.place[:2] == pytest.approx((x, y), abs=0.01)
    else:
        assert found.passed
    assert sift_settings(settings).contrast == settings.contrast


def test_that_answers_are_quick_once_the_picture_is_explained(result: MatchResult) -> None:
    assert result.pair is not None
    image, settings = result.pair.left, result.request.settings.detect
    first = run_to_end(explanation_of(image, settings))
    assert run_to_end(explanation_of(image, settings))[1] is first[1]
