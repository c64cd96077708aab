"""Judging by the truth: the definitions, their closed forms, and both conventions of the AUC."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.records import ImagePair, Keypoints, Matches, PairRef, Truth, Verdict, Verification
from app.vision.evaluate import (
    EvaluateSettings,
    auc_step,
    auc_trapezoid,
    chance_both_ways,
    chance_repeatability,
    evaluate,
    reversed_truth,
    true_places,
)
from app.vision.images import make_image
from tests.vision.test_verify import matched

SHIFT = np.array([[1, 0, 10], [0, 1, 0], [0, 0, 1.0]])
REF = PairRef("builtin", "t", recipe="r")


def pair(truth: Truth, size: tuple[int, int] = (100, 80)) -> ImagePair:
    image = make_image(np.zeros((size[1], size[0], 3), np.uint8), "black")
    return ImagePair(REF, image, image, truth)


def test_that_verdicts_follow_the_homography() -> None:
    left = np.array([[10, 10], [20, 20], [30, 30], [95, 5]], float)
    right = np.array([[20, 10], [33.5, 20], [40, 33], [99, 5]], float)
    matches, a, b = matched(left, right)
    judged = evaluate(matches, a, b, pair(Truth(homography=SHIFT)), EvaluateSettings())
    # exact · 3.5 px off · 3 px off · the true place (105, 5) is outside the image
    assert judged.verdict.tolist() == [Verdict.RIGHT, Verdict.WRONG, Verdict.RIGHT, Verdict.WRONG]
    assert np.isinf(judged.error_px[3])
    assert judged.precision == pytest.approx(0.5)
    assert judged.possible == 2
    assert judged.recall == pytest.approx(1.0)


def test_that_identical_keypoints_repeat_fully_and_symmetrically(rng: np.random.Generator) -> None:
    xy = rng.uniform(20, 60, (30, 2))
    matches, a, b = matched(xy, xy)
    judged = evaluate(matches, a, b, pair(Truth(homography=np.eye(3))), EvaluateSettings())
    assert judged.repeatability == 1.0
    assert len(judged.repeatability_px) == 60


def test_that_a_hole_in_a_dense_map_is_undecided() -> None:
    y, x = np.mgrid[0:80, 0:100].astype(np.float32)
    forward = np.stack([x + 10, y], axis=-1)
    forward[:, 50:] = np.nan
    matches, a, b = matched(np.array([[10.0, 10], [60, 10]]), np.array([[20.0, 10], [70, 10]]))
    fundamental = np.array([[0, 0, 0], [0, 0, -1.0], [0, 1, 0]])
    judged = evaluate(matches, a, b, pair(Truth(forward=forward, fundamental=fundamental)), EvaluateSettings())
    assert judged.verdict.tolist() == [Verdict.RIGHT, Verdict.UNDECIDED]


def test_that_epipolar_truth_decides_only_the_wrong_ones() -> None:
    fundamental = np.array([[0, 0, 0], [0, 0, -1.0], [0, 1, 0]])
    matches, a, b = matched(np.array([[10.0, 10], [10, 10]]), np.array([[70.0, 12], [70, 40]]))
    judged = evaluate(matches, a, b, pair(Truth(fundamental=fundamental)), EvaluateSettings())
    assert judged.verdict.tolist() == [Verdict.CONSISTENT, Verdict.WRONG]
    assert judged.error_px.tolist() == pytest.approx([2, 30])
    assert judged.possible == 0


def test_that_named_points_decide_only_their_neighbourhood() -> None:
    truth = Truth(points=np.array([[10, 10, 50, 60.0]]), names=("rim",))
    places, outside = true_places(truth, [[11, 10], [30, 30]], (100, 80))
    assert places[0].tolist() == [51, 60]
    assert np.isnan(places[1]).all()
    assert not outside.any()
    assert reversed_truth(truth).points.tolist() == [[50, 60, 10, 10]]  # type: ignore[union-attr]  # it has points


def test_that_without_truth_everything_is_undecided() -> None:
    matches, a, b = matched(np.ones((3, 2)), np.ones((3, 2)))
    judged = evaluate(matches, a, b, pair(Truth()), EvaluateSettings())
    assert (judged.verdict == Verdict.UNDECIDED).all()
    assert np.isnan([judged.precision, judged.recall, judged.repeatability, judged.mma(3)]).all()


def test_that_matching_accuracy_never_falls_with_its_threshold() -> None:
    rng = np.random.default_rng(0)
    left = rng.uniform(10, 60, (80, 2))
    matches, a, b = matched(left, left + np.array([10, 0]) + rng.normal(0, 3, (80, 2)))
    judged = evaluate(matches, a, b, pair(Truth(homography=SHIFT)), EvaluateSettings())
    shares = [judged.mma(t) for t in range(1, 11)]
    assert shares == sorted(shares)
    want = [np.mean(judged.error_px <= t) for t in range(1, 11)]
    assert shares == pytest.approx(want)
    assert 0.03 < shares[0] < 0.3
    assert shares[-1] > 0.95


def test_that_nothing_can_be_judged() -> None:
    matches, a, b = matched(np.zeros((0, 2)), np.zeros((0, 2)))
    judged = evaluate(matches, a, b, pair(Truth(homography=SHIFT)), EvaluateSettings())
    assert len(judged.verdict) == 0
    assert len(Keypoints.empty()) == 0


def test_that_the_corner_error_is_the_mean_distance_of_the_corners() -> None:
    fitted = Verification(
        "homography", SHIFT @ np.array([[1, 0, 3], [0, 1, 4], [0, 0, 1.0]]), np.zeros(0, bool), np.zeros(0), 3, "m"
    )
    matches, a, b = matched(np.zeros((0, 2)), np.zeros((0, 2)))
    world = pair(Truth(homography=SHIFT))
    assert evaluate(matches, a, b, world, EvaluateSettings(), fitted).corner_error_px == pytest.approx(5.0)
    none = Verification("homography", None, np.zeros(0, bool), np.zeros(0), 3, "m")
    assert evaluate(matches, a, b, world, EvaluateSettings(), none).corner_error_px == np.inf


def test_that_chance_repeatability_is_the_published_floor() -> None:
    assert chance_repeatability(300, 3.0, 240 * 320) == pytest.approx(0.105, abs=5e-4)


def test_that_random_keypoints_of_two_counts_repeat_by_the_floor_of_the_other_image(
    rng: np.random.Generator,
) -> None:
    shares = []
    for _ in range(20):
        a, b = (rng.uniform(0, [320, 240], (n, 2)) - 0.5 for n in (150, 600))
        judged = evaluate(
            Matches.empty(),
            Keypoints.at(a),
            Keypoints.at(b),
            pair(Truth(homography=np.eye(3)), (320, 240)),
            EvaluateSettings(),
        )
        assert len(judged.repeatability_px) == 750
        shares.append(judged.repeatability)
    floor = chance_both_ways((150, 600), ((320, 240), (320, 240)), 3.0)
    assert abs(floor - chance_repeatability(600, 3, 76800)) > 0.05
    assert np.isnan(chance_both_ways((0, 0), ((320, 240), (320, 240)), 3.0))
    assert np.mean(shares) == pytest.approx(floor, abs=0.01)


def test_that_random_keypoints_repeat_as_often_as_chance(rng: np.random.Generator) -> None:
    shares = []
    for _ in range(20):
        a, b = rng.uniform(0, [320, 240], (300, 2)), rng.uniform(0, [320, 240], (300, 2))
        matches, left, right = matched(a, b)
        judged = evaluate(matches, left, right, pair(Truth(homography=np.eye(3)), (320, 240)), EvaluateSettings())
        shares.append(judged.repeatability)
    assert np.mean(shares) == pytest.approx(0.105, abs=0.01)


def test_that_both_auc_conventions_give_their_own_number() -> None:
    assert auc_step([1.5], 3.0) == pytest.approx(0.50)
    assert auc_trapezoid([1.5], 3.0) == pytest.approx(0.75)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60), st.floats(0.5, 10))
def test_that_the_conventions_stay_close_and_within_bounds(errors: list[float], threshold: float) -> None:
    step, smooth = auc_step(errors, threshold), auc_trapezoid(errors, threshold)
    assert 0 <= step <= 1
    assert -1e-12 <= smooth <= 1 + 1e-12
    assert abs(step - smooth) <= 1 / len(errors) + 1e-9


def test_that_failed_estimates_count_nothing() -> None:
    assert auc_step([np.inf, np.inf], 5) == 0
    assert auc_trapezoid([np.inf, 0.0], 5) == pytest.approx(0.5, abs=0.01)
    assert np.isnan(auc_step([], 5))
