"""Folds, McNemar's test, cross-validation and the strip of changed neighbours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples import done, groups

from app.jobs import Job
from app.learning.evaluation import (
    compared,
    cross_validated,
    error_interval,
    mcnemar,
    neighbour_changes,
    split,
    standardised,
    stratified_folds,
)
from app.learning.lmnn import lmnn
from app.learning.neighbours import knn_labels
from app.learning.toy import toy
from app.records import UserError


def by_lmnn(x: np.ndarray, y: np.ndarray) -> Job[np.ndarray]:
    learned = yield from lmnn(x, y)
    return learned.metric.factor


def euclid(x: np.ndarray, y: np.ndarray) -> Job[np.ndarray]:
    return np.eye(x.shape[1])
    yield


def test_that_folds_are_stratified_disjoint_and_repeatable() -> None:
    y = np.repeat([0, 1, 2], [31, 50, 9])
    fold = stratified_folds(y, 10, seed=3)
    assert (fold == stratified_folds(y, 10, seed=3)).all()
    assert np.ptp(np.bincount(fold)) <= 1
    for name in range(3):
        assert np.ptp(np.bincount(fold[y == name], minlength=10)) <= 1
    with pytest.raises(UserError, match="91 folds of 90 items"):
        stratified_folds(y, 91, seed=0)
    with pytest.raises(UserError, match="1 item cannot be divided into 3 folds"):
        stratified_folds(y[:1], 3, seed=0)


def test_mcnemar_against_the_binomial() -> None:
    from scipy.stats import binomtest

    for a, b in ((0, 0), (1, 0), (5, 5), (9, 1), (2, 14), (300, 340)):
        want = 1.0 if a == b else binomtest(min(a, b), a + b).pvalue
        assert mcnemar(a, b) == pytest.approx(want)
    assert mcnemar(20_000, 30_000) == pytest.approx(0, abs=1e-12)


def test_the_wilson_interval() -> None:
    low, high = error_interval(8, 178)
    assert low == pytest.approx(0.0229, abs=2e-3)
    assert high == pytest.approx(0.0861, abs=2e-3)
    assert error_interval(0, 0) == (0, 1)
    assert error_interval(0, 10)[0] == 0


def test_that_a_comparison_speaks_honestly() -> None:
    wrong, right = np.array([True] * 12 + [False] * 88), np.zeros(100, np.bool_)
    assert "better than noise" in compared(wrong, right).sentence()
    assert "worse than noise" in compared(right, wrong).sentence()
    assert compared(wrong, wrong).sentence().startswith("No gain")
    few = wrong.copy()
    few[3:] = False
    assert "may be noise" in compared(few, right).sentence()
    assert math.isnan(compared(right[:0], right[:0]).before)


def test_that_the_euclidean_metric_against_itself_is_no_gain() -> None:
    x, y = groups(0)
    judged = done(cross_validated(x, y, euclid, folds=5))
    assert judged.before == judged.after
    assert judged.comparison.p_value == 1
    fold = stratified_folds(y, 5, seed=0)
    wrong = sum(int((knn_labels(x[fold != f], y[fold != f], x[fold == f], 3) != y[fold == f]).sum()) for f in range(5))
    assert judged.comparison.before == pytest.approx(wrong / len(y))


def test_that_lmnn_gains_on_stripes_beyond_noise() -> None:
    x, y = toy("tilted", points=150, seed=3)
    judged = done(cross_validated(x, y, by_lmnn, folds=5))
    assert judged.comparison.after < judged.comparison.before
    assert judged.comparison.p_value < 0.05


def test_that_an_error_names_its_fold() -> None:
    x, y = groups(0, per_class=4)
    with pytest.raises(UserError, match=r"Fold 1 of 4: Class"):
        done(cross_validated(x, y, by_lmnn, folds=4))


def test_that_standardising_uses_the_training_part_and_constant_features_vanish() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(3, 5, (50, 3)), rng.normal(size=(9, 3))
    train[:, 1] = 7
    a, b = standardised(train, test)
    np.testing.assert_allclose(a.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(a.std(axis=0), [1, 0, 1])
    np.testing.assert_allclose(b[:, 0], (test[:, 0] - train[:, 0].mean()) / train[:, 0].std())


def test_the_strip_of_changed_neighbours() -> None:
    train = np.array([[0.0, 0.0], [3.0, 0.4], [6.0, 0.0]])
    y_train = np.array([0, 1, 2])
    test = np.array([[2.8, 0.0], [0.1, 0.0], [3.1, 0.39]])
    y_test = np.array([0, 0, 1])
    found = neighbour_changes(train, y_train, test, y_test, np.array([[0.0, 1.0], [1e-3, 0.0]]))
    assert found.rows.tolist() == [0]
    assert y_train[found.before].tolist() == [1]
    assert y_train[found.after].tolist() == [0] or y_train[found.after].tolist() == [2]
    assert found.comparison.items == 3


def test_that_a_split_keeps_every_class() -> None:
    y = np.repeat([0, 1, 2], [10, 3, 1])
    train, test = split(y, share=0.5, seed=1)
    assert set(y[train]) == {0, 1, 2}
    assert sorted([*train, *test]) == list(range(14))
