"""Oxford and HPatches folders: which pairs they hold, their matrices, and what is not one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.formats.sequences import find_sequences, read_homography, sequence_pairs
from app.records import UserError

LOCAL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SHIFT = "1 0 3\n0 1 4\n0 0 1\n"


def folder(place: Path, *names: str) -> Path:
    """A folder of files; those that are matrices shift by (3, 4), the others are empty."""
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        (place / name).write_text(SHIFT if name.startswith("H") else "")
    return place


@pytest.mark.parametrize(("prefix", "suffix"), [("img", ".ppm"), ("", ".ppm"), ("IMG", ".PNG"), ("", ".ppm.png")])
@pytest.mark.parametrize("matrix", ["H1to{}p", "H_1_{}", "H1to{}"])
def test_every_way_of_naming_is_recognised(tmp_path: Path, prefix: str, suffix: str, matrix: str) -> None:
    images = [f"{prefix}{k}{suffix}" for k in range(1, 7)]
    place = folder(tmp_path / "wall", *images, *(matrix.format(k) for k in range(2, 7)), "README.txt")
    refs = sequence_pairs(place)
    assert [ref.title for ref in refs] == [f"wall 1-{k}" for k in range(2, 7)]
    assert {Path(ref.left).name for ref in refs} == {images[0]}
    assert [Path(ref.right).name for ref in refs] == images[1:]
    assert [Path(ref.homography_path).name for ref in refs] == [matrix.format(k) for k in range(2, 7)]
    assert all(Path(ref.left).is_absolute() for ref in refs)


@pytest.mark.parametrize(
    ("name", "tag"), [("i_ajuntament", "illumination"), ("v_wall", "viewpoint"), ("x", "homography")]
)
def test_the_folders_name_tells_what_changes(tmp_path: Path, name: str, tag: str) -> None:
    (ref,) = sequence_pairs(folder(tmp_path / name, "1.png", "2.png", "H_1_2"))
    assert ref.tags == (tag,)


def test_a_number_missing_leaves_the_others_and_a_matrix_missing_leaves_a_pair_without_truth(tmp_path: Path) -> None:
    place = folder(tmp_path, *(f"img{k}.png" for k in (1, 2, 4, 10)), "H1to2p", "H1to10p")
    refs = sequence_pairs(place)
    assert [Path(ref.right).name for ref in refs] == ["img2.png", "img4.png", "img10.png"]
    assert [bool(ref.homography_path) for ref in refs] == [True, False, True]
    assert refs[1].tags == ()


def test_all_pairs_of_a_sequence_keep_the_truth_of_those_from_the_first(tmp_path: Path) -> None:
    refs = sequence_pairs(folder(tmp_path, "1.png", "2.png", "3.png", "H_1_2", "H_1_3"), every=True)
    assert [(ref.title[-3:], bool(ref.homography_path)) for ref in refs] == [
        ("1-2", True),
        ("1-3", True),
        ("2-3", False),
    ]


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("1.png", "2.png"),
        ("2.png", "3.png", "H_1_2"),
        ("1.txt", "2.txt", "H_1_2"),
        ("01.png", "02.png", "H_1_2"),
        ("1.png", "H_1_1"),
        ("1.png", "2.png", "H_2_3"),
    ],
)
def test_other_folders_are_no_sequence(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert sequence_pairs(folder(tmp_path, *names)) == []


def test_a_folder_of_sequences_gives_all_in_order_and_skips_the_rest(tmp_path: Path) -> None:
    folder(tmp_path / "v_b", "1.ppm", "2.ppm", "H_1_2")
    folder(tmp_path / "i_a", "1.ppm", "2.ppm", "3.ppm", "H_1_2", "H_1_3")
    folder(tmp_path / "notes", "1.png", "2.png")
    folder(tmp_path / ".hidden", "1.png", "2.png", "H_1_2")
    assert [ref.title for ref in find_sequences(tmp_path)] == ["i_a 1-2", "i_a 1-3", "v_b 1-2"]


@pytest.mark.parametrize(
    "text",
    ["1 0 3\n0 1 4\n0 0 1\n", "  1   0 3 \n 0 1  4\n0 0 1", "1,0,3\n0,1,4\n0,0,1", "\ufeff1 0 3 0 1 4 0 0 1\r\n"],
)
def test_nine_numbers_in_any_spacing_are_a_homography(tmp_path: Path, text: str) -> None:
    path = tmp_path / "H_1_2"
    path.write_text(text, encoding="utf-8")
    matrix = read_homography(path)
    np.testing.assert_array_equal(matrix, [[1, 0, 3], [0, 1, 4], [0, 0, 1]])
    assert matrix.dtype == np.float64


@pytest.mark.parametrize(
    "text",
    [
        *("", "1 2 3", "1 0 0 0 1 0 0 0 nan", "1 0 0 0 inf 0 0 0 1", "a b c d e f g h i", "0 0 0 0 0 0 0 0 0"),
        *("1 2 3 2 4 6 3 6 9", "1 0 0 0 1 0 0 0 0", "1 0 3 0 1 4 0 0 1 5", "1 " * 100_000),
    ],
)
def test_what_is_no_homography_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "H_1_2"
    path.write_text(text)
    with pytest.raises(UserError, match=r"^[^\n]+ is not a homography: [^\n]+\.$"):
        read_homography(path)


def test_a_missing_matrix_and_bytes_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_homography(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="it must hold nine numbers"):
        read_homography(tmp_path / "bytes")


@pytest.mark.parametrize("matrix", [[[1, 0, 1e5], [0, 1, -1e5], [0, 0, 1]], [[0.01, 0, 9], [0, 0.01, 9], [1e-6, 0, 1]]])
def test_far_shifts_and_strong_reductions_are_not_taken_for_singular(tmp_path: Path, matrix: list[list[float]]) -> None:
    path = tmp_path / "H"
    np.savetxt(path, matrix)
    np.testing.assert_array_equal(read_homography(path), matrix)


@LOCAL
@example(np.array([[0, 1, 0], [2.22507386e-309, 0, 0], [0, 0, 1]]), " ")
@example(np.diag([1e308, 1e308, 1e-300]), " ")
@given(hnp.arrays(np.float64, (3, 3), elements=st.floats(-1e3, 1e3)), st.sampled_from([" ", ",", "  ", "\t"]))
def test_a_matrix_written_in_full_is_read_back_exactly_unless_it_is_singular(
    tmp_path: Path, matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]], gap: str
) -> None:
    path = tmp_path / "H"
    path.write_text("\n".join(gap.join(repr(float(v)) for v in row) for row in matrix))
    said = ""
    try:
        np.testing.assert_array_equal(read_homography(path), matrix)
    except UserError as error:
        said = str(error)
    assert not said or "singular" in said
    units = np.diag([1e-3, 1e-3, 1.0])  # thousands of pixels, as homographies are judged
    assert not said or np.linalg.cond(units @ matrix @ np.linalg.inv(units)) > 1e3


@LOCAL
@given(st.binary(max_size=120))
def test_any_bytes_give_a_matrix_or_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    said = ""
    try:
        assert np.isfinite(read_homography(path)).all()
    except UserError as error:
        said = str(error)
    assert not said or re.fullmatch(r"[^\n]+\.", said)


def test_real_sequences_have_their_five_pairs_each(shared_data: Path) -> None:
    oxford = find_sequences(shared_data / "oxford_affine")
    assert [ref.title for ref in oxford] == [
        f"{n} 1-{k}" for n in ("bikes", "boat", "graf", "leuven") for k in range(2, 7)
    ]
    assert [ref.title for ref in find_sequences(shared_data / "hpatches")] == [
        f"v_churchill 1-{k}" for k in range(2, 7)
    ]
    assert len(find_sequences(shared_data / "wide_baseline" / "evd")) == 7
    for ref in oxford:
        matrix = read_homography(ref.homography_path)
        assert np.linalg.det(matrix / matrix[2, 2]) > 0  # a plane seen from its front twice is not mirrored
