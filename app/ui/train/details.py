"""The details of a training: what it learns from, how it stands, and what can be done with it.

What lives here: :class:`TrainDetails`. What does not: the trainer. May import: learning's records, facts, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.learning import towers
from app.learning.train_settings import TrainSettings, margin_of
from app.learning.train_state import TrainSnapshot
from app.text import shortened
from app.ui.facts import Facts, sentence
from app.ui.numbers import percent
from app.ui.panel import heading
from app.ui.style import Style
from app.ui.train.drawings import newest, operating_point
from app.ui.train.trainer import Trainer

USE = "From the first epoch on the network can match any pair: here it becomes a model, and the matcher uses it."
MOST_WORDS = 20
NOT_YET = "There is no network yet: let the training come to the end of its first epoch"


class TrainDetails(QWidget):
    """Two columns of facts, and the button that makes it a matcher.

    Signals:
        use_wanted: without a value.
    """

    use_wanted = Signal()

    def __init__(self, trainer: Trainer, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._trainer = trainer
        self.data, self.judged = Facts(look, "Data and network"), Facts(look, "On held-out points")
        self.use = QPushButton("Use as matcher")
        self.use.clicked.connect(self.use_wanted)
        body = QWidget()
        line = QHBoxLayout(body)
        line.setContentsMargins(16, 8, 8, 8)
        line.setSpacing(16)
        for title, facts in (
            ("DATA AND NETWORK", self.data),
            ("ON HELD-OUT POINTS", self.judged),
        ):
            line.addLayout(_column(title, facts))
        line.addStretch(1)
        line.addLayout(self._use_column())
        scroll = QScrollArea()
        scroll.setObjectName("panelScroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        scroll.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _use_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(heading("USE IT"))
        self.words = sentence(USE)
        self.words.setProperty("role", "help")
        self.words.setMinimumWidth(112)
        self.words.setMaximumWidth(240)
        column.addWidget(self.use)
        column.addWidget(self.words)
        column.addStretch(1)
        return column

    def show_training(self) -> None:
        """Show the trainer's facts."""
        self._set(self.data, self._data_rows())
        self._set(self.judged, self._judged_rows())
        there = bool(self._trainer.epoch_files) or self._trainer.result is not None
        self.use.setEnabled(there)
        self.use.setToolTip("Keep the newest network under Models, and match with it" if there else f"{NOT_YET}.")

    def _set(self, facts: Facts, rows: list[tuple[str, str]]) -> None:
        if tuple(rows) != facts.rows:
            facts.set_rows(rows)

    def _data_rows(self) -> list[tuple[str, str]]:
        trainer = self._trainer
        rows: list[tuple[str, str]] = []
        side = 32
        if trainer.prepared is not None:
            patches, held = trainer.prepared.patches, trainer.prepared.held_out
            side = patches.side
            rows += [
                ("data", shortened(patches.name, MOST_WORDS)),
                ("patches", f"{len(patches):,} of {patches.classes:,} points"),
                ("held out", f"{held.classes:,} points"),
            ]
        if trainer.run is not None:
            plan = towers.PLANS[trainer.run.network]
            margin = margin_of(trainer.run)
            rows += [
                ("weights", f"{towers.parameters(side, plan):,}"),
                ("loss", trainer.run.loss),
                *((("margin m", f"{margin:g}"),) if margin else ()),
                ("negatives", trainer.run.miner),
            ]
        if trainer.snapshot is not None and trainer.snapshot.device:
            rows.append(("runs on", shortened(trainer.snapshot.device, MOST_WORDS)))
        if trainer.before is not None and trainer.before_run is not None:
            rows.append(("run before", _run_words(trainer.before_run, trainer.before)))
        return rows or [("data", "not read yet")]

    def _judged_rows(self) -> list[tuple[str, str]]:
        snapshot = self._trainer.snapshot
        judged = None if snapshot is None else newest(snapshot)
        if judged is None:
            return [("judged", "not yet")]
        threshold, recall, _ = operating_point(judged)
        curve = judged.roc()
        return [
            ("after step", f"{judged.step:,}"),
            ("FPR95", f"{judged.fpr95:.4f}"),
            ("rank-1", "–" if judged.rank1 != judged.rank1 else f"{judged.rank1:.4f}"),
            ("threshold", f"{threshold:.3f} at {percent(recall)} recall"),
            ("ROC area", f"{curve.area:.4f}"),
            ("equal error rate", f"{curve.equal_error:.4f}"),
        ]


def _run_words(settings: TrainSettings, snapshot: TrainSnapshot) -> str:
    """Return what a run was and how far it came, in a few words."""
    judged = newest(snapshot)
    number = "" if judged is None else f": {judged.fpr95:.3f}"
    return f"{settings.loss}{number}"


def _column(title: str, facts: Facts) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(4)
    column.addWidget(heading(title))
    column.addWidget(facts)
    column.addStretch(1)
    return column
