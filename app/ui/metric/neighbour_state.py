"""What the Neighbours page wants back, as one frozen value, and the learner's settings that follow from it.

What lives here: :class:`NeighbourState`. What does not: widgets; no Qt. May import: ``app.learning.learners``,
settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.learning.learners import Row, learner
from app.settings import Settings, choice, fields_of, flag, number, with_value

NEIGHBOUR_KEY = "metric-neighbours"
OTHERS = "others"
LEARNERS = ("lmnn", "nca", "mmc", "itml", "relative")


@dataclass(frozen=True)
class NeighbourState(Settings):
    """What is learned from what, and the change that is looked at.

    Attributes:
        chosen: place in the strip.
        file: path of the file or folder that ``data`` ``"file"`` means, empty before one was opened.
    """

    chosen: int = 0
    file: str = ""
    data: str = choice(
        "faces",
        {
            "faces": "faces and others",
            "digits": "digits 8 × 8",
            "pair": "places of the pair",
            "file": "a file of your own",
        },
        label="Items",
        help=(
            "100 faces and 100 other patches; handwritten digits; the SIFT descriptors of places that both pictures of "
            "the open pair show, drawn as patches; or labelled data of your own (CSV, npz, MNIST, Olivetti, a folder "
            "with one folder of pictures per class)."
        ),
    )
    learner: str = choice(
        "lmnn",
        {key: learner(key).title for key in LEARNERS},
        label="Learner",
        help="Learns once for every fold, from the items outside it, with its default settings.",
    )
    items: int = number(
        600, 100, 5000, 10, label="How many", help="Items taken of the set, evenly over its classes; of a pair all."
    )
    standardise: bool = flag(
        False,
        label="Same spread",
        help=(
            "First give every feature mean 0 and spread 1 over the items learned from: else the feature with the "
            "largest numbers decides, as in tables of different units."
        ),
    )
    iterations: int = number(
        40, 1, 300, 1, label="Iterations",
        help="At most so many steps of learning. Many steps on few items of many dimensions learn the items by heart.",
    )  # fmt: skip
    neighbours: int = number(3, 1, 15, 2, label="k of k-NN", help="Neighbours that vote in the second error.")
    folds: int = number(5, 2, 10, 1, label="Folds", help="Every item is asked once, in the fold that did not see it.")
    seed: int = number(0, 0, 999, 1, label="Seed", help="Of the division into folds.")
    source: str = choice(
        OTHERS,
        {OTHERS: "the other pairs", "open": "the open pair"},
        label="Matcher from",
        help=(
            "What “Use as matcher” learns from: the other pairs of the list at the left, so that the open one can "
            "judge it, or the open pair itself. A matcher must not be judged on the pairs it was learned from."
        ),
    )

    @property
    def row(self) -> Row:
        """The row of the recipe table."""
        return learner(self.learner)

    def learner_settings(self) -> Any:
        """Return the learner's settings: its defaults, with the iterations; a place has but one target."""
        assert self.row.settings is not None
        settings = self.row.settings()
        names = {spec.name for spec in fields_of(settings)}
        if "iterations" in names:
            settings = with_value(settings, "iterations", self.iterations)
        if self.data == "pair" and "k" in names:
            settings = with_value(settings, "k", 1)
        return settings


def used_fields(state: NeighbourState) -> tuple[str, ...]:
    """Return the settings that matter to a state."""
    voted = () if state.data == "pair" else ("neighbours",)
    sampled = ("items",) if state.data in ("digits", "file") else ()
    own = ("standardise",) if state.data == "file" else ()
    matcher = ("source",) if state.data == "pair" else ()
    return ("data", "learner", *sampled, *own, "iterations", *voted, "folds", "seed", *matcher)
