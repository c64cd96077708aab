"""The card of one file of the user's own, and what can be done with it: another name, deleting, importing another.

What lives here: :class:`OwnCard`. What does not: the work (``own_work``), which file it is (the owner's). May import:
own_work, facts, errand, the session, Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.jobs import Job
from app.ui.errand import Errand
from app.ui.facts import Facts, sentence
from app.ui.own_work import FileDone, FileText, FileWork
from app.ui.panel import heading
from app.ui.session import Message, Session

if TYPE_CHECKING:
    from app.ui.style import Style

SURE_MS = 4000
DELETE, SURE = "Delete", "Delete for ever?"
OTHER_NAME = "Write another name into the field first"


class OwnCard(QWidget):
    """A name that can be changed, buttons, and the rows of a card; deleting asks once more on its own button.

    What is done, and what goes wrong, is told in the message line. Of two things asked for at once the second waits
    for nobody: it is left.

    Args:
        buttons: of the owner's, that stand before the card's own.
        none: why there is nothing to do while no file is shown.
        head: over the rows; empty where the whole has a head of its own.

    Signals:
        done: the :class:`FileDone`; what is shown is the owner's to change.
        failed: the :class:`Message`; the file may be gone, or another one now.
        help_wanted: what the button under the cursor or with the focus does, or why it cannot.
    """

    done = Signal(object)
    failed = Signal(object)
    help_wanted = Signal(object)

    def __init__(
        self,
        session: Session,
        look: Style,
        work: FileWork,
        buttons: Sequence[QPushButton] = (),
        none: str = "",
        head: str = "CARD",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._work, self._none = session, work, none
        self.text: FileText | None = None
        self._errand = Errand(session.lane(work.lane), self)
        self.name = QLineEdit()
        self.name.setAccessibleName(f"Name of the {work.kind}")
        self.name.setMaxLength(80)
        self.card = Facts(look, f"Card of the {work.kind}", fill=True)
        self.words = sentence("")
        self.words.setMinimumWidth(1)  # one long word, a path, must not push the panel wider
        self.rename = action_button("Rename", self._rename, f"Give the {work.kind} the name in the field")
        self.delete = action_button(DELETE, self._delete, f"Delete the {work.kind} with its card")
        self.importing = action_button("Import…", self._import, work.import_tip)
        for button, name in ((self.rename, "Rename the"), (self.delete, "Delete the"), (self.importing, "Import a")):
            button.setAccessibleName(f"{name} {work.kind}")
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(SURE_MS)
        self._sure.timeout.connect(lambda: self.delete.setText(DELETE))
        self._lay_out(buttons, head)
        self.name.textChanged.connect(lambda _text: self._show_buttons())
        self.name.returnPressed.connect(self._rename_or_say_why)
        self._errand.finished.connect(self._finished)
        self._errand.failed.connect(self._failed)
        for widget in (self.name, self.rename, self.delete, self.importing):
            widget.installEventFilter(self)
        self.show_text(None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Say what a button does when the cursor or the focus comes to it, greyed out or not."""
        if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn) and isinstance(watched, QWidget):
            self.help_wanted.emit(watched.toolTip())
        return False

    def _lay_out(self, buttons: Sequence[QPushButton], head: str) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.name, 1)
        line.addWidget(self.rename)
        grid = QGridLayout()
        grid.setSpacing(8)
        for index, button in enumerate((*buttons, self.importing, self.delete)):
            grid.addWidget(button, index // 2, index % 2)
            grid.setColumnStretch(index % 2, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addLayout(grid)
        if head:
            column.addWidget(heading(head))
        column.addWidget(self.words)
        column.addWidget(self.card)

    @property
    def busy(self) -> bool:
        """Whether a file is being renamed, deleted or copied."""
        return self._errand.busy

    def show_text(self, text: FileText | None, words: str = "") -> None:
        """Show a file, or that there is none, and why; a name being written stays while the file is the same."""
        if self.text != text or text is None:
            self.text = text
            self.name.setText("" if text is None else text.name)
            self.name.setCursorPosition(0)  # of a long name its beginning is seen
            self.card.set_rows([] if text is None else text.rows)
            self._doubt()
        said = words if text is None else text.words
        self.words.setText(said)
        self.words.setVisible(bool(said))
        self._show_buttons()

    def _doubt(self) -> None:
        """Ask again before anything is deleted."""
        self._sure.stop()
        self.delete.setText(DELETE)

    @property
    def why_no_rename(self) -> str:
        """Why the file cannot be given the name in the field; empty if it can be tried."""
        if self.text is None:
            return self._none
        same = self.name.text().strip() in ("", self.text.name)
        return self.text.fixed or self.text.broken or (OTHER_NAME if same else "")

    def _show_buttons(self) -> None:
        why = self._none if self.text is None else self.text.fixed
        for widget, greyed in ((self.name, why), (self.rename, self.why_no_rename), (self.delete, why)):
            if greyed and widget.hasFocus():  # else the keyboard would go on to whatever the window has next
                (self.importing if why else self.name).setFocus()
        self.name.setEnabled(not why)
        self.name.setToolTip(why or "Write another name, then Rename")
        set_reason(self.rename, self.why_no_rename)
        set_reason(self.delete, why)

    # --------------------------------------------------------------------- what can be done

    def _start(self, job: Job[FileDone]) -> None:
        if not self.busy:
            self._errand.start(lambda: job)

    def _rename(self) -> None:
        if self.text is not None and not self.why_no_rename:
            self._start(self._work.renamed(self.text, self.name.text().strip()))

    def _rename_or_say_why(self) -> None:
        if why := self.why_no_rename:
            self._session.message.emit(Message(f"{why}.", "error"))
        self._rename()

    def _delete(self) -> None:
        if self.text is None:
            return
        if self.delete.text() != SURE:
            self.delete.setText(SURE)
            self._sure.start()
            return
        self._doubt()
        self._start(self._work.deleted(self.text))

    def _import(self) -> None:
        holds, suffix = self._work.holds, self._work.suffix
        path, _ = QFileDialog.getOpenFileName(
            self, f"Import a {holds}", str(Path.home()), f"{holds.capitalize()}s (*{suffix})"
        )
        if path:
            self.import_from(Path(path))

    def import_from(self, path: Path) -> None:
        """Copy a file with its card into the user's folder."""
        self._start(self._work.imported(path))

    def _finished(self, done: FileDone) -> None:
        self._session.message.emit(Message(done.told))
        self.done.emit(done)

    def _failed(self, message: Message) -> None:
        self._session.message.emit(message)
        self.failed.emit(message)


def action_button(text: str, run: Callable[[], None], tip: str) -> QPushButton:
    """Return a button that does something, and says what as long as it can be clicked (:func:`set_reason`)."""
    button = QPushButton(text)
    button.setProperty("tip", tip)
    button.setToolTip(tip)
    button.clicked.connect(lambda _=False: run())
    return button


def set_reason(button: QPushButton, reason: str) -> None:
    """Grey a button out and let it say why, or, for an empty reason, offer it again."""
    button.setEnabled(not reason)
    button.setToolTip(reason or str(button.property("tip")))
