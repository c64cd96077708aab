"""The page "Scale space": all levels at a glance, one of them large, and what is at the cursor.

What lives here: :class:`ScaleSpacePage`. What does not: the grid, the large view, the measurements. May import: those,
the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.jobs import Progress
from app.records import Point, Selection
from app.ui.bare_keys import Key
from app.ui.form import build
from app.ui.lane import Event
from app.ui.session import Message, Session, failure_message
from app.ui.sift.grid_shape import GridShape
from app.ui.sift.history_words import row_at, story
from app.ui.sift.level_grid import LevelGrid
from app.ui.sift.level_jobs import Cell, LevelPicture, Palette, columns, level_picture, prepared_grid, shown_octaves
from app.ui.sift.page import SiftContext
from app.ui.sift.picture_view import PictureView
from app.ui.sift.probe_panel import WAITING, Place, ProbePanel, head
from app.ui.sift.split_page import SplitPage
from app.ui.sift.state import SpaceState
from app.ui.style import Style
from app.vision.scale_space import Kind, ScaleSpace

STATE_KEY = "sift.space"
NEAR = 1.0  # a point this close to a keypoint, in pixels, means the keypoint


class ScaleSpacePage(SplitPage):
    """Grid at the left, the chosen level at the right, the probe in the details."""

    key = "space"
    title = "Scale space"

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        state: SpaceState = session.workspace_state(STATE_KEY, SpaceState())
        super().__init__(session, look, build(state), parent)
        self.state = state
        self.context: SiftContext | None = None
        self.cell: Cell = (self.state.octave, self.state.layer)
        self.point: Point | None = None
        self._own: Point | None = None  # the last point this page chose itself
        self._followed: Point | None = None  # the last one chosen elsewhere
        self._space: ScaleSpace | None = None
        self._prepared: ScaleSpace | None = None
        self._limits: dict[int, float] = {}
        self._drawn: tuple[object, ...] = ()
        self._large: tuple[object, ...] = ()
        self.grid = LevelGrid(look)
        self.view = PictureView(look, "The chosen level", pointing=True)
        self.view.draw_under, self.view.draw_over = self._draw_circles, self._draw_blob
        self.probe = ProbePanel(look)
        self._cells = session.lane("sift-levels")
        self._one = session.lane("sift-level")
        self._build()
        self.setFocusProxy(self.grid)
        self._add_keys(self._page_keys())
        self._connect()

    def _build(self) -> None:
        inner = self._split(self.view, (550, 450), spacing=4)
        line = QHBoxLayout()
        self.head = head("LEVELS")
        self.kinds: dict[Kind, QToolButton] = {}
        line.addWidget(self.head, 1)
        kinds: tuple[tuple[Kind, str, str], ...] = (
            ("gaussian", "Gaussians", "The picture at growing blur (D)"),
            ("dog", "Differences", "Differences of neighbouring Gaussians (D)"),
        )
        for kind, text, tip in kinds:
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setProperty("role", "tab")
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, kind=kind: self._set(replace(self.state, kind=kind)))
            self.kinds[kind] = button
            line.addWidget(button)
        inner.addLayout(line)
        inner.addWidget(self.grid, 1)

    def _connect(self) -> None:
        self.grid.cell_chosen.connect(self._choose_cell)
        for part in (self.grid, self.view):
            part.moved.connect(self._move)
            part.chosen.connect(self._choose)
        self.form.changed.connect(self._set)
        self.session.state_changed.connect(self._show_state)
        self.look.changed.connect(lambda _look: self._draw_levels())
        for lane, take in ((self._cells, self._take_cells), (self._one, self._take_level)):
            lane.progressed.connect(take)
            lane.finished.connect(take)
            lane.failed.connect(lambda event: self.session.message.emit(failure_message(event)))

    def _page_keys(self) -> tuple[Key, ...]:
        return (
            ("&Gaussians or differences", "D", self._toggle_kind),
            ("&Level or picture large", "V", self._toggle_large),
            ("&Keypoints of the level", "K", lambda: self._set(replace(self.state, circles=not self.state.circles))),
            ("Go to the &nearest extremum", "N", self._go_to_nearest),
            ("&Fit", "F", self.view.fit),
            ("&1 : 1", "0", self.view.actual_size),
        )

    # ------------------------------------------------------------- what the frame asks

    def details_widget(self) -> QWidget:
        """Return cube, curve and histogram at the cursor."""
        return self.probe

    @property
    def busy(self) -> bool:
        """Whether levels are still being made."""
        return self._cells.busy or self._one.busy

    def activate(self) -> None:
        """Go on drawing levels."""
        self._drawn = self._large = ()

    def deactivate(self) -> None:
        """Stop drawing levels."""
        self._cells.cancel()
        self._one.cancel()

    def show_context(self, context: SiftContext) -> None:
        """Show another picture, point or explanation."""
        self.context = context
        space = context.space
        if space is None or context.picture is None:
            return
        if space is not self._space:
            self._space = space
            self._limits.clear()
            self._show_shape()
        if context.point not in (self._own, self._followed):
            self._follow(context)
        self._show_point(context.point)
        self._draw_levels()
        self.view.refresh()

    def _follow(self, context: SiftContext) -> None:
        """A point chosen elsewhere: show the level of the keypoint that lies there."""
        self._own = None
        if context.explanation is None:
            return
        self._followed = context.point
        found = self._keypoint_at(context.point)
        if found is not None:
            keypoints = context.explanation.keypoints
            self._show_cell((int(keypoints.octave[found]), int(keypoints.layer[found])))

    def _keypoint_at(self, point: Point | None) -> int | None:
        """Return the keypoint nearest to a point if it is meant, the strongest of several at one place."""
        explanation = None if self.context is None else self.context.explanation
        if explanation is None or point is None or not len(explanation.keypoints):
            return None
        x, y = explanation.keypoints.xy.T
        near = np.flatnonzero((np.abs(x - point[0]) <= 2 * NEAR) & (np.abs(y - point[1]) <= 2 * NEAR))  # a few of many
        away = np.hypot(*(explanation.keypoints.xy[near] - np.array(point, np.float64)).T)
        near = near[(away <= NEAR) & (away <= away.min(initial=NEAR) + 0.05)]
        return int(near[np.argmax(explanation.keypoints.response[near])]) if len(near) else None

    # ---------------------------------------------------------------------- state

    def _set(self, state: SpaceState) -> None:
        self.session.set_workspace_state(STATE_KEY, state)

    def _show_state(self, _state: object) -> None:
        state: SpaceState = self.session.workspace_state(STATE_KEY, SpaceState())
        if state == self.state:
            return
        old, self.state = self.state, state
        self.form.set_values(state)
        if (old.octave, old.layer) != (state.octave, state.layer):
            self._show_cell((state.octave, state.layer))
        if old.kind != state.kind:
            self._show_shape()
        self._show_point(self.point)
        self._draw_levels()
        self.view.refresh()

    def _toggle_kind(self) -> None:
        self._set(replace(self.state, kind="gaussian" if self.state.kind == "dog" else "dog"))

    def _toggle_large(self) -> None:
        self._set(replace(self.state, large="picture" if self.state.large == "level" else "level"))

    @property
    def kind(self) -> Kind:
        """What the grid shows."""
        return "gaussian" if self.state.kind == "gaussian" else "dog"

    def _choose_cell(self, cell: Cell) -> None:
        self._show_cell(cell)
        self._set(replace(self.state, octave=cell[0], layer=cell[1]))
        self._show_point(self.point)
        self._draw_levels()

    def _show_cell(self, cell: Cell) -> None:
        """Show another level large; one that the scale space lacks becomes the nearest that it has."""
        if self._space is not None:
            octaves, last = shown_octaves(self._space), columns(self._space, self.kind) - 1
            cell = (min(max(cell[0], octaves[0]), octaves[-1]), min(max(cell[1], 0), last))
        self.cell = cell
        self.grid.set_cell(cell)
        self.view.refresh()
        self.view.key_step = 2.0 ** cell[0]

    def _show_shape(self) -> None:
        """Lay the grid out for another scale space or the other kind."""
        for kind, button in self.kinds.items():
            button.setChecked(kind == self.kind)
        if (space := self._space) is None:
            return
        octaves, layers = shown_octaves(space), space.settings.layers
        height, width = space.grey.shape
        self.grid.set_shape(
            GridShape(
                octaves,
                tuple(space.size(octave) for octave in octaves),
                tuple(space.settings.sigma0 * space.settings.k**level for level in range(columns(space, self.kind))),
                self.kind,
                tuple(range(1, layers + 1)) if self.kind == "dog" else (),
                (width, height),
            )
        )
        self._show_cell(self.cell)

    # ------------------------------------------------------------------------ point

    def _move(self, point: Point) -> None:
        """Follow a drag."""
        self._own = point
        self._show_point(point)

    def _choose(self, point: Point) -> None:
        """A drag or a click ended: this is now the selection."""
        if self.context is not None and point is not None:
            self._own, self._followed = point, None
            self.point_chosen.emit(Selection(self.context.side, *point))

    def _show_point(self, point: Point | None) -> None:
        self.point = point
        self.grid.set_point(point)
        self.view.set_cursor(point)
        context, space = self.context, self._space
        if context is None or space is None or point is None:
            return
        if self._prepared is not space:
            self.probe.clear(WAITING)
            return
        layer = min(max(self.cell[1], 1), space.settings.layers)
        self.probe.measure(space, context.settings, self._place(space, point, layer))
        self.probe.response_head.setText(f"RESPONSE AT ({point[0]:.1f}, {point[1]:.1f})")
        self.view.update()

    def _place(self, space: ScaleSpace, point: Point, layer: int) -> Place:
        explanation = None if self.context is None else self.context.explanation
        if explanation is None:
            return Place(point, self.cell[0], layer)
        col, row = space.nearest(self.cell[0], *point)
        index = row_at(explanation.candidates, self.cell[0], layer, col, row)
        words = "" if index is None else story(explanation.candidates, index, explanation.settings)
        found = self._keypoint_at(point)
        sigma = 0.0 if found is None else float(explanation.keypoints.size[found]) / 2
        return Place(point, self.cell[0], layer, sigma, words)

    def _go_to_nearest(self) -> None:
        """Move the cursor to the nearest extremum of the level shown."""
        explanation = None if self.context is None else self.context.explanation
        if explanation is None or self.point is None or self._space is None:
            return
        candidates, layer = explanation.candidates, min(max(self.cell[1], 1), self._space.settings.layers)
        rows = np.flatnonzero((candidates.octave == self.cell[0]) & (candidates.found_layer == layer))
        if not len(rows):
            self.session.message.emit(Message("There is no extremum in this level. Choose another with Up or Down."))
            return
        places = np.stack([candidates.found_col[rows], candidates.found_row[rows]], axis=1) * 2.0 ** self.cell[0]
        x, y = places[int(np.argmin(np.hypot(*(places - self.point).T)))].tolist()
        self._choose((x, y))
        self._show_point((x, y))

    # ----------------------------------------------------------------------- levels

    @property
    def _palette(self) -> Palette:
        return Palette(self.kind, self.look.tokens.name == "dark", self.state.fixed)

    def _draw_levels(self) -> None:
        """Start the jobs for what is not drawn yet; what is shown stays until the new is there."""
        space, palette = self._space, self._palette
        if space is None or self.context is None:
            return
        if self._drawn != (space, palette):
            self._drawn = (space, palette)
            self._large = ()
            first = self.cell[0]
            self._cells.start(lambda: prepared_grid(space, palette, first))
        self._draw_large()

    def _draw_large(self) -> None:
        space, palette, cell = self._space, self._palette, self.cell
        if space is None or self.context is None or self.context.picture is None:
            return
        height, width = space.grey.shape
        if self.state.large == "picture":
            if self._large != (space, "picture"):
                self._large = (space, "picture")
                self._one.cancel()
                self.view.set_picture(self.context.picture.rgb, (width, height))
            self.view.caption = f"{self.context.side} · {self.context.picture.name} · {width} × {height}"
            return
        limit = self._limits.get(cell[0], 0.0)
        wanted = (space, palette, cell, limit)
        if self._large != wanted:
            self._large = wanted
            self._one.start(lambda: level_picture(space, cell, palette, limit))
        if not self.view.filled:
            self.view.set_picture(self.context.picture.rgb, (width, height))
        self.view.caption = "" if self.grid.shape is None else self.grid.shape.caption(cell)

    def _take_cells(self, event: Event) -> None:
        cells: Any = event.value.payload if isinstance(event.value, Progress) else event.value
        if cells is None or self._space is None or not self._drawn:
            return
        if self._prepared is not self._space:
            self._prepared = self._space
            self._show_point(self.point)
        self.grid.set_pictures(cells)
        if event.kind == "finished" and self.kind == "dog":
            self._limits = {octave: picture.limit for (octave, _level), picture in cells.items()}
            self._draw_large()

    def _take_level(self, event: Event) -> None:
        picture = event.value
        if isinstance(picture, LevelPicture) and self._space is not None:
            height, width = self._space.grey.shape
            self.view.set_picture(picture.rgb, (width, height), picture.step)

    def _draw_circles(self, painter: QPainter, view: PictureView) -> None:
        """Draw the keypoints of the level."""
        explanation = None if self.context is None else self.context.explanation
        if explanation is None or not self.state.circles:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points = explanation.keypoints
        rows = np.flatnonzero((points.octave == self.cell[0]) & (points.layer == self.cell[1]))
        for colour, width in (("canvas", 3.0), ("text", 1.4)):
            painter.setPen(QPen(self.look.colour(colour), width))
            for (x, y), size in zip(points.xy[rows].tolist(), points.size[rows].tolist(), strict=True):
                radius = max(2.0, size / 2 * view.scale)
                painter.drawEllipse(view.screen_of(x, y), radius, radius)

    def _draw_blob(self, painter: QPainter, view: PictureView) -> None:
        """Draw the disk whose response is strongest at the sigma found."""
        radius = self.probe.radius * view.scale if self.point is not None else 0.0
        view.cursor_gap = min(max(2.0, radius + 1), 200.0)
        if self.point is not None and radius > 0:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for colour, width in (("canvas", 4.0), ("selected", 2.0)):
                painter.setPen(QPen(self.look.colour(colour), width, Qt.PenStyle.DashLine))
                painter.drawEllipse(view.screen_of(*self.point), radius, radius)
