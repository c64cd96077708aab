"""Image sequences with homographies: the Oxford affine layout and HPatches.

What lives here: finding the pairs of such folders and reading their matrices. What does not: decoding
images. May import: records, numpy.

Oxford: ``img1.* … img6.*`` with ``H1to2p`` or ``H_1_2``. HPatches: folders ``i_*`` and ``v_*`` of ``1.* … 6.*`` with
``H_1_2 … H_1_6``. A matrix maps the first image to the k-th, pixel centres at integers.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from app.records import Float64, PairRef, UserError

_FIRST = re.compile(r"^(?:img)?1\.\w+$", re.IGNORECASE)


def read_homography(path: str | Path) -> Float64:
    """Return a (3, 3) float64 matrix from a text file of nine numbers.

    Raises:
        UserError: if the file is missing, has other than nine finite numbers, or the matrix is singular.
    """
    file = Path(path)
    try:
        numbers = [float(text) for text in file.read_text(encoding="utf-8").replace(",", " ").split()]
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise UserError(f"{file} is not a homography: it must hold nine numbers.") from None
    if len(numbers) != 9 or not np.isfinite(numbers).all():
        raise UserError(f"{file} is not a homography: {len(numbers)} numbers, expected nine finite ones.")
    matrix = np.asarray(numbers, np.float64).reshape(3, 3)
    if abs(np.linalg.det(matrix / np.abs(matrix).max())) < 1e-15:
        raise UserError(f"{file} is not a homography: the matrix is singular.")
    return matrix


def sequence_pairs(folder: str | Path) -> list[PairRef]:
    """Return the pairs 1-k of one sequence folder; empty if it is not one."""
    place = Path(folder)
    names = sorted(path.name for path in place.iterdir() if path.is_file())
    first = next((name for name in names if _FIRST.match(name)), None)
    if first is None:
        return []
    prefix, suffix = first[: first.index("1")], first[first.index(".") :]
    present = set(names)
    refs = []
    for k in range(2, 100):
        other = f"{prefix}{k}{suffix}"
        matrix = next((name for name in (f"H_1_{k}", f"H1to{k}p", f"H1to{k}") if name in present), None)
        if other not in present:
            break
        if matrix is not None:
            refs.append(_ref(place, first, other, matrix, k))
    return refs


def _ref(place: Path, first: str, other: str, matrix: str, k: int) -> PairRef:
    kind = {"i_": "illumination", "v_": "viewpoint"}.get(place.name[:2], "homography")
    return PairRef(
        "files",
        f"{place.name} 1-{k}",
        left=str(place / first),
        right=str(place / other),
        homography_path=str(place / matrix),
        tags=(kind,),
    )


def find_sequences(folder: str | Path) -> list[PairRef]:
    """Return the pairs of a sequence folder, or of all sequence folders inside it, in order of their names."""
    place = Path(folder)
    own = sequence_pairs(place)
    if own:
        return own
    inside = sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [ref for path in inside for ref in sequence_pairs(path)]
