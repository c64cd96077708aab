"""How numbers are written on all screens.

What lives here: shares in per cent, powers of ten, distances, durations. What does not: which number, and its unit. May
import: text.
"""

from __future__ import annotations

import math

from app.text import minus

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float, digits: int = 0) -> str:
    """Return a share of 1 in per cent with a space before the sign, a dash for NaN."""
    return "–" if math.isnan(share) else minus(f"{100 * share:.{digits}f} %")


def power_of_ten(power: int) -> str:
    """Return 10 to a power in raised figures, e.g. 10⁻⁶."""
    return "10" + str(power).translate(_RAISED)


def significant(value: float, digits: int = 3) -> str:
    """Return a number in so many significant digits; a dash if it is not finite.

    From a thousand to a million it is whole, with separators; far from 1 it is a multiple of a power of ten.
    """
    if not math.isfinite(value):
        return "–"
    if 999.5 <= abs(value) < 1e6:
        return minus(f"{value:,.0f}")
    mantissa, _, power = f"{value:.{digits}g}".partition("e")
    return minus(mantissa) if not power else f"{minus(mantissa)} × {power_of_ten(int(power))}"


def distance_text(value: float) -> str:
    """Return a descriptor distance: they run from 0.01 (cosine) to thousands; a dash for NaN."""
    if math.isnan(value):
        return "–"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def duration(seconds: float) -> str:
    """Return how long something took: in seconds up to two minutes, in minutes up to two hours, then in hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
