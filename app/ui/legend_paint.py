"""The legend of the picture canvas: a box in the corner, or one line below the pictures where the box would cover them.

What lives here: :func:`legend` and :func:`place_of`. What does not: what it says (``colour_rules``). May import:
overlays, ``line_layer``, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from app.records import Side
from app.ui.line_layer import draw_marks, pen
from app.ui.overlays import Legend, LegendRow, LineClass

if TYPE_CHECKING:
    from app.ui.pair_view import PairView

EDGE = 12.0
SIDES: tuple[Side, Side] = ("left", "right")
SAMPLE = 34.0  # length of a line drawn as an example
WORDS_AT = SAMPLE + 12
BAR = 180.0


def legend(painter: QPainter, view: PairView, content: Legend) -> None:
    """Draw the legend where it covers least of the pictures."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(view.ui_font(0.9))
    metrics = QFontMetricsF(painter.font())
    area, in_line = place_of(view, content)
    back = QColor(view.tokens.surface)
    back.setAlpha(235)
    painter.setPen(QPen(QColor(view.tokens.rule), 1))
    painter.setBrush(back)
    painter.drawRoundedRect(area, 4, 4)
    if in_line:
        _line(painter, view, content, area, metrics)
    else:
        _box(painter, view, content, area, metrics)
    painter.restore()


def place_of(view: PairView, content: Legend) -> tuple[QRectF, bool]:
    """Return the legend's rectangle in the view, and whether it is one line.

    A box in the lower right corner; one line along the lower edge where the box would cover a picture and the line
    hardly does, as below pictures that fill the width.
    """
    metrics = QFontMetricsF(view.ui_font(0.9))
    width, height = _box_size(content, metrics)
    box = QRectF(view.width() - width - EDGE, view.height() - height - EDGE, width, height)
    covered = _covered(view, box)
    length = _line_length(content, metrics)
    if not covered or length > view.width() - 2 * EDGE:
        return box, False
    high = metrics.height() + 8
    line = QRectF(view.width() - length - EDGE, view.height() - high - 2, length, high)
    mostly_free = _covered(view, line) < 0.5 * line.width() * line.height()
    return (line, True) if mostly_free else (box, False)


def _covered(view: PairView, area: QRectF) -> float:
    """Return how much of the pictures lies under a rectangle, in square pixels."""
    if view.scene is None:
        return 0.0
    total = 0.0
    for side in SIDES:
        left, top, right, bottom = view.window_of(view.scene.of(side))
        under = area.intersected(QRectF(left, top, right - left, bottom - top))
        total += max(0.0, under.width()) * max(0.0, under.height())
    return total


def _row_length(item: LegendRow, metrics: QFontMetricsF) -> float:
    return WORDS_AT + metrics.horizontalAdvance(item.text) + metrics.horizontalAdvance(item.count)


# --------------------------------------------------------------------------------- the box


def _box_size(content: Legend, metrics: QFontMetricsF) -> tuple[float, float]:
    row = metrics.height() + 6
    width = max(
        [metrics.horizontalAdvance(content.title) + 28]
        + [_row_length(item, metrics) + 42 for item in content.rows]
        + ([metrics.horizontalAdvance(content.low + content.high) + 60, BAR + 12] if content.bar else [])
    )
    return width, row * (1 + len(content.rows)) + (row * 1.5 if content.bar else 0) + 12


def _box(painter: QPainter, view: PairView, content: Legend, area: QRectF, metrics: QFontMetricsF) -> None:
    x, y = area.left() + 10, area.top() + 6 + metrics.ascent()
    row = metrics.height() + 6
    painter.setPen(QColor(view.tokens.muted))
    painter.drawText(QPointF(x, y), content.title)
    if content.bar:
        bar = QRectF(x, y + 8, area.width() - 20, 10)
        _colour_bar(painter, content, bar)
        painter.setPen(QColor(view.tokens.text))
        under = bar.bottom() + metrics.ascent() + 4
        painter.drawText(QPointF(bar.left(), under), content.low)
        painter.drawText(QPointF(bar.right() - metrics.horizontalAdvance(content.high), under), content.high)
        y += row * 1.5
    for item in content.rows:
        y += row
        _sample(painter, view, item, QPointF(x, y), metrics)
        painter.setPen(QColor(view.tokens.muted))
        painter.drawText(QPointF(area.right() - 10 - metrics.horizontalAdvance(item.count), y), item.count)


# -------------------------------------------------------------------------------- the line


def _line_length(content: Legend, metrics: QFontMetricsF) -> float:
    length = 20 + metrics.horizontalAdvance(content.title)
    if content.bar:
        length += 20 + metrics.horizontalAdvance(content.low) + 8 + BAR + 8 + metrics.horizontalAdvance(content.high)
    return length + sum(20 + _row_length(item, metrics) + 8 for item in content.rows)


def _line(painter: QPainter, view: PairView, content: Legend, area: QRectF, metrics: QFontMetricsF) -> None:
    x, y = area.left() + 10, area.top() + 4 + metrics.ascent()
    painter.setPen(QColor(view.tokens.muted))
    painter.drawText(QPointF(x, y), content.title)
    x += metrics.horizontalAdvance(content.title) + 20
    if content.bar:
        painter.setPen(QColor(view.tokens.text))
        painter.drawText(QPointF(x, y), content.low)
        x += metrics.horizontalAdvance(content.low) + 8
        _colour_bar(painter, content, QRectF(x, area.center().y() - 5, BAR, 10))
        painter.setPen(QColor(view.tokens.text))
        painter.drawText(QPointF(x + BAR + 8, y), content.high)
        x += BAR + 8 + metrics.horizontalAdvance(content.high) + 20
    for item in content.rows:
        _sample(painter, view, item, QPointF(x, y), metrics)
        painter.setPen(QColor(view.tokens.muted))
        words = WORDS_AT + metrics.horizontalAdvance(item.text) + 8
        painter.drawText(QPointF(x + words, y), item.count)
        x += words + metrics.horizontalAdvance(item.count) + 20


# -------------------------------------------------------------------------------- the parts


def _sample(painter: QPainter, view: PairView, item: LegendRow, at: QPointF, metrics: QFontMetricsF) -> None:
    """Draw a line as it is in the picture, and its words; ``at`` is the beginning of the words' baseline."""
    middle = at.y() - metrics.ascent() / 2 + 1
    if item.mark != "none":
        painter.setPen(pen(item.colour, 2.0, item.dash))
        painter.drawLine(QLineF(at.x(), middle, at.x() + SAMPLE, middle))
        ends = np.array([[at.x(), middle], [at.x() + SAMPLE, middle]])
        draw_marks(painter, ends, LineClass("", item.colour, "solid", item.mark), 3.0)
    painter.setPen(QColor(view.tokens.text))
    painter.drawText(at + QPointF(WORDS_AT, 0), item.text)


def _colour_bar(painter: QPainter, content: Legend, bar: QRectF) -> None:
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for index, colour in enumerate(content.bar):
        gradient.setColorAt(index / max(1, len(content.bar) - 1), QColor(colour))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRect(bar)
