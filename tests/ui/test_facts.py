"""Rows of facts: what they say, what can be copied, and that they keep their place."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.ui.facts import Facts
from app.ui.style import Style


@pytest.fixture
def look(qapp: object) -> Style:
    look = Style("dark")
    look.apply()
    return look


def test_that_rows_are_said_and_copied(qtbot: QtBot, look: Style) -> None:
    facts = Facts(look, "Numbers")
    qtbot.addWidget(facts)
    assert facts.sizeHint().isEmpty()
    facts.set_rows([("a < b", "1 & 2"), ("rate", "0.5")])  # plain text: nothing in it is markup
    assert facts.value("a < b") == "1 & 2"
    assert facts.value("nothing") == ""
    assert facts.accessibleDescription() == "a < b 1 & 2; rate 0.5"
    facts.actions()[0].trigger()
    assert QGuiApplication.clipboard().text() == "a < b\t1 & 2\nrate\t0.5"
    facts.set_rows([])
    assert facts.sizeHint().isEmpty()


def test_that_the_place_only_grows_while_the_names_stay(qtbot: QtBot, look: Style) -> None:
    facts = Facts(look, "Numbers")
    qtbot.addWidget(facts)
    facts.set_rows([("rate", "0.123456789")])
    wide = facts.sizeHint()
    facts.set_rows([("rate", "1")])
    assert facts.sizeHint() == wide
    facts.set_rows([("rate", "0.123456789012345")])
    assert facts.sizeHint().width() > wide.width()
    facts.set_rows([("other", "1")])
    assert facts.sizeHint().width() < wide.width()
    small = facts.sizeHint()
    look.set_presenting(True)
    assert facts.sizeHint().height() > small.height()
    look.set_presenting(False)


def test_that_values_end_where_the_widget_does_if_that_is_asked(qtbot: QtBot, look: Style) -> None:
    for fill in (False, True):
        facts = Facts(look, "Facts", fill=fill)
        qtbot.addWidget(facts)
        facts.set_rows([("seed", "0"), ("steps", "4,000")])
        least = facts.sizeHint().width()
        facts.resize(least + 200, 100)
        facts.show()
        assert facts._values.geometry().right() + 1 == least + (200 if fill else 0)
        facts.set_rows([("seed", "1"), ("steps", "4,000")])
        assert facts._values.geometry().right() + 1 == least + (200 if fill else 0)
