"""One picture with zoom and pan and a cursor over it: the large view of the SIFT pages.

What lives here: :class:`PictureView`. What does not: what a page draws over it (a function it hands over). May
import: ``app.vision.pyramid``, ``app.ui.plane_view`` for its rules, ``app.ui.style``, Qt.

The picture may be a level of the scale space: its pixel i then lies at ``i * step`` of the image, while the image's
own pixel (0, 0), whose centre is the origin of all coordinates, covers the unit square. Both halves are added here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QLineF, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Point, UInt8
from app.ui.kept_picture import as_qimage
from app.ui.pair_mouse import CLICK_PX
from app.ui.plane_view import MOST_SCALE, ZOOM_STEP
from app.ui.sift.caption import caption_plate
from app.ui.style import Style
from app.vision.pyramid import Pyramid

PADDING = 8
REST_MS = 60  # without a movement, after which all is painted sharp
STEPS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
Draw = Callable[[QPainter, "PictureView"], None]
View = tuple[float, float, float]  # (scale, x, y): image pixel p is seen at (p + 0.5) * scale + (x, y)


def moved(rect: QRectF, made: View, wanted: View) -> QRectF:
    """Return where what was drawn in ``rect`` for one view has to be shown in another."""
    factor = wanted[0] / made[0]
    x, y = (w + (at - m) * factor for at, m, w in zip((rect.x(), rect.y()), made[1:], wanted[1:], strict=True))
    return QRectF(x, y, rect.width() * factor, rect.height() * factor)


class PictureView(QWidget):
    """Shows a picture; the wheel zooms, the right or middle button pans, and the left one points or pans.

    Args:
        pointing: whether dragging with the left button moves the cursor (else it pans, and a click points).

    Signals:
        moved: (x, y) in image pixels, while the cursor is being dragged.
        chosen: (x, y) when it is let go, clicked or moved by a key (Shift and an arrow).
        hovered: (x, y) under the mouse, or None.
    """

    moved = Signal(object)
    chosen = Signal(object)
    hovered = Signal(object)

    def __init__(self, look: Style, name: str, *, pointing: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._pointing = look, pointing
        self._pyramid: Pyramid | None = None
        self._size = (0, 0)
        self._step = 1.0
        self._scale, self._offset, self._fitted = 1.0, (0.0, 0.0), True
        self._rendered: tuple[tuple[object, ...], UInt8] | None = None
        self._press: tuple[QPoint, bool] | None = None
        self._last = QPoint()
        self.cursor_at: Point | None = None
        self.cursor_gap = 2.0
        self.key_step = 1.0
        self.message = ""
        self.caption = ""
        self.draw_under: Draw | None = None  # kept until ``refresh``
        self.draw_over: Draw | None = None  # at every repaint
        self._kept: tuple[View, tuple[object, ...], QPixmap] | None = None
        self._plate: tuple[tuple[object, ...], QPixmap] | None = None
        self._version = 0
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.update)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(120, 90)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        if pointing:
            self.setCursor(Qt.CursorShape.CrossCursor)
        look.changed.connect(lambda _look: self.update())

    # ------------------------------------------------------------------- what is shown

    def set_picture(self, rgb: UInt8 | None, size: tuple[int, int] = (0, 0), step: float = 1.0) -> None:
        """Show an (h, w, 3) picture of an image of ``size`` (width, height); the view stays if the size does."""
        self._pyramid = None if rgb is None else Pyramid(rgb)
        self._rendered = None
        self._step = step
        self._version += 1
        if rgb is not None and size != self._size:
            self._size = size
            self.fit()
        self.update()

    def set_cursor(self, point: Point | None) -> None:
        """Draw the cursor here."""
        if point != self.cursor_at:
            self.cursor_at = point
            self.update()

    @property
    def filled(self) -> bool:
        """Whether a picture is shown."""
        return self._pyramid is not None

    # ------------------------------------------------------------------------ the view

    @property
    def scale(self) -> float:
        """Screen pixels per image pixel."""
        return self._scale

    @property
    def place(self) -> View:
        """(scale, x, y): image pixel p is seen at (p + 0.5) * scale + (x, y)."""
        return (self._scale, *self._offset)

    def fit(self) -> None:
        """Show the picture whole."""
        self._fitted = True
        width, height = self._size
        if width and height:
            room = max(1, self.width() - 2 * PADDING), max(1, self.height() - 2 * PADDING)
            scale = min(room[0] / width, room[1] / height)
            self._set_view(scale, (self.width() - width * scale) / 2, (self.height() - height * scale) / 2)

    def actual_size(self) -> None:
        """Show one image pixel as one screen pixel, about the cursor or the middle."""
        at = QPointF(self.width() / 2, self.height() / 2) if self.cursor_at is None else self.screen_of(*self.cursor_at)
        self._zoom(1.0 / self._scale, at.x(), at.y())

    def zoom_to(self, x: float, y: float, scale: float) -> None:
        """Bring an image point to the middle."""
        self._fitted = False
        self._set_view(scale, self.width() / 2 - (x + 0.5) * scale, self.height() / 2 - (y + 0.5) * scale)

    def screen_of(self, x: float, y: float) -> QPointF:
        """Return the widget's point of an image point."""
        return QPointF((x + 0.5) * self._scale + self._offset[0], (y + 0.5) * self._scale + self._offset[1])

    def point_at(self, x: float, y: float) -> Point | None:
        """Return the image point under a widget's point, None beside the picture."""
        point = ((x - self._offset[0]) / self._scale - 0.5, (y - self._offset[1]) / self._scale - 0.5)
        return point if self._inside(point) else None

    def _inside(self, point: Point) -> bool:
        return self.filled and all(-0.5 <= p < s - 0.5 for p, s in zip(point, self._size, strict=True))

    def _clipped(self, x: float, y: float) -> Point:
        """Return the nearest image point to a widget's point: a drag may leave the picture."""
        width, height = self._size
        px, py = (x - self._offset[0]) / self._scale - 0.5, (y - self._offset[1]) / self._scale - 0.5
        return min(max(px, 0.0), width - 1.0), min(max(py, 0.0), height - 1.0)

    @property
    def moving(self) -> bool:
        """Whether the view has moved a moment ago: what is drawn need not be sharp."""
        return self._rest.isActive()

    def _set_view(self, scale: float, x: float, y: float) -> None:
        self._scale, self._offset = scale, (x, y)
        self._rest.start()
        self.update()

    def _zoom(self, factor: float, x: float, y: float) -> None:
        width, height = self._size
        if not width or not height:
            return
        fit = min(self.width() / width, self.height() / height)
        scale = float(np.clip(self._scale * factor, min(fit * 0.3, 1.0), MOST_SCALE))
        factor = scale / self._scale
        self._fitted = False
        self._set_view(scale, x + (self._offset[0] - x) * factor, y + (self._offset[1] - y) * factor)

    # ------------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture, what the page draws over it, and the cursor."""
        painter = QPainter(self)
        if self._pyramid is None:
            painter.fillRect(self.rect(), self._look.colour("canvas"))
            self._paint_message(painter)
        else:
            self._paint_backdrop(painter)
            if self.draw_over is not None:
                self.draw_over(painter, self)
            if self.cursor_at is not None:
                self.paint_cross(painter, self.screen_of(*self.cursor_at), self._look.line_scale)
            self._paint_caption(painter)
        painter.end()

    def _paint_backdrop(self, painter: QPainter) -> None:
        """Draw the picture with what the page draws under the cursor; while the view moves, as it was, moved along."""
        kept = self._kept
        rest = (self.size(), self.devicePixelRatioF(), self._look.tokens, self._version)
        if self.moving and kept is not None and kept[0] != self.place and kept[1] == rest:
            target = moved(QRectF(self.rect()), kept[0], self.place)
            if target.contains(self._picture_rect().intersected(QRectF(self.rect()))):
                painter.fillRect(self.rect(), self._look.colour("canvas"))
                painter.drawPixmap(target, kept[2], QRectF(kept[2].rect()))
                return
        painter.drawPixmap(0, 0, self._backdrop(rest))

    def _picture_rect(self) -> QRectF:
        width, height = self._size
        return QRectF(*self._offset, width * self._scale, height * self._scale)

    def _backdrop(self, rest: tuple[object, ...]) -> QPixmap:
        """Return the picture with what the page draws under the cursor; kept while neither changes."""
        ratio = self.devicePixelRatioF()
        if self._kept is None or self._kept[:2] != (self.place, rest):
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(self._look.colour("canvas"))
            painter = QPainter(pixmap)
            self._paint_picture(painter)
            if self.draw_under is not None:
                self.draw_under(painter, self)
            painter.end()
            self._kept = (self.place, rest, pixmap)
        return self._kept[2]

    def refresh(self) -> None:
        """Draw again what lies under the cursor: it has changed."""
        self._version += 1
        self.update()

    def _paint_message(self, painter: QPainter) -> None:
        painter.setFont(self._look.font(1.1))
        painter.setPen(self._look.colour("muted"))
        area = QRectF(self.rect()).adjusted(16, 8, -16, -8)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.message)

    def _paint_picture(self, painter: QPainter) -> None:
        assert self._pyramid is not None
        exact = self._picture_rect()
        seen = exact.intersected(QRectF(self.rect())).toAlignedRect()
        if seen.isEmpty():
            return
        scale = self._step * self._scale
        # Corner u of the picture lies at (u - 0.5) * step + 0.5 on the image's corners.
        lead = (0.5 - 0.5 * self._step) * self._scale
        offset = (lead + self._offset[0] - seen.left(), lead + self._offset[1] - seen.top())
        key = (scale, offset, seen.width(), seen.height())
        if self._rendered is None or self._rendered[0] != key:
            view = self._pyramid.view(scale, offset, (seen.width(), seen.height()))
            self._rendered = (key, np.ascontiguousarray(view))
        painter.save()
        painter.setClipRect(exact)
        painter.drawImage(seen.topLeft(), as_qimage(self._rendered[1]))
        painter.restore()

    def paint_cross(self, painter: QPainter, at: QPointF, width: float) -> None:
        """Draw the cursor: a cross with a gap at its middle, so that what lies there stays visible."""
        near, far = self.cursor_gap + 2, self.cursor_gap + 11
        painter.save()
        for thick, colour in ((4.0, QColor(self._look.tokens.canvas)), (2.0, QColor(self._look.tokens.selected))):
            painter.setPen(QPen(colour, thick * width))
            for dx, dy in STEPS.values():
                painter.drawLine(QLineF(at + QPointF(near * dx, near * dy), at + QPointF(far * dx, far * dy)))
        painter.restore()

    def ui_font(self, factor: float = 1.0) -> QFont:
        """Return the font of words over the picture."""
        return self._look.font(factor)

    def _paint_caption(self, painter: QPainter) -> None:
        if not self.caption:
            return
        smooth = bool(painter.renderHints() & QPainter.RenderHint.Antialiasing)
        ratio = self.devicePixelRatioF()
        rest = (self.caption, self.width(), smooth, ratio, self._look.tokens, self._look.scale)
        if self._plate is None or self._plate[0] != rest:
            self._plate = (rest, caption_plate(self._look, self.caption, self.width() - 32, ratio, smooth=smooth))
        painter.drawPixmap(8, 8, self._plate[1])

    # --------------------------------------------------------------------------- events

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Keep a fitted view fitted."""
        if self._fitted:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        steps = event.angleDelta().y() / 120
        if steps:
            self._zoom(ZOOM_STEP**steps, event.position().x(), event.position().y())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to point or to pan."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        at = event.position().toPoint()
        left = event.button() == Qt.MouseButton.LeftButton
        points = left and self._pointing and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if points and self.point_at(at.x(), at.y()) is None:
            return
        self._press, self._last = (at, points), at
        if points:
            self._point(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or tell what is under the mouse."""
        at = event.position().toPoint()
        if self._press is None:
            self.hovered.emit(self.point_at(at.x(), at.y()))
            return
        start, points = self._press
        if points:
            self._point(at)
        elif self._last != start or (at - start).manhattanLength() > CLICK_PX:
            step = at - self._last
            self._fitted = False
            self._set_view(self._scale, self._offset[0] + step.x(), self._offset[1] + step.y())
        else:
            return
        self._last = at

    def _point(self, at: QPoint) -> None:
        if self.filled:
            self.set_cursor(self._clipped(at.x(), at.y()))
            self.moved.emit(self.cursor_at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or click."""
        if self._press is None:
            return
        (start, points), self._press = self._press, None
        clicked = self._last == start and event.button() == Qt.MouseButton.LeftButton
        point = self._clipped(self._last.x(), self._last.y())
        if points or (clicked and self.point_at(start.x(), start.y()) is not None):
            self.chosen.emit(point)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Fit."""
        self._press = None
        self.fit()

    def leaveEvent(self, _event: object) -> None:
        """Forget what was under the mouse."""
        self.hovered.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor by a pixel of the level with Shift and an arrow."""
        step = STEPS.get(event.key())
        if step is None or not event.modifiers() & Qt.KeyboardModifier.ShiftModifier or self.cursor_at is None:
            super().keyPressEvent(event)
            return
        width, height = self._size
        x, y = (p + self.key_step * d for p, d in zip(self.cursor_at, step, strict=True))
        self.set_cursor((min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)))
        self.moved.emit(self.cursor_at)
        self.chosen.emit(self.cursor_at)
