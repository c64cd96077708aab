"""The frame of a workspace made of pages: the list of its pages, the row of their tabs, and what stands in front.

What lives here: :class:`PageEntry`, a line of the list; :class:`Page`, what every page answers to; :class:`PageTabs`;
:class:`PagedWorkspace`, which makes a page when it is first opened. What does not: any page, and what a workspace tells
its pages. May import: ``workspaces.base``, ``bare_keys``, ``focus_ring``, Qt and, for types, the session.

A new page is a module with a :class:`Page` beside the other pages of its workspace (``app/ui/sift``, ``train``,
``metric``) and one line in ``PAGES`` of that package's ``__init__``; tab, tooltip and menu follow from the line.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.ui.focus_ring import FocusRing
from app.ui.workspaces.base import Workspace

if TYPE_CHECKING:
    from app.ui.bare_keys import BareKeys
    from app.ui.session import Session
    from app.ui.style import Style


@dataclass(frozen=True)
class PageEntry:
    """A line of the list of pages; the page is imported when it is first opened.

    Attributes:
        key: name in saved states, e.g. ``"stages"``; the class has the same.
        title: the words on the tab.
        tip: what the page shows, in a few words; the tab's tooltip.
        place: where its class is, ``module:class``.
    """

    key: str
    title: str
    tip: str
    place: str

    def load(self) -> type[Any]:
        """Import the page's class, a :class:`Page`."""
        kind: type[Any] = pkgutil.resolve_name(self.place)
        return kind


class Page(QWidget):
    """Base of every page; the widget itself fills the centre below the row of page tabs.

    A page keeps what it wants back in a frozen state in the session. Its focus proxy, if it has one, gets the keyboard.

    Class attributes:
        key: name in saved states, e.g. ``"stages"``.
        title: the words on its tab.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.look = look

    def actions(self) -> list[QAction]:
        """Return the page's actions for the workspace's menu; bare keys belong to the page's picture."""
        return []

    @property
    def busy(self) -> bool:
        """Whether something the page started still runs: a screenshot waits for it."""
        return False

    def picture(self) -> QWidget:
        """Return the widget that *Copy picture* copies."""
        return self

    def activate(self) -> None:
        """Called when the page comes to the front, before it is shown anything."""

    def deactivate(self) -> None:
        """Called when another page or workspace comes to the front: stop timers and jobs."""


PageT = TypeVar("PageT", bound=Page)


class PageTabs(QWidget):
    """The row of tabs above the pages; ``line`` takes what a workspace adds at its right.

    Signals:
        page_chosen: key of a page.

    Attributes:
        tabs: key -> button.
    """

    page_chosen = Signal(object)

    def __init__(self, look: Style, entries: Sequence[PageEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.tabs: dict[str, QToolButton] = {}
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(8, 4, 8, 4)
        self.line.setSpacing(2)
        group = QButtonGroup(self)
        for entry in entries:
            tab = self.button(entry.title, entry.tip, f"Page {entry.title}", group)
            tab.clicked.connect(lambda _=False, key=entry.key: self.page_chosen.emit(key))
            self.tabs[entry.key] = tab
        self.line.addStretch(1)
        look.changed.connect(self._fit)
        self._fit(look)

    def button(self, text: str, tip: str, name: str, group: QButtonGroup) -> QToolButton:
        """Append a checkable button to the row, one of its group, and return it; ``name`` is read aloud."""
        button = QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setProperty("role", "page")  # narrower than a workspace's tab: all pages fit a small window
        button.setToolTip(f"<p>{tip}</p>")
        button.setAccessibleName(name)
        group.addButton(button)
        self.line.addWidget(button)
        return button

    def show_page(self, key: str) -> None:
        """Check the tab of the page in front."""
        self.tabs[key].setChecked(True)

    def _fit(self, look: Style) -> None:
        self.setMinimumHeight(look.px(5))


class PagedWorkspace(Workspace, Generic[PageT]):
    """A row of page tabs, and below it the page in front.

    A workspace gives its list and its state, builds what it needs and then calls :meth:`_build`. It says how a page
    is made (:meth:`_make_page`) and what it is told (:meth:`_refresh`).

    Class attributes:
        entries: the pages, in the order of their tabs.
        state_type: the frozen state of the workspace; its ``page`` is the key of the page in front.
        refresh_ms: what is shown follows what happens this often, in milliseconds.

    Attributes:
        pages: key -> page, of those that were opened.
        tabs: key -> button.
        centre: holds the pages.
    """

    entries: ClassVar[Sequence[PageEntry]] = ()
    state_type: ClassVar[type[Any]]
    refresh_ms: ClassVar[int] = 0

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.pages: dict[str, PageT] = {}
        self._front: PageT | None = None
        self._active = False
        self._timer = QTimer(self)  # many signals make one refresh
        self._timer.setSingleShot(True)
        self._timer.setInterval(self.refresh_ms)
        self._timer.timeout.connect(self._refresh)
        self.centre = QStackedWidget()

    def _build(self, strip: PageTabs, keys: BareKeys, *between: QWidget) -> None:
        """Put the tabs above the pages, with what a workspace has between them, and open the page of the state."""
        self.strip, self.tabs, self.keys = strip, strip.tabs, keys
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (strip, *between):
            column.addWidget(widget)
        column.addWidget(self.centre, 1)
        strip.page_chosen.connect(self.open_page)
        self.session.state_changed.connect(self._show_state)
        FocusRing(self.look, self)
        self._bring_to_front()

    # ------------------------------------------------------------- what the window asks

    def actions(self) -> list[QAction]:
        """Return the workspace's actions and those of the page in front."""
        own = self.keys.listed
        return own if self._front is None else [*own, *self._front.actions()]

    def copy_picture(self) -> bool:
        """Copy what the page shows to the clipboard."""
        if self._front is None:
            return False
        QGuiApplication.clipboard().setPixmap(self._front.picture().grab())
        return True

    @property
    def busy(self) -> bool:
        """Whether a refresh is due or the page in front still works on what it shows."""
        return self._active and (self._timer.isActive() or (self._front is not None and self._front.busy))

    def activate(self) -> None:
        """Bring the page of the state to the front and show it what there is."""
        self._bring_to_front()
        self._active = True
        if self._front is not None:
            self._front.activate()
        self._later()

    def deactivate(self) -> None:
        """Let the page rest."""
        self._active = False
        if self._front is not None:
            self._front.deactivate()

    # ---------------------------------------------------------------------- state

    @property
    def state(self) -> Any:
        """The workspace's state, a ``state_type``."""
        return self.session.workspace_state(self.key, self.state_type())

    def set_state(self, state: Any) -> None:
        """Make this the workspace's state; what it shows follows from the session's signal."""
        self.session.set_workspace_state(self.key, state)

    def open_page(self, key: str) -> None:
        """Bring a page to the front."""
        self.set_state(replace(self.state, page=key))

    @property
    def page(self) -> PageT | None:
        """The page in front."""
        return self._front

    def page_of(self, key: str) -> PageT:
        """Return a page, made at the first call; the first of the list for a key that no page has."""
        entry = next((e for e in self.entries if e.key == key), self.entries[0])
        if entry.key not in self.pages:
            page = self.pages[entry.key] = self._make_page(entry.load())
            self.centre.addWidget(page)
        return self.pages[entry.key]

    def _make_page(self, kind: type[Any]) -> PageT:
        """Make a page and connect it."""
        raise NotImplementedError

    def _show_state(self, _state: object) -> None:
        if self._active:
            self._bring_to_front()
            self._later()

    def _bring_to_front(self) -> None:
        page = self.page_of(self.state.page)
        self.strip.show_page(page.key)
        if page is self._front:
            return
        if self._front is not None:
            self._front.deactivate()
        self._front = page
        self.setFocusProxy(page)
        self._show_front(page)
        if self._active:
            page.activate()
        self.actions_changed.emit()

    def _show_front(self, page: PageT) -> None:
        """Show the page that has come to the front, and what else changes with it."""
        self.centre.setCurrentWidget(page)

    def _later(self, _what: object = None) -> None:
        """Refresh soon: at most once in ``refresh_ms``."""
        if self._active and not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        """Show the page in front what there is."""
        raise NotImplementedError
