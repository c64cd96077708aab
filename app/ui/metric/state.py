"""What the Metric workspace wants back after undo, restart or a bookmark, as one frozen value.

What lives here: :class:`MetricState`. What does not: widgets; no Qt. May import: settings, ``app.learning.toy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.learning.toy import TOYS
from app.settings import Settings, choice, flag, from_json, number, to_json

Moved = tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class MetricState(Settings):
    """What is learned from what, and what is looked at.

    The first group has controls of its own; the declared fields make the form.

    Attributes:
        page: key of a line of ``app.ui.metric.PAGES``.
        learner: key of a row of the recipe table.
        learned_with: (learner, its settings as plain items), for those that were changed.
        moved: (row, x, y) of points that were dragged.
        anchor: row of the point looked at.
        step: iteration shown; -1 is the last.
        measure: key of a measure of the axioms page, or ``typed``.
        formula: the formula typed there.
    """

    page: str = "learn"
    learner: str = "lmnn"
    learned_with: tuple[tuple[str, Any], ...] = ()
    moved: Moved = ()
    anchor: int = 0
    step: int = -1
    measure: str = "ssd"
    formula: str = "abs(x1 - y1)"
    toy: str = choice(
        "tilted",
        {item.key: item.title for item in TOYS},
        label="Points",
        help="Small sets in the plane, each made to show one thing. Drag any point; the metric follows.",
    )
    points: int = number(
        90, 12, 10_000, 6, label="How many", log_scale=True,
        help="Points in all, divided over the classes. Thousands take the learner a while; the picture stays quick.",
    )  # fmt: skip
    noise: float = number(0.0, 0.0, 2.0, 0.05, label="Noise", help="Standard deviation of noise added to every point.")
    seed: int = number(0, 0, 9999, 1, label="Seed", help="The same seed gives the same points.")
    neighbours: int = number(
        3, 1, 15, 2, label="k of k-NN", help="Neighbours that vote in the errors and in the coloured regions."
    )
    regions: bool = flag(
        True, label="k-NN regions", help="Colour the plane by the class that the nearest points would give it."
    )
    ring: bool = flag(
        True,
        label="Targets, margin and impostors",
        help=(
            "Of the chosen point: lines to its target neighbours, the ellipse through the farthest, the margin one "
            "unit of ρ² further out, and crosses on the impostors inside it."
        ),
    )

    def settings_of(self, learner: str, kind: Any) -> Any:
        """Return a learner's settings: the defaults with what was changed."""
        saved = dict(self.learned_with).get(learner, ())
        return from_json(kind, dict(saved))

    def with_settings(self, learner: str, settings: Any) -> dict[str, Any]:
        """Return the field to replace so that a learner has these settings."""
        items = dict(self.learned_with)
        items[learner] = tuple(to_json(settings).items())
        return {"learned_with": tuple(sorted(items.items()))}
