"""What the page of the ellipse wants back, as one frozen value, and what is asked of its matrix.

What lives here: :class:`EllipseState`, :class:`Answer` and the job that makes one. What does not: widgets; no Qt. May
import: ``app.learning``, settings, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from app.jobs import Job, Progress
from app.learning.mahalanobis import Projection, factor_of, matrix_from_ellipse, project_psd
from app.learning.neighbours import Labels, decision_regions, leave_one_out_error, nearest_rows
from app.learning.toy import TOYS, toy
from app.records import Float64
from app.settings import Settings, choice, number

ELLIPSE_KEY = "metric-ellipse"
POINTS = 90
GRID = (96, 72)
MOST = 10.0  # of an entry of M, and so of an eigenvalue
LEAST_AXIS = MOST**-0.5
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class EllipseState(Settings):
    """A symmetric 2 × 2 matrix made by hand, and the points it is tried on.

    Attributes:
        chosen: row of the point the ellipse is drawn around.
    """

    chosen: int = 0
    m11: float = number(1.0, -MOST, MOST, 0.01, label="M₁₁", help="What a step along x costs: ρ² per unit squared.")
    m12: float = number(
        0.0, -MOST, MOST, 0.01, label="M₁₂ = M₂₁",
        help="Turns the ellipse. Beyond the root of M₁₁ M₂₂ the matrix is no longer PSD: there is no ellipse.",
    )  # fmt: skip
    m22: float = number(1.0, -MOST, MOST, 0.01, label="M₂₂", help="What a step along y costs.")
    toy: str = choice(
        "tilted", {item.key: item.title for item in TOYS}, label="Points", help="Small sets in the plane."
    )
    neighbours: int = number(3, 1, 15, 2, label="k of k-NN", help="Neighbours that vote in the regions and the errors.")

    @property
    def matrix(self) -> Float64:
        """M, symmetric and possibly indefinite."""
        return np.array([[self.m11, self.m12], [self.m12, self.m22]])

    @property
    def projection(self) -> Projection:
        """The nearest PSD matrix: what regions and ellipse are made from."""
        return project_psd(self.matrix)

    def with_matrix(self, matrix: Float64) -> EllipseState:
        """Return the state with another symmetric matrix; entries out of range are brought back by one factor."""
        m = matrix * min(1.0, MOST / max(float(np.abs(matrix).max()), 1e-300))
        return replace(self, m11=float(m[0, 0]), m12=float(m[0, 1]), m22=float(m[1, 1]))

    def with_ellipse(self, semi_axes: tuple[float, float], angle_deg: float) -> EllipseState:
        """Return the state whose unit ball has these axes, neither shorter than ``LEAST_AXIS``; ``inf`` is allowed."""
        a, b = (max(axis, LEAST_AXIS) for axis in semi_axes)
        return self.with_matrix(matrix_from_ellipse((a, b), angle_deg))

    def flattened(self) -> EllipseState:
        """Return the state with the larger eigenvalue alone: rank one."""
        found = self.projection
        return self.with_matrix(found.after[0] * np.outer(found.vectors[:, 0], found.vectors[:, 0]))

    def points(self) -> tuple[Float64, Labels]:
        """Return ((n, 2) points, (n,) classes)."""
        return _points(self.toy)


@cache
def _points(kind: str) -> tuple[Float64, Labels]:
    """Return the points of a toy, made once and not to be written to."""
    x, y = toy(kind, points=POINTS)
    for array in (x, y):
        array.flags.writeable = False
    return x, y


@dataclass(frozen=True, eq=False)
class Answer:
    """What the points say under a matrix.

    Attributes:
        state: that was asked.
        box: of the regions.
        regions: (rows, columns) classes by k-NN under the nearest PSD matrix.
        euclid, error: leave-one-out k-NN errors under Euclid and under the matrix.
        near: rows of the k nearest to the chosen point.
    """

    state: EllipseState
    box: Box
    regions: Labels
    euclid: float
    error: float
    near: tuple[int, ...]


def ask(state: EllipseState, box: Box) -> Job[Answer]:
    """Colour the plane and count errors under the nearest PSD matrix of a state."""
    yield Progress(0, 1, "Asking the neighbours")
    x, y = state.points()
    k, factor = state.neighbours, factor_of(state.projection.matrix, keep_all=True)
    regions = decision_regions(x, y, k, box, GRID, factor=factor)
    mapped = x @ factor.T
    near = nearest_rows(mapped, None, k)[min(state.chosen, len(x) - 1)]
    errors = leave_one_out_error(x, y, k), leave_one_out_error(x, y, k, factor=factor)
    return Answer(state, box, regions, *errors, tuple(near.tolist()))
