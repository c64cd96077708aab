"""The background contract without threads of the window."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from functools import partial

import pytest

from app import jobs
from app.jobs import Job, NativeCall, Progress, native, native_calls_ended, relayed, run_to_end, side_by_side
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


def test_that_a_job_takes_over_a_call_that_runs_already() -> None:
    seen = threading.Event()

    def call() -> str:
        seen.set()
        return "read"

    begun = NativeCall(call)
    assert seen.wait(5), "it waits for no job"
    seconds: list[float] = []
    assert run_to_end(native(begun, progress=WAITING, seconds=seconds)) == ["read"]
    assert seconds == [begun.seconds]


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


def named(row: int, told: str) -> str:
    return f"number {row} {told}"


def test_that_jobs_side_by_side_add_up_how_far_each_has_come() -> None:
    go_on = threading.Semaphore(0)

    def steps(count: int) -> Job[int]:
        for step in range(count):
            yield Progress(step, count, f"step {step}")
            go_on.acquire(timeout=10)
        return count

    job = side_by_side([partial(steps, 4), partial(steps, 2)], 2, named)
    seen = [next(step for step in job if step.text == "number 0 step 0")]
    for _ in range(5):  # each lets one of the jobs go a step
        go_on.release()
        seen.append(next(step for step in job if step.done > seen[-1].done))
    go_on.release()
    assert run_to_end(job) == [4, 2]
    assert (seen[0].done, seen[0].total) == (0, 2)
    assert {round(4 * (after.done - before.done), 9) for before, after in itertools.pairwise(seen)} <= {1, 2}
    assert seen[-1].done >= 1.5


def test_that_jobs_run_side_by_side_and_keep_their_order() -> None:
    together = threading.Barrier(2, timeout=10)

    def meeting(value: int) -> Job[int]:
        yield WAITING
        together.wait()  # only passed if both run at once
        return value

    assert run_to_end(side_by_side([partial(meeting, 1), partial(meeting, 2)], 2, named)) == [1, 2]
    assert run_to_end(side_by_side([], 2, named)) == []


def test_that_jobs_side_by_side_report_and_are_stopped_together() -> None:
    ended: list[int] = []
    started = threading.Semaphore(0)

    def endless(row: int) -> Job[int]:
        try:
            started.release()
            while True:
                time.sleep(0.01)
                yield WAITING
        finally:
            ended.append(row)

    job = side_by_side([partial(endless, row) for row in range(3)], 2, named)
    first = next(job)
    assert (first.done, first.total, first.text[:9]) == (0, 3, "number 0 ")
    assert started.acquire(timeout=10)
    assert started.acquire(timeout=10)
    job.close()
    assert sorted(ended) == [0, 1]  # the third never began
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job")]


def test_that_what_fails_side_by_side_is_raised_and_stops_the_others() -> None:
    ended: list[str] = []

    def failing() -> Job[None]:
        yield WAITING
        raise UserError("No.")

    def endless() -> Job[None]:
        try:
            while True:
                time.sleep(0.01)
                yield WAITING
        finally:
            ended.append("endless")

    with pytest.raises(UserError, match=r"No\."):
        run_to_end(side_by_side([endless, failing], 2, named))
    assert ended == ["endless"]


def test_that_a_call_that_begins_while_others_end_is_waited_for_too() -> None:
    first, second = threading.Event(), threading.Event()
    NativeCall(lambda: first.wait(10) and NativeCall(lambda: second.wait(10)))
    assert not native_calls_ended(0.05)
    threading.Timer(0.1, first.set).start()
    threading.Timer(0.4, second.set).start()
    assert native_calls_ended(10.0)
    assert second.is_set()
