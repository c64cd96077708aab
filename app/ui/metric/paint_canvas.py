"""The plane of the Learn page with a brush: points of a class are painted where there are none.

What lives here: :class:`PaintCanvas`, the strokes. What does not: the points it is shown (``points``), keeping what was
painted (``state``). May import: those, ``drawing``, Qt.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.metric.drawing import class_colour, draw_shape
from app.ui.metric.points import PointCanvas
from app.ui.style import Style

APART_PX = 16.0  # between the points of a stroke


class PaintCanvas(PointCanvas):
    """Points that can be dragged and, with a brush, painted.

    Attributes:
        brush: class of the points that are painted, -1 without a brush.

    Signals:
        painted: (x, y) of every point of a stroke, once it ends.
        removed: row of the chosen point, to be taken away.
    """

    painted = Signal(object)
    removed = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.brush = -1
        self._stroke: list[QPointF] = []
        self.setAccessibleDescription(
            f"{self.accessibleDescription()} With a class under Paint a press beside the points adds one, a stroke "
            "several; Delete takes a painted point away."
        )

    def _dot(self, at: QPointF) -> None:
        """Add a point to the stroke unless it is outside, or nearly where the last one is."""
        last = self._stroke[-1] if self._stroke else None
        near = last is not None and math.hypot(at.x() - last.x(), at.y() - last.y()) < APART_PX * self._look.scale
        if not near and self.rect().contains(at.toPoint()):
            self._stroke.append(at)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke beside the points; on a point, and without a brush, as ever."""
        beside = self.shown is not None and self.point_near(event.position()) is None
        if self.brush >= 0 and beside and event.button() == Qt.MouseButton.LeftButton:
            self._dot(event.position())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the stroke."""
        if self._stroke:
            self._dot(event.position())
            return
        super().mouseMoveEvent(event)
        if self.brush >= 0 and self.cursor().shape() == Qt.CursorShape.ArrowCursor:
            self.setCursor(Qt.CursorShape.CrossCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the stroke: its points are there."""
        if not self._stroke:
            super().mouseReleaseEvent(event)
            return
        places, self._stroke = tuple(self.to_plane(at) for at in self._stroke), []
        self.painted.emit(places)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """With a brush the second press paints too; without one all points are shown again."""
        if self.brush >= 0:
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the chosen point away with Delete."""
        shown = self.shown
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and shown is not None and shown.anchor >= 0:
            self.removed.emit(shown.anchor)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the points, and the stroke over them."""
        super().paintEvent(event)
        if not self._stroke:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._look.colour("canvas"), 1))
        painter.setBrush(class_colour(self._look, self.brush))
        for at in self._stroke:
            draw_shape(painter, at, self.brush, 4.5 * math.sqrt(self._look.line_scale))
        painter.end()
