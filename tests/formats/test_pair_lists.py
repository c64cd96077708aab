"""Lists of pairs: every form that is read, and one sentence with the line's number for what is not."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.formats.pair_lists import PairList, read_pair_list
from app.records import UserError

LOCAL = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CAMERA = "500 0 320 0 510 240 0 0 1"
MOTION = "1 0 0 0.5 0 1 0 0 0 0 1 0 0 0 0 1"
POSE = f"{CAMERA} {CAMERA} {MOTION}"


def write(folder: Path, text: str | bytes, *files: str, name: str = "pairs.txt") -> Path:
    """A list and empty files beside it: reading a list opens no image."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def names(found: PairList) -> list[tuple[str, str]]:
    return [(Path(ref.left).name, Path(ref.right).name) for ref in found.refs]


def sentence(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_pair_list(path)
    text = str(caught.value)
    assert re.fullmatch(r"[^\n]+\.", text)
    return text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_two_columns_with_blank_lines_remarks_and_any_line_ends(tmp_path: Path, end: str, mark: str) -> None:
    lines = [f"{mark}db/a.png b.png", "", "  # remark", "b.png   db/a.png  "]
    found = read_pair_list(write(tmp_path, end.join(lines), "db/a.png", "b.png"))
    assert names(found) == [("a.png", "b.png"), ("b.png", "a.png")]
    assert found.refs[0].left == str(tmp_path / "db" / "a.png")
    assert found.refs[0].title == "db/a.png – b.png"
    assert found.notes == ()


def test_four_columns_bring_the_turns_and_38_the_pose(tmp_path: Path) -> None:
    path = write(tmp_path, f"a.png b.png 1 3\na.png b.png 2 0 {POSE}\n", "a.png", "b.png")
    turned, posed = read_pair_list(path).refs
    assert (turned.rotations, turned.pose, turned.tags) == ((1, 3), (), ())
    assert (posed.rotations, posed.tags) == ((2, 0), ("pose",))
    assert posed.pose == tuple(float(text) for text in POSE.split())


@pytest.mark.parametrize(
    "line", ["my a.png\tmy b.png", "my a.png\tmy b.png\t1\t0", "my a.png\tmy b.png\t1 0", "my a.png \t my b.png"]
)
def test_tabs_allow_names_with_spaces(tmp_path: Path, line: str) -> None:
    found = read_pair_list(write(tmp_path, line, "my a.png", "my b.png"))
    assert names(found) == [("my a.png", "my b.png")]
    assert found.refs[0].rotations == ((1, 0) if "1" in line else (0, 0))


def test_tabs_as_plain_white_space_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, f"a.png b.png\t0 0\t{POSE}\na.png\tb.png\n", "a.png", "b.png")
    assert names(read_pair_list(path)) == [("a.png", "b.png")] * 2


def test_unicode_names_and_absolute_names_are_found(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, "", "é.png") if elsewhere.mkdir() is None else None
    path = write(tmp_path, f"画像.png {elsewhere / 'é.png'}", "画像.png")
    assert names(read_pair_list(path)) == [("画像.png", "é.png")]


@pytest.mark.parametrize("place", ["", "images/", "scannet_sample_images/", "../", "../images/"])
def test_names_may_count_from_a_folder_nearby_which_is_then_named(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    path = write(folder, "s/a.png s/b.png\n", f"{place}s/a.png", f"{place}s/b.png")
    found = read_pair_list(path)
    assert Path(found.refs[0].left).resolve() == (folder / place / "s/a.png").resolve()
    assert [note.startswith("The names in pairs.txt were found in ") for note in found.notes] == [True] * bool(place)


def test_a_root_given_is_the_only_one_tried(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png b.png", "a.png", "b.png", "other/a.png", "other/b.png")
    assert read_pair_list(path, root=tmp_path / "other").refs[0].left == str(tmp_path / "other" / "a.png")
    with pytest.raises(UserError, match="lists no pair whose files exist"):
        read_pair_list(path, root=tmp_path / "none")


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        (["a b", "a x"], "1 of 2 pairs of pairs.txt were left out: x is missing in "),
        (["a x", "a b", "y b"], "2 of 3 pairs of pairs.txt were left out: x and one other file are missing in "),
        (["a x", "a b", "y z"], "2 of 3 pairs of pairs.txt were left out: x and 2 other files are missing in "),
    ],
)
def test_pairs_with_missing_files_are_left_out_with_a_note(tmp_path: Path, lines: list[str], note: str) -> None:
    found = read_pair_list(write(tmp_path, "\n".join(lines), "a", "b"))
    assert names(found) == [("a", "b")]
    assert found.notes == (f"{note}{tmp_path}.",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a", "1 column, expected 2, 4 or 38"),
        ("a b 0", "3 columns"),
        (f"a b 0 0 {POSE} 1", "39 columns"),
        (f"a b 0 0 {POSE[:-2]}", "37 columns"),
        ("a b 0 4", "4 quarter turns; use 0, 1, 2 or 3"),
        ("a b 0.5 0", "quarter turns"),
        ("a b nan 0", "nan is not a finite number"),
        ("a b c d", "'c' is not a number"),
        (f"a b 0 0 {POSE.replace('0.5', 'nan')}", "nan is not a finite number"),
        (f"a b 0 0 {POSE.replace('0.5', '1e999')}", "1e999 is not a finite number"),
        (f"a b 0 0 {POSE.replace('320', 'x')}", "'x' is not a number"),
        (f"a b 0 0 -{POSE}", "columns 5 to 13 are not the left camera matrix"),
        (f"a b 0 0 {CAMERA} {CAMERA[:-1]}0 {MOTION}", "columns 14 to 22 are not the right camera matrix"),
        (f"a b 0 0 {CAMERA} {CAMERA} 2{MOTION[1:]}", "columns 23 to 38 are not a rigid motion"),
        (f"a b 0 0 {CAMERA} {CAMERA} -{MOTION}", "columns 23 to 38 are not a rigid motion"),
        (f"a b 0 0 {CAMERA} {CAMERA} {MOTION[:-1]}2", "columns 23 to 38 are not a rigid motion"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(tmp_path: Path, line: str, words: str) -> None:
    path = write(tmp_path, f"# header\na b\n\n{line}\n", "a", "b")
    text = sentence(path)
    assert text.startswith(f"{path}, line 4: ")
    assert words in text


def test_a_rounded_rotation_is_accepted(tmp_path: Path) -> None:
    rounded = "0.87 -0.5 0 1 0.5 0.87 0 2 0 0 1 3 0 0 0 1"
    path = write(tmp_path, f"a b 0 0 {CAMERA} {CAMERA} {rounded}", "a", "b")
    assert len(read_pair_list(path).refs) == 1


def test_files_that_are_no_list_are_told(tmp_path: Path) -> None:
    assert "lists no pairs; a list of pairs has two file names per line." in sentence(write(tmp_path, "\n# none\n"))
    assert "the first missing file is" in sentence(write(tmp_path, "x y"))
    assert "is not UTF-8 text; save the list" in sentence(write(tmp_path, "a.png b.png\n".encode("utf-16")))
    assert "is not UTF-8 text; save the list" in sentence(write(tmp_path, "ä.png b.png\n".encode("latin-1")))
    assert "is not a text file" in sentence(write(tmp_path, b"a\0b c"))
    assert "cannot be read: No such file" in sentence(tmp_path / "none.txt")
    assert "cannot be read: Is a directory" in sentence(tmp_path)


def test_a_list_too_large_to_be_one_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.formats.pair_lists.MAX_BYTES", 10)
    assert "too large for a list of pairs (11 bytes)" in sentence(write(tmp_path, "a.png b.png"))


@LOCAL
@given(st.binary(max_size=300))
def test_any_bytes_give_one_sentence(tmp_path: Path, data: bytes) -> None:
    sentence(write(tmp_path, data, name="any.txt"))


TOKEN = st.sampled_from(
    ["a", "b", "0", "1", "7", "nan", "-1", "1e400", "x" * 300, "..", "/", "\x85", "\u2028", CAMERA, MOTION]
)


@LOCAL
@given(st.lists(st.lists(TOKEN, max_size=7).map(" ".join), max_size=6))
def test_any_words_give_pairs_of_existing_files_or_one_sentence(tmp_path: Path, lines: list[str]) -> None:
    path = write(tmp_path, "\n".join(lines), "a", "b", name="any.txt")
    said, refs = "", ()
    try:
        refs = read_pair_list(path).refs
    except UserError as error:
        said = str(error)
    assert bool(refs) != bool(said)
    assert all(Path(name).is_file() for ref in refs for name in (ref.left, ref.right))


NAME = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="/\\#"), min_size=1, max_size=12
).filter(lambda text: text not in (".", "..") and not text.startswith("\ufeff"))


@LOCAL
@given(st.lists(st.tuples(NAME, NAME, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_a_list_written_is_read_back(tmp_path: Path, rows: list[tuple[str, str, int, int]]) -> None:
    folder = tmp_path / "images of this list"
    folder.mkdir(exist_ok=True)
    files = [name for row in rows for name in row[:2]]
    path = write(folder, "\n".join(" ".join(map(str, row)) for row in rows), *files, name=".list")
    found = read_pair_list(path).refs
    assert [(Path(r.left).name, Path(r.right).name, *r.rotations) for r in found] == rows


def test_that_the_time_of_reading_grows_with_the_lines_only(tmp_path: Path) -> None:
    files = [f"{n:04d}.png" for n in range(2000)]
    few, many = tmp_path / "few", tmp_path / "many"
    spent = []
    for folder, count in ((few, 1), (many, 10)):
        folder.mkdir()
        path = write(folder, "\n".join(f"{a} {b}" for a in files[:count] for b in files), *files)
        times = []
        for _ in range(3):
            start = time.process_time()
            assert len(read_pair_list(path).refs) == 2000 * count
            times.append(time.process_time() - start)
        spent.append(min(times))
    assert spent[1] < 25 * spent[0]  # ten times the lines; were every line compared with all, it would be a hundred


def test_names_from_the_root_are_shown_short_and_are_not_missing_in_the_folder_of_the_list(tmp_path: Path) -> None:
    pictures, lists = tmp_path / "some where" / "s1", tmp_path / "lists"
    for folder in (pictures, lists):
        folder.mkdir(parents=True)
    path = write(lists, f"{pictures}/a.png\t{pictures}/b.png\n{pictures}/a.png\t{pictures}/c.png\n")
    for name in "ab":
        (pictures / f"{name}.png").touch()
    found = read_pair_list(path)
    assert [ref.title for ref in found.refs] == ["s1/a.png – s1/b.png"]
    assert found.notes == (f"1 of 2 pairs of pairs.txt were left out: {pictures}/c.png is missing.",)
