"""The Losses page with real mouse and key events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from metric_parts import shown_workspace
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from window_parts import change

from app.ui.launch import _wait
from app.ui.metric.loss_curves import delta_drawing, force_drawing
from app.ui.metric.loss_page import LossPage
from app.ui.metric.loss_state import LossState, descent_of, forces_of, points_of, shown_fields, stuck_pairs
from app.ui.metric.state import MetricState
from app.ui.session import Session
from app.ui.workspaces.metric import MetricWorkspace


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_workspace(session, states={"metric": MetricState(page="losses")}, height=640) as made:
        made.activate()
        assert _wait(lambda: not session.busy, 30.0)
        yield made


def choose(page: LossPage, **values: object) -> None:
    change(page, **values)


def test_that_dragging_the_negative_over_the_margin_ends_its_push(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("losses")
    canvas = page.canvas
    assert workspace.tabs["losses"].isChecked()
    assert page.force_chart.drawing.places[0].text == "d = m"
    before = forces_of(page.state, page.points, page.labels)
    assert np.linalg.norm(before.gradient[2]) > 1
    at = canvas.to_widget(*page.points[2]).toPoint()
    there = canvas.to_widget(0.1, -1.5).toPoint()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(canvas, (at + there) / 2)
    QTest.mouseMove(canvas, there)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=there)
    assert page.points[2][1] < -1.2
    assert page.state.chosen == 2
    assert canvas.arrows is not None
    np.testing.assert_array_equal(canvas.arrows.force[2], 0)
    assert workspace.details.facts.value("pairs with a loss") == "1 of 3"
    workspace.session.undo()
    if page.state.points:  # choosing the point and moving it may be two steps
        workspace.session.undo()
    np.testing.assert_allclose(page.points[2], (0.1, -0.3))


def test_that_coincident_negatives_stay_stuck_until_they_are_nudged(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("losses")
    choose(page, scene="stuck", rate=0.1)
    assert page.canvas.arrows is not None
    assert page.canvas.arrows.stuck == (0, 1)
    page.play_button.click()
    assert page.busy
    assert _wait(lambda: not page.busy, 30.0)
    assert page.end == "Nothing moves any more."
    np.testing.assert_array_equal(page.points[0], page.points[1])
    assert 1 <= np.linalg.norm(page.points[4] - page.points[5]) < 1.4  # each step multiplies d by 1 + 4 · 0.1
    page.nudge.click()
    assert not page.nudge.isEnabled()
    assert "coincide" in page.nudge.toolTip()
    gap = np.linalg.norm(page.points[0] - page.points[1])
    choose(page, loss="hadsell")
    page.step_button.click()
    assert np.linalg.norm(page.points[0] - page.points[1]) > 10 * gap  # pushed hardest where it is nearest
    page.back.click()
    assert page.state.points == ()
    assert len(stuck_pairs(page.points, page.labels)) == 1


def test_that_the_hardest_triplets_collapse_to_the_plateau(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("losses")
    choose(page, loss="triplet", scene="batch", rate=0.1)
    assert "Triplet" in workspace.details.title.text()
    assert not page.delta_chart.isHidden()
    QTest.mouseClick(page.play_button, Qt.MouseButton.LeftButton)
    assert page.play_button.text() == "Stop"
    assert _wait(lambda: not page.busy, 30.0)
    assert page.end.startswith("Collapsed")
    assert page.steps[-1].loss == pytest.approx(page.state.margin, abs=1e-4)
    assert page.loss_chart.drawing.levels[0].text == "l = m"
    workspace.grab()


def test_that_stop_and_step_go_on_where_it_was(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("losses")
    page.step_button.click()
    page.step_button.click()
    assert len(page.steps) == 3
    assert workspace.details.facts.value("steps") == "2"
    np.testing.assert_allclose(page.state.points, page.points)
    page.toggle()
    assert _wait(lambda: len(page.steps) > 4, 10.0)
    workspace.tabs["axioms"].click()
    assert not page.busy  # nobody looks
    assert _wait(lambda: not workspace.page_of("axioms").busy, 30.0)
    workspace.tabs["losses"].click()
    assert len(page.steps) > 4


def test_that_a_step_too_large_is_told(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("losses")
    choose(page, loss="triplet", scene="batch", together=False, rate=0.3)
    page.toggle()
    assert _wait(lambda: not page.busy, 30.0)
    assert "too large" in page.end
    assert np.isfinite(page.points).all()


@pytest.mark.parametrize("loss", ["lecture", "hadsell", "linear", "triplet", "plain"])
@pytest.mark.parametrize("scene", ["few", "stuck", "batch"])
def test_that_a_step_lowers_the_loss(loss: str, scene: str) -> None:
    state = LossState(loss=loss, scene=scene, rate=0.005, miner="all")
    x, y = points_of(state)
    descent = descent_of(state, x, y)
    first, second = next(descent), next(descent)
    np.testing.assert_allclose(first.points, x, atol=1e-12)
    assert second.loss < first.loss
    assert ("miner" in shown_fields(state)) == (scene == "batch" and state.triplets)


def test_the_charts_mark_the_margin_and_no_bin_mixes_two_kinds() -> None:
    state = LossState(loss="triplet", scene="batch", margin=0.7)
    x, y = points_of(state)
    drawing, counts = delta_drawing(state, x, y)
    assert sum(counts) == 20 * 19 * 20 * 2 == sum(int(bars.y.sum()) for bars in drawing.bars)
    easy, semi, hard = drawing.bars
    half = easy.width / 2
    assert (easy.x - half).min() > 0.7 - 1e-9
    assert (semi.x - half).min() > -1e-9
    assert (semi.x + half).max() < 0.7 + 1e-9
    assert (hard.x + half).max() < 1e-9
    one = replace(state, scene="few")
    curve = force_drawing(one, *points_of(one))
    assert curve.places[0].x == pytest.approx(np.sqrt(0.75**2 + 0.35**2 + 0.7))
    assert curve.curves[0].y[-1] == 0
    alone, _ = delta_drawing(LossState(scene="stuck"), *points_of(LossState(scene="stuck")))
    assert "No triplets" in alone.empty


def test_that_points_of_another_scene_are_not_taken() -> None:
    x, _ = points_of(LossState(points=((0.0, 0.0),)))
    assert len(x) == 3


def test_a_key_moves_the_chosen_point(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("losses")
    QTest.keyClick(page.canvas, Qt.Key.Key_PageDown)
    x = page.points[1].copy()
    QTest.keyClick(page.canvas, Qt.Key.Key_Up)
    assert page.points[1][1] > x[1]
    assert page.canvas.point_near(QPointF(-900, 0)) is None
