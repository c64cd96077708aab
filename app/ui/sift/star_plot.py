"""A 4 x 4 x 8 descriptor as arrows in its cells, on the patch it describes or on a plain ground; and its differences.

What lives here: :class:`StarPlot` and :class:`DifferenceMap`. What does not: computing descriptors. May import:
records, ``app.ui.style``, ``app.ui.pair_view`` for its image conversion, Qt, cv2, numpy.

Direction bin b means 45 b degrees counter-clockwise on screen from the keypoint's orientation, which points to the
right in the patch (OpenCV's order; the rows of cells run down).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Array, UInt8
from app.ui.kept_picture import as_qimage
from app.ui.numbers import percent
from app.ui.style import Style

CELLS, DIRECTIONS = 4, 8
OVERFLOW = 2.0  # an arrow longer than its cell allows may reach this far: it is seen to be too long


def direction_of(number: int) -> tuple[float, float]:
    """Return the (x, y) unit vector on screen, y down, of a direction bin."""
    angle = math.radians(360 / DIRECTIONS * number)
    return math.cos(angle), -math.sin(angle)


def as_rgb(grey: Array) -> UInt8:
    """Return an (h, w) picture of grey values 0 to 255 as (h, w, 3); NaN becomes black."""
    values = np.clip(np.nan_to_num(np.asarray(grey, np.float32)), 0, 255)
    return np.asarray(cv2.cvtColor(np.rint(values).astype(np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)


class _Square(QWidget):
    """A square picture with a caption above it."""

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.caption = ""
        self.setAccessibleName(name)
        self.setMinimumSize(110, 126)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(200, 216)

    def square(self) -> QRectF:
        """Return where the square lies in the widget."""
        top = self._look.px(2.25)
        side = max(10.0, min(self.width() - 2.0, self.height() - top - 2.0))
        return QRectF((self.width() - side) / 2, top + (self.height() - top - side) / 2, side, side)

    def _paint_caption(self, painter: QPainter) -> None:
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("muted"))
        text = painter.fontMetrics().elidedText(self.caption, Qt.TextElideMode.ElideRight, self.width())
        area = QRectF(0, 0, self.width(), self._look.px(2.25))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter), text)


class StarPlot(_Square):
    """One arrow per direction in each of 16 cells; a second descriptor may be drawn as an outline behind.

    Attributes:
        values: (4, 4, 8) or None.
        ghost: the same before a step (clipping), drawn thin and dashed, or None.
    """

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(look, name, parent)
        self.values: Array | None = None
        self.ghost: Array | None = None
        self.colour = "selected"
        self._patch: UInt8 | None = None
        self._longest = 1.0

    def show_descriptor(
        self, values: Array | None, *, caption: str = "", ghost: Array | None = None, longest: float = 0.0
    ) -> None:
        """Show a descriptor; ``longest`` is the value that reaches a cell's edge (0 = its own greatest)."""
        self.values, self.ghost, self.caption = values, ghost, caption
        greatest = [float(part.max()) for part in (values, ghost) if part is not None and part.size]
        self._longest = longest or max([*greatest, 1e-12])
        self.update()

    def show_patch(self, rgb: UInt8 | None) -> None:
        """Lay the arrows over a picture, or over a plain ground."""
        self._patch = None if rgb is None else np.ascontiguousarray(rgb)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw patch, grid and arrows."""
        painter = QPainter(self)
        self._paint_caption(painter)
        square = self.square()
        painter.fillRect(square, self._look.colour("canvas"))
        if self._patch is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(square, as_qimage(self._patch))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_grid(painter, square)
        if self.ghost is not None:
            self._paint_arrows(painter, square, self.ghost, "wrong", Qt.PenStyle.DotLine, 1.4)
        if self.values is not None:
            width = 2.0 * min(self._look.line_scale, 1.5)
            self._paint_arrows(painter, square, self.values, self.colour, Qt.PenStyle.SolidLine, width)
        painter.end()

    def _paint_grid(self, painter: QPainter, square: QRectF) -> None:
        step = square.width() / CELLS
        over = self._patch is not None
        for line in range(CELLS + 1):
            x, y = square.left() + line * step, square.top() + line * step
            for colour, width in (
                ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255, 170), 1.0))
                if over
                else ((self._look.colour("edge"), 1.0),)
            ):
                painter.setPen(QPen(colour, width))
                painter.drawLine(QLineF(x, square.top(), x, square.bottom()))
                painter.drawLine(QLineF(square.left(), y, square.right(), y))

    def _paint_arrows(
        self, painter: QPainter, square: QRectF, values: Array, colour: str, dash: Qt.PenStyle, width: float
    ) -> None:
        step = square.width() / CELLS
        reach = step / 2 - 2
        lines: list[QLineF] = []
        for row, column, number in np.argwhere(values > 0.01 * self._longest).tolist():
            centre = QPointF(square.left() + (column + 0.5) * step, square.top() + (row + 0.5) * step)
            length = reach * min(OVERFLOW, float(values[row, column, number]) / self._longest)
            dx, dy = direction_of(number)
            tip = centre + QPointF(length * dx, length * dy)
            lines.append(QLineF(centre, tip))
            if length > 7 and dash == Qt.PenStyle.SolidLine:
                for side in (-1, 1):
                    back = QPointF(-dx - 0.7 * side * dy, -dy + 0.7 * side * dx)
                    lines.append(QLineF(tip, tip + back * 3.5))
        if self._patch is not None:
            under = QColor(0, 0, 0, 170)
            painter.setPen(QPen(under, width + 2, dash, Qt.PenCapStyle.RoundCap))
            painter.drawLines(lines)
        painter.setPen(QPen(self._look.colour(colour), width, dash, Qt.PenCapStyle.RoundCap))
        painter.drawLines(lines)


class DifferenceMap(_Square):
    """The squared difference of two descriptors bin by bin: eight bars in each of 16 cells, and each cell's share.

    Attributes:
        values: (4, 4, 8) squared differences, or None.
    """

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(look, name, parent)
        self.values: Array | None = None

    def show_differences(self, values: Array | None, *, caption: str = "") -> None:
        """Show squared differences, (4, 4, 8)."""
        self.values, self.caption = values, caption
        total = 0.0 if values is None else float(values.sum())
        self.setAccessibleDescription(f"sum {total:.4g}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the cells: the ground is darker or lighter by the cell's share, which stands in its corner."""
        painter = QPainter(self)
        self._paint_caption(painter)
        square = self.square()
        painter.fillRect(square, self._look.colour("canvas"))
        if self.values is not None:
            total, top = float(self.values.sum()) or 1.0, float(self.values.max()) or 1.0
            shares = self.values.sum(axis=2) / total
            painter.setFont(self._look.font(0.75))
            for row, column in np.ndindex(CELLS, CELLS):
                step = square.width() / CELLS
                cell = QRectF(square.left() + column * step, square.top() + row * step, step, step)
                self._paint_cell(painter, cell, self.values[row, column] / top, float(shares[row, column]))
        painter.setPen(QPen(self._look.colour("edge"), 1))
        for line in range(CELLS + 1):
            step = square.width() / CELLS
            x, y = square.left() + line * step, square.top() + line * step
            painter.drawLine(QLineF(x, square.top(), x, square.bottom()))
            painter.drawLine(QLineF(square.left(), y, square.right(), y))
        painter.end()

    def _paint_cell(self, painter: QPainter, cell: QRectF, heights: Array, share: float) -> None:
        ground = self._look.colour("wrong")
        ground.setAlphaF(min(1.0, share * 3))
        painter.fillRect(cell, ground)
        width = (cell.width() - 6) / DIRECTIONS
        room = cell.height() - (18 if cell.width() > 34 else 4)
        bar = self._look.colour("text")
        for number, height in enumerate(heights.tolist()):
            painter.fillRect(
                QRectF(
                    cell.left() + 3 + number * width,
                    cell.bottom() - 2 - room * height,
                    max(1.0, width - 1),
                    room * height,
                ),
                bar,
            )
        if cell.width() > 34:
            painter.setPen(self._look.colour("text"))
            place = cell.adjusted(3, 1, -3, -1)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight), percent(share))
