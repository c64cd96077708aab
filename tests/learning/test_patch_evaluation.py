"""FPR95, rank-1, ROC and EER against closed forms and loops."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from app.learning.patch_evaluation import distances, false_positive_rate, paired_distances, patch_numbers, roc

RNG = np.random.default_rng(0)


def test_fpr95_of_two_gaussians() -> None:
    """Positives N(0, 1), negatives N(3.21, 1): the threshold is at 1.645, so 0.0587 of the negatives pass."""
    right, wrong = RNG.normal(0, 1, 200_000), RNG.normal(3.21, 1, 200_000)
    expected = NormalDist().cdf(NormalDist().inv_cdf(0.95) - 3.21)
    assert false_positive_rate(right, wrong) == pytest.approx(expected, abs=0.002)
    assert math.isnan(false_positive_rate([], wrong))
    assert math.isnan(false_positive_rate(right, []))
    assert false_positive_rate([1.0, 1.0], [2.0, 3.0]) == 0
    assert false_positive_rate([1.0, 1.0], [1.0, 3.0]) == 0.5  # a tie is accepted


@pytest.mark.parametrize("count", [1, 2, 10, 19, 20, 38, 40, 100])
def test_that_fpr95_reaches_its_recall_where_pairs_are_few_and_is_on_the_curve(count: int) -> None:
    right, wrong = np.linspace(0, 1, count), np.linspace(0, 1.2, 997)
    curve = roc(right, wrong)
    at = curve.at_recall(0.95)
    assert false_positive_rate(right, wrong) == curve.false_positive[at]
    assert (right <= curve.threshold[at]).mean() >= 0.95 - 1e-12
    assert (right < curve.threshold[at]).mean() < 0.95 - 1e-12  # and no larger distance than that


def test_fpr95_counts_against_all_negatives_and_not_against_the_accepted() -> None:
    """N(1, 0.2) against N(1.8, 0.3): 0.0582 by theory; 0 when apart, 0.95 for one and the same distribution."""
    right, wrong = RNG.normal(1, 0.2, 200_000), RNG.normal(1.8, 0.3, 200_000)
    limit = NormalDist(1, 0.2).inv_cdf(0.95)
    assert NormalDist(1.8, 0.3).cdf(limit) == pytest.approx(0.0582, abs=5e-4)
    assert false_positive_rate(right, wrong) == pytest.approx(0.0582, abs=0.002)
    accepted = np.count_nonzero(wrong <= limit) / np.count_nonzero(np.r_[right, wrong] <= limit)
    assert accepted == pytest.approx(0.0578, abs=0.002)  # the share of false discoveries, near it for halves only
    few = wrong[:20_000]
    assert false_positive_rate(right, few) == pytest.approx(0.0582, abs=0.01)
    assert np.count_nonzero(few <= limit) / np.count_nonzero(np.r_[right, few] <= limit) < 0.01
    assert false_positive_rate(right, wrong + 10) == 0
    assert false_positive_rate(right, RNG.normal(1, 0.2, 200_000)) == pytest.approx(0.95, abs=0.003)


def test_distances_against_a_loop() -> None:
    a, b = RNG.random((5, 7), np.float32), RNG.random((4, 7), np.float32)
    expected = [[math.dist(x, y) for y in b] for x in a]
    assert np.allclose(distances(a, b), expected, atol=1e-6)
    assert distances(a, a).diagonal() == pytest.approx(0, abs=1e-3)


def test_that_negatives_come_from_the_same_group_and_rank_is_within_it() -> None:
    group = np.repeat([3, 7], [40, 30])
    left = RNG.random((70, 8), np.float32)
    left[group == 7] += 100
    positive, negative, rank1 = paired_distances(left, left, group)
    assert len(positive) == 70
    assert len(negative) == 700
    assert negative.max() < 50  # never across groups
    assert negative.min() > 0  # never the point itself
    assert rank1 == [1.0, 1.0]
    alone = paired_distances(left[:1], left[:1], group[:1])
    assert len(alone[0]) == 0
    assert alone[2] == []


def test_the_numbers_of_plain_grey_windows_on_the_reference_patches(shared_data: object) -> None:
    """SSD 0.709 / 0.455 and ZNCC 0.217 / 0.565, as the data's manifest states."""
    data = np.load(f"{shared_data}/patches/patches32_homography.npz")

    def grey(patches: np.ndarray) -> np.ndarray:
        return patches.reshape(len(patches), -1).astype(np.float32)

    def standard(patches: np.ndarray) -> np.ndarray:
        rows = grey(patches)
        rows = rows - rows.mean(1, keepdims=True)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    found = patch_numbers(grey, data["ref"], data["mov"], data["seq"])
    assert (round(found.fpr95, 3), round(found.rank1, 3)) == (0.709, 0.455)
    found = patch_numbers(standard, data["ref"], data["mov"], data["seq"])
    assert (round(found.fpr95, 3), round(found.rank1, 3)) == (0.217, 0.565)


def test_roc_against_a_loop_over_thresholds() -> None:
    right, wrong = RNG.integers(0, 12, 50) / 4, RNG.integers(4, 20, 60) / 4
    curve = roc(right, wrong)
    for threshold, false, true in zip(curve.threshold, curve.false_positive, curve.true_positive, strict=True):
        assert false == np.mean(wrong <= threshold)
        assert true == np.mean(right <= threshold)
    area = np.mean(right[:, None] < wrong[None]) + 0.5 * np.mean(right[:, None] == wrong[None])
    assert curve.area == pytest.approx(area)
    point = curve.at_recall(0.95)
    assert curve.true_positive[point] >= 0.95 > curve.true_positive[point - 1]


def test_the_equal_error_rate_of_two_gaussians_and_of_perfect_and_useless_distances() -> None:
    right, wrong = RNG.normal(0, 1, 100_000), RNG.normal(2, 1, 100_000)
    assert roc(right, wrong).equal_error == pytest.approx(NormalDist().cdf(-1.0), abs=0.003)
    perfect = roc([0.1, 0.2], [0.5, 0.6])
    assert (perfect.equal_error, perfect.area) == (0.0, 1.0)
    assert roc([1.0, 1.0], [1.0, 1.0]).equal_error == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least one"):
        roc([], [1.0])
