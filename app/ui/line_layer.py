"""The lines and keypoints over the pictures: drawn in short slices into an overlay that moves with the view.

What lives here: :class:`LineLayer`. What does not: pictures, mouse. May import: overlays, Qt's core and gui.

100,000 lines take a tenth of a second, too long for one frame. The overlay, larger than the view by a
margin, is redrawn in slices of a few milliseconds while the event loop is idle; until it is complete
the last complete one is shown, moved and scaled with the view.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import shiboken6
from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from app.ui.overlays import KeypointMarks, LineClass, Lines
from app.ui.scene import View

MARGIN = 200
SLICE_SECONDS = 0.0025
# Lines that take longer than this to draw are not drawn anew at every step of a zoom, but when it rests.
QUICK_SECONDS = 0.001
REST_MS = 40
ON_PIXELS = 0.02  # screen pixels by which a moved overlay may lie beside its place
LINES_PER_SLICE = 5000
# Up to this many lines have dashes, marks and smooth edges; they cost up to ten times as much.
FINE_LINES = 300
KEYPOINTS_PER_SLICE = 400
# The software rasteriser fills spans for a cosmetic pen just above 1, faster than its one-pixel lines.
FAST_WIDTH = 1.01
DASHES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}


def pen(colour: str, width: float, dash: str = "solid") -> QPen:
    """Return a cosmetic pen: its width does not follow the zoom."""
    made = QPen(QColor(colour), width, DASHES[dash])
    made.setCosmetic(True)
    return made


class LineLayer(QObject):
    """Draws lines and keypoints given in scene coordinates; ``changed`` asks for a repaint."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: npt.NDArray[np.float64] = np.zeros((0, 4))
        self._groups: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._classes: tuple[LineClass, ...] = ()
        self._marks: list[tuple[KeypointMarks, tuple[float, float, float], str, str]] = []
        self._bounds: list[tuple[int, int, int]] = []
        self._first: dict[int, Any] = {}  # the first line of a run as Qt sees it
        self._width = 1.0
        self.vector = False
        self._view: View | None = None
        self._front: tuple[QImage, View] | None = None
        self._back: tuple[QImage, View] | None = None
        self._spare: QImage | None = None
        self._spent, self._cost = 0.0, 0.0
        self._slices: Iterator[Callable[[QPainter], None]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._slice)

    @property
    def settled(self) -> bool:
        """Whether what is shown is complete and sharp."""
        if self._slices is not None:
            return False
        return self._front is None or self._view is None or _shows(self._front[1], self._view)

    def set_lines(self, lines: Lines | None, ends: npt.NDArray[np.float64]) -> None:
        """Take lines whose (M, 4) scene ends are given; drawn are ``lines.shown``."""
        shown = lines.shown if lines is not None else np.zeros(0, np.intp)
        self._classes = lines.classes if lines is not None else ()
        groups = lines.group[shown] if lines is not None else np.zeros(0, np.uint8)
        # Every slice is a fair sample of all lines, and within a slice lines of one colour stand together.
        count = max(1, len(shown) // LINES_PER_SLICE)
        part = np.arange(len(shown)) % count
        order = np.lexsort((groups, part))
        self._lines = np.ascontiguousarray(ends[shown][order], np.float64)
        self._groups = groups[order]
        self._bounds = _runs(part[order], self._groups)
        self._first = {}
        self.restart()

    def set_keypoints(self, marks: list[tuple[KeypointMarks, tuple[float, float, float], str, str]]) -> None:
        """Take (marks, (scale, x, y) into the scene, colour, colour of matched ones) of either side."""
        self._marks = marks
        self.restart()

    def set_width(self, factor: float) -> None:
        """Draw all lines ``factor`` times as wide."""
        self._width = factor
        self.restart()

    def show(self, view: View) -> None:
        """Tell where the scene is seen now; redraws only if the overlay no longer fits.

        What is near enough for a moment is drawn anew when the view rests: an overlay moved by parts of a pixel, and
        lines that take long to draw while the zoom changes.
        """
        if view == self._view:
            return
        zoomed = self._view is None or view.scale != self._view.scale
        self._view = view
        if self._back is not None and self._timer.interval() == 0 and _covers(self._back[1], view):
            return
        if self._slices is None and self._front is not None and _shows(self._front[1], view):
            return
        near = self._front is not None and _covers(self._front[1], view)
        self.restart(wait=near or (zoomed and self._front is not None and self._cost > QUICK_SECONDS))

    def restart(self, *, wait: bool = False) -> None:
        """Begin the overlay anew, at once or after a rest."""
        if self._view is None:
            return
        if not len(self._lines) and not self._marks:
            self._front = self._back = self._slices = None
            self._timer.stop()
            self.changed.emit()
            return
        size = QSize(self._view.width + 2 * MARGIN, self._view.height + 2 * MARGIN)
        # A new image would be memory never touched, which takes three times as long to clear.
        image = self._spare if self._back is None else self._back[0]
        if image is None or image.size() != size:
            image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        if not wait:
            image.fill(0)
        self._spare, self._back = None, (image, self._view)
        self._slices, self._spent = self._work(), 0.0
        self._timer.start(REST_MS if wait else 0)

    def paint(self, painter: QPainter) -> None:
        """Draw the newest complete overlay at its place in the present view; with ``vector`` the lines themselves."""
        if self.vector and self._view is not None:
            painter.save()
            painter.setClipRect(QRectF(0, 0, self._view.width, self._view.height))
            painter.setTransform(self._view.transform(), True)
            for draw in self._work():
                draw(painter)
            painter.restore()
            return
        if self._front is None or self._view is None:
            return
        image, made = self._front
        factor = self._view.scale / made.scale
        painter.save()
        shift = (
            self._view.x - (made.x + MARGIN) * factor,
            self._view.y - (made.y + MARGIN) * factor,
        )
        painter.setTransform(QTransform(factor, 0, 0, factor, *shift))
        painter.drawImage(QPointF(0, 0), image)
        painter.restore()

    def finish(self) -> None:
        """Draw all that is left at once (for pictures that are saved, and for tests)."""
        while self._slices is not None:
            self._slice()

    # ------------------------------------------------------------------------ inside

    def _slice(self) -> None:
        if self._back is None or self._slices is None:
            self._timer.stop()
            return
        image, view = self._back
        if self._timer.interval():  # it has rested
            image.fill(0)
            self._timer.start(0)
        painter = QPainter(image)
        painter.setTransform(view.transform(MARGIN))
        start = time.perf_counter()
        end = start + SLICE_SECONDS
        done = True
        for draw in self._slices:
            draw(painter)
            if time.perf_counter() > end:
                done = False
                break
        painter.end()
        self._spent += time.perf_counter() - start
        if done:
            self._cost = self._spent
            self._spare = None if self._front is None else self._front[0]
            self._front, self._back, self._slices = self._back, None, None
            self._timer.stop()
            if not self.settled:
                self.restart()
            self.changed.emit()

    def _work(self) -> Iterator[Callable[[QPainter], None]]:
        for marks, place, plain, matched in self._marks:
            for start in range(0, len(marks.xy), KEYPOINTS_PER_SLICE):
                rows = slice(start, start + KEYPOINTS_PER_SLICE)
                yield partial(
                    draw_keypoints,
                    marks=marks,
                    rows=rows,
                    place=place,
                    plain=plain,
                    matched=matched,
                    factor=self._width,
                )
        if len(self._lines) <= FINE_LINES:
            if len(self._lines):
                yield lambda p: draw_fine(p, self._lines, self._groups, self._classes, self._width)
            return
        width = FAST_WIDTH if self._width == 1 else FAST_WIDTH * self._width
        pens = [pen(item.colour, width) for item in self._classes]
        for start, stop, group in self._bounds:
            yield partial(self._run, start=start, stop=stop, look=pens[group])

    def _run(self, painter: QPainter, start: int, stop: int, look: QPen) -> None:
        if start not in self._first:  # making one takes as long as drawing thirty lines
            self._first[start] = shiboken6.wrapInstance(self._lines[start:stop].ctypes.data, QLineF)
        painter.setPen(look)
        painter.drawLines(self._first[start], stop - start)


def _runs(part: npt.NDArray[np.intp], group: npt.NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Return (start, stop, group) of the stretches that share slice and colour."""
    if not len(part):
        return []
    starts = np.flatnonzero(np.r_[True, (np.diff(part) != 0) | (np.diff(group.astype(np.int16)) != 0)])
    stops = np.r_[starts[1:], len(part)]
    return [(int(a), int(b), int(group[a])) for a, b in zip(starts, stops, strict=True)]


def _covers(made: View, wanted: View) -> bool:
    """Whether an overlay made for one view still reaches over another of the same zoom."""
    close = abs(made.x - wanted.x) < MARGIN * 0.8 and abs(made.y - wanted.y) < MARGIN * 0.8
    return made.scale == wanted.scale and close and (made.width, made.height) == (wanted.width, wanted.height)


def _shows(made: View, wanted: View) -> bool:
    """Whether an overlay made for one view shows another exactly: it was moved by whole pixels, not too far."""
    beside = [abs(d - round(d)) for d in (made.x - wanted.x, made.y - wanted.y)]
    return _covers(made, wanted) and max(beside) <= ON_PIXELS


def draw_fine(
    painter: QPainter,
    ends: npt.NDArray[np.float64],
    groups: npt.NDArray[np.uint8],
    classes: tuple[LineClass, ...],
    factor: float,
) -> None:
    """Draw few lines with dashes, smooth edges and marks at both ends, the last class first."""
    scale = painter.transform().m11()
    # Fewer lines are drawn stronger: many thin ones would hide the picture.
    width = (1.6 if len(ends) <= 60 else 1.15) * factor
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for group in range(len(classes) - 1, -1, -1):
        rows = ends[groups == group]
        if not len(rows):
            continue
        look = classes[group]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(look.colour, width, look.dash))
        painter.drawLines([QLineF(*row) for row in rows.tolist()])
        draw_marks(painter, rows.reshape(-1, 2), look, 3.0 * factor / scale)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def draw_marks(painter: QPainter, points: npt.NDArray[np.float64], look: LineClass, radius: float) -> None:
    """Draw discs, crosses or rings of ``radius`` scene units at (N, 2) points."""
    colour = QColor(look.colour)
    if look.mark == "cross":
        painter.setPen(pen(look.colour, 1.6))
        r = radius
        strokes = [QLineF(x - r, y - r, x + r, y + r) for x, y in points.tolist()]
        strokes += [QLineF(x - r, y + r, x + r, y - r) for x, y in points.tolist()]
        painter.drawLines(strokes)
        return
    ring = look.mark == "ring"
    painter.setPen(pen(look.colour, 2.0 if ring else 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush if ring else colour)
    for x, y in points.tolist():
        painter.drawEllipse(QPointF(x, y), radius, radius)


def draw_keypoints(
    painter: QPainter,
    marks: KeypointMarks,
    rows: slice,
    place: tuple[float, float, float],
    plain: str,
    matched: str,
    factor: float = 1.0,
) -> None:
    """Draw circles of real size with orientation ticks for some rows; ``place`` is (scale, x, y) into the scene."""
    scale, dx, dy = place
    centre = (marks.xy[rows].astype(np.float64) + 0.5) * scale + (dx, dy)
    radius = np.maximum(marks.size[rows].astype(np.float64) * scale / 2, 0.5)
    angle = np.deg2rad(marks.angle[rows].astype(np.float64))
    tip = centre + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for wanted, colour, width in ((False, plain, 0.9), (True, matched, 1.2)):
        path = QPainterPath()
        for i in np.flatnonzero(marks.matched[rows] == wanted).tolist():
            x, y, r = centre[i, 0], centre[i, 1], radius[i]
            path.addEllipse(QRectF(x - r, y - r, 2 * r, 2 * r))
            if not np.isnan(angle[i]):
                path.moveTo(x, y)
                path.lineTo(tip[i, 0], tip[i, 1])
        painter.setPen(pen(colour, width * factor))
        painter.drawPath(path)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
