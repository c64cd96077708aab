"""The page of curves: how the training goes, as eight charts that follow it live.

What lives here: :class:`CurvesPage`. What does not: what a chart draws (``drawings``). May import: the chart, the
page's base, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.learning.train_state import TrainSnapshot
from app.ui.bare_keys import bare_action
from app.ui.chart import Chart, Drawing
from app.ui.train.drawings import CHARTS, WAITING
from app.ui.train.page import Headed, TrainPage

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

# One chart is drawn in one pass of the event loop: all eight together would hold it up for longer than a frame.
TURN_MS = 20
FRESH = "Press Start (Space): the curves appear with the first batch."
COLUMN_UNITS = 29  # of the 8-px grid: as narrow as a chart is still read easily


class CurvesPage(TrainPage):
    """A grid of charts, as many columns as there is room for."""

    key: ClassVar[str] = "curves"
    title: ClassVar[str] = "Curves"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self.charts = [Chart(look, plan.title.capitalize()) for plan in CHARTS]
        self.parts = [Headed(plan.title, chart, plan.tip) for plan, chart in zip(CHARTS, self.charts, strict=True)]
        for chart in self.charts:
            chart.setMinimumSize(160, 80)
            chart.set_drawing(Drawing(empty=FRESH))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 0, 8, 8)
        self._grid.setSpacing(8)
        self._columns = 0
        self._place(4)
        self._turn = QTimer(self)
        self._turn.setInterval(TURN_MS)
        self._turn.timeout.connect(self._draw_next)
        self._waiting: list[int] = []
        self.compare = bare_action(self, "Show the run &before", "B", self._compare)
        self.compare.setCheckable(True)
        self.compare.setToolTip("Draw the curves of the run before, dotted: two losses or miners side by side")

    def _compare(self) -> None:
        self.set_state(replace(self.state, compare=self.compare.isChecked()))

    def show_training(self) -> None:
        """Draw all charts anew, one after the other."""
        self.compare.setChecked(self.state.compare)
        self.compare.setEnabled(self.trainer.before is not None)
        self._waiting += [index for index in range(len(CHARTS)) if index not in self._waiting]
        if not self._turn.isActive():
            self._turn.start()

    def actions(self) -> list[QAction]:
        """Return the switch of the run before."""
        return [self.compare]

    @property
    def busy(self) -> bool:
        """Whether a chart still has to be drawn."""
        return self._turn.isActive()

    def deactivate(self) -> None:
        """Draw nothing that is not seen."""
        self._turn.stop()
        self._waiting = []

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose how many columns there are."""
        super().resizeEvent(event)
        wide = max(2, min(4, self.width() // self.look.px(COLUMN_UNITS)))
        self._place(wide)

    @property
    def _before(self) -> TrainSnapshot | None:
        """The run before, if it is wanted beside this one."""
        return self.trainer.before if self.state.compare else None

    def _place(self, columns: int) -> None:
        if columns == self._columns:
            return
        for column in range(self._columns):
            self._grid.setColumnStretch(column, 0)
        self._columns = columns
        for index, part in enumerate(self.parts):
            self._grid.addWidget(part, index // columns, index % columns)
        for column in range(columns):
            self._grid.setColumnStretch(column, 1)

    def _draw_next(self) -> None:
        if not self._waiting:
            self._turn.stop()
            return
        index = self._waiting.pop(0)
        plan, snapshot = CHARTS[index], self.trainer.snapshot
        if snapshot is None:
            started = self.trainer.phase in ("training", "preparing") and self.trainer.run is not None
            self.charts[index].set_drawing(Drawing(empty=WAITING if started else FRESH))
            self.parts[index].set_value("")
            return
        self.charts[index].set_drawing(plan.draw(snapshot, self._before))
        self.parts[index].set_value(plan.value(snapshot))
