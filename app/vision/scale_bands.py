"""Blurs and differences of whole levels on all cores: one band of rows for each.

What lives here: :class:`Bands`. What does not: which levels there are (``scale_space``), the filters of one
(``scale_levels``). May import: records, vision, cv2.

OpenCV would share a blur among its threads by itself, but cuts it into so many tiles, each with a margin of its own,
that all of them together take a fifth longer than one thread takes for the whole. One band for each core has one seam
between neighbours, and the numbers stay the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from types import TracebackType
from typing import Self

import cv2

from app.records import Float32
from app.vision.scale_levels import blurred, kernel_radius
from app.vision.thread_counts import HeldAtOne

SEAM_SHARE = 16  # a band has at least this many times the rows that the kernel reaches; a seam has four times
LEAST_PIXELS = 1 << 18  # of a level, below which handing a band over costs more than it saves

_held = HeldAtOne()


@contextmanager
def one_cv_thread_each() -> Iterator[int]:
    """Let every call of OpenCV inside use one thread; yields how many it had, at least 1.

    The count is the whole process's: it is put back when the last user leaves.
    """
    with _held.use(cv2.getNumThreads, cv2.setNumThreads) as before:
        yield max(1, before)


class Bands:
    """Makes levels in bands; use it as a context, which ends its threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(thread_name_prefix="bands")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Let the threads end."""
        self._pool.shutdown()

    def next_level(self, low: Float32, sigma: float, high: Float32, difference: Float32) -> None:
        """Make the next level and its difference to this one; returns when all bands are done.

        Args:
            low: (height, width) float32, the level there is.
            sigma: the blur to add, in its pixels.
            high: overwritten by ``low`` blurred, the same as by :func:`app.vision.scale_levels.blurred`.
            difference: overwritten by ``high`` minus ``low``.
        """
        rows, reach = len(low), kernel_radius(sigma)
        most = rows // (SEAM_SHARE * reach) if low.size >= LEAST_PIXELS else 1
        if most < 2:
            blurred(low, sigma, high)
            cv2.subtract(high, low, dst=difference)
            return

        def band(start: int, stop: int) -> None:
            """Blur a band as if it were all; subtract where that is right."""
            blurred(low[start:stop], sigma, high[start:stop])
            inner = slice(start + reach if start else 0, stop - reach if stop < rows else rows)
            cv2.subtract(high[inner], low[inner], dst=difference[inner])

        def band_and_seam(start: int, stop: int) -> Float32:
            """Likewise, and return what lies about the lower end, which two bands got wrong."""
            band(start, stop)
            seam = slice(stop - reach, stop + reach)
            values = blurred(low[stop - 2 * reach : stop + 2 * reach], sigma)[reach:-reach]
            cv2.subtract(values, low[seam], dst=difference[seam])
            return values

        with one_cv_thread_each() as threads:
            count = min(threads, most)
            cuts = [rows * index // count for index in range(count + 1)]
            others = [self._pool.submit(band_and_seam, *part) for part in pairwise(cuts[:-1])]
            band(*cuts[-2:])
            seams = [other.result() for other in others]
        for cut, seam in zip(cuts[1:-1], seams, strict=True):
            high[cut - reach : cut + reach] = seam
