"""Help shown in a window of its own: keys, glossary, licences, about.

What lives here: :func:`show`. What does not: the texts, which are ``resources/text/NAME.md``. May import:
``app.locate``, QtWidgets.
"""

from __future__ import annotations

import platform

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from app import __version__, locate

TITLES = {"keys": "Keys and mouse", "glossary": "Glossary", "licences": "Licences", "about": "About"}


def text_of(name: str) -> str:
    """Return a page as Markdown; the version of the program and of Qt are filled in.

    Raises:
        KeyError: if there is no such page.
    """
    path = locate.resources() / "text" / f"{name}.md"
    if name not in TITLES:
        raise KeyError(name)
    filled = {"{version}": __version__, "{qt}": qVersion(), "{python}": platform.python_version()}
    text = path.read_text(encoding="utf-8")
    for word, value in filled.items():
        text = text.replace(word, value)
    return text


def show(parent: QWidget, name: str) -> QDialog:
    """Show a page beside the window, without blocking it; a page already open comes to the front."""
    for open_page in parent.findChildren(QDialog, f"help-{name}"):
        open_page.raise_()
        open_page.activateWindow()
        return open_page
    dialog = QDialog(parent)
    dialog.setObjectName(f"help-{name}")
    dialog.setWindowTitle(TITLES[name])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    browser = QTextBrowser()
    browser.setOpenExternalLinks(True)
    browser.setMarkdown(text_of(name))
    column = QVBoxLayout(dialog)
    column.addWidget(browser)
    dialog.resize(720, 640)
    dialog.show()
    return dialog
