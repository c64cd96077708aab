"""The LMNN objective on a working set of impostor candidates, and the exact search that fills it.

What lives here: values and gradients for a fixed set of candidates; the search over all pairs. What does not: the
descent (``lmnn``, ``lmnn_convex``). May import: records, jobs, ``neighbours``, numpy; scipy.sparse when used.

    eps(M) = (1 - mu) sum_{i, j ~> i} rho²(i, j) + mu sum_{i, j ~> i} sum_{y_l != y_i} [1 + rho²(i, j) - rho²(i, l)]_+

with mu the weight of the push. The gradient is a weighted graph Laplacian, G = X^T (D - W) X: no loop over outer
products. Source: Weinberger and Saul, JMLR 10, 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.learning.neighbours import Labels, Rows, mapped
from app.records import Array, Float64

MARGIN = 1.0
BLOCK = 2_000_000
PART = 512
KEPT = 400_000  # numbers in the differences of a small set


@dataclass(frozen=True, eq=False)
class Impostors:
    """Pairs (i, l) of different classes, sorted by i: those that violate a margin now, and near ones.

    Attributes:
        i, l: (P,) rows of the data.
        pull, push: the exact sums at the metric of the search (before weighting by mu).
        active: the number of violated triples (i, j, l).
    """

    i: Rows
    l: Rows  # noqa: E741 -- the letter of the papers
    pull: float
    push: float
    active: int

    def objective(self, mu: float) -> float:
        """Return eps at the metric of the search."""
        return (1 - mu) * self.pull + mu * self.push

    def merged(self, other: Impostors) -> Impostors:
        """Return the candidates of both, with the sums of this one."""
        n = 1 + int(max(self.l.max(initial=0), other.l.max(initial=0)))
        i, l = np.divmod(np.union1d(self.i * n + self.l, other.i * n + other.l), n)  # noqa: E741
        return Impostors(i, l, self.pull, self.push, self.active)


@dataclass(frozen=True, eq=False)
class Value:
    """The objective on a working set, and the weights of the edges its gradient is made of."""

    value: float
    pull: float
    push: float
    active: int
    on_targets: Array  # (n, k)
    on_impostors: Array  # (P,)


class WorkingSet:
    """The objective with only these candidates; exact as long as no other pair violates a margin.

    Args:
        x: (n, p) points, float32 or float64: that is the precision of the work.
        targets: (n, k) target neighbours.
        mu: weight of the push, 0 to 1.
        found: the candidates.
        rounded: width over which the hinge's kink is rounded off (0 = not); it lowers a violation by half of it.
    """

    def __init__(self, x: Array, targets: Rows, mu: float, found: Impostors, *, rounded: float = 0.0) -> None:
        self.rounded = rounded
        self.x, self.mu, self.i, self.l = x, mu, found.i, found.l
        self.n, self.k = targets.shape
        self._from = np.repeat(np.arange(self.n), self.k)
        self._to = targets.ravel()
        self.last: Value  # of the latest evaluation by ``on_factor``
        # Differences kept for small sets: their products are then faster than sparse matrices.
        self._kept: tuple[Array, Array] | None = None
        if (len(self._from) + len(self.i)) * x.shape[1] <= KEPT:
            self._kept = x[self._from] - x[self._to], x[self.i] - x[self.l]

    def _squared(self, factor: Array) -> tuple[Array, Array]:
        """Return the squared distances to the (n, k) targets and of the (P,) candidates under L."""
        if self._kept is not None:
            to_targets, to_impostors = (gap @ factor.T for gap in self._kept)
        else:
            z = self.x @ factor.T
            return _apart(z, self._from, self._to).reshape(self.n, self.k), _apart(z, self.i, self.l)
        near: Array = np.vecdot(to_targets, to_targets).reshape(self.n, self.k)
        return near, np.vecdot(to_impostors, to_impostors)

    def value(self, factor: Array) -> Value:
        """Return the objective at L."""
        near, far = self._squared(factor)
        violation = (MARGIN + near)[self.i]
        violation -= far[:, None]
        active = (violation > 0).astype(self.x.dtype)
        np.maximum(violation, 0, out=violation)
        push = lowered = float(violation.sum(dtype=np.float64))
        if self.rounded:
            active = np.minimum(violation / self.rounded, 1)
            lowered = float((active * (violation - self.rounded / 2 * active)).sum(dtype=np.float64))
        pull = float(near.sum(dtype=np.float64))
        per_target = np.stack(
            [np.bincount(self.i, weights=active[:, column], minlength=self.n) for column in range(self.k)], axis=1
        )
        on_targets = ((1 - self.mu) + self.mu * per_target).astype(self.x.dtype)
        on_impostors = (-self.mu * active.sum(axis=1)).astype(self.x.dtype)
        total = (1 - self.mu) * pull + self.mu * lowered
        return Value(total, pull, push, int(np.count_nonzero(active)), on_targets, on_impostors)

    def _laplacian(self, value: Value, points: Array) -> Array:
        """Return the sum over edges of weight times (point_i - point_j), scattered to both ends: (D - W) points."""
        from scipy.sparse import csr_matrix

        used = np.flatnonzero(value.on_impostors)
        rows, columns, weights = self.i[used], self.l[used], value.on_impostors[used]
        start = np.searchsorted(rows, np.arange(self.n + 1))
        shape = (self.n, self.n)
        impostors: Any = csr_matrix((weights, columns, start), shape=shape)
        flat = value.on_targets.ravel()
        targets: Any = csr_matrix((flat, self._to, np.arange(self.n + 1) * self.k), shape=shape)
        degree = value.on_targets.sum(axis=1) + np.bincount(self._to, weights=flat, minlength=self.n)
        degree += np.bincount(rows, weights=weights, minlength=self.n)
        degree += np.bincount(columns, weights=weights, minlength=self.n)
        result: Array = degree.astype(points.dtype)[:, None] * points
        result -= impostors @ points + impostors.T @ points + targets @ points + targets.T @ points
        return result

    def _weighted_products(self, value: Value, factor: Array | None) -> Array:
        """Return X^T (D - W) X, or L times it if a factor is given."""
        if self._kept is None:
            left = self.x if factor is None else self.x @ factor.T
            result: Array = self._laplacian(value, left).T @ self.x
            return result
        (targets, impostors), used = self._kept, np.flatnonzero(value.on_impostors)
        hit = impostors[used]
        g: Array = (targets * value.on_targets.reshape(-1, 1)).T @ targets
        g += (hit * value.on_impostors[used, None]).T @ hit
        return g if factor is None else factor @ g

    def on_factor(self, factor: Float64) -> tuple[float, Float64]:
        """Return (objective, gradient) as a function of L: the gradient is 2 L G."""
        at = factor.astype(self.x.dtype)
        self.last = self.value(at)
        return self.last.value, 2 * self._weighted_products(self.last, at).astype(np.float64)

    def on_matrix(self, factor: Float64) -> tuple[Value, Float64]:
        """Return (objective, G) where G is the gradient as a function of M = L^T L, symmetric (p, p)."""
        value = self.value(factor.astype(self.x.dtype))
        g = self._weighted_products(value, None).astype(np.float64)
        return value, (g + g.T) / 2


def _apart(z: Array, a: Rows, b: Rows) -> Array:
    """Return the (P,) squared distances of rows, a part at a time: what was gathered is then still in the cache."""
    result = np.empty(len(a), z.dtype)
    for start in range(0, len(a), PART):
        part = slice(start, start + PART)
        gap = z[a[part]]
        gap -= z[b[part]]
        np.vecdot(gap, gap, out=result[part])
    return result


def find_impostors(x: Array, y: Labels, targets: Rows, factor: Float64, *, most: int) -> Iterator[Impostors | None]:
    """Search all pairs for impostors under L; yields None between blocks, then the result.

    Kept are all pairs that violate a margin now, and the nearest to doing so up to ``most`` pairs in all.

    Args:
        x: (n, p) points; float32 makes the search, not the sums, single precision.
        most: how many candidates to keep if fewer are violated.
    """
    n = len(x)
    z = mapped(x, factor)
    gap = z[:, None, :] - z[targets] if n * targets.shape[1] * z.shape[1] < BLOCK else None
    near = np.vecdot(gap, gap) if gap is not None else _target_distances(z, targets)
    reach = MARGIN + near.max(axis=1)
    centred = np.ascontiguousarray(z - z.mean(axis=0), x.dtype)
    square = np.vecdot(centred, centred)
    step = max(1, BLOCK // n)
    parts: list[tuple[Rows, Array]] = []  # flat index of the pair, by how much it keeps its distance
    limit = np.inf
    for start in range(0, n, step):
        rows = slice(start, min(n, start + step))
        slack = centred[rows] @ centred.T
        slack *= -2
        slack += square[None]
        slack += (square[rows] - reach[rows].astype(x.dtype))[:, None]
        slack[y[rows, None] == y[None]] = np.inf
        share = max(most * (rows.stop - rows.start) // n * 2, 1)
        flat = slack.ravel()
        if np.isinf(limit) and share < flat.size:
            limit = max(1e-3, float(np.partition(flat, share)[share]))
        close = np.flatnonzero(flat < (limit if np.isfinite(limit) else np.finfo(x.dtype).max))
        parts.append((close + start * n, flat[close]))
        yield None
    yield _chosen(z, near, np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]), most)


def _target_distances(z: Float64, targets: Rows) -> Float64:
    """Return the (n, k) squared distances to the targets without a large temporary."""
    return np.stack([np.vecdot(z - z[column], z - z[column]) for column in targets.T], axis=1)


def _chosen(z: Float64, near: Float64, flat: Rows, slack: Array, most: int) -> Impostors:
    """Return the candidates with the exact sums over them, in float64."""
    rounding = 1e-3 if slack.dtype == np.float32 else 1e-9
    if len(flat) > most:
        keep = slack <= max(rounding, float(np.partition(slack, most)[most]))
        flat = flat[keep]
    i, other = np.divmod(flat, len(z))
    push, active = 0.0, 0
    for start in range(0, len(i), 200_000):
        part = slice(start, start + 200_000)
        gap = z[i[part]] - z[other[part]]
        violation = (MARGIN + near[i[part]]) - np.vecdot(gap, gap)[:, None]
        hit: npt.NDArray[np.bool_] = violation > 0
        push += float(violation[hit].sum())
        active += int(np.count_nonzero(hit))
    return Impostors(i, other, float(near.sum()), push, active)
