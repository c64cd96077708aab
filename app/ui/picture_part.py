"""A part of a picture as it was rendered for the screen, and how it is painted at any zoom.

What lives here: :class:`Part`. What does not: rendering (``kept_picture``), and what is kept from one start of the
program to the next (``remembered``). May import: Qt; not NumPy, which a first paint goes without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF
from PySide6.QtGui import QImage, QPainter

if TYPE_CHECKING:
    from app.records import UInt8


class Part:
    """A rendered part of a picture.

    Args:
        pixels: height x width x 4 bytes, blue, green, red and a filling byte: what Qt paints from fastest.
        size: (width, height).
        scale: screen pixels per picture pixel it was rendered at.
        x: of its left edge, in screen pixels of that scale from the picture's corner.
        y: of its top edge.
        inside: whether the picture goes on beyond any of its sides.
    """

    def __init__(
        self, pixels: UInt8 | memoryview, size: tuple[int, int], scale: float, x: float, y: float, *, inside: bool
    ) -> None:
        self.pixels, self.size, self.scale, self.x, self.y, self.inside = pixels, size, scale, x, y, inside
        self._image: QImage | None = None

    @property
    def data(self) -> memoryview:
        """The bytes of the pixels, one after the other."""
        return (self.pixels if isinstance(self.pixels, memoryview) else self.pixels.data).cast("B")

    @property
    def image(self) -> QImage:
        """The part for a painter, over the memory of its pixels."""
        if self._image is None:
            self._image = QImage(self.data, *self.size, 4 * self.size[0], QImage.Format.Format_RGB32)
        return self._image

    def paint(self, painter: QPainter, exact: QRectF, scale: float) -> None:
        """Draw it where it belongs, not beyond the picture.

        Args:
            painter: in screen pixels.
            exact: the place of the whole picture.
            scale: screen pixels per picture pixel there; another than its own stretches the part.
        """
        factor = scale / self.scale
        left, top = exact.x() + self.x * factor, exact.y() + self.y * factor
        painter.save()
        painter.setClipRect(exact)
        if self.scale == scale:
            painter.drawImage(QPoint(round(left), round(top)), self.image)
        else:
            painter.drawImage(QRectF(left, top, self.size[0] * factor, self.size[1] * factor), self.image)
        painter.restore()


class StillPicture:
    """A picture of which there is one part, where a :class:`~app.ui.kept_picture.KeptPicture` will be."""

    def __init__(self, part: Part, size: tuple[int, int]) -> None:
        self.part, self.size = part, size

    def paint(self, painter: QPainter, scale: float, corner: tuple[float, float]) -> None:
        """Draw it, its left top corner at a place of the screen, at so many screen pixels per picture pixel."""
        self.part.paint(painter, QRectF(*corner, self.size[0] * scale, self.size[1] * scale), scale)
