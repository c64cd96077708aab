"""The AnchorNet page with real mouse and key events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from convnet_parts import change_in, page_in, shown_on
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app.jobs import Job, Progress
from app.records import UserError
from app.ui.convnet import PAGES, anchornet_page
from app.ui.convnet.anchor_paint import COLOURS, colour_of, gathered, tint
from app.ui.convnet.anchor_state import ANCHOR_KEY, AnchorRun, AnchorState
from app.ui.convnet.anchornet_page import AnchorNetPage
from app.ui.launch import _wait
from app.ui.session import Message, Session
from app.ui.session_state import SessionState, from_json, to_json, typed
from app.ui.style import contrast
from app.ui.workspaces.convnet import ConvNetWorkspace

SHORT = AnchorState(iterations=60, filters=4)


page_of, change = partial(page_in, AnchorNetPage), partial(change_in, AnchorNetPage)


@pytest.fixture
def workspace(session: Session) -> Iterator[ConvNetWorkspace]:
    with shown_on(AnchorNetPage, session, states={ANCHOR_KEY: SHORT}) as made:
        shown_run(made)
        yield made


def shown_run(workspace: ConvNetWorkspace) -> AnchorRun:
    """Wait until a run is learned and its frame shown."""
    page = page_of(workspace)
    assert _wait(lambda: not workspace.busy and page.frame is not None and page.frame.run is page.run, 120.0)
    assert page.run is not None
    return page.run


def point(of: QPointF) -> QPoint:
    return of.toPoint()


def test_that_it_is_the_last_page_and_shows_both_runs(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    assert PAGES[-1].key == page.key == "anchornet"
    run = shown_run(workspace)
    with_, without = run.diverse.history[-1], run.alone.history[-1]
    assert with_.likeness < 0.5 < 0.9 < without.likeness
    assert with_.diversity < 0.5 < without.diversity
    facts = workspace.details.facts
    assert facts.value("L_DivB") == f"{with_.diversity:.2f}  |  {without.diversity:.2f}"
    assert facts.value("PCK, plain features").endswith("%")
    assert {diverse for diverse, _, _ in page.view.tiles()} == {True, False}
    assert [curve.dash for curve in page.diversity.drawing.curves] == ["solid", "dash"]
    assert len(page.diversity.drawing.curves[0].x) == 61
    assert "interchanged" in workspace.details.slide.said
    assert not page.stop.isEnabled()
    assert page.stop.toolTip()
    workspace.grab()


def test_that_pointing_shows_one_filter_and_a_click_keeps_it(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    diverse, picture, area = page.view.tiles()[0]
    group, middle, _ = page.view.plates(diverse, picture, area)[0]
    assert len(group) == 1
    QTest.mouseMove(page.view, point(middle))
    assert page.view.filter == page.strip.filter == group[0]
    assert page.state.chosen == -1
    workspace.grab()
    QTest.mouseMove(page.view, QPoint(2, 2))
    assert page.view.filter == -1
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=point(middle))
    assert page.state.chosen == group[0]
    QTest.mouseClick(page.strip, Qt.MouseButton.LeftButton, pos=point(page.strip.cell(3).center()))
    assert page.state.chosen == 3
    QTest.mouseMove(page.strip, point(page.strip.cell(1).center()))
    assert (page.view.filter, page.state.chosen) == (1, 3)
    QTest.mouseClick(page.strip, Qt.MouseButton.LeftButton, pos=point(page.strip.cell(3).center()))
    assert page.state.chosen == -1


def test_the_keys_of_the_strip(workspace: ConvNetWorkspace, session: Session) -> None:
    page = page_of(workspace)
    pair = session.state.pair
    page.strip.setFocus()
    for key, chosen in ((Qt.Key.Key_Right, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_Left, 0), (Qt.Key.Key_Home, -1),
                        (Qt.Key.Key_Left, -1)):  # fmt: skip
        QTest.keyClick(page.strip, key)
        assert page.state.chosen == chosen
    assert session.state.pair == pair
    assert page.focusProxy() is page.strip
    assert page.strip.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_that_the_scrubber_replays_both_runs(workspace: ConvNetWorkspace) -> None:
    page, run = page_of(workspace), shown_run(workspace)
    page.scrubber.slider.setValue(0)
    assert page.state.step == 0
    shown_run(workspace)
    assert workspace.details.facts.value("correlation of two maps") == "1.00  |  1.00"  # all start alike
    assert page.view.frame is not None
    assert page.view.frame.at[True] is run.diverse.history[0]
    workspace.grab()
    page.scrubber.forward.click()
    assert page.state.step == 1
    page.scrubber.slider.setValue(60)
    assert page.state.step == -1
    assert page.diversity.drawing.places[0].x == 60


def test_the_switch_shows_one_run_larger(workspace: ConvNetWorkspace, session: Session) -> None:
    page, run = page_of(workspace), shown_run(workspace)
    side = page.view.tiles()[0][2].width()
    change(workspace, shown="with")
    assert {diverse for diverse, _, _ in page.view.tiles()} == {True}
    assert page.view.tiles()[0][2].width() >= side
    assert page.run is run
    assert not page.busy  # nothing is learned for it
    workspace.grab()
    change(workspace, shown="without")
    assert {diverse for diverse, _, _ in page.view.tiles()} == {False}
    session.undo()  # changes of one field in quick succession are one step
    assert page.state.shown == page.form.settings.shown == "both"
    assert {diverse for diverse, _, _ in page.view.tiles()} == {True, False}


def test_that_no_diversity_makes_both_runs_one(workspace: ConvNetWorkspace) -> None:
    change(workspace, diversity=0.0, iterations=30, form="paper")
    run = shown_run(workspace)
    assert run.diverse is run.alone
    assert len(run.diverse.history) == 31
    assert "times the mean over k of max" in workspace.details.formula.said
    assert run.diverse.history[-1].discriminability < run.diverse.history[0].discriminability


def test_one_filter_and_the_other_objects(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    change(workspace, filters=1, objects="cups", iterations=10)
    shown_run(workspace)
    assert workspace.details.facts.value("correlation of two maps") == "none  |  none"
    assert page.strip.count() == 1
    workspace.grab()


def test_that_stopping_keeps_the_last_picture_and_learning_starts_anew(workspace: ConvNetWorkspace) -> None:
    page, run = page_of(workspace), shown_run(workspace)
    change(workspace, iterations=1000)
    assert page.stop.isEnabled()
    QTest.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert _wait(lambda: not page.busy, 20.0)
    assert page.run is run
    assert page.stop.text() == "Learn"
    assert "Stopped" in workspace.details.told.said
    change(workspace, iterations=20)
    assert len(shown_run(workspace).diverse.history) == 21
    assert page.stop.text() == "Stop"


def test_that_a_failure_is_told_and_the_last_run_stays(
    workspace: ConvNetWorkspace, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, run = page_of(workspace), shown_run(workspace)
    heard: list[Message] = []
    session.message.connect(heard.append)

    def fail(_state: AnchorState) -> Job[AnchorRun]:
        yield Progress(0, None, "Drawing")
        raise UserError("The photograph is missing.")

    monkeypatch.setattr(anchornet_page, "learn_anchors", fail)
    change(workspace, seed=5)
    assert _wait(lambda: bool(heard) and not page.busy, 20.0)
    assert heard[-1].text == workspace.details.told.said == "The photograph is missing."
    assert page.run is run


def test_that_the_state_comes_back_from_a_file() -> None:
    state = AnchorState(objects="cups", chosen=2, step=7, diversity=0.5, form="paper")
    complaints: list[str] = []
    whole = json.loads(json.dumps(to_json(SessionState().with_workspace_state(ANCHOR_KEY, state))))
    saved = dict(from_json(whole, complaints.append).workspaces)[ANCHOR_KEY]
    assert typed(saved, AnchorState(), complaints.append) == state
    assert complaints == []


def test_colours_and_groups() -> None:
    assert all(contrast(colour, "#101216") > 4.5 for colour in COLOURS)  # the numbers on them
    maps = np.zeros((3, 4, 2))
    maps[1, 1, 0], maps[1, 3, 1] = 2.0, 0.5
    top = np.array([2.0, 1.0])
    image = tint(maps, top)
    full = image.pixelColor(6, 6)
    assert full.alpha() > 200
    np.testing.assert_allclose(full.getRgb()[:3], colour_of(0).getRgb()[:3], atol=2)
    assert full.alpha() > image.pixelColor(14, 6).alpha() > 0  # half as strong: half as full
    assert tint(maps, top, 1).pixelColor(6, 6).alpha() == 0
    assert gathered([QPointF(0, 0), QPointF(9, 0), QPointF(1, 1)], 2) == [[0, 2], [1]]
    assert gathered([], 2) == []
