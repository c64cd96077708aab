"""Where SIFT fails: every change measured on a built-in pair, and at which stage the points were lost.

What lives here: the list of cases, :func:`run` (a job) and :func:`losses`, which follows every point that both pictures
see through the stages. What does not: running one pair (``app.pipeline``) and the screen. May import: pipeline,
matchers, pairs, vision, records.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app import matchers
from app.jobs import Job, Progress, native
from app.pipeline import Cache, run_pair
from app.records import (
    Bool,
    Features,
    Float32,
    Float64,
    ImagePair,
    MatchRequest,
    MatchResult,
    PairRef,
    Truth,
    UInt8,
    UserError,
    Verdict,
)
from app.vision import builtin
from app.vision.evaluate import chance_repeatability, true_places
from app.vision.nearest import Nearest, nearest

NAN = math.nan
# Half of one of the descriptor's eight direction bins: a larger error of the orientation spoils every bin.
ORIENTATION_DEGREES = 22.5
STEP_PX = 2.0
ROWS_AT_ONCE = 256
LOSSES = ("detector", "orientation", "descriptor", "ratio", "mutual", "verify")
LOSS_WORDS = {
    "detector": "not found again",
    "orientation": "found, but turned",
    "descriptor": "another descriptor is nearer",
    "ratio": "second nearest too near",
    "mutual": "not mutual",
    "verify": "called an outlier",
    "right": "right match",
}


@dataclass(frozen=True)
class Case:
    """A change that is measured.

    Attributes:
        kind: its name.
        ref: the pair that shows it.
        moving: whether only keypoints whose true place has moved are followed (a still background would hide them).
    """

    kind: str
    ref: PairRef
    moving: bool = False

    @property
    def key(self) -> str:
        """The recipe of its pair."""
        return self.ref.recipe


def _case(kind: str, recipe: str, *, moving: bool = False) -> Case:
    refs = (*builtin.REFS, *builtin.TILT_REFS)
    return Case(kind, next(ref for ref in refs if ref.recipe == recipe), moving)


TILTS: tuple[Case, ...] = tuple(_case(f"tilt {ref.recipe[5:]}°", ref.recipe) for ref in builtin.TILT_REFS)
CASES: tuple[Case, ...] = (
    _case("illumination", "rocket"),
    _case("shadow", "chelsea-shadow"),
    _case("contrast reversal", "camera"),
    *TILTS,
    _case("non-rigid", "chelsea-warp"),
    _case("articulated", "doll", moving=True),
    _case("semantic", "cups"),
    _case("semantic", "bicycles"),
)


@dataclass(frozen=True, eq=False)
class Shown:
    """The pictures of a case with its matches, for drawing.

    Attributes:
        left, right: (H, W, 3) uint8.
        ends: (M, 4) float32 rows x_left, y_left, x_right, y_right, nearest descriptors first.
        right_match: (M,) bool, what the truth says.
    """

    left: UInt8
    right: UInt8
    ends: Float32
    right_match: Bool


@dataclass(frozen=True)
class Row:
    """One case with one matcher.

    Attributes:
        case, matcher: what was measured.
        keypoints: (left, right) counts.
        visible: left keypoints whose true place is known and inside the right picture (and has moved, if
            ``case.moving``).
        lost: (stage, count) in order of :data:`LOSSES`; with ``kept`` they sum to ``visible``.
        kept: visible keypoints that ended in a right match that the fitted model agrees with.
        nearest_right: share of the visible whose nearest descriptor is right; NaN of nothing.
        repeatability: as :class:`app.records.Evaluation`; NaN where only points are annotated.
        chance: the repeatability that random points would have.
        matches, right, wrong: counts after ratio and mutual check, by the truth.
        precision: right / (right + wrong); NaN of nothing.
        error: the sentence of a failed run, else empty.
        shown: the pictures and matches.
    """

    case: Case
    matcher: str
    keypoints: tuple[int, int] = (0, 0)
    visible: int = 0
    lost: tuple[tuple[str, int], ...] = ()
    kept: int = 0
    nearest_right: float = NAN
    repeatability: float = NAN
    chance: float = NAN
    matches: int = 0
    right: int = 0
    wrong: int = 0
    precision: float = NAN
    error: str = ""
    shown: Shown | None = field(default=None, compare=False, repr=False)

    @property
    def cause(self) -> str:
        """The stage that lost the most visible points; empty if none was lost."""
        name, count = max(self.lost, key=lambda item: item[1], default=("", 0))
        return name if count else ""

    @property
    def sentence(self) -> str:
        """The cause with its numbers, in one sentence."""
        if self.error:
            return self.error
        if not self.visible:
            return "The truth knows the place of no keypoint here."
        if not self.cause:
            return "Nothing was lost."
        share = dict(self.lost)[self.cause] / self.visible
        return f"{_CAUSES[self.cause]}: {share:.0%} of {self.visible:,} visible keypoints."


_CAUSES = {
    "detector": "The detector does not find the point again",
    "orientation": "The point is found, but its orientation is turned by more than 22.5°",
    "descriptor": "The point is found, but another descriptor is nearer",
    "ratio": "The nearest is right, but the second nearest is too near for the ratio test",
    "mutual": "The nearest is right, but the choice is not mutual",
    "verify": "The match is right, but one homography cannot hold all parts and calls it an outlier",
}


@dataclass(frozen=True)
class Failures:
    """The rows so far, of ``total``."""

    rows: tuple[Row, ...]
    total: int

    def of(self, case: Case, matcher: str) -> Row | None:
        """Return the row of a case, None if it has not been measured."""
        return next((row for row in self.rows if row.case == case and row.matcher == matcher), None)


def run(cases: Sequence[Case] = CASES, matcher: str = "sift", cache: Cache | None = None) -> Job[Failures]:
    """Measure every case with one matcher at its default settings.

    Yields progress whose payload is the :class:`Failures` so far. A case that fails becomes a row with its sentence.

    Args:
        cases: what to measure.
        matcher: key; the stages of a matcher that sees several views (ASIFT) are not followed.
        cache: results of earlier runs.

    Raises:
        UserError: if the matcher cannot run here.
    """
    spec = matchers.get(matcher)
    cache = cache if cache is not None else Cache()
    rows: list[Row] = []
    for case in cases:
        done = Failures(tuple(rows), len(cases))
        text = f"{spec.title} on {case.ref.title}"
        yield Progress(len(rows), len(cases), text, done)
        try:
            rows.append((yield from _measured(case, matcher, cache, Progress(len(rows), len(cases), text, done))))
        except UserError as error:
            rows.append(Row(case, matcher, error=str(error)))
    return Failures(tuple(rows), len(cases))


def _measured(case: Case, matcher: str, cache: Cache, progress: Progress) -> Generator[Progress, None, Row]:
    """Run one pair, reporting as the whole job does, and follow its points."""
    spec = matchers.get(matcher)
    job = run_pair(MatchRequest(case.ref, matcher, spec.defaults()), cache)
    try:
        while True:
            next(job)
            yield progress
    except StopIteration as stop:
        result: MatchResult = stop.value
    finally:
        job.close()
    row = judged(case, result)
    if matcher == "asift":
        return row
    (followed,) = yield from native(lambda: losses(result, moving=case.moving), progress=progress)
    visible, lost, kept, right = followed
    return replace(row, visible=visible, lost=lost, kept=kept, nearest_right=right / visible if visible else NAN)


def judged(case: Case, result: MatchResult) -> Row:
    """Return the row of a complete result without its losses."""
    left, right, pair, told = result.left, result.right, result.pair, result.evaluation
    assert left is not None
    assert right is not None
    assert pair is not None
    assert told is not None
    chance = chance_repeatability(len(right.keypoints), told.threshold_px, pair.right.width * pair.right.height)
    return Row(
        case,
        result.request.matcher,
        (len(left.keypoints), len(right.keypoints)),
        repeatability=told.repeatability,
        chance=chance if len(told.repeatability_px) else NAN,
        matches=0 if result.matches is None else len(result.matches),
        right=told.count(Verdict.RIGHT),
        wrong=told.count(Verdict.WRONG),
        precision=told.precision,
        shown=_shown(left, right, pair, result),
    )


def _shown(left: Features, right: Features, pair: ImagePair, result: MatchResult) -> Shown:
    matches, told = result.matches, result.evaluation
    assert matches is not None
    assert told is not None
    order = np.argsort(matches.distance, kind="stable")
    i, j = matches.pairs[order, 0], matches.pairs[order, 1]
    ends = np.hstack([left.keypoints.xy[i], right.keypoints.xy[j]])
    return Shown(pair.left.rgb, pair.right.rgb, ends, told.verdict[order] == Verdict.RIGHT)


def losses(result: MatchResult, *, moving: bool = False) -> tuple[int, tuple[tuple[str, int], ...], int, int]:
    """Follow every left keypoint that the right picture sees through the stages.

    Args:
        result: complete, with L2 descriptors and truth.
        moving: follow only those whose true place differs from their own by more than the threshold.

    Returns:
        (visible, (stage, lost there) for every stage of :data:`LOSSES`, kept, those whose nearest is right).
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
        return len(seen), tuple(nothing_found), 0, 0
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
    return len(seen), tuple(lost), int(np.count_nonzero(alive)), int(np.count_nonzero(hit))


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
