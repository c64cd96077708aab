"""What the Recipes page wants back, as one frozen value, and the descent it asks for.

What lives here: :class:`RecipeState`, the closed forms in words, and the job of the page. What does not: widgets; no
Qt. May import: ``app.learning``, settings, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.jobs import Job
from app.learning.constraints import scatters
from app.learning.iterates import Iterate
from app.learning.neighbours import Labels
from app.learning.recipes import NaiveSettings, critical_weight, fate, naive, naive_matrix, repaired
from app.learning.toy import TOYS, toy
from app.records import Float64
from app.settings import Settings, choice, number

RECIPE_KEY = "metric-recipes"
POINTS = 60
STEPS = 400
IN_VIEW = 1.8  # an exploding map is first shown before it leaves the view
CLOSED = {
    "none": "no minimum: ∇Ψ = A everywhere",
    "penalty": "min Ψ + (γ/2)‖M‖²:  M = Π₊(−A) / γ",
    "trace": "min Ψ, tr M = 1:  M = v vᵀ, v the eigenvector of the smallest eigenvalue of A",
    "ball": "min Ψ, ‖M‖ ≤ 1:  M = Π₊(−A) / ‖Π₊(−A)‖",
    "similar": "min Ψ, Σ_S ρ² ≤ 1:  M = v vᵀ, v the top generalised eigenvector of (C_D, C_S), vᵀ C_S v = 1",
}
_NAIVE = NaiveSettings()


@dataclass(frozen=True)
class RecipeState(Settings):
    """The naive objective on a toy, and what is added to it.

    Attributes:
        step: iteration shown; -1 lets the page choose.
    """

    step: int = -1
    toy: str = choice(
        "overlap", {item.key: item.title for item in TOYS}, label="Points", help="Small sets in the plane."
    )
    weight: float = number(
        0.6, 0.0, 1.0, 0.0001, label="λ",
        help="Weight of the similar pairs. Below λ* the map explodes along one direction, from λ* on all collapses.",
    )  # fmt: skip
    repair: str = choice(
        "none",
        {"none": "nothing", "penalty": "(γ/2)‖M‖²", "trace": "tr M = 1", "ball": "‖M‖ ≤ 1", "similar": "Σ_S ρ² ≤ 1"},
        label="Add",
        help="What fixes the scale. Each has a closed form, which the descent reaches.",
    )
    gamma: float = number(
        1.0, 0.001, 1000.0, 0.001, label="γ", log_scale=True, help="Strength of the penalty: M shrinks as 1/γ."
    )

    def naive_settings(self) -> NaiveSettings:
        """Return the settings of the descent."""
        return NaiveSettings(weight=self.weight, repair=self.repair, gamma=self.gamma, iterations=STEPS)


@dataclass(frozen=True, eq=False)
class Descended:
    """One descent with all that the page says of it.

    Attributes:
        x, y: the points about their mean, and their classes.
        history: the iterates; with a repair the last one is the closed form.
        critical: (λ*, μ_max).
        fate: of the bare objective, with its sentence.
        lowest: smallest eigenvalue of A at λ, over the largest size of an eigenvalue.
        curve: (n, 2) λ and that ratio.
        closed: objective of the closed form, NaN without a repair.
    """

    x: Float64
    y: Labels
    history: tuple[Iterate, ...]
    critical: tuple[float, float]
    fate: tuple[str, str]
    lowest: float
    curve: Float64
    closed: float

    @property
    def first_shown(self) -> int:
        """Step shown unless another is chosen: the last, or the last in view of an explosion."""
        if np.isfinite(self.closed) or self.fate[0] != "explodes":
            return len(self.history) - 1
        return max(item.step for item in self.history if np.linalg.norm(item.factor, 2) <= IN_VIEW)


def _lowest(c_s: Float64, c_d: Float64, weight: float) -> float:
    values = np.linalg.eigvalsh(naive_matrix(c_s, c_d, weight))
    return float(values[0] / max(np.abs(values).max(), 1e-300))


def descend(state: RecipeState) -> Job[Descended]:
    """Run the descent of a state.

    Raises:
        UserError: if the repair does not apply to the points.
    """
    x, y = toy(state.toy, points=POINTS)
    x = x - x.mean(axis=0)
    learned = yield from naive(x, y, state.naive_settings())
    c_s, c_d = scatters(x, y)
    weights = np.linspace(0, 1, 201)
    curve = np.array([(weight, _lowest(c_s, c_d, float(weight))) for weight in weights])
    closed = float("nan")
    if state.repair != "none":
        closed = repaired(c_s, c_d, state.weight, state.repair, gamma=state.gamma)[1]
    fates = fate(c_s, c_d, state.weight)
    lowest = _lowest(c_s, c_d, state.weight)
    return Descended(x, y, learned.history, critical_weight(c_s, c_d), fates, lowest, curve, closed)


def map_of(matrix: Float64) -> Float64:
    """Return the symmetric root of M: the map whose picture does not turn from one iterate to the next."""
    values, vectors = np.linalg.eigh(matrix)
    result: Float64 = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return result
