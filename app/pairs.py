"""Where pairs come from: built in, two files, a folder, a list; and how one is loaded with its truth.

What lives here: making references and loading them. What does not: file formats (``app.formats``), making
built-in pairs (``app.vision.builtin``). May import: records, formats, vision.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from app.formats.pair_lists import read_pair_list
from app.formats.sequences import find_sequences, read_homography
from app.records import Image, ImagePair, PairRef, Pose, Truth, UInt8, UserError
from app.vision import builtin as made
from app.vision import images

# All pairs of n images are n (n - 1) / 2; beyond this the list would be of no use.
MOST_PAIRS = 20_000


def builtin() -> tuple[PairRef, ...]:
    """Return the built-in pairs; no image is read."""
    return made.REFS


def describe(ref: PairRef) -> str:
    """Return one or two sentences on what a built-in pair shows; empty for other pairs."""
    return made.describe(ref)


def from_files(left: str | Path, right: str | Path, *, homography: str | Path = "") -> PairRef:
    """Return the pair of two image files (not opened yet)."""
    title = f"{Path(left).name} – {Path(right).name}"
    tags = ("homography",) if homography else ()
    return PairRef(
        "files",
        title,
        left=str(left),
        right=str(right),
        homography_path=str(homography) if homography else "",
        tags=tags,
    )


def from_folder(folder: str | Path, *, every: bool = False) -> list[PairRef]:
    """Return the pairs of a folder: Oxford or HPatches sequences with truth, a ``pairs.txt``, or its images.

    Args:
        folder: the folder.
        every: pair each image with each other, instead of with the next by name.

    Raises:
        UserError: if it is no folder, cannot be read, or holds fewer than two images.
    """
    place = Path(folder)
    if not place.is_dir():
        raise UserError(f"There is no folder {place}; check the name.")
    try:
        sequences = find_sequences(place)
        pictures = sorted(p for p in place.iterdir() if images.is_image_name(p) and not p.name.startswith("."))
    except OSError as error:
        raise UserError(f"The folder {place} cannot be read: {error.strerror or error}.") from None
    if sequences and not every:
        return sequences
    if (place / "pairs.txt").is_file() and not every:
        return list(read_pair_list(place / "pairs.txt").refs)
    if len(pictures) < 2:
        raise UserError(f"{place} holds {len(pictures)} pictures; a pair needs two (PNG, JPEG, TIFF, WebP, BMP, PPM).")
    count = len(pictures) * (len(pictures) - 1) // 2
    if every and count > MOST_PAIRS:
        raise UserError(
            f"All pairs of {len(pictures)} pictures would be {count:,}; at most {MOST_PAIRS:,} are."
        )
    return [from_files(a, b) for a, b in (combinations(pictures, 2) if every else pairwise(pictures))]


def from_paths(paths: Sequence[str | Path]) -> list[PairRef]:
    """Return the pairs that files, folders or a list mean: two or more images, folders, or text files.

    Raises:
        UserError: if nothing can be made of them, e.g. a single image.
    """
    refs: list[PairRef] = []
    pictures: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            refs.extend(from_folder(path))
        elif path.suffix.lower() in (".txt", ".list", ".pairs"):
            refs.extend(read_pair_list(path).refs)
        elif not path.exists():
            raise UserError(f"There is no file {path}; check the name.")
        else:
            pictures.append(path)
    if len(pictures) == 1 and not refs:
        raise UserError(f"{pictures[0].name} is one picture; choose two to make a pair.")
    if len(pictures) == 2:
        refs.append(from_files(*pictures))
    else:
        refs.extend(from_files(a, b) for a, b in pairwise(pictures))
    if not refs:
        raise UserError("Nothing to open: choose two pictures, a folder of pictures, or a list of pairs.")
    return refs


def load(ref: PairRef) -> ImagePair:
    """Return the decoded pair with its truth; slow, for a worker.

    Raises:
        UserError: if a file cannot be read.
    """
    if ref.kind == "builtin":
        return made.make(ref)
    left = images.read_image(ref.left, quarter_turns=ref.rotations[0])
    right = images.read_image(ref.right, quarter_turns=ref.rotations[1])
    truth = _truth(ref)
    if truth.pose is None:
        return ImagePair(ref, left, right, truth)
    return ImagePair(ref, left, right, truth, camera_left=truth.pose.k_left, camera_right=truth.pose.k_right)


def _truth(ref: PairRef) -> Truth:
    if ref.homography_path:
        return Truth(homography=read_homography(ref.homography_path))
    if ref.pose:
        numbers = np.asarray(ref.pose, np.float64)
        motion = numbers[18:].reshape(4, 4)
        return Truth(pose=Pose(numbers[:9].reshape(3, 3), numbers[9:18].reshape(3, 3), motion[:3, :3], motion[:3, 3]))
    return Truth()


def thumbnail(ref: PairRef, side: int) -> UInt8:
    """Return (h, w, 3) uint8 of both images beside each other, each at most ``side`` pixels high.

    Slow, for a worker.

    Raises:
        UserError: if a file cannot be read.
    """
    pair = load(ref)
    gap = np.full((side, 2, 3), 127, np.uint8)
    return np.asarray(np.hstack([_boxed(pair.left, side), gap, _boxed(pair.right, side)]), np.uint8)


def _boxed(image: Image, side: int) -> UInt8:
    """Return the middle square of an image at ``side`` pixels."""
    edge = min(image.size)
    x, y = (image.width - edge) // 2, (image.height - edge) // 2
    square = Image(image.id, image.name, image.rgb[y : y + edge, x : x + edge])
    small = images.thumbnail(square, side)
    if small.shape[:2] == (side, side):
        return small
    box = np.full((side, side, 3), 127, np.uint8)
    top, start = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    box[top : top + small.shape[0], start : start + small.shape[1]] = small
    return box


def ref_to_json(ref: PairRef) -> dict[str, Any]:
    """Return a reference as plain JSON values."""
    return dataclasses.asdict(ref)


def ref_from_json(values: Mapping[str, Any]) -> PairRef:
    """Return the reference of :func:`ref_to_json`.

    Raises:
        UserError: if a value is missing or of another kind.
    """
    known = {item.name for item in dataclasses.fields(PairRef)}
    try:
        arguments = {name: value for name, value in values.items() if name in known}
        for name in ("tags", "rotations", "pose"):
            arguments[name] = tuple(arguments.get(name, (0, 0) if name == "rotations" else ()))
        return PairRef(**arguments)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise UserError(f"The saved pair cannot be read: {error}.") from None
