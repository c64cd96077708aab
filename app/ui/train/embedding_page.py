"""The page of the embedding: held-out patches where the network puts them, and what is nearest to each.

What lives here: :class:`EmbeddingPage`. What does not: projecting (``projection``), drawing (``embedding_view``). May
import: those, the page's base, facts, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.learning.projection import ready
from app.learning.train_state import Judgement
from app.records import Selection, UInt8
from app.text import shortened
from app.ui.errand import Errand
from app.ui.facts import Facts, Patch, sentence
from app.ui.numbers import percent
from app.ui.session import Message
from app.ui.train import places
from app.ui.train.embedding_view import EmbeddingView, as_pixmap, stretched
from app.ui.train.page import Headed, TrainPage
from app.ui.train.photograph import PlaceView, Shown, key_of, photograph
from app.ui.train.projection import KINDS, Projection, project

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

LANE, PHOTOGRAPHS_LANE = "learn-view", "learn-photograph"
KEPT_PHOTOGRAPHS = 6
FRESH = "Press Start (Space): held-out patches are placed here before the first step, and after every epoch."
NO_TOWER = "A joint network has no descriptor of one patch, so there is nothing to place."
MOST_WORDS = 20
POINT = "Point at a patch: blue is the same point seen again, orange the nearest patch of another point."
TIPS = {
    "pca": "The plane of most variance: exact, and at once",
    "tsne": "Keeps neighbours together; how far groups are apart means nothing. Takes some seconds",
    "umap": "Keeps neighbours together; how far groups are apart means nothing. Takes some seconds",
}


class EmbeddingPage(TrainPage):
    """The plane, and at its right the patch in hand with its neighbours."""

    key: ClassVar[str] = "embedding"
    title: ClassVar[str] = "Embedding"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self.view = EmbeddingView(look)
        self.view.message = FRESH
        self._projection = Errand(session.lane(LANE), self)
        self._asked = ("", -1, -1)
        self._held_out: object = None
        self.kinds: dict[str, QToolButton] = {}
        self.patches = [Patch(look, words) for words in ("this patch", "same point", "nearest other")]
        self.facts = Facts(look, "The patch in hand")
        self.photograph = PlaceView(look)
        self._read: dict[tuple[int, str], Shown] = {}
        self._read_of: object = None
        self._reading = Errand(session.lane(PHOTOGRAPHS_LANE), self)
        self._wanted = (-1, "")
        self._marked = np.zeros(0, np.int64)
        self.words = sentence(POINT)
        self.words.setProperty("role", "help")
        self.show_pairs = QPushButton("Hardest wrong pairs")
        self.show_pairs.setProperty("role", "link")
        self.show_pairs.setToolTip("Open the page of triplets, where pairs with this patch are marked")
        self.show_pairs.clicked.connect(lambda: self.set_state(replace(self.state, page="triplets")))
        self.part = Headed(
            "HELD-OUT PATCHES",
            self.view,
            "Two views of each point, joined by a line: short where the network has learned. Shown as it sees them, "
            "without their mean and contrast.",
        )
        self._lay_out()
        self.view.picker.pointed.connect(lambda _row: self._show_in_hand())
        self.view.picker.chosen.connect(self._choose)
        session.selection_changed.connect(self._follow)
        self._projection.finished.connect(self._projected)
        self._projection.failed.connect(self.session.message)
        self._reading.finished.connect(self._photograph_read)
        self._reading.failed.connect(self._photograph_failed)
        self.photograph.chosen.connect(lambda ring: self._choose(int(self._marked[ring])))

    def _lay_out(self) -> None:
        group = QButtonGroup(self)
        head = QHBoxLayout()
        head.setSpacing(0)
        for kind, words in KINDS.items():
            button = QToolButton()
            button.setText(words)
            button.setCheckable(True)
            button.setProperty("role", "tab")
            why_not = ready(kind)
            button.setEnabled(not why_not)
            button.setToolTip(why_not or TIPS[kind])
            button.clicked.connect(lambda _=False, kind=kind: self.set_state(replace(self.state, projection=kind)))
            group.addButton(button)
            head.addWidget(button)
            self.kinds[kind] = button
        head.addStretch(1)
        side = QVBoxLayout()
        side.setContentsMargins(8, 8, 8, 8)
        side.setSpacing(8)
        side.addLayout(head)
        pair = QHBoxLayout()
        pair.setSpacing(8)
        for patch in self.patches:
            self.keep_size(patch, high=12)
            pair.addWidget(patch)
        side.addLayout(pair)
        side.addWidget(self.facts)
        side.addWidget(self.words)
        side.addWidget(self.show_pairs)
        side.addWidget(self.photograph, 1)
        self.lay_beside(self.part, side, 34)

    # ---------------------------------------------------------------------- what is shown

    def show_training(self) -> None:
        """Project the newest judgement, unless that is what is shown."""
        state, judged = self.state, self._judged
        kind = state.projection if state.projection in KINDS and not ready(state.projection) else "pca"
        self.kinds[kind].setChecked(True)
        if judged is None:
            # A new run has no judgement yet; what is shown of the last one goes when its first comes.
            snapshot = self.trainer.snapshot
            if snapshot is not None and snapshot.judgements and not len(snapshot.judgements[-1].sample):
                self.view.message = NO_TOWER
                self.view.set_projection(None, [])
            self._show_in_hand()
            return
        wanted = (kind, judged.step, id(self.trainer.prepared))
        if wanted != self._asked:
            self._asked = wanted
            before = self.view.projection
            self._projection.start(lambda: project(kind, judged, before))
        self._show_chosen()

    @property
    def _judged(self) -> Judgement | None:
        snapshot = self.trainer.snapshot
        judged = snapshot.judgements[-1] if snapshot is not None and snapshot.judgements else None
        return judged if judged is not None and len(judged.sample) else None

    @property
    def busy(self) -> bool:
        """Whether a projection is being made, or a photograph is being read."""
        return self._projection.busy or self._reading.busy

    def picture(self) -> QWidget:
        """Return the plane."""
        return self.view

    def _projected(self, projection: Projection) -> None:
        if self.trainer.prepared is None:
            return
        held = self.trainer.prepared.held_out
        rows = projection.judged.sample
        if len(rows) and int(rows.max()) >= len(held):
            return  # of a run that is over: the next one's first judgement follows
        self.view.set_projection(projection, [as_pixmap(held.patches[row]) for row in rows.tolist()])
        share = "" if np.isnan(projection.explained) else f" · {percent(projection.explained)} of variance"
        self.part.set_value(f"{len(rows)} patches · step {projection.judged.step:,}{share}")
        self._show_chosen()

    # ----------------------------------------------------------------------- one in hand

    def _choose(self, row: int) -> None:
        projection = self.view.projection
        patch = -1 if projection is None or row < 0 else int(projection.judged.sample[row])
        if patch != self.state.patch:
            self.set_state(replace(self.state, patch=patch))
        self._show_chosen()
        if patch >= 0 and self.trainer.prepared is not None:
            place = places.selection_of(self.trainer.prepared, patch, self.session.state.pair)
            if place is not None:
                self.session.select(place)

    def _follow(self, selection: Selection | None) -> None:
        """Choose the patch that was cut where something was selected in the open pair."""
        projection, prepared = self.view.projection, self.trainer.prepared
        if projection is None or prepared is None:
            return
        row = places.row_at(prepared, projection.judged.sample, selection, self.session.state.pair)
        if row >= 0 and row != self.state.patch:
            self.set_state(replace(self.state, patch=row))
            self._show_chosen()

    def _show_chosen(self) -> None:
        projection, row = self.view.projection, -1
        if projection is not None:
            found = np.flatnonzero(projection.judged.sample == self.state.patch)
            row = int(found[0]) if len(found) else -1
        self.view.picker.select(row)
        self._show_in_hand()

    def _show_in_hand(self) -> None:
        projection, row = self.view.projection, self.view.shown
        prepared = self.trainer.prepared
        if projection is None or prepared is None or not 0 <= row < len(projection.xy):
            for patch in self.patches:
                patch.set_patch(None)
            self.facts.set_rows([])
            self.words.setText(POINT)
            self.show_pairs.setVisible(False)
            self._show_photograph(-1)
            return
        held = prepared.held_out
        rows = (row, int(projection.partner[row]), projection.nearest_other(row))
        for widget, index in zip(self.patches, rows, strict=True):
            widget.set_patch(None if index < 0 else as_rgb(held.patches[projection.judged.sample[index]]))
        gap = projection.distance[row]
        own = int(projection.judged.sample[row])
        name = held.scenes[held.scene[own]] if held.scenes else held.name
        facts = [("from", shortened(name, MOST_WORDS))]
        if np.isfinite(held.place[own]).all():
            facts.append(("at", f"({held.place[own][0]:.0f}, {held.place[own][1]:.0f}) px"))
        right = float(gap[rows[1]]) if rows[1] >= 0 else float("nan")
        wrong = float(gap[rows[2]]) if rows[2] >= 0 else float("nan")
        facts += [("same point", f"{right:.3f}"), ("nearest other", f"{wrong:.3f}")]
        self.facts.set_rows(facts)
        self.words.setText(
            "Its own point is nearest: matching finds it."
            if right < wrong
            else "Another point is nearer than its own: matching goes wrong here."
        )
        self.show_pairs.setVisible(bool((projection.judged.hardest == own).any()))
        self._show_photograph(row)

    # -------------------------------------------------------------------- its photograph

    def _show_photograph(self, row: int) -> None:
        """Show the photograph of a row of the sample with all places of the sample in it, reading it if need be."""
        projection, prepared = self.view.projection, self.trainer.prepared
        key = None
        if projection is not None and prepared is not None and row >= 0:
            key = key_of(prepared, int(projection.judged.sample[row]))
        if key is None or prepared is None or projection is None:
            self.photograph.set_photograph(None)
            self.photograph.set_places(np.zeros((0, 2)), -1)
            return
        if self._read_of is not prepared:
            self._read_of, self._wanted = prepared, (-1, "")
            self._read.clear()
        rows = projection.judged.sample
        self._marked = np.array([i for i, own in enumerate(rows.tolist()) if key_of(prepared, own) == key], np.int64)
        self.photograph.set_places(
            prepared.held_out.place[rows[self._marked]].astype(np.float64), int(np.flatnonzero(self._marked == row)[0])
        )
        self.photograph.set_photograph(self._read.get(key), "Reading the photograph …")
        if key not in self._read and self._wanted != key:
            self._wanted = key
            self._reading.start(lambda: photograph(prepared, key))

    def _photograph_read(self, read: Shown) -> None:
        if self._read_of is not self.trainer.prepared:
            return
        self._wanted = (-1, "")
        while len(self._read) >= KEPT_PHOTOGRAPHS:
            self._read.pop(next(iter(self._read)))
        self._read[read.key] = read
        self._show_photograph(self.view.shown)

    def _photograph_failed(self, message: Message) -> None:
        self.photograph.set_photograph(None, message.text)  # asked for again when another patch is pointed at


def as_rgb(patch: UInt8) -> UInt8:
    """Return a grey (S, S) patch as (S, S, 3)."""
    return np.asarray(cv2.cvtColor(stretched(patch), cv2.COLOR_GRAY2RGB), np.uint8)
