"""The open pair matched by the network of an epoch and by SIFT, as a job.

What lives here: :class:`Compared` and :func:`compare`. What does not: the matching (``app.pipeline``), Qt. May import:
matchers, pipeline, records.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app import matchers
from app.jobs import Job, Progress
from app.pipeline import Cache, run_pair
from app.records import MatchRequest, MatchResult, PairRef, StageSettings, Verdict
from app.settings import with_value
from app.ui.numbers import percent


@dataclass(frozen=True, eq=False)
class Compared:
    """Results on one pair.

    Attributes:
        epoch: whose network.
        network: its result.
        sift: SIFT's.
    """

    epoch: int
    network: MatchResult
    sift: MatchResult


def requests(ref: PairRef, file: Path, like: StageSettings, span: str) -> tuple[MatchRequest, MatchRequest]:
    """Return what to ask for: the network of a file, and SIFT, both verified and judged alike.

    Args:
        ref: the pair.
        file: of the network.
        like: verification and evaluation are taken from these.
        span: of the patches, a choice of the matcher ``siamese``.

    Raises:
        UserError: if the matcher cannot be used here.
    """
    siamese, sift = matchers.get("siamese").defaults(), matchers.get("sift").defaults()
    describe = with_value(with_value(siamese.describe, "model", str(file)), "span", span)
    judged = {"verify": like.verify, "evaluate": like.evaluate}
    return (
        MatchRequest(ref, "siamese", replace(siamese, describe=describe, **judged)),
        MatchRequest(ref, "sift", replace(sift, **judged)),
    )


def compare(ref: PairRef, file: Path, epoch: int, like: StageSettings, span: str, cache: Cache) -> Job[Compared]:
    """Match a pair twice; SIFT's part comes from the cache from the second time on."""
    network, sift = requests(ref, file, like, span)
    yield Progress(0, 2, f"Matching with epoch {epoch}")
    theirs = yield from _run(sift, cache)
    ours = yield from _run(network, cache)
    return Compared(epoch, ours, theirs)


def _run(request: MatchRequest, cache: Cache) -> Job[MatchResult]:
    job = run_pair(request, cache)
    try:
        while True:
            yield replace(next(job), payload=None)
    except StopIteration as stop:
        result: MatchResult = stop.value
        return result
    finally:
        job.close()


def words(result: MatchResult) -> str:
    """Return what became of the matches: right, wrong and precision, or inliers where there is no truth."""
    count = 0 if result.matches is None else len(result.matches)
    judged = result.evaluation
    if judged is not None:
        right = int((judged.verdict == Verdict.RIGHT).sum())
        wrong = int((judged.verdict == Verdict.WRONG).sum())
        if right + wrong:
            return f"{right:,} right · {wrong:,} wrong · {percent(right / (right + wrong), 1)}"
    if result.verification is not None and count:
        return f"{count:,} matches · {int(result.verification.inlier.sum()):,} inliers"
    return f"{count:,} matches"
