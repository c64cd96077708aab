"""The distances and near-distances of the lecture, each with what is known of its axioms.

What lives here: one entry per measure, vectorised over pairs, and how its points are drawn. What does not: the search
for violations (``axioms``). May import: records, ``formulas``, numpy.

``half`` for the identity means: f(x, x) = 0 holds, but different points can be at distance 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.learning.formulas import Function, compiled
from app.records import Float64, UserError

State = Literal["holds", "half", "fails", "unknown"]
AXIOMS = ("N", "I", "S", "T")
AXIOM_NAMES = {
    "N": "f(x, y) ≥ 0",
    "I": "f(x, y) = 0 exactly if x = y",
    "S": "f(x, y) = f(y, x)",
    "T": "f(x, z) ≤ f(x, y) + f(y, z)",
}
Sampler = Callable[[np.random.Generator, int], Float64]


@dataclass(frozen=True, eq=False)
class Measure:
    """One function of two points.

    Attributes:
        key, title, formula: names and how it is written.
        dimension: of its points.
        function: (n, d), (n, d) -> (n,), NaN where it has no real value.
        draw: (generator, n) -> (n, d) points of its domain.
        known: state of N, I, S, T by proof; empty for a formula typed in.
        space: what its points are.
        own_points: points worth trying besides the drawn ones.
        free: whether any vector is a point of the domain (else only drawn points are).
    """

    key: str
    title: str
    formula: str
    dimension: int
    function: Function
    draw: Sampler
    known: tuple[State, ...]
    space: str = "plane"
    own_points: tuple[tuple[float, ...], ...] = ()
    free: bool = True


def _normal(d: int) -> Sampler:
    return lambda rng, n: rng.normal(size=(n, d)) * 2


def _sphere(rng: np.random.Generator, n: int) -> Float64:
    return _unit(rng.normal(size=(n, 3)))


def _simplex(rng: np.random.Generator, n: int) -> Float64:
    return rng.dirichlet(np.ones(3), n) * 0.97 + 0.01


def _bits(rng: np.random.Generator, n: int) -> Float64:
    return rng.integers(0, 2, (n, 8)).astype(np.float64)


def _unit(x: Float64) -> Float64:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    result: Float64 = np.divide(x, length, out=np.full_like(x, np.nan), where=length > 0)
    return result


def _standard(x: Float64) -> Float64:
    """Return rows with mean 0 and norm 1, NaN for flat ones."""
    gap = x - x.mean(axis=1, keepdims=True)
    flat = np.linalg.norm(gap, axis=1) <= 1e-12 * np.abs(x).max(axis=1)
    gap[flat] = 0
    return _unit(gap)


def _length(gap: Float64) -> Float64:
    result: Float64 = np.sqrt(np.vecdot(gap, gap))
    return result


def _through(factor: Float64) -> Function:
    """Return the distance |L (x - y)|."""
    return lambda x, y: _length((x - y) @ factor.T)


def _indefinite(x: Float64, y: Float64) -> Float64:
    gap = x - y
    squared: Float64 = gap[:, 0] ** 2 - gap[:, 1] ** 2
    return np.sqrt(squared, out=np.full_like(squared, np.nan), where=squared >= 0)


def _angle(x: Float64, y: Float64) -> Float64:
    """Return arccos of the cosine, without the loss of digits that arccos has near 1."""
    a, b = _unit(x), _unit(y)
    result: Float64 = 2 * np.arctan2(_length(a - b), _length(a + b))
    return result


def _divergence(x: Float64, y: Float64) -> Float64:
    result: Float64 = np.sum(np.where(x > 0, x * (np.log(x) - np.log(y)), 0) - x + y, axis=1)
    return np.where(np.abs(result) < 1e-15, 0.0, result)


def _network(x: Float64) -> Float64:
    """Return a fixed small network from the plane to two numbers; its rectifiers make it not injective."""
    inside = np.maximum(x @ np.array([[1.0, 0.4], [-0.6, 1.0]]).T + np.array([0.2, -0.3]), 0)
    result: Float64 = inside @ np.array([[1.0, -0.5], [0.3, 1.0]]).T
    return result


YES: State = "holds"
NO: State = "fails"
HALF: State = "half"
METRIC: tuple[State, ...] = (YES, YES, YES, YES)
_PD = np.array([[1.0, 0.5], [0.0, 0.6]])
_WEIGHTS = np.diag(np.sqrt([2.0, 0.5]))  # W = diag(√w)
_SINGULAR = np.array([[0.6, 0.8]])

MEASURES: tuple[Measure, ...] = (
    Measure("euclid", "Euclidean", "‖x − y‖", 2, lambda x, y: _length(x - y), _normal(2), METRIC),
    Measure(
        "lecture",
        "x² y² (lecture)",
        "x² y²",
        1,
        lambda x, y: (x[:, 0] * y[:, 0]) ** 2,
        _normal(1),
        (YES, NO, YES, NO),
        "line",
    ),
    Measure(
        "ssd", "Squared Euclidean (SSD)", "‖x − y‖²", 2, lambda x, y: np.vecdot(x - y, x - y), _normal(2),
        (YES, YES, YES, NO),
    ),
    Measure(
        "weighted", "Weighted, ρ_w", "√(Σ wᵢ(xᵢ−yᵢ)²) = √([W(x−y)]·[W(x−y)])", 2, _through(_WEIGHTS), _normal(2), METRIC
    ),
    Measure("mahalanobis", "ρ_M, M positive definite", "√((x−y)ᵀM(x−y))", 2, _through(_PD), _normal(2), METRIC),
    Measure(
        "singular", "ρ_M, M singular", "√((x−y)ᵀM(x−y))", 2, _through(_SINGULAR), _normal(2), (YES, HALF, YES, YES),
        own_points=((0.8, -0.6), (-0.8, 0.6)),
    ),
    Measure(
        "indefinite", "M indefinite", "√((x₁−y₁)² − (x₂−y₂)²)", 2, _indefinite, _normal(2),
        (NO, "unknown", "unknown", "unknown"),
    ),
    Measure(
        "cosine", "1 − cos", "1 − x·y / ‖x‖‖y‖", 2, lambda x, y: _length(_unit(x) - _unit(y)) ** 2 / 2, _normal(2),
        (YES, HALF, YES, NO), "plane without 0",
    ),
    Measure("angle", "Angle on the sphere", "arccos(x·y)", 3, _angle, _sphere, METRIC, "unit sphere", free=False),
    Measure(
        "ncc", "1 − NCC", "1 − NCC(x, y)", 9, lambda x, y: _length(_standard(x) - _standard(y)) ** 2 / 2, _normal(9),
        (YES, HALF, YES, NO), "3 × 3 patches",
    ),
    Measure(
        "ncc-root", "√(2(1 − NCC))", "√(2(1 − NCC(x, y)))", 9, lambda x, y: _length(_standard(x) - _standard(y)),
        _normal(9), (YES, HALF, YES, YES), "3 × 3 patches",
    ),
    Measure(
        "kl", "Kullback–Leibler divergence", "Σ x log(x / y)", 3, _divergence, _simplex, (YES, YES, NO, NO),
        "probabilities", free=False,
    ),
    Measure(
        "hamming", "Hamming", "number of differing bits", 8, lambda x, y: np.sum(x != y, axis=1).astype(np.float64),
        _bits, METRIC, "8 bits", free=False,
    ),
    Measure(
        "discrete", "Discrete", "0 if x = y, else 1", 2, lambda x, y: np.any(x != y, axis=1).astype(np.float64),
        _normal(2), METRIC,
    ),
    Measure(
        "truncated", "Truncated", "min(‖x − y‖, 1)", 2, lambda x, y: np.minimum(_length(x - y), 1), _normal(2), METRIC
    ),
    Measure("root", "Root of a metric", "‖x − y‖^½", 2, lambda x, y: np.sqrt(_length(x - y)), _normal(2), METRIC),
    Measure(
        "network", "‖g(x) − g(y)‖, g a network", "‖g(x) − g(y)‖", 2, lambda x, y: _length(_network(x) - _network(y)),
        _normal(2), (YES, HALF, YES, YES),
    ),
)  # fmt: skip


def measure(key: str) -> Measure:
    """Return a measure by its key.

    Raises:
        UserError: if there is none of that name.
    """
    found = next((item for item in MEASURES if item.key == key), None)
    if found is None:
        raise UserError(f"There is no measure {key!r}; known are {', '.join(item.key for item in MEASURES)}.")
    return found


def typed(text: str, *, dimension: int = 2) -> Measure:
    """Return the measure of a formula in x and y on points of 1 to 3 dimensions.

    Raises:
        UserError: if the formula cannot be read.
    """
    if not 1 <= dimension <= 3:
        raise UserError(f"Points of a typed formula have 1 to 3 components, not {dimension}.")
    space = ("line", "plane", "space")[dimension - 1]
    return Measure("typed", text, text, dimension, compiled(text, dimension), _normal(dimension), (), space)
