"""NCA, neighbourhood components analysis: maximise how many points a random neighbour would classify right.

What lives here: settings, objective, and the learner as a job. May import: jobs, settings, ``constraints``,
``descent``, ``iterates``, ``learner_fields``, ``lmnn`` (PCA in front), numpy.

    maximise sum_i p_i,   p_i = sum of p_ij over j of i's class,   p_ij proportional to exp(-|L x_i - L x_j|²), p_ii = 0

Not convex, no regulariser. Source: Goldberger, Roweis, Hinton and Salakhutdinov, NIPS 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from app.jobs import Job
from app.learning.constraints import checked
from app.learning.descent import lbfgs
from app.learning.iterates import Learned, Recorder, is_slow, pca
from app.learning.learner_fields import components_field, iterations_field, seed_field, tolerance_field
from app.learning.lmnn import reduced
from app.learning.neighbours import Labels
from app.records import Array, Float64
from app.settings import Settings, number

MOST = 3000  # points; a step takes all pairs
SINGLE_PRECISION_ABOVE = 1000


@dataclass(frozen=True)
class NcaSettings(Settings):
    """How NCA learns."""

    rank: int = number(
        0, 0, 2000, 1, label="Rank of L", zero_means="full", help="Rows of L. Two rows give a picture of the data."
    )
    iterations: int = iterations_field(100)
    tolerance: float = tolerance_field(
        1e-5, "Stop when the objective changes by less than this share in several steps."
    )
    components: int = components_field()
    seed: int = seed_field("Of the sample taken from more than 3,000 points.")


def objective(factor: Float64, x: Array, y: Labels) -> tuple[float, Float64]:
    """Return (-sum_i p_i, its gradient with respect to L).

    Args:
        factor: (r, p).
        x: (n, p), its dtype is the precision of the work.
        y: (n,) classes.
    """
    z = x @ factor.astype(x.dtype).T
    square = np.vecdot(z, z)
    p = z @ z.T
    p *= 2
    p -= square[None]
    p -= square[:, None]
    np.fill_diagonal(p, -np.inf)
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    same = y[:, None] == y[None]
    right = (p * same).sum(axis=1)
    weights = p * (right[:, None] - same)  # of x_ij x_ij^T in minus the gradient's half
    both = weights + weights.T
    laplacian = both.sum(axis=1)[:, None] * z - both @ z
    gradient = -2 * (laplacian.T @ x).astype(np.float64)
    return -float(right.sum(dtype=np.float64)), gradient


def nca(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: NcaSettings | None = None,
    *,
    start: Float64 | None = None,
    trained_on: tuple[str, ...] = (),
    name: str = "nca",
) -> Job[Learned]:
    """Learn by NCA; yields an iterate as the payload of every progress.

    An iterate's objective is the mean p_i, the expected share of points classified right; larger is better.

    Raises:
        UserError: for unusable data.
    """
    chosen = settings or NcaSettings()
    points, labels = checked(x, y)
    recorder = Recorder("NCA", chosen.iterations)
    recorder.slow = is_slow(points)
    inside, recorder.basis = yield from recorder.run(partial(reduced, points, chosen.components, recorder.notes))
    with recorder.working():
        inside = inside - inside.mean(axis=0)
        if len(inside) > MOST:
            picked = np.sort(np.random.default_rng(chosen.seed).permutation(len(inside))[:MOST])
            inside, labels = checked(inside[picked], labels[picked])
            recorder.notes.append(f"Learned from a sample of {MOST:,} of {len(points):,} points.")
        basis = pca(inside, chosen.rank)
        factor = np.eye(inside.shape[1]) if basis is None else basis.rows
        if start is not None and recorder.basis is None:
            factor = np.array(start, np.float64)
        single = len(inside) > SINGLE_PRECISION_ABOVE
        data = np.ascontiguousarray(inside, np.float32 if single else np.float64)
    steps = lbfgs(lambda inner: objective(inner, data, labels), factor, tolerance=chosen.tolerance)
    converged = False
    for _ in range(chosen.iterations + 1):
        at = yield from recorder.run(partial(next, steps))
        yield recorder.add(at.x, -at.value / len(data))
        if at.done:
            converged = True
            break
    return recorder.learned(learned_by="NCA", trained_on=trained_on, name=name, converged=converged)
