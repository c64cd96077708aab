"""The page of margins: one fixed m against classes of unequal spread, measured after every epoch.

What lives here: :class:`MarginPage` and its words. What does not: measuring (``spread_jobs``), drawing
(``spread_view``). May import: those, learning's lists, facts, the page's base, Qt.
"""

from __future__ import annotations

import html
import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSlider, QVBoxLayout, QWidget

from app.learning.losses import PLANS, LossPlan
from app.learning.margins import has_margin, room, thirds
from app.learning.train_settings import FARTHEST, TrainSettings, margin_of, plan_of
from app.text import minus
from app.ui.errand import Errand
from app.ui.facts import Facts, Patch, sentence
from app.ui.numbers import percent
from app.ui.panel import heading
from app.ui.session import Message
from app.ui.train.embedding_page import as_rgb
from app.ui.train.page import Headed, TrainPage
from app.ui.train.spread_jobs import Measured, measured
from app.ui.train.spread_view import MARKS, SpreadView
from app.ui.train.state import FIRST_SETTINGS, SETTINGS_KEY

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

LANE = "learn-spread"
STEPS_OF_ONE = 100  # of the slider
FRESH = "Press Start (Space): the classes are measured here after every epoch."
NO_TOWER = "This design decides without descriptors of one patch, so classes have no spread."
NO_CLASSES = "No class has two patches here."
LESSON = (
    "The loss of a class is 0 beyond the solid line: one m for all. What a class needs goes with its spread: beyond "
    "the dashed line the others are farther off than it is wide. Where the lines cross, m suits; left of it tight "
    "classes are pushed though clear, right of it wide ones rest too early."
)
TRY = (
    "Try: raise m until the wide classes are no longer ▼, and count the tight ones that turn ▲. The ten digits of "
    "scikit-learn are of very unequal spread."
)


def formula(plan: LossPlan) -> str:
    """Return when the loss of a triplet or a pair is 0."""
    if plan.kind == "pairs":
        return "loss of others 0 ⇔ d(a, n) ≥ m"
    return "loss 0 ⇔ d²(a, n) ≥ d²(a, p) + m" if plan.squared else "loss 0 ⇔ d(a, n) ≥ d(a, p) + m"


class MarginPage(TrainPage):
    """The classes with the margin's line, a slider that tries another m, and the class in hand."""

    key: ClassVar[str] = "margin"
    title: ClassVar[str] = "Margin"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self._measuring = Errand(session.lane(LANE), self)
        self._asked: tuple[object, ...] = ()
        self.measured: Measured | None = None
        self.view = SpreadView(look)
        self.part = Headed(
            "CLASSES AND THE MARGIN",
            self.view,
            f"Every mark is a class: farther right it is wider, higher up the others are farther off. {LESSON}",
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Margin to try")
        self.slider.setPageStep(10)
        self.number = QLabel("")
        self.reset = self._link("As in training", "Show the margin that the network is trained with")
        self.use = self._link("Train with it", "Make this the margin of the next training")
        self.legend = QLabel("")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setAccessibleName("Legend")
        self.thirds = Facts(look, "Tight, middle and wide classes")
        self.patches = [Patch(look, words) for words in ("of this class", "of it, farthest", "nearest other")]
        self.facts = Facts(look, "The class in hand")
        self._lay_out()
        self.slider.valueChanged.connect(self._slid)
        self.slider.sliderPressed.connect(lambda: session.hold_undo(True))
        self.slider.sliderReleased.connect(lambda: session.hold_undo(False))
        self.reset.clicked.connect(lambda: self._set_margin(0.0))
        self.use.clicked.connect(self._train_with)
        self.view.picker.pointed.connect(lambda _row: self._show_in_hand())
        self.view.picker.chosen.connect(self._choose)
        self._measuring.finished.connect(self._finished)
        self._measuring.failed.connect(self.session.message)
        look.changed.connect(lambda _look: self._show_legend())
        self.show_training()

    def _link(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("role", "link")
        button.setToolTip(tip)
        return button

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setContentsMargins(8, 0, 8, 0)
        line.setSpacing(8)
        for widget in (self.number, self.reset, self.use):
            line.addWidget(widget)
        line.insertWidget(1, self.slider, 1)
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.part, 1)
        left.addLayout(line)
        side = QVBoxLayout()
        side.setContentsMargins(8, 8, 8, 8)
        side.setSpacing(6)
        self.formula = sentence("")
        self.lesson = sentence(LESSON)
        self.lesson.setProperty("role", "help")
        self.hint = sentence(TRY)
        self.hint.setProperty("role", "help")
        self.in_hand = heading("THE CLASS IN HAND")
        head = heading("MARGIN MET, LARGEST m MET")
        for above in (self.formula, self.legend, head, self.thirds, self.in_hand):
            side.addWidget(above)
        pair = QHBoxLayout()
        pair.setSpacing(8)
        for patch in self.patches:
            self.keep_size(patch, high=10.5)
            pair.addWidget(patch)
        side.addLayout(pair)
        for below in (self.facts, self.lesson, self.hint):
            side.addWidget(below)
        side.addStretch(1)
        column = QWidget()
        column.setLayout(side)
        area = QScrollArea()
        area.setObjectName("bare")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(column)
        for bare in (area.viewport(), column):
            bare.setAutoFillBackground(False)  # no frame inside the page
        self.keep_size(area, wide=36)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(8, 0, 8, 8)
        outer.setSpacing(8)
        outer.addLayout(left, 1)
        outer.addWidget(area)

    # ---------------------------------------------------------------------- what is shown

    @property
    def plan(self) -> LossPlan:
        """The loss of the training, before one the usual loss."""
        return PLANS["hardnet"] if self.trainer.run is None else plan_of(self.trainer.run)

    @property
    def margin(self) -> float:
        """The margin that is tried, else the one in training."""
        run = self.trainer.run
        trained = self.plan.margin if run is None else margin_of(run)
        return min(self.state.margin, self._most) if self.state.margin else trained

    @property
    def _most(self) -> float:
        squared = self.plan.squared and self.plan.kind == "triplets"
        return FARTHEST**2 if squared else FARTHEST

    def show_training(self) -> None:
        """Measure the newest epoch, unless that is what is shown, and show what the margin makes of it."""
        files, prepared = self.trainer.epoch_files, self.trainer.prepared
        if self.trainer.run is not None and files and prepared is not None and has_margin(self.plan):
            newest = len(files)
            wanted = (self.trainer.run, prepared, newest)
            if wanted != self._asked:
                self._asked = wanted
                self._measuring.start(lambda: measured(files[-1], newest, prepared))
        elif self.measured is not None and not files and self.trainer.phase == "training":
            self.measured = None  # of the run before
        self._show()

    def _show(self) -> None:
        found = None if self.measured is None or self._why_not() else self.measured.found
        self.view.set_spreads(
            found, self.plan, self.margin, self._why_not() or (FRESH if found is None else NO_CLASSES)
        )
        with QSignalBlocker(self.slider):
            self.slider.setRange(1, round(self._most * STEPS_OF_ONE))
            self.slider.setValue(max(1, round(self.margin * STEPS_OF_ONE)))
        ready = found is not None and len(found) > 0
        for widget in (self.slider, self.use, self.reset):
            widget.setEnabled(ready)
        self.slider.setToolTip("Try another margin on the embedding as it is" if ready else self._why_not() or FRESH)
        trying = self.state.margin > 0
        self.reset.setVisible(trying)
        self.use.setVisible(trying)
        self.number.setText(f"m = {self.margin:.2f}" + ("" if trying else ", in training"))
        self.formula.setText(formula(self.plan) if has_margin(self.plan) else "")
        self._show_legend()
        self._show_thirds()
        self.view.picker.select(self._chosen)
        self._show_in_hand()

    def _why_not(self) -> str:
        if self.trainer.run is None:
            return ""
        if plan_of(self.trainer.run).kind == "decision":
            return NO_TOWER
        if not has_margin(self.plan):
            return f"The loss “{self.plan.title}” has no margin: train with a triplet or a contrastive loss."
        return ""

    def _show_legend(self) -> None:
        cells = "".join(
            f'<tr><td style="color:{self.look.colour(token).name()}; padding-right:6px">{sign}</td>'
            f'<td align="right" style="padding-right:8px">{count}</td><td>{html.escape(words)}</td></tr>'
            for (sign, token, words), count in zip(MARKS, self.view.counts(), strict=True)
        )
        text = f'<table cellspacing="0" cellpadding="1">{cells}</table>'
        if text != self.legend.text():
            self.legend.setText(text)
            self.legend.setFont(self.look.font(0.85))

    def _show_thirds(self) -> None:
        found = self.view.found
        if found is None or not len(found):
            _set(self.thirds, [("classes", "not measured yet")])
            return
        _set(
            self.thirds,
            [
                (f"{name} third", "–" if math.isnan(share) else minus(f"{percent(share)} · {most:.2f}"))
                for name, share, most in thirds(found, self.plan, self.margin)
            ],
        )

    @property
    def busy(self) -> bool:
        """Whether an epoch is being measured."""
        return self._measuring.busy

    def picture(self) -> QWidget:
        """Return the plane of classes."""
        return self.view

    def _finished(self, found: Measured) -> None:
        if found.prepared is not self.trainer.prepared:
            return
        self.measured = found
        count = len(self.measured.found)
        which = f"{count} held out" if self.measured.held_out else f"all {count} classes"
        self.part.set_value(f"{which} · epoch {self.measured.epoch}")
        self._show()

    # ------------------------------------------------------------------- margin and class

    def _slid(self, value: int) -> None:
        self._set_margin(value / STEPS_OF_ONE)

    def _set_margin(self, margin: float) -> None:
        self.set_state(replace(self.state, margin=margin))
        self._show()

    def _train_with(self) -> None:
        """Make the margin that of the next training of this loss."""
        run = self.trainer.run
        if run is None:
            return
        margin = self.margin
        chosen: TrainSettings = self.session.workspace_state(SETTINGS_KEY, FIRST_SETTINGS)
        chosen = replace(chosen, margin=margin, loss=run.loss, miner=run.miner, design=run.design)
        self.session.set_workspace_state(SETTINGS_KEY, chosen)
        self.session.message.emit(Message(f"The next training has the margin {margin:g}: Start trains with it."))

    @property
    def _chosen(self) -> int:
        """Row of the class in hand: of held-out ones that of the patch chosen in the embedding."""
        if self.measured is None:
            return -1
        label, patch, held = self.state.group, self.state.patch, self.measured.prepared.held_out
        if self.measured.held_out and 0 <= patch < len(held):
            label = int(held.point[patch])
        rows = np.flatnonzero(self.measured.found.label == label)
        return int(rows[0]) if len(rows) else -1

    def _choose(self, row: int) -> None:
        state = replace(self.state, group=-1, patch=-1)
        if self.measured is not None and row >= 0:
            label = int(self.measured.found.label[row])
            patch = self.measured.rows[self.measured.found.widest[row][0]] if self.measured.held_out else -1
            state = replace(state, group=label, patch=int(patch))
        if state != self.state:
            self.set_state(state)
        self.view.picker.select(self._chosen)
        self._show_in_hand()

    def _show_in_hand(self) -> None:
        row = self.view.shown
        if self.measured is None or row < 0:
            for patch in self.patches:
                patch.set_patch(None)
            _set(self.facts, [("class", "point at a mark")])
            return
        measured, found = self.measured, self.measured.found
        held = measured.patches
        rows = (found.widest[row][0], found.widest[row][1], found.closest[row][1])
        for widget, index in zip(self.patches, rows, strict=True):
            widget.set_patch(None if index < 0 else as_rgb(held.patches[measured.rows[index]]))
        scene = held.scenes[held.scene[measured.rows[rows[0]]]] if held.scenes else held.name
        most = float(room(found.spread[row], found.nearest[row], self.plan))
        _set(
            self.facts,
            [
                ("from", scene if len(scene) <= 20 else f"{scene[:19]}…"),
                ("patches", f"{found.count[row]}"),
                ("spread", f"{found.spread[row]:.3f}"),
                ("from its mean", f"{found.radius[row]:.3f}"),
                ("nearest other", f"{found.nearest[row]:.3f}"),
                ("largest m met", f"{most:.3f}" if most > 0 else "none"),
            ],
        )


def _set(facts: Facts, rows: list[tuple[str, str]]) -> None:
    """Show rows, unless they are shown: laying text out takes longer than comparing it."""
    if tuple(rows) != facts.rows:
        facts.set_rows(rows)
