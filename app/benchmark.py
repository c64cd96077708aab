"""Many matchers on many pairs: the rows of the comparison, their means, and the table as CSV.

What lives here: :func:`run` (a job), :class:`Row`, :class:`Table`, :class:`Summary`, writing and reading the CSV. What
does not: running one pair (``app.pipeline``) and the screen. May import: pipeline, matchers, formats, records.

Numbers follow ``app.vision.evaluate``. Unknown is NaN or None, an empty cell in the file, and left out of means.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Generator, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from app import __version__, matchers
from app.formats import results
from app.formats.matches_json import MMA_PX
from app.jobs import Job, Progress
from app.pipeline import Cache, run_pair
from app.records import Evaluation, ImagePair, MatchRequest, MatchResult, PairRef, StageSettings, UserError, Verdict
from app.settings import atomic_text
from app.vision.evaluate import auc_step, auc_trapezoid

log = logging.getLogger(__name__)
NAN = math.nan
TIMED = ("load", "detect + describe", "match", "verify", "evaluate")
AUC_PX = (1.0, 3.0, 5.0)
MAX_WORKERS = 64
PAIR_BYTES = 8 * 2**30
_COUNTS = ("keypoints_left", "keypoints_right", "matches", "right", "wrong")
_RATES = ("precision", "recall", "repeatability")
_SECONDS = tuple("seconds_" + name.replace(" + ", "_") for name in TIMED)
HEADER = ("pair", "matcher", *_COUNTS, *_RATES, *(f"mma{t}" for t in MMA_PX), "corner_error", *_SECONDS)


@dataclass(frozen=True)
class Row:
    """One pair with one matcher.

    Attributes:
        pair, matcher: the pair's title and the matcher's key.
        keypoints_left, keypoints_right, matches: counts; None if the run failed.
        right, wrong: counts; None without truth, or where the truth is only a line.
        precision, recall, repeatability: at the threshold of the settings, NaN = unknown.
        mma: matching accuracy at 1 to 10 px.
        corner_error: mean corner error of the fitted homography in pixels, ``inf`` if none was found or it carries a
            corner beyond the horizon.
        seconds: wall time of the stages in order of :data:`TIMED`; NaN for a stage the matcher has not.
        error: the sentence of a failed run, else empty.
        learned_from: the sentence of a matcher that was learned from this very pair, else empty; not in the file.
    """

    pair: str
    matcher: str
    keypoints_left: int | None = None
    keypoints_right: int | None = None
    matches: int | None = None
    right: int | None = None
    wrong: int | None = None
    precision: float = NAN
    recall: float = NAN
    repeatability: float = NAN
    mma: tuple[float, ...] = (NAN,) * len(MMA_PX)
    corner_error: float = NAN
    seconds: tuple[float, ...] = (NAN,) * len(TIMED)
    error: str = ""
    learned_from: str = ""

    @property
    def numbers(self) -> tuple[float | None, ...]:
        """Everything after pair and matcher, in order of :data:`HEADER`."""
        counts = (getattr(self, name) for name in _COUNTS)
        rates = (getattr(self, name) for name in _RATES)
        return (*counts, *rates, *self.mma, self.corner_error, *self.seconds)


@dataclass(frozen=True)
class Table:
    """The rows so far, in order of pairs and then matchers, of ``total`` that will be."""

    rows: tuple[Row, ...]
    total: int

    @property
    def failed(self) -> tuple[Row, ...]:
        """The rows that have an error instead of numbers."""
        return tuple(row for row in self.rows if row.error)


def row_of(result: MatchResult) -> Row:
    """Return the row of a complete result."""
    left, right = ((len(side.keypoints) if side is not None else None) for side in (result.left, result.right))
    return Row(
        result.request.ref.title,
        result.request.matcher,
        keypoints_left=left,
        keypoints_right=right,
        matches=None if result.matches is None else len(result.matches),
        seconds=tuple(float(result.seconds.get(name, NAN)) for name in TIMED),
        learned_from=result.learned_from,
        **_judged(result.evaluation),
    )


def _judged(judged: Evaluation | None) -> dict[str, Any]:
    """Return what the truth says; a line alone cannot call a match right, so nothing is counted there."""
    if judged is None or judged.truth_kind in ("none", "epipolar"):
        return {}
    return {
        "right": judged.count(Verdict.RIGHT),
        "wrong": judged.count(Verdict.WRONG),
        **{name: getattr(judged, name) for name in _RATES},
        "mma": tuple(judged.mma(t) for t in MMA_PX),
        "corner_error": judged.corner_error_px,
    }


def run(
    refs: Sequence[PairRef],
    matcher_settings: Mapping[str, StageSettings],
    cache: Cache | None = None,
    *,
    workers: int = 1,
) -> Job[Table]:
    """Match every pair with every matcher.

    Yields progress whose payload is the :class:`Table` so far. A pair that fails becomes a row with its
    sentence; the others go on. Cancelling stops the running pairs at their next step.

    Args:
        refs: the pairs.
        matcher_settings: matcher key -> settings, in the order of the rows.
        cache: results to take and keep. Without one only the decoded pair is shared by its matchers (all but the
            first have 0 s for loading), so that every other time is measured.
        workers: pairs run at once; more than one makes the times of each longer.

    Returns:
        The complete table.

    Raises:
        UserError: before anything is run, if a matcher cannot be used here.
    """
    for key in matcher_settings:
        matchers.get(key)
    if not 1 <= workers <= MAX_WORKERS:
        raise UserError(f"{workers} workers: use 1 to {MAX_WORKERS}.")
    requests = [[MatchRequest(ref, key, settings) for key, settings in matcher_settings.items()] for ref in refs]
    found = _Found([request for group in requests for request in group])
    yield found.progress()
    yield from _filled(requests, found, cache, workers)
    return found.table()


class _PairCache(Cache):
    """Keeps the decoded pair and nothing else: loading is shared by the matchers, every other time is measured."""

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a pair; let go of everything else."""
        if isinstance(value, ImagePair):
            super().put(key, value)


class _Found:
    """The rows found so far, each at the place of its request; written by the workers' threads."""

    def __init__(self, requests: Sequence[MatchRequest]) -> None:
        self.requests = requests
        self.rows: dict[MatchRequest, Row] = {}

    def table(self) -> Table:
        """Return the rows so far in order of the requests."""
        rows = dict(self.rows)
        return Table(tuple(rows[request] for request in self.requests if request in rows), len(self.requests))

    def progress(self) -> Progress:
        """Return where the comparison stands, with the table so far; the text names the first unfinished run."""
        table = self.table()
        current = next((request for request in self.requests if request not in self.rows), None)
        text = "all pairs matched" if current is None else f"{current.matcher} on {current.ref.title}"
        return Progress(len(table.rows), table.total, text, table)


def _filled(
    groups: Sequence[Sequence[MatchRequest]], found: _Found, cache: Cache | None, workers: int
) -> Generator[Progress, None, None]:
    """Run the requests, pair by pair in threads, and yield every 0.1 s."""
    stop, waiting = threading.Event(), iter(groups)
    running: set[Future[None]] = set()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="benchmark")
    try:
        while True:
            for group in islice(waiting, workers - len(running)):
                running.add(pool.submit(_run_group, group, cache, found, stop))
            if not running:
                return
            done, running = wait(running, timeout=0.1, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            yield found.progress()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _run_group(group: Sequence[MatchRequest], cache: Cache | None, found: _Found, stop: threading.Event) -> None:
    """Run all matchers on one pair; a row that was told to stop is left out."""
    kept = _PairCache(PAIR_BYTES) if cache is None else cache
    for request in group:
        row = _run_one(request, kept, stop)
        if row is not None:
            found.rows[request] = row


def _run_one(request: MatchRequest, cache: Cache, stop: threading.Event) -> Row | None:
    """Return the row of one request, None if it was told to stop."""
    job = run_pair(request, cache)
    try:
        while not stop.is_set():
            next(job)
        return None
    except StopIteration as finished:
        return row_of(finished.value)
    except UserError as error:
        return Row(request.ref.title, request.matcher, error=str(error))
    except Exception as error:  # one broken pair must not lose the others; its row says what happened
        log.warning("%s on %s failed", request.matcher, request.ref.title, exc_info=True)
        return Row(request.ref.title, request.matcher, error=f"something went wrong: {type(error).__name__}: {error}")
    finally:
        job.close()


# ---------------------------------------------------------------------------------- means


@dataclass(frozen=True)
class Summary:
    """The means of one matcher over its pairs, unknown numbers left out (NaN if all are).

    Attributes:
        matcher: its key.
        pairs, failed: how many ran, how many failed.
        means: column of :data:`HEADER` -> mean (``corner_error`` is not among them: one failure is infinite).
        auc_step: exact area under the recall curve of the corner error up to 1, 3 and 5 px, in [0, 1].
        auc_trapezoid: the same with linear interpolation, as the SuperGlue code computes it.
        seconds: mean of the sum of all stages but loading.
    """

    matcher: str
    pairs: int
    failed: int
    means: Mapping[str, float]
    auc_step: tuple[float, ...]
    auc_trapezoid: tuple[float, ...]
    seconds: float


def summaries(table: Table) -> tuple[Summary, ...]:
    """Return the means of every matcher, in order of their first rows."""
    keys = dict.fromkeys(row.matcher for row in table.rows)
    return tuple(_summary(key, [row for row in table.rows if row.matcher == key]) for key in keys)


def _summary(key: str, rows: Sequence[Row]) -> Summary:
    good = [row for row in rows if not row.error]
    columns = list(zip(*(row.numbers for row in good), strict=True)) or [()] * (len(HEADER) - 2)
    means = {name: _mean(values) for name, values in zip(HEADER[2:], columns, strict=True) if name != "corner_error"}
    errors = [row.corner_error for row in good if not math.isnan(row.corner_error)]
    return Summary(
        key,
        len(rows),
        len(rows) - len(good),
        means,
        tuple(auc_step(errors, t) for t in AUC_PX),
        tuple(auc_trapezoid(errors, t) for t in AUC_PX),
        _mean([float(np.nansum(row.seconds[1:])) for row in good]),
    )


def _mean(values: Iterable[float | None]) -> float:
    """Return the mean of the known values, NaN of none."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return sum(known) / len(known) if known else NAN


_MATCHING = ("matcher", "pairs", "failed", "keypoints", "matches", "right", "precision", "recall", "repeat.", "seconds")
_ACCURACY = ("matcher", "MMA@1", "@3", "@5", "@10", "AUC step@1", "@3", "@5", "AUC trapez.@1", "@3", "@5")


def summary_text(table: Table, threshold_px: float) -> str:
    """Return the means per matcher as two tables of plain text."""
    found = summaries(table)
    pairs = max((one.pairs for one in found), default=0)
    over = "1 pair" if pairs == 1 else f"{pairs} pairs"
    head = f"Means over {over}; right = within {threshold_px:g} px of the true place; seconds without loading"
    matching: list[tuple[str, ...]] = [_MATCHING]
    accuracy: list[tuple[str, ...]] = [_ACCURACY]
    for one in found:
        m = one.means
        left_right = f"{_whole(m['keypoints_left'])}:{_whole(m['keypoints_right'])}"
        counts = (left_right, _whole(m["matches"]), _whole(m["right"]))
        rates = tuple(_share(m[name]) for name in _RATES)
        matching.append((one.matcher, str(one.pairs), str(one.failed), *counts, *rates, _seconds(one.seconds)))
        curve = tuple(_share(m[f"mma{t}"]) for t in (1, 3, 5, 10))
        accuracy.append((one.matcher, *curve, *map(_share, one.auc_step), *map(_share, one.auc_trapezoid)))
    return (
        f"{head}\n{_aligned(matching)}\n\n"
        "MMA: share of the matches within so many px. AUC of the homography corner error up to so many px: "
        "step = exact, trapez. = interpolated as in the SuperGlue code\n" + _aligned(accuracy)
    )


def _whole(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0f}"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _seconds(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return the first column left, the others right aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


# ------------------------------------------------------------------------------------ CSV


def write_table(path: str | Path, table: Table, matcher_settings: Mapping[str, StageSettings]) -> None:
    """Write one row per pair and matcher; the file is replaced only when all of it could be written.

    Raises:
        UserError: if the file cannot be written.
    """
    about = {
        "program": results.PROGRAM,
        "pairs": max((one.pairs for one in summaries(table)), default=0),
        "matchers": {key: dict(results.settings_items(settings)) for key, settings in matcher_settings.items()},
        "version": __version__,
    }
    rows = (
        (results.printable(row.pair), row.matcher, *(results.number_text(value) for value in row.numbers))
        for row in table.rows
    )
    with atomic_text(path) as stream:
        results.write_csv(stream, about, HEADER, rows)


def read_table(path: str | Path) -> Table:
    """Return the table of a file of :func:`write_table`; the sentences of failed runs are not in it.

    Raises:
        UserError: one sentence with the line if the file cannot be read or a cell makes no sense.
    """
    with results.reading_csv(path) as (_, lines):
        names = results.columns_of(path, lines, HEADER)
        rows = tuple(_row(path, line, results.cells_of(path, line, names, cells)) for line, cells in lines)
    return Table(rows, len(rows))


def _row(path: str | Path, line: int, cells: Mapping[str, str]) -> Row:
    numbers = {name: results.number_in(path, line, name, cells[name]) for name in HEADER[2:]}
    counts: dict[str, Any] = {}
    for name in _COUNTS:
        value = numbers[name]
        if not math.isnan(value) and not (math.isfinite(value) and value >= 0 and value == int(value)):
            raise UserError(f"{path}, line {line}: {name} is {cells[name]}, not a count.")
        counts[name] = None if math.isnan(value) else int(value)
    return Row(
        cells["pair"],
        cells["matcher"],
        **counts,
        precision=numbers["precision"],
        recall=numbers["recall"],
        repeatability=numbers["repeatability"],
        mma=tuple(numbers[f"mma{t}"] for t in MMA_PX),
        corner_error=numbers["corner_error"],
        seconds=tuple(numbers[name] for name in _SECONDS),
    )
