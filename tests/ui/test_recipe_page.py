"""The Recipes page: collapse, explosion, repairs and the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from metric_parts import shown_on
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_parts import change

from app.jobs import run_to_end
from app.learning.learners import ROWS
from app.ui.launch import _wait
from app.ui.metric.recipe_page import RecipePage
from app.ui.metric.recipe_state import CLOSED, Descended, RecipeState, descend, map_of
from app.ui.session import Session
from app.ui.workspaces.metric import MetricWorkspace


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_on("recipes", session) as made:
        yield made


def settled(page: RecipePage) -> Descended:
    assert _wait(lambda: not page.busy, 30.0)
    assert page.found is not None
    return page.found


def test_that_it_explodes_below_and_collapses_above(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("recipes")
    QTest.mouseClick(page.below, Qt.MouseButton.LeftButton)
    found = settled(page)
    assert found.fate[0] == "explodes"
    assert page.state.weight < found.critical[0]
    assert np.linalg.norm(found.history[-1].factor) > np.linalg.norm(found.history[0].factor)
    assert page.shown_step < len(found.history)
    workspace.grab()
    QTest.mouseClick(page.above, Qt.MouseButton.LeftButton)
    found = settled(page)
    assert found.fate[0] == "collapses"
    assert page.state.weight > found.critical[0]
    assert np.linalg.norm(found.history[-1].factor, 2) < 1
    assert workspace.details.facts.value("Ψ with nothing added").startswith("collapses")
    assert page.weights.drawing.places[0].x == pytest.approx(found.critical[0])
    assert page.canvas.point_near(page.canvas.to_widget(0, 0)) is None


@pytest.mark.parametrize("repair", ["penalty", "trace", "ball", "similar"])
def test_that_a_repair_shows_its_closed_form(workspace: MetricWorkspace, repair: str) -> None:
    page = workspace.page_of("recipes")
    change(page, repair=repair)
    found = settled(page)
    assert CLOSED[repair] in workspace.details.formula.said
    assert found.history[-1].objective == pytest.approx(found.closed)
    assert found.history[-2].objective == pytest.approx(found.closed, rel=0.01)  # what the descent reached
    assert workspace.details.facts.value("closed form") == workspace.details.facts.value("objective here")
    assert page.form.rows["gamma"].widgets[0].isHidden() == (repair != "penalty")
    workspace.grab()


def test_that_the_scrubber_replays_the_descent(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("recipes")
    page.scrubber.slider.setValue(0)
    assert page.state.step == 0
    np.testing.assert_allclose(page.canvas.root, np.eye(2))
    page.scrubber.forward.click()
    assert page.shown_step == 1
    assert not np.allclose(page.canvas.root, np.eye(2))


def test_that_a_row_of_the_table_opens_its_method(workspace: MetricWorkspace) -> None:
    table = workspace.page_of("recipes").table
    assert [table.item(line, 0).text() for line in range(len(ROWS))] == [row.title for row in ROWS]
    line = [row.key for row in ROWS].index("triplet")
    table.setFocus()
    table.setCurrentCell(line, 0)
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert workspace.metric_state.page == "losses"
    assert workspace.page_of("losses").state.loss == "triplet"
    assert "Triplet" in workspace.details.title.text()
    workspace.tabs["recipes"].click()
    place = table.visualItemRect(table.item(1, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert (workspace.metric_state.page, workspace.metric_state.learner) == ("learn", "mmc")
    assert _wait(lambda: not workspace.busy, 60.0)


@pytest.mark.parametrize("toy", ["three", "moons", "stripes"])
def test_that_the_curve_changes_sign_at_the_critical_weight(toy: str) -> None:
    found: Descended = run_to_end(descend(RecipeState(toy=toy)))
    critical, largest = found.critical
    assert critical == pytest.approx(largest / (1 + largest))
    below = found.curve[found.curve[:, 0] < critical - 1e-9]
    above = found.curve[found.curve[:, 0] > critical + 1e-9]
    assert (below[:, 1] < 0).all()
    assert (above[:, 1] > 0).all()


def test_the_symmetric_root() -> None:
    m = np.array([[2.0, 0.6], [0.6, 1.0]])
    root = map_of(m)
    np.testing.assert_allclose(root @ root, m)
    np.testing.assert_allclose(root, root.T)
