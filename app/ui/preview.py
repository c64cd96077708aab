"""What the window shows in its first paint: the pair, where the Match workspace will show it a moment later.

What lives here: :class:`Preview`. What does not: anything that can be done with the pair. Everything imported before
the first paint makes every start slower; this needs the pictures alone. May import: ``pair_plane``, the session, Qt.
"""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.records import MatchResult
from app.ui.pair_plane import PairPlane
from app.ui.session import Session
from app.ui.style import Style

STRIP_STEPS = 4.625  # height of the strip above the picture, in steps of the grid


class Preview(QWidget):
    """The two pictures on a canvas of their own, below the empty place of the strip."""

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = PairPlane(look.tokens)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, look.px(STRIP_STEPS), 0, 0)
        column.addWidget(self.canvas)
        session.result_changed.connect(self._show_result)
        self._show_result(session.result)

    def _show_result(self, result: MatchResult | None) -> None:
        self.canvas.set_pair(None if result is None else result.pair)
