"""What the window shows in its first paint: the pair, where the Match workspace will show it a moment later.

What lives here: :class:`Preview`. What does not: anything that can be done with the pair. Everything imported before
the first paint makes every start slower; this needs the pictures alone, or what is remembered of them. May import:
``pair_plane``, the session, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.records import MatchResult
from app.ui import canvas_words
from app.ui.pair_plane import PairPlane
from app.ui.session import Session
from app.ui.style import Style

if TYPE_CHECKING:
    from app.ui.remembered import Remembered

STRIP_STEPS = 4.625  # height of the strip above the picture, in steps of the grid


class Preview(QWidget):
    """The two pictures on a canvas of their own, below the empty place of the strip.

    Args:
        session, look: the window's.
        remembered: what is shown until the session's pair is there.
    """

    def __init__(
        self, session: Session, look: Style, remembered: Remembered | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.canvas = PairPlane(look.tokens)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, look.px(STRIP_STEPS), 0, 0)
        column.addWidget(self.canvas)
        if remembered is not None:
            self.canvas.show_remembered(remembered)
        session.busy_changed.connect(self._show_busy)
        self._show_busy(session.busy)
        session.result_changed.connect(self._show_result)
        self._show_result(session.result)

    def _show_busy(self, busy: object) -> None:
        self.canvas.set_message(canvas_words.READING if busy else "")

    def _show_result(self, result: MatchResult | None) -> None:
        if result is not None and result.pair is not None:
            self.canvas.set_pair(result.pair)
