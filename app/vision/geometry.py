"""Plane and epipolar geometry on arrays of points: pure functions, no OpenCV, no state.

What lives here: homographies, epipolar lines and distances, nearest distances, sampling of dense maps.
What does not: estimation from matches (``verify``) and judging (``evaluate``). May import: records,
numpy; scipy only inside the function that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.records import Bool, Float32, Float64, Pose

if TYPE_CHECKING:
    import numpy.typing as npt


def transform(homography: Float64, xy: npt.ArrayLike) -> Float64:
    """Return points mapped by a homography.

    Args:
        homography: (3, 3).
        xy: (N, 2) points; N may be 0.

    Returns:
        (N, 2) float64; NaN for a point that goes to infinity or lies behind the plane at infinity.
    """
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    with np.errstate(invalid="ignore"):  # inf * 0
        mapped = np.column_stack([points, np.ones(len(points))]) @ np.asarray(homography, np.float64).T
    # The sign of w at the point nearest the origin of the picture decides which side is in front.
    w = mapped[:, 2] * np.sign(homography[2, 2] or 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Float64 = np.where((w > 1e-12)[:, None], mapped[:, :2] / mapped[:, 2:], np.nan)
    return result


def epipolar_lines(fundamental: Float64, left: npt.ArrayLike) -> Float64:
    """Return (N, 3) lines a x + b y + c = 0 in the right image of (N, 2) left points, with a² + b² = 1.

    A point on the epipole has no line; its row is NaN.
    """
    points = np.asarray(left, np.float64).reshape(-1, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        lines = np.column_stack([points, np.ones(len(points))]) @ np.asarray(fundamental, np.float64).T
        length = np.hypot(lines[:, 0], lines[:, 1])
        result: Float64 = np.where((length > 0)[:, None], lines / length[:, None], np.nan)
    return result


def epipolar_distance(fundamental: Float64, left: npt.ArrayLike, right: npt.ArrayLike) -> Float64:
    """Return (N,) distances in pixels of the right points from the epipolar lines of the left ones."""
    points = np.asarray(right, np.float64).reshape(-1, 2)
    lines = epipolar_lines(fundamental, left)
    with np.errstate(invalid="ignore"):
        result: Float64 = np.abs(lines[:, 0] * points[:, 0] + lines[:, 1] * points[:, 1] + lines[:, 2])
    return result


def symmetric_epipolar_distance(fundamental: Float64, left: npt.ArrayLike, right: npt.ArrayLike) -> Float64:
    """Return (N,) the larger of the distances in pixels to the epipolar line in either image."""
    forward = epipolar_distance(fundamental, left, right)
    return np.maximum(forward, epipolar_distance(np.asarray(fundamental).T, right, left))


def fundamental_from_pose(pose: Pose) -> Float64:
    """Return F = K_right^-T [t]x R K_left^-1 of unit norm (Hartley and Zisserman, eq. 9.12)."""
    x, y, z = pose.translation
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    fundamental = np.linalg.inv(pose.k_right).T @ cross @ pose.rotation @ np.linalg.inv(pose.k_left)
    norm = float(np.linalg.norm(fundamental))
    result: Float64 = fundamental / norm if norm > 0 else fundamental
    return result


def inside(xy: npt.ArrayLike, size: tuple[int, int]) -> Bool:
    """Return (N,) whether points lie on the pixels of an image of (width, height); NaN is outside."""
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        result: Bool = np.all((points >= -0.5) & (points <= np.asarray(size) - 0.5), axis=1)
    return result


def nearest_distance(queries: npt.ArrayLike, points: npt.ArrayLike) -> Float32:
    """Return (N,) the distance of every query to the nearest of ``points``.

    ``inf`` if there are no points, NaN for a query that is not finite.
    """
    asked = np.asarray(queries, np.float64).reshape(-1, 2)
    known = np.asarray(points, np.float64).reshape(-1, 2)
    result = np.full(len(asked), np.inf, np.float32)
    finite = np.isfinite(asked).all(axis=1)
    result[~finite] = np.nan
    if len(known) and finite.any():
        result[finite] = _nearest(asked[finite], known)
    return result


# Up to here the product costs less (0.1 s) than importing scipy once (0.4 s).
_PRODUCT = 10_000_000
_CHUNK = 1 << 16  # half a megabyte stays in the cache


def _nearest(asked: Float64, known: Float64) -> Float32:
    if len(asked) * len(known) > _PRODUCT:
        from scipy.spatial import cKDTree

        return np.asarray(cKDTree(known).query(asked)[0], np.float32)
    # |a - k|² = |a|² - 2 a·k + |k|²: the product finds which one; its distance is then taken exactly.
    centre = known.mean(axis=0)
    known, asked = known - centre, asked - centre
    columns = np.vstack([-2 * known.T, np.einsum("ij,ij->i", known, known)])
    which = np.empty(len(asked), np.intp)
    rows = max(1, _CHUNK // len(known))
    for top in range(0, len(asked), rows):
        part = asked[top : top + rows]
        np.argmin(part @ columns[:2] + columns[2], axis=1, out=which[top : top + rows])
    gap = asked - known[which]
    return np.hypot(gap[:, 0], gap[:, 1]).astype(np.float32)


def sample_map(dense: Float32, xy: npt.ArrayLike) -> Float64:
    """Return a dense map's bilinear value at (N, 2) points.

    Args:
        dense: (H, W, 2), NaN where it says nothing.
        xy: points in the pixels the map is given over.

    Returns:
        (N, 2) float64, NaN outside the outermost pixel centres or where a neighbour that has weight is NaN.
    """
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    height, width = dense.shape[:2]
    result = np.full((len(points), 2), np.nan)
    with np.errstate(invalid="ignore"):
        known = np.all((points >= 0) & (points <= (width - 1, height - 1)), axis=1)
    at = points[known]
    low = np.minimum(np.floor(at).astype(np.intp), np.maximum(0, (width - 2, height - 2)))
    high = np.minimum(low + 1, (width - 1, height - 1))
    fx, fy = (at - low).T[:, :, None]
    parts = (
        (low[:, 1], low[:, 0], (1 - fx) * (1 - fy)),
        (low[:, 1], high[:, 0], fx * (1 - fy)),
        (high[:, 1], low[:, 0], (1 - fx) * fy),
        (high[:, 1], high[:, 0], fx * fy),
    )
    # A neighbour of weight 0 may be NaN without harm.
    result[known] = sum(np.where(weight > 0, dense[row, column] * weight, 0.0) for row, column, weight in parts)
    return result
