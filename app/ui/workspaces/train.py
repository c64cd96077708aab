"""The Train workspace: a network learns in the background while its pages show what it has learned.

What lives here: :class:`TrainWorkspace`, which wires the trainer, the pages, the settings and the details. What does
not: the pages (``app.ui.train``), how they stand in the window (``app.ui.pages``), the run (``trainer``). May import:
those, the session, Qt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from app.records import UserError
from app.settings import with_value
from app.ui.errand import Errand
from app.ui.pages import PagedWorkspace, PageTabs
from app.ui.session import Message, Session
from app.ui.style import Style
from app.ui.train import PAGES
from app.ui.train.controls import Controls
from app.ui.train.details import TrainDetails
from app.ui.train.keep import Kept, free_name, keep
from app.ui.train.keys import TrainActions
from app.ui.train.page import TrainPage
from app.ui.train.settings_panel import TrainSettingsPanel
from app.ui.train.sources import DataPlan
from app.ui.train.state import OF_PAIR, TrainState
from app.ui.train.trainer import Trainer

FILES_LANE = "learn-files"


class TrainWorkspace(PagedWorkspace[TrainPage]):
    """The pages of a training."""

    key = "train"
    title = "Train"
    number = 5
    entries = PAGES
    state_type = TrainState
    refresh_ms = 100

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.trainer = Trainer(session, self)
        self.controls = Controls(self.trainer, style)
        self._settings = TrainSettingsPanel(session, self.controls)
        self.details = TrainDetails(self.trainer, style)
        self._keeping = Errand(session.lane(FILES_LANE), self)
        self._connect()
        self._build(PageTabs(style, PAGES), TrainActions(self))
        self.details.show_training()

    def _connect(self) -> None:
        self.session.result_changed.connect(self._later)
        self.trainer.changed.connect(self._later)
        self.controls.start_wanted.connect(self.start)
        self.controls.resume_wanted.connect(self.resume)
        self.controls.lamp.remedy_wanted.connect(self._apply_remedy)
        self.details.use_wanted.connect(self.use_as_matcher)
        self._keeping.finished.connect(self._kept)
        self._keeping.failed.connect(self.session.message)

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return the controls and the forms."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return the numbers of the training."""
        return self.details

    @property
    def busy(self) -> bool:
        """Whether something is being prepared or the page still works on what it shows."""
        return super().busy or (self._active and self.trainer.phase == "preparing")

    def activate(self) -> None:
        """Show the training, and get ready for one; a training goes on when another workspace comes to the front."""
        super().activate()
        self.trainer.get_ready(self.plan, self._settings.training)

    # ---------------------------------------------------------------------- state

    @property
    def train_state(self) -> TrainState:
        """The workspace's state."""
        state: TrainState = self.state
        return state

    @property
    def plan(self) -> DataPlan:
        """What a training would learn from now."""
        data = self._settings.data
        ref = self.session.state.pair if data.source in OF_PAIR else None
        return DataPlan(data, self._settings.warp, ref)

    def _make_page(self, kind: type[Any]) -> TrainPage:
        page: TrainPage = kind(self.session, self.look, self.trainer)
        if page.picture() is not page:
            page.setFocusProxy(page.picture())
        page.use_wanted.connect(self.use_model)
        return page

    def _refresh(self) -> None:
        self.details.show_training()
        if self._front is not None:
            self._front.show_training()

    # ------------------------------------------------------------------- the training

    def start(self) -> None:
        """Train from scratch."""
        self.trainer.start(self.plan, self._settings.training)

    def resume(self) -> None:
        """Go on with the unfinished training, and show its settings."""
        if self.trainer.interrupted is None:
            self.session.message.emit(Message("There is no unfinished training to go on with."))
            return
        self._settings.set_training(self.trainer.interrupted[1])
        self.trainer.resume_interrupted()

    def _apply_remedy(self, change: tuple[str, str]) -> None:
        name, value = change
        try:
            settings = with_value(self._settings.training, name, value)
        except UserError as error:
            self.session.message.emit(Message(str(error), "error"))
            return
        self._settings.set_training(settings)
        running = self.trainer.phase in ("training", "paused")
        words = "Stop, then Start, to train with it." if running else "Start trains with it."
        self.session.message.emit(Message(f"The setting was changed. {words}"))

    # --------------------------------------------------------------------- keeping it

    def use_as_matcher(self) -> None:
        """Keep the newest network as a model, and match with it."""
        trainer, files = self.trainer, self.trainer.epoch_files
        settings = trainer.run or self._settings.training
        kept = Kept(trainer.prepared, settings, trainer.snapshot, *_newest(files), trainer.result)
        name = free_name(settings, self._settings.data.source)
        self._keeping.start(lambda: keep(kept, name))

    def use_model(self, name: str) -> None:
        """Match with a model: the matcher, its network and the span that it was trained with."""
        self.session.set_matcher("siamese")
        if self.session.state.matcher == "siamese":
            describe = with_value(with_value(self.session.settings.describe, "model", name), "span", "card")
            self.session.set_settings("describe", describe)

    def _kept(self, name: str) -> None:
        self.use_model(name)
        self.session.message.emit(Message(f"Kept as the model “{name}”; the matcher uses it."))


def _newest(files: tuple[Path, ...]) -> tuple[Path | None, int]:
    return (files[-1], len(files)) if files else (None, 0)
