"""The two pictures of a canvas, and one laid over the other.

What lives here: :class:`PairPictures`. What does not: painting one picture (``kept_picture``), where they stand
(``scene``), what is drawn over them. May import: those, records, Qt.
"""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter

from app.records import Float64, Image, Side, UInt8
from app.ui.picture_part import Part, StillPicture
from app.ui.scene import Placed, View

if TYPE_CHECKING:
    from app.ui.kept_picture import KeptPicture

TILE_PX = 48  # side of a square of the checkerboard at normal size

Window = tuple[int, int, int, int]


def window_of(at: Placed, view: View) -> Window:
    """Return the widget's pixels (left, top, right, bottom) that a picture covers, empty if none."""
    x0, y0 = at.x * view.scale + view.x, at.y * view.scale + view.y
    x1, y1 = at.right * view.scale + view.x, at.bottom * view.scale + view.y
    return max(0, floor(x0)), max(0, floor(y0)), min(view.width, ceil(x1)), min(view.height, ceil(y1))


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
        self._pictures: dict[Side, KeptPicture] = {}
        self._stills: dict[Side, StillPicture] = {}
        self._over: tuple[tuple[object, ...], UInt8] | None = None

    def set_images(self, images: dict[Side, Image]) -> None:
        """Take other pictures."""
        from app.ui.kept_picture import KeptPicture  # needs OpenCV, which a first paint may go without

        self._stills = {}
        self._pictures = {side: KeptPicture(image.rgb) for side, image in images.items()}
        self._over = None

    def set_stills(self, stills: dict[Side, StillPicture]) -> None:
        """Show what was rendered of pictures that are not there."""
        self._pictures, self._stills, self._over = {}, stills, None

    def whole(self, side: Side, at: Placed, view: View) -> Part:
        """Return what is painted of a picture in a view that shows all of it."""
        corner = (at.x * view.scale + view.x, at.y * view.scale + view.y)
        return self._pictures[side].whole(at.scale * view.scale, corner, (view.width, view.height))

    def set_overlay(self, mode: str, matrix: Float64 | None) -> None:
        """Lay the right picture over the left one by a left-to-right homography (none without one)."""
        self.mode = mode if matrix is not None else "none"
        self._matrix, self.flick = matrix, False
        self._over = None

    def paint(self, painter: QPainter, side: Side, at: Placed, view: View, *, moving: bool = False) -> None:
        """Draw the part of a picture that is inside the widget; a moving view need not be sharp."""
        corner = (at.x * view.scale + view.x, at.y * view.scale + view.y)
        window = (view.width, view.height)
        if side in self._stills:
            self._stills[side].paint(painter, at.scale * view.scale, corner)
        else:
            self._pictures[side].paint(painter, at.scale * view.scale, corner, window, moving=moving)

    def paint_overlay(self, painter: QPainter, at: Placed, view: View, font_scale: float) -> None:
        """Draw the right picture over the left one, which stands at ``at``, in the chosen mode."""
        if self._matrix is None or self.mode == "none" or (self.mode == "flicker" and not self.flick):
            return
        left, top, right, bottom = window_of(at, view)
        if right <= left or bottom <= top:
            return
        key = (view.scale, view.x, view.y, left, top, right, bottom, self.mode)
        if self._over is None or self._over[0] != key:
            tile = max(16, int(TILE_PX * font_scale))
            self._over = (key, self._registered(self._matrix, at, view, (left, top, right, bottom), tile))
        from app.ui.kept_picture import as_qimage

        painter.drawImage(QPoint(left, top), as_qimage(self._over[1], alpha=True))

    def _registered(self, homography: Float64, at: Placed, view: View, window: Window, tile: int) -> UInt8:
        """Return (h, w, 4) the right picture seen from the left one, for a part of the widget."""
        left, top = window[:2]
        size = (window[2] - left, window[3] - top)
        scale = at.scale * view.scale
        picture, k = self._pictures["right"].pyramid.level(scale)
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
