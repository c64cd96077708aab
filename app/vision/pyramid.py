"""A picture at halved sizes, for showing any part of it at any zoom quickly.

What lives here: :class:`Pyramid`. What does not: painting. May import: records, numpy and cv2.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Float64, UInt8

SHARP_FROM = 4.0  # from this magnification on pixels are shown as squares
SMALLEST = 64
REACH = 32  # picture pixels further out in which a resized part may begin
NEAR = 0.1  # screen pixels by which it may then be displaced; otherwise the picture is warped


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
        """Return (h, w, 3) what a window of ``size`` (width, height) shows, not to be changed.

        Args:
            scale: screen pixels per picture pixel.
            offset: screen place of the picture's top left *corner*.
            size: of the window; parts beyond the picture repeat its border and are to be covered by the caller.
        """
        picture, k = self.level(scale)
        step = scale * 2**k
        starts = [_start(-shift / step, step) for shift in offset]
        if scale < SHARP_FROM and max(start.error for start in starts) <= NEAR:
            return _resized(picture, step, starts, size)
        matrix = _corner_rule(step, offset)
        flags = cv2.INTER_NEAREST if scale >= SHARP_FROM else cv2.INTER_LINEAR
        part, matrix = _cropped(picture, matrix, size)
        seen = cv2.warpAffine(part, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.uint8)


@dataclass(frozen=True)
class _Start:
    """Where a resized part of the picture begins on one axis.

    Attributes:
        source: first picture pixel of the part (may lie outside the picture).
        skip: pixels of the resized part before the first one seen.
        error: how far from its place the result lies, in screen pixels.
    """

    source: int
    skip: int
    error: float


def _start(place: float, step: float) -> _Start:
    """Return the whole picture pixel from which whole screen pixels best reach ``place`` (in picture pixels).

    Resizing is five times as fast as warping, but begins at whole pixels: some pixels further out one fits.
    """
    source = np.floor(place) - 1 - np.arange(REACH)
    exact = (place - source) * step
    error = np.abs(exact - np.round(exact))
    best = int(error.argmin())
    return _Start(int(source[best]), int(np.round(exact[best])), float(error[best]))


def _resized(picture: UInt8, step: float, starts: list[_Start], size: tuple[int, int]) -> UInt8:
    """Return (h, w, 3) what is seen, resized from the part that begins at ``starts`` (x, y)."""
    x, y = starts
    right, bottom = (s.source + int(np.ceil((s.skip + n) / step)) + 2 for s, n in zip(starts, size, strict=True))
    height, width = picture.shape[:2]
    part = picture[max(y.source, 0) : max(bottom, 1), max(x.source, 0) : max(right, 1)]
    missing = (max(-y.source, 0), max(bottom - height, 0), max(-x.source, 0), max(right - width, 0))
    if any(missing):
        part = np.asarray(cv2.copyMakeBorder(part, *missing, borderType=cv2.BORDER_REPLICATE), np.uint8)
    seen = part if step == 1 else cv2.resize(part, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    return np.asarray(seen[y.skip : y.skip + size[1], x.skip : x.skip + size[0]], np.uint8)


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
