"""Extrema of the difference of Gaussians over their 26 neighbours.

What lives here: finding the samples. What does not: fitting them (``sift_refine``). May import: records, numpy, cv2.

Ties are decided as in OpenCV: a maximum is >= all neighbours and positive, a minimum <= all and negative, so a plateau
gives one candidate per sample and a flat picture none.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Float32, Int32, read_only

STRIP_PIXELS = 1 << 16  # worked on at a time: all planes of a strip stay in the cache
# Grey levels: differences below are the rounding of float32 sums of 8-bit values, not the picture. OpenCV has no such
# floor: at a contrast threshold of 0 (below 0.00002) it makes every pixel of a flat region an extremum.
ROUNDING = 1e-3
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples of a stack of differences: layer (1 ... s), row and column, each (N,) int32."""

    layer: Int32
    row: Int32
    col: Int32

    def __post_init__(self) -> None:
        n = len(self.layer)
        for name in ("layer", "row", "col"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.int32, (n,), f"Samples.{name}"))

    def __len__(self) -> int:
        return len(self.layer)


def find_extrema(differences: Float32, floor: float) -> Samples:
    """Return every extremum of the inner planes, sorted by layer, row, column.

    Args:
        differences: (planes, height, width) float32; the first and the last plane are only compared with.
        floor: only absolute values beyond this are examined (grey levels).

    Returns:
        Samples at least one pixel inside; none if the stack is thinner than three samples in any direction.
    """
    planes, height, width = differences.shape
    if min(planes, height, width) < 3:
        nothing = np.zeros(0, np.int32)
        return Samples(nothing, nothing, nothing)
    rows = max(4, STRIP_PIXELS // width)
    starts = list(range(1, height - 1, rows))
    # The filters release the lock, so two threads share the strips.
    with ThreadPoolExecutor(2, "extrema") as pool:
        found = list(pool.map(lambda top: _in_strip(differences, floor, top, min(top + rows, height - 1)), starts))
    joined = np.concatenate(found)
    order = np.lexsort((joined[:, 2], joined[:, 1], joined[:, 0]))
    layer, row, col = joined[order].T
    return Samples(layer, row, col)


def _in_strip(differences: Float32, floor: float, top: int, bottom: int) -> Int32:
    """Return (n, 3) layer, row, col of the extrema in rows top ... bottom - 1."""
    least = max(np.nextafter(np.float32(floor), np.float32(np.inf)), np.finfo(np.float32).tiny)
    strips = [plane[top - 1 : bottom + 1] for plane in differences]
    highest = [cv2.dilate(strip, _SQUARE)[1:-1] for strip in strips]
    lowest = [cv2.erode(strip, _SQUARE)[1:-1] for strip in strips]
    found = []
    for layer in range(1, len(strips) - 1):
        values = strips[layer][1:-1]
        ceiling = cv2.max(cv2.max(highest[layer - 1], highest[layer]), highest[layer + 1])
        bed = cv2.min(cv2.min(lowest[layer - 1], lowest[layer]), lowest[layer + 1])
        maxima = cv2.compare(values, np.maximum(ceiling, least), cv2.CMP_GE)
        minima = cv2.compare(values, np.minimum(bed, -least), cv2.CMP_LE)
        places = cv2.findNonZero(cv2.bitwise_or(maxima, minima)[:, 1:-1])
        if places is not None:
            col, row = np.asarray(places, np.int32).reshape(-1, 2).T
            found.append(np.stack([np.full_like(row, layer), row + top, col + 1], axis=1))
    return np.concatenate(found) if found else np.zeros((0, 3), np.int32)
