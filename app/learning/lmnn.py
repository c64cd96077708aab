"""LMNN, large margin nearest neighbours: pull target neighbours close, push impostors a unit margin away.

What lives here: the settings, the learner as a job, and its solver on L (L-BFGS with an active set of impostors).
What does not: the objective (``lmnn_set``) and the solver on M (``lmnn_convex``). May import: jobs, settings,
``lmnn_set``, ``iterates``, ``learner_fields``, numpy.

Convex in M = L^T L, not in L: eps(L) = eps(-L), and the midpoint L = 0 is far worse. With a square L
the descent on L still ends at the optimum of M; the two solvers agree to 0.1 %.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from app.jobs import Job, Progress
from app.learning.constraints import checked, constant_features
from app.learning.descent import MEMORY, Memory, Point, lbfgs
from app.learning.iterates import Basis, Learned, Recorder, is_slow, pca
from app.learning.learner_fields import components_field, iterations_field, tolerance_field
from app.learning.lmnn_convex import descend_on_matrix
from app.learning.lmnn_set import Impostors, WorkingSet, find_impostors
from app.learning.neighbours import Labels, Rows, target_neighbours
from app.records import Array, Float64
from app.settings import Settings, choice, number

AUTOMATIC_ABOVE = 200  # features; then PCA keeps 95 % of the variance, as in the paper's experiments
SINGLE_PRECISION_ABOVE = 40_000  # numbers in the data; toys and small tables are done in float64
FEWEST_CANDIDATES = 4000
REFRESH = 12  # iterations between two searches for impostors


@dataclass(frozen=True)
class LmnnSettings(Settings):
    """How LMNN learns."""

    k: int = number(
        3,
        1,
        50,
        1,
        label="Targets k",
        help=(
            "How many nearest points of its own class each point wants close. They are chosen once, by the Euclidean "
            "distance: fixing them is what makes the problem convex."
        ),
    )
    push: float = number(
        0.5,
        0.0,
        1.0,
        0.05,
        label="Pull ←→ push",
        help=(
            "The weight μ of pushing impostors away; 1 − μ pulls targets close (Weinberger and Saul 2009). The "
            "lecture's λ multiplies the pull instead, so λ = 1 − μ. "
            "At 0 all points collapse; at 1 nothing holds the scale."
        ),
    )
    solver: str = choice(
        "factor",
        {"factor": "L (L-BFGS)", "matrix": "M (projected gradient)"},
        label="Solver",
        help=(
            "Descend on L, fast but not convex, or on M with a projection onto the PSD matrices, the convex problem "
            "itself. They agree."
        ),
    )
    iterations: int = iterations_field(200)
    tolerance: float = tolerance_field(1e-5, "Stop when the objective falls by less than this share in several steps.")
    components: int = components_field()
    rank: int = number(
        0,
        0,
        2000,
        1,
        label="Rank of L",
        zero_means="full",
        help="Rows of L. Two rows give a picture of the data; fewer than the features make the problem non-convex.",
    )
    passes: int = number(
        1,
        1,
        10,
        1,
        label="Passes",
        help="Learn again with the target neighbours chosen by the metric just learned.",
    )


def reduced(x: Float64, components: int, recorder_notes: list[str]) -> tuple[Float64, Basis | None]:
    """Return the data as the learner sees them: all features, or principal components with a note saying so."""
    if components == 0 and x.shape[1] > AUTOMATIC_ABOVE:
        full = pca(x, min(AUTOMATIC_ABOVE, x.shape[1] - 1))
        assert full is not None
        inside = full.reduce(x)
        share = np.cumsum(inside.var(axis=0)) / max(x.var(axis=0).sum(), np.finfo(float).tiny)
        components = min(len(full.rows), int(np.searchsorted(share, 0.95)) + 1)
    basis = pca(x, components)
    if basis is None:
        return x, None
    recorder_notes.append(
        f"PCA: {len(basis.rows)} of {x.shape[1]} dimensions hold {100 * basis.kept:.1f} % of the variance."
    )
    return basis.reduce(x), basis


def lmnn(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: LmnnSettings | None = None,
    *,
    start: Float64 | None = None,
    trained_on: tuple[str, ...] = (),
    name: str = "lmnn",
) -> Job[Learned]:
    """Learn by LMNN; yields an iterate as the payload of every progress.

    An iterate's objective counts the violated margins of the working set; it is exact for the first and last step of
    every twelve. Its parts are ``pull`` and ``push`` (the two sums before weighting) and ``active`` (violated triples).

    Args:
        x: (n, d) data.
        y: (n,) classes.
        settings: k, push and the like.
        start: (r, d) L to start from instead of the identity (a warm start); ignored if PCA reduces the data.
        trained_on, name: for the metric's card.

    Raises:
        UserError: for unusable data, or a class with fewer than k + 1 points.
    """
    chosen = settings or LmnnSettings()
    points, labels = checked(x, y)
    recorder = Recorder("LMNN", chosen.iterations * chosen.passes)
    with recorder.working():
        _note_constant(points, recorder.notes)
        recorder.slow = is_slow(points)
    inside, basis = yield from recorder.run(lambda: reduced(points, chosen.components, recorder.notes))
    with recorder.working():
        recorder.basis = basis
        inside = inside - inside.mean(axis=0)
        factor = _start(inside, chosen.rank, start if basis is None else None)
    converged = True
    for _ in range(chosen.passes):
        known = factor if recorder.history else None
        targets = yield from recorder.run(partial(target_neighbours, inside, labels, chosen.k, factor=known))
        converged = yield from _descend(inside, labels, targets, factor, chosen, recorder)
        factor = recorder.history[-1].inner
    words = f"LMNN, k {chosen.k}, push {chosen.push:g}"
    return recorder.learned(learned_by=words, trained_on=trained_on, name=name, converged=converged)


def _note_constant(x: Float64, notes: list[str]) -> None:
    constant = constant_features(x)
    if len(constant):
        notes.append(
            f"{len(constant)} of {x.shape[1]} features "
            f"{'is' if len(constant) == 1 else 'are'} constant and cannot be learned from."
        )


def _start(x: Float64, rank: int, given: Float64 | None) -> Float64:
    """Return the first L: the given one, the identity, or for a lower rank the first principal directions."""
    if given is not None:
        return np.array(given, np.float64)
    basis = pca(x, rank)
    return np.eye(x.shape[1]) if basis is None else basis.rows.copy()


def _descend(
    x: Float64, y: Labels, targets: Rows, factor: Float64, settings: LmnnSettings, recorder: Recorder
) -> Generator[Progress, None, bool]:
    """Run one pass; return whether it converged."""
    single = x.size > SINGLE_PRECISION_ABOVE
    data: Array = np.ascontiguousarray(x, np.float32 if single else np.float64)
    if settings.push == 0:
        recorder.notes.append("With no push the pull alone is left, and the best metric is M = 0: all collapses.")
        found = yield from search(data, y, targets, factor, recorder)
        yield recorder.add(factor, found.pull, pull=found.pull, push=0.0, active=0.0)
        yield recorder.add(np.zeros_like(factor), 0.0, pull=0.0, push=0.0, active=0.0)
        return True
    if settings.solver == "matrix":
        return (yield from descend_on_matrix(data, y, targets, factor, settings, recorder, search))
    return (yield from _descend_on_factor(data, y, targets, factor, settings, recorder))


def search(
    x: Array, y: Labels, targets: Rows, factor: Float64, recorder: Recorder
) -> Generator[Progress, None, Impostors]:
    """Fill the working set under L, yielding between blocks."""
    most = max(FEWEST_CANDIDATES, 12 * len(x))
    blocks = find_impostors(x, y, targets, factor, most=most)
    while True:
        found: Impostors | None = yield from recorder.run(partial(next, blocks))
        if found is not None:
            return found
        yield recorder.progress()


def _descend_on_factor(
    x: Array, y: Labels, targets: Rows, factor: Float64, settings: LmnnSettings, recorder: Recorder
) -> Generator[Progress, None, bool]:
    """Run L-BFGS on L in rounds; every round ends with a search of all pairs for impostors.

    A round that raised the exact objective met impostors its set did not hold: its steps are taken back and it runs
    again with them. Where there are none to add, only rounding was left to gain, and the run is over.
    """
    found = yield from search(x, y, targets, factor, recorder)
    exact = found.objective(settings.push)
    nothing = np.finfo(np.float64).eps * exact
    yield recorder.add(factor, exact, **_parts(found))
    memory: Memory = deque(maxlen=MEMORY)
    end = len(recorder.history) - 1 + settings.iterations
    while len(recorder.history) <= end:
        mark = len(recorder.history)
        working = WorkingSet(x, targets, settings.push, found)
        point = yield from _round(working, factor, memory, settings.tolerance, min(REFRESH, end - mark + 1), recorder)
        again = yield from search(x, y, targets, point.x, recorder)
        now = again.objective(settings.push)
        if now > exact * (1 + 1e-6):
            del recorder.history[mark:]
            memory.clear()
            known, found = len(found.i), found.merged(again)
            if len(found.i) == known:
                return True
            continue
        _replace_last(recorder, point.x, now, again)
        settled = point.done and abs(now - point.value) <= settings.tolerance * now
        if settled or now <= nothing or exact - now <= settings.tolerance * now:
            return True
        factor, found, exact = point.x, again, now
    return False


def _round(
    working: WorkingSet, factor: Float64, memory: Memory, tolerance: float, steps: int, recorder: Recorder
) -> Generator[Progress, None, Point]:
    """Take some steps on one working set, yielding an iterate each; return the last point."""
    descent = lbfgs(working.on_factor, factor, memory=memory, tolerance=tolerance)
    point: Point = yield from recorder.run(partial(next, descent))
    for _ in range(steps):
        if point.done:
            break
        point = yield from recorder.run(partial(next, descent))
        last = working.last
        yield recorder.add(point.x, point.value, pull=last.pull, push=last.push, active=last.active)
    return point


def _parts(found: Impostors) -> dict[str, float]:
    return {"pull": found.pull, "push": found.push, "active": found.active}


def _replace_last(recorder: Recorder, factor: Float64, objective: float, found: Impostors) -> None:
    """Give the last iterate its exact objective."""
    if len(recorder.history) > 1:
        recorder.history.pop()
    recorder.add(factor, objective, **_parts(found))
