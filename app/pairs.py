"""Where pairs come from: built in, two files, a folder, a list; and how one is loaded with its truth.

What lives here: making references and loading them. What does not: file formats (``app.formats``), making
built-in pairs (``app.vision.builtin``). May import: records, jobs, formats, vision.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from app.formats.sequences import find_sequences, read_homography
from app.jobs import Progress, native, run_to_end
from app.records import Float64, Image, ImagePair, PairRef, Pose, Truth, UInt8, UserError
from app.vision import builtin as made
from app.vision import images
from app.vision.image_files import READABLE

# All pairs of n images are n (n - 1) / 2; beyond this the list would be of no use.
MOST_PAIRS = 20_000
LIST_SUFFIXES = (".txt", ".list", ".lst", ".pairs")


def builtin() -> tuple[PairRef, ...]:
    """Return the built-in pairs; no image is read."""
    return made.REFS


def describe(ref: PairRef) -> str:
    """Return one or two sentences on what a built-in pair shows; empty for other pairs."""
    return made.describe(ref)


def from_files(left: str | Path, right: str | Path, *, homography: str | Path = "") -> PairRef:
    """Return the pair of two image files (not opened yet), with absolute paths."""
    left, right = _absolute(left), _absolute(right)
    return PairRef(
        "files",
        " – ".join(_short_names(left, right)),
        left=str(left),
        right=str(right),
        homography_path=str(_absolute(homography)) if homography else "",
        tags=("homography",) if homography else (),
    )


def _absolute(path: str | Path) -> Path:
    """Return a path that stays right when the program is started elsewhere; links are kept as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links


def _short_names(left: Path, right: Path) -> tuple[str, str]:
    """Return both names, with their folders if they are called the same."""
    if left.name != right.name:
        return left.name, right.name
    return f"{left.parent.name}/{left.name}", f"{right.parent.name}/{right.name}"


@dataclass(frozen=True)
class Found:
    """Pairs found somewhere, and sentences that the user should read (files left out, where names were found)."""

    refs: tuple[PairRef, ...]
    notes: tuple[str, ...] = ()


def from_folder(folder: str | Path, *, every: bool = False) -> list[PairRef]:
    """Return the pairs of a folder: Oxford or HPatches sequences with truth, a list of pairs, or its images.

    No image is opened. Images count in the order of their names, numbers inside them as numbers.

    Args:
        folder: the folder.
        every: pair each image with each other, instead of with the next by name (a sequence: with its first).

    Raises:
        UserError: if it is no folder, cannot be read, holds fewer than two images, or too many for all pairs.
    """
    return list(_in_folder(folder, every=every).refs)


def _in_folder(folder: str | Path, *, every: bool = False) -> Found:
    place = _absolute(folder)
    try:
        if not place.is_dir():
            raise UserError(f"There is no folder {place}; check the name.")
        sequences = find_sequences(place, every=every)
        names = sorted((entry.name for entry in os.scandir(place) if not entry.name.startswith(".")), key=_natural)
    except OSError as error:
        raise UserError(f"The folder {place} cannot be read: {error.strerror or error}.") from None
    if sequences:
        return Found(tuple(sequences))
    listed = _list_among(names)
    if listed and not every:
        return _listed(place / listed)
    return Found(_pairs_of(place, [name for name in names if images.is_image_name(Path(name))], every=every))


def _pairs_of(place: Path, pictures: Sequence[str], *, every: bool) -> tuple[PairRef, ...]:
    if len(pictures) < 2:
        count = "only one picture" if pictures else "no pictures"
        raise UserError(f"{place} holds {count}; a pair needs two ({READABLE}).")
    total = len(pictures) * (len(pictures) - 1) // 2
    if every and total > MOST_PAIRS:
        raise UserError(
            f"All pairs of {len(pictures)} pictures would be {total:,}; up to {MOST_PAIRS:,} can be listed."
        )
    return tuple(
        PairRef("files", f"{a} – {b}", left=str(place / a), right=str(place / b))
        for a, b in (combinations(pictures, 2) if every else pairwise(pictures))
    )


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sort key that puts ``img2`` before ``img10``."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if at % 2 else part for at, part in enumerate(parts)], name


def _list_among(names: Sequence[str]) -> str:
    """Return the name of a folder's list of pairs: ``pairs.txt``, or its only ``*pairs*.txt``; else empty."""
    lists = [name for name in names if "pairs" in name.lower() and name.lower().endswith(".txt")]
    if "pairs.txt" in lists:
        return "pairs.txt"
    return lists[0] if len(lists) == 1 else ""


def find(paths: Sequence[str | Path], *, every: bool = False) -> Found:
    """Return the pairs that files, folders or lists mean, with notes: what dialogs, drops and the command line give.

    Two files make one pair, more make pairs of neighbours; a folder is read as by :func:`from_folder`; any other
    text file is a list of pairs.

    Args:
        paths: files and folders in any order.
        every: all pairs instead of neighbours.

    Raises:
        UserError: if a path is missing or nothing can be made of them, e.g. a single image.
    """
    found: list[Found] = []
    pictures: list[Path] = []
    for path in map(_absolute, paths):
        if path.is_dir():
            found.append(_in_folder(path, every=every))
        elif not path.exists():
            raise UserError(f"There is no file {path}; check the name.")
        elif _is_list(path):
            found.append(_listed(path))
        else:
            pictures.append(path)
    if len(pictures) == 1:
        one = "is one picture" if images.is_image_name(pictures[0]) else "alone makes no pair"
        raise UserError(f"{pictures[0].name} {one}; choose two pictures to make a pair.")
    joined = combinations(pictures, 2) if every else pairwise(pictures)
    refs = (*(ref for part in found for ref in part.refs), *(from_files(a, b) for a, b in joined))
    if not refs:
        raise UserError("Nothing to open: choose two pictures, a folder of pictures, or a list of pairs.")
    return Found(refs, tuple(note for part in found for note in part.notes))


def from_paths(paths: Sequence[str | Path]) -> list[PairRef]:
    """Return the pairs of :func:`find` without its notes."""
    return list(find(paths).refs)


def _listed(path: Path) -> Found:
    """Return the pairs of a list, whose reader is not needed at every start."""
    from app.formats.pair_lists import read_pair_list

    found = read_pair_list(path)
    return Found(found.refs, found.notes)


def _is_list(path: Path) -> bool:
    """Whether a file is text that is not called a picture; what cannot be opened is left to its reader."""
    if path.suffix.lower() in LIST_SUFFIXES:
        return True
    if images.is_image_name(path) or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    # PBM, PGM and PPM may be text as well; they begin with their number.
    return b"\0" not in start and not re.match(rb"P[1-6]\s", start) and _is_utf8(start)


def _is_utf8(start: bytes) -> bool:
    """Whether bytes are UTF-8, up to a character cut in two at their end."""
    return "\ufffd" not in start.decode("utf-8", errors="replace").rstrip("\ufffd")


def load(ref: PairRef) -> ImagePair:
    """Return the decoded pair with its truth; both files are read at once. Slow, for a worker.

    Raises:
        UserError: if a file cannot be read.
    """
    if ref.kind == "builtin":
        return made.make(ref)
    # The small text first: nobody waits for two large pictures to hear that it is bad.
    homography = read_homography(ref.homography_path) if ref.homography_path else None
    left, right = run_to_end(
        native(
            lambda: images.read_image(ref.left, quarter_turns=ref.rotations[0]),
            lambda: images.read_image(ref.right, quarter_turns=ref.rotations[1]),
            progress=Progress(0, None, "Reading the images"),
        )
    )
    pose = _pose(ref, left, right) if ref.pose else None
    return ImagePair(
        ref,
        left,
        right,
        Truth(homography=_turned_homography(homography, ref, left, right), pose=pose),
        camera_left=None if pose is None else pose.k_left,
        camera_right=None if pose is None else pose.k_right,
    )


def _turn(steps: int, image: Image) -> tuple[Float64, Float64]:
    """Return what ``numpy.rot90`` does to pixels (3x3) and to camera coordinates (3x3).

    Args:
        steps: quarter turns counter-clockwise.
        image: the image after them.
    """
    width, height = image.size if steps % 2 == 0 else image.size[::-1]
    pixels = np.eye(3)
    for _ in range(steps % 4):  # one step: (x, y) -> (y, width - 1 - x)
        pixels = np.array([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1.0]]) @ pixels
        width, height = height, width
    camera = pixels.copy()
    camera[:2, 2] = 0
    return pixels, camera


def _turned_homography(homography: Float64 | None, ref: PairRef, left: Image, right: Image) -> Float64 | None:
    if homography is None or not any(ref.rotations):
        return homography
    there, _ = _turn(ref.rotations[1], right)
    here, _ = _turn(ref.rotations[0], left)
    result: Float64 = there @ homography @ np.linalg.inv(here)
    return result


def _pose(ref: PairRef, left: Image, right: Image) -> Pose:
    """Return the pose of the images as they are turned; the list gives that of the stored ones."""
    numbers = np.asarray(ref.pose, np.float64)
    motion = numbers[18:].reshape(4, 4)
    pixels_left, camera_left = _turn(ref.rotations[0], left)
    pixels_right, camera_right = _turn(ref.rotations[1], right)
    return Pose(
        pixels_left @ numbers[:9].reshape(3, 3) @ camera_left.T,
        pixels_right @ numbers[9:18].reshape(3, 3) @ camera_right.T,
        camera_right @ motion[:3, :3] @ camera_left.T,
        camera_right @ motion[:3, 3],
    )


def thumbnail(ref: PairRef, side: int) -> UInt8:
    """Return (side, 2 side + 2, 3) uint8: the middle squares of both images beside each other.

    Slow, for a worker; large JPEG files are read at a fraction of their size.

    Raises:
        UserError: if a file cannot be read.
    """
    if ref.kind == "builtin":
        pair = made.make(ref)
        squares = [_square(image.rgb, side) for image in (pair.left, pair.right)]
    else:
        squares = [
            # Four times the side leaves the shorter side of all but panoramas at full sharpness.
            _square(images.read_thumbnail(path, 4 * side, quarter_turns=turns), side)
            for path, turns in ((ref.left, ref.rotations[0]), (ref.right, ref.rotations[1]))
        ]
    gap = np.full((side, 2, 3), 127, np.uint8)
    return np.asarray(np.hstack([squares[0], gap, squares[1]]), np.uint8)


def _square(rgb: UInt8, side: int) -> UInt8:
    """Return the middle square of a picture at ``side`` pixels, framed in grey if it is smaller."""
    height, width = rgb.shape[:2]
    edge = min(width, height)
    top, start = (height - edge) // 2, (width - edge) // 2
    small = images.reduced(rgb[top : top + edge, start : start + edge], side)
    box = np.full((side, side, 3), 127, np.uint8)
    top, start = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    box[top : top + small.shape[0], start : start + small.shape[1]] = small
    return box


def ref_to_json(ref: PairRef) -> dict[str, Any]:
    """Return a reference as plain JSON values."""
    return dataclasses.asdict(ref)


def ref_from_json(values: Mapping[str, Any]) -> PairRef:
    """Return the reference of :func:`ref_to_json`; unknown keys are ignored.

    Raises:
        UserError: if a value is missing or of another kind.
    """
    if not isinstance(values, Mapping):
        raise UserError("The saved pair cannot be read: it is no set of named values.")
    known = {item.name for item in dataclasses.fields(PairRef)}
    given = {name: value for name, value in values.items() if name in known}
    for name in ("kind", "title", "left", "right", "recipe", "homography_path"):
        if not isinstance(given.get(name, ""), str):
            raise UserError(f"The saved pair cannot be read: {name} is not a text.")
    try:
        given["seed"] = operator.index(given.get("seed", 0))
        given["tags"] = tuple(str(tag) for tag in given.get("tags", ()))
        given["pose"] = tuple(float(number) for number in given.get("pose", ()))
        left, right = given.get("rotations", (0, 0))
        given["rotations"] = (operator.index(left), operator.index(right))
        if not all(map(math.isfinite, given["pose"])):
            raise ValueError("its pose is not finite")
        return PairRef(**given)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"The saved pair cannot be read: {error}.") from None
