"""The page on where SIFT fails: every change measured live, contrast reversal undone, tilt repaired by ASIFT.

What lives here: :class:`FailsPage`, its parts behind tabs, the measuring lane and the words on the chosen case. What
does not: measuring (``app.failures``) and the parts. May import: those, pairs, the session, Qt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app import failures, pairs
from app.failures import CASES, LOSS_WORDS, REASONS, REVERSAL, TILTS, Case, Failures, Row
from app.jobs import Progress
from app.pipeline import Cache
from app.ui.errand import Errand
from app.ui.facts import Facts, sentence
from app.ui.session import Message, Session
from app.ui.sift.described import asked_angle, nearest_keypoint, orientation_like
from app.ui.sift.fails_reversal import ReversalPart
from app.ui.sift.fails_table import FailsTable
from app.ui.sift.fails_tilt import TiltPart
from app.ui.sift.page import SiftContext, SiftPage
from app.ui.style import Style

KEY = "sift.fails"
LANE = "sift-fails"
CACHE_BYTES = 128 * 2**20
PARTS = {"table": "All changes", "reversal": "Contrast reversal", "tilt": "Tilt and ASIFT"}
FRESH = "Every built-in change is measured with SIFT as it stands in the matcher list, when this page is first opened."


@dataclass(frozen=True)
class FailsState:
    """What the page wants back: the part in front and the recipe of the chosen case."""

    part: str = "table"
    case: str = ""


class FailsPage(SiftPage):
    """The table, and the two failures that can be looked into."""

    key: ClassVar[str] = "fails"
    title: ClassVar[str] = "Failures"

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self._context: SiftContext | None = None
        self._cache = Cache(CACHE_BYTES)
        self._measuring = Errand(session.lane(LANE), self)
        self._matcher = "sift"
        self.measured = {"sift": Failures((), len(CASES)), "asift": Failures((), len(TILTS))}
        self.bar = QTabBar()
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setAccessibleName("Parts of the page")
        for words in PARTS.values():
            self.bar.addTab(words)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(look.px(14))
        self.progress.setAccessibleName("Measuring")
        self.run = QPushButton("Measure again")
        self.run.setToolTip("Match every pair of the list anew with the present settings; while that runs, stop it")
        self.run.setMinimumWidth(self.run.sizeHint().width())
        self.run.clicked.connect(self._run_or_cancel)
        self.table, self.reversal, self.tilt = FailsTable(look), ReversalPart(session, look), TiltPart(look)
        self.parts = QStackedWidget()
        for part in (self.table, self.reversal, self.tilt):
            self.parts.addWidget(part)
        self._lay_out()
        self._details = self._make_details()
        self._connect()
        self._show_state()
        self._show_running()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.bar)
        head.addStretch(1)
        head.addWidget(self.progress)
        head.addWidget(self.run)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.parts, 1)

    def _make_details(self) -> QWidget:
        """Return what is known about the chosen case."""
        self.words = sentence(FRESH)
        self.words.setAccessibleName("The cause in words")
        self.facts = Facts(self.look, "Numbers of the case")
        self.losses = Facts(self.look, "Where its keypoints are lost")
        self.heading = QLabel("")
        self.heading.setProperty("role", "title")
        self.heading.setWordWrap(True)
        told = QVBoxLayout()
        told.setSpacing(4)
        told.addWidget(self.heading)
        told.addWidget(self.words, 1)
        body = QWidget()
        line = QHBoxLayout(body)
        line.setContentsMargins(16, 8, 16, 8)
        line.setSpacing(24)
        line.addLayout(told, 1)
        line.addWidget(self.facts)
        line.addWidget(self.losses)
        details = QScrollArea()
        details.setObjectName("panelScroll")
        details.setWidgetResizable(True)
        details.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        details.setWidget(body)
        return details

    def _connect(self) -> None:
        self.bar.currentChanged.connect(lambda index: self._set(replace(self.state, part=list(PARTS)[index])))
        self.table.selected.connect(self._select)
        self.table.opened.connect(self._open)
        self.tilt.chosen.connect(self._select)
        self.tilt.wanted.connect(lambda: self._start("asift"))
        self._measuring.progressed.connect(self._progressed)
        self._measuring.finished.connect(self._finished)
        self._measuring.failed.connect(self._failed)
        self._measuring.cancelled.connect(self._show_running)
        self.session.state_changed.connect(lambda _state: self._show_state())

    @property
    def state(self) -> FailsState:
        """What the page wants back."""
        state: FailsState = self.session.workspace_state(KEY, FailsState())
        return state

    def _set(self, state: FailsState) -> None:
        self.session.set_workspace_state(KEY, state)

    @property
    def case(self) -> Case:
        """The chosen case, the first by default."""
        return next((case for case in CASES if case.key == self.state.case), CASES[0])

    @property
    def told(self) -> Case:
        """The case the words below are about: the part in front may have one of its own."""
        return {"reversal": REVERSAL, "tilt": self.tilt.case}.get(self.state.part, self.case)

    def _show_state(self) -> None:
        part = self.state.part if self.state.part in PARTS else "table"
        index = list(PARTS).index(part)
        with QSignalBlocker(self.bar):
            self.bar.setCurrentIndex(index)
        self.parts.setCurrentIndex(index)
        with QSignalBlocker(self.table.table):
            self.table.table.selectRow(CASES.index(self.case))
        self.tilt.show_case(self.case)
        self._show_case()
        self._show_reversal()

    # ----------------------------------------------------------------------- measuring

    def activate(self) -> None:
        """Measure at the first visit."""
        if not self.measured["sift"].rows and not self._measuring.busy:
            self._start("sift")

    def deactivate(self) -> None:
        """Describing the negative stops; a measurement that has begun goes on."""
        self.reversal.stop()

    def _run_or_cancel(self) -> None:
        if self._measuring.busy:
            self._measuring.cancel()
        else:
            self._cache = Cache(CACHE_BYTES)
            self._start("sift")

    def _start(self, matcher: str) -> None:
        cache, cases = self._cache, CASES if matcher == "sift" else TILTS
        self._matcher = matcher
        self._measuring.start(lambda: failures.run(cases, matcher, cache))
        self._show_running()

    def _progressed(self, progress: Progress) -> None:
        self.progress.setRange(0, int(progress.total or 0))
        self.progress.setValue(int(progress.done))
        self.progress.setToolTip(progress.text)
        if isinstance(progress.payload, Failures) and len(progress.payload.rows) > 0:
            self._take(progress.payload)

    def _finished(self, measured: Failures) -> None:
        self._take(measured)
        self._show_running()

    def _failed(self, message: Message) -> None:
        self.session.message.emit(message)
        self._show_running()

    def _take(self, measured: Failures) -> None:
        """Keep what is measured; while it is measured again the old rows stay until the new ones are there."""
        old = self.measured[self._matcher]
        new = {row.case: row for row in measured.rows}
        rows = {row.case: row for row in old.rows} | new
        self.measured[self._matcher] = Failures(tuple(rows.values()), measured.total)
        self.table.show_failures(self.measured["sift"])
        self.tilt.show_failures(self.measured["sift"], self.measured["asift"])
        self._show_case()

    def _show_running(self) -> None:
        busy = self._measuring.busy
        self.progress.setVisible(busy)
        self.run.setText("Cancel" if busy else "Measure again")
        self.tilt.run.setEnabled(not busy)
        self.tilt.run.setToolTip(
            "Wait until the running measurement is done, or cancel it"
            if busy
            else "Runs ASIFT on all five tilts: it squeezes and turns both pictures, which takes a while"
        )

    # --------------------------------------------------------------------------- cases

    def _select(self, case: Case) -> None:
        if case.key != self.state.case:
            self._set(replace(self.state, case=case.key))

    def _open(self, case: Case) -> None:
        """Look at the pair of a case; the page stays in front."""
        self._select(case)
        if self.session.state.pair != case.ref:
            self.session.message.emit(Message(f"Opened {case.ref.title}."))
            self.session.set_pair(case.ref)

    def _show_case(self) -> None:
        case = self.told
        row = self.measured["sift"].of(case, "sift")
        self.heading.setText(case.ref.title)
        if row is None:
            self.words.setText(FRESH)
            self.facts.set_rows([])
            self.losses.set_rows([])
            return
        moving = " Only keypoints whose true place has moved are followed." if case.moving else ""
        self.words.setText(
            f"{row.sentence}{moving}{_others(row)}\n\n{pairs.describe(case.ref)} Click the line to open the pair; the "
            "cause is named by the stage at which most visible keypoints were lost."
        )
        self.facts.set_rows(
            [
                ("keypoints", f"{row.keypoints[0]:,} : {row.keypoints[1]:,}"),
                ("visible", f"{row.visible:,}"),
                ("matches", f"{row.matches:,}"),
                ("right", f"{row.right:,}"),
                ("wrong", f"{row.wrong:,}"),
            ]
        )
        lost = [(LOSS_WORDS[name], f"{count:,}") for name, count in row.lost]
        self.losses.set_rows([*lost, (LOSS_WORDS["right"], f"{row.kept:,}")])

    # ------------------------------------------------------------------------ the page

    def show_context(self, context: SiftContext) -> None:
        """Describe the keypoint at the cursor in the negative, if that part is in front."""
        self._context = context
        self._show_reversal()

    def _show_reversal(self) -> None:
        context = self._context
        if context is None or self.parts.currentWidget() is not self.reversal:
            return
        if context.explanation is None or context.picture is None or context.point is None:
            self.reversal.show_nothing(context.fault or "The picture is being explained.")
            return
        keypoints = context.explanation.keypoints
        row = nearest_keypoint(keypoints, context.point)
        if row < 0:
            self.reversal.show_nothing("There is no keypoint at the cursor; click one in another page.")
            return
        row = orientation_like(context.explanation, row, asked_angle(context))
        self.reversal.show_keypoint(context.picture, keypoints.take([row]))

    def details_widget(self) -> QWidget:
        """Return the words on the chosen case."""
        return self._details

    @property
    def busy(self) -> bool:
        """Whether something is being measured or described."""
        return self._measuring.busy or self.reversal.busy

    def picture(self) -> QWidget:
        """Return what is copied: the part in front."""
        return self.parts


def _others(row: Row) -> str:
    """Return the detector's other reasons, in words."""
    if len(row.reasons) < 2:
        return ""
    others = row.reasons if row.cause != "detector" else row.reasons[1:]
    start = " Of those not found again: " if row.cause != "detector" else " Else "
    return f"{start}{'; '.join(f'{REASONS[name]} ({count})' for name, count in others)}."
