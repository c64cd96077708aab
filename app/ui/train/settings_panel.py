"""The right panel of the Train workspace: the controls, then data, patches and training as forms.

What lives here: :class:`TrainSettingsPanel`. What does not: the frame (``app.ui.panel``), the forms (``app.ui.form``),
the controls. May import: those, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.learning.patch_data import WarpSettings
from app.learning.train_settings import TrainSettings, design_of, plan_of, with_usual_miner
from app.settings import fields_of
from app.ui.form import Form, build
from app.ui.panel import FormPanel, heading, rule, titled
from app.ui.session import Session
from app.ui.status import ElidedLabel
from app.ui.train.controls import Controls
from app.ui.train.state import (
    DATA_KEY,
    FIRST_SETTINGS,
    FIRST_WARP,
    NEEDS_PATH,
    OF_PAIR,
    SETTINGS_KEY,
    WARP_KEY,
    WARPED,
    DataState,
)

NOTES = {
    "photographs": (
        "Eight pictures that come with scikit-image. Astronaut, camera, deep field and rocket are in built-in pairs "
        "too: judge the network on the other pairs."
    ),
    "builtin": "The network then knows the pictures of the built-in pairs: how it does on those says little.",
}


class TrainSettingsPanel(FormPanel):
    """Controls above, forms below, the help of the field in hand at the bottom."""

    changed = Signal()

    def __init__(self, session: Session, controls: Controls, parent: QWidget | None = None) -> None:
        super().__init__(session, controls, parent)
        self.controls = controls
        self._fill(self.column)
        session.state_changed.connect(lambda _state: self.show_settings())
        self.show_settings()

    # ------------------------------------------------------------------- what is chosen

    @property
    def training(self) -> TrainSettings:
        """How to train."""
        found: TrainSettings = self._session.workspace_state(SETTINGS_KEY, FIRST_SETTINGS)
        return found

    @property
    def data(self) -> DataState:
        """What to train on."""
        found: DataState = self._session.workspace_state(DATA_KEY, DataState())
        return found

    @property
    def warp(self) -> WarpSettings:
        """How photographs become patches."""
        found: WarpSettings = self._session.workspace_state(WARP_KEY, FIRST_WARP)
        return found

    def set_training(self, settings: TrainSettings) -> None:
        """Choose how to train; another loss or design is given the negatives that belong to it, or the user's own."""
        before = self.training
        other = (settings.loss, design_of(settings)) != (before.loss, design_of(before))
        if other and (before == with_usual_miner(before) or settings.loss == "hardnet"):
            settings = with_usual_miner(settings)
        self._session.set_workspace_state(SETTINGS_KEY, settings)

    # ------------------------------------------------------------------------- building

    def _fill(self, column: QVBoxLayout) -> None:
        self.data_form = self._form(self.data, DATA_KEY)
        self.warp_form = self._form(self.warp, WARP_KEY)
        self.train_form = self._form(self.training, "")
        self.train_form.changed.connect(self.set_training)
        column.addWidget(heading("DATA"))
        column.addWidget(self.data_form)
        self.path = ElidedLabel("")
        self.path.setAccessibleName("Folder of the data")
        self.choose = QPushButton("Choose…")
        self.choose.setToolTip("Choose the folder, or the file of a set that is one")
        self.choose.clicked.connect(self._choose)
        self._place = QWidget()
        line = QHBoxLayout(self._place)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.path, 1)
        line.addWidget(self.choose)
        column.addWidget(self._place)
        self.note = QLabel("")
        self.note.setProperty("role", "help")
        self.note.setWordWrap(True)
        column.addWidget(self.note)
        self._warp_head = heading("PATCHES")
        column.addWidget(self._warp_head)
        column.addWidget(self.warp_form)
        column.addWidget(rule())
        tip = "Give the training its default settings"
        column.addLayout(titled(heading("TRAINING"), tip, self._reset))
        column.addWidget(self.train_form)
        column.addStretch(1)

    def _form(self, settings: Any, key: str) -> Form:
        form = self._take_form(build(settings))
        if key:
            form.changed.connect(lambda new: self._session.set_workspace_state(key, new))
        return form

    def _reset(self) -> None:
        self._session.set_workspace_state(SETTINGS_KEY, FIRST_SETTINGS)

    def _choose(self) -> None:
        start = self.data.path or str(Path.home())
        if self.data.source == "other" and not Path(start).is_dir():
            path, _ = QFileDialog.getOpenFileName(
                self, "Open a set of patches", str(Path(start).parent), "Sets (*.zip)"
            )
        else:
            path = QFileDialog.getExistingDirectory(self, "Choose the folder to train on", start)
        if path:
            self.set_path(path)

    def set_path(self, path: str) -> None:
        """Train on this folder or file."""
        self._session.set_workspace_state(DATA_KEY, replace(self.data, path=path))

    # -------------------------------------------------------------------------- showing

    def show_settings(self) -> None:
        """Show what is chosen, and which of it counts."""
        for form, settings in (
            (self.data_form, self.data),
            (self.warp_form, self.warp),
            (self.train_form, self.training),
        ):
            if form.settings != settings:
                form.set_values(settings)
        data = self.data
        self._place.setVisible(data.source in NEEDS_PATH)
        self.path.setText(data.path or "no folder chosen")
        self.path.setToolTip(data.path)
        for part in (self._warp_head, self.warp_form):
            part.setVisible(data.source in WARPED)
        self.note.setText(self._note(data))
        self.note.setVisible(bool(self.note.text()))
        self._show_what_counts()
        self.changed.emit()

    def _note(self, data: DataState) -> str:
        ref = self._session.state.pair
        if data.source in OF_PAIR:
            return "No pair is open." if ref is None else f"Open pair: {ref.title}."
        return NOTES.get(data.source, "")

    def _show_what_counts(self) -> None:
        """Grey what has no effect with the present loss and design, and say why."""
        settings, plan = self.training, plan_of(self.training)
        reasons: dict[str, str] = {}
        if plan.kind == "decision":
            reasons["margin"] = "A decision has no margin"
        if design_of(settings) != "embedding":
            reasons["loss"] = "This design decides pair by pair, with softmax"
            reasons["spread"] = "Only an embedding can collapse"
        if design_of(settings) == "joint":
            reasons["start"] = "Models describe one patch; a joint network sees two at once"
            reasons["miner"] = "A joint network has no descriptors to look for negatives by: they are drawn"
        if plan.kind == "batch":
            reasons["miner"] = "This loss looks at every pair of the batch"
        if settings.minutes:
            reasons["epochs"] = "The time decides when to stop"
        for spec in fields_of(settings):
            why = reasons.get(spec.name, "")
            for widget in self.train_form.rows[spec.name].widgets:
                widget.setEnabled(not why)
                widget.setToolTip(f"{why}." if why else f"<p>{spec.help}</p>")
