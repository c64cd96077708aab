"""What stands under a page that explains itself: title, formula, what to look at, what to try, the slide, and numbers.

What lives here: :class:`Words`, one page in words; :class:`Prose`, a label that lowers indices; :class:`Explanation`,
the panel. What does not: the words of any page. May import: ``facts``, style, Qt.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.ui.facts import Facts
from app.ui.style import Style

SUBSCRIPT = re.compile(r"(?<=\w)_([A-Za-z]+)")


@dataclass(frozen=True)
class Words:
    """One page in words; ``slide`` holds the slide's own wording beside what is right."""

    title: str
    formula: str
    look: str
    tries: str
    slide: str


def _muted() -> Prose:
    words = Prose()
    words.setProperty("role", "muted")
    words.setWordWrap(True)
    words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    return words


class Prose(QLabel):
    """A wrapped line of words in which x_i is shown with a lowered i.

    Attributes:
        said: the words as given.
    """

    said = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)

    def say(self, text: str, *, markup: bool = False) -> None:
        """Show words; with ``markup`` they may hold tags."""
        self.said = text
        shown = text if markup else html.escape(text, quote=False).replace("  ", "&nbsp; ")
        self.setText(SUBSCRIPT.sub(r"<sub>\1</sub>", shown))


class Explanation(QWidget):
    """The panel of details of a workspace whose pages explain themselves.

    Args:
        name: of the table of numbers, read aloud.
    """

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.title.setWordWrap(True)
        self.formula = Prose()
        self.formula.setWordWrap(True)
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.teaches, self.tries, self.slide, self.told = (_muted() for _ in range(4))
        self.facts = Facts(look, name)
        body = QWidget()
        line = QHBoxLayout(body)
        line.setContentsMargins(16, 8, 16, 8)
        line.setSpacing(32)
        words = QVBoxLayout()
        words.setSpacing(6)
        for widget in (self.title, self.formula, self.told, self.teaches, self.tries, self.slide):
            words.addWidget(widget)
        words.addStretch(1)
        line.addLayout(words, 1)
        line.addWidget(self.facts, 0, Qt.AlignmentFlag.AlignTop)
        scroll = QScrollArea()
        scroll.setObjectName("panelScroll")
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def show_words(self, words: Words) -> None:
        """Show the words of a page that brings its own."""
        self.title.setText(words.title)
        self.title.setToolTip("")
        self.formula.say(words.formula)
        self.teaches.say(f"<b>Look at</b> {words.look}", markup=True)
        self.tries.say(f"<b>Try</b> {words.tries}", markup=True)
        self._show_slide(words.slide)
        self._show_filled()

    def _show_slide(self, text: str) -> None:
        self.slide.say(f"<b>On the slide</b> {text}" if text else "", markup=True)

    def _show_filled(self) -> None:
        for label in (self.formula, self.told, self.teaches, self.tries, self.slide):
            label.setVisible(bool(label.text()))

    def show_facts(self, told: tuple[list[tuple[str, str]], str]) -> None:
        """Show rows and a sentence."""
        rows, text = told
        self.facts.set_rows(rows)
        if text != self.told.said:
            self.told.say(text)
            self.told.setVisible(bool(text))
