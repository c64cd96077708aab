"""The picture canvas: two pictures on one plane, with lines, keypoints, marks and a legend over them.

What lives here: :class:`PairView`. What does not: the pictures by themselves (``pair_plane``), what is drawn
(``overlays``), the progressive overlay (``line_layer``), what the mouse does (``pair_mouse``), colour rules.
May import: those, records, Qt.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.records import Float64, Side
from app.ui import canvas_paint
from app.ui.line_layer import LineLayer
from app.ui.overlays import Colours, HintLine, KeypointMarks, Legend, Lines, Mark
from app.ui.pair_mouse import PairMouse
from app.ui.pair_plane import PairPlane
from app.ui.picking import Segments
from app.ui.scene import Scene, arranged

REACH_PX = 7.0
FLICKER_MS = 500
REST_MS = 60  # without a movement, after which the pictures are painted sharp


class PairView(PairPlane):
    """Two pictures, linked in pan and zoom, with everything drawn over them.

    Signals carry: ``hovered`` a :class:`Hover` or None; ``clicked`` a Hover; ``line_hovered`` and ``line_clicked`` the
    index of a line or None; ``area_selected`` (side, x, y, width, height) in the picture's pixels.
    """

    hovered = Signal(object)
    clicked = Signal(object)
    line_hovered = Signal(object)
    line_clicked = Signal(object)
    area_selected = Signal(object)
    shows_focus = True

    def __init__(self, tokens: Colours, parent: QWidget | None = None) -> None:
        super().__init__(tokens, parent)
        self.setMouseTracking(True)
        self.lines: Lines | None = None
        self._ends: npt.NDArray[np.float64] = np.zeros((0, 4))
        self._segments = Segments(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))
        self._keypoints: dict[Side, KeypointMarks] = {}
        self.legend: Legend | None = None
        self.marks: tuple[Mark, ...] = ()
        self.hint: HintLine | None = None
        self.selected: int | None = None
        self.highlighted: int | None = None
        self._arrangement, self._swapped, self._moved = "auto", False, (0.0, 0.0)
        self.mouse = PairMouse(self)
        self.layer = LineLayer(self)
        self.layer.changed.connect(self.update)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.update)
        self._flicker = QTimer(self)
        self._flicker.setInterval(FLICKER_MS)
        self._flicker.timeout.connect(self._flick_over)

    # ------------------------------------------------------------------- what is shown

    def _forget(self) -> None:
        self._moved = (0.0, 0.0)
        self.lines, self._keypoints, self.marks, self.hint = None, {}, (), None
        self.selected = self.highlighted = None

    def set_lines(self, lines: Lines | None) -> None:
        """Draw these match lines; highlighting is forgotten."""
        self.lines, self.highlighted = lines, None
        self._place_lines()

    def set_keypoints(self, side: Side, marks: KeypointMarks | None) -> None:
        """Draw the keypoints of one picture, or none."""
        if marks is None:
            self._keypoints.pop(side, None)
        else:
            self._keypoints[side] = marks
        self._place_keypoints()

    def set_selection(self, index: int | None) -> None:
        """Draw one line on top of all others."""
        self.selected = index
        self.update()

    def set_highlight(self, index: int | None) -> None:
        """Draw the line under the mouse brighter."""
        if index != self.highlighted:
            self.highlighted = index
            self.update()

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Draw crosses and circles with words."""
        self.marks = marks
        self.update()

    def set_hint(self, hint: HintLine | None) -> None:
        """Draw an epipolar line."""
        if hint != self.hint:
            self.hint = hint
            self.update()

    def set_legend(self, legend: Legend | None) -> None:
        """Show the legend in a corner."""
        self.legend = legend
        self.update()

    def set_arrangement(self, arrangement: str) -> None:
        """Choose ``auto``, ``side`` or ``stacked``."""
        self._arrangement, self._moved = arrangement, (0.0, 0.0)
        self._arrange()
        self.fit()

    def set_swapped(self, swapped: bool) -> None:
        """Put the right picture first."""
        self._swapped, self._moved = swapped, (0.0, 0.0)
        self._arrange()
        self.fit()

    def set_registration(self, mode: str, matrix: Float64 | None) -> None:
        """Lay the right picture over the left one by a left-to-right homography (none without one)."""
        self.pictures.set_overlay(mode, matrix)
        if self.pictures.mode == "flicker" and self.isVisible():
            self._flicker.start()
        else:
            self._flicker.stop()
        self.update()

    def set_tokens(self, tokens: Colours, *, font_scale: float = 1.0, line_scale: float = 1.0) -> None:
        """Take another theme or another size."""
        self.tokens, self._font_scale = tokens, font_scale
        self.layer.set_width(line_scale)
        self._place_keypoints()
        self.update()

    # ------------------------------------------------------------------------ the view

    def line_at(self, x: float, y: float) -> int | None:
        """Return the index of the shown line under a widget's point."""
        if self.lines is None:
            return None
        px, py = (x - self._offset[0]) / self._scale, (y - self._offset[1]) / self._scale
        found = self._segments.nearest(px, py, REACH_PX / self._scale)
        return None if found is None else int(self.lines.shown[found])

    def move_right(self, dx: float, dy: float) -> None:
        """Move the right picture by widget pixels; the lines follow."""
        self._moved = (self._moved[0] + dx / self._scale, self._moved[1] + dy / self._scale)
        self._arrange()

    def _view_moved(self) -> None:
        super()._view_moved()
        self.layer.show(self.view)
        self._rest.start()

    def _arrange(self) -> None:
        super()._arrange()
        self._place_lines()
        self._place_keypoints()

    def _arranged(self, left: tuple[int, int], right: tuple[int, int]) -> Scene:
        window = (self.width(), self.height())
        return arranged(left, right, self._arrangement, window, swapped=self._swapped, moved=self._moved)

    def _place_lines(self) -> None:
        ends = np.zeros((0, 4))
        if self.lines is not None and self.scene is not None:
            ends = np.hstack(
                [self.scene.to_plane("left", self.lines.left_xy), self.scene.to_plane("right", self.lines.right_xy)]
            )
        self._ends = ends
        shown = (
            ends[self.lines.shown].astype(np.float32)
            if self.lines is not None and len(ends)
            else ends.astype(np.float32)
        )
        self._segments = Segments(shown[:, :2], shown[:, 2:])
        self.layer.set_lines(self.lines if len(ends) else None, ends)
        self.update()

    def _place_keypoints(self) -> None:
        marks = []
        if self.scene is not None:
            for side, these in self._keypoints.items():
                at = self.scene.of(side)
                marks.append((these, (at.scale, at.x, at.y), self.tokens.muted, self.tokens.accent))
        self.layer.set_keypoints(marks)
        self.update()

    # ------------------------------------------------------------------------- painting

    def _paint_pictures(self, painter: QPainter, scene: Scene) -> None:
        moving = self._rest.isActive() and not self.layer.vector
        for side, image in self.images.items():
            at = scene.of(side)
            self.pictures.paint(painter, side, at, self.view, moving=moving)
            canvas_paint.pixel_values(painter, self, side, image, at.scale * self._scale)
        self.pictures.paint_overlay(painter, scene.left, self.view, self._font_scale)

    def _paint_over(self, painter: QPainter) -> None:
        self.layer.paint(painter)
        canvas_paint.overlays(painter, self, self._ends)
        if self.mouse.rubber is not None:
            canvas_paint.rubber_band(painter, self.mouse.rubber, self.tokens.accent)

    def _flick_over(self) -> None:
        self.pictures.flick = not self.pictures.flick
        self.update()

    # --------------------------------------------------------------------------- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted view fitted."""
        super().resizeEvent(event)
        if self.scene is None or not self._fitted:
            self.layer.show(self.view)

    def hideEvent(self, _event: object) -> None:
        """Stop flickering while nobody looks."""
        self._flicker.stop()

    def showEvent(self, _event: object) -> None:
        """Go on flickering."""
        if self.pictures.mode == "flicker":
            self._flicker.start()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        self.mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or tell what is under the mouse."""
        self.mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or click."""
        self.mouse.release(event)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Fit."""
        self.fit()

    def leaveEvent(self, _event: object) -> None:
        """Forget what was under the mouse."""
        self.hovered.emit(None)
        self.line_hovered.emit(None)

    def wait_until_sharp(self) -> float:
        """Complete the overlay at once and paint sharp pictures next; return the seconds it took."""
        start = time.perf_counter()
        self._rest.stop()
        self.layer.finish()
        return time.perf_counter() - start
