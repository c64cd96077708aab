"""Which two keypoints a question about two places is about, where several stand at the same place.

What lives here: :func:`pair_asked`. What does not: which keypoint is near enough to a place, and the answer
(``probe``). May import: records, ``affine``, ``nearest``, numpy.
"""

from __future__ import annotations

import numpy as np

from app.records import Descriptors, Keypoints, MatchResult
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


def _same_place(points: Keypoints, index: int) -> np.ndarray:
    """Return the rows that stand where ``index`` does, itself first."""
    gap = np.linalg.norm(points.xy - points.xy[index], axis=1)
    view = view_of(points)
    others = np.flatnonzero(gap < np.where(view == view[index], SAME_PX, SAME_PLACE_PX))
    return np.concatenate([[index], others[others != index]])


def _joined(result: MatchResult, left: np.ndarray, right: np.ndarray) -> tuple[int, int] | None:
    """Return the best match between these rows, None if there is none."""
    matches, fitted = result.matches, result.verification
    assert matches is not None
    rows = np.flatnonzero(np.isin(matches.pairs[:, 0], left) & np.isin(matches.pairs[:, 1], right))
    if not len(rows):
        return None
    outlier = np.zeros(len(rows)) if fitted is None else ~fitted.inlier[rows]
    best = rows[np.lexsort((matches.distance[rows], outlier))[0]]
    i, j = matches.pairs[best].tolist()
    return i, j


def _rows(descriptors: Descriptors, rows: np.ndarray) -> Descriptors:
    return Descriptors(descriptors.values[rows], descriptors.metric, descriptors.factor)
