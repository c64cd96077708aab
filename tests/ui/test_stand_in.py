"""A start on pictures that take long to read: what was seen last stays until they are there."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import pairs
from app.records import ImagePair, PairRef, UserError
from app.ui import canvas_words
from app.ui.launch import Ahead, open_window
from app.ui.main_window import MainWindow
from app.ui.session_state import Store, config_folder
from app.ui.stand_in import StandIn
from app.ui.workspaces.match import MatchWorkspace

FIRST, SECOND = pairs.builtin()[1:3]


class Slow:
    """Reads pairs once it is let.

    Attributes:
        let: set when it may.
        fails: whether the first pair cannot be read then.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let, self.fails, self._load = threading.Event(), False, pairs.load
        monkeypatch.setattr(pairs, "load", self)

    def __call__(self, ref: PairRef) -> ImagePair:
        if ref == FIRST:
            self.let.wait(20)
            if self.fails:
                raise UserError("The picture is no longer there.")
        return self._load(ref)


@pytest.fixture
def slow(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Reading takes long; the program has been used on the first pair before."""
    window = open_window(Store(config_folder()), [FIRST], theme="dark")
    window.show()
    qtbot.waitUntil(lambda: window.front is not None and window.session.complete, timeout=30_000)
    window.close()
    slow = Slow(monkeypatch)
    yield slow
    slow.let.set()


def started(qtbot: QtBot) -> tuple[MainWindow, MatchWorkspace, StandIn]:
    """The window of the next start, complete but for its pair."""
    store = Store(config_folder())
    window = open_window(store, ahead=Ahead(store))
    window.show()
    qtbot.waitUntil(lambda: window.front is not None, timeout=10_000)
    front = window.front
    assert isinstance(front, MatchWorkspace)
    assert window.session.result is None
    found = front.canvas.findChildren(StandIn)
    assert len(found) == 1, "the pictures seen last"
    return window, front, found[0]


def gone(front: MatchWorkspace) -> bool:
    """Whether the canvas is seen again."""
    return not any(cover.isVisible() for cover in front.canvas.findChildren(StandIn))


def test_that_the_pictures_seen_last_stay_until_they_are_read(qtbot: QtBot, slow: Slow) -> None:
    window, front, cover = started(qtbot)
    assert cover.isVisible()
    assert cover.captions["left"].startswith("left · Astronaut")
    window.resize(window.width() + 60, window.height())
    qtbot.waitUntil(lambda: cover.size() == front.canvas.size())
    window.activateWindow()
    front.canvas.setFocus()
    qtbot.waitUntil(front.canvas.hasFocus)
    ringed = cover.grab().toImage()
    window.around.top_bar.present.setFocus()
    assert cover.grab().toImage() != ringed, "the ring of the focus is not hidden under it"
    window.session.set_theme("light")
    assert cover.tokens is window.look.tokens
    qtbot.mouseClick(front.canvas, Qt.MouseButton.LeftButton)
    assert window.session.state.selection is None, "nothing can be selected in what is only remembered"
    slow.let.set()
    qtbot.waitUntil(lambda: window.session.result is not None, timeout=10_000)
    assert gone(front)
    assert front.canvas.images["left"].name == "Astronaut"
    window.close()


def test_that_they_go_when_the_pair_cannot_be_read(qtbot: QtBot, slow: Slow) -> None:
    window, front, _ = started(qtbot)
    assert front.canvas.message == canvas_words.READING
    slow.fails = True
    slow.let.set()
    qtbot.waitUntil(lambda: not window.session.busy, timeout=10_000)
    assert gone(front)
    assert front.canvas.message == ""
    assert "no longer there" in window.around.message_line.message.text
    window.close()


def test_that_they_go_when_another_pair_is_asked_for(qtbot: QtBot, slow: Slow) -> None:
    window, front, _ = started(qtbot)
    window.session.open_pairs([SECOND])
    assert gone(front), "no picture of one pair under the name of another"
    slow.let.set()
    window.close()


def test_that_closing_meanwhile_keeps_them(qtbot: QtBot, slow: Slow) -> None:
    window, _, _ = started(qtbot)
    slow.let.set()
    window.close()
    assert Ahead(Store(config_folder())).remembered is not None
