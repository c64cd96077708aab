"""Bare keys, which act while the focus is on a picture or its page: of pages, and of workspaces made of them.

What lives here: :func:`bare_action`; :class:`BareKeys`, the actions of a workspace, with the keys that all such
workspaces share. What does not: what a page or a workspace adds of its own. May import: Qt and, for types, the
workspace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.ui.pages import PageEntry
    from app.ui.workspaces.base import Workspace

Key = tuple[str, str, Callable[[], object]]  # words in the menu, bare key, what it does


def bare_action(owner: QWidget, text: str, key: str, run: Callable[[], object]) -> QAction:
    """Return a new action of a widget whose key, if any, acts while the focus is on the widget or in it."""
    action = QAction(text, owner)
    if key:
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.triggered.connect(lambda _checked=False: run())
    owner.addAction(action)
    return action


class BareKeys:
    """The actions; ``listed`` is their order in the menu."""

    def __init__(self, owner: Workspace) -> None:
        self._owner = owner
        self.listed: list[QAction] = []

    def _add(self, text: str, run: Callable[[], object], key: str) -> QAction:
        """Add an action, on a bare key if there is one."""
        action = bare_action(self._owner, text, key, run)
        self.listed.append(action)
        return action

    def _separator(self) -> None:
        action = QAction(self._owner)
        action.setSeparator(True)
        self.listed.append(action)

    def _add_pages(self, entries: Sequence[PageEntry], open_page: Callable[[str], object]) -> None:
        """Add an action for every page, on its number, and a separator."""
        for number, entry in enumerate(entries, start=1):
            self._add(entry.title, partial(open_page, entry.key), str(number)).setToolTip(entry.tip)
        self._separator()

    def _add_window_keys(self) -> None:
        """Give what has a place in the window's own menus already its bare key."""
        session = self._owner.session
        for text, run, key in (
            ("Previous pair", lambda: session.step_pair(-1), "Left"),
            ("Next pair", lambda: session.step_pair(1), "Right"),
            ("Present", self._present, "P"),
        ):
            self._add(text, run, key)
            self.listed.pop()

    def _present(self) -> None:
        toggle = getattr(self._owner.window(), "toggle_present", None)
        if toggle is not None:
            toggle()
