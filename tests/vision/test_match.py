"""Which nearest neighbours become matches."""

from __future__ import annotations

import numpy as np
import pytest

from app.records import Descriptors, Features, Keypoints, UserError
from app.vision.match import MatchSettings, match_features
from app.vision.nearest import Stopped


def features(values: list[list[float]]) -> Features:
    rows = np.asarray(values, np.float32).reshape(len(values), -1 if values else 1)
    return Features(Keypoints.at(np.zeros((len(rows), 2))), Descriptors(rows))


LINE = features([[0.0], [10.0], [20.0]])
OPEN = {"ratio": 0.0, "mutual": False}


def test_that_the_ratio_is_compared_strictly() -> None:
    left, right = features([[0.0]]), features([[4.0], [5.0]])
    assert len(match_features(left, right, MatchSettings(ratio=0.8, mutual=False))) == 0
    assert len(match_features(left, right, MatchSettings(ratio=0.81, mutual=False))) == 1


def test_that_duplicates_fail_every_ratio_and_pass_without_one() -> None:
    left, right = features([[1.0]]), features([[1.0], [1.0]])
    assert len(match_features(left, right, MatchSettings(ratio=1.0, mutual=False))) == 0
    matches = match_features(left, right, MatchSettings(**OPEN))
    assert matches.ratio.tolist() == [1.0]


def test_that_the_ratio_needs_a_second_neighbour() -> None:
    matches = match_features(features([[3.0]]), features([[0.0]]), MatchSettings(ratio=0.5))
    assert matches.pairs.tolist() == [[0, 0]]
    assert np.isnan(matches.second).all()
    assert np.isnan(matches.ratio).all()


def test_that_the_distance_is_never_squared_and_the_cut_is_inclusive() -> None:
    left = features([[3.0, 4.0]])
    right = features([[0.0, 0.0]])
    assert match_features(left, right, MatchSettings(**OPEN)).distance.tolist() == [5.0]
    assert len(match_features(left, right, MatchSettings(**OPEN, max_distance=5.0))) == 1
    assert len(match_features(left, right, MatchSettings(**OPEN, max_distance=4.9))) == 0


def test_that_mutual_keeps_one_partner_each() -> None:
    matches = match_features(features([[0.0], [1.0], [9.0]]), features([[1.1], [20.0]]), MatchSettings(ratio=0.0))
    assert matches.pairs.tolist() == [[1, 0]]


def test_that_the_funnel_counts_exactly_the_steps_that_are_on() -> None:
    names = [name for name, _ in match_features(LINE, LINE, MatchSettings(**OPEN)).funnel]
    assert names == ["nearest"]
    full = MatchSettings(max_distance=1.0, dual_softmax=True, min_confidence=0.1)
    matches = match_features(LINE, LINE, full)
    assert [name for name, _ in matches.funnel] == ["nearest", "after distance", "after ratio", "mutual", "confident"]
    assert matches.funnel[-1][1] == len(matches)
    assert np.all((matches.confidence >= 0.1) & (matches.confidence <= 1))


def test_that_confidence_is_unknown_without_the_dual_softmax() -> None:
    assert np.isnan(match_features(LINE, LINE, MatchSettings()).confidence).all()


@pytest.mark.parametrize("sides", [([], []), ([], [[1.0]]), ([[1.0]], [])])
def test_that_an_empty_side_gives_no_matches_but_a_funnel(sides: tuple[list[list[float]], list[list[float]]]) -> None:
    settings = MatchSettings(dual_softmax=True, min_confidence=0.5, max_distance=3.0)
    matches = match_features(features(sides[0]), features(sides[1]), settings)
    assert len(matches) == 0
    assert {count for _, count in matches.funnel} == {0}


def test_that_descriptors_are_required() -> None:
    with pytest.raises(ValueError, match="both sides need descriptors"):
        match_features(Features(Keypoints.empty()), LINE, MatchSettings())


def test_that_it_stops_when_told() -> None:
    with pytest.raises(Stopped):
        match_features(LINE, LINE, MatchSettings(), stop=lambda: True)


def test_that_settings_out_of_range_say_so() -> None:
    with pytest.raises(UserError, match="ratio"):
        MatchSettings(ratio=1.5)
