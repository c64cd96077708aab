"""Judging matches by the truth: true places, errors, what was possible, and the usual summary numbers.

What lives here: :func:`evaluate` and the protocol numbers (chance floor, both AUC conventions). What does
not: the verdicts themselves, which follow from errors and a threshold (:class:`app.records.Evaluation`).
May import: records, settings, geometry, numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.records import (
    Bool,
    Evaluation,
    Float32,
    Float64,
    ImagePair,
    Keypoints,
    Matches,
    Truth,
    Verification,
)
from app.settings import Settings, number
from app.vision.geometry import (
    epipolar_distance,
    fundamental_from_pose,
    inside,
    nearest_distance,
    sample_map,
    transform,
)

if TYPE_CHECKING:
    import numpy.typing as npt

# Annotated points stand for their neighbourhood up to this share of the image's longer side: names such
# as "handle" are clicked, not measured.
POINT_REACH = 0.02


@dataclass(frozen=True)
class EvaluateSettings(Settings):
    """When a match counts as right."""

    threshold: float = number(
        3.0,
        0.5,
        50.0,
        0.5,
        unit="px",
        label="Right within",
        help=(
            "A match is right if it ends at most this far from its true place. "
            "Changing it recolours at once: nothing is computed again."
        ),
    )


def true_places(truth: Truth, xy: npt.ArrayLike, size_right: tuple[int, int]) -> tuple[Float64, Bool]:
    """Return where left points belong in the right image, by the strongest truth present.

    Args:
        truth: what is known.
        xy: (N, 2) left points.
        size_right: (width, height) of the right image.

    Returns:
        (N, 2) float64 places, NaN where the truth says nothing (occluded, beyond the map, no annotated point
        near); and (N,) bool, whether a known place lies outside the right image.
    """
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    if truth.forward is not None:
        places = sample_map(truth.forward, points)
    elif truth.homography is not None:
        places = transform(truth.homography, points)
    elif truth.points is not None and len(truth.points):
        places = _by_points(truth.points, points, reach=POINT_REACH * max(size_right))
    else:
        places = np.full_like(points, np.nan)
    known = np.isfinite(places).all(axis=1)
    return places, known & ~inside(places, size_right)


def _by_points(annotated: Float64, points: Float64, *, reach: float) -> Float64:
    """Carry points along with the nearest annotated one, if that is within reach."""
    gap = points[:, None, :] - annotated[None, :, :2]
    distance = np.linalg.norm(gap, axis=2)
    nearest = distance.argmin(axis=1)
    row = np.arange(len(points))
    places: Float64 = annotated[nearest, 2:] + gap[row, nearest]
    places[distance[row, nearest] > reach] = np.nan
    return places


def reversed_truth(truth: Truth) -> Truth:
    """Return what the truth says from right to left (of the parts that have a direction)."""
    inverse = None if truth.homography is None else np.linalg.inv(truth.homography).astype(np.float64)
    swapped = None if truth.points is None else truth.points[:, [2, 3, 0, 1]]
    return Truth(homography=inverse, forward=truth.backward, points=swapped, names=truth.names)


def true_fundamental(truth: Truth) -> Float64 | None:
    """Return the true fundamental matrix, from the pose if it is not given itself."""
    if truth.fundamental is not None:
        return truth.fundamental
    return None if truth.pose is None else fundamental_from_pose(truth.pose)


def evaluate(
    matches: Matches,
    left: Keypoints,
    right: Keypoints,
    pair: ImagePair,
    settings: EvaluateSettings,
    verification: Verification | None = None,
) -> Evaluation:
    """Return how the matches stand against the pair's truth.

    Without truth every match is undecided and all numbers are NaN. Definitions are those of
    :class:`app.records.Evaluation`.

    Args:
        matches, left, right: in original pixels; all may be empty.
        pair: the images and their truth.
        settings: the threshold of the verdicts.
        verification: its homography gives the corner error.
    """
    truth = pair.truth
    kind = truth.kind
    places, outside = true_places(truth, left.xy, pair.right.size)
    possible = nearest_distance(np.where(outside[:, None], np.nan, places), right.xy)
    error, epipolar = _errors(matches, left, right, truth, places, outside)
    return Evaluation(
        error_px=error,
        epipolar=epipolar,
        possible_px=possible,
        repeatability_px=_repeatability(left, right, pair, possible),
        corner_error_px=_corner_error(truth, verification, pair.left.size),
        threshold_px=settings.threshold,
        truth_kind=kind,
    )


def _errors(
    matches: Matches, left: Keypoints, right: Keypoints, truth: Truth, places: Float64, outside: Bool
) -> tuple[Float32, Bool]:
    """Return (M,) errors in pixels and which of them are distances from a line only."""
    i, j = matches.pairs[:, 0], matches.pairs[:, 1]
    found = right.xy[j].astype(np.float64)
    error = np.linalg.norm(places[i] - found, axis=1)
    error[outside[i]] = np.inf
    by_line = np.zeros(len(matches), np.bool_)
    fundamental = true_fundamental(truth)
    # Only where no point truth of any kind exists: a dense map that is silent means occluded.
    if fundamental is not None and truth.kind == "epipolar":
        error = epipolar_distance(fundamental, left.xy[i], found)
        by_line[:] = True
    return error.astype(np.float32), by_line


def _repeatability(left: Keypoints, right: Keypoints, pair: ImagePair, possible: Float32) -> Float32:
    """Return the distances of :attr:`Evaluation.repeatability_px`, left keypoints first."""
    if pair.truth.kind not in ("dense map", "homography"):
        return np.zeros(0, np.float32)
    back, outside = true_places(reversed_truth(pair.truth), right.xy, pair.left.size)
    there = nearest_distance(np.where(outside[:, None], np.nan, back), left.xy)
    both = np.concatenate([possible, there])
    known: Float32 = both[~np.isnan(both)]
    return known


def _corner_error(truth: Truth, verification: Verification | None, size: tuple[int, int]) -> float:
    """Return the mean distance of the four corners under the fitted and the true homography.

    ``inf`` without a fitted one, or if either carries a corner beyond the horizon; NaN if none was asked for.
    """
    if truth.homography is None:
        return math.nan
    if verification is None or verification.model not in ("homography", "affine"):
        return math.nan
    if verification.matrix is None:
        return math.inf
    width, height = size
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    gap = np.linalg.norm(transform(verification.matrix, corners) - transform(truth.homography, corners), axis=1)
    return float(gap.mean()) if np.isfinite(gap).all() else math.inf


def chance_repeatability(n: int, threshold_px: float, area_px: float) -> float:
    """Return the repeatability of ``n`` random points: 1 - exp(-n pi t² / A)."""
    return 1.0 - math.exp(-n * math.pi * threshold_px**2 / area_px) if area_px > 0 else math.nan


def chance_both_ways(counts: tuple[int, int], sizes: tuple[tuple[int, int], tuple[int, int]], t: float) -> float:
    """Return the repeatability, counted both ways, of as many random points; NaN of none.

    The points of an image recur by the floor of those of the other one: (n₁ p(n₂, A₂) + n₂ p(n₁, A₁)) / (n₁ + n₂).

    Args:
        counts: keypoints of the left and of the right image.
        sizes: their (width, height).
        t: threshold in pixels.
    """
    left, right = (chance_repeatability(n, t, float(w) * h) for n, (w, h) in zip(counts, sizes, strict=True))
    return (counts[0] * right + counts[1] * left) / sum(counts) if sum(counts) else math.nan


def auc_step(errors: npt.ArrayLike, threshold_px: float) -> float:
    """Return the exact area under the recall-error curve up to the threshold, divided by it.

    This is mean(max(0, 1 - e/t)); a failed estimate counts as ``inf``. NaN of nothing.
    """
    values = np.asarray(errors, np.float64)
    if not values.size:
        return math.nan
    return float(np.maximum(0.0, 1.0 - values / threshold_px).mean())


def auc_trapezoid(errors: npt.ArrayLike, threshold_px: float) -> float:
    """Return the area with linear interpolation from (0, 0), as the SuperGlue code has it. NaN of nothing."""
    values = np.sort(np.asarray(errors, np.float64))
    if not values.size:
        return math.nan
    recall = np.arange(1, len(values) + 1) / len(values)
    error = np.concatenate([[0.0], values])
    recall = np.concatenate([[0.0], recall])
    last = int(np.searchsorted(error, threshold_px))
    x = np.concatenate([error[:last], [threshold_px]])
    y = np.concatenate([recall[:last], [recall[last - 1]]])
    return float(np.trapezoid(y, x) / threshold_px)
