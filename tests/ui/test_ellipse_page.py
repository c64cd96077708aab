"""The Ellipse page with real mouse and key events: stretch, turn, endless axes, matrices that are no metric."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from metric_parts import shown_on
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from window_parts import change

from app.jobs import run_to_end
from app.learning.mahalanobis import inverse_covariance, kind_of, matrix_from_ellipse
from app.learning.neighbours import leave_one_out_error
from app.learning.toy import TOYS
from app.ui.launch import _wait
from app.ui.metric.ellipse_page import EllipsePage
from app.ui.metric.ellipse_state import ELLIPSE_KEY, MOST, EllipseState, ask
from app.ui.session import Session
from app.ui.workspaces.metric import MetricWorkspace


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_on("ellipse", session) as made:
        yield made


def choose(page: EllipsePage, **values: object) -> None:
    change(page, **values)
    assert _wait(lambda: not page.busy, 30.0)


def pull(page: EllipsePage, start: QPointF, *ways: QPointF) -> None:
    """Drag from a place over others, as a hand does."""
    QTest.mousePress(page.canvas, Qt.MouseButton.LeftButton, pos=start.toPoint())
    for way in ways:
        QTest.mouseMove(page.canvas, way.toPoint())
    QTest.mouseRelease(page.canvas, Qt.MouseButton.LeftButton, pos=ways[-1].toPoint())
    assert _wait(lambda: not page.busy, 30.0)


def at_ellipse(page: EllipsePage, along: float, turn_deg: float) -> QPointF:
    """Return the place at this multiple of the drawn unit from the chosen point."""
    shown = page.canvas.shown
    assert shown is not None
    turn = math.radians(turn_deg)
    centre = shown.x[shown.anchor]
    reach = along * shown.unit
    return page.canvas.to_widget(centre[0] + reach * math.cos(turn), centre[1] + reach * math.sin(turn))


def test_that_a_pulled_end_stretches_and_turns_and_the_regions_follow(workspace: MetricWorkspace) -> None:
    page, session = workspace.page_of("ellipse"), workspace.session
    choose(page, m11=1.0, m12=0.0, m22=0.25)  # the long axis, 2, points up
    before = page.canvas.shown.regions
    assert before is not None
    first = page.canvas.handles()[0]
    assert first.toPoint() == at_ellipse(page, 2, 90).toPoint()
    pull(page, first, at_ellipse(page, 1.8, 70), at_ellipse(page, 1.5, 30))
    want = matrix_from_ellipse((1.5, 1.0), 30)
    np.testing.assert_allclose(page.state.matrix, want, atol=0.02)  # a pixel is that much
    assert page.badge.text() == "Metric"
    assert (page.canvas.shown.regions != before).any()
    session.undo()
    assert page.state.m22 == 0.25  # the whole pull was one step


def test_that_the_other_end_and_the_other_axis_move_too(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    choose(page, m11=0.25, m12=0.0, m22=1.0)
    pull(page, page.canvas.handles()[2], at_ellipse(page, 1.7, 200))  # the far end of the first axis
    np.testing.assert_allclose(page.state.matrix, matrix_from_ellipse((1.7, 1.0), 20), atol=0.02)
    pull(page, page.canvas.handles()[1], at_ellipse(page, 0.7, 110))
    np.testing.assert_allclose(
        page.state.matrix, matrix_from_ellipse((1.7, 0.7), 20), atol=0.08
    )  # M grows as the axis shrinks


def test_that_an_axis_pulled_out_of_the_picture_has_no_end(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    choose(page, m11=1.0, m12=0.0, m22=1.0, chosen=40)
    pull(page, page.canvas.handles()[0], at_ellipse(page, 1.02 * page.canvas.endless, 30))
    assert page.badge.text() == "Pseudometric"
    assert kind_of(page.state.matrix)[0] == "pseudometric"
    assert workspace.details.facts.value("semi-axes of ρ = 1").startswith("∞")
    assert page.after.values[1] == pytest.approx(0, abs=1e-12)
    workspace.grab()
    pull(page, page.canvas.handles()[0], at_ellipse(page, 1.2, 30))
    assert page.badge.text() == "Metric"
    page.canvas._shape((math.inf, math.inf), 0.0)  # one axis stays: the zero matrix has no ellipse
    assert page.badge.text() == "Metric"


def test_that_keys_turn_and_stretch(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    choose(page, m11=0.25, m12=0.0, m22=1.0)
    page.canvas.setFocus()
    QTest.keyClick(page.canvas, Qt.Key.Key_Left)
    np.testing.assert_allclose(page.state.matrix, matrix_from_ellipse((2, 1), 3))
    QTest.keyClick(page.canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_allclose(page.state.matrix, matrix_from_ellipse((2, 1.06), 3))
    QTest.keyClick(page.canvas, Qt.Key.Key_PageDown)
    assert page.state.chosen == 1
    np.testing.assert_allclose(page.state.matrix, matrix_from_ellipse((2, 1.06), 3))


def test_that_the_projection_of_an_indefinite_matrix_is_seen(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    assert not page.project.isEnabled()
    assert "PSD already" in page.project.toolTip()
    choose(page, m11=1.0, m12=2.0, m22=1.0)  # eigenvalues 3 and -1
    assert page.badge.text() == "Not a metric"
    assert page.before.values == pytest.approx((3, -1))
    assert page.after.values == pytest.approx((3, 0))
    assert workspace.details.facts.value("‖M − nearest PSD‖") == "1"
    assert "negative" in workspace.details.told.said
    assert not page.canvas.whole
    workspace.grab()
    QTest.mouseClick(page.project, Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(page.state.matrix, 1.5 * np.ones((2, 2)))
    assert page.badge.text() == "Pseudometric"
    assert not page.project.isEnabled()
    choose(page, m11=-1.0, m12=0.0, m22=-2.0)  # nothing is left of it
    assert page.after.values == (0, 0)
    workspace.grab()


def test_that_buttons_set_known_matrices(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    page.covariance.click()
    np.testing.assert_allclose(page.state.matrix, inverse_covariance(page.state.points()[0]))
    page.flat.click()
    assert page.badge.text() == "Pseudometric"
    page.euclid.click()
    np.testing.assert_allclose(page.state.matrix, np.eye(2))
    assert _wait(lambda: not page.busy, 30.0)
    facts = workspace.details.facts
    assert facts.value("3-NN error, M") == facts.value("3-NN error, Euclid")


def test_that_a_click_chooses_a_point_and_leaves_it_there(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    x = page.canvas.shown.x
    at = next(
        place for place in (page.canvas.to_widget(*row) for row in x[60:]) if page.canvas.handle_near(place) is None
    )
    row = page.canvas.point_near(at)
    pull(page, at, at + QPointF(QPoint(20, 9)))
    assert page.state.chosen == row
    assert (page.canvas.shown.x == x).all()


@pytest.mark.parametrize("toy", [item.key for item in TOYS])
def test_that_the_inverse_covariance_of_every_toy_is_in_range_and_asked(toy: str) -> None:
    state = EllipseState(toy=toy, chosen=500)
    x, y = state.points()
    m = inverse_covariance(x)
    np.testing.assert_allclose(state.with_matrix(m).matrix, m)
    found = run_to_end(ask(replace(state.with_matrix(m), chosen=3), (-1.0, -1.0, 1.0, 1.0)))
    assert found.euclid == leave_one_out_error(x, y, 3)
    gap = x - x[3]
    order = np.argsort(np.vecdot(gap @ m, gap), kind="stable")
    assert set(found.near) == set(order[1:4].tolist())
    too_large = state.with_matrix(np.diag([1000.0, 10.0]))
    assert (too_large.m11, too_large.m22) == (MOST, pytest.approx(0.1))


def test_that_the_state_is_kept(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("ellipse")
    choose(page, m12=0.4, toy="moons")
    state = workspace.session.workspace_state(ELLIPSE_KEY, EllipseState())
    assert (state.m12, state.toy) == (0.4, "moons")
    assert len(page.canvas.shown.x) == 90
