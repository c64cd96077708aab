"""The Keypoint page: from the gradients around a point to its orientation and its descriptor.

What lives here: :class:`KeypointPage` and its state. What does not: what is drawn and said (``described``), the
painters (``gradient_view``, ``star_plot``, ``chart``). May import: those, ``picture_view``, ``form``, the session, Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.records import Point, Selection
from app.settings import Settings, flag, number
from app.ui.chart import Chart
from app.ui.facts import Facts, sentence
from app.ui.form import build
from app.ui.session import Message, Session
from app.ui.sift import described
from app.ui.sift.described import Described
from app.ui.sift.gradient_view import GradientView
from app.ui.sift.page import SiftContext, SiftPage
from app.ui.sift.picture_view import PictureView
from app.ui.sift.star_plot import StarPlot, as_rgb
from app.ui.style import Style

KEY = "sift.keypoint"
# The frame fills this share of the picture after a zoom, which happens if it fills less than the other.
WANTED_SHARE, LEAST_SHARE, MOST_ZOOM = 0.4, 0.2, 16.0
COMING = "The picture is being explained; the keypoint appears as soon as its scale space is there."


@dataclass(frozen=True)
class KeypointState(Settings):
    """How the point at the cursor is described.

    Attributes:
        asked, turned: degrees: where a place has several orientations and ``asked`` is the one selected, ``turned`` is
            shown instead; -1 for none.
    """

    asked: float = -1.0
    turned: float = -1.0
    root: bool = flag(
        False,
        label="RootSIFT",
        help=(
            "Show RootSIFT: divided by its sum, then square roots. Its Euclidean distance is the Hellinger distance of "
            "the histograms, in which large bins count less (Arandjelović and Zisserman 2012)."
        ),
    )
    free: bool = flag(
        False,
        label="Free point",
        help="Describe the place under the cursor itself, at the scale below, even where there is a keypoint.",
    )
    sigma: float = number(
        4.0,
        1.0,
        60.0,
        0.1,
        label="σ of a free point",
        unit="px",
        log_scale=True,
        help="Scale at which a place without a keypoint is described. A keypoint brings its own.",
    )
    follow: bool = flag(
        True,
        label="Zoom to the point",
        help="Enlarge the picture about a newly chosen point until the descriptor's frame can be seen.",
    )


class KeypointPage(SiftPage):
    """Picture, gradient window and histogram above; the descriptor on its patch, before and after clipping below."""

    key: ClassVar[str] = "keypoint"
    title: ClassVar[str] = "Keypoint"

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self._context: SiftContext | None = None
        self._picture_id = ""
        self._point: Point | None = None
        self._followed: Point | None = None  # the point that the picture was last enlarged about
        self.found: Described | None = None
        self.view = PictureView(look, "Picture with the descriptor's frame", pointing=True)
        self.setFocusProxy(self.view)
        self.view.draw_over = self._draw_frame
        self.window_view = GradientView(look)
        self.histogram = Chart(look, "Orientation histogram")
        self.on_patch = StarPlot(look, "Descriptor on the patch")
        self.before = StarPlot(look, "Descriptor before clipping")
        self.after = StarPlot(look, "Descriptor at the end")
        self.before.colour = self.after.colour = "accent"
        self.bars = Chart(look, "Descriptor as 128 bars")
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 8, 8, 8)
        grid.setSpacing(8)
        for place, widget in enumerate((self.view, self.window_view, self.histogram)):
            grid.addWidget(widget, 0, place)
        for place, widget in enumerate((self.on_patch, self.before, self.after)):
            grid.addWidget(widget, 1, place)
        for line in range(3):
            grid.setColumnStretch(line, 1)
        for line in range(2):
            grid.setRowStretch(line, 1)
        self._shown_state = self.state
        self.form = build(self._shown_state)
        self._details = self._make_details()
        self._connect()
        self._show()

    def _make_details(self) -> QWidget:
        """Return the words and numbers beside the bars."""
        self.words = sentence("")
        self.words.setAccessibleName("The point in words")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.other = QPushButton("Next orientation")
        self.other.clicked.connect(self._next_twin)
        self.facts = Facts(self.look, "Numbers of the point")
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.words)
        column.addWidget(self.other, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.facts)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setObjectName("panelScroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        scroll.setMinimumWidth(self.look.px(39))
        details = QWidget()
        line = QHBoxLayout(details)
        line.setContentsMargins(0, 0, 8, 4)
        line.setSpacing(8)
        line.addWidget(scroll, 2)
        line.addWidget(self.bars, 3)
        return details

    def _connect(self) -> None:
        self.view.moved.connect(self._dragged)
        self.view.chosen.connect(self._chosen)
        self.form.changed.connect(lambda state: self.session.set_workspace_state(KEY, state))
        self.form.held.connect(self.session.hold_undo)
        self.form.refused.connect(lambda text: self.session.message.emit(Message(text, "error")))
        self.session.state_changed.connect(lambda _state: self._show_state())

    @property
    def state(self) -> KeypointState:
        """What the page wants back."""
        state: KeypointState = self.session.workspace_state(KEY, KeypointState())
        return state

    def _show_state(self) -> None:
        """Follow the state, whether the form, undo or a bookmark changed it."""
        state = self.state
        if state == self._shown_state:
            return
        self._shown_state = state
        self.form.set_values(state)
        self._show()

    # ------------------------------------------------------------------------ the page

    def show_context(self, context: SiftContext) -> None:
        """Show the point at the cursor."""
        picture = context.picture
        if picture is not None and picture.id != self._picture_id:
            self._picture_id = picture.id
            self.view.set_picture(picture.rgb, picture.size)
        self._context, self._point = context, context.point
        self.view.set_cursor(context.point)
        self._show()
        if self.found is not None and context.point != self._followed and self._shown_state.follow:
            self._followed = context.point
            self._zoom()

    def _show(self) -> None:
        """Describe the point and show it; nothing changes while there is no explanation yet."""
        explanation = None if self._context is None else self._context.explanation
        if explanation is None or self._point is None:
            if self.found is None:
                self._show_nothing(COMING if self._context is None or not self._context.fault else self._context.fault)
            return
        state = self._shown_state
        found = described.describe(
            explanation,
            self._point,
            free=state.free,
            sigma=state.sigma,
            angle=self._asked_angle(),
            instead=(state.asked, state.turned) if state.turned >= 0 else None,
        )
        self.found = found
        clip = explanation.settings.clip
        self.window_view.show_view(found.orientation, found.sigma * 2.0**-found.octave)
        self.histogram.set_drawing(described.histogram_drawing(found.orientation))
        self._show_stars(found, root=state.root)
        self.bars.set_drawing(described.bars_drawing(found.descriptor, clip, root=state.root))
        self.facts.set_rows(described.facts_of(found, clip, root=state.root))
        self.words.setText(described.sentences_of(found, clip, root=state.root))
        several = len(found.twins) > 1
        self.other.setVisible(several)
        self.other.setToolTip(f"This place has {len(found.twins)} orientations, each a keypoint of its own")
        self.view.update()

    def _asked_angle(self) -> float:
        """Return the orientation of the selected match or keypoint; while a point is dragged none was asked for."""
        context = self._context
        return math.nan if context is None or context.point != self._point else described.asked_angle(context)

    def _show_stars(self, found: Described, *, root: bool) -> None:
        made = found.descriptor
        final = described.shown_values(made, root=root)
        name = "RootSIFT" if root else "after"
        longest = max(float(final.max()), 1e-12)
        self.on_patch.show_patch(as_rgb(made.patch))
        self.on_patch.show_descriptor(final, caption=f"on the patch, {name}", longest=longest)
        self.before.show_descriptor(made.unit, caption=f"before: largest {float(made.unit.max()):.2f}", longest=longest)
        after = f"{name}: largest {float(final.max()):.2f}" + ("" if root else ", before dotted")
        self.after.show_descriptor(final, ghost=made.unit, caption=after, longest=longest)

    def _zoom(self) -> None:
        """Enlarge the picture about the point if the descriptor's frame is small in it."""
        if self.found is None or not self.view.filled:
            return
        room, frame = min(self.view.width(), self.view.height()), 4 * self.found.descriptor.cell
        if frame * self.view.scale < LEAST_SHARE * room:
            self.view.zoom_to(*self.found.xy, min(WANTED_SHARE * room / frame, MOST_ZOOM))

    def _show_nothing(self, why: str) -> None:
        self.window_view.show_view(None)
        for star in (self.on_patch, self.before, self.after):
            star.show_descriptor(None)
        for chart in (self.histogram, self.bars):
            chart.set_drawing(type(chart.drawing)(empty=why))
        self.words.setText(why)
        self.facts.set_rows([])
        self.other.hide()

    def _draw_frame(self, painter: QPainter, view: PictureView) -> None:
        """Draw the descriptor's cells in the picture, with the side that the orientation points to marked."""
        if self.found is None:
            return
        corners = [view.screen_of(x, y) for x, y in self.found.descriptor.corners.tolist()]
        top_left, top_right, bottom_right, bottom_left = corners
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (self.look.colour("selected"), 2.0)):
            painter.setPen(QPen(colour, width * self.look.line_scale))
            painter.drawPolygon(QPolygonF(corners))
            painter.drawLine((top_left + bottom_right) / 2, (top_right + bottom_right) / 2)
            if colour != QColor(0, 0, 0, 170):
                painter.setPen(QPen(colour, 1.0))
            for share in (0.25, 0.5, 0.75):
                painter.drawLine(_between(top_left, top_right, share), _between(bottom_left, bottom_right, share))
                painter.drawLine(_between(top_left, bottom_left, share), _between(top_right, bottom_right, share))

    # ------------------------------------------------------------------------- pointing

    def _dragged(self, point: Point) -> None:
        self._point = point
        self._show()

    def _chosen(self, point: Point) -> None:
        if self._context is not None:
            self.point_chosen.emit(Selection(self._context.side, *point))

    def _next_twin(self) -> None:
        found, explanation = self.found, None if self._context is None else self._context.explanation
        if found is None or explanation is None or len(found.twins) < 2:
            return
        place = found.twins.index(found.keypoint)
        following = found.twins[(place + 1) % len(found.twins)]
        asked = described.orientation_like(explanation, found.twins[0], self._asked_angle())
        angle = explanation.keypoints.angle
        state = replace(self.state, asked=float(angle[asked]), turned=float(angle[following]))
        self.session.set_workspace_state(KEY, state)

    def settings_widget(self) -> QWidget:
        """Return RootSIFT and the free point."""
        return self.form

    def details_widget(self) -> QWidget:
        """Return the bars with numbers and words."""
        return self._details

    def picture(self) -> QWidget:
        """Return what gets the keyboard: the picture."""
        return self.view


def _between(a: QPointF, b: QPointF, share: float) -> QPointF:
    return a + (b - a) * share
