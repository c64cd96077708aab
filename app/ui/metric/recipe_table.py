"""The general recipe as a table: judgements, loss and regulariser of every method.

What lives here: :class:`RecipeTable` and :class:`MapCanvas`, the plane after the map. What does not: the methods. May
import: ``app.learning.learners``, ``points``, numpy, Qt.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.learning.learners import ROWS
from app.records import Float64
from app.ui.metric.points import PointCanvas, Shown
from app.ui.style import Style

HEADS = ("Method", "Judgements", "Loss", "Regulariser", "Convex")
LEAST_ROWS = 3
TURN = np.linspace(0, 2 * np.pi, 97)


class RecipeTable(QTableWidget):
    """Signals: ``wanted`` the key of a row that was double-clicked, or entered."""

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(len(ROWS), len(HEADS), parent)
        self.setHorizontalHeaderLabels(list(HEADS))
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setAccessibleName("Recipes: judgements, loss and regulariser of every method")
        for line, row in enumerate(ROWS):
            for column, text in enumerate((row.title, row.judgements, row.loss, row.regulariser, row.convex)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"<p>{row.formula}</p><p>{row.teaches}</p><p>{row.source}</p>")
                self.setItem(line, column, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._fit()
        self.itemDoubleClicked.connect(lambda item: self.wanted.emit(ROWS[item.row()].key))

    def _fit(self) -> None:
        """Let all rows fit where there is room: the table is there to be compared. A few are always in view."""
        high = self.fontMetrics().height() + 6
        rows = self.verticalHeader()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(high)
        rows.setDefaultSectionSize(high)
        self.horizontalHeader().setFixedHeight(high + 10)
        self.setMinimumHeight(high * (LEAST_ROWS + 1) + 14)
        self.setMaximumHeight(high * (len(ROWS) + 1) + 14)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the height of all rows."""
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the size of the type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the method of the chosen row."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentRow() >= 0:
            self.wanted.emit(ROWS[self.currentRow()].key)
        else:
            super().keyPressEvent(event)


class MapCanvas(PointCanvas):
    """Points after the map, and what the map makes of a circle; nothing to drag."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.root: Float64 = np.eye(2)
        self.radius = 1.0
        self.setMinimumSize(240, 180)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Points after the map")
        self.setAccessibleDescription("Every point is drawn where the learned map L takes it.")

    def show_map(self, shown: Shown, root: Float64, radius: float) -> None:
        """Draw points that are already mapped, and the image of a circle."""
        self.root, self.radius = root, radius
        self.show_points(shown)

    def point_near(self, _at: QPointF) -> int | None:
        """Return None: a mapped point cannot be dragged."""
        return None

    def _draw_ellipses(self, painter: QPainter, _shown: Shown) -> None:
        circle = self.radius * np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
        for rows, token, style in (
            (circle, "edge", Qt.PenStyle.DotLine), (circle @ self.root.T, "accent", Qt.PenStyle.SolidLine)
        ):  # fmt: skip
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._look.colour(token), 2 * self._look.line_scale, style))
            painter.drawPolygon(QPolygonF([self.to_widget(float(x), float(y)) for x, y in np.clip(rows, -1e4, 1e4)]))
