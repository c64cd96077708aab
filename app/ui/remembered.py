"""The pair as the window showed it last, kept in a file: the next start shows it before it is read again.

What lives here: :class:`Remembered` with :func:`read` and :func:`write`. What does not: rendering and painting it
(``pair_plane``). May import: records, pairs, settings; not Qt and not NumPy, which is the purpose.

To import NumPy and OpenCV and to make the pair takes as long as all of Qt; what was on the screen is ready to paint.
The real pair takes its place a moment later. The file is one line of JSON and the pixels of both pictures.
"""

from __future__ import annotations

import json
import logging
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

from app import __version__, pairs
from app.records import PairRef, UserError
from app.settings import atomic_path

log = logging.getLogger(__name__)
NAME = "last-pair.pixels"
KIND = "last pair"
VERSION = 1
MOST_BYTES = 64 * 2**20  # two pictures of a screen of 4K take half of it


class RememberedPicture(NamedTuple):
    """One picture as it was shown.

    Attributes:
        place: on the plane of both: width and height in pixels, magnification, and x and y of its corner.
        caption: the words above it.
        pixels: height x width x 4 bytes, blue, green, red and a filling byte.
        size: (width, height) of ``pixels``.
        scale: screen pixels per picture pixel of them.
        x, y: of their left top edge, in screen pixels from the picture's corner.
    """

    place: tuple[int, int, float, float, float]
    caption: str
    pixels: memoryview
    size: tuple[int, int]
    scale: float
    x: float
    y: float


class Remembered(NamedTuple):
    """Both pictures of a pair as they were shown."""

    left: RememberedPicture
    right: RememberedPicture


def write(folder: Path, ref: PairRef, shown: Remembered) -> None:
    """Keep what was shown of a pair, unless it is too much or its files are gone.

    Raises:
        UserError: if the file cannot be written.
    """
    try:
        stamp = _stamp(ref)
    except OSError:
        return
    if sum(len(picture.pixels) for picture in shown) > MOST_BYTES:
        return
    head = {
        "kind": KIND,
        "version": VERSION,
        "ref": pairs.ref_to_json(ref),
        "stamp": stamp,
        "pictures": [{**picture._asdict(), "pixels": len(picture.pixels)} for picture in shown],
    }
    with atomic_path(folder / NAME) as temporary, temporary.open("wb") as stream:
        stream.write(json.dumps(head).encode() + b"\n")
        for picture in shown:
            stream.write(picture.pixels)


def read(folder: Path, ref: PairRef) -> Remembered | None:
    """Return what was shown of this pair, None if that was another one, its files have changed, or there is none."""
    try:
        with (folder / NAME).open("rb") as stream:
            head = json.loads(stream.readline())
            if (head["kind"], head["version"]) != (KIND, VERSION) or pairs.ref_from_json(head["ref"]) != ref:
                return None
            if head["stamp"] != _stamp(ref):
                return None
            left, right = (
                _picture(values, stream.read(min(values["pixels"], MOST_BYTES))) for values in head["pictures"]
            )
    except FileNotFoundError:
        return None
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
        UserError,
    ) as error:
        log.warning("what the window showed last cannot be read: %s", error)
        return None
    return Remembered(left, right)


def _picture(values: dict[str, Any], pixels: bytes) -> RememberedPicture:
    width, height = (int(length) for length in values["size"])
    columns, rows, *place = values["place"]
    scale, x, y = (float(values[name]) for name in ("scale", "x", "y"))
    numbers = (*map(float, place), scale, x, y)
    if len(place) != 3 or not all(map(math.isfinite, numbers)) or not (place[0] > 0 and scale > 0):
        raise ValueError("a picture's place is none")
    if min(width, height, columns, rows) < 1 or len(pixels) != 4 * width * height:
        raise ValueError("a picture's pixels are not as many as it says")
    placed = (int(columns), int(rows), float(place[0]), float(place[1]), float(place[2]))
    return RememberedPicture(placed, str(values["caption"]), memoryview(pixels), (width, height), scale, x, y)


def _stamp(ref: PairRef) -> list[Any]:
    """Return what changes when the pair does: the times and sizes of its files, the version of the program.

    Raises:
        OSError: if a file is gone.
    """
    if ref.kind == "builtin":
        return [__version__]
    files = [os.stat(path) for path in (ref.left, ref.right)]  # noqa: PTH116
    return [__version__, *(value for file in files for value in (file.st_mtime_ns, file.st_size))]
