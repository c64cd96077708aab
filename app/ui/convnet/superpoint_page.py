"""The SuperPoint page: a picture under its heat map, one cell's 65 numbers, and how many points recur.

What lives here: :class:`SuperPointPage`. What does not: the network and its arithmetic (``app.learning``), the jobs
(``superpoint_jobs``) and the small pictures (``superpoint_views``). May import: those, the form, the session, numpy,
Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QAction, QPainter, QPen
from PySide6.QtWidgets import QProgressBar, QWidget

from app.jobs import Progress
from app.learning.superpoint import CELL, DUSTBIN
from app.ui.bare_keys import Key, bare_action
from app.ui.convnet.detector_files import DetectorFiles
from app.ui.convnet.page import ConvNetPage
from app.ui.convnet.superpoint_jobs import Found, Kept, examine
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SUREST, SuperPointState
from app.ui.convnet.superpoint_views import CellPicture, CellView, ColourBar, RepeatBars, point_mark
from app.ui.convnet.superpoint_words import SUPERPOINT, funnel, rows_of, sentence
from app.ui.errand import Errand
from app.ui.explanation import Words
from app.ui.form import Form, build
from app.ui.session import Message, Session
from app.ui.sift.picture_view import PictureView
from app.ui.steady import SteadyHead, SteadyText
from app.ui.style import Style

if TYPE_CHECKING:
    from app.records import PairRef
    from app.vision.repeatability import Repeated

LANE = "superpoint"
STOP_TIP = "Stop what is being computed; what is known stays"
MOST_RINGS = 1500
AROUND = 3  # cells of the grid that are drawn on every side of the chosen one
Cell = tuple[int, int]  # row, column


class SuperPointPage(ConvNetPage):
    """The picture at the left; the cell, the colours and the comparison beside it; the funnel of counts below."""

    key = "superpoint"
    title = "SuperPoint"
    section = "SUPERPOINT"
    side = 380
    share = 0.42

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.state = SuperPointState()
        self.found: Found | None = None
        self.fault = ""
        self._asked: tuple[PairRef, SuperPointState] | None = None
        self._wanted = False  # something newer waits until the running job has shown its first picture
        self._told = False
        self._halted = False
        self._compared: Repeated | None = None
        self._hover: Cell | None = None
        self._kept = Kept()
        self.form: Form = build(self.state)
        self.below_form = self.files = DetectorFiles(session, look)
        self.view = CellPicture(look, "The picture under its heat map", pointing=True)
        self.view.message = "Open a pair of pictures: its points are looked for here."
        self.head = SteadyHead("CELL")
        self.cell_view = CellView(look)
        self.colours = ColourBar(look)
        self.colours.set_confidence(self.state.confidence)
        self.repeated = RepeatBars(look)
        self.funnel = SteadyText()
        self.funnel.setAccessibleName("How many cells, pixels and points are left")
        self.other = self._button("Other picture", "Show the other picture of the pair", self._to_other)
        self.stop = self._button("Cancel", STOP_TIP, self._cancel_or_go_on)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress")
        self._doing = ""
        self._actions = self._make_actions()
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        row = self._beside(self.view, (self.head, 0), (self.cell_view, 1), (self.colours, 0), (self.repeated, 0))
        self.progress.setFixedWidth(self.look.px(6))
        room = self.progress.sizePolicy()
        room.setRetainSizeWhenHidden(True)  # a quick answer moves nothing
        self.progress.setSizePolicy(room)
        bar = self._bar((self.other, self.stop, self.progress), self.funnel)
        self._stack(self, row, bar)
        self.setFocusProxy(self.view)
        self.view.draw_under = self._draw_points
        self.view.draw_over = self._draw_cells

    def _connect(self) -> None:
        self.session.state_changed.connect(lambda _state: self._take())
        self.session.busy_changed.connect(lambda _busy: self._match_went_on())
        self.form.changed.connect(lambda state: self._set(replace(state, cell=self.state.cell)))
        self.files.changed.connect(self._look_anew)
        self.view.moved.connect(self._dragged)
        self.view.chosen.connect(self._let_go)
        self.view.hovered.connect(self._hovered)
        self.view.stepped.connect(self._step)
        self._examination = Errand(self.session.lane(LANE), self)
        self._examination.progressed.connect(self._progressed)
        self._examination.finished.connect(self._finished)
        self._examination.failed.connect(self._failed)
        self._examination.cancelled.connect(self._stopped)
        self._show_running(None)

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether something is being computed, or files are being read or written."""
        return self._examination.busy or self.files.busy

    @property
    def words(self) -> Words:
        """What the page shows, in words."""
        return SUPERPOINT

    def actions(self) -> list[QAction]:
        """Return the page's actions; their keys act while the focus is on the page."""
        return self._actions

    def _make_actions(self) -> list[QAction]:
        keys: tuple[Key, ...] = (
            ("Other picture", "X", self._to_other),
            ("With and without adaptation", "V", self._to_other_heat),
            ("Points", "K", lambda: self._set(replace(self.state, points=not self.state.points))),
            ("Fit", "F", self.view.fit),
            ("Actual size", "0", self.view.actual_size),
        )
        return [bare_action(self, *key) for key in keys]

    def refresh(self) -> None:
        """Show the page's state for the pair of the session."""
        self._take()
        self._ask()
        self._show_cell()

    def deactivate(self) -> None:
        """Stop: nobody looks. What the views have given so far is gone on with."""
        self._examination.cancel()
        self._asked = None

    def _set(self, state: SuperPointState) -> None:
        self.session.set_workspace_state(SUPERPOINT_KEY, state)

    def _take(self) -> None:
        state: SuperPointState = self.session.workspace_state(SUPERPOINT_KEY, SuperPointState())
        if state == self.state:
            return
        if state.points != self.state.points:
            self.view.refresh()
        self.state = state
        if self.found is None:
            self.colours.set_confidence(state.confidence)
        if self.form.settings != state:
            self.form.set_values(state)
        self.files.show_detector(state.weights)
        self._ask_if_seen()
        self._show_cell()

    def _look_anew(self) -> None:
        """Look again: a detector that came may have the name of one that was missing, and what looks may be gone."""
        self._asked = None
        if not self._told:  # else it is overtaken without being waited for
            self._examination.cancel()
        self._ask_if_seen()

    def _to_other(self) -> None:
        self._set(replace(self.state, side="right" if self.state.side == "left" else "left"))

    def _to_other_heat(self) -> None:
        self._set(replace(self.state, heat="single" if self.state.heat == "adapted" else "adapted"))

    # ----------------------------------------------------------------------- lane

    def _ask(self) -> None:
        """Look at what the state says, unless that is what is being looked at, or was."""
        ref, state = self.session.state.pair, replace(self.state, cell=SUREST, points=True)
        if ref is None or (ref, state) == self._asked or self._pair_comes():
            return
        if self._examination.busy and not self._told:
            self._wanted = True  # dragging a slider shows every picture that is made, not the last one alone
            return
        self._asked, self._wanted, self._told, self.fault = (ref, state), False, False, ""
        self._halted = False
        known, kept = self._known(), self._kept
        self._examination.start(lambda: examine(ref, known, state, kept))
        self._show_running(None)

    def _ask_if_seen(self) -> None:
        if self.isVisible():
            self._ask()

    def _match_went_on(self) -> None:
        if self.isVisible():  # the pair may have come, or will not
            self.refresh()

    def _progressed(self, progress: Progress) -> None:
        self._show_running(progress)
        if isinstance(progress.payload, Found):
            self._told = True
            self._show(progress.payload)
            if self._wanted:
                self._ask()

    def _finished(self, found: Found) -> None:
        self._told = True
        self._show(found)
        self._show_running(None)
        if self._wanted:
            self._ask()

    def _failed(self, message: Message) -> None:
        self.fault = message.text
        self._told = True
        self._show_running(None)
        self.session.message.emit(message)
        if self.found is None:
            self.view.message = message.text
            self.view.update()
        self.facts.emit(([], message.text))
        if self._wanted:
            self._ask()

    def _cancel_or_go_on(self) -> None:
        if self._examination.busy:
            self._halted, self._wanted = True, False
            self._examination.cancel()
        else:
            self._asked = None
            self._ask()

    def _stopped(self) -> None:
        """Keep the picture as far as it has come, and go to what was asked for meanwhile."""
        self._show_running(None)
        if self._wanted:
            self._ask()

    def _show_running(self, progress: Progress | None) -> None:
        busy = self._examination.busy if progress is None else True
        self.progress.setVisible(busy)
        self.stop.setEnabled(busy or self._halted)
        self.stop.setText("Go on" if self._halted and not busy else "Cancel")
        self.stop.setToolTip(
            STOP_TIP if busy else "Go on with what was stopped" if self._halted else "Nothing is being computed"
        )
        if progress is not None:
            total = progress.total or 0
            self.progress.setRange(0, round(total))
            self.progress.setValue(round(progress.done))
            self.progress.setToolTip(progress.text)
        self._doing = progress.text if progress is not None and progress.total else ""
        self._show_caption()

    # -------------------------------------------------------------------- showing

    def _show(self, found: Found) -> None:
        """Show what is known; the last comparison stays, dimmed, until the new one is there."""
        before = self.found
        if before is not None and before.ref != found.ref:
            self._compared = None
        self._compared = found.repeated or self._compared
        picture_changed = before is None or before.rgb is not found.rgb
        self.found = found
        if picture_changed:
            height, width = found.heat.shape
            self.view.set_picture(found.rgb, (width, height))
        self._show_caption()
        self.colours.set_confidence(found.state.confidence)
        compared = None if found.why_not else self._compared
        words = found.why_not or "The other picture is next."
        self.repeated.show_repeated(compared, words, old=found.repeated is None)
        self.funnel.setText(funnel(found))
        self._show_cell()

    def _show_caption(self) -> None:
        """Say over the picture which it is, and which view is being looked at."""
        if self.found is None:
            return
        height, width = self.found.heat.shape
        caption = f"{self.found.state.side} picture, {width} × {height} px as the network sees it"
        caption = f"{caption}  ·  {self._doing}" if self._doing else caption
        if caption != self.view.caption:
            self.view.caption = caption
            self.view.update()

    @property
    def cell(self) -> Cell | None:
        """The cell that is shown: under the mouse, else the chosen one; None while there is no picture."""
        if self.found is None:
            return None
        _, rows, columns = self.found.sight.probabilities.shape
        row, column = self._hover if self._hover is not None else self.state.cell
        if min(row, column) < 0:  # nothing is chosen: where the network is surest
            row, column = divmod(int(self.found.sight.probabilities[:DUSTBIN].max(axis=0).argmax()), columns)
        return min(row, rows - 1), min(column, columns - 1)

    @staticmethod
    def _cell_at(point: tuple[float, float]) -> Cell:
        return int((point[1] + 0.5) // CELL), int((point[0] + 0.5) // CELL)

    def _dragged(self, point: tuple[float, float]) -> None:
        self.session.hold_undo(True)  # the whole drag is one step
        self._choose(self._cell_at(point))

    def _let_go(self, point: tuple[float, float]) -> None:
        self._choose(self._cell_at(point))
        self.session.hold_undo(False)

    def _choose(self, cell: Cell) -> None:
        self._hover = None
        if cell != self.state.cell:
            self._set(replace(self.state, cell=cell))

    def _hovered(self, point: Any) -> None:
        hover = None if point is None else self._cell_at(point)
        if hover != self._hover:
            self._hover = hover
            self._show_cell()

    def _step(self, step: tuple[int, int]) -> None:
        self._hover = None
        if self.found is None or self.cell is None:
            return
        _, rows, columns = self.found.sight.probabilities.shape
        row, column = self.cell[0] + step[0], self.cell[1] + step[1]
        self._choose((min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)))

    def _show_cell(self) -> None:
        """Show the cell and the numbers."""
        found, cell = self.found, self.cell
        self.view.update()
        if found is None or cell is None:
            self.cell_view.show_cell(None, None, 1)
            return
        row, column = cell
        self.head.setText(f"CELL ROW {row}, COLUMN {column}")
        average = found.sight.averaged if found.state.views > 1 else None
        part = None
        if average is not None:
            part = np.zeros((CELL, CELL), np.float32)
            own = average.heat[CELL * row : CELL * row + CELL, CELL * column : CELL * column + CELL]
            part[: own.shape[0], : own.shape[1]] = own
        self.cell_view.show_cell(
            found.sight.probabilities[:, row, column], part, 1 if average is None else average.views
        )
        self.facts.emit((rows_of(found, cell), self.fault or sentence(found)))

    def _draw_points(self, painter: QPainter, view: PictureView) -> None:
        """Draw a ring around each point that remains, light with a dark rim; dots where rings would be too many."""
        if self.found is None or not len(self.found.points) or not self.state.points:
            return
        scale, left, top = view.place
        places = (self.found.points.xy.astype(np.float64) + 0.5) * scale + (left, top)
        ringed = len(places) <= MOST_RINGS
        wide = self.look.line_scale
        mark = point_mark(max(3.0 * wide, 1.8 * scale) if ringed else 0.0, wide, view.devicePixelRatioF())
        half = mark.deviceIndependentSize().width() / 2
        seen = ((places > -half) & (places < (view.width() + half, view.height() + half))).all(axis=1)
        for x, y in (places[seen] - half).tolist():
            painter.drawPixmap(QPointF(x, y), mark)

    def _draw_cells(self, painter: QPainter, view: PictureView) -> None:
        """Draw the grid around the cell, and its outline."""
        if self.found is None or self.cell is None:
            return
        _, rows, columns = self.found.sight.probabilities.shape
        row, column = self.cell
        top, bottom = max(0, row - AROUND), min(rows, row + AROUND + 1)
        left, right = max(0, column - AROUND), min(columns, column + AROUND + 1)
        faint = self.look.colour("text")
        faint.setAlpha(110)
        painter.setPen(QPen(faint, 1))
        for i in range(top, bottom + 1):
            painter.drawLine(QLineF(_corner(view, i, left), _corner(view, i, right)))
        for j in range(left, right + 1):
            painter.drawLine(QLineF(_corner(view, top, j), _corner(view, bottom, j)))
        outline = QRectF(_corner(view, row, column), _corner(view, row + 1, column + 1))
        for colour, wide in (("canvas", 5.0), ("selected", 2.5)):
            painter.setPen(QPen(self.look.colour(colour), wide * self.look.line_scale))
            painter.drawRect(outline)


def _corner(view: PictureView, row: int, column: int) -> Any:
    """Return where the corner above and left of a cell is seen."""
    return view.screen_of(CELL * column - 0.5, CELL * row - 0.5)
