"""What one part of the window has done on a lane, of which others may use the same one.

What lives here: :class:`Errand`. What does not: threads (``lane``), any work. May import: lane, session, QtCore.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.ui.lane import Event, Lane, MakeJob
from app.ui.session import failure_message


class Errand(QObject):
    """The newest job of its owner; what other jobs of the lane send does not arrive here.

    Signals:
        progressed: the :class:`Progress`.
        finished: the result.
        failed: the :class:`Message` that says why.
        cancelled: the lane's reason: somebody stopped it, another owner's job took the lane, or the lane is closing.
            A newer job of the same owner just takes its place.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal(object)

    def __init__(self, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._job = 0
        lane.progressed.connect(self._on_progressed)
        lane.finished.connect(self._on_finished)
        lane.failed.connect(self._on_failed)
        lane.cancelled.connect(self._on_cancelled)

    @property
    def busy(self) -> bool:
        """Whether the job runs or is about to."""
        return self._job != 0

    def start(self, make_job: MakeJob) -> None:
        """Start a job; whatever runs on the lane is cancelled."""
        self._job = 0
        self._job = self._lane.start(make_job)

    def cancel(self) -> None:
        """Cancel the job if it still runs; another owner's is left alone."""
        if self._job:
            self._lane.cancel()

    def forget(self) -> None:
        """Let the job run, but want nothing of it any more."""
        self._job = 0

    def _mine(self, event: Event) -> bool:
        return self._job != 0 and event.job == self._job

    def _on_progressed(self, event: Event) -> None:
        if self._mine(event):
            self.progressed.emit(event.value)

    def _on_finished(self, event: Event) -> None:
        if self._mine(event):
            self._job = 0
            self.finished.emit(event.value)

    def _on_failed(self, event: Event) -> None:
        if self._mine(event):
            self._job = 0
            self.failed.emit(failure_message(event))

    def _on_cancelled(self, event: Event) -> None:
        if self._mine(event):
            self._job = 0
            self.cancelled.emit(event.value)
