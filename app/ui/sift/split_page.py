"""What the pages have in common that show something at the left and a large picture at the right.

What lives here: :class:`SplitPage`. What does not: what stands in the two parts. May import: ``page``, the form,
``bare_keys``, Qt.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.ui.bare_keys import Key, bare_action
from app.ui.form import Form
from app.ui.session import Session
from app.ui.sift.page import SiftPage
from app.ui.style import Style


class SplitPage(SiftPage):
    """Two parts beside each other, switches in the settings, bare keys that act on the page.

    Attributes:
        form: the switches.
    """

    def __init__(self, session: Session, look: Style, form: Form, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.form = form
        self._actions: list[QAction] = []

    def settings_widget(self) -> QWidget:
        """Return the switches of the page."""
        return self.form

    def actions(self) -> list[QAction]:
        """Return the page's actions."""
        return self._actions

    def _split(self, right: QWidget, sizes: tuple[int, int], spacing: int) -> QVBoxLayout:
        """Put ``right`` at the right and return the column at the left; ``sizes`` say how they share the width."""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        left = QWidget()
        inner = QVBoxLayout(left)
        inner.setContentsMargins(12, 8, 4, 8)
        inner.setSpacing(spacing)
        split.addWidget(left)
        split.addWidget(right)
        split.setSizes(list(sizes))
        column.addWidget(split)
        return inner

    def _add_keys(self, keys: Sequence[Key]) -> None:
        """Add an action for every bare key, in the order of the menu."""
        self._actions += [bare_action(self, *key) for key in keys]
