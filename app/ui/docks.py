"""The three docks around the picture: pairs, settings, details.

What lives here: :class:`Docks`. What does not: what is shown in them. May import: ``app.ui.style``, QtWidgets.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QStackedWidget, QWidget

from app.ui.style import Style

# Steps of the 8-px grid that a narrow window leaves them: thumbnails with a word beside them, whole rows of a form.
# With the picture's least width a window of 1024 pixels still holds them all.
LEAST_PAIRS, LEAST_SETTINGS = 19.0, 27.0


class _Grip(QWidget):
    """A thin title bar with three dots: drag it to move the dock, double click to let it float."""

    def __init__(self, look: Style, title: str) -> None:
        super().__init__()
        self._look = look
        self.setToolTip(f"{title}: drag to move, double click to float")

    def sizeHint(self) -> QSize:
        """Return the height of the grip."""
        return QSize(40, 10)

    def minimumSizeHint(self) -> QSize:
        """Return the same: it never shrinks."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the dots."""
        painter = QPainter(self)
        painter.setBackground(self._look.colour("surface"))
        painter.eraseRect(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.colour("rule" if not self.underMouse() else "muted"))
        middle = self.rect().center()
        for step in (-8, 0, 8):
            painter.drawEllipse(middle.x() + step - 1, middle.y() - 1, 4, 4)
        painter.end()


class Docks(QObject):
    """Pairs at the left, settings at the right, details at the bottom; the last two change with the workspace."""

    def __init__(self, window: QMainWindow, look: Style) -> None:
        super().__init__(window)
        self._window = window
        self.pairs_stack = QStackedWidget()
        self.settings_stack = QStackedWidget()
        self.details_stack = QStackedWidget()
        areas = Qt.DockWidgetArea
        self.pairs = self._dock(look, "Pairs", self.pairs_stack, areas.LeftDockWidgetArea)
        self.settings = self._dock(look, "Settings", self.settings_stack, areas.RightDockWidgetArea)
        self.details = self._dock(look, "Details", self.details_stack, areas.BottomDockWidgetArea)
        self.all = (self.pairs, self.settings, self.details)
        self.pairs_stack.setMinimumWidth(look.px(LEAST_PAIRS))
        self.settings_stack.setMinimumWidth(look.px(LEAST_SETTINGS))
        window.setCorner(Qt.Corner.BottomLeftCorner, areas.LeftDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, areas.RightDockWidgetArea)
        self._wanted: tuple[int, ...] | None = None  # widths of pairs and settings where a window has room for them
        for dock in (self.pairs, self.settings):
            dock.installEventFilter(self)
        self._shown_before: tuple[bool, ...] = (True, True, True)
        self._sizes_before = (0, 0, 0)
        self._presenting = False

    def _dock(self, look: Style, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock-{title.lower()}")
        dock.setTitleBarWidget(_Grip(look, title))
        dock.setWidget(widget)
        self._window.addDockWidget(area, dock)
        return dock

    def show_panels(self, settings: QWidget, details: QWidget) -> None:
        """Bring a workspace's panels to the front."""
        for stack, panel in ((self.settings_stack, settings), (self.details_stack, details)):
            if stack.indexOf(panel) < 0:
                stack.addWidget(panel)
            stack.setCurrentWidget(panel)

    def arrange(self) -> None:
        """Put every dock where it was at first, with sizes that leave most of the room to the picture."""
        areas = Qt.DockWidgetArea
        places = (areas.LeftDockWidgetArea, areas.RightDockWidgetArea, areas.BottomDockWidgetArea)
        for dock, area in zip(self.all, places, strict=True):
            dock.setFloating(False)
            self._window.addDockWidget(area, dock)
            dock.show()
        self._wanted = self._sides()
        self._window.resizeDocks([self.pairs, self.settings], list(self._wanted), Qt.Orientation.Horizontal)
        self._window.resizeDocks([self.details], [max(168, self._window.height() // 4)], Qt.Orientation.Vertical)

    def _sides(self) -> tuple[int, int]:
        """Return the first widths of pairs and settings."""
        width = self._window.width()
        return max(248, min(288, width // 5)), max(304, min(344, width // 4))

    def follow(self, *, wider: bool) -> None:
        """Follow a window of another width: one with room gives the docks at the sides back what a narrower one took.

        The widths they had are those chosen by hand, or else those of the layout the window began with.
        """
        docks, middle = (self.pairs, self.settings), self._window.centralWidget()
        there = [dock.isVisible() and not dock.isFloating() for dock in docks]
        if self._wanted is None:
            squeezed = [dock.width() <= dock.minimumSizeHint().width() for dock in docks]
            self._wanted = tuple(
                0 if not shown else side if narrow else dock.width()
                for dock, side, shown, narrow in zip(docks, self._sides(), there, squeezed, strict=True)
            )
        if not wider or middle is None:
            return
        lacks = [
            max(0, side - dock.width()) if shown else 0
            for dock, side, shown in zip(docks, self._wanted, there, strict=True)
        ]
        part = min(1.0, max(0, middle.width() - middle.minimumSizeHint().width()) / max(1, sum(lacks)))
        if sum(lacks):
            sides = [dock.width() + int(lack * part) for dock, lack in zip(docks, lacks, strict=True)]
            self._window.resizeDocks(list(docks), sides, Qt.Orientation.Horizontal)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Note the widths that are chosen by hand: those a window takes or gives come without a pressed button."""
        pressed = QApplication.mouseButtons() & Qt.MouseButton.LeftButton
        if event.type() == QEvent.Type.Resize and pressed and not self._presenting:
            self._wanted = self.pairs.width(), self.settings.width()
        return False

    def set_presenting(self, presenting: bool) -> None:
        """Hide all docks while presenting; bring back afterwards those that were shown, as large as they were."""
        if presenting and not self._presenting:
            self._shown_before = tuple(not dock.isHidden() for dock in self.all)
            self._sizes_before = (self.pairs.width(), self.settings.width(), self.details.height())
        ended = self._presenting and not presenting
        self._presenting = presenting
        for dock, shown in zip(self.all, self._shown_before, strict=True):
            dock.setVisible(shown and not presenting)
        if ended:  # when all parts have taken on the smaller type, which until then leave no room
            QTimer.singleShot(0, self._window, self._take_sizes_before)

    def _take_sizes_before(self) -> None:
        if self._presenting:
            return
        *sides, height = self._sizes_before
        self._window.resizeDocks([self.pairs, self.settings], sides, Qt.Orientation.Horizontal)
        self._window.resizeDocks([self.details], [height], Qt.Orientation.Vertical)
