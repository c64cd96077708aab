"""The layout of tensor files: round trips, what other writers do, damage."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from app.learning.tensor_file import DTYPES, read_tensors, write_tensors
from app.records import UserError

TENSORS = {
    "weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "count": np.array(7, np.int64),
    "none": np.zeros((0, 5), np.float32),
    "bytes": np.arange(3, dtype=np.uint8),
}


def test_that_everything_comes_back(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", TENSORS, {"kind": "é"})
    found, metadata = read_tensors(tmp_path / "a.safetensors")
    assert metadata == {"kind": "é"}
    assert set(found) == set(TENSORS)
    for name, value in TENSORS.items():
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        assert np.array_equal(found[name], value)


def test_the_layout_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": np.array([1.0, 2.0], np.float32)}, {})
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header["x"] == {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    assert (8 + length) % 8 == 0
    assert struct.unpack("<2f", data[8 + length :]) == (1.0, 2.0)


def test_that_the_reference_reads_and_writes_the_same(tmp_path: Path) -> None:
    if importlib.util.find_spec("safetensors") is None:
        pytest.skip("the reference writer is not installed here (pip install safetensors)")
    from safetensors.numpy import load_file, save_file

    write_tensors(tmp_path / "ours.safetensors", TENSORS, {"a": "b"})
    theirs = load_file(tmp_path / "ours.safetensors")
    assert all(np.array_equal(theirs[name], value) for name, value in TENSORS.items())
    save_file(TENSORS, tmp_path / "theirs.safetensors", metadata={"a": "b"})
    ours, metadata = read_tensors(tmp_path / "theirs.safetensors")
    assert metadata == {"a": "b"}
    assert all(np.array_equal(ours[name], value) for name, value in TENSORS.items())


def header(**entries: object) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


BAD = {
    "empty": b"",
    "short": b"\x00\x01",
    "not this": b"PK\x03\x04" + b"x" * 50,
    "header too long": struct.pack("<Q", 10**12) + b"{}",
    "no json": struct.pack("<Q", 4) + b"{{{{",
    "no object": struct.pack("<Q", 2) + b"[]",
    "values missing": header(x={"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}) + b"1234",
    "values left over": header(x={"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}) + b"12",
    "unknown type": header(x={"dtype": "Q9", "shape": [1], "data_offsets": [0, 1]}) + b"1",
    "wrong size": header(x={"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}) + b"1234",
    "negative side": header(x={"dtype": "U8", "shape": [-1, -4], "data_offsets": [0, 4]}) + b"1234",
    "overlap": header(
        x={"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, y={"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}
    )
    + b"123",
}


@pytest.mark.parametrize("name", BAD)
def test_that_damaged_and_foreign_files_are_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(BAD[name])
    with pytest.raises(UserError, match="damaged or not a model"):
        read_tensors(path)


def test_that_a_missing_file_and_a_strange_type_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read"):
        read_tensors(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="complex"):
        write_tensors(tmp_path / "c.safetensors", {"c": np.zeros(2, np.complex64)}, {})
    assert len(DTYPES) == len(set(DTYPES.values()))
    assert not list(tmp_path.iterdir())
