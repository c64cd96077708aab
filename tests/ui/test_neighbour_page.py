"""The Neighbours page: strips learned in a lane, chosen with mouse and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from metric_parts import shown_on
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_parts import change

from app.ui.launch import _wait
from app.ui.metric.neighbour_state import LEARNERS, NEIGHBOUR_KEY, NeighbourState, used_fields
from app.ui.session import Message, Session
from app.ui.workspaces.metric import MetricWorkspace

QUICK = NeighbourState(learner="nca", iterations=5, folds=2)


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_on("neighbours", session, **{NEIGHBOUR_KEY: QUICK}) as made:
        yield made


def test_that_faces_are_asked_and_a_column_can_be_chosen(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("neighbours")
    assert page.outcome is not None
    found = page.outcome.strip
    assert found.folds == (2, 2)
    assert found.nearest.items == 200
    assert found.nearest.sentence() in page.head.text()
    assert f"{len(found.changes)} of 200 items" in page.told.text()
    assert "most alike faces" in workspace.details.told.said
    assert page.alike.isVisible()
    assert page.alike.pairs == found.alike
    assert "Euclid: 21 and 79" in page.alike.accessibleDescription()
    view = page.view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.corner(2).toPoint() + QPoint(10, 10))
    assert page.state.chosen == 2
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert page.state.chosen == view.at == 3
    changed = found.changes[3]
    assert workspace.details.facts.value("‖x − x_j‖, to both").startswith(f"{changed.euclid[0]:.3g}")
    assert changed.euclid[0] <= changed.euclid[1]
    assert changed.learned[1] <= changed.learned[0]
    np.testing.assert_array_equal(page._picture(changed.row)[..., 0], page._picture(changed.row)[..., 2])
    assert not page.busy  # choosing learns nothing anew
    workspace.grab()


def test_that_other_items_learn_anew_and_learning_again_too(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("neighbours")
    change(page, data="digits", items=100)
    assert page.busy
    assert page.outcome is None
    assert _wait(lambda: not page.busy, 60.0)
    assert page.outcome is not None
    assert page.outcome.strip.nearest.items == 100
    assert page.outcome.strip.alike == ()
    assert page.alike.isHidden()
    workspace.learn_again()
    assert page.busy
    workspace.stop_learning()
    assert _wait(lambda: not page.busy, 30.0)
    workspace.grab()


def test_that_a_pair_without_truth_is_told(workspace: MetricWorkspace) -> None:
    page, told = workspace.page_of("neighbours"), []
    workspace.session.message.connect(told.append)
    change(page, data="pair")
    assert _wait(lambda: not page.busy, 30.0)
    if page.fault:
        assert isinstance(told[-1], Message)
        assert page.fault == page.head.text() == told[-1].text
    else:
        assert page.outcome is not None
        assert page.outcome.strip.nearest.items >= 4
    workspace.grab()


def test_that_leaving_the_page_stops_it(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("neighbours")
    change(page, learner="itml")
    assert page.busy
    workspace.tabs["losses"].click()
    assert _wait(lambda: not page.busy, 30.0)


@pytest.mark.parametrize("key", LEARNERS)
def test_the_settings_of_a_learner(key: str) -> None:
    state = NeighbourState(learner=key, data="pair", iterations=7)
    settings = state.learner_settings()
    assert getattr(settings, "iterations", 7) == 7
    assert getattr(settings, "k", 1) == 1
    assert ("items" in used_fields(replace(state, data="digits"))) != ("items" in used_fields(state))
