"""Text files that list image pairs: hloc's ``pairs.txt`` and SuperGlue's lists with 2, 4 or 38 columns.

What lives here: reading. What does not: opening the images (``app.pairs``). May import: records, numpy.

Columns of a SuperGlue list: ``left right [turns_left turns_right [K_left 9 K_right 9 T_left_to_right 16]]``, turns
being ``numpy.rot90`` steps and K that of the image as stored. An hloc list is the two-column form. Names with spaces
can be listed if the columns are separated by tabs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from app.records import Array, PairRef, UserError

COLUMNS = (2, 4, 38)
MAX_BYTES = 200_000_000
# A list's names may count from a folder beside or above it; so many names and subfolders are tried to find which.
_NAMES_TRIED = 20
_FOLDERS_TRIED = 64
_ROTATION_TOLERANCE = 0.01  # published poses are rounded to a few digits


@dataclass(frozen=True)
class PairList:
    """The pairs of a list, and sentences on what was left out and where the names were found."""

    refs: tuple[PairRef, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """One line of a list: names as written, turns, and the pose's 34 numbers or none."""

    left: str
    right: str
    turns: tuple[int, int]
    pose: tuple[float, ...]


def read_pair_list(path: str | Path, *, root: str | Path = "") -> PairList:
    """Return the pairs of a list file.

    Blank lines and lines starting with ``#`` are skipped. Pairs whose files are missing are left out, with a note.

    Args:
        path: a UTF-8 text file.
        root: the folder that names count from; without it the list's own folder or, if its files are not there,
            the subfolder, the folder above or an ``images`` folder where they are.

    Raises:
        UserError: if the file cannot be read as text; if a line has another number of columns, a number that is
            not finite, a turn other than 0 to 3, or a matrix that is no camera or no motion (with the line's
            number); or if no pair is left.
    """
    file = Path(os.path.abspath(path))  # noqa: PTH100 - links are kept as they are
    rows = [_row(f"{file}, line {number}", line) for number, line in _lines(file)]
    names = list(dict.fromkeys(name for row in rows for name in (row.left, row.right)))
    base = Path(os.path.abspath(root)) if root else _root(file.parent, names)  # noqa: PTH100 - as above
    missing = [name for name in names if not os.path.isfile(base / name)]  # noqa: PTH113 - ten times faster
    gone = set(missing)
    kept = tuple(_ref(base, row) for row in rows if row.left not in gone and row.right not in gone)
    if not rows:
        raise UserError(f"{file} lists no pairs; a list of pairs has two file names per line.")
    if not kept:
        raise UserError(
            f"{file} lists no pair whose files exist; the first missing file is {base / missing[0]}. "
            "Put the list beside its images."
        )
    return PairList(kept, tuple(_notes(file, base, missing, len(rows) - len(kept), len(rows))))


def _notes(file: Path, base: Path, missing: list[str], left_out: int, total: int) -> Iterable[str]:
    if missing:
        others = f" and {len(missing) - 1} other files are" if len(missing) > 2 else " is"
        others = " and one other file are" if len(missing) == 2 else others
        where = "" if all(map(os.path.isabs, missing)) else f" in {base}"
        yield f"{left_out} of {total} pairs of {file.name} were left out: {missing[0]}{others} missing{where}."
    if base != file.parent:
        yield f"The names in {file.name} were found in {base}."


def _lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines that count, with their numbers from 1."""
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{file} is too large for a list of pairs ({size:,} bytes).")
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text; save the list, two file names per line, as UTF-8.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
    if "\0" in text:
        raise UserError(f"{file} is not a text file; a list of pairs has two file names per line.")
    # Not splitlines(): it also ends lines at characters that may stand in a file name.
    broken = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = ((number, line.strip()) for number, line in enumerate(broken, start=1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _root(folder: Path, names: list[str]) -> Path:
    """Return the folder that most of the first names exist in; the list's own if none does better."""
    tried = names[:_NAMES_TRIED]

    def found(base: Path) -> int:
        """Return how many of the names exist in a folder."""
        return sum(os.path.isfile(base / name) for name in tried)  # noqa: PTH113 - takes any name

    best, most = folder, found(folder)
    if most < len(tried):
        for base in (*_subfolders(folder), folder.parent, folder.parent / "images"):
            count = found(base)
            if count > most:
                best, most = base, count
    return best


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in islice(entries, 10_000) if entry.is_dir())[:_FOLDERS_TRIED]
    except OSError:  # it may be entered but not listed: then only the names themselves can be tried
        return []


def _row(where: str, line: str) -> _Row:
    columns = _columns(line)
    if len(columns) not in COLUMNS:
        found = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
        raise UserError(
            f"{where}: {found}, expected 2, 4 or 38 (left right [turns turns [K K T]]; "
            "separate by tabs if names have spaces)."
        )
    turns = (_turns(where, columns[2]), _turns(where, columns[3])) if len(columns) > 2 else (0, 0)
    pose = tuple(_number(where, text) for text in columns[4:])
    if pose:
        _check_pose(where, np.asarray(pose))
    return _Row(columns[0], columns[1], turns, pose)


def _columns(line: str) -> list[str]:
    """Split at white space, or at tabs where that alone makes sense of the line."""
    plain = line.split()
    if "\t" not in line or (len(plain) in COLUMNS and all(map(_is_number, plain[2:]))):
        return plain
    left, right, *rest = (part.strip() for part in line.split("\t"))
    return [left, right, *" ".join(rest).split()]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(where: str, text: str) -> float:
    if not _is_number(text):
        raise UserError(f"{where}: {text!r} is not a number.")
    value = float(text)
    if not math.isfinite(value):
        raise UserError(f"{where}: {text} is not a finite number.")
    return value


def _turns(where: str, text: str) -> int:
    value = _number(where, text)
    if value not in (0, 1, 2, 3):
        raise UserError(f"{where}: {text} quarter turns; use 0, 1, 2 or 3.")
    return int(value)


def _check_pose(where: str, numbers: Array) -> None:
    """Refuse matrices that are no cameras and no rigid motion: a shifted column would pass for truth."""
    for name, first in (("left", 0), ("right", 9)):
        camera = numbers[first : first + 9].reshape(3, 3)
        if not (camera[0, 0] > 0 and camera[1, 1] > 0 and np.allclose(camera[2], (0, 0, 1)) and not camera[1, 0]):
            raise UserError(
                f"{where}: columns {first + 5} to {first + 13} are not the {name} camera matrix "
                "(expected fx s cx 0 fy cy 0 0 1)."
            )
    motion = numbers[18:].reshape(4, 4)
    rotation = motion[:3, :3]
    straight = np.abs(rotation @ rotation.T - np.eye(3)).max() <= _ROTATION_TOLERANCE
    if not (straight and np.linalg.det(rotation) > 0 and np.allclose(motion[3], (0, 0, 0, 1))):
        raise UserError(
            f"{where}: columns 23 to 38 are not a rigid motion (expected a rotation and a translation "
            "row by row, then 0 0 0 1)."
        )


def _shown(name: str) -> str:
    """Return a name as written; of one that begins at the root only the folder and the file."""
    return "/".join(Path(name).parts[-2:]) if os.path.isabs(name) else name  # noqa: PTH117 - takes any name


def _ref(base: Path, row: _Row) -> PairRef:
    return PairRef(
        "files",
        f"{_shown(row.left)} – {_shown(row.right)}",
        left=str(base / row.left),
        right=str(base / row.right),
        rotations=row.turns,
        pose=row.pose,
        tags=("pose",) if row.pose else (),
    )
