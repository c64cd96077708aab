"""The Neighbours page: items whose nearest neighbour changes from Euclid to a learned metric, as on the slide.

What lives here: :class:`NeighbourPage`. What does not: learning and judging (``app.learning.strip``). May import:
those, the form, the session, numpy, Qt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.jobs import Job, Progress, native, relayed
from app.learning import data_sets
from app.learning.data_files import DataSet, is_data
from app.learning.descriptor_data import DescriptorSettings, Located, located
from app.learning.strip import KINDS, Strip, strip
from app.records import ImagePair, UInt8, UserError
from app.ui.errand import Errand
from app.ui.explanation import Words
from app.ui.facts import sentence
from app.ui.form import Form, build
from app.ui.metric.alike_view import AlikeView
from app.ui.metric.form_rows import show_rows
from app.ui.metric.item_pictures import Colour, item_picture, patch_picture
from app.ui.metric.learning import Learning
from app.ui.metric.neighbour_rows import FileRow, MatcherRow
from app.ui.metric.neighbour_state import NEIGHBOUR_KEY, OTHERS, NeighbourState, used_fields
from app.ui.metric.page import MetricPage
from app.ui.metric.plots import short
from app.ui.metric.state import MetricState
from app.ui.metric.strip_view import MOST, StripView
from app.ui.metric.words import NEIGHBOURS
from app.ui.opening import paths_of, take_copy
from app.ui.session import Message, Session
from app.ui.style import Style

KEYPOINTS = 500  # of each picture of a pair
NO_FILE = (
    "Open labelled data: a CSV with a label column, an npz with x and y, MNIST or Fashion-MNIST, Olivetti faces, or a "
    "folder with one folder of pictures per class. A file can also be dropped here."
)
WORDS = {"better": "become right", "worse": "become wrong", "other": "wrong both times", "same": "right both times"}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A strip, and where its rows come from."""

    strip: Strip
    source: DataSet | Located


def strip_job(state: NeighbourState, pair: ImagePair | None) -> Job[Outcome]:
    """Read the items, then learn and ask fold by fold; payloads are outcomes so far."""
    yield Progress(0, None, "Reading the items")
    source: DataSet | Located
    if state.data == "pair":
        if pair is None:
            raise UserError("No pair is open; open one at the left, or choose other items.")
        source = yield from _quiet(located([pair], DescriptorSettings(count=KEYPOINTS)))
    else:
        name = state.file if state.data == "file" else state.data
        progress = Progress(0, None, f"Reading {Path(name).name}")
        (source,) = yield from native(
            lambda: data_sets.load(name).sample(state.items, seed=state.seed), progress=progress
        )
    steps = strip(
        source,
        state.row,
        state.learner_settings(),
        k=state.neighbours,
        folds=state.folds,
        seed=state.seed,
        standardise=state.data == "file" and state.standardise,
    )
    found = yield from relayed(
        steps, lambda step: replace(step, payload=None if step.payload is None else Outcome(step.payload, source))
    )
    return Outcome(found, source)


def _quiet(job: Job[Located]) -> Job[Located]:
    """Run a job without its payloads."""
    return (yield from relayed(job, lambda step: replace(step, payload=None)))


class NeighbourPage(MetricPage):
    """What changed in words above, the columns of items below."""

    key = "neighbours"
    title = "Neighbours"
    section = "NEIGHBOURS"

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, learning, parent)
        self.state = NeighbourState()
        self.outcome: Outcome | None = None
        self.fault = ""
        self._stage = ""
        self._pair: ImagePair | None = None
        self._shown: object = None
        self._asked: tuple[Any, ...] = ()
        self.form: Form = build(self.state)
        self.head = QLabel()
        self.head.setProperty("role", "title")
        self.head.setWordWrap(True)
        self.told = sentence("")
        self.view = StripView(look)
        self.alike = AlikeView(look)
        self.alike.hide()
        self.files = FileRow()
        self.matcher = MatcherRow(session, lambda: self.state)
        scroll = QScrollArea()
        scroll.setObjectName("panelScroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(self.head)
        words.addWidget(self.told)
        words.addWidget(self.files)
        words.addWidget(self.matcher)
        words.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(24)
        top.addLayout(words, 1)
        top.addWidget(self.alike, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(top)
        column.addWidget(scroll, 1)
        self.setFocusProxy(self.view)
        self.setAcceptDrops(True)
        self._connect()

    def _connect(self) -> None:
        self.look.changed.connect(self._show_look)
        self.files.opened.connect(self.take_file)
        self.session.state_changed.connect(lambda _state: self._take())
        self.session.result_changed.connect(lambda _result: self._take())
        self.form.changed.connect(self._form_changed)
        self.view.chosen.connect(self._chosen)
        self._strip = Errand(self.session.lane("strip"), self)
        self._strip.progressed.connect(self._on_progress)
        self._strip.finished.connect(self._on_finished)
        self._strip.failed.connect(self._on_failed)
        self._strip.cancelled.connect(self._on_cancelled)

    # ----------------------------------------------------------------------- files

    def take_file(self, path: str) -> None:
        """Ask the items of a file or folder; one that is shown already is read again."""
        state = replace(self.state, data="file", file=path, chosen=0)
        if state == self.state:
            self.again()
        else:
            self.session.set_workspace_state(NEIGHBOUR_KEY, state)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take labelled data; pictures are for the window."""
        paths = paths_of(event.mimeData())
        if len(paths) == 1 and is_data(paths[0]):
            take_copy(event)
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask the items of what was dropped."""
        take_copy(event)
        self.take_file(paths_of(event.mimeData())[0])

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether the folds are being asked, or a matcher is being learned."""
        return self._strip.busy or self.matcher.busy

    @property
    def words(self) -> Words:
        """What the page shows, in words."""
        return NEIGHBOURS

    def show_state(self, _state: MetricState) -> None:
        """Show the page's own state."""
        self._take()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin, or go on where it was left."""
        super().showEvent(event)
        self._take()

    def deactivate(self) -> None:
        """Let a strip that nobody looks at be."""
        self.cancel()

    def cancel(self) -> None:
        """Stop; the folds asked so far stay."""
        self._strip.cancel()

    def again(self) -> None:
        """Learn and ask anew."""
        self._asked = ()
        self._take()

    def _form_changed(self, state: NeighbourState) -> None:
        self.session.set_workspace_state(NEIGHBOUR_KEY, replace(state, chosen=0, file=self.state.file))

    def _chosen(self, at: int) -> None:
        self.session.set_workspace_state(NEIGHBOUR_KEY, replace(self.state, chosen=int(at)))

    def _take(self) -> None:
        """Show the session's state; learn if its question is another one."""
        state: NeighbourState = self.session.workspace_state(NEIGHBOUR_KEY, NeighbourState())
        self.state = state
        if self.form.settings != state:
            self.form.set_values(state)
        show_rows(self.form, used_fields(state))
        self.files.path = state.file
        self.files.setVisible(state.data == "file")
        self.matcher.setVisible(state.data == "pair")
        self.matcher.show_state()
        if not self.isVisible():
            return
        if state.data == "file" and not state.file:
            self.cancel()
            self._asked, self.outcome, self.fault, self._stage = (), None, "", NO_FILE
            self.refresh()
            return
        result = self.session.result
        pair = None if state.data != "pair" or result is None else result.pair
        asked = (replace(state, chosen=0, source=OTHERS), None if pair is None else (pair.left.id, pair.right.id))
        if asked != self._asked and not (state.data == "pair" and pair is None and self.session.busy):
            self._asked, self.fault, self.outcome, self._pair = asked, "", None, pair
            self._stage = "Reading the items …"
            self._strip.start(lambda: strip_job(state, pair))
        self.refresh()

    # ----------------------------------------------------------------------- lane

    def _on_progress(self, progress: Progress) -> None:
        self._stage = f"{progress.text} …"
        if isinstance(progress.payload, Outcome):
            self.outcome = progress.payload
        self.refresh()

    def _on_finished(self, outcome: Outcome) -> None:
        self.outcome, self._stage = outcome, ""
        self.refresh()

    def _on_failed(self, message: Message) -> None:
        self._stage, self.fault = "", message.text
        self.session.message.emit(message)
        self.refresh()

    def _on_cancelled(self) -> None:
        self._stage = ""
        if not self.isVisible():
            self._asked = ()  # it begins anew when it is looked at
        self.refresh()

    # -------------------------------------------------------------------- showing

    def refresh(self) -> None:
        """Draw what there is."""
        outcome = self.outcome
        if self.fault or outcome is None:
            self.head.setText(self.fault or self._stage or "Stopped; “Learn again” in the menu begins anew.")
            self.told.clear()
            self.view.show_changes((), 0, None, str, fresh=True)
            self.alike.show_pairs((), self._picture)
            self.facts.emit(([], ""))
            return
        found = outcome.strip
        asked, total = found.folds
        note = "" if asked == total else f"   ({asked} of {total} folds so far)"
        self.head.setText(f"Nearest neighbour wrong: {found.nearest.sentence()}{note}")
        self.told.setText(self._sentence(found))
        at = min(self.state.chosen, max(0, len(found.changes) - 1))
        fresh = outcome.source is not self._shown
        self._shown = outcome.source
        self.view.show_changes(found.changes, at, self._picture, self._word, fresh=fresh)
        self.alike.show_pairs(found.alike, self._picture)
        self.facts.emit((self._rows(found, at), self._notes(found)))

    def _sentence(self, found: Strip) -> str:
        count = len(found.changes)
        counts = ", ".join(f"{found.count(kind)} {WORDS[kind]}" for kind in KINDS if found.count(kind))
        shown = f" The first {MOST} are shown." if count > MOST else ""
        if not count:
            return "No item has another nearest neighbour under the learned metric."
        return f"{count} of {found.nearest.items} items have another nearest neighbour: {counts}.{shown}"

    def _rows(self, found: Strip, at: int) -> list[tuple[str, str]]:
        nearest, voted = found.nearest, found.voted
        rows = [("1-NN error", f"{100 * nearest.before:.1f} → {100 * nearest.after:.1f} %"),
                ("p of 1-NN, McNemar", short(nearest.p_value))]  # fmt: skip
        if self.state.data != "pair":
            rows += [(f"{self.state.neighbours}-NN error", f"{100 * voted.before:.1f} → {100 * voted.after:.1f} %"),
                     (f"p of {self.state.neighbours}-NN", short(voted.p_value))]  # fmt: skip
        if found.changes:
            change = found.changes[at]
            rows += [
                (f"{name}, to both", f"{short(apart[0])}, {short(apart[1])}")
                for name, apart in (("‖x − x_j‖", change.euclid), ("‖L x − L x_j‖", change.learned))
            ]
        return rows

    def _notes(self, found: Strip) -> str:
        if self.state.data != "pair":
            text = f"{self.state.neighbours}-NN, cross-validated: {found.voted.sentence()}"
        else:
            text = "Left descriptors ask, the right descriptors of places that were not learned from answer."
        if found.alike:
            verdict = "stay the same two" if found.alike[0] == found.alike[1] else "are two others"
            text += f" The two most alike faces {verdict} under the metric learned from all."
        return text

    def _word(self, row: int) -> str:
        assert self.outcome is not None
        data = self.outcome.strip.data
        return "" if isinstance(self.outcome.source, Located) else data.classes[data.y[row]]

    def _picture(self, row: int) -> UInt8:
        """Return the (h, w, 3) picture of an item, the patch of a descriptor, or the features as bars."""
        assert self.outcome is not None
        source = self.outcome.source
        if isinstance(source, Located):
            assert self._pair is not None
            return patch_picture(source, row, self._pair)
        return item_picture(source, row, self._rgb("raised"), self._rgb("accent"))

    def _rgb(self, token: str) -> Colour:
        colour = self.look.colour(token)
        return colour.red(), colour.green(), colour.blue()

    def _show_look(self, _look: object) -> None:
        self._shown = None  # bars have the colours of the theme
        if self.outcome is not None:
            self.refresh()
