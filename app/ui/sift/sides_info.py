"""Two points, one in each picture: what their descriptors differ by, bin by bin, and who else would fit.

What lives here: :func:`compare`, :func:`candidates_of` (a job), and their frozen answers. What does not: widgets. May
import: records, jobs, ``described``, ``page``'s context, ``app.vision``, numpy.

If the matcher in use has SIFT-like descriptors, its own keypoints and values are compared, so that the sum is the very
distance of its match table; otherwise those of the explanation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.jobs import Job, Progress, native
from app.records import Array, Descriptors, Features, Float64, Keypoints, Point, Selection, Side, find_match
from app.ui.sift.described import (
    Described,
    describe,
    describe_keypoint,
    keypoint_like,
    nearest_keypoint,
)
from app.ui.sift.page import SiftContext
from app.vision.asked import same_extremum
from app.vision.describe import one_per_place
from app.vision.evaluate import reversed_truth, true_places
from app.vision.half_pixel import all_to_original, all_to_working, to_original
from app.vision.nearest import distances_to
from app.vision.sift_descriptor import squared_differences
from app.vision.sift_records import LENGTH, SiftExplanation

CANDIDATES = 12
SIDES: tuple[Side, Side] = ("left", "right")
SHAPE = (4, 4, 8)


@dataclass(frozen=True, eq=False)
class Source:
    """Where keypoints and descriptors of both pictures come from, in pixels of the context's pictures.

    Attributes:
        left, right: keypoints with (N, 128) descriptors.
        name: ``"SIFT"`` as matched, or ``"SIFT, explained"``.
        matched: whether they are the matcher's own.
    """

    left: Features
    right: Features
    name: str
    matched: bool

    def of(self, side: Side) -> Features:
        """Return one side."""
        return self.left if side == "left" else self.right


@dataclass(frozen=True, eq=False)
class Compared:
    """Two described points and their difference.

    Attributes:
        left, right: orientation and descriptor of either.
        rows: their rows in the source, -1 for a free point.
        values: the two (128,) vectors that are compared.
        squared: (4, 4, 8) squared differences.
        distance: root of their sum.
        table: the distance of this match in the match table, None if it is no match.
    """

    left: Described
    right: Described
    rows: tuple[int, int]
    values: tuple[Array, Array]
    squared: Float64
    distance: float
    table: float | None

    def of(self, side: Side) -> Described:
        """Return one side."""
        return self.left if side == "left" else self.right


@dataclass(frozen=True)
class Candidate:
    """A keypoint of the other picture: rank (1 = nearest), place, distance, times the nearest, error if truth knows."""

    rank: int
    row: int
    xy: Point
    size: float
    distance: float
    times: float
    error_px: float

    def verdict(self, threshold_px: float) -> str:
        """Return right, wrong, or empty where the truth says nothing."""
        if math.isnan(self.error_px):
            return ""
        return "right" if self.error_px <= threshold_px else "wrong"


@dataclass(frozen=True)
class Ranking:
    """The nearest candidates for a point, best first, and the ratio d1 / d2 (NaN with fewer than two)."""

    side: Side
    row: int
    candidates: tuple[Candidate, ...]
    ratio: float


def source_of(context: SiftContext) -> Source | None:
    """Return what is compared, None until both pictures are explained."""
    left, right = (context.explanations.get(side) for side in SIDES)
    if left is None or right is None:
        return None
    result = context.result
    own = (_like_sift(result.left), _like_sift(result.right))
    if own[0] is not None and own[1] is not None and result.matches is not None:
        ours, theirs = _reduced(own[0], context.scales["left"]), _reduced(own[1], context.scales["right"])
        return Source(ours, theirs, result.request.matcher, True)
    return Source(_described_once(left), _described_once(right), "SIFT, explained", False)


def _described_once(explanation: SiftExplanation) -> Features:
    """Return an explanation's features; upright a place has one, as for a matcher: twins would rank by each other."""
    found = explanation.features
    if not explanation.settings.upright:
        return found
    rows = one_per_place(found.keypoints)
    return Features(found.keypoints.take(rows), Descriptors(explanation.descriptors[rows]))


def _like_sift(features: Features | None) -> Features | None:
    """Return the features if their descriptors are 4 x 4 x 8 histograms compared by L2."""
    if features is None or features.descriptors is None:
        return None
    made = features.descriptors
    fits = made.metric == "l2" and made.values.shape[1] == LENGTH and not np.isnan(features.keypoints.sublayer).any()
    return features if fits and len(features.keypoints) else None


def _reduced(features: Features, scale: tuple[float, float]) -> Features:
    """Return features of the original picture in pixels of the context's."""
    if scale == (1.0, 1.0):
        return features
    points = features.keypoints
    factor = np.asarray(scale, np.float64)
    xy = all_to_working(points.xy, factor).astype(np.float32)
    size = (points.size / float(np.sqrt(factor.prod()))).astype(np.float32)
    moved = Keypoints(
        xy, size, points.angle, points.response, points.octave, points.layer, points.sublayer, points.packed
    )
    return Features(moved, features.descriptors)


def compare(
    context: SiftContext,
    source: Source,
    left: Point,
    right: Point,
    *,
    sigma: float,
    preferred: tuple[Side, int] | None = None,
) -> Compared:
    """Return the comparison of two places, each the keypoint that stands for it or the free point.

    A place with several orientations is several keypoints: the selected match decides, then ``preferred``, then the
    pair of least distance.

    Args:
        left, right: pixels of the context's pictures.
        sigma: scale of a free point.
        preferred: (side, row) of a keypoint to take if it lies at that side's place.
    """
    twins = [_twins(source.of(side).keypoints, place) for side, place in zip(SIDES, (left, right), strict=True)]
    if preferred is not None and preferred[1] in twins[SIDES.index(preferred[0])]:
        twins[SIDES.index(preferred[0])] = [preferred[1]]
    rows = _nearest_pair(source, twins[0], twins[1])
    index = _match_index(context, source, rows, left, right) if preferred is None or min(rows) < 0 else None
    matches = context.result.matches
    if index is not None and matches is not None:
        rows = (int(matches.pairs[index, 0]), int(matches.pairs[index, 1]))
    elif source.matched and matches is not None:
        joined = np.flatnonzero((matches.pairs == rows).all(axis=1))
        index = int(joined[0]) if len(joined) else None
    found = [
        _described(context, source, side, row, place, sigma)
        for side, row, place in zip(SIDES, rows, (left, right), strict=True)
    ]
    values = [_values(source, side, row, made) for side, row, made in zip(SIDES, rows, found, strict=True)]
    squared, distance = squared_differences(values[0], values[1])
    table = None if index is None or matches is None else float(matches.distance[index])
    return Compared(found[0], found[1], rows, (values[0], values[1]), squared.reshape(SHAPE), distance, table)


def _twins(keypoints: Keypoints, place: Point) -> list[int]:
    """Return the rows of the keypoints that stand for a place: all orientations of the nearest; [-1] if none does."""
    row = nearest_keypoint(keypoints, place)
    if row < 0:
        return [-1]
    return [int(index) for index in same_extremum(keypoints, row)]


def _nearest_pair(source: Source, left: list[int], right: list[int]) -> tuple[int, int]:
    """Return the pair of these rows with the least distance."""
    if min(left[0], right[0]) < 0 or len(left) * len(right) == 1:
        return left[0], right[0]
    assert source.left.descriptors is not None
    assert source.right.descriptors is not None
    a, b = source.left.descriptors.values[left], source.right.descriptors.values[right]
    gap = np.linalg.norm(a[:, None].astype(np.float64) - b[None], axis=2)
    i, j = divmod(int(gap.argmin()), len(right))
    return left[i], right[j]


def _match_index(context: SiftContext, source: Source, rows: tuple[int, int], left: Point, right: Point) -> int | None:
    """Return the match that the match table selects for these places, None if they are no match."""
    matches = context.result.matches
    if not source.matched or matches is None or min(rows) < 0:
        return None
    original = [to_original(place, context.scales[side]) for place, side in zip((left, right), SIDES, strict=True)]
    return find_match(context.result, Selection("left", *original[0], original[1]))


def _described(context: SiftContext, source: Source, side: Side, row: int, place: Point, sigma: float) -> Described:
    explanation = context.explanations[side]
    if row < 0:
        return describe(explanation, place, free=True, sigma=sigma)
    points = source.of(side).keypoints
    x, y = points.xy[row].tolist()
    same = keypoint_like(explanation.keypoints, (x, y), float(points.angle[row]))
    if same >= 0:
        return describe_keypoint(explanation, same)
    return describe(explanation, (x, y), free=True, sigma=max(float(points.size[row]) / 2, 0.8))


def _values(source: Source, side: Side, row: int, made: Described) -> Array:
    features = source.of(side)
    if row < 0 or features.descriptors is None:
        unit = source.name == "rootsift"
        return made.descriptor.root if unit else made.descriptor.ints
    values: Array = features.descriptors.values[row]
    return values


# ------------------------------------------------------------------------------- candidates


def candidates_of(context: SiftContext, source: Source, side: Side, row: int, values: Array) -> Job[Ranking]:
    """Rank the keypoints of the other picture by their distance from one descriptor.

    Args:
        side: where the descriptor comes from.
        row: its row in the source, -1 for a free point.
        values: (128,).
    """
    yield Progress(0, 1, "Ranking the other picture's keypoints")
    other: Side = "right" if side == "left" else "left"
    there = source.of(other)
    assert there.descriptors is not None
    if not len(there.keypoints):
        return Ranking(side, row, (), math.nan)
    query = Descriptors(np.asarray(values, np.float32)[None])
    theirs = Descriptors(np.asarray(there.descriptors.values, np.float32))
    (distance,) = yield from native(
        lambda: distances_to(query, theirs), progress=Progress(0, 1, "Ranking the other picture's keypoints")
    )
    order = np.argsort(distance, kind="stable")[:CANDIDATES]
    error = _errors(context, source, side, row, there.keypoints.take(order))
    best = float(distance[order[0]])
    ranked = tuple(
        Candidate(
            rank,
            int(index),
            (float(there.keypoints.xy[index, 0]), float(there.keypoints.xy[index, 1])),
            float(there.keypoints.size[index]),
            float(distance[index]),
            float(distance[index]) / best if best > 0 else math.nan,
            float(error[rank - 1]),
        )
        for rank, index in enumerate(order.tolist(), start=1)
    )
    second = float(distance[order[1]]) if len(order) > 1 else math.nan
    return Ranking(side, row, ranked, best / second if second > 0 else (1.0 if len(order) > 1 else math.nan))


def _errors(context: SiftContext, source: Source, side: Side, row: int, there: Keypoints) -> Float64:
    """Return how far each candidate lies from the point's true place, in original pixels; NaN where unknown."""
    pair = context.result.pair
    unknown = np.full(len(there), np.nan)
    if pair is None or row < 0:
        return unknown
    other: Side = "right" if side == "left" else "left"
    truth = pair.truth if side == "left" else reversed_truth(pair.truth)
    x, y = source.of(side).keypoints.xy[row].tolist()
    size = (pair.right if other == "right" else pair.left).size
    place = true_places(truth, [to_original((x, y), context.scales[side])], size)[0][0]
    if not np.isfinite(place).all():
        return unknown
    found = all_to_original(there.xy, context.scales[other])
    result: Float64 = np.linalg.norm(found - place, axis=1)
    return result


def sum_in_words(compared: Compared, name: str) -> str:
    """Return the sum of the squared differences and its root, and whose number that is."""
    total = compared.distance**2
    text = f"Σ (aᵢ − bᵢ)² over 128 bins = {total:,.6g}, and √ of it = {compared.distance:.4g}"
    if compared.table is not None:
        return f"{text}: the distance of this match in the match table ({compared.table:.4g}, {name})."
    kind = "no match" if min(compared.rows) >= 0 else "no keypoint at one of the places, so no match"
    return f"{text}. {kind[0].upper()}{kind[1:]} in the table joins these two ({name})."
