"""Scale space of one scan line: extrema merge as the blur grows and none ever appears.

What lives here: the exact discrete Gaussian and the scale space of a 1-D signal. What does not: pictures
(``scale_space``). May import: records, numpy; scipy inside functions.

Source: Lindeberg, Scale-space for discrete signals, PAMI 12(3), 1990. T(n, t) = exp(-t) I_n(t), t = sigma**2, is the
only family on a pixel grid that is exactly a semigroup and never makes a new extremum; a sampled Gaussian is neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.records import Array, Float32, Float64, read_only

LEVELS = 160
LEAST_SIGMA = 0.25
# Differences below this share of the signal's range are rounding, not slopes.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class ScanLine:
    """A signal of N samples at S blurs.

    Attributes:
        sigmas: (S,) float64 pixels, rising; 0 first (the signal itself) by default.
        values: (S, N) float32.
        extrema: (S, N) int8: +1 at a local maximum, -1 at a minimum, else 0; a plateau counts once, in its middle.
        counts: (S,) int32 extrema per blur, never increasing.
    """

    sigmas: Float64
    values: Float32
    extrema: Array
    counts: Array

    def __post_init__(self) -> None:
        for name, dtype, shape in (
            ("sigmas", np.float64, (None,)),
            ("values", np.float32, (None, None)),
            ("extrema", np.int8, (None, None)),
            ("counts", np.int32, (None,)),
        ):
            object.__setattr__(self, name, read_only(getattr(self, name), dtype, shape, f"ScanLine.{name}"))


def discrete_gaussian(sigma: float, radius: int | None = None) -> Float64:
    """Return Lindeberg's kernel exp(-t) I_n(t) for n = -radius ... radius, t = sigma**2.

    Its sum is 1 and its variance t up to what lies beyond the radius (by default about 6 sigma, 1e-9).
    """
    from scipy.special import ive

    reach = int(np.ceil(6 * sigma)) + 4 if radius is None else radius
    return np.asarray(ive(np.abs(np.arange(-reach, reach + 1)), sigma**2), np.float64)


def sigmas_for(samples: int) -> Float64:
    """Return the usual blurs: 0, then evenly spaced in the logarithm from 0.25 px to a quarter of the line."""
    return np.concatenate([[0.0], np.geomspace(LEAST_SIGMA, max(1.0, samples / 4), LEVELS - 1)])


def scan_line(signal: Array, sigmas: Float64 | None = None) -> ScanLine:
    """Return the scale space of a 1-D signal, mirrored at its ends.

    Filtering is by the kernel's own transform, exp(t (cos w - 1)), over the mirrored signal: no truncation.

    Args:
        signal: (N,) grey values, N >= 1.
        sigmas: rising, in pixels; by default :func:`sigmas_for`.
    """
    line = np.asarray(signal, np.float64).reshape(-1)
    chosen = sigmas_for(len(line)) if sigmas is None else np.asarray(sigmas, np.float64)
    both = np.concatenate([line, line[::-1]])
    wave = 2 * np.pi * np.fft.rfftfreq(len(both))
    damping = np.exp(chosen[:, None] ** 2 * (np.cos(wave) - 1))
    # Blurring one step further from the signal each time would add its rounding; from the signal itself it does not.
    values = np.fft.irfft(np.fft.rfft(both) * damping, len(both), axis=1)[:, : len(line)]
    extrema = _extrema(values, float(np.ptp(line)))
    return ScanLine(chosen, values.astype(np.float32), extrema, np.count_nonzero(extrema, axis=1).astype(np.int32))


def _extrema(values: Float64, spread: float) -> Array:
    """Return the map of extrema: where the sign of the slope changes, plateaus marked in their middle."""
    marks = np.zeros(values.shape, np.int8)
    slope = np.diff(values, axis=1)
    sign = np.where(np.abs(slope) > ROUNDING * max(spread, 1.0), np.sign(slope), 0).astype(np.int8)
    row, step = np.nonzero(sign)
    same = row[1:] == row[:-1]
    before, after = sign[row[:-1], step[:-1]], sign[row[1:], step[1:]]
    turns = same & (before != after)
    # The run from the end of one slope to the start of the next is the top.
    middle = (step[:-1] + 1 + step[1:]) // 2
    marks[row[:-1][turns], middle[turns]] = before[turns]
    return marks
