"""Reading data sets: each layout as its authors publish it, and one sentence for what is damaged."""

from __future__ import annotations

import gzip
import importlib.util
import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.jobs import run_to_end
from app.learning import patch_sources
from app.learning.patch_data import WarpSettings
from app.learning.patch_evaluation import distances
from app.learning.patch_set import PatchSet
from app.learning.signatures import signatures, verification
from app.records import UserError

RNG = np.random.default_rng(0)


def picture(path: Path, value: int, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.full(size[::-1], value, np.uint8)
    grey[5:10, 5:20] = 255 - value
    assert cv2.imwrite(str(path), grey)


def test_class_folders(tmp_path: Path) -> None:
    for name, count in (("cat", 3), ("dog", 2)):
        for index in range(count):
            picture(tmp_path / name / f"{index}.png", 40 * (index + 1))
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    data = run_to_end(patch_sources.class_folders(tmp_path))
    assert data.point.tolist() == [0, 0, 0, 1, 1]
    assert data.scenes == ("cat", "dog")
    assert data.patches.shape == (5, 32, 32)
    with pytest.raises(UserError, match="at least two folders"):
        run_to_end(patch_sources.class_folders(tmp_path / "cat"))
    with pytest.raises(UserError, match="no folder"):
        run_to_end(patch_sources.class_folders(tmp_path / "none"))


def test_that_pictures_of_any_shape_become_square_without_being_stretched() -> None:
    wide = np.zeros((20, 60), np.uint8)
    wide[:, 30:] = 200
    patch = patch_sources.fitted(wide)
    assert patch.shape == (32, 32)
    assert patch[16, 2] == 0
    assert patch[16, 30] == 200
    assert patch_sources.fitted(np.full((28, 28), 7, np.uint8)).shape == (32, 32)
    assert patch_sources.fitted(np.full((1, 500), 7, np.uint8)).min() == 7


def idx(array: np.ndarray) -> bytes:
    return struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_mnist_files_plain_and_compressed(tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, (7, 28, 28), np.uint8), np.array([1, 0, 1, 2, 0, 2, 1], np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    data = run_to_end(patch_sources.idx_files(tmp_path))
    assert len(data) == 14
    assert np.bincount(data.point).tolist() == [4, 6, 4]
    assert patch_sources.guessed(tmp_path) == "idx"
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8b torn")
    with pytest.raises(UserError, match="train-labels"):
        run_to_end(patch_sources.idx_files(tmp_path))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx(labels[:3]))
    with pytest.raises(UserError, match="do not fit"):
        run_to_end(patch_sources.idx_files(tmp_path))
    with pytest.raises(UserError, match="no pair of files"):
        run_to_end(patch_sources.idx_files(tmp_path / "other"))


def test_the_real_digits_and_characters(shared_data: Path) -> None:
    data = run_to_end(patch_sources.idx_files(shared_data / "metric" / "mnist"))
    assert len(data) == 10_000
    assert data.classes == 10
    files = sorted((shared_data / "metric" / "omniglot").glob("*.zip"))
    data = run_to_end(patch_sources.omniglot(files[0]))
    assert len(data) == 2720
    assert np.bincount(data.point).min() == np.bincount(data.point).max() == 20


def test_omniglot_zip(tmp_path: Path) -> None:
    path = tmp_path / "o.zip"
    drawn = cv2.imencode(".png", np.full((105, 105), 255, np.uint8))[1].tobytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("A/one/0_01.png", "A/one/0_02.png", "A/two/1_01.png", "readme.txt"):
            archive.writestr(name, drawn)
    data = run_to_end(patch_sources.omniglot(path))
    assert data.point.tolist() == [0, 0, 1]
    assert data.scenes == ("A/one", "A/two")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("A/one/x.png", b"no picture")
    with pytest.raises(UserError, match="not a picture"):
        run_to_end(patch_sources.omniglot(path))
    path.write_bytes(b"torn")
    with pytest.raises(UserError, match="Cannot read"):
        run_to_end(patch_sources.omniglot(path))


def test_scikit_learns_digits() -> None:
    if importlib.util.find_spec("sklearn") is None:
        with pytest.raises(UserError, match="pip install scikit-learn"):
            run_to_end(patch_sources.digits())
        return
    data = run_to_end(patch_sources.digits())
    assert (len(data), data.classes) == (1797, 10)


def test_photo_tour_sheets(tmp_path: Path) -> None:
    sheet = np.zeros((1024, 1024), np.uint8)
    for index in range(256):
        y, x = divmod(index, 16)
        sheet[y * 64 : y * 64 + 64, x * 64 : x * 64 + 64] = index
    cv2.imwrite(str(tmp_path / "patches0000.bmp"), sheet)
    (tmp_path / "info.txt").write_text("".join(f"{index // 2} 0\n" for index in range(200)))
    data = run_to_end(patch_sources.photo_tour(tmp_path))
    assert data.point.tolist() == [index // 2 for index in range(200)]
    assert data.patches[:, 5, 5].tolist() == list(range(200))
    assert patch_sources.guessed(tmp_path) == "photo-tour"
    (tmp_path / "info.txt").write_text("".join(f"{index} 0\n" for index in range(300)))
    with pytest.raises(UserError, match=r"holds 256 patches, but info\.txt names 300"):
        run_to_end(patch_sources.photo_tour(tmp_path))
    (tmp_path / "info.txt").write_text("not a number\n")
    with pytest.raises(UserError, match="number of a point"):
        run_to_end(patch_sources.photo_tour(tmp_path))


def test_hpatches_columns(tmp_path: Path) -> None:
    for name, start in (("v_a", 0), ("i_b", 100)):
        folder = tmp_path / name
        folder.mkdir()
        for view, kind in enumerate(("ref", "e1", "h3")):
            column = np.concatenate([np.full((65, 65), start + 10 * row + view, np.uint8) for row in range(4)])
            cv2.imwrite(str(folder / f"{kind}.png"), column)
    data = run_to_end(patch_sources.hpatches(tmp_path))
    assert np.bincount(data.point).tolist() == [3] * 8
    assert data.scenes == ("i_b", "v_a")
    first = data.patches[data.point == 0][:, 0, 0]
    assert sorted(first.tolist()) == [100, 101, 102]
    assert patch_sources.guessed(tmp_path) == "hpatches"
    cv2.imwrite(str(tmp_path / "v_a" / "e1.png"), np.zeros((65, 65), np.uint8))
    with pytest.raises(UserError, match="differ in length"):
        run_to_end(patch_sources.hpatches(tmp_path))
    cv2.imwrite(str(tmp_path / "v_a" / "e1.png"), np.zeros((64, 64), np.uint8))
    with pytest.raises(UserError, match="65 × 65"):
        run_to_end(patch_sources.hpatches(tmp_path))


def test_a_folder_of_photographs_and_that_every_source_says_what_is_missing(tmp_path: Path) -> None:
    from app.vision.photographs import photograph

    cv2.imwrite(str(tmp_path / "cat.png"), photograph("chelsea")[:220, 60:300])
    settings = WarpSettings(views=2, points=60)
    data = run_to_end(patch_sources.SOURCES["photographs"].load(tmp_path, settings))
    assert data.frames
    assert data.classes >= 1
    assert patch_sources.guessed(tmp_path) == "photographs"
    for key, source in patch_sources.SOURCES.items():
        if source.needs:
            with pytest.raises(UserError):
                run_to_end(source.load(tmp_path / "missing", settings))
        elif key != "digits":
            assert len(run_to_end(source.load(Path(), settings)))


def rows(patches: np.ndarray) -> np.ndarray:
    """Descriptors without learning: blurred ink."""
    ink = np.stack([cv2.GaussianBlur(255 - patch, (0, 0), 2).astype(np.float32).ravel() for patch in patches])
    return ink / np.linalg.norm(ink, axis=1, keepdims=True)


def test_that_signatures_belong_to_writers_and_forgeries_are_farther_off() -> None:
    data, forged = signatures(12, 6, 4, seed=3)
    assert len(data) == 120
    assert forged.sum() == 48
    assert np.array_equal(data.scene, data.point // 2)
    again, _ = signatures(12, 6, 4, seed=3)
    assert np.array_equal(again.patches, data.patches)
    values = rows(data.patches)
    own = values[data.point == 0]
    others = values[(data.scene != 0) & ~forged]
    assert np.median(distances(own, own)[np.triu_indices(6, 1)]) < np.median(distances(own, others))
    # Forgeries of a writer are one class, so they are of one hand: they match each other, not the writer's own.
    nearer = [
        np.median(distances(fake, fake)[np.triu_indices(4, 1)]) < np.median(distances(fake, genuine))
        for fake, genuine in ((values[data.point == 2 * i + 1], values[data.point == 2 * i]) for i in range(12))
    ]
    assert all(nearer)
    curve = verification(rows, data, forged)
    assert 0.02 < curve.equal_error < 0.48  # better than chance, far from solved
    harder, forged = signatures(12, 6, 4, seed=3, skill=0.08)
    assert verification(rows, harder, forged).equal_error > curve.equal_error
    with pytest.raises(UserError, match="two writers"):
        signatures(1)


def test_that_sets_are_sorted_by_class() -> None:
    patches = RNG.integers(0, 256, (4, 32, 32), np.uint8)
    data = patch_sources.sorted_set("s", patches, np.array([7, 3, 7, 3]), np.array([0, 1, 2, 3]), ["a"])
    assert isinstance(data, PatchSet)
    assert data.point.tolist() == [0, 0, 1, 1]
    assert data.scene.tolist() == [1, 3, 0, 2]
    assert np.array_equal(data.patches[2], patches[0])
