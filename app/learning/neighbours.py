"""Nearest neighbours under a metric: distances without loss of digits, k-NN votes, target neighbours.

What lives here: everything that asks "who is near whom" of a few thousand points. What does not: the search of
descriptors (``app.vision.nearest``). May import: records and numpy.

A metric enters as its factor L: map once by L (r rows), then everything is Euclidean.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from app.records import Array, Float64, UserError

Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
# Floats of one block of the distance matrix: 16 MB in float64.
BLOCK = 2_000_000
FEW = 8


def mapped(x: Array, factor: Float64 | None) -> Float64:
    """Return the points after L, (n, r) float64; without a factor the points themselves."""
    points = np.asarray(x, np.float64)
    return points if factor is None else points @ np.asarray(factor, np.float64).T


def squared_distances(a: Array, b: Array | None = None, *, factor: Float64 | None = None) -> Float64:
    """Return the (n, m) float64 squared distances |L a - L b|².

    The origin is moved into the data first: |a|² + |b|² - 2 a·b loses all digits where means are large against the
    spread. Rounding below zero is set to 0, and the diagonal of one set with itself is exactly 0.

    Args:
        a: (n, d) points.
        b: (m, d) points; None for ``a`` itself.
        factor: (r, d) the L of a metric; None for the Euclidean one.
    """
    left = mapped(a, factor)
    right = left if b is None else mapped(b, factor)
    centre = right.mean(axis=0) if len(right) else 0.0
    left, right = left - centre, right - centre
    result: Float64 = left @ right.T
    result *= -2
    result += np.vecdot(left, left)[:, None]
    result += np.vecdot(right, right)[None]
    np.maximum(result, 0, out=result)
    if b is None:
        np.fill_diagonal(result, 0)
    return result


def _blocks(n: int, m: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, m))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def _smallest(distance: Float64, k: int) -> Rows:
    """Return the columns of the k smallest of every row, ascending, the lowest column first among equals.

    The distances may be overwritten.
    """
    if k <= FEW:  # a few passes are faster than a partition
        near = np.empty((len(distance), k), np.int64)
        rows = np.arange(len(distance))
        for column in range(k):
            near[:, column] = distance.argmin(axis=1)
            distance[rows, near[:, column]] = np.inf
        return near
    if k < distance.shape[1]:
        near = np.sort(np.argpartition(distance, k - 1, axis=1)[:, :k], axis=1)
    else:
        near = np.broadcast_to(np.arange(distance.shape[1]), distance.shape)
    order = np.argsort(np.take_along_axis(distance, near, axis=1), axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1).astype(np.int64)


def nearest_rows(train: Array, query: Array | None, k: int) -> Rows:
    """Return the (n, k) rows of ``train`` nearest to every query point, the nearest first.

    Args:
        train: (m, r) points, already mapped by L.
        query: (n, r) points; None asks for the training points themselves, each left out of its own list.
        k: how many; at most the points there are.

    Raises:
        UserError: if there are fewer than ``k`` (other) points.
    """
    there = len(train) - (query is None)
    if not 1 <= k <= there:
        others = "is 1 other point" if there == 1 else f"are {there} other points"
        advice = "add points" if there < 1 else "use k 1" if there == 1 else f"use k 1 to {there}"
        raise UserError(f"{k} neighbours were asked for, but there {others}; {advice}.")
    asked = train if query is None else query
    result = np.empty((len(asked), k), np.int64)
    for part in _blocks(len(asked), len(train)):
        distance = squared_distances(asked[part], train)
        if query is None:
            distance[np.arange(len(distance)), np.arange(part.start, part.stop)] = np.inf
        result[part] = _smallest(distance, k)
    return result


def vote(labels: Labels) -> Labels:
    """Return the winning class of every row of neighbours' labels, the nearest first.

    Where classes tie, k shrinks until one of them wins (Weinberger and Saul 2009).

    Args:
        labels: (n, k) classes of the neighbours.
    """
    equal = labels[:, :, None] == labels[:, None, :]
    winner = labels[:, 0].copy()
    open_rows = np.ones(len(labels), np.bool_)
    for k in range(labels.shape[1], 0, -1):
        count = equal[:, :k, :k].sum(axis=2)
        most = count.max(axis=1)
        alone = open_rows & ((count == most[:, None]).sum(axis=1) == most)
        winner[alone] = labels[alone, count[alone].argmax(axis=1)]
        open_rows &= ~alone
    return winner


def knn_labels(train: Array, y: Labels, query: Array | None, k: int, *, factor: Float64 | None = None) -> Labels:
    """Return the k-NN class of every query point; ``query`` None means leave-one-out over the training points."""
    rows = nearest_rows(mapped(train, factor), None if query is None else mapped(query, factor), k)
    return vote(np.asarray(y)[rows])


def leave_one_out_error(x: Array, y: Labels, k: int, *, factor: Float64 | None = None) -> float:
    """Return the share of points whose k nearest other points vote for another class."""
    return float(np.mean(knn_labels(x, y, None, k, factor=factor) != y))


class SmallClassError(UserError):
    """A class has too few points for its target neighbours.

    Attributes:
        label: the class as a number, which whoever knows its name can put right by ``named``.
    """

    def __init__(self, label: int, count: int, k: int, name: str = "") -> None:
        self.label, self._count, self._k = label, count, k
        which = name or str(label)
        super().__init__(
            f"Class {which} has {count} points, too few for {k} target neighbour{'s' * (k != 1)} each; use k "
            f"{count - 1} or less, or leave the class out."
            if count > 1
            else f"Class {which} has a single point, so it has no target neighbour; add points or leave it out."
        )

    def named(self, name: str) -> SmallClassError:
        """Return the same of a class with a name."""
        return SmallClassError(self.label, self._count, self._k, name)


def target_neighbours(x: Array, y: Labels, k: int, *, factor: Float64 | None = None) -> Rows:
    """Return the (n, k) nearest points of the same class, the point itself excluded.

    Fixed before training, they make LMNN convex. Source: Weinberger and Saul, JMLR 10, 2009, section 3.

    Raises:
        SmallClassError: if a class has fewer than k + 1 points.
    """
    points = mapped(x, factor)
    result = np.empty((len(points), k), np.int64)
    for name in np.unique(y):
        members = np.flatnonzero(y == name)
        if len(members) <= k:
            raise SmallClassError(int(name), len(members), k)
        result[members] = members[nearest_rows(points[members], None, k)]
    return result


def decision_regions(
    x: Array, y: Labels, k: int, box: tuple[float, float, float, float], size: tuple[int, int], *, factor: Float64
) -> Labels:
    """Return the (rows, columns) k-NN classes on a grid over ``box`` = (x0, y0, x1, y1), for drawing in 2-D.

    Grid points are cell centres; row 0 lies at y0.
    """
    columns, rows = size
    step_x, step_y = (box[2] - box[0]) / columns, (box[3] - box[1]) / rows
    along, up = np.meshgrid(box[0] + step_x * (np.arange(columns) + 0.5), box[1] + step_y * (np.arange(rows) + 0.5))
    grid = np.stack([along.ravel(), up.ravel()], axis=1)
    return knn_labels(x, y, grid, k, factor=factor).reshape(rows, columns)


def closest_pair(x: Array, *, factor: Float64 | None = None) -> tuple[int, int, float]:
    """Return (i, j, distance) of the two different points that are closest, e.g. the most alike faces.

    Raises:
        UserError: if there are fewer than two points.
    """
    if len(x) < 2:
        raise UserError("The closest pair needs at least two points.")
    points = mapped(x, factor)
    near = nearest_rows(points, None, 1)[:, 0]
    gap = np.linalg.norm(points - points[near], axis=1)
    i = int(np.argmin(gap))
    return min(i, int(near[i])), max(i, int(near[i])), float(gap[i])
