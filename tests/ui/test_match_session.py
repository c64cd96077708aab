"""What the Match workspace promises over time: nothing detected twice, quick cancelling, undo, restore, no leaks."""

from __future__ import annotations

import gc
import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from match_parts import REFS, Counted, Hands
from PySide6.QtCore import QObject, QPoint, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.records import Selection, UserError
from app.ui.main_window import MainWindow
from app.ui.match_state import MatchState
from app.ui.session import Session
from app.ui.session_state import Store
from app.ui.style import Style
from app.ui.workspaces.match import MatchWorkspace


def new_window(folder: Path) -> tuple[MainWindow, list[str]]:
    """A second window, as the next start of the program would open it."""
    session = Session(Store(folder))
    complaints = session.restore()
    look = Style(session.state.theme)
    window = MainWindow(session, look, remember=False)
    session.setParent(window)
    look.setParent(window)
    session.open_pairs(REFS, 0 if session.state.pair is None else REFS.index(session.state.pair))
    return window, complaints


def closed(window: MainWindow) -> None:
    window.close()
    assert window.ended
    window.deleteLater()


# --------------------------------------------------------------------- what is not done again


def test_that_a_new_ratio_matches_again_and_detects_nothing(hands: Hands, counted: Counted) -> None:
    ratio = hands.window.session.settings.match.ratio
    hands.window.session.set_settings("match", replace(hands.window.session.settings.match, ratio=ratio - 0.03))
    hands.settle()
    assert dict(counted.calls) == {"match": 1}
    hands.window.session.set_settings("match", replace(hands.window.session.settings.match, ratio=ratio))
    hands.settle()
    assert counted.calls["match"] == 1  # the first result is still known


@pytest.mark.parametrize("rule", ["ratio", "angle", "position"])
def test_that_a_new_colour_rule_computes_nothing(hands: Hands, counted: Counted, rule: str) -> None:
    lines = hands.canvas.lines
    hands.choose(hands.workspace.strip.colours, rule)
    assert hands.canvas.lines is not lines
    assert not hands.window.session.busy
    assert counted.calls.total() == 0


def test_that_a_new_model_verifies_again_and_matches_nothing(hands: Hands, counted: Counted) -> None:
    hands.window.session.set_settings("verify", replace(hands.window.session.settings.verify, model="affine"))
    hands.settle()
    assert counted.calls.total() == 0
    verification = hands.window.session.result.verification  # type: ignore[union-attr]  # settled
    assert verification is not None
    assert verification.model == "affine"


def test_that_a_detectors_setting_does_detect_again(hands: Hands, counted: Counted) -> None:
    """The other side of the promise: the counter counts."""
    hands.window.session.set_settings("detect", replace(hands.window.session.settings.detect, edge=11.5))
    hands.settle()
    assert counted.detections == 2


# ------------------------------------------------------------------------ slow and failing jobs


def test_that_the_next_pair_cancels_a_running_detection_at_once(hands: Hands, counted: Counted) -> None:
    gate = counted.gate = threading.Event()
    hands.window.session.set_settings("detect", replace(hands.window.session.settings.detect, edge=12.5))
    hands.wait(lambda: counted.detections > 0)
    cancelled: list[object] = []
    hands.window.session.match_lane.cancelled.connect(cancelled.append)
    counted.gate = None
    hands.key("Right")
    hands.wait(lambda: bool(cancelled))
    hands.settle()
    assert not counted.passed  # all this while the native call still ran
    gate.set()
    assert hands.window.session.result.request.ref == REFS[1]  # type: ignore[union-attr]  # settled
    hands.wait(lambda: threading.active_count() < 12)


def test_that_the_last_good_picture_stays_dimmed_while_a_job_runs_and_when_it_fails(
    hands: Hands, counted: Counted
) -> None:
    good, drawn = hands.window.session.result, hands.workspace.drawn
    counted.fail = UserError("The detector has run out of ink; fill it up.")
    counted.seconds = 0.2
    hands.window.session.set_settings("detect", replace(hands.window.session.settings.detect, edge=13.5))
    hands.wait(lambda: counted.detections > 0)
    assert hands.canvas.dimmed
    assert hands.window.session.result is good
    hands.wait(lambda: not hands.window.session.busy)
    assert hands.window.session.result is good
    assert np.array_equal(hands.workspace.drawn, drawn)
    assert hands.canvas.lines is not None
    assert hands.canvas.dimmed  # it is not what the settings ask for
    assert hands.message.kind == "error"
    assert hands.message.text == "The detector has run out of ink; fill it up."
    counted.fail = None
    hands.key("Space")
    hands.settle()
    assert not hands.canvas.dimmed
    assert hands.message.kind == "info"


def test_that_an_unexpected_fault_names_the_stage_and_keeps_the_picture(hands: Hands, counted: Counted) -> None:
    good = hands.window.session.result
    counted.fail = RuntimeError("boom")
    hands.window.session.set_settings("detect", replace(hands.window.session.settings.detect, edge=14.5))
    hands.wait(lambda: not hands.window.session.busy)
    assert hands.window.session.result is good
    assert "Something went wrong in “Detecting and describing”" in hands.message.text
    assert "RuntimeError" in hands.message.details


# ------------------------------------------------------------------------------ undo, restore


def test_that_undo_and_redo_go_over_view_selection_and_settings(hands: Hands) -> None:
    session = hands.window.session
    hands.key("K")
    match, at = hands.lonely()
    hands.click(at)
    hands.choose(hands.workspace.strip.colours, "angle")
    session.set_settings("match", replace(session.settings.match, ratio=0.7))
    hands.settle()
    hands.key("Ctrl+Z")
    hands.settle()
    assert session.settings.match.ratio != 0.7
    assert hands.workspace.colouring.rule == "angle"
    hands.key("Ctrl+Z")
    assert hands.workspace.colouring.rule == "verdict"
    assert hands.workspace.selected == match
    hands.key("Ctrl+Z")
    assert session.state.selection is None
    hands.key("Ctrl+Z")
    assert hands.workspace.match_state.keypoints
    hands.key("Ctrl+Z")  # nothing is left to undo
    assert session.state.pair == REFS[0]
    for _ in range(4):
        hands.key("Ctrl+Shift+Z")
    hands.settle()
    assert session.settings.match.ratio == 0.7
    assert hands.workspace.colouring.rule == "angle"
    assert not hands.workspace.match_state.keypoints
    assert session.state.selection is not None


def test_that_two_switches_pressed_quickly_are_two_steps(hands: Hands) -> None:
    hands.key("K")
    hands.key("G")
    hands.key("Ctrl+Z")
    assert not hands.workspace.match_state.keypoints
    assert not hands.workspace.match_state.truth
    hands.key("Ctrl+Z")
    assert hands.workspace.match_state.keypoints


def test_that_a_dragged_slider_is_one_step(hands: Hands) -> None:
    slider = hands.workspace.strip.slider
    slider.sliderPressed.emit()
    for position in (150, 120, 90):
        slider.setValue(position)
    slider.sliderReleased.emit()
    assert hands.workspace.match_state.top > 0
    before = MatchState().top
    hands.key("Ctrl+Z")
    assert hands.workspace.match_state.top == before


def test_that_nothing_can_be_undone_right_after_the_start(hands: Hands, tmp_path: Path, counted: Counted) -> None:
    window, _ = new_window(tmp_path)
    try:
        window.session.undo()
        assert window.session.state.pair == REFS[0]
        assert not window.session.can_undo
    finally:
        closed(window)


def test_that_the_next_start_shows_everything_as_it_was_left(hands: Hands, tmp_path: Path) -> None:
    session = hands.window.session
    hands.open_pair("dense")
    hands.choose(hands.workspace.strip.colours, "ratio")
    hands.details.set_filter("ratio < 0.5")
    hands.open_tab("evaluation")
    hands.choose(hands.workspace.show_panel.form.rows["arrangement"].combo, "stacked")  # type: ignore[attr-defined]
    hands.key("K")
    session.select(Selection("right", 100.0, 50.0))
    Store(tmp_path).save(session.state)
    window, complaints = new_window(tmp_path)
    try:
        window.resize(1280, 800)
        window.show()
        hands.wait(lambda: window.session.complete and not window.session.busy)
        workspace = window.workspaces["match"]
        assert isinstance(workspace, MatchWorkspace)
        assert complaints == []
        assert window.session.state.pair == REFS[2]
        assert workspace.match_state == hands.workspace.match_state
        assert workspace.colouring.rule == "ratio"
        assert workspace.details.filter.text() == "ratio < 0.5"
        assert workspace.details.bar.currentIndex() == 3
        assert workspace.drawn.tolist() == hands.workspace.drawn.tolist()
        assert not workspace.canvas._keypoints
        scene = workspace.canvas.scene
        assert scene is not None
        assert scene.right.y > scene.left.bottom
    finally:
        closed(window)


def saved(**parts: object) -> str:
    return json.dumps({"kind": "session", "version": 1, **parts})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{ not json",
        saved(workspaces={"match": {"top": "many", "tab": 7, "filter": "ratio < 0.9"}}),
        saved(workspaces={"match": {"filter": "ratio <", "colour_by": "smell", "sort": "x"}}),
        saved(workspaces={"match": {"top": -5, "tab": "nowhere", "hidden": [1, None]}}),
        saved(matcher="oracle", selection={"side": "up", "x": 1, "y": 2}),
    ],
)
def test_that_a_broken_state_file_never_stops_the_start(hands: Hands, tmp_path: Path, content: str) -> None:
    (tmp_path / "session.json").write_text(content)
    window, _ = new_window(tmp_path)
    try:
        window.show()
        hands.wait(lambda: window.session.complete and not window.session.busy)
        workspace = window.workspaces["match"]
        assert isinstance(workspace, MatchWorkspace)
        assert len(workspace.drawn) > 0
        window.session.save()
        assert json.loads((tmp_path / "session.json").read_text())["kind"] == "session"
    finally:
        closed(window)


# --------------------------------------------------------------------------------------- leaks


def test_that_opening_and_closing_five_times_leaves_no_widget_timer_or_thread(hands: Hands, tmp_path: Path) -> None:
    def objects() -> dict[str, int]:
        QApplication.sendPostedEvents(None, 52)  # deferred deletions
        gc.collect()
        # By type, not by isinstance: some objects of torch warn when they are asked for their class.
        alive = [o for o in gc.get_objects() if issubclass(type(o), QObject) and shiboken6.isValid(o)]
        return {
            "widgets": len(QApplication.allWidgets()),
            "timers": sum(isinstance(o, QTimer) and o.isActive() and not o.isSingleShot() for o in alive),
            "objects": sum(isinstance(o, QWidget) for o in alive),
            "threads": sum(t.name.startswith("lane ") for t in threading.enumerate()),
        }

    seen = []
    for _ in range(5):
        window, _complaints = new_window(tmp_path)
        window.show()
        hands.wait(lambda window=window: window.session.complete and not window.session.busy)  # type: ignore[misc]
        workspace = window.workspaces["match"]
        assert isinstance(workspace, MatchWorkspace)
        for tab in ("point", "why", "evaluation", "timings"):
            workspace.details.open_tab(tab)
        workspace.set_match_state(replace(workspace.match_state, registration="flicker"))
        assert workspace.canvas._flicker.isActive()
        closed(window)
        del window, workspace
        hands.wait(lambda: True)
        seen.append(objects())
    assert seen[-1] == seen[0]
    hands.hover(QPoint(1, 1))
