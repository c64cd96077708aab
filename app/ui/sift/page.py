"""What a page of the SIFT workspace is: one part of the algorithm, shown at the cursor that all pages share.

What lives here: :class:`SiftContext`, what a page is told, and :class:`SiftPage`, what it answers to. What does
not: any page, and the frame around them (``app.ui.workspaces.sift``). May import: ``pages``, records, ``app.vision``'s
records of SIFT, Qt.

A page keeps what it wants back in a frozen state of its own, ``session.workspace_state("sift.KEY", State())``,
and reads its point from the context only: a click in a page emits ``point_chosen``, the frame selects it in the
session, and every page is shown the new context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.records import Image, MatchResult, Point, Side
from app.ui.pages import Page
from app.vision.scale_space import ScaleSpace
from app.vision.sift_records import SiftExplanation, SiftSettings


@dataclass(frozen=True, eq=False)
class SiftContext:
    """What all pages look at.

    A large picture is explained at a reduced size: every coordinate here is a pixel of ``pictures``, and the frame
    translates from and to the session's. ``scales`` says how many original pixels one of them is, (1, 1) mostly;
    only what is taken from ``result`` is in original pixels.

    Attributes:
        result: the matcher's result on the pair, partial or complete.
        side: the picture being explained.
        point: the cursor, (x, y) in that picture. With nothing selected it is a strong keypoint, so that there is
            always something to see; None until that is known.
        partner: the other end in the other picture, if a match is selected.
        settings: of the explained SIFT.
        pictures, scales, spaces: side -> picture, its scale, its scale space; there before the explanation.
        explanations: side -> complete explanation; missing while it is computed. The other side is there only for
            pages that ask for both (:attr:`SiftPage.both_sides`).
        fault: why there is no explanation (one sentence), empty while it runs or when it is there.
    """

    result: MatchResult
    side: Side
    point: Point | None
    partner: Point | None
    settings: SiftSettings
    pictures: Mapping[Side, Image]
    scales: Mapping[Side, tuple[float, float]]
    spaces: Mapping[Side, ScaleSpace]
    explanations: Mapping[Side, SiftExplanation]
    fault: str = ""

    @property
    def other(self) -> Side:
        """The other side."""
        return "right" if self.side == "left" else "left"

    @property
    def picture(self) -> Image | None:
        """The picture being explained, None until it is read."""
        return self.pictures.get(self.side)

    @property
    def space(self) -> ScaleSpace | None:
        """Its scale space, None until the picture is read."""
        return self.spaces.get(self.side)

    @property
    def explanation(self) -> SiftExplanation | None:
        """Its complete explanation, None while it is computed."""
        return self.explanations.get(self.side)


class SiftPage(Page):
    """Base of every page.

    Class attributes:
        both_sides: whether the explanation of the other picture is wanted as well.

    Signals:
        point_chosen: a :class:`app.records.Selection` that the user pointed at, in pixels of ``pictures``.
    """

    both_sides: ClassVar[bool] = False
    point_chosen = Signal(object)

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
