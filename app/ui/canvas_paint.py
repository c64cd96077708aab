"""What the canvas draws over pictures and lines: captions, highlighted lines, marks, legend, pixel values.

What lives here: functions that take a painter and the view. What does not: state. May import: overlays, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from app.records import Image, Side
from app.ui.line_layer import draw_marks, pen
from app.ui.overlays import HintLine, Legend, LegendRow, LineClass, Mark

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
    for mark in view.marks:
        _mark(painter, view, mark)
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


def _mark(painter: QPainter, view: PairView, mark: Mark) -> None:
    centre = view.screen_of(mark.side, mark.x, mark.y)
    colour = QColor(getattr(view.tokens, mark.colour, mark.colour))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, tone in ((4.0, QColor(view.tokens.canvas)), (2.0, colour)):
        painter.setPen(QPen(tone, width))
        if mark.radius:
            painter.drawEllipse(centre, mark.radius, mark.radius)
        else:
            painter.drawLine(centre + QPointF(-8, 0), centre + QPointF(8, 0))
            painter.drawLine(centre + QPointF(0, -8), centre + QPointF(0, 8))
    if mark.text:
        label(painter, view, centre + QPointF(10 + mark.radius, -8), mark.text, colour)
    painter.restore()


def label(painter: QPainter, view: PairView, at: QPointF, text: str, colour: QColor) -> None:
    """Write words on a small plate that does not leave the view."""
    painter.setFont(view.ui_font(0.9))
    metrics = QFontMetricsF(painter.font())
    at = QPointF(max(4.0, min(at.x(), view.width() - metrics.horizontalAdvance(text) - 4)), at.y())
    plate = QRectF(at.x() - 4, at.y() - metrics.ascent() - 2, metrics.horizontalAdvance(text) + 8, metrics.height() + 4)
    back = QColor(view.tokens.surface)
    back.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(plate, 4, 4)
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
        shown = metrics.elidedText(view.caption_of(side), Qt.TextElideMode.ElideMiddle, right - left - 12)
        row = top - metrics.height() - 4
        if row >= 0 and view.picture_at(left + 2, row) is None and view.picture_at(left + 2, top - 2) is None:
            painter.setPen(QColor(view.tokens.muted))
            painter.drawText(QPointF(left + 2, top - 6), shown)
        else:  # no room above: on a plate inside the picture
            label(painter, view, QPointF(left + 8, top + metrics.ascent() + 8), shown, QColor(view.tokens.text))


def legend(painter: QPainter, view: PairView, content: Legend) -> None:
    """Draw the legend in the lower right corner."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(view.ui_font(0.9))
    metrics = QFontMetricsF(painter.font())
    row = metrics.height() + 6
    width = max(
        [metrics.horizontalAdvance(content.title) + 16]
        + [56 + metrics.horizontalAdvance(r.text) + 20 + metrics.horizontalAdvance(r.count) for r in content.rows]
        + ([metrics.horizontalAdvance(content.low + content.high) + 48, 180.0] if content.bar else [])
    )
    height = row * (1 + len(content.rows)) + (row * 1.5 if content.bar else 0) + 12
    box = QRectF(view.width() - width - 24, view.height() - height - 12, width + 12, height)
    back = QColor(view.tokens.surface)
    back.setAlpha(235)
    painter.setPen(QPen(QColor(view.tokens.rule), 1))
    painter.setBrush(back)
    painter.drawRoundedRect(box, 4, 4)
    x, y = box.left() + 10, box.top() + 6 + metrics.ascent()
    painter.setPen(QColor(view.tokens.muted))
    painter.drawText(QPointF(x, y), content.title)
    if content.bar:
        _colour_bar(painter, view, content, QRectF(x, y + 8, box.width() - 20, 10), metrics)
        y += row * 1.5
    for item in content.rows:
        y += row
        _legend_row(painter, view, item, (x, y, box.right() - 10), metrics)
    painter.restore()


def _legend_row(
    painter: QPainter, view: PairView, item: LegendRow, place: tuple[float, float, float], metrics: QFontMetricsF
) -> None:
    x, y, right = place
    middle = y - metrics.ascent() / 2 + 1
    if item.mark != "none":
        painter.setPen(pen(item.colour, 2.0, item.dash))
        painter.drawLine(QLineF(x, middle, x + 34, middle))
        ends = np.array([[x, middle], [x + 34, middle]])
        draw_marks(painter, ends, LineClass("", item.colour, "solid", item.mark), 3.0)
    painter.setPen(QColor(view.tokens.text))
    painter.drawText(QPointF(x + 46, y), item.text)
    painter.setPen(QColor(view.tokens.muted))
    painter.drawText(QPointF(right - metrics.horizontalAdvance(item.count), y), item.count)


def _colour_bar(painter: QPainter, view: PairView, content: Legend, bar: QRectF, metrics: QFontMetricsF) -> None:
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for index, colour in enumerate(content.bar):
        gradient.setColorAt(index / max(1, len(content.bar) - 1), QColor(colour))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRect(bar)
    painter.setPen(QColor(view.tokens.text))
    under = bar.bottom() + metrics.ascent() + 4
    painter.drawText(QPointF(bar.left(), under), content.low)
    painter.drawText(QPointF(bar.right() - metrics.horizontalAdvance(content.high), under), content.high)


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
