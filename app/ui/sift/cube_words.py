"""The 3 x 3 x 3 cube in words: is its middle an extremum, and if not, what spoils it.

What lives here: :class:`CubeVerdict`, :func:`judge`. What does not: widgets; no Qt. May import: records.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Literal

from app.records import Float32
from app.text import minus

MIDDLE = 13  # of the 27 values
ROUNDING = 1e-3  # grey levels: what float32 leaves of a flat picture, far below any threshold


@dataclass(frozen=True)
class CubeVerdict:
    """What the 26 neighbours say of the middle.

    Attributes:
        kind: ``maximum``, ``minimum`` or ``none``.
        sentence: with the numbers.
        rival: (plane, row, col) of the neighbour that decides: the nearest in value of an extremum, else the strongest
            of those that spoil it; None where there is no neighbour.
    """

    kind: Literal["maximum", "minimum", "none"]
    sentence: str
    rival: tuple[int, int, int] | None


def judge(cube: Float32, noise_floor: float) -> CubeVerdict:
    """Say whether the middle of a cube is an extremum, as the detector decides it.

    It must be at least as large as all 26 neighbours and positive, or at most as small and negative, and its magnitude
    must exceed ``noise_floor`` (grey levels).

    Args:
        cube: (3, 3, 3) float32 [plane, row, col] in grey levels; NaN outside the octave.
        noise_floor: see above.
    """
    # In plain numbers: for so few, arrays take ten times as long.
    values: list[float] = cube.reshape(27).tolist()
    value = values[MIDDLE]
    if any(isnan(v) for v in values):
        return CubeVerdict("none", "At the border: some of the 26 neighbours are missing, so it is not searched.", None)
    sign = 1.0 if value > 0 else -1.0
    word, blob = ("largest", "dark") if sign > 0 else ("smallest", "bright")
    strength = [sign * v for v in values]
    count = sum(v > strength[MIDDLE] for v in strength)
    best = max((place for place in range(27) if place != MIDDLE), key=strength.__getitem__)
    rival = (best // 9, best // 3 % 3, best % 3)
    next_best = values[best]
    if max(abs(v) for v in values) < ROUNDING:
        return CubeVerdict("none", "No extremum: the picture is flat here, all 27 values are 0.", None)
    if value == 0:
        return CubeVerdict("none", "No extremum: the value is 0, neither a bright nor a dark blob.", rival)
    if count == 0 and abs(value) > noise_floor:
        kind: Literal["maximum", "minimum"] = "maximum" if sign > 0 else "minimum"
        text = (
            f"{kind.capitalize()}: {_signed(value)} is the {word} of all 27, a {blob} blob. "
            f"The next is {_signed(next_best)} {_where(rival)}."
        )
        return CubeVerdict(kind, text, rival)
    if count == 0:
        text = (
            f"The {word} of all 27, but {_signed(value)} does not exceed the noise floor of "
            f"{noise_floor:g} grey level{'' if noise_floor == 1 else 's'}, so it is not examined."
        )
        return CubeVerdict("none", text, rival)
    side = "larger" if sign > 0 else "smaller"
    which = f"{count} of 26 neighbours {'is' if count == 1 else 'are'} {side}"
    text = f"No extremum: {which} than {_signed(value)}; the {word} is {_signed(next_best)} {_where(rival)}."
    return CubeVerdict("none", text, rival)


def _where(rival: tuple[int, int, int]) -> str:
    plane, row, col = rival
    vertical = ("up", "", "down")[row]
    horizontal = ("left", "", "right")[col]
    place = " ".join(word for word in (vertical, horizontal) if word)
    layer = ("in the finer plane", "in this plane", "in the coarser plane")[plane]
    return f"{layer}, {place}" if place else layer


def _signed(value: float) -> str:
    return minus(f"{value:+.2f}")
