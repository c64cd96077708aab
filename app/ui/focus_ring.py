"""A thin frame around what has the keyboard, for widgets that do not show it themselves.

What lives here: :class:`FocusRing`. What does not: who gets the keyboard. May import: style, Qt.

It lies over a workspace, not in the widget: a copied picture does not show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid

if TYPE_CHECKING:
    from app.ui.style import Style

# The style sheet shows these with a border or a colour of their own.
SHOWN_BY_STYLE = (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
)
MOVED = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)


class FocusRing(QWidget):
    """The frame; it lies over its parent and frames what is in that.

    A widget with a true ``shows_focus`` draws it by itself.

    Attributes:
        framed: what has the keyboard and is framed, None for nothing.
    """

    def __init__(self, look: Style, parent: QWidget) -> None:
        super().__init__(parent)
        self._look, self._over = look, parent
        self.framed: QWidget | None = None
        self._watched: list[QObject] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._focus_moved)
        look.changed.connect(lambda _look: self._place())

    def _focus_moved(self, _old: QWidget | None, now: QWidget | None) -> None:
        for watched in self._watched:
            if isValid(watched):  # the focus also moves because what had it ends
                watched.removeEventFilter(self)
        self._watched = []
        inside = now is not None and self._over.isAncestorOf(now)
        alone = inside and not isinstance(now, SHOWN_BY_STYLE) and not getattr(now, "shows_focus", False)
        self.framed = now if alone else None
        part: QWidget | None = self.framed
        while part is not None and part is not self._over:
            part.installEventFilter(self)
            self._watched.append(part)
            part = part.parentWidget()
        self._place()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow what is framed."""
        if event.type() in MOVED:
            self._place()
        return False

    def _place(self) -> None:
        """Lie around what is seen of the widget."""
        framed = self.framed if self.framed is not None and isValid(self.framed) else None
        seen = QRect() if framed is None else framed.visibleRegion().boundingRect()
        if framed is None or seen.isEmpty():
            self.hide()
            return
        self.setGeometry(QRect(framed.mapTo(self._over, QPoint()) + seen.topLeft(), seen.size()))
        wide = max(1, round(self._look.line_scale))
        self.setMask(QRegion(self.rect()) - QRegion(self.rect().adjusted(wide, wide, -wide, -wide)))
        self.show()
        self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill the frame."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("accent"))
        painter.end()
