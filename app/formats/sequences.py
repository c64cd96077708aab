"""Image sequences with homographies: the Oxford affine layout and HPatches.

What lives here: finding the pairs of such folders and reading their matrices. What does not: decoding
images. May import: records, numpy, the list of image suffixes in ``app.vision.images``.

Oxford: ``img1.* … img6.*`` with ``H1to2p`` or ``H_1_2``. HPatches: folders ``i_*`` and ``v_*`` of ``1.* … 6.*`` with
``H_1_2 … H_1_6``. A matrix maps the first image to the k-th, pixel centres at integers.
"""

from __future__ import annotations

import os
import re
from itertools import combinations
from pathlib import Path

import numpy as np

from app.records import Float64, PairRef, UserError
from app.vision.images import SUFFIXES

_MEMBER = re.compile(r"(img|)([1-9][0-9]?)(\.[a-z0-9]+)+", re.IGNORECASE)
_MATRIX_BYTES = 10_000
# A homography of pixels is judged in units of 1,000 pixels; below this its determinant is rounding alone.
_SINGULAR = 1e-12


def read_homography(path: str | Path) -> Float64:
    """Return a (3, 3) float64 matrix from a text file of nine numbers.

    Raises:
        UserError: if the file is missing, has other than nine finite numbers, or the matrix is singular.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            words = stream.read(_MATRIX_BYTES).decode("utf-8-sig").replace(",", " ").split()
        numbers = [float(word) for word in words]
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise UserError(f"{file} is not a homography: it must hold nine numbers.") from None
    if len(numbers) != 9 or not np.isfinite(numbers).all():
        raise UserError(f"{file} is not a homography: {len(numbers)} numbers, expected nine finite ones.")
    matrix = np.asarray(numbers, np.float64).reshape(3, 3)
    if _singular(matrix):
        raise UserError(f"{file} is not a homography: the matrix is singular.")
    return matrix


def _singular(matrix: Float64) -> bool:
    """Return whether a finite (3, 3) homography, in thousands of pixels, has next to no volume."""
    if not matrix.any():
        return True
    units = matrix / np.abs(matrix).max() * np.array([[1, 1, 1e-3], [1, 1, 1e-3], [1e3, 1e3, 1]])
    x, y, z = units / np.abs(units).max()
    return abs(float(np.dot(x, np.cross(y, z)))) < _SINGULAR


def sequence_pairs(folder: str | Path, *, every: bool = False) -> list[PairRef]:
    """Return the pairs 1-k of one sequence folder; empty if it is not one.

    A folder is a sequence if it has image 1 and a homography to at least one other. A pair without a homography is
    listed without truth.

    Args:
        folder: the folder.
        every: all pairs j-k; only those from image 1 have truth.

    Raises:
        OSError: if the folder cannot be listed.
    """
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - links are kept as they are
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries)
    members = _members(names)
    if 1 not in members:
        return []
    present = set(names)
    matrices = {k: name for k in members for name in _matrix_names(k) if name in present and k > 1}
    if not matrices:
        return []
    steps = combinations(sorted(members), 2) if every else ((1, k) for k in sorted(members) if k > 1)
    return [_ref(place, members, j, k, matrices.get(k, "") if j == 1 else "") for j, k in steps]


def _members(names: list[str]) -> dict[int, str]:
    """Return number -> file name of the images of a sequence (all ``imgN.*``, or all ``N.*``)."""
    styles: dict[str, dict[int, str]] = {}
    for name in names:
        found = _MEMBER.fullmatch(name)
        if found and Path(name).suffix.lower() in SUFFIXES:
            styles.setdefault(found[1].lower(), {}).setdefault(int(found[2]), name)
    complete = [members for members in styles.values() if 1 in members]
    return max(complete, key=len, default={})


def _ref(place: Path, members: dict[int, str], j: int, k: int, matrix: str) -> PairRef:
    kind = {"i_": "illumination", "v_": "viewpoint"}.get(place.name[:2], "homography")
    return PairRef(
        "files",
        f"{place.name} {j}-{k}",
        left=str(place / members[j]),
        right=str(place / members[k]),
        homography_path=str(place / matrix) if matrix else "",
        tags=(kind,) if matrix else (),
    )


def find_sequences(folder: str | Path, *, every: bool = False) -> list[PairRef]:
    """Return the pairs of a sequence folder, or of all sequence folders inside it, in order of their names.

    Arguments and errors as for :func:`sequence_pairs`.
    """
    own = sequence_pairs(folder, every=every)
    if own:
        return own
    with os.scandir(folder) as entries:
        inside = sorted(entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    return [ref for path in inside if _has_matrix(path) for ref in sequence_pairs(path, every=every)]


def _has_matrix(folder: str) -> bool:
    """Whether a folder may be a sequence; spares listing thousands of folders of pictures."""
    names = (name for k in range(2, 10) for name in _matrix_names(k))
    return os.access(folder, os.R_OK | os.X_OK) and any(Path(folder, name).exists() for name in names)


def _matrix_names(k: int) -> tuple[str, ...]:
    return f"H_1_{k}", f"H1to{k}p", f"H1to{k}"
