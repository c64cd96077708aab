"""Neighbours, votes and pairs against loops."""

from __future__ import annotations

import numpy as np
import pytest
from samples import groups

from app.learning.constraints import all_pairs, checked, relative_triples, sampled_pairs, scatter_of_pairs, scatters
from app.learning.neighbours import (
    closest_pair,
    decision_regions,
    knn_labels,
    leave_one_out_error,
    nearest_rows,
    squared_distances,
    target_neighbours,
    vote,
)
from app.records import UserError


def test_that_distances_keep_their_digits_far_from_the_origin() -> None:
    x = np.random.default_rng(0).normal(size=(60, 128)) + 1e6
    exact = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    found = squared_distances(x)
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-9)
    assert (np.diag(found) == 0).all()
    assert found.min() >= 0


def test_that_neighbours_equal_a_sort_and_never_count_the_point_itself() -> None:
    x, _ = groups(1)
    d = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(d, np.inf)
    assert (nearest_rows(x, None, 5) == np.argsort(d, axis=1, kind="stable")[:, :5]).all()
    assert (nearest_rows(x, x[:7], 1)[:, 0] == np.arange(7)).all()


def test_that_equal_distances_take_the_lowest_row() -> None:
    x = np.zeros((6, 2))
    assert nearest_rows(x, None, 2).tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_that_k_shrinks_until_one_class_wins() -> None:
    labels = np.array([[0, 1, 1, 0], [2, 1, 0, 0], [5, 4, 3, 2], [1, 1, 0, 0]])
    # 2:2 -> three neighbours 0, 1, 1; 0 alone has two; all differ -> the nearest; 2:2 -> 1, 1, 0
    assert vote(labels).tolist() == [1, 0, 5, 1]


def test_that_a_metric_changes_who_votes() -> None:
    train = np.array([[0.0, 0.0], [3.0, 0.5]])
    y = np.array([0, 1])
    query = np.array([[2.9, 0.0]])
    assert knn_labels(train, y, query, 1).tolist() == [1]
    assert knn_labels(train, y, query, 1, factor=np.array([[0.0, 1.0]])).tolist() == [0]


def test_that_targets_are_the_nearest_of_the_own_class() -> None:
    x, y = groups(2)
    targets = target_neighbours(x, y, 3)
    for i in range(len(x)):
        mates = [j for j in range(len(x)) if j != i and y[j] == y[i]]
        mates.sort(key=lambda j: np.linalg.norm(x[i] - x[j]))
        assert targets[i].tolist() == mates[:3]


def test_that_a_small_class_is_named() -> None:
    x, y = groups(0, per_class=4)
    with pytest.raises(UserError, match="Class 0 has 4 points, too few for 4 target neighbours"):
        target_neighbours(x, y, 4)
    with pytest.raises(UserError, match="Class 9 has a single point"):
        target_neighbours(np.r_[x, [[0, 0, 0]]], np.r_[y, 9], 1)


def test_that_scatter_matrices_equal_the_loop_over_pairs() -> None:
    x, y = groups(3, per_class=7)
    pairs = all_pairs(y)
    assert len(pairs.similar) + len(pairs.dissimilar) == len(x) * (len(x) - 1) // 2
    assert (y[pairs.similar[:, 0]] == y[pairs.similar[:, 1]]).all()
    c_s, c_d = scatters(x, y)
    np.testing.assert_allclose(c_s, scatter_of_pairs(x, pairs.similar), rtol=1e-9)
    np.testing.assert_allclose(c_d, scatter_of_pairs(x, pairs.dissimilar), rtol=1e-9)
    loop = sum(np.outer(x[i] - x[j], x[i] - x[j]) for i, j in pairs.dissimilar)
    np.testing.assert_allclose(c_d, loop, rtol=1e-9)


def test_that_sampled_pairs_are_different_and_the_same_for_a_seed() -> None:
    y = np.repeat([0, 1, 2], 10)
    a, b = sampled_pairs(y, 50, seed=4), sampled_pairs(y, 50, seed=4)
    assert (a.similar == b.similar).all()
    assert len(np.unique(a.dissimilar, axis=0)) == 50
    assert len(sampled_pairs(y, 10_000, seed=0).similar) == 3 * 45


def test_that_triples_say_own_class_before_others() -> None:
    x, y = groups(5, per_class=6)
    triples = relative_triples(x, y, k=2, others=3)
    assert len(triples) == len(x) * 6
    assert (y[triples[:, 0]] == y[triples[:, 1]]).all()
    assert (y[triples[:, 0]] != y[triples[:, 2]]).all()
    assert (triples[:, 0] != triples[:, 1]).all()


def test_that_regions_follow_the_metric() -> None:
    x, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1])
    grid = decision_regions(x, y, 1, (-1, -1, 2, 2), (30, 30), factor=np.array([[0.0, 1.0]]))
    assert grid.shape == (30, 30)
    assert (grid[:14] == 0).all()
    assert (grid[16:] == 1).all()


def test_that_the_closest_pair_is_found() -> None:
    x, _ = groups(6)
    x[41] = x[7] + 1e-4
    assert closest_pair(x)[:2] == (7, 41)
    assert leave_one_out_error(np.array([[0.0], [0.1], [5.0], [5.1]]), np.array([0, 0, 1, 1]), 1) == 0


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((3, 2)), [0, 0, 0], "All 3 points are of one class"),
        (np.zeros((1, 2)), [0], "at least two points"),
        (np.zeros((4, 0)), [0, 1, 0, 1], "found 4 × 0"),
        ([[0.0, np.nan], [1, 2]], [0, 1], "Row 1, feature 2 is not a finite number"),
        ([[0.0, np.inf], [np.nan, 2]], [0, 1], r"\(2 such values\)"),
        ([[0.0, 1.0], [1.0, -3e200]], [0, 1], "Feature 2 holds 3e\\+200, whose square overflows"),
        ([[1e-200, 0.0], [2e-200, 0.0]], [0, 1], "No feature differs by more than 1e-200"),
        (np.zeros((3, 2)), [0, 1], "n rows and n labels"),
        (np.zeros((2, 2)), [0.5, 1.5], "whole numbers"),
        (np.zeros((20_001, 1)), np.arange(20_001) % 2, "take a sample"),
    ],
)
def test_that_unusable_data_get_one_sentence(x: object, y: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        checked(x, y)  # type: ignore[arg-type]
