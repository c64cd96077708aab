"""The Losses page: forces of the contrastive and the triplet loss on points that can be dragged.

What lives here: :class:`LossPage`. What does not: forces and descent (``loss_state``, ``app.learning.forces``). May
import: those, the charts, the form, the session, numpy, Qt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.learning.forces import Descent, Forces, contrastive
from app.ui.chart import Chart
from app.ui.explanation import Words
from app.ui.form import Form, build
from app.ui.metric.force_canvas import Arrows, ForceCanvas
from app.ui.metric.form_rows import show_rows
from app.ui.metric.learning import Learning
from app.ui.metric.loss_curves import delta_drawing, force_drawing, loss_drawing
from app.ui.metric.loss_state import (
    LOSS_KEY,
    LossState,
    descent_of,
    focus_of,
    forces_of,
    frame_of,
    partners,
    points_of,
    shown_fields,
    stuck_pairs,
)
from app.ui.metric.page import MetricPage
from app.ui.metric.plots import short
from app.ui.metric.points import Shown, box_of
from app.ui.metric.state import MetricState
from app.ui.metric.words import CONTRASTIVE, TRIPLET
from app.ui.session import Session
from app.ui.steady import SteadyText
from app.ui.style import Style

FRAME_MS = 40
ARROW = 0.25  # length of an arrow in the plane per unit of force
LONGEST = 0.5  # of a batch's spread: its arrows must not hide its points
MOST_STEPS = 600
REST = 1e-7  # no point moves farther in a step: it is over
FAR = 30.0  # times the start's spread: the step was too large


class LossPage(MetricPage):
    """The points with their forces at the left, the charts at the right."""

    key = "losses"
    title = "Losses"
    section = "LOSS"
    side = 372
    share = 0.42

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, learning, parent)
        self.state = LossState()
        self.points, self.labels = points_of(self.state)
        self.steps: list[Descent] = []
        self.end = ""
        self._descent: Iterator[Descent] | None = None
        self.canvas = ForceCanvas(look)
        self.force_chart = Chart(look, "Force against distance")
        self.delta_chart = Chart(look, "Histogram of Δ")
        self.loss_chart = Chart(look, "Loss over the steps")
        self.legend = SteadyText()
        self.legend.setProperty("role", "help")
        self.step_button = self._button("Step", "Move every point once along its force", self.step)
        self.play_button = self._button("Descend", "Step again and again, until nothing moves", self.toggle)
        self.nudge = self._button("Nudge apart", "", self._nudge)
        self.back = self._button("Put back", "Put every point where the scene begins", self._put_back)
        self.form: Form = build(self.state)
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._tick)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        row = self._beside(
            self.canvas, *((chart, 1) for chart in (self.force_chart, self.delta_chart, self.loss_chart))
        )
        self._stack(self, row, self._bar((self.step_button, self.play_button, self.nudge, self.back), self.legend))
        self.setFocusProxy(self.canvas)

    def _connect(self) -> None:
        self.session.state_changed.connect(lambda _state: self._take(self._saved()))
        self.form.changed.connect(self._form_changed)
        self.canvas.chosen.connect(lambda row: self._set(chosen=int(row)))
        self.canvas.dragged.connect(self._dragged)
        self.canvas.dropped.connect(self._dropped)
        self.canvas.resized.connect(self.refresh)

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether the points are descending."""
        return self._timer.isActive()

    @property
    def words(self) -> Words:
        """What the page shows, in words."""
        return TRIPLET if self.state.triplets else CONTRASTIVE

    def show_state(self, _state: MetricState) -> None:
        """Show the page's own state."""
        self._take(self._saved(), force=True)

    def _saved(self) -> LossState:
        state: LossState = self.session.workspace_state(LOSS_KEY, LossState())
        return state

    def _set(self, **values: Any) -> None:
        self.session.set_workspace_state(LOSS_KEY, replace(self.state, **values))

    def _form_changed(self, state: LossState) -> None:
        self.stop()
        self.session.set_workspace_state(LOSS_KEY, self.state.followed_by(state))

    def _take(self, state: LossState, *, force: bool = False) -> None:
        """Show a state; whatever but the chosen point changed ends a descent."""
        if state == self.state and not force:
            return
        x, y = points_of(state)
        same = replace(state, chosen=0, points=()) == replace(self.state, chosen=0, points=())
        if not (same and np.array_equal(x, self.points)):  # not the echo of what the page itself has done
            self._timer.stop()
            self.points, self.labels = x, y
            self.steps, self.end, self._descent = [], "", None
        told = state.triplets != self.state.triplets
        self.state = state
        if self.form.settings != state:
            self.form.set_values(state)
        show_rows(self.form, shown_fields(state))
        if told:
            self.words_changed.emit()
        self.refresh()

    def _keep_points(self) -> None:
        self._set(points=tuple((float(a), float(b)) for a, b in self.points))

    def _put_back(self) -> None:
        self.stop()
        self._set(points=())

    # --------------------------------------------------------------------- moving

    def _move(self, move: tuple[int, float, float]) -> None:
        self.stop()
        self.points = self.points.copy()
        self.points[move[0]] = move[1:]
        self.steps, self.end, self._descent = [], "", None

    def _dragged(self, move: tuple[int, float, float]) -> None:
        self._move(move)
        self.refresh()

    def _dropped(self, move: tuple[int, float, float]) -> None:
        self._move(move)
        self._keep_points()
        self.refresh()

    def _nudge(self) -> None:
        """Move one point of every coincident pair by a hundredth."""
        self.stop()
        x = self.points.copy()
        for _, row in stuck_pairs(self.points, self.labels):
            x[row] += 0.01
        self.points, self.steps, self.end, self._descent = x, [], "", None
        self._keep_points()
        self.refresh()

    def step(self) -> None:
        """Move every point once."""
        self.stop()
        self._advance()
        self._keep_points()
        self.refresh()

    def toggle(self) -> None:
        """Descend, or stop."""
        if self.busy:
            self.stop()
            return
        self.end = ""
        self._timer.start()
        self.refresh()

    def stop(self) -> None:
        """Stop descending; the points stay where they are."""
        if self.busy:
            self._timer.stop()
            self._keep_points()
            self.refresh()

    def deactivate(self) -> None:
        """Stop: nobody looks."""
        self.stop()

    def _tick(self) -> None:
        if not self._advance() or len(self.steps) > MOST_STEPS:
            self.end = self.end or f"Stopped after {MOST_STEPS} steps."
            self.stop()
        else:
            self.refresh()

    def _advance(self) -> bool:
        """Take one step of the descent; whether anything moved."""
        if self._descent is None:
            self._descent = descent_of(self.state, self.points, self.labels)
            self.steps = [next(self._descent)]
        with np.errstate(over="ignore", invalid="ignore"):  # a step too large is told, not warned of
            found = next(self._descent)
        if not np.isfinite(found.points).all() or found.spread > FAR * max(self.steps[0].spread, 0.1):
            self.end = "The step is too large: the points fly apart. Put them back and make it smaller."
            return False
        moved = float(np.abs(found.points - self.points).max())
        self.points = found.points
        self.steps.append(found)
        if moved < REST:
            plateau = self.state.triplets and abs(found.loss - self.state.margin) < 1e-4 and found.spread < 1e-3
            self.end = (
                "Collapsed: all points are one, the loss rests at m, the gradient is 0." if plateau
                else "Nothing moves any more."
            )  # fmt: skip
        return moved >= REST

    # -------------------------------------------------------------------- showing

    def refresh(self) -> None:
        """Draw what there is."""
        state, x, y = self.state, self.points, self.labels
        forces = forces_of(state, x, y)
        old = self.canvas.shown
        box = old.box if self.canvas.dragging and old is not None else box_of(frame_of(state, x), self.canvas.aspect)
        anchor = min(state.chosen, len(x) - 1)
        self.canvas.show_forces(Shown(x, y, anchor=anchor, box=box), self._arrows(forces))
        self.force_chart.set_drawing(force_drawing(state, x, y))
        batch = state.scene == "batch"
        self.delta_chart.setVisible(batch)
        counts = (0, 0, 0)
        if batch:
            drawing, counts = delta_drawing(state, x, y)
            self.delta_chart.set_drawing(drawing)
        self.loss_chart.set_drawing(loss_drawing(state, self.steps))
        self.play_button.setText("Stop" if self.busy else "Descend")
        stuck = len(stuck_pairs(x, y))
        self.nudge.setEnabled(bool(stuck))
        self.nudge.setToolTip(
            "Move one of two coincident negatives by 0.01" if stuck else "No two points of different classes coincide"
        )
        self._show_words(forces, counts, stuck)

    def _arrows(self, forces: Forces) -> Arrows:
        state, x, y = self.state, self.points, self.labels
        force = -forces.gradient
        if state.scene == "batch":
            spread = float(np.sqrt(np.mean(np.sum((x - x.mean(axis=0)) ** 2, axis=1))))
            strongest = ARROW * float(np.linalg.norm(force, axis=1).max(initial=0))
            force = force * min(1.0, LONGEST * spread / max(strongest, 1e-300))
        focus = focus_of(state)
        p, n = partners(x, y, focus)
        inner, margin, links = 0.0, state.margin, tuple((focus, other) for other in (p, n) if other >= 0)
        if state.triplets:
            inner = float(np.linalg.norm(x[focus] - x[p])) if p >= 0 else 0.0
            margin = float(np.sqrt(inner**2 + state.margin)) if state.squared else inner + state.margin
        elif state.scene == "few":
            links = ((0, 1), (0, 2), (1, 2))
        elif state.scene == "stuck":
            links = ((0, 1), (2, 3), (4, 5))
        small = len(x) == 3
        stuck = tuple(sorted({int(row) for pair in stuck_pairs(x, y) for row in pair}))
        return Arrows(ARROW * force, focus, margin, inner, links, ("a", "p", "n") if small else (), stuck)

    def _show_words(self, forces: Forces, counts: tuple[int, int, int], stuck: int) -> None:
        state = self.state
        circle = "where the loss is 0" if state.triplets else "d = m around the chosen point"
        scale = "the force, to scale among themselves" if state.scene == "batch" else f"{ARROW:g} × force"
        parts = [f"Arrows: {scale}; dashed circle: {circle}."]
        if stuck and not self.busy:
            parts.append(f"✕ {stuck} coincident pair{'s' * (stuck > 1)}: a loss, but no direction to be pushed in.")
        self.legend.setText(" ".join([*parts, self.end]))
        unit = "triplets" if state.triplets else "pairs"
        rows = [("loss, sum", short(forces.loss)), (f"{unit} with a loss", f"{forces.active} of {forces.total}")]
        rows.append(("strongest force", short(float(np.linalg.norm(forces.gradient, axis=1).max(initial=0)))))
        if state.scene == "batch":
            rows += [(name, f"{count:,}") for name, count in zip(("easy", "semi-hard", "hard"), counts, strict=True)]
        else:
            rows += self._pair_rows()
        if self.steps:
            rows.append(("steps", str(len(self.steps) - 1)))
        self.facts.emit((rows, ""))

    def _pair_rows(self) -> list[tuple[str, str]]:
        """Return distance and loss of the chosen point's nearest negative."""
        focus = focus_of(self.state)
        _, n = partners(self.points, self.labels, focus)
        if n < 0:
            return []
        a, b = self.points[focus][None], self.points[n][None]
        rows = [("d to the nearest negative", short(float(np.linalg.norm(a - b))))]
        if not self.state.triplets:
            loss, _ = contrastive(a, b, np.zeros(1, np.bool_), margin=self.state.margin, form=self.state.form)
            rows.append(("loss of that pair", short(float(loss[0]))))
        return rows
