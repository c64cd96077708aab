"""Drawings as SVG: the pictures in them are those that were drawn, though encoded later and elsewhere."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QIODevice, QPoint, QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer

from app.ui.svg_figure import drawn_svg

pytestmark = pytest.mark.usefixtures("qapp")
SIZE = QSize(90, 70)


def noise(seed: int, kind: QImage.Format = QImage.Format.Format_RGB32) -> QImage:
    values = np.random.default_rng(seed).integers(0, 256, (20, 30, 4), np.uint8)
    return QImage(values.data, 30, 20, QImage.Format.Format_ARGB32).copy().convertToFormat(kind)


def scene(painter: QPainter) -> None:
    """Pictures at a whole place, at a broken one, in an area, half clear, under a clip and beside words and lines."""
    painter.fillRect(QRectF(0, 0, 90, 70), QColor("white"))
    painter.drawImage(QPoint(3, 4), noise(1))
    painter.drawImage(QPointF(40.5, 4.25), noise(2))
    painter.save()
    painter.setClipRect(QRectF(5, 30, 40, 30))
    painter.drawImage(QRectF(4, 29, 60, 40), noise(3, QImage.Format.Format_RGB888))
    painter.restore()
    painter.drawLine(0, 0, 90, 70)
    painter.drawImage(QPoint(50, 40), noise(4, QImage.Format.Format_ARGB32))


def by_qt(draw: Callable[[QPainter], None]) -> bytes:
    """The drawing with its pictures encoded by Qt on the way."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(SIZE)
    generator.setViewBox(QRectF(0, 0, SIZE.width(), SIZE.height()))
    painter = QPainter(generator)
    draw(painter)
    painter.end()
    return bytes(buffer.data().data())


def rendered(svg: bytes) -> QImage:
    image = QImage(SIZE, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    renderer = QSvgRenderer(svg)
    assert renderer.isValid()
    renderer.render(painter)
    painter.end()
    return image


def pictures_in(svg: bytes) -> list[QImage]:
    found = re.findall(rb'href="data:image/png;base64,([^"]*)"', svg)
    return [QImage.fromData(base64.b64decode(data)) for data in found]


def test_that_it_is_the_drawing_qt_makes() -> None:
    ours, theirs = drawn_svg(SIZE, "about it", scene)(), by_qt(scene)
    assert rendered(ours) == rendered(theirs)
    assert b"about it" in ours


def test_that_the_pictures_are_those_drawn_even_if_their_memory_is_used_again() -> None:
    values = np.full((20, 30, 4), 200, np.uint8)

    def draw(painter: QPainter) -> None:
        painter.drawImage(QPoint(0, 0), QImage(values.data, 30, 20, QImage.Format.Format_RGB32))
        painter.drawImage(QPoint(30, 0), noise(5, QImage.Format.Format_ARGB32))

    finish = drawn_svg(SIZE, "", draw)
    values[:] = 0
    first, second = pictures_in(finish())
    assert first.pixelColor(7, 7) == QColor(200, 200, 200)
    assert second.convertToFormat(QImage.Format.Format_ARGB32) == noise(5, QImage.Format.Format_ARGB32)


def test_that_pictures_are_encoded_in_any_thread() -> None:
    finish = drawn_svg(SIZE, "", scene)
    made: list[bytes] = []
    thread = threading.Thread(target=lambda: made.append(finish()))
    thread.start()
    thread.join(10)
    assert made == [finish()]


def test_that_a_drawing_without_pictures_is_one() -> None:
    svg = drawn_svg(SIZE, "", lambda painter: painter.drawLine(0, 0, 5, 5))()
    assert QSvgRenderer(svg).isValid()
    assert not pictures_in(svg)
