"""How numbers are written on all screens.

What lives here: shares in per cent, distances, durations, sizes of files. What does not: which number, and its unit.
May import: text.
"""

from __future__ import annotations

import math

from app.text import minus

# Descriptor distances run from 0.01 (cosine) to thousands: from this size on, so many digits after the point.
DISTANCE_DIGITS = ((100.0, 1), (10.0, 2), (0.0, 3))


def percent(share: float, digits: int = 0) -> str:
    """Return a share of 1 in per cent with a space before the sign, a dash for NaN."""
    return "–" if math.isnan(share) else minus(f"{100 * share:.{digits}f} %")


def distance_text(value: float) -> str:
    """Return a descriptor distance with the digits that its size leaves of interest; a dash for NaN."""
    if math.isnan(value):
        return "–"
    return f"{value:.{next(digits for least, digits in DISTANCE_DIGITS if abs(value) >= least)}f}"


def duration(seconds: float) -> str:
    """Return how long something took: in seconds up to two minutes, in minutes up to two hours, then in hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def file_size(count: int) -> str:
    """Return the size of a file of so many bytes, in thousands or millions of them."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 999_500 else f"{count / 1e6:.1f} MB"
