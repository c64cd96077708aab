"""Pictures as a canvas paints them: cut and scaled from their pyramids, and one laid over the other.

What lives here: :class:`PairPictures`, which keeps what it has rendered until the view moves, and :func:`as_qimage`.
What does not: pictures at any zoom (``app.vision.pyramid``), where they stand (``scene``), what is drawn over them. May
import: those, ``line_layer``'s view, records, Qt.
"""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QPoint, QRectF
from PySide6.QtGui import QImage, QPainter

from app.records import Float64, Image, Side, UInt8
from app.ui.line_layer import View
from app.ui.scene import Placed
from app.vision.pyramid import Pyramid

TILE_PX = 48  # side of a square of the checkerboard at normal size

Window = tuple[int, int, int, int]


def as_qimage(rgb: UInt8, *, alpha: bool = False) -> QImage:
    """Return a QImage over the array's own memory; keep the array while it is used."""
    kind = QImage.Format.Format_RGBA8888 if alpha else QImage.Format.Format_RGB888
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, int(rgb.strides[0]), kind)


def window_of(at: Placed, view: View) -> Window:
    """Return the widget's pixels (left, top, right, bottom) that a picture covers, empty if none."""
    x0, y0 = at.x * view.scale + view.x, at.y * view.scale + view.y
    x1, y1 = at.right * view.scale + view.x, at.bottom * view.scale + view.y
    left, top = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
    return left, top, min(view.width, int(np.ceil(x1))), min(view.height, int(np.ceil(y1)))


class PairPictures:
    """The two pictures of a canvas, and the right one as seen from the left one.

    Attributes:
        mode: ``"none"``, ``"warp"``, ``"blend"``, ``"flicker"`` or ``"checkerboard"``.
        flick: whether a flickering overlay is on at the moment.
    """

    def __init__(self) -> None:
        self.mode = "none"
        self.flick = False
        self._matrix: Float64 | None = None
        self._pyramids: dict[Side, Pyramid] = {}
        self._rendered: dict[str, tuple[tuple[object, ...], UInt8]] = {}

    def set_images(self, images: dict[Side, Image]) -> None:
        """Take other pictures."""
        self._pyramids = {side: Pyramid(image.rgb) for side, image in images.items()}
        self._rendered.clear()

    def set_overlay(self, mode: str, matrix: Float64 | None) -> None:
        """Lay the right picture over the left one by a left-to-right homography (none without one)."""
        self.mode = mode if matrix is not None else "none"
        self._matrix, self.flick = matrix, False
        self._rendered.pop("over", None)

    def paint(self, painter: QPainter, side: Side, at: Placed, view: View) -> None:
        """Draw the part of a picture that is inside the widget."""
        left, top, right, bottom = window_of(at, view)
        if right <= left or bottom <= top:
            return
        scale = at.scale * view.scale
        corner = (at.x * view.scale + view.x, at.y * view.scale + view.y)
        offset = (corner[0] - left, corner[1] - top)
        key = (scale, offset, right - left, bottom - top)
        kept = self._rendered.get(side)
        if kept is None or kept[0] != key:
            kept = (key, self._pyramids[side].view(scale, offset, (right - left, bottom - top)))
            self._rendered[side] = kept
        painter.save()
        painter.setClipRect(QRectF(*corner, at.width * scale, at.height * scale))
        painter.drawImage(QPoint(left, top), as_qimage(kept[1]))
        painter.restore()

    def paint_overlay(self, painter: QPainter, at: Placed, view: View, font_scale: float) -> None:
        """Draw the right picture over the left one, which stands at ``at``, in the chosen mode."""
        if self._matrix is None or self.mode == "none" or (self.mode == "flicker" and not self.flick):
            return
        left, top, right, bottom = window_of(at, view)
        if right <= left or bottom <= top:
            return
        key = (view.scale, view.x, view.y, left, top, right, bottom, self.mode)
        kept = self._rendered.get("over")
        if kept is None or kept[0] != key:
            tile = max(16, int(TILE_PX * font_scale))
            kept = (key, self._registered(self._matrix, at, view, (left, top, right, bottom), tile))
            self._rendered["over"] = kept
        painter.drawImage(QPoint(left, top), as_qimage(kept[1], alpha=True))

    def _registered(self, homography: Float64, at: Placed, view: View, window: Window, tile: int) -> UInt8:
        """Return (h, w, 4) the right picture seen from the left one, for a part of the widget."""
        left, top = window[:2]
        size = (window[2] - left, window[3] - top)
        scale = at.scale * view.scale
        picture, k = self._pyramids["right"].level(scale)
        # right level pixel -> right pixel -> left pixel -> plane -> widget, all on pixel centres
        level = np.array([[2**k, 0, (2**k - 1) / 2], [0, 2**k, (2**k - 1) / 2], [0, 0, 1]])
        to_window = np.array(
            [
                [scale, 0, 0.5 * scale - 0.5 + at.x * view.scale + view.x - left],
                [0, scale, 0.5 * scale - 0.5 + at.y * view.scale + view.y - top],
                [0, 0, 1],
            ]
        )
        matrix = to_window @ np.linalg.inv(homography) @ level
        colour = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR)
        cover = cv2.warpPerspective(np.full(picture.shape[:2], 255, np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
        if self.mode == "blend":
            cover = np.asarray(cover // 2 + 1, np.uint8) * (cover > 0)
        elif self.mode == "checkerboard":
            y, x = np.mgrid[0 : size[1], 0 : size[0]]
            cover = cover * (((x + left) // tile + (y + top) // tile) % 2 == 0)
        return np.dstack([colour, cover]).astype(np.uint8)
