"""What the result files share: where a result came from, the table of matches, and how numbers are written.

What lives here: :class:`Origin`, :class:`MatchTable`, text of numbers and the ``#`` line of CSV files. What does
not: the file formats themselves (``matches_csv``, ``matches_npz``, ``matches_json``, ``features_files``). May import:
records, settings, numpy.

All CSV files have one leading ``#`` line (a JSON object: pictures with sizes, matcher, settings, version), a header
row, numbers with 9 significant digits (which hold a float32 exactly), and an empty cell for what is unknown.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from app import __version__
from app.records import Float32, Image, MatchResult, StageSettings, UserError, Verdict, read_only
from app.settings import fields_of

PROGRAM = "correspondence-explorer"
VERDICTS = tuple(verdict.name.lower() for verdict in Verdict)
UNKNOWN = -1
STAGES = ("detect", "describe", "match", "verify", "evaluate")
MAX_TEXT_BYTES = 2_000_000_000
SettingItems = tuple[tuple[str, bool | float | str], ...]


@dataclass(frozen=True)
class PictureInfo:
    """A picture that a result is about: its name, its size in pixels, and its path where that is written."""

    name: str
    width: int
    height: int
    path: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.width, self.height


@dataclass(frozen=True)
class Origin:
    """How a result was made: the pictures by role (``left``, ``right`` or ``image``), matcher, settings, version."""

    pictures: tuple[tuple[str, PictureInfo], ...]
    matcher: str
    settings: SettingItems
    version: str = __version__

    def picture(self, role: str) -> PictureInfo | None:
        """Return the picture of this role, None if there is none."""
        return dict(self.pictures).get(role)

    def to_json(self, *, paths: bool = False) -> dict[str, Any]:
        """Return plain JSON values; ``paths`` adds where the files lay."""
        shown = {
            role: {"name": info.name, "width": info.width, "height": info.height}
            | ({"path": info.path} if paths else {})
            for role, info in self.pictures
        }
        made = {"matcher": self.matcher, "settings": dict(self.settings), "version": self.version}
        return {"program": PROGRAM, **shown, **made}


def origin_from_json(values: object) -> Origin | None:
    """Return the origin written by :meth:`Origin.to_json`, None if ``values`` is something else."""
    if not isinstance(values, Mapping) or values.get("program") != PROGRAM:
        return None
    pictures = [(role, _picture(values[role])) for role in ("left", "right", "image") if role in values]
    settings = values.get("settings")
    if not isinstance(settings, Mapping) or any(info is None for _, info in pictures):
        return None
    items = tuple((str(k), v) for k, v in settings.items() if isinstance(v, bool | int | float | str))
    known = tuple((role, info) for role, info in pictures if info is not None)
    return Origin(known, str(values.get("matcher", "")), items, str(values.get("version", "")))


def _picture(values: object) -> PictureInfo | None:
    if not isinstance(values, Mapping):
        return None
    width, height = values.get("width"), values.get("height")
    if type(width) is not int or type(height) is not int or not (0 < width < 2**31 and 0 < height < 2**31):
        return None
    return PictureInfo(str(values.get("name", "")), width, height, path=str(values.get("path", "")))


def printable(text: str) -> str:
    """Return ``text`` with what UTF-8 cannot express (undecodable file names) replaced."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def picture_info(image: Image) -> PictureInfo:
    """Return name, size and path of an image."""
    return PictureInfo(printable(image.name), image.width, image.height, printable(image.path))


def settings_items(settings: StageSettings, stages: Sequence[str] = STAGES) -> SettingItems:
    """Return (``stage.name``, value) of every setting of these stages, defaults included."""
    return tuple(
        (f"{stage}.{spec.name}", getattr(getattr(settings, stage), spec.name))
        for stage in stages
        for spec in fields_of(getattr(settings, stage))
    )


def origin_of(result: MatchResult) -> Origin:
    """Return how a result was made.

    Raises:
        UserError: if its pictures are not loaded yet.
    """
    if result.pair is None:
        raise UserError("There is nothing to write yet: wait until the pair is matched.")
    pictures = (("left", picture_info(result.pair.left)), ("right", picture_info(result.pair.right)))
    return Origin(pictures, result.request.matcher, settings_items(result.request.settings))


@dataclass(frozen=True, eq=False)
class MatchTable:
    """M matches as they stand in a file, in pixels of the original images.

    Attributes:
        left_xy, right_xy: (M, 2) float32.
        distance, ratio, confidence: (M,) float32, NaN = unknown.
        inlier: (M,) int8, 1, 0 or -1 = unknown (no model was fitted).
        verdict: (M,) int8 of :class:`app.records.Verdict`, -1 = unknown (no truth).
        origin: how they were made, None for a file that does not say.
    """

    left_xy: Float32
    right_xy: Float32
    distance: Float32
    ratio: Float32
    confidence: Float32
    inlier: npt.NDArray[np.int8]
    verdict: npt.NDArray[np.int8]
    origin: Origin | None = None

    def __post_init__(self) -> None:
        n = int(np.asarray(self.left_xy).shape[0])
        for name, dtype, shape in (
            ("left_xy", np.float32, (n, 2)),
            ("right_xy", np.float32, (n, 2)),
            ("distance", np.float32, (n,)),
            ("ratio", np.float32, (n,)),
            ("confidence", np.float32, (n,)),
            ("inlier", np.int8, (n,)),
            ("verdict", np.int8, (n,)),
        ):
            value = read_only(getattr(self, name), dtype, shape, f"MatchTable.{name}")
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.left_xy)


def table_of(result: MatchResult) -> MatchTable:
    """Return the matches of a result as a table; zero matches give an empty one.

    Raises:
        UserError: if the result has no matches yet.
    """
    matches, left, right = result.matches, result.left, result.right
    if matches is None or left is None or right is None:
        raise UserError("There are no matches to write yet: wait until the pair is matched.")
    unknown = np.full(len(matches), UNKNOWN, np.int8)
    fitted, judged = result.verification, result.evaluation
    return MatchTable(
        left_xy=left.keypoints.xy[matches.pairs[:, 0]],
        right_xy=right.keypoints.xy[matches.pairs[:, 1]],
        distance=matches.distance,
        ratio=matches.ratio,
        confidence=matches.confidence,
        inlier=unknown if fitted is None or fitted.model == "none" else fitted.inlier.astype(np.int8),
        verdict=unknown if judged is None or judged.truth_kind == "none" else judged.verdict,
        origin=origin_of(result),
    )


def number_text(value: float | None) -> str:
    """Return a number with 9 significant digits; NaN and None are unknown, hence empty."""
    if value is None or math.isnan(value):
        return ""
    return f"{value:.9g}"


def json_number(value: float) -> float | str | None:
    """Return a number as JSON has it: NaN becomes null, an infinite one the text ``"inf"`` or ``"-inf"``."""
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else f"{value}"


def write_csv(stream: IO[str], about: Mapping[str, Any], header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write the ``#`` line, the header row and the rows, quoted by RFC 4180 where needed."""
    stream.write(f"# {json.dumps(about, ensure_ascii=False)}\n")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


@contextmanager
def reading_csv(path: str | Path) -> Iterator[tuple[object, Iterator[tuple[int, list[str]]]]]:
    """Open a CSV file; yield the value of its ``#`` line (None without one) and (line number, cells) of every row.

    The header row comes first; blank lines are left out.

    Raises:
        UserError: if the file cannot be read, is no UTF-8 text, or breaks the rules of CSV.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_TEXT_BYTES:
            raise UserError(f"{file} is too large to be read as a table ({file.stat().st_size:,} bytes).")
        with file.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            about = _about(first)
            if not first.startswith("#"):
                stream.seek(0)
            reader = csv.reader(stream, strict=True)
            skipped = int(first.startswith("#"))
            yield about, ((reader.line_num + skipped, row) for row in reader if row)
    except UnicodeDecodeError:
        raise UserError(f"{file} is not a text file; expected a table of comma-separated values.") from None
    except csv.Error as error:
        raise UserError(f"{file} is not a table of comma-separated values: {error}.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None


def _about(line: str) -> object:
    """Return the JSON value of a ``#`` line, None if it is another kind of line or comment."""
    if not line.startswith("#"):
        return None
    try:
        value: object = json.loads(line[1:])
    except (ValueError, RecursionError):  # somebody else's comment is no error
        return None
    return value


def columns_of(path: str | Path, rows: Iterator[tuple[int, list[str]]], required: Sequence[str]) -> list[str]:
    """Return the header row's names.

    Raises:
        UserError: if there is no header row, a required column is missing or a name comes twice.
    """
    _, header = next(rows, (0, []))
    names = [name.strip() for name in header]
    missing = [name for name in required if name not in names]
    if missing:
        raise UserError(f"{path} has no column {', '.join(missing)}; the header row must name {','.join(required)}.")
    if len(set(names)) != len(names):
        raise UserError(f"{path} names a column twice in its header row.")
    return names


def cells_of(path: str | Path, line: int, names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """Return the cells of a row by column name.

    Raises:
        UserError: if there are more or fewer cells than columns.
    """
    if len(row) != len(names):
        raise UserError(f"{path}, line {line}: {len(row)} cells, expected {len(names)}.")
    return dict(zip(names, (cell.strip() for cell in row), strict=True))


def number_in(path: str | Path, line: int, name: str, text: str, *, required: bool = False) -> float:
    """Return the number in a cell, NaN if it is empty.

    Raises:
        UserError: if it is no number, or must be finite (``required``) and is not.
    """
    try:
        value = float(text) if text else math.nan
    except ValueError:
        raise UserError(f"{path}, line {line}: {name} is {text!r}, not a number.") from None
    if required and not abs(value) <= float(np.finfo(np.float32).max):
        raise UserError(f"{path}, line {line}: {name} is {text or 'empty'}; a finite number is needed.")
    return value
