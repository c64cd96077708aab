"""One training in the background: start, pause, step, stop, go on after the program was closed.

What lives here: :class:`Trainer`, the only owner of the lane ``learn``, and the job it runs there. What does not:
widgets, and training itself (``app.learning.train``). May import: learning, sources, the session, errand, QtCore.

torch is imported in the job, so only ever in that lane. Whatever the job reports is whole: a report that comes too
fast for the eye is dropped by the lane, and nothing is lost with it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Progress
from app.learning.train import TrainResult, train
from app.learning.train_settings import TrainSettings, check_margin
from app.learning.train_state import TrainSnapshot
from app.records import UserError
from app.ui.errand import Errand
from app.ui.lane import MakeJob
from app.ui.session import Message, Session
from app.ui.train import run_folder
from app.ui.train.sources import DataPlan, Prepared, check, prepare
from app.ui.train.torch_import import import_torch

LANE = "learn"
Phase = Literal["idle", "preparing", "training", "paused", "measuring"]
NO_TORCH = "Training needs PyTorch, which is not installed; install the package torch, then start the program again."


@dataclass(frozen=True, eq=False)
class Report:
    """What the job carries along: the data once it is there, the newest snapshot once there is one."""

    prepared: Prepared | None = None
    snapshot: TrainSnapshot | None = None


def training(
    plan: DataPlan, settings: TrainSettings, folder: run_folder.RunFolder, known: Prepared | None, *, resume: bool
) -> Job[tuple[Prepared, TrainResult]]:
    """Prepare the data and train on it.

    Args:
        plan: what to train on.
        settings: how.
        folder: where the run is kept.
        known: the data, if it was prepared before.
        resume: go on with the run in the folder.
    """
    yield Progress(0, None, "Loading PyTorch", Report())
    import_torch()
    if known is None or (known.plan, known.seed) != (plan, settings.seed):
        known = yield from _told(prepare(plan, settings.seed, folder.patches), Report())
    folder.begin(plan, settings, fresh=not resume)
    job = train(known.patches, settings, autosave=folder.state, resume=resume, epochs_folder=folder.epochs)
    result = yield from _training(job, known)
    folder.end()
    return known, result


def preparing(plan: DataPlan, seed: int, folder: run_folder.RunFolder) -> Job[Prepared]:
    """Import torch and prepare the data, so that a start begins at once."""
    yield Progress(0, None, "Loading PyTorch", Report())
    import_torch()
    return (yield from _told(prepare(plan, seed, folder.patches), Report()))


def _told(job: Job[Prepared], report: Report) -> Job[Prepared]:
    """Run a job whose progress carries a report."""
    try:
        while True:
            yield replace(next(job), payload=report)
    except StopIteration as stop:
        found: Prepared = stop.value
        return found
    finally:
        job.close()


def _training(job: Job[TrainResult], prepared: Prepared) -> Generator[Progress, None, TrainResult]:
    try:
        while True:
            progress = next(job)
            yield replace(progress, payload=Report(prepared, progress.payload))
    except StopIteration as stop:
        result: TrainResult = stop.value
        return result
    finally:
        job.close()


class Trainer(QObject):
    """The training of a session.

    Signals:
        changed: phase, data, snapshot or result are others than before.
        started: a run begins; what is shown of the last one can go.

    Attributes:
        snapshot: newest of the run, None before the first.
        prepared: the data of the run, or what was prepared for one.
        result: of a run that came to its end, else None.
        progress: newest of the job, None without one.
        run: settings of the present or last run, None before the first.
        before, before_run: newest snapshot and settings of the run before that, None without one.
    """

    changed = Signal()
    started = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.lane = session.lane(LANE)
        self.folder = run_folder.RunFolder(run_folder.place())
        self.snapshot: TrainSnapshot | None = None
        self.prepared: Prepared | None = None
        self.result: TrainResult | None = None
        self.progress: Progress | None = None
        self.run: TrainSettings | None = None
        self.before: TrainSnapshot | None = None
        self.before_run: TrainSettings | None = None
        self._what, self._note = "", ""
        self.interrupted = self.folder.interrupted()
        self._work = Errand(self.lane, self)
        self._work.progressed.connect(self._progressed)
        self._work.finished.connect(self._finished)
        self._work.failed.connect(self._failed)
        self._work.cancelled.connect(self._cancelled)

    # ------------------------------------------------------------------ what there is

    @property
    def unavailable(self) -> str:
        """Why nothing can be trained here, or empty."""
        return "" if importlib.util.find_spec("torch") is not None else NO_TORCH

    @property
    def phase(self) -> Phase:
        """What is going on."""
        if not self.lane.busy:
            return "idle"
        if self._what == "prepare":
            return "preparing"
        if self._what == "other":
            return "measuring"
        return "paused" if self.lane.paused else "training"

    @property
    def epoch_files(self) -> tuple[Path, ...]:
        """The networks kept of every epoch, the first one first."""
        if self.snapshot is not None:
            return tuple(Path(name) for name in self.snapshot.epoch_files)
        return self.folder.epoch_files() if self.interrupted is not None else ()

    # -------------------------------------------------------------------- what it does

    def start(self, plan: DataPlan, settings: TrainSettings, *, resume: bool = False) -> bool:
        """Begin a run; one that is under way is stopped. Complaints become a message; whether it began."""
        try:
            if self.unavailable:
                raise UserError(self.unavailable)
            check(plan)
            check_margin(settings)
        except UserError as error:
            self._session.message.emit(Message(str(error), "error"))
            return False
        known = self.prepared
        if self.snapshot is not None and self.snapshot.step and not resume:
            self.before, self.before_run = self.snapshot, self.run
        self.run, self.snapshot, self.result, self._note = settings, None, None, ""
        self.interrupted = None
        folder = self.folder
        self._what = "train"
        self._work.start(lambda: training(plan, settings, folder, known, resume=resume))
        self.started.emit()
        self.changed.emit()
        return True

    def resume_interrupted(self) -> None:
        """Go on with the run that was stopped, or cut off when the program was closed."""
        if self.interrupted is not None:
            plan, settings = self.interrupted
            self.start(plan, settings, resume=True)

    def get_ready(self, plan: DataPlan, settings: TrainSettings) -> None:
        """Prepare the data before a start is asked for, unless something runs or cannot be prepared."""
        if self.lane.busy or self.unavailable or (self.prepared is not None and self.prepared.plan == plan):
            return
        try:
            check(plan)
        except UserError:
            return  # said when a start is asked for
        folder = self.folder
        self._what = "prepare"
        self._work.start(lambda: preparing(plan, settings.seed, folder))
        self.changed.emit()

    def lend(self, errand: Errand, make_job: MakeJob) -> None:
        """Run another owner's job that needs torch in the training's lane, unless a training is there."""
        if self.phase not in ("training", "paused"):
            self._what, self.progress = "other", None
            errand.start(make_job)
            self.changed.emit()

    def pause(self) -> None:
        """Hold the run after the batch it is at."""
        self.lane.pause()
        self.changed.emit()

    def go_on(self) -> None:
        """Let a held run go on."""
        self.lane.resume()
        self.changed.emit()

    def step(self) -> None:
        """Train one batch, then hold."""
        self.lane.step()
        self.changed.emit()

    def stop(self) -> None:
        """End the run; what the last epoch left stays, and the run can be gone on with."""
        self.lane.cancel()

    # ---------------------------------------------------------------------- the lane's

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        report = progress.payload
        if isinstance(report, Report):
            if report.prepared is not None:
                if self.prepared is not report.prepared:
                    self._tell_notes(report.prepared)
                self.prepared = report.prepared
            if report.snapshot is not None:
                self._take(report.snapshot)
        self.changed.emit()

    def _take(self, snapshot: TrainSnapshot) -> None:
        self.snapshot = snapshot
        if snapshot.note != self._note:
            self._note = snapshot.note
            if snapshot.note:
                self._session.message.emit(Message(snapshot.note, "error"))

    def _tell_notes(self, prepared: Prepared) -> None:
        if prepared.patches.notes:
            self._session.message.emit(Message(" ".join(prepared.patches.notes)))

    def _finished(self, answer: Prepared | tuple[Prepared, TrainResult]) -> None:
        self.progress = None
        if isinstance(answer, Prepared):
            self.prepared = answer
        else:
            self.prepared, self.result = answer
            self._take(self.result.snapshot)
            self._session.message.emit(_ended(self.result))
        self.changed.emit()

    def _failed(self, message: Message) -> None:
        self.progress = None
        if self._what == "train":
            self._session.message.emit(message)
            self.interrupted = self.folder.interrupted()
        self.changed.emit()

    def _cancelled(self, reason: str) -> None:
        self.progress = None
        if self._what == "train" and reason == "user":
            self.interrupted = self.folder.interrupted()
            epoch = 0 if self.snapshot is None else self.snapshot.epoch
            words = (
                f"Stopped; Resume goes on after epoch {epoch}." if epoch else "Stopped before the first epoch ended."
            )
            self._session.message.emit(Message(words))
        self.changed.emit()


def _ended(result: TrainResult) -> Message:
    """Return what to tell about a run that came to its end."""
    if result.stopped:
        return Message(result.stopped, "error")
    last = result.snapshot
    numbers = ""
    if last.judgements:
        judged = last.judgements[-1]
        numbers = f" On held-out points: FPR95 {judged.fpr95:.3f}, rank-1 {judged.rank1:.3f}."
    return Message(f"Trained {last.epoch} epochs in {last.seconds:.0f} s.{numbers}")
