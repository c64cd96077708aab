"""Every metric as a plain product of rows, larger meaning nearer, and how far to trust its rounding.

What lives here: :class:`Problem`, two descriptor sets made ready for one matrix product. What does not: the
search (``nearest``). May import: records and numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.records import Array, Descriptors, Float32, Float64

Rows = npt.NDArray[np.intp]
Measure = Callable[[Rows, Rows], Float64]

# Largest integer below which float32 adds and multiplies without rounding.
EXACT_BELOW = float(2**24)
ROUNDING = float(2**-24)


@dataclass(frozen=True, eq=False)
class Problem:
    """Two sets ready for the product: ``left @ right.T`` is the score of every pair.

    Attributes:
        left, right: (N, K), (M, K) float32, C-contiguous.
        slack: score differences up to this may be rounding; 0 if products are exact.
        measure: (left rows, right rows) -> float64 distances of these pairs.
        from_score: distance of an exact score.
        spread: mean squared distance of the descriptors from their mean, in units of twice the score.
    """

    left: Float32
    right: Float32
    slack: np.float32
    measure: Measure
    spread: float
    from_score: Callable[[Float64], Float64]

    def swapped(self, rows: Rows) -> Problem:
        """Return the search from these right rows among all left ones."""
        return replace(
            self,
            left=np.ascontiguousarray(self.right[rows]),
            right=self.left,
            measure=lambda i, j: self.measure(j, rows[i]),
        )


def _in_chunks(rows: Rows, columns: Rows, width: int, function: Measure) -> Float64:
    """Apply ``function`` to index chunks that keep its float64 copies near 16 MB."""
    step = max(1, 1_000_000 // max(1, width))
    result = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        result[part] = function(rows[part], columns[part])
    return result


def _euclidean(left: Array, right: Array) -> Problem:
    """Return the problem whose score is -d²/2, after moving the origin into the data."""
    centre = right.mean(axis=0, dtype=np.float64)
    whole = all(bool(np.array_equal(values, np.rint(values))) for values in (left, right))
    if whole:
        centre = np.rint(centre)
    shift = centre.astype(left.dtype) if left.dtype == np.float64 else centre.astype(np.float32)
    a, b = (np.asarray(values - shift, np.float32) for values in (left, right))
    a_norm, b_norm = (np.einsum("ij,ij->i", v, v, dtype=np.float64) for v in (a, b))
    largest = 2 * max(float(a_norm.max()), float(b_norm.max()))
    exact = whole and 2 * largest < EXACT_BELOW
    one = np.ones((len(a), 1), np.float32), np.ones((len(b), 1), np.float32)
    # Two more columns put the norms into the product, so that rows and columns of it are both comparable.
    a_full = np.hstack([a, (-0.5 * a_norm)[:, None].astype(np.float32), one[0]])
    b_full = np.hstack([b, one[1], (-0.5 * b_norm)[:, None].astype(np.float32)])
    width = a_full.shape[1]

    def measure(i: Rows, j: Rows) -> Float64:
        gap = left[i].astype(np.float64) - right[j].astype(np.float64)
        result: Float64 = np.sqrt(np.einsum("ij,ij->i", gap, gap))
        return result

    return Problem(
        a_full,
        b_full,
        np.float32(0 if exact else 2 * (width + 8) * ROUNDING * largest),
        lambda i, j: _in_chunks(i, j, width, measure),
        float((a_norm.sum() + b_norm.sum()) / (len(a) + len(b))),
        lambda score: np.sqrt(-2 * score),
    )


def _unit(values: Array) -> Float64:
    rows = values.astype(np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    result: Float64 = rows / np.where(length > 0, length, 1)
    return result


def _cosine(left: Array, right: Array) -> Problem:
    """Return the problem whose score is the cosine; a zero row has cosine 0 with everything."""
    a, b = _unit(left), _unit(right)
    width = a.shape[1]

    def measure(i: Rows, j: Rows) -> Float64:
        result: Float64 = 1.0 - np.einsum("ij,ij->i", a[i], b[j])
        return result

    slack = np.float32(2 * (width + 8) * ROUNDING)
    return Problem(
        a.astype(np.float32),
        b.astype(np.float32),
        slack,
        lambda i, j: _in_chunks(i, j, width, measure),
        1.0,
        lambda score: 1 - score,
    )


def _hamming(left: Array, right: Array) -> Problem:
    """Return the problem on bits as -1 and +1, whose score is (bits - 2 * differing bits)."""
    a, b = (np.unpackbits(v, axis=1).astype(np.float32) * 2 - 1 for v in (left, right))
    width = a.shape[1]

    def measure(i: Rows, j: Rows) -> Float64:
        result: Float64 = np.bitwise_count(left[i] ^ right[j]).sum(axis=1, dtype=np.float64)
        return result

    return Problem(
        a,
        b,
        np.float32(0),
        lambda i, j: _in_chunks(i, j, width, measure),
        float(width),
        lambda score: (width - score) / 2,
    )


def problem_of(left: Descriptors, right: Descriptors) -> Problem:
    """Return the product form of the two sets' common metric.

    Raises:
        ValueError: if the sets are not comparable.
    """
    if left.metric != right.metric or left.values.shape[1] != right.values.shape[1]:
        raise ValueError(
            f"descriptors of {left.values.shape[1]} columns ({left.metric}) cannot be compared "
            f"with {right.values.shape[1]} ({right.metric})"
        )
    if left.metric == "hamming":
        return _hamming(left.values, right.values)
    if left.metric == "cosine":
        return _cosine(left.values, right.values)
    if left.metric == "mahalanobis":
        assert left.factor is not None
        assert right.factor is not None
        return _euclidean(left.values @ left.factor.T, right.values @ right.factor.T)
    # uint8 differences would wrap around
    return _euclidean(*(np.asarray(side.values, np.float32) for side in (left, right)))
