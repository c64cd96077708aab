"""Schultz and Joachims: a metric from relative comparisons, hinges with a Frobenius penalty.

What lives here: settings, and the learner as a job. May import: jobs, settings, ``constraints``, ``iterates``,
``learner_fields``, ``mahalanobis``, numpy.

    minimise 1/2 |M|² + C sum over (i, j, l) of [1 + rho²(i, j) - rho²(i, l)]_+ ,   M PSD

Its dual is smooth with a box: maximise sum a - 1/2 |PSD(sum a_t Q_t)|², 0 <= a <= C, with Q_t the difference of the two
outer products; M = PSD(sum a_t Q_t). An accelerated projected gradient climbs it, and the gap to the primal says when
to stop. Source: Schultz and Joachims, NIPS 2003, here with a full M; Shen, Kim and Wang, CVPR 2011, for the dual.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from app.jobs import Job
from app.learning.constraints import checked, relative_triples
from app.learning.iterates import Learned, Recorder, is_slow
from app.learning.learner_fields import components_field, iterations_field, tolerance_field
from app.learning.lmnn import reduced
from app.learning.mahalanobis import factor_of, project_psd
from app.learning.neighbours import Rows
from app.records import Float64, UserError
from app.settings import Settings, number

MOST_TRIPLES = 6000


@dataclass(frozen=True)
class RelativeSettings(Settings):
    """How a metric is learned from relative comparisons."""

    k: int = number(3, 1, 50, 1, label="Own neighbours", help="j runs over this many nearest points of i's class.")
    others: int = number(3, 1, 50, 1, label="Other neighbours", help="l runs over this many nearest of other classes.")
    cost: float = number(
        1.0,
        0.001,
        1e6,
        0.1,
        label="C",
        log_scale=True,
        help="Price of a violated comparison. Small keeps M small, large insists on every comparison.",
    )
    iterations: int = iterations_field(300)
    tolerance: float = tolerance_field(1e-3, "Stop when the primal and the dual objective are this close (as a share).")
    components: int = components_field()


@dataclass(frozen=True, eq=False)
class _At:
    """A dual point with everything it implies."""

    a: Float64
    matrix: Float64
    dual: float
    margins: Float64  # rho²(i, l) - rho²(i, j)


class _Dual:
    """The dual objective for one list of triples."""

    def __init__(self, x: Float64, triples: Rows, cost: float) -> None:
        self.near = x[triples[:, 0]] - x[triples[:, 1]]
        self.far = x[triples[:, 0]] - x[triples[:, 2]]
        self.cost = cost

    def at(self, a: Float64) -> _At:
        """Return the metric, dual objective and margins at these multipliers."""
        weighted = (self.far * a[:, None]).T @ self.far - (self.near * a[:, None]).T @ self.near
        m = project_psd(weighted).matrix
        margins = np.vecdot(self.far @ m, self.far) - np.vecdot(self.near @ m, self.near)
        return _At(a, m, float(a.sum()) - 0.5 * float(np.vdot(m, m)), margins)

    def primal(self, at: _At) -> float:
        """Return the objective of the metric itself; never below the dual."""
        hinge = float(np.maximum(0, 1 - at.margins).sum())
        return 0.5 * float(np.vdot(at.matrix, at.matrix)) + self.cost * hinge


def relative(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: RelativeSettings | None = None,
    *,
    triples: Rows | None = None,
    trained_on: tuple[str, ...] = (),
    name: str = "relative",
) -> Job[Learned]:
    """Learn from relative comparisons; yields an iterate as the payload of every progress.

    An iterate's objective is the primal one; its parts are the dual objective and the number of violated comparisons.

    Args:
        triples: (m, 3) rows (i, j, l), "i is more like j than like l", instead of those the classes give.

    Raises:
        UserError: for unusable data, a class with fewer than k + 1 points, or no triples.
    """
    chosen = settings or RelativeSettings()
    points, labels = checked(x, y)
    recorder = Recorder("Relative comparisons", chosen.iterations)
    recorder.slow = is_slow(points)
    points, recorder.basis = yield from recorder.run(partial(reduced, points, chosen.components, recorder.notes))
    with recorder.working():
        if triples is None:
            triples = relative_triples(points, labels, k=chosen.k, others=chosen.others)
        if not len(triples):
            raise UserError("There are no relative comparisons to learn from; add some triples.")
        if len(triples) > MOST_TRIPLES:
            recorder.notes.append(f"Learned from a sample of {MOST_TRIPLES:,} of {len(triples):,} comparisons.")
            triples = triples[np.sort(np.random.default_rng(0).permutation(len(triples))[:MOST_TRIPLES])]
        problem = _Dual(points, triples, chosen.cost)
        at = problem.at(np.zeros(len(triples)))
        step = 1 / float(np.max(np.vecdot(problem.far, problem.far) ** 2 + 1e-300))
    yield recorder.add(factor_of(at.matrix, keep_all=True), problem.primal(at), dual=0.0, violated=float(len(triples)))
    momentum, look = 1.0, at
    best, bound, converged = at, problem.primal(at), False
    for _ in range(chosen.iterations):
        new, step = yield from recorder.run(partial(_ascend, problem, look, step))
        if new.dual < at.dual:  # the momentum overshot: take a plain step
            momentum = 1.0
            new, step = yield from recorder.run(partial(_ascend, problem, at, step))
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = np.clip(new.a + (momentum - 1) / grown * (new.a - at.a), 0, chosen.cost)
        at, momentum = new, grown
        look = yield from recorder.run(partial(problem.at, ahead))
        primal = problem.primal(at)
        if primal < bound:
            best, bound = at, primal
        violated = float(np.count_nonzero(best.margins < 1))
        yield recorder.add(factor_of(best.matrix, keep_all=True), bound, dual=at.dual, violated=violated)
        if bound - at.dual <= chosen.tolerance * bound:
            converged = True
            break
    return recorder.learned(
        learned_by=f"relative comparisons, C {chosen.cost:g}", trained_on=trained_on, name=name, converged=converged
    )


def _ascend(problem: _Dual, at: _At, step: float) -> tuple[_At, float]:
    """Return the next dual point with its step length, which doubles first and halves until the bound holds."""
    step *= 2
    slope = 1 - at.margins
    while True:
        new = problem.at(np.clip(at.a + step * slope, 0, problem.cost))
        move = new.a - at.a
        if new.dual >= at.dual + float(slope @ move) - float(move @ move) / (2 * step) or step < 1e-300:
            return new, step
        step /= 2
