"""The small pictures beside SuperPoint's heat map: one cell, the scale of colours, and what recurs.

What lives here: :func:`point_mark`; :class:`CellPicture`, the large view whose arrows step from cell to cell;
:class:`CellView`, :class:`ColourBar`, :class:`RepeatBars`. What does not: where the numbers come from. May import:
``superpoint_jobs`` for the colours, the view of the SIFT pages, style, numpy, Qt.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QLinearGradient, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.learning.superpoint import CELL, DUSTBIN
from app.records import Float32
from app.text import significant
from app.ui.convnet.superpoint_jobs import DECADES, LOWEST, OWN, colours, place_of
from app.ui.numbers import percent
from app.ui.sift.picture_view import STEPS, PictureView
from app.ui.style import Style
from app.vision.repeatability import Repeated

LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
WIDE_STEP = 5  # cells
OLD = 0.45  # opacity of what is not of now
MIDDLE = int(Qt.AlignmentFlag.AlignCenter)


@lru_cache(maxsize=8)
def point_mark(radius: float, wide: float, ratio: float) -> QPixmap:
    """Return the mark of a point, light with a dark rim: a ring of this radius, a dot for 0; made once for all points.

    Args:
        radius: in pixels of the widget.
        wide: scale of lines.
        ratio: of the screen's pixels to the widget's.
    """
    side = math.ceil(2 * radius + 6 * wide)
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = QPointF(side / 2, side / 2)
    for colour, size in (("#000000", 2.8 if radius else 4.5), ("#ffffff", 1.3 if radius else 2.4)):
        painter.setPen(QPen(QColor(colour), size * wide, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        if radius:
            painter.drawEllipse(middle, radius, radius)
        else:
            painter.drawPoint(middle)
    painter.end()
    return pixmap


class CellPicture(PictureView):
    """A picture whose arrow keys step from cell to cell, five at a time with Shift.

    Signals:
        stepped: (rows, columns) to go.
    """

    stepped = Signal(object)

    def event(self, event: QEvent) -> bool:
        """Keep the arrows from stepping through the pairs."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._steps(event):
            event.accept()
            return True
        return super().event(event)

    def paint_cross(self, painter: QPainter, at: QPointF, width: float) -> None:
        """Draw no cross: the page outlines the cell."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step."""
        step = self._steps(event)
        if step is None:
            super().keyPressEvent(event)
            return
        self.stepped.emit(step)

    @staticmethod
    def _steps(event: QKeyEvent) -> tuple[int, int] | None:
        way = STEPS.get(event.key())
        wide = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        others = event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        if way is None or others:
            return None
        size = WIDE_STEP if wide else 1
        return way[1] * size, way[0] * size


class _Small(QWidget):
    """What all of them share: a look, a name, and room that grows to the side."""

    def __init__(self, look: Style, name: str, tall: QSizePolicy.Policy, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, tall)
        look.changed.connect(self._restyle)

    def _restyle(self, _look: Style) -> None:
        self.updateGeometry()
        self.update()

    def _line(self) -> float:
        return QFontMetricsF(self._look.font(0.85)).height()

    def _dashed(self, colour: str) -> QPen:
        return QPen(self._look.colour(colour), 1.5 * self._look.line_scale, Qt.PenStyle.DashLine)


class CellView(_Small):
    """The 8 × 8 pixels of one cell, alone and averaged over views, and below them its 65 numbers as bars.

    Attributes:
        values: (65,) of the picture alone, None for no cell.
        averaged: (8, 8) over the views, None without.
    """

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, "The cell: 8 by 8 pixels and the dustbin", QSizePolicy.Policy.Expanding, parent)
        self.values: Float32 | None = None
        self.averaged: Float32 | None = None
        self._views = 1
        self.setMinimumSize(200, 170)

    def show_cell(self, values: Float32 | None, averaged: Float32 | None, views: int) -> None:
        """Show a cell."""
        self.values, self.averaged, self._views = values, averaged, views
        if values is not None:
            best = int(values[:DUSTBIN].argmax())
            self.setAccessibleDescription(
                f"dustbin {percent(float(values[DUSTBIN]), 1)}; best pixel row {best // CELL}, column {best % CELL}, "
                f"{percent(float(values[best]), 1)}"
            )
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint squares above, bars below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._look.font(0.85))
        line, width = self._line(), float(self.width())
        if self.values is None:
            painter.setPen(self._look.colour("muted"))
            painter.drawText(QRectF(self.rect()), MIDDLE | int(Qt.TextFlag.TextWordWrap), "No cell is chosen.")
            painter.end()
            return
        least = 48.0 + 2 * line
        side = min(self.height() - least - line - 8, (width - 16) / 2)
        bars = self.height() - side - line - 8
        self._squares(
            painter, QRectF(0, line, side, side), self.values[:DUSTBIN].reshape(CELL, CELL), "picture alone, %"
        )
        there = QRectF(width - side, line, side, side)
        if self.averaged is not None:
            self._squares(painter, there, self.averaged, f"mean of {self._views} views, %")
        else:
            painter.setPen(self._look.colour("muted"))
            words = "With more than one view the averaged cell stands here."
            painter.drawText(there, MIDDLE | int(Qt.TextFlag.TextWordWrap), words)
        self._bars(painter, QRectF(0, self.height() - bars, width, bars), line)
        painter.end()

    def _squares(self, painter: QPainter, area: QRectF, values: Float32, title: str) -> None:
        painter.setPen(self._look.colour("muted"))
        painter.drawText(QRectF(area.left(), 0, area.width(), area.top()), LEFT, title)
        step = area.width() / CELL
        table, places = colours(), (place_of(values) * 255).astype(int)
        painter.setFont(self._look.font(min(0.7, step / 30)))
        for row, column in np.ndindex(CELL, CELL):
            colour = QColor(*table[places[row, column]].tolist())
            square = QRectF(area.left() + column * step, area.top() + row * step, step, step)
            painter.fillRect(square.adjusted(0.5, 0.5, -0.5, -0.5), colour)
            if values[row, column] >= 0.095 and step >= 14:
                painter.setPen(QColor("#000000" if places[row, column] > 140 else "#ffffff"))
                painter.drawText(square, MIDDLE, f"{100 * values[row, column]:.0f}")
        best = int(values.argmax())
        painter.setPen(QPen(self._look.colour("text"), 2 * self._look.line_scale))
        painter.drawRect(QRectF(area.left() + best % CELL * step, area.top() + best // CELL * step, step, step))
        painter.setFont(self._look.font(0.85))

    def _bars(self, painter: QPainter, area: QRectF, line: float) -> None:
        """Draw the 64 pixels' bars in the order of their channels and, apart and hatched, the dustbin's."""
        assert self.values is not None
        top = float(self.values.max())
        room = QRectF(area.left(), area.top() + line, area.width(), area.height() - 2 * line)
        step = room.width() / (DUSTBIN + 6)
        painter.setPen(self._look.colour("muted"))
        painter.drawText(QRectF(area.left(), area.top(), area.width(), line), LEFT, f"highest {percent(top, 1)}")
        words = f"dustbin {percent(float(self.values[DUSTBIN]), 1)}"
        painter.drawText(QRectF(area.left(), area.top(), area.width(), line), RIGHT, words)
        foot = QRectF(area.left(), room.bottom(), area.width(), line)
        painter.drawText(foot, LEFT, "channel 0 … 63 = 8 · row + column")
        painter.drawText(foot, RIGHT, "64")
        for channel, value in enumerate(self.values.tolist()):
            tall = room.height() * value / top
            dustbin = channel == DUSTBIN
            x = room.right() - 4 * step if dustbin else room.left() + channel * step
            bar = QRectF(x, room.bottom() - tall, (4 if dustbin else 0.8) * step, tall)
            painter.fillRect(bar, self._look.colour("undecided" if dustbin else "accent"))
            if dustbin:
                painter.setPen(QPen(self._look.colour("text"), 1.2))
                painter.drawRect(bar)
                painter.fillRect(bar, Qt.BrushStyle.BDiagPattern)
        painter.setPen(self._look.colour("edge"))
        painter.drawLine(QLineF(room.bottomLeft(), room.bottomRight()))


class ColourBar(_Small):
    """The scale of colours, with the confidence marked on it."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, "Colours of the heat map", QSizePolicy.Policy.Fixed, parent)
        self.confidence = 0.0

    def sizeHint(self) -> QSize:
        """Return room for the bar and its numbers."""
        return QSize(220, round(2 * self._line() + 16))

    def set_confidence(self, confidence: float) -> None:
        """Mark the confidence."""
        if confidence != self.confidence:
            self.confidence = confidence
            self.setAccessibleDescription(f"from {LOWEST} to 1; the confidence is {significant(confidence)}")
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        line = self._line()
        bar = QRectF(4, line + 2, self.width() - 8, 10)
        shades = QLinearGradient(bar.topLeft(), bar.topRight())
        for step in range(17):
            shades.setColorAt(step / 16, QColor(*colours()[round(255 * step / 16)].tolist()))
        painter.fillRect(bar, shades)
        painter.setPen(self._look.colour("muted"))
        for power in range(DECADES + 1):
            x = bar.left() + bar.width() * power / DECADES
            words = f"{LOWEST * 10**power:g}"
            flag = LEFT if power == 0 else RIGHT if power == DECADES else MIDDLE
            at = x - (0 if power == 0 else 60 if power == DECADES else 30)
            painter.drawText(QRectF(at, bar.bottom() + 2, 60, line), flag, words)
        x = bar.left() + bar.width() * float(place_of(self.confidence))
        painter.setPen(QPen(self._look.colour("text"), 2 * self._look.line_scale))
        painter.drawLine(QLineF(x, bar.top() - 4, x, bar.bottom() + 3))
        words = f"confidence {significant(self.confidence)}"
        wide = painter.fontMetrics().horizontalAdvance(words)
        at = min(max(x - wide / 2, 0.0), self.width() - wide)
        painter.drawText(QPointF(at, line - 4), words)
        painter.end()


class RepeatBars(_Small):
    """How many points of each detector recur in the other picture, against chance.

    Attributes:
        shown: what is compared; None while it is not known.
        old: whether it is of before, the new one being made.
    """

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, "Repeatability", QSizePolicy.Policy.Fixed, parent)
        self.shown: Repeated | None = None
        self.words = ""
        self.old = False

    def sizeHint(self) -> QSize:
        """Return room for three bars and two lines of words."""
        return QSize(220, round(5.6 * self._line()))

    def show_repeated(self, shown: Repeated | None, words: str, *, old: bool = False) -> None:
        """Show a comparison, dimmed if it is an old one, or the words for why there is none."""
        self.shown, self.words, self.old = shown, words, old
        told = words if shown is None else ", ".join(f"{name} {percent(v)}" for name, v in shown.share.items())
        self.setAccessibleDescription(told if shown is None else f"{told}; chance {percent(shown.chance)}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("muted"))
        if self.shown is None or not self.shown.count:
            words = self.words if self.shown is None else "Nothing to compare: a detector has no points left."
            painter.drawText(QRectF(self.rect()), MIDDLE | int(Qt.TextFlag.TextWordWrap), words)
        else:
            self._paint_bars(painter, self.shown)
        painter.end()

    def _paint_bars(self, painter: QPainter, shown: Repeated) -> None:
        line = self._line()
        metrics = QFontMetricsF(painter.font())
        names = max(metrics.horizontalAdvance(name) for name in shown.share) + 10
        values = metrics.horizontalAdvance("100 %") + 6
        room = QRectF(names, line, self.width() - names - values, 3.3 * line)
        painter.setOpacity(OLD if self.old else 1)
        for row, (name, share) in enumerate(shown.share.items()):
            y = room.top() + row * 1.1 * line
            painter.setPen(self._look.colour("text" if name == OWN else "muted"))
            painter.drawText(QRectF(0, y, names, line), LEFT, name)
            painter.drawText(QRectF(room.right(), y, values, line), RIGHT, percent(share))
            bar = QRectF(room.left(), y + 0.15 * line, room.width() * (0 if math.isnan(share) else share), 0.7 * line)
            painter.fillRect(bar, self._look.colour("accent" if name == OWN else "undecided"))
        x = room.left() + room.width() * shown.chance
        painter.setPen(self._dashed("wrong"))
        painter.drawLine(QLineF(x, room.top() + 0.1 * line, x, room.bottom()))
        painter.setPen(self._look.colour("wrong"))
        words = f"chance {percent(shown.chance)}"
        at = min(max(x - metrics.horizontalAdvance(words) / 2, 0.0), self.width() - metrics.horizontalAdvance(words))
        painter.drawText(QPointF(at, room.bottom() + line), words)
        painter.setPen(self._look.colour("muted"))
        title = "Repeatability as it was before" if self.old else f"Repeatability, {shown.count} points each"
        painter.setOpacity(1)
        painter.drawText(QRectF(0, 0, self.width(), line), LEFT, title)
