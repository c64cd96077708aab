"""The background contract, without Qt: progress, jobs, and running long native calls inside them.

A ``Job[T]`` is a generator with all its inputs as arguments: it yields :class:`Progress` at least
every 0.2 s and returns ``T``. It knows nothing of threads or windows. The same job runs to its end
in tests and on the command line (:func:`run_to_end`), steps from a timer in slow motion, or runs in
a lane of the window. May import: the standard library only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1
MAX_ABANDONED = 2
EXIT_SECONDS = 0.5  # how long an ending program waits for native calls


@dataclass(frozen=True)
class Progress:
    """One step of a job.

    Attributes:
        done, total: how far; ``total`` is None if unknown.
        text: what is happening, e.g. ``"Describing right image"``.
        payload: a snapshot of the result so far (never an increment), or None.
    """

    done: float
    total: float | None
    text: str
    payload: Any = None


Job = Generator[Progress, None, T]


def run_to_end(job: Job[T], on_progress: Callable[[Progress], None] | None = None) -> T:
    """Run a job in this thread and return its result; every progress goes to ``on_progress``."""
    while True:
        try:
            progress = next(job)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if on_progress is not None:
            on_progress(progress)


def relayed(job: Job[T], change: Callable[[Progress], Progress]) -> Job[T]:
    """Run a job inside another one, each of its progresses changed on the way; to be stopped stops it."""
    try:
        while True:
            yield change(next(job))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        job.close()


def side_by_side(
    makers: Sequence[Callable[[], Job[T]]], workers: int, text: Callable[[int, str], str]
) -> Generator[Progress, None, list[T]]:
    """Run whole jobs in so many threads at once; return their results in order.

    Yields every 0.1 s how many have ended, with the shares that those under way report of themselves. To be stopped
    stops every job at its next yield and waits for that; so does an error in one of them, which is then raised.

    Args:
        makers: each makes a job that shares nothing with the others.
        workers: threads, at least 1.
        text: what is happening, given the row of the first job that has not ended and what that job says itself,
            empty before it says anything.
    """
    from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait

    stop = threading.Event()
    told = [Progress(0, None, "")] * len(makers)

    def run(row: int, make: Callable[[], Job[T]]) -> T:
        """Run one job to its end, or as far as it comes."""
        job = make()
        try:
            while not stop.is_set():
                told[row] = next(job)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            job.close()
        raise CancelledError  # nobody asks for it any more

    with ThreadPoolExecutor(workers, "job") as pool:
        futures = [pool.submit(run, row, make) for row, make in enumerate(makers)]
        try:
            while True:
                done, waiting = wait(futures, POLL_SECONDS, FIRST_EXCEPTION)
                for future in done:
                    future.result()  # raises what one of them raised
                if not waiting:
                    return [future.result() for future in futures]
                rows = [row for row, future in enumerate(futures) if future in waiting]
                under_way = sum(_share(told[row]) for row in rows)
                yield Progress(len(done) + under_way, len(futures), text(rows[0], told[rows[0]].text))
        finally:
            stop.set()
            for future in futures:
                future.cancel()


def _share(progress: Progress) -> float:
    """Return how much of a job is done, from 0 to 1; 0 if that is unknown."""
    return min(1.0, max(0.0, progress.done / progress.total)) if progress.total else 0.0


# Native calls that were abandoned when their job was cancelled and have not returned yet.
_abandoned = threading.Semaphore(MAX_ABANDONED)
_running: set[threading.Thread] = set()


class NativeCall:
    """One function that runs in a daemon thread from now on; a job waits for it through :func:`native`.

    Args:
        function: without arguments, long, and without the GIL for most of its time.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.lock = threading.Lock()
        self.holds_slot = False
        self._function: Callable[[], Any] | None = function
        thread = threading.Thread(target=self._run, name="native", daemon=True)
        _running.add(thread)
        thread.start()

    def _run(self) -> None:
        function, self._function = self._function, None
        start = time.perf_counter()
        try:
            if function is not None:
                self.value = function()
        except BaseException as error:  # handed to the job, which raises it in its own thread
            self.error = error
        self.seconds = time.perf_counter() - start
        del function
        with self.lock:
            self.done.set()
            if self.holds_slot:
                _abandoned.release()
        _running.discard(threading.current_thread())

    def abandon(self) -> None:
        """Let the thread finish on its own; waits while two others are already left behind."""
        if self.done.is_set():
            return
        _abandoned.acquire()
        with self.lock:
            if self.done.is_set():
                _abandoned.release()
            else:
                self.holds_slot = True


def native(
    *functions: Callable[[], Any] | NativeCall, progress: Progress, seconds: list[float] | None = None
) -> Generator[Progress, None, list[Any]]:
    """Run long calls that release the GIL, all at once, each in its own daemon thread.

    Use as ``left, right = yield from native(f, g, progress=...)``. Yields ``progress`` every 0.1 s so
    that the job can be cancelled; cancelling abandons the calls (at most two are left behind at
    once, a third waits).

    Args:
        functions: calls without arguments, or such that run already.
        progress: what to yield while waiting.
        seconds: if given, receives the wall time of every call in order.

    Returns:
        The values in order of the functions.

    Raises:
        Whatever the first failing function raised.
    """
    calls = [function if isinstance(function, NativeCall) else NativeCall(function) for function in functions]
    try:
        for call in calls:
            while not call.done.wait(POLL_SECONDS):
                yield progress
    finally:
        for call in calls:
            call.abandon()
    for call in calls:
        if call.error is not None:
            raise call.error
    if seconds is not None:
        seconds.extend(call.seconds for call in calls)
    return [call.value for call in calls]


def native_calls_ended(seconds: float) -> bool:
    """Wait at most ``seconds`` for the native calls still running, also those that begin meanwhile; whether all ended.

    The interpreter must not be torn down under one of them (C++ code that finds it gone calls ``terminate``):
    a program that cannot wait leaves with ``os._exit``.
    """
    end = time.monotonic() + seconds
    while alive := [thread for thread in tuple(_running) if thread.is_alive()]:
        left = end - time.monotonic()
        if left <= 0:
            return False
        alive[0].join(left)
    return True


def finished(value: T) -> Job[T]:
    """Return a job that has nothing to do and returns ``value`` (for tests and cached results)."""
    return value
    yield  # makes this function a generator


def in_steps(items: Sequence[Any], text: str, each: Callable[[Any], Any]) -> Job[list[Any]]:
    """Apply ``each`` to every item, yielding progress between them; return the list of results."""
    results: list[Any] = []
    for index, item in enumerate(items):
        yield Progress(index, len(items), text)
        results.append(each(item))
    return results
