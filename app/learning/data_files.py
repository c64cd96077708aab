"""Labelled data from files: CSV, NPZ, MNIST's idx files and folders of face images, with one sentence for a bad file.

What lives here: the record :class:`DataSet` and the readers. What does not: the built-in sets (``data_sets``). May
import: records, numpy, cv2 (images) and ``formats.npz``; scipy.io for Olivetti's .mat when used. Nothing is unpickled.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.formats.npz import read_arrays
from app.learning.neighbours import Labels
from app.records import Array, Float64, UserError, read_only

LABEL_NAMES = ("label", "labels", "class", "target", "species", "y")
MOST_BYTES = 2 * 2**30
MOST_FACES = 5000
SUFFIXES = (".csv", ".npz", ".mat")


@dataclass(frozen=True, eq=False)
class DataSet:
    """Labelled points.

    Attributes:
        key: what the command line calls it, and its id on a metric's card.
        title: on screen.
        x: (n, d) float64.
        y: (n,) int64, an index into ``classes``.
        classes: a name for every class.
        features: a name for every column, or empty.
        picture: (height, width) if rows are grey pictures in [0, 1], else None.
        source: as stated by whoever published it.
    """

    key: str
    title: str
    x: Float64
    y: Labels
    classes: tuple[str, ...]
    features: tuple[str, ...] = ()
    picture: tuple[int, int] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", read_only(self.x, np.float64, (None, None), "DataSet.x"))
        object.__setattr__(self, "y", read_only(self.y, np.int64, (len(self.x),), "DataSet.y"))

    def __len__(self) -> int:
        return len(self.x)

    def standardised(self) -> DataSet:
        """Return the set with mean 0 and standard deviation 1 in every feature; constant ones become 0."""
        spread = self.x.std(axis=0)
        x = (self.x - self.x.mean(axis=0)) / np.where(spread > 0, spread, 1)
        return DataSet(self.key, self.title, x, self.y, self.classes, self.features, self.picture, self.source)

    def sample(self, count: int, *, seed: int = 0) -> DataSet:
        """Return at most ``count`` rows, drawn evenly over the classes."""
        if count >= len(self.x):
            return self
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(self.x))
        place = np.empty(len(order))
        for name in np.unique(self.y):
            members = order[self.y[order] == name]
            place[members] = np.arange(len(members)) / len(members)
        rows = np.sort(np.argsort(place, kind="stable")[:count])
        return DataSet(
            self.key, self.title, self.x[rows], self.y[rows], self.classes, self.features, self.picture, self.source
        )


def is_data(path: str | Path) -> bool:
    """Return whether :func:`read` would try a path: a folder, or a file whose name ends as one of its kinds."""
    name = Path(path).name.lower()
    return name.endswith(SUFFIXES) or "idx3-ubyte" in name or "idx1-ubyte" in name or Path(path).is_dir()


def read(path: str | Path) -> DataSet:
    """Return the labelled data in a .csv, .npz, .mat (Olivetti) or idx file (MNIST), or in a folder of image folders.

    Raises:
        UserError: if it is none of these, or its content is no labelled data; the sentence says what is wrong where.
    """
    file = Path(path)
    if file.is_dir():
        return _read_folder(file)
    name = file.name.lower()
    if name.endswith(".csv"):
        return read_csv(file)
    if name.endswith(".npz"):
        return read_npz(file)
    if "idx3-ubyte" in name or "idx1-ubyte" in name:
        return read_idx(file)
    if name.endswith(".mat"):
        return _read_olivetti(file)
    raise UserError(
        f"{file} is of no known kind; use a .csv with a label column, a .npz with x and y, MNIST's idx files, "
        "Olivetti's .mat, or a folder with one folder of images per class."
    )


def named_classes(names: Sequence[str]) -> tuple[Labels, tuple[str, ...]]:
    """Return (index of each name, the different names), ordered as numbers if all are numbers, else as text."""
    different = set(names)
    try:
        ordered = sorted(different, key=float)
    except ValueError:
        ordered = sorted(different)
    index = {name: at for at, name in enumerate(ordered)}
    return np.array([index[name] for name in names], np.int64), tuple(ordered)


# ------------------------------------------------------------------------------------- CSV


def read_csv(path: Path) -> DataSet:
    """Return the data of a CSV: numbers in every column but one, the label.

    The label is the column called label, class, target, species or y, else the last one. A first row that holds text
    outside the label is the header. Empty lines and lines that begin with # are skipped.

    Raises:
        UserError: naming row and column of what is no number, missing or not finite.
    """
    rows = _csv_rows(path)
    header = None
    if any(not _is_number(cell) for cell in rows[0][1][:-1]) or not _labels_like(rows):
        header = [cell.strip() for cell in rows.pop(0)[1]]
    if not rows:
        raise UserError(f"{path} has a header but no data.")
    width = len(header or rows[0][1])
    if width < 2:
        raise UserError(f"{path} has one column; at least one feature and a label are needed.")
    column = _label_column(header, width)
    features = np.empty((len(rows), width - 1))
    labels: list[str] = []
    names = header or [f"column {at + 1}" for at in range(width)]
    for at, (line, cells) in enumerate(rows):
        if len(cells) != width:
            raise UserError(f"{path}, line {line}: {len(cells)} columns, expected {width}.")
        labels.append(cells[column].strip())
        if not labels[-1]:
            raise UserError(f"{path}, line {line}: the label is empty; fill it in or remove the line.")
        rest = [*cells[:column], *cells[column + 1 :]]
        own = [*names[:column], *names[column + 1 :]]
        features[at] = [_number(path, line, name, cell) for name, cell in zip(own, rest, strict=True)]
    y, classes = named_classes(labels)
    kept = tuple(name for at, name in enumerate(names) if at != column)
    return DataSet(str(path), path.stem, features, y, classes, kept, source=path.name)


def _csv_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return (line number, cells) of every line that holds data."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path} is larger than 2 GB; take a part of it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; save it as CSV in UTF-8.") from None
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    separator = max(",;\t", key=first.count)
    try:
        reader = csv.reader(text.splitlines(), delimiter=separator)
        rows = [(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells) and cells[0][:1] != "#"]
    except csv.Error as error:
        raise UserError(f"{path} is no readable CSV: {error}.") from None
    if not rows:
        raise UserError(f"{path} is empty.")
    return rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()  # a missing value is no header
    return True


def _labels_like(rows: list[tuple[int, list[str]]]) -> bool:
    """Return whether the first row's last cell could be one of the labels below it: not a name over numbers."""
    if len(rows) < 2:
        return True
    return not (_is_number(rows[1][1][-1]) and not _is_number(rows[0][1][-1]))


def _label_column(header: list[str] | None, width: int) -> int:
    lowered = [name.lower() for name in header or []]
    return next((lowered.index(name) for name in LABEL_NAMES if name in lowered), width - 1)


def _number(path: Path, line: int, name: str, cell: str) -> float:
    text = cell.strip()
    try:
        value = float(text)
    except ValueError:
        what = "is empty" if not text else f"holds the text {text[:40]!r}"
        raise UserError(
            f"{path}, line {line}: {name} {what}; only the label may be text. "
            "Remove the column or turn it into numbers."
        ) from None
    if not math.isfinite(value):
        raise UserError(f"{path}, line {line}: {name} is {text}, not a finite number; fill it in or remove the line.")
    return value


# ------------------------------------------------------------------------------ other files


def read_npz(path: Path) -> DataSet:
    """Return the data of an npz with ``x`` (n, d) or (n, h, w) and ``y`` (n,) numbers or names.

    Raises:
        UserError: if an array is missing, of another shape, or holds a value that is not finite.
    """
    arrays = read_arrays(path, ())
    x = _first(arrays, ("x", "X", "data", "features"))
    y = _first(arrays, ("y", "Y", "label", "labels", "target", "obj"))
    if x is None or y is None:
        raise UserError(f"{path} needs the arrays x and y; found {', '.join(arrays) or 'none'}.")
    if x.dtype.kind not in "biuf" or x.ndim not in (2, 3):
        raise UserError(f"{path}: x must be numbers of shape n × d (or n × height × width), found {x.dtype} {x.shape}.")
    y = y.reshape(-1)
    if len(y) != len(x) or y.dtype.kind not in "biufUS":
        raise UserError(f"{path}: y must hold one label for each of the {len(x)} rows, found {y.dtype} {y.shape}.")
    if y.dtype.kind == "f" and not np.array_equal(y, np.rint(y)):
        raise UserError(f"{path}: y holds fractions; a class is a whole number or a name.")
    names = [str(int(v)) if y.dtype.kind in "biuf" else str(v) for v in y.tolist()]
    labels, classes = named_classes(names)
    picture = (int(x.shape[1]), int(x.shape[2])) if x.ndim == 3 else None
    scale = 255.0 if picture and x.dtype == np.uint8 else 1.0
    values = x.reshape(len(x), -1).astype(np.float64) / scale
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise UserError(f"{path}: x[{bad[0][0]}, {bad[0][1]}] is not a finite number ({len(bad)} in all).")
    return DataSet(str(path), path.stem, values, labels, classes, picture=picture, source=path.name)


def _first(arrays: dict[str, Array], names: tuple[str, ...]) -> Array | None:
    return next((arrays[name] for name in names if name in arrays), None)


def read_idx(path: Path) -> DataSet:
    """Return MNIST or Fashion-MNIST from either of its two idx files (.gz or not); the other lies beside it.

    Raises:
        UserError: if one of the two is missing or damaged.
    """
    images = path.with_name(path.name.replace("labels", "images").replace("idx1", "idx3"))
    labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    pixels, y = _idx(images, 3), _idx(labels, 1)
    if len(pixels) != len(y):
        raise UserError(f"{images.name} holds {len(pixels)} images but {labels.name} {len(y)} labels.")
    height, width = pixels.shape[1:]
    x = pixels.reshape(len(pixels), -1) / 255.0
    named, classes = named_classes([str(v) for v in y.tolist()])
    return DataSet(str(path), path.parent.name or path.stem, x, named, classes, picture=(height, width))


def _idx(path: Path, axes: int) -> npt.NDArray[np.uint8]:
    """Return the array of an idx file: two zero bytes, type 8, the number of axes, their lengths, the bytes."""
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); MNIST needs both its files.") from None
    except (EOFError, zlib.error):
        raise UserError(f"{path} is a damaged gzip file; fetch it again.") from None
    head = 4 + 4 * axes
    if len(data) < head or data[:4] != bytes((0, 0, 8, axes)):
        raise UserError(f"{path} is no idx file of bytes with {axes} axes.")
    shape = tuple(int(v) for v in np.frombuffer(data, ">u4", axes, 4))
    if len(data) - head != math.prod(shape):
        raise UserError(f"{path} is cut off: {len(data) - head:,} bytes for {' × '.join(map(str, shape))}.")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _read_olivetti(path: Path) -> DataSet:
    """Return the Olivetti faces of ``olivettifaces.mat``: 400 pictures of 40 people, 64 × 64."""
    from scipy.io import loadmat

    try:
        content = loadmat(path)
        faces = np.asarray(content["faces"], np.float64)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (KeyError, ValueError, TypeError, NotImplementedError) as error:
        raise UserError(f"{path} is no Olivetti file with an array faces ({type(error).__name__}).") from None
    side = math.isqrt(len(faces))
    if faces.ndim != 2 or side * side != len(faces) or faces.shape[1] % 10:
        raise UserError(f"{path}: faces is {faces.shape}, expected 4096 × 400 (ten of each person).")
    upright = faces.T.reshape(-1, side, side).transpose(0, 2, 1).reshape(faces.shape[1], -1)
    x: Float64 = upright.astype(np.float64)
    x /= max(1.0, float(faces.max()))
    people = faces.shape[1] // 10
    names = tuple(f"person {at + 1}" for at in range(people))
    return DataSet(str(path), "Olivetti faces", x, np.repeat(np.arange(people), 10), names, picture=(side, side))


def _read_folder(folder: Path) -> DataSet:
    """Return grey pictures, one folder of images (.pgm, .png, .jpg) per class, at the size of the first."""
    import cv2

    from app.vision.images import decode

    kinds = (".pgm", ".png", ".jpg", ".jpeg", ".bmp")
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in kinds)
    if not files:
        raise UserError(f"{folder} holds no folders of images (.pgm, .png, .jpg), one folder per class.")
    if len(files) > MOST_FACES:
        raise UserError(f"{folder} holds {len(files):,} images, more than {MOST_FACES:,}; take a part of it.")
    pictures: list[npt.NDArray[np.uint8]] = []
    for file in files:
        data = decode(file.read_bytes(), cv2.IMREAD_GRAYSCALE)
        if data is None:
            raise UserError(f"{file} is not a readable image.")
        pictures.append(np.asarray(data, np.uint8))
    height, width = pictures[0].shape
    same = [p if p.shape == (height, width) else cv2.resize(p, (width, height)) for p in pictures]
    y, classes = named_classes([file.parent.name for file in files])
    x = np.stack([p.reshape(-1) for p in same]).astype(np.float64) / 255.0
    return DataSet(str(folder), folder.name, x, y, classes, picture=(height, width))
