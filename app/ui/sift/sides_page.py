"""The Two sides page: both ends of a match, and where their distance comes from.

What lives here: :class:`SidesPage` and its state. What does not: the comparison (``sides_info``), the list of
candidates (``sides_candidates``), the painters. May import: those,
``described``, ``chart``, ``picture_view``, ``star_plot``, the lanes, the session, Qt, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSplitter, QWidget

from app.records import Point, Selection, Side
from app.settings import Settings, flag, number
from app.ui.chart import Bars, Chart, Drawing
from app.ui.errand import Errand
from app.ui.facts import sentence
from app.ui.form import build
from app.ui.session import Message, Session
from app.ui.sift.described import Described, histogram_drawing
from app.ui.sift.page import SiftContext, SiftPage
from app.ui.sift.picture_view import PictureView
from app.ui.sift.sides_candidates import CandidateTable, draw_candidates
from app.ui.sift.sides_info import Compared, Ranking, Source, candidates_of, compare, source_of, sum_in_words
from app.ui.sift.star_plot import DifferenceMap, StarPlot, as_rgb
from app.ui.style import Style

KEY = "sift.sides"
LANE = "sift-sides"
SIDES: tuple[Side, Side] = ("left", "right")
LOWE_RATIO = 0.8  # where the matcher in use has no ratio test
COMING = "Both pictures are being explained; their descriptors are compared as soon as they are there."
PICK = "Click a keypoint in one picture: its nearest in the other is compared with it."


@dataclass(frozen=True)
class SidesState(Settings):
    """How two points are compared."""

    circles: bool = flag(
        True,
        label="Candidates",
        help="Circles around the nearest descriptors of the other picture: the larger, the closer to the nearest.",
    )
    sigma: float = number(
        4.0,
        1.0,
        60.0,
        0.1,
        label="σ of a free point",
        unit="px",
        log_scale=True,
        help="Scale at which a place without a keypoint is described.",
    )


class SidesPage(SiftPage):
    """The two pictures, both descriptors on their patches, and the squared difference of every bin."""

    key: ClassVar[str] = "sides"
    title: ClassVar[str] = "Two sides"
    both_sides: ClassVar[bool] = True

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self._context: SiftContext | None = None
        self._ids = {"left": "", "right": ""}
        self._points: dict[Side, Point | None] = {"left": None, "right": None}
        self._source: Source | None = None
        self._search = Errand(session.lane(LANE), self)
        self._asked: tuple[object, ...] = ()
        self._preferred: int | None = None
        self.compared: Compared | None = None
        self.ranking: Ranking | None = None
        self.views = {side: PictureView(look, f"{side} picture", pointing=True) for side in SIDES}
        self.setFocusProxy(self.views["left"])
        self.stars = {side: StarPlot(look, f"Descriptor, {side}") for side in SIDES}
        self.histograms = {side: Chart(look, f"Orientation histogram, {side}") for side in SIDES}
        self.map = DifferenceMap(look, "Squared difference per bin")
        self.bars = Chart(look, "Squared differences as 128 bars")
        self.words = sentence("")
        self.words.setAccessibleName("The distance in words")
        self._build()
        self._state: SidesState = session.workspace_state(KEY, SidesState())
        self.form = build(self._state)
        self._details = self._make_details()
        self._connect()
        self._show_nothing(PICK)

    def _build(self) -> None:
        pictures = QSplitter(Qt.Orientation.Vertical)
        for side in SIDES:
            self.views[side].draw_over = lambda painter, view, side=side: self._draw_over(painter, view, side)
            pictures.addWidget(self.views[side])
        parts = QWidget()
        grid = QGridLayout(parts)
        grid.setContentsMargins(8, 0, 0, 0)
        grid.setSpacing(8)
        for column, side in enumerate(SIDES):
            grid.addWidget(self.stars[side], 0, column)
        grid.addWidget(self.map, 1, 0)
        grid.addWidget(self.bars, 1, 1)
        grid.addWidget(self.words, 2, 0, 1, 2)
        for line in range(2):
            grid.setRowStretch(line, 1)
            grid.setColumnStretch(line, 1)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(pictures)
        both.addWidget(parts)
        both.setSizes([400, 560])
        whole = QHBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.addWidget(both)

    def _make_details(self) -> QWidget:
        """Return the candidates beside both orientation histograms."""
        self.candidates = CandidateTable(self.look)
        details = QWidget()
        line = QHBoxLayout(details)
        line.setContentsMargins(8, 4, 8, 4)
        line.setSpacing(8)
        line.addWidget(self.candidates, 3)
        for side in SIDES:
            line.addWidget(self.histograms[side], 2)
        return details

    def _connect(self) -> None:
        for side in SIDES:
            self.views[side].moved.connect(lambda point, side=side: self._dragged(side, point))
            self.views[side].chosen.connect(lambda point, side=side: self._chosen(side, point))
        self.candidates.chosen.connect(self._candidate_chosen)
        self._search.finished.connect(self._ranked)
        self._search.failed.connect(self.session.message)
        self.form.changed.connect(lambda state: self.session.set_workspace_state(KEY, state))
        self.form.held.connect(self.session.hold_undo)
        self.form.refused.connect(lambda text: self.session.message.emit(Message(text, "error")))
        self.session.state_changed.connect(lambda _state: self._show_state())

    def _show_state(self) -> None:
        state: SidesState = self.session.workspace_state(KEY, SidesState())
        if state == self._state:
            return
        self._state = state
        self.form.set_values(state)
        self._show()
        for view in self.views.values():
            view.update()

    # ------------------------------------------------------------------------ the page

    def show_context(self, context: SiftContext) -> None:
        """Compare the ends of the selected match, or the point with its nearest in the other picture."""
        before, self._context = self._context, context
        for side in SIDES:
            picture = context.pictures.get(side)
            if picture is not None and picture.id != self._ids[side]:
                self._ids[side] = picture.id
                self.views[side].set_picture(picture.rgb, picture.size)
                self.compared = self.ranking = None
        if before is None or (before.result, dict(before.explanations)) != (context.result, dict(context.explanations)):
            self._source = source_of(context)
            self._asked = ()
        self._points[context.side] = context.point
        self._points[context.other] = context.partner
        self._show()

    def _show(self) -> None:
        """Compare what is pointed at; without a second point the candidates come first, then the nearest is taken."""
        context, source = self._context, self._source
        if context is None or source is None:
            self._show_nothing(COMING if context is None or not context.fault else context.fault)
            return
        for side in SIDES:
            self.views[side].set_cursor(self._points[side])
        here = self._points[context.side]
        if here is None:
            self._show_nothing(PICK)
            return
        left, right = self._points["left"], self._points["right"]
        if left is not None and right is not None:
            preferred = None if self._preferred is None else (context.other, self._preferred)
            compared = compare(context, source, left, right, sigma=self._state.sigma, preferred=preferred)
            self._take(compared)
            row = compared.rows[SIDES.index(context.side)]
            values = compared.values[SIDES.index(context.side)]
        else:
            alone = compare(context, source, here, here, sigma=self._state.sigma)
            row, values = alone.rows[SIDES.index(context.side)], alone.values[SIDES.index(context.side)]
        self._rank(context, source, row, values)

    def _rank(self, context: SiftContext, source: Source, row: int, values: np.ndarray) -> None:
        """Ask for the candidates of a descriptor, unless they are there."""
        asked = (context.result, context.side, row, values.tobytes())
        if asked != self._asked:
            self._asked = asked
            side = context.side
            self._search.start(lambda: candidates_of(context, source, side, row, values))
        elif self.ranking is not None:
            self._show_ranking(self.ranking)

    def _ranked(self, ranking: Ranking | None) -> None:
        if ranking is None or self._context is None:
            return
        self._show_ranking(ranking)
        other = self._context.other
        if self._points[other] is None and ranking.candidates:
            self._points[other] = ranking.candidates[0].xy
            self._show()

    # ------------------------------------------------------------------------- showing

    def _take(self, compared: Compared) -> None:
        self.compared = compared
        assert self._source is not None
        longest = max(float(values.max()) for values in compared.values) or 1.0
        for side, values in zip(SIDES, compared.values, strict=True):
            found = compared.of(side)
            self.stars[side].show_patch(as_rgb(found.descriptor.patch))
            caption = f"{side} · σ {found.sigma:.1f} px · {found.angle:.0f}°"
            self.stars[side].show_descriptor(values.reshape(4, 4, 8), caption=caption, longest=longest)
            drawn = histogram_drawing(found.orientation)
            self.histograms[side].set_drawing(replace(drawn, x_label=f"{side}: degrees, clockwise"))
        self.map.show_differences(compared.squared, caption="(a − b)² per bin; share of each cell")
        flat = np.asarray(compared.squared, np.float64).reshape(-1)
        top = tuple(int(i) for i in np.argsort(-flat)[:3])
        self.bars.set_drawing(
            Drawing(
                bars=(Bars(np.arange(128, dtype=np.float64), flat, 1.0, "edge", top, "wrong"),),
                x_range=(-1.0, 128.0),
                x_ticks=(0.0, 32.0, 64.0, 96.0, 128.0),
                x_label="bin",
                y_label="(a − b)²",
            )
        )
        self.words.setText(sum_in_words(compared, self._source.name))
        for view in self.views.values():
            view.update()

    def _show_nothing(self, why: str) -> None:
        self.compared = self.ranking = None
        self._asked = ()
        for side in SIDES:
            self.stars[side].show_patch(None)
            self.stars[side].show_descriptor(None, caption=side)
            self.histograms[side].set_drawing(Drawing(empty=why))
        self.map.show_differences(None)
        self.bars.set_drawing(Drawing(empty=why))
        self.words.setText(why)
        self.candidates.show_ranking(None)

    def _show_ranking(self, ranking: Ranking) -> None:
        self.ranking = ranking
        limit = float(getattr(self.session.settings.match, "ratio", 0.0)) or LOWE_RATIO
        compared = None
        if self.compared is not None:
            compared = self.compared.rows[1 if ranking.side == "left" else 0]
        self.candidates.show_ranking(ranking, compared=compared, threshold_px=self._threshold(), limit=limit)
        for view in self.views.values():
            view.update()

    def _threshold(self) -> float:
        told = None if self._context is None else self._context.result.evaluation
        return 3.0 if told is None else told.threshold_px

    def _draw_over(self, painter: QPainter, view: PictureView, side: Side) -> None:
        """Draw the compared frame, and in the other picture the candidates."""
        if self.ranking is not None and side != self.ranking.side and self._state.circles:
            draw_candidates(painter, view, self.ranking, self.look, self._threshold())
        if self.compared is not None:
            self._draw_frame(painter, view, self.compared.of(side))

    def _draw_frame(self, painter: QPainter, view: PictureView, found: Described) -> None:
        corners = [view.screen_of(x, y) for x, y in found.descriptor.corners.tolist()]
        middle: QPointF = (corners[0] + corners[2]) / 2
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (self.look.colour("selected"), 2.0)):
            painter.setPen(QPen(colour, width * self.look.line_scale))
            painter.drawPolygon(QPolygonF(corners))
            painter.drawLine(middle, (corners[1] + corners[2]) / 2)

    # ------------------------------------------------------------------------ pointing

    def _dragged(self, side: Side, point: Point) -> None:
        self._points[side] = point
        self._show()

    def _chosen(self, side: Side, point: Point) -> None:
        """Tell the frame: a click in the picture explained is a new point, one in the other is its partner."""
        if self._context is None:
            return
        here = self._points[self._context.side]
        if side == self._context.side or here is None:
            self.point_chosen.emit(Selection(side, *point, None))
        else:
            self.point_chosen.emit(Selection(self._context.side, *here, point))

    def _candidate_chosen(self, row: int) -> None:
        """Compare with a candidate of the table."""
        if self.ranking is None or self._context is None or not 0 <= row < len(self.ranking.candidates):
            return
        here = self._points[self._context.side]
        if here is not None:
            self._preferred = self.ranking.candidates[row].row
            self.point_chosen.emit(Selection(self._context.side, *here, self.ranking.candidates[row].xy))

    def settings_widget(self) -> QWidget:
        """Return the switches."""
        return self.form

    def details_widget(self) -> QWidget:
        """Return candidates and histograms."""
        return self._details

    @property
    def busy(self) -> bool:
        """Whether candidates are being ranked."""
        return self._search.busy

    def picture(self) -> QWidget:
        """Return what is copied: the whole page."""
        return self

    def deactivate(self) -> None:
        """Stop ranking."""
        self._search.cancel()
