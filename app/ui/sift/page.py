"""What a page of the SIFT workspace is: one part of the algorithm, shown at the cursor that all pages share.

What lives here: :class:`SiftContext`, what a page is told, and :class:`SiftPage`, what it answers to. What does
not: any page, and the frame around them (``app.ui.workspaces.sift``). May import: records, sift settings, Qt.

A page keeps what it wants back in a frozen state of its own, ``session.workspace_state("sift.KEY", State())``,
and reads its point from the context only: a click in a page emits ``point_chosen``, the frame selects it in the
session, and every page is shown the new context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.records import Image, ImagePair, MatchResult, Point, Side

if TYPE_CHECKING:
    from app.ui.session import Session
    from app.ui.style import Style


@dataclass(frozen=True, eq=False)
class SiftContext:
    """What all pages look at.

    Attributes:
        pair: the two pictures.
        result: the matcher's result on them, None while it runs the first time; only ``Two sides`` needs it.
        side: the picture being explained.
        point: the cursor, (x, y) in original pixels of that picture. With nothing selected it is the strongest
            keypoint, so that there is always something to see; None until that is known.
        partner: the other end in the other picture, if a match is selected.
        settings: the settings of the explained SIFT.
        explanations: side -> explanation, those that are there; the other side's only for pages that ask for
            both (:attr:`SiftPage.both_sides`). Never one of other settings or another picture.
        fault: why there is no explanation of this side (one sentence), empty while it runs or when it is there.
    """

    pair: ImagePair
    result: MatchResult | None
    side: Side
    point: Point | None
    partner: Point | None
    settings: Any
    explanations: Mapping[Side, Any]
    fault: str = ""

    @property
    def image(self) -> Image:
        """The picture being explained."""
        return self.image_of(self.side)

    @property
    def other(self) -> Side:
        """The other side."""
        return "right" if self.side == "left" else "left"

    @property
    def explanation(self) -> Any:
        """The explanation of ``side``, None while it is being computed."""
        return self.explanations.get(self.side)

    def image_of(self, side: Side) -> Image:
        """Return one of the pictures."""
        return self.pair.left if side == "left" else self.pair.right


class SiftPage(QWidget):
    """Base of every page; the widget itself fills the centre below the row of page tabs.

    Class attributes:
        key: name in saved states, e.g. ``"stages"``.
        title: the words on its tab.
        both_sides: whether the explanation of the other picture is wanted as well.

    Signals:
        point_chosen: a :class:`app.records.Selection` that the user pointed at.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    both_sides: ClassVar[bool] = False
    point_chosen = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.look = look

    def show_context(self, context: SiftContext) -> None:
        """Show another point, side, picture or explanation.

        Called only while the page is in front, at most once per pass of the event loop, on the GUI thread: what
        takes longer than a frame goes to a lane (``session.lane(name)``). The explanation may be missing.
        """
        raise NotImplementedError

    def settings_widget(self) -> QWidget | None:
        """Return the page's own section of the settings panel, the same at every call, or None."""
        return None

    def details_widget(self) -> QWidget | None:
        """Return what the page shows in the details dock, the same at every call, or None for an empty dock."""
        return None

    def actions(self) -> list[QAction]:
        """Return the page's actions for the workspace's menu; bare keys belong to the page's picture."""
        return []

    @property
    def busy(self) -> bool:
        """Whether something the page started still runs: a screenshot waits for it."""
        return False

    def picture(self) -> QWidget:
        """Return the widget that *Copy picture* copies and that gets the keyboard."""
        return self

    def activate(self) -> None:
        """Called when the page comes to the front, before its first context."""

    def deactivate(self) -> None:
        """Called when another page or workspace comes to the front: stop timers and jobs."""
