"""The two most alike items, under Euclid and under the learned metric, as pictures.

What lives here: :class:`AlikeView`. What does not: the search. May import: records, ``app.ui.style``, numpy, Qt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import UInt8
from app.ui.style import Style

SIDE, GAP = 6.0, 2.0  # units of a picture, and between the pairs
HEADS = ("most alike, Euclid", "learned")
FLAGS = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)


class AlikeView(QWidget):
    """Two pairs of pictures with a word under each."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.pairs: tuple[tuple[int, int], ...] = ()
        self._images: list[QImage] = []
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The two most alike faces, under Euclid and under the learned metric")
        self.setToolTip("<p>Of all faces the two at the smallest distance; here the metric is learned from all.</p>")
        look.changed.connect(lambda _look: self.updateGeometry())

    def sizeHint(self) -> QSize:
        """Return the size of four pictures with their words."""
        side = self._look.px(SIDE)
        return QSize(4 * side + self._look.px(GAP) + 12, side + self._look.px(2.5))

    def show_pairs(self, pairs: tuple[tuple[int, int], ...], picture: Callable[[int], UInt8]) -> None:
        """Show these pairs of rows; nothing without any."""
        if pairs != self.pairs or not self._images:
            self.pairs = pairs
            self._images = [_image(picture(row)) for pair in pairs for row in pair]
            names = "; ".join(f"{head}: {a + 1} and {b + 1}" for head, (a, b) in zip(HEADS, pairs, strict=False))
            self.setAccessibleDescription(names)
        self.setVisible(bool(pairs))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the pairs."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        side = self._look.px(SIDE)
        for index, image in enumerate(self._images):
            left = index * (side + 4) + (index // 2) * self._look.px(GAP)
            painter.drawImage(QRectF(left, 0, side, side), image)
            if index % 2 == 0:
                painter.setPen(self._look.colour("muted"))
                area = QRectF(left, side + 2, 2 * side + self._look.px(GAP), self._look.px(2.5))
                painter.drawText(area, FLAGS, HEADS[index // 2])
        painter.end()


def _image(rgb: UInt8) -> QImage:
    kept = np.ascontiguousarray(rgb)
    height, width = kept.shape[:2]
    return QImage(kept.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
