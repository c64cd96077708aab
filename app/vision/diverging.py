"""Colours for values with a sign: blue below zero, orange above, the middle as calm as the ground it lies on.

What lives here: the colour tables and :func:`coloured`. What does not: widgets. May import: records, numpy.

Blue and orange stay apart for every kind of colour blindness (Okabe and Ito), and lightness grows (on dark ground)
or falls (on light ground) evenly on both sides, so that strength can be read without the hue.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.records import Float32, UInt8

STEPS = 127  # on either side of zero
_STOPS: dict[bool, tuple[tuple[int, int, int], tuple[tuple[int, int, int], ...], tuple[tuple[int, int, int], ...]]] = {
    # dark ground: zero, then the colours at one half and at the limit, below and above
    True: ((22, 25, 31), ((38, 122, 184), (150, 214, 250)), ((176, 108, 0), (255, 208, 112))),
    False: ((246, 247, 249), ((92, 164, 214), (0, 66, 120)), ((240, 160, 76), (128, 50, 0))),
}


@lru_cache(maxsize=2)
def table(*, dark: bool) -> UInt8:
    """Return (255, 3) uint8 colours from the lowest value to the highest; row 127 is zero."""
    zero, below, above = _STOPS[dark]
    place = np.linspace(0.0, 1.0, STEPS + 1)
    sides = []
    for half, end in (below, above):
        stops = np.array([zero, half, end], np.float64)
        sides.append(np.stack([np.interp(place, [0.0, 0.5, 1.0], stops[:, c]) for c in range(3)], axis=1))
    rows = np.concatenate([sides[0][:0:-1], sides[1]])
    made: UInt8 = np.rint(rows).astype(np.uint8)
    made.flags.writeable = False
    return made


def coloured(values: npt.ArrayLike, limit: float, *, dark: bool) -> UInt8:
    """Return (H, W, 3) uint8 of an (H, W) array of signed values.

    Args:
        values: any real dtype; NaN is shown as zero.
        limit: the magnitude that gets the last colour; larger ones are clipped. 0 shows everything as zero.
        dark: which table.
    """
    array: Float32 = np.asarray(values, np.float32)
    scale = STEPS / limit if limit > 0 else 0.0
    index = array * np.float32(scale)
    index[np.isnan(index)] = 0
    np.minimum(np.maximum(index, -STEPS, out=index), STEPS, out=index)
    return np.ascontiguousarray(table(dark=dark)[np.rint(index, out=index).astype(np.int16) + STEPS])


def limit_of(values: npt.ArrayLike, share: float = 0.995) -> float:
    """Return the magnitude below which ``share`` of all values lie; 0 for none or for constant zeros."""
    array = np.abs(np.asarray(values, np.float32)).reshape(-1)
    array = array[np.isfinite(array)]
    return float(np.quantile(array, share)) if array.size else 0.0
