"""A metric learned on the Neighbours page from descriptors of pairs, used as the matcher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from match_parts import REFS, small_pair
from metric_parts import shown_workspace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_parts import change

from app import matchers, pairs
from app.learning import metric_store
from app.records import Evaluation, MatchRequest, MatchResult, Metric
from app.ui.evaluation_panel import EvaluationPanel
from app.ui.launch import _wait
from app.ui.metric.neighbour_rows import MatcherRow
from app.ui.metric.neighbour_state import NEIGHBOUR_KEY, NeighbourState
from app.ui.metric.state import MetricState
from app.ui.session import Message, Session
from app.ui.style import Style
from app.ui.top_bar import KEY_ROLE, REASON_ROLE, TopBar
from app.ui.workspaces.metric import MetricWorkspace

QUICK = NeighbourState(data="pair", learner="lmnn", iterations=3, folds=2)


@pytest.fixture
def workspace(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetricWorkspace]:
    monkeypatch.setenv(metric_store.FOLDER_VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setattr(pairs, "load", small_pair)
    matchers.refresh()
    states = {"metric": MetricState(page="neighbours"), NEIGHBOUR_KEY: QUICK}
    try:
        with shown_workspace(session, states=states, refs=REFS) as made:
            made.activate()
            assert _wait(lambda: not session.busy and not made.busy, 60.0)
            yield made
    finally:
        matchers.refresh()


@pytest.mark.parametrize("source", ["open", "others"])
def test_that_the_button_keeps_a_metric_and_matches_with_it(workspace: MetricWorkspace, source: str) -> None:
    page, session, told = workspace.page_of("neighbours"), workspace.session, []
    session.message.connect(told.append)
    bar = TopBar(session, workspace.look, [])
    row = bar.matcher.findData("learned-metric", KEY_ROLE)
    assert "No metric" in bar.matcher.itemData(row, REASON_ROLE)
    change(page, source=source)
    assert page.matcher.isVisible()
    assert "open pair" in page.matcher.words.text() or "other pairs" in page.matcher.words.text()
    QTest.mouseClick(page.matcher.use, Qt.MouseButton.LeftButton)
    assert page.matcher.use.text() == "Cancel"
    assert _wait(lambda: not page.matcher.busy, 60.0)
    assert session.state.matcher == "learned-metric"
    name = session.settings.describe.metric
    metric = metric_store.load(name)
    assert metric.factor.shape == (128, 128)
    assert metric.details["descriptor"] == "sift"
    assert metric.learned_by.startswith("LMNN, k 1")
    seen = {small_pair(REFS[0]).left.id, small_pair(REFS[0]).right.id} & set(metric.trained_on)
    assert bool(seen) == (source == "open" or small_pair(REFS[2]).left.id in seen)
    assert any(isinstance(item, Message) and name in item.text for item in told)
    row = bar.matcher.findData("learned-metric", KEY_ROLE)
    assert bar.matcher.itemData(row, REASON_ROLE) == ""  # it can be chosen from now on
    assert bar.matcher.currentIndex() == row
    check_export(page.matcher, name, metric, told)
    bar.deleteLater()


def check_export(row: MatcherRow, name: str, metric: Metric, told: list[Message]) -> None:
    """The metric in use is written to a file; where that cannot be, one sentence says so and nothing is lost."""
    folder = metric_store.folder()
    assert name in row.export.toolTip()
    row.ask = lambda *_: str(folder.parent / "mine.npz")
    QTest.mouseClick(row.export, Qt.MouseButton.LeftButton)
    written = metric_store.read_metric(folder.parent / "mine.npz")
    assert np.array_equal(written.factor, metric.factor)
    assert written.trained_on == metric.trained_on
    assert told[-1].text.endswith("mine.npz.")
    row.ask = lambda *_: str(folder / "missing" / "mine.npz")
    QTest.mouseClick(row.export, Qt.MouseButton.LeftButton)
    assert told[-1].kind == "error"
    row.ask = lambda *_: ""
    count = len(told)
    QTest.mouseClick(row.export, Qt.MouseButton.LeftButton)
    assert len(told) == count


def test_that_it_can_be_cancelled_and_says_what_it_cannot_learn_from(workspace: MetricWorkspace) -> None:
    page, session, told = workspace.page_of("neighbours"), workspace.session, []
    session.message.connect(told.append)
    page.matcher.use.click()
    page.matcher.use.click()
    assert _wait(lambda: not page.matcher.busy, 60.0)
    assert metric_store.names() == {}
    assert page.matcher.use.text() == "Use as matcher"
    session.open_pairs(REFS[1:2])  # without a truth
    change(page, source="others")
    page.matcher.use.click()
    assert "no other pair in the list" in told[-1].text
    change(page, source="open")
    page.matcher.use.click()
    assert _wait(lambda: not page.matcher.busy, 60.0)
    assert any("whose truth names places" in item.text for item in told)
    assert metric_store.names() == {}


def test_that_where_a_matcher_learned_from_asks_nothing_anew(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("neighbours")
    change(page, source="open")
    assert page.state.source == "open"
    assert not page.busy
    change(page, folds=3)
    assert page.busy
    assert _wait(lambda: not page.busy, 30.0)


def test_that_the_evaluation_warns_of_its_own_pair(session: Session) -> None:
    look = Style("dark")
    look.apply()
    panel = EvaluationPanel(session, look)
    look.setParent(panel)
    request = MatchRequest(REFS[0], "sift", matchers.get("sift").defaults())
    none = np.zeros(0, np.float32)
    judged = Evaluation(none, np.zeros(0, np.bool_), none, none, 1.0, 3.0, "homography")
    panel.show_result(MatchResult(request, evaluation=judged))
    assert panel.warning.isHidden()
    panel.show_result(MatchResult(request, evaluation=judged, learned_from="It was learned from this pair."))
    assert not panel.warning.isHidden()
    assert panel.warning.text() == "It was learned from this pair."
    panel.deleteLater()
