"""The page of triplets: what the miner took from the last batch, and the wrong pairs the network finds most alike.

What lives here: :class:`TripletsPage` and the words on a gap. What does not: mining (``app.learning.mining``). May
import: learning's records, the page's parts, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.learning.mining import MINERS
from app.learning.train_state import Judgement, MinedTriplets, TrainSnapshot
from app.text import minus
from app.ui.chart import Chart, Drawing
from app.ui.numbers import percent
from app.ui.train import drawings
from app.ui.train.page import Headed, TrainPage
from app.ui.train.patch_rows import Group, PatchRows

if TYPE_CHECKING:
    from app.learning.patch_set import PatchSet
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.sources import Prepared
    from app.ui.train.trainer import Trainer

FRESH = "Press Start (Space): the triplets of every batch appear here."
NO_PAIRS = "Comes with the first judgement."
# A batch passes in a fraction of a second; patches that change faster than this cannot be looked at.
HOLD_SECONDS = 1.5
SHORT_NAME = 8  # letters of a scene's name that stand beside a pair
KINDS = {"hard": "wrong", "semi-hard": "accent", "easy": "undecided"}


def kind_of(gap: float, margin: float) -> str:
    """Return what a triplet of this Δ = d(a,n) - d(a,p) is: hard at 0 or less, easy at the margin or more."""
    return "hard" if gap <= 0 else "semi-hard" if gap < margin else "easy"


def shares(mined: MinedTriplets, margin: float) -> dict[str, float]:
    """Return the shares of the batch's elements that are hard, semi-hard and easy; NaN of nothing."""
    gaps = mined.all_gaps
    hard, easy = float((gaps <= 0).mean()), float((gaps >= max(margin, 1e-12)).mean())
    return {"hard": hard, "semi-hard": 1 - hard - easy, "easy": easy}


def mined_groups(mined: MinedTriplets, margin: float) -> list[Group]:
    """Return the shown triplets, the hardest first."""
    frames = (("right", "solid"), ("right", "solid"), ("wrong", "dash"))
    found = []
    for row in np.argsort(mined.gap).tolist():
        gap = float(mined.gap[row])
        kind = kind_of(gap, margin)
        lines = (minus(f"Δ {gap:+.3f}"), f"m − Δ {margin - gap:.3f}" if gap < margin else "no loss")
        found.append(Group(tuple(mined.patches[row]), frames, kind, KINDS[kind], lines))
    return found


def hardest_groups(judged: Judgement, prepared: Prepared, chosen: int) -> list[Group]:
    """Return the wrong pairs of the held-out points that are nearest to each other, with the patch in hand marked."""
    held = prepared.held_out
    frames = (("wrong", "dash"), ("wrong", "dash"))
    found = []
    for (a, b), gap in zip(judged.hardest.tolist(), judged.hardest_distance.tolist(), strict=True):
        if max(a, b) >= len(held):
            return []  # of a run that is over
        lines = (scene_words(held, a, b),)
        marked = chosen >= 0 and chosen in (a, b)
        found.append(Group((held.patches[a], held.patches[b]), frames, f"d {gap:.3f}", "text", lines, marked))
    return found


def scene_words(held: PatchSet, a: int, b: int) -> str:
    """Return what two patches are of: their scenes by name where that is short (digits, folders)."""
    if held.scene[a] == held.scene[b]:
        return "same scene"
    names = [held.scenes[held.scene[row]] if held.scene[row] < len(held.scenes) else "" for row in (a, b)]
    return " and ".join(names) if all(0 < len(name) <= SHORT_NAME for name in names) else "two scenes"


class TripletsPage(TrainPage):
    """The axis of Δ, the mined triplets, and the gallery of the hardest negatives."""

    key: ClassVar[str] = "triplets"
    title: ClassVar[str] = "Triplets"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self.axis = Chart(look, "Triplets of the batch on the axis of Δ")
        self.axis.set_drawing(Drawing(empty=FRESH))
        self.mined, self.hardest = PatchRows(look, "Mined triplets"), PatchRows(look, "Hardest negatives")
        self.axis_part = Headed(
            "Δ OF THE BATCH",
            self.axis,
            "How much farther the wrong partner is than the right one: hard below 0, semi-hard below the margin m, "
            "easy beyond it. Only what is below the margin teaches.",
        )
        self.mined_part = Headed(
            "MINED TRIPLETS", self.mined, "Anchor, positive and negative as the network saw them, the hardest first."
        )
        self.hardest_part = Headed(
            "HARDEST NEGATIVES",
            self.hardest,
            "Held-out patches of two different points that the network takes for the most alike. Click one to find it "
            "in the embedding.",
        )
        grid = QGridLayout()
        grid.addWidget(self.axis_part, 0, 0)
        grid.addWidget(self.mined_part, 1, 0)
        grid.addWidget(self.hardest_part, 0, 1, 2, 1)
        grid.setColumnStretch(0, 6)
        grid.setColumnStretch(1, 5)
        grid.setRowStretch(0, 2)
        grid.setRowStretch(1, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 8)
        column.addLayout(grid)
        self._shown_at = -1e9
        self._shown: tuple[object, ...] = ()
        self.hardest.chosen.connect(self._choose)
        self.hardest.set_groups((), NO_PAIRS)
        self.mined.set_groups((), FRESH)

    def show_training(self) -> None:
        """Show the newest triplets, if the last ones could be looked at, and the newest wrong pairs."""
        snapshot = self.trainer.snapshot
        if snapshot is None:
            return
        self._show_mined(snapshot)
        judged = snapshot.judgements[-1] if snapshot.judgements else None
        wanted = (None if judged is None else judged.step, id(self.trainer.prepared), self.state.patch)
        if wanted != self._shown and judged is not None and self.trainer.prepared is not None:
            self._shown = wanted
            groups = hardest_groups(judged, self.trainer.prepared, self.state.patch)
            self.hardest.set_groups(groups, "This design has no descriptors to compare." if not groups else "")
            self.hardest_part.set_value(f"after step {judged.step:,}")

    def _show_mined(self, snapshot: TrainSnapshot) -> None:
        mined, margin = snapshot.mined, snapshot.margin
        held = self.trainer.phase != "training"
        if not held and 0 <= snapshot.seconds - self._shown_at < HOLD_SECONDS:
            return
        self._shown_at = snapshot.seconds
        self.axis.set_drawing(drawings.gaps(mined, margin))
        if mined is None:
            self.mined.set_groups((), drawings.NO_TRIPLETS if snapshot.step else FRESH)
            self.axis_part.set_value("")
            return
        self.mined.set_groups(mined_groups(mined, margin), "")
        parts = shares(mined, margin)
        self.axis_part.set_value(
            " · ".join(f"{name.removesuffix('-hard')} {percent(share)}" for name, share in parts.items())
        )
        run, curves = self.trainer.run, snapshot.curves
        if run is not None and len(curves.elements):
            used, possible = int(curves.elements[-1]), int(curves.possible[-1])
            self.mined_part.set_value(f"{used:,} of {possible:,} possible")
            self.mined_part.value.setToolTip(f"Chosen by: {MINERS[run.miner]}")

    def _choose(self, index: int) -> None:
        snapshot = self.trainer.snapshot
        judged = snapshot.judgements[-1] if snapshot is not None and snapshot.judgements else None
        if judged is not None and 0 <= index < len(judged.hardest):
            first, second = judged.hardest[index].tolist()
            patch = second if self.state.patch == first else first
            self.set_state(replace(self.state, patch=int(patch)))

    def picture(self) -> QWidget:
        """Return the page: all of it is copied."""
        return self
