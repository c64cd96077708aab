"""Showing only those rows of a form that matter to what is looked at.

What lives here: :func:`show_rows`. May import: ``app.ui.form``, QtWidgets.
"""

from __future__ import annotations

from collections.abc import Container

from PySide6.QtWidgets import QLabel

from app.ui.form import Form


def show_rows(form: Form, names: Container[str]) -> None:
    """Show the rows of these fields with their labels, hide the others."""
    labels = form.findChildren(QLabel)
    for name, row in form.rows.items():
        shown = name in names
        for widget in row.widgets:
            widget.setVisible(shown)
        for label in labels:
            if label.buddy() in row.widgets:
                label.setVisible(shown)
