"""Running a learner behind the Learn page: what is learned from, the iterates so far, and following a dragged point.

What lives here: :class:`Learning`, which keeps data and history and runs jobs in the session's lanes. What does not:
widgets. May import: ``app.learning``, the session, QtCore.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs import Progress
from app.learning.iterates import Iterate, Learned
from app.learning.learners import Row, learner, with_class_names
from app.learning.lmnn import LmnnSettings
from app.learning.lmnn_live import Follower
from app.learning.neighbours import decision_regions, leave_one_out_error
from app.records import Float64, UserError
from app.ui.errand import Errand
from app.ui.metric.state import MetricState
from app.ui.session import Message, Session

MOST_ERRORS = 48  # iterates whose k-NN error is computed
MOST_LEARNED = 3000  # points that are learned from; all are drawn
MOST_AT_ONCE = 600  # points whose error is counted between two frames
GRID = (96, 72)
LATE_MS = 12  # a moved point is shown at the latest after this, also if the metric has not followed yet
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A finished run: the result, and the k-NN error of some iterates by step."""

    learned: Learned
    errors: dict[int, float]


def run_job(row: Row, x: Float64, y: np.ndarray, settings: Any, k: int) -> Generator[Progress, None, Outcome]:
    """Learn, then compute the leave-one-out errors of some iterates."""
    assert row.learn is not None
    names = [str(label + 1) for label in range(int(y.max()) + 1)]  # as under Paint
    learned = yield from with_class_names(row.learn(x, y, settings), names)
    total = len(learned.history)
    most = MOST_ERRORS if len(x) <= MOST_AT_ONCE else 4
    steps = sorted({0, total - 1, *range(0, total, max(1, total // most))})
    errors: dict[int, float] = {}
    for at in steps:
        yield Progress(at, total, "Counting errors", learned.history[at])
        errors[at] = learned.history[at].error(x, y, k)
    return Outcome(learned, errors)


def regions_job(x: Float64, y: np.ndarray, k: int, box: Box, factor: Float64) -> Generator[Progress, None, np.ndarray]:
    """Return the k-NN classes on a grid over the box."""
    yield Progress(0, 1, "Colouring the plane")
    return decision_regions(x, y, k, box, GRID, factor=factor)


class Learning(QObject):
    """Data, history and the jobs of the Learn page.

    Signals:
        changed: data, history, regions or the fault are new.

    Attributes:
        x, y: the data with what was dragged.
        history: iterates; while a run is under way only those that arrived.
        errors: k-NN error by step.
        notes: sentences of the learner.
        fault: why there is no result, empty otherwise.
        regions: classes on the grid over ``regions_box``, None until computed.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.x: Float64 = np.zeros((0, 2))
        self.y = np.zeros(0, np.int64)
        self.history: tuple[Iterate, ...] = ()
        self.errors: dict[int, float] = {}
        self.notes: tuple[str, ...] = ()
        self.fault = ""
        self.regions: np.ndarray | None = None
        lane = session.lane("learn")
        self._run, self._follow = Errand(lane, self), Errand(lane, self)
        self._colour = Errand(session.probe_lane, self)
        self._key: tuple[Any, ...] = ()
        self._follower: Follower | None = None
        self._moved_on = False  # since the step under way began
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(LATE_MS)
        self._late.timeout.connect(self.changed)
        self._run.progressed.connect(self._on_progress)
        self._run.finished.connect(self._learned)
        self._run.cancelled.connect(self.changed)
        self._follow.finished.connect(self._stepped)
        self._colour.finished.connect(self._coloured)
        for errand in (self._run, self._follow, self._colour):
            errand.failed.connect(self._fail)

    @property
    def busy(self) -> bool:
        """Whether a learner runs or regions are being coloured."""
        return self._run.busy or self._colour.busy

    @property
    def running(self) -> bool:
        """Whether a learner runs."""
        return self._run.busy

    def show_state(self, state: MetricState, settings: Any, *, force: bool = False) -> None:
        """Take the data of a state; learn anew if they, the learner or its settings changed."""
        data = (state.toy, state.points, state.noise, state.seed, state.moved, state.painted)
        key = (*data, state.learner, settings, state.neighbours)
        if key == self._key and not force:
            return
        self._key = key
        try:
            self.x, self.y = state.data()
        except UserError as error:
            self._fail(Message(str(error), "error"))
            return
        method = learner(state.learner)
        self.fault, self.regions, self.notes = "", None, ()
        self.history, self.errors = (), {}
        sampled, k = self._sampled(), min(state.neighbours, len(self.x) - 1)
        self._follower = None
        self._late.stop()
        self._run.start(lambda: run_job(method, *sampled, settings, k))
        self.changed.emit()

    def drag(self, row: int, x: float, y: float, settings: Any) -> None:
        """Move a point; LMNN follows by a warm step, the others learn anew when it is dropped.

        Point and metric are shown together as soon as the step is done, the point alone if that takes long. A point
        that moves on during a step is followed by one more, not by a step for every movement.
        """
        self.x = self.x.copy()
        self.x[row] = x, y
        self.regions = None
        few = len(self.x) <= MOST_LEARNED
        if not (few and isinstance(settings, LmnnSettings) and settings.push > 0 and settings.rank == 0):
            self.changed.emit()
            return
        if self._follower is None:
            if not self.history:
                self.changed.emit()
                return
            self._follower = Follower(settings, self.history[-1].factor)
        if not self._late.isActive():
            self._late.start()
        if self._follow.busy:
            self._moved_on = True
        else:
            self._follow_point(self._follower)

    def _follow_point(self, follower: Follower) -> None:
        data = (self.x, self.y)
        self._moved_on = False
        self._follow.start(lambda: self._followed(follower, *data))

    @staticmethod
    def _followed(follower: Follower, x: Float64, y: np.ndarray) -> Generator[Progress, None, Iterate]:
        yield Progress(0, 1, "Following the point")
        return follower.step(x, y)

    def colour(self, iterate: Iterate, box: Box, k: int) -> None:
        """Compute the regions of an iterate over a box, unless a learner runs."""
        if self.running:
            return
        data, factor = self._sampled(), iterate.factor
        self._colour.start(lambda: regions_job(*data, k, box, factor))

    def _sampled(self) -> tuple[Float64, np.ndarray]:
        """Return a copy of the points and their classes; of very many a sample, always the same."""
        if len(self.x) <= MOST_LEARNED:
            return self.x.copy(), self.y
        rows = np.sort(np.random.default_rng(0).permutation(len(self.x))[:MOST_LEARNED])
        return self.x[rows], self.y[rows]

    def error_at(self, iterate: Iterate, k: int) -> float:
        """Return the error of an iterate, NaN of one that takes too long to be counted at once."""
        if iterate.step not in self.errors:
            if len(self.x) > MOST_AT_ONCE:
                return math.nan
            self.errors[iterate.step] = leave_one_out_error(self.x, self.y, k, factor=iterate.factor)
        return self.errors[iterate.step]

    def cancel(self) -> None:
        """Stop the learner; what it reached stays."""
        self._run.cancel()

    # --------------------------------------------------------------------- lane

    def _on_progress(self, progress: Progress) -> None:
        payload = progress.payload
        if isinstance(payload, Iterate):
            if not self.history or payload.step > self.history[-1].step:
                self.history = (*self.history, payload)
            self.changed.emit()

    def _learned(self, outcome: Outcome) -> None:
        self.history, self.errors = outcome.learned.history, outcome.errors
        many = len(self.x)
        sample = f"Learned from, and judged on, a sample of {MOST_LEARNED:,} of {many:,} points."
        self.notes = (*outcome.learned.notes, *((sample,) if many > MOST_LEARNED else ()))
        self.changed.emit()

    def _stepped(self, iterate: Iterate) -> None:
        self._late.stop()
        self.history, self.errors = (iterate,), {}
        if self._moved_on and self._follower is not None:
            self._follow_point(self._follower)
        self.changed.emit()

    def _coloured(self, regions: np.ndarray) -> None:
        self.regions = regions
        self.changed.emit()

    def _fail(self, message: Message) -> None:
        for errand in (self._run, self._follow, self._colour):
            errand.forget()
        self.fault = message.text
        self._session.message.emit(message)
        self.changed.emit()
