"""The ConvNet workspace: what the layers of convolutional networks know of a place.

What lives here: :class:`ConvNetWorkspace`, which tells its pages when to show what there is. What does not: the pages
(``app.ui.convnet``), how they stand in the window (``app.ui.pages``) and the work (``app.learning``). May import:
those, the session, Qt.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from app.ui.convnet import PAGES
from app.ui.convnet.keys import ConvNetActions
from app.ui.convnet.page import ConvNetPage
from app.ui.convnet.panel import ConvNetSettings
from app.ui.convnet.state import ConvNetState
from app.ui.explanation import Explanation
from app.ui.pages import PagedWorkspace, PageTabs
from app.ui.session import Session
from app.ui.style import Style


class ConvNetWorkspace(PagedWorkspace[ConvNetPage]):
    """The pages of layers, detectors and filters."""

    key = "convnet"
    title = "ConvNet"
    number = 4
    entries = PAGES
    state_type = ConvNetState

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.details = Explanation(style, "Numbers of the page")
        self._settings = ConvNetSettings(session)
        session.result_changed.connect(self._later)
        session.pair_changed.connect(self._later)
        self._build(PageTabs(style, PAGES), ConvNetActions(self))

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return the form of the page in front."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return what the page shows, in words and numbers."""
        return self.details

    # ---------------------------------------------------------------------- pages

    def _make_page(self, kind: type[Any]) -> ConvNetPage:
        page: ConvNetPage = kind(self.session, self.look)
        page.facts.connect(lambda told: self._told(page, told))
        page.words_changed.connect(self._show_words)
        if page.form is not None:
            self._settings.add_part(page.key, page.section, page.form, page.below_form)
        return page

    def _refresh(self) -> None:
        page = self._front
        if page is not None:
            self._settings.show_page(page.key)
            self._show_words()
            page.refresh()

    def _show_words(self) -> None:
        words = None if self._front is None else self._front.words
        if words is not None:
            self.details.show_words(words)

    def _told(self, page: ConvNetPage, told: tuple[list[tuple[str, str]], str]) -> None:
        if page is self._front:
            self.details.show_facts(told)
