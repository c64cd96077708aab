"""Circles around survivors and crosses on the rejected, thousands at a time, over a picture at any zoom.

What lives here: :class:`StageMarks`, which chooses what to draw, draws it and finds what is under the mouse. What
does not: the widget. May import: ``app.vision``'s records of SIFT, ``app.ui.picking``, ``picture_view``, cv2, numpy,
Qt's gui.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.records import Float32, Int32, UInt8
from app.ui.picking import nearest_point
from app.ui.sift.picture_view import PictureView, View, moved
from app.vision.sift_records import Candidates, Stage

MOST_DRAWN = 3000  # of either kind: more would hide the picture, and cost more than a frame
SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
CROSS_PX = 4.5
STROKES = np.array([[[-1, -1], [1, 1]], [[-1, 1], [1, -1]]], np.int32)  # of a cross, from end to end
FEW, MANY = 500, 1500  # up to this many marks are drawn strong, with a halo
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Chosen:
    """Which candidates are drawn.

    Attributes:
        survivors, rejected: rows of the candidates, the strongest of them if there are too many.
        survivor_count, rejected_count: how many there are.
    """

    survivors: Rows
    rejected: Rows
    survivor_count: int
    rejected_count: int


def choose(candidates: Candidates, stage: Stage, octave: int | None = None) -> Chosen:
    """Return what to draw for a stage.

    Args:
        candidates: any number.
        stage: survivors have passed it; rejected passed the one before only.
        octave: only the candidates of one octave.
    """
    here = np.ones(len(candidates), np.bool_) if octave is None else candidates.octave == octave
    alive, dead = np.flatnonzero(candidates.passed(stage) & here), np.flatnonzero(candidates.died_at(stage) & here)
    return Chosen(_strongest(candidates, alive), _strongest(candidates, dead), len(alive), len(dead))


def _strongest(candidates: Candidates, rows: Rows) -> Rows:
    if len(rows) <= MOST_DRAWN:
        return rows
    strength = np.abs(candidates.sample[rows])
    return rows[np.argpartition(strength, len(rows) - MOST_DRAWN)[-MOST_DRAWN:]]


_Key = tuple[View, tuple[int, int], tuple[str, str, str], bool, float]


class StageMarks:
    """Draws chosen candidates into an overlay that is kept until the view or the choice changes."""

    def __init__(self) -> None:
        self._candidates = Candidates.empty()
        self._chosen = choose(self._candidates, Stage.EXTREMA)
        self.rows: Rows = np.zeros(0, np.intp)
        self._points: Float32 = np.zeros((0, 2), np.float32)
        self._alive = self._dead = self.rows
        self._kept: tuple[_Key, QImage, UInt8] | None = None

    def show(self, candidates: Candidates, chosen: Chosen, *, survivors: bool, rejected: bool) -> None:
        """Draw these from now on."""
        self._candidates, self._chosen = candidates, chosen
        self._alive = chosen.survivors[: len(chosen.survivors) if survivors else 0]
        self._dead = chosen.rejected[: len(chosen.rejected) if rejected else 0]
        self.rows = np.concatenate([self._alive, self._dead])
        self._points = candidates.xy[self.rows]
        self._kept = None

    def at(self, x: float, y: float, reach: float) -> int | None:
        """Return the row of the candidate drawn nearest to an image point within ``reach`` pixels."""
        found = nearest_point(self._points, x, y, reach)
        return None if found is None else int(self.rows[found])

    def paint(
        self,
        painter: QPainter,
        view: PictureView,
        colours: tuple[str, str, str],
        *,
        sizes: bool,
        width: float = 1.0,
    ) -> None:
        """Draw the overlay over a view; while that moves, as it was drawn last, moved along (see :meth:`image`)."""
        size = (view.width(), view.height())
        rest = (size, colours, sizes, width)
        if view.moving and self._kept is not None and self._kept[0][1:] == rest:
            painter.drawImage(moved(QRectF(0, 0, *size), self._kept[0][0], view.place), self._kept[1])
            return
        painter.drawImage(0, 0, self.image(view.place, size, colours, sizes=sizes, width=width))

    def image(
        self,
        place: tuple[float, float, float],
        size: tuple[int, int],
        colours: tuple[str, str, str],
        *,
        sizes: bool,
        width: float = 1.0,
    ) -> QImage:
        """Return the overlay.

        Args:
            place: (scale, x, y), pixel p of the image is seen at (p + 0.5) * scale + (x, y).
            size: (width, height) of the view.
            colours: of survivors, of rejected, and of the halo under both.
            sizes: whether circles have their real size.
            width: factor of the line widths.
        """
        key = (place, size, colours, sizes, width)
        if self._kept is None or self._kept[0] != key:
            pixels = np.zeros((size[1], size[0], 4), np.uint8)
            self._draw(pixels, place, colours, sizes=sizes, width=width)
            # Smooth edges mix with transparent black, so the pixels come out multiplied by their alpha.
            kind = QImage.Format.Format_RGBA8888_Premultiplied
            self._kept = (key, QImage(pixels.data, size[0], size[1], 4 * size[0], kind), pixels)
        return self._kept[1]

    def _draw(
        self,
        pixels: UInt8,
        place: tuple[float, float, float],
        colours: tuple[str, str, str],
        *,
        sizes: bool,
        width: float,
    ) -> None:
        alive, dead, halo = (QColor(name) for name in colours)
        few = len(self.rows) <= FEW
        thick = max(1, round(width * (2 if few else 1)))
        r = round(CROSS_PX * width * (1.0 if few else 0.7 if len(self.rows) <= MANY else 0.5) * (1 << SHIFT))
        for colour, extra in ((halo, 2), (None, 0)):
            if colour is not None and not few:
                continue
            crosses = self._screen(self._dead, place, pixels.shape)[:, None, None] + r * STROKES
            # One call for all: the same pixels in a third of the time.
            strokes = crosses.reshape(-1, 2, 2)
            cv2.polylines(pixels, list(strokes), False, _rgba(colour or dead), thick + extra, cv2.LINE_AA, SHIFT)
            circles = colour or alive
            radii = self._radii(place[0], sizes=sizes, width=width)
            visible = self._screen(self._alive, place, pixels.shape, radii)
            for x, y, radius in visible.tolist():
                cv2.circle(pixels, (x, y), radius, _rgba(circles), thick + extra, cv2.LINE_AA, SHIFT)

    def _radii(self, scale: float, *, sizes: bool, width: float) -> npt.NDArray[np.float64]:
        sigma = self._candidates.sigma[self._alive].astype(np.float64)
        least = 3.0 * width
        return np.maximum(sigma * scale, least) if sizes else np.full(len(sigma), least)

    def _screen(
        self,
        rows: Rows,
        place: tuple[float, float, float],
        shape: tuple[int, ...],
        radii: npt.NDArray[np.float64] | None = None,
    ) -> Int32:
        """Return the (N, 2) places in view, with radii (N, 3), in OpenCV's fixed point (pixel centres at integers)."""
        scale, x, y = place
        points = (self._candidates.xy[rows].astype(np.float64) + 0.5) * scale + (x - 0.5, y - 0.5)
        reach = np.full(len(rows), CROSS_PX) if radii is None else radii
        seen = (points >= -reach[:, None]).all(1) & (points <= np.array(shape[1::-1]) + reach[:, None]).all(1)
        columns = points if radii is None else np.column_stack([points, radii])
        found: Int32 = np.rint(columns[seen] * (1 << SHIFT)).astype(np.int32)
        return found


def _rgba(colour: QColor) -> tuple[int, int, int, int]:
    return colour.red(), colour.green(), colour.blue(), 255
