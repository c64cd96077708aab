"""What the mouse does on the picture canvas: click, pan, move the right picture, select an area, tell what is below it.

What lives here: :class:`PairMouse`. What does not: the canvas (``pair_view``), which sends its events here. May import:
Qt and, for types, the canvas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent

if TYPE_CHECKING:
    from app.ui.pair_view import PairView

CLICK_PX = 4


class PairMouse:
    """One press at a time, from its start to its end.

    Attributes:
        rubber: the area being selected, in the widget's pixels.
    """

    def __init__(self, view: PairView) -> None:
        self._view = view
        self._press: tuple[QPoint, str] | None = None
        self._last = QPoint()
        self.rubber: QRectF | None = None

    def press(self, event: QMouseEvent) -> None:
        """Begin a click or a drag: Alt moves the right picture, Ctrl selects an area, else the view is panned."""
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        held = event.modifiers()
        kind = "pan"
        if held & Qt.KeyboardModifier.AltModifier:
            kind = "move"
        elif held & Qt.KeyboardModifier.ControlModifier:
            kind = "area"
        self._press, self._last = (event.position().toPoint(), kind), event.position().toPoint()

    def move(self, event: QMouseEvent) -> None:
        """Drag, or tell what is under the mouse."""
        view, at = self._view, event.position().toPoint()
        if self._press is None:
            view.hovered.emit(view.picture_at(at.x(), at.y()))
            view.line_hovered.emit(view.line_at(at.x(), at.y()))
            return
        start, kind = self._press
        if (at - start).manhattanLength() <= CLICK_PX and self._last == start:
            return
        step, self._last = at - self._last, at
        if kind == "pan":
            view.pan(step.x(), step.y())
        elif kind == "move":
            view.move_right(step.x(), step.y())
        else:
            self.rubber = QRectF(QPointF(start), QPointF(at)).normalized()
            view.update()

    def release(self, event: QMouseEvent) -> None:
        """End a drag, or click."""
        if self._press is None or event.button() != Qt.MouseButton.LeftButton:
            return
        start, kind = self._press
        self._press = None
        if self.rubber is not None:
            self._select_area(self.rubber)
            self.rubber = None
            self._view.update()
        elif self._last == start and kind == "pan":
            self._click(start)

    def _click(self, at: QPoint) -> None:
        view = self._view
        line = view.line_at(at.x(), at.y())
        view.line_clicked.emit(line)
        place = view.picture_at(at.x(), at.y())
        if place is not None and line is None:
            view.clicked.emit(place)

    def _select_area(self, rubber: QRectF) -> None:
        view = self._view
        first = view.picture_at(rubber.left(), rubber.top())
        if first is None or view.scene is None:
            return
        scale = view.scene.of(first.side).scale * view.view.scale
        view.area_selected.emit((first.side, first.x, first.y, rubber.width() / scale, rubber.height() / scale))
