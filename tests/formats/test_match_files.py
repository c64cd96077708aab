"""Matches as CSV, npz and JSON: what is written is read again; bad files get one sentence; nothing is half-written."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from result_samples import a_result, broken, results, written

from app import __version__
from app.formats.export import check_target, write_matches
from app.formats.matches_csv import read_matches_csv, write_matches_csv
from app.formats.matches_json import read_matches_json, summary_of, write_matches_json
from app.formats.matches_npz import read_matches_npz, write_matches_npz
from app.formats.results import MatchTable, table_of
from app.formats.summary import corner_error_text, sentences, settings_text
from app.records import MatchResult, UserError

READERS = {".csv": read_matches_csv, ".npz": read_matches_npz, ".json": read_matches_json}


def assert_same_table(a: MatchTable, b: MatchTable) -> None:
    for name in ("left_xy", "right_xy", "distance", "ratio", "confidence", "inlier", "verdict"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def saved(result: MatchResult, suffix: str) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / f"m{suffix}"
    write_matches(path, result)
    return path, folder


@given(results())
@settings(max_examples=60, deadline=None)
def test_that_csv_gives_back_every_match_exactly(result: MatchResult) -> None:
    path, folder = saved(result, ".csv")
    with folder:
        table, again = table_of(result), read_matches_csv(path)
    assert_same_table(again, table)
    assert again.origin == _without_paths(table)


@given(results())
@settings(max_examples=60, deadline=None)
def test_that_json_gives_back_every_match_exactly_and_is_strict_json(result: MatchResult) -> None:
    path, folder = saved(result, ".json")
    with folder:
        again = read_matches_json(path)
        json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    table = table_of(result)
    assert_same_table(again, table)
    assert again.origin == table.origin


@given(results())
@settings(max_examples=60, deadline=None)
def test_that_npz_gives_back_keypoints_matches_and_sizes(result: MatchResult) -> None:
    path, folder = saved(result, ".npz")
    with folder:
        again = read_matches_npz(path)
    table = table_of(result)
    assert result.matches is not None
    assert result.left is not None
    assert result.right is not None
    assert result.pair is not None
    np.testing.assert_array_equal(again.left_xy, result.left.keypoints.xy)
    np.testing.assert_array_equal(again.right_xy, result.right.keypoints.xy)
    for name in ("pairs", "distance", "second", "confidence"):
        np.testing.assert_array_equal(getattr(again.matches, name), getattr(result.matches, name), err_msg=name)
    np.testing.assert_array_equal(again.inlier, table.inlier)
    np.testing.assert_array_equal(again.verdict, table.verdict)
    assert again.sizes == (result.pair.left.size, result.pair.right.size)
    assert again.origin == _without_paths(table)


def _without_paths(table: MatchTable) -> Any:
    from dataclasses import replace

    assert table.origin is not None
    return replace(table.origin, pictures=tuple((role, replace(p, path="")) for role, p in table.origin.pictures))


def test_that_a_csv_has_one_comment_line_the_named_columns_and_empty_cells_for_the_unknown(tmp_path: Path) -> None:
    write_matches_csv(tmp_path / "m.csv", table_of(a_result()))
    comment, header, *rows = (tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()
    assert header == "x1,y1,x2,y2,distance,ratio,confidence,inlier,verdict"
    assert rows == [
        "1,2,30,0.333333343,1,0.5,,1,right",
        "5,6,10,20,0.100000001,,0.25,0,wrong",
        "7,8,30,0.333333343,0,1,1,1,undecided",
    ]
    assert comment.startswith("# ")
    about = json.loads(comment[2:])
    assert about["left"] == {"name": "left one.png", "width": 40, "height": 30}
    assert about["right"] == {"name": "right.png", "width": 50, "height": 20}
    assert about["matcher"] == "sift"
    assert about["settings"]["match.ratio"] == 0.8
    assert about["version"] == __version__


def test_that_numpy_and_the_csv_module_read_the_table_alike(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    write_matches_csv(path, table_of(a_result()))
    with warnings.catch_warnings():
        table = np.genfromtxt(path, delimiter=",", skip_header=1, names=True, usecols=range(7))
    np.testing.assert_allclose(table["x1"], [1, 5, 7])
    np.testing.assert_array_equal(np.isnan(table["confidence"]), [True, False, False])
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()[1:]))
    assert [row["verdict"] for row in rows] == ["right", "wrong", "undecided"]


def test_that_the_npz_has_the_four_arrays_of_superglue(tmp_path: Path) -> None:
    write_matches_npz(tmp_path / "m.npz", a_result())
    with np.load(tmp_path / "m.npz", allow_pickle=False) as content:
        assert content["keypoints0"].shape == (4, 2)
        assert content["keypoints1"].dtype == np.float32
        np.testing.assert_array_equal(content["matches"], [1, -1, 0, 1])
        np.testing.assert_array_equal(content["match_confidence"], np.float32([np.nan, 0, 0.25, 1]))
        np.testing.assert_array_equal(content["image_size0"], [40, 30])


def test_that_a_file_of_superglue_is_read_and_says_that_sizes_are_unknown(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "s.npz",
        keypoints0=np.float32([[1, 2], [3, 4]]),
        keypoints1=np.float32([[5, 6]]),
        matches=np.array([-1, 0]),
        match_confidence=np.float32([0, 0.75]),
    )
    found = read_matches_npz(tmp_path / "s.npz")
    assert found.matches.pairs.tolist() == [[1, 0]]
    assert found.matches.confidence.tolist() == [0.75]
    assert found.sizes is None
    assert found.origin is None


def test_that_a_csv_of_somebody_else_needs_only_the_coordinates(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbf# theirs\r\ny1,x1,x2,y2,score\r\n1,2,3,4,9\r\n\r\n")
    table = read_matches_csv(tmp_path / "m.csv")
    assert table.left_xy.tolist() == [[2, 1]]
    assert table.right_xy.tolist() == [[3, 4]]
    assert np.isnan(table.distance).all()
    assert table.inlier.tolist() == [-1]
    assert table.origin is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column x1, y1, x2, y2"),
        ("a,b\n1,2\n", "no column"),
        ("x1,y1,x2,y2,x1\n", "twice"),
        ("x1,y1,x2,y2\n1,2,3\n", "line 2: 3 cells, expected 4"),
        ("# c\nx1,y1,x2,y2\n1,2,3,\n", "line 3: y2 is empty"),
        ("x1,y1,x2,y2\n1,2,nan,4\n", "line 2: x2 is nan"),
        ("x1,y1,x2,y2\n1,2,1e60,4\n", "line 2: x2 is 1e60"),
        ("x1,y1,x2,y2\n1,two,3,4\n", "line 2: y1 is 'two'"),
        ("x1,y1,x2,y2,inlier\n1,2,3,4,2\n", "inlier is '2'"),
        ("x1,y1,x2,y2,verdict\n1,2,3,4,good\n", "verdict is 'good'"),
        ('x1,y1,x2,y2\n1,2,3,"4\n', "comma-separated"),
    ],
)
def test_that_a_bad_csv_gets_one_sentence_that_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words.replace("(", r"\(")) as caught:
        read_matches_csv(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def arrays(**changes: Any) -> dict[str, Any]:
    good = {
        "keypoints0": np.zeros((2, 2), np.float32),
        "keypoints1": np.zeros((1, 2), np.float32),
        "matches": np.array([0, -1]),
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (arrays(matches=None), "no array matches"),
        (arrays(matches=np.array([1, -1])), "points to a keypoint that is not there"),
        (arrays(matches=np.array([0])), "matches is 1, expected 2"),
        (arrays(matches=np.array([0.0, -1])), "whole numbers"),
        (arrays(keypoints0=np.zeros((2, 3))), "keypoints0 is 2 x 3, expected n x 2"),
        (arrays(keypoints0=np.array([["a", "b"]] * 2)), "holds no numbers"),
        (arrays(keypoints0=np.full((2, 2), np.nan)), "not a finite number"),
        (arrays(keypoints0=np.full((2, 2), 1e300)), "not a finite number"),
        (arrays(pairs=np.array([[0, -1]])), "points to a keypoint that is not there"),
        (arrays(image_size0=np.array([0, 1]), image_size1=np.array([1, 1])), "image size"),
        (arrays(verdict=np.array([7])), "verdict holds values"),
        (arrays(distance=np.zeros(3)), "distance is 3, expected 1"),
    ],
)
def test_that_a_bad_npz_gets_one_sentence(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "m.npz", **content)
    with pytest.raises(UserError, match=words):
        read_matches_npz(tmp_path / "m.npz")


def test_that_objects_inside_an_npz_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **arrays(keypoints0=np.array([{}, {}], object)))
    with pytest.raises(UserError, match="not a readable npz"):
        read_matches_npz(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"matches": None}, "has no matches"),
        ({"kind": "other"}, "does not hold matches"),
        ({"version": 99}, "newer version"),
        ({"x1": "text"}, "no column x1"),
        ({"x1": [1, 2]}, "differ in length"),
        ({"x1": [1, "a", 3]}, "other than numbers"),
        ({"x1": [1, None, 3]}, "not a finite number"),
        ({"verdict": ["right", "good", None]}, "column verdict must hold"),
    ],
)
def test_that_a_bad_json_gets_one_sentence(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "m.json"
    write_matches_json(path, a_result())
    document = json.loads(path.read_text(encoding="utf-8"))
    for name, value in change.items():
        (document if name in document else document["matches"])[name] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_matches_json(path)


@pytest.mark.parametrize("suffix", READERS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_that_a_damaged_file_is_read_or_refused_in_one_sentence(suffix: str, data: Any) -> None:
    path, folder = saved(a_result(), suffix)
    with folder:
        path.write_bytes(broken(data, path.read_bytes()))
        sentence = ""
        try:
            READERS[suffix](path)
        except UserError as error:
            sentence = str(error)
        assert "\n" not in sentence


@pytest.mark.parametrize("suffix", READERS)
def test_that_missing_files_folders_and_binary_junk_get_one_sentence(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read|Cannot read"):
        READERS[suffix](tmp_path / f"none{suffix}")
    with pytest.raises(UserError, match=r"cannot be read|Cannot read"):
        READERS[suffix](tmp_path)
    (tmp_path / "junk").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="not"):
        READERS[suffix](tmp_path / "junk")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(UserError, match=r"not|no column"):
        READERS[suffix](tmp_path / "empty")


class FullDisk(io.BytesIO):
    """A disk with room for a hundred bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("suffix", READERS)
def test_that_a_full_disk_leaves_the_old_file_and_nothing_else(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"m{suffix}"
    path.write_text("old")

    def full(self: Path, mode: str = "r", **options: Any) -> Any:
        return FullDisk() if "b" in mode else io.TextIOWrapper(FullDisk(), encoding="utf-8", write_through=True)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(UserError, match=r"No space left on device\. Nothing was changed"):
            write_matches(path, a_result())
    assert path.read_text() == "old"
    assert written(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", READERS)
def test_that_a_folder_that_cannot_be_written_gets_one_sentence(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the folder .* does not exist"):
        write_matches(tmp_path / "none" / f"m{suffix}", a_result())
    (tmp_path / f"taken{suffix}").mkdir()
    with pytest.raises(UserError, match="a folder of that name"):
        write_matches(tmp_path / f"taken{suffix}", a_result())


def test_that_a_read_only_folder_is_seen_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UserError, match="read-only"):
        check_target(tmp_path / "m.csv", (".csv",))


def test_that_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "m.csv"
    target.write_text("mine")
    # The superuser may write everything, so the refusal is the system call's, not the file mode's.
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != target)
    with pytest.raises(UserError, match=r"Cannot write .*m\.csv: the file is read-only\."):
        write_matches(target, a_result())
    assert target.read_text() == "mine"


def test_that_a_folder_that_may_not_be_entered_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refused)
    with pytest.raises(UserError, match=r"Cannot write .*m\.csv: Permission denied\."):
        check_target(tmp_path / "m.csv", (".csv",))


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_that_a_link_stays_one_and_its_target_is_replaced(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "real.csv").write_text("old")
    (tmp_path / "m.csv").symlink_to(kept / "real.csv")
    write_matches(tmp_path / "m.csv", a_result())
    assert (tmp_path / "m.csv").is_symlink()
    assert len(read_matches_csv(kept / "real.csv")) == len(table_of(a_result()))
    assert written(kept) == ["real.csv"]


def test_that_another_suffix_is_refused_naming_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must end in \.csv, \.npz, \.json"):
        write_matches(tmp_path / "m.xlsx", a_result())


def test_that_a_partial_result_cannot_be_written(tmp_path: Path) -> None:
    partial = MatchResult(a_result().request)
    for suffix in READERS:
        with pytest.raises(UserError, match="wait until the pair is matched"):
            write_matches(tmp_path / f"m{suffix}", partial)
    assert written(tmp_path) == []


def test_that_the_json_summary_tells_unknown_from_infinite() -> None:
    summary = summary_of(a_result())
    assert summary["evaluation"]["right"] == 1
    assert summary["evaluation"]["precision"] == 0.5
    assert summary["evaluation"]["recall"] is None
    assert summary["evaluation"]["corner_error_px"] == "inf"
    assert summary["verification"]["inliers"] == 2
    assert "matches" not in summary


@given(results(truths=("epipolar",)))
@settings(max_examples=20, deadline=None)
def test_that_no_precision_is_claimed_where_the_truth_is_only_a_line(result: MatchResult) -> None:
    assert summary_of(result)["evaluation"]["precision"] is None
    assert not any("precision" in line for line in sentences(result))


def test_that_the_sentences_tell_images_funnel_model_truth_times_and_notes() -> None:
    lines = sentences(a_result())
    assert lines[0] == "left one.png (40 × 30) and right.png (50 × 20), sift"
    assert lines[1] == "left keypoints 4  right keypoints 2  matches 3  inliers 2"
    assert lines[2].startswith("homography (magsac, 3 px): 2 of 3 inliers (66.7 %)")
    assert lines[3] == "truth (homography), within 3 px: 1 right, 1 wrong, 1 undecided"
    assert lines[4].startswith("precision 50.0 %, recall unknown of 0 possible, corner error infinite (a corner lies")
    assert lines[5:] == ["seconds: match 0.500", "note: a note"]
    assert sentences(MatchResult(a_result().request)) == []


def test_that_a_corner_error_says_why_it_is_infinite() -> None:
    fitted = a_result().verification
    assert fitted is not None
    assert corner_error_text(1.234, fitted) == "1.23 px"
    assert corner_error_text(math.inf, fitted) == "infinite (a corner lies beyond the horizon)"
    assert corner_error_text(math.inf, replace(fitted, matrix=None)) == "infinite (no homography found)"
    assert corner_error_text(math.nan, None) == "–"


def test_that_every_setting_is_listed_with_default_range_and_help() -> None:
    lines = settings_text(a_result().request.settings)
    names = [line.split()[0] for line in lines[::2]]
    assert {"detect.count", "match.ratio", "match.mutual", "verify.model", "evaluate.threshold"} <= set(names)
    assert "match.ratio  default 0.8  (0 to 1, 0 = off)" in lines
    assert "match.mutual  default true  (true or false)" in lines
    assert all(line.startswith("    ") and len(line) > 20 for line in lines[1::2])
