"""The line above the pages: their tabs, which picture is explained, and how far the explanation is.

What lives here: :class:`SiftStrip`. What does not: what the choices do. May import: jobs, ``pages``,
``app.ui.style``, Qt.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QProgressBar, QPushButton, QToolButton, QWidget

from app.jobs import Progress
from app.records import Side
from app.ui.pages import PageEntry, PageTabs
from app.ui.status import ElidedLabel
from app.ui.style import Style

SIDES: tuple[Side, Side] = ("left", "right")
WORDY = 800  # narrower strips show the progress without its words, which the bar's tooltip has


class SiftStrip(PageTabs):
    """Page tabs at the left, the side at the right, and between them the progress while there is any.

    Signals:
        side_chosen: ``left`` or ``right``.
        cancel_wanted, retry_wanted: without a value.
    """

    side_chosen = Signal(object)
    cancel_wanted = Signal()
    retry_wanted = Signal()

    def __init__(self, look: Style, entries: Sequence[PageEntry], parent: QWidget | None = None) -> None:
        super().__init__(look, entries, parent)
        self._add_progress()
        self.sides: dict[Side, QToolButton] = {}
        both = QButtonGroup(self)
        for side in SIDES:
            words = f"Explain the {side} picture"
            button = self.button(side.capitalize(), f"{words} (X)", words, both)
            button.clicked.connect(lambda _=False, side=side: self.side_chosen.emit(side))
            self.sides[side] = button
        look.changed.connect(self._show_look)
        self._show_look(look)

    def _add_progress(self) -> None:
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
        for widget in (self.stage, self.bar, self.cancel, self.retry):
            self.line.addWidget(widget)
        self.show_progress(None)

    def show_side(self, side: Side) -> None:
        """Check the side that is explained."""
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
