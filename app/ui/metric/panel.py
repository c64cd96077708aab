"""The settings and the details of the Metric workspace.

What lives here: :class:`MetricSettings` (learner, its form, the data; or the measure) and :class:`MetricDetails`. What
does not: the pages. May import: ``app.learning`` tables, ``form``, ``facts``, ``panel``, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.learning.learners import ROWS, learner
from app.learning.measures import MEASURES
from app.learning.toy import TOYS
from app.ui.combo import Combo
from app.ui.explanation import Explanation
from app.ui.form import Form, build
from app.ui.metric.state import MetricState
from app.ui.metric.words import AXIOM_TRY, LEARNER_SLIDES, LEARNER_TRIES, MEASURE_SLIDES
from app.ui.panel import FormPanel, heading, rule
from app.ui.session import Session
from app.ui.style import Style


class MetricSettings(FormPanel):
    """Learner, its form, the data; or the controls of another page. Signals: ``changed`` a new :class:`MetricState`."""

    changed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent=parent)
        self.state = MetricState()
        self._learner = ""
        self.method_form: Form | None = None
        self.methods = Combo()
        self.methods.setAccessibleName("Learner")
        self.methods.setToolTip("Which method learns the metric; the words below say how")
        for row in ROWS:
            if row.learn is not None:
                self.methods.addItem(row.title, row.key)
        self.methods.activated.connect(self._choose_method)
        self.measures = Combo()
        self.measures.setAccessibleName("Measure")
        self.measures.setToolTip("Which measure is tested; a formula of your own is typed above the lamps")
        for item in MEASURES:
            self.measures.addItem(item.title, item.key)
        self.measures.addItem("a formula of your own", "typed")
        self.measures.activated.connect(self._choose_measure)
        self.data_form = self._take_form(build(self.state))
        self.data_form.changed.connect(self._data_changed)
        self.put_back = QPushButton("Points as they began")
        self.put_back.clicked.connect(
            lambda: self.changed.emit(replace(self.state, moved=(), painted=(), step=-1, anchor=0))
        )
        self._build()

    def _build(self) -> None:
        self._learn_part, self._axiom_part = QWidget(), QWidget()
        self._learn_column = QVBoxLayout(self._learn_part)
        axioms = QVBoxLayout(self._axiom_part)
        for part in (self._learn_column, axioms):
            part.setContentsMargins(0, 0, 0, 0)
            part.setSpacing(8)
        self._form_place = QWidget()
        for widget in (heading("LEARNER"), self.methods, self._form_place, rule(), heading("DATA AND VIEW"),
                       self.data_form, self.put_back):  # fmt: skip
            self._learn_column.addWidget(widget)
        for widget in (heading("MEASURE"), self.measures):
            axioms.addWidget(widget)
        self.column.addWidget(self._learn_part)
        self.column.addWidget(self._axiom_part)
        self._parts = {"learn": self._learn_part, "axioms": self._axiom_part}
        self.column.addStretch(1)

    def add_part(self, page: str, title: str, form: Form) -> None:
        """Take in the controls of a page that has its own state."""
        self._parts[page] = self._section(title, form)

    def show_state(self, state: MetricState, settings: Any) -> None:
        """Show a state with the settings of its learner."""
        self.state = state
        for page, part in self._parts.items():
            part.setVisible(page == state.page)
        with QSignalBlocker(self.methods), QSignalBlocker(self.measures):
            self.methods.setCurrentIndex(self.methods.findData(state.learner))
            self.measures.setCurrentIndex(self.measures.findData(state.measure))
        if self.data_form.settings != state:
            self.data_form.set_values(state)
        touched = bool(state.moved or state.painted)
        self.put_back.setEnabled(touched)
        self.put_back.setToolTip(
            "Put dragged points back and take painted ones away" if touched
            else "No point has been dragged or painted yet"
        )  # fmt: skip
        if self._learner != state.learner:
            self._rebuild(settings)
        elif self.method_form is not None and self.method_form.settings != settings:
            self.method_form.set_values(settings)

    def _rebuild(self, settings: Any) -> None:
        self._learner = self.state.learner
        form = self._take_form(build(settings))
        form.changed.connect(self._method_changed)
        old = self._form_place
        self._learn_column.replaceWidget(old, form)
        self._form_place = self.method_form = form
        old.hide()
        old.deleteLater()

    def _choose_method(self, _index: int) -> None:
        self.changed.emit(replace(self.state, learner=self.methods.currentData(), step=-1))

    def _choose_measure(self, _index: int) -> None:
        self.changed.emit(replace(self.state, measure=self.measures.currentData()))

    def _method_changed(self, settings: Any) -> None:
        self.changed.emit(replace(self.state, step=-1, **self.state.with_settings(self.state.learner, settings)))

    def _data_changed(self, state: MetricState) -> None:
        other = (state.toy, state.points, state.noise, state.seed)
        own = (self.state.toy, self.state.points, self.state.noise, self.state.seed)
        fresh: dict[str, Any] = {"moved": (), "painted": (), "step": -1, "anchor": 0} if other != own else {}
        named = {
            name: getattr(state, name)
            for name in ("toy", "points", "noise", "seed", "paint", "neighbours", "regions", "ring")
        }
        self.changed.emit(replace(self.state, **named, **fresh))


class MetricDetails(Explanation):
    """What is looked at in words and numbers: the method with its formula, the facts, what to try."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, "Numbers of the metric", parent)

    def show_state(self, state: MetricState) -> None:
        """Show the words of the pages of learners and axioms."""
        tries = LEARNER_TRIES[state.learner] if state.page == "learn" else AXIOM_TRY
        self.tries.say(f"<b>Try</b> {tries}", markup=True)
        slides, key = (LEARNER_SLIDES, state.learner) if state.page == "learn" else (MEASURE_SLIDES, state.measure)
        self._show_slide(slides.get(key, ""))
        if state.page == "learn":
            row = learner(state.learner)
            toy = next(item for item in TOYS if item.key == state.toy)
            self.title.setText(
                f"{row.title} — judgements {row.judgements}; loss {row.loss}; regulariser {row.regulariser}"
            )
            self.title.setToolTip(f"<p>{row.source}. Convex: {row.convex}.</p>")
            self.formula.say(row.formula)
            self.teaches.say(f"<b>Look at</b> {row.teaches} {toy.title}: {toy.teaches}", markup=True)
        else:
            self.title.setText("Is it a metric?")
            self.formula.say(
                "N  f ≥ 0     I  f(x, y) = 0 ⇔ x = y     S  f(x, y) = f(y, x)     T  f(x, z) ≤ f(x, y) + f(y, z)"
            )
            self.teaches.say(
                "<b>Look at</b> the lamp that is out: below it stand the points that put it out. Squared distances "
                "are no metric; their roots are. A half lamp: f(x, x) = 0 holds, but different points can be at "
                "distance 0, a pseudometric.",
                markup=True,
            )
        self._show_filled()
