"""The Laws page: what Gaussian smoothing may do, watched on the open picture.

What lives here: :class:`LawsPage`, its three parts behind tabs and their switches. What does not: the parts
(``laws_line``, ``laws_dog``, ``laws_axioms``) and the words under them (``laws_words``). May import: those, ``form``,
the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QLabel, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.records import Point, Selection
from app.ui.form import build
from app.ui.session import Message, Session
from app.ui.sift.laws_axioms import AxiomsPart
from app.ui.sift.laws_dog import DogPart
from app.ui.sift.laws_line import ScanLinePart
from app.ui.sift.laws_state import FIELDS, PARTS, LawsState
from app.ui.sift.laws_words import WordsPanel
from app.ui.sift.page import SiftContext, SiftPage
from app.ui.style import Style

KEY = "sift.laws"


class LawsPage(SiftPage):
    """Scan line, DoG against the Laplacian, axioms."""

    key: ClassVar[str] = "laws"
    title: ClassVar[str] = "Laws"

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self._context: SiftContext | None = None
        self.bar = QTabBar()
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setAccessibleName("Parts of the page")
        for words in PARTS.values():
            self.bar.addTab(words)
        self.line, self.dog, self.axioms = ScanLinePart(look), DogPart(look), AxiomsPart(session, look)
        self.parts = QStackedWidget()
        for part in (self.line, self.dog, self.axioms):
            self.parts.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(4)
        column.addWidget(self.bar)
        column.addWidget(self.parts, 1)
        self.form = build(LawsState())
        self.words = WordsPanel()
        self._none = QLabel("Drag the row in the picture: it is the row of the cursor that all pages share.")
        self._none.setProperty("role", "help")
        self._none.setWordWrap(True)
        self._section = QWidget()
        section = QVBoxLayout(self._section)
        section.setContentsMargins(0, 0, 0, 0)
        section.addWidget(self._none)
        section.addWidget(self.form)
        self._connect()
        self._show_state()

    def _connect(self) -> None:
        self.bar.currentChanged.connect(lambda index: self._set(replace(self.state, part=list(PARTS)[index])))
        self.form.changed.connect(self._set)
        self.form.held.connect(self.session.hold_undo)
        self.form.refused.connect(lambda text: self.session.message.emit(Message(text, "error")))
        self.axioms.chosen.connect(lambda key: self._set(replace(self.state, axiom=key)))
        self.line.chosen.connect(self._chosen)
        self.session.state_changed.connect(lambda _state: self._show_state())

    @property
    def state(self) -> LawsState:
        """What the page wants back."""
        state: LawsState = self.session.workspace_state(KEY, LawsState())
        return state

    def _set(self, state: LawsState) -> None:
        self.session.set_workspace_state(KEY, state)

    def _show_state(self) -> None:
        state = self.state
        part = state.part if state.part in PARTS else "line"
        with QSignalBlocker(self.bar):
            self.bar.setCurrentIndex(list(PARTS).index(part))
        if self.form.settings != state:
            self.form.set_values(state)
        for name in ("k", "sigma", "angle", "slide"):
            self._show_row(name, name in FIELDS[part])
        self._none.setVisible(part == "line")
        self.parts.setCurrentIndex(list(PARTS).index(part))
        self.words.show_part(part)
        self.dog.show_state(state)
        self.axioms.show_state(state)
        self._show_part()

    def _show_row(self, name: str, shown: bool) -> None:
        """Show or hide a row of the form with its label."""
        for widget in self.form.rows[name].widgets:
            widget.setVisible(shown)
        for label in self.form.findChildren(QLabel):
            if label.buddy() in self.form.rows[name].widgets:
                label.setVisible(shown)

    # ------------------------------------------------------------------------ the page

    def show_context(self, context: SiftContext) -> None:
        """Show the picture and the cursor's row in the part in front."""
        before = None if self._context is None else self._context.picture
        if before is None or context.picture is None or before.id != context.picture.id:
            self.line.forget()
        self._context = context
        self._show_part()

    def _show_part(self) -> None:
        """Tell the part in front; the others are told when they come to the front."""
        picture = None if self._context is None else self._context.picture
        if self._context is None or picture is None:
            return
        part = self.parts.currentWidget()
        if part is self.line:
            self.line.show_image(picture)
            middle: Point = (picture.width / 2, picture.height / 2)
            self.line.show_point(self._context.point or middle)
        elif part is self.dog:
            self.dog.show_image(picture)
        else:
            self.axioms.show_image(picture)

    def _chosen(self, point: Point) -> None:
        if self._context is not None:
            self.point_chosen.emit(Selection(self._context.side, *point))

    def settings_widget(self) -> QWidget:
        """Return the numbers of the part in front."""
        return self._section

    def details_widget(self) -> QWidget:
        """Return the law in words, what to look at, what to try."""
        return self.words

    @property
    def busy(self) -> bool:
        """Whether the axioms are being tried."""
        return self.axioms.busy

    def picture(self) -> QWidget:
        """Return what is copied and gets the keyboard: the row's picture, else the whole part."""
        return self.line.picture if self.parts.currentWidget() is self.line else self.parts

    def deactivate(self) -> None:
        """Stop the trials."""
        self.axioms.stop()
