"""Where pairs come from: files, folders, sequences, lists, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import pairs
from app.formats.pair_lists import read_pair_list
from app.formats.sequences import read_homography
from app.records import PairRef, UserError
from app.vision.geometry import epipolar_distance, fundamental_from_pose

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
    assert [r.title for r in hpatches] == ["i_sky 1-2", "v_wall 1-2"]
    assert [r.tags for r in hpatches] == [("illumination",), ("viewpoint",)]


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
        ("a.png", "line 1: 1 column,"),
        ("a.png b.png 1", "3 columns"),
        ("a.png b.png 0 5", "quarter turns"),
        (f"a.png b.png 0 0 {NUMBERS.replace('0.5', 'nan')}", "not a finite number"),
        (f"a.png b.png 0 0 {NUMBERS.replace('0.5', 'x')}", "not a number"),
        (f"a.png b.png 0 0 -{NUMBERS}", "not the left camera matrix"),
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


# ------------------------------------------------------------------------------ choosing and finding


def names(refs: Iterable[PairRef]) -> list[str]:
    return [f"{Path(ref.left).name} {Path(ref.right).name}" for ref in refs]


def test_that_numbers_in_names_count_as_numbers(tmp_path: Path) -> None:
    for name in ("shot10.png", "shot9.PNG", "Shot1.jpg", ".hidden.png", "shot2.txt"):
        (tmp_path / name).touch()
    assert names(pairs.from_folder(tmp_path)) == ["Shot1.jpg shot9.PNG", "shot9.PNG shot10.png"]


@pytest.mark.parametrize(
    ("present", "said"), [((), "holds no pictures"), (("a.png", "b.txt"), "holds only one picture")]
)
def test_that_a_folder_without_two_pictures_is_told(tmp_path: Path, present: tuple[str, ...], said: str) -> None:
    for name in present:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=said):
        pairs.from_folder(tmp_path)


def test_that_too_many_pairs_are_refused_by_their_number(tmp_path: Path) -> None:
    for index in range(202):
        (tmp_path / f"{index}.png").touch()
    with pytest.raises(UserError, match=r"All pairs of 202 pictures would be 20,301; up to 20,000 can be listed\."):
        pairs.from_folder(tmp_path, every=True)


@pytest.mark.parametrize("name", ["pairs.txt", "scannet_sample_pairs_with_gt.txt"])
def test_that_a_folders_list_of_pairs_is_used_unless_all_pairs_are_wanted(tmp_path: Path, name: str) -> None:
    for file in "abc":
        picture(tmp_path / f"{file}.png")
    (tmp_path / name).write_text("a.png c.png\n")
    assert names(pairs.from_folder(tmp_path)) == ["a.png c.png"]
    assert len(pairs.from_folder(tmp_path, every=True)) == 3


def test_that_more_files_give_neighbours_in_the_order_given_or_all(tmp_path: Path) -> None:
    files = [picture(tmp_path / f"{name}.png") for name in "cab"]
    assert names(pairs.from_paths(files)) == ["c.png a.png", "a.png b.png"]
    assert len(pairs.find(files, every=True).refs) == 3


def test_that_files_folders_and_lists_mix_and_their_notes_are_kept(tmp_path: Path) -> None:
    a, b = picture(tmp_path / "a.png"), picture(tmp_path / "b.png")
    sequence(tmp_path / "graf", "img1.png", "img2.png", "H1to2p")
    listed = tmp_path / "my list"  # without a suffix: told by its content
    listed.write_text("a.png b.png\na.png gone.png\n")
    found = pairs.find([a, tmp_path / "graf", listed, b])
    assert names(found.refs) == ["img1.png img2.png", "a.png b.png", "a.png b.png"]
    assert found.notes == (f"1 of 2 pairs of my list were left out: gone.png is missing in {tmp_path}.",)


def test_that_one_picture_beside_a_folder_is_not_dropped_silently(tmp_path: Path) -> None:
    sequence(tmp_path / "graf", "img1.png", "img2.png", "H1to2p")
    with pytest.raises(UserError, match=r"a\.png is one picture; choose two"):
        pairs.from_paths([picture(tmp_path / "a.png"), tmp_path / "graf"])


def test_that_a_file_that_may_be_no_picture_is_not_called_one(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match=r"data\.bin alone makes no pair; choose two pictures"):
        pairs.from_paths([tmp_path / "data.bin"])


def test_that_pictures_without_a_known_suffix_are_pictures(tmp_path: Path) -> None:
    a = picture(tmp_path / "a.png").rename(tmp_path / "one")
    plain = tmp_path / "two"
    plain.write_text("P2\n2 1\n255\n0 255\n")  # a grey picture written as text
    (ref,) = pairs.from_paths([a, plain])
    assert pairs.load(ref).right.rgb[0, :, 0].tolist() == [0, 255]


def test_that_paths_are_absolute_and_equal_names_show_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "day" / "1.png")
    picture(tmp_path / "night" / "1.png")
    monkeypatch.chdir(tmp_path)
    ref = pairs.from_files("day/1.png", "night/../night/1.png")
    assert ref.title == "day/1.png – night/1.png"
    assert (ref.left, ref.right) == (str(tmp_path / "day" / "1.png"), str(tmp_path / "night" / "1.png"))


def test_that_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refused)  # the superuser may list everything
    with pytest.raises(UserError, match=r"cannot be read: Permission denied\."):
        pairs.from_folder(tmp_path)


# ------------------------------------------------------------------------------------- loading


def test_that_a_bad_file_of_a_pair_is_told_whichever_side(tmp_path: Path) -> None:
    good, bad = picture(tmp_path / "a.png"), tmp_path / "b.png"
    bad.write_bytes(b"")
    for ref in (pairs.from_files(good, bad), pairs.from_files(bad, good)):
        for read in (pairs.load, lambda ref: pairs.thumbnail(ref, 32)):
            with pytest.raises(UserError, match=r"b\.png is empty \(0 bytes\)"):
                read(ref)


def test_that_a_bad_homography_is_told_before_the_pictures_are_read(tmp_path: Path) -> None:
    (tmp_path / "H").write_text("1 2 3")
    with pytest.raises(UserError, match="not a homography"):
        pairs.load(pairs.from_files(tmp_path / "no.png", tmp_path / "no2.png", homography=tmp_path / "H"))


def project(camera: np.ndarray, space: np.ndarray) -> np.ndarray:
    seen = space @ camera.T
    return np.asarray(seen[:, :2] / seen[:, 2:])


def turned(xy: np.ndarray, steps: int, size: tuple[int, int]) -> np.ndarray:
    """Where numpy.rot90 takes pixels, found with a picture of their numbers."""
    width, height = size
    numbers = np.rot90(np.arange(width * height).reshape(height, width), steps)
    place = {int(n): (x, y) for y, row in enumerate(numbers) for x, n in enumerate(row)}
    return np.array([place[int(y) * width + int(x)] for x, y in xy], float)


@pytest.mark.parametrize("left_turns", range(4))
@pytest.mark.parametrize("right_turns", range(4))
def test_that_turning_the_images_turns_cameras_pose_and_homography_along(
    tmp_path: Path, left_turns: int, right_turns: int
) -> None:
    a, b = picture(tmp_path / "a.png", (64, 48)), picture(tmp_path / "b.png", (50, 40))
    k_left, k_right = (
        np.array([[60, 0, 31], [0, 55, 22], [0, 0, 1.0]]),
        np.array([[50, 1, 24], [0, 52, 20], [0, 0, 1.0]]),
    )
    rotation, translation = cv2.Rodrigues(np.array([0.1, -0.2, 0.3]))[0], np.array([0.3, -0.1, 0.2])
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation, translation
    ref = PairRef(
        "files",
        "t",
        left=str(a),
        right=str(b),
        rotations=(left_turns, right_turns),
        pose=(*k_left.ravel(), *k_right.ravel(), *motion.ravel()),
        homography_path=str(tmp_path / "H"),
    )
    shift = np.array([[0, -1, 45], [0.5, 0, 3], [0, 0, 1.0]])
    np.savetxt(tmp_path / "H", shift)
    pair = pairs.load(ref)
    corners = np.array([[0, 0], [63, 0], [0, 47], [63, 47], [10, 20]], float)
    here = turned(corners, left_turns, (64, 48))
    # Cameras: the ray through a turned pixel is the turned ray, so that projections agree.
    pose = pair.truth.pose
    assert pose is not None
    space = np.column_stack([corners, np.ones(5)]) @ np.linalg.inv(k_left).T * np.array([[3, 4, 5, 6, 7]]).T
    in_left_camera = np.column_stack([here, np.ones(5)]) @ np.linalg.inv(pose.k_left).T * np.array([[3, 4, 5, 6, 7]]).T
    stored = project(k_right, space @ rotation.T + translation)
    found = project(pose.k_right, in_left_camera @ pose.rotation.T + pose.translation)
    width, height = 50, 40
    for _ in range(right_turns):
        stored, (width, height) = np.column_stack([stored[:, 1], width - 1 - stored[:, 0]]), (height, width)
    np.testing.assert_allclose(found, stored, atol=1e-9)
    assert np.linalg.det(pose.rotation) == pytest.approx(1)
    assert (pose.k_left[0, 0] > 0, pose.k_left[1, 1] > 0, pose.k_left[2].tolist()) == (True, True, [0, 0, 1])
    # Homography: a turned pixel goes where its image goes.
    assert pair.truth.homography is not None
    goal = project(shift, np.column_stack([corners, np.ones(5)]))
    width, height = 50, 40
    for _ in range(right_turns):
        goal, (width, height) = np.column_stack([goal[:, 1], width - 1 - goal[:, 0]]), (height, width)
    np.testing.assert_allclose(project(pair.truth.homography, np.column_stack([here, np.ones(5)])), goal, atol=1e-9)


def test_that_real_cameras_agree_with_matches_of_the_real_pictures(shared_data: Path, tmp_path: Path) -> None:
    cameras = json.loads((shared_data / "epipolar" / "fountain-P11" / "cameras.json").read_text())
    a, b = "0004.jpg", "0005.jpg"
    (ka, ra, ta), (kb, rb, tb) = ([np.asarray(cameras[n][key]) for key in ("K", "R", "t")] for n in (a, b))
    motion = np.eye(4)
    motion[:3, :3] = rb @ ra.T
    motion[:3, 3] = tb - motion[:3, :3] @ ta
    numbers = " ".join(repr(float(v)) for v in (*ka.ravel(), *kb.ravel(), *motion.ravel()))
    path = tmp_path / "pairs.txt"
    path.write_text(f"{a} {b} 0 0 {numbers}\n{a} {b} 1 2 {numbers}\n")
    for ref in read_pair_list(path, root=shared_data / "epipolar" / "fountain-P11").refs:
        pair = pairs.load(ref)
        assert pair.truth.pose is not None
        xy, values = [], []
        for image in (pair.left, pair.right):
            small = cv2.resize(image.rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            points, rows = cv2.SIFT_create(1500, enable_precise_upscale=True).detectAndCompute(
                cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), None
            )
            xy.append(cv2.KeyPoint.convert(points) * 2 + 0.5)
            values.append(rows)
        good = [m for m, n in cv2.BFMatcher().knnMatch(*values, k=2) if m.distance < 0.7 * n.distance]
        fundamental = fundamental_from_pose(pair.truth.pose)
        left, right = xy[0][[m.queryIdx for m in good]], xy[1][[m.trainIdx for m in good]]
        assert len(good) > 100
        assert np.median(epipolar_distance(fundamental, left, right)) < 0.8


# ------------------------------------------------------------------------------------- saving

TEXT = st.text(max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=6,
)
FIELDS = [*PairRef.__dataclass_fields__, "unknown"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), PLAIN), st.booleans())
def test_that_any_saved_values_give_a_usable_reference_or_one_sentence(values: dict[str, Any], valid: bool) -> None:
    if valid:  # so that the other fields are reached
        values |= {"kind": "files", "title": "t", "left": "a", "right": "b"}
    said = ""
    try:
        ref = pairs.ref_from_json(values)
        assert isinstance(hash(ref), int)
        assert pairs.ref_from_json(json.loads(json.dumps(pairs.ref_to_json(ref)))) == ref
    except UserError as error:
        said = str(error)
    assert not said or said.startswith("The saved pair cannot be read: ")


@pytest.mark.parametrize(
    "change",
    [
        {"left": 5},
        {"title": None},
        {"kind": "other"},
        {"rotations": [1]},
        {"rotations": [1.5, 0]},
        {"rotations": [float("inf"), 0]},
        {"tags": 3},
        {"pose": [1, 2]},
        {"pose": [float("nan")] * 34},
        {"pose": ["x"] * 34},
        {"seed": "x"},
    ],
)
def test_that_a_saved_value_of_another_kind_is_told(change: dict[str, Any]) -> None:
    values = pairs.ref_to_json(PairRef("files", "t", left="a", right="b"))
    with pytest.raises(UserError, match=r"^The saved pair cannot be read: .+\.$"):
        pairs.ref_from_json({**values, **change})
