"""Matches as CSV: ``x1,y1,x2,y2,distance,ratio,confidence,inlier,verdict``, one row per match.

What lives here: writing and reading that table. May import: records, settings, ``formats.results``, numpy.

Coordinates are pixels of the original images. The ``#`` line names both images and their sizes, the matcher, all its
settings and the version. pandas: ``read_csv(path, comment="#")``; numpy: ``genfromtxt(path, delimiter=",",
skip_header=1, names=True)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.formats.results import (
    UNKNOWN,
    VERDICTS,
    MatchTable,
    cells_of,
    columns_of,
    number_in,
    number_text,
    origin_from_json,
    reading_csv,
    write_csv,
)
from app.records import UserError
from app.settings import atomic_text

PLACES = ("x1", "y1", "x2", "y2")
MEASURES = ("distance", "ratio", "confidence")
HEADER = (*PLACES, *MEASURES, "inlier", "verdict")


def write_matches_csv(path: str | Path, table: MatchTable) -> None:
    """Write the matches; the file is replaced only when all of it could be written.

    Raises:
        UserError: if the file cannot be written.
    """
    about = table.origin.to_json() if table.origin is not None else {}
    with atomic_text(path) as stream:
        write_csv(stream, about, HEADER, rows_of(table))


def rows_of(table: MatchTable) -> Iterator[tuple[str, ...]]:
    """Yield the cells of every match, in order."""
    numbers = np.column_stack([table.left_xy, table.right_xy, table.distance, table.ratio, table.confidence])
    for values, inlier, verdict in zip(
        numbers.astype(np.float64).tolist(), table.inlier.tolist(), table.verdict.tolist(), strict=True
    ):
        known = "" if inlier == UNKNOWN else str(inlier)
        yield (*map(number_text, values), known, "" if verdict == UNKNOWN else VERDICTS[verdict])


def read_matches_csv(path: str | Path) -> MatchTable:
    """Return the matches of a CSV file; columns other than the four coordinates may be missing.

    Raises:
        UserError: one sentence with the line if the file cannot be read or a cell makes no sense.
    """
    with reading_csv(path) as (about, rows):
        names = columns_of(path, rows, PLACES)
        parsed = [_parsed(path, line, cells_of(path, line, names, row)) for line, row in rows]
    values = np.array([numbers for numbers, _, _ in parsed], np.float64).reshape(-1, 7)
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    return MatchTable(
        left_xy=numbers[:, 0:2],
        right_xy=numbers[:, 2:4],
        distance=numbers[:, 4],
        ratio=numbers[:, 5],
        confidence=numbers[:, 6],
        inlier=np.array([inlier for _, inlier, _ in parsed], np.int8),
        verdict=np.array([verdict for _, _, verdict in parsed], np.int8),
        origin=origin_from_json(about),
    )


def _parsed(path: str | Path, line: int, cells: dict[str, str]) -> tuple[list[float], int, int]:
    """Return the seven numbers, the inlier flag and the verdict of one row."""
    numbers = [number_in(path, line, name, cells[name], required=True) for name in PLACES]
    numbers += [number_in(path, line, name, cells.get(name, "")) for name in MEASURES]
    inlier, verdict = cells.get("inlier", ""), cells.get("verdict", "")
    if inlier not in ("", "0", "1"):
        raise UserError(f"{path}, line {line}: inlier is {inlier!r}; use 1, 0 or nothing.")
    if verdict and verdict not in VERDICTS:
        raise UserError(f"{path}, line {line}: verdict is {verdict!r}; use {', '.join(VERDICTS)} or nothing.")
    return numbers, int(inlier or UNKNOWN), VERDICTS.index(verdict) if verdict else UNKNOWN
