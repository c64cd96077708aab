"""Drawing as SVG whose pictures are encoded afterwards, in any thread.

What lives here: :func:`drawn_svg`. What does not: what is drawn (``figure``). May import: ``picture_files``, Qt.

Qt encodes every picture in a drawing while it draws, on the window's thread, and slowly. Here a small picture stands in
for each one while the drawing is made, and its data are exchanged when the file is written.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import cast

from PySide6.QtCore import QBuffer, QIODevice, QPoint, QPointF, QRectF, QSize
from PySide6.QtGui import QImage, QPaintDevice, QPainter

from app.ui.picture_files import as_png

_DATA = re.compile(rb'(?<=xlink:href="data:image/png;base64,)[^"]*(?=")')


class _Standing(QPainter):
    """A painter that keeps the pictures it is asked to draw, and draws a pixel as large in place of each.

    Attributes:
        pictures: copies of them, in the order of drawing.
    """

    def __init__(self, device: QPaintDevice) -> None:
        super().__init__(device)
        self.pictures: list[QImage] = []
        self._pixel = QImage(1, 1, QImage.Format.Format_RGB32)
        self._pixel.fill(0)

    def drawImage(self, place: QPoint | QPointF | QRectF, image: QImage) -> None:  # type: ignore[override]
        """Draw the stand-in; of Qt's overloads, those with a place or an area for the whole picture."""
        area = place if isinstance(place, QRectF) else QRectF(QPointF(place), image.deviceIndependentSize())
        self.pictures.append(image.copy())  # its memory may soon hold another picture
        super().drawImage(area, self._pixel)


def drawn_svg(size: QSize, description: str, draw: Callable[[QPainter], None]) -> Callable[[], bytes]:
    """Draw now; return what encodes the pictures in the drawing and gives the file's bytes, in any thread.

    Args:
        size: width and height of the drawing in pixels.
        description: kept in the file.
        draw: paints everything; pictures with ``drawImage`` at a place or into an area.
    """
    from PySide6.QtSvg import QSvgGenerator

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle("Correspondence Explorer")
    generator.setDescription(description)
    painter = _Standing(generator)
    draw(painter)
    painter.end()
    text, pictures = cast(bytes, buffer.data().data()), painter.pictures

    def encoded() -> bytes:
        """Put every picture where its stand-in is."""
        found = len(_DATA.findall(text))
        if found != len(pictures):
            raise RuntimeError(f"{found} pictures in the drawing, {len(pictures)} drawn")
        waiting: Iterator[QImage] = iter(pictures)
        return _DATA.sub(lambda _: base64.b64encode(as_png(next(waiting))), text)

    return encoded
