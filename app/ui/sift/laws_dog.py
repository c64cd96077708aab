"""DoG against the Laplacian: three curves, their errors as k changes, and the slide's constant on a flat region.

What lives here: :class:`DogPart`. What does not: the numbers (``app.vision.scale_laws``). May import: that, ``chart``,
``picture_view``, ``app.vision.diverging``, Qt, cv2, numpy.
"""

from __future__ import annotations

import html

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from app.records import Image, UInt8
from app.text import minus
from app.ui.chart import Chart, Curve, Drawing
from app.ui.facts import sentence
from app.ui.numbers import percent
from app.ui.sift.laws_state import LawsState
from app.ui.sift.picture_view import PictureView
from app.ui.style import Style
from app.vision import scale_laws
from app.vision.diverging import coloured, limit_of
from app.vision.images import grey8

LARGEST_SIDE = 512  # the filters follow the slider at this size
RADIUS = np.linspace(0.0, 6.0, 241)
K_NAMES = ("2^(1/3)", "√2", "1.6", "2")


class DogPart(QWidget):
    """Curves and errors at the left, the difference of the open picture at the right."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._state = LawsState(part="dog")
        self._image_id = ""
        self._grey: UInt8 | None = None
        self._window = (0, 0, 1)
        self.shown: scale_laws.SlideDog | None = None
        self.chart = Chart(look, "Difference of Gaussians and two approximations")
        self.table = QLabel("")
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setAccessibleName("Relative errors of the two approximations")
        self.table.setContentsMargins(8, 0, 8, 4)
        self.table.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.picture = PictureView(look, "Difference of Gaussians of the picture", pointing=False)
        self.picture.draw_over = self._draw_flat
        self.words = sentence("")
        self.words.setAccessibleName("The flat region in words")
        self.words.setContentsMargins(8, 4, 8, 4)
        both = QSplitter(Qt.Orientation.Horizontal)
        for parts in ((self.chart, self.table), (self.picture, self.words)):
            side = QWidget()
            column = QVBoxLayout(side)
            column.setContentsMargins(0, 4, 0, 0)
            column.setSpacing(4)
            column.addWidget(parts[0], 1)
            column.addWidget(parts[1])
            both.addWidget(side)
        both.setSizes([500, 500])
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(both)
        look.changed.connect(lambda _look: self._show())

    def show_image(self, image: Image) -> None:
        """Take the picture, reduced to 512 px."""
        if image.id == self._image_id:
            return
        self._image_id = image.id
        grey = grey8(image.rgb)
        scale = LARGEST_SIDE / max(grey.shape)
        if scale < 1:
            size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
            grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._grey, self._window = grey, scale_laws.flattest(grey / np.float32(255))
        self._show()

    def show_state(self, state: LawsState) -> None:
        """Follow k, sigma and the switch."""
        if state != self._state:
            self._state = state
            self._show()

    def _show(self) -> None:
        self._show_curves()
        self._show_table()
        self._show_picture()

    def _show_curves(self) -> None:
        k = self._state.k
        dog = scale_laws.dog_profile(RADIUS, k)
        curves = [
            Curve(RADIUS, dog, "G(kσ) − G(σ)", "accent"),
            Curve(RADIUS, scale_laws.first_order(RADIUS, k), "(k−1) σ²∇²G", "wrong", "dash"),
            Curve(RADIUS, scale_laws.midpoint(RADIUS, k), "ln k · σₑ²∇²G", "right", "dot"),
        ]
        self.chart.set_drawing(
            Drawing(
                curves=tuple(curves),
                x_range=(0.0, 6.0),
                y_range=(min(float(curve.y.min()) for curve in curves), max(float(curve.y.max()) for curve in curves)),
                x_label="distance from the centre, in σ",
            )
        )

    def _show_table(self) -> None:
        """Show the errors at the table's four k and at the slider's, all from the closed form."""
        tokens = self._look.tokens
        rows = [(f"k = {name}", *scale_laws.dog_errors(k)) for name, k in zip(K_NAMES, scale_laws.TABLE_K, strict=True)]
        rows.append((f"k = {self._state.k:.2f} (slider)", *scale_laws.dog_errors(self._state.k)))
        space = 'style="padding-right:16px"'
        lines = [
            f'<tr style="color:{tokens.muted}"><td {space}>relative L2 error of</td>'
            f'<td align="right" {space}>(k−1) σ²∇²G</td><td align="right">ln k · σₑ²∇²G, σₑ = √k σ</td></tr>'
        ]
        for name, first, middle in rows:
            last = (name, first, middle) == rows[-1]
            lines.append(
                f'<tr style="color:{tokens.text if last else tokens.muted}"><td {space}>{html.escape(name)}</td>'
                f'<td align="right" {space}>{_bold(_percent(first), last)}</td>'
                f'<td align="right">{_bold(_percent(middle), last)}</td></tr>'
            )
        self.table.setText(f'<table cellspacing="0" cellpadding="1">{"".join(lines)}</table>')

    def _show_picture(self) -> None:
        if self._grey is None:
            return
        self.shown = scale_laws.slide_dog(self._grey, self._state.sigma, self._state.k, self._window)
        values = self.shown.slide if self._state.slide else self.shown.right
        dark = self._look.tokens.name == "dark"
        height, width = values.shape
        self.picture.set_picture(coloured(values, limit_of(values[::3, ::3]), dark=dark), (width, height))
        self.picture.caption = (
            "1/(√(2π) σ): the slide's constant" if self._state.slide else "1/(2π σ²): the right constant"
        )
        self.words.setText(self._sentence(self.shown))

    def _sentence(self, shown: scale_laws.SlideDog) -> str:
        x, y = shown.flat_xy
        response = shown.flat_slide if self._state.slide else shown.flat_right
        head = f"Flattest window (square, at {x}, {y}; grey {shown.flat_grey:.2f}): response {_signed(response)}. "
        if not self._state.slide:
            return head + "Nothing is there, and nothing is answered. Turn on slide normalisation in the panel."
        return head + (
            f"Nothing is there, yet √(2π) (k − 1) σ · grey = {_signed(shown.predicted)} is answered: the constant is "
            "that of one dimension, and the picture's own brightness drowns the blobs."
        )

    def _draw_flat(self, painter: QPainter, view: PictureView) -> None:
        if self.shown is None:
            return
        x, y = self.shown.flat_xy
        half = 10.5
        corners = [view.screen_of(x - half, y - half), view.screen_of(x + half, y + half)]
        box = QRectF(QPointF(corners[0]), QPointF(corners[1]))
        for colour, width in (("canvas", 4.0), ("selected", 2.0)):
            painter.setPen(QPen(self._look.colour(colour), width * self._look.line_scale))
            painter.drawRect(box)


def _signed(value: float) -> str:
    """Return a response with four decimals, a true minus, and no sign on zero."""
    text = f"{value:+.4f}"
    return "0.0000" if float(text) == 0 else minus(text)


def _percent(value: float) -> str:
    return percent(value, 0 if value >= 0.1 else 1)


def _bold(text: str, bold: bool) -> str:
    return f"<b>{text}</b>" if bold else text
