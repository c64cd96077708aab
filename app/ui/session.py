"""What the user is looking at: one object that holds the state, runs the match job and tells the views.

What lives here: :class:`Session` (the state, its history, the current result, the lanes) and
:class:`Message`. What does not: computation (the pipeline's) and widgets. May import: records, settings,
matchers, pipeline and pairs inside functions, ``app.ui.lane``, ``app.ui.session_state``, QtCore.

Views read ``session.state`` and ``session.result`` and listen; they never call each other. A signal is
emitted only on a real change. While a newer job runs the old result stays (``stale`` is then true and the
picture is dimmed); if the job fails, the last good one stays and ``message`` says why.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from PySide6.QtCore import QObject, Signal

from app import matchers
from app.jobs import Progress
from app.records import MatchRequest, MatchResult, PairRef, Selection, StageSettings, UserError
from app.settings import fields_of
from app.ui.history import History
from app.ui.lane import Event, Lane
from app.ui.session_state import (
    RECENT,
    Opened,
    Restored,
    SavedState,
    SessionState,
    Store,
    judged,
    restored,
    same_work,
    typed,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
MakeMatchJob = Callable[[MatchRequest], Generator[Progress, None, MatchResult]]


@dataclass(frozen=True)
class Message:
    """A sentence for the message line.

    Attributes:
        text: what the user reads; empty clears the line.
        kind: ``info`` fades after a while, ``error`` stays until the next success.
        details: what *Copy details* copies (a traceback), or empty.
    """

    text: str
    kind: Literal["info", "error"] = "info"
    details: str = ""


def failure_message(event: Event) -> Message:
    """Return what to tell about a lane's ``failed`` event.

    A :class:`UserError` is its own sentence; anything else names the stage and offers the details.
    """
    if isinstance(event.value, UserError):
        return Message(str(event.value), "error")
    stage = f"“{event.stage}”" if event.stage else "the first step"
    log.error("job failed in %s\n%s", stage, event.details)
    return Message(
        f"Something went wrong in {stage}: {event.value or type(event.value).__name__}", "error", event.details
    )


class Session(QObject):
    """The state, the result, and the lanes that a window works with.

    Signals (all carry ``object``):
        pair_changed: the :class:`PairRef` now looked at.
        pairs_changed: the tuple of all pairs in the list.
        result_changed: the :class:`MatchResult` to show, partial (later fields None) or complete.
        selection_changed: the :class:`Selection` or None.
        state_changed: the :class:`SessionState`, after any change of it.
        busy_changed: bool, whether a match job runs.
        progressed: :class:`Progress` of the match job.
        message: :class:`Message`.
    """

    pair_changed = Signal(object)
    pairs_changed = Signal(object)
    result_changed = Signal(object)
    selection_changed = Signal(object)
    state_changed = Signal(object)
    busy_changed = Signal(object)
    progressed = Signal(object)
    message = Signal(object)

    def __init__(
        self, store: Store | None = None, make_job: MakeMatchJob | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = SessionState()
        self.result: MatchResult | None = None
        self.pairs: tuple[PairRef, ...] = ()
        self.recent: tuple[PairRef, ...] = ()
        self.opened: Opened | None = None  # where the list of pairs can be found again
        self._lanes: dict[str, Lane] = {}
        self.match_lane, self.probe_lane = self.lane("match"), self.lane("probe")
        self.thumbnail_lane = self.lane("thumbnails")
        self._store = store
        self._make_job = make_job
        self._history = History()
        self._running: MatchRequest | None = None
        self._notes: tuple[str, ...] = ()
        self._complete = self._busy = False
        self.match_lane.progressed.connect(self._on_progress)
        self.match_lane.finished.connect(self._on_finished)
        self.match_lane.failed.connect(self._on_failed)
        self.match_lane.cancelled.connect(self._on_cancelled)

    # ---------------------------------------------------------------- what there is

    def lane(self, name: str) -> Lane:
        """Return the lane of this name, made at the first call; it ends with the session."""
        if name not in self._lanes:
            self._lanes[name] = Lane(name, self)
        return self._lanes[name]

    @property
    def settings(self) -> StageSettings:
        """The settings of the current matcher."""
        return self.state.stage_settings or matchers.get(self.state.matcher).defaults()

    @property
    def request(self) -> MatchRequest | None:
        """What the state asks for, None without a pair."""
        if self.state.pair is None:
            return None
        return MatchRequest(self.state.pair, self.state.matcher, self.settings)

    @property
    def busy(self) -> bool:
        """Whether a match job runs."""
        return self._busy

    @property
    def complete(self) -> bool:
        """Whether ``result`` is a finished one, not a partial."""
        return self._complete

    @property
    def stale(self) -> bool:
        """Whether ``result`` is not what the state asks for: a view then dims its picture."""
        if self.result is None or self.request is None:
            return False
        if not self._complete:
            return self.result.request.ref != self.request.ref
        return not same_work(self.result.request, self.request)

    @property
    def index(self) -> int:
        """Place of the current pair in ``pairs``, -1 if it is not there."""
        return self.pairs.index(self.state.pair) if self.state.pair in self.pairs else -1

    @property
    def can_undo(self) -> bool:
        """Whether undo would do anything."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether redo would do anything."""
        return self._history.can_redo

    # ------------------------------------------------------------------- changing it

    def restore(self, last: Restored | None = None) -> list[str]:
        """Take the last session's state, read now unless given (nothing is run yet); return what had to be reset."""
        last = last or restored(self._store)
        self.state, self.recent, self.opened = last.state, last.recent, last.opened
        return list(last.complaints)

    def open_pairs(
        self, pairs: Sequence[PairRef], current: int = 0, notes: Sequence[str] = (), opened: Opened | None = None
    ) -> None:
        """Replace the list of pairs, unless by none, and look at one; ``notes`` are told now and with its result."""
        if not pairs:
            return
        self.opened, self._notes = opened, tuple(notes)
        if notes:
            self.message.emit(Message(" ".join(notes)))
        self.list_pairs(pairs)
        self.set_pair(self.pairs[max(0, min(current, len(self.pairs) - 1))])

    def list_pairs(self, pairs: Sequence[PairRef]) -> None:
        """Replace the list of pairs; the one looked at stays."""
        self.pairs = tuple(pairs)
        self.pairs_changed.emit(self.pairs)

    def set_pair(self, ref: PairRef) -> None:
        """Look at a pair; a running job on another one is cancelled at once."""
        if ref.kind == "files":
            self.recent = (ref, *(other for other in self.recent if other != ref))[:RECENT]
        self._change(replace(self.state, pair=ref, selection=None), "")
        if self._running is None and (self.result is None or self.stale):
            self.run()

    def step_pair(self, step: int) -> None:
        """Go ``step`` pairs on in the list (back if negative), stopping at its ends."""
        if self.pairs:
            place = self.index + step if self.index >= 0 else 0
            self.set_pair(self.pairs[max(0, min(place, len(self.pairs) - 1))])

    def set_matcher(self, key: str) -> None:
        """Use another matcher, with the settings it had last; verification and evaluation carry over."""
        if key == self.state.matcher:
            return
        try:
            spec = matchers.get(key)
        except UserError as error:
            self.message.emit(Message(str(error), "error"))
            return
        now = self.settings
        mine = dict(self.state.settings).get(key) or spec.defaults()
        mine = replace(mine, verify=now.verify, evaluate=now.evaluate)
        self._change(replace(self.state.with_settings(now), matcher=key).with_settings(mine), "matcher")

    def set_settings(self, stage: str, settings: Any) -> None:
        """Replace the settings of one stage of the current matcher."""
        now = self.settings
        old = getattr(now, stage)
        changed = [f.name for f in fields_of(settings) if getattr(old, f.name, None) != getattr(settings, f.name)]
        settings = replace(now, **{stage: settings})
        self._change(self.state.with_settings(settings), f"settings.{stage}.{'+'.join(changed)}")

    def reset_settings(self) -> None:
        """Give the current matcher its default settings."""
        self._change(self.state.with_settings(matchers.get(self.state.matcher).defaults()), "")

    def select(self, selection: Selection | None) -> None:
        """Point at a place or a match, or at nothing."""
        self._change(replace(self.state, selection=selection), "selection")

    def set_theme(self, theme: str) -> None:
        """Choose system, dark or light."""
        self._change(replace(self.state, theme=theme), "theme")

    def set_workspace(self, key: str) -> None:
        """Bring a workspace to the front."""
        self._change(replace(self.state, workspace=key), "workspace")

    def workspace_state(self, name: str, default: T | None = None) -> Any:
        """Return the state of a workspace, or ``default``.

        One read from a file is converted to the type of ``default``; a field that does not fit is reset, which is told.
        """
        saved = dict(self.state.workspaces).get(name)
        if saved is None or (isinstance(saved, SavedState) and default is None):
            return default
        return saved if default is None else typed(saved, default, lambda text: self.message.emit(Message(text)))

    def set_workspace_state(self, name: str, state: Any) -> None:
        """Replace the state of a workspace (a frozen dataclass of plain values, all with defaults)."""
        old = self.workspace_state(name, type(state)())  # the first change too is one from something
        changed = [f.name for f in dataclasses.fields(state) if getattr(old, f.name, None) != getattr(state, f.name)]
        self._change(self.state.with_workspace_state(name, state), f"workspace.{name}.{'+'.join(changed)}")

    def change_throughout(self, change: Callable[[SessionState], SessionState]) -> None:
        """Change the state wherever undo and redo lead: what it named has another name or is gone."""
        self._apply(self._history.change(self.state, change))

    def hold_undo(self, held: bool) -> None:
        """While held (a slider is being dragged) changes of one kind make one undo step."""
        self._history.held = held

    def forget_history(self) -> None:
        """Let undo go no further back than this."""
        self._history = History()

    def undo(self) -> None:
        """Go back to the state before the last change."""
        if (state := self._history.undo(self.state)) is not None:
            self._apply(state)

    def redo(self) -> None:
        """Undo the last undo."""
        if (state := self._history.redo(self.state)) is not None:
            self._apply(state)

    # ----------------------------------------------------------------- running the job

    def run(self) -> None:
        """Start the match job for the current state, unless it already runs."""
        request = self.request
        if request is None or (self._running is not None and same_work(self._running, request)):
            return
        if self._make_job is None:
            from app import pipeline

            cache = pipeline.Cache()
            self._make_job = lambda request: pipeline.run_pair(request, cache)
        make_job, self._running = self._make_job, request
        if not self.match_lane.start(lambda: make_job(request)):
            self._running = None
        self._set_busy(self.match_lane.busy)

    def cancel(self) -> None:
        """Stop the match job; the last good result stays."""
        self.match_lane.cancel()

    def save(self) -> None:
        """Store the state; a failure is a message, never more."""
        if self._store is None:
            return
        try:
            self._store.save(self.state, self.recent, self.opened)
        except UserError as error:
            log.warning("%s", error)
            self.message.emit(Message(str(error), "error"))

    def shutdown(self, seconds: float = 5.0) -> bool:
        """End all lanes within ``seconds`` together; whether every thread has ended."""
        lanes = tuple(self._lanes.values())
        deadline = time.monotonic() + seconds
        for lane in lanes:
            lane.shutdown(0.0)
        ended = [lane.shutdown(deadline - time.monotonic()) for lane in lanes]
        return all(ended)

    # ------------------------------------------------------------------------ inside
    def _change(self, state: SessionState, kind: str) -> None:
        if state != self.state:
            if self.state.pair is not None:  # before the first pair there is nothing to go back to
                self._history.record(self.state, kind)
            self._apply(state)

    def _apply(self, state: SessionState) -> None:
        """Make this the state, tell what changed, and see that the work follows."""
        before, old, self.state = self.request, self.state, state
        if old.pair != state.pair:
            self.match_lane.cancel()
            self.pair_changed.emit(state.pair)
        self._follow(before, self.request)
        if old.selection != state.selection:
            self.selection_changed.emit(state.selection)
        self.state_changed.emit(state)

    def _follow(self, before: MatchRequest | None, request: MatchRequest | None) -> None:
        """Start, keep or cancel the job so that it fits the state; a new threshold needs no job."""
        if request is None or request == before:
            return
        if self.result is not None and self._complete and same_work(self.result.request, request):
            self.match_lane.cancel()
            if before is not None and not same_work(before, request):  # what was said of that work is over
                self.message.emit(Message(" ".join(self.result.notes)))
            if self.result.request != request:
                self._show(judged(self.result, request), complete=True)
        elif before is None or not same_work(before, request):
            self.run()

    def _show(self, result: MatchResult, *, complete: bool) -> None:
        self.result, self._complete = result, complete
        self.result_changed.emit(result)

    def _on_progress(self, event: Event) -> None:
        progress: Progress = event.value
        partial = progress.payload
        # Partial results are for pictures not seen yet; on the same pair the last good result stays.
        if isinstance(partial, MatchResult) and partial.pair is not None and self._wants(partial):
            self._show(partial, complete=False)
        self.progressed.emit(progress)

    def _wants(self, partial: MatchResult) -> bool:
        shown = self.result
        other = shown is None or shown.request.ref != partial.request.ref
        return other or (not self._complete and shown is not partial)

    def _on_finished(self, event: Event) -> None:
        self._running = None
        result: MatchResult = event.value
        self._show(judged(result, self.request) if self.request is not None else result, complete=True)
        self._set_busy(self.match_lane.busy)
        notes, self._notes = (*self._notes, *result.notes), ()
        self.message.emit(Message(" ".join(notes)))

    def _on_failed(self, event: Event) -> None:
        self._running = None
        self._set_busy(self.match_lane.busy)
        self.message.emit(failure_message(event))

    def _on_cancelled(self, _event: Event) -> None:
        if not self.match_lane.busy:
            self._running = None
        self._set_busy(self.match_lane.busy)

    def _set_busy(self, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)
