"""A picture that follows the mouse: sharp at rest, near enough while the view moves, never rendered without need."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from app.ui import kept_picture
from app.ui.kept_picture import KeptPicture
from app.ui.line_layer import LineLayer
from app.ui.overlays import LineClass, Lines
from app.ui.pair_view import PairView
from app.ui.style import DARK
from app.vision.images import make_image
from app.vision.pyramid import Pyramid

WINDOW = (300, 200)
Counted = tuple[KeptPicture, list[float]]


def photograph(height: int = 400, width: int = 600) -> np.ndarray:
    noise = np.random.default_rng(5).integers(0, 256, (height // 10, width // 10, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def counted(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """A picture, and the scales at which it was rendered so far."""
    del qtbot  # Qt's fonts and images need an application
    rendered: list[float] = []
    view = Pyramid.view

    def listed(self: Pyramid, scale: float, offset: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
        rendered.append(scale)
        return view(self, scale, offset, size)

    monkeypatch.setattr(Pyramid, "view", listed)
    return KeptPicture(photograph()), rendered


def shown(picture: KeptPicture, scale: float, corner: tuple[float, float], *, moving: bool = False) -> np.ndarray:
    image = QImage(*WINDOW, QImage.Format.Format_RGB32)
    image.fill(QColor(255, 0, 255))
    painter = QPainter(image)
    picture.paint(painter, scale, corner, WINDOW, moving=moving)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(WINDOW[1], WINDOW[0], 4)
    return pixels[:, :, 2::-1].copy()


def afresh(scale: float, corner: tuple[float, float]) -> np.ndarray:
    return shown(KeptPicture(photograph()), scale, corner)


@pytest.mark.parametrize(("scale", "corner"), [(0.4, (20.0, 10.0)), (0.9, (-80.5, -40.25)), (6.0, (-900.0, -700.0))])
def test_that_a_view_at_rest_shows_the_pixels_that_the_pyramid_renders(
    counted: Counted, scale: float, corner: tuple[float, float]
) -> None:
    seen = shown(counted[0], scale, corner)
    left, top = (max(0, int(np.ceil(at))) for at in corner)
    right, bottom = (
        min(n, int(np.floor(at + length * scale))) for n, at, length in zip(WINDOW, corner, (600, 400), strict=True)
    )
    wanted = Pyramid(photograph()).view(scale, (corner[0] - left, corner[1] - top), (right - left, bottom - top))
    difference = np.abs(seen[top:bottom, left:right].astype(int) - wanted.astype(int))
    # A tenth of a screen pixel, where resizing begins at another pixel, and the rounding of two interpolations.
    slope = np.abs(np.diff(wanted.astype(int), axis=1)).max()
    assert difference.max() <= 0.1 * slope + 3
    outside = seen.copy()
    outside[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = (255, 0, 255)
    assert (outside == (255, 0, 255)).all()  # nothing beside the picture


def test_that_panning_by_whole_pixels_shows_the_same_without_rendering(counted: Counted) -> None:
    picture, rendered = counted
    shown(picture, 1.0, (-100.0, -60.0))
    assert rendered == [1.0]
    for moved in (15.0, 30.0):
        seen = shown(picture, 1.0, (-100.0 - moved, -60.0 + moved), moving=True)
        assert rendered == [1.0]
        np.testing.assert_array_equal(seen, afresh(1.0, (-100.0 - moved, -60.0 + moved)))
        rendered[:] = [1.0]


def test_that_panning_beyond_what_is_kept_renders_once(counted: Counted) -> None:
    picture, rendered = counted
    shown(picture, 1.0, (-10.0, -10.0))
    beyond = kept_picture.ROOM * WINDOW[0] + 20
    for moved in (beyond, beyond + 5):
        np.testing.assert_array_equal(
            shown(picture, 1.0, (-10.0 - moved, -10.0), moving=True), afresh(1.0, (-10.0 - moved, -10.0))
        )
    assert rendered.count(1.0) == 4  # one at first, one here, and two for comparison


@pytest.mark.parametrize("direction", [-1, 1])
def test_that_what_lies_ahead_of_a_pan_is_rendered_before_what_lies_behind(
    counted: Counted, monkeypatch: pytest.MonkeyPatch, direction: int
) -> None:
    _, rendered = counted

    def renders(ahead: float) -> int:
        monkeypatch.setattr(kept_picture, "AHEAD", ahead)
        picture = KeptPicture(photograph(width=3000))
        rendered.clear()
        for frame in range(240):
            shown(picture, 1.0, (-1350.0 + 5 * direction * frame, -20.0), moving=True)
        return len(rendered)

    assert renders(0.8) <= 0.7 * renders(0.5)


def test_that_a_zoom_is_near_while_it_moves_and_sharp_at_rest(counted: Counted) -> None:
    picture, rendered = counted
    shown(picture, 0.5, (0.0, 0.0))
    corner = (-20.5, -10.25)
    moving = shown(picture, 0.6, corner, moving=True)
    assert rendered == [0.5]
    exact = shown(picture, 0.6, corner)
    assert rendered == [0.5, 0.6]
    assert np.abs(moving.astype(int) - exact.astype(int)).mean() < 12  # of 255: nearest pixels of a smooth picture
    assert not np.array_equal(moving, exact)
    np.testing.assert_array_equal(exact, afresh(0.6, corner))


def test_that_a_zoom_far_in_is_rendered_while_it_moves(counted: Counted) -> None:
    picture, rendered = counted
    shown(picture, 0.5, (0.0, 0.0))
    shown(picture, 0.5 * kept_picture.STRETCH * 1.01, (-100.0, -100.0), moving=True)
    assert len(rendered) == 2


def test_that_zooming_out_quickly_shows_the_whole_picture_from_a_glance(counted: Counted) -> None:
    picture, rendered = counted
    shown(picture, 4.0, (-1000.0, -800.0))
    seen = shown(picture, 0.3, (10.0, 10.0), moving=True)
    assert rendered == [4.0]
    difference = np.abs(seen.astype(int) - afresh(0.3, (10.0, 10.0)).astype(int))
    assert difference.mean() < 12


def test_that_a_very_large_picture_is_glanced_at_first(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, rendered = counted
    monkeypatch.setattr(kept_picture, "LARGE", 600 * 400 - 1)
    monkeypatch.setattr(kept_picture, "GLANCE", 100)
    glance = shown(picture, 0.4, (5.0, 5.0), moving=True)
    assert rendered == []
    sharp = shown(picture, 0.4, (5.0, 5.0))
    assert rendered == [0.4]
    assert 0 < np.abs(glance.astype(int) - sharp.astype(int)).mean() < 40


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_that_the_smallest_pictures_are_shown(qtbot: QtBot, size: tuple[int, int]) -> None:
    del qtbot
    picture = KeptPicture(np.full((size[1], size[0], 3), 90, np.uint8))
    for moving in (False, True):
        seen = shown(picture, 40.0, (10.0, 10.0), moving=moving)
        assert (seen[30, 30] == 90).all()
        shown(picture, 40.0, (-5000.0, -5000.0), moving=moving)  # out of sight


# ------------------------------------------------------------------------- the canvas


@pytest.fixture
def view(qtbot: QtBot) -> PairView:
    made = PairView(DARK)
    qtbot.addWidget(made)
    made.resize(900, 400)
    made.show()
    made.set_images(*(make_image(photograph(), "x") for _ in range(2)))
    rng = np.random.default_rng(1)
    xy = (rng.random((2000, 2)) * (600, 400)).astype(np.float32)
    made.set_lines(Lines(xy, xy, np.zeros(2000, np.uint8), (LineClass("a", "#ff0000"),), np.arange(2000)))
    made.wait_until_sharp()
    return made


def pixels(view: PairView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).copy()


@pytest.mark.parametrize(
    "move",
    [
        lambda view: view.pan(12, -7),
        lambda view: view.pan(12.4, -7.3),
        lambda view: view.zoom_to("left", 300, 200, 1.3),
        lambda view: view.zoom_to("right", 10, 20, 3.7),
        lambda view: (view.zoom_to("right", 10, 20, 3.7), view.pan(300, 200)),
    ],
)
def test_that_the_canvas_becomes_as_sharp_as_if_it_had_never_moved(
    view: PairView, qtbot: QtBot, move: Callable[[PairView], object]
) -> None:
    move(view)
    pixels(view)  # painted while it moves
    qtbot.waitUntil(lambda: view.layer.settled and not view._rest.isActive())
    rested = pixels(view)
    view.pictures.set_images(view.images)
    view.layer.restart()
    view.wait_until_sharp()
    np.testing.assert_array_equal(rested, pixels(view))


def test_that_nothing_is_drawn_over_a_pair_without_lines(view: PairView) -> None:
    view.set_lines(None)
    assert view.layer.settled
    assert not view.layer._timer.isActive()
    plain = pixels(view)
    assert not (plain[:, :, :3] == (0, 0, 255)).all(axis=2).any()  # no red line is left


def test_that_lines_which_take_long_wait_for_the_zoom_to_rest(view: PairView, qtbot: QtBot) -> None:
    layer: LineLayer = view.layer
    layer._cost = 1.0
    before = layer._front
    view.zoom_to("left", 300, 200, 1.7)
    assert layer._timer.interval() > 0
    assert layer._front is before  # shown stretched meanwhile
    qtbot.waitUntil(lambda: layer.settled)
    assert layer._front is not before


def test_that_memory_qt_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        kept_picture.as_qimage(photograph()[:, ::2])
