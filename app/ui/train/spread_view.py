"""Every class as a mark: how wide it is against how far off the others are, with the line that the margin draws.

What lives here: :class:`SpreadView`, :data:`MARKS`. What does not: measuring (``app.learning.margins``). May import:
margins, losses' list, the chart, ``app.ui.picking``, Qt, numpy.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.learning.losses import LossPlan
from app.learning.margins import OWN, VERDICTS, ClassSpreads, asked, verdicts
from app.records import Array, Float64
from app.ui.chart import Chart, Curve, Drawing
from app.ui.picking import nearest_point
from app.ui.style import Style
from app.ui.train.row_picker import RowPicker

# Sign, token and words of every verdict, in their order.
MARKS = (
    ("●", "right", "fits: loss 0, and clear"),
    ("▲", "accent", "m too large: clear, still pushed"),
    ("▼", "consistent", "m too small: loss 0 too early"),
    ("✕", "wrong", "not apart: rightly pushed"),
)
REACH_UNITS = 1.5
STEPS = 60


def drawing(found: ClassSpreads, plan: LossPlan, margin: float) -> Drawing:
    """Return the axes and both lines: what the margin asks, and twice the spread."""
    known = np.isfinite(found.nearest)
    right = 1.15 * float(found.spread.max(initial=0.1))
    top = max(float(found.nearest[known].max(initial=0.1)), float(asked(0.0, plan, margin)))
    x = np.linspace(0.0, right, STEPS)
    return Drawing(
        curves=(
            Curve(x, asked(x, plan, margin), f"m = {margin:g} asks", "accent"),
            Curve(x, OWN * x, f"{OWN:g} × spread", "undecided", "dash"),
        ),
        x_range=(0.0, right),
        y_range=(0.0, 1.05 * top),
        x_label="spread: mean distance between two patches of a class",
        y_label="nearest other",
    )


class SpreadView(Chart):
    """Shows :class:`ClassSpreads` with a margin.

    Attributes:
        picker: tells which row is pointed at and chosen.
    """

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, "Spread of classes against the margin", parent)
        self.found: ClassSpreads | None = None
        self.verdict: Array = np.zeros(0, np.int32)
        self.picker = RowPicker(self, self.row_at, lambda: 0 if self.found is None else len(self.found), up=1)

    def set_spreads(self, found: ClassSpreads | None, plan: LossPlan, margin: float, message: str = "") -> None:
        """Show these classes, or the sentence if there are none."""
        same = self.found is found
        self.found = found
        if not same:
            self.picker.forget()
        if found is None or not len(found):
            self.verdict = np.zeros(0, np.int32)
            self.set_drawing(Drawing(empty=message))
            return
        self.verdict = verdicts(found, plan, margin)
        self.set_drawing(drawing(found, plan, margin))

    @property
    def shown(self) -> int:
        """The class in hand: under the cursor, else the chosen one; -1 for none."""
        row = self.picker.shown
        return row if self.found is not None and row < len(self.found) else -1

    def counts(self) -> tuple[int, ...]:
        """Return how many classes have each verdict."""
        return tuple(int(n) for n in np.bincount(self.verdict, minlength=len(VERDICTS)))

    def places(self) -> Float64:
        """Return (C, 2) places of the marks in the widget; NaN where there is no other class."""
        if self.found is None or not len(self.found) or not self.drawing.curves:
            return np.zeros((0, 2))
        self._find_ranges()
        self._place_area(QFontMetricsF(self._look.font(0.85)))
        points = [self.at(x, y) for x, y in zip(self.found.spread.tolist(), self.found.nearest.tolist(), strict=True)]
        return np.array([(point.x(), point.y()) for point in points], np.float64)

    def row_at(self, x: float, y: float) -> int:
        """Return the class whose mark is nearest to a place of the widget, -1 if none is near."""
        places = self.places()
        known = np.flatnonzero(np.isfinite(places).all(axis=1)) if len(places) else np.zeros(0, np.int64)
        found = nearest_point(places[known].astype(np.float32), x, y, self._look.px(REACH_UNITS))
        return -1 if found is None else int(known[found])

    # --------------------------------------------------------------------------- painting

    def paint(self, painter: QPainter) -> None:
        """Draw the axes and lines, tint where the one line misjudges, then the marks."""
        super().paint(painter)
        if self.found is None or not len(self.found) or not self.drawing.curves:
            return
        painter.save()
        painter.setClipRect(self._area)
        self._tint(painter)
        painter.restore()
        places = self.places()
        painter.setFont(self._look.font(0.85))
        for row in range(len(places)):
            if row != self.shown:
                self._mark(painter, places[row], int(self.verdict[row]), 1.0)
        if self.shown >= 0 and np.isfinite(places[self.shown]).all():
            painter.setPen(QPen(self._look.colour("selected"), 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(*places[self.shown]), self._look.px(1.1), self._look.px(1.1))
            self._mark(painter, places[self.shown], int(self.verdict[self.shown]), 1.4)

    def _tint(self, painter: QPainter) -> None:
        """Tint the wedges between both lines: left of where they cross m is too large, right of it too small."""
        line, own = self.drawing.curves
        painter.setPen(Qt.PenStyle.NoPen)
        for sign, verdict in ((1, 1), (-1, 2)):
            part = sign * (line.y - own.y) >= 0
            if part.sum() < 2:
                continue
            upper = [self.at(x, y) for x, y in zip(line.x[part].tolist(), line.y[part].tolist(), strict=True)]
            lower = [self.at(x, y) for x, y in zip(own.x[part].tolist(), own.y[part].tolist(), strict=True)]
            tint = self._look.colour(MARKS[verdict][1])
            tint.setAlphaF(0.16)
            painter.setBrush(tint)
            painter.drawPolygon(QPolygonF([*upper, *reversed(lower)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _mark(self, painter: QPainter, place: Float64, verdict: int, scale: float) -> None:
        """Draw the sign of a verdict: its shape says it without its colour."""
        if not np.isfinite(place).all():
            return
        x, y = float(place[0]), float(place[1])
        r = 0.5 * scale * self._look.px(0.9)
        colour = self._look.colour(MARKS[verdict][1])
        if verdict == 3:
            painter.setPen(QPen(colour, 1.8))
            painter.drawLine(QPointF(x - r, y - r), QPointF(x + r, y + r))
            painter.drawLine(QPointF(x - r, y + r), QPointF(x + r, y - r))
            return
        painter.setPen(QPen(self._look.colour("surface"), 1.0))
        painter.setBrush(colour)
        if verdict == 0:
            painter.drawEllipse(QRectF(x - r, y - r, 2 * r, 2 * r))
        else:
            up = -1 if verdict == 1 else 1
            painter.drawPolygon(
                QPolygonF(
                    [QPointF(x, y + up * 1.2 * r), QPointF(x - 1.2 * r, y - up * r), QPointF(x + 1.2 * r, y - up * r)]
                )
            )
        painter.setBrush(Qt.BrushStyle.NoBrush)
