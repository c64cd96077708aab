"""The pair as it was seen last, over a canvas whose own pictures are still being read.

What lives here: :class:`StandIn`. What does not: the first paint, which shows the same (``preview``), and what is kept
(``remembered``). May import: ``pair_plane``, the session, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QWidget

from app.ui.pair_plane import PairPlane
from app.ui.session import Session
from app.ui.style import Style

if TYPE_CHECKING:
    from app.ui.remembered import Remembered


class StandIn(PairPlane):
    """Covers a canvas until the session has the pair, has failed to read it, or is asked for another; then it is gone.

    Keys and mouse go through it to the canvas.

    Args:
        shown: what is remembered of the session's pair.
        session, look: the window's.
        canvas: what it covers.
    """

    def __init__(self, shown: Remembered, session: Session, look: Style, canvas: QWidget) -> None:
        super().__init__(look.tokens, canvas)
        self._session, self._look, self._canvas = session, look, canvas
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(canvas.rect())
        self.show_remembered(shown)
        canvas.installEventFilter(self)
        look.changed.connect(self._show_look)
        session.result_changed.connect(self._end_if_over)
        session.busy_changed.connect(self._end_if_over)
        session.pair_changed.connect(self._end)
        self._show_look()
        self.show()

    def eventFilter(self, canvas: QObject, event: QEvent) -> bool:
        """Follow the canvas in its size and its focus."""
        if event.type() is QEvent.Type.Resize:
            self.setGeometry(self._canvas.rect())
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(canvas, event)

    def hasFocus(self) -> bool:
        """Whether the canvas has the keyboard: the ring that says so is painted here."""
        return self._canvas.hasFocus()

    def _show_look(self, _look: object = None) -> None:
        self.tokens, self._font_scale = self._look.tokens, self._look.scale
        self.update()

    def _end_if_over(self, _event: object = None) -> None:
        if self._session.result is not None or not self._session.busy:
            self._end()

    def _end(self, _event: object = None) -> None:
        """Let the canvas be seen; asked a second time before it is deleted, it is gone already."""
        self.hide()
        self.deleteLater()
