"""Pointing at, choosing and walking through the rows that a widget draws.

What lives here: :class:`RowPicker`, the mouse and keys of a picture made of many small marks. What does not: where the
marks are and how they look. May import: Qt.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget


class RowPicker(QObject):
    """Watches a widget: the mark under the cursor is pointed at, a click chooses it, the arrows up and down walk on.

    Signals:
        pointed: the row under the cursor, -1 for none.
        chosen: the row that was clicked or walked to, -1 for none.

    Attributes:
        selected: the chosen row, as the widget's owner set it; -1 for none.
        hovered: the row under the cursor, -1 for none.
    """

    pointed = Signal(object)
    chosen = Signal(object)

    def __init__(
        self, widget: QWidget, row_at: Callable[[float, float], int], count: Callable[[], int], *, up: int
    ) -> None:
        """Watch a widget.

        Args:
            widget: is repainted when a row is pointed at or selected.
            row_at: the row near a place of the widget, -1 if none is.
            count: how many rows there are.
            up: how many rows the arrow up goes on, 1 or -1.
        """
        super().__init__(widget)
        self._widget, self._row_at, self._count = widget, row_at, count
        self._steps = {Qt.Key.Key_Up: up, Qt.Key.Key_Down: -up}
        self.selected = self.hovered = -1
        widget.setMouseTracking(True)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.installEventFilter(self)

    @property
    def shown(self) -> int:
        """The row in hand: under the cursor, else the chosen one, -1 for none."""
        return self.hovered if self.hovered >= 0 else self.selected

    def select(self, row: int) -> None:
        """Mark a row, -1 for none."""
        if row != self.selected:
            self.selected = row
            self._widget.update()

    def forget(self) -> None:
        """Point at nothing: other rows are drawn from now on."""
        self.hovered = -1

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Take the widget's mouse and the arrows up and down; all else goes on to it."""
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self._point(self._under(event))
        elif isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            if event.button() == Qt.MouseButton.LeftButton:
                self.chosen.emit(self._under(event))
        elif event.type() == QEvent.Type.Leave:
            self._point(-1)
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step, count = self._steps.get(Qt.Key(event.key())), self._count()
            if step is not None and count:
                self.chosen.emit((self.selected + step) % count if self.selected >= 0 else 0)
                return True
        return False

    def _under(self, event: QMouseEvent) -> int:
        return self._row_at(event.position().x(), event.position().y())

    def _point(self, row: int) -> None:
        if row != self.hovered:
            self.hovered = row
            self.pointed.emit(row)
            self._widget.update()
