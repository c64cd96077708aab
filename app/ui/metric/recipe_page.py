"""The Recipes page: the naive objective that collapses or explodes, what repairs it, and all methods as one table.

What lives here: :class:`RecipePage`. What does not: the descent (``app.learning.recipes``). May import: those, the
charts, the form, the scrubber, the session, numpy, Qt.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.chart import Chart, Curve, Drawing, Place
from app.ui.errand import Errand
from app.ui.explanation import Words
from app.ui.form import Form, build
from app.ui.metric.form_rows import show_rows
from app.ui.metric.learning import Learning
from app.ui.metric.page import MetricPage
from app.ui.metric.plots import HistoryCurve, short
from app.ui.metric.points import Shown, box_of
from app.ui.metric.recipe_state import CLOSED, RECIPE_KEY, Descended, RecipeState, descend, map_of
from app.ui.metric.recipe_table import MapCanvas, RecipeTable
from app.ui.metric.state import MetricState
from app.ui.metric.words import RECIPES
from app.ui.scrubber import Scrubber
from app.ui.session import Message, Session
from app.ui.steady import SteadyText
from app.ui.style import Style

NEAR = 0.03  # how far from λ* the buttons go
FATES = {"collapses": "collapses to a point", "explodes": "explodes along one direction", "stays": "stays"}


class RecipePage(MetricPage):
    """The points where L takes them, the charts beside them, the table of methods below."""

    key = "recipes"
    title = "Recipes"
    section = "NAIVE OBJECTIVE"
    side = 340
    share = 0.42

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, learning, parent)
        self.state = RecipeState()
        self.found: Descended | None = None
        self.fault = ""
        self._asked: RecipeState | None = None
        self.form: Form = build(self.state)
        self.canvas = MapCanvas(look)
        self.weights = Chart(look, "Smallest eigenvalue of A against λ")
        self.growth = HistoryCurve(look, "‖L‖")
        self.scrubber = Scrubber(look)
        self.legend = SteadyText()
        self.legend.setProperty("role", "help")
        self.below = QPushButton("Just below λ*")
        self.below.setToolTip("Give λ the last value at which the map explodes")
        self.above = QPushButton("Just above λ*")
        self.above.setToolTip("Give λ the first value at which all points become one")
        self.table = RecipeTable()
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        row = self._beside(self.canvas, (self.weights, 3), (self.growth, 2))
        bar = self._bar((self.below, self.above), self.legend, above=0, below=4)
        body = self._scrolled()
        self._stack(body, row, self.scrubber, bar, self.table)
        # The page scrolls only below the least heights: what its parts would like to have is shared out.
        beside = self._side
        assert beside is not None
        for part in (self.canvas, self.table, beside):
            part.setSizePolicy(part.sizePolicy().horizontalPolicy(), QSizePolicy.Policy.Ignored)
        column, side = body.layout(), beside.layout()
        assert isinstance(column, QVBoxLayout)
        assert side is not None
        beside.setMinimumHeight(side.minimumSize().height())
        column.setStretch(0, 2)
        column.setStretchFactor(self.table, 1)
        self.setFocusProxy(self.table)

    def _connect(self) -> None:
        self.session.state_changed.connect(lambda _state: self._take())
        self.form.changed.connect(lambda state: self._set(replace(state, step=-1)))
        self.scrubber.held.connect(self.session.hold_undo)
        self.scrubber.moved.connect(lambda step: self._set(replace(self.state, step=int(step))))
        self.below.clicked.connect(lambda: self._near(-1))
        self.above.clicked.connect(lambda: self._near(1))
        self.canvas.resized.connect(self.refresh)
        self.table.wanted.connect(self.wanted)
        self._descent = Errand(self.session.lane("recipe"), self)
        self._descent.finished.connect(self._on_finished)
        self._descent.failed.connect(self._on_failed)
        self._descent.cancelled.connect(self._on_cancelled)

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether a descent runs or is played."""
        return self._descent.busy or self.scrubber.playing

    @property
    def words(self) -> Words:
        """What the page shows, in words: with the closed form of what is added."""
        return replace(RECIPES, formula=f"{RECIPES.formula}     {CLOSED[self.state.repair]}")

    def show_state(self, _state: MetricState) -> None:
        """Show the page's own state."""
        self._take(force=True)

    def deactivate(self) -> None:
        """Stop playing: nobody looks."""
        self.scrubber.stop()

    def _set(self, state: RecipeState) -> None:
        self.session.set_workspace_state(RECIPE_KEY, state)

    def _near(self, side: int) -> None:
        if self.found is not None:
            critical = self.found.critical[0]
            room = min(NEAR, 0.5 * (1 - critical) if side > 0 else critical)
            weight = round(critical + side * room, 4)
            self._set(replace(self.state, weight=weight, repair="none", step=-1))

    def _take(self, *, force: bool = False) -> None:
        """Show the session's state; descend anew if more than the step changed."""
        state: RecipeState = self.session.workspace_state(RECIPE_KEY, RecipeState())
        if state == self.state and not force:
            return
        told = state.repair != self.state.repair
        self.state = state
        if self.form.settings != state:
            self.form.set_values(state)
        show_rows(self.form, ("toy", "weight", "repair", *(("gamma",) if state.repair == "penalty" else ())))
        if replace(state, step=-1) != self._asked:
            self._asked = replace(state, step=-1)
            self.fault = ""
            self._descent.start(lambda: descend(state))
        if told:
            self.words_changed.emit()
        self.refresh()

    # ----------------------------------------------------------------------- lane

    def _on_finished(self, found: Descended) -> None:
        self.found = found
        self.refresh()

    def _on_failed(self, message: Message) -> None:
        self.fault = message.text
        self.session.message.emit(message)
        self.refresh()

    def _on_cancelled(self) -> None:
        self._asked = None

    # -------------------------------------------------------------------- showing

    @property
    def shown_step(self) -> int:
        """The iteration in view."""
        if self.found is None:
            return 0
        last = len(self.found.history) - 1
        return min(self.state.step, last) if self.state.step >= 0 else self.found.first_shown

    def refresh(self) -> None:
        """Draw what there is."""
        found = self.found
        if found is None or self.fault:
            self.scrubber.show_history(0, 0)
            self.legend.setText(self.fault)
            self.facts.emit(([], self.fault or "Descending …"))
            return
        step = self.shown_step
        iterate = found.history[step]
        root = map_of(iterate.matrix)
        scale = self._scale(found)
        box = box_of(1.15 * found.x, self.canvas.aspect)
        radius = 0.2 * (box[3] - box[1])
        self.canvas.show_map(Shown(scale * found.x @ root.T, found.y, box=box), scale * root, radius)
        self.scrubber.show_history(len(found.history), step)
        self.weights.set_drawing(self._weights(found))
        sizes = [(item.step, max(float(np.linalg.norm(item.factor)), 1e-12)) for item in found.history]
        self.growth.set_values(sizes, step)
        drawn = "" if math.isclose(scale, 1) else f" Drawn {short(scale)} times as large."
        self.legend.setText(f"Points where L takes them; solid: what L makes of the dotted circle.{drawn}")
        self.facts.emit(self._facts(found, step))

    def _scale(self, found: Descended) -> float:
        """Return by how much the map is enlarged: none for the bare objective, whose size is the point."""
        if self.state.repair == "none":
            return 1.0
        size = float(np.linalg.norm(found.history[-1].factor, 2))
        return 1.0 / size if size > 1e-12 else 1.0

    def _weights(self, found: Descended) -> Drawing:
        curve = Curve(found.curve[:, 0], found.curve[:, 1], "", "accent")
        places = (Place(found.critical[0], f"λ* = {found.critical[0]:.4f}"),
                  Place(self.state.weight, f"λ = {self.state.weight:g}", "accent", "solid"))  # fmt: skip
        return Drawing((curve,), places=places, x_range=(0, 1), y_range=(-1, 1),
                       x_label="λ: left explodes, right collapses",
                       y_label="smallest eigenvalue of A, relative")  # fmt: skip

    def _facts(self, found: Descended, step: int) -> tuple[list[tuple[str, str]], str]:
        rows = [("λ*", f"{found.critical[0]:.4f}"), ("μ_max = λ* / (1 − λ*)", short(found.critical[1])),
                ("Ψ with nothing added", FATES[found.fate[0]]),
                ("eigenvalues of M here", ", ".join(short(value) for value in found.history[step].eigenvalues)),
                ("objective here", short(found.history[step].objective))]  # fmt: skip
        if not math.isnan(found.closed):
            rows.append(("closed form", short(found.closed)))
            if len(found.history) > 1:
                rows.append(("descent reached", short(found.history[-2].objective)))
        return rows, found.fate[1]
