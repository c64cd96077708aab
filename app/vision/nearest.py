"""Exact nearest neighbours between two sets of descriptors by one chunked matrix product.

What lives here: :func:`nearest` (nearest, second nearest and the mutual check from one product),
:func:`distances_to` and :func:`dual_softmax`. What does not: which of the nearest become matches
(``match``), and the metrics (``scores``). May import: records,
blas, scores and numpy.

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np

from app.records import Bool, Descriptors, Float32, Float64, Int32
from app.vision.blas import one_thread_each
from app.vision.scores import Measure, Problem, Rows, problem_of
from app.vision.thread_counts import cores

# Floats per block of the product: smaller ones repeat the product's own preparations too often. All workers' together:
# however many there are, a search needs less than 100 MB.
BLOCK = 3_000_000
BLOCKS = 12_000_000
MOST_ROWS = 1024
# Pairs up to which one thread is soonest done.
SMALL = 1_000_000
# Rows or columns whose best is kept in the pass over a block, so that all else looks at a sixteenth of it.
FOLD = 16
WORKERS = min(8, cores())
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
    block: Rows  # first row of the block the row lies in

    @classmethod
    def empty(cls, n: int) -> _Found:
        """Return room for ``n`` rows."""
        return cls(
            np.zeros(n, np.intp), np.empty(n), np.empty(n), np.empty(n, np.float32),
            np.zeros(n, np.bool_), np.zeros(n, np.intp),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Leaders:
    """The best of every row: first index and score, second index and score, third score (NEVER where there is none)."""

    first: Rows
    best: Float32
    second: Rows
    runner_up: Float32
    third: Float32


def _folds(block: Float32) -> tuple[Float32, Float32]:
    """Return the best of each group of FOLD columns, row by row, and the best of every FOLD rows, column by column.

    Group g < width holds columns g, g + width, g + 2 width ... (width = columns // FOLD); the columns beyond the last
    whole fold are groups of their own. Both come from one pass over the block, a strip at a time that stays cached.
    """
    n, m = block.shape
    width = m // FOLD
    whole = FOLD * width
    groups = np.empty((n, width + m - whole), np.float32)
    strips = np.empty((-(-n // FOLD), m), np.float32)
    groups[:, width:] = block[:, whole:]
    for place, start in zip(strips, range(0, n, FOLD), strict=True):
        strip = block[start : start + FOLD]
        strip.max(axis=0, out=place)
        folded = strip[:, :whole].reshape(len(strip), FOLD, width)
        folded.max(axis=1, out=groups[start : start + FOLD, :width])
    return groups, strips


def _members(block: Float32, rows: Rows, group: Rows) -> tuple[Float32, Rows]:
    """Return the (N, FOLD) scores of one group in each of N rows, NEVER where it has fewer, and their columns."""
    m = block.shape[1]
    width = m // FOLD
    columns = group[:, None] + width * np.arange(FOLD)
    alone = np.flatnonzero(group >= width)
    columns[alone] = (group[alone] + (FOLD - 1) * width)[:, None]
    scores = block.reshape(-1).take(columns + m * rows[:, None])
    scores[alone, 1:] = NEVER
    return scores, columns


def _best_two(block: Float32, groups: Float32, *, exact: bool) -> _Leaders:
    """Return the leaders of every row from the best of its ``groups`` (changed in place) and the leading ones.

    Only rows whose leading groups are equally good are looked through whole, for the lowest index. The second index
    and the third score serve to tell a close call, and are not looked for where products are exact.
    """
    rows = np.arange(len(block))
    leading = groups.argmax(axis=1)
    best = groups[rows, leading]
    groups[rows, leading] = NEVER
    other = groups.argmax(axis=1)
    rival = groups[rows, other]
    scores, columns = _members(block, rows, leading)
    place = scores.argmax(axis=1)
    first = columns[rows, place]
    equal = np.flatnonzero(rival == best)
    first[equal] = block[equal].argmax(axis=1)
    scores[rows, place] = NEVER
    if exact:
        return _Leaders(first, best, first, np.maximum(scores.max(axis=1), rival), best)
    place = scores.argmax(axis=1)
    beside, second = scores[rows, place], columns[rows, place]
    scores[rows, place] = NEVER
    third = np.maximum(scores.max(axis=1), rival)

    outside = np.flatnonzero(rival > beside)
    scores, columns = _members(block, outside, other[outside])
    groups[outside, other[outside]] = NEVER
    rows = np.arange(len(outside))
    place = scores.argmax(axis=1)
    second[outside] = columns[rows, place]
    scores[rows, place] = NEVER
    rest = np.maximum(scores.max(axis=1), groups[outside].max(axis=1))
    third[outside] = np.maximum(beside[outside], rest)
    return _Leaders(first, best, second, np.maximum(beside, rival), third)


def _settle(block: Float32, rows: Rows, floor: Float32, offset: int, measure: Measure) -> tuple[Rows, Float64, Float64]:
    """Return (index, distance, second distance) of these block rows by measuring all scores >= ``floor``."""
    at, column = np.nonzero(block[rows] >= floor[:, None])
    distance = measure(rows[at] + offset, column)
    order = np.lexsort((column, distance, at))
    start = np.searchsorted(at, np.arange(len(rows)))  # ``at`` is sorted, and stays so under ``order``
    return column[order[start]], distance[order[start]], distance[order[start + 1]]


def _alone(block: Float32, rows: Rows, columns: Rows, strips: Float32, floor: Float32, *, exact: bool) -> Bool:
    """Return whether these rows are the first (``exact``), or the only ones, to reach ``floor`` in their columns.

    ``strips`` holds the best of every FOLD rows, so that only the row's own strip is looked through.
    """
    own = rows // FOLD
    inner = own * FOLD + np.arange(FOLD)[:, None]
    reached = strips[:, columns] >= floor
    beside = (block[np.minimum(inner, len(block) - 1), columns] >= floor) & (inner < len(block))
    here = np.arange(len(rows))
    if exact:
        result: Bool = (reached.argmax(axis=0) == own) & (beside.argmax(axis=0) == rows - own * FOLD)
        return result
    single: Bool = (reached.sum(axis=0) == 1) & (beside.sum(axis=0) == 1)
    single &= reached[own, here] & beside[rows - own * FOLD, here]
    return single


def _search_block(problem: Problem, block: Float32, offset: int, found: _Found) -> Float32:
    """Fill the rows of one block of the product into ``found``; return the best score of every column in it."""
    slack = problem.slack
    rows = np.arange(len(block))
    here = slice(offset, offset + len(block))
    groups, strips = _folds(block)
    top = _best_two(block, groups, exact=not slack)
    first, best = top.first, top.best
    if slack:
        found.distance[here] = problem.measure(rows + offset, first)
        found.second[here] = problem.measure(rows + offset, top.second) if block.shape[1] > 1 else np.nan
        unsure = np.flatnonzero((best - top.runner_up <= slack) | (top.runner_up - top.third <= slack))
        if len(unsure) and block.shape[1] > 1:
            index, distance, runner = _settle(block, unsure, top.runner_up[unsure] - slack, offset, problem.measure)
            first[unsure] = index
            found.distance[offset + unsure] = distance
            found.second[offset + unsure] = runner
            best = block[rows, first]
    else:
        found.distance[here], found.second[here] = best, top.runner_up
    found.index[here], found.score[here] = first, best
    columns: Float32 = strips.max(axis=0)
    hopeful = np.flatnonzero(best >= columns[first] - slack)
    reach = columns[first[hopeful]] - slack
    found.alone[offset + hopeful] = _alone(block, hopeful, first[hopeful], strips, reach, exact=not slack)
    return columns


@dataclass(frozen=True, eq=False)
class _Columns:
    """Best score of every column, the best of all other blocks, and the first row of its block."""

    best: Float32
    other: Float32
    origin: Rows

    def merge(self, best: Float32, offset: int) -> None:
        """Take in the columns of the block that begins at row ``offset``."""
        better = best > self.best
        np.maximum(self.other, np.minimum(self.best, best), out=self.other)
        np.maximum(self.best, best, out=self.best)
        self.origin[better] = offset


def _search(problem: Problem, stop: Callable[[], bool] | None, *, mutual: bool) -> tuple[_Found, Bool]:
    """Return what every left row finds, and whether it is mutual (all False if not asked for).

    Each thread multiplies and searches a block of its own at a time: no core waits for another.
    """
    n, m = len(problem.left), len(problem.right)
    found = _Found.empty(n)
    columns = _Columns(np.full(m, NEVER), np.full(m, NEVER), np.zeros(m, np.intp))
    with one_thread_each() as single:
        workers = WORKERS if single and n * m > SMALL else 1
        starts, step = _blocks(n, m, workers)
        buffers: SimpleQueue[Float32] = SimpleQueue()
        for _ in range(workers):
            buffers.put(np.empty((step, m), np.float32))

        def search(offset: int) -> Float32:
            """Multiply a block of rows with all columns and keep the best; run by the workers."""
            if stop is not None and stop():
                raise Stopped
            buffer = buffers.get()
            block = buffer[: min(step, n - offset)]
            np.dot(problem.left[offset : offset + step], problem.right.T, out=block)
            found.block[offset : offset + step] = offset
            best = _search_block(problem, block, offset, found)
            buffers.put(buffer)
            return best

        if workers == 1:
            for offset in starts:
                columns.merge(search(offset), offset)
        else:
            with ThreadPoolExecutor(workers, "search") as pool:
                for offset, best in zip(starts, pool.map(search, starts), strict=True):
                    columns.merge(best, offset)
    if not mutual:
        return found, np.zeros(n, np.bool_)
    return found, _mutual(problem, found, columns, stop)


def _blocks(n: int, m: int, workers: int) -> tuple[range, int]:
    """Return the first rows of the blocks and their height: equal shares, as many for every worker."""
    most = max(1, min(n, min(BLOCK, BLOCKS // workers) // m, MOST_ROWS))
    count = -(-n // most)
    count = -(-count // workers) * workers
    step = -(-n // count)
    return range(0, n, step), step


def _mutual(problem: Problem, found: _Found, columns: _Columns, stop: Callable[[], bool] | None) -> Bool:
    """Return whether every row is the nearest of its nearest, searching again only where rounding leaves doubt."""
    top = columns.best[found.index]
    if not problem.slack:
        here = columns.origin[found.index] == found.block
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
    Rows and columns of all confidences sum to at most 1. Source: Sun et al., LoFTR, CVPR 2021.

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
