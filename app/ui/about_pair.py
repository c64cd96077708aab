"""A few lines under the list of pairs: what a built-in pair shows, and whose pictures it is made of.

What lives here: :class:`AboutPair`. What does not: the words (``app.pairs``, ``app.formats.summary``). May import:
those inside functions, records, the session, QtWidgets.
"""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.records import MatchResult
from app.ui.session import Session

CREDIT_LENGTH = 130


def shortened(text: str, length: int) -> str:
    """Return ``text`` cut after a word, with an ellipsis, if it is longer than ``length`` characters."""
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"


class AboutPair(QLabel):
    """Follows the session's result; hidden for pairs that nothing is known of."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "help")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAccessibleName("What the pair shows, and whose pictures it is made of")
        session.result_changed.connect(self._show)
        self._fill(session.result)
        if not self.text():  # shown with what it will be put into; by itself it would be a window of its own
            self.hide()

    def _show(self, result: MatchResult | None) -> None:
        self._fill(result)
        self.setVisible(bool(self.text()))

    def _fill(self, result: MatchResult | None) -> None:
        from app import pairs
        from app.formats.summary import credit_text

        pair = None if result is None else result.pair
        words = "" if pair is None else pairs.describe(pair.ref)
        credit = credit_text(pair)
        self.setText("\n".join(part for part in (words, shortened(credit, CREDIT_LENGTH)) if part))
        self.setToolTip(f"<p>{html.escape(credit)}</p>" if credit else "")
