"""A picture at halved sizes, for showing any part of it at any zoom quickly.

What lives here: :class:`Pyramid`. What does not: painting. May import: records, numpy and cv2.
"""

from __future__ import annotations

import cv2
import numpy as np

from app.records import Float64, UInt8

SHARP_FROM = 4.0  # from this magnification on pixels are shown as squares
SMALLEST = 64


class Pyramid:
    """An (H, W, 3) uint8 picture and its halves, made when first needed (a third more memory at most)."""

    def __init__(self, rgb: UInt8) -> None:
        self._levels: list[UInt8] = [rgb]

    def level(self, scale: float) -> tuple[UInt8, int]:
        """Return (picture, k) for ``scale`` screen pixels per pixel; its pixel is 2^k original ones."""
        wanted = 0 if scale <= 0 or scale >= 1 else int(np.floor(np.log2(1 / scale) + 1e-9))
        while len(self._levels) <= wanted and min(self._levels[-1].shape[:2]) > SMALLEST:
            last = self._levels[-1]
            # Odd sizes would shift the grid: the last row or column is dropped.
            even = last[: last.shape[0] // 2 * 2, : last.shape[1] // 2 * 2]
            half = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(half, np.uint8))
        k = min(wanted, len(self._levels) - 1)
        return self._levels[k], k

    def view(self, scale: float, offset: tuple[float, float], size: tuple[int, int]) -> UInt8:
        """Return (h, w, 3) what a window of ``size`` (width, height) shows.

        Args:
            scale: screen pixels per picture pixel.
            offset: screen place of the picture's top left *corner*.
            size: of the window; parts beyond the picture repeat its border and are to be covered by the caller.
        """
        picture, k = self.level(scale)
        step = scale * 2**k
        matrix = _corner_rule(step, offset)
        flags = cv2.INTER_NEAREST if scale >= SHARP_FROM else cv2.INTER_LINEAR
        part, matrix = _cropped(picture, matrix, size)
        seen = cv2.warpAffine(part, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.uint8)


def _corner_rule(step: float, offset: tuple[float, float]) -> Float64:
    """Return the 2x3 matrix on pixel centres of a map on corners: corner u goes to u * step + offset."""
    shift = 0.5 * step - 0.5
    return np.array([[step, 0, offset[0] + shift], [0, step, offset[1] + shift]], np.float64)


def _cropped(picture: UInt8, matrix: Float64, size: tuple[int, int]) -> tuple[UInt8, Float64]:
    """Return the part of the picture that the window needs, and the matrix from it."""
    step = matrix[0, 0]
    low = np.floor((0 - matrix[:, 2]) / step).astype(int) - 2
    high = np.ceil((np.asarray(size) - matrix[:, 2]) / step).astype(int) + 3
    limit = np.array([picture.shape[1], picture.shape[0]])
    low, high = np.clip(low, 0, limit - 1), np.clip(high, 1, limit)
    high = np.maximum(high, low + 1)
    moved = matrix.copy()
    moved[:, 2] += step * low
    return picture[low[1] : high[1], low[0] : high[0]], moved
