"""The laws of the Gaussian scale space, as numbers on a picture: one line at many scales, and what smoothing may do.

What lives here: the discrete Gaussian, scan lines and their extrema, and how well a difference of Gaussians equals
the Laplacian. What does not: the demonstrations of the axioms (``scale_axioms``), SIFT's own pyramid. May import:
records, numpy and cv2.

The discrete Gaussian T(n, t) = exp(-t) I_n(t), t = sigma² (Lindeberg, Scale-space for discrete signals, PAMI 12(3),
1990) is the one kernel on a pixel grid for which the semigroup is exact and a line never gains an extremum; the
sampled Gaussian that filters use only comes close. Borders are mirrored about the edge of the last pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from app.records import Array, Bool, Float64

# Differences below this share of a line's range are rounding, not slope.
ROUNDING = 1e-11
# The k whose errors are shown in the table: (k - 1) sigma² LoG(sigma), ln k sigma_e² LoG(sigma_e).
TABLE_K = (2 ** (1 / 3), math.sqrt(2.0), 1.6, 2.0)


def smoothed_lines(line: npt.ArrayLike, sigmas: npt.ArrayLike) -> Float64:
    """Return a line of grey values under the discrete Gaussian of every scale.

    Args:
        line: (W,) values, W >= 1.
        sigmas: (S,) standard deviations in pixels, >= 0.

    Returns:
        (S, W) float64; the mean of every row is that of ``line``.
    """
    values = np.asarray(line, np.float64)
    scales = np.asarray(sigmas, np.float64)
    n = len(values)
    spectrum = np.fft.rfft(np.concatenate([values, values[::-1]]))
    decay = 1 - np.cos(np.pi * np.arange(n + 1) / n)
    rows = np.fft.irfft(np.exp(-np.outer(scales**2, decay)) * spectrum, 2 * n, axis=1)
    result: Float64 = np.ascontiguousarray(rows[:, :n])
    return result


def discrete_gaussian(picture: npt.ArrayLike, sigma: float) -> Float64:
    """Return an (H, W) picture under the discrete Gaussian, float64; H and W must be even (or 1).

    It is the exact solution of dL/dt = ½ (the five-point Laplacian of L) at t = sigma².
    """
    values = np.asarray(picture, np.float64)
    spectrum = cv2.dct(values)
    for axis, n in enumerate(values.shape):
        decay = np.exp(-(sigma**2) * (1 - np.cos(np.pi * np.arange(n) / n)))
        spectrum = spectrum * (decay[:, None] if axis == 0 else decay[None, :])
    return np.asarray(cv2.idct(spectrum), np.float64)


@dataclass(frozen=True, eq=False)
class LineExtrema:
    """Where the extrema of a smoothed line lie.

    Attributes:
        row, column: (N,) the index of the scale and the pixel.
        maximum: (N,) bool, True for a maximum.
        count: (S,) how many there are at every scale.
    """

    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    maximum: Bool
    count: npt.NDArray[np.intp]

    @property
    def appeared(self) -> int:
        """How many steps from one scale to the next larger one gained an extremum."""
        return int(np.count_nonzero(np.diff(self.count) > 0))


def line_extrema(rows: npt.ArrayLike) -> LineExtrema:
    """Return the interior local extrema of every row of (S, W) values.

    A plateau counts once, at its first pixel; differences that are rounding do not count as slope.
    """
    values = np.asarray(rows, np.float64)
    step = np.diff(values, axis=1)
    flat = np.abs(step) <= ROUNDING * max(float(np.ptp(values)) if values.size else 0.0, 1e-300)
    sign = np.where(flat, 0, np.sign(step)).astype(np.int8)
    # The last slope that was not flat, carried along the row.
    place = np.where(sign != 0, np.arange(step.shape[1]), -1)
    last = np.maximum.accumulate(place, axis=1) if step.size else place
    before = last[:, :-1]
    carried = np.take_along_axis(sign, np.maximum(before, 0), axis=1)
    after = sign[:, 1:]
    turn = (before >= 0) & (after != 0) & (carried == -after)
    row, column = np.nonzero(turn)
    start = before[row, column] + 1
    return LineExtrema(row, start, after[row, column] < 0, np.count_nonzero(turn, axis=1))


def log_scales(low: float, high: float, count: int) -> Float64:
    """Return ``count`` scales from ``low`` to ``high`` pixels, evenly spaced in their logarithm."""
    result: Float64 = np.geomspace(low, high, count)
    return result


# ------------------------------------------------------------------ DoG against sigma² LoG


def dog_profile(radius: npt.ArrayLike, k: float, sigma: float = 1.0) -> Float64:
    """Return G(k sigma) - G(sigma) at distances from the centre, in 2-D with 1 / (2 pi sigma²)."""
    r2 = np.asarray(radius, np.float64) ** 2
    result: Float64 = _gaussian(r2, k * sigma) - _gaussian(r2, sigma)
    return result


def laplacian_profile(radius: npt.ArrayLike, sigma: float) -> Float64:
    """Return sigma² times the Laplacian of the 2-D Gaussian at distances from the centre."""
    r2 = np.asarray(radius, np.float64) ** 2
    result: Float64 = (r2 / sigma**2 - 2) * _gaussian(r2, sigma)
    return result


def first_order(radius: npt.ArrayLike, k: float, sigma: float = 1.0) -> Float64:
    """Return the lecture's approximation (k - 1) sigma² LoG(sigma)."""
    return (k - 1) * laplacian_profile(radius, sigma)


def midpoint(radius: npt.ArrayLike, k: float, sigma: float = 1.0) -> Float64:
    """Return ln k sigma_e² LoG(sigma_e) with sigma_e = sqrt(k) sigma: the midpoint rule of the exact integral."""
    return math.log(k) * laplacian_profile(radius, math.sqrt(k) * sigma)


def _gaussian(r2: Float64, sigma: float) -> Float64:
    result: Float64 = np.exp(-r2 / (2 * sigma**2)) / (2 * math.pi * sigma**2)
    return result


def dog_errors(k: float) -> tuple[float, float]:
    """Return the relative L2 errors of (:func:`first_order`, :func:`midpoint`) against the DoG, in closed form.

    By Parseval every product of Gaussian kernels is an integral of w^m exp(-p w) over w = |frequency|², m = 0, 1, 2.
    Errors are relative to the DoG's own norm (34 % and 1.4 % at k = 2^(1/3)).

    Raises:
        ValueError: unless k > 1.
    """
    if not k > 1:
        raise ValueError(f"k: expected more than 1, found {k}")
    norm = 1 / k**2 - 4 / (k**2 + 1) + 1
    errors = []
    for factor, t in ((k - 1, 1.0), (math.log(k), k)):
        product = -factor * t * (4 / (k**2 + t) ** 2 - 4 / (1 + t) ** 2)
        errors.append(math.sqrt(max(norm - 2 * product + 2 * factor**2 / t, 0.0) / norm))
    return errors[0], errors[1]


@dataclass(frozen=True, eq=False)
class SlideDog:
    """A difference of Gaussians with the right normalisation and with the slide's.

    Attributes:
        right, slide: (H, W) float32, for grey values in [0, 1].
        flat_xy: centre (x, y) of the flattest window of the picture.
        flat_grey: its mean, in [0, 1].
        flat_right, flat_slide: mean response in it.
        predicted: what the slide's constant must give on a constant: sqrt(2 pi) (k - 1) sigma times the grey.
    """

    right: Array
    slide: Array
    flat_xy: tuple[int, int]
    flat_grey: float
    flat_right: float
    flat_slide: float
    predicted: float


def slide_dog(grey: npt.ArrayLike, sigma: float, k: float, window: tuple[int, int, int] | None = None) -> SlideDog:
    """Return the DoG of a grey picture with 1/(2 pi sigma²) and with the slide's 1-D constant 1/(sqrt(2 pi) sigma).

    With the slide's constant the 2-D kernel sums to sqrt(2 pi) sigma, so a constant picture has a response.

    Args:
        grey: (H, W), 0 to 255.
        sigma, k: the lower scale in pixels and the factor between the two.
        window: (x, y, side) of the flattest window, if :func:`flattest` of ``grey / 255`` is known already.
    """
    values = np.asarray(grey, np.float32) / np.float32(255)
    low, high = (cv2.GaussianBlur(values, (0, 0), s) for s in (sigma, k * sigma))
    root = math.sqrt(2 * math.pi)
    right, slide = high - low, root * sigma * (k * high - low)
    x, y, side = window or flattest(values)
    part = (slice(y - side // 2, y + side // 2 + 1), slice(x - side // 2, x + side // 2 + 1))
    flat = float(values[part].mean())
    return SlideDog(
        right,
        slide,
        (x, y),
        flat,
        float(right[part].mean()),
        float(slide[part].mean()),
        root * (k - 1) * sigma * flat,
    )


def flattest(values: Array, side: int = 21) -> tuple[int, int, int]:
    """Return (x, y, side) of the bright window that varies least; the side is smaller in a small picture."""
    side = min(side, (min(values.shape) - 1) // 2 * 2 + 1)
    wide = values.astype(np.float64)
    mean, square = (np.asarray(cv2.blur(v, (side, side))) for v in (wide, wide * wide))
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    # A black window is flat as well but would show nothing: the response is proportional to the grey.
    cost = spread + 0.05 * (1 - mean)
    half = side // 2
    inner = cost[half : cost.shape[0] - half, half : cost.shape[1] - half]
    row, column = np.unravel_index(int(inner.argmin()), inner.shape)
    return int(column) + half, int(row) + half, side
