"""Small pictures of numbers: the objective against the iteration, and the eigenvalues of M as bars.

What lives here: :class:`HistoryCurve` and :class:`EigenBars`. What does not: where the numbers come from. May import:
``app.ui.style``, Qt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.text import significant
from app.ui.numbers import percent
from app.ui.style import Style

RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
MIDDLE = int(Qt.AlignmentFlag.AlignCenter)


def short(value: float) -> str:
    """Return a number in three significant digits, whole from a thousand on."""
    return significant(value)


class HistoryCurve(QWidget):
    """A curve over the iterations, the one shown marked; a log scale where it spans orders of magnitude."""

    def __init__(self, look: Style, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self.title = look, title
        self.values: tuple[tuple[int, float], ...] = ()
        self.step = 0
        self.percent = False
        self._drawn: tuple[object, ...] = ()
        self.setMinimumSize(200, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(300, 160)

    def set_values(self, values: Sequence[tuple[int, float]], step: int, *, percent: bool = False) -> None:
        """Show (iteration, value) pairs, the value at ``step`` marked."""
        new = (tuple(values), step, percent, self.title)
        if new == self._drawn:
            return
        self._drawn = new
        self.values, self.step, self.percent = tuple(values), step, percent
        if self.values:
            here = min(self.values, key=lambda item: abs(item[0] - step))[1]
            self.setAccessibleDescription(
                f"from {self._word(self.values[0][1])} to {self._word(self.values[-1][1])}; here {self._word(here)}"
            )
        self.update()

    def _word(self, value: float) -> str:
        return percent(value, 1) if self.percent else short(value)

    def _scaled(self) -> tuple[list[float], bool]:
        """Return the values as drawn, and whether they are logarithms."""
        raw = [value for _, value in self.values]
        low = min(raw)
        wide = low > 0 and max(raw) / low > 50 and not self.percent
        return [math.log10(value) if wide else value for value in raw], wide

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw title, frame, curve and mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._look.font(0.85))
        line = painter.fontMetrics().height()
        painter.setPen(self._look.colour("muted"))
        if not self.values:
            painter.drawText(QRectF(0, 0, self.width(), line * 1.3), LEFT, self.title)
            painter.end()
            return
        drawn, logarithmic = self._scaled()
        title = self.title + (" (log scale)" if logarithmic else "")
        painter.drawText(QRectF(0, 0, self.width(), line * 1.3), LEFT, title)
        low, high = min(drawn), max(drawn)
        if high - low <= 1e-9 * max(1e-12, abs(high)):
            room = max(0.5, 0.01 * abs(high))  # also where 0.5 is less than the last digit
            low, high = low - room, high + room
        raw = [value for _, value in self.values]
        words = (self._word(max(raw)), self._word(min(raw)))
        left = max(painter.fontMetrics().horizontalAdvance(word) for word in words) + 8
        area = QRectF(left, line * 1.6, self.width() - left - 8, self.height() - line * 3.0)
        if words[0] == words[1]:
            painter.drawText(QRectF(0, area.center().y() - line / 2, left - 6, line), RIGHT, words[0])
        else:
            painter.drawText(QRectF(0, area.top() - line / 2, left - 6, line), RIGHT, words[0])
            painter.drawText(QRectF(0, area.bottom() - line / 2, left - 6, line), RIGHT, words[1])
        painter.setPen(QPen(self._look.colour("rule"), 1))
        for y in (area.top(), area.bottom()):
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        last = max(1, self.values[-1][0])
        painter.setPen(self._look.colour("muted"))
        painter.drawText(QRectF(area.left(), area.bottom() + 3, 60, line), LEFT, "0")
        end = QRectF(area.left() + 60, area.bottom() + 3, area.width() - 60, line)
        painter.drawText(end, RIGHT, f"iteration {last}")
        self._draw_curve(painter, area, drawn, (low, high), last)
        painter.end()

    def _draw_curve(
        self, painter: QPainter, area: QRectF, drawn: list[float], span: tuple[float, float], last: int
    ) -> None:
        low, high = span

        def at(step: float, value: float) -> QPointF:
            """Return where a value of a step is drawn."""
            share = (value - low) / (high - low)
            return QPointF(area.left() + area.width() * step / last, area.bottom() - area.height() * share)

        points = [at(step, value) for (step, _), value in zip(self.values, drawn, strict=True)]
        painter.setPen(QPen(self._look.colour("right"), 2 * self._look.line_scale))
        painter.drawPolyline(QPolygonF(points))
        nearest = min(range(len(points)), key=lambda index: abs(self.values[index][0] - self.step))
        painter.setPen(QPen(self._look.colour("selected"), 1.5, Qt.PenStyle.DashLine))
        x = points[nearest].x()
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setBrush(self._look.colour("selected"))
        painter.setPen(self._look.colour("canvas"))
        painter.drawEllipse(points[nearest], 4, 4)


class EigenBars(QWidget):
    """The eigenvalues of M, the largest first, each as a bar relative to the largest; of a negative one the outline."""

    def __init__(self, look: Style, title: str = "Eigenvalues of M", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self.title = look, title
        self.values: tuple[float, ...] = ()
        self.setMinimumSize(200, 72)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)
        self.setToolTip(
            "<p>The metric stretches by the root of an eigenvalue along its eigenvector. A bar that vanishes is a "
            "direction the metric no longer sees: M is then only a pseudometric.</p>"
        )
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(300, 76)

    def set_values(self, values: Sequence[float]) -> None:
        """Show these eigenvalues, descending."""
        self.values = tuple(float(value) for value in values)
        self.setAccessibleDescription("; ".join(short(value) for value in self.values))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a bar and a number per eigenvalue."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        line = painter.fontMetrics().height()
        painter.setPen(self._look.colour("muted"))
        painter.drawText(QRectF(0, 0, self.width(), line * 1.3), LEFT, self.title)
        room = painter.fontMetrics().horizontalAdvance("−1.23e+10") + 8
        top = max((abs(value) for value in self.values), default=0.0)
        for index, value in enumerate(self.values[:4]):
            y = line * (1.5 + 1.15 * index)
            width = (self.width() - room - 8) * (abs(value) / top if top else 0)
            painter.fillRect(QRectF(0, y + 2, self.width() - room - 8, line - 4), self._look.colour("raised"))
            bar = QRectF(0, y + 2, max(1.0, width), line - 4)
            if value < 0:
                painter.setPen(QPen(self._look.colour("wrong"), 2 * self._look.line_scale, Qt.PenStyle.DashLine))
                painter.drawRect(bar.adjusted(1, 1, -1, -1))
            else:
                painter.fillRect(bar, self._look.colour("accent"))
            painter.setPen(self._look.colour("text"))
            painter.drawText(QRectF(self.width() - room, y, room, line), RIGHT, short(value))
        painter.end()
