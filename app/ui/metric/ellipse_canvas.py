"""The plane of the Ellipse page: the ellipse of M around the chosen point, with handles that stretch and turn it.

What lives here: :class:`EllipseCanvas`. What does not: M, and what is asked of it. May import: ``app.learning``
geometry, ``points``, numpy, Qt.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.learning.mahalanobis import ellipse_of
from app.ui.metric.points import GRAB_PX, PointCanvas, Shown
from app.ui.style import Style

TURN_DEG = 3.0  # per arrow key
STRETCH = 1.06
ENDLESS_SHARE = 0.47  # of the view's smaller side: pulled beyond, an axis has no end
HANDLE_PX = 6.0
Axes = tuple[tuple[float, float], float]


class EllipseCanvas(PointCanvas):
    """The points, and an ellipse that can be dragged by the ends of its axes.

    Signals:
        shaped: ((first, second) semi-axes of rho_M = 1, degrees of the first from +x towards +y); ``inf`` for endless.
        held: whether a handle is held.
    """

    shaped = Signal(object)
    held = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.whole = True
        self._axes: Axes = ((1.0, 1.0), 0.0)
        self._handle: int | None = None
        self.setAccessibleName("Points and an ellipse to drag")
        self.setAccessibleDescription(
            "Drag an end of an axis to stretch and turn the ellipse; out of the picture, the axis is endless. Left and "
            "right turn it, up and down stretch its first axis, with Shift the second. Page up and down choose a point."
        )

    def show_ellipse(self, shown: Shown, *, whole: bool) -> None:
        """Draw points with the ellipse of ``shown.matrix``, PSD; not ``whole``: M itself has none."""
        self.whole = whole
        assert shown.matrix is not None
        if self._handle is None:
            found = ellipse_of(shown.matrix)
            self._axes = found.semi_axes, found.angle_deg
        self.show_points(shown)

    # ---------------------------------------------------------------------- places

    @property
    def endless(self) -> float:
        """Length of a semi-axis of rho_M = 1 from which it counts as endless."""
        assert self.shown is not None
        x0, y0, x1, y1 = self.shown.box
        return ENDLESS_SHARE * min(x1 - x0, y1 - y0) / self.shown.unit

    def handles(self) -> list[QPointF]:
        """Return where the four ends are drawn: first axis, second axis, and their other ends."""
        shown = self.shown
        assert shown is not None
        lengths, angle = self._axes
        centre, ends = shown.x[shown.anchor], []
        for side in (1, -1):
            for axis in range(2):
                turn = math.radians(angle + 90 * axis)
                length = side * shown.unit * min(lengths[axis], 0.96 * self.endless)
                ends.append(self.to_widget(centre[0] + length * math.cos(turn), centre[1] + length * math.sin(turn)))
        return ends

    def handle_near(self, at: QPointF) -> int | None:
        """Return the number of the handle under a place, None beside all."""
        if self.shown is None:
            return None
        gaps = [math.hypot(end.x() - at.x(), end.y() - at.y()) for end in self.handles()]
        best = int(np.argmin(gaps))
        return best if gaps[best] <= GRAB_PX * self._look.scale else None

    # ------------------------------------------------------------------ mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hold a handle; else choose a point or hold the plane."""
        handle = self.handle_near(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        if handle is None:
            super().mousePressEvent(event)
            self._held = None  # chosen, but these points stay where they are
            return
        self._handle = handle
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.held.emit(True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Stretch and turn, or show that a handle can be taken."""
        if self._handle is not None:
            self._pull(event.position())
            return
        super().mouseMoveEvent(event)
        if self._panned_from is None and self.handle_near(event.position()) is not None:
            self.setCursor(Qt.CursorShape.SizeAllCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the handle go."""
        if self._handle is None:
            super().mouseReleaseEvent(event)
            return
        self._handle = None
        self.held.emit(False)
        self.unsetCursor()

    def _pull(self, at: QPointF) -> None:
        """Bring the held end to a place; the other axis keeps its length and stays at a right angle."""
        shown = self.shown
        assert shown is not None
        assert self._handle is not None
        gap = np.array(self.to_plane(at)) - shown.x[shown.anchor]
        gap = gap if self._handle < 2 else -gap
        length, axis = float(np.hypot(*gap)) / shown.unit, self._handle % 2
        if length <= 1e-9:
            return
        length = math.inf if length > self.endless else length
        lengths = (length, self._axes[0][1]) if axis == 0 else (self._axes[0][0], length)
        self._shape(lengths, math.degrees(math.atan2(gap[1], gap[0])) - 90 * axis)

    def _shape(self, lengths: tuple[float, float], angle: float) -> None:
        if not np.isfinite(lengths).any():  # a ball without any end is the zero matrix: one axis stays
            return
        self._axes = lengths, angle % 360
        self.shaped.emit(self._axes)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn and stretch with the arrow keys; choose points as everywhere."""
        key, (lengths, angle) = Qt.Key(event.key()), self._axes
        axis = 1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        if self.shown is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._shape(lengths, angle + (TURN_DEG if key == Qt.Key.Key_Left else -TURN_DEG))
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            now = min(lengths[axis], self.endless)
            new = now * STRETCH if key == Qt.Key.Key_Up else now / STRETCH
            new = math.inf if new > self.endless else new
            self._shape((new, lengths[1]) if axis == 0 else (lengths[0], new), angle)
        else:
            super().keyPressEvent(event)

    # -------------------------------------------------------------------- painting

    def _draw_ellipses(self, painter: QPainter, shown: Shown) -> None:
        if shown.matrix is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        style = Qt.PenStyle.SolidLine if self.whole else Qt.PenStyle.DashLine
        painter.setPen(QPen(self._look.colour("accent"), 2.4 * self._look.line_scale, style))
        self._draw_ball(painter, shown, ellipse_of(shown.matrix), shown.unit, self.to_widget(*shown.x[shown.anchor]))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the points, and the handles over them."""
        super().paintEvent(event)
        if self.shown is None or self.shown.matrix is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = self.to_widget(*self.shown.x[self.shown.anchor])
        size = HANDLE_PX * math.sqrt(self._look.line_scale)
        for number, end in enumerate(self.handles()):
            painter.setPen(QPen(self._look.colour("accent"), 1.2 * self._look.line_scale, Qt.PenStyle.DotLine))
            painter.drawLine(centre, end)
            painter.setPen(QPen(self._look.colour("canvas"), 1.5))
            painter.setBrush(self._look.colour("accent"))
            if math.isfinite(self._axes[0][number % 2]):
                painter.drawEllipse(end, size, size)
            else:  # an arrow head would hide where to take it: a hollow end that goes on
                painter.setPen(QPen(self._look.colour("accent"), 2 * self._look.line_scale))
                painter.setBrush(self._look.colour("canvas"))
                painter.drawEllipse(end, size, size)
                painter.setFont(self._look.font(1.0, bold=True))
                painter.drawText(end + QPointF(size + 3, -size), "∞")
        painter.end()
