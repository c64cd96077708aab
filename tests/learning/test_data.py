"""Labelled data: built-in sets, files, and one sentence for each bad file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from samples import needs_sklearn_data

from app.learning import data_sets
from app.learning.data_files import read, read_csv
from app.learning.toy import TOYS, toy
from app.records import UserError


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_wine_iris_and_digits() -> None:
    needs_sklearn_data()
    wine, iris, digits = (data_sets.load(name) for name in ("wine", "iris", "digits"))
    assert wine.x.shape == (178, 13)
    assert np.bincount(wine.y).tolist() == [59, 71, 48]
    assert wine.x[0, 0] == pytest.approx(14.23)
    assert iris.x.shape == (150, 4)
    assert iris.classes == ("setosa", "versicolor", "virginica")
    assert digits.x.shape == (1797, 64)
    assert digits.picture == (8, 8)
    assert (digits.x.min(), digits.x.max()) == (0, 1)
    assert np.allclose(wine.standardised().x.std(axis=0), 1)
    assert not wine.x.flags.writeable


def test_the_faces_inside_scikit_image() -> None:
    faces = data_sets.load("faces")
    assert faces.x.shape == (200, 625)
    assert np.bincount(faces.y).tolist() == [100, 100]
    assert 0 <= faces.x.min() <= faces.x.max() <= 1


@pytest.mark.parametrize("item", TOYS, ids=lambda item: item.key)
def test_that_toys_repeat_and_are_grouped(item: object) -> None:
    key = item.key  # type: ignore[attr-defined]
    x, y = toy(key, points=61, seed=5, noise=0.1)
    again, _ = toy(key, points=61, seed=5, noise=0.1)
    other, _ = toy(key, points=61, seed=6, noise=0.1)
    assert (x == again).all()
    assert (x != other).any()
    assert x.shape == (61, 2)
    assert (np.diff(y) >= 0).all()
    assert data_sets.load(f"toy:{key}").x.shape == (120, 2)


def test_bad_toys() -> None:
    with pytest.raises(UserError, match="no toy"):
        toy("none")
    with pytest.raises(UserError, match="6 to 10,000"):
        toy("moons", points=5)
    with pytest.raises(UserError, match="no data set 'nothing'"):
        data_sets.load("nothing")


def test_that_a_csv_is_read_with_and_without_a_header(tmp_path: Path) -> None:
    with_header = read_csv(written(tmp_path / "a.csv", "# made\nclass,w,h\nb,1,2\n\na,3,4.5\n"))
    assert with_header.x.tolist() == [[1, 2], [3, 4.5]]
    assert with_header.classes == ("a", "b")
    assert with_header.y.tolist() == [1, 0]
    assert with_header.features == ("w", "h")
    bare = read_csv(written(tmp_path / "b.csv", "1;2;10\n3;4;9\n"))
    assert bare.classes == ("9", "10")  # ordered as numbers
    assert bare.y.tolist() == [1, 0]
    text_label = read_csv(written(tmp_path / "c.csv", "1,2,cat\n3,4,dog\n"))
    assert text_label.classes == ("cat", "dog")
    assert len(text_label) == 2
    named_last = read_csv(written(tmp_path / "d.csv", "u,v,kind\n1,2,0\n3,4,1\n"))
    assert named_last.features == ("u", "v")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,label\n", "no data"),
        ("1\n2\n", "one column"),
        ("a,b,label\n1,red,0\n", "line 2: b holds the text 'red'"),
        ("a,b,label\n1,,0\n", "line 2: b is empty"),
        ("a,b,label\n1,2,0\n1,nan,0\n", "line 3: b is nan"),
        ("a,b,label\n1,inf,0\n", "b is inf"),
        ("a,b,label\n1,2\n", "line 2: 2 columns, expected 3"),
        ("a,b,label\n1,2,\n", "line 2: the label is empty"),
        ("1,2,0\n3,x,1\n", "line 2: column 2 holds the text 'x'"),
    ],
)
def test_that_a_bad_csv_gets_one_sentence_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read(written(tmp_path / "bad.csv", text))


def test_npz_and_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(24, dtype=np.uint8).reshape(4, 3, 2), y=np.array(["u", "v", "u", "v"]))
    data = read(path)
    assert data.picture == (3, 2)
    assert data.classes == ("u", "v")
    assert data.x.max() == pytest.approx(23 / 255)
    faults = {
        "needs the arrays x and y": {"x": np.zeros((2, 2))},
        "one label for each": {"x": np.zeros((2, 2)), "y": np.zeros(3, int)},
        "fractions": {"x": np.zeros((2, 2)), "y": np.array([0.5, 1])},
        r"x\[1, 0\] is not a finite number": {"x": np.array([[0, 1], [np.nan, 1]]), "y": np.array([0, 1])},
        "x must be numbers": {"x": np.array([["a", "b"]]), "y": np.array([0])},
    }
    for words, arrays in faults.items():
        np.savez(path, **arrays)
        with pytest.raises(UserError, match=words):
            read(path)
    path.write_bytes(b"PK no zip")
    with pytest.raises(UserError, match="not a readable npz"):
        read(path)
    np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.array([0]))
    with pytest.raises(UserError):
        read(path)


def idx(array: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def test_mnists_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (5, 4, 3)), np.array([3, 1, 3, 0, 1])
    first, second = tmp_path / "t10k-images-idx3-ubyte.gz", tmp_path / "t10k-labels-idx1-ubyte.gz"
    first.write_bytes(gzip.compress(idx(images)))
    with pytest.raises(UserError, match="needs both its files"):
        read(first)
    second.write_bytes(gzip.compress(idx(labels)))
    for path in (first, second):
        data = read(path)
        np.testing.assert_allclose(data.x, images.reshape(5, -1) / 255)
        assert [data.classes[at] for at in data.y] == ["3", "1", "3", "0", "1"]
        assert data.picture == (4, 3)
    second.write_bytes(gzip.compress(idx(labels[:4])))
    with pytest.raises(UserError, match="5 images but"):
        read(first)
    first.write_bytes(gzip.compress(idx(images)[:-3]))
    with pytest.raises(UserError, match="cut off"):
        read(first)
    first.write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(UserError, match=r"damaged gzip|cannot be read"):
        read(first)


def test_mnist_itself(shared_data: Path) -> None:
    data = read(shared_data / "metric" / "mnist" / "t10k-images-idx3-ubyte.gz")
    assert data.x.shape == (10_000, 784)
    assert len(data.classes) == 10
    some = data.sample(1400, seed=1)
    assert len(some) == 1400
    assert np.ptp(np.bincount(some.y)) <= 60


def test_folders_of_faces_and_olivetti(tmp_path: Path) -> None:
    import cv2
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    for person in ("s1", "s2", "s10"):
        (tmp_path / person).mkdir()
        for number in range(2):
            cv2.imwrite(str(tmp_path / person / f"{number}.pgm"), rng.integers(0, 255, (9, 7)).astype(np.uint8))
    data = read(tmp_path)
    assert data.x.shape == (6, 63)
    assert data.picture == (9, 7)
    (tmp_path / "s1" / "bad.png").write_bytes(b"no image")
    with pytest.raises(UserError, match="not a readable image"):
        read(tmp_path)
    pictures = rng.integers(0, 255, (20, 8, 8))
    path = tmp_path / "olivettifaces.mat"
    savemat(path, {"faces": pictures.transpose(0, 2, 1).reshape(20, 64).T.astype(np.uint8)})
    faces = read(path)
    np.testing.assert_allclose(faces.x, pictures.reshape(20, -1) / pictures.max())
    assert np.bincount(faces.y).tolist() == [10, 10]
    savemat(path, {"other": 1})
    with pytest.raises(UserError, match="no Olivetti file"):
        read(path)
    with pytest.raises(UserError, match="no folders of images"):
        read(tmp_path / "s1")
    with pytest.raises(UserError, match="no known kind"):
        read(written(tmp_path / "a.txt", "x"))
