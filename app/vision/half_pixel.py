"""The half-pixel rule: places of a reduced picture in its original, and back.

What lives here: the rule for single points and for arrays of them. What does not: keypoints, whose sizes change with
them (:class:`app.records.WorkingImage`), and what is drawn on a screen. May import: records, numpy.

A pixel's centre has whole coordinates, so that a picture reaches from -0.5; its corners stay corners:
``original = (working + 0.5) * scale - 0.5`` per axis, scale being original size / working size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.records import Float64, Point

Scale = tuple[float, float]  # across, down


def to_original(point: Point, scale: Scale) -> Point:
    """Return a point in working pixels in those of the original picture."""
    return (point[0] + 0.5) * scale[0] - 0.5, (point[1] + 0.5) * scale[1] - 0.5


def to_working(point: Point, scale: Scale) -> Point:
    """Return a point of the original picture in working pixels."""
    return (point[0] + 0.5) / scale[0] - 0.5, (point[1] + 0.5) / scale[1] - 0.5


def all_to_original(xy: npt.ArrayLike, scale: npt.ArrayLike) -> Float64:
    """Return (N, 2) float64 of (N, 2) points in working pixels in those of the original picture; N may be 0.

    Args:
        xy: the points.
        scale: (across, down).
    """
    result: Float64 = (np.asarray(xy, np.float64) + 0.5) * np.asarray(scale, np.float64) - 0.5
    return result


def all_to_working(xy: npt.ArrayLike, scale: npt.ArrayLike) -> Float64:
    """Return (N, 2) float64 of (N, 2) points of the original picture in working pixels; N may be 0.

    Args:
        xy: the points.
        scale: (across, down).
    """
    result: Float64 = (np.asarray(xy, np.float64) + 0.5) / np.asarray(scale, np.float64) - 0.5
    return result
