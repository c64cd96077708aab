"""The AnchorNet page: filters learned with diversity and without, as colours over the pictures, replayed by iteration.

What lives here: :class:`AnchorNetPage`. What does not: learning (``app.learning.anchornet``), the job and its state
(``anchor_state``), painting (``anchor_view``). May import: those, the charts, the form, the scrubber, the session, Qt.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.jobs import Progress
from app.learning.anchornet import AnchorStep
from app.text import minus, significant
from app.ui.bare_keys import bare_action
from app.ui.chart import Chart, Curve, Drawing, Place
from app.ui.convnet.anchor_frame import Frame, frame_of
from app.ui.convnet.anchor_state import ANCHOR_KEY, AnchorRun, AnchorState, learn_anchors
from app.ui.convnet.anchor_view import AnchorView, FilterStrip
from app.ui.convnet.anchor_words import words_of
from app.ui.convnet.page import ConvNetPage
from app.ui.errand import Errand
from app.ui.explanation import Words
from app.ui.form import Form, build
from app.ui.numbers import percent
from app.ui.scrubber import Scrubber
from app.ui.session import Message, Session
from app.ui.style import Style

ROWS = {"both": (True, False), "with": (True,), "without": (False,)}


class AnchorNetPage(ConvNetPage):
    """The pictures and the single maps at the left, the losses at the right, the scrubber below."""

    key = "anchornet"
    title = "AnchorNet"
    section = "FILTERS"
    side = 300
    share = 0.32

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.state = AnchorState()
        self.run: AnchorRun | None = None
        self.frame: Frame | None = None
        self.fault = ""
        self._asked: AnchorState | None = None
        self._told = ""
        self._pointed = -1
        self.form: Form = build(self.state)
        self.view = AnchorView(look)
        self.strip = FilterStrip(look)
        self.diversity = Chart(look, "Diversity loss by iteration")
        self.discriminability = Chart(look, "Discriminability loss by iteration")
        self.scrubber = Scrubber(look)
        self.stop = self._button("Stop", "", self._stop_or_learn)
        self._play = bare_action(self.strip, "&Play or stop the iterations", "Space", self.scrubber.toggle)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        row = self._beside(self.view, (self.diversity, 1), (self.discriminability, 1))
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 16, 0)
        bar.addWidget(self.scrubber, 1)
        bar.addWidget(self.stop)
        self._stack(self, row, self.strip, bar)
        self.setFocusProxy(self.strip)

    def _connect(self) -> None:
        self.session.state_changed.connect(lambda _state: self._take())
        self.form.changed.connect(self._formed)
        for part in (self.view, self.strip):
            part.chosen.connect(lambda index: self._set(chosen=-1 if index == self.state.chosen else int(index)))
            part.pointed.connect(self._point)
        self.scrubber.moved.connect(self._scrubbed)
        self.scrubber.held.connect(self.session.hold_undo)
        self._learning = Errand(self.session.lane("anchornet"), self)
        self._learning.progressed.connect(self._on_progress)
        self._learning.finished.connect(self._on_finished)
        self._learning.failed.connect(self._on_failed)
        self._learning.cancelled.connect(self._on_cancelled)
        self._drawing_up = Errand(self.session.lane("anchornet-frame"), self)
        self._drawing_up.finished.connect(self._on_frame)
        self._drawing_up.failed.connect(self._on_failed)

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether filters are learned or played."""
        return self._learning.busy or self._drawing_up.busy or self.scrubber.playing

    @property
    def words(self) -> Words:
        """What the page shows, in words: with the form of L_Discr that is chosen."""
        return words_of(self.state.form)

    def actions(self) -> list[QAction]:
        """Return the key that plays."""
        return [self._play]

    def picture(self) -> QWidget:
        """Return the pictures with their colours."""
        return self.view

    def deactivate(self) -> None:
        """Stop playing and learning: nobody looks."""
        self.scrubber.stop()
        self._learning.cancel()

    def _set(self, **values: object) -> None:
        self.session.set_workspace_state(ANCHOR_KEY, replace(self.state, **values))  # type: ignore[arg-type]

    def _formed(self, state: AnchorState) -> None:
        same = state.work == self.state.work
        step = self.state.step if same else -1
        chosen = self.state.chosen if self.state.chosen < state.filters else -1
        self._set(**{**vars(state), "step": step, "chosen": chosen})

    def _scrubbed(self, step: int) -> None:
        last = 0 if self.run is None else len(self.run.diverse.history) - 1
        self._set(step=-1 if step >= last else int(step))

    def _point(self, index: int) -> None:
        if index != self._pointed:
            self._pointed = index
            self._show_maps()

    def refresh(self) -> None:
        """Show the page's state; the pair of the session plays no part in it."""
        self._take(force=True)

    def _take(self, *, force: bool = False) -> None:
        """Show the session's state; learn anew if more changed than what is looked at."""
        state: AnchorState = self.session.workspace_state(ANCHOR_KEY, AnchorState())
        if (state == self.state and not force) or not (force or self.isVisible()):
            return
        told, self.state = state.form != self.state.form, state
        if self.form.settings != state:
            self.form.set_values(state)
        if state.work != self._asked:
            self._asked, self.fault, self._told = state.work, "", "Learning …"
            work = state.work
            self._learning.start(lambda: learn_anchors(work))
        if told:
            self.words_changed.emit()
        self._show()

    # ----------------------------------------------------------------------- lane

    def _stop_or_learn(self) -> None:
        if self._learning.busy:
            self._learning.cancel()
        else:
            self._take(force=True)

    def _show_stop(self) -> None:
        """Offer to stop what is learned, or to learn what was stopped."""
        busy, stopped = self._learning.busy, self._asked is None
        self.stop.setText("Learn" if stopped and not busy else "Stop")
        self.stop.setEnabled(busy or stopped)
        tip = "Stop learning; the filters last learned stay" if busy else "Learn with these settings"
        self.stop.setToolTip(tip if busy or stopped else "Nothing is being learned: what is shown is finished")

    def _on_progress(self, progress: Progress) -> None:
        share = f", {percent(progress.done / progress.total)}" if progress.total else ""
        self._told = f"{progress.text}{share} …"
        self._show_facts()

    def _on_finished(self, run: AnchorRun) -> None:
        self.run, self._told = run, ""
        self._show()

    def _on_frame(self, frame: Frame) -> None:
        self.frame = frame
        self._show_maps()
        self._show_facts()
        self._want_frame()

    def _want_frame(self) -> None:
        """Have the iteration in view drawn up; while another one is, the newest waits its turn."""
        run, step = self.run, self.state.step
        if run is None or self._drawing_up.busy:
            return
        if self.frame is None or self.frame.run is not run or self.frame.at[True] is not run.step(True, step):
            self._drawing_up.start(lambda: frame_of(run, step))

    def _on_failed(self, message: Message) -> None:
        self.fault, self._told = message.text, ""
        self.session.message.emit(message)
        self._show()

    def _on_cancelled(self) -> None:
        self._asked, self._told = None, "Stopped. Learn, or another setting, starts anew."
        self._show_facts()

    # -------------------------------------------------------------------- showing

    def _show(self) -> None:
        """Draw what there is: the last run stays until the next one is there."""
        run = self.run
        last = 0 if run is None else len(run.diverse.history) - 1
        step = last if self.state.step < 0 else min(self.state.step, last)
        self.scrubber.show_history(0 if run is None else last + 1, step)
        self._show_maps()
        self._want_frame()
        self.diversity.set_drawing(self._drawing("L_DivB", lambda item: item.diversity, step, (0.0, 1.0)))
        self.discriminability.set_drawing(self._drawing("L_Discr", lambda item: item.discriminability, step, None))
        self._show_facts()

    def _show_maps(self) -> None:
        chosen = self._pointed if self._pointed >= 0 else self.state.chosen
        rows = ROWS[self.state.shown]
        self.view.show_frame(self.frame, rows, chosen)
        self.strip.show_frame(self.frame, rows, chosen)

    def _drawing(
        self, name: str, value: Callable[[AnchorStep], float], step: int, span: tuple[float, float] | None
    ) -> Drawing:
        if self.run is None:
            return Drawing(empty=self.fault or "The losses are drawn here once the filters are learned.")
        curves = []
        for diverse, colour, dash in ((False, "wrong", "dash"), (True, "right", "solid")):
            history = self.run.run(diverse).history
            at = np.array([item.step for item in history], np.float64)
            y = np.array([value(item) for item in history])
            curves.append(Curve(at, y, f"{name}, with" if diverse else "without", colour, dash))
        low = min(0.0, *(float(curve.y.min()) for curve in curves))
        high = max(1e-3, *(float(curve.y.max()) for curve in curves))
        last = float(max(1, len(self.run.diverse.history) - 1))
        return Drawing((curves[1], curves[0]), places=(Place(float(step), ""),), x_range=(0.0, last),
                       y_range=span or (low, high), x_label="iteration")  # fmt: skip

    def _show_facts(self) -> None:
        self._show_stop()
        frame = self.frame
        if frame is None:
            self.facts.emit(([], self.fault or self._told))
            return
        here, bare = frame.at[True], frame.at[False]
        pairs = (
            ("L_DivB", _number(here.diversity), _number(bare.diversity)),
            ("correlation of two maps", _number(here.likeness), _number(bare.likeness)),
            ("L_Discr", _number(here.discriminability), _number(bare.discriminability)),
            ("L_aux", _number(here.silence), _number(bare.silence)),
            ("L_DivA", _number(here.orthogonality), _number(bare.orthogonality)),
            ("PCK, responses", percent(frame.pck[True]), percent(frame.pck[False])),
        )  # fmt: skip
        rows = [(name, f"{one}  |  {two}") for name, one, two in pairs]
        rows.append(("PCK, plain features", percent(frame.run.plain)))
        self.facts.emit((rows, self.fault or self._told or self._verdict(frame)))

    def _verdict(self, frame: Frame) -> str:
        gain = frame.pck[True] - frame.run.plain
        verdict = "more than" if gain > 0 else "as many as" if gain == 0 else "fewer than"
        step, parts = frame.at[True].step, len(frame.run.made.points)
        return (
            f"Numbers at iteration {step}: with | without diversity. PCK: of {2 * parts} transfers of {parts} named "
            "parts between the first two pictures, how many land within 0.1 of the parts’ box; here the responses "
            f"carry {verdict} the plain features."
        )


def _number(value: float) -> str:
    return "none" if math.isnan(value) else minus(f"{value:.2f}") if abs(value) < 10 else significant(value)
