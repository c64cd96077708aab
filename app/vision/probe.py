"""Why does this point match that one, or why not? The stages of a match, asked one after another.

What lives here: :func:`why_not` and the records of its answer. What does not: drawing it, and the detector's own
reasons (``sift_why``). May import: records, jobs, vision, numpy; the matcher comes as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from app.jobs import Job, Progress, native
from app.records import Descriptors, Features, Image, Keypoints, MatchResult, Point, Side
from app.text import minus
from app.vision.affine import view_of
from app.vision.asked import pair_asked
from app.vision.nearest import distances_to
from app.vision.sift_matching import detection_at
from app.vision.sift_why import NEAR_PX, Detection

RIVALS = 5


class Asked(Protocol):
    """What the probe needs of a matcher: its key and the stages that make sense for it."""

    @property
    def key(self) -> str:
        """The matcher's name."""

    @property
    def why(self) -> tuple[Any, ...]:
        """The stages it has."""


@dataclass(frozen=True)
class StageReport:
    """One stage of the answer.

    Attributes:
        stage: detector, keypoint, rank, distance, ratio, mutual, confidence or verify.
        passed: None if it could not be asked, because an earlier one failed.
        text: one sentence with its numbers.
        numbers: the same numbers by name.
    """

    stage: str
    passed: bool | None
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", MappingProxyType(dict(self.numbers)))


@dataclass(frozen=True)
class Rival:
    """A right keypoint that was preferred, or would be: its place, distance and rank (1 = nearest)."""

    xy: Point
    distance: float
    rank: int


@dataclass(frozen=True)
class WhyNot:
    """The answer.

    Attributes:
        sentence: the answer in one sentence.
        died_at: the stage that failed, empty if the points match.
        reports: every stage the matcher has, in order.
        left, right: the keypoints that stand for the asked places, None if there are none near.
        rivals: the nearest right keypoints to the left one, best first.
        mutual_partner: the left keypoint that the right one prefers, None if unknown.
        detections: what the detector made of each side without a keypoint, places in original pixels.
    """

    sentence: str
    died_at: str
    reports: tuple[StageReport, ...]
    left: Point | None = None
    right: Point | None = None
    rivals: tuple[Rival, ...] = ()
    mutual_partner: Point | None = None
    detections: tuple[tuple[Side, Detection], ...] = ()


@dataclass(eq=False)
class _Case:
    """The asked pair of keypoints with what is known of them."""

    result: MatchResult
    i: int
    j: int
    forward: Any
    backward: Any
    reports: list[StageReport] = field(default_factory=list)

    def add(self, stage: str, passed: bool, text: str, **numbers: float) -> None:
        """Append a report."""
        self.reports.append(StageReport(stage, passed, text, numbers))


def why_not(result: MatchResult, spec: Asked, left_xy: Point, right_xy: Point) -> Job[WhyNot]:
    """Explain why the point at ``left_xy`` matches the one at ``right_xy``, or at which stage it does not.

    Args:
        result: a complete result.
        spec: its matcher; only its ``why`` stages are asked.
        left_xy, right_xy: places in original pixels.

    Returns:
        The answer; without keypoints near either place it says so and gives the distance of the nearest.
    """
    yield Progress(0, 2, "Asking why")
    left, right, matches = result.left, result.right, result.matches
    if left is None or right is None or matches is None:
        return WhyNot("There is no finished result yet; wait for the match, then ask again.", "keypoint", ())
    report, i, j = _keypoints(result, left_xy, right_xy)
    stages = tuple(str(stage) for stage in spec.why)
    asks_detector = "detector" in stages
    if not report.passed:
        later = tuple(
            StageReport(s, None, "Not asked: there is no pair of keypoints.")
            for s in stages
            if s not in ("detector", "keypoint")
        )
        if asks_detector and result.pair is not None:
            return (yield from _without_keypoint(result, report, later, (left_xy, right_xy), (i, j)))
        return WhyNot(report.text, "keypoint", (report, *later), _at(left, i), _at(right, j))
    if left.descriptors is None or right.descriptors is None:
        return _detector_free(result, report, i, j)
    yield Progress(1, 2, "Comparing descriptors")
    ours, theirs = left.descriptors, right.descriptors
    forward, backward = yield from native(
        lambda: distances_to(_row(ours, i), theirs),
        lambda: distances_to(_row(theirs, j), ours),
        progress=Progress(1, 2, "Comparing descriptors"),
    )
    detected = [_detected(left.keypoints, right.keypoints, i, j)] if asks_detector else []
    case = _Case(result, i, j, forward, backward, [*detected, report])
    for stage in stages:
        ask = _QUESTIONS.get(stage)
        if ask is not None:
            ask(case)
    return _answer(case, left, right)


def _detected(left: Keypoints, right: Keypoints, i: int, j: int) -> StageReport:
    """Return where in scale both keypoints were found."""
    parts = []
    for name, points, row in (("left", left, i), ("right", right, j)):
        octave, layer, offset = int(points.octave[row]), int(points.layer[row]), float(points.sublayer[row])
        sub = "" if np.isnan(offset) else f" {offset:+.2f}"
        text = f"{name} octave {octave}, layer {layer}{sub}, σ = {float(points.size[row]) / 2:.2f} px"
        parts.append(minus(f"{text}, |D| = {float(points.response[row]):.3g}"))
    return StageReport("detector", True, f"Found on both sides: {' · '.join(parts)}.")


def _without_keypoint(
    result: MatchResult,
    report: StageReport,
    later: tuple[StageReport, ...],
    places: tuple[Point, Point],
    nearest: tuple[int, int],
) -> Job[WhyNot]:
    """Answer with the detector's own reason for every side that has no keypoint at its place."""
    assert result.pair is not None
    assert result.left is not None
    assert result.right is not None
    sides: tuple[tuple[Side, Image, Features], ...] = (
        ("left", result.pair.left, result.left),
        ("right", result.pair.right, result.right),
    )
    answers: list[tuple[Side, Detection]] = []
    for (side, image, features), (x, y) in zip(sides, places, strict=True):
        if not _nearest(features, (x, y))[2]:
            found = yield from detection_at(image, x, y, result.request.settings.detect)
            answers.append((side, found))
    text = " ".join(f"{side.capitalize()} image: {_lowered(found.sentence)}" for side, found in answers)
    numbers = {f"{side} {name}": value for side, found in answers for name, value in found.numbers.items()}
    detector = StageReport("detector", False, text, numbers)
    left, right = _at(result.left, nearest[0]), _at(result.right, nearest[1])
    return WhyNot(text, "detector", (detector, report, *later), left, right, detections=tuple(answers))


def _lowered(sentence: str) -> str:
    return f"{sentence[0].lower()}{sentence[1:]}"


def _row(descriptors: Descriptors, index: int) -> Descriptors:
    return Descriptors(descriptors.values[index : index + 1], descriptors.metric, descriptors.factor)


def _at(features: Features, index: int) -> Point | None:
    if index < 0:
        return None
    x, y = features.keypoints.xy[index]
    return float(x), float(y)


def _nearest(features: Features, xy: Point) -> tuple[int, float, bool]:
    """Return (index of the nearest keypoint that stands for the place, else of the nearest; its distance; whether)."""
    points = features.keypoints.xy
    if not len(points):
        return -1, float("inf"), False
    gap = np.linalg.norm(points - np.asarray(xy, np.float32), axis=1)
    stands = gap <= np.maximum(NEAR_PX, features.keypoints.size / 2)
    index = int(np.where(stands, gap, np.inf).argmin()) if stands.any() else int(gap.argmin())
    return index, float(gap[index]), bool(stands[index])


def _keypoints(result: MatchResult, left_xy: Point, right_xy: Point) -> tuple[StageReport, int, int]:
    """Return the report on detection, and the keypoints that stand for both places (-1 = none)."""
    left, right = result.left, result.right
    assert left is not None
    assert right is not None
    i, di, near_left = _nearest(left, left_xy)
    j, dj, near_right = _nearest(right, right_xy)
    numbers = {"left distance px": di, "right distance px": dj}
    missing = [
        f"no keypoint in the {name} image at ({xy[0]:.0f}, {xy[1]:.0f}): "
        + ("it has none at all" if index < 0 else f"the nearest is {gap:.1f} px away")
        for name, xy, index, gap, near in (
            ("left", left_xy, i, di, near_left),
            ("right", right_xy, j, dj, near_right),
        )
        if not near
    ]
    if missing:
        text = " and ".join(missing)
        return StageReport("keypoint", False, text[0].upper() + text[1:] + ".", numbers), i, j
    i, j, choice = pair_asked(result, i, j)
    di, dj = _gap(left, i, left_xy), _gap(right, j, right_xy)
    numbers = {"left distance px": di, "right distance px": dj}
    text = f"Both places have a keypoint: {di:.1f} px away on the left, {dj:.1f} px on the right."
    return StageReport("keypoint", True, f"{text} {choice}".rstrip(), numbers), i, j


def _gap(features: Features, index: int, xy: Point) -> float:
    return float(np.linalg.norm(features.keypoints.xy[index] - np.asarray(xy, np.float32)))


def _rank(case: _Case) -> None:
    d = case.forward
    rank = 1 + int(np.count_nonzero(d < d[case.j])) + int(np.count_nonzero(d[: case.j] == d[case.j]))
    best = int(d.argmin())
    text = f"Its descriptor is number {rank} of {len(d)} by distance ({d[case.j]:.4g}"
    text += ")." if rank == 1 else f"; the nearest has {d[best]:.4g})."
    case.add("rank", rank == 1, text, rank=rank, of=len(d), distance=float(d[case.j]), nearest=float(d[best]))


def _distance(case: _Case) -> None:
    cut = float(getattr(case.result.request.settings.match, "max_distance", 0.0))
    if cut:
        d = float(case.forward[case.j])
        case.add(
            "distance", d <= cut, f"Distance {d:.4g} {'≤' if d <= cut else '>'} {cut:g}, the cut.", distance=d, cut=cut
        )


def _ratio(case: _Case) -> None:
    limit = float(getattr(case.result.request.settings.match, "ratio", 0.0))
    assert case.result.right is not None
    d, view = case.forward, view_of(case.result.right.keypoints)
    rival = view == view[case.j]  # ASIFT: a point seen in two views is not its own rival
    where = "" if rival.all() else " among those of its simulated view"
    rival[case.j] = False
    others = d[rival]
    if not limit or not len(others):
        return
    second = float(others.min())
    own = float(d[case.j])
    ratio = own / second if second > 0 else (1.0 if own == 0 else float("inf"))
    text = f"Ratio {own:.4g} / {second:.4g} = {ratio:.3f} {'<' if ratio < limit else '≥'} {limit:g}{where}."
    case.add("ratio", ratio < limit, text, ratio=ratio, limit=limit, second=second)


def _mutual(case: _Case) -> None:
    if not getattr(case.result.request.settings.match, "mutual", False):
        return
    best = int(case.backward.argmin())
    passed = best == case.i
    if passed:
        text = "The right keypoint's nearest is this left one: the choice is mutual."
    else:
        assert case.result.left is not None
        x, y = case.result.left.keypoints.xy[best]
        text = (
            f"Not mutual: the right keypoint prefers the left one at ({x:.0f}, {y:.0f}), "
            f"distance {case.backward[best]:.4g} against {case.backward[case.i]:.4g}."
        )
    case.add("mutual", passed, text, preferred=float(case.backward[best]), own=float(case.backward[case.i]))


def _match_index(case: _Case) -> int | None:
    assert case.result.matches is not None
    rows = np.flatnonzero((case.result.matches.pairs == (case.i, case.j)).all(axis=1))
    return int(rows[0]) if len(rows) else None


def _confidence(case: _Case) -> None:
    cut = float(getattr(case.result.request.settings.match, "min_confidence", 0.0))
    index = _match_index(case)
    assert case.result.matches is not None
    if not cut or not getattr(case.result.request.settings.match, "dual_softmax", False):
        return
    if index is None:
        case.add(
            "confidence", False, f"Its confidence is below the cut of {cut:g}, or an earlier stage dropped it.", cut=cut
        )
        return
    value = float(case.result.matches.confidence[index])
    case.add("confidence", value >= cut, f"Confidence {value:.2f}, cut {cut:g}.", confidence=value, cut=cut)


def _verify(case: _Case) -> None:
    fitted, index = case.result.verification, _match_index(case)
    if fitted is None or fitted.model == "none" or index is None:
        return
    if fitted.matrix is None:
        case.add("verify", False, fitted.note or "No model could be fitted.")
        return
    miss, limit = float(fitted.residual_px[index]), fitted.threshold_px
    inside = bool(fitted.inlier[index])
    word = "Inlier" if inside else "Outlier"
    text = f"{word} of the {fitted.model}: it misses by {miss:.2f} px {'≤' if inside else '>'} {limit:g} px."
    case.add("verify", inside, text, residual=miss, threshold=limit)


_QUESTIONS = {
    "rank": _rank,
    "distance": _distance,
    "ratio": _ratio,
    "mutual": _mutual,
    "confidence": _confidence,
    "verify": _verify,
}


def _answer(case: _Case, left: Features, right: Features) -> WhyNot:
    """Put the reports into one answer: the first stage that failed decides."""
    died = next((report for report in case.reports if not report.passed), None)
    if died is not None:
        sentence = f"No match: {died.text[0].lower()}{died.text[1:]}" if died.stage != "mutual" else died.text
        if died.stage == "verify":
            fitted = case.result.verification
            what = "is an outlier" if fitted is not None and fitted.matrix is not None else "no model was fitted"
            sentence = f"It matches, but {what}: {died.text[0].lower()}{died.text[1:]}"
    elif _match_index(case) is not None:
        sentence = "It matches: every stage is passed."
    else:
        died = StageReport("match", False, "Every stage asked is passed, yet the matcher did not keep the pair.")
        sentence = died.text
    order = np.argsort(case.forward, kind="stable")[:RIVALS]
    rivals = tuple(
        Rival(_at(right, int(k)) or (0.0, 0.0), float(case.forward[k]), rank) for rank, k in enumerate(order, start=1)
    )
    partner = _at(left, int(case.backward.argmin()))
    return WhyNot(
        sentence,
        died.stage if died is not None else "",
        tuple(case.reports),
        _at(left, case.i),
        _at(right, case.j),
        rivals,
        partner,
    )


def _detector_free(result: MatchResult, report: StageReport, i: int, j: int) -> WhyNot:
    """Answer for a matcher without descriptors: it matched these points, or it did not."""
    assert result.left is not None
    assert result.right is not None
    case = _Case(result, i, j, None, None, [report])
    kept = _match_index(case) is not None
    if kept:
        _verify(case)
    died = next((r for r in case.reports if not r.passed), None)
    sentence = (
        "This matcher joins the two points."
        if kept
        else "This matcher does not join the two points; it has no stages to ask."
    )
    return WhyNot(
        died.text if died is not None else sentence,
        died.stage if died is not None else ("" if kept else "match"),
        tuple(case.reports),
        _at(result.left, i),
        _at(result.right, j),
    )
