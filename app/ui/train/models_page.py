"""The page of models: those that ship with the program and the user's own, with what their cards say.

What lives here: :class:`ModelsPage`. What does not: files (``app.learning.model_store``), the jobs on them
(``model_jobs``), the card and what is done with it (``own_card``), the dialog for a file to write (``match_export``).
May import: those, the page's base, Qt.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.errand import Errand
from app.ui.file_names import following
from app.ui.match_export import AskPath, ask_path
from app.ui.own_card import DELETE, OwnCard, action_button, set_reason
from app.ui.own_work import FileDone
from app.ui.session import Message
from app.ui.train.model_jobs import LANE, MODELS, Listed, exported, listing, text_of
from app.ui.train.page import Headed, TrainPage

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

NONE = "No model yet: train one and press Use as matcher, or import one."
CHOOSE = "Choose a model in the list first"


class ModelsPage(TrainPage):
    """The list, the card of the chosen model, and what can be done with it."""

    key: ClassVar[str] = "models"
    title: ClassVar[str] = "Models"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self._errand = Errand(session.lane(LANE), self)
        self.ask: AskPath = ask_path
        self._then = ""
        self._shown: tuple[Listed, ...] | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Models")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.part = Headed("MODELS", self.list)
        self.use = action_button("Use as matcher", self._use, "Match with this model")
        self.export = action_button("Export ONNX…", self._export, "Write the network for OpenCV and other programs")
        self.own = OwnCard(session, look, MODELS, (self.use, self.export), CHOOSE)
        self._lay_out()
        self._add_delete_key()
        self.list.currentRowChanged.connect(lambda _row: self._show_chosen())
        self.list.itemActivated.connect(lambda _item: self._use())
        self.own.done.connect(self._done)
        self.own.failed.connect(lambda _message: self.refresh(""))
        self._errand.finished.connect(self._finished)
        self._errand.failed.connect(self.session.message)
        self._show_chosen()

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setContentsMargins(8, 8, 8, 8)
        side.addWidget(self.own)
        side.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 8)
        row.setSpacing(8)
        row.addWidget(self.part, 1)
        row.addLayout(side, 1)

    def _add_delete_key(self) -> None:
        action = QAction(DELETE, self.list)
        action.setShortcut(QKeySequence(Qt.Key.Key_Delete))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _=False: self.own.delete.click())
        self.list.addAction(action)

    # ------------------------------------------------------------------------- what is there

    @property
    def chosen(self) -> Listed | None:
        """The model chosen in the list."""
        row = self.list.currentRow()
        return self._shown[row] if self._shown and 0 <= row < len(self._shown) else None

    def activate(self) -> None:
        """Read the list anew: models may have come since."""
        if not self.own.busy:  # it is read after that
            self.refresh("")

    def refresh(self, choose: str) -> None:
        """Read the list of models, then choose one by its name (empty: as before)."""
        self._then = choose
        self._errand.start(listing)

    def show_training(self) -> None:
        """Nothing here follows a training."""

    @property
    def busy(self) -> bool:
        """Whether files are being read or written."""
        return self._errand.busy or self.own.busy

    def picture(self) -> QWidget:
        """Return the list, which gets the keyboard."""
        return self.list

    def _show_list(self, models: tuple[Listed, ...], choose: str) -> None:
        before = choose or (self.chosen.name if self.chosen is not None else "")
        self._shown = models
        with QSignalBlocker(self.list):
            self.list.clear()
            for model in models:
                item = QListWidgetItem(model.title)
                item.setSizeHint(QSize(0, self.look.px(4)))
                item.setToolTip(str(model.path))
                self.list.addItem(item)
            names = [model.name for model in models]
            self.list.setCurrentRow(names.index(before) if before in names else (0 if names else -1))
        own = sum(not model.shipped for model in models)
        self.part.set_value(f"{own} of your own" if own else "none of your own yet")
        self._show_chosen()

    def _show_chosen(self) -> None:
        model = self.chosen
        text = None if model is None else text_of(model)
        self.own.show_text(text, NONE if self._shown is not None else "")
        reason = CHOOSE if text is None else text.broken
        for button in (self.use, self.export):
            set_reason(button, reason)

    # --------------------------------------------------------------------- what can be done

    def _use(self) -> None:
        if self.chosen is not None and self.use.isEnabled():
            self.use_wanted.emit(self.chosen.name)

    def _export(self) -> None:
        model = self.chosen
        if model is None:
            return
        start = str(Path.home() / f"{model.name}.onnx")
        if path := self.ask(self, "Export the network", start, "ONNX (*.onnx)"):
            self.export_to(Path(path))

    def export_to(self, target: Path) -> None:
        """Write the chosen model as ONNX."""
        if (model := self.chosen) is not None:
            self._errand.start(lambda: exported(model.path, target))

    def import_from(self, path: Path) -> None:
        """Copy a network into the list."""
        self.own.import_from(path)

    def _done(self, done: FileDone) -> None:
        if done.before:
            self.session.change_throughout(following("model", done.before, done.after))
        self.refresh(done.after)

    def _finished(self, answer: Path | tuple[Listed, ...]) -> None:
        if isinstance(answer, tuple):
            self._show_list(answer, self._then)
        else:
            self.session.message.emit(Message(f"Exported to {answer}."))
