"""Photographs to train on: those of folders, and those that scikit-image brings; each named with its sha256.

May import: vision, locate, jobs, records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app import locate
from app.jobs import Job, Progress
from app.records import UInt8, UserError
from app.vision.images import grey8, is_image_name, read_image

SCIKIT_IMAGE = "scikit-image"
# Those with something to match. Some built-in pairs are made of the same: a model's card names what it has seen.
OF_SCIKIT_IMAGE = (
    "astronaut.png",
    "camera.png",
    "coins.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "page.png",
    "rocket.jpg",
)


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph as training takes it.

    Attributes:
        name: folder and file name.
        sha256: of the file's bytes.
        grey: (h, w) uint8.
    """

    name: str
    sha256: str
    grey: UInt8


def find_photographs(places: Sequence[str | Path]) -> list[Path]:
    """Return the image files of folders (and their folders), sorted by path; ``"scikit-image"`` names its own.

    Raises:
        UserError: if a folder is missing, or there is no image in one.
    """
    found: list[Path] = []
    for place in places:
        if str(place) == SCIKIT_IMAGE:
            found += [locate.photographs() / name for name in OF_SCIKIT_IMAGE]
            continue
        folder = Path(place)
        if not folder.is_dir():
            raise UserError(f"There is no folder {place}; give a folder of photographs, or the word {SCIKIT_IMAGE}.")
        files = sorted(file for file in folder.rglob("*") if file.is_file() and is_image_name(file))
        if not files:
            raise UserError(f"There is no image in {place}; give a folder of photographs.")
        found += files
    return found


def read_photographs(files: Sequence[Path]) -> Job[list[Photograph]]:
    """Read photographs, one step each.

    Raises:
        UserError: if one cannot be read.
    """
    read: list[Photograph] = []
    for row, file in enumerate(files):
        yield Progress(row, len(files), f"Reading {file.name}")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        read.append(Photograph(f"{file.parent.name}/{file.name}", digest, grey8(read_image(file).rgb)))
    return read
