"""The docks beside the picture: their widths in windows of many sizes, and around a presentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from match_parts import LEFT, NONE, Hands
from PySide6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_parts import Jobs, end, refs_of

from app.ui.main_window import MainWindow
from app.ui.session import Session
from app.ui.session_state import Store
from app.ui.style import Style


def rest() -> None:
    """Let the layouts settle."""
    for _ in range(3):
        QApplication.processEvents()


def resize(window: MainWindow, width: int, height: int = 800) -> None:
    window.resize(width, height)
    rest()


def sides(window: MainWindow) -> tuple[int, int]:
    return window.docks.pairs.width(), window.docks.settings.width()


def drag_edge(window: MainWindow, by: int) -> None:
    """Drag the edge between the picture and the settings with the mouse."""
    start = QPoint(window.docks.settings.geometry().left() - 2, window.docks.settings.geometry().center().y())
    QTest.mouseMove(window, start)
    QTest.mousePress(window, LEFT, NONE, start)
    end_at = QPointF(start.x() + by, start.y())
    move = QMouseEvent(QEvent.Type.MouseMove, end_at, window.mapToGlobal(end_at), LEFT, LEFT, NONE)
    QApplication.sendEvent(window, move)
    rest()
    QTest.mouseRelease(window, LEFT, NONE, end_at.toPoint())
    rest()


@pytest.fixture
def window(hands: Hands) -> MainWindow:
    """A window of 1280 x 800 pixels with the docks as at first."""
    resize(hands.window, 1280)
    hands.window.docks.arrange()
    rest()
    return hands.window


def test_that_a_narrow_window_leaves_the_docks_a_usable_width_and_a_wide_one_gives_all_back(window: MainWindow) -> None:
    before = sides(window)
    resize(window, 300, 700)
    assert window.width() <= 1024
    assert window.docks.pairs.width() >= 128
    assert window.docks.settings.width() >= 208
    resize(window, 1280)
    assert sides(window) == before
    for width in (*range(1280, 1000, -40), *range(1000, 1281, 40)):  # as an edge is dragged
        resize(window, width)
    assert sides(window) == before


def test_that_a_width_chosen_by_hand_is_given_back_too(window: MainWindow) -> None:
    resize(window, 1600)
    before = sides(window)
    drag_edge(window, -60)
    chosen = sides(window)
    assert chosen == (before[0], before[1] + 60)
    resize(window, 1700)
    assert sides(window) == chosen
    resize(window, 300)
    assert window.docks.settings.width() < chosen[1]
    resize(window, 1600)
    assert sides(window) == chosen
    drag_edge(window, 120)
    narrower = sides(window)
    assert narrower[1] < before[1]
    resize(window, 1700)
    assert sides(window) == narrower
    window.docks.arrange()


def test_that_a_dock_is_given_its_width_back_beside_one_that_is_closed(window: MainWindow) -> None:
    docks = window.docks
    docks.pairs.hide()
    docks._wanted = None  # as after a start with this layout
    rest()
    before = docks.settings.width()
    resize(window, 1270)
    resize(window, 300)
    assert docks.settings.width() < before
    resize(window, 1280)
    assert docks.settings.width() == before
    docks.arrange()


def test_that_a_presentation_leaves_window_and_docks_as_large_as_they_were(hands: Hands, window: MainWindow) -> None:
    docks = window.docks
    hands.key("F5")
    narrow = window.minimumSizeHint().width()
    hands.key("F5")
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(narrow, 800)
    docks.arrange()
    rest()
    before = *sides(window), docks.details.height()
    hands.key("F5")
    window.setWindowState(Qt.WindowState.WindowNoState)
    resize(window, narrow)
    hands.key("F5")
    rest()
    assert window.width() == narrow
    assert (*sides(window), docks.details.height()) == before
    docks.set_presenting(True)
    docks.set_presenting(False)
    window.resizeDocks([docks.pairs, docks.settings], [160, 220], Qt.Orientation.Horizontal)  # as large type squeezes
    rest()
    assert (*sides(window), docks.details.height()) == before


def test_that_a_window_closed_while_presenting_comes_back_as_it_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRESPONDENCE_EXPLORER_CONFIG", str(tmp_path))

    def opened() -> MainWindow:
        session, look = Session(Store(tmp_path), Jobs()), Style("dark")
        session.open_pairs(refs_of(2))
        made = MainWindow(session, look)
        session.setParent(made)
        look.setParent(made)
        made.show()
        rest()
        return made

    first = opened()
    first.toggle_present()
    rest()
    assert first.isFullScreen()
    known = first.saveGeometry()  # of before: a window manager takes a while to give a full screen back
    end(first)
    saved = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    assert saved.value("geometry") == known
    second = opened()
    assert not second.isFullScreen()
    assert all(dock.isVisible() for dock in second.docks.all)
    end(second)
