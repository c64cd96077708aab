"""Start, pause, step, stop, how far it is, and the collapse lamp: what stays in view above the settings.

What lives here: :class:`Controls`. What does not: what the buttons do. May import: the lamp, the trainer, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.ui.facts import sentence
from app.ui.style import Style
from app.ui.train.lamp import LampView
from app.ui.train.trainer import Trainer

IDLE = "A small network learns to describe patches, so that the same point looks alike in both pictures."


class Controls(QWidget):
    """The buttons of a training.

    Signals:
        start_wanted, resume_wanted, apply_wanted: without a value.
    """

    start_wanted = Signal()
    resume_wanted = Signal()

    def __init__(self, trainer: Trainer, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trainer, self._look = trainer, look
        self.run = self._button("Start", "primary")
        self.step = self._button("Step", "")
        self.stop = self._button("Stop", "")
        self.resume = self._button("Resume", "")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        self.text = sentence(IDLE)
        self.text.setProperty("role", "help")
        self.text.setAccessibleName("How far the training is")
        self.lamp = LampView(look)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.run, 2)
        for button in (self.step, self.stop, self.resume):
            line.addWidget(button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.bar)
        column.addWidget(self.text)
        column.addWidget(self.lamp)
        self.run.clicked.connect(self.run_or_pause)
        self.step.clicked.connect(trainer.step)
        self.stop.clicked.connect(trainer.stop)
        self.resume.clicked.connect(self.resume_wanted)
        trainer.changed.connect(self.show_training)
        look.changed.connect(lambda _look: self.show_training())
        self.show_training()

    def _button(self, text: str, role: str) -> QPushButton:
        button = QPushButton(text)
        if role:
            button.setProperty("role", role)
        button.setAccessibleName(f"{text} the training")
        return button

    def run_or_pause(self) -> None:
        """Start, hold, or let go on, whatever fits."""
        phase = self._trainer.phase
        if phase == "training":
            self._trainer.pause()
        elif phase == "paused":
            self._trainer.go_on()
        else:
            self.start_wanted.emit()

    def show_training(self) -> None:
        """Show phase, progress and lamp."""
        trainer, phase = self._trainer, self._trainer.phase
        words = {"training": "Pause", "paused": "Go on"}.get(phase, "Start")
        self.run.setText(words)
        why_not = trainer.unavailable
        self.run.setEnabled(not why_not)
        tips = {
            "Pause": "Hold after the batch under way (Space)",
            "Go on": "Let the training go on (Space)",
            "Start": "Train from scratch with the settings below (Space)",
        }
        self.run.setToolTip(why_not or tips[words])
        running = phase in ("training", "paused")
        self._enable(self.step, running and trainer.snapshot is not None, "Train one batch, then hold", "Start first")
        self._enable(self.stop, running, "End the training; Resume can go on with it", "Nothing is trained")
        self.resume.setVisible(not running and trainer.interrupted is not None)
        self.resume.setToolTip("Go on with the unfinished training, after the last epoch that was kept")
        self.stop.setVisible(running or trainer.interrupted is None)
        self._show_progress()
        snapshot = trainer.snapshot
        self.lamp.show_lamp(None if snapshot is None else snapshot.lamp)

    def _enable(self, button: QPushButton, on: bool, tip: str, reason: str) -> None:
        button.setEnabled(on)
        button.setToolTip(tip if on else reason)

    def _show_progress(self) -> None:
        progress = self._trainer.progress
        text = status(self._trainer)
        if text != self.text.text():
            self.text.setText(text)
        if progress is None:
            whole = self._trainer.result is not None and not self._trainer.result.stopped
            self.bar.setRange(0, 1000)
            self.bar.setValue(1000 if whole else 0)
            return
        total = progress.total or 0
        self.bar.setRange(0, 1000 if total else 0)
        self.bar.setValue(round(1000 * progress.done / total) if total else 0)


def status(trainer: Trainer) -> str:
    """Return how far the training is, in words: ``epoch 3 of 20 · 4.1 steps/s · 38 s left``."""
    if trainer.unavailable:
        return trainer.unavailable
    snapshot, progress = trainer.snapshot, trainer.progress
    if progress is None or snapshot is None or trainer.phase == "preparing":
        if progress is not None:
            return progress.text
        if trainer.result is not None:
            last = trainer.result.snapshot
            stopped = trainer.result.stopped
            return stopped or f"Finished: {last.epoch} epochs, {last.step:,} steps, {last.seconds:.0f} s."
        if trainer.interrupted is not None:
            return "A training is not finished: Resume goes on with it, Start begins another."
        if trainer.prepared is not None:
            patches = trainer.prepared.patches
            return f"Ready: {len(patches):,} patches of {patches.classes:,} points."
        return IDLE
    rate = snapshot.step / snapshot.seconds if snapshot.seconds > 0 and snapshot.step else 0.0
    settings = trainer.run
    whole = f" of {settings.epochs}" if settings is not None and not settings.minutes else ""
    parts = [f"epoch {min(snapshot.epoch + 1, settings.epochs if whole and settings else 10**9)}{whole}"]
    if progress.text == "Judging":
        parts.append("judging")
    if trainer.phase == "paused":
        parts.append("paused")
    elif rate:
        parts.append(f"{rate:.1f} steps/s")
        left = _left(trainer, rate)
        if left is not None:
            parts.append(f"{left:.0f} s left" if left < 120 else f"{left / 60:.0f} min left")
    return " · ".join(parts)


def _left(trainer: Trainer, rate: float) -> float | None:
    progress = trainer.progress
    if progress is None or not progress.total:
        return None
    rest = progress.total - progress.done
    return rest if trainer.run is not None and trainer.run.minutes else rest / rate
