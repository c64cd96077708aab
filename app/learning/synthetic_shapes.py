"""Drawn shapes whose corners are known exactly: what a detector of corners learns from before it sees a photograph.

What lives here: one function per kind of shape, and :func:`shapes_picture`, which draws several, lights and spoils
them. What does not: training. May import: records, ``app.vision.synth``, numpy and cv2.

Everything is drawn four times as large and reduced, so that edges are smooth and corners lie between pixels as they do
in photographs. Shapes of one picture do not touch. Source of the idea and of the kinds: "Synthetic Shapes" of DeTone,
Malisiewicz & Rabinovich, SuperPoint, CVPR Workshops 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Float64, Int32, UInt8
from app.vision.synth import as_uint8

FINER = 4  # drawn pixels per pixel and axis
SHIFT = 4  # fixed-point bits of drawn coordinates
SIZE = (160, 120)
LEAST_CONTRAST = 28.0  # grey levels between neighbouring areas
LEAST_GAP = 3  # pixels between shapes
TONES = 3  # of one shape
MOST_TRIES = 20
LEAST_SHAPES, MOST_SHAPES = 5, 24  # that are tried
NO_CORNERS = np.zeros((0, 2))
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Shapes:
    """A drawn picture.

    Attributes:
        kind: key of its kind, ``"mixed"`` for several.
        grey: (H, W) uint8.
        corners: (N, 2) float64 places (x, y) inside the picture.
    """

    kind: str
    grey: UInt8
    corners: Float64


@dataclass(frozen=True, eq=False)
class Shape:
    """One shape around the origin, in pixels.

    Attributes:
        areas: polygons in the order they are drawn, with the number of their tone; neighbours have different ones.
        corners: (N, 2).
    """

    areas: list[tuple[Float64, int]]
    corners: Float64


# ---------------------------------------------------------------------------------- kinds


def _polygon(rng: np.random.Generator) -> Shape:
    """Return a polygon, none of its angles flat or needle-sharp; every vertex is a corner."""
    sides, radius = int(rng.integers(3, 7)), rng.uniform(7, 42)
    for _ in range(MOST_TRIES):
        turn = np.sort(rng.uniform(0, 2 * np.pi, sides))
        outline = radius * rng.uniform(0.55, 1.0, (sides, 1)) * _directions(turn)
        if np.diff(turn, append=turn[0] + 2 * np.pi).max() < np.pi and _sharpness(outline).min() > np.deg2rad(20):
            return Shape([(outline, 0)], outline)
    outline = radius * _directions(rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(sides) / sides)
    return Shape([(outline, 0)], outline)


def _directions(turn: Float64) -> Float64:
    """Return (N, 2) unit vectors at these angles."""
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _sharpness(outline: Float64) -> Float64:
    """Return how far each vertex is from a needle and from a straight line: the smaller of both, in radians."""
    to_next, to_last = np.roll(outline, -1, axis=0) - outline, np.roll(outline, 1, axis=0) - outline
    lengths = np.linalg.norm(to_next, axis=1) * np.linalg.norm(to_last, axis=1)
    angle = np.arccos(np.clip((to_next * to_last).sum(axis=1) / np.maximum(lengths, 1e-9), -1, 1))
    result: Float64 = np.minimum(angle, np.pi - angle)
    return result


def _line(rng: np.random.Generator) -> Shape:
    """Return a line; both ends are corners."""
    end = rng.uniform(8, 60) * _directions(rng.uniform(0, np.pi, 1))[0]
    return Shape([(_bar(-end, end, rng.uniform(1.0, 4.0)), 0)], np.array([-end, end]))


def _bar(start: Float64, end: Float64, width: float) -> Float64:
    """Return the outline of a line with flat ends."""
    along = (end - start) / np.linalg.norm(end - start)
    half = np.array([-along[1], along[0]]) * width / 2
    return np.array([start + half, end + half, end - half, start - half])


def _star(rng: np.random.Generator) -> Shape:
    """Return lines from one place; that place and the far ends are corners."""
    count = int(rng.integers(3, 7))
    turn = rng.uniform(0, 2 * np.pi) + 2 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count
    ends, width = rng.uniform(12, 50, (count, 1)) * _directions(turn), rng.uniform(1.5, 4.0)
    middle = np.zeros(2)
    areas = [(_bar(middle, end, width), int(rng.integers(TONES))) for end in ends]
    return Shape(areas, np.concatenate([middle[None], ends]))


def _board(rng: np.random.Generator) -> Shape:
    """Return a checkerboard in perspective; every meeting of squares is a corner, also on its rim."""
    rows, columns = (int(n) for n in rng.integers(2, 8, 2))
    grid = _in_perspective(rng, rows, columns)
    return Shape(_squares(grid, lambda i, j: (i + j) % 2), grid.reshape(-1, 2))


def _stripes(rng: np.random.Generator) -> Shape:
    """Return a row of stripes in perspective; both ends of every edge are corners."""
    grid = _in_perspective(rng, 1, int(rng.integers(3, 9)))
    return Shape(_squares(grid, lambda i, j: (i + j) % TONES), grid.reshape(-1, 2))


def _squares(grid: Float64, tone: Callable[[int, int], int]) -> list[tuple[Float64, int]]:
    rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
    return [
        (np.array([grid[i, j], grid[i, j + 1], grid[i + 1, j + 1], grid[i + 1, j]]), tone(i, j))
        for i in range(rows)
        for j in range(columns)
    ]


def _in_perspective(rng: np.random.Generator, rows: int, columns: int) -> Float64:
    """Return (rows + 1, columns + 1, 2) places of a grid on a tilted board."""
    half = np.array([columns, rows], np.float64) * rng.uniform(9, 24) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half * rng.uniform(0.75, 1.1, (4, 1))
    turn = rng.uniform(0, 2 * np.pi)
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    flat = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    homography = np.asarray(cv2.getPerspectiveTransform(flat, corners.astype(np.float32)), np.float64)
    x, y = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0))
    carried = np.stack([x, y, np.ones_like(x)], axis=-1) @ homography.T
    result: Float64 = carried[..., :2] / carried[..., 2:]
    return result


def _cube(rng: np.random.Generator) -> Shape:
    """Return a box seen from a corner; its seven visible vertices are corners."""
    turn = rng.uniform(0, 2 * np.pi) + np.deg2rad(np.array([0.0, 120.0, 240.0]) + rng.uniform(-22, 22, 3))
    a, b, c = rng.uniform(12, 36, (3, 1)) * _directions(turn)
    near = np.zeros(2)
    areas = [
        (np.array([near, one, one + two, two]), index) for index, (one, two) in enumerate(((a, b), (b, c), (c, a)))
    ]
    return Shape(areas, np.array([near, a, b, c, a + b, b + c, c + a]))


def _ellipse(rng: np.random.Generator) -> Shape:
    """Return an ellipse: an edge without corners."""
    axes, tilt = rng.uniform(5, 34, 2), rng.uniform(0, np.pi)
    rim = _directions(np.linspace(0, 2 * np.pi, 96, endpoint=False)) * axes
    return Shape([(rim @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]), 0)], NO_CORNERS)


KINDS: dict[str, Callable[[np.random.Generator], Shape]] = {
    "polygon": _polygon,
    "line": _line,
    "star": _star,
    "checkerboard": _board,
    "stripes": _stripes,
    "cube": _cube,
    "ellipse": _ellipse,
}
WITHOUT_CORNERS = ("ellipse", "noise")
_WEIGHTS = np.array([4.0, 1.5, 1.0, 2.5, 1.0, 2.0, 1.5])
_SHARES = _WEIGHTS / _WEIGHTS.sum()
NOISE_SHARE = 0.1


# ------------------------------------------------------------------------------ pictures


class _Sheet:
    """A picture being drawn, four times as large."""

    def __init__(self, rng: np.random.Generator, size: Size) -> None:
        self._rng, self._size = rng, size
        self._ground = rng.uniform(20, 235)
        self._values = np.full((size[1] * FINER, size[0] * FINER), self._ground, np.float32)
        self._taken = np.zeros((size[1], size[0]), np.uint8)

    def draw(self, shape: Shape) -> Float64 | None:
        """Draw a shape somewhere; return its corners there, None if it would touch another."""
        place = self._rng.uniform((0, 0), self._size)
        hull = cv2.convexHull(np.concatenate([area for area, _ in shape.areas]).astype(np.float32))
        outline = np.rint(hull[:, 0] + place).astype(np.int32)
        mask = np.zeros_like(self._taken)
        cv2.fillPoly(mask, [outline], 1)
        cv2.polylines(mask, [outline], isClosed=True, color=1, thickness=2 * LEAST_GAP)
        if (mask & self._taken).any():
            return None
        self._taken |= mask
        tones = self._tones()
        for area, tone in shape.areas:
            cv2.fillPoly(self._values, [_fixed(area + place)], tones[tone], cv2.LINE_8, SHIFT)
        return shape.corners + place

    def _tones(self) -> list[float]:
        """Return grey levels apart from the ground and from each other."""
        apart = [self._ground]
        for _ in range(TONES):
            tried = self._rng.uniform(0, 255, MOST_TRIES)
            gap = np.abs(tried[:, None] - np.array(apart)).min(axis=1)
            enough = np.flatnonzero(gap >= LEAST_CONTRAST)
            apart.append(float(tried[enough[0] if len(enough) else gap.argmax()]))
        return apart[1:]

    def picture(self) -> Float64:
        """Return what is drawn, in the size of the picture."""
        return np.asarray(cv2.resize(self._values, self._size, interpolation=cv2.INTER_AREA), np.float64)


def _fixed(points: Float64) -> Int32:
    finer = (points + 0.5) * FINER - 0.5  # the half-pixel rule
    result: Int32 = np.rint(finer * 2**SHIFT).astype(np.int32)
    return result


def shapes_picture(seed: int, kind: str = "", size: Size = SIZE, *, spoil: bool = True) -> Shapes:
    """Return a drawn picture and its corners; the same for the same arguments.

    Args:
        seed: of everything that is random.
        kind: of :data:`KINDS`, or ``"noise"``: blurred noise, texture without corners; empty mixes shapes of all
            kinds, and draws noise at times.
        size: (width, height).
        spoil: whether light, blur and noise are added.
    """
    rng = np.random.default_rng(seed)
    chosen = kind or ("noise" if rng.random() < NOISE_SHARE else "mixed")
    sheet = _Sheet(rng, size)
    corners = [NO_CORNERS]
    if chosen != "noise":
        for _ in range(int(rng.integers(LEAST_SHAPES, MOST_SHAPES + 1))):
            name = kind or list(KINDS)[int(rng.choice(len(KINDS), p=_SHARES))]
            found = sheet.draw(KINDS[name](rng))
            corners.append(NO_CORNERS if found is None else found)
    values = sheet.picture()
    if chosen == "noise":
        values = values + _blotches(rng, values.shape, rng.uniform(0.6, 6.0)) * rng.uniform(5, 40)
    if spoil:
        values = _spoiled(values, rng)
    at = np.concatenate(corners)
    seen = ((at >= 0) & (at <= np.array(size) - 1.0)).all(axis=1)
    return Shapes(chosen, as_uint8(values), at[seen])


def _blotches(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> Float64:
    """Return blurred noise of deviation 1."""
    noise = np.asarray(cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), grain), np.float64)
    return noise / max(float(noise.std()), 1e-6)


def _spoiled(values: Float64, rng: np.random.Generator) -> Float64:
    """Return the picture under uneven light, out of focus and noisy, each of them at times."""
    height, width = values.shape
    made = values
    if rng.random() < 0.5:
        tilt = rng.uniform(-0.3, 0.3, 2)
        made = made * (1 + tilt[0] * np.linspace(-1, 1, width) + tilt[1] * np.linspace(-1, 1, height)[:, None])
    if rng.random() < 0.5:
        made = np.asarray(cv2.GaussianBlur(made, (0, 0), rng.uniform(0.4, 1.4)), np.float64)
    if rng.random() < 0.3:
        made = made + _blotches(rng, made.shape, rng.uniform(2, 14)) * rng.uniform(2, 10)
    if rng.random() < 0.7:
        made = made + rng.normal(0, rng.uniform(1, 9), made.shape)
    if rng.random() < 0.5:
        made = rng.uniform(0.4, 1.0) * (made - 128) + 128
    return made
