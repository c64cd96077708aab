"""Reading and writing npz archives safely: no pickles, no bombs, one sentence for a bad file.

What lives here: the archive as named arrays. What does not: which arrays a format has. May import: records,
settings, numpy.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from app.records import Array, UserError
from app.settings import atomic_path

MAX_BYTES = 4 * 2**30
# What numpy and zipfile raise on damaged, encrypted, pickled, oddly compressed or lying archives.
_DAMAGED = (
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OverflowError,
    MemoryError,
    SyntaxError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_arrays(path: str | Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as a compressed npz; the file is replaced only when all of it could be written.

    Raises:
        UserError: if the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_arrays(path: str | Path, required: tuple[str, ...]) -> dict[str, Array]:
    """Return the arrays of an npz file.

    Raises:
        UserError: if it cannot be read, is damaged, holds Python objects, is larger than 4 GiB unpacked, or
            lacks one of the ``required`` arrays.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            with zipfile.ZipFile(stream) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MAX_BYTES:
                raise UserError(f"{file} is too large ({unpacked:,} bytes unpacked).")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as content:
                arrays = {name: np.asarray(content[name]) for name in content.files}
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
    except _DAMAGED as error:
        raise UserError(f"{file} is not a readable npz file ({type(error).__name__}).") from None
    missing = [name for name in required if name not in arrays]
    if missing:
        raise UserError(f"{file} has no array {', '.join(missing)}; found {', '.join(arrays) or 'none'}.")
    return arrays


def shaped(path: str | Path, arrays: Mapping[str, Array], name: str, shape: tuple[int | None, ...]) -> Array:
    """Return a numeric array after checking its shape (None = any length).

    Raises:
        UserError: if it has another shape or holds no numbers.
    """
    array = arrays[name]
    if array.ndim != len(shape) or any(w is not None and w != h for h, w in zip(array.shape, shape, strict=True)):
        expected = " x ".join("n" if want is None else str(want) for want in shape)
        raise UserError(f"{path}: {name} is {' x '.join(map(str, array.shape))}, expected {expected}.")
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path}: {name} holds no numbers.")
    return array


def points_of(path: str | Path, arrays: Mapping[str, Array], name: str) -> Array:
    """Return (N, 2) float32 finite coordinates.

    Raises:
        UserError: if the array has another shape or a coordinate is not finite.
    """
    with np.errstate(over="ignore"):
        points = shaped(path, arrays, name, (None, 2)).astype(np.float32)
    if not np.isfinite(points).all():
        raise UserError(f"{path}: {name} holds a coordinate that is not a finite number.")
    return points


def column_of(path: str | Path, arrays: Mapping[str, Array], name: str, n: int, *, default: float) -> Array:
    """Return (n,) float32 of an optional array, filled with ``default`` if it is missing.

    Raises:
        UserError: if it has another length.
    """
    if name not in arrays:
        return np.full(n, default, np.float32)
    with np.errstate(over="ignore"):
        return shaped(path, arrays, name, (n,)).astype(np.float32)


def json_of(arrays: Mapping[str, Array], name: str) -> object:
    """Return the JSON value in a text array, None if it is missing or holds something else."""
    array = arrays.get(name)
    if array is None or array.ndim or array.dtype.kind != "U":
        return None
    try:
        value: object = json.loads(str(array))
    except (ValueError, RecursionError):  # somebody else's text is no error
        return None
    return value
