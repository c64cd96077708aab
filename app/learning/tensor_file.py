"""Tensors in a file: the safetensors layout, read and written with numpy alone.

What lives here: 8 bytes of header length, a JSON header (name -> dtype, shape, offsets; ``__metadata__``: text ->
text), then the raw little-endian values. Nothing is ever unpickled, and reading needs no torch. What does not: what
the tensors mean (``model_store``). May import: records, settings, numpy.

Source: the format's specification, github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.records import Array, UserError
from app.settings import atomic_path

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MOST_HEADER = 100_000_000
ALIGNMENT = 8


def write_tensors(path: str | Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write arrays and text under their names, atomically.

    Raises:
        UserError: if the file cannot be written.
        ValueError: for a dtype the format lacks.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    blocks: list[Array] = []
    offset = 0
    # Wide values first, then by name, as the reference writer does: every tensor then starts aligned.
    for name in sorted(tensors, key=lambda key: (-tensors[key].dtype.itemsize, key)):
        array = np.asarray(tensors[name])
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        if array.dtype not in NAMES:
            raise ValueError(f"{name}: {array.dtype} has no place in a safetensors file")
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
        blocks.append(array)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for array in blocks:
            stream.write(array.tobytes())


def read_tensors(path: str | Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return (arrays by name, metadata) of a file.

    Raises:
        UserError: if it is missing, or not a whole file of this kind.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    try:
        return _parsed(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error):
        raise UserError(f"{path} is damaged or not a model of this program; choose another file.") from None


def _parsed(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(MOST_HEADER, len(data) - 8):
        raise ValueError("header longer than the file")
    header = json.loads(data[8 : 8 + length].decode())
    metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
    body = memoryview(data)[8 + length :]
    tensors: dict[str, Array] = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        shape = tuple(int(side) for side in entry["shape"])
        dtype = DTYPES[entry["dtype"]]
        # The format allows neither gaps nor overlaps, so that nothing hides in a file.
        if first != end or min(shape, default=0) < 0 or last - first != dtype.itemsize * math.prod(shape):
            raise ValueError(f"{name}: offsets do not fit")
        tensors[name] = np.frombuffer(body[first:last], dtype).reshape(shape)
        end = last
    if end != len(body):
        raise ValueError("values missing or left over")
    return tensors, metadata
