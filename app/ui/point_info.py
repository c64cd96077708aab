"""What is at a point: its pixel, its keypoint, and the nearest descriptors of the other picture, ranked.

What lives here: :func:`ask_point`, a job, and its frozen answer. What does not: widgets; no Qt. May import:
records, jobs, overlays, ``app.vision``, numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.jobs import Job, Progress, native
from app.records import Descriptors, Features, Keypoints, MatchResult, Point, Selection, Side
from app.text import minus
from app.ui.overlays import Mark
from app.vision.asked import keypoint_asked, same_extremum
from app.vision.nearest import distances_to

CANDIDATES = 8
LARGEST_RADIUS = 20.0


@dataclass(frozen=True)
class Candidate:
    """A keypoint of the other picture: its rank (1 = nearest descriptor), place, distance, and whether it matched."""

    rank: int
    xy: Point
    size: float
    angle: float
    distance: float
    matched: bool


@dataclass(frozen=True)
class PointInfo:
    """The answer.

    Attributes:
        side, place: what was asked.
        facts: (name, value) rows with units.
        keypoint: (x, y, size, angle) of the nearest keypoint, None without any.
        candidates: nearest descriptors of the other picture, best first; empty without descriptors.
        note: why there are none, or empty.
    """

    side: Side
    place: Point
    facts: tuple[tuple[str, str], ...]
    keypoint: tuple[float, float, float, float] | None = None
    candidates: tuple[Candidate, ...] = ()
    note: str = ""


def ask_point(result: MatchResult, selection: Selection) -> Job[PointInfo]:
    """Return what is known about the selected place.

    Args:
        result: complete or partial; what it lacks is left out.
        selection: a place, or a match by both its ends.
    """
    yield Progress(0, 1, "Comparing with all points of the other picture")
    side: Side = selection.side
    here, there = (result.left, result.right) if side == "left" else (result.right, result.left)
    place = (selection.x, selection.y)
    facts = _pixel_facts(result, side, place)
    if here is None or not len(here.keypoints):
        return PointInfo(side, place, facts, note="No keypoint was found in this picture.")
    index = keypoint_asked(result, selection)
    facts += _keypoint_facts(here, index, place)
    keypoint = _shape(here.keypoints, index)
    if here.descriptors is None or there is None or there.descriptors is None:
        return PointInfo(side, place, facts, keypoint, note="This matcher has no descriptors to rank by.")
    if not len(there.keypoints):
        return PointInfo(side, place, facts, keypoint, note="The other picture has no keypoints.")
    row = here.descriptors.values[index : index + 1]
    query = Descriptors(row, here.descriptors.metric, here.descriptors.factor)
    theirs = there.descriptors
    (distance,) = yield from native(
        lambda: distances_to(query, theirs), progress=Progress(0, 1, "Comparing with all points of the other picture")
    )
    ranked = _ranked(result, side, index, there.keypoints, distance)
    return PointInfo(side, place, facts, keypoint, ranked)


def _shape(keypoints: Keypoints, index: int) -> tuple[float, float, float, float]:
    x, y = keypoints.xy[index].tolist()
    return x, y, float(keypoints.size[index]), float(keypoints.angle[index])


def _pixel_facts(result: MatchResult, side: Side, place: Point) -> tuple[tuple[str, str], ...]:
    facts = [("place", f"({place[0]:.1f}, {place[1]:.1f}) px, {side}")]
    if result.pair is not None:
        image = result.pair.left if side == "left" else result.pair.right
        x, y = round(place[0]), round(place[1])
        if 0 <= x < image.width and 0 <= y < image.height:
            r, g, b = (int(v) for v in image.rgb[y, x])
            facts.append(("pixel", f"R {r}  G {g}  B {b}"))
    return tuple(facts)


def _keypoint_facts(features: Features, index: int, place: Point) -> tuple[tuple[str, str], ...]:
    points = features.keypoints
    x, y, size, angle = _shape(points, index)
    several = len(same_extremum(points, index))
    facts = [
        ("keypoint at", f"({x:.2f}, {y:.2f}) px"),
        ("away", f"{math.dist((x, y), place):.1f} px"),
        ("diameter", f"{size:.2f} px  (σ = {size / 2:.2f} px)"),
        ("orientation", "none" if math.isnan(angle) else f"{angle:.1f}° clockwise"),
        *([("orientations here", str(several))] if several > 1 else []),
        ("response", f"{float(points.response[index]):.4g}"),
        ("octave, layer", minus(f"{points.octave[index]}, {points.layer[index]}{_sublayer(points, index)}")),
    ]
    if features.descriptors is not None:
        values = features.descriptors.values[index]
        bits = features.descriptors.metric == "hamming"
        facts.append(("descriptor", f"{len(values) * 8} bits" if bits else f"{len(values)} numbers"))
    return tuple(facts)


def _sublayer(points: Keypoints, index: int) -> str:
    offset = float(points.sublayer[index])
    return "" if math.isnan(offset) else f" {offset:+.2f}"


def _ranked(
    result: MatchResult, side: Side, index: int, points: Keypoints, distance: np.ndarray
) -> tuple[Candidate, ...]:
    """Return the nearest candidates, and the one that was matched even if it ranks lower."""
    partner = _partner(result, side, index)
    order = np.argsort(distance, kind="stable")
    chosen = order[:CANDIDATES].tolist()
    if partner is not None and partner not in chosen:
        chosen.append(partner)
    rank = {int(row): place for place, row in enumerate(order.tolist(), start=1)}
    return tuple(
        Candidate(rank[row], (x, y), size, angle, float(distance[row]), row == partner)
        for row in chosen
        for x, y, size, angle in [_shape(points, row)]
    )


def _partner(result: MatchResult, side: Side, index: int) -> int | None:
    if result.matches is None:
        return None
    mine, theirs = (0, 1) if side == "left" else (1, 0)
    rows = np.flatnonzero(result.matches.pairs[:, mine] == index)
    return int(result.matches.pairs[rows[0], theirs]) if len(rows) else None


def candidate_marks(info: PointInfo) -> tuple[Mark, ...]:
    """Return a circle per candidate, larger the closer its descriptor is to the best one's."""
    if not info.candidates:
        return ()
    there: Side = "right" if info.side == "left" else "left"
    best = min(item.distance for item in info.candidates)
    marks = []
    for item in info.candidates:
        closeness = 1.0 if item.distance <= best else (best / item.distance) ** 2
        radius = max(4.0, LARGEST_RADIUS * closeness)
        marks.append(Mark(there, *item.xy, str(item.rank), "selected" if item.matched else "accent", radius))
    return tuple(marks)
