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
# Squared norms that differ by no more than this share of themselves are those of unit vectors, rounded.
SAME_NORM = 1e-5


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
    """Apply ``function`` to index chunks whose float64 copies, about 1 MB, stay in a core's own cache."""
    step = max(1, 60_000 // max(1, width))
    result = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        result[part] = function(rows[part], columns[part])
    return result


def _whole(values: Array) -> bool:
    """Return whether all values are whole numbers, looking at so many rows at a time as stay cached."""
    step = max(1, 100_000 // max(1, values.shape[1]))
    parts = (values[start : start + step] for start in range(0, len(values), step))
    return all(bool((np.rint(part) == part).all()) for part in parts)


def _with_norms(values: Array, shift: Array, *, norm_first: bool) -> tuple[Float32, Float32]:
    """Return ((N, D + 2) float32 rows of shifted values with minus half their squared norm and a one, the norms).

    Left rows carry (norm, 1) and right rows (1, norm), so that the product of two rows is -d²/2.
    """
    n, width = values.shape
    full = np.empty((n, width + 2), np.float32)
    moved = np.subtract(values, shift, out=full[:, :width], casting="same_kind")
    norms: Float32 = np.vecdot(moved, moved)
    full[:, width if norm_first else width + 1] = -0.5 * norms
    full[:, width + 1 if norm_first else width] = 1
    return full, norms


def _same_norms(left: Array, right: Array) -> tuple[float, float] | None:
    """Return (the greatest squared norm, how much less the least is), None if not all are the same but for rounding."""
    most = apart = 0.0
    for part in (16, None):  # the first rows usually tell
        norms = [np.vecdot(rows[:part], rows[:part]) for rows in (left, right)]
        most = float(max(side.max() for side in norms))
        apart = most - float(min(side.min() for side in norms))
        if not 0 <= apart <= SAME_NORM * most:
            return None
    return (most, apart) if most > 0 else None


@dataclass(frozen=True, eq=False)
class _Sets:
    """Both sets as the product takes them, with the slack and the spread of :class:`Problem`."""

    left: Float32
    right: Float32
    slack: float
    spread: float


def _of_one_length(left: Array, right: Array, centre: Float64) -> _Sets | None:
    """Return vectors of one length (windows for ZNCC, RootSIFT, a network's) as they are, None of any others.

    Their product differs from -d²/2 by a constant. It is more roughly rounded than that of vectors about their mean, so
    vectors much nearer to each other than to the origin are left to that.
    """
    same = _same_norms(left, right)
    if same is None:
        return None
    most, apart = same
    total = left.sum(axis=0) + right.sum(axis=0)  # exact enough for a measure of spread, and the quickest
    spread = most - 2 * float(centre @ total) / (len(left) + len(right)) + float(centre @ centre)
    if spread < most / 2:
        return None
    a, b = (np.ascontiguousarray(rows, np.float32) for rows in (left, right))
    # As much for the rounding of the norms as for that of the products.
    return _Sets(a, b, 4 * (a.shape[1] + 10) * ROUNDING * most + apart, spread)


def _about_centre(left: Array, right: Array, centre: Float64, *, whole: bool) -> _Sets:
    """Return the rows moved to a common centre and with their norms, so that the product is -d²/2."""
    shift = centre.astype(left.dtype)
    a, a_norm = _with_norms(left, shift, norm_first=True)
    b, b_norm = _with_norms(right, shift, norm_first=False)
    largest = 2 * max(float(a_norm.max()), float(b_norm.max()))
    exact = whole and 2 * largest < EXACT_BELOW
    slack = 0.0 if exact else 2 * (a.shape[1] + 8) * ROUNDING * largest
    total = float(a_norm.sum(dtype=np.float64) + b_norm.sum(dtype=np.float64))
    return _Sets(a, b, slack, total / (len(a) + len(b)))


def _euclidean(left: Array, right: Array) -> Problem:
    """Return the problem whose score is -d²/2, but for a constant."""
    centre: Float64 = right[:: 1 + len(right) // 1000].mean(axis=0, dtype=np.float64)
    whole = _whole(left) and _whole(right)
    if whole:
        centre = np.rint(centre)
    rows = None if whole else _of_one_length(left, right, centre)
    rows = rows or _about_centre(left, right, centre, whole=whole)

    def measure(i: Rows, j: Rows) -> Float64:
        """Return the distances of these pairs of rows, exactly."""
        gap = left[i].astype(np.float64)
        gap -= right[j]
        result: Float64 = np.sqrt(np.vecdot(gap, gap))
        return result

    return Problem(
        rows.left,
        rows.right,
        np.float32(rows.slack),
        lambda i, j: _in_chunks(i, j, left.shape[1], measure),
        rows.spread,
        lambda score: np.sqrt(np.abs(2 * score)),  # exact scores are -d²/2, at most 0; abs, since -2 * 0 is -0
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
        """Return the distances of these pairs of rows, exactly."""
        result: Float64 = 1.0 - np.vecdot(a[i], b[j])
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
        """Return the distances of these pairs of rows, exactly."""
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
