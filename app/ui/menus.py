"""The menus: every action of the window, its key and its place.

What lives here: :func:`build_menus`. What does not: what the actions do. May import: QtGui, QtWidgets and,
for types, records, the session and the window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from app.ui import help_pages
from app.ui.style import THEMES

if TYPE_CHECKING:
    from app.records import PairRef
    from app.ui.main_window import MainWindow
    from app.ui.session import Session


@dataclass
class Menus:
    """The menus that are filled or changed later."""

    file: QMenu
    edit: QMenu
    view: QMenu
    workspace: QMenu
    help: QMenu
    recent: QMenu
    opening: list[QAction]
    undo: QAction
    redo: QAction
    themes: dict[str, QAction]
    before: dict[str, QAction]


def _add(menu: QMenu, text: str, run: Callable[[], object], keys: str = "") -> QAction:
    """Append an action; ``keys`` may hold several, separated by a space."""
    action = QAction(text, menu)
    action.setShortcuts([QKeySequence(key) for key in keys.split()])
    action.triggered.connect(lambda _=False: run())
    menu.addAction(action)
    return action


def build_menus(window: MainWindow) -> Menus:
    """Fill the window's menu bar and return what changes later."""
    bar = window.menuBar()
    session, opener = window.session, window.opener
    file, edit = bar.addMenu("&File"), bar.addMenu("&Edit")
    view, workspace, helps = bar.addMenu("&View"), bar.addMenu("&Match"), bar.addMenu("&Help")
    recent, opening = _fill_file(window, file)
    undo = _add(edit, "&Undo", session.undo, "Ctrl+Z")
    redo = _add(edit, "&Redo", session.redo, "Ctrl+Shift+Z Ctrl+Y")
    edit.addSeparator()
    before_edit = _add(edit, "&Copy picture", window.copy_picture, "Ctrl+Shift+C")
    _add(edit, "&Paste images", opener.paste, "Ctrl+V")
    themes = _fill_view(window, view)
    before = {"file": file.actions()[-2], "edit": before_edit, "view": view.actions()[0]}
    _fill_help(window, helps)
    menus = Menus(file, edit, view, workspace, helps, recent, opening, undo, redo, themes, before)
    # A presentation hides the menu bar, and with it the keys of what is only there.
    window.addActions([action for menu in (file, edit, view, helps) for action in menu.actions() if action.shortcuts()])
    recent.aboutToShow.connect(lambda: _fill_recent(window, recent))
    return menus


def _fill_file(window: MainWindow, menu: QMenu) -> tuple[QMenu, list[QAction]]:
    """Return the menu of recent pairs, and the actions that open pairs."""
    opener = window.opener
    opening = [
        _add(menu, "&Open pair…", opener.open_images, "Ctrl+O"),
        _add(menu, "Open &folder…", opener.open_folder, "Ctrl+Shift+O"),
        _add(menu, "Open &all pairs of a folder…", lambda: opener.open_folder(every=True)),
        _add(menu, "Open &list…", opener.open_list),
        _add(menu, "&Built-in pairs", opener.open_builtin),
    ]
    recent = menu.addMenu("&Recent")
    menu.addSeparator()
    _add(menu, "&Previous pair", lambda: window.session.step_pair(-1), "Alt+Left")
    _add(menu, "&Next pair", lambda: window.session.step_pair(1), "Alt+Right")
    menu.addSeparator()  # between these two stand the workspace's exports; without any they are one
    menu.addSeparator()
    _add(menu, "&Quit", window.close, "Ctrl+Q")
    return recent, opening


def _fill_view(window: MainWindow, menu: QMenu) -> dict[str, QAction]:
    menu.addSeparator()
    theme = menu.addMenu("&Theme")
    group = QActionGroup(theme)
    themes: dict[str, QAction] = {}
    for name in THEMES:
        action = _add(theme, name.capitalize(), partial(window.session.set_theme, name))
        action.setCheckable(True)
        group.addAction(action)
        themes[name] = action
    panels = menu.addMenu("&Panels")
    for dock in window.docks.all:
        panels.addAction(dock.toggleViewAction())
    _add(menu, "&Reset layout", window.reset_layout)
    _add(menu, "&Present", window.toggle_present, "F5")
    return themes


def _fill_help(window: MainWindow, menu: QMenu) -> None:
    _add(menu, "&Keys", lambda: help_pages.show(window, "keys"), "? F1")
    _add(menu, "&Glossary", lambda: help_pages.show(window, "glossary"))
    menu.addSeparator()
    _add(menu, "&Licences", lambda: help_pages.show(window, "licences"))
    _add(menu, "&About", lambda: help_pages.show(window, "about"))


def _fill_recent(window: MainWindow, menu: QMenu) -> None:
    """List the recent pairs when the menu opens, each with the folder of its left image."""
    menu.clear()
    menu.setToolTipsVisible(True)
    for ref in window.session.recent:
        folder = PurePath(ref.left).parent.name
        action = _add(menu, f"{ref.title}\t{folder}".replace("&", "&&"), partial(_open_recent, window.session, ref))
        action.setToolTip(f"{ref.left}\n{ref.right}")
    if not window.session.recent:
        menu.addAction("No own pairs opened yet").setEnabled(False)


def _open_recent(session: Session, ref: PairRef) -> None:
    """Look at a pair, in the list that is open if it holds it."""
    if ref in session.pairs:
        session.set_pair(ref)
    else:
        session.open_pairs([ref])
