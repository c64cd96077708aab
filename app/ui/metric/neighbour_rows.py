"""The rows of buttons of the Neighbours page: opening labelled data, and making a learned metric a matcher.

What lives here: :class:`FileRow` and :class:`MatcherRow`. What does not: reading and learning. May import:
``as_matcher``, the session, Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QWidget

from app.jobs import Progress
from app.learning import metric_store
from app.records import UserError
from app.settings import with_value
from app.ui.errand import Errand
from app.ui.match_export import AskPath, ask_path
from app.ui.metric.as_matcher import chosen_pairs, learn_matcher
from app.ui.metric.neighbour_state import NeighbourState
from app.ui.session import Message, Session

METRICS = "Metric L (*.npz)"
FILES = "Labelled data (*.csv *.npz *.mat *ubyte *ubyte.gz);;All files (*)"


def _line(row: QWidget) -> QHBoxLayout:
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(8)
    return line


class FileRow(QWidget):
    """Signals: ``opened`` the path of a file or folder."""

    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = ""
        self.file, self.folder = QPushButton("Open file…"), QPushButton("Open folder…")
        self.file.setToolTip("A .csv or .npz, an idx file of MNIST, or olivettifaces.mat")
        self.folder.setToolTip("One folder of pictures per class")
        self.file.clicked.connect(self._ask_file)
        self.folder.clicked.connect(self._ask_folder)
        line = _line(self)
        line.addWidget(self.file)
        line.addWidget(self.folder)
        line.addStretch(1)

    def _ask_file(self) -> None:
        start = self.path or str(Path.home())
        self._tell(QFileDialog.getOpenFileName(self, "Open labelled data", start, FILES)[0])

    def _ask_folder(self) -> None:
        title, start = "Open a folder with one folder of pictures per class", self.path or str(Path.home())
        self._tell(QFileDialog.getExistingDirectory(self, title, start))

    def _tell(self, path: str) -> None:
        if path:
            self.opened.emit(path)


class MatcherRow(QWidget):
    """Learns from all places of the chosen pairs, keeps the metric, matches with it, and writes it to a file.

    Attributes:
        ask: asks for the file to write (replaced in tests).
    """

    def __init__(self, session: Session, state: Callable[[], NeighbourState], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._state = session, state
        self.use = QPushButton("Use as matcher")
        self.use.clicked.connect(self._start_or_cancel)
        self.export = QPushButton("Export L…")
        self.export.clicked.connect(self._export)
        self.ask: AskPath = ask_path
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        line = _line(self)
        line.addWidget(self.use)
        line.addWidget(self.export)
        line.addWidget(self.words, 1)
        self._learning = Errand(session.lane("metric-matcher"), self)
        self._learning.progressed.connect(self._on_progress)
        self._learning.finished.connect(self._learned)
        self._learning.failed.connect(self._on_failed)
        self._learning.cancelled.connect(self.show_state)
        session.state_changed.connect(lambda _state: self.show_state())

    @property
    def busy(self) -> bool:
        """Whether a metric is being learned."""
        return self._learning.busy

    def show_state(self) -> None:
        """Show what the button would do."""
        if self.busy:
            return
        own = self._state().source == "open"
        what = "the open pair; judge it on another" if own else "the other pairs of the list, so the open one is unseen"
        self.use.setText("Use as matcher")
        there = self._session.state.pair is not None
        self.use.setEnabled(there)
        self.use.setToolTip("Learn from all places, keep the metric, and match with it" if there else "No pair is open")
        self.words.setText(f"Learns from {what}.")
        kept = self._kept()
        self.export.setEnabled(bool(kept))
        self.export.setToolTip(
            f"Write the metric “{kept}”, with what it was learned from, to a file" if kept else "No metric is kept yet"
        )

    def _kept(self) -> str:
        """Name of the metric that the matcher uses, else of the newest kept one; empty if there is none."""
        state, names = self._session.state, metric_store.names()
        used = str(getattr(self._session.settings.describe, "metric", "")) if state.matcher == "learned-metric" else ""
        return used if used in names else next(iter(names), "")

    def _export(self) -> None:
        name = self._kept()
        path = self.ask(self, "Export the learned metric", f"{name}.npz", METRICS) if name else ""
        if not path:
            return
        try:
            metric_store.write_metric(path, metric_store.load(name))
        except UserError as error:
            self._session.message.emit(Message(str(error), "error"))
            return
        self._session.message.emit(Message(f"Saved {path}."))

    def _start_or_cancel(self) -> None:
        if self.busy:
            self._learning.cancel()
            return
        state, ref = self._state(), self._session.state.pair
        if ref is None:
            return
        try:
            refs = chosen_pairs(state, ref, self._session.pairs)
        except UserError as error:
            self._session.message.emit(Message(str(error), "error"))
            return
        self._learning.start(lambda: learn_matcher(state, refs))
        self.use.setText("Cancel")
        self.use.setToolTip("Stop learning; nothing is kept")
        self.words.setText("Reading the pairs …")

    def _on_progress(self, done: Progress) -> None:
        share = f" ({done.done:g} of {done.total:g})" if done.total else ""
        self.words.setText(f"{done.text}{share} …")

    def _learned(self, name: str) -> None:
        session = self._session
        session.set_matcher("learned-metric")
        if session.state.matcher == "learned-metric":
            session.set_settings("describe", with_value(session.settings.describe, "metric", name))
            session.message.emit(Message(f"Kept as the metric “{name}”; the matcher uses it."))
        self.show_state()

    def _on_failed(self, message: Message) -> None:
        self._session.message.emit(message)
        self.show_state()
