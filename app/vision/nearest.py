"""Exact nearest neighbours between two sets of descriptors by one chunked matrix product.

What lives here: :func:`nearest` (nearest, second nearest and the mutual check from one product),
:func:`distances_to` and :func:`dual_softmax`. What does not: which of the nearest become matches
(``match``). May import: records and numpy.

How it stays exact
------------------
Every metric is turned into a *score* that is a plain product of rows, larger meaning nearer: minus half the
squared distance, for bits and cosines the product itself. Integers small enough (SIFT, grey windows,
bits) give exact float32 products. For all others a bound on the rounding error says which
rows and columns are too close to call; only those are measured again in float64. The result is that of
measuring every pair in float64 and taking the lowest index among equals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.records import Array, Bool, Descriptors, Float32, Float64, Int32

Rows = npt.NDArray[np.intp]
Measure = Callable[[Rows, Rows], Float64]

# Floats per block of the product: 8 MB stays in the cache between the passes over it.
BLOCK = 2_000_000
MOST_ROWS = 1024
# Largest integer below which float32 adds and multiplies without rounding.
EXACT_BELOW = float(2**24)
ROUNDING = float(2**-24)
# Below every score; finite, so that differences of two of them stay numbers.
NEVER = np.float32(-3e38)


class Stopped(Exception):  # noqa: N818 -- nothing went wrong: the caller asked for it
    """The search was given up because its ``stop`` function said so."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest right descriptor of every left one.

    Attributes:
        index: (N,) int32, -1 if there is no right descriptor.
        distance: (N,) float32 in the metric's own unit (never squared), NaN where there is none.
        second: (N,) float32 distance to the second nearest, NaN if there are fewer than two.
        mutual: (N,) bool: the left row is also the nearest of its nearest (lowest index among equals).
    """

    index: Int32
    distance: Float32
    second: Float32
    mutual: Bool


@dataclass(frozen=True, eq=False)
class _Problem:
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

    def swapped(self, rows: Rows) -> _Problem:
        """Return the search from these right rows among all left ones."""
        return replace(
            self,
            left=np.ascontiguousarray(self.right[rows]),
            right=self.left,
            measure=lambda i, j: self.measure(j, rows[i]),
        )


# ------------------------------------------------------------------------- metric -> score


def _in_chunks(rows: Rows, columns: Rows, width: int, function: Measure) -> Float64:
    """Apply ``function`` to index chunks that keep its float64 copies near 16 MB."""
    step = max(1, 1_000_000 // max(1, width))
    result = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        result[part] = function(rows[part], columns[part])
    return result


def _euclidean(left: Array, right: Array) -> _Problem:
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

    return _Problem(
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


def _cosine(left: Array, right: Array) -> _Problem:
    """Return the problem whose score is the cosine; a zero row has cosine 0 with everything."""
    a, b = _unit(left), _unit(right)
    width = a.shape[1]

    def measure(i: Rows, j: Rows) -> Float64:
        result: Float64 = 1.0 - np.einsum("ij,ij->i", a[i], b[j])
        return result

    slack = np.float32(2 * (width + 8) * ROUNDING)
    return _Problem(
        a.astype(np.float32),
        b.astype(np.float32),
        slack,
        lambda i, j: _in_chunks(i, j, width, measure),
        1.0,
        lambda score: 1 - score,
    )


def _hamming(left: Array, right: Array) -> _Problem:
    """Return the problem on bits as -1 and +1, whose score is (bits - 2 * differing bits)."""
    a, b = (np.unpackbits(v, axis=1).astype(np.float32) * 2 - 1 for v in (left, right))
    width = a.shape[1]

    def measure(i: Rows, j: Rows) -> Float64:
        result: Float64 = np.bitwise_count(left[i] ^ right[j]).sum(axis=1, dtype=np.float64)
        return result

    return _Problem(
        a,
        b,
        np.float32(0),
        lambda i, j: _in_chunks(i, j, width, measure),
        float(width),
        lambda score: (width - score) / 2,
    )


def _problem(left: Descriptors, right: Descriptors) -> _Problem:
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


# -------------------------------------------------------------------------------- search


@dataclass(eq=False)
class _Found:
    """What the blocks have told so far; scores, not distances."""

    index: Rows
    distance: Float64
    second: Float64
    score: Float32
    alone: Bool  # the row is the first, and beyond doubt the only, best of its column within its block


def _best_two(block: Float32, rows: Rows) -> tuple[Rows, Float32, Rows, Float32, Float32]:
    """Return (first index, its score, second index, its score, third score) of every row."""
    first = block.argmax(axis=1)
    best = block[rows, first]
    if block.shape[1] == 1:
        none = np.full(len(rows), NEVER)
        return first, best, first, none, none
    block[rows, first] = NEVER
    second = block.argmax(axis=1)
    runner_up = block[rows, second]
    block[rows, second] = NEVER
    third = block.max(axis=1)
    block[rows, first] = best
    block[rows, second] = runner_up
    return first, best, second, runner_up, third


def _settle(block: Float32, rows: Rows, floor: Float32, offset: int, measure: Measure) -> tuple[Rows, Float64, Float64]:
    """Return (index, distance, second distance) of these block rows by measuring all scores >= ``floor``."""
    at, column = np.nonzero(block[rows] >= floor[:, None])
    distance = measure(rows[at] + offset, column)
    order = np.lexsort((column, distance, at))
    start = np.searchsorted(at, np.arange(len(rows)))  # ``at`` is sorted, and stays so under ``order``
    return column[order[start]], distance[order[start]], distance[order[start + 1]]


def _search_block(problem: _Problem, block: Float32, offset: int, found: _Found) -> Float32:
    """Fill the rows of one block into ``found``; return the best score of every column in it."""
    slack = problem.slack
    rows = np.arange(len(block))
    here = slice(offset, offset + len(block))
    columns: Float32 = block.max(axis=0)
    first, best, second, runner_up, third = _best_two(block, rows)
    if slack:
        found.distance[here] = problem.measure(rows + offset, first)
        found.second[here] = problem.measure(rows + offset, second) if block.shape[1] > 1 else np.nan
        unsure = np.flatnonzero((best - runner_up <= slack) | (runner_up - third <= slack))
        if len(unsure) and block.shape[1] > 1:
            index, distance, runner = _settle(block, unsure, runner_up[unsure] - slack, offset, problem.measure)
            first[unsure] = index
            found.distance[offset + unsure] = distance
            found.second[offset + unsure] = runner
            best = block[rows, first]
    else:
        found.distance[here], found.second[here] = best, runner_up
    found.index[here], found.score[here] = first, best
    hopeful = np.flatnonzero(best >= columns[first] - slack)
    rivals = block[:, first[hopeful]] >= columns[first[hopeful]] - slack
    if slack:
        found.alone[offset + hopeful] = (rivals.sum(axis=0) == 1) & rivals[hopeful, np.arange(len(hopeful))]
    else:
        found.alone[offset + hopeful] = rivals.argmax(axis=0) == hopeful
    return columns


@dataclass(frozen=True, eq=False)
class _Columns:
    """Best score of every column, the best of all other blocks, the block it lies in, and the rows per block."""

    best: Float32
    other: Float32
    origin: Rows
    step: int


def _search(problem: _Problem, stop: Callable[[], bool] | None, *, mutual: bool) -> tuple[_Found, Bool]:
    """Return what every left row finds, and whether it is mutual (all False if not asked for)."""
    n, m = len(problem.left), len(problem.right)
    found = _Found(np.zeros(n, np.intp), np.empty(n), np.empty(n), np.empty(n, np.float32), np.zeros(n, np.bool_))
    step = max(1, min(n, BLOCK // m, MOST_ROWS))
    buffer = np.empty((step, m), np.float32)
    top, other = np.full(m, NEVER), np.full(m, NEVER)
    origin = np.zeros(m, np.intp)
    for offset in range(0, n, step):
        if stop is not None and stop():
            raise Stopped
        block = buffer[: min(step, n - offset)]
        np.dot(problem.left[offset : offset + step], problem.right.T, out=block)
        columns = _search_block(problem, block, offset, found)
        better = columns > top
        np.maximum(other, np.minimum(top, columns), out=other)
        np.maximum(top, columns, out=top)
        origin[better] = offset // step
    if not mutual:
        return found, np.zeros(n, np.bool_)
    return found, _mutual(problem, found, _Columns(top, other, origin, step), stop)


def _mutual(problem: _Problem, found: _Found, columns: _Columns, stop: Callable[[], bool] | None) -> Bool:
    """Return whether every row is the nearest of its nearest, searching again only where rounding leaves doubt."""
    top = columns.best[found.index]
    if not problem.slack:
        here = columns.origin[found.index] == np.arange(len(found.index)) // columns.step
        result: Bool = found.alone & here & (found.score == top)
        return result
    sure: Bool = found.alone & (found.score == top) & (columns.other[found.index] < top - problem.slack)
    unsure = np.flatnonzero((found.score >= top - problem.slack) & ~sure)
    if len(unsure):
        asked, answer = np.unique(found.index[unsure], return_inverse=True)
        back, _ = _search(problem.swapped(asked), stop, mutual=False)
        sure[unsure] = back.index[answer] == unsure
    return sure


def nearest(
    left: Descriptors, right: Descriptors, *, mutual: bool = True, stop: Callable[[], bool] | None = None
) -> Nearest:
    """Return the nearest and second nearest right descriptor of every left one, exactly.

    Identical to measuring every pair in float64 and taking the lowest index among equals. Beside the
    inputs it needs a block of the product and one padded copy of each set.

    Args:
        left, right: (N, D) and (M, D) of the same metric.
        mutual: also decide, from the same product, whether each row is the nearest of its nearest.
        stop: asked between blocks (some milliseconds apart); True gives the search up.

    Returns:
        N rows; index -1 and NaN distances if ``right`` is empty.

    Raises:
        ValueError: if metric or length differ.
        Stopped: when ``stop`` returned True.
    """
    n, m = len(left), len(right)
    if n == 0 or m == 0:
        nothing = np.full(n, np.nan, np.float32)
        return Nearest(np.full(n, -1, np.int32), nothing, nothing, np.zeros(n, np.bool_))
    problem = _problem(left, right)
    found, both = _search(problem, stop, mutual=mutual)
    distance, second = found.distance, found.second
    if not problem.slack:
        distance = problem.from_score(distance)
        second = problem.from_score(second) if m > 1 else np.full(n, np.nan)
    return Nearest(found.index.astype(np.int32), distance.astype(np.float32), second.astype(np.float32), both)


def distances_to(query: Descriptors, candidates: Descriptors) -> Float32:
    """Return the (N,) float32 distances from one descriptor to all of ``candidates``, measured in float64.

    Raises:
        ValueError: if ``query`` is not a single row, or metric or length differ.
    """
    if len(query) != 1:
        raise ValueError(f"query: expected 1 descriptor, found {len(query)}")
    if not len(candidates):
        return np.zeros(0, np.float32)
    columns = np.arange(len(candidates))
    return _problem(query, candidates).measure(np.zeros_like(columns), columns).astype(np.float32)


def dual_softmax(
    left: Descriptors,
    right: Descriptors,
    pairs: Int32,
    *,
    temperature: float,
    stop: Callable[[], bool] | None = None,
) -> Float32:
    """Return the (M,) float32 confidence of these pairs: softmax over its row times softmax over its column.

    The similarity is minus half the squared distance (the cosine itself for cosine distances) over ``temperature``,
    in units of the descriptors' own spread about their mean, so that one temperature serves every descriptor.
    Rows and columns of all confidences sum to at most 1. Source: facts sheet 21; Sun et al., LoFTR, CVPR 2021.

    Args:
        pairs: (M, 2) left and right rows.
        temperature: > 0; smaller is more decided.
        stop: as in :func:`nearest`.
    """
    if not len(pairs):
        return np.zeros(0, np.float32)
    problem = _problem(left, right)
    scale = np.float32(1 / (temperature * max(problem.spread, 1e-12)))
    n, m = len(problem.left), len(problem.right)
    row_top, row_sum = np.empty(n), np.empty(n)
    column_top, column_sum = np.full(m, -np.inf), np.zeros(m)
    picked = np.empty(len(pairs))
    step = max(1, min(n, BLOCK // m))
    for offset in range(0, n, step):
        if stop is not None and stop():
            raise Stopped
        block = np.dot(problem.left[offset : offset + step] * scale, problem.right.T)
        here = slice(offset, offset + len(block))
        mine = np.flatnonzero((pairs[:, 0] >= offset) & (pairs[:, 0] < offset + len(block)))
        picked[mine] = block[pairs[mine, 0] - offset, pairs[mine, 1]]
        row_top[here] = block.max(axis=1)
        row_sum[here] = np.exp(block - block.max(axis=1, keepdims=True)).sum(axis=1)
        top = np.maximum(column_top, block.max(axis=0))
        column_sum *= np.exp(column_top - top)
        column_sum += np.exp(block - top.astype(np.float32)).sum(axis=0)
        column_top = top
    i, j = pairs[:, 0], pairs[:, 1]
    log_row, log_column = np.log(row_sum[i]) + row_top[i], np.log(column_sum[j]) + column_top[j]
    confidence: Float32 = np.clip(np.exp(2 * picked - log_row - log_column), 0, 1).astype(np.float32)
    return confidence
