"""Lanes: run a job of :mod:`app.jobs` on one worker thread and report to the GUI thread.

What lives here: :class:`Lane` and the :class:`Event` its signals carry. What does not: any work, any
widget. May import: ``app.jobs`` and QtCore.

The contract: the newest job wins and there is no queue; each job gets exactly one of ``finished``,
``failed`` and ``cancelled``; whatever a superseded job still sends is dropped on the GUI thread by its
number, because disconnecting would not stop signals already on their way. A cancelled generator is
closed in the worker, so its ``finally`` runs there. Signals carry ``object``: ``Signal(int)`` has 32 bits.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.jobs import Progress

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 0.033  # 30 reports a second are as many as an eye can use

MakeJob = Callable[[], Generator[Progress, None, Any]]
Kind = Literal["progressed", "finished", "failed", "cancelled"]
_numbers = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Event:
    """What a lane's signals carry.

    Attributes:
        job: the number that ``start`` returned.
        kind: which signal.
        value: the :class:`Progress`, the result, the exception, or the reason of the cancellation.
        stage: text of the job's last progress.
        details: the traceback of a failure, else empty.
    """

    job: int
    kind: Kind
    value: Any = None
    stage: str = ""
    details: str = ""


class _Task:
    """One job on its way through the worker, with its cancel flag."""

    def __init__(self, number: int, make_job: MakeJob) -> None:
        self.number = number
        self.make_job: MakeJob | None = make_job
        self.stop = threading.Event()
        self.stage = ""


class _Worker:
    """The thread side of a lane; knows nothing of Qt but the function it posts events with."""

    def __init__(self, name: str, post: Callable[[Event], None]) -> None:
        self._post = post
        self._changed = threading.Condition()
        self._next: _Task | None = None
        self._open = True
        self._paused = False
        self._steps = 0
        # A daemon: native code that never returns must not keep the program from exiting.
        self.thread = threading.Thread(target=self._run, name=f"lane {name}", daemon=True)
        self.thread.start()

    def submit(self, task: _Task) -> None:
        """Make ``task`` the next one, in place of any that has not begun."""
        with self._changed:
            self._next = task
            self._paused, self._steps = False, 0
            self._changed.notify_all()

    def drop(self) -> None:
        """Forget the task that has not begun and wake a paused one, so that it sees its stop flag."""
        with self._changed:
            self._next = None
            self._changed.notify_all()

    def set_paused(self, paused: bool) -> None:
        """Hold the job at its next yield, or let it go on."""
        with self._changed:
            self._paused, self._steps = paused, 0
            self._changed.notify_all()

    def step(self) -> None:
        """Let a job held at a yield run to its next one."""
        with self._changed:
            self._paused = True
            self._steps += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread as soon as the running job lets it."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _run(self) -> None:
        while (task := self._take()) is not None:
            self._work(task)
            del task  # the next wait may be long; keep no job's inputs alive through it

    def _take(self) -> _Task | None:
        """Wait for a task; None when the lane is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._next is not None or not self._open)
            task, self._next = self._next, None
            return task if self._open else None

    def _work(self, task: _Task) -> None:
        """Run one task and post its end; a cancelled one was already reported on the GUI thread."""
        try:
            value = self._drive(task)
        except BaseException as error:  # even SystemExit in a job must end it with one signal, not the thread
            if task.stop.is_set():
                log.debug("a cancelled job failed while closing", exc_info=True)
            else:
                self._post(Event(task.number, "failed", error, task.stage, traceback.format_exc()))
        else:
            if not task.stop.is_set():
                self._post(Event(task.number, "finished", value, task.stage))

    def _drive(self, task: _Task) -> Any:
        """Step the generator until it returns or is told to stop; it is closed here in any case."""
        if task.stop.is_set() or task.make_job is None:
            return None
        job = task.make_job()
        task.make_job = None
        try:
            while self._may_go_on(task):
                progress = next(job)
                task.stage = progress.text
                self._post(Event(task.number, "progressed", progress, progress.text))
        except StopIteration as stop:
            return stop.value
        finally:
            job.close()
        return None

    def _may_go_on(self, task: _Task) -> bool:
        """Wait while paused; whether the next step may run."""
        with self._changed:
            self._changed.wait_for(lambda: task.stop.is_set() or not self._paused or self._steps > 0)
            if self._paused and self._steps > 0:
                self._steps -= 1
        return not task.stop.is_set()


class Lane(QObject):
    """One worker thread that runs one job at a time; the newest wins.

    Signals (each carries an :class:`Event`): ``progressed`` at most every 33 ms, the last one always
    and before the end; then exactly one of ``finished``, ``failed`` and ``cancelled``. All arrive on
    the thread that owns the lane.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal(object)
    _arrived = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._worker: _Worker | None = None
        self._task: _Task | None = None
        self._open = True
        self._paused = False
        self._lock = threading.Lock()
        self._latest: Event | None = None
        self._wake_sent = False
        self._delivered = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._flush)
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a job runs or is about to."""
        return self._task is not None

    @property
    def paused(self) -> bool:
        """Whether the running job is held between two yields."""
        return self._task is not None and self._paused

    def start(self, make_job: MakeJob) -> int:
        """Start ``make_job()`` in the worker and return its number; the running job is cancelled.

        Returns 0 and starts nothing once the lane is shut down (a late timer may still ask).
        """
        if not self._open:
            return 0
        if self._worker is None:
            self._worker = _Worker(self.name, self._post)
        task = _Task(next(_numbers), make_job)
        old, self._task, self._paused = self._task, task, False
        if old is not None:
            old.stop.set()
        self._worker.submit(task)
        if old is not None:
            self._end_cancelled(old, "superseded")
        return task.number

    def cancel(self) -> None:
        """Cancel the running job, if any; ``cancelled`` is emitted before this returns."""
        self._cancel("user")

    def pause(self) -> None:
        """Hold the running job at its next yield."""
        if self._task is not None and self._worker is not None:
            self._paused = True
            self._worker.set_paused(True)

    def resume(self) -> None:
        """Let a paused job go on."""
        self._paused = False
        if self._worker is not None:
            self._worker.set_paused(False)

    def step(self) -> None:
        """Run the job from one yield to the next, then hold it."""
        if self._task is not None and self._worker is not None:
            self._paused = True
            self._worker.step()

    def shutdown(self, seconds: float = 5.0) -> bool:
        """Cancel, end the thread and wait for it at most ``seconds``; whether it ended."""
        self._open = False
        self._cancel("closing")
        self._timer.stop()
        if self._worker is None:
            return True
        self._worker.close()
        self._worker.thread.join(max(0.0, seconds))
        return not self._worker.thread.is_alive()

    def _cancel(self, reason: str) -> None:
        old, self._task = self._task, None
        if old is None or self._worker is None:
            return
        old.stop.set()
        self._worker.drop()
        self._end_cancelled(old, reason)

    def _end_cancelled(self, task: _Task, reason: str) -> None:
        self.cancelled.emit(Event(task.number, "cancelled", reason, task.stage))

    def _post(self, event: Event) -> None:
        """Worker thread: hand an event over; progress only wakes the GUI thread once until it is read."""
        if event.kind == "progressed":
            with self._lock:
                self._latest = event
                if self._wake_sent:
                    return
                self._wake_sent = True
        if self._open:
            self._send(event)

    def _send(self, event: Event) -> None:
        try:
            self._arrived.emit(event)
        except RuntimeError:  # the lane was deleted while its last job ended: nobody is left to tell
            log.debug("a lane was deleted before its job ended")

    def _deliver(self, event: Event) -> None:
        """GUI thread: an event arrived."""
        if event.kind == "progressed":
            wait = PROGRESS_SECONDS - (time.monotonic() - self._delivered)
            if wait > 0:
                if not self._timer.isActive():
                    self._timer.start(int(wait * 1000) + 1)
            else:
                self._flush()
            return
        self._flush()
        if self._task is None or event.job != self._task.number:
            return
        self._task = None
        (self.finished if event.kind == "finished" else self.failed).emit(event)

    def _flush(self) -> None:
        """GUI thread: deliver the newest progress, if it belongs to the running job."""
        self._timer.stop()
        with self._lock:
            event, self._latest, self._wake_sent = self._latest, None, False
        if event is not None and self._task is not None and event.job == self._task.number:
            self._delivered = time.monotonic()
            self.progressed.emit(event)
