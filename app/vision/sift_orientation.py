"""Orientation of keypoints: the histogram of gradient directions, its peaks, and everything a view needs of one.

What lives here: the histograms of many points at once and :func:`orientation_at` for one. What does not: descriptors
(``sift_descriptor``). May import: records, vision, numpy.

Source: Lowe, IJCV 60(2), 2004, section 5; window, smoothing and votes as in OpenCV. Histograms run clockwise on
screen: bin b holds the directions 10 b - 5 ... 10 b + 5 degrees from +x towards +y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.records import Array, Float32, Float64, Int32, read_only
from app.vision.scale_space import ScaleSpace
from app.vision.sift_gradients import gradients, in_chunks, polar
from app.vision.sift_records import ORIENTATION_BINS, SiftExplanation, SiftSettings

SIGMA_FACTOR = 1.5  # of the Gaussian weight, times the keypoint's sigma
RADIUS_FACTOR = 4.5  # of the window: three standard deviations of the weight
BIN_DEGREES = 360 / ORIENTATION_BINS


@dataclass(frozen=True, eq=False)
class Peaks:
    """P peaks of K histograms, in order of the points, then of the bins.

    Attributes:
        point: (P,) int32, which histogram.
        angle: (P,) float32 degrees clockwise from +x, in [0, 360).
        height: (P,) float32, the histogram there (the bin, not the parabola).
    """

    point: Int32
    angle: Float32
    height: Float32


@dataclass(frozen=True)
class OrientationPeak:
    """A peak of one histogram with its parabola.

    Attributes:
        bin: its bin, 0 ... 35.
        position: the parabola's vertex in bins, in [0, 36); ``angle`` = 10 * position degrees.
        angle: degrees clockwise from +x, in [0, 360).
        height, left, right: the smoothed histogram there and in the bins before and after.
        vertex: the parabola's greatest value.
        kept: whether it reaches the threshold (and is among the most allowed), so makes a keypoint.
    """

    bin: int
    position: float
    angle: float
    height: float
    left: float
    right: float
    vertex: float
    kept: bool


@dataclass(frozen=True, eq=False)
class OrientationView:
    """Everything that leads to the orientation of one point.

    Attributes:
        octave, layer, col, row: the sample in the middle of the window.
        radius: of the window, octave pixels; n = 2 radius + 1.
        values: (n, n) float32 grey values of the level; NaN outside.
        magnitude: (n, n) float32 of the gradient (difference of the two neighbours); 0 where there is none.
        angle: (n, n) float32 degrees clockwise from +x, of increasing brightness; NaN where there is no gradient.
        weight: (n, n) float32, the Gaussian of 1.5 sigma; votes are weight * magnitude.
        raw, smooth: (36,) float32 before and after [1 4 6 4 1] / 16.
        threshold: ``peak_ratio`` times the highest bin.
        peaks: all local peaks, highest first.
    """

    octave: int
    layer: int
    col: int
    row: int
    radius: int
    values: Float32
    magnitude: Float32
    angle: Float32
    weight: Float32
    raw: Float32
    smooth: Float32
    threshold: float
    peaks: tuple[OrientationPeak, ...]

    def __post_init__(self) -> None:
        for name in ("values", "magnitude", "angle", "weight"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float32, (None, None), name))
        for name in ("raw", "smooth"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float32, (ORIENTATION_BINS,), name))


def window_radius(sigma: Array) -> Int32:
    """Return the radius of the orientation window for sigmas in octave pixels."""
    radius: Int32 = np.rint(np.float32(RADIUS_FACTOR) * np.asarray(sigma, np.float32)).astype(np.int32)
    return radius


def histograms(level: Float32, row: Int32, col: Int32, sigma: Float32) -> Float32:
    """Return the raw (K, 36) float32 histograms around K samples of one Gaussian level.

    Args:
        level: (height, width) float32.
        row, col: (K,) samples.
        sigma: (K,) of the keypoints, octave pixels.
    """
    result = np.zeros((len(row), ORIENTATION_BINS), np.float32)
    radius = window_radius(sigma)

    def vote(widest: int, some: Array) -> None:
        """Let the gradients around the points of one size of window vote."""
        dx, dy, valid = gradients(level, row[some], col[some], widest)
        magnitude, angle = polar(dx, dy)
        weight = _weights(sigma[some], radius[some], widest)
        votes = magnitude.reshape(weight.shape)
        np.multiply(votes, weight, out=votes)
        if valid is not None:
            votes *= valid
        result[some] = _vote(angle, votes)

    in_chunks(radius, vote)
    return result


def _weights(sigma: Float32, radius: Int32, widest: int) -> Float32:
    """Return (K, n, n) Gaussian weights; zero beyond each row's own radius."""
    step = np.arange(-widest, widest + 1, dtype=np.float32)
    scale = -1.0 / (2.0 * (np.float32(SIGMA_FACTOR) * sigma) ** 2)
    line = np.exp(scale[:, None] * step**2)
    line[np.abs(step) > radius[:, None]] = 0
    product: Float32 = line[:, :, None] * line[:, None, :]
    return product


def _vote(angle: Float32, votes: Float32) -> Float64:
    """Return (K, 36) sums of votes by the nearest bin; angles are counter-clockwise, bins clockwise."""
    count = len(angle)
    number = np.rint(angle * np.float32(-ORIENTATION_BINS / 360)).astype(np.int64)
    number += np.where(number < 0, ORIENTATION_BINS, 0)
    number += (np.arange(count) * ORIENTATION_BINS)[:, None, None]
    total = np.bincount(number.reshape(-1), votes.reshape(-1), count * ORIENTATION_BINS)
    return np.asarray(total.reshape(count, ORIENTATION_BINS), np.float64)


def smoothed(raw: Float32) -> Float32:
    """Return (K, 36) histograms filtered around the circle with [1 4 6 4 1] / 16."""
    around = np.concatenate([raw[..., -2:], raw, raw[..., :2]], axis=-1)
    near = (around[..., 1:-3] + around[..., 3:-1]) * np.float32(4 / 16)
    far = (around[..., :-4] + around[..., 4:]) * np.float32(1 / 16)
    return np.asarray(far + near + raw * np.float32(6 / 16), np.float32)


def find_peaks(smooth: Float32, settings: SiftSettings) -> Peaks:
    """Return every local peak that reaches ``peak_ratio`` of its histogram's highest bin, with the parabola's angle.

    A peak is strictly higher than both neighbours; a flat histogram has none. With a cap the highest stay.
    """
    left, right = np.roll(smooth, 1, axis=1), np.roll(smooth, -1, axis=1)
    limit = smooth.max(axis=1, initial=0) * np.float32(settings.peak_ratio)
    tops = (smooth > left) & (smooth > right) & (smooth >= limit[:, None])
    if settings.most_orientations:
        heights = np.where(tops, smooth, -np.inf)
        order = np.argsort(-heights, axis=1, kind="stable")
        rank = np.argsort(order, axis=1, kind="stable")
        tops &= rank < settings.most_orientations
    point, number = np.nonzero(tops)
    position = _vertex(left[tops], smooth[tops], right[tops], number)
    return Peaks(point.astype(np.int32), _degrees(position), smooth[tops])


def _vertex(left: Float32, height: Float32, right: Float32, number: Array) -> Float32:
    """Return the position of the parabola through three bins, in [0, 36)."""
    position = number + np.float32(0.5) * (left - right) / (left - 2 * height + right)
    position = np.where(position < 0, position + ORIENTATION_BINS, position)
    return np.where(position >= ORIENTATION_BINS, position - ORIENTATION_BINS, position).astype(np.float32)


def _degrees(position: Float32) -> Float32:
    angle = position * np.float32(BIN_DEGREES)
    return np.where(np.abs(angle - 360) < np.finfo(np.float32).eps, 0, angle).astype(np.float32)


# ---------------------------------------------------------------------------- one keypoint


def orientation_at(
    space: ScaleSpace, octave: int, layer: int, col: int, row: int, sigma: float, settings: SiftSettings
) -> OrientationView:
    """Return everything that leads to the orientation at one sample.

    Args:
        octave, layer, col, row: the sample, which need not be a keypoint.
        sigma: image pixels.
    """
    local = np.array([sigma * 2.0**-octave], np.float32)
    radius = int(window_radius(local)[0])
    window = space.window(octave, layer, col, row, radius + 1)
    size = 2 * radius + 3
    values = np.full((size, size), np.nan, np.float32)
    top, left = window.top - row + radius + 1, window.left - col + radius + 1
    height, width = window.values.shape
    values[top : top + height, left : left + width] = window.values
    dx = values[1:-1, 2:] - values[1:-1, :-2]
    dy = values[:-2, 1:-1] - values[2:, 1:-1]
    valid = ~(np.isnan(dx) | np.isnan(dy))
    magnitude, angle = polar(np.where(valid, dx, 0), np.where(valid, dy, 0))
    weight = _weights(local, np.array([radius], np.int32), radius)[0]
    raw = _vote(angle[None], (magnitude * weight)[None]).astype(np.float32)
    smooth = smoothed(raw)[0]
    return OrientationView(
        octave=octave,
        layer=layer,
        col=col,
        row=row,
        radius=radius,
        values=values[1:-1, 1:-1],
        magnitude=magnitude,
        angle=np.where(magnitude > 0, (360 - angle) % 360, np.nan),
        weight=weight,
        raw=raw[0],
        smooth=smooth,
        threshold=float(smooth.max() * np.float32(settings.peak_ratio)),
        peaks=_all_peaks(smooth, settings),
    )


def _all_peaks(smooth: Float32, settings: SiftSettings) -> tuple[OrientationPeak, ...]:
    """Return every local peak, highest first, with its parabola."""
    left, right = smooth[np.arange(-1, len(smooth) - 1)], smooth[np.arange(1 - len(smooth), 1)]
    tops = np.flatnonzero((smooth > left) & (smooth > right))
    tops = tops[np.argsort(-smooth[tops], kind="stable")]
    limit = smooth.max() * np.float32(settings.peak_ratio)
    most = settings.most_orientations or ORIENTATION_BINS
    position = _vertex(left[tops], smooth[tops], right[tops], tops)
    angle = _degrees(position)
    peaks = []
    for rank, number in enumerate(tops.tolist()):
        before, height, after = (float(v) for v in (left[number], smooth[number], right[number]))
        bend = before - 2 * height + after
        vertex = height - (before - after) ** 2 / (8 * bend)
        kept = bool(smooth[number] >= limit) and rank < most
        peaks.append(
            OrientationPeak(number, float(position[rank]), float(angle[rank]), height, before, after, vertex, kept)
        )
    return tuple(peaks)


def orientation_of(explanation: SiftExplanation, keypoint: int) -> OrientationView:
    """Return everything that leads to the orientation of a keypoint of an explanation."""
    row = int(explanation.candidate[keypoint])
    found = explanation.candidates
    return orientation_at(
        explanation.space,
        int(found.octave[row]),
        int(found.layer[row]),
        int(found.col[row]),
        int(found.row[row]),
        float(found.sigma[row]),
        explanation.settings,
    )
