"""Small rules of writing that sentences of all parts share.

What lives here: true minus signs, texts cut to a length. What does not: numbers on screens (``ui.numbers``). May
import: the standard library only.
"""

from __future__ import annotations


def minus(text: str) -> str:
    """Return a written number with a true minus sign."""
    return text.replace("-", "−")


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters: what is too long ends in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
