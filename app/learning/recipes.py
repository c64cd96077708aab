"""The naive objective, why it fails, and each repair with its closed form.

What lives here: Psi(M) = lambda sum_S rho² - (1 - lambda) sum_D rho² = <A, M> with A = lambda C_S - (1 - lambda) C_D,
the switch lambda*, its repairs in closed form, and a job that shows the descent. What does not: MMC and LMNN. May
import: jobs, settings, ``constraints``, ``iterates``, ``mahalanobis``, numpy.

Psi is linear in M: its gradient is the constant A, there is no stationary point unless A = 0. Over the PSD matrices the
infimum is 0, at M = 0, if A is PSD, and otherwise minus infinity. A is PSD exactly from lambda* on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.jobs import Job
from app.learning.constraints import checked, scatters
from app.learning.iterates import Learned, Recorder
from app.learning.mahalanobis import factor_of, matrix_of, project_psd
from app.learning.mmc import lecture_optimum
from app.records import Float64, UserError
from app.settings import Settings, choice, number
from app.text import significant

Fate = Literal["collapses", "explodes", "stays"]
STEP = 0.05  # of the descent, as a share of 1 / |A|
GONE = 1e6  # |L| has grown, or its inverse shrunk, by this: the fate is clear


@dataclass(frozen=True)
class NaiveSettings(Settings):
    """The naive objective and what is added to it."""

    weight: float = number(
        0.5,
        0.0,
        1.0,
        0.005,
        label="λ",
        help=(
            "The weight of similar pairs. Below λ* the objective falls without bound and the metric explodes along one "
            "direction; from λ* on the best metric is zero, everything identical."
        ),
    )
    repair: str = choice(
        "none",
        {
            "none": "nothing",
            "penalty": "+ (γ/2)‖M‖²",
            "trace": "tr M = 1",
            "ball": "‖M‖ ≤ 1",
            "similar": "Σ_S ρ² ≤ 1",
        },
        label="Add",
        help="What fixes the scale. Each has a closed form, which the descent must reach.",
    )
    gamma: float = number(
        1.0, 0.001, 1e9, 0.1, label="γ", log_scale=True, help="Strength of the penalty; M shrinks as 1/γ."
    )
    iterations: int = number(150, 1, 5000, 10, label="Iterations", help="Steps of the descent.")


def naive_matrix(c_s: Float64, c_d: Float64, weight: float) -> Float64:
    """Return A = lambda C_S - (1 - lambda) C_D, the constant gradient of Psi."""
    return weight * c_s - (1 - weight) * c_d


def critical_weight(c_s: Float64, c_d: Float64) -> tuple[float, float]:
    """Return (lambda*, mu_max): A is PSD exactly for lambda >= lambda* = mu_max / (1 + mu_max).

    mu_max is the largest generalised eigenvalue of (C_D, C_S). Where C_S is singular along a direction in which
    dissimilar pairs differ it is infinite, and lambda* is 1.
    """
    values, vectors = np.linalg.eigh(c_s + c_d)
    seen = vectors[:, values > 1e-12 * max(float(values[-1]), np.finfo(float).tiny)]
    if not seen.shape[1]:
        return 0.0, 0.0
    # The share of dissimilar pairs among all, mu / (1 + mu), needs no inverse of C_S.
    root = seen / np.sqrt(values[values > 1e-12 * values[-1]])
    share = min(1.0, float(np.linalg.eigvalsh(root.T @ c_d @ root)[-1]))
    if share >= 1 - 1e-12:
        return 1.0, np.inf
    return share, share / (1 - share)


def fate(c_s: Float64, c_d: Float64, weight: float) -> tuple[Fate, str]:
    """Return what minimising Psi over the PSD matrices leads to, and the sentence that says so."""
    values = np.linalg.eigvalsh(naive_matrix(c_s, c_d, weight))
    scale = float(np.abs(values).max())
    if scale == 0:
        return "stays", "A is zero: every M is as good as any other."
    if values[0] >= -1e-12 * scale:
        return "collapses", "A is PSD, so the best M is 0: all points become identical."
    return "explodes", (
        f"A has the eigenvalue {significant(values[0])} < 0: stretching along its eigenvector lowers Ψ without bound."
    )


def repaired(c_s: Float64, c_d: Float64, weight: float, repair: str, *, gamma: float = 1.0) -> tuple[Float64, float]:
    """Return (M, objective) of a repair in closed form.

    ``penalty``: M = PSD(-A) / gamma. ``trace``: v v^T of the smallest eigenvalue. ``ball``: PSD(-A) scaled to norm 1.
    ``similar``: the generalised eigenvector of the lecture's MMC.

    Raises:
        UserError: for an unknown repair, or ``similar`` with a singular C_S.
    """
    a = naive_matrix(c_s, c_d, weight)
    positive = project_psd(-a).matrix
    if repair == "penalty":
        m = positive / gamma
        return m, float(np.vdot(a, m)) + gamma / 2 * float(np.vdot(m, m))
    if repair == "trace":
        values, vectors = np.linalg.eigh(a)
        return np.outer(vectors[:, 0], vectors[:, 0]), float(values[0])
    if repair == "ball":
        length = float(np.linalg.norm(positive))
        m = positive / length if length > 0 else positive
        return m, float(np.vdot(a, m))
    if repair == "similar":
        v, _ = lecture_optimum(c_s, c_d)
        value = float(v @ a @ v)
        return (np.outer(v, v), value) if value < 0 else (np.zeros_like(a), 0.0)  # from lambda* on M = 0 is best
    raise UserError(f"There is no repair {repair!r}; choose penalty, trace, ball or similar.")


def project_simplex(values: Float64) -> Float64:
    """Return the nearest vector with entries >= 0 and sum 1 (Duchi et al. 2008)."""
    ordered = np.sort(values)[::-1]
    excess = np.cumsum(ordered) - 1
    last = int(np.flatnonzero(ordered - excess / np.arange(1, len(values) + 1) > 0)[-1])
    result: Float64 = np.maximum(values - excess[last] / (last + 1), 0)
    return result


def naive(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: NaiveSettings | None = None,
    *,
    trained_on: tuple[str, ...] = (),
    name: str = "naive",
) -> Job[Learned]:
    """Descend on the naive objective, repaired or not; yields an iterate as the payload of every progress.

    Without a repair the descent is on L (gradient 2 L A), so that collapse and explosion are seen as they go; with one
    it is a projected gradient that ends in the closed form.

    Raises:
        UserError: for unusable data, or a repair that does not apply.
    """
    chosen = settings or NaiveSettings()
    points, labels = checked(x, y)
    c_s, c_d = scatters(points, labels)
    recorder = Recorder("Naive objective", chosen.iterations)
    a = naive_matrix(c_s, c_d, chosen.weight)
    critical, _ = critical_weight(c_s, c_d)
    recorder.notes.append(f"λ* = {critical:.4f}.")
    if chosen.repair == "none":
        recorder.notes.append(fate(c_s, c_d, chosen.weight)[1])
        yield from _bare(a, chosen, recorder)
    else:
        yield from _repaired_descent(a, c_s, c_d, chosen, recorder)
    words = f"naive objective, λ {chosen.weight:g}, {chosen.repair}"
    return recorder.learned(learned_by=words, trained_on=trained_on, name=name, converged=chosen.repair != "none")


def _bare(a: Float64, settings: NaiveSettings, recorder: Recorder) -> Job[None]:
    """Descend on L until the iterations end or |L| tells the fate."""
    factor = np.eye(len(a))
    step = STEP / max(float(np.linalg.norm(a, 2)), np.finfo(float).tiny)
    start = float(np.linalg.norm(factor))
    for _ in range(settings.iterations + 1):
        yield recorder.add(factor, float(np.vdot(matrix_of(factor), a)))
        length = float(np.linalg.norm(factor)) / start
        if not 1 / GONE < length < GONE:
            return
        with recorder.working():
            factor = factor - 2 * step * factor @ a


def _repaired_descent(a: Float64, c_s: Float64, c_d: Float64, settings: NaiveSettings, recorder: Recorder) -> Job[None]:
    """Descend on M with the repair's own projection, then show the closed form."""
    best, value = repaired(c_s, c_d, settings.weight, settings.repair, gamma=settings.gamma)
    back = np.eye(len(a))
    if settings.repair == "similar":  # where C_S is the identity the constraint is tr M <= 1
        values, vectors = np.linalg.eigh(c_s)
        back = (vectors / np.sqrt(values)).T
        a = back @ a @ back.T
    m = np.eye(len(a)) * max(float(np.trace(best)) / len(a), 1e-3)
    if settings.repair == "similar":
        m = np.eye(len(a)) / len(a)
    penalty = settings.gamma if settings.repair == "penalty" else 0.0
    step = 0.2 / penalty if penalty else STEP * float(np.linalg.norm(m)) / float(np.linalg.norm(a, 2) or 1)
    project = _projection(settings.repair)
    for _ in range(settings.iterations):
        yield recorder.add(factor_of(m, keep_all=True) @ back, _objective(a, m, penalty))
        with recorder.working():
            moved = project(m - step * (a + penalty * m))
        if float(np.linalg.norm(moved - m)) <= 1e-9 * float(np.linalg.norm(m)):
            break
        m = moved
    yield recorder.add(factor_of(best, keep_all=True), value)


def _objective(a: Float64, m: Float64, penalty: float) -> float:
    return float(np.vdot(a, m)) + penalty / 2 * float(np.vdot(m, m))


def _projection(repair: str) -> Callable[[Float64], Float64]:
    """Return the projection onto the matrices that the repair allows."""

    def project(m: Float64) -> Float64:
        """Return the nearest allowed matrix to a (d, d) one, whose asymmetry is averaged away."""
        values, vectors = np.linalg.eigh((m + m.T) / 2)
        after = np.maximum(values, 0)
        if repair == "trace" or (repair == "similar" and after.sum() > 1):
            after = project_simplex(values)
        if repair == "ball":
            after = after / max(1.0, float(np.linalg.norm(after)))
        result: Float64 = (vectors * after) @ vectors.T
        return result

    return project
