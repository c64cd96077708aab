"""The plane of the Losses page: points with the forces on them as arrows, and the margin around the chosen one.

What lives here: :class:`ForceCanvas`. What does not: forces. May import: ``points``, ``drawing``, numpy, Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.records import Float64
from app.ui.metric.drawing import draw_cross
from app.ui.metric.points import PointCanvas, Shown
from app.ui.style import Style

HEAD_PX = 9.0
LEAST_PX = 3.0  # a shorter arrow is only a dot under its point


@dataclass(frozen=True, eq=False)
class Arrows:
    """What the canvas draws over its points.

    Attributes:
        force: (n, 2) arrows in units of the plane, already scaled.
        centre: row the circles are drawn around.
        margin: radius of the dashed circle, 0 for none.
        inner: radius of the thin circle (the positive's distance), 0 for none.
        links: pairs of rows joined by a line, dotted between classes.
        names: words beside points, empty for none.
        stuck: rows that are crossed out: they lie on a negative.
    """

    force: Float64
    centre: int = -1
    margin: float = 0.0
    inner: float = 0.0
    links: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()
    stuck: tuple[int, ...] = ()


class ForceCanvas(PointCanvas):
    """Points that can be dragged, with arrows."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.arrows: Arrows | None = None
        self.setAccessibleName("Points and the forces of the loss")

    def show_forces(self, shown: Shown, arrows: Arrows) -> None:
        """Draw these points with these arrows."""
        self.arrows = arrows
        self.show_points(shown)

    def _draw_ellipses(self, painter: QPainter, shown: Shown) -> None:
        """Draw the circles of the chosen point, and the lines between pairs; they lie under the points."""
        arrows = self.arrows
        if arrows is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if 0 <= arrows.centre < len(shown.x):
            centre = self.to_widget(*shown.x[arrows.centre])
            for radius, token, style in (
                (arrows.inner, "text", Qt.PenStyle.SolidLine), (arrows.margin, "selected", Qt.PenStyle.DashLine)
            ):  # fmt: skip
                drawn = radius * self._unit()
                if 1 < drawn < 20_000:
                    painter.setPen(QPen(self._look.colour(token), 1.6 * self._look.line_scale, style))
                    painter.drawEllipse(centre, drawn, drawn)
        for a, b in arrows.links:
            same = shown.y[a] == shown.y[b]
            style = Qt.PenStyle.SolidLine if same else Qt.PenStyle.DotLine
            painter.setPen(QPen(self._look.colour("edge"), 1.2 * self._look.line_scale, style))
            painter.drawLine(self.to_widget(*shown.x[a]), self.to_widget(*shown.x[b]))

    def _unit(self) -> float:
        """Return the pixels of one unit of the plane."""
        return self.to_widget(1.0, 0.0).x() - self.to_widget(0.0, 0.0).x()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the points, then arrows, crosses and names over them."""
        super().paintEvent(event)
        shown, arrows = self.shown, self.arrows
        if shown is None or arrows is None or len(arrows.force) != len(shown.x):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in range(len(shown.x)):
            self._arrow(painter, shown.x[row], arrows.force[row])
        for row in arrows.stuck:
            draw_cross(painter, self.to_widget(*shown.x[row]), 12, self._look.colour("error"), 2)
        painter.setFont(self._look.font(1.1, bold=True))
        painter.setPen(self._look.colour("text"))
        for row, name in enumerate(arrows.names):
            painter.drawText(self.to_widget(*shown.x[row]) + QPointF(-18, -10), name)
        painter.end()

    def _arrow(self, painter: QPainter, at: Float64, force: Float64) -> None:
        start, end = self.to_widget(*at), self.to_widget(*(at + force))
        gap = end - start
        length = math.hypot(gap.x(), gap.y())
        if length < LEAST_PX or not np.isfinite(force).all():
            return
        along = gap / length
        across = QPointF(-along.y(), along.x())
        head = min(HEAD_PX * self._look.line_scale, length)
        colour = self._look.colour("text")
        painter.setPen(QPen(colour, 2.2 * self._look.line_scale))
        painter.drawLine(start, end - along * head * 0.6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        foot = end - along * head
        painter.drawPolygon(QPolygonF([end, foot + across * head * 0.45, foot - across * head * 0.45]))
