"""Help shown in a window of its own: keys, glossary, licences, about.

What lives here: :func:`show`. What does not: the texts, which are ``resources/text/NAME.md``. May import:
``app.locate``, QtGui, QtWidgets.
"""

from __future__ import annotations

import platform

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QColor, QPalette, QTextCursor, QTextDocument, QTextLength, QTextTable
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from app import __version__, locate

WIDTH, MOST_HEIGHT = 720, 640
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


def _lay_out(document: QTextDocument, rule: QColor) -> None:
    """Give tables the width of the page and thin lines, and heads room above."""
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            shape = frame.format().toTableFormat()
            shape.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
            shape.setBorderBrush(rule)
            shape.setBorder(1)
            shape.setBorderCollapse(True)
            shape.setCellPadding(4)
            shape.setColumnWidthConstraints([QTextLength(QTextLength.Type.PercentageLength, 30)])
            frame.setFormat(shape)
    block = document.begin()
    while block.isValid():
        if block.blockFormat().headingLevel() > 1:
            cursor = QTextCursor(block)
            apart = block.blockFormat()
            apart.setTopMargin(16)
            apart.setBottomMargin(4)
            cursor.setBlockFormat(apart)
        block = block.next()


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
    _lay_out(browser.document(), parent.palette().color(QPalette.ColorRole.Mid))
    column = QVBoxLayout(dialog)
    column.addWidget(browser)
    browser.document().setTextWidth(WIDTH - 56)
    dialog.resize(WIDTH, min(MOST_HEIGHT, round(browser.document().size().height()) + 56))
    dialog.show()
    return dialog
