"""What a page of the Train workspace is.

What lives here: :class:`TrainPage`, what it answers to, and :class:`Headed`, a part of a page below its head. What does
not: any page, and the frame around them (``app.ui.workspaces.train``). May import: ``pages``, the trainer, the session,
Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.pages import Page
from app.ui.panel import heading
from app.ui.status import ElidedLabel
from app.ui.train.state import TrainState

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

WORKSPACE = "train"


class TrainPage(Page):
    """Base of every page; what :meth:`picture` returns gets the keyboard.

    Signals:
        use_wanted: name of a model to match with.
    """

    use_wanted = Signal(object)

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.trainer = trainer
        self._wide: list[tuple[QWidget, float]] = []
        self._high: list[tuple[QWidget, float]] = []
        look.changed.connect(self._fit)

    def keep_size(self, widget: QWidget, *, wide: float = 0.0, high: float = 0.0) -> None:
        """Fix a widget's width or height in units of the grid, whatever the size of letters is."""
        for kept, units in ((self._wide, wide), (self._high, high)):
            if units:
                kept.append((widget, units))
        self._fit()

    def lay_beside(self, main: QWidget, side: QVBoxLayout, units: float) -> None:
        """Fill the page with its main part, and a column of so many units of the grid at the right of it."""
        column = QWidget()
        column.setLayout(side)
        self.keep_size(column, wide=units)
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 0, 8, 8)
        line.setSpacing(8)
        line.addWidget(main, 1)
        line.addWidget(column)

    def _fit(self, _look: Style | None = None) -> None:
        for widget, units in self._wide:
            widget.setFixedWidth(self.look.px(units))
        for widget, units in self._high:
            widget.setFixedHeight(self.look.px(units))

    def minimumSizeHint(self) -> QSize:
        """Return what every page makes do with: a page never pushes the docks aside."""
        return QSize(320, 200)

    def show_training(self) -> None:
        """Show what the trainer holds now.

        Called only while the page is in front, at most ten times a second; what takes longer than a frame goes to a
        lane.
        """
        raise NotImplementedError

    @property
    def state(self) -> TrainState:
        """The workspace's state."""
        state: TrainState = self.session.workspace_state(WORKSPACE, TrainState())
        return state

    def set_state(self, state: TrainState) -> None:
        """Make this the workspace's state."""
        self.session.set_workspace_state(WORKSPACE, state)


class Headed(QWidget):
    """A widget below its section head, with a number at the head's right end."""

    def __init__(self, title: str, widget: QWidget, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.head, self.value = heading(title), ElidedLabel("")
        self.value.setProperty("role", "help")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.head.setToolTip(f"<p>{tip}</p>" if tip else "")
        widget.setToolTip(self.head.toolTip())
        widget.setAccessibleDescription(tip)
        self.widget = widget
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.head)
        line.addWidget(self.value, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 0)
        column.setSpacing(2)
        column.addLayout(line)
        column.addWidget(widget, 1)

    def sizeHint(self) -> QSize:
        """Return the same for all, so that parts beside each other are equally wide."""
        return QSize(160, 120)

    def set_value(self, text: str) -> None:
        """Show a number beside the head."""
        if text != self.value.text():
            self.value.setText(text)
