"""A small chart: curves or bars over one axis, with marked places whose labels never lie on a curve.

What lives here: :class:`Chart` and the frozen data it draws. What does not: any particular curve. May import:
``app.ui.style``, Qt.

It is painted directly: a redraw takes about a millisecond, so it follows a dragged cursor, and its labels have
lanes of their own above the curves. A general plotting widget needs ten times as long and knows no such lanes. What
stays from one drawing to the next, such as the axis of sigmas and the key, is kept as a picture.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.text import minus
from app.ui.chart_parts import Values, decades, even_ticks, polygon, power_text, short
from app.ui.style import Style

KEPT = 4  # pictures of what stays: the room that is left for the numbers on the axis goes back and forth
DASHES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}


@dataclass(frozen=True, eq=False)
class Curve:
    """A line through (x, y), perhaps with the area below it tinted; the colour is the name of a token."""

    x: Values
    y: Values
    name: str
    colour: str = "accent"
    dash: str = "solid"
    points: bool = False
    fill: bool = False


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars of equal width centred at x, some of them chosen."""

    x: Values
    y: Values
    width: float
    colour: str = "undecided"
    chosen: tuple[int, ...] = ()
    chosen_colour: str = "accent"


@dataclass(frozen=True)
class Place:
    """A vertical line at x with words in a lane above the curves."""

    x: float
    text: str
    colour: str = "selected"
    dash: str = "dash"


@dataclass(frozen=True)
class Level:
    """A horizontal line at y with words at its right end, outside the area of the curves."""

    y: float
    text: str
    colour: str = "wrong"
    dash: str = "dash"


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a chart shows.

    Attributes:
        curves, bars, places, levels: drawn in this order, places and levels behind the curves.
        x_range: the ends of the x axis; of the data if None.
        y_range: likewise; always with some room above.
        log_x, log_y: whether x and y are spaced by ratios; y must then be above 0.
        x_label, y_label: words with units.
        x_ticks: places of the ticks; chosen if empty.
        empty: the sentence shown while there is nothing to draw.
    """

    curves: tuple[Curve, ...] = ()
    bars: tuple[Bars, ...] = ()
    places: tuple[Place, ...] = ()
    levels: tuple[Level, ...] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_x: bool = False
    log_y: bool = False
    x_label: str = ""
    y_label: str = ""
    x_ticks: tuple[float, ...] = ()
    empty: str = ""


class Chart(QWidget):
    """Shows a :class:`Drawing`."""

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.drawing = Drawing()
        self._area = QRectF()
        self._x = (0.0, 1.0)
        self._y = (0.0, 1.0)
        self._ticks: list[tuple[float, str]] = []  # of y
        self._words: list[tuple[Place, float, int]] = []
        self._kept: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()
        self.setAccessibleName(name)
        self.setMinimumSize(180, 110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(320, 180)

    def set_drawing(self, drawing: Drawing) -> None:
        """Show this."""
        self.drawing = drawing
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the chart."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        self.paint(painter)
        painter.end()

    def paint(self, painter: QPainter) -> None:
        """Draw everything with a painter in the widget's coordinates."""
        drawing = self.drawing
        if not drawing.curves and not drawing.bars:
            painter.setPen(self._look.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(8, 4, -8, -4), flags, drawing.empty)
            return
        metrics = QFontMetricsF(painter.font())
        self._find_ranges()
        self._place_area(metrics)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if drawing.y_range is None:
            self._paint_y_axis(painter, metrics)
        painter.drawPixmap(0, 0, self._still())
        self._paint_places(painter, metrics)
        self._paint_levels(painter, metrics)
        for bars in drawing.bars:
            self._paint_bars(painter, bars)
        for curve in drawing.curves:
            self._paint_curve(painter, curve)

    def _still(self) -> QPixmap:
        """Return what most drawings have in common, kept as long as they do: axes (y only if its ends are given), key.

        Nothing of it lies where places, levels, bars and curves do, so it can be drawn before them.
        """
        drawing, area, ratio = self.drawing, self._area, self.devicePixelRatioF()
        names = tuple((curve.name, curve.colour, curve.dash) for curve in drawing.curves)
        key = (
            *(names, self._x, drawing.x_ticks, drawing.log_x, drawing.x_label, drawing.y_label),
            *(area.left(), area.right(), area.bottom(), self.size(), ratio, self._look.tokens, self._look.scale),
            None if drawing.y_range is None else (area.top(), self._y, drawing.log_y),
        )
        pixmap = self._kept.get(key)
        if pixmap is None:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setFont(self._look.font(0.85))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            metrics = QFontMetricsF(painter.font())
            if drawing.y_range is not None:
                self._paint_y_axis(painter, metrics)
            self._paint_x_axis(painter, metrics)
            self._paint_key(painter, metrics)
            painter.end()
            self._kept[key] = pixmap
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return pixmap

    # ------------------------------------------------------------------------- layout

    def _find_ranges(self) -> None:
        xs = [c.x for c in self.drawing.curves if len(c.x)] + [b.x for b in self.drawing.bars if len(b.x)]
        ys = [c.y for c in self.drawing.curves if len(c.y)] + [b.y for b in self.drawing.bars if len(b.y)]
        self._x = self.drawing.x_range or (
            (float(min(x.min() for x in xs)), float(max(x.max() for x in xs))) if xs else (0.0, 1.0)
        )
        if self.drawing.log_y:
            low, high = self.drawing.y_range or decades(ys)
            self._y = (low, high * (high / low) ** 0.06)  # room for the highest number below the key
            return
        low, high = self.drawing.y_range or (
            (float(min(0.0, *(y.min() for y in ys))), float(max(0.0, *(y.max() for y in ys)))) if ys else (0.0, 1.0)
        )
        if not high > low:
            high = low + 1.0
        self._y = (low, high + 0.06 * (high - low))

    def _lanes(self, metrics: QFontMetricsF) -> list[tuple[Place, float, int]]:
        """Return (place, left edge of its words, lane above the curves, the lowest being 0).

        The left half of the places have their words at the left of their lines, the outermost lowest, and the right
        half likewise: so no line of another place goes through any words.
        """
        places = sorted(self.drawing.places, key=lambda p: p.x)
        sides: tuple[list[tuple[Place, float]], list[tuple[Place, float]]] = ([], [])
        for index, place in enumerate(places):
            x, width = self.at(place.x, 0).x(), metrics.horizontalAdvance(place.text)
            fits_left, fits_right = x - width - 5 >= 2, x + width + 5 <= self.width() - 2
            left = (2 * (index + 1) <= len(places) and fits_left) or not fits_right
            sides[0 if left else 1].append((place, max(2.0, x - width - 5) if left else x + 5))
        found = [(place, edge, lane) for lane, (place, edge) in enumerate(sides[0])]
        return found + [(place, edge, lane) for lane, (place, edge) in enumerate(reversed(sides[1]))]

    def _place_area(self, metrics: QFontMetricsF) -> None:
        """Leave room for the words around the curves; how many lanes there are depends on the area's width."""
        self._ticks = self._y_ticks()
        left = max((metrics.horizontalAdvance(text) for _, text in self._ticks), default=0) + 10
        right = max((metrics.horizontalAdvance(level.text) for level in self.drawing.levels), default=0) + 10
        line = metrics.height()
        key = line + 4 if self.drawing.y_label or any(curve.name for curve in self.drawing.curves) else 4
        bottom = 2 * line + 4 if self.drawing.x_label else line + 6
        self._area = QRectF(left, key, max(10.0, self.width() - left - right), max(10.0, self.height() - key - bottom))
        self._words = self._lanes(metrics)  # all that follows leaves x as it is
        lanes = 1 + max((lane for _, _, lane in self._words), default=-1)
        self._area.setTop(min(self._area.bottom() - 10, key + lanes * line + (4 if lanes else 0)))

    def at(self, x: float, y: float) -> QPointF:
        """Return the widget's point of a place in the data."""
        low, high = self._x
        if self.drawing.log_x:
            low, high, x = math.log(low), math.log(high), math.log(max(x, 1e-9))
        share = (x - low) / (high - low) if high > low else 0.5
        bottom, top = self._y
        if self.drawing.log_y:
            bottom, top, y = math.log(bottom), math.log(top), math.log(max(y, 1e-30))
        up = (y - bottom) / (top - bottom)
        return QPointF(self._area.left() + share * self._area.width(), self._area.bottom() - up * self._area.height())

    def _many(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return the widget's (x, y) of many places."""
        low, high = self._x
        if self.drawing.log_x:
            low, high, x = math.log(low), math.log(high), np.log(np.maximum(x, 1e-9))
        share = (x - low) / (high - low) if high > low else np.full(len(x), 0.5)
        bottom, top = self._y
        if self.drawing.log_y:
            bottom, top, y = math.log(bottom), math.log(top), np.log(np.maximum(y, 1e-30))
        down = (y - bottom) / (top - bottom) * self._area.height()
        return self._area.left() + share * self._area.width(), self._area.bottom() - down

    # ------------------------------------------------------------------------ painting

    def _y_ticks(self) -> list[tuple[float, str]]:
        low, high = self._y
        if self.drawing.log_y:
            least, most = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
            every = max(1, -(-(most - least + 1) // 5))
            return [(10.0**power, power_text(power)) for power in range(least, most + 1, every)]
        values, step = even_ticks(low, high, 3)
        return [(value, short(value, step)) for value in values]

    def _x_ticks(self) -> list[float]:
        low, high = self._x
        if self.drawing.x_ticks:
            return [x for x in self.drawing.x_ticks if low - 1e-9 <= x <= high + 1e-9]
        if self.drawing.log_x:
            first, last = math.ceil(math.log2(low) - 1e-9), math.floor(math.log2(high) + 1e-9)
            return [2.0**i for i in range(first, last + 1)]
        return even_ticks(low, high, 5)[0]

    def _paint_y_axis(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        area, ascent = self._area, metrics.ascent()
        heights = [self.at(self._x[0], value).y() for value, _ in self._ticks]
        painter.setPen(QPen(self._look.colour("rule"), 1))
        painter.drawLines([QLineF(area.left(), y, area.right(), y) for y in heights])
        painter.setPen(self._look.colour("muted"))
        for (_, text), y in zip(self._ticks, heights, strict=True):
            painter.drawText(QPointF(area.left() - 6 - metrics.horizontalAdvance(text), y + ascent / 2 - 1), text)

    def _paint_x_axis(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        area, last = self._area, -1e9
        for x in self._x_ticks():
            text = minus(f"{x:g}")
            middle, width = self.at(x, 0).x(), metrics.horizontalAdvance(text)
            painter.setPen(QPen(self._look.colour("edge"), 1))
            painter.drawLine(QLineF(middle, area.bottom(), middle, area.bottom() + 3))
            if middle - width / 2 > last + 6:
                painter.setPen(self._look.colour("muted"))
                painter.drawText(QPointF(middle - width / 2, area.bottom() + metrics.ascent() + 4), text)
                last = middle + width / 2
        painter.setPen(QPen(self._look.colour("edge"), 1))
        painter.drawLine(QLineF(area.left(), area.bottom(), area.right(), area.bottom()))
        painter.setPen(self._look.colour("muted"))
        width = metrics.horizontalAdvance(self.drawing.x_label)
        painter.drawText(QPointF(area.right() - width, self.height() - metrics.descent() - 1), self.drawing.x_label)

    def _paint_key(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        """Write what y is and what each curve means above everything."""
        x, base = self._area.left(), metrics.ascent() + 1
        names = [curve.name for curve in self.drawing.curves if curve.name]
        unit = metrics.horizontalAdvance(self.drawing.y_label) + 12
        if self.drawing.y_label and x + unit + sum(metrics.horizontalAdvance(n) + 44 for n in names) <= self.width():
            painter.setPen(self._look.colour("muted"))
            painter.drawText(QPointF(x, base), self.drawing.y_label)
            x += unit
        elif names:
            x = 2.0
        tight = x + sum(metrics.horizontalAdvance(name) + 44 for name in names) - 16 > self.width()
        sample, gap = (14, 9) if tight else (22, 16)
        for curve in self.drawing.curves:
            if curve.name:
                painter.setPen(self._pen(curve.colour, curve.dash, 2.0))
                middle = base - metrics.ascent() / 2 + 1
                painter.drawLine(QLineF(x, middle, x + sample, middle))
                painter.setPen(self._look.colour("text"))
                painter.drawText(QPointF(x + sample + 6, base), curve.name)
                x += sample + 6 + metrics.horizontalAdvance(curve.name) + gap

    def _paint_places(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        for place, left, lane in self._words:
            x = self.at(place.x, 0).x()
            base = self._area.top() - 4 - lane * metrics.height() - metrics.descent()
            painter.setPen(self._pen(place.colour, place.dash, 1.6))
            if self._area.left() - 1 <= x <= self._area.right() + 1:
                painter.drawLine(QLineF(x, base - metrics.ascent() + 2, x, self._area.bottom()))
            painter.setPen(self._look.colour("text"))
            painter.drawText(QPointF(left, base), place.text)

    def _paint_levels(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        for level in self.drawing.levels:
            y = self.at(self._x[0], level.y).y()
            painter.setPen(self._pen(level.colour, level.dash, 1.6))
            painter.drawLine(QLineF(self._area.left(), y, self._area.right(), y))
            painter.setPen(self._look.colour("text"))
            painter.drawText(QPointF(self._area.right() + 6, y + metrics.ascent() / 2 - 1), level.text)

    def _paint_bars(self, painter: QPainter, bars: Bars) -> None:
        zero = self.at(self._x[0], 0).y()
        plain, chosen = self._look.colour(bars.colour), self._look.colour(bars.chosen_colour)
        lefts, tops = self._many(bars.x - bars.width / 2, bars.y)
        rights, _ = self._many(bars.x + bars.width / 2, bars.y)
        sides = zip(lefts.tolist(), rights.tolist(), tops.tolist(), strict=True)
        areas = [QRectF(left + 0.5, top, max(1.0, right - left - 1), zero - top) for left, right, top in sides]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plain)
        painter.drawRects([area for index, area in enumerate(areas) if index not in bars.chosen])
        painter.setBrush(chosen)
        painter.drawRects([areas[index] for index in bars.chosen if index < len(areas)])
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_curve(self, painter: QPainter, curve: Curve) -> None:
        finite = np.isfinite(curve.x) & np.isfinite(curve.y)
        x, y = self._many(curve.x[finite], curve.y[finite])
        painter.save()
        painter.setClipRect(self._area.adjusted(-4, -4, 4, 4))
        if curve.fill and len(x):
            tint = self._look.colour(curve.colour)
            tint.setAlphaF(0.3)
            below = np.full(1, self._area.bottom())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint)
            around = np.concatenate([x[:1], x, x[-1:]]), np.concatenate([below, y, below])
            painter.drawPolygon(polygon(*around))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._pen(curve.colour, curve.dash, 2.0))
        painter.drawPolyline(polygon(x, y))
        if curve.points:
            painter.setBrush(self._look.colour(curve.colour))
            for point in zip(x.tolist(), y.tolist(), strict=True):
                painter.drawEllipse(QPointF(*point), 2.5, 2.5)
        painter.restore()

    def _pen(self, colour: str, dash: str, width: float) -> QPen:
        return QPen(self._look.colour(colour), width * min(self._look.line_scale, 1.5), DASHES[dash])
