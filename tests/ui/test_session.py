"""What the session does with changes, results and failures, and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot
from window_parts import Jobs, refs_of, tiny_pair

from app import matchers
from app.records import Evaluation, MatchResult, PairRef, Selection, UserError
from app.settings import Settings, flag, number
from app.ui.history import History
from app.ui.metric.recipe_state import RecipeState
from app.ui.session import Message, Session
from app.ui.session_state import SavedState, SessionState, Store, from_json, to_json, typed

Until = Callable[[Callable[[], bool]], None]


@dataclass(frozen=True)
class Named:
    kind: str = ""
    value: int = 0


def opened(session: Session, until: Until, count: int = 3) -> tuple[PairRef, ...]:
    refs = refs_of(count)
    session.open_pairs(refs)
    until(lambda: not session.busy)
    return refs


def test_that_opening_pairs_matches_the_first(session: Session, jobs: Jobs, until: Until) -> None:
    shown: list[MatchResult] = []
    session.result_changed.connect(shown.append)
    refs = opened(session, until)
    assert session.state.pair == refs[0]
    assert session.complete
    assert not session.stale
    assert shown[0].pair is not None  # the pictures came first
    assert session.result is shown[-1]
    assert len(jobs.requests) == 1


def test_that_stepping_stops_at_both_ends(session: Session, until: Until) -> None:
    refs = opened(session, until)
    session.step_pair(-1)
    assert session.state.pair == refs[0]
    session.step_pair(+5)
    assert session.state.pair == refs[2]
    assert session.index == 2


def test_that_changing_the_pair_cancels_the_running_job_at_once(session: Session, jobs: Jobs, until: Until) -> None:
    refs = opened(session, until)
    jobs.steps, jobs.step_seconds = 1000, 0.005
    cancelled: list[int] = []
    session.match_lane.cancelled.connect(lambda event: cancelled.append(event.job))
    session.set_pair(refs[1])
    until(lambda: session.result is not None and session.result.request.ref == refs[1])
    jobs.steps = 1
    session.set_pair(refs[2])
    assert len(cancelled) == 1
    until(lambda: not session.busy)
    assert session.result is not None
    assert session.result.request.ref == refs[2]


def test_that_the_old_result_stays_and_is_stale_until_the_new_one_is_there(
    session: Session, jobs: Jobs, until: Until
) -> None:
    opened(session, until)
    before = session.result
    jobs.steps, jobs.step_seconds = 20, 0.005
    session.set_settings("match", replace(session.settings.match, ratio=0.5))
    assert session.busy
    assert session.stale
    assert session.result is before
    until(lambda: not session.busy)
    assert session.result is not before
    assert not session.stale


def test_that_a_new_threshold_runs_no_job(session: Session, jobs: Jobs, until: Until, qtbot: QtBot) -> None:
    opened(session, until)
    n = np.array([1.0, 4.0], np.float32)
    judged = Evaluation(n, np.zeros(2, bool), n, n, float("nan"), 3.0, "homography")
    assert session.result is not None
    session.result = replace(session.result, evaluation=judged)
    shown: list[MatchResult] = []
    session.result_changed.connect(shown.append)
    session.set_settings("evaluate", replace(session.settings.evaluate, threshold=5.0))
    qtbot.wait(30)
    assert len(jobs.requests) == 1
    assert shown[-1].evaluation is not None
    assert shown[-1].evaluation.threshold_px == 5.0
    assert shown[-1].request.settings.evaluate.threshold == 5.0
    assert not session.stale


def test_that_a_threshold_changed_while_a_job_runs_reaches_its_result(
    session: Session, jobs: Jobs, until: Until
) -> None:
    refs = opened(session, until)
    jobs.steps, jobs.step_seconds = 20, 0.005
    session.set_pair(refs[1])
    session.set_settings("evaluate", replace(session.settings.evaluate, threshold=7.0))
    until(lambda: not session.busy)
    assert len(jobs.requests) == 2
    assert session.result is not None
    assert session.result.request.settings.evaluate.threshold == 7.0


def test_that_a_user_error_is_shown_as_it_is_and_the_last_good_result_stays(
    session: Session, jobs: Jobs, until: Until
) -> None:
    refs = opened(session, until)
    before, messages = session.result, []
    session.message.connect(messages.append)
    session.match_lane.progressed.disconnect()
    jobs.fail = UserError("The file is empty. Choose another.")
    session.set_pair(refs[1])
    until(lambda: not session.busy)
    assert messages[-1] == Message("The file is empty. Choose another.", "error")
    assert session.result is before
    assert session.stale


def test_that_an_unexpected_failure_names_the_stage_and_has_details(session: Session, jobs: Jobs, until: Until) -> None:
    messages: list[Message] = []
    session.message.connect(messages.append)
    jobs.fail = RuntimeError("boom")
    session.open_pairs(refs_of(1))
    until(lambda: not session.busy)
    assert messages[-1].text.startswith("Something went wrong in “Detecting”")
    assert "RuntimeError: boom" in messages[-1].details


def test_that_a_failed_pair_is_tried_again_when_it_is_chosen_again(session: Session, jobs: Jobs, until: Until) -> None:
    refs = opened(session, until)
    session.match_lane.progressed.disconnect()
    jobs.fail = UserError("Not yet.")
    session.set_pair(refs[1])
    until(lambda: not session.busy)
    jobs.fail = None
    session.set_pair(refs[1])
    until(lambda: session.complete and not session.stale)


def test_that_cancelling_keeps_the_result_and_ends_busy(session: Session, jobs: Jobs, until: Until) -> None:
    refs = opened(session, until)
    busy: list[bool] = []
    session.busy_changed.connect(busy.append)
    jobs.steps, jobs.step_seconds = 1000, 0.005
    session.set_pair(refs[1])
    session.cancel()
    assert busy == [True, False]
    assert session.result is not None


def test_that_undo_and_redo_bring_back_pair_settings_and_selection(session: Session, until: Until) -> None:
    refs = opened(session, until)
    session.select(Selection("left", 3, 4, (5, 6)))
    session.set_pair(refs[1])
    assert session.state.selection is None
    session.set_settings("match", replace(session.settings.match, ratio=0.6))
    session.undo()
    assert session.settings.match.ratio != 0.6
    session.undo()
    assert session.state.pair == refs[0]
    assert session.state.selection == Selection("left", 3, 4, (5, 6))
    session.redo()
    session.redo()
    assert session.settings.match.ratio == 0.6
    assert not session.can_redo
    until(lambda: not session.busy and not session.stale)
    assert session.result is not None
    assert session.result.request == session.request


def test_that_a_dragged_slider_is_one_step_of_undo(session: Session, until: Until) -> None:
    opened(session, until)
    before = session.state
    for ratio in (0.79, 0.75, 0.7, 0.61):
        session.set_settings("match", replace(session.settings.match, ratio=ratio))
    session.undo()
    assert session.state == before


def test_that_a_page_dragged_for_the_first_time_is_one_step_of_undo(session: Session, until: Until) -> None:
    opened(session, until)
    before = session.state
    for step in (1, 2, 3):
        session.set_workspace_state("metric-recipes", RecipeState(step=step))
    session.undo()
    assert session.state == before
    session.redo()
    assert session.workspace_state("metric-recipes", RecipeState()).step == 3


def test_that_changes_far_apart_in_time_are_steps_of_their_own_unless_held() -> None:
    now = [0.0]
    history = History(clock=lambda: now[0])
    first, second = SessionState(), SessionState(theme="dark")
    history.record(first, "settings.match.ratio")
    now[0] = 5.0
    history.record(second, "settings.match.ratio")
    assert history.undo(SessionState(theme="light")) == second
    history.held = True
    history.record(first, "x")
    now[0] = 50.0
    history.record(second, "x")
    assert history.undo(SessionState()) == first


def called(state: SessionState, before: str, after: str) -> SessionState:
    """The state with another kind in its workspace's own, if it has this one."""
    own = dict(state.workspaces).get("w", Named())
    return state.with_workspace_state("w", replace(own, kind=after)) if own.kind == before else state


def test_that_a_change_throughout_holds_wherever_undo_and_redo_lead(session: Session, until: Until) -> None:
    opened(session, until)
    for kind, value in (("A", 1), ("B", 2), ("A", 3), ("B", 4), ("C", 5)):
        session.set_theme("dark" if value % 2 else "light")  # steps of their own
        session.set_workspace_state("w", Named(kind, value))
    for _ in range(4):
        session.undo()  # B is behind and ahead
    heard: list[SessionState] = []
    session.state_changed.connect(heard.append)
    session.change_throughout(lambda state: called(state, "B", "Z"))
    assert heard == [session.state]
    assert session.workspace_state("w", Named()) == Named("A", 3)
    kinds = []
    while session.can_undo:
        before = session.state
        session.undo()
        assert session.state != before
    while True:
        kinds.append((state := session.workspace_state("w", Named())).kind + str(state.value))
        if not session.can_redo:
            break
        session.redo()
    assert list(dict.fromkeys(kinds)) == ["0", "A1", "Z2", "A3", "Z4", "C5"]


def test_that_steps_which_a_change_throughout_makes_equal_are_none(session: Session, until: Until) -> None:
    opened(session, until)
    session.set_workspace_state("w", Named("A", 1))
    session.forget_history()
    session.set_workspace_state("w", Named("B", 1))
    session.change_throughout(lambda state: called(state, "B", "A"))
    assert session.workspace_state("w", Named()) == Named("A", 1)
    assert not session.can_undo


def test_that_undo_to_the_shown_result_cancels_the_job_for_the_other(
    session: Session, jobs: Jobs, until: Until
) -> None:
    opened(session, until)
    jobs.steps, jobs.step_seconds = 1000, 0.005
    session.set_settings("match", replace(session.settings.match, ratio=0.4))
    assert session.busy
    session.undo()
    assert not session.busy
    assert not session.stale


def test_that_another_matcher_keeps_verification_and_gets_its_own_settings_back(session: Session, until: Until) -> None:
    opened(session, until)
    usable = [entry.key for entry in matchers.discover() if not entry.reason]
    other = next(key for key in usable if key != "sift")
    session.set_settings("match", replace(session.settings.match, ratio=0.55))
    session.set_settings("evaluate", replace(session.settings.evaluate, threshold=9.0))
    session.set_matcher(other)
    assert session.settings.evaluate.threshold == 9.0
    session.set_matcher("sift")
    assert session.settings.match.ratio == 0.55


def test_that_an_unknown_matcher_is_a_message(session: Session, until: Until) -> None:
    opened(session, until)
    messages: list[Message] = []
    session.message.connect(messages.append)
    session.set_matcher("nosuch")
    assert messages[-1].kind == "error"
    assert "nosuch" in messages[-1].text
    assert session.state.matcher == "sift"


def test_that_signals_come_only_on_a_real_change(session: Session, until: Until) -> None:
    refs = opened(session, until)
    heard: list[object] = []
    for signal in (session.state_changed, session.selection_changed, session.pair_changed):
        signal.connect(heard.append)
    session.select(None)
    session.set_pair(refs[0])
    session.set_theme(session.state.theme)
    assert heard == []


# --------------------------------------------------------------------------- stored


@dataclass(frozen=True)
class ViewState(Settings):
    top: int = number(100, 1, 500, 1, label="Top", help="How many")
    lines: bool = flag(True, label="Lines", help="Whether")


def full_state(ref: PairRef) -> SessionState:
    spec = matchers.get("sift")
    settings = replace(spec.defaults(), match=replace(spec.defaults().match, ratio=0.61))
    return SessionState(
        pair=ref,
        settings=(("sift", settings),),
        selection=Selection("right", 1.5, 2.25, (3.0, 4.0)),
        theme="light",
        workspaces=(("match", ViewState(top=7, lines=False)),),
    )


def test_that_the_whole_state_survives_json(session: Session) -> None:
    complaints: list[str] = []
    state = full_state(refs_of(1)[0])
    again = from_json(json.loads(json.dumps(to_json(state))), complaints.append)
    assert complaints == []
    assert replace(again, workspaces=()) == replace(state, workspaces=())
    view = typed(dict(again.workspaces)["match"], ViewState(), complaints.append)
    assert view == ViewState(top=7, lines=False)
    assert hash(again) is not None


def test_that_two_windows_both_keep_their_recent_pairs(tmp_path: Path) -> None:
    first, second = Session(Store(tmp_path)), Session(Store(tmp_path))
    mine, other = (PairRef("files", name, left=f"{name}1.png", right=f"{name}2.png") for name in ("mine", "other"))
    first.recent, second.recent = (mine,), (other,)
    first.save()
    second.save()
    again = Session(Store(tmp_path))
    assert again.restore() == []
    assert again.recent == (other, mine)


def test_that_a_session_saved_is_the_session_restored(tmp_path: Path) -> None:
    own = PairRef("files", "mine", left="a.png", right="b.png", homography_path="H.txt")
    saved = Session(Store(tmp_path / "new" / "folder"))
    saved.state, saved.recent = full_state(own), (own,)
    saved.save()
    again = Session(Store(tmp_path / "new" / "folder"))
    assert again.restore() == []
    assert again.state.pair == own
    assert again.recent == (own,)
    assert again.workspace_state("match", ViewState()) == ViewState(top=7, lines=False)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"kind": "session", "version": 99}', '{"kind": "other", "version": 1}', "\x00" * 9]
)
def test_that_a_broken_state_file_gives_a_fresh_session_and_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "session.json").write_text(text, encoding="utf-8")
    session = Session(Store(tmp_path))
    complaints = session.restore()
    assert len(complaints) == 1
    assert "starts afresh" in complaints[0]
    assert session.state.matcher == "sift"
    assert session.state.stage_settings is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("pair", "matcher", "settings", "selection", "theme", "workspace", "workspaces")


# The first draw builds the recursive strategy, slowly on a busy machine.
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON)))
def test_that_any_json_whatever_gives_a_usable_state(content: dict[str, object]) -> None:
    complaints: list[str] = []
    state = from_json(content, complaints.append)
    assert state.theme in ("system", "dark", "light")
    assert isinstance(state.matcher, str)
    json.dumps(to_json(state))


def test_that_one_broken_part_leaves_the_others(tmp_path: Path) -> None:
    content = to_json(full_state(refs_of(1)[0]))
    content["selection"] = {"side": "middle", "x": 1, "y": 2}
    content["settings"]["sift"]["match"]["ratio"] = 17
    complaints: list[str] = []
    state = from_json(content, complaints.append)
    assert state.selection is None
    assert state.theme == "light"
    assert state.stage_settings is not None
    assert state.stage_settings.match.ratio == matchers.get("sift").defaults().match.ratio
    assert len(complaints) == 2


def test_that_a_view_setting_out_of_range_is_reset_with_a_sentence() -> None:
    complaints: list[str] = []
    saved = SavedState((("top", 9999), ("lines", False), ("gone", 1)))
    assert typed(saved, ViewState(), complaints.append) == ViewState(lines=False)
    assert len(complaints) == 1


def test_that_a_folder_that_cannot_be_written_is_a_message(tmp_path: Path, qapp: object) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    session = Session(Store(blocked / "inside"))
    messages: list[Message] = []
    session.message.connect(messages.append)
    session.save()
    assert messages[0].kind == "error"


def test_that_a_partial_of_the_same_pair_never_replaces_a_good_result(session: Session, until: Until) -> None:
    refs = opened(session, until)
    good = session.result
    assert good is not None
    partial = MatchResult(good.request, tiny_pair(refs[0]))
    assert not session._wants(partial)
    other = replace(good.request, ref=refs[1])
    assert session._wants(MatchResult(other, tiny_pair(refs[1])))
