"""What the picture canvas is told to draw: frozen data, no widget.

What lives here: the colours it asks for, lines, keypoint marks, legend, and what the mouse found. What does not:
drawing and colour rules. May import: records, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.records import Bool, Float32, Side, UInt8


class Colours(Protocol):
    """What the canvas asks of a theme's tokens, as ``#rrggbb``."""

    @property
    def canvas(self) -> str: ...  # noqa: D102 -- named by itself
    @property
    def surface(self) -> str: ...  # noqa: D102
    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def muted(self) -> str: ...  # noqa: D102
    @property
    def selected(self) -> str: ...  # noqa: D102
    @property
    def accent(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class LineClass:
    """How one class of lines looks: colour as ``#rrggbb``, dash ``solid|dash|dot``, mark at the ends."""

    name: str
    colour: str
    dash: str = "solid"
    mark: str = "disc"


@dataclass(frozen=True, eq=False)
class Lines:
    """M match lines.

    Attributes:
        left_xy, right_xy: (M, 2) float32 in original pixels of either picture.
        group: (M,) uint8 index into ``classes``.
        classes: at most 64.
        shown: (M,) indices of the lines to draw, most important first.
    """

    left_xy: Float32
    right_xy: Float32
    group: UInt8
    classes: tuple[LineClass, ...]
    shown: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.left_xy)


@dataclass(frozen=True, eq=False)
class KeypointMarks:
    """N circles of real size with a tick where there is an angle; ``matched`` ones are brighter."""

    xy: Float32
    size: Float32
    angle: Float32
    matched: Bool


@dataclass(frozen=True)
class LegendRow:
    """One line of the legend."""

    colour: str
    dash: str
    mark: str
    text: str
    count: str = ""


@dataclass(frozen=True)
class Legend:
    """The legend: rows, or a bar of colours with words at its ends."""

    title: str
    rows: tuple[LegendRow, ...] = ()
    bar: tuple[str, ...] = ()
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Hover:
    """A place in a picture, in original pixels."""

    side: Side
    x: float
    y: float


@dataclass(frozen=True)
class Mark:
    """A cross, or a circle of ``radius`` pixels, with a word beside it."""

    side: Side
    x: float
    y: float
    text: str = ""
    colour: str = "selected"
    radius: float = 0.0


@dataclass(frozen=True)
class HintLine:
    """A line a x + b y + c = 0 across one picture (an epipolar line)."""

    side: Side
    abc: tuple[float, float, float]
