"""Drawn objects with named parts: two cups and two bicycles, for correspondence by meaning.

What lives here: drawings made of OpenCV's shapes at several times the size, so that edges are smooth. What does not:
photographs. May import: records, numpy and cv2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Float64, Int32, UInt8

FINE = 4
SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
Colour = tuple[int, int, int]
Place = tuple[float, float]


class Canvas:
    """A picture being drawn, in pixels of the final size."""

    def __init__(self, width: int, height: int, top: Colour, bottom: Colour) -> None:
        rows = np.linspace(0, 1, height * FINE)[:, None, None]
        shade = np.asarray(top) * (1 - rows) + np.asarray(bottom) * rows
        self._fine = np.ascontiguousarray(np.broadcast_to(shade, (height * FINE, width * FINE, 3)).astype(np.uint8))
        self._size = (width, height)

    @staticmethod
    def _at(points: Sequence[Place]) -> Int32:
        fine = (np.asarray(points, np.float64) + 0.5) * FINE - 0.5
        return np.asarray(np.rint(fine * 2**SHIFT), np.int32)

    def line(self, points: Sequence[Place], colour: Colour, width: float) -> None:
        """Draw an open line through the points."""
        cv2.polylines(self._fine, [self._at(points)], False, colour, max(1, round(width * FINE)), cv2.LINE_AA, SHIFT)

    def polygon(self, points: Sequence[Place], colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self._fine, [self._at(points)], colour, cv2.LINE_AA, SHIFT)

    def ellipse(self, centre: Place, radii: Place, colour: Colour, width: float = -1, *, turn: float = 0.0) -> None:
        """Draw an ellipse, filled if ``width`` is negative."""
        x, y = self._at([centre])[0]
        axes = (round(radii[0] * FINE * 2**SHIFT), round(radii[1] * FINE * 2**SHIFT))
        thick = -1 if width < 0 else max(1, round(width * FINE))
        cv2.ellipse(self._fine, (int(x), int(y)), axes, turn, 0, 360, colour, thick, cv2.LINE_AA, SHIFT)

    def picture(self) -> UInt8:
        """Return the drawing at its final size."""
        return np.asarray(cv2.resize(self._fine, self._size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class Drawing:
    """A picture and the places of its named parts."""

    rgb: UInt8
    parts: dict[str, Place]


@dataclass(frozen=True)
class Cup:
    """The shape and the colours of a cup."""

    centre: Place
    rim: Place
    foot: float
    height: float
    handle: Place
    body: Colour
    shade: Colour
    inside: Colour
    drink: Colour
    table: tuple[Colour, Colour]
    saucer: bool
    stripes: int


MUG = Cup((225, 170), (78, 20), 70, 175, (52, 62), (196, 78, 62), (150, 52, 44), (235, 225, 214), (74, 44, 30),
          ((214, 205, 190), (168, 140, 110)), False, 3)  # fmt: skip
TEACUP = Cup((205, 190), (112, 34), 50, 115, (40, 40), (228, 234, 240), (176, 190, 206), (250, 250, 250),
             (150, 92, 40), ((96, 120, 128), (52, 70, 78)), True, 0)  # fmt: skip


def draw_cup(cup: Cup, size: tuple[int, int] = (460, 400)) -> Drawing:
    """Return a cup with its parts: rim, foot, handle."""
    c = Canvas(*size, *cup.table)
    x, y = cup.centre
    wide, flat = cup.rim
    low = y + cup.height
    c.ellipse((x + 16, low + 6), (cup.foot * 1.5 + 20, 17), (60, 52, 46))
    if cup.saucer:
        c.ellipse((x, low - 4), (wide * 1.25, flat * 1.1), cup.shade)
        c.ellipse((x, low - 9), (wide * 1.22, flat * 1.05), cup.body)
        c.ellipse((x, low - 9), (wide * 0.7, flat * 0.55), cup.shade, 2)
    hx, hy = cup.handle
    middle = (x + wide * 0.93, y + cup.height * 0.42)
    c.ellipse(middle, (hx, hy), cup.shade, 17)
    c.ellipse((middle[0], middle[1] - 2), (hx, hy), cup.body, 10)
    outline = _profile(cup)
    c.polygon(outline, cup.body)
    for share in np.linspace(0.35, 0.97, 16):  # the shaded side, darker towards the edge
        mix = (share - 0.35) / 0.62
        blend = [round(lit * (1 - mix) + dark * mix) for lit, dark in zip(cup.body, cup.shade, strict=True)]
        c.polygon(_side(cup, share), (blend[0], blend[1], blend[2]))
    for index in range(cup.stripes):
        level = (index + 1.2) / (cup.stripes + 1.4)
        half = _half_width(cup, level)
        c.line(_arc(x, y + level * cup.height, half, flat * 0.8), (245, 214, 150), 6)
    c.ellipse((x, y), (wide, flat), cup.shade)
    c.ellipse((x, y - 1), (wide - 3, flat - 2), cup.inside)
    c.ellipse((x, y + flat * 0.28), (wide * 0.86, flat * 0.6), cup.drink)
    c.ellipse((x - wide * 0.3, y + flat * 0.15), (wide * 0.2, flat * 0.1), (236, 222, 200))
    foot = _half_width(cup, 1.0)
    parts = {
        "rim, left end": (x - wide, y),
        "rim, right end": (x + wide, y),
        "rim, back": (x, y - flat),
        "rim, front": (x, y + flat),
        "handle, outermost": (middle[0] + hx, middle[1]),
        "handle, top": (middle[0], middle[1] - hy),
        "foot, left end": (x - foot, low),
        "foot, right end": (x + foot, low),
    }
    return Drawing(c.picture(), parts)


def _half_width(cup: Cup, level: float) -> float:
    """Return half the cup's width at a level, 0 = rim, 1 = foot."""
    return float(cup.rim[0] + (cup.foot - cup.rim[0]) * level**2)


def _profile(cup: Cup) -> list[Place]:
    x, y = cup.centre
    levels = np.linspace(0, 1, 24)
    right = [(x + _half_width(cup, t), y + t * cup.height) for t in levels]
    left = [(x - _half_width(cup, t), y + t * cup.height) for t in levels[::-1]]
    return [*right, *_arc(x, y + cup.height, _half_width(cup, 1.0), cup.rim[1] * 0.5)[::-1], *left]


def _side(cup: Cup, share: float) -> list[Place]:
    """Return the outline of the cup's right side beyond a share of its half width."""
    x, y = cup.centre
    levels = np.linspace(0, 1, 24)
    inner = [(x + share * _half_width(cup, t), y + t * cup.height) for t in levels]
    outer = [(x + _half_width(cup, t), y + t * cup.height) for t in levels[::-1]]
    bottom = [
        point for point in _arc(x, y + cup.height, _half_width(cup, 1.0), cup.rim[1] * 0.5) if point[0] > inner[-1][0]
    ]
    return [*inner, *bottom, *outer]


def _arc(x: float, y: float, half: float, drop: float) -> list[Place]:
    """Return the front half of an ellipse, left to right."""
    angle = np.linspace(np.pi, 0, 30)
    return [(float(x + half * np.cos(a)), float(y + drop * np.sin(a))) for a in angle]


@dataclass(frozen=True)
class Bicycle:
    """The frame of a bicycle by its joints, and its colours."""

    rear: Place
    front: Place
    wheel: float
    crank: Place
    seat: Place
    head: Place
    bar: tuple[Place, ...]
    low_step: bool
    frame: Colour
    tyre: Colour
    saddle: Colour
    sky: tuple[Colour, Colour]
    spokes: int
    guards: bool


ROAD = Bicycle(
    rear=(125, 265),
    front=(375, 265),
    wheel=82,
    crank=(225, 270),
    seat=(185, 120),
    head=(330, 128),
    bar=((330, 112), (372, 108), (388, 130), (366, 146)),
    low_step=False,
    frame=(30, 110, 190),
    tyre=(36, 36, 40),
    saddle=(40, 36, 34),
    sky=((222, 232, 240), (190, 196, 190)),
    spokes=20,
    guards=False,
)
CITY = Bicycle(
    rear=(120, 250),
    front=(350, 250),
    wheel=70,
    crank=(215, 258),
    seat=(172, 128),
    head=(302, 118),
    bar=((302, 92), (268, 84), (246, 92)),
    low_step=True,
    frame=(196, 60, 70),
    tyre=(60, 52, 46),
    saddle=(128, 78, 44),
    sky=((250, 228, 196), (206, 176, 140)),
    spokes=12,
    guards=True,
)


def empty_table(cup: Cup, size: tuple[int, int] = (460, 400)) -> UInt8:
    """Return the table of a cup without the cup."""
    return Canvas(*size, *cup.table).picture()


def empty_road(bicycle: Bicycle, size: tuple[int, int] = (500, 380)) -> UInt8:
    """Return the road and the sky of a bicycle without the bicycle."""
    return _road(bicycle, size).picture()


def _road(b: Bicycle, size: tuple[int, int]) -> Canvas:
    c = Canvas(*size, *b.sky)
    ground = b.rear[1] + b.wheel
    c.polygon([(0, ground - 6), (size[0], ground - 14), (size[0], size[1]), (0, size[1])], (150, 150, 142))
    return c


def draw_bicycle(bicycle: Bicycle, size: tuple[int, int] = (500, 380)) -> Drawing:
    """Return a bicycle with its parts: hubs, tyres, crank, saddle, handlebar, head."""
    b, c = bicycle, _road(bicycle, size)
    ground = b.rear[1] + b.wheel
    c.ellipse(((b.rear[0] + b.front[0]) / 2, ground + 6), (190, 10), (120, 120, 114))
    for hub in (b.rear, b.front):
        for angle in np.arange(b.spokes) * 2 * np.pi / b.spokes:
            rim = (hub[0] + b.wheel * 0.94 * np.cos(angle), hub[1] + b.wheel * 0.94 * np.sin(angle))
            c.line([hub, rim], (150, 154, 160), 1.2)
        c.ellipse(hub, (b.wheel, b.wheel), b.tyre, 7)
        c.ellipse(hub, (b.wheel - 7, b.wheel - 7), (190, 194, 198), 2.5)
        if b.guards:
            turn = np.linspace(np.pi * 1.02, np.pi * 1.75, 24)
            arc = [(hub[0] + (b.wheel + 9) * np.cos(a), hub[1] + (b.wheel + 9) * np.sin(a)) for a in turn]
            c.line(arc, b.frame, 4)
    _draw_frame(c, b)
    c.ellipse(b.crank, (26, 26), (70, 70, 74), 4)
    c.line([(b.crank[0] - 22, b.crank[1] - 30), (b.crank[0] + 22, b.crank[1] + 30)], (50, 50, 52), 5)
    for hub in (b.rear, b.front, b.crank):
        c.ellipse(hub, (6, 6), (40, 40, 44))
    tip = b.bar[-1]
    parts = {
        "rear hub": b.rear,
        "front hub": b.front,
        "rear tyre, lowest": (b.rear[0], b.rear[1] + b.wheel),
        "front tyre, lowest": (b.front[0], b.front[1] + b.wheel),
        "rear tyre, rearmost": (b.rear[0] - b.wheel, b.rear[1]),
        "front tyre, foremost": (b.front[0] + b.wheel, b.front[1]),
        "crank": b.crank,
        "saddle": _saddle(b),
        "head tube, top": b.head,
        "handlebar grip": tip,
    }
    return Drawing(c.picture(), {name: (float(x), float(y)) for name, (x, y) in parts.items()})


def _saddle(b: Bicycle) -> Place:
    along = np.asarray(b.seat, np.float64) - np.asarray(b.crank, np.float64)
    top = np.asarray(b.seat, np.float64) + along / np.linalg.norm(along) * 18
    return float(top[0]), float(top[1])


def _draw_frame(c: Canvas, b: Bicycle) -> None:
    dark = tuple(round(v * 0.7) for v in b.frame)
    shade = (dark[0], dark[1], dark[2])
    saddle = _saddle(b)
    lower = (b.head[0] + (b.front[0] - b.head[0]) * 0.22, b.head[1] + (b.front[1] - b.head[1]) * 0.22)
    c.line([b.rear, b.seat], shade, 5)
    c.line([b.rear, b.crank], shade, 5)
    c.line([b.head, b.front], (90, 94, 100), 6)
    c.line([b.crank, saddle], b.frame, 7)
    low = [(b.crank[0] + 8, b.crank[1] - 8), (b.crank[0] + 40, b.crank[1] - 50), lower]
    c.line(low if b.low_step else [b.crank, lower], b.frame, 8)
    if not b.low_step:
        c.line([b.seat, b.head], b.frame, 7)
    c.line([b.head, *b.bar], (60, 62, 66), 6)
    x, y = saddle
    c.polygon([(x - 26, y - 8), (x + 4, y - 6), (x + 30, y - 2), (x + 28, y + 4), (x - 14, y + 7)], b.saddle)


def point_truth(left: Drawing, right: Drawing) -> tuple[Float64, tuple[str, ...]]:
    """Return ((N, 4) x_left, y_left, x_right, y_right, names) of the parts both drawings have."""
    names = tuple(name for name in left.parts if name in right.parts)
    rows = [[*left.parts[name], *right.parts[name]] for name in names]
    return np.asarray(rows, np.float64).reshape(-1, 4), names
