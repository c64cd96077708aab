"""Whether a metric helps: k-NN errors by cross-validation, and whether the gain could be noise.

What lives here: folds, paired errors, their significance, and the test items whose neighbour changes. What does not:
the learners (a function from training data to L is passed in). May import: records, jobs, ``neighbours``, numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from app.jobs import Job, Progress
from app.learning.neighbours import Labels, Rows, knn_labels, mapped, nearest_rows
from app.records import Array, Bool, Float64, UserError

Fit = Callable[[Float64, Labels], Generator[Progress, None, Float64]]


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on the same items: how often each errs, and McNemar's exact test of the difference.

    Attributes:
        items: how many were judged.
        before, after: error shares.
        only_before, only_after: items that only one of the two gets wrong.
        p_value: chance of a split at least this uneven if both were equally good; 1 if they never differ.
    """

    items: int
    before: float
    after: float
    only_before: int
    only_after: int
    p_value: float

    def sentence(self) -> str:
        """Return what to say about it, honest where there is no gain."""
        gain = f"{100 * self.before:.1f} % → {100 * self.after:.1f} % of {self.items} items"
        if self.only_before == self.only_after:
            return f"No gain: {gain}."
        if self.p_value > 0.05:
            return f"{gain}; the difference may be noise (p = {self.p_value:.2g})."
        better = "better" if self.only_before > self.only_after else "worse"
        return f"{gain}; {better} than noise explains (p = {self.p_value:.2g})."


@dataclass(frozen=True)
class CrossValidation:
    """k-NN errors of the raw and the learned metric on folds that neither saw.

    Attributes:
        comparison: over all items of all folds.
        before, after: (folds,) errors of each fold.
        k, folds, seed: as used.
    """

    comparison: Comparison
    before: tuple[float, ...]
    after: tuple[float, ...]
    k: int
    folds: int
    seed: int


def error_interval(wrong: int, items: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of an error share; (0, 1) of nothing."""
    if items == 0:
        return 0.0, 1.0
    z, share = 1.959964, wrong / items
    middle = (share + z * z / (2 * items)) / (1 + z * z / items)
    half = z * math.sqrt(share * (1 - share) / items + z * z / (4 * items * items)) / (1 + z * z / items)
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(only_before: int, only_after: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: a fair coin for every item on which the two differ."""
    n, small = only_before + only_after, min(only_before, only_after)
    if n == 0 or only_before == only_after:
        return 1.0
    # In logarithms: the sums of thousands of items overflow a float.
    terms = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(small + 1)]
    top = max(terms)
    log_tail = top + math.log(sum(math.exp(term - top) for term in terms)) - n * math.log(2)
    return min(1.0, 2 * math.exp(log_tail))


def compared(wrong_before: Bool, wrong_after: Bool) -> Comparison:
    """Return the comparison of two classifiers from which items each got wrong."""
    only_before = int(np.count_nonzero(wrong_before & ~wrong_after))
    only_after = int(np.count_nonzero(wrong_after & ~wrong_before))
    n = len(wrong_before)
    return Comparison(
        n,
        float(np.mean(wrong_before)) if n else float("nan"),
        float(np.mean(wrong_after)) if n else float("nan"),
        only_before,
        only_after,
        mcnemar(only_before, only_after),
    )


def stratified_folds(y: Labels, folds: int, *, seed: int) -> Rows:
    """Return (n,) the fold of every item; each class is spread evenly.

    Raises:
        UserError: if there are fewer than two folds, or more than items.
    """
    if not 2 <= folds <= len(y):
        few = len(y) < 3
        raise UserError(
            f"{len(y)} item{'s' * (len(y) != 1)} cannot be divided into {folds} folds; add items." if few
            else f"{folds} folds of {len(y)} items are not possible; use 2 to {len(y)}."
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    fold = np.empty(len(y), np.int64)
    start = 0
    for name in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == name))
        fold[members] = (start + np.arange(len(members))) % folds
        start += len(members)
    return fold


def standardised(train: Float64, *others: Float64) -> tuple[Float64, ...]:
    """Return all sets less the mean of the first, over its standard deviation; constant features become 0."""
    mean, spread = train.mean(axis=0), train.std(axis=0)
    scale = np.where(spread > 0, spread, 1)
    return tuple((part - mean) / scale for part in (train, *others))


def cross_validated(
    x: Float64, y: Labels, fit: Fit, *, k: int = 3, folds: int = 10, seed: int = 0, standardise: bool = False
) -> Job[CrossValidation]:
    """Judge a learner on data it did not see: per fold learn on the others, classify by k-NN with and without L.

    Args:
        x, y: (n, d) data and (n,) classes.
        fit: job from training data to L.
        k: of k-NN.
        folds, seed: of the stratified split.
        standardise: by mean and spread of the training part.

    Raises:
        UserError: what the learner raises, with the fold.
    """
    fold = stratified_folds(y, folds, seed=seed)
    wrong_before, wrong_after = np.zeros(len(y), np.bool_), np.zeros(len(y), np.bool_)
    for number in range(folds):
        yield Progress(number, folds, f"Cross-validation, fold {number + 1} of {folds}")
        test = np.flatnonzero(fold == number)
        train = np.flatnonzero(fold != number)
        if not len(test):
            continue
        parts = (x[train], x[test])
        if standardise:
            parts = standardised(*parts)  # type: ignore[assignment] # two in, two out
        steps = fit(parts[0], y[train])
        try:
            factor = yield from _renamed(steps, number, folds)
        except UserError as error:
            raise UserError(f"Fold {number + 1} of {folds}: {error}") from None
        wrong_before[test] = knn_labels(parts[0], y[train], parts[1], k) != y[test]
        wrong_after[test] = knn_labels(parts[0], y[train], parts[1], k, factor=factor) != y[test]
    each = [np.flatnonzero(fold == number) for number in range(folds)]
    return CrossValidation(
        compared(wrong_before, wrong_after),
        tuple(float(np.mean(wrong_before[rows])) for rows in each if len(rows)),
        tuple(float(np.mean(wrong_after[rows])) for rows in each if len(rows)),
        k,
        folds,
        seed,
    )


def _renamed(steps: Generator[Progress, None, Float64], fold: int, folds: int) -> Generator[Progress, None, Float64]:
    """Run the learner, reporting the fold instead of its own progress."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Float64 = stop.value
            return result
        yield Progress(fold, folds, f"Cross-validation, fold {fold + 1} of {folds}")


@dataclass(frozen=True, eq=False)
class Changes:
    """Nearest neighbours before and after: the strip of the lecture's slide.

    Attributes:
        rows: (m,) test rows whose nearest neighbour's class changes, the most decided change first.
        before, after: (m,) their nearest training rows under Euclid and under L.
        comparison: 1-NN errors of all test items.
    """

    rows: Rows
    before: Rows
    after: Rows
    comparison: Comparison


def neighbour_changes(train: Array, y_train: Labels, test: Array, y_test: Labels, factor: Float64) -> Changes:
    """Return the test items whose 1-NN class changes under L.

    First those that become right, then those that become wrong, then those wrong in another way.
    """
    before = nearest_rows(mapped(train, None), mapped(test, None), 1)[:, 0]
    after = nearest_rows(mapped(train, factor), mapped(test, factor), 1)[:, 0]
    wrong_before, wrong_after = y_train[before] != y_test, y_train[after] != y_test
    changed = np.flatnonzero(y_train[before] != y_train[after])
    rank = np.where(~wrong_after[changed], 0, np.where(~wrong_before[changed], 1, 2))
    rows = changed[np.argsort(rank, kind="stable")]
    return Changes(rows, before[rows], after[rows], compared(wrong_before, wrong_after))


def split(y: Labels, *, share: float = 0.5, seed: int = 0) -> tuple[Rows, Rows]:
    """Return (training rows, test rows), each class divided by ``share``; every class keeps one for training."""
    rng = np.random.default_rng(seed)
    train: list[Rows] = []
    for name in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == name))
        train.append(members[: max(1, round(share * len(members)))])
    chosen = np.sort(np.concatenate(train))
    return chosen, np.setdiff1d(np.arange(len(y)), chosen)
