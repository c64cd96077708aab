"""Pictures of Qt as files: the pixels are those of the picture, also where rows are padded; nothing torn is left."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QRgba64

from app.records import UserError
from app.ui.picture_files import as_png, save_image


def painted(width: int, height: int, kind: QImage.Format) -> QImage:
    image = QImage(width, height, kind)
    values = np.random.default_rng(width).integers(0, 256, (height, width, 3))
    for y in range(height):
        for x in range(width):
            image.setPixel(x, y, 0xFF000000 | int(values[y, x] @ [1 << 16, 1 << 8, 1]))
    return image


@pytest.mark.parametrize("width", [1, 2, 37])
@pytest.mark.parametrize("kind", [QImage.Format.Format_RGB32, QImage.Format.Format_RGB888])
def test_that_a_png_holds_every_pixel(width: int, kind: QImage.Format) -> None:
    image = painted(width, 11, kind)
    assert QImage.fromData(as_png(image)) == image.convertToFormat(QImage.Format.Format_RGB32)


def test_that_a_png_holds_what_is_clear_too(tmp_path: Path) -> None:
    image = QImage(3, 2, QImage.Format.Format_RGBA8888)
    for x, alpha in enumerate((0, 90, 255)):
        for y in range(2):
            image.setPixelColor(x, y, QColor(10, 20 + x, 30 + y, alpha))
    save_image(image, tmp_path / "a.png")
    assert QImage(str(tmp_path / "a.png")).convertToFormat(image.format()) == image


def test_that_deep_pictures_stay_deep(tmp_path: Path) -> None:
    image = QImage(2, 1, QImage.Format.Format_RGBX64)
    image.fill(QColor.fromRgba64(QRgba64.fromRgba64(257, 4000, 65535, 65535)))
    save_image(image, tmp_path / "a.png")
    assert QImage(str(tmp_path / "a.png")).pixelColor(0, 0).rgba64().green() == 4000


def test_that_a_picture_is_encoded_in_any_thread() -> None:
    image = painted(20, 10, QImage.Format.Format_RGB32)
    made: list[bytes] = []
    thread = threading.Thread(target=lambda: made.append(as_png(image)))
    thread.start()
    thread.join(10)
    assert made == [as_png(image)]


def test_that_what_cannot_be_encoded_is_said() -> None:
    with pytest.raises(UserError, match=r"0 × 0 pixels could not be encoded"):
        as_png(QImage())


def test_that_another_ending_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names no kind of picture"):
        save_image(painted(2, 2, QImage.Format.Format_RGB32), tmp_path / "a.nothing")
    assert not list(tmp_path.iterdir())
