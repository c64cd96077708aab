"""The Evaluation tab: the numbers of a result judged by its truth, and the accuracy curve from 1 to 10 px.

What lives here: :class:`EvaluationPanel` and its curve. What does not: the definitions (``app.records.Evaluation``,
``app.vision.evaluate``). May import: those, ``facts``, the session, Qt.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.formats.summary import corner_error_text
from app.records import Evaluation, MatchResult, Verdict
from app.ui.facts import Facts, sentence
from app.ui.numbers import percent
from app.ui.session import Session
from app.ui.style import Style
from app.vision.evaluate import chance_both_ways

NO_TRUTH = (
    "This pair comes without ground truth, so nothing can be judged right or wrong. "
    "The built-in pairs and benchmark folders (Oxford, HPatches) have it."
)
NOT_YET = "The judgement appears with the finished result."
CURVE_PX = 10
LEAST_CURVE, MOST_CURVE = 110, 240
TITLES = ("Matching accuracy: share of decided matches within t", "Matching accuracy within t", "Accuracy")


def evaluation_facts(result: MatchResult, judged: Evaluation) -> list[tuple[str, str]]:
    """Return the summary as (name, value) rows with units."""
    t = judged.threshold_px
    rows = [(f"right (≤ {t:g} px)", f"{judged.count(Verdict.RIGHT):,}"), ("wrong", f"{judged.count(Verdict.WRONG):,}")]
    if judged.count(Verdict.CONSISTENT):
        rows.append(("consistent (≤ t of the line)", f"{judged.count(Verdict.CONSISTENT):,}"))
    rows.append(("undecided", f"{judged.count(Verdict.UNDECIDED):,}"))
    rows.append(("possible matches", f"{judged.possible:,}"))
    rows.append(("precision = right / (right + wrong)", percent(judged.precision, 1)))
    rows.append(("recall = right / possible", percent(judged.recall, 1)))
    rows.append((f"repeatability at {t:g} px", percent(judged.repeatability, 1)))
    rows += _chance(result, t, judged)
    words = corner_error_text(judged.corner_error_px, result.verification)
    rows.append(("corner error of the homography", words))
    rows.append(("truth", judged.truth_kind))
    return rows


def _chance(result: MatchResult, threshold_px: float, judged: Evaluation) -> list[tuple[str, str]]:
    """Return the row of what as many random points would reach: repeatability alone flatters dense detectors."""
    left, right, pair = result.left, result.right, result.pair
    if pair is None or left is None or right is None or math.isnan(judged.repeatability):
        return []
    counts = len(left.keypoints), len(right.keypoints)
    floor = chance_both_ways(counts, (pair.left.size, pair.right.size), threshold_px)
    return [("repeatability of random points", percent(floor, 1))]


class AccuracyCurve(QWidget):
    """Share of decided matches with an error up to 1 … 10 px, the present threshold marked."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.values: tuple[float, ...] = ()
        self.threshold = math.nan
        self.setAccessibleName("Mean matching accuracy from 1 to 10 pixels")
        self.setMinimumSize(240, LEAST_CURVE)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(420, 190)

    def title(self) -> str:
        """Return the longest title that fits."""
        metrics = QFontMetrics(self._look.font(0.85))
        room = self.width() - metrics.horizontalAdvance("100 %") - 16
        return next((text for text in TITLES if metrics.horizontalAdvance(text) <= room), TITLES[-1])

    def set_evaluation(self, judged: Evaluation) -> None:
        """Show the curve of an evaluation."""
        self.values = tuple(judged.mma(t) for t in range(1, CURVE_PX + 1))
        self.threshold = judged.threshold_px
        words = "; ".join(f"{t} px {percent(v, 1)}" for t, v in enumerate(self.values, 1))
        self.setAccessibleDescription(words)
        self.setToolTip(words.replace("; ", "\n"))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axes, the curve and the threshold."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._look.font(0.85))
        metrics = painter.fontMetrics()
        line = metrics.height()
        left = metrics.horizontalAdvance("100 %") + 8
        area = QRectF(left, line * 1.6, max(40, self.width() - left - 16), max(30, self.height() - 4.2 * line))
        painter.setPen(self._look.colour("muted"))
        painter.drawText(QPointF(left, line), self.title())
        self._axes(painter, area, line)
        if self.values and not math.isnan(self.values[0]):
            self._curve(painter, area)
        else:
            painter.setPen(self._look.colour("muted"))
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), "needs truth of points, not of lines")
        painter.end()

    @staticmethod
    def _at(area: QRectF, t: float, share: float) -> QPointF:
        return QPointF(area.left() + area.width() * (t - 1) / (CURVE_PX - 1), area.bottom() - area.height() * share)

    def _axes(self, painter: QPainter, area: QRectF, line: float) -> None:
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = area.bottom() - area.height() * share
            painter.setPen(QPen(self._look.colour("rule"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            if share in (0.0, 0.5, 1.0):
                painter.setPen(self._look.colour("muted"))
                room = QRectF(0, y - line / 2, area.left() - 6, line)
                painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), percent(share))
        painter.setPen(self._look.colour("muted"))
        for t in range(1, CURVE_PX + 1):
            x = self._at(area, t, 0).x()
            room = QRectF(x - 20, area.bottom() + 4, 40, line)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignHCenter), str(t))
        under = QRectF(area.left(), area.bottom() + 4 + line, area.width(), line)
        painter.drawText(under, int(Qt.AlignmentFlag.AlignHCenter), "threshold t in px")

    def _curve(self, painter: QPainter, area: QRectF) -> None:
        if 1 <= self.threshold <= CURVE_PX:
            painter.setPen(QPen(self._look.colour("selected"), 1.5, Qt.PenStyle.DashLine))
            x = self._at(area, self.threshold, 0).x()
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        points = [self._at(area, t, value) for t, value in enumerate(self.values, 1)]
        painter.setPen(QPen(self._look.colour("right"), 2))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(self._look.colour("right"))
        for point in points:
            painter.drawEllipse(point, 2.5, 2.5)


class EvaluationPanel(QScrollArea):
    """Counts, precision, recall, repeatability, corner error and the curve; it follows the threshold live."""

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panelScroll")
        self.setWidgetResizable(True)
        body = QWidget()
        self.warning = QLabel()
        self.warning.setProperty("role", "error")
        self.warning.setWordWrap(True)
        self.warning.setAccessibleName("Warning")
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(8)
        column.addWidget(self.warning)
        line = QHBoxLayout()
        column.addLayout(line)
        line.setSpacing(32)
        self.empty = sentence(NOT_YET)
        self.facts = Facts(look, "Numbers of the evaluation")
        self.curve = AccuracyCurve(look)
        line.addWidget(self.empty, 1)
        line.addWidget(self.facts, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.curve, 1, Qt.AlignmentFlag.AlignTop)
        self.setWidget(body)
        session.result_changed.connect(self.show_result)
        self.show_result(session.result)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the curve the height of the tab, so that it is seen whole while the numbers scroll."""
        super().resizeEvent(event)
        self.curve.setFixedHeight(min(MOST_CURVE, max(LEAST_CURVE, self.viewport().height() - 16)))

    def show_result(self, result: MatchResult | None) -> None:
        """Show the judgement of a result, or why there is none."""
        judged = None if result is None else result.evaluation
        there = judged is not None and judged.truth_kind != "none"
        self.empty.setText(NO_TRUTH if judged is not None else NOT_YET)
        self.empty.setVisible(not there)
        self.facts.setVisible(there)
        self.curve.setVisible(there)
        seen = "" if result is None or not there else result.learned_from
        self.warning.setText(seen)
        self.warning.setVisible(bool(seen))
        if result is not None and judged is not None and there:
            self.facts.set_rows(evaluation_facts(result, judged))
            self.curve.set_evaluation(judged)
