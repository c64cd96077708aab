"""The scan line: one row of the picture at all scales, in which extrema merge and never appear.

What lives here: :class:`ScanLinePart`, :class:`Fingerprint` (scale against place) and :class:`StackedCurves`. What does
not: the smoothing (``app.vision.scale_laws``). May import: that, ``picture_view``, Qt, cv2, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from app.records import Float64, Image, Point, UInt8
from app.ui.facts import sentence
from app.ui.kept_picture import as_qimage
from app.ui.sift.picture_view import PictureView
from app.ui.style import Style
from app.vision.images import grey8
from app.vision.scale_laws import LineExtrema, line_extrema, log_scales, smoothed_lines

LOW, HIGH, COUNT = 0.4, 48.0, 84
WIDE, FEWER = 1000, 56  # a wide row is scanned at fewer scales, so that it follows the mouse
STACKED = (0.4, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MARK = 1  # half width of an extremum's mark in screen pixels, where there is room
CROWDED_PX = 7  # room per extremum below which a mark is one pixel wide
MARGIN_LEFT = 52
MARGIN_BOTTOM = 20


@dataclass(frozen=True, eq=False)
class Scanned:
    """One row of a picture at all scales."""

    row: int
    scales: Float64
    values: Float64
    extrema: LineExtrema


def scan(grey: UInt8, row: int) -> Scanned:
    """Return a row of an (H, W) picture at all scales with its extrema; a few milliseconds."""
    scales = log_scales(LOW, HIGH, COUNT if grey.shape[1] <= WIDE else FEWER)
    values = smoothed_lines(grey[row], scales)
    return Scanned(row, scales, values, line_extrema(values))


class _Plot(QWidget):
    """A plot of a scanned row with the place of the picture's columns below it."""

    def __init__(self, look: Style, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._title = look, title
        self.scanned: Scanned | None = None
        self.column: float | None = None
        self.setAccessibleName(name)
        self.setMinimumSize(200, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def show_scan(self, scanned: Scanned | None, column: float | None) -> None:
        """Show a row, and mark the cursor's column."""
        self.scanned, self.column = scanned, column
        self.update()

    def area(self) -> QRectF:
        """Return where the data are drawn."""
        top = self._look.px(2.5)
        left = MARGIN_LEFT * self._look.scale
        return QRectF(
            left, top, max(20.0, self.width() - left - self.right_margin()), max(20.0, self.height() - top - 4)
        )

    def right_margin(self) -> float:
        """Return the room right of the data."""
        return 8.0

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw title and data."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("muted"))
        head = QRectF(8, 0, self.width() - 16, self._look.px(2.5))
        text = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, int(head.width()))
        painter.drawText(head, int(Qt.AlignmentFlag.AlignVCenter), text)
        if self.scanned is not None:
            self._paint(painter, self.area(), self.scanned)
            if self.column is not None:
                width = self.scanned.values.shape[1]
                x = self.area().left() + (self.column + 0.5) / width * self.area().width()
                painter.setPen(QPen(self._look.colour("selected"), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QLineF(x, self.area().top(), x, self.area().bottom()))
        painter.end()

    def _paint(self, painter: QPainter, area: QRectF, scanned: Scanned) -> None:
        raise NotImplementedError


class Fingerprint(_Plot):
    """Scale upwards, place to the right: the row's grey at every scale, and the paths of its extrema."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        title = "σ ↑ over x: maxima orange, minima blue"
        super().__init__(look, "Paths of the extrema through scale", title, parent)

    def _paint(self, painter: QPainter, area: QRectF, scanned: Scanned) -> None:
        picture = self.picture(scanned, int(area.width()), int(area.height()))
        painter.drawImage(area.toRect().topLeft(), as_qimage(picture))
        painter.setPen(self._look.colour("muted"))
        metrics = painter.fontMetrics()
        for sigma in (0.5, 1, 2, 4, 8, 16, 32):
            share = np.log(sigma / LOW) / np.log(HIGH / LOW)
            y = area.bottom() - share * area.height()
            text = f"{sigma:g} px"
            place = QPointF(area.left() - 6 - metrics.horizontalAdvance(text), y + metrics.ascent() / 2 - 1)
            if y - metrics.ascent() / 2 > area.top() - 2:
                painter.drawText(place, text)

    def picture(self, scanned: Scanned, width: int, height: int) -> UInt8:
        """Return the (height, width, 3) picture of a scanned row, the largest scale at the top."""
        values = scanned.values[::-1]
        low, high = float(values.min()), float(values.max())
        grey = (values - low) * (255 / (high - low)) if high > low else np.full(values.shape, 128.0)
        shown = cv2.resize(grey.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        rgb = np.repeat(np.rint(shown).astype(np.uint8)[..., None], 3, axis=2)
        self._mark(rgb, scanned)
        return rgb

    def _mark(self, rgb: UInt8, scanned: Scanned) -> None:
        """Draw the extrema; those of a scale fill its band, so that they join to paths."""
        height, width = rgb.shape[:2]
        count, columns = scanned.values.shape
        found = scanned.extrema
        x = ((found.column + 0.5) * width / columns).astype(np.intp)
        band = count - 1 - found.row
        top, bottom = band * height // count, (band + 1) * height // count
        roomy = width >= CROWDED_PX * found.count[found.row]
        for maximum, token in ((True, "wrong"), (False, "right")):
            colour = self._look.colour(token)
            for side in range(-MARK, MARK + 1):
                these = np.flatnonzero((found.maximum == maximum) & (roomy | (side == 0)))
                for step in range(int((bottom - top).max(initial=0))):
                    y = np.minimum(top[these] + step, bottom[these] - 1)
                    rgb[y, np.clip(x[these] + side, 0, width - 1)] = (colour.red(), colour.green(), colour.blue())


class StackedCurves(_Plot):
    """The row at seven scales above each other, all in the same units, with the number of extrema."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, "The row at seven scales", "grey along the row: maxima ●, minima ○", parent)

    def right_margin(self) -> float:
        """Return room for the counts."""
        return 92.0 * self._look.scale

    def _paint(self, painter: QPainter, area: QRectF, scanned: Scanned) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = float(scanned.values[0].min()), float(scanned.values[0].max())
        band = area.height() / len(STACKED)
        gain = 1.5 * band / (high - low) if high > low else 0.0
        columns = scanned.values.shape[1]
        x = area.left() + (np.arange(columns) + 0.5) / columns * area.width()
        metrics = painter.fontMetrics()
        for place, sigma in enumerate(STACKED):
            index = int(np.argmin(np.abs(scanned.scales - sigma)))
            middle = area.bottom() - (place + 0.5) * band
            y = middle - (scanned.values[index] - float(scanned.values[index].mean())) * gain
            painter.setPen(QPen(self._look.colour("text"), 1.2 * min(self._look.line_scale, 1.5)))
            painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]))
            self._paint_extrema(painter, scanned, index, x, y)
            painter.setPen(self._look.colour("muted"))
            words = f"{scanned.scales[index]:.1f} px"
            left = QPointF(area.left() - 6 - metrics.horizontalAdvance(words), middle + metrics.ascent() / 2 - 1)
            painter.drawText(left, words)
            count = f"{int(scanned.extrema.count[index])} extrema"
            painter.drawText(QPointF(area.right() + 8, middle + metrics.ascent() / 2 - 1), count)

    def _paint_extrema(self, painter: QPainter, scanned: Scanned, index: int, x: Float64, y: Float64) -> None:
        found = scanned.extrema
        here = np.flatnonzero(found.row == index)
        if len(here) > 60:  # so many marks would hide the curve
            return
        for row in here.tolist():
            column, maximum = int(found.column[row]), bool(found.maximum[row])
            colour = self._look.colour("wrong" if maximum else "right")
            painter.setPen(QPen(colour, 1.6))
            painter.setBrush(colour if maximum else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x[column], y[column]), 3.0, 3.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)


class ScanLinePart(QWidget):
    """The picture with the row, and the row at all scales.

    Signals:
        moved: the (x, y) while the row is dragged.
        chosen: the (x, y) when it is let go.
    """

    moved = Signal(object)
    chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._grey: UInt8 | None = None
        self._image_id = ""
        self.scanned: Scanned | None = None
        self.picture = PictureView(look, "Picture: drag the row", pointing=True)
        self.picture.draw_over = self._draw_row
        self.fingerprint, self.curves = Fingerprint(look), StackedCurves(look)
        self.words = sentence("")
        self.words.setAccessibleName("The row in words")
        self.words.setContentsMargins(8, 4, 8, 4)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.picture, 1)
        column.addWidget(self.words)
        plots = QSplitter(Qt.Orientation.Vertical)
        plots.addWidget(self.fingerprint)
        plots.addWidget(self.curves)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(side)
        both.addWidget(plots)
        both.setStretchFactor(0, 2)
        both.setStretchFactor(1, 3)
        both.setSizes([400, 600])
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(both)
        self.picture.moved.connect(self._dragged)
        self.picture.chosen.connect(self.chosen)

    def show_image(self, image: Image) -> None:
        """Show a picture."""
        if image.id != self._image_id:
            self._image_id = image.id
            self._grey = grey8(image.rgb)
            self.picture.set_picture(image.rgb, image.size)

    def show_point(self, point: Point) -> None:
        """Scan the row of a point."""
        if self._grey is None:
            return
        row = min(max(round(point[1]), 0), self._grey.shape[0] - 1)
        if self.scanned is None or self.scanned.row != row or self.scanned.values.shape[1] != self._grey.shape[1]:
            self.scanned = scan(self._grey, row)
        self.picture.set_cursor(point)
        self.fingerprint.show_scan(self.scanned, point[0])
        self.curves.show_scan(self.scanned, point[0])
        self.words.setText(self._sentence(self.scanned))

    def forget(self) -> None:
        """Scan again at the next point: another picture is shown."""
        self.scanned = None

    def _sentence(self, scanned: Scanned) -> str:
        counts = scanned.extrema.count
        return (
            f"Row {scanned.row}: {counts[0]} extrema at σ = {scanned.scales[0]:.1f} px, {counts[-1]} at "
            f"{scanned.scales[-1]:.0f} px. Steps that gained one: {scanned.extrema.appeared} of {len(counts) - 1}. "
            "On a line smoothing only removes extrema, a maximum and a minimum together."
        )

    def _dragged(self, point: Point) -> None:
        self.show_point(point)
        self.moved.emit(point)

    def _draw_row(self, painter: QPainter, view: PictureView) -> None:
        if view.cursor_at is None or self._grey is None:
            return
        ends = [view.screen_of(x, view.cursor_at[1]) for x in (-0.5, self._grey.shape[1] - 0.5)]
        for colour, width in (("canvas", 4.0), ("selected", 2.0)):
            painter.setPen(QPen(self._look.colour(colour), width * self._look.line_scale))
            painter.drawLine(ends[0], ends[1])
