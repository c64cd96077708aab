"""The actions of the Match workspace: words, keys, icons, menus.

What lives here: :func:`build_actions`. What does not: what they do (the workspace). May import: Qt and, for types,
the workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

if TYPE_CHECKING:
    from app.ui.workspaces.match import MatchWorkspace

# Field of MatchState -> (words, key, icon, tooltip)
SWITCHES: dict[str, tuple[str, str, str, str]] = {
    "keypoints": ("&Keypoints", "K", "keypoints", "Show keypoints with their size and orientation (K)"),
    "lines": ("&Lines", "L", "lines", "Show match lines (L)"),
    "only_inliers": ("&Inliers only", "I", "inliers", "Only the matches that agree with the fitted model (I)"),
    "truth": ("&True places", "G", "truth", "Mark where the selected point truly belongs (G)"),
    "swapped": ("S&wap pictures", "X", "swap", "Put the right picture first (X)"),
}


class MatchActions:
    """All actions of the workspace by name; ``listed`` is their order in the menus."""

    def __init__(self, workspace: MatchWorkspace) -> None:
        self._workspace = workspace
        self.by_name: dict[str, QAction] = {}
        self.listed: list[QAction] = []
        self._icons: dict[str, str] = {}
        self._add_switches()
        self._add_view()
        self._add_moves()
        self._add_exports()
        self.show_look()

    def _add(
        self,
        name: str,
        text: str,
        run: Callable[[], object],
        key: str = "",
        *,
        menu: str = "",
        everywhere: bool = False,
    ) -> QAction:
        """Add an action. Bare keys act only while the picture has the focus; ``everywhere`` in the whole window."""
        canvas = self._workspace.canvas
        action = QAction(text, canvas)
        if key:
            action.setShortcut(QKeySequence(key))
        if not everywhere:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            canvas.addAction(action)
        action.setProperty("menu", menu)
        action.triggered.connect(lambda _checked=False: run())
        self.by_name[name] = action
        self.listed.append(action)
        return action

    def _separator(self) -> None:
        action = QAction(self._workspace.canvas)
        action.setSeparator(True)
        self.listed.append(action)

    def _add_switches(self) -> None:
        for name, (text, key, icon, tip) in SWITCHES.items():
            action = self._add(name, text, partial(self._switch, name), key)
            action.setCheckable(True)
            action.setIconVisibleInMenu(False)  # there the check mark takes its place
            action.setToolTip(tip)
            self._icons[name] = icon

    def _switch(self, name: str) -> None:
        state = self._workspace.match_state
        changed: dict[str, Any] = {name: not getattr(state, name)}
        self._workspace.set_match_state(replace(state, **changed))

    def _add_view(self) -> None:
        canvas = self._workspace.canvas
        self._separator()
        self._add("fit", "&Fit both pictures", canvas.fit, "F").setToolTip("Show both pictures whole (F)")
        self._icons["fit"] = "fit"
        self._add("actual", "&1 : 1", canvas.actual_size, "0")
        self._add("isolate", "Fade the &others", lambda: self._switch("isolate")).setCheckable(True)

    def _add_moves(self) -> None:
        workspace, session = self._workspace, self._workspace.session
        self._separator()
        self._add("previous_match", "Previous match", lambda: workspace.details.table.step(-1), "Up")
        self._add("next_match", "Next match", lambda: workspace.details.table.step(1), "Down")
        self._add("why", "&Why not?", workspace.ask_why, "W")
        self._add("run", "&Run or pause", workspace.run_or_pause, "Space")
        # These have a place in the window's own menus already; here they only get their bare key.
        for name, text, run, key in (
            ("previous_pair", "Previous pair", lambda: session.step_pair(-1), "Left"),
            ("next_pair", "Next pair", lambda: session.step_pair(1), "Right"),
            ("present", "Present", workspace.present, "P"),
            ("copy", "Copy picture", workspace.copy_picture_and_tell, "Ctrl+C"),
        ):
            self._add(name, text, run, key)
            self.listed.pop()

    def _add_exports(self) -> None:
        workspace, export = self._workspace, self._workspace.exporter
        self.exports = [
            self._add(
                "export_picture", "&Export picture as shown…", export.picture_as_shown, "Ctrl+E",
                menu="file", everywhere=True,
            ),
            self._add(
                "export_figure", "Export &figure of the whole pair…", lambda: export.figure(workspace.match_state),
                menu="file", everywhere=True,
            ),
            self._add(
                "export_matches", "Export &matches…", export.matches, "Ctrl+Shift+E", menu="file", everywhere=True
            ),
        ]  # fmt: skip

    @property
    def buttons(self) -> list[QAction]:
        """The actions that have a button above the picture."""
        return [self.by_name[name] for name in (*SWITCHES, "fit")]

    def show_state(self) -> None:
        """Check what is on."""
        state = self._workspace.match_state
        for name in (*SWITCHES, "isolate"):
            self.by_name[name].setChecked(bool(getattr(state, name)))

    def show_look(self) -> None:
        """Tint the icons."""
        for name, icon in self._icons.items():
            self.by_name[name].setIcon(self._workspace.look.icon(icon))
