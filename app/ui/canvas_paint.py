"""What the canvas draws over pictures and lines: captions, highlighted lines, marks, pixel values.

What lives here: functions that take a painter and the view. What does not: the legend (``legend_paint``), state. May
import: those, overlays, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.records import Image, Side
from app.ui.legend_paint import legend
from app.ui.line_layer import draw_marks, pen
from app.ui.overlays import HintLine, LineClass, Mark

if TYPE_CHECKING:
    from app.ui.pair_view import PairView

VALUES_FROM = 32.0


def message(painter: QPainter, view: PairView, text: str) -> None:
    """Write a sentence in the middle."""
    painter.setFont(view.ui_font(1.2))
    painter.setPen(QColor(view.tokens.muted))
    area = QRectF(24, 0, max(1, view.width() - 48), view.height())
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def overlays(painter: QPainter, view: PairView, ends: npt.NDArray[np.float64]) -> None:
    """Draw all that lies over the lines."""
    painter.save()
    painter.setTransform(view.view.transform())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for index, colour in ((view.highlighted, view.tokens.text), (view.selected, view.tokens.selected)):
        if index is not None and 0 <= index < len(ends):
            _strong_line(painter, view, ends[index], colour)
    if view.hint is not None:
        _hint_line(painter, view, view.hint)
    painter.restore()
    _marks(painter, view)
    _captions(painter, view)
    if view.legend is not None:
        legend(painter, view, view.legend)


def _strong_line(painter: QPainter, view: PairView, row: npt.NDArray[np.float64], colour: str) -> None:
    line = QLineF(*row.tolist())
    painter.setPen(pen(view.tokens.canvas, 5.0))
    painter.drawLine(line)
    painter.setPen(pen(colour, 2.4))
    painter.drawLine(line)
    scale = view.view.scale
    draw_marks(painter, row.reshape(2, 2), LineClass("", colour, "solid", "ring"), 8.0 / scale)


def _hint_line(painter: QPainter, view: PairView, hint: HintLine) -> None:
    """Draw the part of a line that lies on its picture."""
    if view.scene is None:
        return
    a, b, c = hint.abc
    at = view.scene.of(hint.side)
    if not np.isfinite([a, b, c]).all():
        return
    if abs(b) >= abs(a):
        xs = np.array([-0.5, at.width - 0.5])
        points = np.stack([xs, -(a * xs + c) / b], axis=1)
    else:
        ys = np.array([-0.5, at.height - 0.5])
        points = np.stack([-(b * ys + c) / a, ys], axis=1)
    painter.save()
    painter.setClipRect(QRectF(at.x, at.y, at.width * at.scale, at.height * at.scale))
    plane = view.scene.to_plane(hint.side, points)
    painter.setPen(pen(view.tokens.selected, 1.6))
    painter.drawLine(QLineF(*plane.reshape(-1).tolist()))
    painter.restore()


def _marks(painter: QPainter, view: PairView) -> None:
    """Draw all marks, then their words over them, where they do not cover each other."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for mark in view.marks:
        _mark(painter, view, mark)
    metrics = QFontMetricsF(view.ui_font(0.9))
    taken: list[QRectF] = []
    for mark in view.marks:
        if mark.text:
            at, plate = free_place(view, mark, metrics, taken)
            taken.append(plate)
            label(painter, view, at, mark.text, QColor(getattr(view.tokens, mark.colour, mark.colour)))
    painter.restore()


def _mark(painter: QPainter, view: PairView, mark: Mark) -> None:
    centre = view.screen_of(mark.side, mark.x, mark.y)
    colour = QColor(getattr(view.tokens, mark.colour, mark.colour))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, tone in ((4.0, QColor(view.tokens.canvas)), (2.0, colour)):
        painter.setPen(QPen(tone, width))
        if mark.radius:
            painter.drawEllipse(centre, mark.radius, mark.radius)
        else:
            painter.drawLine(centre + QPointF(-8, 0), centre + QPointF(8, 0))
            painter.drawLine(centre + QPointF(0, -8), centre + QPointF(0, 8))


def free_place(view: PairView, mark: Mark, metrics: QFontMetricsF, taken: list[QRectF]) -> tuple[QPointF, QRectF]:
    """Return where a mark's words begin and their plate: the first place around it that is inside and free."""
    centre, width = view.screen_of(mark.side, mark.x, mark.y), metrics.horizontalAdvance(mark.text)
    right, left, low, row = 10 + mark.radius, -10 - mark.radius - width, 8 + metrics.ascent(), metrics.height() + 5
    places = [
        place
        for step in (0.0, row, 2 * row)
        for place in ((right, -8 - step), (right, low + step), (left, -8 - step), (left, low + step))
    ]
    inside = QRectF(0, 0, view.width(), view.height())
    for x, y in places:
        at = centre + QPointF(x, y)
        plate = _plate(at, mark.text, metrics)
        if inside.contains(plate) and not any(plate.intersects(other) for other in taken):
            return at, plate
    at = centre + QPointF(*places[0])
    return at, _plate(at, mark.text, metrics)


def _plate(at: QPointF, text: str, metrics: QFontMetricsF) -> QRectF:
    """Return the ground of words whose baseline begins at ``at``."""
    return QRectF(at.x() - 4, at.y() - metrics.ascent() - 2, metrics.horizontalAdvance(text) + 8, metrics.height() + 4)


def label(painter: QPainter, view: PairView, at: QPointF, text: str, colour: QColor) -> None:
    """Write words on a small plate that does not leave the view."""
    painter.setFont(view.ui_font(0.9))
    metrics = QFontMetricsF(painter.font())
    at = QPointF(max(4.0, min(at.x(), view.width() - metrics.horizontalAdvance(text) - 4)), at.y())
    back = QColor(view.tokens.surface)
    back.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(_plate(at, text, metrics), 4, 4)
    painter.setPen(colour)
    painter.drawText(at, text)


def _captions(painter: QPainter, view: PairView) -> None:
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
        if row >= 0 and view.picture_at(left + 2, row) is None and view.picture_at(left + 2, top - 2) is None:
            painter.setPen(QColor(view.tokens.muted))
            painter.drawText(QPointF(x, top - 6), shown)
        else:  # no room above: on a plate inside the picture
            shown = metrics.elidedText(view.caption_of(side), Qt.TextElideMode.ElideMiddle, right - left - 12)
            label(painter, view, QPointF(left + 8, top + metrics.ascent() + 8), shown, QColor(view.tokens.text))


def caption_place(view: PairView, side: Side, width: float) -> tuple[float, float]:
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


def pixel_values(painter: QPainter, view: PairView, side: Side, image: Image, scale: float) -> None:
    """Print the grey of every visible pixel once pixels are large enough."""
    if scale < VALUES_FROM or view.scene is None:
        return
    left, top, right, bottom = view.window_of(view.scene.of(side))
    first, last = view.picture_at(left + 1, top + 1), view.picture_at(right - 1, bottom - 1)
    if first is None or last is None or first.side != side or last.side != side:
        return
    painter.setFont(view.ui_font(0.7))
    for y in range(max(0, round(first.y)), min(image.height - 1, round(last.y)) + 1):
        for x in range(max(0, round(first.x)), min(image.width - 1, round(last.x)) + 1):
            r, g, b = (int(v) for v in image.rgb[y, x])
            text = str(r) if r == g == b else f"{r}\n{g}\n{b}"
            painter.setPen(QColor("#000000" if r + g + b > 380 else "#ffffff"))
            centre = view.screen_of(side, x, y)
            area = QRectF(centre.x() - scale / 2, centre.y() - scale / 2, scale, scale)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)


def rubber_band(painter: QPainter, area: QRectF, colour: str) -> None:
    """Draw the rectangle being selected."""
    fill = QColor(colour)
    fill.setAlpha(50)
    painter.setBrush(fill)
    painter.setPen(QPen(QColor(colour), 1))
    painter.drawRect(area)


def focus_ring(painter: QPainter, width: int, height: int, colour: str) -> None:
    """Show that the canvas has the keyboard."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colour), 1))
    painter.drawRect(QRectF(0.5, 0.5, width - 1, height - 1))
