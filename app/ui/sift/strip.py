"""The line above the pages: their tabs, which picture is explained, and how far the explanation is.

What lives here: :class:`SiftStrip`. What does not: what the choices do. May import: jobs, ``app.ui.style``, Qt.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QProgressBar, QPushButton, QToolButton, QWidget

from app.jobs import Progress
from app.records import Side
from app.ui.sift import PageEntry
from app.ui.status import ElidedLabel
from app.ui.style import Style

SIDES: tuple[Side, Side] = ("left", "right")
WORDY = 800  # narrower strips show the progress without its words, which the bar's tooltip has


class SiftStrip(QWidget):
    """Page tabs at the left, the side at the right, and between them the progress while there is any.

    Signals:
        page_chosen: key of a page.
        side_chosen: ``left`` or ``right``.
        cancel_wanted, retry_wanted: without a value.
    """

    page_chosen = Signal(object)
    side_chosen = Signal(object)
    cancel_wanted = Signal()
    retry_wanted = Signal()

    def __init__(self, look: Style, entries: Sequence[PageEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._look = look
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 4, 8, 4)
        line.setSpacing(2)
        self.tabs: dict[str, QToolButton] = {}
        self.sides: dict[Side, QToolButton] = {}
        group = QButtonGroup(self)
        for entry in entries:
            tab = self._button(entry.title, entry.tip)
            tab.clicked.connect(lambda _=False, key=entry.key: self.page_chosen.emit(key))
            group.addButton(tab)
            self.tabs[entry.key] = tab
            line.addWidget(tab)
        self._add_progress(line)
        both = QButtonGroup(self)
        for side in SIDES:
            button = self._button(side.capitalize(), f"Explain the {side} picture (X)")
            button.setAccessibleName(f"Explain the {side} picture")
            button.clicked.connect(lambda _=False, side=side: self.side_chosen.emit(side))
            both.addButton(button)
            self.sides[side] = button
            line.addWidget(button)
        look.changed.connect(self._show_look)
        self._show_look(look)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setProperty("role", "page")  # narrower than a workspace's tab: all pages fit a small window
        button.setToolTip(f"<p>{tip}</p>")
        return button

    def _add_progress(self, line: QHBoxLayout) -> None:
        self.stage = ElidedLabel("")
        self.stage.setProperty("role", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(40)
        self.bar.setAccessibleName("Progress of the explanation")
        self.cancel = QToolButton()
        self.cancel.setAccessibleName("Cancel the explanation")
        self.cancel.setToolTip("Cancel the explanation")
        self.cancel.clicked.connect(self.cancel_wanted)
        self.retry = QPushButton("Explain")
        self.retry.setToolTip("Try to explain the picture again")
        self.retry.clicked.connect(self.retry_wanted)
        self.retry.hide()
        line.addStretch(1)
        for widget in (self.stage, self.bar, self.cancel, self.retry):
            line.addWidget(widget)
        self.show_progress(None)

    def show_state(self, page: str, side: Side) -> None:
        """Check the tab and the side in front."""
        if page in self.tabs:
            self.tabs[page].setChecked(True)
        self.sides[side].setChecked(True)

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far the explanation is, None when nothing runs."""
        for widget in (self.stage, self.bar, self.cancel):
            widget.setVisible(progress is not None and (widget is not self.stage or self.width() >= WORDY))
        if progress is None:
            return
        total = progress.total or 0
        self.stage.setText(progress.text)
        for widget in (self.stage, self.bar):
            widget.setToolTip(progress.text)
        self.bar.setRange(0, 1000 if total else 0)
        self.bar.setValue(round(1000 * progress.done / total) if total else 0)

    def show_fault(self, fault: bool) -> None:
        """Offer to try again."""
        self.retry.setVisible(fault)

    def _show_look(self, look: Style) -> None:
        self.cancel.setIcon(look.icon("cancel"))
        self.setMinimumHeight(look.px(5))
