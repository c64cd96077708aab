"""The 3 x 3 x 3 cube at the cursor: 27 numbers on their colours, the middle framed.

What lives here: :class:`CubeView`. What does not: the judgement (``cube_words``). May import: that, records, style, Qt.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Float32, UInt8
from app.ui.sift.cube_words import CubeVerdict, judge
from app.ui.style import Style
from app.vision.diverging import coloured

GAP = 8
FONTS = ((2, 0.85, 100), (2, 0.8, 85), (1, 0.85, 100), (1, 0.8, 85), (1, 0.75, 75), (0, 0.8, 85))
WORDS = ("finer", "this plane", "coarser")


SIGNS = "0123456789.−–"


class CubeView(QWidget):
    """Three blocks of nine values: the finer plane, the one looked at, the coarser one."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.cube: Float32 | None = None
        self.verdict: CubeVerdict | None = None
        self._sigmas = (0.0, 0.0, 0.0)
        self._limit = 1.0
        self._fitting: tuple[tuple[object, ...], tuple[QFont, int]] | None = None
        self.setAccessibleName("26 neighbours")
        self.setMinimumSize(200, 86)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(340, 110)

    def set_cube(self, cube: Float32 | None, sigmas: tuple[float, float, float], noise_floor: float) -> None:
        """Show (3, 3, 3) values [plane, row, col] of planes with these blurs, or nothing."""
        self.cube = cube
        self.verdict = None if cube is None else judge(cube, noise_floor)
        self._sigmas = sigmas
        self._limit = 1.0 if cube is None else float(max(np.nanmax(np.abs(cube)), 1e-3))
        self.setAccessibleDescription("" if self.verdict is None else self.verdict.sentence)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the three blocks."""
        if self.cube is None:
            return
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        metrics = QFontMetricsF(painter.font())
        head = metrics.height() + 2
        side = (self.width() - 2 * GAP) / 3
        block = QRectF(0, head, min(side, 190.0), min(self.height() - head - 2.0, 120.0))
        dark = self._look.tokens.name == "dark"
        font, decimals = self._number_font(block.width() / 3 - 2)
        colours = coloured(self.cube.reshape(9, 3), self._limit, dark=dark).reshape(3, 3, 3, 3)
        for plane in range(3):
            painter.setFont(self._look.font(0.85))
            area = block.translated(plane * (block.width() + GAP), 0)
            painter.setPen(self._look.colour("text" if plane == 1 else "muted"))
            sigma = f"σ {self._sigmas[plane]:.3g}"
            full = f"{WORDS[plane]} · {sigma}"
            text = full if metrics.horizontalAdvance(full) <= area.width() else sigma
            painter.drawText(QPointF(area.left(), metrics.ascent()), text)
            painter.setFont(font)
            self._paint_block(painter, area, plane, colours[plane], decimals)
        painter.end()

    def _number_font(self, room: float) -> tuple[QFont, int]:
        """Return the first of :data:`FONTS` (decimals, size, width in percent) with which every number fits."""
        assert self.cube is not None
        largest = float(np.nanmax(np.abs(self.cube)))
        digits = len(f"{largest:.0f}")
        key = (digits, round(room), self._look.scale)
        if self._fitting is not None and self._fitting[0] == key:
            return self._fitting[1]
        for decimals, factor, stretch in FONTS:
            font = self._look.font(factor)
            font.setStretch(stretch)
            widest = "−" + "0" * digits + ("." + "0" * decimals if decimals else "")
            if QFontMetricsF(font).horizontalAdvance(widest) <= room:
                break
        self._fitting = (key, (font, decimals))
        return font, decimals

    def _paint_block(self, painter: QPainter, area: QRectF, plane: int, colours: UInt8, decimals: int) -> None:
        assert self.cube is not None
        wide, high = area.width() / 3, area.height() / 3
        metrics = QFontMetricsF(painter.font())
        # Numbers are set by the widths of their characters: letting Qt centre each takes three times as long.
        widths = {sign: metrics.horizontalAdvance(sign) for sign in SIGNS}
        base = (high - 1 + metrics.ascent() - metrics.descent()) / 2
        for row in range(3):
            for col in range(3):
                cell = QRectF(area.left() + col * wide, area.top() + row * high, wide - 1, high - 1)
                value = float(self.cube[plane, row, col])
                red, green, blue = (int(c) for c in colours[row, col])
                painter.fillRect(cell, QColor(red, green, blue))
                # Relative luminance at which black and white are equally readable, in sRGB grey about 117.
                painter.setPen(QColor("#0b0d1a" if 0.3 * red + 0.59 * green + 0.11 * blue > 117 else "#ffffff"))
                text = "–" if np.isnan(value) else f"{value:.{decimals}f}".replace("-", "−")
                width = sum(widths[sign] for sign in text)
                painter.drawText(QPointF(cell.center().x() - width / 2, cell.top() + base), text)
        self._paint_marks(painter, area, plane)

    def _paint_marks(self, painter: QPainter, area: QRectF, plane: int) -> None:
        """Frame the middle (a full frame if it is an extremum) and the neighbour that decides."""
        wide, high = area.width() / 3, area.height() / 3
        verdict = self.verdict
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if plane == 1:
            extremum = verdict is not None and verdict.kind != "none"
            width, dash = (3.0, Qt.PenStyle.SolidLine) if extremum else (2.0, Qt.PenStyle.DotLine)
            painter.setPen(QPen(self._look.colour("selected"), width, dash))
            painter.drawRect(QRectF(area.left() + wide, area.top() + high, wide - 1, high - 1))
        if verdict is not None and verdict.rival is not None and verdict.rival[0] == plane:
            _, row, col = verdict.rival
            painter.setPen(QPen(self._look.colour("text"), 1.2, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(area.left() + col * wide + 1, area.top() + row * high + 1, wide - 3, high - 3))
