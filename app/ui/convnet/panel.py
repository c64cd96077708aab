"""The settings of the ConvNet workspace: the form of the page in front.

What lives here: :class:`ConvNetSettings`. What does not: the forms (each page makes its own). May import: ``panel``,
the form, the session, Qt.
"""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.form import Form
from app.ui.panel import FormPanel, heading
from app.ui.session import Session


class ConvNetSettings(FormPanel):
    """One section for each page; that of the page in front is seen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent=parent)
        self._parts: dict[str, QWidget] = {}
        self.column.addStretch(1)

    def add_part(self, page: str, title: str, form: Form) -> None:
        """Take in the form of a page."""
        part = QWidget()
        inside = QVBoxLayout(part)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(heading(title))
        inside.addWidget(self._take_form(form))
        self.column.insertWidget(self.column.count() - 1, part)
        self._parts[page] = part

    def show_page(self, key: str) -> None:
        """Show the section of a page."""
        for page, part in self._parts.items():
            part.setVisible(page == key)
