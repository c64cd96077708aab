"""The Metric workspace: learn a metric on points that can be dragged, and test what makes a distance a metric.

What lives here: :class:`MetricWorkspace`, which tells its pages what to show. What does not: the pages
(``app.ui.metric``), how they stand in the window (``app.ui.pages``) and the learners (``app.learning``). May import:
those, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtWidgets import QWidget

from app.learning.learners import learner
from app.records import UserError
from app.ui.metric import PAGES
from app.ui.metric.keys import MetricActions
from app.ui.metric.learning import Learning
from app.ui.metric.loss_state import LOSS_KEY, LossState
from app.ui.metric.page import MetricPage
from app.ui.metric.panel import MetricDetails, MetricSettings
from app.ui.metric.state import MetricState
from app.ui.pages import PagedWorkspace, PageTabs
from app.ui.session import Session
from app.ui.style import Style

if TYPE_CHECKING:
    from app.ui.metric.neighbour_page import NeighbourPage


class MetricWorkspace(PagedWorkspace[MetricPage]):
    """The pages of points, losses, neighbours, recipes and axioms."""

    key = "metric"
    title = "Metric"
    number = 6
    entries = PAGES
    state_type = MetricState

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.learning = Learning(session, self)
        self.details = MetricDetails(style)
        self._settings = MetricSettings(session)
        self._settings.changed.connect(self.set_state)
        self._shown: MetricState | None = None
        self._build(PageTabs(style, PAGES), MetricActions(self))

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return learner and data, or the measure."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return the method in words and numbers."""
        return self.details

    @property
    def busy(self) -> bool:
        """Whether something is being computed for a page."""
        return self._active and any(page.busy for page in self.pages.values())

    # ---------------------------------------------------------------------- state

    @property
    def state(self) -> MetricState:
        """The workspace's state; what a saved state of another version names and is not known is the default."""
        state: MetricState = self.session.workspace_state(self.key, MetricState())
        if state.page not in self.tabs:
            state = replace(state, page=MetricState().page)
        try:
            learner(state.learner)
        except UserError:
            state = replace(state, learner=MetricState().learner)
        return state

    @property
    def metric_state(self) -> MetricState:
        """The workspace's state."""
        return self.state

    def learn_again(self) -> None:
        """Run the learner anew on the same data."""
        if (page := self._neighbours()) is not None:
            page.again()
        else:
            self.learning.show_state(self.state, self._method_settings(), force=True)

    def stop_learning(self) -> None:
        """Stop what is being learned for the page in front."""
        if (page := self._neighbours()) is not None:
            page.cancel()
        else:
            self.learning.cancel()

    def _neighbours(self) -> NeighbourPage | None:
        """Return the page of neighbours if it is in front: it learns for itself."""
        return cast("NeighbourPage", self._front) if self.state.page == "neighbours" else None

    def _method_settings(self) -> Any:
        state = self.state
        return state.settings_of(state.learner, learner(state.learner).settings)

    def _make_page(self, kind: type[Any]) -> MetricPage:
        page: MetricPage = kind(self.session, self.look, self.learning)
        page.changed.connect(self.set_state)
        page.facts.connect(lambda told: self._told(page, told))
        page.words_changed.connect(self._show_words)
        page.wanted.connect(self._show_method)
        if page.form is not None:
            self._settings.add_part(page.key, page.section, page.form)
        return page

    def _later(self, _what: object = None) -> None:
        """Refresh at once, and only for another state: a dragged point is followed without delay."""
        if self._active and self.state != self._shown:
            self._refresh()

    def activate(self) -> None:
        """Begin to learn, or go on where it was left."""
        self._shown = None
        super().activate()

    def _refresh(self) -> None:
        state = self._shown = self.state
        self._settings.show_state(state, self._method_settings())
        self._show_words()
        self.page_of(state.page).show_state(state)

    def _show_method(self, key: str) -> None:
        """Show a method of the recipe table: learning, or its forces for the losses of networks."""
        if key in ("contrastive", "triplet"):
            loss = "lecture" if key == "contrastive" else "triplet"
            losses: LossState = self.session.workspace_state(LOSS_KEY, LossState())
            self.session.set_workspace_state(LOSS_KEY, losses.followed_by(replace(losses, loss=loss)))
            self.open_page("losses")
        else:
            self.set_state(replace(self.state, page="learn", learner=key, step=-1))

    def _show_words(self) -> None:
        """Show the words of the page in front."""
        words = None if self._front is None else self._front.words
        if words is not None:
            self.details.show_words(words)
        else:
            self.details.show_state(self.state)

    def _told(self, page: MetricPage, told: tuple[list[tuple[str, str]], str]) -> None:
        if page is self._front:
            self.details.show_facts(told)
