"""LMNN on M itself: projected gradient on the convex problem, the second, independent solver.

What lives here: a spectral projected gradient over the PSD matrices. What does not: the objective (``lmnn_set``). May
import: jobs, ``iterates``, ``lmnn_set``, ``mahalanobis``, numpy.

Source: Weinberger and Saul, JMLR 10, 2009 (gradient and projection); step lengths of Barzilai and Borwein 1988 with the
non-monotone rule of Birgin, Martínez and Raydan, SIAM J. Optim. 10, 2000.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from app.jobs import Progress
from app.learning.iterates import Recorder
from app.learning.lmnn_set import Impostors, Value, WorkingSet
from app.learning.mahalanobis import matrix_of
from app.learning.neighbours import Labels, Rows
from app.records import Array, Float64

Search = Callable[[Array, Labels, Rows, Float64, Recorder], Generator[Progress, None, Impostors]]
RECENT = 5  # objectives the line search compares with
REFRESH = 20
WIDEST, NARROWEST = 0.5, 1e-3  # of the rounding of hinges, in units of the margin
SHORTEST, LONGEST = 1e-12, 1e12


class Limits(Protocol):
    """The settings this solver reads."""

    @property
    def push(self) -> float:
        """The weight of the push."""

    @property
    def iterations(self) -> int:
        """Steps at most."""

    @property
    def tolerance(self) -> float:
        """Share of the objective below which a round counts as idle."""


@dataclass(frozen=True, eq=False)
class _At:
    """A PSD matrix with its factor, objective and gradient."""

    matrix: Float64
    factor: Float64
    value: Value
    gradient: Float64


def _projected(matrix: Float64) -> tuple[Float64, Float64]:
    """Return (nearest PSD matrix, its factor) from one eigen-decomposition."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    root = np.sqrt(np.maximum(values, 0))
    factor = (vectors * root).T
    return matrix_of(factor), factor


def _evaluated(working: WorkingSet, matrix: Float64, factor: Float64) -> _At:
    value, gradient = working.on_matrix(factor)
    return _At(matrix, factor, value, gradient)


def _step(working: WorkingSet, at: _At, length: float, worst: float) -> _At | None:
    """Return the next point along the projected direction with sufficient decrease; None if there is none."""
    target, _ = _projected(at.matrix - length * at.gradient)
    direction = target - at.matrix
    slope = float(np.vdot(at.gradient, direction))
    if slope >= 0:
        return None
    share = 1.0
    while share > SHORTEST:
        new = _evaluated(working, *_projected(at.matrix + share * direction))
        if new.value.value <= worst + 1e-4 * share * slope:
            return new
        share /= 2
    return None


def _spectral_length(old: _At, new: _At) -> float:
    """Return the Barzilai-Borwein step from the last move."""
    s, y = new.matrix - old.matrix, new.gradient - old.gradient
    curvature = float(np.vdot(s, y))
    return LONGEST if curvature <= 0 else float(np.clip(np.vdot(s, s) / curvature, SHORTEST, LONGEST))


def descend_on_matrix(
    x: Array, y: Labels, targets: Rows, factor: Float64, settings: Limits, recorder: Recorder, search: Search
) -> Generator[Progress, None, bool]:
    """Run the projected gradient in rounds, each ending with a search of all pairs; return whether it converged.

    The kinks of the hinges are rounded off, less with every round: a gradient step of a sum of kinks stalls. The
    objective shown is that of the unrounded hinges, so it may rise a little on the way: it is not what is minimised.
    """
    found = yield from search(x, y, targets, factor, recorder)
    exact = found.objective(settings.push)
    yield recorder.add(factor, exact, pull=found.pull, push=found.push, active=found.active)
    best, best_factor, best_found, rounded, idle = exact, factor, found, WIDEST, 0
    end = len(recorder.history) - 1 + settings.iterations
    while len(recorder.history) <= end:
        mark = len(recorder.history)
        working = WorkingSet(x, targets, settings.push, found, rounded=rounded)
        at = yield from _round(working, factor, min(REFRESH, end - mark + 1), recorder)
        factor = at.factor
        found = yield from search(x, y, targets, factor, recorder)
        exact = found.objective(settings.push)
        if len(recorder.history) > mark:
            recorder.history.pop()
        yield recorder.add(factor, exact, pull=found.pull, push=found.push, active=found.active)
        idle = idle + 1 if best - exact <= settings.tolerance * best else 0
        if exact < best:
            best, best_factor, best_found = exact, factor, found
        if best <= 0 or (idle >= 2 and rounded <= NARROWEST):
            break
        rounded = max(NARROWEST, rounded / 2)
    if exact > best:
        yield recorder.add(best_factor, best, pull=best_found.pull, push=best_found.push, active=best_found.active)
    return best <= 0 or (idle >= 2 and rounded <= NARROWEST)


def _round(working: WorkingSet, factor: Float64, steps: int, recorder: Recorder) -> Generator[Progress, None, _At]:
    """Take some spectral steps on one working set, yielding an iterate each; return the last point."""
    at = yield from recorder.run(partial(_evaluated, working, matrix_of(factor), factor))
    length = 0.1 * float(np.linalg.norm(at.matrix)) / max(float(np.linalg.norm(at.gradient)), SHORTEST)
    recent = deque([at.value.value], maxlen=RECENT)
    for _ in range(steps):
        new = yield from recorder.run(partial(_step, working, at, length, max(recent)))
        if new is None:
            break
        length = _spectral_length(at, new)
        at = new
        value = at.value
        recent.append(value.value)
        shown = (1 - working.mu) * value.pull + working.mu * value.push
        yield recorder.add(at.factor, shown, pull=value.pull, push=value.push, active=value.active)
    return at
