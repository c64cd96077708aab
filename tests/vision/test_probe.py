"""Why not? Every stage can be the one at which a pair dies, and its numbers are those of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from app.jobs import run_to_end
from app.matchers import USUAL_WHY
from app.records import (
    Descriptors,
    Features,
    Keypoints,
    MatchRequest,
    MatchResult,
    PairRef,
    Selection,
    StageSettings,
)
from app.vision.affine import VIEW_SHIFT, match_affine
from app.vision.asked import keypoint_asked
from app.vision.match import MatchSettings, match_features
from app.vision.probe import WhyNot, why_not
from app.vision.verify import VerifySettings, verify


@dataclass(frozen=True)
class Spec:
    key: str = "test"
    why: tuple[Any, ...] = USUAL_WHY


LEFT = Keypoints.at([[10, 10], [50, 10], [10, 50], [50, 50], [30, 30], [80, 80]], size=4)
RIGHT = Keypoints.at([[20, 10], [60, 10], [20, 50], [60, 50], [90, 5], [40, 30]], size=4)
ONE = np.eye(6, dtype=np.float32) * 10


def result(left: np.ndarray, right: np.ndarray, **match: Any) -> MatchResult:
    settings = StageSettings(None, None, MatchSettings(**match), VerifySettings(method="ransac"), None)
    a, b = Features(LEFT, Descriptors(left.astype(np.float32))), Features(RIGHT, Descriptors(right.astype(np.float32)))
    found = match_features(a, b, settings.match)
    fitted = verify(found, LEFT, RIGHT, settings.verify)
    request = MatchRequest(PairRef("builtin", "t", recipe="r"), "test", settings)
    return MatchResult(request, left=a, right=b, matches=found, verification=fitted)


def ask(of: MatchResult, left: tuple[float, float], right: tuple[float, float]) -> WhyNot:
    return run_to_end(why_not(of, Spec(), left, right))


def test_that_a_match_is_confirmed_at_every_stage() -> None:
    answer = ask(result(ONE, ONE), (10, 10), (20, 10))
    assert answer.died_at == ""
    assert "matches" in answer.sentence
    assert [r.stage for r in answer.reports] == ["keypoint", "rank", "ratio", "mutual", "verify"]
    assert all(r.passed for r in answer.reports)


def two_orientations() -> MatchResult:
    """Left 1 and right 1 are second orientations of left 0 and right 0; the second of the left matches the first."""
    here, there = (Keypoints.at(np.vstack([k.xy[:1], k.xy[:1], k.xy[2:]]), size=4) for k in (LEFT, RIGHT))
    left, right = ONE.copy(), ONE.copy()
    left[[0, 1]], right[1] = ONE[[1, 0]], ONE[0] * 9
    of = result(left, right)
    assert of.left is not None
    assert of.right is not None
    both = Features(here, of.left.descriptors), Features(there, of.right.descriptors)
    return replace(of, left=both[0], right=both[1], verification=None)


def test_that_of_several_orientations_at_a_place_the_one_that_matches_is_asked_about() -> None:
    of = two_orientations()
    assert of.matches is not None
    assert [1, 0] in of.matches.pairs.tolist()
    answer = ask(of, (10, 10), (20, 10))
    assert answer.died_at == ""
    assert "Of 2 here on the left and 2 on the right, the two that match" in answer.reports[0].text


def test_that_of_several_orientations_without_a_match_the_most_alike_are_asked_about() -> None:
    of = two_orientations()
    assert of.matches is not None
    none = replace(of, matches=of.matches.take(np.zeros(0, np.intp)))
    answer = ask(none, (10, 10), (20, 10))
    assert "most alike" in answer.reports[0].text
    assert next(r for r in answer.reports if r.stage == "rank").passed


@pytest.mark.parametrize(("view", "gap", "place"), [(1, 1.9, True), (1, 2.1, False), (0, 1.9, False), (0, 0.4, True)])
def test_that_the_keypoints_of_several_views_are_one_place_within_2_px(view: int, gap: float, place: bool) -> None:
    of = two_orientations()
    assert of.left is not None
    xy = of.left.keypoints.xy.copy()
    xy[1, 0] += gap  # the one that matches
    views = np.array([0, view, 0, 0, 0, 0], np.int32) << VIEW_SHIFT
    keypoints = replace(of.left.keypoints, xy=xy, packed=views)
    answer = ask(replace(of, left=replace(of.left, keypoints=keypoints)), (10, 10), (20, 10))
    assert (answer.died_at == "") == place
    assert ("Of 2 here on the left" in answer.reports[0].text) == place


def test_that_a_selection_means_the_orientation_that_matches() -> None:
    of = two_orientations()
    assert of.matches is not None
    place = Selection("left", 10.0, 10.0)
    assert keypoint_asked(of, place) == 1
    assert keypoint_asked(of, replace(place, partner=(20.0, 10.0))) == 1
    assert keypoint_asked(of, Selection("right", 20.0, 10.0)) == 0
    none = replace(of, matches=of.matches.take(np.zeros(0, np.intp)))
    assert keypoint_asked(none, place) == 0
    assert keypoint_asked(replace(of, matches=None), place) == 0
    assert keypoint_asked(of, Selection("left", 11.0, 49.0)) == 2
    assert keypoint_asked(replace(of, left=Features(Keypoints.empty(), None)), place) == -1


def test_that_a_place_without_keypoint_is_said_with_the_distance() -> None:
    answer = ask(result(ONE, ONE), (10, 30), (20, 10))
    assert answer.died_at == "keypoint"
    assert "nearest is 20.0 px away" in answer.sentence


def test_that_rank_counts_the_nearer_ones() -> None:
    answer = ask(result(ONE, ONE), (10, 10), (60, 10))
    assert answer.died_at == "rank"
    report = next(r for r in answer.reports if r.stage == "rank")
    assert report.numbers["rank"] == 2
    assert report.numbers["of"] == 6
    assert answer.rivals[0].xy == (20, 10)


def test_that_the_ratio_is_the_one_that_rejected() -> None:
    right = ONE.copy()
    right[1] = ONE[0] + [0, 0, 0, 0, 0, 1]
    right[0] = ONE[0] + [0, 0, 0, 0, 0.93, 0]
    answer = ask(result(ONE, right), (10, 10), (20, 10))
    assert answer.died_at == "ratio"
    assert "0.93" in answer.sentence


def test_that_the_ratio_is_judged_within_a_simulated_view_as_the_matcher_does() -> None:
    right = ONE.copy()
    right[1] = ONE[0] + [0, 0, 0, 0, 0, 1]
    right[0] = ONE[0] + [0, 0, 0, 0, 0.93, 0]
    of = result(ONE, right)
    assert of.left is not None
    assert of.right is not None
    views = np.array([0, 1, 0, 0, 0, 0], np.int32) << VIEW_SHIFT
    of = replace(of, right=replace(of.right, keypoints=replace(RIGHT, packed=views)), verification=None)
    assert of.right is not None
    of = replace(of, matches=match_affine(of.left, of.right, MatchSettings()))
    assert of.matches is not None
    assert [0, 0] in of.matches.pairs.tolist()
    answer = ask(of, (10, 10), (20, 10))
    assert answer.died_at == ""
    report = next(r for r in answer.reports if r.stage == "ratio")
    assert report.numbers["ratio"] == pytest.approx(of.matches.ratio[0])
    assert "simulated view" in report.text


def test_that_numbers_near_a_limit_are_not_rounded_onto_it() -> None:
    right = ONE.copy()
    right[1] = ONE[0] + [0, 0, 0, 0, 0, 1]
    right[0] = ONE[0] + [0, 0, 0, 0, 0.797, 0]
    answer = ask(result(ONE, right), (10, 10), (20, 10))
    assert "= 0.797 < 0.8" in next(r for r in answer.reports if r.stage == "ratio").text


def test_that_mutual_names_the_preferred_one() -> None:
    left = ONE.copy()
    left[1] = ONE[0] * 1.02
    right = ONE.copy()
    right[0] = ONE[0] * 1.03
    right[1] = ONE[1] * 5
    answer = ask(result(left, right, ratio=0.0), (10, 10), (20, 10))
    assert answer.died_at == "mutual"
    assert answer.mutual_partner == (50, 10)


def test_that_an_outlier_tells_by_how_much() -> None:
    # Left 4 goes to right 4 at (90, 5); the others move by (10, 0), so it misses by |(90,5) - (40,30)|.
    answer = ask(result(ONE, ONE), (30, 30), (90, 5))
    assert answer.died_at == "verify"
    report = answer.reports[-1]
    assert report.numbers["residual"] == pytest.approx(np.hypot(50, 25), abs=0.5)


def test_that_a_match_without_a_model_is_not_called_an_outlier() -> None:
    of = result(ONE, ONE)
    assert of.matches is not None
    few = of.matches.take(np.arange(2))
    of = replace(of, matches=few, verification=verify(few, LEFT, RIGHT, of.request.settings.verify))
    answer = ask(of, (10, 10), (20, 10))
    assert answer.died_at == "verify"
    assert answer.sentence == "It matches, but no model was fitted: 2 matches; homography needs at least 4."


def test_that_a_distance_cut_is_reported() -> None:
    right = ONE + np.float32(0.5)
    answer = ask(result(ONE, right, max_distance=0.1), (10, 10), (20, 10))
    assert answer.died_at == "distance"


def test_that_only_the_matchers_own_stages_are_asked() -> None:
    answer = run_to_end(why_not(result(ONE, ONE), Spec(why=("keypoint", "rank")), (10, 10), (20, 10)))
    assert [r.stage for r in answer.reports] == ["keypoint", "rank"]


def test_that_no_keypoints_at_all_are_an_answer() -> None:
    of = result(ONE, ONE)
    nothing = Features(Keypoints.empty(), Descriptors(np.zeros((0, 6), np.float32)))
    answer = ask(replace(of, left=nothing), (10, 10), (20, 10))
    assert answer.died_at == "keypoint"
    assert "none at all" in answer.sentence


def test_that_a_matcher_without_descriptors_says_whether_it_joins_them() -> None:
    of = result(ONE, ONE)
    of = replace(of, left=Features(LEFT), right=Features(RIGHT))
    assert ask(of, (10, 10), (20, 10)).died_at == ""
    assert ask(of, (10, 10), (60, 10)).died_at == "match"


def test_that_an_unfinished_result_is_said() -> None:
    of = result(ONE, ONE)
    assert "wait" in ask(replace(of, matches=None), (0, 0), (0, 0)).sentence
