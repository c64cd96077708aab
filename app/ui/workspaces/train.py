"""The Train workspace: a network learns in the background while its pages show what it has learned.

What lives here: :class:`TrainWorkspace`, which wires the trainer, the pages, the settings and the details. What does
not: the pages (``app.ui.train``), the run (``trainer``). May import: those, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.records import UserError
from app.settings import with_value
from app.ui.lane import Event
from app.ui.session import Message, Session, failure_message
from app.ui.style import Style
from app.ui.train import PAGES, PageEntry
from app.ui.train.controls import Controls
from app.ui.train.details import TrainDetails
from app.ui.train.keep import Kept, free_name, keep
from app.ui.train.keys import TrainActions
from app.ui.train.page import TrainPage
from app.ui.train.settings_panel import TrainSettingsPanel
from app.ui.train.sources import DataPlan
from app.ui.train.state import OF_PAIR, TrainState
from app.ui.train.trainer import Trainer
from app.ui.workspaces.base import Workspace

SHOW_MS = 100  # what is shown follows the training this often
FILES_LANE = "learn-files"


class TrainWorkspace(Workspace):
    """A row of page tabs, and below it the page in front."""

    key = "train"
    title = "Train"
    number = 5

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.trainer = Trainer(session, self)
        self.controls = Controls(self.trainer, style)
        self._settings = TrainSettingsPanel(session, self.controls)
        self.details = TrainDetails(self.trainer, style)
        self.files = session.lane(FILES_LANE)
        self.pages: dict[str, TrainPage] = {}
        self._front: TrainPage | None = None
        self._active = False
        self._job = 0
        self._timer = QTimer(self)  # many signals make one refresh
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._refresh)
        self.centre = QStackedWidget()
        self.tabs: dict[str, QToolButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._strip())
        column.addWidget(self.centre, 1)
        self.keys = TrainActions(self)
        self._connect()
        self._bring_to_front()
        self.details.show_training()

    def _strip(self) -> QWidget:
        strip = QWidget()
        strip.setObjectName("panel")
        strip.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        line = QHBoxLayout(strip)
        line.setContentsMargins(8, 4, 12, 4)
        line.setSpacing(4)
        group = QButtonGroup(self)
        for entry in PAGES:
            tab = QToolButton()
            tab.setText(entry.title)
            tab.setCheckable(True)
            tab.setProperty("role", "tab")
            tab.setToolTip(f"<p>{entry.tip}</p>")
            tab.clicked.connect(lambda _=False, key=entry.key: self.open_page(key))
            group.addButton(tab)
            line.addWidget(tab)
            self.tabs[entry.key] = tab
        line.addStretch(1)
        strip.setMinimumHeight(self.look.px(5))
        return strip

    def _connect(self) -> None:
        self.session.state_changed.connect(self._show_state)
        self.session.result_changed.connect(lambda _result: self._later())
        self.trainer.changed.connect(self._later)
        self.controls.start_wanted.connect(self.start)
        self.controls.resume_wanted.connect(self.resume)
        self.controls.lamp.remedy_wanted.connect(self._apply_remedy)
        self.details.use_wanted.connect(self.use_as_matcher)
        self.files.finished.connect(self._kept)
        self.files.failed.connect(self._not_kept)

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return the controls and the forms."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return the numbers of the training."""
        return self.details

    def actions(self) -> list[QAction]:
        """Return the workspace's actions and those of the page in front."""
        own = self.keys.listed
        return own if self._front is None else [*own, *self._front.actions()]

    def copy_picture(self) -> bool:
        """Copy what the page shows to the clipboard."""
        if self._front is None:
            return False
        QGuiApplication.clipboard().setPixmap(self._front.picture().grab())
        return True

    @property
    def busy(self) -> bool:
        """Whether something is being prepared or the page still works on what it shows."""
        return self._active and (
            self._timer.isActive()
            or self.trainer.phase == "preparing"
            or (self._front is not None and self._front.busy)
        )

    def activate(self) -> None:
        """Show the training, and get ready for one."""
        self._active = True
        self._bring_to_front()
        if self._front is not None:
            self._front.activate()
        self.trainer.get_ready(self.plan, self._settings.training)
        self._later()

    def deactivate(self) -> None:
        """Let the page rest; a training goes on."""
        self._active = False
        if self._front is not None:
            self._front.deactivate()

    # ---------------------------------------------------------------------- state

    @property
    def train_state(self) -> TrainState:
        """The workspace's state."""
        state: TrainState = self.session.workspace_state(self.key, TrainState())
        return state

    def open_page(self, key: str) -> None:
        """Bring a page to the front."""
        self.session.set_workspace_state(self.key, replace(self.train_state, page=key))

    @property
    def page(self) -> TrainPage | None:
        """The page in front."""
        return self._front

    @property
    def plan(self) -> DataPlan:
        """What a training would learn from now."""
        data = self._settings.data
        ref = self.session.state.pair if data.source in OF_PAIR else None
        return DataPlan(data, self._settings.warp, ref)

    def _show_state(self, _state: object) -> None:
        if self._active:
            self._bring_to_front()
            self._later()

    def _bring_to_front(self) -> None:
        entry = next((e for e in PAGES if e.key == self.train_state.page), PAGES[0])
        self.tabs[entry.key].setChecked(True)
        if self._front is not None and self._front.key == entry.key:
            return
        if self._front is not None:
            self._front.deactivate()
        page = self._page(entry)
        self._front = page
        self.setFocusProxy(page.picture())
        self.centre.setCurrentWidget(page)
        if self._active:
            page.activate()
            self._later()
        self.actions_changed.emit()

    def _page(self, entry: PageEntry) -> TrainPage:
        """Return a page, made at the first call."""
        if entry.key not in self.pages:
            page = entry.load()(self.session, self.look, self.trainer)
            page.use_wanted.connect(self.use_model)
            self.centre.addWidget(page)
            self.pages[entry.key] = page
        return self.pages[entry.key]

    def _later(self) -> None:
        if self._active and not self._timer.isActive():
            self._timer.start(SHOW_MS)

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
        self._job = self.files.start(lambda: keep(kept, name))

    def use_model(self, name: str) -> None:
        """Match with a model: the matcher, its network and the span that it was trained with."""
        self.session.set_matcher("siamese")
        if self.session.state.matcher == "siamese":
            describe = with_value(with_value(self.session.settings.describe, "model", name), "span", "card")
            self.session.set_settings("describe", describe)

    def _kept(self, event: Event) -> None:
        if event.job == self._job:
            self.use_model(event.value)
            self.session.message.emit(Message(f"Kept as the model “{event.value}”; the matcher uses it."))

    def _not_kept(self, event: Event) -> None:
        if event.job == self._job:
            self.session.message.emit(failure_message(event))


def _newest(files: tuple[Path, ...]) -> tuple[Path | None, int]:
    return (files[-1], len(files)) if files else (None, 0)
