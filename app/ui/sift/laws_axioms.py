"""The axioms, tried on the open picture: a table of numbers, and both sides of the chosen one as pictures.

What lives here: :class:`AxiomsPart`. What does not: the trials (``app.vision.scale_axioms``). May import: that,
``app.ui.lane``, the session, Qt, cv2.
"""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.jobs import Progress
from app.records import Image
from app.ui.errand import Errand
from app.ui.facts import sentence
from app.ui.session import Session
from app.ui.sift.laws_state import LawsState
from app.ui.sift.picture_view import PictureView
from app.ui.style import Style
from app.vision.images import grey8
from app.vision.scale_axioms import Axiom, demonstrate

LANE = "sift-laws"
DELAY_MS = 120  # a dragged slider starts no job before it rests this long
MARKS = {True: "✓ exact", None: "≈ close", False: "✕ fails"}
COLOURS = {True: "right", None: "consistent", False: "wrong"}


class AxiomsPart(QWidget):
    """The table and the pictures; the trials run while the part is in front.

    Signals:
        chosen: the key of the axiom the user chose.
    """

    chosen = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._look = session, look
        self._image: Image | None = None
        self._state = LawsState(part="axioms")
        self._wanted: tuple[str, float, float] | None = None
        self.axioms: tuple[Axiom, ...] = ()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._start)
        self._build()
        self._trials = Errand(session.lane(LANE), self)
        self._trials.progressed.connect(self._progressed)
        self._trials.finished.connect(self._take)
        self._trials.failed.connect(session.message)
        look.changed.connect(lambda _look: self._fill())

    def _build(self) -> None:
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["axiom", "here", "difference of the two sides"])
        self.table.setAccessibleName("Axioms of the scale space")
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setWordWrap(False)
        self.table.verticalHeader().setDefaultSectionSize(self._look.px(3.5))
        head = self.table.horizontalHeader()
        for column in (0, 1):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.currentCellChanged.connect(self._row_chosen)
        self.statement = sentence("")
        self.statement.setAccessibleName("What is compared")
        self.statement.setContentsMargins(8, 4, 8, 4)
        self.one = PictureView(self._look, "One side", pointing=False)
        self.other = PictureView(self._look, "The other side", pointing=False)
        pictures = QWidget()
        line = QHBoxLayout(pictures)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.one)
        line.addWidget(self.other)
        below = QWidget()
        column_below = QVBoxLayout(below)
        column_below.setContentsMargins(0, 0, 0, 0)
        column_below.addWidget(self.statement)
        column_below.addWidget(pictures, 1)
        both = QSplitter(Qt.Orientation.Vertical)
        both.addWidget(self.table)
        both.addWidget(below)
        both.setSizes([310, 300])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(both)

    # ------------------------------------------------------------------------- asking

    def show_image(self, image: Image) -> None:
        """Try the axioms on a picture."""
        self._image = image
        self._ask()

    def show_state(self, state: LawsState) -> None:
        """Follow sigma, the angle and the chosen axiom."""
        changed = state.axiom != self._state.axiom
        self._state = state
        self._ask()
        if changed:
            self._choose()

    @property
    def busy(self) -> bool:
        """Whether the trials run or are about to."""
        return self._trials.busy or self._timer.isActive()

    def stop(self) -> None:
        """Stop the trials; they begin again when the part is shown."""
        self._timer.stop()
        if self._trials.busy:
            self._trials.cancel()
            self._wanted = None

    def showEvent(self, event: QShowEvent) -> None:
        """Begin."""
        super().showEvent(event)
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        """Rest."""
        super().hideEvent(event)
        self.stop()

    def _ask(self) -> None:
        if self._image is None or not self.isVisible():
            return
        wanted = (self._image.id, self._state.sigma, self._state.angle)
        if wanted != self._wanted:
            self._wanted = wanted
            self._timer.start()

    def _start(self) -> None:
        image, sigma, angle = self._image, self._state.sigma, self._state.angle
        if image is not None:
            self._trials.start(lambda: demonstrate(grey8(image.rgb), sigma=sigma, angle=angle))

    def _progressed(self, progress: Progress) -> None:
        if progress.payload:
            # What is not tried again yet keeps its last number: the table does not shrink under a slider.
            new = {axiom.key: axiom for axiom in progress.payload}
            old = {axiom.key: axiom for axiom in self.axioms}
            if self._image is not None and len(old) > len(new):
                self._take(tuple((old | new).values()))
            else:
                self._take(tuple(new.values()))

    # ------------------------------------------------------------------------ showing

    def _take(self, axioms: tuple[Axiom, ...]) -> None:
        if axioms != self.axioms:
            self.axioms = axioms
            self._fill()

    def _fill(self) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(len(self.axioms))
        for row, axiom in enumerate(self.axioms):
            for column, text in enumerate((axiom.title, MARKS[axiom.holds], axiom.text)):
                cell = QTableWidgetItem(text)
                cell.setToolTip(axiom.statement)
                if column == 1:
                    cell.setForeground(self._look.colour(COLOURS[axiom.holds]))
                self.table.setItem(row, column, cell)
        self.table.blockSignals(False)
        self._choose()

    @property
    def axiom(self) -> Axiom | None:
        """The chosen axiom, the first by default, None while there are none."""
        found = next((axiom for axiom in self.axioms if axiom.key == self._state.axiom), None)
        return found or (self.axioms[0] if self.axioms else None)

    def _choose(self) -> None:
        axiom = self.axiom
        if axiom is None:
            return
        self.table.blockSignals(True)
        self.table.selectRow(self.axioms.index(axiom))
        self.table.blockSignals(False)
        self.statement.setText(f"{axiom.title}: {axiom.statement}.")
        for view, grey, caption in zip((self.one, self.other), (axiom.one, axiom.other), axiom.captions, strict=True):
            rgb = np.asarray(cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB), np.uint8)
            view.caption = caption
            view.set_picture(rgb, (rgb.shape[1], rgb.shape[0]))

    def _row_chosen(self, row: int, *_rest: int) -> None:
        if 0 <= row < len(self.axioms):
            self.chosen.emit(self.axioms[row].key)
