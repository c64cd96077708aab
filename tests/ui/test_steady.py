"""Labels that change without a new layout: what they say, and when they ask for one after all."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.steady import SteadyHead, SteadyText
from app.ui.style import Style

SHORT, OTHER, LONG = "A few words.", "Another few.", "Many words, so many that one line has no room for them. " * 3


class Room(QWidget):
    """Counts how often it is asked for a new layout."""

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self.asked = 0
        self.line = QVBoxLayout(self)
        self.line.addWidget(label)
        self.line.addWidget(QWidget(), 1)
        self.resize(300, 200)

    def event(self, event: QEvent) -> bool:
        self.asked += event.type() == QEvent.Type.LayoutRequest
        return super().event(event)


def test_that_words_of_as_many_lines_ask_for_no_layout(qtbot: QtBot) -> None:
    label = SteadyText()
    room = Room(label)
    qtbot.addWidget(room)
    label.setText(SHORT)
    room.show()
    qtbot.wait(20)
    before, seen = room.asked, room.grab().toImage()
    label.setText(OTHER)
    qtbot.wait(20)
    assert room.asked == before
    assert label.text() == OTHER
    assert room.grab().toImage() != seen
    one_line = label.height()
    label.setText(LONG)
    qtbot.wait(20)
    assert room.asked > before
    assert label.height() >= 2 * one_line


def test_that_the_words_shown_have_their_room_in_another_width_too(qtbot: QtBot) -> None:
    label, plain = SteadyText(), QLabel()
    plain.setWordWrap(True)
    room = Room(label)
    qtbot.addWidget(room)
    qtbot.addWidget(plain)
    room.show()
    for text in (SHORT, "Words that a narrow window breaks.", LONG):
        label.setText(text)
        plain.setText(text)
        for width in (90, 160, 400):
            room.resize(width, 400)
            qtbot.wait(10)
            assert label.height() == plain.heightForWidth(label.width())


@pytest.mark.parametrize("theme", ["", "dark", "light"])
def test_that_words_are_painted_as_a_label_paints_them(qtbot: QtBot, theme: str) -> None:
    if theme:
        look = Style(theme)
        look.apply()
    label, plain = SteadyText(), QLabel(LONG)
    plain.setWordWrap(True)
    label.setText(LONG)
    for widget in (label, plain):
        widget.setProperty("role", "help")
        qtbot.addWidget(widget)
        widget.resize(220, 90)
    assert label.grab().toImage() == plain.grab().toImage()


@pytest.mark.parametrize("text", ["", "HERE (1.0, 2.0)"])
def test_that_a_head_says_something_else_in_its_room(qtbot: QtBot, text: str) -> None:
    head = SteadyHead("HEAD")
    room = Room(head)
    qtbot.addWidget(room)
    room.show()
    qtbot.wait(20)
    before = room.asked
    head.setText(text)
    qtbot.wait(20)
    assert room.asked == before
    assert head.text() == head.shown == head.accessibleName() == text
