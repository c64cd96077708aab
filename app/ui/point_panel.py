"""The Point tab: numbers at the selected place, patches of both sides, and the ranked candidates.

What lives here: :class:`PointPanel`. What does not: the computation (``point_info``). May import: that, ``facts``,
the session, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.errand import Errand
from app.ui.facts import Facts, Patch, patch_of, sentence
from app.ui.numbers import distance_text
from app.ui.overlays import Mark
from app.ui.point_info import Candidate, PointInfo, ask_point, candidate_marks
from app.ui.session import Session
from app.ui.style import Style

PATCH_SIDE = 160
PLACE_COLUMN = 1
# Below so many times 8 px the candidates are listed without their places.
NARROW = 100
EMPTY = "Click a keypoint, a line or any place in a picture to see what is there and what it resembles most."


class PointPanel(QScrollArea):
    """What is at the selected point.

    Signals:
        marks_changed: the tuple of marks for the picture, empty while the panel is hidden.
    """

    marks_changed = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._look = session, look
        self.info: PointInfo | None = None
        self.setObjectName("panelScroll")
        self.setWidgetResizable(True)
        body = QWidget()
        line = QHBoxLayout(body)
        line.setContentsMargins(16, 8, 16, 8)
        self._line = line
        self.empty = sentence(EMPTY)
        line.addWidget(self.empty)
        self._parts = QWidget()
        line.addWidget(self._parts, 1)
        self._build(QHBoxLayout(self._parts))
        self.setWidget(body)
        self._show(None)
        session.selection_changed.connect(self._ask)
        session.result_changed.connect(self._ask)
        self._question = Errand(session.probe_lane, self)
        self._question.finished.connect(self._show)
        self._question.failed.connect(session.message)

    def _build(self, line: QHBoxLayout) -> None:
        line.setContentsMargins(0, 0, 0, 0)
        self._line = line
        self.here, self.there = Patch(self._look, "selected"), Patch(self._look, "nearest")
        for patch in (self.here, self.there):
            column = QVBoxLayout()
            column.addWidget(patch)
            column.addStretch(1)
            line.addLayout(column)
        self.facts = Facts(self._look, "Numbers at the point")
        line.addWidget(self.facts)
        self.table = QTableWidget(0, 4)
        self.table.setAccessibleName("Nearest candidates in the other picture")
        self.table.setHorizontalHeaderLabels(["rank", "place px", "distance", "× nearest"])
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setMinimumSectionSize(32)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.currentCellChanged.connect(lambda row, *_: self._show_patch(row))
        line.addWidget(self.table, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the places of the candidates to the picture where there is no room for the column."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        narrow = self.viewport().width() < NARROW * self._look.px(1)
        self.table.setColumnHidden(PLACE_COLUMN, narrow)
        self._line.setSpacing(6 if narrow else 16)
        # Wide enough for all its columns and the scroll bar, so that no number is cut.
        columns = self.table.horizontalHeader().length()
        self.table.setMinimumWidth(columns + self.table.verticalScrollBar().sizeHint().width() + 4)

    # ------------------------------------------------------------------------ asking

    def hideEvent(self, event: QHideEvent) -> None:
        """Take the candidates off the picture."""
        super().hideEvent(event)
        self.marks_changed.emit(())

    def showEvent(self, event: QShowEvent) -> None:
        """Ask when the tab comes to the front."""
        super().showEvent(event)
        self._ask()

    def _ask(self, _what: object = None) -> None:
        selection, result = self._session.state.selection, self._session.result
        if not self.isVisible():
            return
        if selection is None or result is None or result.pair is None or self._session.stale:
            self._show(None)
            return
        self._question.start(lambda: ask_point(result, selection))

    # ----------------------------------------------------------------------- showing

    def marks(self) -> tuple[Mark, ...]:
        """Return the candidates as circles for the picture."""
        return () if self.info is None or not self.isVisible() else candidate_marks(self.info)

    def _show(self, info: PointInfo | None) -> None:
        self.info = info
        self.empty.setVisible(info is None)
        self._parts.setVisible(info is not None)
        if info is not None:
            facts = info.facts if not info.note else (*info.facts, ("candidates", info.note))
            self.facts.set_rows(facts)
            self._fill(info.candidates)
            self._show_here(info)
        self.marks_changed.emit(self.marks())

    def _fill(self, candidates: tuple[Candidate, ...]) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(len(candidates))
        best = candidates[0].distance if candidates else 0.0
        for row, item in enumerate(candidates):
            times = f"{item.distance / best:.2f}" if best > 0 else "–"
            mark = f"● {item.rank}" if item.matched else str(item.rank)
            cells = (mark, f"({item.xy[0]:.0f}, {item.xy[1]:.0f})", distance_text(item.distance), times)
            for column, text in enumerate(cells):
                cell = QTableWidgetItem(text)
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                cell.setToolTip("the match" if item.matched else "")
                self.table.setItem(row, column, cell)
        self.table.blockSignals(False)
        self._share_width()
        matched = next((row for row, item in enumerate(candidates) if item.matched), 0)
        if candidates:
            self.table.selectRow(matched)
            self._show_patch(matched)
        else:
            self.there.set_patch(None)

    def _show_here(self, info: PointInfo) -> None:
        pair = self._session.result.pair if self._session.result is not None else None
        if pair is None:
            return
        rgb = (pair.left if info.side == "left" else pair.right).rgb
        x, y, size, angle = info.keypoint or (*info.place, 0.0, 0.0)
        self.here.caption = f"{info.side}"
        self.here.set_patch(patch_of(rgb, (x, y), size, angle, PATCH_SIDE))

    def _show_patch(self, row: int) -> None:
        """Show the patch of a candidate."""
        info, result = self.info, self._session.result
        if info is None or result is None or result.pair is None or not 0 <= row < len(info.candidates):
            self.there.set_patch(None)
            return
        item = info.candidates[row]
        there = result.pair.right if info.side == "left" else result.pair.left
        self.there.caption = f"rank {item.rank}"
        self.there.set_patch(patch_of(there.rgb, item.xy, item.size, item.angle, PATCH_SIDE))
