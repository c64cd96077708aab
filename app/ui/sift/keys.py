"""The actions that all pages of the SIFT workspace share: words, keys, menu.

What lives here: :class:`SiftActions`. What does not: what they do, and the actions of single pages. May import: Qt
and, for types, the workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from app.ui.sift import PAGES

if TYPE_CHECKING:
    from app.ui.workspaces.sift import SiftWorkspace


class SiftActions:
    """The shared actions; ``listed`` is their order in the menu."""

    def __init__(self, workspace: SiftWorkspace) -> None:
        self._workspace = workspace
        self.listed: list[QAction] = []
        for number, entry in enumerate(PAGES, start=1):
            self._add(entry.title, partial(self._open, entry.key), str(number)).setToolTip(entry.tip)
        self._separator()
        self._add("E&xplain the other picture", workspace.swap, "X")
        session = workspace.session
        # These have a place in the window's own menus already; here they only get their bare key.
        for text, run, key in (
            ("Previous pair", lambda: session.step_pair(-1), "Left"),
            ("Next pair", lambda: session.step_pair(1), "Right"),
            ("Present", self._present, "P"),
        ):
            self._add(text, run, key)
            self.listed.pop()

    def _add(self, text: str, run: Callable[[], object], key: str) -> QAction:
        """Add an action on a bare key, which acts while the focus is in the middle of the window."""
        action = QAction(text, self._workspace)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _checked=False: run())
        self._workspace.addAction(action)
        self.listed.append(action)
        return action

    def _separator(self) -> None:
        action = QAction(self._workspace)
        action.setSeparator(True)
        self.listed.append(action)

    def _open(self, key: str) -> None:
        self._workspace.set_state(replace(self._workspace.sift_state, page=key))

    def _present(self) -> None:
        toggle = getattr(self._workspace.window(), "toggle_present", None)
        if toggle is not None:
            toggle()
