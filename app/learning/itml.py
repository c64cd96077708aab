"""ITML, information-theoretic metric learning: stay close to a prior while pairs keep their bounds.

What lives here: settings, LogDet, and the learner as a job. May import: jobs, settings, ``constraints``, ``iterates``,
``learner_fields``, ``mahalanobis``, numpy.

    minimise LogDet(M, M_0) + gamma LogDet(diag xi, diag xi_0)   subject to   rho² <= xi over S,  rho² >= xi over D

by Bregman projections onto one constraint at a time, each a rank-one update that keeps M positive definite. For one
constraint with p = rho² and bound xi, both 1/p and 1/xi move until they meet: the multiplier is
gamma / (gamma + 1) (1/xi - 1/p). Source: Davis, Kulis, Jain, Sra and Dhillon, ICML 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from app.jobs import Job
from app.learning.constraints import Pairs, checked, sampled_pairs
from app.learning.iterates import Learned, Recorder, is_slow
from app.learning.learner_fields import components_field, seed_field, tolerance_field
from app.learning.lmnn import reduced
from app.learning.mahalanobis import eigen, factor_of
from app.records import Array, Float64, UserError
from app.settings import Settings, number

PER_CLASS_PAIR = 20  # constraints of each kind by default: 20 c², as the authors' code has it
AT_LEAST = 100
AT_ONCE = 400  # projections between two reports of progress
BOUNDS = (5, 95)  # percentiles of the squared distances: what counts as close and as far


@dataclass(frozen=True)
class ItmlSettings(Settings):
    """How ITML learns."""

    gamma: float = number(
        1.0,
        1e-3,
        1e6,
        0.1,
        label="γ",
        log_scale=True,
        help="How hard the bounds are. Small lets them slip and stays with the Euclidean metric, large enforces them.",
    )
    pairs: int = number(
        0,
        0,
        100_000,
        10,
        label="Pairs",
        zero_means="automatic",
        help="Random similar and dissimilar pairs; automatic is 20 times the number of classes squared, at least 100.",
    )
    seed: int = seed_field("Of the random pairs.")
    iterations: int = number(50, 1, 5000, 10, label="Sweeps", help="Passes over all pairs at most.")
    tolerance: float = tolerance_field(
        1e-3, "Stop when the multipliers of the pairs change by less than this share in a sweep."
    )
    components: int = components_field()


def log_det(m: Float64, prior: Float64) -> float:
    """Return LogDet(M, M_0) = tr(M M_0^-1) - log det(M M_0^-1) - d: 0 only for M = M_0, infinite unless M is PD.

    Raises:
        UserError: if the prior is not positive definite.
    """
    values, vectors = eigen(prior)
    if values[-1] <= 0:
        raise UserError("The prior of LogDet must be positive definite; its smallest eigenvalue is not above 0.")
    root = vectors / np.sqrt(values)
    inside = np.linalg.eigvalsh(root.T @ m @ root)
    if inside[0] <= 0:
        return float("inf")
    return float(np.sum(inside - np.log(inside) - 1))


def itml(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: ItmlSettings | None = None,
    *,
    judged: Pairs | None = None,
    bounds: tuple[float, float] | None = None,
    trained_on: tuple[str, ...] = (),
    name: str = "itml",
) -> Job[Learned]:
    """Learn by ITML from the Euclidean prior; yields an iterate after every sweep.

    An iterate's objective is LogDet(M, I) + gamma times that of the slacks; its parts are the divergence and how many
    pairs break their original bound.

    Args:
        judged: explicit pairs instead of random ones.
        bounds: (upper for similar, lower for dissimilar) squared distances; percentiles 5 and 95 if not given.

    Raises:
        UserError: for unusable data, where no two random points differ, or where distances differ too much.
    """
    chosen = settings or ItmlSettings()
    points, labels = checked(x, y)
    recorder = Recorder("ITML", chosen.iterations)
    recorder.slow = is_slow(points)
    points, recorder.basis = yield from recorder.run(partial(reduced, points, chosen.components, recorder.notes))
    count = chosen.pairs or max(AT_LEAST, PER_CLASS_PAIR * len(np.unique(labels)) ** 2)
    pairs = sampled_pairs(labels, count, seed=chosen.seed) if judged is None else judged
    gaps, sign = _differences(points, pairs)
    upper, lower = bounds or _bounds(gaps)
    target = np.where(sign > 0, upper, lower)
    state = _State(np.eye(points.shape[1]), np.zeros(len(gaps)), target.copy())
    yield recorder.add(np.eye(points.shape[1]), 0.0, divergence=0.0, broken=_broken(state.matrix, gaps, sign, target))
    converged = False
    for _ in range(chosen.iterations):
        before = state.multipliers.copy()
        for start in range(0, len(gaps), AT_ONCE):
            with recorder.working():
                _sweep(state, gaps[start : start + AT_ONCE], sign, chosen.gamma, start)
            yield recorder.progress()
        _check_digits(state, gaps)
        divergence = log_det(state.matrix, np.eye(len(state.matrix)))
        slack = state.bound / target
        objective = divergence + chosen.gamma * float(np.sum(slack - np.log(slack) - 1))
        broken = _broken(state.matrix, gaps, sign, target)
        yield recorder.add(factor_of(state.matrix), objective, divergence=divergence, broken=broken)
        size = float(np.linalg.norm(before) + np.linalg.norm(state.multipliers))
        if size == 0 or float(np.abs(before - state.multipliers).sum()) <= chosen.tolerance * size:
            converged = True
            break
    return recorder.learned(
        learned_by=f"ITML, γ {chosen.gamma:g}", trained_on=trained_on, name=name, converged=converged
    )


@dataclass
class _State:
    """What the projections change."""

    matrix: Float64
    multipliers: Float64
    bound: Float64


def _check_digits(state: _State, gaps: Float64) -> None:
    """Refuse what a sweep made where double precision does not hold the smallest and the largest distance at once."""
    if np.isfinite(state.matrix).all() and (state.bound > 0).all() and np.linalg.eigvalsh(state.matrix)[0] > 0:
        return
    length = np.linalg.norm(gaps, axis=1)
    raise UserError(
        f"Distances from {length.min():.3g} to {length.max():.3g} are too far apart for ITML's sweeps; leave out "
        "points that lie far from all others, or standardise the features."
    )


def _differences(x: Float64, pairs: Pairs) -> tuple[Float64, Float64]:
    """Return (differences of all pairs that differ, +1 for similar and -1 for dissimilar)."""
    both = np.concatenate([pairs.similar, pairs.dissimilar])
    sign = np.repeat([1.0, -1.0], [len(pairs.similar), len(pairs.dissimilar)])
    gaps = x[both[:, 0]] - x[both[:, 1]]
    there = gaps.any(axis=1)
    if not there.any():
        raise UserError("All pairs of points coincide, so no distance can be bounded; check the data.")
    return gaps[there], sign[there]


def _bounds(gaps: Float64) -> tuple[float, float]:
    upper, lower = np.percentile(np.vecdot(gaps, gaps), BOUNDS)
    return float(upper), float(lower)


def _broken(m: Float64, gaps: Float64, sign: Float64, target: Float64) -> float:
    """Return how many pairs lie beyond their original bound."""
    squared = np.vecdot(gaps @ m, gaps)
    return float(np.count_nonzero(sign * (squared - target) > 1e-9 * target))


def _sweep(state: _State, gaps: Array, sign: Float64, gamma: float, start: int) -> None:
    """Project onto one constraint after the other; a rank-one update each."""
    m, share = state.matrix, gamma / (gamma + 1)
    for offset, gap in enumerate(gaps):
        at = start + offset
        across = m @ gap
        squared = float(gap @ across)
        want = sign[at] * share * (1 / state.bound[at] - 1 / squared)
        change = max(want, -state.multipliers[at])
        if change == 0:
            continue
        state.multipliers[at] += change
        signed = sign[at] * change
        state.bound[at] = 1 / (1 / state.bound[at] - signed / gamma)
        m -= (signed / (1 + signed * squared)) * np.outer(across, across)
