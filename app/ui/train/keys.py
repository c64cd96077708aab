"""The actions of the Train workspace: words, keys, menu.

What lives here: :class:`TrainActions`. What does not: what they do. May import: Qt and, for types, the workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from app.ui.train import PAGES

if TYPE_CHECKING:
    from app.ui.workspaces.train import TrainWorkspace


class TrainActions:
    """The actions; ``listed`` is their order in the menu."""

    def __init__(self, workspace: TrainWorkspace) -> None:
        self._workspace = workspace
        self.listed: list[QAction] = []
        for number, entry in enumerate(PAGES, start=1):
            self._add(entry.title, partial(workspace.open_page, entry.key), str(number)).setToolTip(entry.tip)
        self._separator()
        controls, trainer = workspace.controls, workspace.trainer
        self._add("&Start, pause or go on", controls.run.click, "Space")
        self._add("Train one s&tep", controls.step.click, ".")
        self._add("St&op training", trainer.stop, "")
        self._add("&Resume the unfinished training", workspace.resume, "")
        self._separator()
        self._add("&Use the newest network as matcher", workspace.details.use.click, "U")
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
        if key:
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

    def _present(self) -> None:
        toggle = getattr(self._workspace.window(), "toggle_present", None)
        if toggle is not None:
            toggle()
