"""Judgements that metrics are learned from: similar and dissimilar pairs, relative triples, and their scatter matrices.

What lives here: checks of labelled data and everything made from labels. What does not: any learner. May import:
records, ``neighbours``, numpy.

C_S is the sum of (x - x')(x - x')^T over similar pairs, C_D over dissimilar ones; rho_M² sums to tr(M C_S) over S.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.learning.neighbours import Labels, Rows, nearest_rows, target_neighbours
from app.records import Array, Float64, UserError

LARGEST = 1e70  # of a number that is squared, summed and squared again
MOST_POINTS = 20_000  # of one learner: its distances then take 3 GB


@dataclass(frozen=True, eq=False)
class Pairs:
    """Judgements about pairs, each once: (m, 2) int64 rows of the data."""

    similar: Rows
    dissimilar: Rows


def checked(x: npt.ArrayLike, y: npt.ArrayLike, *, classes: int = 2) -> tuple[Float64, Labels]:
    """Return the data as (n, d) float64 and (n,) int64 after the checks that every learner needs.

    Args:
        x: (n, d) numbers.
        y: (n,) whole numbers, one class each.
        classes: how many different classes there must be at least.

    Raises:
        UserError: for other shapes, values that are not finite, too few points or classes.
    """
    points, labels = np.asarray(x, np.float64), np.asarray(y)
    if points.ndim != 2 or labels.shape != points.shape[:1]:
        raise UserError(f"The data need n rows and n labels, found {points.shape} and {labels.shape}.")
    if labels.dtype.kind not in "iub":
        raise UserError(f"Labels must be whole numbers, found {labels.dtype}.")
    if len(points) < 2 or points.shape[1] < 1:
        raise UserError(
            f"A metric is learned from at least two points with one feature, found {len(points)} × {points.shape[1]}."
        )
    if len(points) > MOST_POINTS:
        raise UserError(f"{len(points):,} points are more than a learner takes ({MOST_POINTS:,}); take a sample.")
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        row, column = bad[0]
        raise UserError(
            f"Row {row + 1}, feature {column + 1} is not a finite number ({len(bad)} such value"
            f"{'s' * (len(bad) != 1)}); remove those rows or fill them in."
        )
    _check_sizes(points)
    found = len(np.unique(labels))
    if found < classes:
        raise UserError(f"All {len(points)} points are of one class; a metric is learned from at least {classes}.")
    return np.ascontiguousarray(points), labels.astype(np.int64)


def _check_sizes(points: Float64) -> None:
    """Refuse numbers whose squares overflow, and features that differ by less than what a square can hold."""
    largest = np.abs(points).max(axis=0)
    spread = float((points.max(axis=0) / 2 - points.min(axis=0) / 2).max())
    if largest.max() > LARGEST:
        column = int(np.argmax(largest))
        raise UserError(
            f"Feature {column + 1} holds {largest[column]:.3g}, whose square overflows; divide the feature by a "
            "constant."
        )
    if 0 < spread < 1 / LARGEST:
        raise UserError(
            f"No feature differs by more than {2 * spread:.3g}, whose square vanishes; multiply the features by a "
            "constant."
        )


def all_pairs(y: Labels) -> Pairs:
    """Return every pair of points: similar if of one class, else dissimilar."""
    i, j = np.triu_indices(len(y), 1)
    same = y[i] == y[j]
    both = np.stack([i, j], axis=1).astype(np.int64)
    return Pairs(both[same], both[~same])


def sampled_pairs(y: Labels, count: int, *, seed: int) -> Pairs:
    """Return ``count`` random pairs of each kind without repetition (all there are if fewer)."""
    rng = np.random.default_rng(seed)
    pairs = all_pairs(y)

    def some(rows: Rows) -> Rows:
        """Return as many rows as are asked for, drawn without repetition, in their order."""
        picked = np.sort(rng.permutation(len(rows))[:count])
        return rows[picked]

    return Pairs(some(pairs.similar), some(pairs.dissimilar))


def scatter_of_pairs(x: Float64, pairs: Rows) -> Float64:
    """Return the sum of (x_i - x_j)(x_i - x_j)^T over these pairs, (d, d); zero for none."""
    total = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(pairs), 100_000):
        gap = x[pairs[start : start + 100_000, 0]] - x[pairs[start : start + 100_000, 1]]
        total += gap.T @ gap
    return total


def scatters(x: Float64, y: Labels) -> tuple[Float64, Float64]:
    """Return (C_S, C_D) over all pairs, without a loop over pairs.

    The pair differences inside a set of m points sum to m times its scatter about the mean; all
    pairs less the similar ones are the dissimilar ones.
    """

    def within(points: Float64) -> Float64:
        """Return the outer products of the differences of all pairs of these points, summed."""
        gap = points - points.mean(axis=0)
        result: Float64 = len(points) * (gap.T @ gap)
        return result

    similar = sum((within(x[y == name]) for name in np.unique(y)), np.zeros((x.shape[1], x.shape[1])))
    dissimilar = within(x) - similar
    return (similar + similar.T) / 2, (dissimilar + dissimilar.T) / 2


def relative_triples(x: Float64, y: Labels, *, k: int = 3, others: int = 3) -> Rows:
    """Return (m, 3) triples (i, j, l): "i is more like j than like l".

    j runs over the k nearest of i's class, l over the ``others`` nearest of all other classes.

    Raises:
        UserError: if a class has fewer than k + 1 points.
    """
    targets = target_neighbours(x, y, k)
    foes = np.empty((len(x), others), np.int64)
    for name in np.unique(y):
        mine, rest = np.flatnonzero(y == name), np.flatnonzero(y != name)
        if len(rest) < others:
            raise UserError(f"There are only {len(rest)} points outside class {name}; use {len(rest)} others or less.")
        foes[mine] = rest[nearest_rows(x[rest], x[mine], others)]
    n = len(x)
    i = np.repeat(np.arange(n), k * others)
    j = np.repeat(targets, others, axis=1).reshape(-1)
    foe = np.tile(foes, (1, k)).reshape(-1)
    return np.stack([i, j, foe], axis=1).astype(np.int64)


def constant_features(x: Array) -> Rows:
    """Return the columns in which all points agree; no metric can be learned there."""
    return np.flatnonzero(np.ptp(x, axis=0) == 0).astype(np.int64)
