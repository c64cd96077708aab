"""The Ellipse page: one matrix made by hand, as an ellipse to drag and as three numbers that need not be PSD.

What lives here: :class:`EllipsePage`. What does not: the geometry (``app.learning.mahalanobis``) and the job
(``ellipse_state``). May import: those, the canvas, the form, the session, numpy, Qt.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtWidgets import QLabel, QWidget

from app.learning.mahalanobis import ellipse_of, factor_of, inverse_covariance, kind_of
from app.records import Float64, UserError
from app.ui.errand import Errand
from app.ui.explanation import Words
from app.ui.form import Form, build
from app.ui.metric.ellipse_canvas import Axes, EllipseCanvas
from app.ui.metric.ellipse_state import ELLIPSE_KEY, Answer, Box, EllipseState, ask
from app.ui.metric.learn_page import unit_of
from app.ui.metric.learning import Learning
from app.ui.metric.page import MetricPage
from app.ui.metric.plots import EigenBars, short
from app.ui.metric.points import Shown, box_of
from app.ui.metric.state import MetricState
from app.ui.metric.words import ELLIPSE
from app.ui.numbers import percent
from app.ui.session import Message, Session
from app.ui.steady import SteadyText
from app.ui.style import Style


class EllipsePage(MetricPage):
    """The points with the ellipse at the left, the eigenvalues before and after the projection at the right."""

    key = "ellipse"
    title = "Ellipse"
    section = "MATRIX"
    side = 300
    share = 0.36

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, learning, parent)
        self.state = EllipseState()
        self.answer: Answer | None = None
        self.fault = ""
        self._asked: tuple[Any, ...] = ()
        self.form: Form = build(self.state)
        self.canvas = EllipseCanvas(look)
        self.before = EigenBars(look)
        self.after = EigenBars(look, "Eigenvalues of the nearest PSD matrix")
        self.badge = QLabel()
        self.badge.setProperty("role", "title")
        self.legend = SteadyText()
        self.legend.setProperty("role", "muted")
        self.euclid = self._button("Euclid", "M = I: the ellipse is a circle", self._to_euclid)
        self.covariance = self._button(
            "Inverse covariance", "M = Σ⁻¹, the classical Mahalanobis metric of these points", self._to_covariance
        )
        self.flat = self._button(
            "Rank one", "Set the smaller eigenvalue to 0: the ellipse becomes a strip", self._to_flat
        )
        self.project = self._button("Nearest PSD", "", self._to_psd)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        parts = (self.badge, self.before, self.after, self.legend)
        row = self._beside(self.canvas, *((part, 0) for part in parts), (QWidget(), 1), space=16)
        buttons = (self.euclid, self.covariance, self.flat, self.project)
        self._stack(self, row, self._bar(buttons, QWidget()))
        self.setFocusProxy(self.canvas)

    def _connect(self) -> None:
        self.session.state_changed.connect(lambda _state: self._take())
        self.form.changed.connect(lambda state: self._set(replace(state, chosen=self.state.chosen)))
        self.canvas.chosen.connect(lambda row: self._set(replace(self.state, chosen=int(row))))
        self.canvas.shaped.connect(self._shaped)
        self.canvas.held.connect(self.session.hold_undo)
        self.canvas.resized.connect(self.refresh)
        self._question = Errand(self.session.lane("ellipse"), self)
        self._question.finished.connect(self._answered)
        self._question.failed.connect(self._complain)
        self._question.cancelled.connect(self._on_cancelled)

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether the neighbours are being asked."""
        return self._question.busy

    @property
    def words(self) -> Words:
        """What the page shows, in words."""
        return ELLIPSE

    def show_state(self, _state: MetricState) -> None:
        """Show the page's own state."""
        self._take(force=True)

    def _set(self, state: EllipseState) -> None:
        self.session.set_workspace_state(ELLIPSE_KEY, state)

    def _take(self, *, force: bool = False) -> None:
        state: EllipseState = self.session.workspace_state(ELLIPSE_KEY, EllipseState())
        if state == self.state and not force:
            return
        self.state, self.fault = state, ""
        if self.form.settings != state:
            self.form.set_values(state)
        self.refresh()

    def _shaped(self, axes: Axes) -> None:
        self._set(self.state.with_ellipse(*axes))

    def _to_euclid(self) -> None:
        self._set(self.state.with_matrix(np.eye(2)))

    def _to_covariance(self) -> None:
        try:
            found = inverse_covariance(self.state.points()[0])
        except UserError as error:
            self._complain(Message(str(error), "error"))
            return
        self._set(self.state.with_matrix(found))

    def _to_flat(self) -> None:
        self._set(self.state.flattened())

    def _to_psd(self) -> None:
        self._set(self.state.with_matrix(self.state.projection.matrix))

    # ----------------------------------------------------------------------- lane

    def _ask(self, box: Box) -> None:
        """Ask for this matrix; while one is being answered, the newest waits its turn."""
        if (self.state, box) == self._asked:
            return
        if self._question.busy:
            return  # the answer asks again for what is there by then
        state = self.state
        self._asked = (state, box)
        self._question.start(lambda: ask(state, box))

    def _answered(self, answer: Answer) -> None:
        self.answer = answer
        self.refresh()

    def _on_cancelled(self) -> None:
        self._asked = ()

    def _complain(self, message: Message) -> None:
        self.fault = message.text
        self.session.message.emit(message)
        self.facts.emit(([], message.text))

    # -------------------------------------------------------------------- showing

    def refresh(self) -> None:
        """Draw the state at once, and what was last answered under it."""
        state = self.state
        x, y = state.points()
        box = box_of(x, self.canvas.aspect)
        found = state.projection
        cut = found.before[-1] < 0 < found.distance
        answer = self.answer if self.answer is not None and self.answer.state.toy == state.toy else None
        here = answer is not None and answer.box == box
        row = min(state.chosen, len(x) - 1)
        near = answer.near if answer is not None and answer.state.chosen == state.chosen else ()
        shown = Shown(x, y, matrix=found.matrix, unit=unit_of(np.eye(2), box), anchor=row, targets=near, box=box,
                      regions=answer.regions if answer is not None and here else None)  # fmt: skip
        self.canvas.show_ellipse(shown, whole=not cut)
        self.before.set_values(found.before.tolist())
        self.after.set_values(found.after.tolist())
        kind, why = kind_of(state.matrix)
        self.badge.setText(kind.capitalize())
        self.project.setEnabled(bool(cut))
        self.project.setToolTip(
            "Set the negative eigenvalue to 0: the nearest matrix that is a pseudometric at least" if cut
            else "M is PSD already: its nearest PSD matrix is M itself"
        )  # fmt: skip
        lines = "lines: its nearest points under ρ."
        drawn = f"ρ = {short(shown.unit)}"
        self.legend.setText(
            f"Dashed: {drawn} under the nearest PSD matrix; M itself has no ellipse; {lines}" if cut
            else f"Solid: {drawn} from the chosen point; {lines}",
        )  # fmt: skip
        self._ask(box)
        self._show_facts(answer, why, cut=bool(cut))

    def _show_facts(self, answer: Answer | None, why: str, *, cut: bool) -> None:
        state, k = self.state, self.state.neighbours
        found = state.projection
        ellipse = ellipse_of(found.matrix)
        rows = [
            ("M", _entries(state.matrix)),
            ("an L with LᵀL = M", "none, M is not PSD" if cut else _entries(factor_of(found.matrix, keep_all=True))),
            ("eigenvalues", ", ".join(short(value) for value in found.before)),
            ("semi-axes of ρ = 1", ", ".join("∞" if math.isinf(a) else short(a) for a in ellipse.semi_axes)),
            ("long axis turned by", f"{ellipse.angle_deg:.0f}°"),
        ]
        if cut:
            rows.append(("‖M − nearest PSD‖", short(found.distance)))
        if answer is not None and answer.state.neighbours == k:
            rows += [(f"{k}-NN error, Euclid", percent(answer.euclid, 1)),
                     (f"{k}-NN error, M", percent(answer.error, 1))]  # fmt: skip
        told = " Regions and errors are those of the nearest PSD matrix." if cut else ""
        self.facts.emit((rows, self.fault or f"{why}{told}"))


def _entries(matrix: Float64) -> str:
    return " / ".join("  ".join(f"{value + 0.0:.2f}" for value in row) for row in np.round(matrix, 6))
