"""How two pictures share one plane: where either lies, the way from a picture's pixel to the plane, and to the window.

What lives here: :class:`Scene` and :class:`View`, without any widget. May import: records, numpy, QtGui.

This, and nothing else, adds the half pixel: pixel (0, 0), whose centre is the origin of a picture's own
coordinates, covers the unit square of the plane.

Named tuples, not dataclasses: the first paint waits for these classes, and they are made in a fifth of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtGui import QTransform

from app.records import Side

if TYPE_CHECKING:
    import numpy.typing as npt

GAP_SHARE = 0.02


class Placed(NamedTuple):
    """One picture in the plane: its size, the magnification, and the place of its top left corner."""

    width: int
    height: int
    scale: float
    x: float
    y: float

    @property
    def right(self) -> float:
        """The x of the right edge."""
        return self.x + self.width * self.scale

    @property
    def bottom(self) -> float:
        """The y of the lower edge."""
        return self.y + self.height * self.scale

    def covers(self, x: float, y: float) -> bool:
        """Whether a plane point lies on the picture."""
        return self.x <= x < self.right and self.y <= y < self.bottom


class Scene(NamedTuple):
    """Both pictures placed."""

    left: Placed
    right: Placed

    def of(self, side: Side) -> Placed:
        """Return one of them."""
        return self.left if side == "left" else self.right

    def to_plane(self, side: Side, xy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return (N, 2) plane points of picture points."""
        at = self.of(side)
        points: npt.NDArray[np.float64] = (np.asarray(xy, np.float64).reshape(-1, 2) + 0.5) * at.scale + (at.x, at.y)
        return points

    def from_plane(self, side: Side, x: float, y: float) -> tuple[float, float]:
        """Return the picture point of a plane point."""
        at = self.of(side)
        return (x - at.x) / at.scale - 0.5, (y - at.y) / at.scale - 0.5

    def side_at(self, x: float, y: float) -> Side | None:
        """Return the picture that covers a plane point, the right one first, None beside both."""
        sides: tuple[Side, Side] = ("right", "left")
        return next((side for side in sides if self.of(side).covers(x, y)), None)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x, y, width, height) around both."""
        x, y = min(self.left.x, self.right.x), min(self.left.y, self.right.y)
        return (
            x, y, max(self.left.right, self.right.right) - x, max(self.left.bottom, self.right.bottom) - y,
        )  # fmt: skip


class View(NamedTuple):
    """Where the scene is seen: scene point p is at p * scale + offset, in a window of width x height."""

    scale: float
    x: float
    y: float
    width: int
    height: int

    def transform(self, margin: float = 0.0) -> QTransform:
        """Return the painter's transform from scene to window (moved by a margin)."""
        return QTransform(self.scale, 0, 0, self.scale, self.x + margin, self.y + margin)


def arranged(
    left: tuple[int, int],
    right: tuple[int, int],
    arrangement: str,
    window: tuple[int, int],
    *,
    swapped: bool = False,
    moved: tuple[float, float] = (0.0, 0.0),
) -> Scene:
    """Return both pictures side by side or stacked.

    Args:
        left, right: sizes (width, height).
        arrangement: ``side``, ``stacked``, or ``auto``: whichever shows the pictures larger.
        window: size of the view, for ``auto``.
        swapped: the right picture first.
        moved: how far the user has dragged the right picture, in plane units.
    """
    if arrangement == "auto":
        scenes = [arranged(left, right, kind, window, swapped=swapped) for kind in ("side", "stacked")]
        fits = [min(window[0] / max(1, s.bounds[2]), window[1] / max(1, s.bounds[3])) for s in scenes]
        arrangement = "side" if fits[0] >= fits[1] else "stacked"
    # Pictures of very different size are shown at the same height (or width), else pixel for pixel.
    axis = 1 if arrangement == "side" else 0
    factor = left[axis] / max(1, right[axis])
    scale = factor if not 0.5 <= factor <= 2 else 1.0
    sizes = {"left": (left, 1.0), "right": (right, scale)}
    order = ("right", "left") if swapped else ("left", "right")
    gap = GAP_SHARE * max(left)
    (w, h), s = sizes[order[0]]
    second = (w * s + gap, 0.0) if arrangement == "side" else (0.0, h * s + gap)
    places = {order[0]: (0.0, 0.0), order[1]: second}
    rx, ry = places["right"]
    return Scene(Placed(*left, 1.0, *places["left"]), Placed(*right, scale, rx + moved[0], ry + moved[1]))
