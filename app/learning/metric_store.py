"""Learned metrics in files: npz with the factor L and its card in JSON, and the folder they are kept in.

What lives here: reading, writing and listing. What does not: learning. May import: own_files, records,
settings, locate, ``formats.npz``. Nothing is unpickled.

A kept metric's name ends in a few characters of its content's hash, so that a name never comes to mean another metric.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from app import locate
from app.formats.npz import json_of, read_arrays, shaped, write_arrays
from app.learning.mahalanobis import factor_of
from app.learning.own_files import OwnFolder
from app.records import Array, Metric, UserError

FOLDER_VARIABLE = "CORRESPONDENCE_EXPLORER_METRICS"
KIND, VERSION = "metric", 1
SUFFIX = ".npz"
OWN = OwnFolder("metric", FOLDER_VARIABLE, SUFFIX)
# What other programs call the factor (metric-learn: components_), or the matrix itself.
FACTORS, MATRICES = ("factor", "L", "components_", "components"), ("M", "matrix")
LARGEST = 20_000  # columns


def folder() -> Path:
    """Return the folder of kept metrics: the user's own, or what the environment names. It need not exist."""
    return OWN.path


def write_metric(path: str | Path, metric: Metric) -> None:
    """Write a metric as npz: ``factor`` (r, d) float64 and ``card``, JSON text with where it comes from.

    Raises:
        UserError: if the file cannot be written.
    """
    card = {
        "kind": KIND,
        "version": VERSION,
        "name": metric.name,
        "learned_by": metric.learned_by,
        "trained_on": list(metric.trained_on),
        "details": dict(metric.details),
    }
    write_arrays(path, {"factor": metric.factor, "card": np.array(json.dumps(card))})


def read_metric(path: str | Path) -> Metric:
    """Return the metric in an npz: written here, or any with an L (``L``, ``components_``) or a PSD matrix ``M``.

    Raises:
        UserError: if it cannot be read, holds neither, or holds values that are not finite.
    """
    file = Path(path)
    arrays = read_arrays(file, ())
    factor = _factor(file, arrays)
    if not np.isfinite(factor).all():
        raise UserError(f"{file}: the metric holds a value that is not a finite number.")
    card = json_of(arrays, "card")
    known: Mapping[str, Any] = card if isinstance(card, dict) and card.get("kind") == KIND else {}
    if isinstance(known.get("version"), int) and known["version"] > VERSION:
        raise UserError(f"{file} was written by a newer version of the program (format {known['version']}).")
    trained_on, details = known.get("trained_on"), known.get("details")
    return Metric(
        factor,
        str(known.get("name") or file.stem),
        str(known.get("learned_by") or ""),
        tuple(str(item) for item in trained_on) if isinstance(trained_on, list) else (),
        details if isinstance(details, dict) else {},
    )


def _factor(file: Path, arrays: dict[str, Array]) -> Array:
    name = next((name for name in (*FACTORS, *MATRICES) if name in arrays), None)
    if name is None:
        wanted = f"{', '.join(FACTORS[:3])} or {MATRICES[0]}"
        raise UserError(f"{file} holds no metric ({wanted}); found {', '.join(arrays) or 'none'}.")
    values = shaped(file, arrays, name, (None, None)).astype(np.float64)
    if 0 in values.shape or values.shape[1] > LARGEST:
        raise UserError(f"{file}: {name} is {values.shape[0]} × {values.shape[1]}; that is no metric.")
    if name in FACTORS:
        return values
    try:
        return factor_of(values)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None


# --------------------------------------------------------------------------------- the folder


def names() -> dict[str, str]:
    """Return name -> title of all metrics: kept ones, the newest first, then those that come with the program."""
    return {name: name for name in _paths()}


def _paths() -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        kept = [(entry.stat().st_mtime, entry.path) for entry in os.scandir(folder()) if entry.name.endswith(SUFFIX)]
    except OSError:  # no folder yet: nothing was kept
        kept = []
    for _, name in sorted(kept, key=lambda item: (-item[0], item[1])):
        found[Path(name).stem] = Path(name)
    for path in _shipped():
        found.setdefault(path.stem, path)
    return found


@lru_cache(maxsize=1)
def _shipped() -> tuple[Path, ...]:
    return tuple(sorted((locate.resources() / "metrics").glob(f"*{SUFFIX}")))


def keep(metric: Metric) -> str:
    """Keep a metric in the folder and return the name it can be chosen by: its own with some of its hash.

    Raises:
        UserError: if the folder or the file cannot be written.
    """
    digest = hashlib.sha256(metric.factor.tobytes()).hexdigest()[:8]
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in metric.name)[:60].strip(".-") or "metric"
    name = stem if stem.endswith(digest) else f"{stem}-{digest}"
    write_metric(OWN.made() / f"{name}{SUFFIX}", metric)
    return name


def load(name: str) -> Metric:
    """Return a metric by its name in the folder, or from a file ``….npz``.

    Raises:
        UserError: if there is none of that name, or its file cannot be read.
    """
    paths = _paths()
    path = paths.get(name) or (Path(name) if name.lower().endswith(SUFFIX) else None)
    if path is None:
        known = ", ".join(paths) or "none; learn one, or name a .npz file"
        raise UserError(f"There is no learned metric called {name!r}; known are {known}.")
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    return _loaded(path, stamp)


@lru_cache(maxsize=16)
def _loaded(path: Path, _stamp: int) -> Metric:
    return read_metric(path)
