"""The canvas: what is drawn where, what the mouse finds, and what moving the view does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QLineF, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.canvas_paint import free_place
from app.ui.canvas_words import caption_place
from app.ui.legend_paint import place_of
from app.ui.overlays import HintLine, Hover, KeypointMarks, Legend, LegendRow, LineClass, Lines, Mark
from app.ui.pair_plane import SIDES
from app.ui.pair_view import PairView
from app.ui.picking import Segments, nearest_point
from app.ui.scene import arranged
from app.ui.style import DARK, LIGHT
from app.vision.images import make_image

Make = Callable[..., PairView]


@pytest.fixture
def make(qtbot: QtBot) -> Make:
    def made(
        left: tuple[int, int] = (200, 100), right: tuple[int, int] = (200, 100), spot: tuple[int, int] = (10, 20)
    ) -> PairView:
        pictures = []
        for index, (width, height) in enumerate((left, right)):
            rgb = np.full((height, width, 3), 60 + index, np.uint8)
            if spot[1] < height and spot[0] < width:
                rgb[spot[1], spot[0]] = (255, 255, 255)
            pictures.append(make_image(rgb, "x"))
        view = PairView(DARK)
        qtbot.addWidget(view)
        view.resize(900, 400)
        view.show()
        view.set_images(*pictures)
        return view

    return made


def lines(n: int = 3) -> Lines:
    xy = np.stack([np.linspace(10, 190, n), np.linspace(10, 90, n)], axis=1).astype(np.float32)
    classes = (LineClass("right", DARK.right), LineClass("wrong", DARK.wrong, "dash", "cross"))
    return Lines(xy, xy, (np.arange(n) >= (n + 1) // 2).astype(np.uint8), classes, np.arange(n))


def drawn(view: PairView) -> QImage:
    view.layer.finish()
    return view.grab().toImage()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("scale", [4.0, 7.5, 20.0])
def test_that_a_pixel_appears_at_its_place(make: Make, side: str, scale: float) -> None:
    view = make()
    view.zoom_to(side, 10, 20, scale)  # type: ignore[arg-type]  # one of the two sides
    image = drawn(view)
    centre = view.screen_of(side, 10, 20)  # type: ignore[arg-type]  # one of the two sides
    assert (centre.x(), centre.y()) == pytest.approx((450, 200))
    assert image.pixelColor(450, 200).value() > 200
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):  # its neighbours are dark
        at = view.screen_of(side, 10 + dx, 20 + dy)  # type: ignore[arg-type]  # one of the two sides
        assert image.pixelColor(int(at.x()), int(at.y())).value() < 140


def test_that_a_place_and_its_screen_point_are_inverse(make: Make) -> None:
    view = make()
    view.zoom_to("right", 33.25, 41.5, 5.0)
    at = view.screen_of("right", 33.25, 41.5)
    found = view.picture_at(at.x(), at.y())
    assert found is not None
    assert found.side == "right"
    assert (found.x, found.y) == pytest.approx((33.25, 41.5))
    assert view.picture_at(-5000, 0) is None


def test_that_the_larger_arrangement_is_chosen() -> None:
    wide = arranged((800, 200), (800, 200), "auto", (900, 500))
    tall = arranged((200, 800), (200, 800), "auto", (900, 500))
    assert wide.right.y > 0
    assert tall.right.x > 0
    assert arranged((100, 50), (100, 50), "side", (10, 10), swapped=True).right.x == 0
    # Very different sizes are shown at the same height.
    assert arranged((100, 100), (1000, 1000), "side", (10, 10)).right.scale == pytest.approx(0.1)


def test_that_the_wheel_zooms_at_the_cursor(make: Make) -> None:
    view = make()
    at = QPointF(300, 180)
    before = view.picture_at(at.x(), at.y())
    scale = view.view.scale
    event = QWheelEvent(
        at, view.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    after = view.picture_at(at.x(), at.y())
    assert view.view.scale == pytest.approx(scale * 1.2)
    assert before is not None
    assert after is not None
    assert (after.x, after.y) == pytest.approx((before.x, before.y))


def test_that_dragging_pans_and_a_double_click_fits(make: Make, qtbot: QtBot) -> None:
    view = make()
    fitted = view.view
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    qtbot.mouseMove(view, QPoint(340, 230))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(340, 230))
    assert (view.view.x - fitted.x, view.view.y - fitted.y) == pytest.approx((40, 30))
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert view.view == fitted


def test_that_a_click_tells_line_or_place(make: Make, qtbot: QtBot) -> None:
    view = make()
    view.set_lines(lines())
    a, b = view.screen_of("left", 100, 50), view.screen_of("right", 100, 50)
    middle = ((a + b) / 2).toPoint()
    with qtbot.waitSignal(view.line_clicked) as line:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=middle)
    assert line.args == [1]
    with qtbot.waitSignal(view.clicked) as place:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.screen_of("left", 30, 80).toPoint())
    (hit,) = place.args
    assert isinstance(hit, Hover)
    assert (hit.side, round(hit.x), round(hit.y)) == ("left", 30, 80)


def test_that_moving_the_mouse_tells_what_is_under_it(make: Make, qtbot: QtBot) -> None:
    view = make()
    view.set_lines(lines())
    with qtbot.waitSignals([view.hovered, view.line_hovered]):
        qtbot.mouseMove(view, view.screen_of("left", 100, 50).toPoint())
    view.set_highlight(1)
    assert view.highlighted == 1


def test_that_alt_drag_moves_the_right_picture_and_its_lines(make: Make, qtbot: QtBot) -> None:
    view = make()
    view.set_lines(lines())
    before = view.screen_of("right", 0, 0)
    start = view.screen_of("right", 100, 80).toPoint()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, start)
    qtbot.mouseMove(view, start + QPoint(25, 10))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, start + QPoint(25, 10))
    after = view.screen_of("right", 0, 0)
    assert (after.x() - before.x(), after.y() - before.y()) == pytest.approx((25, 10))
    at = (view.screen_of("left", 100, 50) + view.screen_of("right", 100, 50)) / 2
    assert view.line_at(at.x(), at.y()) == 1


def test_that_control_drag_selects_an_area(make: Make, qtbot: QtBot) -> None:
    view = make()
    a, b = view.screen_of("left", 20, 10).toPoint(), view.screen_of("left", 60, 40).toPoint()
    with qtbot.waitSignal(view.area_selected) as caught:
        qtbot.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, a)
        qtbot.mouseMove(view, b)
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, b)
    side, x, y, width, height = caught.args[0]
    assert side == "left"
    assert (x, y, width, height) == pytest.approx((20, 10, 40, 30), abs=1)


@pytest.mark.parametrize("count", [3, 5000])
def test_that_lines_are_drawn_in_their_colour(make: Make, count: int) -> None:
    view = make()
    view.set_lines(lines(count))
    image = drawn(view)
    a, b = view.screen_of("left", 10, 10), view.screen_of("right", 190, 90)
    x = int((a.x() + b.x()) / 2)
    colours = {image.pixelColor(x, y).name() for y in range(int(a.y()) - 2, int(b.y()) + 3)}
    assert {DARK.right, DARK.wrong} <= colours or count == 3  # three smooth lines: the dash may miss this column
    assert {DARK.right, DARK.wrong} & colours


def test_that_the_overlay_moves_with_the_view_and_becomes_sharp(make: Make, qtbot: QtBot) -> None:
    view = make()
    view.set_lines(lines(20_000))
    assert not view.layer.settled
    qtbot.waitUntil(lambda: view.layer.settled, timeout=10_000)
    view.zoom_to("left", 50, 50, 2.0)
    assert not view.layer.settled
    qtbot.waitUntil(lambda: view.layer.settled, timeout=10_000)


def test_that_selection_marks_hint_and_legend_change_the_picture(make: Make) -> None:
    view = make()
    view.set_lines(lines())
    view.set_keypoints("left", KeypointMarks(*(np.float32(v) for v in ([[50, 50]], [30], [0])), np.array([True])))
    plain = drawn(view)
    for change in (
        lambda: view.set_selection(1),
        lambda: view.set_marks((Mark("right", 30, 30, "here"), Mark("left", 90, 20, radius=6))),
        lambda: view.set_hint(HintLine("right", (0.0, 1.0, -50.0))),
        lambda: view.set_legend(Legend("Title", (LegendRow(DARK.right, "solid", "disc", "right", "3"),))),
        lambda: view.set_dimmed(True),
        lambda: view.set_tokens(LIGHT),
    ):
        change()
        now = drawn(view)
        assert now != plain
        plain = now


def test_that_a_keypoint_is_a_circle_of_its_real_size(make: Make) -> None:
    view = make(spot=(199, 99))
    view.set_keypoints("left", KeypointMarks(*(np.float32(v) for v in ([[100, 50]], [40], [np.nan])), np.array([True])))
    image = drawn(view)
    edge = view.screen_of("left", 120, 50)
    row = [image.pixelColor(int(edge.x()) + d, int(edge.y())) for d in range(-3, 4)]
    background = QColor(60, 60, 60)
    assert any(abs(c.blue() - background.blue()) > 60 for c in row)


@pytest.mark.parametrize("mode", ["warp", "blend", "checkerboard", "flicker", "none"])
def test_that_registration_lays_the_right_picture_over_the_left(make: Make, mode: str, qtbot: QtBot) -> None:
    view = make(spot=(150, 60))
    h = np.array([[1, 0, 50], [0, 1, 10], [0, 0, 1.0]])  # left (100, 50) is right (150, 60)
    view.set_registration(mode, h)
    at = view.screen_of("left", 100, 50)

    def bright() -> bool:
        image = drawn(view)
        return bool(image.pixelColor(int(at.x()), int(at.y())).value() > 90)

    if mode == "flicker":
        qtbot.waitUntil(bright, timeout=3000)
        qtbot.waitUntil(lambda: not bright(), timeout=3000)
    elif mode != "checkerboard":
        assert bright() == (mode != "none")
    view.set_registration("none", None)
    assert not bright()


def test_that_one_pixel_pictures_and_nothing_can_be_shown(make: Make) -> None:
    view = make((1, 1), (1, 3))
    drawn(view)
    view.set_images(None, None)
    view.set_message("Nothing here")
    drawn(view)
    assert view.line_at(5, 5) is None


def test_that_picking_agrees_with_a_loop(qapp: QApplication) -> None:
    rng = np.random.default_rng(3)
    a, b = (rng.uniform(0, 100, (300, 2)).astype(np.float32) for _ in range(2))
    segments = Segments(a, b)
    for x, y in rng.uniform(0, 100, (50, 2)):
        t = np.clip(((np.array([x, y]) - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1), 0, 1)
        gap = np.linalg.norm(a + t[:, None] * (b - a) - [x, y], axis=1)
        assert segments.nearest(x, y, 5.0) == (int(gap.argmin()) if gap.min() <= 5 else None)
    # Far from the origin, long and short ones and a point: none that is near enough is passed over by rounding.
    a = rng.uniform(40_000, 60_000, (400, 2)).astype(np.float32)
    b = a + rng.choice([0, 3, 20_000], (400, 1)) * rng.normal(size=(400, 2)).astype(np.float32)
    segments = Segments(a, b)
    for row in range(400):
        x, y = (0.7 * a[row] + 0.3 * b[row]).tolist()
        found = segments.nearest(x, y, 2.0)
        assert found is not None
        along = (b - a)[found].astype(float)
        t = np.clip(([x, y] - a[found]) @ along / max(along @ along, 1e-9), 0, 1)
        assert np.hypot(*(a[found] + t * along - [x, y])) <= 2.0
    assert Segments(a[:0], b[:0]).nearest(0, 0, 9) is None
    assert Segments(a[:1], a[:1]).nearest(*a[0].tolist(), 1.0) == 0
    assert nearest_point(a, *a[7].tolist(), 1.0) == 7
    assert nearest_point(a[:0], 0, 0, 9) is None


LEGEND = Legend("Ground truth", tuple(LegendRow(DARK.right, "solid", "disc", name, "300 of 451") for name in "ab"))


def test_that_a_legend_beside_the_pictures_is_a_box_in_the_corner(make: Make) -> None:
    view = make((100, 400), (100, 400))
    area, in_line = place_of(view, LEGEND)
    assert not in_line
    assert (area.right(), area.bottom()) == (view.width() - 12, view.height() - 12)


def test_that_a_legend_is_one_line_below_pictures_that_its_box_would_cover(make: Make) -> None:
    view = make((450, 360), (450, 360))
    area, in_line = place_of(view, LEGEND)
    assert in_line
    assert view.rect().contains(area.toAlignedRect())
    assert all(view.window_of(view.scene.of(side))[3] <= area.top() for side in SIDES)  # type: ignore[union-attr]
    bar = replace(LEGEND, rows=(), bar=("#000000", "#ffffff"), low="0", high="1")
    assert place_of(view, bar)[1]
    plain = drawn(view)
    view.set_legend(bar)
    assert drawn(view) != plain


def test_that_the_legend_stays_a_box_where_one_line_would_cover_more_or_not_fit(make: Make) -> None:
    view = make((450, 360), (450, 360))
    view.zoom_to("left", 100, 100, 8.0)
    assert not place_of(view, LEGEND)[1]
    view.fit()
    assert not place_of(view, replace(LEGEND, rows=LEGEND.rows * 4))[1]


def test_that_the_words_of_marks_do_not_cover_each_other(make: Make) -> None:
    view = make()
    marks = tuple(Mark("right", 100 + dx, 50, f"rank {dx}", radius=6) for dx in range(6))
    metrics, taken = QFontMetricsF(view.ui_font(0.9)), list[QRectF]()
    for mark in marks:
        taken.append(free_place(view, mark, metrics, taken)[1])
    assert all(not a.intersects(b) for i, a in enumerate(taken) for b in taken[:i])
    assert all(view.rect().contains(plate.toAlignedRect()) for plate in taken)


@pytest.mark.parametrize("slope", [-40, -8, 0, 8, 40, 200])
def test_that_the_words_of_a_match_do_not_cover_its_line(make: Make, slope: int) -> None:
    view = make()
    metrics, mark = QFontMetricsF(view.ui_font(0.9)), Mark("left", 40, 60, "right  ·  error px 0.24", radius=7)
    start = view.screen_of("left", 40, 60)
    line = QLineF(start, start + QPointF(view.width() / 2, slope))
    plate = free_place(view, mark, metrics, [], line)[1]
    along = (line.pointAt(k / 500) for k in range(501))
    assert not any(plate.contains(point) for point in along)
    assert view.rect().contains(plate.toAlignedRect())


def test_that_captions_of_narrow_pictures_are_whole_on_their_free_sides(make: Make) -> None:
    view = make((60, 400), (60, 400))
    left, _, right, _ = view.window_of(view.scene.of("left"))  # type: ignore[union-attr]
    x, room = caption_place(view, "left", 200.0)
    assert (x + room, room) == (right - 2, 201)
    assert x < left
    x, room = caption_place(view, "right", 200.0)
    assert x == view.window_of(view.scene.of("right"))[0] + 2  # type: ignore[union-attr]
    assert room >= 200
    x, room = caption_place(view, "left", 5000.0)
    assert x >= 0
    wide = make((300, 300), (300, 300))
    x, room = caption_place(wide, "left", 100.0)
    assert (x, room) == (wide.window_of(wide.scene.of("left"))[0] + 2, 101)  # type: ignore[union-attr]
