"""The detector that looks: its card, and another name, deletion or import of the user's own, in the panel of settings.

What lives here: :class:`DetectorFiles`. What does not: the card's widget (``own_card``), the work and the words
(``detector_work``). May import: those, panel, errand, the session, the page's state, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.learning.detector_store import TRAINED
from app.ui.convnet.detector_work import DETECTORS, described
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SuperPointState
from app.ui.errand import Errand
from app.ui.file_names import following
from app.ui.own_card import OwnCard
from app.ui.own_work import FileDone
from app.ui.panel import heading
from app.ui.session import Session

if TYPE_CHECKING:
    from app.ui.style import Style

CARD_LANE = "convnet-cards"  # one of its own: reading a card must not stop a file being written
READING = "The card is being read"


class DetectorFiles(QWidget):
    """Shows the card of the detector that is chosen, and keeps the session true to the files.

    One that got another name has it in all states that undo and redo lead to; one that was deleted is the shipped one
    there: no state then names a file that is gone.

    Signals:
        changed: a file came, went, or has another name.
        help_wanted: what the button under the cursor or with the focus does, or why it cannot.
    """

    changed = Signal()
    help_wanted = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._which = session, TRAINED
        self.own = OwnCard(session, look, DETECTORS, none=READING, head="")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addWidget(heading("DETECTOR"))
        column.addWidget(self.own)
        self._reading = Errand(session.lane(CARD_LANE), self)
        self._reading.finished.connect(self.own.show_text)
        self._reading.failed.connect(session.message)
        self.own.help_wanted.connect(self.help_wanted)
        self.own.done.connect(self._done)
        self.own.failed.connect(lambda _message: self._read())

    @property
    def busy(self) -> bool:
        """Whether a file is being read, renamed, deleted or copied."""
        return self.own.busy or self._reading.busy

    def show_detector(self, which: str) -> None:
        """Show the card of a detector, by what ``detector_store`` finds it by."""
        if which != self._which:
            self._which = which
            self._read()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the card anew: its file may have changed since."""
        super().showEvent(event)
        self._read()

    def _read(self) -> None:
        which = self._which
        self._reading.start(lambda: described(which))

    def _done(self, done: FileDone) -> None:
        key, nothing = SUPERPOINT_KEY, SuperPointState()
        if done.before:
            self._session.change_throughout(following("detector", done.before, done.after or TRAINED))
        else:
            state: SuperPointState = self._session.workspace_state(key, nothing)
            self._session.set_workspace_state(key, replace(state, weights=done.after))
        self._read()
        self.changed.emit()
