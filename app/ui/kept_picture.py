"""A picture as a canvas paints it at any zoom, quick enough to follow the mouse.

What lives here: :class:`KeptPicture`, which keeps what it has rendered, with room around it, and while the view moves
shows that, shifted and stretched, instead of rendering every frame; and :func:`as_qimage`. What does not: pictures at
any zoom (``app.vision.pyramid``), a rendered part (``picture_part``), what is drawn over them. May import: those,
records, Qt.
"""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.records import UInt8
from app.ui.picture_part import Part
from app.vision.pyramid import Pyramid

ROOM = 0.2  # of the window on every side, rendered beyond it: panning soon needs it
AHEAD = 0.8  # of the room of both sides that lies ahead while panning, so that it lasts longer
STRETCH = 2.5  # times the size it was rendered at, before a moving picture is rendered anew
ALIGNED = 0.02  # screen pixels by which a kept part may lie beside its place
# A picture of more pixels than this is first shown with pixels left out: reading them all takes a while.
LARGE = 2**24
GLANCE = 1000  # pixels of the longer side of a picture shown so

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom


def as_qimage(rgb: UInt8, *, alpha: bool = False) -> QImage:
    """Return a QImage over the array's own memory; keep the array while it is used.

    Raises:
        ValueError: if the array is not contiguous: Qt would be given a copy that is gone at once.
    """
    if not rgb.flags.c_contiguous:
        raise ValueError("a picture for Qt must be contiguous")
    kind = QImage.Format.Format_RGBA8888 if alpha else QImage.Format.Format_RGB888
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, int(rgb.strides[0]), kind)


class KeptPicture:
    """One picture, painted from parts that are kept."""

    def __init__(self, rgb: UInt8) -> None:
        self.pyramid = Pyramid(rgb)
        self._size = (rgb.shape[1], rgb.shape[0])
        self._part: Part | None = None
        self._pixels: UInt8 | None = None  # of that part
        self._whole: Part | None = None
        self._painted = 0.0  # scale at which it was painted last, and where its corner was
        self._was_at = (0.0, 0.0)

    def paint(
        self, painter: QPainter, scale: float, corner: tuple[float, float], window: tuple[int, int], *, moving: bool
    ) -> None:
        """Draw what of the picture is inside a window of (width, height) screen pixels.

        Args:
            painter: in screen pixels.
            scale: screen pixels per picture pixel.
            corner: screen place of the picture's top left corner.
            window: its size.
            moving: whether the view is moving: what is kept is then shown if it is near enough, sharp or not.
        """
        exact = QRectF(*corner, self._size[0] * scale, self._size[1] * scale)
        seen = exact.intersected(QRectF(0, 0, *window))
        if seen.isEmpty():
            return
        part = self._kept(scale, corner, seen) or (self._near(scale, corner, seen) if moving else None)
        if part is None:
            # Parts of a pixel cost a warp, five times a resize; they can wait until the view rests.
            place = (float(round(corner[0])), float(round(corner[1]))) if moving else corner
            panned = moving and scale == self._painted
            part = self._render(scale, place, window, self._was_at if panned else place)
        self._painted, self._was_at = scale, corner
        part.paint(painter, exact, scale)

    def whole(self, scale: float, corner: tuple[float, float], window: tuple[int, int]) -> Part:
        """Return what :meth:`paint` would show of the resting picture, whole where it fits into the window."""
        return self._render(scale, corner, window, corner)

    def _kept(self, scale: float, corner: tuple[float, float], seen: QRectF) -> Part | None:
        """Return the part kept if it shows the pixels that rendering would."""
        part = self._part
        if part is None or part.scale != scale or not _covers(part, _from_corner(seen, corner, 1.0)):
            return None
        beside = [abs(at - round(at)) for at in (corner[0] + part.x, corner[1] + part.y)]
        return part if max(beside) <= ALIGNED else None

    def _near(self, scale: float, corner: tuple[float, float], seen: QRectF) -> Part | None:
        """Return a part that is good enough for a moment."""
        part = self._part
        if part is not None and _covers(part, _from_corner(seen, corner, scale / part.scale)):
            return part if scale <= STRETCH * part.scale else None
        if scale == self._painted:  # panned: what is rendered now will do for a while
            return None
        if self._whole is None and (part is not None or self._size[0] * self._size[1] > LARGE):
            self._whole = self._glance()
        return self._whole

    def _glance(self) -> Part:
        """Return the whole picture with pixels left out."""
        rgb, _ = self.pyramid.level(1.0)
        step = -(-max(self._size) // GLANCE)
        picked = np.ascontiguousarray(rgb[step // 2 :: step, step // 2 :: step])
        return _part(_for_qt(picked), 1 / step, (0.0, 0.0), inside=False)

    def _render(
        self, scale: float, corner: tuple[float, float], window: tuple[int, int], before: tuple[float, float]
    ) -> Part:
        """Render what is seen, with room around it, on whole screen pixels: more where the view is going.

        Args:
            scale, corner, window: as for :meth:`paint`.
            before: where the corner was in the frame before; at the same place the room is alike on all sides.
        """
        starts, sizes, inside = [], [], False
        for at, was, length, shown in zip(corner, before, self._size, window, strict=True):
            after = AHEAD if at < was else 1 - AHEAD if at > was else 0.5
            room = 2 * ROOM * shown
            start = int(max(np.floor(at), -round((1 - after) * room)))
            stop = int(min(np.ceil(at + length * scale), shown + round(after * room)))
            inside = inside or start > at or stop < at + length * scale
            starts.append(start)
            sizes.append(stop - start)
        offset = (corner[0] - starts[0], corner[1] - starts[1])
        # Memory that was used before is quicker to fill.
        spare = None if self._part is None or self._part is self._whole else self._pixels
        self._pixels = _for_qt(self.pyramid.view(scale, offset, (sizes[0], sizes[1])), spare)
        self._part = _part(self._pixels, scale, (-offset[0], -offset[1]), inside=inside)
        if not inside and (self._whole is None or self._whole.scale < scale):
            self._whole = self._part
        return self._part


def _part(pixels: UInt8, scale: float, place: tuple[float, float], *, inside: bool) -> Part:
    return Part(pixels, (pixels.shape[1], pixels.shape[0]), scale, *place, inside=inside)


def _covers(part: Part, seen: Rectangle) -> bool:
    """Whether all of a rectangle (in screen pixels of the part's scale from the picture's corner) is in it."""
    (width, height), (left, top, right, bottom) = part.size, seen
    within = ALIGNED + min(left - part.x, top - part.y, part.x + width - right, part.y + height - bottom)
    return not part.inside or within >= 0


def _from_corner(seen: QRectF, corner: tuple[float, float], factor: float) -> Rectangle:
    """Return what is seen in screen pixels from the picture's corner, at the zoom a part was rendered at."""
    x, y = corner
    return (
        (seen.left() - x) / factor,
        (seen.top() - y) / factor,
        (seen.right() - x) / factor,
        (seen.bottom() - y) / factor,
    )


def _for_qt(rgb: UInt8, spare: UInt8 | None = None) -> UInt8:
    """Return (h, w, 4) pixels as Qt wants them, in the spare memory if it fits."""
    if spare is not None and spare.shape[:2] == rgb.shape[:2]:
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA, dst=spare), np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA), np.uint8)
