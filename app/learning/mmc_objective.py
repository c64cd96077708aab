"""The sum of distances over dissimilar pairs and its gradient, from labels (all pairs) or from a list of pairs.

What lives here: value and gradient as functions of the factor. What does not: the solvers (``mmc``). May import: numpy.

d/dM of sum rho is sum e e^T / (2 rho), a weighted graph Laplacian: for all pairs two matrix products, no pair loop.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from app.learning.neighbours import Labels, Rows
from app.records import Array, Float64

# Below this share of the mean distance a pair counts as being there: the root's slope is infinite at 0.
SMALLEST = 1e-7
SINGLE_PRECISION_ABOVE = 1000  # points


class SumOfDistances(Protocol):
    """What a solver asks for."""

    def of_factor(self, factor: Float64) -> tuple[float, Float64]:
        """Return (sum over D of |L e|, its gradient with respect to M = L^T L) at L."""


class AllPairs:
    """Every pair of points of different classes, each once."""

    def __init__(self, points: Float64, y: Labels) -> None:
        self._x: Array = np.ascontiguousarray(
            points, np.float32 if len(points) > SINGLE_PRECISION_ABOVE else np.float64
        )
        order = np.argsort(y, kind="stable")
        self._x = self._x[order]
        _, start = np.unique(y[order], return_index=True)
        self._blocks = [slice(a, b) for a, b in zip(start, [*start[1:], len(y)], strict=True)]

    def of_factor(self, factor: Float64) -> tuple[float, Float64]:
        """Return (sum over D of |L e|, its gradient with respect to M = L^T L) at L."""
        z = self._x @ factor.astype(self._x.dtype).T
        square = np.vecdot(z, z)
        weights = z @ z.T
        weights *= -2
        weights += square[None]
        weights += square[:, None]
        np.maximum(weights, 0, out=weights)
        np.sqrt(weights, out=weights)
        for block in self._blocks:
            weights[block, block] = 0
        total = float(weights.sum(dtype=np.float64)) / 2
        there = weights > SMALLEST * 2 * total / max(1, weights.size)
        np.divide(0.5, weights, out=weights, where=there)
        weights[~there] = 0
        gradient = (self._x * weights.sum(axis=1)[:, None]).T @ self._x - self._x.T @ (weights @ self._x)
        gradient = gradient.astype(np.float64)
        return total, (gradient + gradient.T) / 2


class ListedPairs:
    """A given list of dissimilar pairs."""

    def __init__(self, points: Float64, pairs: Rows) -> None:
        self._gap = points[pairs[:, 0]] - points[pairs[:, 1]]

    def of_factor(self, factor: Float64) -> tuple[float, Float64]:
        """Return (sum over D of |L e|, its gradient with respect to M = L^T L) at L."""
        rho = np.linalg.norm(self._gap @ factor.T, axis=1)
        total = float(rho.sum())
        there = rho > SMALLEST * total / max(1, len(rho))
        weight = np.divide(0.5, rho, out=np.zeros_like(rho), where=there)
        gradient = (self._gap * weight[:, None]).T @ self._gap
        return total, (gradient + gradient.T) / 2
