"""The 3 x 3 x 3 cube at the cursor: 27 numbers on their colours, the middle framed.

What lives here: :class:`CubeView`. What does not: the judgement (``cube_words``). May import: that, records, style, Qt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QGlyphRun, QPainter, QPaintEvent, QPen, QRawFont
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Float32
from app.text import minus
from app.ui.sift.cube_words import CubeVerdict, judge
from app.ui.style import Style
from app.vision.diverging import coloured

GAP = 8
FONTS = ((2, 0.85, 100), (2, 0.8, 85), (1, 0.85, 100), (1, 0.8, 85), (1, 0.75, 75), (0, 0.8, 85))
WORDS = ("finer", "this plane", "coarser")
SIGNS = "0123456789.−–"
INKS = ("#ffffff", "#0b0d1a")
# Relative luminance at which black and white are equally readable, in sRGB grey.
READABLE = 117.0


@dataclass(frozen=True)
class _Numbers:
    """How the 27 numbers are set.

    Attributes:
        font, raw: the same font for whole texts and for glyphs.
        decimals: behind the point.
        widths, glyphs: of every one of ``SIGNS``; glyph 0 is one that the font lacks.
        middle: from the middle of a line to its base.
    """

    font: QFont
    raw: QRawFont
    decimals: int
    widths: dict[str, float]
    glyphs: dict[str, int]
    middle: float


class CubeView(QWidget):
    """Three blocks of nine values: the finer plane, the one looked at, the coarser one."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.cube: Float32 | None = None
        self.verdict: CubeVerdict | None = None
        self._sigmas = (0.0, 0.0, 0.0)
        self._largest = 0.0
        self._fitting: tuple[tuple[object, ...], _Numbers] | None = None
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
        values: list[float] = [] if cube is None else cube.reshape(27).tolist()
        self._largest = max((abs(value) for value in values if value == value), default=0.0)
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
        for plane in range(3):
            area = block.translated(plane * (block.width() + GAP), 0)
            painter.setPen(self._look.colour("text" if plane == 1 else "muted"))
            sigma = f"σ {self._sigmas[plane]:.3g}"
            full = f"{WORDS[plane]} · {sigma}"
            text = full if metrics.horizontalAdvance(full) <= area.width() else sigma
            painter.drawText(QPointF(area.left(), metrics.ascent()), text)
        self._paint_cells(painter, block)
        for plane in range(3):
            self._paint_marks(painter, block.translated(plane * (block.width() + GAP), 0), plane)
        painter.end()

    def _numbers(self, room: float) -> _Numbers:
        """Return the first of :data:`FONTS` (decimals, size, width in percent) with which every number fits."""
        assert self.cube is not None
        digits = len(f"{self._largest:.0f}")
        key = (digits, round(room), self._look.scale)
        if self._fitting is not None and self._fitting[0] == key:
            return self._fitting[1]
        for decimals, factor, stretch in FONTS:
            font = self._look.font(factor)
            font.setStretch(stretch)
            widest = "−" + "0" * digits + ("." + "0" * decimals if decimals else "")
            if QFontMetricsF(font).horizontalAdvance(widest) <= room:
                break
        metrics, raw = QFontMetricsF(font), QRawFont.fromFont(font)
        widths = {sign: metrics.horizontalAdvance(sign) for sign in SIGNS}
        glyphs = dict(zip(SIGNS, raw.glyphIndexesForString(SIGNS), strict=True))
        numbers = _Numbers(font, raw, decimals, widths, glyphs, (metrics.ascent() - metrics.descent()) / 2)
        self._fitting = (key, numbers)
        return numbers

    def _paint_cells(self, painter: QPainter, block: QRectF) -> None:
        """Fill the cells of all blocks and write their numbers, those of one ink at once."""
        assert self.cube is not None
        wide, high = block.width() / 3, block.height() / 3
        numbers = self._numbers(wide - 2)
        dark = self._look.tokens.name == "dark"
        colours = coloured(self.cube.reshape(9, 3), max(self._largest, 1e-3), dark=dark).reshape(27, 3)
        inks = (colours @ np.array([0.3, 0.59, 0.11]) > READABLE).tolist()
        places = [
            (block.left() + plane * (block.width() + GAP) + col * wide, block.top() + row * high)
            for plane in range(3)
            for row in range(3)
            for col in range(3)
        ]
        words: tuple[list[tuple[str, float, float]], ...] = ([], [])
        for (left, top), value, (red, green, blue), ink in zip(
            places, self.cube.reshape(27).tolist(), colours.tolist(), inks, strict=True
        ):
            painter.fillRect(QRectF(left, top, wide - 1, high - 1), QColor(red, green, blue))
            words[ink].append((_number(value, numbers.decimals), left + (wide - 1) / 2, top + (high - 1) / 2))
        painter.setFont(numbers.font)
        for own, colour in zip(words, INKS, strict=True):
            painter.setPen(QColor(colour))
            _write(painter, numbers, own)

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


def _number(value: float, decimals: int) -> str:
    return "–" if value != value else minus(f"{value:.{decimals}f}")


def _write(painter: QPainter, numbers: _Numbers, words: list[tuple[str, float, float]]) -> None:
    """Write (text, middle x, middle y) in one ink, in one go unless the font lacks a sign.

    Setting every text by itself takes Qt several times as long.
    """
    glyphs: list[int] = []
    points: list[QPointF] = []
    whole = 0 in numbers.glyphs.values()
    for text, x, y in words:
        widths = [numbers.widths[sign] for sign in text]
        x -= sum(widths) / 2
        y += numbers.middle
        if whole:
            painter.drawText(QPointF(x, y), text)
            continue
        glyphs += [numbers.glyphs[sign] for sign in text]
        for width in widths:
            points.append(QPointF(x, y))
            x += width
    run = QGlyphRun()
    run.setRawFont(numbers.raw)
    run.setGlyphIndexes(glyphs)
    run.setPositions(points)
    painter.drawGlyphRun(QPointF(0, 0), run)
