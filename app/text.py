"""Small rules of writing that sentences of all parts share.

What lives here: true minus signs, powers of ten, significant digits, texts cut to a length. What does not: shares,
distances and durations on screens (``ui.numbers``). May import: the standard library only.
"""

from __future__ import annotations

import math

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def minus(text: str) -> str:
    """Return a written number with a true minus sign."""
    return text.replace("-", "−")


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


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters: what is too long ends in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
