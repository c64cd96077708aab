"""The words on a plate in the corner of a picture, as a picture of their own that is made once.

What lives here: :func:`caption_plate`. What does not: where it is drawn. May import: style, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPixmap

from app.ui.style import Style


def caption_plate(look: Style, words: str, room: int, ratio: float, *, smooth: bool) -> QPixmap:
    """Return words, cut to ``room`` pixels, on a plate with round corners (smooth or not).

    Args:
        ratio: of the screen's pixels to the widget's.
    """
    metrics = QFontMetrics(look.font(0.85))
    text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
    plate = QRect(0, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 6)
    pixmap = QPixmap((plate.size() + QSize(1, 1)) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
    painter.setFont(look.font(0.85))
    back = look.colour("surface")
    back.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(look.colour("text"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return pixmap
