"""The detector's reason as a picture: the differences of Gaussians around the place, and the limit that was missed.

What lives here: :class:`DetectionPicture`. What does not: what it shows (``app.vision.why_picture``). May import: that,
``app.vision.diverging``, ``app.ui.style``, Qt, numpy.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.text import minus
from app.ui.style import Style
from app.vision.diverging import coloured
from app.vision.why_picture import RADIUS, SIDE, Gauge, WhyPicture

BLOCK = 8  # side of a plane in units of the grid
GAP = 8


class DetectionPicture(QWidget):
    """Three small planes, the sample in question framed, the place asked about as a cross, and a gauge below."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.picture: WhyPicture | None = None
        self.title = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        look.changed.connect(lambda _look: self.updateGeometry())

    def sizeHint(self) -> QSize:
        """Return the size of three planes with their words."""
        line = self._look.px(2.25)
        block = self._look.px(BLOCK)
        return QSize(3 * block + 2 * GAP, round(4.5 * line + block))

    def minimumSizeHint(self) -> QSize:
        """Return the same: it does not shrink."""
        return self.sizeHint()

    def show_picture(self, picture: WhyPicture | None, title: str) -> None:
        """Show a neighbourhood under a title, or nothing."""
        self.picture, self.title = picture, title
        gauge = None if picture is None else picture.gauge
        self.setAccessibleName(f"Neighbourhood in the {title} picture")
        self.setAccessibleDescription("" if gauge is None else words_of(gauge))
        self.setToolTip(
            "<p>Differences of Gaussians, blue negative and orange positive: the finer plane, the one in question and "
            "the coarser one. The square is the sample the reason is about, the cross the place you asked about.</p>"
        )
        self.setVisible(picture is not None)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint title, planes and gauge."""
        if self.picture is None:
            return
        painter = QPainter(self)
        line, block = self._look.px(2.25), self._look.px(BLOCK)
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("text"))
        words = minus(f"{self.title} · DoG of octave {self.picture.octave}")
        painter.drawText(QRectF(0, 0, self.width(), line), int(Qt.AlignmentFlag.AlignVCenter), words)
        limit = float(np.nanmax(np.abs(self.picture.planes), initial=0.0))
        for plane in range(3):
            area = QRectF(plane * (block + GAP), 2 * line, block, block)
            painter.setPen(self._look.colour("text" if plane == 1 else "muted"))
            head = QRectF(area.left(), line, block, line)
            painter.drawText(head, int(Qt.AlignmentFlag.AlignVCenter), f"σ {self.picture.sigmas[plane]:.2g}")
            self._paint_plane(painter, area, plane, limit)
        if self.picture.gauge is not None:
            top = 2 * line + block + 4
            self._paint_gauge(painter, QRectF(0, top, self.width(), self.height() - top), self.picture.gauge)
        painter.end()

    def _paint_plane(self, painter: QPainter, area: QRectF, plane: int, limit: float) -> None:
        assert self.picture is not None
        values = self.picture.planes[plane]
        rgb = coloured(values, limit, dark=self._look.tokens.name == "dark")
        painter.fillRect(area, self._look.colour("canvas"))
        painter.drawImage(area, QImage(rgb.data, SIDE, SIDE, 3 * SIDE, QImage.Format.Format_RGB888))
        cell = area.width() / SIDE
        painter.setPen(QPen(self._look.colour("edge"), 1))
        for row, col in np.argwhere(np.isnan(values)).tolist():  # beyond the border: crossed out
            x, y = area.left() + col * cell, area.top() + row * cell
            painter.drawLine(QLineF(x, y + cell, x + cell, y))
        if plane != 1:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle = QRectF(area.left() + RADIUS * cell, area.top() + RADIUS * cell, cell, cell)
        for colour, width in (("canvas", 4.0), ("selected", 2.0)):
            painter.setPen(QPen(self._look.colour(colour), width))
            painter.drawRect(middle)
        at = middle.center() + QPointF(*self.picture.asked) * cell
        if area.contains(at):
            for colour, width in (("canvas", 3.5), ("text", 1.5)):
                painter.setPen(QPen(self._look.colour(colour), width))
                painter.drawLine(at - QPointF(5, 0), at + QPointF(5, 0))
                painter.drawLine(at - QPointF(0, 5), at + QPointF(0, 5))

    def _paint_gauge(self, painter: QPainter, area: QRectF, gauge: Gauge) -> None:
        """Paint a bar as long as the value, with the limit as a dashed line through it, and both numbers."""
        line = self._look.px(2.25)
        painter.setPen(self._look.colour("text"))
        painter.drawText(QRectF(area.left(), area.top(), area.width(), line), words_of(gauge))
        bar = QRectF(area.left(), area.top() + line, area.width(), line / 2)
        value = gauge.value if math.isfinite(gauge.value) else 4 * gauge.limit
        scale = bar.width() / (1.15 * max(value, gauge.limit, 1e-12))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.colour("raised"))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(self._look.colour("right" if gauge.passed else "wrong"))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(2.0, value * scale), bar.height()), 2, 2)
        x = bar.left() + gauge.limit * scale
        painter.setPen(QPen(self._look.colour("text"), 2, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(x, bar.top() - 3, x, bar.bottom() + 3))


def words_of(gauge: Gauge) -> str:
    """Return a gauge in words."""
    value = "∞" if math.isinf(gauge.value) else f"{gauge.value:.3g}"
    sign = ("≥" if gauge.passed else "<") if gauge.least else ("<" if gauge.passed else "≥")
    return f"{gauge.name}: {value} {sign} {gauge.limit:.3g}"
