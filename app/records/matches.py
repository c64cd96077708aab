"""Records of what joins two pictures, and of how it was judged.

What lives here: :class:`Matches`, :class:`Verification`, :class:`Verdict`, :class:`Evaluation`. What does not: matching
and judging. May import: ``basics``, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from app.records.basics import Bool, Float32, Float64, Int32, read_only, rows_of, set_field

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Matches:
    """M matches between left and right keypoints.

    Attributes:
        pairs: (M, 2) int32, left and right keypoint index.
        distance: (M,) float32 in the metric's own unit.
        second: (M,) float32 distance to the second nearest right descriptor, NaN if unknown.
        confidence: (M,) float32 in [0, 1], NaN if unknown.
        funnel: (name, count) of every step from nearest neighbours to these matches, in order.
    """

    pairs: Int32
    distance: Float32
    second: Float32
    confidence: Float32
    funnel: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        n = rows_of(self.pairs)
        set_field(self, "pairs", read_only(self.pairs, np.int32, (n, 2), "Matches.pairs"))
        for name in ("distance", "second", "confidence"):
            set_field(self, name, read_only(getattr(self, name), np.float32, (n,), f"Matches.{name}"))

    def __len__(self) -> int:
        return int(self.pairs.shape[0])

    @classmethod
    def empty(cls, funnel: tuple[tuple[str, int], ...] = ()) -> Matches:
        """Return zero matches."""
        none = np.zeros(0, np.float32)
        return cls(np.zeros((0, 2), np.int32), none, none, none, funnel)

    def take(self, index: npt.ArrayLike) -> Matches:
        """Return the matches at ``index`` (integers or a boolean mask), the funnel unchanged."""
        rows = np.asarray(index)
        return Matches(self.pairs[rows], self.distance[rows], self.second[rows], self.confidence[rows], self.funnel)

    @property
    def ratio(self) -> Float32:
        """(M,) distance / second; 0/0 counts as 1 (duplicates are ambiguous), NaN if unknown."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = self.distance / self.second
        both_zero = (self.distance == 0) & (self.second == 0)
        return np.where(both_zero, np.float32(1), ratio).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Verification:
    """A geometric model fitted to the matches.

    Attributes:
        model: none, homography, affine, fundamental or essential.
        matrix: (3, 3) float64 left to right (an affine map in homogeneous form; for ``essential`` the
            fundamental matrix is in ``fundamental`` as well), None if no model was found.
        inlier: (M,) bool.
        residual_px: (M,) float32, transfer error or symmetric epipolar distance, NaN without a model.
        threshold_px, method: as used.
        note: one sentence if no model could be fitted (``"3 matches, a homography needs 4"``).
    """

    model: str
    matrix: Float64 | None
    inlier: Bool
    residual_px: Float32
    threshold_px: float
    method: str
    fundamental: Float64 | None = None
    note: str = ""

    def __post_init__(self) -> None:
        n = rows_of(self.inlier)
        set_field(self, "inlier", read_only(self.inlier, np.bool_, (n,), "Verification.inlier"))
        set_field(self, "residual_px", read_only(self.residual_px, np.float32, (n,), "Verification.residual_px"))
        for name in ("matrix", "fundamental"):
            if getattr(self, name) is not None:
                set_field(self, name, read_only(getattr(self, name), np.float64, (3, 3), f"Verification.{name}"))


class Verdict(IntEnum):
    """What the truth says about one match."""

    RIGHT = 0
    WRONG = 1
    CONSISTENT = 2
    UNDECIDED = 3


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Matches judged against the truth, at a threshold that can be changed without new work.

    Attributes:
        error_px: (M,) float32: distance of the right point from its true place; ``inf`` if the true
            place lies outside the right image; distance to the true epipolar line where only
            epipolar truth exists; NaN where the truth says nothing.
        epipolar: (M,) bool: ``error_px`` is a distance to a line only.
        possible_px: (N_left,) float32: distance from the true place of every left keypoint to the
            nearest right keypoint; NaN where it has no true place inside the right image or where
            only epipolar truth exists.
        repeatability_px: (K,) float32: for every keypoint of either image whose true place is known
            and inside the other image, the distance to the nearest keypoint there (``inf`` if none), in
            the pixels of that other image.
        corner_error_px: mean distance of the four image corners under the fitted homography from
            their true places; NaN without a true homography, ``inf`` if no homography was found or a
            corner is carried beyond the horizon.
        threshold_px: the t of the verdicts.
        truth_kind: as ``Truth.kind``.
    """

    error_px: Float32
    epipolar: Bool
    possible_px: Float32
    repeatability_px: Float32
    corner_error_px: float
    threshold_px: float
    truth_kind: str

    def __post_init__(self) -> None:
        n = rows_of(self.error_px)
        set_field(self, "error_px", read_only(self.error_px, np.float32, (n,), "Evaluation.error_px"))
        set_field(self, "epipolar", read_only(self.epipolar, np.bool_, (n,), "Evaluation.epipolar"))
        for name in ("possible_px", "repeatability_px"):
            set_field(self, name, read_only(getattr(self, name), np.float32, (None,), f"Evaluation.{name}"))

    def at(self, threshold_px: float) -> Evaluation:
        """Return the same evaluation at another threshold in pixels."""
        return replace(self, threshold_px=float(threshold_px))

    @property
    def verdict(self) -> npt.NDArray[np.int8]:
        """(M,) int8 of :class:`Verdict`."""
        close = self.error_px <= self.threshold_px
        verdict = np.where(close, np.int8(Verdict.RIGHT), np.int8(Verdict.WRONG)).astype(np.int8)
        verdict[close & self.epipolar] = Verdict.CONSISTENT
        verdict[np.isnan(self.error_px)] = Verdict.UNDECIDED
        return verdict

    def count(self, verdict: Verdict) -> int:
        """Return how many matches have this verdict."""
        return int(np.count_nonzero(self.verdict == verdict))

    @property
    def possible(self) -> int:
        """Left keypoints that have a right keypoint within the threshold of their true place."""
        return int(np.count_nonzero(self.possible_px <= self.threshold_px))

    @property
    def precision(self) -> float:
        """right / (right + wrong); NaN of nothing."""
        right, wrong = self.count(Verdict.RIGHT), self.count(Verdict.WRONG)
        return right / (right + wrong) if right + wrong else float("nan")

    @property
    def recall(self) -> float:
        """right / possible; NaN of nothing."""
        return self.count(Verdict.RIGHT) / self.possible if self.possible else float("nan")

    @property
    def repeatability(self) -> float:
        """Share of the keypoints seen by both images that recur within the threshold; NaN of nothing.

        (#1→2 + #2→1) / (N₁ + N₂), DeTone, Malisiewicz & Rabinovich, SuperPoint, CVPR Workshops 2018: N counts the
        keypoints of an image whose true place lies inside the other one, # those of them with a keypoint of the other
        image within the threshold of that place. Every distance is one in the image in which the place lies, so the
        number is the same whichever image comes first; code that measures both ways in the second image differs from
        it as soon as the scale changes. A keypoint may be the nearest of several, and several orientations of one
        place are several keypoints.
        """
        n = len(self.repeatability_px)
        return float(np.count_nonzero(self.repeatability_px <= self.threshold_px)) / n if n else float("nan")

    def mma(self, threshold_px: float) -> float:
        """Return the share of decided matches with an error <= ``threshold_px``.

        Mean matching accuracy of one pair (Dusmanu et al., D2-Net, CVPR 2019); with no decided match
        it is 0 by that protocol. NaN where only epipolar truth, or none, exists.
        """
        if self.truth_kind in ("none", "epipolar"):
            return float("nan")
        decided = ~np.isnan(self.error_px) & ~self.epipolar
        n = int(np.count_nonzero(decided))
        return float(np.count_nonzero(self.error_px[decided] <= threshold_px)) / n if n else 0.0
