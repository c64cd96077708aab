"""What a page is that explains itself, and how its parts usually stand: a picture, a column beside it, bars below.

What lives here: :class:`WordedPage`. What does not: any page. May import: ``pages``, the form, ``explanation``, the
session, Qt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui.explanation import Words
from app.ui.pages import Page

if TYPE_CHECKING:
    from app.ui.form import Form
    from app.ui.session import Session
    from app.ui.style import Style


class WordedPage(Page):
    """A page with words, numbers and perhaps a form of its own.

    Class attributes:
        section: head of its form in the panel of settings.
        side: width of the column beside its picture, if it has one, in pixels at scale 1.
        share: of the page's width that this column takes at most.

    Attributes:
        form: its own controls; None for a page whose controls are the workspace's.

    Signals:
        facts: (rows, sentence) for the details.
        words_changed: ``words`` would now be others.
    """

    section: ClassVar[str] = ""
    side: ClassVar[int] = 300
    share: ClassVar[float] = 1.0
    facts = Signal(object)
    words_changed = Signal()

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.form: Form | None = None
        self._side: QWidget | None = None

    @property
    def words(self) -> Words | None:
        """What the page shows, in words; None where they follow from the workspace's state."""
        return None

    def _scrolled(self) -> QWidget:
        """Return a body for the page's layout that scrolls where it does not fit: the window need not grow for it."""
        scroll = QScrollArea()
        scroll.setObjectName("bare")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        scroll.setWidget(body)
        for part in (scroll.viewport(), body):
            part.setAutoFillBackground(False)  # the page's own shows through
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        return body

    def _beside(self, picture: QWidget, *parts: tuple[QWidget, int], space: int = 8) -> QHBoxLayout:
        """Return a row of the picture and, at its right, ``self._side``: a column of parts with their stretch."""
        column = QVBoxLayout()
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(space)
        for part, stretch in parts:
            column.addWidget(part, stretch)
        side = self._side = QWidget()
        side.setObjectName("panel")
        side.setLayout(column)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(picture, 1)
        row.addWidget(side)
        return row

    def _fit_side(self) -> None:
        """Give the column beside the picture its width: the picture keeps the larger part."""
        if self._side is not None:
            self._side.setFixedWidth(min(round(self.side * self.look.scale), round(self.share * self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new width."""
        self._fit_side()
        super().resizeEvent(event)

    @staticmethod
    def _button(title: str, tip: str, do: Any) -> QPushButton:
        """Return a button that says in its tooltip what it does."""
        button = QPushButton(title)
        button.setToolTip(tip)
        button.clicked.connect(do)
        return button

    @staticmethod
    def _bar(buttons: Iterable[QWidget], words: QWidget, *, above: int = 8, below: int = 8) -> QHBoxLayout:
        """Return a bar of buttons, with words that take the rest."""
        bar = QHBoxLayout()
        bar.setContentsMargins(16, above, 16, below)
        bar.setSpacing(8)
        for button in buttons:
            bar.addWidget(button)
        bar.addWidget(words, 1)
        return bar

    @staticmethod
    def _stack(body: QWidget, *parts: QWidget | QLayout) -> None:
        """Lay a body's parts out below each other without gaps; the first takes the room that is left."""
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for index, part in enumerate(parts):
            if isinstance(part, QLayout):
                column.addLayout(part, int(index == 0))
            else:
                column.addWidget(part, int(index == 0))
