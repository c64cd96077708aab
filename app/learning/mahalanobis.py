"""The Mahalanobis metric: M and its factor L, its ellipse, the nearest PSD matrix, and whether it is a metric at all.

What lives here: what can be said of one matrix. What does not: how it is learned. May import: records and numpy.
Here rho_M(x, y) = sqrt((x - y)^T M (x - y)) = |L x - L y| with M = L^T L, L unique up to a
rotation from the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.records import Array, Float64, UserError

# Eigenvalues below this share of the largest are rounding, not directions.
RELATIVE_ZERO = 1e-10
Kind = Literal["metric", "pseudometric", "not a metric"]


@dataclass(frozen=True, eq=False)
class Projection:
    """The nearest PSD matrix, and what was cut to get there.

    Attributes:
        matrix: (d, d) symmetric, all eigenvalues >= 0.
        before, after: (d,) eigenvalues, descending; ``after`` is ``before`` with negative ones at 0.
        vectors: (d, d) eigenvectors in columns, in the same order.
        distance: Frobenius norm of what was cut.
    """

    matrix: Float64
    before: Float64
    after: Float64
    vectors: Float64
    distance: float


@dataclass(frozen=True, eq=False)
class Ellipse:
    """The unit ball of a 2 x 2 M about the origin.

    Attributes:
        semi_axes: (long, short) = 1 / sqrt(eigenvalue); ``inf`` along a direction M does not see.
        angle_deg: of the long axis from +x towards +y, in [0, 180).
        directions: (2, 2) unit vectors of the axes in rows.
    """

    semi_axes: tuple[float, float]
    angle_deg: float
    directions: Float64


def symmetrised(matrix: npt.ArrayLike) -> Float64:
    """Return (A + A^T) / 2, float64.

    Raises:
        UserError: if it is not square or holds a number that is not finite.
    """
    m = np.asarray(matrix, np.float64)
    if m.ndim != 2 or m.shape[0] != m.shape[1] or not m.size:
        raise UserError(f"M must be a square matrix, found {' × '.join(map(str, m.shape)) or 'a single number'}.")
    if not np.isfinite(m).all():
        raise UserError("M holds a value that is not a finite number; check where it comes from.")
    return (m + m.T) / 2


def eigen(matrix: npt.ArrayLike) -> tuple[Float64, Float64]:
    """Return (eigenvalues descending, eigenvectors in columns) of the symmetrised matrix."""
    values, vectors = np.linalg.eigh(symmetrised(matrix))
    return values[::-1].copy(), vectors[:, ::-1].copy()


def project_psd(matrix: npt.ArrayLike) -> Projection:
    """Return the nearest PSD matrix in the Frobenius norm: negative eigenvalues become 0.

    Unique, idempotent, and never further from another PSD matrix than the original. Source: Higham, Computing a nearest
    symmetric positive semidefinite matrix, Linear Algebra and its Applications 103, 1988.
    """
    before, vectors = eigen(matrix)
    after = np.maximum(before, 0)
    result = (vectors * after) @ vectors.T
    return Projection((result + result.T) / 2, before, after, vectors, float(np.linalg.norm(before - after)))


def matrix_of(factor: Array) -> Float64:
    """Return M = L^T L, (d, d), exactly symmetric."""
    f = np.asarray(factor, np.float64)
    m = f.T @ f
    result: Float64 = (m + m.T) / 2
    return result


def factor_of(matrix: npt.ArrayLike, *, keep_all: bool = False) -> Float64:
    """Return an L with M = L^T L: rows sqrt(eigenvalue) times eigenvector, the largest first.

    Args:
        matrix: (d, d) PSD; negative eigenvalues within rounding are taken as 0.
        keep_all: return d rows; otherwise those of zero eigenvalues are left out (one row at least).

    Raises:
        UserError: if M has a truly negative eigenvalue, with its value.
    """
    values, vectors = eigen(matrix)
    scale = float(np.abs(values).max())
    if values[-1] < -RELATIVE_ZERO * max(scale, np.finfo(float).tiny):
        raise UserError(
            f"M has the negative eigenvalue {values[-1]:.3g}, so some squared distances would be negative; "
            "project it onto the PSD matrices first."
        )
    rank = len(values) if keep_all else max(1, int(np.count_nonzero(values > RELATIVE_ZERO * scale)))
    result: Float64 = (np.sqrt(np.maximum(values[:rank], 0)) * vectors[:, :rank]).T
    return np.ascontiguousarray(result)


def eigenvalues_of_factor(factor: Array) -> Float64:
    """Return the d eigenvalues of M = L^T L, descending, from the smaller of L L^T and L^T L."""
    f = np.asarray(factor, np.float64)
    values = np.zeros(f.shape[1])
    small = np.linalg.svd(f, compute_uv=False) ** 2
    values[: len(small)] = small
    return values


def rank_of(factor: Array) -> int:
    """Return the number of directions the metric sees: eigenvalues above 1e-10 of the largest."""
    values = eigenvalues_of_factor(factor)
    return int(np.count_nonzero(values > RELATIVE_ZERO * values[0])) if values[0] > 0 else 0


def kind_of(matrix: npt.ArrayLike) -> tuple[Kind, str]:
    """Return the badge of M and the sentence that explains it.

    Positive definite: a metric. Singular: only a pseudometric, different points can be at distance 0. A negative
    eigenvalue: no metric, a squared distance is negative.
    """
    values, vectors = eigen(matrix)
    scale = float(np.abs(values).max())
    if scale == 0:
        return "pseudometric", "M is zero: every two points are at distance 0."
    if values[-1] < -RELATIVE_ZERO * scale:
        return "not a metric", (
            f"M has the eigenvalue {values[-1]:.3g} < 0: along {_direction(vectors[:, -1])} squared distances "
            "are negative."
        )
    blind = int(np.count_nonzero(values <= RELATIVE_ZERO * scale))
    if blind:
        return "pseudometric", (
            f"M has rank {len(values) - blind} of {len(values)}: points that differ only along "
            f"{_direction(vectors[:, -1])} are at distance 0."
        )
    return "metric", "M is positive definite: all four axioms hold."


def _direction(vector: Float64) -> str:
    """Return a direction in words: its numbers in few dimensions."""
    if len(vector) > 4:
        return "some direction"
    signed = vector * (1 if vector[np.argmax(np.abs(vector))] > 0 else -1)
    return "(" + ", ".join(f"{value + 0.0:.2f}" for value in signed) + ")"


def ellipse_of(matrix: npt.ArrayLike) -> Ellipse:
    """Return the unit ball of a 2 x 2 PSD matrix: semi-axes 1 / sqrt(eigenvalue) along the eigenvectors.

    Raises:
        UserError: if M is not 2 x 2 or not PSD.
    """
    m = symmetrised(matrix)
    if m.shape != (2, 2):
        raise UserError(f"Only a 2 × 2 matrix has an ellipse; this one is {m.shape[0]} × {m.shape[0]}.")
    factor_of(m)  # complains about a negative eigenvalue
    values, vectors = eigen(m)
    rounding = RELATIVE_ZERO * float(values[0])
    long, short = (1 / np.sqrt(v) if v > rounding else np.inf for v in (values[1], values[0]))
    axis = vectors[:, 1]
    angle = float(np.degrees(np.arctan2(axis[1], axis[0])) % 180)
    turn = np.radians(angle)
    directions = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return Ellipse((float(long), float(short)), angle, directions)


def matrix_from_ellipse(semi_axes: tuple[float, float], angle_deg: float) -> Float64:
    """Return the M whose unit ball has these semi-axes, the first one turned by ``angle_deg``; ``inf`` is allowed.

    Raises:
        UserError: for a semi-axis that is not positive.
    """
    if not all(axis > 0 for axis in semi_axes):
        raise UserError(f"The axes of the ellipse must be longer than 0, found {semi_axes[0]:g} and {semi_axes[1]:g}.")
    turn = np.radians(angle_deg)
    rows = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return matrix_of(rows / np.asarray(semi_axes, np.float64)[:, None])


def weighted(weights: npt.ArrayLike) -> Float64:
    """Return M = diag(w) of the weighted distance sqrt(sum w_i (x_i - y_i)²); its W is diag(sqrt(w)).

    Raises:
        UserError: for a negative or not finite weight.
    """
    w = np.asarray(weights, np.float64).ravel()
    if not np.isfinite(w).all() or (w < 0).any():
        bad = int(np.flatnonzero(~np.isfinite(w) | (w < 0))[0])
        raise UserError(f"Weight {bad + 1} is {w[bad]:g}; a weighted metric needs weights of 0 or more.")
    return np.diag(w)


def inverse_covariance(x: Array) -> Float64:
    """Return the classical Mahalanobis M, the inverse covariance of (n, d) data (n - 1 in the denominator).

    Raises:
        UserError: if the covariance is singular (too few points, a constant or dependent feature).
    """
    points = np.asarray(x, np.float64)
    n, d = points.shape
    if n <= d:
        raise UserError(f"{n} points cannot give the covariance of {d} features; at least {d + 1} are needed.")
    covariance = np.atleast_2d(np.cov(points, rowvar=False))
    values, _ = eigen(covariance)
    if values[-1] <= RELATIVE_ZERO * values[0]:
        raise UserError(
            "The covariance is singular (a feature is constant or follows from others), so it has no inverse; "
            "leave that feature out or reduce the dimension by PCA first."
        )
    return symmetrised(np.linalg.inv(covariance))


def distance(x: npt.ArrayLike, y: npt.ArrayLike, matrix: npt.ArrayLike) -> Float64:
    """Return rho_M of rows x and y, shape (...,): sqrt((x - y)^T M (x - y)); NaN where that is negative."""
    gap = np.asarray(x, np.float64) - np.asarray(y, np.float64)
    squared = np.vecdot(gap @ np.asarray(matrix, np.float64), gap)
    scale = np.vecdot(gap, gap) * np.abs(np.asarray(matrix)).max()
    squared = np.where(np.abs(squared) <= 1e-15 * scale, 0, squared)
    result: Float64 = np.sqrt(squared, out=np.full_like(squared, np.nan), where=squared >= 0)
    return result
