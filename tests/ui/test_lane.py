"""The background contract, clause by clause."""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from app.jobs import Progress, finished
from app.records import UserError
from app.ui.lane import PROGRESS_SECONDS, Event, Lane

Until = Callable[[Callable[[], bool]], None]
KINDS = ("progressed", "finished", "failed", "cancelled")


class Seen:
    """Every event of a lane in order, and the thread each arrived on."""

    def __init__(self, lane: Lane) -> None:
        self.events: list[Event] = []
        self.times: list[float] = []
        self.threads: set[threading.Thread] = set()
        for kind in KINDS:
            getattr(lane, kind).connect(self._add)

    def _add(self, event: Event) -> None:
        self.events.append(event)
        self.times.append(time.monotonic())
        self.threads.add(threading.current_thread())

    def of(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]

    @property
    def ends(self) -> list[Event]:
        return self.of("finished", "failed", "cancelled")


@pytest.fixture
def lane(qapp: QObject) -> Iterator[Lane]:
    lane = Lane("test")
    yield lane
    assert lane.shutdown(5.0)


def counting(steps: int, pause: float = 0.0) -> Generator[Progress, None, int]:
    for step in range(steps):
        time.sleep(pause)
        yield Progress(step, steps, f"step {step}", step)
    return steps


def endless(closed: list[str] | None = None) -> Generator[Progress, None, None]:
    try:
        while True:
            time.sleep(0.002)
            yield Progress(0, None, "endless")
    finally:
        if closed is not None:
            closed.append(threading.current_thread().name)


def test_that_a_job_finishes_with_its_value_on_the_gui_thread(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    number = lane.start(lambda: counting(3))
    assert lane.busy
    until(lambda: not lane.busy)
    assert [(event.kind, event.job, event.value) for event in seen.ends] == [("finished", number, 3)]
    assert seen.threads == {threading.main_thread()}


def test_that_the_last_progress_arrives_before_the_end(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    lane.start(lambda: counting(500))
    until(lambda: not lane.busy)
    assert seen.events[-1].kind == "finished"
    assert seen.events[-2].value.payload == 499


def test_that_progress_comes_at_most_every_33_ms(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    lane.start(lambda: counting(150, 0.002))
    until(lambda: not lane.busy)
    times = [t for t, event in zip(seen.times, seen.events, strict=True) if event.kind == "progressed"]
    # All but the last, which goes out at once with the end.
    gaps = [b - a for a, b in itertools.pairwise(times[:-1])]
    assert len(times) >= 4
    assert min(gaps) >= 0.9 * PROGRESS_SECONDS


def test_that_a_progress_followed_by_silence_is_shown_without_waiting_for_the_next(lane: Lane, until: Until) -> None:
    release = threading.Event()

    def job() -> Generator[Progress, None, None]:
        yield Progress(0, 2, "first")
        yield Progress(1, 2, "second")
        release.wait(5)

    seen = Seen(lane)
    lane.start(job)
    until(lambda: bool(seen.events) and seen.events[-1].value.text == "second")
    release.set()
    until(lambda: not lane.busy)


def test_that_the_newest_job_wins_and_each_gets_one_end(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    numbers = [lane.start(endless) for _ in range(20)] + [lane.start(lambda: counting(2))]
    until(lambda: not lane.busy)
    assert [event.job for event in seen.ends] == numbers
    assert [event.kind for event in seen.ends] == ["cancelled"] * 20 + ["finished"]


def test_that_nothing_of_a_superseded_job_arrives_even_if_it_was_already_on_its_way(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    first = lane.start(lambda: counting(1))
    time.sleep(0.1)  # it has ended in its thread, its events wait in the queue
    second = lane.start(lambda: counting(1))
    until(lambda: not lane.busy)
    assert [(event.job, event.kind) for event in seen.ends] == [(first, "cancelled"), (second, "finished")]
    assert {event.job for event in seen.of("progressed")} <= {second}


def test_that_cancelling_closes_the_generator_in_the_worker(lane: Lane, until: Until) -> None:
    closed: list[str] = []
    seen = Seen(lane)
    lane.start(lambda: endless(closed))
    until(lambda: bool(seen.events))
    lane.cancel()
    assert not lane.busy
    assert [event.kind for event in seen.ends] == ["cancelled"]
    until(lambda: bool(closed))
    assert closed == ["lane test"]


def test_that_a_user_error_and_any_other_exception_arrive_as_failed(lane: Lane, until: Until) -> None:
    seen = Seen(lane)

    def failing(error: BaseException) -> Generator[Progress, None, None]:
        yield Progress(0, 1, "Describing right image")
        raise error

    errors = (UserError("No such file."), RuntimeError("as torch raises it"), SystemExit(3))
    for error in errors:
        lane.start(lambda error=error: failing(error))
        until(lambda: not lane.busy)
    assert [event.kind for event in seen.ends] == ["failed"] * 3
    assert [event.value for event in seen.ends] == list(errors)
    assert all(event.stage == "Describing right image" for event in seen.ends)
    assert "as torch raises it" in seen.ends[1].details


def test_that_a_job_that_cannot_even_be_made_fails(lane: Lane, until: Until) -> None:
    seen = Seen(lane)

    def make() -> Any:
        raise ValueError("no generator")

    lane.start(make)
    until(lambda: not lane.busy)
    assert [event.kind for event in seen.ends] == ["failed"]


def test_that_a_generator_that_fails_while_closing_does_no_harm(lane: Lane, until: Until) -> None:
    seen = Seen(lane)

    def job() -> Generator[Progress, None, None]:
        try:
            while True:
                yield Progress(0, None, "on")
        finally:
            raise RuntimeError("while closing")

    lane.start(job)
    until(lambda: bool(seen.events))
    lane.cancel()
    lane.start(lambda: finished(7))
    until(lambda: not lane.busy)
    assert [event.kind for event in seen.ends] == ["cancelled", "finished"]


def test_that_pause_holds_step_goes_one_yield_and_resume_goes_on(lane: Lane, until: Until, qtbot: QtBot) -> None:
    seen = Seen(lane)
    lane.start(endless)
    until(lambda: bool(seen.events))
    lane.pause()
    qtbot.wait(80)
    held = len(seen.events)
    qtbot.wait(80)
    assert len(seen.events) == held
    assert lane.paused
    lane.step()
    until(lambda: len(seen.events) == held + 1)
    qtbot.wait(80)
    assert len(seen.events) == held + 1
    lane.resume()
    until(lambda: len(seen.events) > held + 2)
    assert not lane.paused


def test_that_a_paused_job_can_be_cancelled_and_the_next_is_not_paused(lane: Lane, until: Until) -> None:
    closed: list[str] = []
    seen = Seen(lane)
    lane.start(lambda: endless(closed))
    until(lambda: bool(seen.events))
    lane.pause()
    lane.start(lambda: finished(1))
    until(lambda: not lane.busy)
    assert closed == ["lane test"]
    assert seen.ends[-1].value == 1


def test_that_shutdown_cancels_once_ends_the_thread_and_refuses_new_jobs(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    lane.start(endless)
    until(lambda: bool(seen.events))
    assert lane.shutdown(5.0)
    assert lane.shutdown(0.0)
    assert [event.kind for event in seen.ends] == ["cancelled"]
    assert lane.start(endless) == 0
    assert not lane.busy


def test_that_shutdown_does_not_wait_longer_than_told(qapp: QObject, until: Until) -> None:
    lane, release = Lane("stuck"), threading.Event()

    def stuck() -> Generator[Progress, None, None]:
        yield Progress(0, None, "on")
        release.wait(30)
        ended.append(True)

    ended: list[bool] = []
    seen = Seen(lane)
    lane.start(stuck)
    until(lambda: bool(seen.events))
    time.sleep(0.05)
    assert not lane.shutdown(0.2)
    assert not ended
    release.set()
    assert lane.shutdown(5.0)


def test_that_starting_from_a_slot_of_cancelled_keeps_the_newest(lane: Lane, until: Until) -> None:
    seen = Seen(lane)
    once = [lambda: lane.start(lambda: finished("from slot"))]
    lane.cancelled.connect(lambda _: once.pop()() if once else None)
    lane.start(endless)
    lane.start(endless)
    until(lambda: not lane.busy)
    assert seen.of("finished")[0].value == "from slot"
    assert len(seen.ends) == 3


def test_that_a_random_history_gives_every_job_exactly_one_end(lane: Lane, until: Until, qtbot: QtBot) -> None:
    rng = random.Random(7)
    seen = Seen(lane)
    numbers = []

    def failing() -> Generator[Progress, None, None]:
        yield Progress(0, 1, "on")
        raise ValueError("on purpose")

    for _ in range(120):
        kind = rng.randrange(6)
        if kind < 3:
            job = rng.choice([lambda: counting(5), endless, failing])
            numbers.append(lane.start(job))
        elif kind == 3:
            lane.cancel()
        elif kind == 4:
            rng.choice([lane.pause, lane.resume, lane.step])()
        else:
            qtbot.wait(rng.randrange(6))
    lane.cancel()
    qtbot.wait(60)
    assert sorted(event.job for event in seen.ends) == numbers


class Emitter(QObject):
    fired = Signal(object)


@pytest.mark.parametrize("value", [True, None], ids=["True", "None"])
def test_that_2000_emits_lose_no_reference_to_a_constant(value: object, qapp: QObject) -> None:
    # PySide6 6.12.0 on Python 3.11 loses one per emit until the interpreter deallocates the constant.
    emitter, got = Emitter(), []
    emitter.fired.connect(got.append)
    before = sys.getrefcount(value)
    for _ in range(2000):
        emitter.fired.emit(value)
    got.clear()
    # Immortal constants (3.12 and later) never change; others may gain a few, and must not lose many.
    assert sys.getrefcount(value) >= before - 50
