"""The SIFT workspace: the frame around its pages.

What lives here: :class:`SiftWorkspace`, which explains the picture in the background, keeps page, side and point, and
tells the page in front. What does not: the pages (``app.ui.sift``), how they stand in the window (``app.ui.pages``),
the work (``explainer``). May import: those, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QStackedWidget,
    QWidget,
)

from app.jobs import Progress
from app.records import Image, MatchResult, Point, Selection, Side
from app.ui.facts import sentence
from app.ui.pages import PagedWorkspace
from app.ui.session import Session
from app.ui.sift import PAGES
from app.ui.sift.explainer import Explained, Explainer, Key
from app.ui.sift.keys import SiftActions
from app.ui.sift.page import SiftContext, SiftPage
from app.ui.sift.settings_panel import SharedSettings, SiftSettingsPanel
from app.ui.sift.state import SiftState
from app.ui.sift.strip import SiftStrip
from app.ui.style import Style
from app.vision.half_pixel import to_original, to_working
from app.vision.sift_records import SiftExplanation

SIDES: tuple[Side, Side] = ("left", "right")
NO_PAIR = "Open two pictures, or drop them here: SIFT is then explained on either of them."
READING = "The pictures are being read."


class SiftWorkspace(PagedWorkspace[SiftPage]):
    """The pages, and above them the tabs, the side that is explained and how far that is."""

    key = "sift"
    title = "SIFT"
    number = 2
    entries = PAGES
    state_type = SiftState

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.explainer = Explainer(session, self)
        self.shared = SharedSettings(session)
        self._keys: dict[Side, Key] = {}
        self.context: SiftContext | None = None
        self.strip: SiftStrip = SiftStrip(style, PAGES)
        self.fault = QLabel("")
        self.fault.setProperty("role", "error")
        self.fault.setWordWrap(True)
        self.fault.setContentsMargins(16, 4, 16, 8)
        self.fault.setAccessibleName("Why there is no explanation")
        self.fault.hide()
        self.empty = QLabel(NO_PAIR)
        self.empty.setProperty("role", "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.centre.addWidget(self.empty)
        self._settings = SiftSettingsPanel(session, self.shared)
        self._details = QStackedWidget()
        self._details.setObjectName("panel")
        self._hint = sentence("This page shows everything above.")
        self._hint.setContentsMargins(16, 12, 16, 12)
        self._details.addWidget(self._hint)
        self._connect()
        self._build(self.strip, SiftActions(self), self.fault)

    def _connect(self) -> None:
        session, later = self.session, self._later
        session.result_changed.connect(later)
        session.selection_changed.connect(later)
        session.pair_changed.connect(later)
        self.explainer.changed.connect(later)
        self.explainer.progressed.connect(self._show_progress)
        self.strip.side_chosen.connect(self.look_at)
        self.strip.cancel_wanted.connect(self.explainer.cancel)
        self.strip.retry_wanted.connect(self.explainer.retry)
        self._settings.changed.connect(self.shared.set)

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return the algorithm's settings with the section of the page."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return the details of the page in front."""
        return self._details

    def copy_picture(self) -> bool:
        """Copy what the page shows to the clipboard; until a picture is explained there is nothing."""
        return self.context is not None and super().copy_picture()

    @property
    def busy(self) -> bool:
        """Whether a picture is being explained or the page still works on what it shows."""
        return super().busy or (self._active and self.explainer.busy)

    # ---------------------------------------------------------------------- state

    @property
    def sift_state(self) -> SiftState:
        """The workspace's state."""
        state: SiftState = self.state
        return state

    @property
    def side(self) -> Side:
        """The picture being explained: the selection's, else the one chosen last."""
        selection = self.session.state.selection
        if selection is not None:
            return selection.side
        return "right" if self.sift_state.side == "right" else "left"

    def look_at(self, side: Side) -> None:
        """Explain the other picture: at the partner if a match is selected, else at no place in particular."""
        selection = self.session.state.selection
        if side == self.side:
            return
        if selection is not None and selection.partner is not None:
            self.session.select(Selection(side, *selection.partner, (selection.x, selection.y)))
            return
        self.set_state(replace(self.sift_state, side=side))
        self.session.select(None)

    def swap(self) -> None:
        """Explain the picture that is not explained now."""
        self.look_at("left" if self.side == "right" else "right")

    def _show_front(self, page: SiftPage) -> None:
        self.strip.show_side(self.side)
        details = page.details_widget()
        self._details.setCurrentWidget(details if details is not None else self._hint)
        self._settings.show_page(page.title, page.settings_widget())
        if self.context is not None:
            self._uncover(page)

    def _make_page(self, kind: type[Any]) -> SiftPage:
        page: SiftPage = kind(self.session, self.look)
        page.point_chosen.connect(self._select)
        details = page.details_widget()
        if details is not None:
            self._details.addWidget(details)
        return page

    # -------------------------------------------------------------------- context

    def _refresh(self) -> None:
        """Ask for what is missing, and show the page what is there."""
        result, state = self.session.result, self.session.state
        self._settings.show_settings()
        self.strip.show_side(self.side)
        if result is None or result.pair is None or result.request.ref != state.pair:
            self.empty.setText(NO_PAIR if state.pair is None else READING)
            if self.context is None:
                self.centre.setCurrentWidget(self.empty)
            return  # while another pair is read the last picture stays
        self._want(result)
        self.context = self._context(result)
        self.fault.setText(self.context.fault)
        self.fault.setVisible(bool(self.context.fault))
        self.strip.show_fault(bool(self.context.fault))
        if self._front is None:
            return
        self._uncover(self._front)
        if self.context.space is not None:
            self._front.show_context(self.context)

    def _uncover(self, page: SiftPage) -> None:
        """Show the page in front; it takes the keyboard unless somebody is typing elsewhere."""
        if self.centre.currentWidget() is page:
            return
        focus = QApplication.focusWidget()
        self.centre.setCurrentWidget(page)
        if not isinstance(focus, QLineEdit | QAbstractSpinBox | QComboBox):
            page.setFocus(Qt.FocusReason.OtherFocusReason)

    def _want(self, result: MatchResult) -> None:
        assert result.pair is not None
        images: dict[Side, Image] = {"left": result.pair.left, "right": result.pair.right}
        both = self._front is not None and self._front.both_sides
        first = self.side
        sides = [first, *(s for s in SIDES if s != first)] if both else [first]
        self._keys = self.explainer.want(
            {side: images[side] for side in sides}, self.shared.value, self.shared.most_side
        )

    def _context(self, result: MatchResult) -> SiftContext:
        found = {side: item for side, key in self._keys.items() if (item := self.explainer.known(key)) is not None}
        explanations = {s: i.explanation for s, i in found.items() if i.explanation is not None}
        side, selection = self.side, self.session.state.selection
        point, partner = None, None
        if selection is not None:
            point = _reduced((selection.x, selection.y), found.get(side))
            partner = None if selection.partner is None else _reduced(selection.partner, found.get(_other(side)))
        elif side in explanations:
            point = strong_point(explanations[side])
        faults = (self.explainer.fault(key) for key in self._keys.values())
        return SiftContext(
            result, side, point, partner, self.shared.value,
            {s: i.picture for s, i in found.items()}, {s: i.scale for s, i in found.items()},
            {s: i.space for s, i in found.items()}, explanations, next((f for f in faults if f), ""),
        )  # fmt: skip

    def _select(self, selection: Selection) -> None:
        """Select what a page pointed at, in original pixels."""
        found = {side: self.explainer.known(key) for side, key in self._keys.items()}
        x, y = _original((selection.x, selection.y), found.get(selection.side))
        partner = selection.partner
        if partner is not None:
            partner = _original(partner, found.get(_other(selection.side)))
        self.session.select(Selection(selection.side, x, y, partner))

    def _show_progress(self, progress: Progress | None) -> None:
        self.strip.show_progress(progress)


def strong_point(explanation: SiftExplanation) -> Point | None:
    """Return a keypoint worth looking at first: the strongest of those that are seen as blobs, None without any."""
    points = explanation.keypoints
    if not len(points):
        picture = explanation.space.grey
        return ((picture.shape[1] - 1) / 2, (picture.shape[0] - 1) / 2)
    large = points.size >= 0.02 * min(explanation.space.grey.shape)
    response = np.where(large, points.response, 0) if large.any() else points.response
    x, y = points.xy[int(np.argmax(response))].tolist()
    return (x, y)


def _other(side: Side) -> Side:
    return "right" if side == "left" else "left"


def _reduced(point: Point, found: Explained | None) -> Point:
    """Return an original pixel in the picture explained."""
    return point if found is None else to_working(point, found.scale)


def _original(point: Point, found: Explained | None) -> Point:
    """Return the original pixel of one of the picture explained."""
    return point if found is None else to_original(point, found.scale)
