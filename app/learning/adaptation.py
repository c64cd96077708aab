"""Homographic adaptation: what a detector says of many views of one picture, carried back and averaged.

What lives here: random views, and the averaging as a job. What does not: the detector, which comes as a function. May
import: jobs, records, ``app.vision``, numpy and cv2.

Source: DeTone, Malisiewicz & Rabinovich, SuperPoint, CVPR Workshops 2018, section 5: F(I; f) = mean over views of
H^-1 f(H I). What is averaged at a pixel are only the views in which it can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from app.jobs import Job, Progress, native
from app.records import Float32, Float64, Int32, UInt8
from app.vision.synth import homography_between

TURN_DEG = 60.0
LEAST_SCALE, MOST_SCALE = 0.6, 1.3
TILT = 0.18  # how far each corner may stray, in shares of the sides
SHIFT = 0.1
WHOLLY = 0.999  # of a pixel's weight lies inside the view


@dataclass(frozen=True, eq=False)
class Adapted:
    """An averaged heat map.

    Attributes:
        total: (H, W) float64, the sum over the views that see a pixel.
        seen: (H, W) int32, how many do; the picture itself always does if it is among the views.
        views: how many there were.
    """

    total: Float64
    seen: Int32
    views: int

    @property
    def heat(self) -> Float32:
        """(H, W) float32: the mean over the views that see a pixel; 0 where none does."""
        mean: Float32 = (self.total / np.maximum(self.seen, 1)).astype(np.float32)
        return mean


def random_views(count: int, size: tuple[int, int], seed: int = 0) -> list[Float64]:
    """Return ``count`` homographies from a picture to views of it, in pixels; the first is the identity.

    Each is a tilt (the corners stray), a scale, a turn and a shift about the middle.

    Args:
        count: at least 1.
        size: (width, height) of the picture and of every view.
        seed: of all of them; the first ones of a longer list are the same.
    """
    rng = np.random.default_rng(seed)
    sides = np.array(size, np.float64)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * sides - 0.5
    middle = sides / 2 - 0.5
    views = [np.eye(3)]
    for _ in range(count - 1):
        strayed = corners - middle + rng.uniform(-TILT, TILT, (4, 2)) * sides
        turn = np.deg2rad(rng.uniform(-TURN_DEG, TURN_DEG))
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        scale = np.exp(rng.uniform(np.log(LEAST_SCALE), np.log(MOST_SCALE)))
        shift = rng.uniform(-SHIFT, SHIFT, 2) * sides
        views.append(homography_between(corners, scale * strayed @ rotation + middle + shift))
    return views[:count]


def adapted(
    heat_of: Callable[[UInt8], Float32], grey: UInt8, views: Sequence[Float64], start: Adapted | None = None
) -> Job[Adapted]:
    """Average the heat maps of views; every progress carries the average so far.

    Args:
        heat_of: (H, W) uint8 picture -> (H, W) float32 heat map.
        grey: the picture.
        views: homographies from the picture to each view, at least one.
        start: an average over the first of these views, to go on from.
    """
    made = Adapted(np.zeros(grey.shape), np.zeros(grey.shape, np.int32), 0) if start is None else start
    for index, view in list(enumerate(views))[made.views :]:
        progress = Progress(index, len(views), f"View {index + 1} of {len(views)}", made)
        yield progress
        ((heat, visible),) = yield from native(partial(_of_view, heat_of, grey, view), progress=progress)
        made = Adapted(made.total + np.where(visible, heat, 0), made.seen + visible, index + 1)
    if not made.views:
        raise ValueError("no view to average")
    return made


def _of_view(heat_of: Callable[[UInt8], Float32], grey: UInt8, view: Float64) -> tuple[Float32, Int32]:
    """Return what a view says of every pixel of the picture, and whether it sees it."""
    size = (grey.shape[1], grey.shape[0])
    seen_from_there = cv2.warpPerspective(grey, view, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    heat = np.asarray(heat_of(np.asarray(seen_from_there, np.uint8)), np.float32)
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    carried = np.asarray(cv2.warpPerspective(heat, view, size, flags=back), np.float32)
    inside = cv2.warpPerspective(np.ones(grey.shape, np.float32), view, size, flags=back)
    return carried, (np.asarray(inside) >= WHOLLY).astype(np.int32)
