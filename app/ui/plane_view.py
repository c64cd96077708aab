"""A widget's view of the plane on which two pictures lie: fitted, zoomed, moved, and asked what lies where.

What lives here: :class:`PlaneView`. What does not: what is drawn (``pair_plane``, ``pair_view``), and how the pictures
lie on the plane (``scene``). May import: those below, records, Qt; ``overlays`` only once there is a mouse, after the
first paint.
"""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect
from PySide6.QtGui import QRegion, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.records import Side
from app.ui.pictures import window_of
from app.ui.scene import Placed, Scene, View

if TYPE_CHECKING:
    from app.ui.overlays import Hover

ZOOM_STEP = 1.2
MOST_SCALE = 64.0
PADDING = 28


class PlaneView(QWidget):
    """Where the plane is seen; what is drawn there is the subclass's.

    Attributes:
        scene: how the two pictures lie; None without both.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene: Scene | None = None
        self._scale, self._offset, self._fitted = 1.0, (0.0, 0.0), True

    def _view_moved(self) -> None:
        """Draw the plane where it now is."""
        raise NotImplementedError

    @property
    def view(self) -> View:
        """Where the plane is seen."""
        return View(self._scale, *self._offset, self.width(), self.height())

    def fit(self) -> None:
        """Show both pictures whole."""
        self._fitted = True
        if self.scene is None:
            self.update()
            return
        self._set_view(*self.fitted(self.scene)[:3])

    def fitted(self, scene: Scene) -> View:
        """Return the view that shows both pictures whole."""
        x, y, width, height = scene.bounds
        room = max(1, self.width() - 2 * PADDING), max(1, self.height() - 2 * PADDING)
        scale = min(room[0] / width, room[1] / height)
        left, top = (self.width() - width * scale) / 2 - x * scale, (self.height() - height * scale) / 2 - y * scale
        return View(scale, left, top, self.width(), self.height())

    def actual_size(self) -> None:
        """Show one picture pixel as exactly one screen pixel, about the middle of the view."""
        if self.scene is None:
            return
        middle, factor = (self.width() / 2, self.height() / 2), 1.0 / self._scale
        x, y = (round(m + (o - m) * factor) for m, o in zip(middle, self._offset, strict=True))
        self._fitted = False
        self._set_view(1.0, x, y)

    def zoom_to(self, side: Side, x: float, y: float, scale: float) -> None:
        """Bring a picture's point to the middle at ``scale`` screen pixels per pixel."""
        if self.scene is None:
            return
        px, py = self.scene.to_plane(side, [[x, y]])[0].tolist()
        self._fitted = False
        self._set_view(scale, self.width() / 2 - px * scale, self.height() / 2 - py * scale)

    def screen_of(self, side: Side, x: float, y: float) -> QPointF:
        """Return the widget's point of a picture's point."""
        if self.scene is None:
            return QPointF()
        px, py = self.scene.to_plane(side, [[x, y]])[0].tolist()
        return QPointF(px * self._scale + self._offset[0], py * self._scale + self._offset[1])

    def side_at(self, x: float, y: float) -> Side | None:
        """Return the picture under a widget's point, None beside both."""
        if self.scene is None:
            return None
        return self.scene.side_at((x - self._offset[0]) / self._scale, (y - self._offset[1]) / self._scale)

    def picture_at(self, x: float, y: float) -> Hover | None:
        """Return the picture's point under a widget's point, None beside the pictures."""
        from app.ui.overlays import Hover

        side = self.side_at(x, y)
        if side is None or self.scene is None:
            return None
        px, py = (x - self._offset[0]) / self._scale, (y - self._offset[1]) / self._scale
        return Hover(side, *self.scene.from_plane(side, px, py))

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by widget pixels."""
        self._fitted = False
        self._set_view(self._scale, self._offset[0] + dx, self._offset[1] + dy)

    def _set_view(self, scale: float, x: float, y: float) -> None:
        self._scale, self._offset = scale, (x, y)
        self._view_moved()

    def _zoom(self, factor: float, x: float, y: float) -> None:
        if self.scene is None:
            return
        fit = min(self.width() / self.scene.bounds[2], self.height() / self.scene.bounds[3])
        scale = float(np.clip(self._scale * factor, min(fit * 0.3, 1.0), MOST_SCALE))
        factor = scale / self._scale
        self._fitted = False
        self._set_view(scale, x + (self._offset[0] - x) * factor, y + (self._offset[1] - y) * factor)

    def _beside(self) -> QRegion:
        """Return the part of the widget that no picture covers wholly."""
        region = QRegion(self.rect())
        if self.scene is not None:
            for at in (self.scene.left, self.scene.right):
                x0, y0 = self._offset[0] + at.x * self._scale, self._offset[1] + at.y * self._scale
                x1, y1 = self._offset[0] + at.right * self._scale, self._offset[1] + at.bottom * self._scale
                inner = QRect(QPoint(ceil(x0), ceil(y0)), QPoint(floor(x1) - 1, floor(y1) - 1))
                region -= QRegion(inner.intersected(self.rect()))
        return region

    def window_of(self, at: Placed) -> tuple[int, int, int, int]:
        """Return the widget's pixels (left, top, right, bottom) that a picture covers, empty if none."""
        return window_of(at, self.view)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor."""
        steps = event.angleDelta().y() / 120
        if steps:
            self._zoom(ZOOM_STEP**steps, event.position().x(), event.position().y())
        event.accept()
