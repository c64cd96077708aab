"""The button that takes a detector of the user's own into the list of those to choose from.

What lives here: :class:`DetectorImport`. What does not: files (``app.learning.detector_store``), the job
(``superpoint_jobs``). May import: those, errand, the session, Qt.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from app.learning.detector_store import SUFFIX
from app.ui.convnet.superpoint_jobs import imported
from app.ui.errand import Errand
from app.ui.session import Message, Session

LANE = "convnet-files"
TIP = "Copy a detector, made by “main.py detector --out FILE”, with its card into the list of weights, and choose it"


class DetectorImport(QPushButton):
    """Asks for a file and copies it; a wrong one is told in one sentence.

    Signals:
        imported: what ``detector_store`` finds the detector by.
    """

    imported = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Import detector…", parent)
        self.setToolTip(TIP)
        self.setAccessibleName("Import a detector")
        self._session = session
        self._errand = Errand(session.lane(LANE), self)
        self._errand.finished.connect(self._finished)
        self._errand.failed.connect(session.message)
        self.clicked.connect(lambda _checked=False: self._choose())

    @property
    def busy(self) -> bool:
        """Whether a file is being copied."""
        return self._errand.busy

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a detector", str(Path.home()), f"Detectors (*{SUFFIX})")
        if path:
            self.import_from(Path(path))

    def import_from(self, path: Path) -> None:
        """Copy a detector into the user's folder."""
        self._errand.start(lambda: imported(path))

    def _finished(self, which: str) -> None:
        self._session.message.emit(Message(f"Imported {Path(which).stem}."))
        self.imported.emit(which)
