"""The plane with its points: drag one, and see the ellipse of M, target neighbours, margin and impostors.

What lives here: :class:`PointCanvas`, painting and mouse. What does not: learning; what it draws is handed over as
:class:`Shown`. May import: ``app.learning`` geometry, ``drawing``, ``app.ui.style``, numpy, Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.learning.mahalanobis import Ellipse, ellipse_of
from app.learning.neighbours import Labels
from app.records import Float64
from app.ui.metric.drawing import class_colour, draw_cross, draw_shape
from app.ui.style import Style

GRAB_PX = 12
MANY = 1000  # points; more are drawn small, into a picture that moves with the view
MARGIN_SHARE = 0.12
NUDGE = 0.02  # of the picture's width, per arrow key
MOVES: dict[Qt.Key, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Shown:
    """What the canvas draws.

    Attributes:
        x: (n, 2) points; y up.
        y: (n,) classes.
        matrix: (2, 2) M, or None before there is one.
        unit: the ellipse drawn is rho_M = unit.
        anchor: the chosen point.
        targets: rows joined to the anchor.
        impostors: rows crossed out.
        radius: rho to the farthest target, 0 for none; the margin lies at sqrt(radius² + 1).
        regions: (rows, columns) classes over ``box``, or None.
        box: x0, y0, x1, y1 of the regions and of the view.
    """

    x: Float64
    y: Labels
    matrix: Float64 | None = None
    unit: float = 1.0
    anchor: int = -1
    targets: tuple[int, ...] = ()
    impostors: tuple[int, ...] = ()
    radius: float = 0.0
    regions: Labels | None = None
    box: tuple[float, float, float, float] = field(default=(-1.0, -1.0, 1.0, 1.0))


def box_of(x: Float64, aspect: float) -> tuple[float, float, float, float]:
    """Return a box around points with a margin, of the given width to height."""
    low, high = x.min(axis=0), x.max(axis=0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-6) * (1 + 2 * MARGIN_SHARE)
    half = np.array([max(half[0], half[1] * aspect), max(half[1], half[0] / aspect)])
    return (
        float(middle[0] - half[0]), float(middle[1] - half[1]), float(middle[0] + half[0]), float(middle[1] + half[1])
    )  # fmt: skip


def _rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()


class PointCanvas(QWidget):
    """The picture of the Learn page.

    Signals:
        chosen: row of the point that was clicked.
        dragged: (row, x, y) while a point moves.
        dropped: (row, x, y) where it was let go, or moved by a key.
        resized: the width to height changed; the box should be asked for anew.
    """

    chosen = Signal(object)
    dragged = Signal(object)
    dropped = Signal(object)
    resized = Signal()

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.shown: Shown | None = None
        self._held: int | None = None
        self._moved = False
        self._image: QImage | None = None
        self.pan = QPointF()
        self._panned_from: tuple[QPointF, QPointF] | None = None  # where the mouse and the view were
        self._layer: QPixmap | None = None
        self._layer_pan = QPointF()
        self._layer_without: int | None = None  # the point that is moved is drawn on top of the layer
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Points and the ellipse of the metric")
        self.setAccessibleDescription(
            "Drag a point, or the plane beside it; a double click shows all again. Page up and down choose a point, "
            "the arrow keys move it."
        )
        look.changed.connect(self._show_look)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(760, 560)

    @property
    def aspect(self) -> float:
        """Width to height."""
        return self.width() / max(1, self.height())

    @property
    def dragging(self) -> bool:
        """Whether a point is being moved."""
        return self._held is not None and self._moved

    def show_points(self, shown: Shown) -> None:
        """Draw this."""
        if not self._layer_fits(shown):
            self._layer = None
        self.shown = shown
        self._image = self._region_image(shown)
        self.update()

    def _layer_fits(self, shown: Shown) -> bool:
        """Whether the kept picture shows these points, but for the one that is being moved."""
        old = self.shown
        if old is None or shown.y is not old.y or shown.box != old.box:
            return False
        if shown.x is old.x:
            return True
        if self._layer_without is None or self._layer_without != self._lifted or shown.x.shape != old.x.shape:
            return False
        moved = np.flatnonzero((shown.x != old.x).any(axis=1))
        return bool((moved == self._layer_without).all())

    @property
    def _lifted(self) -> int | None:
        """Row of the point that is being moved, if any."""
        return self._held if self._moved else None

    def _show_look(self, _look: object) -> None:
        self._layer = None
        if self.shown is not None:
            self.show_points(self.shown)

    def _region_image(self, shown: Shown) -> QImage | None:
        if shown.regions is None:
            return None
        table = np.array([_rgb(class_colour(self._look, c)) for c in range(int(shown.y.max()) + 1)], np.float64)
        canvas = np.array(_rgb(self._look.colour("canvas")), np.float64)
        rgb = (0.16 * table[shown.regions[::-1]] + 0.84 * canvas).astype(np.uint8)
        kept = np.ascontiguousarray(rgb)
        height, width = kept.shape[:2]
        return QImage(kept.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()

    # -------------------------------------------------------------------- places

    def to_widget(self, x: float, y: float) -> QPointF:
        """Return where a point of the plane is drawn."""
        assert self.shown is not None
        x0, y0, x1, y1 = self.shown.box
        scale = min(self.width() / (x1 - x0), self.height() / (y1 - y0))
        middle = QPointF(self.width() / 2, self.height() / 2) + self.pan
        return middle + QPointF((x - (x0 + x1) / 2) * scale, -(y - (y0 + y1) / 2) * scale)

    def _all_on_widget(self, x: Float64) -> Float64:
        """Return where (n, 2) points are drawn, (n, 2) pixels."""
        origin, right, up = self.to_widget(0, 0), self.to_widget(1, 0), self.to_widget(0, 1)
        start, across, along = (np.array([p.x(), p.y()]) for p in (origin, right - origin, up - origin))
        result: Float64 = start + x[:, :1] * across + x[:, 1:] * along
        return result

    def to_plane(self, at: QPointF) -> tuple[float, float]:
        """Return the point of the plane under a place of the widget."""
        assert self.shown is not None
        x0, y0, x1, y1 = self.shown.box
        scale = min(self.width() / (x1 - x0), self.height() / (y1 - y0))
        at = at - self.pan
        return (
            (x0 + x1) / 2 + (at.x() - self.width() / 2) / scale,
            (y0 + y1) / 2 - (at.y() - self.height() / 2) / scale,
        )

    def point_near(self, at: QPointF) -> int | None:
        """Return the row of the point drawn nearest to a place, None if it is too far to be meant."""
        if self.shown is None or not len(self.shown.x):
            return None
        drawn = self._all_on_widget(self.shown.x)
        gap = np.hypot(drawn[:, 0] - at.x(), drawn[:, 1] - at.y())
        best = int(np.argmin(gap))
        return best if gap[best] <= GRAB_PX * self._look.scale else None

    # --------------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the point under the mouse and hold it; beside all points, hold the plane."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._held, self._moved = self.point_near(event.position()), False
            if self._held is not None:
                self.chosen.emit(self._held)
            elif self.shown is not None:
                self._panned_from = event.position(), self.pan
                self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the held point or the plane, or show that a point can be taken."""
        if self._panned_from is not None:
            start, before = self._panned_from
            self.pan = before + event.position() - start
            self.update()
            return
        if self._held is None:
            near = self.point_near(event.position())
            shape = Qt.CursorShape.ArrowCursor if near is None else Qt.CursorShape.OpenHandCursor
            self.setCursor(shape)
            return
        self._moved = True
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.dragged.emit((self._held, *self.to_plane(event.position())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the point go."""
        held, moved = self._held, self._moved
        self._held, self._moved, self._panned_from = None, False, None
        if held is not None and moved:
            self.dropped.emit((held, *self.to_plane(event.position())))
        self.unsetCursor()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Show all points again, as before the plane was moved."""
        self.pan, self._panned_from = QPointF(), None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose points with Page up and down, move the chosen one with the arrow keys."""
        shown = self.shown
        key = Qt.Key(event.key())
        if shown is None or not len(shown.x):
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.chosen.emit((shown.anchor + (1 if key == Qt.Key.Key_PageDown else -1)) % len(shown.x))
        elif key in MOVES and 0 <= shown.anchor < len(shown.x):
            reach = NUDGE * (shown.box[2] - shown.box[0])
            x, y = shown.x[shown.anchor]
            self.dropped.emit((shown.anchor, float(x + reach * MOVES[key][0]), float(y + reach * MOVES[key][1])))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, _event: object) -> None:
        """Tell that the box has another aspect."""
        self.resized.emit()

    # ------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw regions, ellipses, lines, points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._look.colour("canvas"))
        if self.shown is not None:
            if self._image is not None:
                x0, y0, x1, y1 = self.shown.box
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(QRectF(self.to_widget(x0, y1), self.to_widget(x1, y0)), self._image)
            self._draw_ellipses(painter, self.shown)
            self._draw_ring(painter, self.shown)
            self._draw_points(painter, self.shown)
        painter.end()

    def _draw_ball(self, painter: QPainter, shown: Shown, ball: Ellipse, radius: float, centre: QPointF) -> None:
        """Draw the points at this distance from a centre on the widget; an endless axis is cut far outside."""
        reach = 4 * (shown.box[2] - shown.box[0])
        scale = self.to_widget(1, 0).x() - self.to_widget(0, 0).x()
        long, short = (min(axis * radius, reach) * scale for axis in ball.semi_axes)
        painter.save()
        painter.translate(centre)
        painter.rotate(-ball.angle_deg)  # y is up in the plane and down on the widget
        painter.drawEllipse(QPointF(), long, short)
        painter.restore()

    def _draw_ellipses(self, painter: QPainter, shown: Shown) -> None:
        if shown.matrix is None or not np.isfinite(shown.matrix).all():
            return
        width = 2 * self._look.line_scale
        there = 0 <= shown.anchor < len(shown.x)
        centre = self.to_widget(*(shown.x[shown.anchor] if there else shown.x.mean(axis=0)))
        ellipse = ellipse_of(shown.matrix)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._look.colour("accent"), width))
        self._draw_ball(painter, shown, ellipse, shown.unit, centre)
        if shown.radius > 0 and there:
            painter.setPen(QPen(self._look.colour("text"), 1.2 * self._look.line_scale))
            self._draw_ball(painter, shown, ellipse, shown.radius, centre)
            margin = float(np.sqrt(shown.radius**2 + 1))
            painter.setPen(QPen(self._look.colour("selected"), width, Qt.PenStyle.DashLine))
            self._draw_ball(painter, shown, ellipse, margin, centre)

    def _draw_ring(self, painter: QPainter, shown: Shown) -> None:
        if not 0 <= shown.anchor < len(shown.x):
            return
        here = self.to_widget(*shown.x[shown.anchor])
        painter.setPen(QPen(self._look.colour("text"), 1.6 * self._look.line_scale))
        for row in shown.targets:
            painter.drawLine(here, self.to_widget(*shown.x[row]))

    def _draw_shapes(
        self, painter: QPainter, shown: Shown, shift: QPointF, room: QRectF, but: int | None = None
    ) -> None:
        """Draw the points that lie in ``room`` after a shift, each class by its shape; all ``but`` one."""
        radius = self._radius(shown)
        places = self._all_on_widget(shown.x) + np.array([shift.x(), shift.y()])
        low, high = (room.left(), room.top()), (room.right(), room.bottom())
        inside = ((places >= low) & (places <= high)).all(axis=1)
        if but is not None:
            inside[but] = False
        for label in np.unique(shown.y):
            painter.setPen(QPen(self._look.colour("canvas"), 1))
            painter.setBrush(class_colour(self._look, int(label)))
            for x, y in places[inside & (shown.y == label)].tolist():
                draw_shape(painter, QPointF(x, y), int(label), radius)

    def _radius(self, shown: Shown) -> float:
        return (4.5 if len(shown.x) <= MANY else 2.5) * math.sqrt(self._look.line_scale)

    def _point_layer(self, shown: Shown) -> tuple[QPixmap, QPointF]:
        """Return the points as a kept picture, half a view larger to every side, and its corner on the widget."""
        edge = QPointF(self.width() // 2, self.height() // 2)
        moved = self.pan - self._layer_pan
        ratio = self.devicePixelRatioF()
        size = QSize(round(2 * self.width() * ratio), round(2 * self.height() * ratio))
        kept = self._layer
        lifted = self._lifted
        if self._layer_without != lifted:
            kept = None
        if kept is None or kept.size() != size or abs(moved.x()) > edge.x() or abs(moved.y()) > edge.y():
            kept = QPixmap(size)
            kept.setDevicePixelRatio(ratio)
            kept.fill(Qt.GlobalColor.transparent)
            painter = QPainter(kept)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_shapes(painter, shown, edge, QRectF(0, 0, 2 * self.width(), 2 * self.height()), lifted)
            painter.end()
            self._layer, self._layer_pan, moved = kept, self.pan, QPointF()
            self._layer_without = lifted
        return kept, moved - edge

    def _draw_points(self, painter: QPainter, shown: Shown) -> None:
        radius = self._radius(shown)
        lifted = self._lifted
        if len(shown.x) > MANY or lifted is not None:
            layer, corner = self._point_layer(shown)
            painter.drawPixmap(corner, layer)
            if lifted is not None:
                painter.setPen(QPen(self._look.colour("canvas"), 1))
                painter.setBrush(class_colour(self._look, int(shown.y[lifted])))
                draw_shape(painter, self.to_widget(*shown.x[lifted]), int(shown.y[lifted]), radius)
        else:
            self._draw_shapes(painter, shown, QPointF(), QRectF(self.rect()).adjusted(-9, -9, 9, 9))
        for impostor in shown.impostors:
            at = self.to_widget(*shown.x[impostor])
            draw_cross(painter, at, radius + 4, self._look.colour("error"), 2 * self._look.line_scale)
        if 0 <= shown.anchor < len(shown.x):
            painter.setBrush(QColor(0, 0, 0, 0))
            painter.setPen(QPen(self._look.colour("selected"), 2.5 * self._look.line_scale))
            painter.drawEllipse(self.to_widget(*shown.x[shown.anchor]), radius + 5, radius + 5)
