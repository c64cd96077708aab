"""What the pictures of the page of reconstructions share: pointing at cells, keys, and painting grey pictures.

What lives here: :class:`CellWidget`, :func:`draw_grey`, :func:`draw_square` and the dashes of layers. What does not:
which pictures stand where. May import: style, numpy, Qt.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.records import Array, Point
from app.ui.style import Style

STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
LAYER_STEPS = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
KEYS = (*STEPS, *LAYER_STEPS)
FAST = 5  # cells by a step with Shift
ENLARGED = 4  # from here on pixels are shown as squares
DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
    Qt.PenStyle.SolidLine,
)
KEYS_TIP = "Click a cell, or a column. Arrow keys move the cell (Shift: by five), Page Up and Down change the layer."


class CellWidget(QWidget):
    """A widget in which cells are pointed at, chosen, and stepped through with the keyboard.

    Signals:
        pointed: (x, y) in working pixels under the mouse, None when it leaves.
        chosen: ((x, y) in working pixels where it was pressed or dragged to, column of the layer pressed or None).
        stepped: (columns, rows) of cells by an arrow key.
        layer_stepped: columns by Page Up and Page Down.
        held: bool, whether the mouse is pressed: what is chosen meanwhile makes one step to undo.
    """

    pointed = Signal(object)
    chosen = Signal(object)
    stepped = Signal(object)
    layer_stepped = Signal(object)
    held = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        look.changed.connect(lambda _look: self.update())

    def point_at(self, x: float, y: float) -> tuple[Point, int | None] | None:
        """Return the point of the query under a widget's point and, where one is shown, the layer's column."""
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        """Claim the arrow keys, which else go to the neighbouring pairs."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step to a neighbouring cell, five with Shift, or to another layer."""
        key = Qt.Key(event.key())
        if key in STEPS:
            times = FAST if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            dx, dy = STEPS[key]
            self.stepped.emit((dx * times, dy * times))
        elif key in LAYER_STEPS:
            self.layer_stepped.emit(LAYER_STEPS[key])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell, and the layer of its picture."""
        found = self.point_at(event.position().x(), event.position().y())
        if event.button() != Qt.MouseButton.LeftButton or found is None:
            return
        self.held.emit(True)
        self.chosen.emit(found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at a cell, or choose it while the button is down."""
        found = self.point_at(event.position().x(), event.position().y())
        if not event.buttons() & Qt.MouseButton.LeftButton:
            self.pointed.emit(None if found is None else found[0])
        elif found is not None:
            self.chosen.emit((found[0], None))  # the layer stays the one that was pressed

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self.held.emit(False)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing any more."""
        self.pointed.emit(None)
        super().leaveEvent(event)


def draw_grey(painter: QPainter, area: QRectF, grey: Array) -> None:
    """Draw an (H, W) uint8 picture into an area; smooth when it is shrunk, in squares when much enlarged."""
    values = np.ascontiguousarray(grey, np.uint8)
    height, width = values.shape
    image = QImage(values.data, width, height, width, QImage.Format.Format_Grayscale8)
    image = image.convertToFormat(QImage.Format.Format_RGB32)  # what Qt scales fastest
    smooth = area.width() < ENLARGED * width
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(area, image)


class Drawings:
    """What was drawn once and is shown again and again while the mouse moves; the newest few."""

    KEPT = 8

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self._kept: dict[tuple[object, ...], tuple[object, QPixmap]] = {}

    def get(self, key: tuple[object, ...], of: object, size: QSizeF, draw: Callable[[QPainter], None]) -> QPixmap:
        """Return the drawing of this key, made by ``draw`` if it is not there or was of another object."""
        ratio = self._widget.devicePixelRatioF()
        whole = (*key, size.width(), size.height(), ratio)
        found = self._kept.pop(whole, None)
        if found is None or found[0] is not of:
            pixmap = QPixmap(max(1, math.ceil(size.width() * ratio)), max(1, math.ceil(size.height() * ratio)))
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            draw(painter)
            painter.end()
            found = (of, pixmap)
        self._kept[whole] = found
        while len(self._kept) > self.KEPT:
            self._kept.pop(next(iter(self._kept)))
        return found[1]

    def grey(self, painter: QPainter, area: QRectF, picture: Array) -> None:
        """Draw a picture as :func:`draw_grey` does, scaled once."""
        made = self.get(
            (id(picture),),
            picture,
            area.size(),
            lambda inside: draw_grey(inside, QRectF(0, 0, area.width(), area.height()), picture),
        )
        painter.drawPixmap(area.topLeft(), made)


def draw_square(
    painter: QPainter, area: QRectF, look: Style, colour: str, *, width: float = 1.5,
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine,
) -> None:  # fmt: skip
    """Draw a square with a dark rim, seen on light and on dark ground."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    scale = look.line_scale
    for wide, name, style in ((width + 1.6, "canvas", Qt.PenStyle.SolidLine), (width, colour, dash)):
        pen = QPen(look.colour(name), wide * scale, style)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(area)


def fitted_into(area: QRectF, width: float, height: float) -> QRectF:
    """Return the largest rectangle of these proportions in an area, at its left and top."""
    scale = min(area.width() / width, area.height() / height)
    return QRectF(area.left(), area.top(), width * scale, height * scale)


def square_in(shown: QRectF, scale: float, centre: Point, side: float, *, even: bool = False) -> QRectF:
    """Return where a square of ``side`` working pixels around a pixel lies in a picture shown at ``shown``.

    An even square holds one pixel more on its left and top: the half-pixel rule of the pasted squares.
    """
    shift = 0.0 if even else 0.5
    left, top = (centre[axis] + shift - side / 2 for axis in (0, 1))
    return QRectF(shown.left() + left * scale, shown.top() + top * scale, side * scale, side * scale)
