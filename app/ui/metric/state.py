"""What the Metric workspace wants back after undo, restart or a bookmark, as one frozen value.

What lives here: :class:`MetricState`. What does not: widgets; no Qt. May import: settings, ``app.learning.toy``, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.learning.neighbours import Labels
from app.learning.toy import TOYS, toy
from app.records import Float64
from app.settings import Settings, choice, flag, from_json, number, to_json

Moved = tuple[tuple[int, float, float], ...]
Painted = tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class MetricState(Settings):
    """What is learned from what, and what is looked at.

    The first group has controls of its own; the declared fields make the form.

    Attributes:
        page: key of a line of ``app.ui.metric.PAGES``.
        learner: key of a row of the recipe table.
        learned_with: (learner, its settings as plain items), for those that were changed.
        moved: (row, x, y) of points of the toy that were dragged.
        painted: (x, y, class) of points that were added; their rows follow those of the toy.
        anchor: row of the point looked at.
        step: iteration shown; -1 is the last.
        measure: key of a measure of the axioms page, or ``typed``.
        formula: the formula typed there.
    """

    page: str = "learn"
    learner: str = "lmnn"
    learned_with: tuple[tuple[str, Any], ...] = ()
    moved: Moved = ()
    painted: Painted = ()
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
    paint: str = choice(
        "off",
        {"off": "off, drag points", "0": "class 1, discs", "1": "class 2, squares", "2": "class 3, triangles",
         "3": "class 4, diamonds"},
        label="Paint",
        help=(
            "With a class, a press beside the points paints one of it, a stroke several. Points are dragged as ever; "
            "Delete takes the chosen painted point away."
        ),
    )  # fmt: skip
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

    def data(self) -> tuple[Float64, Labels]:
        """Return ((n, 2) points, (n,) classes): the toy with what was dragged, then what was painted.

        Raises:
            UserError: if there is no such toy.
        """
        x, y = toy(self.toy, points=self.points, noise=self.noise, seed=self.seed)
        x = x.copy()
        for row, a, b in self.moved:
            if row < len(x):
                x[row] = a, b
        if self.painted:
            x = np.concatenate([x, [item[:2] for item in self.painted]])
            y = np.concatenate([y, [item[2] for item in self.painted]])
        return x, y

    def with_moved(self, row: int, x: float, y: float) -> dict[str, Any]:
        """Return the field to replace so that a point is at (x, y)."""
        count = len(self.data()[0]) - len(self.painted)
        at = round(x, 6), round(y, 6)
        if row < count:
            return {"moved": (*(item for item in self.moved if item[0] != row), (row, *at))}
        painted = list(self.painted)
        painted[row - count] = (*at, painted[row - count][2])
        return {"painted": tuple(painted)}

    def without(self, row: int) -> dict[str, Any] | None:
        """Return the fields to replace so that a painted point is gone, None for a point of the toy."""
        at = row - (len(self.data()[0]) - len(self.painted))
        if at < 0:
            return None
        return {"painted": self.painted[:at] + self.painted[at + 1 :], "anchor": max(0, row - 1)}

    def settings_of(self, learner: str, kind: Any) -> Any:
        """Return a learner's settings: the defaults with what was changed."""
        saved = dict(self.learned_with).get(learner, ())
        return from_json(kind, dict(saved))

    def with_settings(self, learner: str, settings: Any) -> dict[str, Any]:
        """Return the field to replace so that a learner has these settings."""
        items = dict(self.learned_with)
        items[learner] = tuple(to_json(settings).items())
        return {"learned_with": tuple(sorted(items.items()))}
