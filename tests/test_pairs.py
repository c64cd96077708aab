"""Where pairs come from: files, folders, sequences, lists, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import pairs
from app.formats.pair_lists import read_pair_list
from app.formats.sequences import read_homography
from app.records import PairRef, UserError

NUMBERS = " ".join(["500 0 320 0 500 240 0 0 1"] * 2 + ["1 0 0 0.5 0 1 0 0 0 0 1 0 0 0 0 1"])


def picture(path: Path, size: tuple[int, int] = (12, 9)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".png", np.full((size[1], size[0], 3), 90, np.uint8))
    path.write_bytes(data.tobytes())
    return path


def test_that_two_files_make_a_pair(tmp_path: Path) -> None:
    a, b = picture(tmp_path / "ä 1.png"), picture(tmp_path / "b.png", (20, 10))
    (ref,) = pairs.from_paths([a, b])
    pair = pairs.load(ref)
    assert pair.left.size == (12, 9)
    assert pair.right.size == (20, 10)
    assert pair.truth.kind == "none"


def test_that_a_folder_gives_neighbours_or_all_pairs(tmp_path: Path) -> None:
    for name in "abcd":
        picture(tmp_path / f"{name}.png")
    (tmp_path / "notes.md").write_text("x")
    assert [Path(r.left).stem + Path(r.right).stem for r in pairs.from_folder(tmp_path)] == ["ab", "bc", "cd"]
    assert len(pairs.from_folder(tmp_path, every=True)) == 6


def sequence(folder: Path, first: str, other: str, matrix: str) -> None:
    picture(folder / first)
    picture(folder / other)
    (folder / matrix).write_text("1 0 3\n0 1 4\n0 0 1 \n")


def test_that_oxford_and_hpatches_sequences_bring_their_truth(tmp_path: Path) -> None:
    sequence(tmp_path / "graf", "img1.png", "img2.png", "H1to2p")
    sequence(tmp_path / "hp" / "v_wall", "1.ppm.png", "2.ppm.png", "H_1_2")
    sequence(tmp_path / "hp" / "i_sky", "1.png", "2.png", "H_1_2")
    (ref,) = pairs.from_folder(tmp_path / "graf")
    truth = pairs.load(ref).truth.homography
    assert truth is not None
    assert truth[:2, 2].tolist() == [3, 4]
    hpatches = pairs.from_folder(tmp_path / "hp")
    assert [r.title for r in hpatches] == ["i_sky 1-2"]
    assert hpatches[0].tags == ("illumination",)


def test_that_real_sequences_are_found(shared_data: Path) -> None:
    graf = pairs.from_folder(shared_data / "oxford_affine" / "graf")
    assert [r.title for r in graf] == [f"graf 1-{k}" for k in range(2, 7)]
    assert len(pairs.from_folder(shared_data / "oxford_affine")) == 20
    assert len(pairs.from_folder(shared_data / "hpatches")) == 5
    pair = pairs.load(graf[0])
    assert pair.left.size == (800, 640)
    assert pair.truth.homography is not None


def test_that_lists_of_two_four_and_38_columns_are_read(tmp_path: Path) -> None:
    picture(tmp_path / "sub/a.png")
    picture(tmp_path / "b.png")
    path = tmp_path / "pairs.txt"
    path.write_text(f"sub/a.png b.png\n\nsub/a.png b.png 1 0\n# remark\nsub/a.png b.png 0 0 {NUMBERS}\n")
    refs = read_pair_list(path).refs
    assert [len(r.pose) for r in refs] == [0, 0, 34]
    assert refs[1].rotations == (1, 0)
    assert pairs.load(refs[1]).left.size == (9, 12)
    pair = pairs.load(refs[2])
    assert pair.truth.pose is not None
    assert pair.truth.pose.translation.tolist() == [0.5, 0, 0]
    assert pair.camera_left is not None
    assert pairs.from_paths([path]) == list(refs)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a.png", "line 1: 1 columns"),
        ("a.png b.png 1", "3 columns"),
        ("a.png b.png 0 5", "quarter turns"),
        (f"a.png b.png 0 0 {NUMBERS.replace('0.5', 'nan')}", "not a finite number"),
        (f"a.png b.png 0 0 {NUMBERS.replace('0.5', 'x')}", "not a number"),
        (f"a.png b.png 1 0 {NUMBERS}", "unturned"),
        ("gone.png b.png", "gone.png"),
        ("", "lists no pair"),
    ],
)
def test_that_a_bad_list_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    path = tmp_path / "pairs.txt"
    path.write_text(line + "\n")
    with pytest.raises(UserError, match=words):
        read_pair_list(path)


def test_that_missing_files_leave_the_others_with_a_note(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    path = tmp_path / "pairs.txt"
    path.write_text("a.png b.png\na.png gone.png\n")
    found = read_pair_list(path)
    assert len(found.refs) == 1
    assert "gone.png" in found.notes[0]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_that_no_bytes_crash_the_list_reader(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "fuzz.txt"
    path.write_bytes(data)
    with pytest.raises(UserError):
        read_pair_list(path)


@pytest.mark.parametrize("text", ["", "1 2 3", "1 0 0 0 1 0 0 0 nan", "1 2 3 2 4 6 3 6 9", "a b c d e f g h i"])
def test_that_a_bad_homography_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "H"
    path.write_text(text)
    with pytest.raises(UserError, match="not a homography"):
        read_homography(path)


@pytest.mark.parametrize("names", [["no.png", "no2.png"], [], ["."]])
def test_that_nothing_to_open_is_said(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(UserError):
        pairs.from_paths([tmp_path / name for name in names])


def test_that_a_single_picture_asks_for_another(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one picture"):
        pairs.from_paths([picture(tmp_path / "a.png")])


def test_that_thousands_of_pictures_are_listed_without_opening_them(tmp_path: Path) -> None:
    for index in range(3000):
        (tmp_path / f"{index:05d}.png").touch()  # empty: opening one would fail
    assert len(pairs.from_folder(tmp_path)) == 2999


def test_that_references_survive_json(tmp_path: Path) -> None:
    for ref in (*pairs.builtin(), PairRef("files", "t", left="a", right="b", rotations=(1, 3), pose=(0.25,) * 34)):
        assert pairs.ref_from_json(json.loads(json.dumps(pairs.ref_to_json(ref)))) == ref
    with pytest.raises(UserError):
        pairs.ref_from_json({"kind": "files", "title": "x"})


def test_that_thumbnails_show_both_pictures(tmp_path: Path) -> None:
    (ref,) = pairs.from_paths([picture(tmp_path / "a.png"), picture(tmp_path / "b.png")])
    assert pairs.thumbnail(ref, 40).shape == (40, 82, 3)
    assert pairs.thumbnail(pairs.builtin()[0], 48).shape == (48, 98, 3)
