"""Exact nearest neighbours between two sets of descriptors by one chunked matrix product.

What lives here: :func:`nearest` (nearest, second nearest and the mutual check from one product),
:func:`distances_to` and :func:`dual_softmax`. What does not: which of the nearest become matches
(``match``), and the metrics (``scores``). May import: records, scores and numpy.

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
from dataclasses import dataclass

import numpy as np

from app.records import Bool, Descriptors, Float32, Float64, Int32
from app.vision.scores import Measure, Problem, Rows, problem_of

# Floats per block of the product: 12 MB stays in the last cache between the passes over it; smaller blocks
# repeat the product's own preparations too often, above all when other programs want the cores.
BLOCK = 3_000_000
MOST_ROWS = 1024
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


@dataclass(eq=False)
class _Found:
    """What the blocks have told so far; scores, not distances."""

    index: Rows
    distance: Float64
    second: Float64
    score: Float32
    alone: Bool  # the row is the first, and beyond doubt the only, best of its column within its block


def _best_two(block: Float32, rows: Rows, *, exact: bool) -> tuple[Rows, Float32, Rows, Float32, Float32]:
    """Return (first index, its score, second index, its score, third score) of every row.

    The third only serves to tell a close call, and is not looked for where products are exact.
    """
    first = block.argmax(axis=1)
    best = block[rows, first]
    if block.shape[1] == 1:
        none = np.full(len(rows), NEVER)
        return first, best, first, none, none
    block[rows, first] = NEVER
    second = block.argmax(axis=1)
    runner_up = block[rows, second]
    third = np.full(len(rows), NEVER)
    if not exact:
        block[rows, second] = NEVER
        third = block.max(axis=1)
        block[rows, second] = runner_up
    block[rows, first] = best
    return first, best, second, runner_up, third


def _settle(block: Float32, rows: Rows, floor: Float32, offset: int, measure: Measure) -> tuple[Rows, Float64, Float64]:
    """Return (index, distance, second distance) of these block rows by measuring all scores >= ``floor``."""
    at, column = np.nonzero(block[rows] >= floor[:, None])
    distance = measure(rows[at] + offset, column)
    order = np.lexsort((column, distance, at))
    start = np.searchsorted(at, np.arange(len(rows)))  # ``at`` is sorted, and stays so under ``order``
    return column[order[start]], distance[order[start]], distance[order[start + 1]]


def _search_block(problem: Problem, block: Float32, offset: int, found: _Found) -> Float32:
    """Fill the rows of one block into ``found``; return the best score of every column in it."""
    slack = problem.slack
    rows = np.arange(len(block))
    here = slice(offset, offset + len(block))
    columns: Float32 = block.max(axis=0)
    first, best, second, runner_up, third = _best_two(block, rows, exact=not slack)
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


def _search(problem: Problem, stop: Callable[[], bool] | None, *, mutual: bool) -> tuple[_Found, Bool]:
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


def _mutual(problem: Problem, found: _Found, columns: _Columns, stop: Callable[[], bool] | None) -> Bool:
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
    problem = problem_of(left, right)
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
    return problem_of(query, candidates).measure(np.zeros_like(columns), columns).astype(np.float32)


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
    problem = problem_of(left, right)
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
