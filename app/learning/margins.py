"""One margin against classes of unequal spread: how wide classes are, how far off others lie, what a margin asks.

What lives here: :class:`ClassSpreads`, measured from descriptors, what a loss's margin asks of a class of some spread,
and the verdict on every class. What does not: training, drawing. May import: losses' list, patch_evaluation, numpy.

The lecture's issue with one fixed m: the triplet loss of a class is 0 as soon as the nearest other
lies m beyond its own patches, however far those are apart. As a yardstick that goes with the class serves its own
spread: others should begin as far outside of it as it reaches, at twice its spread. Both agree for one spread only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.learning.losses import LossPlan
from app.learning.patch_evaluation import distances
from app.records import Array, Float32, Float64, Int32

VERDICTS = ("fits", "too large", "too small", "not apart")
OWN = 2.0  # a class is clear of the others where the nearest of them lies at so many times its spread
PARTS = ("tight", "middle", "wide")


@dataclass(frozen=True, eq=False)
class ClassSpreads:
    """C classes with at least two patches each, the tightest first.

    Attributes:
        label: (C,) the classes.
        count: (C,) patches of each.
        spread: (C,) mean distance between two patches of the class.
        radius: (C,) root mean square distance of its patches from their mean.
        nearest: (C,) mean over its patches of the distance to the nearest patch of another class; NaN of one class.
        widest: (C, 2) rows of its two patches that are farthest apart.
        closest: (C, 2) a row of it and a row of another class, nearest to each other; -1 where there is no other.
    """

    label: Int32
    count: Int32
    spread: Float64
    radius: Float64
    nearest: Float64
    widest: Int32
    closest: Int32

    def __len__(self) -> int:
        return len(self.label)


def measure(embedding: Float32, label: Array) -> ClassSpreads:
    """Return how wide every class is and how far off the others are; classes of one patch only count as others.

    Args:
        embedding: (N, D) descriptors.
        label: (N,) class of each.
    """
    gap = distances(embedding, embedding)
    rows: list[tuple[float, ...]] = []
    for value in np.unique(label):
        own, other = np.flatnonzero(label == value), np.flatnonzero(label != value)
        if len(own) < 2:
            continue
        inside = gap[np.ix_(own, own)]
        a, b = np.unravel_index(int(inside.argmax()), inside.shape)
        first, second, nearest = -1, -1, float("nan")
        if len(other):
            outside = gap[np.ix_(own, other)]
            nearest = float(outside.min(axis=1).mean())
            i, j = np.unravel_index(int(outside.argmin()), outside.shape)
            first, second = int(own[i]), int(other[j])
        values = embedding[own].astype(np.float64)
        radius = float(np.sqrt(((values - values.mean(axis=0)) ** 2).sum(axis=1).mean()))
        spread = float(inside[~np.eye(len(own), dtype=np.bool_)].mean())
        rows.append((value, len(own), spread, radius, nearest, own[a], own[b], first, second))
    table = np.array(sorted(rows, key=lambda row: row[2]), np.float64).reshape(-1, 9)
    whole = table[:, [0, 1, 5, 6, 7, 8]].astype(np.int32)
    return ClassSpreads(
        whole[:, 0], whole[:, 1], table[:, 2], table[:, 3], table[:, 4], whole[:, 2:4].copy(), whole[:, 4:].copy()
    )


def has_margin(plan: LossPlan) -> bool:
    """Whether a loss compares distances with a margin."""
    return plan.margin > 0


def asked(spread: npt.ArrayLike, plan: LossPlan, margin: float) -> Float64:
    """Return how far off the nearest other has to be for the loss of a class of this spread to be 0.

    With d(a, p) = spread: d + m for triplets of distances (and the hardest negative of the lifted structure), the
    root of d² + m for squared ones; contrastive losses ask for m, whatever the class is like.
    """
    x = np.asarray(spread, np.float64)
    if plan.kind == "pairs":
        return np.full(x.shape, float(margin))
    result: Float64 = np.sqrt(x**2 + margin) if plan.squared else x + margin
    return result


def room(spread: npt.ArrayLike, nearest: npt.ArrayLike, plan: LossPlan) -> Float64:
    """Return the largest margin that classes meet: what :func:`asked` equals ``nearest`` for; below 0 they overlap."""
    x, y = np.asarray(spread, np.float64), np.asarray(nearest, np.float64)
    if plan.kind == "pairs":
        return y.copy()
    result: Float64 = y**2 - x**2 if plan.squared else y - x
    return result


def verdicts(found: ClassSpreads, plan: LossPlan, margin: float) -> Array:
    """Return (C,) rows of :data:`VERDICTS`.

    ``fits``: the loss is 0 and the class is clear of the others by its own yardstick. ``too large``: it is clear, but
    the loss pushes on. ``too small``: the loss is 0, but others lie within twice its spread. ``not apart``: neither,
    so the loss rightly goes on.
    """
    met = found.nearest >= asked(found.spread, plan, margin)
    clear = found.nearest >= OWN * found.spread
    return np.select([met & clear, clear, met], [0, 1, 2], 3).astype(np.int32)


def thirds(found: ClassSpreads, plan: LossPlan, margin: float) -> list[tuple[str, float, float]]:
    """Return (part, share of its classes that meet the margin, median of the largest margin they meet).

    The parts are the tightest, the middle and the widest third of the classes; NaN of an empty one.
    """
    met = found.nearest >= asked(found.spread, plan, margin)
    most = room(found.spread, found.nearest, plan)
    result = []
    for name, rows in zip(PARTS, np.array_split(np.arange(len(found)), len(PARTS)), strict=True):
        none = not len(rows)
        result.append(
            (
                name,
                float("nan") if none else float(met[rows].mean()),
                float("nan") if none else float(np.median(most[rows])),
            )
        )
    return result


def sampled(label: Array, *, classes: int = 120, patches: int = 480) -> Array:
    """Return rows to measure: at most ``patches`` of at most ``classes`` classes, both spread evenly over the set.

    Args:
        label: (N,) class of each row, rising.
    """
    _, starts, counts = np.unique(label, return_index=True, return_counts=True)
    usable = np.flatnonzero(counts > 1)
    if len(usable) > classes:
        usable = usable[np.linspace(0, len(usable) - 1, classes).astype(np.int64)]
    if not len(usable):
        return np.zeros(0, np.int64)
    each = max(2, patches // len(usable))
    picked = [starts[c] + np.linspace(0, counts[c] - 1, min(each, counts[c])).astype(np.int64) for c in usable]
    return np.concatenate(picked)
