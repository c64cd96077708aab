"""The photograph that held-out patches were cut from, with their places marked.

What lives here: :class:`Shown` and :func:`photograph`, a job that reads one; :class:`PlaceView`, which shows it. What
does not: which patch is in hand (``embedding_page``). May import: sources, places, vision, picking, style, Qt,
numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import pairs
from app.jobs import Job, Progress, native
from app.records import Float64, UInt8, UserError
from app.ui.picking import nearest_point
from app.ui.style import Style
from app.ui.train.places import side_of
from app.ui.train.sources import Prepared, photograph_files
from app.ui.train.state import OF_PAIR
from app.vision.images import read_image, reduced

LONGEST = 960  # pixels kept for showing
REACH_UNITS = 2.5


@dataclass(frozen=True, eq=False)
class Shown:
    """A photograph, reduced for showing.

    Attributes:
        key: see :func:`key_of`.
        rgb: (h, w, 3) uint8.
        size: (width, height) of the photograph itself, in whose pixels places are.
    """

    key: tuple[int, str]
    rgb: UInt8
    size: tuple[int, int]


def key_of(prepared: Prepared, row: int) -> tuple[int, str] | None:
    """Return which photograph a held-out patch is of: its scene, and its side of a pair; None if of none."""
    held = prepared.held_out
    if not 0 <= row < len(held) or not np.isfinite(held.place[row]).all():
        return None
    return int(held.scene[row]), side_of(prepared, row) if prepared.plan.data.source in OF_PAIR else ""


def photograph(prepared: Prepared, key: tuple[int, str]) -> Job[Shown]:
    """Read the photograph of a key.

    Raises:
        UserError: if it is no longer there, or cannot be read.
    """
    scene, side = key
    name = prepared.held_out.scenes[scene]
    yield Progress(0, None, f"Reading {name}")
    if side:
        assert prepared.plan.ref is not None
        (pair,) = yield from native(partial(pairs.load, prepared.plan.ref), progress=Progress(0, None, name))
        rgb = (pair.left if side == "left" else pair.right).rgb
    else:
        files = [file for file in photograph_files(prepared.plan) if f"{file.parent.name}/{file.name}" == name]
        if not files:
            raise UserError(f"The photograph {name} is no longer where it was read from; start the training again.")
        (image,) = yield from native(partial(read_image, files[0]), progress=Progress(0, None, name))
        rgb = image.rgb
    size = (rgb.shape[1], rgb.shape[0])
    (rgb,) = yield from native(partial(reduced, rgb, LONGEST), progress=Progress(0, None, name))
    return Shown(key, np.ascontiguousarray(rgb, np.uint8), size)


class PlaceView(QWidget):
    """Shows a photograph with a ring where every patch was cut, and the one in hand on top.

    Signals:
        chosen: the ring (its row) that was clicked.
    """

    chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.shown: Shown | None = None
        self.message = ""
        self.xy: Float64 = np.zeros((0, 2))
        self.in_hand = -1
        self._pixmap: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 64)
        self.setAccessibleName("Photograph of the patch in hand")
        self.setToolTip("Where the patches were cut: click a ring to find its patch in the embedding")
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(240, 180)

    def set_photograph(self, shown: Shown | None, message: str = "") -> None:
        """Show a photograph, or the sentence instead."""
        self.message = message
        if shown is not self.shown:
            self.shown = shown
            self._pixmap = None
            if shown is not None:
                height, width = shown.rgb.shape[:2]
                picture = QImage(shown.rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
                self._pixmap = QPixmap.fromImage(picture)
        self.update()

    def set_places(self, xy: Float64, in_hand: int) -> None:
        """Mark places, in pixels of the photograph itself; one of them (its row) is in hand, -1 for none."""
        self.xy, self.in_hand = xy, in_hand
        self.update()

    def area(self) -> QRectF:
        """Return where the photograph lies in the widget: whole, never stretched."""
        if self.shown is None:
            return QRectF()
        width, height = self.shown.size
        scale = min(self.width() / width, self.height() / height)
        left, top = (self.width() - scale * width) / 2, (self.height() - scale * height) / 2
        return QRectF(left, top, scale * width, scale * height)

    def points(self) -> Float64:
        """Return (K, 2) the places in the widget; the centre of a photograph's first pixel is at half a pixel."""
        area = self.area()
        if self.shown is None:
            return np.zeros((0, 2))
        points: Float64 = (self.xy + 0.5) * (area.width() / self.shown.size[0]) + (area.left(), area.top())
        return points

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the ring nearest to the cursor."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at, points = event.position(), self.points().astype(np.float32)
        found = nearest_point(points, at.x(), at.y(), self._look.px(REACH_UNITS))
        if found is not None:
            self.chosen.emit(found)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the photograph, the rings, and the one in hand."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._pixmap is None:
            painter.setPen(self._look.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()), flags, self.message)
            painter.end()
            return
        painter.drawPixmap(self.area(), self._pixmap, QRectF(self._pixmap.rect()))
        small, large = self._look.px(0.3), self._look.px(1.0)
        points = self.points()
        for colour, width in (("canvas", 2.2), ("right", 1.2)):  # dark below light: seen on any picture
            painter.setPen(QPen(self._look.colour(colour), width))
            for x, y in points.tolist():
                painter.drawEllipse(QPointF(x, y), small, small)
        if 0 <= self.in_hand < len(points):
            for colour, width in (("canvas", 5.0), ("selected", 2.5)):
                painter.setPen(QPen(self._look.colour(colour), width))
                painter.drawEllipse(QPointF(*points[self.in_hand]), large, large)
        painter.end()
