"""Records of what was asked, what has come of it, and what the user points at in it.

What lives here: :class:`StageSettings`, :class:`MatchRequest`, :class:`MatchResult`, :class:`Selection`. What does not:
the work. May import: the other records, numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from app.records.basics import Side, set_field
from app.records.features import Features
from app.records.matches import Evaluation, Matches, Verification
from app.records.pictures import ImagePair, PairRef


@dataclass(frozen=True)
class StageSettings:
    """The settings of one run: a frozen settings dataclass (``app.settings``) per stage.

    The types of the first three depend on the matcher; the last two are shared by all matchers.
    """

    detect: Any
    describe: Any
    match: Any
    verify: Any
    evaluate: Any


@dataclass(frozen=True)
class MatchRequest:
    """What to compute; hashable, and it travels with the result."""

    ref: PairRef
    matcher: str
    settings: StageSettings


@dataclass(frozen=True, eq=False)
class MatchResult:
    """What has been computed so far; later fields are None while it is a partial result.

    Attributes:
        request: what was asked for.
        pair: the decoded images and their truth.
        left, right: features in original pixels.
        matches, verification, evaluation: None until computed.
        seconds: wall time of every stage that ran, in order; a stage taken from the cache has 0.0.
        working_size: (left, right) working sizes as (width, height), where detection ran.
        notes: sentences the user should read.
        learned_from: one of them, if what compares was learned from pictures of this very pair; else empty.
    """

    request: MatchRequest
    pair: ImagePair | None = None
    left: Features | None = None
    right: Features | None = None
    matches: Matches | None = None
    verification: Verification | None = None
    evaluation: Evaluation | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    working_size: tuple[tuple[int, int], tuple[int, int]] | None = None
    notes: tuple[str, ...] = ()
    learned_from: str = ""

    def __post_init__(self) -> None:
        set_field(self, "seconds", MappingProxyType(dict(self.seconds)))
        set_field(self, "notes", tuple(self.notes))

    @property
    def funnel(self) -> tuple[tuple[str, int], ...]:
        """(name, count) from keypoints to inliers, as far as computed."""
        steps: list[tuple[str, int]] = []
        if self.left is not None:
            steps.append(("left keypoints", len(self.left.keypoints)))
        if self.right is not None:
            steps.append(("right keypoints", len(self.right.keypoints)))
        if self.matches is not None:
            steps.extend(self.matches.funnel or (("matches", len(self.matches)),))
        if self.verification is not None and self.verification.model != "none":
            steps.append(("inliers", int(np.count_nonzero(self.verification.inlier))))
        return tuple(steps)


@dataclass(frozen=True)
class Selection:
    """What the user points at: a place, never an index, so that it survives a change of matcher.

    Attributes:
        side: the picture that was clicked.
        x, y: pixels of that picture.
        partner: the (x, y) in the other picture if a match is selected, else None.
    """

    side: Side
    x: float
    y: float
    partner: tuple[float, float] | None = None


def find_match(result: MatchResult, selection: Selection | None, *, tolerance_px: float = 0.5) -> int | None:
    """Return the index of the match the selection means, or None.

    A selection with a partner is found again by both positions within ``tolerance_px``.
    """
    if selection is None or selection.partner is None:
        return None
    if result.matches is None or result.left is None or result.right is None or not len(result.matches):
        return None
    here, there = (selection.x, selection.y), selection.partner
    left, right = (here, there) if selection.side == "left" else (there, here)
    gap = np.maximum(
        np.linalg.norm(result.left.keypoints.xy[result.matches.pairs[:, 0]] - np.asarray(left, np.float32), axis=1),
        np.linalg.norm(result.right.keypoints.xy[result.matches.pairs[:, 1]] - np.asarray(right, np.float32), axis=1),
    )
    best = int(np.argmin(gap))
    return best if gap[best] <= tolerance_px else None
