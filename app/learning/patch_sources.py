"""Data sets other than warped photographs: class folders, digits, MNIST files, Omniglot, patch collections, a pair.

What lives here: reading each layout into a :class:`PatchSet`, and the list of them for a form. What does not: warping
(``patch_data``) and drawing signatures (``signatures``). May import: vision, jobs, patch_set; scikit-learn only inside
the function that needs it.

Layouts: MNIST's idx files (LeCun et al. 1998); Omniglot alphabet/character/drawer (Lake et al. 2015); PhotoTour's
patches####.bmp with info.txt (Brown, Hua & Winder, PAMI 2011); HPatches' columns of 65 x 65 patches (Balntas et al.,
CVPR 2017).
"""

from __future__ import annotations

import gzip
import importlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from app.jobs import Job, Progress
from app.learning.patch_data import WarpSettings, warped_patches
from app.learning.patch_set import PatchSet
from app.learning.photographs import find_photographs, read_photographs
from app.learning.signatures import signatures
from app.records import Array, UInt8, UserError
from app.vision.images import decode, grey8, is_image_name, read_image

SIDE = 32
MOST = 200_000  # patches taken of one set
PHOTO_TOUR_SIDE, PHOTO_TOUR_ROW = 64, 16
HPATCHES_SIDE = 65
HPATCHES_VIEWS = ("ref", *(f"{kind}{index}" for kind in "eht" for index in range(1, 6)))


@dataclass(frozen=True)
class Source:
    """A line of the list of data sets.

    Attributes:
        key: on the command line.
        title: in the form.
        needs: what path it takes: ``"folder"``, ``"file or folder"`` or nothing.
        load: (path, settings of warping, seed) -> job.
    """

    key: str
    title: str
    needs: str
    load: Callable[[Path, WarpSettings], Job[PatchSet]]


def sorted_set(
    name: str, patches: Sequence[UInt8] | Array, classes: Array, scenes: Array, titles: Sequence[str], note: str = ""
) -> PatchSet:
    """Return a set of patches in any order, sorted by class (stable), classes counted from 0."""
    order = np.argsort(classes, kind="stable")
    _, dense = np.unique(np.asarray(classes)[order], return_inverse=True)
    array = np.asarray(patches, np.uint8).reshape(-1, SIDE, SIDE)[order]
    notes = (note,) if note else ()
    return PatchSet(
        name, array, dense.astype(np.int32), np.asarray(scenes, np.int32)[order], tuple(titles), notes=notes
    )


def fitted(grey: UInt8) -> UInt8:
    """Return a picture as a square patch of 32 pixels: its longer side fits, the rest is filled with its border."""
    h, w = grey.shape
    scale = SIDE / max(h, w)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    small = grey if size == (w, h) else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    rest = (SIDE - size[1] - top, SIDE - size[0] - left)
    return np.asarray(cv2.copyMakeBorder(small, top, rest[0], left, rest[1], cv2.BORDER_REPLICATE), np.uint8)


# ---------------------------------------------------------------------------- class folders


def class_folders(path: Path) -> Job[PatchSet]:
    """Read a folder of folders: each inner folder is a class, named by its path; pictures are shrunk to 32 pixels.

    Raises:
        UserError: if there are not at least two folders of pictures.
    """
    if not path.is_dir():
        raise UserError(f"There is no folder {path}; give a folder with one folder of pictures per class.")
    files = sorted(file for file in path.rglob("*") if file.is_file() and is_image_name(file) and file.parent != path)
    if len({file.parent for file in files}) < 2:
        raise UserError(
            f"{path} must hold at least two folders of pictures, one per class; found {len(files)} pictures."
        )
    pictures: list[UInt8] = []
    for row, file in enumerate(files):
        yield Progress(row, len(files), f"Reading {file.parent.name}/{file.name}")
        pictures.append(fitted(grey8(read_image(file).rgb)))
    titles = sorted({str(file.parent.relative_to(path)) for file in files})
    index = {title: row for row, title in enumerate(titles)}
    classes = np.array([index[str(file.parent.relative_to(path))] for file in files])
    return sorted_set(f"{path.name}, {len(titles)} classes", pictures, classes, classes, titles)


def omniglot(path: Path) -> Job[PatchSet]:
    """Read Omniglot: a zip file or folder of alphabet/character/drawer.png; a character is a class."""
    if path.is_dir():
        return (yield from class_folders(path))
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.lower().endswith(".png"))
            pictures: list[UInt8] = []
            for row, name in enumerate(names):
                if row % 50 == 0:
                    yield Progress(row, len(names), f"Reading {name}")
                pictures.append(_decoded(archive.read(name), f"{path}:{name}"))
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
    if not names:
        raise UserError(f"{path} holds no .png pictures; take a zip file of Omniglot's images.")
    keys = [name.rsplit("/", 1)[0] for name in names]
    titles = sorted(set(keys))
    index = {title: row for row, title in enumerate(titles)}
    classes = np.array([index[key] for key in keys])
    return sorted_set(f"Omniglot, {len(titles)} characters", pictures, classes, classes, titles)


def _decoded(data: bytes, where: str) -> UInt8:
    grey = decode(data, cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise UserError(f"{where} is not a picture.")
    return fitted(np.asarray(grey, np.uint8))


# ----------------------------------------------------------------------------------- digits


def digits(_: Path | None = None) -> Job[PatchSet]:
    """Return the 1,797 digits of scikit-learn, enlarged from 8 to 32 pixels.

    Raises:
        UserError: if scikit-learn is not installed.
    """
    yield Progress(0, 1, "Reading digits")
    try:
        data = importlib.import_module("sklearn.datasets").load_digits()
    except ImportError:
        raise UserError("These digits come with scikit-learn; install it with: pip install scikit-learn") from None
    grey = np.clip(data.images * (255 / 16), 0, 255).astype(np.uint8)
    patches = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for image in grey]
    labels = np.asarray(data.target)
    return sorted_set("digits of scikit-learn", patches, labels, labels, [str(i) for i in range(10)])


def read_idx(path: Path) -> Array:
    """Return the array of an idx file (plain or gzip), uint8.

    Raises:
        UserError: if it is missing, torn, or of another type.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        zero, kind, axes = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or 'it is damaged'}.") from None
    except (struct.error, EOFError, zlib.error):
        raise UserError(f"{path} is damaged or not an idx file.") from None
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if zero or kind != 8 or body.size != np.prod(shape, dtype=np.int64):
        raise UserError(f"{path} is damaged or not an idx file of bytes.")
    result: Array = body.reshape(shape)
    return result


def idx_files(path: Path) -> Job[PatchSet]:
    """Read MNIST or Fashion-MNIST: a folder with images (idx3) and labels (idx1), plain or gzip.

    Raises:
        UserError: if one is missing, or they do not fit each other.
    """
    yield Progress(0, 1, f"Reading {path.name}")
    place = path.parent if path.is_file() else path
    pairs = []
    for images in sorted(place.glob("*idx3*")):
        labels = place / images.name.replace("images", "labels").replace("idx3", "idx1")
        if labels.exists():
            pairs.append((read_idx(images), read_idx(labels)))
    if not pairs:
        raise UserError(f"{place} holds no pair of files …images-idx3-ubyte and …labels-idx1-ubyte.")
    if any(len(a) != len(b) or a.ndim != 3 or b.ndim != 1 for a, b in pairs):
        raise UserError(f"The images and labels in {place} do not fit each other.")
    labels_all = np.concatenate([labels for _, labels in pairs])[:MOST]
    pictures = [fitted(image) for images, _ in pairs for image in images][:MOST]
    titles = [str(value) for value in range(int(labels_all.max(initial=0)) + 1)]
    return sorted_set(f"{place.name}, {len(pictures)} pictures", pictures, labels_all, labels_all, titles)


# ---------------------------------------------------------------------- patch collections


def photo_tour(path: Path) -> Job[PatchSet]:
    """Read a folder of PhotoTour: patches####.bmp, 16 x 16 patches of 64 pixels each, and info.txt.

    Raises:
        UserError: if a file is missing or the sheets do not hold as many patches as info.txt names.
    """
    sheets = sorted(path.glob("patches*.bmp"))
    points = _first_column(path / "info.txt")
    if not sheets:
        raise UserError(f"{path} holds no patches0000.bmp; give the folder of one PhotoTour scene.")
    count = min(len(points), MOST)
    patches = np.empty((count, SIDE, SIDE), np.uint8)
    done = 0
    for sheet in sheets:
        yield Progress(done, count, f"Reading {sheet.name}")
        grey = _sheet(sheet)
        per_row = grey.shape[1] // PHOTO_TOUR_SIDE
        for index in range(per_row * (grey.shape[0] // PHOTO_TOUR_SIDE)):
            if done == count:
                break
            y, x = divmod(index, per_row)
            cell = grey[y * 64 : y * 64 + 64, x * 64 : x * 64 + 64]
            patches[done] = cv2.resize(cell, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            done += 1
    if done < count:
        raise UserError(f"{path} holds {done} patches, but info.txt names {len(points)}; some sheets are missing.")
    note = f"The first {MOST} of {len(points)} patches are used." if len(points) > MOST else ""
    # Points are numbered as they were reconstructed: neighbours are near each other, so runs of 500 serve as scenes.
    scenes = points[:count] // 500
    return sorted_set(f"PhotoTour {path.name}", patches, points[:count], scenes, [], note)


def _first_column(path: Path) -> Array:
    """Return the first number of every line."""
    try:
        lines = path.read_text(encoding="ascii").split("\n")
        return np.array([int(line.split()[0]) for line in lines if line.strip()], np.int64)
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except ValueError:
        raise UserError(f"{path} must begin every line with the number of a point.") from None


def _sheet(path: Path) -> UInt8:
    try:
        grey = decode(path.read_bytes(), cv2.IMREAD_GRAYSCALE)
    except OSError:
        grey = None
    if grey is None:
        raise UserError(f"{path} is not a picture, or cannot be read.")
    return np.asarray(grey, np.uint8)


def hpatches(path: Path) -> Job[PatchSet]:
    """Read HPatches' patches: folders with ref.png, e1.png ... h5.png, t5.png; row k of each is the same point.

    Raises:
        UserError: if there is none, or the columns of a folder differ in length.
    """
    references = sorted(path.glob("ref.png")) + sorted(path.glob("*/ref.png"))
    if not references:
        raise UserError(f"{path} holds no ref.png; give HPatches' folder of patches, or one of its sequences.")
    patches: list[UInt8] = []
    points: list[Array] = []
    scenes: list[Array] = []
    start = 0
    for row, reference in enumerate(references):
        yield Progress(row, len(references), f"Reading {reference.parent.name}")
        columns = [_column(file) for name in HPATCHES_VIEWS if (file := reference.with_name(f"{name}.png")).exists()]
        if len({len(column) for column in columns}) != 1:
            raise UserError(f"The columns of patches in {reference.parent} differ in length; get the sequence again.")
        n = len(columns[0])
        patches += columns
        points += [start + np.arange(n)] * len(columns)
        scenes += [np.full(n, row)] * len(columns)
        start += n
    titles = [reference.parent.name for reference in references]
    return sorted_set(
        f"HPatches, {len(references)} sequences",
        np.concatenate(patches),
        np.concatenate(points),
        np.concatenate(scenes),
        titles,
    )


def _column(path: Path) -> UInt8:
    """Return the patches of one column, each shrunk to 32 pixels."""
    grey = _sheet(path)
    side = grey.shape[1]
    if side != HPATCHES_SIDE or grey.shape[0] % side:
        raise UserError(f"{path} must be a column of 65 × 65 patches, not {grey.shape[1]} × {grey.shape[0]}.")
    cells: Iterable[UInt8] = grey.reshape(-1, side, side)
    return np.stack([cv2.resize(cell, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for cell in cells]).astype(np.uint8)


# ----------------------------------------------------------------------------------- the list


def photographs(path: Path, settings: WarpSettings) -> Job[PatchSet]:
    """Read a folder of photographs and warp them."""
    read = yield from read_photographs(find_photographs([path]))
    name = f"{path.name}, {len(read)} photographs"
    return (yield from warped_patches([(item.name, item.grey) for item in read], settings, name=name))


def _drawn(_: Path, settings: WarpSettings) -> Job[PatchSet]:
    yield Progress(0, 1, "Drawing signatures")
    return signatures(seed=settings.seed)[0]


SOURCES = {
    source.key: source
    for source in (
        Source("photographs", "Photographs, warped", "folder", photographs),
        Source("folders", "Folders as classes", "folder", lambda path, _: class_folders(path)),
        Source("digits", "Digits of scikit-learn", "", lambda _path, _: digits()),
        Source("idx", "MNIST or Fashion-MNIST files", "folder", lambda path, _: idx_files(path)),
        Source("omniglot", "Omniglot", "file or folder", lambda path, _: omniglot(path)),
        Source("signatures", "Drawn signatures", "", _drawn),
        Source("photo-tour", "PhotoTour patches", "folder", lambda path, _: photo_tour(path)),
        Source("hpatches", "HPatches patches", "folder", lambda path, _: hpatches(path)),
    )
}


def guessed(path: Path) -> str:
    """Return the key of the layout a path has; ``photographs`` if it is none of the others."""
    if path.suffix.lower() == ".zip":
        return "omniglot"
    if path.is_dir():
        if (path / "info.txt").exists() and any(path.glob("patches*.bmp")):
            return "photo-tour"
        if any(path.glob("ref.png")) or any(path.glob("*/ref.png")):
            return "hpatches"
        if any(path.glob("*idx3*")):
            return "idx"
    return "photographs"
