"""The nearest candidates of a point: a list with rank, distance and truth, and circles in the other picture.

What lives here: :class:`CandidateTable` and :func:`draw_candidates`. What does not: ranking (``sides_info``). May
import: that, ``picture_view``, ``app.ui.style``, Qt.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from app.ui.facts import sentence
from app.ui.sift.picture_view import PictureView
from app.ui.sift.sides_info import Candidate, Ranking
from app.ui.style import Style

LARGEST_RADIUS, LEAST_RADIUS = 22.0, 5.0
HEADS = ("#", "place px", "distance", "×", "error px")
HELP = ("rank", "place in pixels", "descriptor distance", "times the nearest distance", "how far from the true place")


class CandidateTable(QWidget):
    """The candidates, best first, with the ratio of the first two below.

    Signals:
        chosen: the row (0 = nearest) that the user chose.
    """

    chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.table = QTableWidget(0, len(HEADS))
        self.table.setAccessibleName("Nearest candidates in the other picture")
        for place, (head, words) in enumerate(zip(HEADS, HELP, strict=True)):
            item = QTableWidgetItem(head)
            item.setToolTip(words)
            self.table.setHorizontalHeaderItem(place, item)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(look.px(3))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.currentCellChanged.connect(lambda row, *_: self.chosen.emit(row))
        self.ratio = sentence("")
        self.ratio.setAccessibleName("Ratio of the two nearest")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.table, 1)
        column.addWidget(self.ratio)

    def show_ranking(
        self,
        ranking: Ranking | None,
        *,
        compared: int | None = None,
        threshold_px: float = 3.0,
        limit: float = 0.8,
    ) -> None:
        """Show the candidates.

        Args:
            compared: keypoint row of the candidate that is compared now; its line is marked.
            threshold_px: for right and wrong.
            limit: of the ratio test.
        """
        candidates = () if ranking is None else ranking.candidates
        self.table.blockSignals(True)
        self.table.setRowCount(len(candidates))
        for row, item in enumerate(candidates):
            self._fill(row, item, threshold_px)
        place = next((row for row, item in enumerate(candidates) if item.row == compared), -1)
        self.table.setCurrentCell(place, 0)
        self.table.blockSignals(False)
        self.ratio.setText("" if ranking is None else _ratio_words(ranking, limit))

    def _fill(self, row: int, item: Candidate, threshold_px: float) -> None:
        verdict = item.verdict(threshold_px)
        truth = {"right": f"● {item.error_px:.1f}", "wrong": f"✕ {item.error_px:.0f}", "": "–"}
        cells = (
            str(item.rank),
            f"({item.xy[0]:.0f}, {item.xy[1]:.0f})",
            f"{item.distance:.4g}",
            "–" if math.isnan(item.times) else f"{item.times:.2f}",
            truth[verdict],
        )
        for column, text in enumerate(cells):
            cell = QTableWidgetItem(text)
            cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            cell.setToolTip(f"{verdict} by the ground truth" if verdict else "the ground truth says nothing here")
            if column == len(cells) - 1 and verdict:
                cell.setForeground(self._look.colour(verdict))
            self.table.setItem(row, column, cell)


def _ratio_words(ranking: Ranking, limit: float) -> str:
    if math.isnan(ranking.ratio):
        return ""
    passes = ranking.ratio < limit
    return (
        f"d₁ / d₂ = {ranking.ratio:.2f} {'<' if passes else '≥'} {limit:g}: the ratio test "
        f"{'keeps' if passes else 'drops'} the nearest."
    )


def draw_candidates(painter: QPainter, view: PictureView, ranking: Ranking, look: Style, threshold_px: float) -> None:
    """Draw a circle per candidate, larger the closer its distance is to the nearest's, with its rank."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for item in reversed(ranking.candidates):
        closeness = 1.0 if math.isnan(item.times) else item.times**-2
        radius = max(LEAST_RADIUS, LARGEST_RADIUS * closeness) * look.line_scale
        verdict = item.verdict(threshold_px)
        dash = Qt.PenStyle.DashLine if verdict == "wrong" else Qt.PenStyle.SolidLine
        at = view.screen_of(*item.xy)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (look.colour(verdict or "accent"), 2.0)):
            painter.setPen(QPen(colour, width, dash))
            painter.drawEllipse(at, radius, radius)
        painter.setFont(look.font(0.8, bold=True))
        text = str(item.rank)
        wide, high = painter.fontMetrics().horizontalAdvance(text) + 6, painter.fontMetrics().height()
        plate = QRectF(at.x() + 0.7 * radius, at.y() - 0.7 * radius - high, wide, high)
        painter.fillRect(plate, look.colour("surface"))
        painter.setPen(look.colour("text"))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), text)
