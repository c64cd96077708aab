"""How good descriptors of matching patches are: FPR95, rank-1, ROC and EER.

What lives here: numbers from distances. What does not: networks and data. May import: records and numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.records import Array, Float32, Float64, UInt8

NEGATIVES_PER_POSITIVE = 10


@dataclass(frozen=True)
class PatchNumbers:
    """FPR95 and rank-1 of one descriptor on matching patches; NaN of nothing."""

    fpr95: float
    rank1: float


def false_positive_rate(positive: npt.ArrayLike, negative: npt.ArrayLike, *, recall: float = 0.95) -> float:
    """Return the share of negatives at or below the distance that accepts ``recall`` of the positives.

    Args:
        positive, negative: (P,) and (N,) distances of matching and other pairs.
        recall: 0.95 gives FPR95 (Brown, Hua & Winder, PAMI 2011).

    Returns:
        In [0, 1]; NaN if either is empty. The threshold is the smallest distance of a matching pair that reaches the
        recall, so it is the operating point of :meth:`Roc.at_recall`.
    """
    right, wrong = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    if not right.size or not wrong.size:
        return float("nan")
    accepted = max(1, math.ceil(recall * right.size - 1e-9))
    return float((wrong <= np.sort(right)[accepted - 1]).mean())


def distances(left: Float32, right: Float32) -> Float64:
    """Return the (N, M) Euclidean distances between rows."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    result: Float64 = np.sqrt(np.maximum(squared, 0))
    return result


def paired_distances(
    left: Float32, right: Float32, group: Array, *, label: Array | None = None, seed: int = 0
) -> tuple[Float64, Float64, list[float]]:
    """Return distances of the true pairs, of random other pairs of the same group, and rank-1 of every group.

    Row i of ``left`` matches row i of ``right``. Each positive has ten negatives drawn from the same group (a
    sequence); rank-1 is the share of rows whose nearest row of the group is the true one. A group of one row is
    left out.

    Args:
        left, right: (N, D) descriptors.
        group: (N,) which sequence a row is of.
        label: (N,) class of a row, if several rows may be of one: they are then no negatives of each other, and any of
            them is a right nearest one. A group of one class is left out.
        seed: of the drawing.
    """
    classes = np.arange(len(left)) if label is None else label
    rng = np.random.default_rng(seed)
    positive, negative, rank1 = [np.zeros(0)], [np.zeros(0)], []
    for value in np.unique(group):
        rows = np.flatnonzero(group == value)
        own = classes[rows]
        n = len(rows)
        if n < 2 or (own == own[0]).all():
            continue
        gap = distances(left[rows], right[rows])
        index = np.arange(n)
        other = other_rows(own, NEGATIVES_PER_POSITIVE, rng)
        positive.append(np.diag(gap))
        negative.append(gap[index[:, None], other].ravel())
        rank1.append(float((own[gap.argmin(1)] == own).mean()))
    return np.concatenate(positive), np.concatenate(negative), rank1


def other_rows(label: Array, count: int, rng: np.random.Generator) -> Array:
    """Return (N, count) rows of another class for every row, drawn at random.

    Args:
        label: (N,) classes, at least two different ones.
        count: rows for each.
        rng: draws; where every row is a class of its own, exactly one number for each row returned.
    """
    n = len(label)
    found: Array = (np.arange(n)[:, None] + rng.integers(1, n, (n, count))) % n
    while len(same := np.argwhere(label[found] == label[:, None])):
        found[tuple(same.T)] = rng.integers(0, n, len(same))
    return found


def patch_numbers(describe: Callable[[UInt8], Float32], left: UInt8, right: UInt8, group: Array) -> PatchNumbers:
    """Return FPR95 and mean rank-1 of a descriptor on matching patches (seed 0).

    Args:
        describe: (N, H, W) uint8 patches to (N, D) descriptors.
        left, right: (N, H, W) uint8, row i matching row i.
        group: (N,) sequence of every row.
    """
    positive, negative, rank1 = paired_distances(describe(left), describe(right), group)
    return PatchNumbers(false_positive_rate(positive, negative), float(np.mean(rank1)) if rank1 else float("nan"))


@dataclass(frozen=True, eq=False)
class Roc:
    """A receiver operating characteristic over all thresholds.

    Attributes:
        false_positive, true_positive: (T,) rates, both rising from 0 to 1.
        threshold: (T,) the distance up to which a pair is accepted; -inf at the start.
        area: under the curve.
        equal_error: the rate where false accepts equal false rejects.
    """

    false_positive: Float64
    true_positive: Float64
    threshold: Float64
    area: float
    equal_error: float

    def at_recall(self, recall: float) -> int:
        """Return the first operating point that reaches this recall."""
        return int(np.searchsorted(self.true_positive, recall - 1e-12))


def roc(positive: npt.ArrayLike, negative: npt.ArrayLike) -> Roc:
    """Return the curve of accepting pairs up to a distance; ties are one step, so they count half in the area.

    Raises:
        ValueError: if either side is empty.
    """
    right, wrong = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    if not right.size or not wrong.size:
        raise ValueError("roc: needs at least one matching and one other pair")
    values = np.unique(np.concatenate([right, wrong]))
    true = np.concatenate([[0.0], np.searchsorted(np.sort(right), values, side="right") / right.size])
    false = np.concatenate([[0.0], np.searchsorted(np.sort(wrong), values, side="right") / wrong.size])
    gap = false - (1 - true)  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    share = 0.0 if gap[after] == gap[after - 1] else -gap[after - 1] / (gap[after] - gap[after - 1])
    equal = false[after - 1] + share * (false[after] - false[after - 1])
    return Roc(false, true, np.concatenate([[-np.inf], values]), float(np.trapezoid(true, false)), float(equal))
