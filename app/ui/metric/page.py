"""What a page of the Metric workspace is.

What lives here: :class:`MetricPage`. What does not: any page, and the frame around them (``app.ui.workspaces.metric``).
May import: ``worded_page``, the states, the session, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.metric.state import MetricState
from app.ui.worded_page import WordedPage

if TYPE_CHECKING:
    from app.ui.metric.learning import Learning
    from app.ui.session import Session
    from app.ui.style import Style


class MetricPage(WordedPage):
    """Base of every page.

    Attributes:
        learning: what runs the learner of the plane.

    Signals:
        changed: a new :class:`MetricState`.
        wanted: key of a method to look at.
    """

    changed = Signal(object)
    wanted = Signal(object)

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.learning = learning

    def show_state(self, state: MetricState) -> None:
        """Show the workspace's state, or the page's own from the session; called only while the page is in front."""
        raise NotImplementedError
