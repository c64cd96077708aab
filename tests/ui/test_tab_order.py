"""Tab: through everything that can be used, in the order of reading, and back."""

from __future__ import annotations

import pytest
from match_parts import Hands
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.tab_order import step, stops

Part = tuple[QWidget, list[QPushButton]]


@pytest.fixture
def part(qtbot: QtBot) -> Part:
    """Return four buttons in a square, made in another order than they stand."""
    box = QWidget()
    qtbot.addWidget(box)
    buttons = [QPushButton(str(number)) for number in range(4)]
    grid = QGridLayout(box)
    for number in (3, 0, 2, 1):
        grid.addWidget(buttons[number], number // 2, number % 2)
    box.show()
    qtbot.waitExposed(box)
    return box, buttons


def test_that_stops_are_in_the_order_of_reading(part: Part) -> None:
    box, buttons = part
    assert stops([box]) == buttons
    buttons[1].setEnabled(False)
    buttons[2].hide()
    assert stops([box]) == [buttons[0], buttons[3]]


def test_that_the_last_stop_is_followed_by_the_first_and_back(part: Part) -> None:
    box, buttons = part
    box.activateWindow()
    buttons[3].setFocus()
    assert step([box], buttons[3], on=True)
    assert buttons[0].window().focusWidget() is buttons[0]
    assert step([box], buttons[0], on=False)
    assert box.window().focusWidget() is buttons[3]
    assert not step([QWidget()], None, on=True)


def test_that_a_page_which_hands_on_its_focus_is_no_stop_and_is_entered_at_its_first(part: Part, qtbot: QtBot) -> None:
    box, buttons = part
    page = QWidget()
    qtbot.addWidget(page)
    page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    line = QVBoxLayout(page)
    line.addWidget(QPushButton("before"))
    line.addWidget(box)
    page.setFocusProxy(buttons[2])
    page.show()
    assert page not in stops([page])
    assert [stop.text() for stop in stops([page]) if isinstance(stop, QPushButton)] == ["before", "0", "1", "2", "3"]
    step([page], box, on=True)
    assert page.focusWidget() is buttons[0]
    box.setParent(None)  # closed by itself


def test_that_a_stop_out_of_view_is_scrolled_in(qtbot: QtBot) -> None:
    area, body = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    column = QVBoxLayout(body)
    buttons = [QPushButton(str(number)) for number in range(40)]
    for button in buttons:
        column.addWidget(button)
    area.setWidget(body)
    area.resize(200, 200)
    area.show()
    assert buttons[-1].visibleRegion().isEmpty()
    step([area], buttons[0], on=False)
    assert area.focusWidget() is buttons[-1]
    assert not buttons[-1].visibleRegion().isEmpty()


def usable(window: MainWindow) -> set[QWidget]:
    """Return the controls that a user of the keyboard must get to; of a group only the checked button is a stop."""
    kinds = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox, QLineEdit)
    found = {child for kind in kinds for child in window.findChildren(kind)}
    return {
        child
        for child in found
        if child.isVisible() and child.isEnabled() and not isinstance(child, QScrollBar)
        and child.focusProxy() is None and not child.objectName().startswith("qt_")
        and not isinstance(child.parent(), QLineEdit | QAbstractSpinBox | QComboBox)
        and not (isinstance(child, QAbstractButton) and child.group() is not None and not child.isChecked())
    }  # fmt: skip


def test_that_tab_gets_to_every_control_of_the_window_and_shift_tab_back(hands: Hands) -> None:
    window = hands.window
    window.activateWindow()
    window.focus_picture()
    start = QApplication.focusWidget()
    assert start is not None
    order = [start]
    while len(order) < 300:
        QTest.keyClick(order[-1], Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        assert now is not None
        if now is start:
            break
        assert now not in order, f"Tab is caught at {now}"
        order.append(now)
    missed = [child.accessibleName() or child.objectName() or repr(child) for child in usable(window) - set(order)]
    assert not missed
    QTest.keyClick(start, Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is order[-1]
