"""What stands around the picture: top bar, pair list, status lines, menus, keys.

What lives here: :class:`Surroundings`, which makes them and puts them into the window's frame. What does
not: what they do. They are made after the first paint, so that the pictures come first; nothing here is
imported before. May import: the parts and, for types, the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut

from app.ui.browser import PairBrowser
from app.ui.menus import build_menus
from app.ui.session_state import SessionState
from app.ui.status import MessageLine, StatusLine
from app.ui.top_bar import TopBar
from app.ui.workspaces import WorkspaceEntry
from app.ui.workspaces.base import Workspace

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class Surroundings:
    """The parts around the picture, as attributes."""

    def __init__(self, window: MainWindow, entries: Sequence[WorkspaceEntry]) -> None:
        session, look = window.session, window.look
        self._window = window
        self._titles = {entry.key: entry.title for entry in entries}
        self.top_bar = TopBar(session, look, entries)
        window.bar_place.addWidget(self.top_bar)
        self.browser = PairBrowser(session, look)
        window.docks.pairs_stack.addWidget(self.browser)
        self.status_line = StatusLine(session, look)
        window.statusBar().addPermanentWidget(self.status_line, 1)
        self.message_line = MessageLine(look, window, window.statusBar())
        self.menus = build_menus(window)
        self._add_keys(entries)
        session.message.connect(self.message_line.show_message)
        self.top_bar.present_wanted.connect(window.toggle_present)
        self.browser.set_open_actions(self.menus.opening)
        self.browser.moved_out.connect(window.focus_picture)

    def _add_keys(self, entries: Sequence[WorkspaceEntry]) -> None:
        window = self._window
        for entry in entries:
            shortcut = QShortcut(QKeySequence(f"Ctrl+{entry.number}"), window)
            shortcut.activated.connect(lambda key=entry.key: self._open(key))
        QShortcut(QKeySequence("Esc"), window).activated.connect(window.escape)

    def _open(self, key: str) -> None:
        """Bring a workspace to the front; its picture takes the keyboard even if it is there already."""
        self._window.session.set_workspace(key)
        self._window.focus_picture()

    def show_state(self, state: SessionState) -> None:
        """Show the theme and what can be undone in the menus."""
        session = self._window.session
        self.menus.themes[state.theme].setChecked(True)
        self.menus.undo.setEnabled(session.can_undo)
        self.menus.redo.setEnabled(session.can_redo)

    def show_actions(self, workspace: Workspace, others: Sequence[Workspace]) -> None:
        """Put the workspace's actions into the menus they ask for, and take the others' out."""
        own = self.menus.workspace
        own.clear()
        own.setTitle(f"&{self._titles[workspace.key]}")
        for other in others:
            for action in other.actions():
                for place in (self.menus.file, self.menus.edit, self.menus.view, self._window):
                    place.removeAction(action)
        for action in workspace.actions():
            self._place(action)
        own.menuAction().setVisible(not own.isEmpty())

    def _place(self, action: QAction) -> None:
        if action.shortcutContext() == Qt.ShortcutContext.WindowShortcut:
            self._window.addAction(action)  # its key works where the menu bar is hidden, too
        name = str(action.property("menu") or "")
        menus = {"file": self.menus.file, "edit": self.menus.edit, "view": self.menus.view}
        if name in menus:
            menus[name].insertAction(self.menus.before[name], action)
        else:
            self.menus.workspace.addAction(action)
