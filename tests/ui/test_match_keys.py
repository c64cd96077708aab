"""Every key that the page of keys names does what the page says, in the real window."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from match_parts import REFS, Hands
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu

from app.ui import help_pages
from app.ui.tab_order import stops
from app.ui.workspaces import WORKSPACES


def own_part() -> str:
    """The page without the tables of the other workspaces, whose own tests try their keys."""
    heads = re.split(r"^(?=## )", help_pages.text_of("keys"), flags=re.MULTILINE)
    return "".join(part for part in heads if not part.startswith("## Under "))


def documented() -> dict[str, str]:
    """Key -> what the page says it does, for all keys that work here."""
    found: dict[str, str] = {}
    for line in own_part().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2:
            found.update(dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells[1]))
    return found


ARROWS = {"←": "Left", "→": "Right", "↑": "Up", "↓": "Down"}


def as_sequence(key: str) -> str:
    """The page's writing of a key as Qt's."""
    for arrow, name in ARROWS.items():
        key = key.replace(arrow, name)
    return QKeySequence(key).toString()


def state(hands: Hands) -> object:
    return hands.workspace.match_state


def toggles(field: str) -> Callable[[Hands, str], None]:
    def check(hands: Hands, key: str) -> None:
        before = getattr(state(hands), field)
        hands.key(key)
        assert getattr(state(hands), field) is not before
        hands.key(key)
        assert getattr(state(hands), field) is before

    return check


def keypoints(hands: Hands, key: str) -> None:
    assert hands.canvas._keypoints
    hands.key(key)
    assert not hands.canvas._keypoints


def lines(hands: Hands, key: str) -> None:
    hands.key(key)
    assert hands.canvas.lines is None
    hands.key(key)
    assert hands.canvas.lines is not None


def inliers(hands: Hands, key: str) -> None:
    hands.key(key)
    values = hands.workspace.values
    assert 0 < len(hands.workspace.drawn) == int(values.inlier.sum()) < len(values)
    assert values.inlier[hands.workspace.drawn].all()
    assert hands.details.table.matches.rowCount() == len(hands.workspace.drawn)


def swap(hands: Hands, key: str) -> None:
    scene = hands.canvas.scene
    assert scene is not None
    assert scene.left.x <= scene.right.x
    assert scene.left.y <= scene.right.y
    hands.key(key)
    scene = hands.canvas.scene
    assert scene.right.x < scene.left.x or scene.right.y < scene.left.y


def fit(hands: Hands, key: str) -> None:
    fitted = hands.canvas.view
    hands.canvas.zoom_to("left", 30, 30, 7)
    hands.key(key)
    assert hands.canvas.view == fitted


def actual(hands: Hands, key: str) -> None:
    hands.key(key)
    view = hands.canvas.view
    assert (view.scale, view.x % 1, view.y % 1) == (1.0, 0.0, 0.0)


def pairs_step(step: int) -> Callable[[Hands, str], None]:
    def check(hands: Hands, key: str) -> None:
        hands.window.session.set_pair(REFS[2])
        hands.key(key)
        assert hands.window.session.index == 2 + step
        hands.settle()

    return check


def matches_step(row: int) -> Callable[[Hands, str], None]:
    def check(hands: Hands, key: str) -> None:
        last = hands.details.table.matches.rowCount() - 1
        hands.key(key)
        assert hands.details.table.currentIndex().row() == (0 if row > 0 else last)
        hands.key(key)
        assert hands.details.table.currentIndex().row() == (1 if row > 0 else last - 1)
        assert hands.workspace.selected == int(hands.details.table.matches.rows[1 if row > 0 else last - 1])

    return check


def presents(hands: Hands, key: str) -> None:
    for end in (key, "Esc"):
        hands.key(key)
        assert hands.window.look.presenting
        hands.key(end)
        assert not hands.window.look.presenting


def test_that_keys_of_the_menus_work_in_a_presentation(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    hands.key("F5")
    asked: list[str] = []
    monkeypatch.setattr(hands.workspace.exporter, "ask", lambda *_args: asked.append("asked") or "")
    hands.key("Alt+Right")
    hands.settle()
    assert hands.window.session.index == 1
    hands.key("Ctrl+E")
    assert asked == ["asked"]
    hands.key("F5")
    assert not hands.window.look.presenting


def test_that_why_not_can_be_asked_in_a_presentation(hands: Hands) -> None:
    hands.key("F5")
    docks = hands.window.docks
    assert not docks.details.isVisible()
    hands.key("W")
    assert docks.details.isVisible()
    assert hands.workspace.details.why.picking
    docks.details.hide()
    hands.key("F5")
    assert docks.details.isVisible()


def moves_on(by: int) -> Callable[[Hands, str], None]:
    def check(hands: Hands, _key: str) -> None:
        window = hands.window
        window.focus_picture()
        order = stops(
            [window.bar_place, window.docks.pairs, window.centre, window.docks.details, window.docks.settings]
        )
        place = order.index(hands.workspace.canvas)
        QTest.keyClick(hands.workspace.canvas, Qt.Key.Key_Tab if by > 0 else Qt.Key.Key_Backtab)
        assert window.focusWidget() is order[place + by]

    return check


def presents_too(hands: Hands, key: str) -> None:
    """As F5, whose change of all sizes takes a while."""
    toggled: list[bool] = []
    hands.window.toggle_present = lambda: toggled.append(True)  # type: ignore[method-assign]
    hands.key(key)
    del hands.window.toggle_present
    assert toggled


def why(hands: Hands, key: str) -> None:
    hands.key(key)
    assert hands.workspace.match_state.tab == "why"
    assert hands.details.why.picking
    assert hands.canvas.hasFocus()


def test_that_escape_ends_asking_why_and_brings_the_lines_back_before_it_selects_nothing(hands: Hands) -> None:
    hands.click(hands.lonely()[1])
    hands.key("W")
    assert hands.canvas.lines is None
    hands.key("Esc")
    assert hands.workspace.match_state.tab == "matches"
    assert hands.canvas.lines is not None
    assert hands.workspace.selected is not None
    hands.key("Esc")
    assert hands.workspace.selected is None


def runs(hands: Hands, key: str) -> None:
    before = hands.window.session.result
    hands.key(key)
    assert hands.window.session.busy
    hands.key(key)
    assert hands.window.session.match_lane.paused
    hands.key(key)
    assert not hands.window.session.match_lane.paused
    hands.settle()
    assert hands.window.session.result is not before


def copies(hands: Hands, key: str) -> None:
    QGuiApplication.clipboard().clear()
    hands.key(key)
    assert not QGuiApplication.clipboard().image().isNull()


def undoes(hands: Hands, key: str) -> None:
    hands.key("K")
    assert not hands.workspace.match_state.keypoints
    hands.key("Ctrl+Z")
    assert hands.workspace.match_state.keypoints
    if key != "Ctrl+Z":
        hands.key(key)
        assert not hands.workspace.match_state.keypoints


def deselects(hands: Hands, key: str) -> None:
    hands.click(hands.lonely()[1])
    assert hands.workspace.selected is not None
    hands.key(key)
    assert hands.window.session.state.selection is None


def helps(hands: Hands, key: str) -> None:
    hands.key(key)
    page = hands.window.findChild(QDialog, "help-keys")
    assert page is not None
    assert page.isVisible()
    page.close()
    hands.window.activateWindow()


def opens_workspace(place: int) -> Callable[[Hands, str], None]:
    """The key must ask for its workspace; that each opens is for its own tests."""

    def check(hands: Hands, key: str) -> None:
        titles = documented()["Ctrl+1"].removeprefix("open ").split(", ")
        assert titles == [entry.title for entry in WORKSPACES]
        with pytest.MonkeyPatch.context() as patch:
            asked: list[str] = []
            patch.setattr(hands.window.session, "set_workspace", asked.append)
            hands.key(key)
        assert asked == [WORKSPACES[place].key]

    return check


def exports(ending: str) -> Callable[[Hands, str], None]:
    def check(hands: Hands, key: str) -> None:
        asked: list[str] = []
        hands.workspace.exporter.ask = lambda _p, _t, name, _k: asked.append(name) or ""  # type: ignore[func-returns-value]
        hands.key(key)
        assert asked == [f"the-plane-pair{ending}"]

    return check


def opens(method: str) -> Callable[[Hands, str], None]:
    """The window's own tests open files; here the key must reach the action."""

    def check(hands: Hands, key: str) -> None:
        menus = hands.window.around.menus
        words = {"open_images": "Open pair…", "open_folder": "Open folder…", "paste": "Paste images", "quit": "Quit"}
        actions = [*menus.file.actions(), *menus.edit.actions()]
        (action,) = (a for a in actions if as_sequence(key) in [s.toString() for s in a.shortcuts()])
        assert action.text().replace("&", "") == words[method]

    return check


CHECKS: dict[str, Callable[[Hands, str], None]] = {
    **{f"Ctrl+{entry.number}": opens_workspace(place) for place, entry in enumerate(WORKSPACES)},
    "Tab": moves_on(by=1),
    "Shift+Tab": moves_on(by=-1),
    "Alt+←": pairs_step(-1),
    "Alt+→": pairs_step(1),
    "Ctrl+O": opens("open_images"),
    "Ctrl+Shift+O": opens("open_folder"),
    "Ctrl+V": opens("paste"),
    "Ctrl+Q": opens("quit"),
    "Ctrl+Shift+C": copies,
    "Ctrl+Z": undoes,
    "Ctrl+Shift+Z": undoes,
    "Ctrl+Y": undoes,
    "Ctrl+E": exports(".png"),
    "Ctrl+Shift+E": exports(".csv"),
    "F5": presents,
    "Esc": deselects,
    "?": helps,
    "F1": helps,
    "←": pairs_step(-1),
    "→": pairs_step(1),
    "↑": matches_step(-1),
    "↓": matches_step(1),
    "K": keypoints,
    "L": lines,
    "I": inliers,
    "G": toggles("truth"),
    "X": swap,
    "F": fit,
    "0": actual,
    "W": why,
    "Space": runs,
    "P": presents_too,
    "Ctrl+C": copies,
}


@pytest.mark.parametrize("key", [key for key in documented() if key not in ("Ctrl", "Alt")])
def test_that_a_documented_key_does_what_the_page_says(hands: Hands, key: str) -> None:
    ask = hands.workspace.exporter.ask
    try:
        CHECKS[key](hands, as_sequence(key))
    finally:
        hands.workspace.exporter.ask = ask


def test_that_the_page_names_no_key_twice_in_one_table() -> None:
    for table in help_pages.text_of("keys").split("##"):
        rows = [line.strip("|").split("|")[0] for line in table.splitlines() if line.startswith("|")]
        keys = [key for row in rows for key in re.findall(r"`([^`]+)`", row)]
        assert len(keys) - keys.count("Alt") - keys.count("Ctrl") == len(set(keys) - {"Alt", "Ctrl"})


def test_that_every_key_of_the_workspace_is_on_the_page(hands: Hands) -> None:
    page = {as_sequence(key) for key in documented()}
    own = {s.toString() for action in hands.workspace.actions() for s in action.shortcuts()}
    own |= {s.toString() for action in hands.workspace.keys.by_name.values() for s in action.shortcuts()}
    assert own
    assert own <= page


def test_that_every_key_of_the_menus_is_on_the_page(hands: Hands) -> None:
    page = {as_sequence(key) for key in documented()}
    tops = [top.menu() for top in hands.window.menuBar().actions()]
    inside = [action for top in tops if isinstance(top, QMenu) for action in top.actions()]
    keys = {s.toString() for action in inside for s in action.shortcuts()}
    assert {"Ctrl+Y", "Ctrl+Q", "F5"} <= keys
    assert keys <= page


def test_that_bare_keys_act_only_while_the_picture_has_the_keyboard(hands: Hands) -> None:
    before = hands.workspace.match_state
    for widget in (hands.details.table, hands.workspace.strip.slider, hands.window.around.browser.view):
        for key in ("K", "L", "X", "I"):
            hands.key(key, widget)
        assert hands.workspace.match_state == before
    hands.key("K", hands.details.filter)
    assert hands.details.filter.text().lower() == "k"
    assert hands.workspace.match_state.keypoints == before.keypoints
    hands.details.filter.clear()


def test_that_a_button_above_the_picture_does_what_its_key_does(hands: Hands) -> None:
    from PySide6.QtWidgets import QToolButton

    for button in hands.workspace.strip.findChildren(QToolButton):
        action = button.defaultAction()
        assert button.toolTip()
        if action.isCheckable():
            before = action.isChecked()
            assert button.isChecked() == before
            button.click()
            assert action.isChecked() != before
            button.click()
            assert action.isChecked() == before


def test_that_the_keys_are_named_in_the_menu(hands: Hands) -> None:
    menu = hands.window.around.menus.workspace
    named = {action.text().replace("&", ""): action.shortcut().toString() for action in menu.actions()}
    assert named["Keypoints"] == "K"
    assert named["Why not?"] == "W"
    QApplication.processEvents()
    hands.hover(QPoint(1, 1))
