"""What the AnchorNet page wants back, as one frozen value, and the job that learns what it shows.

What lives here: :class:`AnchorState`, :func:`learn_anchors`, and how transfers of parts are judged. What does not:
widgets; no Qt. May import: ``app.learning``, jobs, settings, numpy.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from app.jobs import Job, Progress, native
from app.learning.anchor_pictures import OBJECTS, Scenes, scenes
from app.learning.anchornet import Anchors, AnchorSettings, AnchorStep, learn_filters, pck, transferred
from app.learning.hypercolumns import FEATURES, Columns, hypercolumns
from app.settings import Settings, choice

ANCHOR_KEY = "convnet-anchornet"


@dataclass(frozen=True)
class _Looked(Settings):
    """What is looked at; stands above the settings of the learning in the form."""

    objects: str = choice(
        "bicycles", OBJECTS, label="Objects",
        help="Four drawings with the object and six pictures without it. Where the parts are is not told.",
    )  # fmt: skip
    shown: str = choice(
        "both", {"both": "with and without", "with": "with diversity", "without": "without diversity"}, label="Show",
        help="Both runs start from the same filters; only the weight λ differs. One alone is drawn larger.",
    )  # fmt: skip
    features: str = choice(
        "gradients", FEATURES, label="Features Φ",
        help="What a filter sees of a place. Gradients tell parts apart best here; the shipped network has learned to "
        "find one physical point again, and its layers carry less of parts.",
    )  # fmt: skip


@dataclass(frozen=True)
class AnchorState(AnchorSettings, _Looked):
    """What is learned and what of it is looked at.

    Attributes:
        step: iteration shown; -1 is the last.
        chosen: the filter looked at, from 0; -1 is all of them.
    """

    step: int = -1
    chosen: int = -1

    @property
    def work(self) -> AnchorState:
        """The state with nothing in it that leaves what is learned as it is."""
        return replace(self, step=-1, chosen=-1, shown="both")


@dataclass(frozen=True, eq=False)
class AnchorRun:
    """All that the page shows.

    Attributes:
        state: what was asked for.
        made: the pictures.
        columns: the features of each picture.
        diverse, alone: the runs with diversity and without.
        plain: PCK of the features themselves.
    """

    state: AnchorState
    made: Scenes
    columns: tuple[Columns, ...]
    diverse: Anchors
    alone: Anchors
    plain: float

    def run(self, diverse: bool) -> Anchors:
        """Return one of the two runs."""
        return self.diverse if diverse else self.alone

    def step(self, diverse: bool, step: int) -> AnchorStep:
        """Return an iterate; -1 is the last."""
        history = self.run(diverse).history
        return history[min(step, len(history) - 1)] if step >= 0 else history[-1]


def judged(made: Scenes, columns: tuple[Columns, ...], vectors: tuple[Any, Any]) -> float:
    """Return PCK at 0.1 of the named parts carried from one picture of the pair to the other, both ways together."""
    left, right = made.points[:, :2], made.points[:, 2:]
    sizes = columns[0].size, columns[1].size
    there = pck(transferred(vectors[0], vectors[1], left, sizes), right)
    back = pck(transferred(vectors[1], vectors[0], right, (sizes[1], sizes[0])), left)
    return float(np.mean([there, back]))


_described: dict[tuple[str, str], tuple[Columns, ...]] = {}  # four at most, 3 MB each; describing takes seconds


def _features(state: AnchorState, made: Scenes) -> Generator[Progress, None, tuple[Columns, ...]]:
    key = state.objects, state.features
    if key not in _described:
        found = yield from hypercolumns(made.pictures, state.features)
        _described[key] = tuple(found)
    return _described[key]


def learn_anchors(state: AnchorState) -> Job[AnchorRun]:
    """Learn the filters of a state with diversity and without.

    Raises:
        UserError: if pictures or network cannot be read.
    """
    (made,) = yield from native(partial(scenes, state.objects), progress=Progress(0, None, "Drawing the pictures"))
    columns = yield from _features(state, made)
    values = [item.values for item in columns]
    diverse = yield from learn_filters(values, made.labels, state, text="Learning with diversity")
    bare = replace(state, diversity=0.0, orthogonality=0.0)
    alone = diverse
    if bare != state:
        alone = yield from learn_filters(values, made.labels, bare, text="Learning without diversity")
    plain = judged(made, columns, (values[0], values[1]))
    return AnchorRun(state, made, columns, diverse, alone, plain)
