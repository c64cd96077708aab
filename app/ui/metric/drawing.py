"""Marks that two pages draw alike: points of a class by colour and shape, crosses, lengths.

What lives here: shapes. May import: ``app.ui.style``, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from app.ui.style import Style

CLASS_TOKENS = ("right", "wrong", "consistent", "accent", "error", "selected")


def class_colour(look: Style, index: int) -> QColor:
    """Return the colour of a class; its shape tells it apart as well."""
    return look.colour(CLASS_TOKENS[index % len(CLASS_TOKENS)])


def draw_shape(painter: QPainter, at: QPointF, index: int, radius: float) -> None:
    """Draw a class's shape with the painter's pen and brush: disc, square, triangle, diamond in turn."""
    x, y = at.x(), at.y()
    kind = index % 4
    if kind == 0:
        painter.drawEllipse(at, radius, radius)
    elif kind == 1:
        side = radius * 0.9
        painter.drawRect(QRectF(x - side, y - side, 2 * side, 2 * side))
    elif kind == 2:
        corners = [QPointF(x, y - 1.2 * radius), QPointF(x + 1.1 * radius, y + 0.8 * radius),
                   QPointF(x - 1.1 * radius, y + 0.8 * radius)]  # fmt: skip
        painter.drawPolygon(QPolygonF(corners))
    else:
        corners = [QPointF(x, y - 1.25 * radius), QPointF(x + 1.25 * radius, y), QPointF(x, y + 1.25 * radius),
                   QPointF(x - 1.25 * radius, y)]  # fmt: skip
        painter.drawPolygon(QPolygonF(corners))


def draw_cross(painter: QPainter, at: QPointF, reach: float, colour: QColor, width: float) -> None:
    """Draw a cross around a point."""
    painter.setPen(QPen(colour, width))
    painter.setBrush(QBrush(Qt.BrushStyle.NoBrush))
    for sign in (-1, 1):
        painter.drawLine(at + QPointF(-reach, -sign * reach), at + QPointF(reach, sign * reach))


def draw_span(painter: QPainter, look: Style, span: tuple[float, float], y: float, token: str) -> None:
    """Draw a length with ticks at its ends."""
    painter.setPen(QPen(look.colour(token), 3 * look.line_scale))
    painter.drawLine(QPointF(span[0], y), QPointF(span[1], y))
    for x in span:
        painter.drawLine(QPointF(x, y - 5), QPointF(x, y + 5))
