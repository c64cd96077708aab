"""The nearest candidates of a point: a list with rank, distance and truth, and circles in the other picture.

What lives here: :class:`CandidateTable` and :func:`draw_candidates`. What does not: ranking (``sides_info``). May
import: that, ``picture_view``, ``app.ui.style``, Qt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from app.ui.facts import sentence
from app.ui.numbers import distance_text
from app.ui.sift.picture_view import PictureView
from app.ui.sift.sides_info import Candidate, Ranking
from app.ui.style import Style

LARGEST_RADIUS, LEAST_RADIUS = 22.0, 5.0
HEADS = ("#", "place px", "distance", "×", "error px")
PLACE_COLUMN = 1
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
        self.table.setTabKeyNavigation(False)
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Leave the places to the picture where there is no room for them beside the errors."""
        header = self.table.horizontalHeader()
        needed = sum(max(header.sectionSizeHint(c), self.table.sizeHintForColumn(c)) for c in range(len(HEADS)))
        self.table.setColumnHidden(PLACE_COLUMN, needed > self.table.viewport().width())

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
        self._share_width()
        self.table.blockSignals(False)
        self.ratio.setText("" if ranking is None else _ratio_words(ranking, limit))

    def _fill(self, row: int, item: Candidate, threshold_px: float) -> None:
        verdict = item.verdict(threshold_px)
        truth = {"right": f"● {item.error_px:.1f}", "wrong": f"✕ {item.error_px:.0f}", "": "–"}
        cells = (
            str(item.rank),
            f"({item.xy[0]:.0f}, {item.xy[1]:.0f})",
            distance_text(item.distance),
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
    """Draw a circle per candidate, larger the closer its distance is to the nearest's, with its rank.

    The ranks lie over the circles, the best one where it likes, each other where it covers no better one.
    """
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for item in reversed(ranking.candidates):
        verdict = item.verdict(threshold_px)
        dash = Qt.PenStyle.DashLine if verdict == "wrong" else Qt.PenStyle.SolidLine
        at, radius = view.screen_of(*item.xy), _radius(item, look)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (look.colour(verdict or "accent"), 2.0)):
            painter.setPen(QPen(colour, width, dash))
            painter.drawEllipse(at, radius, radius)
    painter.setFont(look.font(0.8, bold=True))
    metrics = painter.fontMetrics()
    taken: list[QRectF] = []
    for item in ranking.candidates:
        text = str(item.rank)
        size = QSizeF(metrics.horizontalAdvance(text) + 6, metrics.height())
        plate = rank_plate(view.screen_of(*item.xy), 0.7 * _radius(item, look), size, QRectF(view.rect()), taken)
        taken.append(plate)
        painter.fillRect(plate, look.colour("surface"))
        painter.setPen(look.colour("text"))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), text)


def _radius(item: Candidate, look: Style) -> float:
    closeness = 1.0 if math.isnan(item.times) else item.times**-2
    return max(LEAST_RADIUS, LARGEST_RADIUS * closeness) * look.line_scale


def rank_plate(at: QPointF, reach: float, size: QSizeF, inside: QRectF, taken: Sequence[QRectF]) -> QRectF:
    """Return where a rank stands: the first place around its circle that is free, else the first.

    Args:
        at: middle of the circle.
        reach: how far from it the plate begins, to either side.
        size: of the plate.
        inside: where it must lie.
        taken: plates that are there already.
    """
    wide, high = size.width(), size.height()
    across, down = (reach, -reach - wide), (-reach - high, reach)
    corners = [
        QRectF(QPointF(at.x() + x, at.y() + y + away * (high if y > 0 else -high)), size)
        for away in range(3)
        for y in down
        for x in across
    ]
    free = (p for p in corners if inside.contains(p) and not any(p.intersects(other) for other in taken))
    return next(free, corners[0])
