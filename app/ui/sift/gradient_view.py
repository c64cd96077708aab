"""The gradient window of a point: its pixels, faded by the Gaussian weight, with every gradient's vote as a line.

What lives here: :class:`GradientView`. What does not: the window (``app.vision.sift_orientation``). May import: that,
``app.ui.style``, Qt, numpy.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import UInt8
from app.ui.kept_picture import as_qimage
from app.ui.sift.star_plot import as_rgb
from app.ui.style import Style
from app.vision.sift_orientation import SIGMA_FACTOR, OrientationView

LEAST_VOTE = 0.04  # shorter lines than this share of the longest are dots, and left out
FADED = 0.75  # how much of the grey the weight takes away at its edge


class GradientView(QWidget):
    """Shows an :class:`OrientationView`; a page hands it one and the keypoint's sigma in octave pixels."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.view: OrientationView | None = None
        self._sigma = 1.0
        self._picture: UInt8 | None = None
        self.setAccessibleName("Gradient window")
        self.setMinimumSize(110, 126)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(200, 216)

    def show_view(self, view: OrientationView | None, sigma: float = 1.0) -> None:
        """Show a window; ``sigma`` of the point in octave pixels."""
        self.view, self._sigma = view, sigma
        self._picture = None if view is None else _faded(view)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw pixels, votes, the circle of the weight and the orientations."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        top = self._look.px(2.25)
        side = max(10.0, min(self.width() - 2.0, self.height() - top - 2.0))
        square = QRectF((self.width() - side) / 2, top + (self.height() - top - side) / 2, side, side)
        painter.fillRect(square, self._look.colour("canvas"))
        painter.setPen(self._look.colour("muted"))
        head = QRectF(0, 0, self.width(), top)
        caption = painter.fontMetrics().elidedText(self._caption(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(head, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter), caption)
        if self.view is not None and self._picture is not None:
            painter.setClipRect(square)
            painter.drawImage(square, as_qimage(self._picture))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pixel = side / self._picture.shape[0]
            self._paint_votes(painter, square, pixel, self.view)
            self._paint_weight(painter, square, pixel)
            self._paint_orientations(painter, square, pixel, self.view)
        painter.end()

    def _caption(self) -> str:
        if self.view is None:
            return "gradients × Gaussian weight"
        n = 2 * self.view.radius + 1
        return f"{n} × {n} gradients, weighted"

    def _paint_votes(self, painter: QPainter, square: QRectF, pixel: float, view: OrientationView) -> None:
        votes = view.magnitude * view.weight
        top = float(votes.max(initial=0.0))
        if not top > 0:
            return
        lines = []
        for row, column in np.argwhere(votes > LEAST_VOTE * top).tolist():
            length = pixel * 0.95 * math.sqrt(float(votes[row, column]) / top)
            turn = math.radians(float(view.angle[row, column]))
            at = QPointF(square.left() + (column + 0.5) * pixel, square.top() + (row + 0.5) * pixel)
            reach = QPointF(math.cos(turn), math.sin(turn)) * (length / 2)
            lines.append(QLineF(at - reach, at + reach))
            if pixel > 9:  # an arrow's head, where there is room for one
                lines += [QLineF(at + reach, at + reach - _turned(reach, angle) * 0.5) for angle in (0.6, -0.6)]
        painter.setPen(QPen(self._look.colour("right" if self._look.tokens.name == "dark" else "selected"), 1.4))
        painter.drawLines(lines)

    def _paint_weight(self, painter: QPainter, square: QRectF, pixel: float) -> None:
        """Draw the circle of one standard deviation of the weight."""
        radius = SIGMA_FACTOR * self._sigma * pixel
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 160), 3.0), (self._look.colour("wrong"), 1.4)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.DashLine))
            painter.drawEllipse(square.center(), radius, radius)

    def _paint_orientations(self, painter: QPainter, square: QRectF, pixel: float, view: OrientationView) -> None:
        reach = max(3.0 * self._sigma * pixel, 12.0)
        for colour, width in ((QColor(0, 0, 0, 190), 5.0), (self._look.colour("selected"), 2.4)):
            painter.setPen(QPen(colour, width * min(self._look.line_scale, 1.5), Qt.PenStyle.SolidLine))
            for peak in view.peaks:
                if peak.kept:
                    turn = math.radians(peak.angle)
                    tip = square.center() + QPointF(math.cos(turn), math.sin(turn)) * reach
                    painter.drawLine(QLineF(square.center(), tip))


def _turned(vector: QPointF, angle: float) -> QPointF:
    cos, sin = math.cos(angle), math.sin(angle)
    return QPointF(cos * vector.x() - sin * vector.y(), sin * vector.x() + cos * vector.y())


def _faded(view: OrientationView) -> UInt8:
    """Return the window's grey values stretched over the full range, darker where the weight is small."""
    values = np.asarray(view.values, np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    shown = (np.nan_to_num(values, nan=low) - low) * (200 / (high - low) if high > low else 0.0) + 40
    share = view.weight / max(float(view.weight.max(initial=0.0)), 1e-12)
    return as_rgb(shown * (1 - FADED + FADED * share))
