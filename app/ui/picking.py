"""What lies under the mouse: pure functions on arrays, tested without one.

May import: numpy and records.
"""

from __future__ import annotations

import numpy as np

from app.records import Float32


class Segments:
    """M line segments as a structure of arrays, for finding the nearest in well under a millisecond."""

    def __init__(self, start: Float32, end: Float32) -> None:
        self._x, self._y = (np.ascontiguousarray(start[:, axis], np.float32) for axis in (0, 1))
        self._dx, self._dy = (np.ascontiguousarray(end[:, axis] - start[:, axis], np.float32) for axis in (0, 1))
        length = self._dx**2 + self._dy**2
        self._scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        self._a, self._b, self._t, self._u = (np.empty_like(self._x) for _ in range(4))

    def nearest(self, x: float, y: float, reach: float) -> int | None:
        """Return the index of the segment nearest to (x, y) within ``reach``, None if there is none."""
        if not len(self._x):
            return None
        a, b, t, u = self._a, self._b, self._t, self._u  # nothing is allocated while the mouse moves
        np.subtract(np.float32(x), self._x, out=a)
        np.subtract(np.float32(y), self._y, out=b)
        np.multiply(a, self._dx, out=t)
        t += np.multiply(b, self._dy, out=u)
        t *= self._scale
        np.clip(t, 0, 1, out=t)
        a -= np.multiply(t, self._dx, out=u)
        b -= np.multiply(t, self._dy, out=u)
        a *= a
        b *= b
        a += b
        best = int(a.argmin())
        return best if a[best] <= reach * reach else None


def nearest_point(points: Float32, x: float, y: float, reach: float) -> int | None:
    """Return the index of the (N, 2) point nearest to (x, y) within ``reach``, None if there is none."""
    if not len(points):
        return None
    squared = (points[:, 0] - np.float32(x)) ** 2 + (points[:, 1] - np.float32(y)) ** 2
    best = int(squared.argmin())
    return best if squared[best] <= reach * reach else None
