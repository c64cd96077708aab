"""Writing pictures of Qt as files, whole or not at all.

What lives here: :func:`save_image` and :func:`as_png`. What does not: figures with legend and caption (``figure``).
May import: settings, records, numpy, cv2, Qt's core and gui. Safe in any thread.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage, QImageWriter

from app.records import UserError
from app.settings import atomic_path

BITS = 32  # of a pixel, all channels together; deeper pictures are left to Qt, which keeps all of it


def check_ending(path: str | Path) -> None:
    """Raise :class:`UserError` if a file's ending names no kind of picture that can be written."""
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending.encode() not in [kind.data() for kind in QImageWriter.supportedImageFormats()]:
        raise UserError(f"{Path(path).name} names no kind of picture; use a name ending in .png.")


def as_png(image: QImage) -> bytes:
    """Return a picture as a PNG file's bytes, 8 bits a channel, in a sixth of the time Qt takes (and a tenth more).

    Raises:
        UserError: if it cannot be encoded.
    """
    clear = image.hasAlphaChannel()
    kind = QImage.Format.Format_ARGB32 if clear else QImage.Format.Format_RGB32
    plain = image.convertToFormat(kind)  # blue, green, red, and alpha or nothing
    try:
        values = np.frombuffer(plain.constBits() or b"", np.uint8)
        values = values.reshape(plain.height(), plain.bytesPerLine() // 4, 4)
        values = values[:, : plain.width(), : 4 if clear else 3]
        data = cv2.imencode(".png", np.ascontiguousarray(values))[1]
    except cv2.error:
        raise UserError(
            f"A picture of {image.width()} × {image.height()} pixels could not be encoded; make it smaller."
        ) from None
    return data.tobytes()


def save_image(image: QImage, path: str | Path) -> None:
    """Write a picture in the format of the path's ending, atomically.

    Raises:
        UserError: for an unknown ending, or if the file cannot be written.
    """
    check_ending(path)
    ending = Path(path).suffix.removeprefix(".").lower()
    # Encoded in memory: Qt does not always tell when a disk is full, and Python does.
    if ending == "png" and image.depth() <= BITS:
        encoded = as_png(image)
    else:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QImageWriter(buffer, ending.encode())
        if not writer.write(image):
            raise UserError(f"The picture cannot be written as {Path(path).name}: {writer.errorString()}.")
        encoded = bytes(buffer.data().data())
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded)
