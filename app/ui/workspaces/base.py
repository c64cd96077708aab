"""What a workspace is to the window: a central picture with its settings and its details.

What lives here: the protocol that every workspace follows. What does not: any workspace. May import:
Qt. Workspaces never import each other; they read and write only the session and
their own widgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.ui.remembered import Remembered
    from app.ui.session import Session
    from app.ui.style import Style


class Workspace(QWidget):
    """Base of every workspace; the widget itself is the centre of the window.

    Class attributes:
        key: name in saved states, e.g. ``"match"``.
        title: the words on its tab.
        number: its place, fixed for ever: Ctrl+``number`` opens it.

    Signals:
        actions_changed: ``actions()`` would now return others.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    number: ClassVar[int] = 0
    actions_changed = Signal()

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.look = style  # ``style`` is taken by QWidget.style()

    def settings_panel(self) -> QWidget:
        """Return the panel of the right dock; the same widget at every call."""
        raise NotImplementedError

    def details_panel(self) -> QWidget:
        """Return the panel of the bottom dock; the same widget at every call."""
        raise NotImplementedError

    def actions(self) -> list[QAction]:
        """Return the workspace's actions, in order; separators are allowed.

        They go to the workspace's own menu, or to File, Edit or View if their dynamic property ``menu``
        says ``"file"``, ``"edit"`` or ``"view"`` (export, arrangement). One that acts on a bare letter
        must have the context ``Qt.ShortcutContext.WidgetWithChildrenShortcut`` and belong to the picture.
        """
        return []

    def copy_picture(self) -> bool:
        """Copy what the centre shows to the clipboard; whether there was anything."""
        return False

    def let_go(self) -> bool:
        """End what Esc ends here before it selects nothing; whether there was anything."""
        return False

    def remembered(self) -> Remembered | None:
        """Return what the next start may show of the pair before it is read; None if the centre is not the pair."""
        return None

    def show_remembered(self, shown: Remembered) -> None:
        """Show what :meth:`remembered` returned when the program ended, until the session has read the pair."""

    @property
    def busy(self) -> bool:
        """Whether something the workspace started still runs, besides the match job: a screenshot waits for it."""
        return False

    def activate(self) -> None:
        """Called when the workspace comes to the front."""

    def deactivate(self) -> None:
        """Called when another workspace comes to the front."""
