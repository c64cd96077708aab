"""Points painted on the Learn page with real mouse and key events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from metric_parts import shown_workspace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.learning.toy import toy
from app.settings import from_json, to_json
from app.ui.launch import _wait
from app.ui.metric.learn_page import MOST_PAINTED
from app.ui.metric.paint_canvas import PaintCanvas
from app.ui.metric.state import MetricState
from app.ui.session import Message, Session
from app.ui.session_state import SavedState, typed
from app.ui.workspaces.metric import MetricWorkspace


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_workspace(session, states={"metric": MetricState(toy="overlap", paint="3")}, height=640) as made:
        made.activate()
        settle(made)
        yield made


def settle(workspace: MetricWorkspace) -> None:
    assert _wait(lambda: not workspace.busy and bool(workspace.learning.history or workspace.learning.fault), 30.0)


def stroke(workspace: MetricWorkspace, start: QPoint, *, length: int) -> None:
    canvas: PaintCanvas = workspace.page_of("learn").canvas
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(6, length + 1, 6):
        QTest.mouseMove(canvas, start + QPoint(step, 0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(length, 0))
    settle(workspace)


def test_that_a_stroke_paints_points_of_the_class_and_undo_takes_it_back(workspace: MetricWorkspace) -> None:
    learning, canvas = workspace.learning, workspace.page_of("learn").canvas
    before = learning.x
    places = [canvas.to_plane(QPoint(24 + 18 * step, 24).toPointF()) for step in range(6)]
    stroke(workspace, QPoint(24, 24), length=96)
    assert len(learning.x) == 90 + 6  # a point every 16 pixels, as the mouse reports it: every 18
    np.testing.assert_array_equal(learning.x[:90], before)
    np.testing.assert_allclose(learning.x[90:], places, atol=1e-5)
    assert learning.y[90:].tolist() == [3] * 6
    assert learning.fault == ""
    assert workspace.metric_state.anchor == 95
    assert canvas.shown.x is learning.x
    workspace.grab()
    workspace.session.undo()
    settle(workspace)
    assert len(learning.x) == 90


def test_that_too_few_of_a_class_are_told_and_more_heal_it(workspace: MetricWorkspace) -> None:
    stroke(workspace, QPoint(24, 24), length=0)
    assert len(workspace.learning.x) == 91
    assert "Class 4 has" in workspace.learning.fault
    assert "single point" in workspace.learning.fault
    assert workspace.page_of("learn").canvas.shown.x is workspace.learning.x  # it is drawn all the same
    workspace.grab()
    stroke(workspace, QPoint(24, 60), length=96)
    assert workspace.learning.fault == ""


def test_that_painted_points_are_dragged_and_taken_away(workspace: MetricWorkspace) -> None:
    told: list[Message] = []
    workspace.session.message.connect(told.append)
    canvas, learning = workspace.page_of("learn").canvas, workspace.learning
    stroke(workspace, QPoint(24, 24), length=96)
    at = canvas.to_widget(*learning.x[92]).toPoint()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
    for step in range(1, 5):
        QTest.mouseMove(canvas, at + QPoint(0, 5 * step))
    place = canvas.to_plane((at + QPoint(0, 20)).toPointF())
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(0, 20))
    settle(workspace)
    assert workspace.metric_state.moved == ()
    assert workspace.metric_state.painted[2] == pytest.approx((*place, 3), abs=1e-5)
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    settle(workspace)
    assert len(learning.x) == 95
    assert not np.isclose(learning.x, place, atol=1e-4).all(axis=1).any()
    workspace.set_state(replace(workspace.metric_state, anchor=3))
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert "Only painted points" in told[-1].text
    assert len(learning.x) == 95
    put_back = workspace._settings.put_back
    assert put_back.isEnabled()
    put_back.click()
    settle(workspace)
    assert len(learning.x) == 90
    assert "dragged or painted" in put_back.toolTip()


def test_that_without_a_brush_the_plane_is_moved(workspace: MetricWorkspace) -> None:
    workspace.set_state(replace(workspace.metric_state, paint="off"))
    stroke(workspace, QPoint(24, 24), length=60)
    assert workspace.metric_state.painted == ()
    assert workspace.page_of("learn").canvas.pan.x() == 60


def test_that_other_points_forget_what_was_painted_and_there_is_a_limit(workspace: MetricWorkspace) -> None:
    many = tuple((0.01 * step, -1.0, 0) for step in range(MOST_PAINTED - 2))
    workspace.set_state(replace(workspace.metric_state, painted=many))
    settle(workspace)
    stroke(workspace, QPoint(24, 24), length=96)
    assert len(workspace.metric_state.painted) == MOST_PAINTED
    form = workspace._settings.data_form
    form.changed.emit(replace(form.settings, toy="moons"))
    settle(workspace)
    assert workspace.metric_state.painted == ()


def test_the_data_of_a_state() -> None:
    state = MetricState(toy="moons", moved=((3, 0.5, -1.0), (500, 9.0, 9.0)), painted=((1.0, 2.0, 2), (3.0, 4.0, 0)))
    x, y = state.data()
    made, classes = toy("moons", points=90)
    want = made.copy()
    want[3] = 0.5, -1
    np.testing.assert_array_equal(x, np.r_[want, [[1, 2], [3, 4]]])
    np.testing.assert_array_equal(y, np.r_[classes, 2, 0])
    assert replace(state, **state.with_moved(3, 0.25, 0.75)).moved == ((500, 9.0, 9.0), (3, 0.25, 0.75))
    assert replace(state, **state.with_moved(91, 0.25, 0.75)).painted == ((1.0, 2.0, 2), (0.25, 0.75, 0))
    assert state.without(3) is None
    gone = state.without(90)
    assert gone is not None
    assert replace(state, **gone).painted == ((3.0, 4.0, 0),)
    assert from_json(MetricState, json.loads(json.dumps(to_json(state)))).paint == "off"


def test_that_painted_points_survive_a_file(workspace: MetricWorkspace) -> None:
    from app.ui.session_state import from_json as read
    from app.ui.session_state import to_json as written

    workspace.set_state(replace(workspace.metric_state, painted=((1.0, 2.5, 3),)))
    saved = read(json.loads(json.dumps(written(workspace.session.state))), lambda text: pytest.fail(text))
    part = dict(saved.workspaces)["metric"]
    assert isinstance(part, SavedState)
    assert typed(part, MetricState(), lambda text: pytest.fail(text)) == workspace.metric_state
    settle(workspace)
