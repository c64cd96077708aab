"""Text files that list image pairs: hloc's ``pairs.txt`` and SuperGlue's lists with 2, 4 or 38 columns.

What lives here: reading. What does not: opening the images (``app.pairs``). May import: records.

Columns of a SuperGlue list: ``left right [turns_left turns_right [K_left 9 K_right 9 T_left_to_right 16]]``, turns
being ``numpy.rot90`` steps. An hloc list is the two-column form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from app.records import PairRef, UserError

COLUMNS = (2, 4, 38)
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class PairList:
    """The pairs of a list, and sentences on lines that point to missing files."""

    refs: tuple[PairRef, ...]
    notes: tuple[str, ...]


def read_pair_list(path: str | Path) -> PairList:
    """Return the pairs of a list file; names are relative to the file's folder.

    Blank lines and lines starting with ``#`` are skipped. Pairs whose files are missing are left out, with a note.

    Raises:
        UserError: if the file cannot be read as text, a line has another number of columns or a number is
            not finite, or no pair is left; with the line's number.
    """
    file = Path(path)
    rows = [(n, line.split()) for n, line in enumerate(_lines(file), start=1) if _counts(line)]
    refs = [_pair(file, number, row) for number, row in rows]
    missing = [name for ref in refs for name in (ref.left, ref.right) if not Path(name).is_file()]
    kept = tuple(ref for ref in refs if Path(ref.left).is_file() and Path(ref.right).is_file())
    if not kept:
        first = f"; the first missing file is {missing[0]}" if missing else ""
        raise UserError(
            f"{file} lists no pair whose files exist{first}. Names are taken relative to the list's folder."
        )
    notes: tuple[str, ...] = ()
    if missing:
        notes = (
            f"{len(refs) - len(kept)} of {len(refs)} pairs of {file.name} were left out: {missing[0]} is missing.",
        )
    return PairList(kept, notes)


def _counts(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith("#")


def _lines(file: Path) -> list[str]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UserError(f"{file} is too large for a list of pairs ({file.stat().st_size:,} bytes).")
        return file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{file} is not a text file; a list of pairs has two file names per line.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None


def _pair(file: Path, number: int, row: list[str]) -> PairRef:
    """Return the pair of one line."""
    where = f"{file}, line {number}"
    if len(row) not in COLUMNS:
        raise UserError(
            f"{where}: {len(row)} columns, expected 2, 4 or 38 (names with spaces cannot be listed): left right "
            "[turns turns [K K T]]."
        )
    turns = (_turns(where, row[2]), _turns(where, row[3])) if len(row) > 2 else (0, 0)
    pose = tuple(_number(where, text) for text in row[4:])
    if pose and any(turns):
        raise UserError(f"{where}: a pose together with turned images is not supported; list the images unturned.")
    left, right = (str(file.parent / name) for name in row[:2])
    tags = ("pose",) if pose else ()
    title = f"{Path(left).name} – {Path(right).name}"
    return PairRef("files", title, left=left, right=right, rotations=turns, pose=pose, tags=tags)


def _number(where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a number.") from None
    if not math.isfinite(value):
        raise UserError(f"{where}: {text} is not a finite number.")
    return value


def _turns(where: str, text: str) -> int:
    value = _number(where, text)
    if value not in (0, 1, 2, 3):
        raise UserError(f"{where}: {text} quarter turns; use 0, 1, 2 or 3.")
    return int(value)
