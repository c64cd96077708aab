"""Plays the algorithm as a slow animation: a timer that lets the job go on by one step at a time.

What lives here: :class:`Player`. What does not: the algorithm (the very job that explains pictures) and what a step
looks like. May import: jobs, ``app.ui.lane``, QtCore.

The job waits in its lane between two steps, so that a step that takes long never holds the window.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs import Progress
from app.ui.lane import Event, Lane, MakeJob
from app.vision.sift_records import SiftExplanation


class Player(QObject):
    """Play, pause, step, stop, at a speed.

    Signals:
        stepped: :class:`Progress` whose payload is the :class:`SiftExplanation` so far.
        changed: playing, paused or stopped.
        failed: the lane's :class:`Event`.
    """

    stepped = Signal(object)
    changed = Signal()
    failed = Signal(object)

    def __init__(self, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._waiting = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self.set_speed(2.0)
        lane.progressed.connect(self._arrived)
        lane.finished.connect(self._ended)
        lane.failed.connect(self._failed)

    @property
    def playing(self) -> bool:
        """Whether steps follow each other by themselves."""
        return self._timer.isActive()

    @property
    def begun(self) -> bool:
        """Whether a run has begun and not ended."""
        return self._lane.busy

    def set_speed(self, steps_per_second: float) -> None:
        """Choose the speed."""
        self._timer.setInterval(round(1000 / max(steps_per_second, 0.1)))

    def play(self, make_job: MakeJob) -> None:
        """Go on, or begin ``make_job()`` if nothing has begun."""
        if not self._lane.busy:
            self._begin(make_job)
        self._timer.start()
        self.changed.emit()

    def pause(self) -> None:
        """Hold after the present step."""
        self._timer.stop()
        self.changed.emit()

    def step(self, make_job: MakeJob) -> None:
        """Take one step and hold, beginning if nothing has begun."""
        self._timer.stop()
        if self._lane.busy:
            self._tick()
        else:
            self._begin(make_job)
        self.changed.emit()

    def stop(self) -> None:
        """End the run."""
        self._timer.stop()
        self._waiting = False
        self._lane.cancel()
        self.changed.emit()

    def _begin(self, make_job: MakeJob) -> None:
        self._waiting = True
        self._lane.start(make_job)
        self._lane.pause()
        self._lane.step()

    def _tick(self) -> None:
        """Take the next step unless the last has not come yet."""
        if self._lane.busy and not self._waiting:
            self._waiting = True
            self._lane.step()

    def _arrived(self, event: Event) -> None:
        progress: Progress = event.value
        if isinstance(progress.payload, SiftExplanation):
            self._waiting = False
            self.stepped.emit(progress)
        else:
            self._lane.step()  # only a sign of life inside one step

    def _ended(self, event: Event) -> None:
        self._timer.stop()
        self._waiting = False
        self.stepped.emit(Progress(1, 1, "Done", event.value))
        self.changed.emit()

    def _failed(self, event: Event) -> None:
        self._timer.stop()
        self._waiting = False
        self.failed.emit(event)
        self.changed.emit()
