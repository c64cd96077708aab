"""The cell looked at: in its picture, enlarged with what every layer sees of it, and the patches it was pasted from.

What lives here: :class:`FieldView`. What does not: the reconstructions (``layer_table``), the search. May import:
``cell_widget``, ``reconstruction_state``, style, numpy, Qt.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Array, Point
from app.ui.convnet.cell_widget import (
    DASHES,
    KEYS_TIP,
    CellWidget,
    Drawings,
    draw_grey,
    draw_square,
    fitted_into,
    square_in,
)
from app.ui.convnet.reconstruction_state import Answer
from app.ui.style import Style

PAD = 12.0
GAP = 6.0
ROOM = 1.15  # of the largest field, seen in the enlargement
ZOOM_SHARE, PATCH_SHARE = 0.22, 0.27  # of the width


class FieldView(CellWidget):
    """Four pictures in a row: the query, its enlargement, where the nearest patch is from, and the patches."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.answer: Answer | None = None
        self.cell, self.layer, self.k = 0, 0, 5
        self._drawings = Drawings(self)
        self.setMinimumSize(320, 130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Query picture with its cell, and the patches it is pasted from")
        self.setToolTip(KEYS_TIP)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(700, 200)

    def show_cell(self, answer: Answer | None, cell: int, layer: int, k: int) -> None:
        """Show a cell of an answer with its k nearest by a layer."""
        self.answer, self.cell, self.layer, self.k = answer, cell, layer, k
        self.update()

    # ------------------------------------------------------------------------- layout

    def _line(self) -> float:
        return QFontMetricsF(self._look.font(0.85)).height()

    def areas(self) -> tuple[QRectF, QRectF, QRectF, QRectF]:
        """Return where query, enlargement, source and patches may stand, below their heads."""
        top = 8 + self._line() + 4
        height = self.height() - top - 8
        width = self.width() - 2 * PAD - 3 * PAD
        zoom = max(1.0, min(height, ZOOM_SHARE * width))
        patches = PATCH_SHARE * width
        picture = max(1.0, (width - zoom - patches) / 2)
        rects, x = [], PAD
        for wide in (picture, zoom, picture, patches):
            rects.append(QRectF(x, top, wide, max(1.0, height)))
            x += wide + PAD
        return rects[0], rects[1], rects[2], rects[3]

    def query_rect(self) -> QRectF:
        """Return where the query stands."""
        if self.answer is None:
            return QRectF()
        height, width = self.answer.study.grey.shape
        return fitted_into(self.areas()[0], width, height)

    def point_at(self, x: float, y: float) -> tuple[Point, int | None] | None:
        """Return the query's pixel under a widget's point."""
        shown = self.query_rect()
        if self.answer is None or not shown.contains(x, y):
            return None
        scale = shown.width() / self.answer.study.grey.shape[1]
        return ((x - shown.left()) / scale - 0.5, (y - shown.top()) / scale - 0.5), None

    # ----------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the four parts."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("canvas"))
        painter.setFont(self._look.font(0.85))
        answer = self.answer
        if answer is not None and answer.study.layers:
            query, zoom, source, patches = self.areas()
            self._paint_query(painter, query, answer)
            self._paint_zoom(painter, zoom, answer)
            self._paint_source(painter, source, answer)
            self._paint_patches(painter, patches, answer)
        painter.end()

    def _head(self, painter: QPainter, area: QRectF, text: str) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.setPen(self._look.colour("muted"))
        words = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(QPointF(area.left(), 8 + metrics.ascent()), words)

    def _centre(self, answer: Answer) -> Point:
        x, y = answer.study.centres[self.cell].tolist()
        return float(x), float(y)

    def _paint_query(self, painter: QPainter, area: QRectF, answer: Answer) -> None:
        study = answer.study
        shown = fitted_into(area, study.grey.shape[1], study.grey.shape[0])
        self._drawings.grey(painter, shown, study.grey)
        scale = shown.width() / study.grey.shape[1]
        left, top, width, height = study.covered
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._look.colour("undecided"), 1, Qt.PenStyle.DotLine))
        painter.drawRect(QRectF(shown.left() + left * scale, shown.top() + top * scale, width * scale, height * scale))
        side = study.layers[self.layer].layer.side
        draw_square(painter, square_in(shown, scale, self._centre(answer), side), self._look, "accent")
        small = square_in(shown, scale, self._centre(answer), study.tile, even=True)
        draw_square(painter, small, self._look, "selected")
        self._head(painter, area, f"Query: {answer.question.side} picture")

    def _paint_zoom(self, painter: QPainter, area: QRectF, answer: Answer) -> None:
        """Enlarge the surroundings of the cell, as far as the deepest layer sees."""
        study, (x, y) = answer.study, self._centre(answer)
        largest = max(layer.layer.side for layer in study.layers)
        reach = int(np.ceil(max(ROOM * largest, study.tile + 2) / 2))
        side = min(area.width(), area.height())
        shown = QRectF(area.left(), area.top(), side, side)
        scale = side / (2 * reach + 1)
        draw_grey(painter, shown, crop(study.grey, (x, y), reach))
        painter.save()
        painter.setClipRect(shown)
        middle = (float(reach), float(reach))
        order = [i for i in range(len(study.layers)) if i != self.layer]
        for index in [*reversed(order), self.layer]:
            chosen = index == self.layer
            field = square_in(shown, scale, middle, study.layers[index].layer.side)
            colour = "accent" if chosen else "right"
            dash = DASHES[index % len(DASHES)]
            draw_square(painter, field, self._look, colour, width=2.5 if chosen else 1.3, dash=dash)
        draw_square(painter, square_in(shown, scale, middle, study.tile, even=True), self._look, "selected")
        painter.restore()
        seen = study.layers[self.layer]
        self._head(painter, area, f"{seen.name} sees {seen.layer.side} px")

    def _paint_source(self, painter: QPainter, area: QRectF, answer: Answer) -> None:
        """Show the picture that the nearest patch is from, with those of the k that are from it."""
        study = answer.study
        found = study.layers[self.layer]
        if not found.picture.shape[1]:
            return
        index = int(found.picture[self.cell, 0])
        grey = study.database[index]
        shown = fitted_into(area, grey.shape[1], grey.shape[0])
        self._drawings.grey(painter, shown, grey)
        scale = shown.width() / grey.shape[1]
        here = [n for n in range(min(self.k, found.picture.shape[1])) if found.picture[self.cell, n] == index]
        metrics = QFontMetricsF(painter.font())
        for number in reversed(here):
            u, v = found.xy[self.cell, number].tolist()
            mark = square_in(shown, scale, (u, v), max(study.tile, 5 / scale), even=True)
            draw_square(painter, mark, self._look, "selected" if number == 0 else "right")
            if number == 0:
                right = mark.right() + 3 + metrics.horizontalAdvance("1") < shown.right()
                at = QPointF(mark.right() + 3 if right else mark.left() - 10, mark.center().y() + metrics.ascent() / 2)
                self._outlined(painter, at, "1")
        self._head(painter, area, f"{len(here)} of {min(self.k, found.picture.shape[1])} from: {answer.names[index]}")

    def _outlined(self, painter: QPainter, at: QPointF, text: str) -> None:
        painter.setPen(self._look.colour("canvas"))
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(at + QPointF(dx, dy), text)
        painter.setPen(self._look.colour("selected"))
        painter.drawText(at, text)

    def _paint_patches(self, painter: QPainter, area: QRectF, answer: Answer) -> None:
        """Show the cell's own surroundings and those of its nearest, as far as the layer sees."""
        study, found = answer.study, answer.study.layers[self.layer]
        count = min(self.k, found.picture.shape[1])
        reach = max(found.layer.side // 2, study.tile // 2 + 1)
        line = self._line()
        columns, side = shape_of(count + 1, area, line)
        self._head(painter, area, f"What {found.name} takes for alike")
        metrics = QFontMetricsF(painter.font())
        for index in range(count + 1):
            row, column = divmod(index, columns)
            at = QRectF(area.left() + column * (side + GAP), area.top() + row * (side + line + GAP), side, side)
            if index == 0:
                grey, centre, words = study.grey, self._centre(answer), "cell"
            else:
                u, v = found.xy[self.cell, index - 1].tolist()
                grey, centre = study.database[int(found.picture[self.cell, index - 1])], (u, v)
                words = f"{index} · {found.nearest.cosine[self.cell, index - 1]:.3f}"
                if metrics.horizontalAdvance(words) > side:
                    words = str(index)
            draw_grey(painter, at, crop(grey, centre, reach))
            scale = side / (2 * reach + 1)
            tile = square_in(at, scale, (float(reach), float(reach)), study.tile, even=True)
            draw_square(painter, tile, self._look, "selected", width=1.2)
            painter.setPen(self._look.colour("text" if index == 0 else "muted"))
            painter.drawText(QPointF(at.left(), at.bottom() + metrics.ascent() + 1), words)


def crop(grey: Array, centre: Point, reach: int) -> Array:
    """Return (2 reach + 1) squared pixels around one; beyond the picture its border is repeated."""
    offset = np.arange(-reach, reach + 1)
    rows = np.clip(round(centre[1]) + offset, 0, grey.shape[0] - 1)
    columns = np.clip(round(centre[0]) + offset, 0, grey.shape[1] - 1)
    cut: Array = grey[np.ix_(rows, columns)]
    return cut


def shape_of(count: int, area: QRectF, line: float) -> tuple[int, float]:
    """Return in how many columns so many squares, each with a line of words below, are largest, and their side."""

    def side(columns: int) -> float:
        """Return the side the squares get in so many columns."""
        rows = -(-count // columns)
        wide = (area.width() - (columns - 1) * GAP) / columns
        high = (area.height() - (rows - 1) * GAP) / rows - line
        return min(wide, high)

    best = max(range(1, count + 1), key=side)
    return best, max(4.0, side(best))
