"""The large view of the SIFT pages while it moves: what was drawn moves along, and all is sharp at rest."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.jobs import run_to_end
from app.records import UInt8
from app.ui.sift.picture_view import PictureView, moved
from app.ui.sift.stage_marks import StageMarks, choose
from app.ui.style import Style
from app.vision.sift_records import Candidates, SiftSettings, Stage
from app.vision.sift_stages import explain
from tests.vision.sift_pictures import camera

COLOURS = ("#ff0000", "#00ff00", "#000000")


@pytest.fixture(scope="module")
def found() -> Candidates:
    return run_to_end(explain(camera()[:200, :300].copy(), SiftSettings())).candidates


@pytest.fixture
def view(qtbot: QtBot) -> PictureView:
    made = PictureView(Style("dark"), "picture", pointing=False)
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    grey: UInt8 = camera()[:200, :300]
    made.set_picture(np.dstack([grey] * 3), (300, 200))
    qtbot.waitUntil(lambda: not made.moving)
    made.grab()
    return made


def pixels(view: PictureView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].copy()


def test_where_a_drawing_is_shown_in_another_view() -> None:
    made, wanted = (2.0, 10.0, -4.0), (3.0, 7.0, 5.0)
    rect = moved(QRectF(0, 0, 40, 30), made, wanted)
    for x, y in ((0.0, 0.0), (17.0, 3.0)):  # an image point lies where the view puts it
        before = [(p + 0.5) * made[0] + shift for p, shift in zip((x, y), made[1:], strict=True)]
        after = [(p + 0.5) * wanted[0] + shift for p, shift in zip((x, y), wanted[1:], strict=True)]
        assert (rect.x() + before[0] * rect.width() / 40, rect.y() + before[1] * rect.height() / 30) == pytest.approx(
            after
        )


def test_that_a_picture_seen_whole_moves_without_being_drawn_anew(view: PictureView, qtbot: QtBot) -> None:
    drawn: list[float] = []
    view.draw_under = lambda _painter, seen: drawn.append(seen.scale)
    view.zoom_to(150, 100, view.scale * 0.6)
    qtbot.waitUntil(lambda: not view.moving)
    pixels(view)
    drawn.clear()
    view.zoom_to(140, 95, view.scale)
    near = pixels(view)
    assert view.moving
    assert drawn == []
    qtbot.waitUntil(lambda: not view.moving)
    sharp = pixels(view)
    assert len(drawn) == 1
    assert np.abs(near.astype(int) - sharp.astype(int)).mean() < 10


def test_that_what_was_out_of_sight_is_drawn_while_it_moves(view: PictureView) -> None:
    view._rest.stop()
    view.zoom_to(150, 100, 5.0)
    view._rest.stop()
    pixels(view)
    view.zoom_to(190, 100, 5.0)
    assert view.moving
    moving = pixels(view)
    view._rest.stop()
    np.testing.assert_array_equal(moving, pixels(view))


def test_that_marks_move_along_and_are_drawn_anew_at_rest(
    view: PictureView, found: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = StageMarks()
    marks.show(found, choose(found, Stage.EXTREMA), survivors=True, rejected=True)
    calls: list[tuple[float, ...]] = []
    image = StageMarks.image
    monkeypatch.setattr(
        StageMarks, "image", lambda self, place, *rest, **more: calls.append(place) or image(self, place, *rest, **more)
    )
    view.draw_over = lambda painter, seen: marks.paint(painter, seen, COLOURS, sizes=True)
    view._rest.stop()
    pixels(view)
    before = len(calls)
    view.zoom_to(150, 100, view.scale * 1.1)
    near = pixels(view)
    assert len(calls) == before
    assert ((near[..., 2] > 200) & (near[..., 1] < 60)).any()  # the red circles are still there
    view._rest.stop()
    pixels(view)
    assert calls[-1] == view.place
    # Another choice is never shown as the one before, not even for a moment.
    marks.show(found, choose(found, Stage.DESCRIBED), survivors=False, rejected=False)
    view.zoom_to(150, 100, view.scale * 1.1)
    assert not ((pixels(view)[..., 2] > 200) & (pixels(view)[..., 1] < 60)).any()
