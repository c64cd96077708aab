"""SSD and ZNCC of windows, and the row forms that turn both into plain Euclidean distances.

What lives here: scores of window pairs and standardising of window rows. What does not: cutting windows
out of an image (``patches``) and searching (``nearest``). May import: records and numpy.

With u = (W - mean W) / |W - mean W| (flattened): ``zncc = u . v`` and ``|u - v|^2 = 2 (1 - zncc)``, so ranking
by ZNCC is ranking by SSD of standardised windows.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from app.records import Bool, Float32, Float64


def _rows(windows: npt.ArrayLike) -> Float64:
    values = np.asarray(windows, np.float64)
    return values.reshape(len(values), math.prod(values.shape[1:]))


def ssd(left: npt.ArrayLike, right: npt.ArrayLike) -> Float64:
    """Return the (N,) float64 sums of squared differences of N pairs of windows.

    Args:
        left, right: (N, ...) windows of equal shape, any unit; N may be 0.
    """
    gap = _rows(left) - _rows(right)
    result: Float64 = np.einsum("ij,ij->i", gap, gap)
    return result


def _centred(rows: Float64) -> tuple[Float64, Bool]:
    """Return rows less their means, and which of them are flat."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    rounding = rows.shape[1] * np.finfo(np.float64).eps * np.abs(rows).max(axis=1, initial=0.0)
    return centred, np.abs(centred).max(axis=1, initial=0.0) <= rounding


def zncc(left: npt.ArrayLike, right: npt.ArrayLike) -> Float64:
    """Return the (N,) zero-mean normalised cross-correlations in [-1, 1]; NaN where a window is flat.

    This is the lecture's NCC with the missing 1/n. Unchanged by gain > 0 and offset of either window. A window is flat
    if it varies by no more than the rounding of its mean: 121 times 85.3 has a mean of 85.30000000000001.
    """
    (a, flat_a), (b, flat_b) = _centred(_rows(left)), _centred(_rows(right))
    scale = np.where(flat_a | flat_b, 0.0, np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    product = np.einsum("ij,ij->i", a, b)
    result: Float64 = np.clip(np.divide(product, scale, out=np.full(len(a), np.nan), where=scale > 0), -1, 1)
    return result


def contrast(rows: Float32) -> Float32:
    """Return the (N,) standard deviations of window rows (N, n), in grey levels."""
    result: Float32 = rows.std(axis=1, dtype=np.float64).astype(np.float32)
    return result


def standardised(rows: Float32) -> Float32:
    """Return window rows (N, n) with zero mean and unit length; a flat window becomes NaN."""
    centred = rows - rows.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    length = np.linalg.norm(centred.astype(np.float64), axis=1, keepdims=True)
    result: Float32 = np.where(length > 0, centred / np.where(length > 0, length, 1), np.nan).astype(np.float32)
    return result


def textured(rows: Float32, *, least: float) -> Bool:
    """Return which window rows vary by at least ``least`` grey levels (and at all)."""
    spread = contrast(rows)
    return (spread >= least) & (spread > 0)
