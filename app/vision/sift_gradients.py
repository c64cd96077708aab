"""Square windows of image gradients around many points of one level at once.

What lives here: cutting them, with their magnitude and angle. What does not: what is voted from them
(``sift_orientation``, ``sift_descriptor``). May import: records, numpy and cv2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from app.records import Array, Bool, Float32, Int32

THREADS = 2
CHUNK_SAMPLES = 1 << 16  # samples worked on at a time, so that they stay in the cache


def chunks(radius: Array) -> Iterator[tuple[int, Array]]:
    """Yield (window radius, rows) so that the rows have windows of similar size and few samples in all.

    The window radius is at least each row's own; at most an eighth more.
    """
    order = np.argsort(radius, kind="stable")
    start = 0
    while start < len(order):
        small = int(radius[order[start]])
        same = int(np.searchsorted(radius[order], small + small // 8, side="right"))
        widest = int(radius[order[same - 1]])
        stop = min(same, start + max(1, CHUNK_SAMPLES // (2 * widest + 1) ** 2))
        yield int(radius[order[stop - 1]]), order[start:stop]
        start = stop


def in_chunks(radius: Array, work: Callable[[int, Array], None]) -> None:
    """Call ``work(window radius, rows)`` for every one of :func:`chunks`, on two threads if there are several.

    NumPy releases the lock in most of what is done with a window, so the threads overlap.
    """
    jobs = list(chunks(radius))
    if len(jobs) < 2:
        for widest, rows in jobs:
            work(widest, rows)
        return
    with ThreadPoolExecutor(THREADS, "windows") as pool:
        for done in [pool.submit(work, widest, rows) for widest, rows in jobs]:
            done.result()


def gradients(level: Float32, row: Int32, col: Int32, radius: int) -> tuple[Float32, Float32, Bool | None]:
    """Return the differences to the right and *upwards* in windows of (2 radius + 1)**2 pixels.

    Args:
        level: (height, width) float32.
        row, col: (K,) centres.
        radius: of the windows.

    Returns:
        dx, dy: (K, n, n) float32, right minus left and upper minus lower neighbour (not halved).
        valid: (K, n, n) bool, whether the pixel has all four neighbours in the level; None if all have.
    """
    height, width = level.shape
    reach = radius + 1
    size = 2 * reach + 1
    inner = (row >= reach) & (row < height - reach) & (col >= reach) & (col < width - reach)
    if np.all(inner):
        cut = np.lib.stride_tricks.sliding_window_view(level, (size, size))
        patch = cut[row - reach, col - reach]
        valid = None
    else:
        steps = np.arange(-reach, reach + 1)
        rows, cols = row[:, None] + steps, col[:, None] + steps
        patch = level[np.clip(rows, 0, height - 1)[:, :, None], np.clip(cols, 0, width - 1)[:, None, :]]
        good_row = (rows > 0) & (rows < height - 1)
        good_col = (cols > 0) & (cols < width - 1)
        valid = good_row[:, 1:-1, None] & good_col[:, None, 1:-1]
    dx = patch[:, 1:-1, 2:] - patch[:, 1:-1, :-2]
    dy = patch[:, :-2, 1:-1] - patch[:, 2:, 1:-1]
    return dx, dy, valid


def polar(dx: Float32, dy: Float32) -> tuple[Float32, Float32]:
    """Return magnitude and angle in degrees [0, 360) of vectors, by OpenCV's fast arc tangent (to 0.01 degrees)."""
    if not dx.size:
        return dx, dx
    flat = (1, dx.size)
    magnitude, angle = cv2.cartToPolar(dx.reshape(flat), dy.reshape(flat), angleInDegrees=True)
    return np.asarray(magnitude, np.float32).reshape(dx.shape), np.asarray(angle, np.float32).reshape(dx.shape)
