"""The Learn page: points and ellipse, the objective and the eigenvalues beside them, the scrubber below.

What lives here: :class:`LearnPage`, which shows a state and a run. What does not: running (``learning``). May import:
those parts, the session, numpy, Qt.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.learning.iterates import Iterate
from app.learning.learners import learner
from app.learning.mahalanobis import kind_of
from app.records import Float64
from app.ui.bare_keys import bare_action
from app.ui.metric.learning import Learning
from app.ui.metric.page import MetricPage
from app.ui.metric.paint_canvas import PaintCanvas
from app.ui.metric.plots import EigenBars, HistoryCurve, short
from app.ui.metric.points import Shown, box_of
from app.ui.metric.state import MetricState
from app.ui.numbers import percent
from app.ui.scrubber import Scrubber
from app.ui.session import Message, Session
from app.ui.steady import SteadyText
from app.ui.style import Style

MOST_PAINTED = 500
WORDS_MS = 100  # while a point is dragged, numbers in words follow this often: nobody reads faster
PARTS = {
    "active": "violated margins",
    "similar": "Σ_S ρ²",
    "broken": "pairs beyond their bound",
    "violated": "violated comparisons",
    "divergence": "LogDet(M, I)",
    "dual": "dual objective",
}
CONVENTIONS = "Weinberger and Saul: (1 − μ) pull + μ push. Lecture: λ pull + (1 − λ) push, so λ = 1 − μ."


def unit_of(matrix: Float64, box: tuple[float, float, float, float]) -> float:
    """Return a round c so that the ellipse rho_M = c takes a good part of the view."""
    values = np.linalg.eigvalsh(matrix)
    usable = values[values > 1e-10 * max(values.max(), 1e-300)]
    if not len(usable) or not np.isfinite(usable).all():
        return 1.0
    size = 0.22 * (box[3] - box[1]) * math.sqrt(float(usable[0]))
    power = 10.0 ** math.floor(math.log10(size))
    return next(step * power for step in (5, 2, 1) if step * power <= size * (1 + 1e-9))


class LearnPage(MetricPage):
    """Points and ellipse at the left, objective, error and eigenvalues at the right, the scrubber below."""

    key = "learn"
    title = "Learn M"

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, learning, parent)
        self.state = MetricState()
        self.settings: Any = None
        self.canvas = PaintCanvas(look)
        self.objective = HistoryCurve(look, "Objective")
        self.error = HistoryCurve(look, "k-NN error, leave-one-out")
        self.eigen = EigenBars(look)
        self.scrubber = Scrubber(look)
        self.legend = SteadyText()
        self.legend.setProperty("role", "help")
        self._coloured: tuple[Any, ...] = ()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(60)
        self._later.timeout.connect(self._colour)
        self._words = QTimer(self)
        self._words.setSingleShot(True)
        self._words.setInterval(WORDS_MS)
        self._words.timeout.connect(self._show_words)
        self._arrange()
        self.setFocusProxy(self.canvas)
        learning.changed.connect(self.refresh)
        self.canvas.chosen.connect(lambda row: self._set(anchor=row))
        self.canvas.dragged.connect(lambda move: learning.drag(move[0], move[1], move[2], self.settings))
        self.canvas.dropped.connect(self._dropped)
        self.canvas.painted.connect(self._painted)
        self.canvas.removed.connect(self._removed)
        self.canvas.resized.connect(self.refresh)
        self.scrubber.moved.connect(self._scrubbed)
        self.scrubber.held.connect(session.hold_undo)
        self._play = bare_action(self.canvas, "&Play or stop the iterations", "Space", self.scrubber.toggle)

    def _arrange(self) -> None:
        parts = ((self.objective, 3), (self.error, 2), (self.eigen, 0), (self.legend, 0))
        self._stack(self, self._beside(self.canvas, *parts, space=12), self.scrubber)

    @property
    def busy(self) -> bool:
        """Whether what is shown is still being made."""
        return self.learning.busy or self._later.isActive()

    # ---------------------------------------------------------------------- state

    def actions(self) -> list[QAction]:
        """Return the key that plays."""
        return [self._play]

    def deactivate(self) -> None:
        """Stop playing; what is being learned goes on."""
        self.scrubber.stop()

    def show_state(self, state: MetricState) -> None:
        """Show a state with the settings of its learner."""
        settings = state.settings_of(state.learner, learner(state.learner).settings)
        self.state, self.settings = state, settings
        self.canvas.brush = -1 if state.paint == "off" else int(state.paint)
        self._fit_side()
        self.learning.show_state(state, settings)
        self.refresh()

    def _set(self, **values: Any) -> None:
        self.changed.emit(replace(self.state, **values))

    def _scrubbed(self, step: int) -> None:
        last = len(self.learning.history) - 1
        self._set(step=-1 if step >= last else int(step))

    def _dropped(self, move: tuple[int, float, float]) -> None:
        self._set(**self.state.with_moved(*move), step=-1)

    def _painted(self, places: tuple[tuple[float, float], ...]) -> None:
        room = MOST_PAINTED - len(self.state.painted)
        if len(places) > room:
            text = f"{MOST_PAINTED} points are painted, more are not taken; put them back to begin anew."
            self.session.message.emit(Message(text, "error"))
        added = tuple((round(x, 6), round(y, 6), self.canvas.brush) for x, y in places[: max(0, room)])
        if added:
            self._set(painted=(*self.state.painted, *added), step=-1, anchor=len(self.learning.x) + len(added) - 1)

    def _removed(self, row: int) -> None:
        gone = self.state.without(row)
        if gone is None:
            text = "Only painted points can be taken away; this one belongs to the set chosen under Points."
            self.session.message.emit(Message(text, "error"))
        else:
            self._set(**gone, step=-1)

    @property
    def iterate(self) -> Iterate | None:
        """The iterate in view, None before there is one."""
        history = self.learning.history
        if not history:
            return None
        step = self.state.step
        return history[step] if 0 <= step < len(history) else history[-1]

    # --------------------------------------------------------------------- showing

    def refresh(self) -> None:
        """Draw what there is."""
        learning, iterate = self.learning, self.iterate
        if not len(learning.x):
            return
        box = self._box()
        shown = Shown(learning.x, learning.y, box=box, anchor=self._anchor())
        if iterate is not None:
            lmnn = self.state.learner == "lmnn"
            unit = 1.0 if lmnn else unit_of(iterate.matrix, box)
            shown = replace(shown, matrix=iterate.matrix, unit=unit)
            if self.state.ring and lmnn:
                shown = self._with_ring(shown)
        key = self._region_key(iterate, box)
        fresh = learning.regions is not None and key == self._coloured
        self.canvas.show_points(replace(shown, regions=learning.regions if fresh and self.state.regions else None))
        if self.state.regions and not fresh and iterate is not None and not learning.running:
            self._later.start()
        self._show_numbers(iterate)
        if not self.canvas.dragging:
            self._words.stop()
            self._show_words()
        elif not self._words.isActive():
            self._words.start()

    def _box(self) -> tuple[float, float, float, float]:
        old = self.canvas.shown
        if self.canvas.dragging and old is not None:
            return old.box  # the picture must not move under the mouse
        return box_of(self.learning.x, self.canvas.aspect)

    def _anchor(self) -> int:
        return min(self.state.anchor, len(self.learning.x) - 1)

    @property
    def _k(self) -> int:
        """Neighbours that vote: as many as asked for, and no more than there are."""
        return max(1, min(self.state.neighbours, len(self.learning.x) - 1))

    def _region_key(self, iterate: Iterate | None, box: tuple[float, float, float, float]) -> tuple[Any, ...]:
        return (id(iterate), box, self._k, self.learning.x.tobytes())

    def _colour(self) -> None:
        iterate = self.iterate
        if iterate is None or self.learning.running or not self.state.regions:
            return
        box = self._box()
        self._coloured = self._region_key(iterate, box)
        self.learning.colour(iterate, box, self._k)

    def _with_ring(self, shown: Shown) -> Shown:
        """Return the picture with target neighbours, margin and impostors of the anchor."""
        x, y, at = shown.x, shown.y, shown.anchor
        gap = x - x[at]
        own = np.flatnonzero(y == y[at])
        own = own[own != at]
        if len(own) < self.settings.k:  # the learner says so itself
            return shown
        targets = own[np.argsort(np.vecdot(gap[own], gap[own]), kind="stable")[: self.settings.k]]
        assert shown.matrix is not None
        squared = np.maximum(np.vecdot(gap @ shown.matrix, gap), 0)
        radius = float(np.sqrt(squared[targets].max()))
        inside = np.flatnonzero((y != y[at]) & (squared < squared[targets].max() + 1))
        return replace(shown, targets=tuple(targets.tolist()), impostors=tuple(inside.tolist()), radius=radius)

    def _show_numbers(self, iterate: Iterate | None) -> None:
        learning, row = self.learning, learner(self.state.learner)
        history = learning.history
        step = 0 if iterate is None else min(iterate.step, max(0, len(history) - 1))
        self.scrubber.show_history(len(history), step)
        words = "larger is better" if row.larger_is_better else "smaller is better"
        self.objective.title = f"Objective, {words}"
        self.objective.set_values([(item.step, item.objective) for item in history], step)
        self.error.title = f"{self._k}-NN error, leave-one-out"
        self.error.set_values(sorted(learning.errors.items()), step, percent=True)
        self.eigen.set_values([] if iterate is None else iterate.eigenvalues.tolist())

    def _show_words(self) -> None:
        """Say what is seen, below and in the details."""
        self.facts.emit(self._facts(self.iterate))
        if self.canvas.shown is not None:
            self._show_legend(self.canvas.shown)

    def _facts(self, iterate: Iterate | None) -> tuple[list[tuple[str, str]], str]:
        """Return (rows, sentence) of the details."""
        learning = self.learning
        if learning.fault:
            return [], learning.fault
        if iterate is None:
            return [], "Learning …"
        k = self._k
        before = learning.error_at(learning.history[0], k) if len(learning.history) > 1 else math.nan
        rows = [
            ("objective", short(iterate.objective)),
            *((PARTS.get(name, name), short(value)) for name, value in iterate.parts.items()),
            (f"{k}-NN error at the start", percent(before, 1)),
            (f"{k}-NN error here", percent(learning.error_at(iterate, k), 1)),
            ("learned in", f"{1000 * learning.history[-1].seconds:.0f} ms"),
        ]
        kind, why = kind_of(iterate.matrix)
        rows.append(("M is a", kind))
        return rows, " ".join([why, *learning.notes])

    def _show_legend(self, shown: Shown) -> None:
        line = f"Thick line: ρ = {short(shown.unit)} from the chosen point."
        if shown.radius:
            count = len(shown.impostors)
            line += f" Thin: its farthest target. Dashed: the margin, {count} impostor{'s' * (count != 1)} ✕ inside."
        self.legend.setText(line)
        self.legend.setToolTip(f"<p>{CONVENTIONS}</p>" if self.state.learner == "lmnn" else "")
