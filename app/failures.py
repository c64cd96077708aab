"""Where SIFT fails: every change measured on a built-in pair, and at which stage the points were lost.

What lives here: the list of cases, their rows, and :func:`run` (a job). What does not: running one pair
(``app.pipeline``), following its points (``app.vision.follow``) and the screen. May import: pipeline, matchers, pairs,
vision, records.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app import matchers
from app.jobs import Job, Progress, native
from app.pipeline import Cache, run_pair
from app.records import (
    Bool,
    Features,
    Float32,
    Float64,
    Image,
    ImagePair,
    MatchRequest,
    MatchResult,
    PairRef,
    UInt8,
    UserError,
    Verdict,
)
from app.vision import builtin
from app.vision.evaluate import chance_both_ways
from app.vision.follow import Followed, follow
from app.vision.sift_matching import detection_at
from app.vision.sift_why import Detection

NAN = math.nan
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
REVERSAL = _case("contrast reversal", "camera")
CASES: tuple[Case, ...] = (
    _case("illumination", "rocket"),
    _case("shadow", "chelsea-shadow"),
    REVERSAL,
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
        lost: (stage, count) in order of ``follow.LOSSES``; with ``kept`` they sum to ``visible``.
        kept: visible keypoints that ended in a right match that the fitted model agrees with.
        nearest_right: share of the visible whose nearest descriptor is right; NaN of nothing.
        repeatability: as :class:`app.records.Evaluation`; NaN where only points are annotated.
        chance: the repeatability that random points would have.
        matches, right, wrong: counts after ratio and mutual check, by the truth.
        precision: right / (right + wrong); NaN of nothing.
        reasons: (reason, count) why the detector found nothing, of :data:`REASONS`, most frequent first; of at most
            :data:`ASKED` places spread over those that were missed. Empty until they are asked.
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
    reasons: tuple[tuple[str, int], ...] = ()
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
        text = f"{_CAUSES[self.cause]}: {100 * share:.0f} % of {self.visible:,} visible keypoints"
        if self.cause == "detector" and self.reasons:
            name, count = self.reasons[0]
            text += f", most often because {REASONS[name]} ({count} of {sum(n for _, n in self.reasons)} asked)"
        return f"{text}."


# Reason -> how a sentence goes on; the stages of the detector in their order, then what else can be.
REASONS = {
    "extremum": "there is no extremum",
    "refined": "the refinement leaves the cell",
    "contrast": "the contrast is too low",
    "edge": "it lies on an edge",
    "border": "it lies at the border",
    "oriented": "it has no orientation",
    "count": "stronger keypoints fill the list",
    "moved": "only another keypoint covers the place",
}
ASKED = 60
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
    missed: list[_Missed] = []
    total = len(cases) * (1 if matcher == "asift" else 2)

    def progress(text: str) -> Progress:
        """Return how far all cases have come, with the rows so far."""
        return Progress(len(rows) + total - len(cases) - len(missed), total, text, Failures(tuple(rows), len(cases)))

    for case in cases:
        report = Progress(len(rows), total, f"{spec.title} on {case.ref.title}", Failures(tuple(rows), len(cases)))
        yield report
        try:
            row, places = yield from _measured(case, matcher, cache, report)
        except UserError as error:
            row, places = Row(case, matcher, error=str(error)), None
        rows.append(row)
        if places is not None:
            missed.append(places)
    while missed:
        asked = missed.pop(0)
        place = next(index for index, row in enumerate(rows) if row.case == asked.case)
        reasons = yield from _reasons(asked, progress(f"Asking the detector about {asked.case.ref.title}"))
        rows[place] = replace(rows[place], reasons=reasons)
    return Failures(tuple(rows), len(cases))


@dataclass(frozen=True, eq=False)
class _Missed:
    """Places of a right picture that its detector is to be asked about."""

    case: Case
    image: Image
    places: Float64
    detect: Any


def _reasons(asked: _Missed, progress: Progress) -> Generator[Progress, None, tuple[tuple[str, int], ...]]:
    """Return why the detector found nothing at the missed places, most frequent reason first."""
    counts = dict.fromkeys(REASONS, 0)
    step = max(1, -(-len(asked.places) // ASKED))
    for x, y in asked.places[::step].tolist():
        yield progress
        job = detection_at(asked.image, x, y, asked.detect)
        try:
            while True:
                next(job)
                yield progress
        except StopIteration as stop:
            found: Detection = stop.value
        finally:
            job.close()
        counts[_reason(found)] += 1
    named = [(name, count) for name, count in counts.items() if count]
    return tuple(sorted(named, key=lambda item: -item[1]))


def _reason(found: Detection) -> str:
    if found.passed:
        return "moved"
    if found.stage == "extremum" and "contrast" in found.numbers:  # an extremum below the noise floor
        return "contrast"
    return found.stage if found.stage in REASONS else "extremum"


def _measured(
    case: Case, matcher: str, cache: Cache, progress: Progress
) -> Generator[Progress, None, tuple[Row, _Missed | None]]:
    """Run one pair, reporting as the whole job does, and follow its points; also return what the detector missed."""
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
        return row, None
    (made,) = yield from native(lambda: follow(result, moving=case.moving), progress=progress)
    followed: Followed = made
    share = followed.nearest_right / followed.visible if followed.visible else NAN
    row = replace(row, visible=followed.visible, lost=followed.lost, kept=followed.kept, nearest_right=share)
    assert result.pair is not None
    return row, _Missed(case, result.pair.right, followed.missed, result.request.settings.detect)


def judged(case: Case, result: MatchResult) -> Row:
    """Return the row of a complete result without its losses."""
    left, right, pair, told = result.left, result.right, result.pair, result.evaluation
    assert left is not None
    assert right is not None
    assert pair is not None
    assert told is not None
    counts = len(left.keypoints), len(right.keypoints)
    chance = chance_both_ways(counts, (pair.left.size, pair.right.size), told.threshold_px)
    return Row(
        case,
        result.request.matcher,
        counts,
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
