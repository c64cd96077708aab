"""The reconstructions as a table: a column per layer and one for the control, a row per number of patches.

What lives here: :class:`LayerTable`. What does not: the cell looked at (``field_view``), the search. May import:
``cell_widget``, ``reconstruction_state``, style, numpy, Qt.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.learning.reconstruction import LayerResult
from app.records import Float32, Point
from app.ui.convnet.cell_widget import DASHES, KEYS_TIP, CellWidget, Drawings, draw_grey, draw_square, square_in
from app.ui.convnet.reconstruction_state import Answer
from app.ui.style import Style

PAD = 12.0
GAP = 8.0
HEADS = ("layer", "channels", "kernel / stride", "sees", "jump")
UNDER = "RMS (uniform)"
SAMPLE = 18.0
CENTRE = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class LayerTable(CellWidget):
    """Pictures below the sizes of their layers; a click chooses layer and cell."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.answer: Answer | None = None
        self.cell, self.layer = 0, 0
        self.words = ""
        self._drawings = Drawings(self)
        self._heads = (0.0, 0.0, 0.0)  # scale of the type, width of the row heads at it, height of a line
        self.setMinimumSize(320, 236)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Reconstructions by layer")
        self.setToolTip(KEYS_TIP)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(700, 330)

    def show_answer(self, answer: Answer | None, cell: int, layer: int, words: str = "") -> None:
        """Show an answer with a cell and a layer marked; ``words`` stand where there is none."""
        self.answer, self.cell, self.layer, self.words = answer, cell, layer, words
        told = words if answer is None else _told(answer)
        if told != self.accessibleDescription():
            self.setAccessibleDescription(told)
        self.update()

    # ------------------------------------------------------------------------- layout

    def ks(self) -> tuple[int, ...]:
        """Return the number of patches of every row."""
        return () if self.answer is None or not self.answer.study.layers else tuple(self.answer.study.layers[0].error)

    def _line(self) -> float:
        self._head_width()
        return self._heads[2]

    def _head_width(self) -> float:
        if self._heads[0] != self._look.scale:
            metrics = QFontMetricsF(self._look.font(0.85))
            widest = max(metrics.horizontalAdvance(text) for text in (*HEADS, UNDER))
            self._heads = (self._look.scale, widest + GAP, metrics.height())
        return self._heads[1]

    def _columns(self) -> int:
        """Return the number of columns: all layers of the network, also those still to come, and the control."""
        assert self.answer is not None
        return self.answer.depth + 1

    def rect_of(self, row: int, column: int) -> QRectF:
        """Return where the picture of a row (of ``ks``) and column stands; the last column is the control."""
        if self.answer is None:
            return QRectF()
        line, left, count = self._line(), PAD + self._head_width(), self._columns()
        _, _, width, height = self.answer.study.covered
        top = 4 + len(HEADS) * line + 6
        rows = max(1, len(self.ks()))
        room = (self.height() - top - 4) / rows - line - 8
        wide = min((self.width() - left - PAD - (count - 1) * GAP) / count, room * width / height)
        wide = max(1.0, wide)
        high = wide * height / width
        pitch = (self.width() - left - PAD + GAP) / count
        return QRectF(left + column * pitch, top + row * (high + line + 8), wide, high)

    def point_at(self, x: float, y: float) -> tuple[Point, int | None] | None:
        """Return the query's pixel under a widget's point, and the layer whose picture it is in."""
        if self.answer is None:
            return None
        for row in range(len(self.ks())):
            for column in range(self._columns()):
                shown = self.rect_of(row, column)
                if shown.contains(x, y):
                    left, top, width, _ = self.answer.study.covered
                    scale = shown.width() / width
                    place = (left + (x - shown.left()) / scale - 0.5, top + (y - shown.top()) / scale - 0.5)
                    return place, column if column < len(self.answer.study.layers) else None
        return None

    # ----------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw heads, pictures and errors."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("canvas"))
        painter.setFont(self._look.font(0.85))
        if self.answer is None or not self.answer.study.layers:
            painter.setPen(self._look.colour("muted"))
            painter.drawText(
                QRectF(self.rect()).adjusted(24, 8, -24, -8), CENTRE | Qt.TextFlag.TextWordWrap, self.words
            )
        else:
            key = (self.layer, self._look.tokens.name, self._look.scale)
            made = self._drawings.get(key, self.answer, QSizeF(self.size()), self._paint_all)
            painter.drawPixmap(QPointF(0, 0), made)
            for row in range(len(self.ks())):
                for column in range(self._columns()):
                    self._mark(painter, row, column)
        painter.end()

    def _paint_all(self, painter: QPainter) -> None:
        """Draw everything but the cell, which moves while all else stays."""
        assert self.answer is not None
        painter.setFont(self._look.font(0.85))
        self._paint_heads(painter)
        layers = self.answer.study.layers
        for column, result in enumerate(layers):
            self._paint_layer(painter, column, result)
        self._paint_control(painter, layers[self.layer])

    def _mark(self, painter: QPainter, row: int, column: int) -> None:
        """Mark the cell in a picture that is there."""
        assert self.answer is not None
        if len(self.answer.study.layers) <= column < self._columns() - 1:
            return
        shown = self.rect_of(row, column)
        left, top, width, _ = self.answer.study.covered
        scale = shown.width() / width
        x, y = self.answer.study.centres[self.cell].tolist()
        mark = square_in(shown, scale, (x - left, y - top), max(self.answer.study.tile, 5 / scale), even=True)
        draw_square(painter, mark, self._look, "selected", width=1.2)

    def _cell_text(self, painter: QPainter, column: int, line: int, text: str, *, token: str) -> None:
        left = self.rect_of(0, column).left()
        room = (self.rect_of(0, column + 1).left() - GAP if column + 1 < self._columns() else self.width() - 4) - left
        painter.setPen(self._look.colour(token))
        words = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(left, self._base(line)), words)

    def _base(self, line: int) -> float:
        return 4 + line * self._line() + QFontMetricsF(self._look.font(0.85)).ascent()

    def _paint_heads(self, painter: QPainter) -> None:
        painter.setPen(self._look.colour("muted"))
        for index, text in enumerate(HEADS):
            painter.drawText(QPointF(PAD, self._base(index)), text)
        for row, k in enumerate(self.ks()):
            shown = self.rect_of(row, 0)
            painter.setPen(self._look.colour("text"))
            painter.drawText(QRectF(PAD, shown.top(), self._head_width(), shown.height()), LEFT, f"k = {k}")
            painter.setPen(self._look.colour("muted"))
            painter.drawText(self._under(shown, PAD), LEFT, UNDER)

    def _under(self, shown: QRectF, left: float) -> QRectF:
        return QRectF(left, shown.bottom() + 3, 400, self._line())

    def _paint_layer(self, painter: QPainter, column: int, result: LayerResult) -> None:
        chosen = column == self.layer
        layer = result.layer
        painter.setFont(self._look.font(0.85, bold=chosen))
        self._cell_text(painter, column, 0, result.name, token="text")
        painter.setFont(self._look.font(0.85))
        self._cell_text(painter, column, 1, str(layer.width), token="text")
        self._cell_text(painter, column, 2, f"{layer.kernel} × {layer.kernel} / {layer.stride}", token="text")
        self._sample(painter, column, column)
        self._cell_text(painter, column, 4, f"{layer.jump} px", token="text")
        for row, k in enumerate(result.error):
            shown = self.rect_of(row, column)
            self._paint_made(painter, shown, result.pasted[k])
            painter.setPen(self._look.colour("text"))
            error = f"{result.error[k]:.1f}"
            painter.drawText(self._under(shown, shown.left()), LEFT, error)
            painter.setPen(self._look.colour("muted"))
            after = shown.left() + QFontMetricsF(painter.font()).horizontalAdvance(f"{error} ")
            painter.drawText(self._under(shown, after), LEFT, f"({result.control_error[k]:.1f})")
            if chosen:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self._look.colour("accent"), 2 * self._look.line_scale))
                painter.drawRect(shown.adjusted(-2, -2, 2, 2))

    def _sample(self, painter: QPainter, column: int, layer: int) -> None:
        """Draw the line of a layer's square, and how much it sees."""
        assert self.answer is not None
        shown, base = self.rect_of(0, column), self._base(3)
        chosen = layer == self.layer
        width = (2.5 if chosen else 1.3) * self._look.line_scale
        painter.setPen(QPen(self._look.colour("accent" if chosen else "right"), width, DASHES[layer % len(DASHES)]))
        middle = base - QFontMetricsF(painter.font()).ascent() / 2 + 1
        painter.drawLine(QLineF(shown.left(), middle, shown.left() + SAMPLE, middle))
        painter.setPen(self._look.colour("text"))
        painter.drawText(QPointF(shown.left() + SAMPLE + 5, base), f"{self.answer.study.layers[layer].layer.side} px")

    def _paint_control(self, painter: QPainter, result: LayerResult) -> None:
        """Draw what the chosen layer would make if it lost the place within its field."""
        column = self._columns() - 1
        self._cell_text(painter, column, 0, "uniform rf", token="text")
        self._cell_text(painter, column, 1, "any patch of", token="muted")
        self._cell_text(painter, column, 2, "the field of", token="muted")
        self._sample(painter, column, self.layer)
        self._cell_text(painter, column, 4, result.name, token="muted")
        for row, k in enumerate(result.control):
            shown = self.rect_of(row, column)
            self._paint_made(painter, shown, result.control[k])
            painter.setPen(self._look.colour("text"))
            painter.drawText(self._under(shown, shown.left()), LEFT, f"{result.control_error[k]:.1f}")

    def _paint_made(self, painter: QPainter, shown: QRectF, made: Float32) -> None:
        """Draw what is covered; the border, whose cells see beyond the picture, is left out."""
        assert self.answer is not None
        left, top, width, height = self.answer.study.covered
        draw_grey(painter, shown, np.rint(made[top : top + height, left : left + width]))


def _told(answer: Answer) -> str:
    """Return what the table says, for reading aloud."""
    layers = []
    for one in answer.study.layers:
        errors = ", ".join(f"k = {k}: {error:.1f}" for k, error in one.error.items())
        layers.append(f"{one.name} sees {one.layer.side} px, {errors}")
    return "; ".join(layers)
