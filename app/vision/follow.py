"""What becomes of the keypoints that both pictures see: each is followed to the stage of the matching that lost it.

What lives here: :func:`follow` and its answer. What does not: which pairs are followed (``app.failures``). May import:
records, evaluate, nearest, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.records import Bool, Features, Float64, ImagePair, MatchResult, Truth
from app.vision.evaluate import true_places
from app.vision.nearest import Nearest, nearest

# Half of one of the descriptor's eight direction bins: a larger error of the orientation spoils every bin.
ORIENTATION_DEGREES = 22.5
STEP_PX = 2.0
ROWS_AT_ONCE = 256
LOSSES = ("detector", "orientation", "descriptor", "ratio", "mutual", "verify")


@dataclass(frozen=True, eq=False)
class Followed:
    """What became of the keypoints that both pictures see.

    Attributes:
        visible: how many are followed.
        lost: (stage, lost there) for every stage of :data:`LOSSES`.
        kept: those that ended in a right match that the fitted model agrees with.
        nearest_right: those whose nearest descriptor is right.
        missed: (K, 2) float64 true places in the right picture where the detector found nothing.
    """

    visible: int
    lost: tuple[tuple[str, int], ...]
    kept: int
    nearest_right: int
    missed: Float64


def follow(result: MatchResult, *, moving: bool = False) -> Followed:
    """Follow every left keypoint that the right picture sees through the stages.

    Args:
        result: complete, with L2 descriptors and truth.
        moving: follow only those whose true place differs from their own by more than the threshold.
    """
    left, right, pair = result.left, result.right, result.pair
    assert left is not None
    assert right is not None
    assert pair is not None
    assert result.evaluation is not None
    reach = result.evaluation.threshold_px
    places, outside = true_places(pair.truth, left.keypoints.xy, pair.right.size)
    known = np.isfinite(places).all(axis=1) & ~outside
    if moving:
        known &= np.linalg.norm(places - left.keypoints.xy, axis=1) > reach
    seen = np.flatnonzero(known)
    if not len(seen) or not len(right.keypoints):
        nothing_found = [("detector", len(seen)), *((name, 0) for name in LOSSES[1:])]
        return Followed(len(seen), tuple(nothing_found), 0, 0, places[seen])
    place = places[seen]
    found, aligned = _recurring(left, right, pair, seen, place, reach)
    near = _nearest_of(left, right)
    hit = found & (np.linalg.norm(right.keypoints.xy[near.index[seen]] - place, axis=1) <= reach)
    match = result.request.settings.match
    passed = [
        ("detector", found),
        ("orientation", hit | aligned),
        ("descriptor", hit),
        ("ratio", _passes_ratio(near, seen, float(match.ratio))),
        ("mutual", near.mutual[seen] | (not match.mutual)),
        ("verify", _agreed(result)[seen]),
    ]
    alive, lost = np.ones(len(seen), np.bool_), []
    for name, passes in passed:
        lost.append((name, int(np.count_nonzero(alive & ~passes))))
        alive &= passes
    kept, right_nearest = int(np.count_nonzero(alive)), int(np.count_nonzero(hit))
    return Followed(len(seen), tuple(lost), kept, right_nearest, place[~found])


def _agreed(result: MatchResult) -> Bool:
    """Return for every left keypoint whether the fitted model holds its match; True throughout without a model."""
    assert result.left is not None
    fitted, matches = result.verification, result.matches
    everything = np.ones(len(result.left.keypoints), np.bool_)
    if fitted is None or fitted.matrix is None or matches is None:
        return everything
    everything[matches.pairs[~fitted.inlier, 0]] = False
    return everything


def _nearest_of(left: Features, right: Features) -> Nearest:
    assert left.descriptors is not None
    assert right.descriptors is not None
    return nearest(left.descriptors, right.descriptors)


def _passes_ratio(near: Nearest, rows: np.ndarray, limit: float) -> Bool:
    """Return whether the ratio of these rows is below the limit; an unknown second nearest lets pass."""
    if not limit:
        return np.ones(len(rows), np.bool_)
    first, second = near.distance[rows], near.second[rows]
    result: Bool = np.isnan(second) | (first < limit * second)
    return result


def _recurring(
    left: Features, right: Features, pair: ImagePair, rows: np.ndarray, place: Float64, reach: float
) -> tuple[Bool, Bool]:
    """Return whether a right keypoint lies at each true place, and whether one of those has the orientation."""
    found, aligned = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    wanted = _carried_angle(pair.truth, left.keypoints.xy[rows], left.keypoints.angle[rows], place, pair.right.size)
    there, turned = right.keypoints.xy.astype(np.float64), right.keypoints.angle.astype(np.float64)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        close = np.linalg.norm(place[part, None, :] - there[None], axis=2) <= reach
        off = np.abs((turned[None] - wanted[part, None] + 180) % 360 - 180)
        found[part] = close.any(axis=1)
        aligned[part] = (close & ~(off > ORIENTATION_DEGREES)).any(axis=1)  # an unknown angle counts as aligned
    return found, aligned


def _carried_angle(
    truth: Truth, xy: np.ndarray, angle: np.ndarray, place: Float64, size_right: tuple[int, int]
) -> Float64:
    """Return the directions that left orientations have in the right picture, in degrees; NaN where unknown."""
    turn = np.deg2rad(angle.astype(np.float64))
    ahead = xy + STEP_PX * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    step = true_places(truth, ahead, size_right)[0] - place
    result: Float64 = np.rad2deg(np.arctan2(step[:, 1], step[:, 0])) % 360
    return result
