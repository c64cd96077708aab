"""The parts of the SIFT pages by themselves: chart, picture view, cube in words, history in words, marks."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF, QImage
from pytestqt.qtbot import QtBot

from app.jobs import run_to_end
from app.ui.chart import Bars, Chart, Curve, Drawing, Level, Place
from app.ui.sift.cube_words import judge
from app.ui.sift.curves import response_drawing
from app.ui.sift.funnel_view import FunnelView
from app.ui.sift.history_words import rows, rule, story
from app.ui.sift.level_jobs import Palette, grid_pictures, level_picture, shown_octaves
from app.ui.sift.picture_view import PictureView
from app.ui.sift.stage_marks import StageMarks, choose
from app.ui.style import Style
from app.vision.scale_response import disk_laws, response_at
from app.vision.scale_space import ScaleSpace
from app.vision.sift_records import SiftExplanation, SiftSettings, Stage
from app.vision.sift_stages import explain


@pytest.fixture
def look(qtbot: QtBot) -> Style:
    return Style("dark")


def disk(radius: float, side: int = 160, contrast: int = 100) -> np.ndarray:
    yy, xx = np.mgrid[0:side, 0:side]
    cover = np.clip(radius + 0.5 - np.hypot(xx - side // 2, yy - side // 2), 0, 1)
    return np.rint(60 + contrast * cover).astype(np.uint8)


@pytest.fixture(scope="module")
def explanation() -> SiftExplanation:
    rng = np.random.default_rng(3)
    yy, xx = np.mgrid[0:150, 0:200]
    grey = 110 + 8 * rng.standard_normal((150, 200))
    for _ in range(30):
        x, y, r = rng.uniform(0, 200), rng.uniform(0, 150), rng.uniform(2, 10)
        grey += rng.choice([-60, 60]) * (np.hypot(xx - x, yy - y) < r)
    return run_to_end(explain(np.clip(grey, 0, 255).astype(np.uint8), SiftSettings()))


# ------------------------------------------------------------------------------- chart


@pytest.mark.parametrize("width", [200, 300, 600])
def test_that_words_of_marked_places_touch_neither_each_other_nor_the_curves(
    qtbot: QtBot, look: Style, width: int
) -> None:
    chart = Chart(look, "test")
    qtbot.addWidget(chart)
    chart.resize(width, 220)
    chart.show()
    x = np.geomspace(0.8, 64, 60)
    places = tuple(Place(v, f"peak at {v:.2f}") for v in (5.0, 5.1, 5.6, 5.8))
    chart.set_drawing(Drawing(curves=(Curve(x, np.sin(x), "a"),), places=places, log_x=True, y_label="grey"))
    chart.grab()
    metrics = QFontMetricsF(look.font(0.85))
    boxes = []
    for place, left, lane in chart._lanes(metrics):
        base = chart._area.top() - 4 - lane * metrics.height() - metrics.descent()
        box = QRectF(left, base - metrics.ascent(), metrics.horizontalAdvance(place.text), metrics.ascent())
        assert box.bottom() < chart._area.top()
        assert box.left() >= 0
        assert box.right() <= chart.width()
        boxes.append(box)
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_that_a_chart_puts_data_where_its_axes_say(qtbot: QtBot, look: Style) -> None:
    chart = Chart(look, "test")
    qtbot.addWidget(chart)
    chart.resize(400, 200)
    chart.show()
    bars = Bars(np.array([0.0, 90.0]), np.array([1.0, 0.5]), 10.0)
    chart.set_drawing(Drawing(bars=(bars,), levels=(Level(0.8, "0.8"),), x_range=(-5, 355), y_range=(0, 1)))
    chart.grab()
    area = chart._area
    assert chart.at(-5, 0).x() == pytest.approx(area.left())
    assert chart.at(355, 0).x() == pytest.approx(area.right())
    assert chart.at(0, 0).y() == pytest.approx(area.bottom())
    assert area.top() <= chart.at(0, 1.0).y() < chart.at(0, 0.8).y() < area.bottom()


@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("log_y", [False, True])
def test_that_curves_lie_where_the_axes_say(qtbot: QtBot, look: Style, *, log_x: bool, log_y: bool) -> None:
    chart = Chart(look, "test")
    qtbot.addWidget(chart)
    chart.resize(400, 300)
    chart.show()
    x, y = np.array([1.0, 3.0, 64.0]), np.array([16.0, 400.0, 16_128.0])
    chart.set_drawing(Drawing(curves=(Curve(x, y, "a", points=True),), log_x=log_x, log_y=log_y))
    chart.grab()
    for across, down, px, py in zip(*chart._many(x, y), x, y, strict=True):
        assert (across, down) == pytest.approx((chart.at(px, py).x(), chart.at(px, py).y()))
        assert chart._area.adjusted(-1, -1, 1, 1).contains(across, down)


def test_that_powers_of_ten_and_negative_numbers_are_written_as_on_paper(qtbot: QtBot, look: Style) -> None:
    chart = Chart(look, "test")
    qtbot.addWidget(chart)
    chart.show()
    for values, log_y, texts in (
        ([20.0, 2e5], True, ["10", "1,000", "100,000"]),
        ([3e-6, 2e-5], True, ["10⁻⁶", "10⁻⁵", "10⁻⁴"]),
        ([-1.0, 1.0], False, ["−1", "0", "1"]),
    ):
        chart.set_drawing(Drawing(curves=(Curve(np.arange(2.0), np.array(values), ""),), log_y=log_y))
        chart.grab()
        assert [text for _, text in chart._y_ticks()] == texts


def test_that_an_empty_chart_and_one_of_constants_are_drawn(qtbot: QtBot, look: Style) -> None:
    chart = Chart(look, "test")
    qtbot.addWidget(chart)
    chart.show()
    for drawing in (
        Drawing(empty="Nothing yet."),
        Drawing(curves=(Curve(np.array([1.0, 2.0]), np.zeros(2), "flat"),), log_x=True),
        Drawing(curves=(Curve(np.array([1.0, 2.0]), np.array([np.nan, 1.0]), "gap"),)),
    ):
        chart.set_drawing(drawing)
        assert not chart.grab().isNull()


def test_that_the_response_of_a_disk_peaks_where_the_marks_stand() -> None:
    radius = 9.0
    space = ScaleSpace(disk(radius), SiftSettings())
    response = response_at(space, 80, 80)
    assert response.peak_dog is not None
    drawing = response_drawing(response, response.peak_dog.sigma, space.settings.k)
    marked = {place.text.split()[0]: place.x for place in drawing.places}
    law = disk_laws(space.settings.k)
    assert marked["DoG"] == pytest.approx(law.dog_sigma * radius, rel=0.03)
    assert marked["LoG"] == pytest.approx(radius / np.sqrt(2), rel=0.03)
    assert marked["r/√2"] == pytest.approx(marked["LoG"], rel=0.02)
    assert f"{law.dog_sigma:.3f} r" in " ".join(place.text for place in drawing.places)


# ------------------------------------------------------------------------ picture view


@pytest.mark.parametrize("step", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("scale", [3.0, 8.0])
def test_that_a_pixel_of_a_level_is_seen_at_its_place_in_the_image(
    qtbot: QtBot, look: Style, step: float, scale: float
) -> None:
    width, height = 64, 48
    rgb = np.zeros((round(height / step), round(width / step), 3), np.uint8)
    row, col = round(16 / step), round(24 / step)
    rgb[row, col] = 255
    view = PictureView(look, "test", pointing=True)
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.show()
    view.set_picture(rgb, (width, height), step)
    view.zoom_to(col * step, row * step, scale)
    seen = view.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    pixels = np.frombuffer(seen.constBits(), np.uint8).reshape(seen.height(), seen.bytesPerLine())[:, : seen.width()]
    bright = pixels.astype(np.float64)
    bright[bright < 60] = 0
    bright[:36] = 0  # the caption's corner and the focus ring
    bright[:, [0, -1]] = 0
    bright[-1] = 0
    yy, xx = np.mgrid[0 : bright.shape[0], 0 : bright.shape[1]]
    at = view.screen_of(col * step, row * step)
    assert (bright * (xx + 0.5)).sum() / bright.sum() == pytest.approx(at.x(), abs=0.6)
    assert (bright * (yy + 0.5)).sum() / bright.sum() == pytest.approx(at.y(), abs=0.6)
    back = view.point_at(at.x(), at.y())
    assert back is not None
    assert back == pytest.approx((col * step, row * step), abs=1e-6)


def test_that_the_levels_made_for_the_eye_cover_the_grid() -> None:
    space = ScaleSpace(disk(12), SiftSettings())
    cells = run_to_end(grid_pictures(space, Palette("dog", dark=True, fixed=False), 0))
    assert set(cells) == {(o, level) for o in shown_octaves(space) for level in range(5)}
    large = run_to_end(level_picture(space, (-1, 1), Palette("dog", dark=False, fixed=False), 0.0))
    assert large.step <= 1.0  # as fine as its blur needs
    assert large.rgb.shape[:2] == (round(160 / large.step),) * 2
    grey = run_to_end(level_picture(space, (0, 0), Palette("gaussian", dark=True, fixed=False), 0.0))
    assert abs(int(grey.rgb[80, 80, 0]) - 160) <= 1


# ---------------------------------------------------------------------- cube and history


def test_the_verdict_on_a_cube() -> None:
    cube = np.full((3, 3, 3), -1.0, np.float32)
    cube[1, 1, 1] = -5.0
    cube[0, 2, 0] = -4.5
    verdict = judge(cube, 1.0)
    assert verdict.kind == "minimum"
    assert verdict.rival == (0, 2, 0)
    assert "bright blob" in verdict.sentence
    assert "−4.50 in the finer plane, down left" in verdict.sentence
    assert judge(-cube, 1.0).kind == "maximum"
    cube[2, 1, 1] = -6.0
    spoiled = judge(cube, 1.0)
    assert spoiled.kind == "none"
    assert spoiled.rival == (2, 1, 1)
    assert "1 of 26 neighbours is smaller" in spoiled.sentence


def test_that_ties_noise_borders_and_flat_places_are_told_apart() -> None:
    tie = np.full((3, 3, 3), 4.0, np.float32)
    assert judge(tie, 1.0).kind == "maximum"  # at least as large as all others is enough, as in OpenCV
    weak = np.full((3, 3, 3), 0.1, np.float32)
    weak[1, 1, 1] = 0.5
    assert "noise floor" in judge(weak, 1.0).sentence
    border = np.full((3, 3, 3), 1.0, np.float32)
    border[:, 0] = np.nan
    assert "border" in judge(border, 1.0).sentence
    assert "flat" in judge(np.full((3, 3, 3), 1e-5, np.float32), 0.0).sentence


def test_that_every_history_ends_where_its_candidate_died(explanation: SiftExplanation) -> None:
    found, settings = explanation.candidates, explanation.settings
    ends = set()
    for index in range(len(found)):
        ladder = rows(found, index, settings)
        passed = [row.passed for row in ladder]
        last = int(found.stage[index])
        assert passed[: last + 1] == [True] * (last + 1)
        assert passed[last + 1 :] == ([False] + [None] * (len(Stage) - last - 2) if last < Stage.DESCRIBED else [])
        words = story(found, index, settings)
        ends.add(last)
        if last == Stage.CONTRAST:
            ratio = float(found.edge_ratio[index])
            assert ("saddle" in words) if not np.isfinite(ratio) else (f"{ratio:.3g} ≥ 12.1" in words)
        if last == Stage.REFINED:
            assert f"{found.contrast[index]:.4f} < 0.04" in words
        if last == Stage.DESCRIBED:
            assert "became a keypoint" in words
    assert {Stage.REFINED, Stage.CONTRAST, Stage.DESCRIBED} <= ends
    assert all(rule(stage, settings) for stage in Stage)


def test_that_marks_are_drawn_at_their_places_and_found_there(explanation: SiftExplanation) -> None:
    found = explanation.candidates
    marks = StageMarks()
    chosen = choose(found, Stage.DESCRIBED)
    only = choose(found.take(chosen.survivors[:1]), Stage.DESCRIBED)
    single = found.take(chosen.survivors[:1])
    marks.show(single, only, survivors=True, rejected=True)
    scale, x, y = 4.0, 13.0, -7.0
    image = marks.image((scale, x, y), (900, 700), ("#ff0000", "#00ff00", "#000000"), sizes=True)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(700, 900, 4)
    weight = pixels[:, :, 0].astype(np.float64)
    yy, xx = np.mgrid[0:700, 0:900]
    centre = (single.xy[0].astype(np.float64) + 0.5) * scale + (x, y)
    assert (weight * (xx + 0.5)).sum() / weight.sum() == pytest.approx(centre[0], abs=0.3)
    assert (weight * (yy + 0.5)).sum() / weight.sum() == pytest.approx(centre[1], abs=0.3)
    reach = np.hypot(xx + 0.5 - centre[0], yy + 0.5 - centre[1])[weight > 128]
    assert np.median(reach) == pytest.approx(max(3.0, float(single.sigma[0]) * scale), abs=0.5)
    assert marks.at(*single.xy[0].tolist(), 1.0) == 0
    assert marks.at(float(single.xy[0, 0]) + 5, float(single.xy[0, 1]), 1.0) is None


# ------------------------------------------------------------------------------ funnel


def test_that_the_funnel_counts_one_keypoint_per_orientation_but_upright_one_per_place(
    qtbot: QtBot, look: Style, explanation: SiftExplanation
) -> None:
    funnel = FunnelView(look)
    qtbot.addWidget(funnel)
    funnel.resize(460, 340)
    funnel.set_explanation(explanation)
    places = funnel.counts[-1]
    assert funnel.keypoints == len(explanation.keypoints) > places
    upright = run_to_end(explain(explanation.space.grey, SiftSettings(upright=True)))
    funnel.set_explanation(upright)
    assert funnel.counts[-1] == places
    assert funnel.keypoints == places
    assert not funnel.grab().isNull()
