"""The Metric workspace with real mouse and key events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from metric_parts import shown_workspace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from app.learning.iterates import Iterate
from app.learning.lmnn_live import Follower
from app.learning.mahalanobis import distance, matrix_from_ellipse, matrix_of
from app.learning.toy import toy
from app.ui.launch import _wait
from app.ui.metric.learn_page import unit_of
from app.ui.metric.plots import HistoryCurve
from app.ui.metric.points import PointCanvas, Shown, box_of
from app.ui.metric.state import MetricState
from app.ui.session import Message, Session
from app.ui.session_state import SavedState, from_json, to_json, typed
from app.ui.style import Style
from app.ui.workspaces import WORKSPACES
from app.ui.workspaces.metric import MetricWorkspace

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def until() -> Until:
    """Wait with events until a condition holds; a machine that learns elsewhere too gets half a minute."""

    def wait(condition: Callable[[], bool]) -> None:
        assert _wait(condition, 30.0), "nothing happened in half a minute"

    return wait


@pytest.fixture
def workspace(session: Session, until: Until) -> Iterator[MetricWorkspace]:
    with shown_workspace(session, height=640) as made:
        made.activate()
        until(lambda: not made.busy and len(made.learning.history) > 1 and not session.busy)
        yield made


def settled(workspace: MetricWorkspace, until: Until) -> None:
    until(lambda: not workspace.busy and bool(workspace.learning.history or workspace.learning.fault))


def test_that_it_has_its_number_and_learns_when_it_comes_to_the_front(workspace: MetricWorkspace, until: Until) -> None:
    entry = next(entry for entry in WORKSPACES if entry.key == "metric")
    assert (entry.number, entry.title) == (6, "Metric")
    assert entry.load() is MetricWorkspace
    page = workspace.page_of("learn")
    history = workspace.learning.history
    assert history[-1].objective < history[0].objective
    assert page.scrubber.slider.maximum() == len(history) - 1
    assert page.canvas.shown is not None
    assert page.canvas.shown.targets
    assert page.objective.values[0] == (0, history[0].objective)
    assert workspace.details.facts.value("M is a") == "metric"
    until(lambda: page.canvas.shown is not None and page.canvas.shown.regions is not None)


def test_that_a_point_can_be_dragged_and_undo_puts_it_back(workspace: MetricWorkspace, until: Until) -> None:
    canvas, session = workspace.page_of("learn").canvas, workspace.session
    start = workspace.learning.x[5].copy()
    at = canvas.to_widget(*start).toPoint()
    row = canvas.point_near(QPointF(at))
    assert row is not None
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
    assert workspace.metric_state.anchor == row
    for step in range(1, 5):
        QTest.mouseMove(canvas, at + QPoint(8 * step, -6 * step))
    assert not np.allclose(workspace.learning.x[row], start)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(32, -24))
    settled(workspace, until)
    moved = workspace.metric_state.moved
    assert [item[0] for item in moved] == [row]
    assert moved[0][1:] == pytest.approx(canvas.to_plane(QPointF(at + QPoint(32, -24))), rel=0.2, abs=0.5)
    session.undo()
    settled(workspace, until)
    if workspace.metric_state.moved:  # the choice of the point and its move may be two steps
        session.undo()
        settled(workspace, until)
    assert workspace.metric_state.moved == ()
    np.testing.assert_allclose(workspace.learning.x[row], start)


def test_that_a_point_on_the_move_is_followed_step_by_step(
    workspace: MetricWorkspace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Movements during a step end in one more step, not one each; point and metric come to the picture together."""
    page, learning = workspace.page_of("learn"), workspace.learning
    canvas, whole = page.canvas, learning.history
    steps: list[np.ndarray] = []
    step = Follower.step

    def slow(self: Follower, x: np.ndarray, y: np.ndarray) -> Iterate:
        steps.append(x)
        time.sleep(0.05)
        return step(self, x, y)

    monkeypatch.setattr(Follower, "step", slow)
    at = canvas.to_widget(*learning.x[5]).toPoint()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
    for move in range(1, 13):
        QTest.mouseMove(canvas, at + QPoint(2 * move, -move))
    assert canvas.shown is not None
    assert canvas.shown.x is not learning.x  # not before its step
    until(lambda: len(steps) == 2 and learning.history != whole and not learning._follow.busy)
    assert steps[-1] is learning.x
    assert canvas.shown.x is learning.x
    assert np.array_equal(canvas.shown.matrix, learning.history[-1].matrix)
    assert len(learning.history) == 1
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(24, -12))
    settled(workspace, until)
    assert len(learning.history) > 1


def test_that_a_point_is_drawn_where_it_is_while_the_metric_is_late(
    workspace: MetricWorkspace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, learning = workspace.page_of("learn"), workspace.learning
    step = Follower.step

    def slow(self: Follower, x: np.ndarray, y: np.ndarray) -> Iterate:
        time.sleep(0.5)
        return step(self, x, y)

    monkeypatch.setattr(Follower, "step", slow)
    at, whole = page.canvas.to_widget(*learning.x[5]).toPoint(), learning.history
    QTest.mousePress(page.canvas, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(page.canvas, at + QPoint(9, 9))
    until(lambda: page.canvas.shown.x is learning.x)
    assert learning.history == whole
    QTest.mouseRelease(page.canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(9, 9))
    settled(workspace, until)


def test_that_a_moving_point_is_drawn_over_a_kept_picture_of_the_others(qapp: object) -> None:
    look = Style("dark")
    look.apply()
    canvas, fresh = PointCanvas(look), PointCanvas(look)
    for each in (canvas, fresh):
        each.resize(400, 300)
        each.show()
    x, y = toy("three", points=90)
    box = box_of(x, canvas.aspect)
    canvas.dragged.connect(lambda move: canvas.show_points(Shown(moved_to(x, move), y, box=box)))
    canvas.show_points(Shown(x, y, box=box))
    at = canvas.to_widget(*x[7]).toPoint()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
    kept = []
    for move in range(1, 4):
        QTest.mouseMove(canvas, at + QPoint(11 * move, 7 * move))
        assert canvas.shown is not None
        fresh.show_points(canvas.shown)
        here, there = (pixels(each) for each in (canvas, fresh))
        assert np.abs(here - there).max() <= 3  # rounding of half-covered pixels that are blended twice
        kept.append(canvas._layer)
    assert kept[0] is not None
    assert kept[1] is kept[0]
    assert kept[2] is kept[0]
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at)
    assert np.abs(pixels(canvas) - pixels(fresh)).max() == 0  # the layer is gone with the drag
    for each in (canvas, fresh):
        each.hide()
        each.deleteLater()
    look.deleteLater()


def moved_to(x: np.ndarray, move: tuple[int, float, float]) -> np.ndarray:
    result = x.copy()
    result[move[0]] = move[1:]
    return result


def pixels(canvas: PointCanvas) -> np.ndarray:
    """The three colours of what a canvas draws, as numbers that can be subtracted."""
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)[:, : 4 * image.width()]
    return rows.reshape(image.height(), image.width(), 4)[:, :, 2::-1].astype(int)


@pytest.mark.parametrize("angle", [0, 30, 120])
def test_that_the_ellipse_is_drawn_where_the_metric_says(qapp: object, angle: float) -> None:
    look = Style("dark")
    look.apply()
    canvas = PointCanvas(look)
    canvas.resize(600, 600)
    x, matrix = np.array([[0.5, -0.25]]), matrix_from_ellipse((2.0, 0.7), angle)
    canvas.show_points(Shown(x, np.zeros(1, int), matrix=matrix, unit=1.0, anchor=-1, box=(-3.0, -3.0, 3.0, 3.0)))
    accent = look.colour("accent")
    colour = np.array([accent.red(), accent.green(), accent.blue()])
    ys, xs = np.nonzero((np.abs(pixels(canvas) - colour) <= 2).all(axis=2))
    places = np.array([canvas.to_plane(QPointF(a + 0.5, b + 0.5)) for a, b in zip(xs, ys, strict=True)])
    assert len(places) > 200
    assert np.abs(distance(places, x[0], matrix) - 1).max() < 0.04  # two pixels of a line of 0.01 a pixel
    turn = np.degrees(np.arctan2(*(places - x[0]).T[::-1])) % 360
    assert np.diff(np.sort(turn)).max() < 20  # all around
    canvas.deleteLater()
    look.deleteLater()


def test_that_keys_choose_and_move_points(workspace: MetricWorkspace, until: Until) -> None:
    canvas = workspace.page_of("learn").canvas
    QTest.keyClick(canvas, Qt.Key.Key_PageDown)
    assert workspace.metric_state.anchor == 1
    QTest.keyClick(canvas, Qt.Key.Key_PageUp)
    QTest.keyClick(canvas, Qt.Key.Key_PageUp)
    assert workspace.metric_state.anchor == len(workspace.learning.x) - 1
    x = workspace.learning.x[-1].copy()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    settled(workspace, until)
    assert workspace.learning.x[-1][0] > x[0]
    assert workspace.learning.x[-1][1] == pytest.approx(x[1], abs=1e-5)
    workspace._settings.put_back.click()
    settled(workspace, until)
    np.testing.assert_allclose(workspace.learning.x[-1], x)


def test_that_the_scrubber_replays(workspace: MetricWorkspace, until: Until) -> None:
    page = workspace.page_of("learn")
    page.scrubber.slider.setValue(0)
    assert workspace.metric_state.step == 0
    np.testing.assert_allclose(page.iterate.matrix, np.eye(2))
    assert page.scrubber.label.text().startswith("iteration 0 of")
    page.scrubber.forward.click()
    assert page.iterate.step == 1
    page.scrubber.toggle()
    assert page.scrubber.playing
    until(lambda: not page.scrubber.playing)
    assert page.iterate is workspace.learning.history[-1]
    assert workspace.metric_state.step == -1


@pytest.mark.parametrize("key", ["mmc", "mmc-lecture", "naive", "relative", "nca", "itml"])
def test_that_every_learner_can_be_chosen(workspace: MetricWorkspace, until: Until, key: str) -> None:
    methods = workspace._settings.methods
    methods.setCurrentIndex(methods.findData(key))
    methods.activated.emit(methods.currentIndex())
    settled(workspace, until)
    assert workspace.metric_state.learner == key
    assert workspace._settings.method_form is not None
    assert workspace.learning.fault == ""
    for step in (0, -1):
        workspace.set_state(replace(workspace.metric_state, step=step))
        workspace.page_of("learn").grab()
    if key == "mmc-lecture":
        assert workspace.details.facts.value("M is a") == "pseudometric"


def test_that_a_setting_learns_again_and_a_bad_one_is_told(workspace: MetricWorkspace, until: Until) -> None:
    told: list[Message] = []
    workspace.session.message.connect(told.append)
    form = workspace._settings.method_form
    assert form is not None
    before = workspace.learning.history[-1].objective
    form.changed.emit(replace(form.settings, push=0.9))
    settled(workspace, until)
    assert workspace.learning.history[-1].objective != before
    assert workspace._method_settings().push == 0.9
    form = workspace._settings.method_form
    assert form is not None
    form.changed.emit(replace(form.settings, k=40))
    until(lambda: bool(workspace.learning.fault))
    assert "too few for 40 target neighbours" in workspace.learning.fault
    assert told[-1].kind == "error"
    assert workspace.page_of("learn").scrubber.label.text() == "no iterations yet"
    assert not workspace.page_of("learn").scrubber.play.isEnabled()
    workspace.page_of("learn").grab()


@pytest.mark.parametrize("key", ["lmnn", "naive"])
def test_that_no_more_neighbours_vote_than_there_are(workspace: MetricWorkspace, until: Until, key: str) -> None:
    workspace.set_state(replace(workspace.metric_state, learner=key, toy="moons", points=12, neighbours=15))
    settled(workspace, until)
    page = workspace.page_of("learn")
    until(lambda: page.canvas.shown is not None and page.canvas.shown.regions is not None)
    assert workspace.learning.fault == ""
    assert workspace.details.facts.value("11-NN error here").endswith("%")
    assert page.error.title.startswith("11-NN")


@pytest.mark.parametrize("value", [0.0, 3.0, -8.8e15, 1e300])
def test_that_a_curve_of_one_value_is_drawn_however_large_it_is(qapp: object, value: float) -> None:
    look = Style("dark")
    look.apply()
    curve = HistoryCurve(look, "Objective")
    curve.resize(300, 160)
    curve.set_values([(0, value), (1, value), (2, value * (1 + 1e-12))], 1)
    picture = curve.grab().toImage()
    drawn = {picture.pixelColor(x, y).name() for x in range(0, 300, 3) for y in range(160)}
    assert look.colour("right").name() in drawn
    curve.deleteLater()
    look.deleteLater()


def test_that_other_points_forget_what_was_dragged(workspace: MetricWorkspace, until: Until) -> None:
    workspace.set_state(replace(workspace.metric_state, moved=((0, 1.0, 1.0),), anchor=7))
    settled(workspace, until)
    form = workspace._settings.data_form
    form.changed.emit(replace(form.settings, toy="moons"))
    settled(workspace, until)
    assert workspace.metric_state.moved == ()
    assert workspace.metric_state.anchor == 0
    assert workspace.metric_state.toy == "moons"


def test_the_lamps_and_a_formula(workspace: MetricWorkspace, until: Until) -> None:
    workspace.tabs["axioms"].click()
    page = workspace.page_of("axioms")
    until(lambda: not page.busy and page.verdict is not None)
    assert page.lamps["T"].lamp is not None
    assert page.lamps["T"].lamp.state == "fails"
    assert page.witness.lamp is page.lamps["T"].lamp
    assert "4 > 1 + 1" in page.lamps["T"].found.text()
    page.grab()
    page.formula.clear()
    QTest.keyClicks(page.formula, "norm(x - y)")
    QTest.keyClick(page.formula, Qt.Key.Key_Return)
    until(lambda: not page.busy and page.verdict is not None)
    assert workspace.metric_state.measure == "typed"
    assert page.verdict is not None
    assert page.verdict.badge == "metric"
    assert workspace.details.facts.value("badge") == "metric"
    page.formula.clear()
    QTest.keyClicks(page.formula, "x.__class__")
    QTest.keyClick(page.formula, Qt.Key.Key_Return)
    assert "cannot be used here" in page.complaint.text()
    assert page.lamps["N"].lamp is None
    page.grab()


def test_that_the_state_survives_a_file(workspace: MetricWorkspace) -> None:
    form = workspace._settings.method_form
    assert form is not None
    state = replace(workspace.metric_state, moved=((3, 0.5, -1.0),), step=2, toy="three", formula="max(x - y)")
    state = replace(state, **state.with_settings("lmnn", replace(form.settings, push=0.7)))
    workspace.set_state(state)
    complaints: list[str] = []
    saved = from_json(json.loads(json.dumps(to_json(workspace.session.state))), complaints.append)
    part = dict(saved.workspaces)["metric"]
    assert isinstance(part, SavedState)
    back = typed(part, MetricState(), complaints.append)
    assert complaints == []
    assert back == state
    assert back.settings_of("lmnn", type(form.settings)).push == 0.7


def test_that_a_saved_state_of_another_version_is_repaired(workspace: MetricWorkspace, until: Until) -> None:
    workspace.set_state(replace(workspace.metric_state, learner="gone", page="gone"))
    settled(workspace, until)
    assert workspace.metric_state.learner == "lmnn"
    assert workspace.metric_state.page == "learn"


def test_geometry_of_the_picture(workspace: MetricWorkspace) -> None:
    canvas = workspace.page_of("learn").canvas
    for x, y in ((0.0, 0.0), (1.5, -2.0)):
        assert canvas.to_plane(canvas.to_widget(x, y)) == pytest.approx((x, y))
    up, down = canvas.to_widget(0, 1), canvas.to_widget(0, -1)
    assert up.y() < down.y()
    box = box_of(np.array([[0.0, 0.0], [2.0, 1.0]]), 2.0)
    assert (box[2] - box[0]) / (box[3] - box[1]) == pytest.approx(2)
    assert unit_of(matrix_of(1e-3 * np.eye(2)), (-1, -1, 1, 1)) == pytest.approx(2e-4)
    assert unit_of(np.zeros((2, 2)), (-1, -1, 1, 1)) == 1
    assert canvas.point_near(QPointF(-500, -500)) is None


def test_that_theme_and_size_change_without_fault(workspace: MetricWorkspace) -> None:
    for theme, scale in (("light", True), ("dark", False)):
        workspace.look.set_theme(theme)
        workspace.look.set_presenting(scale)
        workspace.resize(1200 if scale else 640, 420)
        assert not workspace.grab().isNull()
    assert workspace.copy_picture()
    workspace.deactivate()


def test_that_no_page_makes_a_small_window_grow(workspace: MetricWorkspace, until: Until) -> None:
    for key, tab in workspace.tabs.items():
        tab.click()
        assert workspace.page is workspace.page_of(key)
        assert tab.isChecked()
    settled(workspace, until)
    assert workspace.minimumSizeHint().height() <= 480  # what a window of 1280 × 800 leaves between the docks


def test_that_the_plane_moves_beside_the_points_and_a_double_click_puts_it_back(workspace: MetricWorkspace) -> None:
    canvas, before = workspace.page_of("learn").canvas, workspace.metric_state
    corner = QPoint(6, 6)
    assert canvas.point_near(QPointF(corner)) is None
    first = canvas.to_widget(*workspace.learning.x[4])
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=corner)
    QTest.mouseMove(canvas, corner + QPoint(40, 25))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=corner + QPoint(40, 25))
    moved = canvas.to_widget(*workspace.learning.x[4])
    assert (moved - first).toPoint() == QPoint(40, 25)
    assert canvas.to_plane(moved) == pytest.approx(tuple(workspace.learning.x[4]))
    assert canvas.point_near(moved) is not None
    assert workspace.metric_state == before  # nothing was chosen or dragged
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=corner)
    assert canvas.to_widget(*workspace.learning.x[4]) == first


def test_that_thousands_of_points_are_kept_as_a_picture_that_moves(qapp: object) -> None:
    look = Style("dark")
    look.apply()
    canvas = PointCanvas(look)
    canvas.resize(400, 300)
    x, y = toy("three", points=4000)
    canvas.show_points(Shown(x, y, box=box_of(x, canvas.aspect)))
    here = canvas.grab().toImage()
    kept = canvas._layer
    assert kept is not None
    canvas.pan = QPointF(30, -20)
    there = canvas.grab().toImage()
    assert canvas._layer is kept
    assert there.copy(30, 0, 370, 280) == here.copy(0, 20, 370, 280)  # the same pixels, elsewhere
    canvas.pan = QPointF(250, 0)  # beyond what was kept
    canvas.grab()
    assert canvas._layer is not kept
    canvas.show_points(Shown(x + 1, y, box=box_of(x, canvas.aspect)))
    assert canvas._layer is None
    canvas.show_points(Shown(x[:50], y[:50], box=box_of(x, canvas.aspect)))
    canvas.grab()
    assert canvas._layer is None  # few points are drawn anew
    canvas.deleteLater()
    look.deleteLater()


def test_that_ten_thousand_points_are_drawn_and_a_sample_is_learned_from(
    workspace: MetricWorkspace, until: Until
) -> None:
    form = workspace._settings.data_form
    form.changed.emit(replace(form.settings, points=10_000))
    settled(workspace, until)
    assert len(workspace.learning.x) == 10_000
    assert workspace.learning.fault == ""
    assert "a sample of 3,000 of 10,000 points" in workspace.details.told.said
    page = workspace.page_of("learn")
    assert page.canvas.shown is not None
    assert len(page.canvas.shown.x) == 10_000
    assert len(page.canvas.shown.targets) == 3
    workspace.set_state(replace(workspace.metric_state, step=1))  # an iterate whose error was not counted
    assert workspace.details.facts.value("3-NN error here") == "–"
    workspace.grab()
