"""The numbers of every match as columns, computed once per result for table, filter and colours.

What lives here: :class:`MatchValues` and the order from the most believable match to the least. What does
not: colours, text, widgets; no Qt. May import: records, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.records import Bool, Float32, Matches, MatchResult

Index = npt.NDArray[np.intp]
VERDICT_WORDS = ("right", "wrong", "consistent", "undecided")
UNKNOWN = -1
# How many digits after the point a column is written with; of distances the size decides (``numbers``).
DIGITS = {
    "number": 0, "x1": 2, "y1": 2, "x2": 2, "y2": 2, "size1": 2, "size2": 2, "ratio": 3, "confidence": 3, "scale": 2,
    "angle": 1, "residual": 2, "error": 2,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class MatchValues:
    """M matches as columns; a number that is not known is NaN.

    Attributes:
        x1, y1, x2, y2: (M,) float32 pixels of the original left and right image.
        size1, size2: (M,) float32 keypoint diameters in pixels.
        distance, second, ratio, confidence: (M,) float32, as in :class:`app.records.Matches`.
        scale: (M,) float32 right size / left size.
        angle: (M,) float32 right angle - left angle in degrees, in (-180, 180].
        residual: (M,) float32 pixels from the fitted model.
        error: (M,) float32 pixels from the truth, ``inf`` if the true place is outside the image.
        inlier: (M,) bool, False where there was no verification.
        verdict: (M,) int8 of :class:`app.records.Verdict`, -1 without an evaluation.
        verified: whether a geometric model was asked for.
        judged: whether there is a truth to judge by.
    """

    x1: Float32
    y1: Float32
    x2: Float32
    y2: Float32
    size1: Float32
    size2: Float32
    distance: Float32
    second: Float32
    ratio: Float32
    confidence: Float32
    scale: Float32
    angle: Float32
    residual: Float32
    error: Float32
    inlier: Bool
    verdict: npt.NDArray[np.int8]
    verified: bool = False
    judged: bool = False

    def __len__(self) -> int:
        return len(self.x1)

    @property
    def number(self) -> Float32:
        """(M,) float32: 1, 2, 3 … in the order of the result."""
        return np.arange(1, len(self) + 1, dtype=np.float32)

    def known(self, name: str) -> bool:
        """Whether a column holds any number."""
        column = getattr(self, name)
        return bool(len(column)) and not bool(np.isnan(column).all())

    @property
    def left_xy(self) -> Float32:
        """(M, 2) float32 left ends."""
        return np.stack([self.x1, self.y1], axis=1)

    @property
    def right_xy(self) -> Float32:
        """(M, 2) float32 right ends."""
        return np.stack([self.x2, self.y2], axis=1)


def values_of(result: MatchResult | None) -> MatchValues:
    """Return the columns of a result; zero rows while it has no matches."""
    matches = Matches.empty() if result is None or result.matches is None else result.matches
    n = len(matches)
    nothing = np.full(n, np.nan, np.float32)
    left = np.full((n, 4), np.nan, np.float32)
    right = left
    if result is not None and result.left is not None and result.right is not None and n:
        left, right = (
            np.column_stack([points.xy[rows], points.size[rows], points.angle[rows]])
            for points, rows in (
                (result.left.keypoints, matches.pairs[:, 0]),
                (result.right.keypoints, matches.pairs[:, 1]),
            )
        )
    verification = None if result is None else result.verification
    verified = verification is not None and verification.model != "none"
    evaluation = None if result is None else result.evaluation
    judged = evaluation is not None and evaluation.truth_kind != "none"
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(left[:, 2] > 0, right[:, 2] / left[:, 2], np.nan)
    return MatchValues(
        x1=left[:, 0], y1=left[:, 1], x2=right[:, 0], y2=right[:, 1],
        size1=left[:, 2], size2=right[:, 2],
        distance=matches.distance, second=matches.second, ratio=matches.ratio, confidence=matches.confidence,
        scale=scale.astype(np.float32),
        angle=wrapped(right[:, 3] - left[:, 3]),
        residual=verification.residual_px if verification is not None and verified else nothing,
        error=evaluation.error_px if evaluation is not None and judged else nothing,
        inlier=verification.inlier if verification is not None and verified else np.zeros(n, np.bool_),
        verdict=evaluation.verdict if evaluation is not None and judged else np.full(n, UNKNOWN, np.int8),
        verified=verified,
        judged=judged,
    )  # fmt: skip


def wrapped(degrees: Float32) -> Float32:
    """Return angles in (-180, 180]; NaN stays."""
    turned = 180.0 - np.mod(180.0 - degrees.astype(np.float64), 360.0)
    return turned.astype(np.float32)


def best_first(values: MatchValues) -> Index:
    """Return the matches from the most believable to the least: what "the top N" means everywhere.

    By confidence where a matcher gives one, else by ratio, else by distance; unknown ones last; ties in
    the order of the result. It does not depend on the colour rule, so recolouring keeps the lines.
    """
    for name, sign in (("confidence", -1.0), ("ratio", 1.0), ("distance", 1.0)):
        if values.known(name):
            return np.argsort(sign * getattr(values, name), kind="stable")
    return np.arange(len(values))


def best_by(values: MatchValues) -> str:
    """Return the word for what :func:`best_first` sorts by."""
    return next((name for name in ("confidence", "ratio", "distance") if values.known(name)), "order")
