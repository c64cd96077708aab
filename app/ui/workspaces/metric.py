"""The Metric workspace: learn a metric on points that can be dragged, and test what makes a distance a metric.

What lives here: :class:`MetricWorkspace`, the frame around its pages. What does not: the pages (``app.ui.metric``) and
the learners (``app.learning``). May import: those, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.learning.learners import learner
from app.records import UserError
from app.ui.metric.axiom_page import AxiomPage
from app.ui.metric.learn_page import LearnPage
from app.ui.metric.learning import Learning
from app.ui.metric.loss_page import LossPage
from app.ui.metric.neighbour_page import NeighbourPage
from app.ui.metric.panel import MetricDetails, MetricSettings
from app.ui.metric.recipe_page import RecipePage
from app.ui.metric.state import PAGES, MetricState
from app.ui.session import Session
from app.ui.style import Style
from app.ui.workspaces.base import Workspace


class MetricWorkspace(Workspace):
    """A row of page tabs, and below it the page in front."""

    key = "metric"
    title = "Metric"
    number = 6

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.metric_state: MetricState = session.workspace_state(self.key, MetricState())
        self.learning = Learning(session, self)
        self.learn_page = LearnPage(self.learning, style)
        self.axiom_page = AxiomPage(session, style)
        self.loss_page = LossPage(session, style)
        self.neighbour_page = NeighbourPage(session, style)
        self.recipe_page = RecipePage(session, style)
        self._settings = MetricSettings(session)
        self._settings.add_part("losses", "LOSS", self.loss_page.form)
        self._settings.add_part("neighbours", "NEIGHBOURS", self.neighbour_page.form)
        self._settings.add_part("recipes", "NAIVE OBJECTIVE", self.recipe_page.form)
        self.details = MetricDetails(style)
        self._active = False
        self.tabs: dict[str, QToolButton] = {}
        self.stack = QStackedWidget()
        # pages with states of their own
        self._own: dict[str, LossPage | NeighbourPage | RecipePage] = {
            "losses": self.loss_page,
            "neighbours": self.neighbour_page,
            "recipes": self.recipe_page,
        }
        self.pages: dict[str, QWidget] = {"learn": self.learn_page, **self._own, "axioms": self.axiom_page}
        for page in self.pages.values():
            self.stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._strip())
        column.addWidget(self.stack, 1)
        self._listed = self._make_actions()
        self._connect()

    def _strip(self) -> QWidget:
        strip = QWidget()
        strip.setObjectName("panel")
        line = QHBoxLayout(strip)
        line.setContentsMargins(8, 4, 8, 4)
        line.setSpacing(4)
        group = QButtonGroup(self)
        for key, title in PAGES.items():
            button = QToolButton()
            button.setText(title)
            button.setCheckable(True)
            button.setProperty("role", "tab")
            button.setAccessibleName(f"Page {title}")
            button.clicked.connect(lambda _on, name=key: self.set_state(replace(self.metric_state, page=name)))
            group.addButton(button)
            self.tabs[key] = button
            line.addWidget(button)
        line.addStretch(1)
        return strip

    def _make_actions(self) -> list[QAction]:
        again = QAction("Learn &again", self)
        again.triggered.connect(self.learn_again)
        play = QAction("&Play or stop the iterations", self)
        play.setShortcut(QKeySequence("Space"))
        play.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        play.triggered.connect(self.learn_page.scrubber.toggle)
        self.learn_page.canvas.addAction(play)
        stop = QAction("&Stop learning", self)
        stop.triggered.connect(self.stop_learning)
        return [again, play, stop]

    def _connect(self) -> None:
        self.session.state_changed.connect(self._show_session_state)
        for part in (self.learn_page, self.axiom_page, self._settings):
            part.changed.connect(self.set_state)
        self.learn_page.held.connect(self.session.hold_undo)
        self.learn_page.facts.connect(lambda told: self._told("learn", told))
        self.axiom_page.facts.connect(lambda told: self._told("axioms", told))
        for name, own in self._own.items():
            own.facts.connect(lambda told, name=name: self._told(name, told))
        self.loss_page.words_changed.connect(self._show_words)
        self.recipe_page.words_changed.connect(self._show_words)
        self.recipe_page.wanted.connect(self._show_method)

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return learner and data, or the measure."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return the method in words and numbers."""
        return self.details

    def actions(self) -> list[QAction]:
        """Return the actions of the menu."""
        return self._listed

    def copy_picture(self) -> bool:
        """Copy the page in front to the clipboard."""
        QGuiApplication.clipboard().setPixmap(self.pages[self.metric_state.page].grab())
        return True

    @property
    def busy(self) -> bool:
        """Whether something is being computed for the page in front."""
        return self._active and (
            self.learn_page.busy or self.axiom_page.busy or any(page.busy for page in self._own.values())
        )

    def activate(self) -> None:
        """Begin to learn, or go on where it was left."""
        self._active = True
        self._show(self.metric_state)

    def deactivate(self) -> None:
        """Stop playing; another workspace uses the lane now."""
        self._active = False
        self.learn_page.scrubber.stop()
        self.loss_page.stop()
        self.neighbour_page.cancel()
        self.recipe_page.scrubber.stop()

    # ---------------------------------------------------------------------- state

    def set_state(self, state: MetricState) -> None:
        """Make this the workspace's state; what it shows follows from the session's signal."""
        self.session.set_workspace_state(self.key, state)

    def learn_again(self) -> None:
        """Run the learner anew on the same data."""
        if self.metric_state.page == "neighbours":
            self.neighbour_page.again()
        else:
            self.learning.show_state(self.metric_state, self._method_settings(), force=True)

    def stop_learning(self) -> None:
        """Stop what is being learned for the page in front."""
        if self.metric_state.page == "neighbours":
            self.neighbour_page.cancel()
        else:
            self.learning.cancel()

    def _show_session_state(self, _state: object) -> None:
        state: MetricState = self.session.workspace_state(self.key, MetricState())
        if state != self.metric_state:
            self.metric_state = state
            if self._active:
                self._show(state)

    def _method_settings(self) -> Any:
        state = self.metric_state
        return state.settings_of(state.learner, learner(state.learner).settings)

    def _show(self, state: MetricState) -> None:
        try:
            learner(state.learner)
        except UserError:  # a saved state of another version
            state = self.metric_state = replace(state, learner=MetricState().learner)
        if state.page not in self.pages:
            state = self.metric_state = replace(state, page=MetricState().page)
        page, settings = self.pages[state.page], self._method_settings()
        self.tabs[state.page].setChecked(True)
        self.stack.setCurrentWidget(page)
        self.setFocusProxy(page)
        self._settings.show_state(state, settings)
        if page is self.learn_page:
            self.details.show_state(state)
            self.learn_page.show_state(state, settings)
        elif page is self.axiom_page:
            self.details.show_state(state)
            self.axiom_page.show_state(state)
        else:
            self._show_words()
            self._own[state.page].show_state()

    def _show_method(self, key: str) -> None:
        """Show a method of the recipe table: learning, or its forces for the losses of networks."""
        if key in ("contrastive", "triplet"):
            loss = "lecture" if key == "contrastive" else "triplet"
            self.loss_page.choose_loss(loss)
            self.set_state(replace(self.metric_state, page="losses"))
        else:
            self.set_state(replace(self.metric_state, page="learn", learner=key, step=-1))

    def _show_words(self) -> None:
        """Show the words of a page that brings its own, if it is in front."""
        if (page := self._own.get(self.metric_state.page)) is not None:
            self.details.show_words(page.words)

    def _told(self, page: str, told: tuple[list[tuple[str, str]], str]) -> None:
        if page == self.metric_state.page:
            self.details.show_facts(told)
