"""The axioms of a scale space, checked on the picture at hand.

What lives here: :func:`axioms`. What does not: the scale space (``scale_space``, ``scale_line``). May import: records,
vision, numpy and cv2.

Source: Koenderink, The structure of images, 1984; Lindeberg, PAMI 12(3), 1990. "No new extrema" holds in 1-D only; in
2-D a new local extremum can appear, and what holds is causality: no extremum is enhanced, so the range never grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Float64, UInt8
from app.vision.scale_line import scan_line

MOST_SIDE = 384  # a larger picture is checked on its middle
LEAST_SIGMA, MOST_SIGMA = 0.8, 20.0
SHIFT = (7, 4)
FACTOR = 0.5


@dataclass(frozen=True)
class AxiomCheck:
    """One axiom on one picture.

    Attributes:
        name: linearity, shift, rotation, semigroup, no new extrema, causality.
        sentence: what was compared, with the numbers.
        error: largest difference found, grey levels of 0 ... 255 (new extrema: how many).
        tolerance: what rounding and the sampled kernel explain.
        holds: error <= tolerance.
    """

    name: str
    sentence: str
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the axiom is met to within the tolerance."""
        return self.error <= self.tolerance


def axioms(grey: UInt8, sigma: float) -> tuple[AxiomCheck, ...]:
    """Return every check on the middle of a picture, in the order of the lecture.

    Args:
        grey: (h, w) uint8.
        sigma: pixels, held within 0.8 ... 20: below, a sampled Gaussian is no semigroup.
    """
    sigma = float(np.clip(sigma, LEAST_SIGMA, MOST_SIGMA))
    height, width = grey.shape
    top, left = max(0, (height - MOST_SIDE) // 2), max(0, (width - MOST_SIDE) // 2)
    picture = grey[top : top + MOST_SIDE, left : left + MOST_SIDE].astype(np.float64)
    return (
        _linearity(picture, sigma),
        _shift(picture, sigma),
        _rotation(picture, sigma),
        _semigroup(picture, sigma),
        _no_new_extrema(picture, sigma),
        _causality(picture, sigma),
    )


def _blur(picture: Float64, sigma: float) -> Float64:
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(picture), (0, 0), sigma), np.float64)


def _largest(difference: Float64) -> float:
    return float(np.abs(difference).max()) if difference.size else 0.0


def _linearity(picture: Float64, sigma: float) -> AxiomCheck:
    other = picture[::-1, ::-1]
    error = _largest(_blur(picture + FACTOR * other, sigma) - (_blur(picture, sigma) + FACTOR * _blur(other, sigma)))
    text = f"Blurring a sum of two pictures equals the sum of the blurred ones: they differ by {error:.1e} grey levels."
    return AxiomCheck("linearity", text, error, 1e-9)


def _shift(picture: Float64, sigma: float) -> AxiomCheck:
    dx, dy = (min(step, side - 1) for step, side in zip(SHIFT, picture.shape[::-1], strict=True))
    moved = picture[dy:, dx:]
    # Away from the borders, where the shifted picture has other neighbours.
    edge = int(np.ceil(4 * sigma)) + 2
    inner = slice(edge, -edge)
    error = _largest((_blur(moved, sigma) - _blur(picture, sigma)[dy:, dx:])[inner, inner])
    text = f"Shifting by ({dx}, {dy}) px and blurring can be swapped: inside they differ by {error:.1e} grey levels."
    return AxiomCheck("shift", text, error, 1e-9)


def _rotation(picture: Float64, sigma: float) -> AxiomCheck:
    error = _largest(np.rot90(_blur(picture, sigma)) - _blur(np.rot90(picture), sigma))
    text = f"Turning by 90° and blurring can be swapped: they differ by {error:.1e} grey levels."
    return AxiomCheck("rotation", text, error, 1e-9)


def _semigroup(picture: Float64, sigma: float) -> AxiomCheck:
    twice = _blur(_blur(picture, sigma), sigma)
    once = _blur(picture, float(np.sqrt(2)) * sigma)
    error = _largest(twice - once)
    text = (
        f"Two blurs of {sigma:.2g} px are one of {np.sqrt(2) * sigma:.3g} px: the sampled, cut-off kernels "
        f"differ by {error:.2g} of 255 grey levels."
    )
    return AxiomCheck("semigroup", text, error, 255 * 5e-3)


def _no_new_extrema(picture: Float64, sigma: float) -> AxiomCheck:
    row = picture[len(picture) // 2]
    line = scan_line(row, np.concatenate([[0.0], np.geomspace(0.25, max(sigma, 0.5), 40)]))
    new = int(np.maximum(np.diff(line.counts), 0).sum())
    text = (
        f"Along the middle row {int(line.counts[0])} extrema become {int(line.counts[-1])} at σ = {sigma:.2g} px; "
        f"{new} appeared on the way (1-D, exact discrete Gaussian)."
    )
    return AxiomCheck("no new extrema", text, float(new), 0.0)


def _causality(picture: Float64, sigma: float) -> AxiomCheck:
    sharp, soft = picture, _blur(picture, sigma)
    grown = max(float(soft.max() - sharp.max()), float(sharp.min() - soft.min()), 0.0)
    text = (
        f"No value leaves the range: {sharp.min():.0f} to {sharp.max():.0f} becomes {soft.min():.1f} to "
        f"{soft.max():.1f}. In 2-D single new extrema may appear, but none is enhanced."
    )
    return AxiomCheck("causality", text, grown, 1e-9)
