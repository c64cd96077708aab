"""The pictures of levels, made in the background: all cells of the grid one after another, or one level large.

What lives here: :func:`prepared_grid`, :func:`level_picture` and what they return. What does not: widgets; no Qt.
May import: jobs, ``app.vision``, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.jobs import Job, Progress
from app.records import Float32, UInt8
from app.vision.diverging import coloured, limit_of
from app.vision.scale_response import response_at
from app.vision.scale_space import Kind, LevelView, ScaleSpace

CELL_PIXELS = 40_000
Cell = tuple[int, int]  # octave, level


@dataclass(frozen=True, eq=False)
class LevelPicture:
    """A level as colours.

    Attributes:
        rgb: (h, w, 3) uint8; pixel i lies at ``i * step`` of the image.
        step: image pixels per pixel.
        sigma: blur in image pixels, of the lower Gaussian for a difference.
        limit: grey levels of the last colour on either side; 255 for a Gaussian.
    """

    rgb: UInt8
    step: float
    sigma: float
    limit: float


@dataclass(frozen=True)
class Palette:
    """How levels are coloured: what is shown, on which ground, and whether all share one range."""

    kind: Kind
    dark: bool
    fixed: bool


def shown_octaves(space: ScaleSpace) -> tuple[int, ...]:
    """Return the octaves worth a row: those whose shorter side has more pixels than the border leaves out.

    The first octave is always among them.
    """
    return tuple(o for o in space.octaves if o == space.octaves[0] or min(space.size(o)) > 2 * 5)


def columns(space: ScaleSpace, kind: Kind) -> int:
    """Return how many levels an octave has: s + 3 Gaussians, s + 2 differences."""
    return space.settings.levels if kind == "gaussian" else space.settings.planes


def grid_pictures(space: ScaleSpace, palette: Palette, first: int) -> Job[dict[Cell, LevelPicture]]:
    """Make the small picture of every level, the octave ``first`` before all others.

    Every progress carries all cells made so far. With one range for all, colours wait for the first octave's limit
    and then follow it: the finest octave has the strongest values.
    """
    octaves = sorted(shown_octaves(space), key=lambda octave: (octave != first, octave))
    made: dict[Cell, LevelPicture] = {}
    limit = 0.0
    if palette.fixed and palette.kind == "dog":
        for octave in octaves:
            yield Progress(0, None, "Looking for the strongest level")
            limit = max(limit, limit_of(space.view(octave, space.settings.layers, "dog", CELL_PIXELS).values))
    total = len(octaves) * columns(space, palette.kind)
    for octave in octaves:
        views: list[LevelView] = []
        for level in range(columns(space, palette.kind)):
            yield Progress(len(made) + len(views), total, f"Drawing octave {octave}", dict(made))
            views.append(space.view(octave, level, palette.kind, CELL_PIXELS))
        range_here = limit if palette.fixed else max(limit_of(view.values) for view in views)
        for level, view in enumerate(views):
            made[octave, level] = _picture(view, palette, range_here)
        yield Progress(len(made), total, f"Drawing octave {octave}", dict(made))
    return made


def prepared_grid(space: ScaleSpace, palette: Palette, first: int) -> Job[dict[Cell, LevelPicture]]:
    """Make the first level of every octave, so that numbers can be asked for, then the pictures of the grid."""
    yield from space.prepare()
    height, width = space.grey.shape
    yield Progress(0, None, "Reducing the picture")
    response_at(space, width / 2, height / 2)  # the first one reduces the picture, the others find it reduced
    return (yield from grid_pictures(space, palette, first))


def level_picture(space: ScaleSpace, cell: Cell, palette: Palette, limit: float) -> Job[LevelPicture]:
    """Make one level at full resolution (about two megapixels at most).

    Args:
        limit: range of the colours in grey levels; 0 takes it from the level itself.
    """
    yield Progress(0, 1, f"Blurring octave {cell[0]}")
    view = space.view(*cell, palette.kind)
    yield Progress(0, 1, f"Colouring octave {cell[0]}")
    return _picture(view, palette, limit or limit_of(view.values[::4, ::4]))


def _picture(view: LevelView, palette: Palette, limit: float) -> LevelPicture:
    if palette.kind == "dog":
        return LevelPicture(coloured(view.values, limit, dark=palette.dark), view.step, view.sigma, limit)
    return LevelPicture(_grey(view.values), view.step, view.sigma, 255.0)


def _grey(values: Float32) -> UInt8:
    grey = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
