"""What the canvas draws over pictures and lines: highlighted lines, marks, pixel values.

What lives here: functions that take a painter and the view. What does not: words (``canvas_words``), the legend
(``legend_paint``), state. May import: those, overlays, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.records import Image, Side
from app.ui.canvas_words import captions, label, plate_of
from app.ui.legend_paint import legend
from app.ui.line_layer import draw_marks, pen
from app.ui.overlays import HintLine, LineClass, Mark

if TYPE_CHECKING:
    from app.ui.pair_view import PairView

VALUES_FROM = 32.0
LINE_ROOM, END_ROOM = 2.0, 6.0  # pixels left between words and a line, and more at its ends


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
    _marks(painter, view, strong_line_on_screen(view, ends))
    captions(painter, view)
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


def strong_line_on_screen(view: PairView, ends: npt.NDArray[np.float64]) -> QLineF | None:
    """Return the line of the highlighted, else of the selected match in pixels of the view, None without one."""
    index = view.selected if view.highlighted is None else view.highlighted
    return view.view.transform().map(QLineF(*ends[index].tolist())) if index is not None and index < len(ends) else None


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


def _marks(painter: QPainter, view: PairView, line: QLineF | None) -> None:
    """Draw all marks, then their words over them, where they cover neither each other nor the line looked at."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for mark in view.marks:
        _mark(painter, view, mark)
    metrics = QFontMetricsF(view.ui_font(0.9))
    taken: list[QRectF] = []
    for mark in view.marks:
        if mark.text:
            at, plate = free_place(view, mark, metrics, taken, line)
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


def crosses(line: QLineF | None, plate: QRectF) -> bool:
    """Whether a line, with the rings at its ends, is covered by a plate."""
    if line is None:
        return False
    room = plate.adjusted(-LINE_ROOM, -LINE_ROOM, LINE_ROOM, LINE_ROOM)
    if any(room.adjusted(-END_ROOM, -END_ROOM, END_ROOM, END_ROOM).contains(end) for end in (line.p1(), line.p2())):
        return True
    diagonals = QLineF(room.topLeft(), room.bottomRight()), QLineF(room.topRight(), room.bottomLeft())
    return any(line.intersects(d)[0] == QLineF.IntersectionType.BoundedIntersection for d in diagonals)


def free_place(
    view: PairView, mark: Mark, metrics: QFontMetricsF, taken: list[QRectF], line: QLineF | None = None
) -> tuple[QPointF, QRectF]:
    """Return where a mark's words begin and their plate: the first place around it that is inside and free.

    Args:
        view, mark, metrics: what is written, where and how.
        taken: plates that are there already.
        line: in pixels of the view, left uncovered where there is room beside it.
    """
    centre, width = view.screen_of(mark.side, mark.x, mark.y), metrics.horizontalAdvance(mark.text)
    right, left, low, row = 10 + mark.radius, -10 - mark.radius - width, 8 + metrics.ascent(), metrics.height() + 5
    places = [
        place
        for step in (0.0, row / 2, row, 2 * row)
        for place in ((right, -8 - step), (right, low + step), (left, -8 - step), (left, low + step))
    ]
    inside = QRectF(0, 0, view.width(), view.height())
    for x, y in places:
        at = centre + QPointF(x, y)
        plate = plate_of(at, mark.text, metrics)
        if inside.contains(plate) and not crosses(line, plate) and not any(plate.intersects(p) for p in taken):
            return at, plate
    if line is not None:
        return free_place(view, mark, metrics, taken)
    at = centre + QPointF(*places[0])
    return at, plate_of(at, mark.text, metrics)


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
