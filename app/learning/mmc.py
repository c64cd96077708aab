"""MMC, learning from similar and dissimilar pairs: Xing's problem and the lecture's variant, full and diagonal.

What lives here: settings, closed forms, projections, and the learner as a job. May import: jobs, settings,
``mmc_objective``, ``constraints``, ``iterates``, ``learner_fields``, numpy.

    Xing:     max sum_D rho_M     subject to  sum_S rho_M² <= 1,  M PSD
    lecture:  max sum_D rho_M²    subject to  the same

The lecture's objective is linear in M, so its optimum has rank one: all data on a line. The square root gives every
dissimilar pair about to be collapsed infinite marginal value. Source: Xing, Ng, Jordan and Russell, NIPS 2002.
All work is done where C_S is the identity: there the constraint is tr N <= 1.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from app.jobs import Job, Progress
from app.learning.constraints import Pairs, checked, sampled_pairs, scatter_of_pairs, scatters
from app.learning.descent import lbfgs
from app.learning.iterates import Learned, Recorder, is_slow
from app.learning.learner_fields import components_field, iterations_field, seed_field, tolerance_field
from app.learning.lmnn import reduced
from app.learning.mahalanobis import factor_of, matrix_of, project_psd
from app.learning.mmc_objective import AllPairs, ListedPairs, SumOfDistances
from app.learning.neighbours import Labels
from app.records import Float64, UserError
from app.settings import Settings, choice, number

NULL = 1e-10  # directions in which no two points differ, as a share of the largest scatter
SINGULAR = 1e-9  # of C_S, where some dissimilar pairs do differ
RIDGE = 1e-6  # added to a singular C_S, as a share of its mean eigenvalue
ALL_PAIRS_BELOW = 2000  # points; beyond, pairs are sampled
SAMPLED = 100_000


@dataclass(frozen=True)
class MmcSettings(Settings):
    """How MMC learns."""

    form: str = choice(
        "full",
        {"full": "full", "diagonal": "diagonal"},
        label="Form of M",
        help="A full matrix stretches along any direction; a diagonal one only weighs the features.",
    )
    solver: str = choice(
        "factor",
        {"factor": "L (L-BFGS)", "projection": "M (alternating projections)"},
        label="Solver",
        help=(
            "Descend on L, or climb on M and project in turns onto the constraint and onto the PSD matrices, as in the "
            "paper. They agree; the lecture's variant has a closed form and needs neither."
        ),
    )
    pairs: int = number(
        0,
        0,
        1_000_000,
        100,
        label="Pairs",
        zero_means="all",
        help="How many random similar and dissimilar pairs to learn from; all up to 2,000 points, then 100,000.",
    )
    seed: int = seed_field("Of the random pairs.")
    iterations: int = iterations_field(200)
    tolerance: float = tolerance_field(
        1e-6, "Stop when the objective changes by less than this share in several steps."
    )
    components: int = components_field()


# --------------------------------------------------------------------- closed forms, projections


def lecture_optimum(c_s: Float64, c_d: Float64) -> tuple[Float64, float]:
    """Return (v, mu) of the lecture's variant: M = v v^T with v^T C_S v = 1 and the value mu.

    v is the generalised eigenvector of C_D v = mu C_S v with the largest mu.

    Raises:
        UserError: if C_S is singular: then the objective is unbounded or not determined.
    """
    values, vectors = np.linalg.eigh(c_s)
    if values[0] <= SINGULAR * values[-1]:
        raise UserError(
            "C_S is singular: along some direction similar pairs do not differ at all, and the objective grows without "
            "bound; add ε·I to C_S or leave that feature out."
        )
    whiten = vectors / np.sqrt(values)
    top_values, top = np.linalg.eigh(whiten.T @ c_d @ whiten)
    v = whiten @ top[:, -1]
    return v * (1 if v[np.argmax(np.abs(v))] > 0 else -1), float(top_values[-1])


def lecture_diagonal_optimum(c_s: Float64, c_d: Float64) -> tuple[int, float]:
    """Return (feature, value) of the diagonal lecture variant: all weight on the largest C_D,kk / C_S,kk.

    Raises:
        UserError: if similar pairs do not differ in some feature.
    """
    similar = np.diag(c_s)
    if (similar <= SINGULAR * similar.max()).any():
        raise UserError("In some feature similar pairs do not differ at all, so its weight is unbounded; leave it out.")
    ratio = np.diag(c_d) / similar
    return int(np.argmax(ratio)), float(ratio.max())


def project_half_space(matrix: Float64, c_s: Float64, bound: float = 1.0) -> Float64:
    """Return the nearest M with tr(M C_S) <= bound: M - [(tr(M C_S) - bound)_+ / |C_S|²] C_S."""
    excess = max(0.0, float(np.vdot(matrix, c_s)) - bound)
    result: Float64 = matrix - excess / float(np.vdot(c_s, c_s)) * c_s
    return result


def project_feasible(matrix: Float64, c_s: Float64, *, tolerance: float = 1e-9, most: int = 500) -> Float64:
    """Return a PSD M with tr(M C_S) <= 1 by projecting in turns onto both sets.

    It finds a feasible point, not the nearest one (Dykstra's algorithm would). What the last turn leaves above the
    bound is scaled away, which keeps the matrix PSD.
    """
    for _ in range(most):
        matrix = project_psd(project_half_space(matrix, c_s)).matrix
        if float(np.vdot(matrix, c_s)) <= 1 + tolerance:
            break
    return matrix / max(1.0, float(np.vdot(matrix, c_s)))


# ----------------------------------------------------------------------------------- learner


@dataclass(frozen=True, eq=False)
class _Problem:
    """The problem in whitened coordinates: points u, N instead of M, C_S the identity.

    Attributes:
        back: (p, d): L of the original features is the L here times ``back``.
        dissimilar: C_D in these coordinates.
        distances: the sum of rho over D and its gradient.
    """

    back: Float64
    dissimilar: Float64
    distances: SumOfDistances


def mmc(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: MmcSettings | None = None,
    *,
    squared: bool = False,
    judged: Pairs | None = None,
    trained_on: tuple[str, ...] = (),
    name: str = "mmc",
) -> Job[Learned]:
    """Learn by MMC; yields an iterate as the payload of every progress.

    The objective of an iterate is the sum over D of rho (or rho² if ``squared``) at tr(M C_S) = 1; larger is better.

    Args:
        x: (n, d) data.
        y: (n,) classes.
        settings: form, solver and the like.
        squared: the lecture's variant.
        judged: explicit pairs instead of those the classes give.
        trained_on, name: for the metric's card.

    Raises:
        UserError: for unusable data, or where no similar or no dissimilar pair differs.
    """
    chosen = settings or MmcSettings()
    points, labels = checked(x, y)
    recorder = Recorder("MMC", chosen.iterations)
    recorder.slow = is_slow(points)
    points, recorder.basis = yield from recorder.run(partial(reduced, points, chosen.components, recorder.notes))
    problem = yield from recorder.run(partial(_whitened, points, labels, judged, chosen, recorder.notes))
    if squared:
        steps = _lecture(problem, chosen, recorder)
    elif chosen.solver == "projection" and chosen.form == "full":
        steps = _climb(problem, chosen, recorder)
    else:
        steps = _descend(problem, chosen, recorder)
    converged = yield from steps
    words = f"MMC{', squared (the lecture)' if squared else ''}, {chosen.form}"
    return recorder.learned(learned_by=words, trained_on=trained_on, name=name, converged=converged)


def _whitened(x: Float64, y: Labels, judged: Pairs | None, settings: MmcSettings, notes: list[str]) -> _Problem:
    """Return the problem where C_S is the identity, with notes on directions left out or regularised."""
    count = settings.pairs or (SAMPLED if len(x) > ALL_PAIRS_BELOW else 0)
    if judged is None and count:
        judged = sampled_pairs(y, count, seed=settings.seed)
        notes.append(f"Learned from {len(judged.similar):,} similar and {len(judged.dissimilar):,} dissimilar pairs.")
    if judged is None:
        c_s, c_d = scatters(x, y)
    else:
        c_s, c_d = scatter_of_pairs(x, judged.similar), scatter_of_pairs(x, judged.dissimilar)
    if not c_s.any():
        raise UserError("No two points of one class differ, so there is nothing to keep close; add points to a class.")
    if not c_d.any():
        raise UserError("All points of different classes coincide; no metric can tell them apart.")
    back = _whitening(c_s, c_d, notes, diagonal=settings.form == "diagonal")
    u = (x - x.mean(axis=0)) @ back.T
    distances = AllPairs(u, y) if judged is None else ListedPairs(u, judged.dissimilar)
    return _Problem(back, back @ c_d @ back.T, distances)


def _whitening(c_s: Float64, c_d: Float64, notes: list[str], *, diagonal: bool) -> Float64:
    """Return (p, d) B with B C_S B^T = 1; directions without any difference are left out."""
    if diagonal:
        c_s, c_d = np.diag(np.diag(c_s)), np.diag(np.diag(c_d))
    values, vectors = np.linalg.eigh(c_s + c_d)
    if diagonal:
        values, vectors = np.diag(c_s + c_d).copy(), np.eye(len(c_s))
    seen = vectors[:, values > NULL * values.max()]
    left_out = len(values) - seen.shape[1]
    if left_out:
        notes.append(f"{left_out} direction{'s' * (left_out != 1)} in which no two points differ got no weight.")
    inside = seen.T @ c_s @ seen
    own, turn = np.linalg.eigh(inside)
    if diagonal:
        own, turn = np.diag(inside).copy(), np.eye(len(inside))
    if own.min() <= SINGULAR * own.max():
        ridge = RIDGE * float(own.mean())
        own = own + ridge
        notes.append(
            f"C_S is singular (similar pairs do not differ along some direction), so ε = {ridge:.2g} was added to it; "
            "without it the objective is unbounded."
        )
    result: Float64 = (seen @ turn / np.sqrt(own)).T
    return np.ascontiguousarray(result)


def _keep(problem: _Problem, inner: Float64, value: float, recorder: Recorder) -> Progress:
    """Record an iterate given by its whitened L, scaled so that the constraint is active."""
    scaled = inner / np.linalg.norm(inner)
    similar = float(np.vdot(scaled, scaled))
    return recorder.add(scaled @ problem.back, value, similar=similar)


def _descend(problem: _Problem, settings: MmcSettings, recorder: Recorder) -> Generator[Progress, None, bool]:
    """Minimise -log(sum_D rho) + log |L| on L, which is the problem with its scale divided out."""
    size = len(problem.back)
    full = settings.form == "full"

    def objective(inner: Float64) -> tuple[float, Float64]:
        """Return value and gradient of the objective at L."""
        factor = inner if full else np.diag(inner)
        total, gradient = problem.distances.of_factor(factor)
        length = float(np.vdot(inner, inner))
        on_factor = 2 * factor @ gradient
        slope = on_factor if full else np.diag(on_factor)
        return -np.log(total) + 0.5 * np.log(length), -slope / total + inner / length

    start = np.eye(size) if full else np.ones(size)
    steps = lbfgs(objective, start, tolerance=settings.tolerance)
    for _ in range(settings.iterations + 1):
        at = yield from recorder.run(partial(next, steps))
        inner = at.x if full else np.diag(at.x)
        yield _keep(problem, inner, float(np.exp(-at.value)), recorder)
        if at.done:
            return True
    return False


def _climb(problem: _Problem, settings: MmcSettings, recorder: Recorder) -> Generator[Progress, None, bool]:
    """Climb on N, then project in turns onto tr N <= 1 and onto the PSD matrices; the step adapts."""
    size = len(problem.back)
    unit = np.eye(size)
    matrix = unit / size
    factor = factor_of(matrix, keep_all=True)
    total, gradient = problem.distances.of_factor(factor)
    yield _keep(problem, factor, total, recorder)
    step, idle = 1.0, 0
    for _ in range(settings.iterations):
        while True:
            new = project_feasible(matrix + step * gradient / float(np.linalg.norm(gradient)), unit)
            new = new / float(np.trace(new))
            new_factor = factor_of(new, keep_all=True)
            new_total, new_gradient = yield from recorder.run(partial(problem.distances.of_factor, new_factor))
            if new_total >= total or step < 1e-9:
                break
            step /= 2
        idle = idle + 1 if new_total - total <= settings.tolerance * total else 0
        if new_total >= total:
            matrix, factor, total, gradient = new, new_factor, new_total, new_gradient
        step *= 1.5
        yield _keep(problem, factor, total, recorder)
        if idle >= 5 or step < 1e-8:
            return True
    return False


def _lecture(problem: _Problem, settings: MmcSettings, recorder: Recorder) -> Generator[Progress, None, bool]:
    """Show the collapse by power iteration from the identity, and end with the closed form.

    A diagonal M meets the diagonal of C_D only, so that is all it may follow.
    """
    size = len(problem.back)
    c_d = problem.dissimilar if settings.form == "full" else np.diag(np.diag(problem.dissimilar))
    inner = np.eye(size) / np.sqrt(size)
    for _ in range(min(settings.iterations, 60)):
        value = float(np.vdot(matrix_of(inner), c_d))
        yield _keep(problem, inner, value, recorder)
        with recorder.working():
            spectrum = np.linalg.svd(inner, compute_uv=False)
            if size == 1 or spectrum[1] <= 1e-6 * spectrum[0]:
                break
            inner = inner @ c_d
            inner /= np.linalg.norm(inner)
    with recorder.working():
        values, vectors = np.linalg.eigh(c_d)
        last, value = vectors[:, -1:].T, float(values[-1])
        if settings.form == "diagonal":
            best = int(np.argmax(np.diag(c_d)))
            last, value = np.eye(size)[best : best + 1], float(c_d[best, best])
    recorder.notes.append("The optimum has rank one: all points lie on a line under this metric.")
    yield _keep(problem, last, value, recorder)
    return True
