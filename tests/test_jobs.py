"""The background contract without threads of the window."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from app import jobs
from app.jobs import Job, Progress, native, relayed, run_to_end
from app.records import UserError

WAITING = Progress(0, None, "waiting")


def counting(n: int) -> Job[int]:
    for index in range(n):
        yield Progress(index, n, "counting", payload=index)
    return n


def test_that_a_job_runs_to_its_end_and_reports_every_step() -> None:
    seen: list[Progress] = []
    assert run_to_end(counting(3), seen.append) == 3
    assert [step.payload for step in seen] == [0, 1, 2]


def test_that_closing_a_job_runs_its_finally() -> None:
    closed = []

    def job() -> Job[None]:
        try:
            yield WAITING
        finally:
            closed.append(True)

    running = job()
    next(running)
    running.close()
    assert closed == [True]


def test_that_native_calls_run_at_the_same_time_and_keep_their_order() -> None:
    barrier = threading.Barrier(2, timeout=5)  # both must be inside at once to pass

    def call(value: str) -> str:
        barrier.wait()
        return value

    seconds: list[float] = []
    result = run_to_end(native(lambda: call("left"), lambda: call("right"), progress=WAITING, seconds=seconds))
    assert result == ["left", "right"]
    assert len(seconds) == 2


def test_that_a_native_call_yields_often_enough_to_be_cancelled() -> None:
    release = threading.Event()
    running = native(lambda: release.wait(5), progress=WAITING)
    gaps = []
    for _ in range(3):
        start = time.perf_counter()
        assert next(running) is WAITING
        gaps.append(time.perf_counter() - start)
    release.set()
    assert run_to_end(running) == [True]
    assert min(gaps) >= 0.5 * jobs.POLL_SECONDS


def test_that_the_error_of_a_native_call_is_raised_in_the_job() -> None:
    def fail() -> None:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        run_to_end(native(fail, progress=WAITING))


def test_that_cancelling_leaves_at_most_two_calls_behind() -> None:
    releases = [threading.Event() for _ in range(3)]
    running = [native(lambda e=event: e.wait(10), progress=WAITING) for event in releases]
    for job in running:
        next(job)
    running[0].close()
    running[1].close()
    third = threading.Thread(target=running[2].close)
    third.start()
    third.join(0.2)
    assert third.is_alive(), "the third abandoned call must wait for a place"
    releases[0].set()
    third.join(5)
    assert not third.is_alive()
    for event in releases:
        event.set()


def test_that_a_relayed_job_keeps_its_result_and_is_stopped_with_the_other() -> None:
    ended: list[str] = []

    def inner() -> Job[int]:
        try:
            yield Progress(1, 3, "one", "old")
            yield Progress(2, 3, "two", "old")
            return 7
        finally:
            ended.append("inner")

    def changed(step: Progress) -> Progress:
        return replace(step, text=step.text.upper(), payload=None)

    told: list[Progress] = []
    assert run_to_end(relayed(inner(), changed), told.append) == 7
    assert told == [Progress(1, 3, "ONE"), Progress(2, 3, "TWO")]
    assert ended == ["inner"]

    outer = relayed(inner(), changed)
    next(outer)
    outer.close()
    assert ended == ["inner", "inner"]


def test_that_what_fails_in_a_relayed_job_fails_outside() -> None:
    def inner() -> Job[int]:
        yield Progress(0, 1, "so far")
        raise UserError("No.")

    with pytest.raises(UserError, match=r"No\."):
        run_to_end(relayed(inner(), lambda step: step))
