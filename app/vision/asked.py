"""Which keypoints a question about places is about, where several stand at the same place.

What lives here: :func:`pair_asked`, :func:`keypoint_asked`. What does not: which keypoint is near enough to a place,
and the answer (``probe``). May import: records, ``affine``, ``nearest``, numpy.
"""

from __future__ import annotations

import numpy as np

from app.records import Descriptors, Keypoints, MatchResult, Selection, find_match
from app.vision.affine import SAME_PLACE_PX, view_of
from app.vision.nearest import distances_to

# Keypoints of one view closer than this are one place: of several orientations. Those of different views of ASIFT are
# as far apart as its matches may be to be the same one.
SAME_PX = 0.5


def pair_asked(result: MatchResult, i: int, j: int) -> tuple[int, int, str]:
    """Return the keypoints that are asked about where ``i`` and ``j`` stand, and a sentence if there was a choice.

    A place has one keypoint per orientation and view, and a match joins one of them: that one is asked about, an inlier
    before an outlier. If the matcher joined none of them, those with the most alike descriptors are.

    Args:
        result: with features and matches.
        i, j: rows of the nearest left and right keypoint.
    """
    assert result.left is not None
    assert result.right is not None
    left, right = _same_place(result.left.keypoints, i), _same_place(result.right.keypoints, j)
    if len(left) * len(right) == 1:
        return i, j, ""
    there = f"Of {len(left)} here on the left and {len(right)} on the right, the two that"
    joined = _joined(result, left, right)
    if joined is not None:
        return *joined, f"{there} match are asked about."
    ours, theirs = result.left.descriptors, result.right.descriptors
    if ours is None or theirs is None:
        return i, j, ""
    candidates = _rows(theirs, right)
    apart = np.stack([distances_to(_rows(ours, left[k : k + 1]), candidates) for k in range(len(left))])
    row, column = np.unravel_index(int(apart.argmin()), apart.shape)
    return int(left[row]), int(right[column]), f"{there} are most alike are asked about."


def keypoint_asked(result: MatchResult, selection: Selection) -> int:
    """Return the row of the keypoint that a selection means on its side, -1 if that has none.

    A selected match names it. Else it is the nearest; where several orientations of it stand, the one that was matched,
    an inlier before an outlier and by distance, else the first.

    Args:
        result: complete or partial.
        selection: a place or a match, in original pixels.
    """
    features = result.left if selection.side == "left" else result.right
    if features is None or not len(features.keypoints):
        return -1
    column = 0 if selection.side == "left" else 1
    index = find_match(result, selection)
    if index is not None and result.matches is not None:
        return int(result.matches.pairs[index, column])
    points = features.keypoints
    nearest = int(np.linalg.norm(points.xy - np.array([selection.x, selection.y], np.float32), axis=1).argmin())
    if result.matches is None:
        return nearest
    best = _best(result, np.isin(result.matches.pairs[:, column], same_extremum(points, nearest)))
    return nearest if best is None else int(result.matches.pairs[best, column])


def same_extremum(points: Keypoints, index: int) -> np.ndarray:
    """Return the rows of all orientations of a keypoint: of its place and size, rising."""
    return np.flatnonzero((points.xy == points.xy[index]).all(axis=1) & (points.size == points.size[index]))


def _same_place(points: Keypoints, index: int) -> np.ndarray:
    """Return the rows that stand where ``index`` does, itself first."""
    gap = np.linalg.norm(points.xy - points.xy[index], axis=1)
    view = view_of(points)
    others = np.flatnonzero(gap < np.where(view == view[index], SAME_PX, SAME_PLACE_PX))
    return np.concatenate([[index], others[others != index]])


def _joined(result: MatchResult, left: np.ndarray, right: np.ndarray) -> tuple[int, int] | None:
    """Return the best match between these rows, None if there is none."""
    matches = result.matches
    assert matches is not None
    best = _best(result, np.isin(matches.pairs[:, 0], left) & np.isin(matches.pairs[:, 1], right))
    if best is None:
        return None
    i, j = matches.pairs[best].tolist()
    return i, j


def _best(result: MatchResult, among: np.ndarray) -> int | None:
    """Return the best of these matches ((M,) bool): an inlier before an outlier, then by distance; None of none."""
    matches, fitted = result.matches, result.verification
    assert matches is not None
    rows = np.flatnonzero(among)
    if not len(rows):
        return None
    outlier = np.zeros(len(rows)) if fitted is None else ~fitted.inlier[rows]
    return int(rows[np.lexsort((matches.distance[rows], outlier))[0]])


def _rows(descriptors: Descriptors, rows: np.ndarray) -> Descriptors:
    return Descriptors(descriptors.values[rows], descriptors.metric, descriptors.factor)
