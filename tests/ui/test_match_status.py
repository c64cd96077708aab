"""The lines under the Match workspace: the funnel of counts, and messages that do not move the picture."""

from __future__ import annotations

import re
from dataclasses import replace

from match_parts import Counted, Hands
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from app.ui.numbers import percent
from app.ui.session import Message
from app.ui.status import ElidedLabel, funnel_text


def test_that_the_funnel_tells_the_counts_of_every_step(hands: Hands, counted: Counted) -> None:
    result = hands.window.session.result
    assert result is not None
    text = hands.window.around.status_line.funnel.text()
    assert text == funnel_text(result)
    numbers = [int(n.replace(",", "")) for n in re.findall(r"(?<![\d(])[\d,]+(?= )", text)]
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    assert result.verification is not None
    assert text.startswith(f"{len(result.left.keypoints)} : {len(result.right.keypoints)} keypoints")
    inliers = int(result.verification.inlier.sum())
    assert text.endswith(f"{inliers} inliers ({percent(inliers / len(result.matches))})")
    steps = numbers[2:]
    assert steps == sorted(steps, reverse=True)
    hands.window.session.set_settings("verify", replace(hands.window.session.settings.verify, model="none"))
    hands.settle()
    assert "inliers" not in hands.window.around.status_line.funnel.text()
    assert counted.detections == 0


def test_that_the_picture_does_not_move_when_a_message_comes_and_goes(hands: Hands) -> None:
    line, status = hands.window.around.message_line, hands.window.statusBar()
    before, view = hands.canvas.geometry(), hands.canvas.view
    for text in ("Short.", "A long sentence. " * 30):
        hands.window.session.message.emit(Message(text, "error"))
        hands.wait(lambda: line.isVisible())
        QApplication.processEvents()
        assert (hands.canvas.geometry(), hands.canvas.view) == (before, view)
        assert line.geometry().bottom() + 1 == status.geometry().top()
        assert line.width() == hands.window.width()
        assert line.text.height() >= line.text.heightForWidth(line.text.width())  # nothing is cut
    hands.window.resize(1300, 780)
    QApplication.processEvents()
    assert line.geometry().bottom() + 1 == status.geometry().top()
    hands.window.resize(1280, 800)
    QTest.mouseClick(line.close_button, Qt.MouseButton.LeftButton)
    assert not line.isVisible()


def test_that_a_line_that_is_too_long_is_shortened_with_an_ellipsis(qtbot: object) -> None:
    label = ElidedLabel("a long line of counts that has no room here at all")
    qtbot.addWidget(label)  # type: ignore[attr-defined]  # pytest-qt's fixture
    plain = QLabel(label.text())
    qtbot.addWidget(plain)  # type: ignore[attr-defined]
    assert label.minimumSizeHint().width() <= 40 < plain.minimumSizeHint().width()
    for widget in (label, plain):
        widget.resize(120, 20)
    assert label.grab().toImage() != plain.grab().toImage()
