"""The settings of the ConvNet workspace: the form of the page in front.

What lives here: :class:`ConvNetSettings`. What does not: the forms (each page makes its own). May import: ``panel``,
the form, the session, Qt.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.form import Form
from app.ui.panel import FormPanel
from app.ui.session import Session


class ConvNetSettings(FormPanel):
    """One section for each page; that of the page in front is seen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent=parent)
        self._parts: dict[str, QWidget] = {}
        self.column.addStretch(1)

    def add_part(self, page: str, title: str, form: Form, below: QWidget | None = None) -> None:
        """Take in the form of a page, and what stands below it."""
        part = self._parts[page] = self._section(title, form)
        inside = part.layout()
        if below is not None and inside is not None:
            inside.addWidget(below)
            self._take_help(below)

    def show_page(self, key: str) -> None:
        """Show the section of a page."""
        for page, part in self._parts.items():
            part.setVisible(page == key)
