"""What the detector saw where it found no keypoint: three planes of differences around the place, and the failed limit.

What lives here: :func:`look_at`, a job, and its frozen answer. What does not: the reason in words (``sift_why``) and
drawing. May import: records, jobs, vision, numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.jobs import Job
from app.records import Float32, Image, Point
from app.vision.half_pixel import to_working
from app.vision.scale_space import ScaleSpace
from app.vision.sift_matching import explanation_of
from app.vision.sift_records import SiftExplanation
from app.vision.sift_why import NEAR_PX, Detection

RADIUS = 4
SIDE = 2 * RADIUS + 1


@dataclass(frozen=True)
class Gauge:
    """A number against its limit.

    Attributes:
        name: what it is, with its unit.
        value, limit: ``value`` may be infinite.
        least: whether the limit is the least that passes (else the greatest).
    """

    name: str
    value: float
    limit: float
    least: bool

    @property
    def passed(self) -> bool:
        """Whether the value keeps the limit."""
        return self.value >= self.limit if self.least else self.value < self.limit


@dataclass(frozen=True, eq=False)
class WhyPicture:
    """The neighbourhood of a place in the scale space.

    Attributes:
        planes: (3, 9, 9) float32 differences of Gaussians in grey levels, finer to coarser; NaN outside the octave.
        octave, layer: of the middle plane.
        sigmas: of the three planes, in original pixels.
        asked: the place asked about, in samples (x, y) from the middle.
        gauge: what decided, None if nothing was measured.
    """

    planes: Float32
    octave: int
    layer: int
    sigmas: tuple[float, float, float]
    asked: Point
    gauge: Gauge | None


def gauge_of(detection: Detection) -> Gauge | None:
    """Return the number that decided and its limit, from a reason's numbers; None for a reason without any."""
    numbers = detection.numbers
    if "contrast" in numbers and "threshold" in numbers:
        return Gauge("|D| · s", numbers["contrast"], numbers["threshold"], True)
    if "edge ratio" in numbers:
        return Gauge("trace² / det", numbers["edge ratio"], numbers["limit"], False)
    if "border px" in numbers:
        return Gauge("px to the border", numbers["border px"], numbers["needed"], True)
    if "offset" in numbers:
        return Gauge("samples to move", abs(numbers["offset"]), 0.5, False)
    if "rank" in numbers:
        return Gauge("rank by response", numbers["rank"], numbers["count"] + 1, False)
    if detection.stage == "extremum" and "distance px" in numbers:
        return Gauge("px to an extremum", numbers["distance px"], NEAR_PX, False)
    return None


def look_at(image: Image, detection: Detection, asked: Point, detect: Any) -> Job[WhyPicture | None]:
    """Return what surrounds the extremum that a reason is about, None if there is none.

    Args:
        image: the original.
        detection: of ``sift_matching.detection_at`` for this picture and detector.
        asked: the place asked about, original pixels.
        detect: the detector's settings.
    """
    if detection.place is None:
        return None
    work, explanation = yield from explanation_of(image, detect)
    sx, sy = work.scale
    space = explanation.space
    octave, layer, col, row = _sample(explanation, detection, (sx, sy))
    here = space.to_octave(octave, to_working(asked, work.scale))
    scale = math.sqrt(sx * sy)
    return WhyPicture(
        planes=_planes(space, octave, layer, col, row),
        octave=octave,
        layer=layer,
        sigmas=_sigmas(space, octave, layer, scale),
        asked=(float(here[0]) - col, float(here[1]) - row),
        gauge=gauge_of(detection),
    )


def _sigmas(space: ScaleSpace, octave: int, layer: int, scale: float) -> tuple[float, float, float]:
    finer, middle, coarser = (space.sigma(octave, layer + step) * scale for step in (-1, 0, 1))
    return finer, middle, coarser


def _sample(
    explanation: SiftExplanation, detection: Detection, scale: tuple[float, float]
) -> tuple[int, int, int, int]:
    """Return (octave, layer, col, row) of the sample a reason is about."""
    found, space = explanation.candidates, explanation.space
    if detection.candidate >= 0:
        i = detection.candidate
        return int(found.octave[i]), int(found.layer[i]), int(found.col[i]), int(found.row[i])
    assert detection.place is not None
    x, y, sigma = detection.place
    octave, level = space.locate(sigma / math.sqrt(scale[0] * scale[1]))
    layer = min(max(round(level), 1), explanation.settings.layers)
    return octave, layer, *space.nearest(octave, *to_working((x, y), scale))


def _planes(space: ScaleSpace, octave: int, layer: int, col: int, row: int) -> Float32:
    """Return (3, 9, 9) differences around a sample, NaN outside the octave."""
    result = np.full((3, SIDE, SIDE), np.nan, np.float32)
    windows = space.windows(octave, (layer - 1, layer, layer + 1, layer + 2), col, row, RADIUS)
    for plane in range(3):
        low, high = windows[plane], windows[plane + 1]
        y, x = low.top - row + RADIUS, low.left - col + RADIUS
        height, width = low.values.shape
        result[plane, y : y + height, x : x + width] = high.values - low.values
    return result
