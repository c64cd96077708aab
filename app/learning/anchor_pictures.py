"""Pictures with and without an object, for filters that are to find its parts from that label alone.

What lives here: the scenes of the two kinds of drawn objects. What does not: how they are drawn (``vision.drawings``),
what is learned from them (``anchornet``). May import: records, vision, cv2, numpy.

The two pictures of the built-in pair and two more instances show the object; the empty grounds, the other kind of
drawing and two photographs do not. The named parts of the pair serve for judging only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from app.records import Float64, UInt8, UserError
from app.vision import drawings
from app.vision.photographs import photograph

OBJECTS = {"cups": "cups", "bicycles": "bicycles"}
PHOTOGRAPHS = ("chelsea", "rocket")  # no cup, no bicycle
LONGEST = 460  # pixels, as the drawings


@dataclass(frozen=True, eq=False)
class Scenes:
    """Pictures with their labels.

    Attributes:
        pictures: (H, W, 3) uint8; those with the object first, the pair's two before all.
        names: of each, for people.
        labels: 1 with the object, -1 without.
        points: (N, 4) x_left, y_left, x_right, y_right of the parts that both pictures of the pair have.
        parts: their names.
    """

    pictures: tuple[UInt8, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]
    points: Float64
    parts: tuple[str, ...]


def _cups() -> tuple[drawings.Drawing, ...]:
    mug, tea = drawings.MUG, drawings.TEACUP
    beaker = replace(
        tea, centre=(190, 150), rim=(84, 26), foot=62, height=140, handle=(44, 46), body=(90, 150, 110),
        shade=(60, 110, 80), table=((230, 220, 215), (190, 170, 160)), stripes=1,
    )  # fmt: skip
    plain = replace(
        mug, centre=(235, 160), rim=(90, 26), foot=60, height=150, handle=(46, 50), body=(220, 190, 90),
        shade=(170, 140, 60), table=((80, 80, 110), (50, 50, 70)), stripes=0,
    )  # fmt: skip
    return tuple(drawings.draw_cup(cup) for cup in (mug, tea, beaker, plain))


def _bicycles() -> tuple[drawings.Drawing, ...]:
    road, city = drawings.ROAD, drawings.CITY
    tour = replace(
        road, rear=(120, 255), front=(362, 255), wheel=75, crank=(218, 262), seat=(176, 125), head=(316, 122),
        bar=((316, 104), (350, 98), (372, 112)), frame=(40, 150, 90), sky=((215, 215, 235), (180, 170, 190)), spokes=16,
    )  # fmt: skip
    dutch = replace(
        city, rear=(128, 262), front=(368, 262), wheel=78, crank=(225, 268), seat=(184, 122), head=(316, 120),
        bar=((316, 96), (286, 84), (262, 92)), frame=(60, 60, 66), sky=((235, 240, 245), (200, 205, 210)), spokes=16,
    )  # fmt: skip
    return tuple(drawings.draw_bicycle(bicycle) for bicycle in (road, city, tour, dutch))


def _fitted(rgb: UInt8) -> UInt8:
    share = LONGEST / max(rgb.shape[:2])
    size = round(rgb.shape[1] * share), round(rgb.shape[0] * share)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def scenes(kind: str) -> Scenes:
    """Return the pictures of one kind of object.

    Raises:
        UserError: for an unknown kind, or if the photographs are missing.
    """
    if kind not in OBJECTS:
        raise UserError(f"There are no drawn objects {kind!r}; choose cups or bicycles.")
    cups = kind == "cups"
    drawn = _cups() if cups else _bicycles()
    if cups:
        empty = [drawings.empty_table(cup) for cup in (drawings.MUG, drawings.TEACUP)]
        other = [drawings.draw_bicycle(bicycle).rgb for bicycle in (drawings.ROAD, drawings.CITY)]
    else:
        empty = [drawings.empty_road(bicycle) for bicycle in (drawings.ROAD, drawings.CITY)]
        other = [drawings.draw_cup(cup).rgb for cup in (drawings.MUG, drawings.TEACUP)]
    photos = [_fitted(photograph(name)) for name in PHOTOGRAPHS]
    thing, another = ("cup", "bicycle") if cups else ("bicycle", "cup")
    names = (*(f"{thing} {number}" for number in range(1, len(drawn) + 1)), "nothing", "nothing",
             f"a {another}", f"a {another}", "a cat", "a rocket")  # fmt: skip
    points, parts = drawings.point_truth(drawn[0], drawn[1])
    pictures = (*(drawing.rgb for drawing in drawn), *empty, *other, *photos)
    labels = (1,) * len(drawn) + (-1,) * (len(pictures) - len(drawn))
    return Scenes(pictures, names, labels, points, parts)
