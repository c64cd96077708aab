"""A whole result as one JSON object: request, pictures, matches, model, evaluation, times.

What lives here: writing it, as a file or for the screen, and reading the matches back. May import: records, settings,
``formats.results``, numpy.

Unknown numbers are null, infinite ones the text ``"inf"`` (an error is infinite where the true place lies outside the
right image, the corner error where no homography was found or it carries a corner beyond the horizon). ``matches``
holds one list per column, so that ``pandas.DataFrame(document["matches"])`` works.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.formats.results import (
    UNKNOWN,
    VERDICTS,
    MatchTable,
    json_number,
    origin_from_json,
    origin_of,
    printable,
    table_of,
)
from app.records import Array, Evaluation, Float64, MatchResult, UserError, Verdict, Verification
from app.settings import load_json, save_json

KIND = "matches"
MMA_PX = tuple(range(1, 11))


def write_matches_json(path: str | Path, result: MatchResult) -> None:
    """Write a result with all its matches.

    Raises:
        UserError: if the result has no matches yet, or the file cannot be written.
    """
    document = summary_of(result) | {"matches": _columns(result)}
    save_json(path, KIND, document)


def summary_of(result: MatchResult) -> dict[str, Any]:
    """Return everything but the single matches as plain JSON values.

    Raises:
        UserError: if the result has no matches yet.
    """
    origin, table = origin_of(result), table_of(result)
    ref = {k: printable(v) if isinstance(v, str) else v for k, v in dataclasses.asdict(result.request.ref).items()}
    return {
        "origin": origin.to_json(paths=True),
        "request": {"ref": ref, "matcher": origin.matcher, "settings": dict(origin.settings)},
        "funnel": [{"step": name, "count": count} for name, count in result.funnel],
        "match_count": len(table),
        "verification": None if result.verification is None else _verification(result.verification),
        "evaluation": None if result.evaluation is None else _evaluation(result.evaluation),
        "seconds": {name: json_number(value) for name, value in result.seconds.items()},
        "notes": [printable(note) for note in result.notes],
    }


def _columns(result: MatchResult) -> dict[str, Any]:
    """Return one list per column, row by row the matches in order."""
    table, matches = table_of(result), result.matches
    assert matches is not None
    columns: dict[str, Any] = {"left_index": matches.pairs[:, 0].tolist(), "right_index": matches.pairs[:, 1].tolist()}
    for name, values in zip(("x1", "y1", "x2", "y2"), (*table.left_xy.T, *table.right_xy.T), strict=True):
        columns[name] = _numbers(values)
    columns |= {name: _numbers(getattr(table, name)) for name in ("distance", "ratio", "confidence")}
    columns["inlier"] = [None if value == UNKNOWN else bool(value) for value in table.inlier.tolist()]
    columns["verdict"] = [None if value == UNKNOWN else VERDICTS[value] for value in table.verdict.tolist()]
    if result.evaluation is not None:
        columns["error_px"] = _numbers(result.evaluation.error_px)
    if result.verification is not None:
        columns["residual_px"] = _numbers(result.verification.residual_px)
    return columns


def _numbers(values: Array) -> list[float | str | None]:
    """Return numbers with 9 significant digits, which a float32 needs."""
    return [json_number(float(f"{value:.9g}")) for value in values.astype(np.float64).tolist()]


def _matrix(matrix: Float64 | None) -> list[list[float | str | None]] | None:
    return None if matrix is None else [[json_number(value) for value in row] for row in matrix.tolist()]


def _verification(fitted: Verification) -> dict[str, Any]:
    return {
        "model": fitted.model,
        "method": fitted.method,
        "threshold_px": fitted.threshold_px,
        "inliers": int(np.count_nonzero(fitted.inlier)),
        "matrix": _matrix(fitted.matrix),
        "fundamental": _matrix(fitted.fundamental),
        "note": fitted.note,
    }


def _evaluation(judged: Evaluation) -> dict[str, Any]:
    """Return the numbers of an evaluation; precision and recall are unknown where only lines are."""
    by_points = judged.truth_kind not in ("none", "epipolar")
    rates = {name: getattr(judged, name) if by_points else math.nan for name in ("precision", "recall")}
    return {
        "truth": judged.truth_kind,
        "threshold_px": judged.threshold_px,
        **{verdict.name.lower(): judged.count(verdict) for verdict in Verdict},
        "possible": judged.possible if by_points else None,
        **{name: json_number(value) for name, value in rates.items()},
        "repeatability": json_number(judged.repeatability),
        "mma": [json_number(judged.mma(t)) for t in MMA_PX],
        "corner_error_px": json_number(judged.corner_error_px),
    }


def read_matches_json(path: str | Path) -> MatchTable:
    """Return the matches of a JSON file written by :func:`write_matches_json`.

    Raises:
        UserError: one sentence if the file cannot be read or its columns make no sense.
    """
    content = load_json(path, KIND)
    columns = content.get("matches")
    if not isinstance(columns, Mapping):
        raise UserError(f"{path} has no matches.")
    xy = [_floats(path, columns, name) for name in ("x1", "y1", "x2", "y2")]
    n = len(xy[0])
    measures = {name: _floats(path, columns, name) for name in ("distance", "ratio", "confidence")}
    inlier, verdict = _codes(path, columns, "inlier", (False, True)), _codes(path, columns, "verdict", VERDICTS)
    if any(len(values) != n for values in (*xy, *measures.values(), inlier, verdict)):
        raise UserError(f"{path}: the columns of its matches differ in length.")
    if not np.isfinite(xy).all():
        raise UserError(f"{path}: a match has a coordinate that is not a finite number.")
    left, right = np.stack(xy[:2], axis=1), np.stack(xy[2:], axis=1)
    origin = origin_from_json(content.get("origin"))
    return MatchTable(left, right, **measures, inlier=inlier, verdict=verdict, origin=origin)


def _floats(path: str | Path, columns: Mapping[str, Any], name: str) -> Array:
    values = columns.get(name)
    if not isinstance(values, list):
        raise UserError(f"{path}: its matches have no column {name}.")
    try:
        with np.errstate(over="ignore"):
            return np.array([math.nan if value is None else float(value) for value in values], np.float32)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{path}: column {name} holds something other than numbers.") from None


def _codes(path: str | Path, columns: Mapping[str, Any], name: str, known: tuple[Any, ...]) -> Array:
    """Return the index of every value among the known ones, -1 for null."""
    values = columns.get(name)
    if not isinstance(values, list) or any(value is not None and value not in known for value in values):
        raise UserError(f"{path}: column {name} must hold {', '.join(map(str, known))} or null.")
    return np.array([UNKNOWN if value is None else known.index(value) for value in values], np.int8)
