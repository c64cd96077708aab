"""Words on a canvas, and its frame: a sentence in the middle, the captions above the pictures, labels, the focus.

What lives here: functions that take a painter and the canvas. What does not: all else that lies over the pictures
(``canvas_paint``): the first paint needs these alone. May import: records, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.records import Side

if TYPE_CHECKING:
    from app.ui.pair_plane import PairPlane

READING = "The pictures are being read."


def message(painter: QPainter, view: PairPlane, text: str) -> None:
    """Write a sentence in the middle."""
    painter.setFont(view.ui_font(1.2))
    painter.setPen(QColor(view.tokens.muted))
    area = QRectF(24, 0, max(1, view.width() - 48), view.height())
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def captions(painter: QPainter, view: PairPlane) -> None:
    """Write the words above either picture, inside it where there is no room."""
    painter.setFont(view.ui_font(0.9))
    metrics = QFontMetricsF(painter.font())
    for side in view.captions:
        if view.scene is None:
            continue
        left, top, right, _ = view.window_of(view.scene.of(side))
        if right - left < 40:
            continue
        x, room = caption_place(view, side, metrics.horizontalAdvance(view.caption_of(side)))
        shown = metrics.elidedText(view.caption_of(side), Qt.TextElideMode.ElideMiddle, room)
        row = top - metrics.height() - 4
        if row >= 0 and view.side_at(left + 2, row) is None and view.side_at(left + 2, top - 2) is None:
            painter.setPen(QColor(view.tokens.muted))
            painter.drawText(QPointF(x, top - 6), shown)
        else:  # no room above: on a plate inside the picture
            shown = metrics.elidedText(view.caption_of(side), Qt.TextElideMode.ElideMiddle, right - left - 12)
            label(painter, view, QPointF(left + 8, top + metrics.ascent() + 8), shown, QColor(view.tokens.text))


def caption_place(view: PairPlane, side: Side, width: float) -> tuple[float, float]:
    """Return where the words above a picture begin and their room: beyond a narrow picture on its free side."""
    assert view.scene is not None
    left, _, right, _ = view.window_of(view.scene.of(side))
    other_left, _, other_right, _ = view.window_of(view.scene.of("right" if side == "left" else "left"))
    if width <= right - left - 12:
        return left + 2, width + 1
    if other_left >= right:  # the other picture stands at the right
        room = min(width + 1, right - 6)
        return right - 2 - room, room
    if other_right <= left or other_left == left:
        return left + 2, view.width() - left - 6
    return left + 2, right - left - 12


def label(painter: QPainter, view: PairPlane, at: QPointF, text: str, colour: QColor) -> None:
    """Write words on a small plate that does not leave the view."""
    painter.setFont(view.ui_font(0.9))
    metrics = QFontMetricsF(painter.font())
    at = QPointF(max(4.0, min(at.x(), view.width() - metrics.horizontalAdvance(text) - 4)), at.y())
    back = QColor(view.tokens.surface)
    back.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(plate_of(at, text, metrics), 4, 4)
    painter.setPen(colour)
    painter.drawText(at, text)


def plate_of(at: QPointF, text: str, metrics: QFontMetricsF) -> QRectF:
    """Return the ground of words whose baseline begins at ``at``."""
    return QRectF(at.x() - 4, at.y() - metrics.ascent() - 2, metrics.horizontalAdvance(text) + 8, metrics.height() + 4)


def focus_ring(painter: QPainter, width: int, height: int, colour: str) -> None:
    """Show that the canvas has the keyboard."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colour), 1))
    painter.drawRect(QRectF(0.5, 0.5, width - 1, height - 1))
