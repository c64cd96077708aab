"""Where labelled data come from: scikit-learn's small sets, the faces of scikit-image, toys, and files.

What lives here: the record of a data set and what reads it by name. What does not: file formats (``data_files``) and
descriptors of image pairs (``descriptor_data``). May import: records, settings, locate, ``toy``, ``data_files``, numpy.

The sets of scikit-learn are read from its data folder without importing it, which would take over a second.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from app import locate
from app.learning import data_files
from app.learning.data_files import DataSet
from app.learning.toy import TOYS, toy
from app.records import Float64, UserError

INSTALL = "install it with: pip install scikit-learn"


@cache
def _folder() -> Path:
    """Return the data folder inside the installed scikit-learn, without importing it."""
    spec = importlib.util.find_spec("sklearn")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        folder = Path(place) / "datasets" / "data"
        if folder.is_dir():
            return folder
    raise UserError(f"Wine, iris and digits come with scikit-learn, which is not installed; {INSTALL}")


def ready() -> str:
    """Return why scikit-learn's sets cannot be had here, or an empty text."""
    try:
        _folder()
    except UserError as error:
        return str(error)
    return ""


def _text(name: str) -> str:
    path = _folder() / name
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); install scikit-learn again.") from None


def _headed(name: str) -> tuple[Float64, Float64, tuple[str, ...]]:
    """Return (features, classes, class names) of a CSV whose first line holds counts and class names."""
    rows = list(csv.reader(_text(name).splitlines()))
    values = np.array(rows[1:], np.float64)
    return values[:, :-1], values[:, -1], tuple(rows[0][2:])


WINE = (
    "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
    "nonflavanoid phenols", "proanthocyanins", "colour intensity", "hue", "od280/od315", "proline",
)  # fmt: skip
IRIS = ("sepal length", "sepal width", "petal length", "petal width")


def wine() -> DataSet:
    """Return 178 wines of 3 growers, 13 chemical measurements of very different spread."""
    x, y, classes = _headed("wine_data.csv")
    return DataSet("wine", "Wine", x, y.astype(np.int64), classes, WINE, source="UCI Wine, Forina et al., CC BY 4.0")


def iris() -> DataSet:
    """Return 150 irises of 3 species, 4 lengths in cm."""
    x, y, classes = _headed("iris.csv")
    return DataSet("iris", "Iris", x, y.astype(np.int64), classes, IRIS, source="UCI Iris, Fisher 1936, CC BY 4.0")


def digits() -> DataSet:
    """Return 1,797 handwritten digits, 8 × 8 pixels in [0, 1] (the file's 0...16 over 16)."""
    values = np.loadtxt(_text("digits.csv.gz").splitlines(), delimiter=",")
    names = tuple(f"pixel {row},{column}" for row in range(8) for column in range(8))
    return DataSet(
        "digits",
        "Digits 8 × 8",
        values[:, :-1] / 16,
        values[:, -1].astype(np.int64),
        tuple("0123456789"),
        names,
        picture=(8, 8),
        source="UCI Optical Recognition of Handwritten Digits, CC BY 4.0",
    )


def faces() -> DataSet:
    """Return 100 faces and 100 other patches, 25 × 25 pixels in [0, 1], that come inside scikit-image."""
    path = locate.photographs() / "lfw_subset.npy"
    try:
        pixels = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); install scikit-image again.") from None
    x = pixels.reshape(len(pixels), -1).astype(np.float64)
    y = (np.arange(len(x)) >= len(x) // 2).astype(np.int64)
    height, width = pixels.shape[1:3]
    names = tuple(f"pixel {row},{column}" for row in range(height) for column in range(width))
    return DataSet(
        "faces",
        "Faces and others 25 × 25",
        x,
        y,
        ("face", "no face"),
        names,
        picture=(height, width),
        source="Labeled Faces in the Wild, subset in scikit-image",
    )


BUILT_IN: dict[str, tuple[str, Callable[[], DataSet]]] = {
    "wine": ("Wine", wine),
    "iris": ("Iris", iris),
    "digits": ("Digits 8 × 8", digits),
    "faces": ("Faces and others 25 × 25", faces),
}


@cache
def _built_in(name: str) -> DataSet:
    return BUILT_IN[name][1]()


def load(name: str) -> DataSet:
    """Return the data set called ``name``, a toy (``toy:stripes``), or that of a file or folder.

    Raises:
        UserError: if there is none, or it cannot be read; the sentence says what is wrong where.
    """
    if name in BUILT_IN:
        return _built_in(name)
    if name.startswith("toy:"):
        key = name.removeprefix("toy:")
        x, y = toy(key)
        title = next(item.title for item in TOYS if item.key == key)
        return DataSet(name, title, x, y, tuple(f"class {c}" for c in np.unique(y)), ("x", "y"))
    if Path(name).exists():
        return data_files.read(name)
    known = ", ".join([*BUILT_IN, *(f"toy:{item.key}" for item in TOYS)])
    raise UserError(f"There is no data set {name!r} and no such file; known are {known}, or a .csv or .npz file.")
