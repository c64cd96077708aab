"""SIFT from the inside: settings, stages, and the history of every candidate as a structure of arrays.

What lives here: :class:`SiftSettings`, :class:`Stage`, :class:`Candidates`, :class:`SiftExplanation`. What does not:
the algorithm (``sift_extrema``, ``sift_refine``, ``sift_orientation``, ``sift_descriptor``, joined by ``sift_stages``).
May import: records, settings, scale_space, detect, numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np

from app.records import Bool, Descriptors, Features, Float32, Int32, Keypoints, read_only
from app.settings import flag, number
from app.vision.detect import CONTRAST, EDGE
from app.vision.scale_space import ScaleSpace, ScaleSpaceSettings

BORDER = 5  # octave pixels that OpenCV keeps free around the image
ORIENTATION_BINS = 36
CELLS, DIRECTIONS = 4, 8
LENGTH = CELLS * CELLS * DIRECTIONS

PEAK_RATIO = number(
    0.8,
    0.5,
    1.0,
    0.05,
    label="Peak ratio",
    help=(
        "Every local peak of the orientation histogram that reaches this share of the highest makes its own keypoint. "
        "Lowe: 0.8, which gives about 15 % of the places more than one."
    ),
)
MOST_ORIENTATIONS = number(
    0,
    0,
    36,
    1,
    label="Most orientations",
    zero_means="all",
    help="At most this many, strongest first. Lowe and OpenCV keep all, COLMAP 2, VLFeat 4.",
)


@dataclass(frozen=True)
class SiftSettings(ScaleSpaceSettings):
    """Everything that decides which keypoints SIFT finds and how it describes them."""

    contrast: float = CONTRAST
    edge: float = EDGE
    peak_ratio: float = PEAK_RATIO
    most_orientations: int = MOST_ORIENTATIONS
    upright: bool = flag(
        False,
        label="Upright",
        help="Describe every keypoint at angle 0, as if the picture stood upright. Orientations are still found.",
    )
    clip: float = number(
        0.2,
        0.05,
        1.0,
        0.05,
        label="Clip",
        help=(
            "After the first normalisation no bin may exceed this, then it is normalised again: "
            "one glaring edge shall not outvote the rest. 1 does not clip."
        ),
    )

    @property
    def noise_floor(self) -> int:
        """Grey levels that |D| must exceed to be examined at all: floor(contrast / layers / 2 * 255), as in OpenCV."""
        return int(np.floor(0.5 * self.contrast / self.layers * 255))

    @property
    def edge_limit(self) -> float:
        """Limit of trace**2 / determinant, (edge + 1)**2 / edge; 12.1 for 10."""
        return (self.edge + 1) ** 2 / self.edge


class Stage(IntEnum):
    """The stages in their one order; a candidate's ``stage`` is the last one it passed.

    EXTREMA   at least (at most) as large as its 26 neighbours, positive (negative), beyond the noise floor.
    REFINED   the fitted quadratic's extremum came to rest within half a sample, in at most 5 steps.
    CONTRAST  abs(D(x)) * layers reaches the contrast threshold.
    EDGE      determinant > 0 and trace**2 / determinant below the limit.
    BORDER    neither the sample found nor any it moved to lies within 5 octave pixels of the border.
    ORIENTED  its orientation histogram has a peak.
    DESCRIBED it has a descriptor.
    """

    EXTREMA = 0
    REFINED = 1
    CONTRAST = 2
    EDGE = 3
    BORDER = 4
    ORIENTED = 5
    DESCRIBED = 6


@dataclass(frozen=True, eq=False)
class Candidates:
    """N extrema and what became of each; rows stay where they are from stage to stage.

    Attributes:
        octave: (N,) int32, signed (-1 is the doubled image).
        found_layer, found_row, found_col: (N,) int32, the sample that was the extremum.
        layer, row, col: (N,) int32, the sample after the moves of the refinement.
        moves: (N,) int32, how often it moved.
        offset: (N, 3) float32, x, y, layer from that sample to the fitted extremum, by the last fit; 0 if singular.
            Where the fit did not come to rest, all that follows is measured at the sample itself.
        sample: (N,) float32, D at the sample found, in grey levels / 255; its sign tells a maximum from a minimum.
        value: (N,) float32, D at the fitted extremum, in grey levels / 255.
        contrast: (N,) float32, abs(value) * layers, compared with the contrast threshold.
        edge_ratio: (N,) float32, trace**2 / determinant of the 2 x 2 Hessian; inf where the determinant is <= 0.
        border: (N,) int32, least distance to the border of any sample visited, in octave pixels; < 5 is rejected.
        xy: (N, 2) float32 image pixels of the fitted extremum.
        sigma: (N,) float32 image pixels; OpenCV's ``size`` is twice that.
        twin: (N,) int32, the row of an earlier candidate that came to rest on the same sample, else -1; twins would be
            the same keypoint again and go no further than BORDER.
        stage: (N,) int8, the last :class:`Stage` passed.
        number: (N,) float32, the number at which it was rejected (largest abs offset, contrast, edge ratio or border
            distance); NaN if it was not.
    """

    octave: Int32
    found_layer: Int32
    found_row: Int32
    found_col: Int32
    layer: Int32
    row: Int32
    col: Int32
    moves: Int32
    offset: Float32
    sample: Float32
    value: Float32
    contrast: Float32
    edge_ratio: Float32
    border: Int32
    xy: Float32
    sigma: Float32
    twin: Int32
    stage: Any
    number: Float32

    def __post_init__(self) -> None:
        n = len(self.octave)
        for item in fields(self):
            wide = {"offset": (n, 3), "xy": (n, 2)}.get(item.name, (n,))
            dtype = np.int8 if item.name == "stage" else _DTYPE[str(item.type)]
            object.__setattr__(
                self, item.name, read_only(getattr(self, item.name), dtype, wide, f"Candidates.{item.name}")
            )

    def __len__(self) -> int:
        return len(self.octave)

    @classmethod
    def empty(cls) -> Candidates:
        """Return no candidates."""
        shapes = {"offset": (0, 3), "xy": (0, 2)}
        rows: dict[str, Any] = {f.name: np.zeros(shapes.get(f.name, (0,))) for f in fields(cls)}
        return cls(**rows)

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Return the rows of all parts, in order; the rows that ``twin`` names move along."""
        if len(parts) < 2:
            return parts[0] if parts else cls.empty()
        starts = np.cumsum([0, *map(len, parts)])
        columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)}
        shift = np.repeat(starts[:-1], np.diff(starts))
        columns["twin"] = np.where(columns["twin"] < 0, -1, columns["twin"] + shift)
        return cls(**columns)

    def take(self, index: Any) -> Candidates:
        """Return the candidates at ``index`` (integers or a boolean mask)."""
        return Candidates(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def passed(self, stage: Stage) -> Bool:
        """(N,) bool: which have passed this stage."""
        return np.asarray(self.stage >= int(stage))

    def died_at(self, stage: Stage) -> Bool:
        """(N,) bool: which passed the one before this stage but not this one."""
        return np.asarray(self.stage == int(stage) - 1)

    @property
    def size(self) -> Float32:
        """(N,) float32 diameter in image pixels, 2 sigma, as in OpenCV."""
        return (2 * self.sigma).astype(np.float32)


_DTYPE: dict[str, Any] = {"Int32": np.int32, "Float32": np.float32}


@dataclass(frozen=True, eq=False)
class Part:
    """What one octave has yielded: M keypoints of N candidates, as far as ``shown``.

    Attributes:
        candidates: with their final stages; which of them are told depends on ``shown``.
        shown: the last stage to tell of.
        keypoints: (M) oriented keypoints.
        candidate: (M,) int32 rows of ``candidates``.
        histograms: (M, 36) float32.
        descriptors: (M, 128) float32, zero until described.
    """

    candidates: Candidates
    shown: Stage
    keypoints: Keypoints = field(default_factory=Keypoints.empty)
    candidate: Int32 = field(default_factory=lambda: np.zeros(0, np.int32))
    histograms: Float32 = field(default_factory=lambda: np.zeros((0, ORIENTATION_BINS), np.float32))
    descriptors: Float32 = field(default_factory=lambda: np.zeros((0, LENGTH), np.float32))

    def told(self) -> Candidates:
        """Return the candidates as they stand at ``shown``: what comes later is not known yet."""
        if self.shown == Stage.DESCRIBED:
            return self.candidates
        found = self.candidates
        stage = np.minimum(found.stage, int(self.shown))
        told = replace(found, stage=stage, number=np.where(stage < int(self.shown), found.number, np.nan))
        if self.shown > Stage.EXTREMA:
            return told
        scale = 2.0 ** found.octave.astype(np.float64)
        xy = np.stack([found.found_col * scale, found.found_row * scale], axis=1).astype(np.float32)
        return replace(
            told, layer=found.found_layer, row=found.found_row, col=found.found_col, xy=xy.astype(np.float32)
        )


@dataclass(frozen=True, eq=False)
class SiftExplanation:
    """What SIFT has found so far, or in the end, in one image; coordinates are pixels of the image given.

    Attributes:
        settings: as asked.
        space: the scale space; the windows and curves of a view come from it.
        parts: one per octave gone through, in order.
        octave, stage: the last step taken (for the animation); the last octave and DESCRIBED in the end.
        complete: whether this is the final result.
    """

    settings: SiftSettings
    space: ScaleSpace
    parts: tuple[Part, ...]
    octave: int
    stage: Stage
    complete: bool

    @cached_property
    def candidates(self) -> Candidates:
        """Every extremum with its history, octave by octave, then by layer, row, column."""
        return Candidates.joined([part.told() for part in self.parts])

    @cached_property
    def keypoints(self) -> Keypoints:
        """(K) oriented keypoints with OpenCV's fields, ``packed`` included; in order of their candidates."""
        if not self.parts:
            return Keypoints.empty()
        names = Keypoints.__dataclass_fields__
        return Keypoints(**{n: np.concatenate([getattr(p.keypoints, n) for p in self.parts]) for n in names})

    @cached_property
    def candidate(self) -> Int32:
        """(K,) int32, the row of ``candidates`` that each keypoint comes from."""
        starts = np.cumsum([0, *(len(part.candidates) for part in self.parts)])
        rows = [part.candidate + start for part, start in zip(self.parts, starts[:-1], strict=True)]
        return np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32)

    @cached_property
    def histograms(self) -> Float32:
        """(K, 36) float32, the smoothed orientation histogram each keypoint's peak was found in."""
        empty = np.zeros((0, ORIENTATION_BINS), np.float32)
        return read_only(np.concatenate([empty, *(p.histograms for p in self.parts)]), np.float32, (None, 36), "rows")

    @cached_property
    def descriptors(self) -> Float32:
        """(K, 128) float32 holding integers 0 ... 255 at (row * 4 + col) * 8 + direction, as OpenCV's.

        Rows of keypoints that are not yet described are zero.
        """
        empty = np.zeros((0, LENGTH), np.float32)
        rows = np.concatenate([empty, *(p.descriptors for p in self.parts)])
        return read_only(rows, np.float32, (None, LENGTH), "rows")

    @cached_property
    def funnel(self) -> tuple[tuple[Stage, int], ...]:
        """(stage, how many candidates have passed it) in order; never increasing."""
        counts = np.bincount(self.candidates.stage, minlength=len(Stage))
        left = np.cumsum(counts[::-1])[::-1]
        return tuple((stage, int(left[stage])) for stage in Stage)

    @cached_property
    def features(self) -> Features:
        """Keypoints with OpenCV-compatible descriptors (metric l2)."""
        return Features(self.keypoints, Descriptors(self.descriptors))
