"""Features as CSV and npz: what is written is read again; bad files get one sentence."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from result_samples import broken, features

from app.formats.features_files import (
    read_features_csv,
    read_features_npz,
    write_features_csv,
    write_features_npz,
)
from app.formats.results import Origin, PictureInfo
from app.records import Descriptors, Features, Keypoints, UserError

ORIGIN = Origin(
    (("image", PictureInfo("ä, b.png", 40, 30)),), "sift", (("detect.count", 5), ("describe.upright", True))
)


def assert_same_keypoints(a: Keypoints, b: Keypoints) -> None:
    for name in Keypoints.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@given(features())
@settings(max_examples=60, deadline=None)
def test_that_csv_gives_back_every_keypoint_exactly(made: Features) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_features_csv(Path(folder) / "f.csv", made, ORIGIN)
        again = read_features_csv(Path(folder) / "f.csv")
    assert_same_keypoints(again.features.keypoints, made.keypoints)
    assert again.features.descriptors is None
    assert again.origin == ORIGIN


@given(features())
@settings(max_examples=60, deadline=None)
def test_that_npz_gives_back_keypoints_and_descriptors_exactly(made: Features) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_features_npz(Path(folder) / "f.npz", made, ORIGIN)
        again = read_features_npz(Path(folder) / "f.npz")
    assert_same_keypoints(again.features.keypoints, made.keypoints)
    assert again.origin == ORIGIN
    a, b = again.features.descriptors, made.descriptors
    assert (a is None) == (b is None)
    if a is not None and b is not None:
        assert a.metric == b.metric
        assert a.values.dtype == b.values.dtype
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(np.asarray(a.factor), np.asarray(b.factor))


def test_that_the_columns_and_arrays_have_the_documented_names(tmp_path: Path) -> None:
    made = Features(Keypoints.at([[1.5, 2]], size=3), Descriptors(np.ones((1, 4), np.float32)))
    write_features_csv(tmp_path / "f.csv", made, ORIGIN)
    assert (tmp_path / "f.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "x,y,size,angle,response,octave,layer,sublayer",
        "1.5,2,3,,0,0,0,",
    ]
    write_features_npz(tmp_path / "f.npz", made, ORIGIN)
    with np.load(tmp_path / "f.npz", allow_pickle=False) as content:
        expected = {"keypoints", "size", "angle", "response", "octave", "layer", "sublayer", "descriptors"}
        assert expected <= set(content.files)
        np.testing.assert_array_equal(content["image_size"], [40, 30])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x\n1\n", "no column y"),
        ("x,y\n1,inf\n", "line 2: y is inf"),
        ("x,y,octave\n1,2,0.5\n", "octave is 0.5, not a whole number"),
        ("x,y,octave\n1,2,1e12\n", "octave is 1e12, not a whole number"),
        ("x,y,layer\n1,2,nan\n", "layer is nan, not a whole number"),
    ],
)
def test_that_a_bad_csv_gets_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_features_csv(tmp_path / "f.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"size": np.zeros(1)}, "no array keypoints"),
        ({"keypoints": np.zeros((2, 2)), "size": np.zeros(1)}, "size is 1, expected 2"),
        ({"keypoints": np.zeros((2, 2)), "octave": np.zeros(2)}, "octave must be whole"),
        ({"keypoints": np.zeros((2, 2)), "descriptors": np.zeros((1, 3))}, "descriptors is 1 x 3"),
        ({"keypoints": np.zeros((2, 2)), "descriptors": np.zeros((2, 3)), "metric": np.array("new")}, "metric 'new'"),
        ({"keypoints": np.zeros((2, 2)), "descriptors": np.zeros((2, 3)), "factor": np.eye(3)}, "belong together"),
    ],
)
def test_that_a_bad_npz_gets_one_sentence(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "f.npz", **content)
    with pytest.raises(UserError, match=words):
        read_features_npz(tmp_path / "f.npz")


@pytest.mark.parametrize("suffix", ["csv", "npz"])
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_that_a_damaged_file_is_read_or_refused_in_one_sentence(suffix: str, data: Any) -> None:
    made = Features(Keypoints.at([[1.5, 2], [3, 4]]), Descriptors(np.ones((2, 4), np.float32)))
    write, read = (
        (write_features_csv, read_features_csv) if suffix == "csv" else (write_features_npz, read_features_npz)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"f.{suffix}"
        write(path, made, ORIGIN)
        path.write_bytes(broken(data, path.read_bytes()))
        sentence = ""
        try:
            read(path)
        except UserError as error:
            sentence = str(error)
        assert "\n" not in sentence
