"""What lies under the mouse: pure functions on arrays, tested without one.

May import: numpy and records.
"""

from __future__ import annotations

import numpy as np

from app.records import Float32


class Segments:
    """M line segments as a structure of arrays, for finding the nearest in well under a millisecond.

    How far a place is from the endless line through a segment is one product with (x, y, 1); only segments whose line
    comes near enough are measured themselves.
    """

    def __init__(self, start: Float32, end: Float32) -> None:
        x, y = (np.ascontiguousarray(start[:, axis], np.float32) for axis in (0, 1))
        dx, dy = (np.ascontiguousarray(end[:, axis] - start[:, axis], np.float32) for axis in (0, 1))
        squared = dx**2 + dy**2
        scale = np.divide(1, squared, out=np.zeros_like(squared), where=squared > 0)
        self._parts = np.stack([x, y, dx, dy, scale], axis=1)  # what is asked for together lies together
        # A segment without length has no line: all 0, so that it is always measured.
        along, across = dx * np.sqrt(scale), dy * np.sqrt(scale)
        offset = along * y - across * x
        self._lines = np.stack([across, -along, offset])
        self._farthest = float(np.abs(offset).max(initial=0.0))
        self._gap = np.empty_like(squared)

    def nearest(self, x: float, y: float, reach: float) -> int | None:
        """Return the index of the segment nearest to (x, y) within ``reach``, None if there is none."""
        gap = np.dot(np.array([x, y, 1], np.float32), self._lines, out=self._gap)
        slack = 1e-6 * (abs(x) + abs(y) + self._farthest)  # rounding of float32
        near = np.flatnonzero(np.abs(gap, out=gap) <= reach + slack)
        if not len(near):
            return None
        from_x, from_y, dx, dy, scale = self._parts.take(near, axis=0).T
        a, b = np.float32(x) - from_x, np.float32(y) - from_y
        share = ((a * dx + b * dy) * scale).clip(0, 1)
        squared = (a - share * dx) ** 2 + (b - share * dy) ** 2
        best = int(squared.argmin())
        return int(near[best]) if squared[best] <= reach * reach else None


def nearest_point(points: Float32, x: float, y: float, reach: float) -> int | None:
    """Return the index of the (N, 2) point nearest to (x, y) within ``reach``, None if there is none."""
    if not len(points):
        return None
    squared = (points[:, 0] - np.float32(x)) ** 2 + (points[:, 1] - np.float32(y)) ** 2
    best = int(squared.argmin())
    return best if squared[best] <= reach * reach else None
