"""Writing pictures of Qt as files, whole or not at all.

What lives here: :func:`save_image`. What does not: figures with legend and caption (``figure``). May import: settings,
records, Qt's core and gui. Safe in any thread.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage, QImageWriter

from app.records import UserError
from app.settings import atomic_path


def check_ending(path: str | Path) -> None:
    """Raise :class:`UserError` if a file's ending names no kind of picture that can be written."""
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending.encode() not in [kind.data() for kind in QImageWriter.supportedImageFormats()]:
        raise UserError(f"{Path(path).name} names no kind of picture; use a name ending in .png.")


def save_image(image: QImage, path: str | Path) -> None:
    """Write a picture in the format of the path's ending, atomically.

    Raises:
        UserError: for an unknown ending, or if the file cannot be written.
    """
    check_ending(path)
    # Encoded in memory: Qt does not always tell when a disk is full, and Python does.
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, Path(path).suffix.removeprefix(".").lower().encode())
    if not writer.write(image):
        raise UserError(f"The picture cannot be written as {Path(path).name}: {writer.errorString()}.")
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.data().data())
