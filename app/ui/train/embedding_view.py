"""The plane of descriptors with a thumbnail at every place; what shows the same point is joined by a line.

What lives here: :class:`EmbeddingView`, its layout, what the mouse does. What does not: projecting. May import: the
projection, ``app.ui.picking``, ``app.ui.style``, Qt, numpy.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Float64, UInt8
from app.ui.picking import nearest_point
from app.ui.style import Style
from app.ui.train.projection import Projection
from app.ui.train.row_picker import RowPicker

THUMB_UNITS = 2.75
REACH_UNITS = 2.5


def stretched(patch: UInt8) -> UInt8:
    """Return a patch with its contrast stretched, as networks see it: they take mean and contrast away first."""
    low, high = np.percentile(patch, (1, 99))
    if high - low < 1:
        return np.ascontiguousarray(patch)
    values = (patch.astype(np.float32) - low) * (255.0 / (high - low))
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def as_pixmap(patch: UInt8) -> QPixmap:
    """Return a grey (S, S) patch as a pixmap, with the full range of greys."""
    values = stretched(patch)
    height, width = values.shape
    return QPixmap.fromImage(QImage(values.data, width, height, width, QImage.Format.Format_Grayscale8))


class EmbeddingView(QWidget):
    """Shows a :class:`Projection`.

    Attributes:
        picker: tells which row is pointed at and chosen.
    """

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.projection: Projection | None = None
        self.thumbnails: list[QPixmap] = []
        self.message = ""
        self.picker = RowPicker(self, self.row_at, lambda: len(self.thumbnails), up=-1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Embedding of held-out patches")
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(480, 360)

    def set_projection(self, projection: Projection | None, thumbnails: list[QPixmap]) -> None:
        """Show these places with a picture for each."""
        self.projection, self.thumbnails = projection, thumbnails
        self.picker.forget()
        self.update()

    @property
    def shown(self) -> int:
        """The row in hand: under the cursor, else the chosen one."""
        return self.picker.shown

    def places(self) -> Float64:
        """Return (M, 2) centres of the thumbnails in the widget."""
        if self.projection is None or not len(self.projection.xy):
            return np.zeros((0, 2))
        xy = self.projection.xy
        low, high = xy.min(axis=0), xy.max(axis=0)
        room = self._look.px(THUMB_UNITS)
        space = np.array([max(10, self.width() - 2 * room), max(10, self.height() - 2 * room)], np.float64)
        scale = float((space / np.maximum(high - low, 1e-9)).min())
        middle = np.array([self.width() / 2, self.height() / 2])
        placed: Float64 = middle + (xy - (low + high) / 2) * min(scale, 1e9)
        return placed

    def row_at(self, x: float, y: float) -> int:
        """Return the row nearest to a place of the widget, -1 if none is near."""
        found = nearest_point(self.places().astype(np.float32), x, y, self._look.px(REACH_UNITS))
        return -1 if found is None else found

    # --------------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw lines, thumbnails and what is in hand."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = self.places()
        if self.projection is None or not len(places):
            painter.setPen(self._look.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(24, 8, -24, -8), flags, self.message)
            painter.end()
            return
        partner = self.projection.partner
        painter.setPen(QPen(self._look.colour("edge"), 1.0))
        for row, other in enumerate(partner.tolist()):
            if other > row:
                painter.drawLine(QPointF(*places[row]), QPointF(*places[other]))
        side = self._look.px(THUMB_UNITS)
        for row, pixmap in enumerate(self.thumbnails):
            self._paint_thumbnail(painter, places[row], pixmap, side, "rule", 1.0)
        self._paint_in_hand(painter, places, side)
        painter.end()

    def _paint_in_hand(self, painter: QPainter, places: Float64, side: int) -> None:
        """Draw the row in hand, its partner and the nearest other point on top, larger."""
        row = self.shown
        assert self.projection is not None
        if not 0 <= row < len(places):
            return
        large = round(1.5 * side)
        wrong, right = self.projection.nearest_other(row), int(self.projection.partner[row])
        for other, colour, dash in (
            (wrong, "wrong", Qt.PenStyle.DashLine),
            (right, "right", Qt.PenStyle.SolidLine),
        ):
            if other >= 0:
                painter.setPen(QPen(self._look.colour(colour), 2.0, dash))
                painter.drawLine(QPointF(*places[row]), QPointF(*places[other]))
                self._paint_thumbnail(painter, places[other], self.thumbnails[other], large, colour, 2.0, dash)
        self._paint_thumbnail(painter, places[row], self.thumbnails[row], large, "selected", 2.5)

    def _paint_thumbnail(
        self,
        painter: QPainter,
        place: Float64,
        pixmap: QPixmap,
        side: int,
        colour: str,
        width: float,
        dash: Qt.PenStyle = Qt.PenStyle.SolidLine,
    ) -> None:
        box = QRectF(place[0] - side / 2, place[1] - side / 2, side, side)
        painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
        painter.setPen(QPen(self._look.colour(colour), width, dash))
        painter.drawRect(box)
