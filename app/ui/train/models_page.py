"""The page of models: those that ship with the program and the user's own, with what their cards say.

What lives here: :class:`ModelsPage`. What does not: files (``app.learning.model_store``), the jobs on them
(``model_jobs``). May import: those, facts, the page's base, Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.jobs import Job
from app.ui.errand import Errand
from app.ui.facts import Facts, sentence
from app.ui.panel import heading
from app.ui.session import Message
from app.ui.train.model_jobs import Listed, card_rows, deleted, exported, imported, listing, renamed
from app.ui.train.page import Headed, TrainPage

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

LANE = "learn-models"
SURE_MS = 4000
DELETE, SURE = "Delete", "Delete for ever?"
NONE = "No model yet: train one and press Use as matcher, or import one."
SHIPPED = "This model comes with the program and stays as it is"
CHOOSE = "Choose a model in the list first"


class ModelsPage(TrainPage):
    """The list, the card of the chosen model, and what can be done with it."""

    key: ClassVar[str] = "models"
    title: ClassVar[str] = "Models"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self._errand = Errand(session.lane(LANE), self)
        self._said, self._then = "", ""
        self._shown: tuple[Listed, ...] | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Models")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.part = Headed("MODELS", self.list)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the model")
        self.name.setToolTip("Write another name, then Rename")
        self.name.setMaxLength(80)
        self.card = Facts(look, "Card of the model")
        self.empty = sentence(NONE)
        self.use = self._button("Use as matcher", self._use, "Match with this model")
        self.rename = self._button("Rename", self._rename, "Give the model the name in the field")
        self.delete = self._button(DELETE, self._delete, "Delete the model with its card")
        self.export = self._button("Export ONNX…", self._export, "Write the network for OpenCV and other programs")
        self.importing = self._button("Import…", self._import, "Copy a network with its card into the list")
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(SURE_MS)
        self._sure.timeout.connect(lambda: self.delete.setText(DELETE))
        self._lay_out()
        self._add_delete_key()
        self.list.currentRowChanged.connect(lambda _row: self._show_chosen())
        self.list.itemActivated.connect(lambda _item: self._use())
        self.name.textChanged.connect(lambda _text: self._show_buttons())
        self.name.returnPressed.connect(self._rename)
        self._errand.finished.connect(self._finished)
        self._errand.failed.connect(self.session.message)
        self._show_chosen()

    def _button(self, text: str, run: Callable[[], None], tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("tip", tip)
        button.setToolTip(tip)
        button.clicked.connect(lambda _=False: run())
        return button

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setContentsMargins(8, 8, 8, 8)
        side.setSpacing(8)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.name, 1)
        line.addWidget(self.rename)
        side.addLayout(line)
        buttons = QGridLayout()
        buttons.setSpacing(8)
        for index, button in enumerate((self.use, self.export, self.importing, self.delete)):
            buttons.addWidget(button, index // 2, index % 2)
        side.addLayout(buttons)
        side.addWidget(heading("CARD"))
        side.addWidget(self.card)
        side.addWidget(self.empty)
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
        action.triggered.connect(lambda _=False: self.delete.click())
        self.list.addAction(action)

    # ------------------------------------------------------------------------- what is there

    @property
    def chosen(self) -> Listed | None:
        """The model chosen in the list."""
        row = self.list.currentRow()
        return self._shown[row] if self._shown and 0 <= row < len(self._shown) else None

    def activate(self) -> None:
        """Read the list anew: models may have come since."""
        self.refresh("")

    def refresh(self, choose: str) -> None:
        """Read the list of models, then choose one by its name (empty: as before)."""
        self._start(listing(), "", choose)

    def show_training(self) -> None:
        """Nothing here follows a training."""

    @property
    def busy(self) -> bool:
        """Whether files are being read or written."""
        return self._errand.busy

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
        self.name.setText("" if model is None else model.name)
        self.card.set_rows([] if model is None else card_rows(model))
        self.empty.setVisible(model is None and self._shown is not None)
        self._sure.stop()
        self.delete.setText(DELETE)
        self._show_buttons()

    def _show_buttons(self) -> None:
        model = self.chosen
        none = CHOOSE if model is None else ""
        broken = "" if model is None or model.card is not None else "This file cannot be read"
        own = SHIPPED if model is not None and model.shipped else ""
        same = "Write another name into the field first" if model is not None and self.name.text() == model.name else ""
        self.name.setEnabled(not (none or own))
        for button, reason in (
            (self.use, none or broken),
            (self.export, none or broken),
            (self.rename, none or own or broken or same),
            (self.delete, none or own),
        ):
            button.setEnabled(not reason)
            button.setToolTip(reason or str(button.property("tip")))

    # --------------------------------------------------------------------- what can be done

    def _start(self, job: Job[str] | Job[tuple[Listed, ...]], said: str, choose: str) -> None:
        self._said, self._then = said, choose
        self._errand.start(lambda: job)

    def _use(self) -> None:
        if self.chosen is not None and self.use.isEnabled():
            self.use_wanted.emit(self.chosen.name)

    def _rename(self) -> None:
        model, name = self.chosen, self.name.text().strip()
        if model is not None and self.rename.isEnabled():
            self._start(renamed(model.name, name), f"The model {model.name} is now called {name}.", name)

    def _delete(self) -> None:
        model = self.chosen
        if model is None:
            return
        if self.delete.text() != SURE:
            self.delete.setText(SURE)
            self._sure.start()
            return
        self._start(deleted(model.name), f"The model {model.name} was deleted.", "")

    def _export(self) -> None:
        model = self.chosen
        if model is None:
            return
        start = str(Path.home() / f"{model.name}.onnx")
        path, _ = QFileDialog.getSaveFileName(self, "Export the network", start, "ONNX (*.onnx)")
        if path:
            self.export_to(Path(path))

    def export_to(self, target: Path) -> None:
        """Write the chosen model as ONNX."""
        if self.chosen is not None:
            self._start(exported(self.chosen.path, target), f"Exported to {target}.", self.chosen.name)

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a network", str(Path.home()), "Networks (*.safetensors)")
        if path:
            self.import_from(Path(path))

    def import_from(self, path: Path) -> None:
        """Copy a network into the list."""
        self._start(imported(path), f"Imported {path.stem}.", path.stem)

    def _finished(self, answer: str | tuple[Listed, ...]) -> None:
        if isinstance(answer, tuple):
            self._show_list(answer, self._then)
            return
        if self._said:
            self.session.message.emit(Message(self._said))
        self.refresh(self._then)
