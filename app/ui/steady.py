"""Labels whose words change with every movement of a dragged cursor, without everything being laid out anew.

What lives here: :class:`SteadyHead` and :class:`SteadyText`. What does not: what they say. May import: status, Qt.

A ``QLabel`` asks for a new layout with every text, which takes a millisecond of the sixteen that a frame has.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel

from app.ui.status import ElidedLabel

FLAGS = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
FAR = 10_000  # pixels, more than any text is high


class SteadyHead(ElidedLabel):
    """A section head in a layout that gives it its room whatever it says."""

    def __init__(self, text: str) -> None:
        self._said = text
        super().__init__(text)
        self.setProperty("role", "heading")

    def text(self) -> str:
        """Return what it says now."""
        return self._said

    def setText(self, text: str) -> None:
        """Say something else in the same room."""
        if text != self._said:
            self._said = text
            self.setAccessibleName(text)
            self.update()


class SteadyText(QLabel):
    """Plain words over several lines; only another number of lines asks for another layout."""

    def __init__(self) -> None:
        self._said = ""
        super().__init__("")
        self.setWordWrap(True)

    def text(self) -> str:
        """Return what it says now."""
        return self._said

    def setText(self, text: str) -> None:
        """Say something else."""
        if text == self._said:
            return
        before, self._said = self._height(), text
        if self._height() == before:
            self.update()
        else:
            self._lay_out()

    def _lay_out(self) -> None:
        """Let the layout know, which keeps what it knew of earlier words until it is told."""
        if super().text() != self._said:
            super().setText(self._said)

    def _height(self) -> int:
        room = QRect(0, 0, self.contentsRect().width(), FAR)
        return self.fontMetrics().boundingRect(room, FLAGS, self._said).height() if self._said else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for the room that the words need in another width."""
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        """Likewise in another font."""
        super().changeEvent(event)
        self._lay_out()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the words."""
        painter = QPainter(self)
        role = self.foregroundRole()
        self.style().drawItemText(
            painter, self.contentsRect(), FLAGS, self.palette(), self.isEnabled(), self._said, role
        )
        painter.end()
