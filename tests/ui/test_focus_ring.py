"""The frame around what has the keyboard: around what shows it by nothing else, wherever that goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from convnet_parts import shown_workspace
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget

from app.ui.convnet.state import ConvNetState
from app.ui.focus_ring import FocusRing
from app.ui.launch import _wait
from app.ui.session import Session
from app.ui.style import Style


class Canvas(QWidget):
    """Takes the keyboard and draws nothing."""

    def __init__(self, parent: QWidget, place: QRect) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setGeometry(place)


@pytest.fixture
def over(qapp: QApplication) -> Iterator[QWidget]:
    made = QWidget()
    made.resize(300, 200)
    made.look = Style("dark")
    made.look.apply()
    made.look.setParent(made)
    made.ring = FocusRing(made.look, made)
    made.show()
    made.activateWindow()
    yield made
    made.close()
    made.deleteLater()


def test_that_a_canvas_is_framed_and_a_button_shows_by_itself(over: QWidget) -> None:
    ring = over.ring
    canvas, button = Canvas(over, QRect(20, 30, 100, 80)), QPushButton("Press", over)
    for widget in (canvas, button):
        widget.show()
    canvas.setFocus()
    assert ring.framed is canvas
    assert ring.isVisible()
    assert ring.geometry() == QRect(20, 30, 100, 80)
    accent = over.look.colour("accent")
    image = over.grab().toImage()
    assert image.pixelColor(20, 60) == accent
    assert image.pixelColor(119, 60) == accent
    assert image.pixelColor(22, 60) != accent  # a frame, not a cover
    button.setFocus()
    assert ring.framed is None
    assert not ring.isVisible()
    canvas.shows_focus = True
    canvas.setFocus()
    assert ring.framed is None


def test_that_the_frame_follows_and_goes_with_what_it_frames(over: QWidget) -> None:
    ring, holder = over.ring, QWidget(over)
    holder.setGeometry(10, 10, 200, 150)
    canvas = Canvas(holder, QRect(5, 5, 100, 80))
    holder.show()
    canvas.show()
    canvas.setFocus()
    assert ring.geometry() == QRect(15, 15, 100, 80)
    holder.move(40, 20)
    assert ring.geometry() == QRect(45, 25, 100, 80)
    canvas.resize(60, 50)
    assert ring.geometry() == QRect(45, 25, 60, 50)
    holder.hide()
    assert not ring.isVisible()
    holder.show()
    canvas.setFocus()
    assert ring.isVisible()
    canvas.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete
    holder.resize(100, 100)
    assert ring.framed is None
    assert not ring.isVisible()


def test_that_only_what_is_seen_is_framed(over: QWidget) -> None:
    area = QScrollArea(over)
    area.setGeometry(0, 0, 150, 100)
    inside = QWidget()
    inside.resize(120, 400)
    area.setWidget(inside)
    canvas = Canvas(inside, QRect(10, 50, 80, 300))
    area.show()
    canvas.setFocus()
    assert over.ring.isVisible()
    seen = over.ring.geometry()
    assert seen.top() == canvas.mapTo(over, QPoint()).y()
    assert seen.bottom() <= 100
    area.verticalScrollBar().setValue(40)
    assert over.ring.geometry().top() == canvas.mapTo(over, QPoint()).y()


def test_that_a_page_shows_where_the_keyboard_is_when_it_comes_to_the_front(session: Session) -> None:
    with shown_workspace(session, states={"convnet": ConvNetState()}) as made:
        made.activate()
        assert _wait(lambda: not session.busy and not made.busy, 60.0)
        ring = made.findChild(FocusRing)
        for key in ("reconstruction", "superpoint", "anchornet"):
            made.open_page(key)
            made.setFocus(Qt.FocusReason.OtherFocusReason)
            assert _wait(lambda: not made.busy, 60.0)
            assert ring.framed is made.page_of(key).focusProxy()
            assert ring.isVisible()
            assert not ring.mask().contains(QPoint(ring.width() // 2, ring.height() // 2))
        made.deactivate()
