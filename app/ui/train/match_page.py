"""The page of matching: the open pair matched by the network of any epoch, beside SIFT.

What lives here: :class:`MatchPage`. What does not: the matching (``match_jobs``), the canvas (``pair_view``). May
import: those, the colour rules, the page's base, Qt.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.pipeline import Cache
from app.records import MatchResult, Selection
from app.ui import colour_rules
from app.ui.errand import Errand
from app.ui.match_values import values_of
from app.ui.overlays import Legend, Mark
from app.ui.pair_view import PairView
from app.ui.session import Message
from app.ui.train.match_jobs import Compared, compare, words
from app.ui.train.page import Headed, TrainPage

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

LANE = "learn-match"
CACHE_BYTES = 192 * 2**20
FOLLOW_MS = 60  # between a move of the slider and the matching
SHARE = 0.5  # of the lines' colour, so that the picture shows through
MOVES = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
MARKS = {"disc": "●", "ring": "○", "cross": "✕"}
DASHES = {"solid": "━━", "dash": "╍╍", "dot": "┅┅"}
NO_EPOCH = "The network of the first epoch matches the open pair here: press Start (Space)."
NO_PAIR = "Open two pictures: the network of every epoch then matches them here."


class _EpochSlider(QSlider):
    """A slider that keeps the keys which move it: the arrows else go to the neighbouring pairs."""

    def event(self, event: QEvent) -> bool:
        """Claim those keys before a shortcut gets them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in MOVES:
            event.accept()
            return True
        return super().event(event)


class MatchPage(TrainPage):
    """A slider over the epochs, and two small canvases."""

    key: ClassVar[str] = "match"
    title: ClassVar[str] = "Match"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self._cache = Cache(CACHE_BYTES)
        self._matching = Errand(session.lane(LANE), self)
        self._asked: tuple[object, ...] = ()
        self.compared: Compared | None = None
        self.slider = _EpochSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("Match the open pair with the network as it was after this epoch")
        self.slider.setAccessibleName("Epoch")
        self.slider.setToolTip("The epoch whose network matches the pair: ← → one on, Home and End the first and last")
        self.slider.setPageStep(1)
        self.epoch = QLabel("")
        self.newest = QCheckBox("Follow the newest")
        self.newest.setToolTip("Match with every epoch as soon as it is there")
        self.views = (PairView(look.tokens), PairView(look.tokens))
        self.parts = (Headed("NETWORK", self.views[0]), Headed("SIFT", self.views[1]))
        for view, name in zip(self.views, ("Matches of the network", "Matches of SIFT"), strict=True):
            view.setAccessibleName(name)
            view.setMinimumSize(160, 80)
        self.legend = QLabel("")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.legend.setAccessibleName("Legend")
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(FOLLOW_MS)
        self._wait.timeout.connect(self._match)
        self._lay_out()
        self.slider.valueChanged.connect(self._slid)
        self.newest.clicked.connect(self._follow)
        self._matching.finished.connect(self._finished)
        self._matching.failed.connect(self._failed)
        session.selection_changed.connect(lambda _selection: self._show_marks())
        self.views[0].line_clicked.connect(lambda line: self._select(line, network=True))
        self.views[1].line_clicked.connect(lambda line: self._select(line, network=False))
        look.changed.connect(self._show_look)
        self._show_look(look)
        self._show_nothing(NO_EPOCH)

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setContentsMargins(8, 8, 8, 0)
        line.setSpacing(12)
        line.addWidget(QLabel("Match the open pair with epoch"))
        line.addWidget(self.slider, 1)
        line.addWidget(self.epoch)
        line.addWidget(self.newest)
        both = QHBoxLayout()
        for part in self.parts:
            both.addWidget(part, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 8)
        column.setSpacing(4)
        column.addLayout(line)
        column.addLayout(both, 1)
        column.addWidget(self.legend)

    # ------------------------------------------------------------------------- choosing

    @property
    def files(self) -> tuple[Path, ...]:
        """The networks of the epochs."""
        return self.trainer.epoch_files

    @property
    def chosen(self) -> int:
        """The epoch to match with, from 1; 0 if there is none yet."""
        count = len(self.files)
        return count if not self.state.epoch else min(self.state.epoch, count)

    def _slid(self, value: int) -> None:
        self.set_state(replace(self.state, epoch=value))
        self.show_training()

    def _follow(self, on: bool) -> None:
        self.set_state(replace(self.state, epoch=0 if on else self.chosen))
        self.show_training()

    def show_training(self) -> None:
        """Offer the epochs there are, and match with the chosen one unless that is what is shown."""
        count = len(self.files)
        with QSignalBlocker(self.slider), QSignalBlocker(self.newest):
            self.slider.setRange(1, max(1, count))
            self.slider.setValue(max(1, self.chosen))
            self.newest.setChecked(self.state.epoch == 0)
        self.slider.setEnabled(count > 1)
        self.slider.setToolTip("" if count > 1 else "There are not two epochs yet")
        self.epoch.setText(f"{self.chosen} of {count}" if count else "none yet")
        ref = self.session.state.pair
        if ref is None or not count:
            self._show_nothing(NO_PAIR if ref is None else NO_EPOCH)
            return
        wanted = (ref, self.files[self.chosen - 1], id(self.trainer.run), self.session.settings.evaluate)
        if wanted != self._asked:
            self._asked = wanted
            self._wait.start()

    def _match(self) -> None:
        ref, epoch = self.session.state.pair, self.chosen
        if ref is None or not epoch:
            return
        file, like, cache = self.files[epoch - 1], self.session.settings, self._cache
        prepared = self.trainer.prepared
        span = "6" if prepared is not None and prepared.span == 6.0 else "3"
        for view in self.views:
            view.set_dimmed(self.compared is not None and self.compared.network.request.ref != ref)
        self._matching.start(lambda: compare(ref, file, epoch, like, span, cache))

    @property
    def busy(self) -> bool:
        """Whether the pair is being matched."""
        return self._wait.isActive() or self._matching.busy

    def deactivate(self) -> None:
        """Match nothing that is not seen."""
        self._wait.stop()
        self._matching.cancel()
        self._asked = ()

    def picture(self) -> QWidget:
        """Return the network's canvas."""
        return self

    # -------------------------------------------------------------------------- showing

    def _finished(self, compared: Compared) -> None:
        self.compared = compared
        self._show_compared()

    def _failed(self, message: Message) -> None:
        self._show_nothing(message.text)
        self.session.message.emit(message)

    def _select(self, line: int | None, *, network: bool) -> None:
        """Select the match whose line was clicked, as under Match."""
        if self.compared is None or line is None:
            self.session.select(None)
            return
        values = values_of(self.compared.network if network else self.compared.sift)
        left, right = ((float(x), float(y)) for x, y in (values.left_xy[line], values.right_xy[line]))
        self.session.select(Selection("left", *left, right))

    def _show_marks(self) -> None:
        """Mark the selected place and its partner in both canvases."""
        chosen, marks = self.session.state.selection, []
        if chosen is not None:
            marks.append(Mark(chosen.side, chosen.x, chosen.y))
            if chosen.partner is not None:
                marks.append(Mark("right" if chosen.side == "left" else "left", *chosen.partner))
        for view in self.views:
            view.set_marks(tuple(marks))

    def _show_look(self, look: Style) -> None:
        for view in self.views:
            view.set_tokens(look.tokens, font_scale=look.scale, line_scale=look.line_scale)
        self._show_compared()

    def _show_nothing(self, text: str) -> None:
        self.compared, self._asked = None, ()
        for view, part in zip(self.views, self.parts, strict=True):
            view.set_images(None, None)
            view.set_message(text)
            part.set_value("")

    def _show_compared(self) -> None:
        found = self.compared
        if found is None:
            return
        self.parts[0].head.setText(f"EPOCH {found.epoch}")
        for view, part, result in zip(self.views, self.parts, (found.network, found.sift), strict=True):
            legend = self._show_result(view, result)
            self.legend.setText(legend_words(legend))
            part.set_value(words(result))
            count = 0 if result.matches is None else len(result.matches)
            part.value.setToolTip(f"{count:,} matches: {words(result)} precision" if legend.rows else "")
        self._show_marks()

    def _show_result(self, view: PairView, result: MatchResult) -> Legend:
        pair = result.pair
        view.set_message("")
        view.set_images(None if pair is None else pair.left, None if pair is None else pair.right)
        view.set_dimmed(False)
        values = values_of(result)
        threshold = math.nan if result.evaluation is None else result.evaluation.threshold_px
        rule = colour_rules.usable_rule(values, "verdict")
        colouring = colour_rules.colour(values, rule, self.look.tokens.colours(), threshold)
        shown = colour_rules.shown_rows(values, colouring)
        view.set_lines(colour_rules.faded(colour_rules.lines_of(values, colouring, shown), SHARE))
        return colour_rules.legend_of(colouring, shown)


def legend_words(legend: Legend) -> str:
    """Return a legend without its counts as one line of rich text."""
    rows = (
        f'<span style="color:{row.colour}">{MARKS.get(row.mark, "")}{DASHES.get(row.dash, "")}</span> {row.text}'
        for row in legend.rows
    )
    return f"{legend.title}:&nbsp; " + "&nbsp;&nbsp; ".join(rows)
