"""Keypoints and descriptors of one image as CSV or npz.

What lives here: writing and reading both. May import: records, settings, ``formats.results``, ``formats.npz``, numpy.

CSV: ``x,y,size,angle,response,octave,layer,sublayer`` (no descriptors). npz: ``keypoints`` (N, 2) float32, ``size``,
``angle``, ``response``, ``sublayer`` (N,) float32, ``octave``, ``layer`` (N,) int32, ``descriptors`` (N, D) float32 or
uint8, ``image_size`` (2,) int64 width and height, ``metric`` and ``about`` texts. Coordinates are pixels of the
original image, sizes diameters, angles degrees clockwise, the sublayer (-0.5 ... 0.5) in layers; NaN (an empty
cell) = none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np

from app.formats.npz import column_of, json_of, points_of, read_arrays, shaped, write_arrays
from app.formats.results import (
    Origin,
    cells_of,
    columns_of,
    number_in,
    number_text,
    origin_from_json,
    reading_csv,
    write_csv,
)
from app.records import Array, DescriptorMetric, Descriptors, Features, Keypoints, UserError
from app.settings import atomic_text

HEADER = ("x", "y", "size", "angle", "response", "octave", "layer", "sublayer")
MEASURES = ("size", "angle", "response")


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """What a file of features says; ``origin`` is None if it does not say how they were made."""

    features: Features
    origin: Origin | None


def write_features_csv(path: str | Path, features: Features, origin: Origin) -> None:
    """Write the keypoints; the file is replaced only when all of it could be written.

    Raises:
        UserError: if the file cannot be written.
    """
    points = features.keypoints
    numbers = np.column_stack([points.xy, points.size, points.angle, points.response]).astype(np.float64)
    rows = (
        (*map(number_text, values), str(octave), str(layer), number_text(sublayer))
        for values, octave, layer, sublayer in zip(
            numbers.tolist(), points.octave.tolist(), points.layer.tolist(), points.sublayer.tolist(), strict=True
        )
    )
    with atomic_text(path) as stream:
        write_csv(stream, origin.to_json(), HEADER, rows)


def write_features_npz(path: str | Path, features: Features, origin: Origin) -> None:
    """Write keypoints and descriptors (no columns for a matcher that describes nothing).

    Raises:
        UserError: if the file cannot be written.
    """
    points, described = features.keypoints, features.descriptors
    arrays: dict[str, Array] = {"keypoints": points.xy, "octave": points.octave, "layer": points.layer}
    arrays |= {name: getattr(points, name) for name in (*MEASURES, "sublayer")}
    arrays["descriptors"] = np.zeros((len(points), 0), np.float32) if described is None else described.values
    if described is not None:
        arrays["metric"] = np.array(described.metric)
        if described.factor is not None:
            arrays["factor"] = described.factor
    picture = origin.picture("image")
    if picture is not None:
        arrays["image_size"] = np.array(picture.size)
    write_arrays(path, arrays | {"about": np.array(json.dumps(origin.to_json(), ensure_ascii=False))})


def _keypoints(xy: Array, measures: dict[str, Array], octave: Array, layer: Array, sublayer: Array) -> Keypoints:
    """Return keypoints; the detector's own octave number is rebuilt by OpenCV's rule."""
    known = np.isfinite(sublayer) & (np.abs(sublayer) <= 0.5)
    fine = np.rint((np.where(known, sublayer, 0.0) + 0.5) * 255).astype(np.int32) << 16
    return Keypoints(
        xy=xy,
        **measures,
        octave=octave,
        layer=layer,
        sublayer=sublayer,
        packed=(octave & 255) | (layer << 8) | np.where(known, fine, 0),
    )


def read_features_csv(path: str | Path) -> FeatureFile:
    """Return the keypoints of a CSV file; columns other than x and y may be missing.

    Raises:
        UserError: one sentence with the line if the file cannot be read or a cell makes no sense.
    """
    with reading_csv(path) as (about, rows):
        names = columns_of(path, rows, ("x", "y"))
        parsed = [_parsed(path, line, cells_of(path, line, names, row)) for line, row in rows]
    values = np.array(parsed, np.float64).reshape(-1, len(HEADER))
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    measures = {name: numbers[:, column] for column, name in enumerate(MEASURES, start=2)}
    whole = values[:, 5:7].astype(np.int32)
    return FeatureFile(
        Features(_keypoints(numbers[:, :2], measures, whole[:, 0], whole[:, 1], numbers[:, 7])), origin_from_json(about)
    )


def _parsed(path: str | Path, line: int, cells: dict[str, str]) -> list[float]:
    """Return the eight numbers of one row."""
    numbers = [number_in(path, line, name, cells[name], required=True) for name in ("x", "y")]
    numbers += [number_in(path, line, name, cells.get(name, "")) for name in MEASURES]
    for name in ("octave", "layer"):
        value = number_in(path, line, name, cells.get(name, "") or "0")
        if not abs(value) < 2**31 or value != int(value):
            raise UserError(f"{path}, line {line}: {name} is {cells[name]}, not a whole number.")
        numbers.append(value)
    return [*numbers, number_in(path, line, "sublayer", cells.get("sublayer", ""))]


def read_features_npz(path: str | Path) -> FeatureFile:
    """Return the keypoints and descriptors of an npz file; only ``keypoints`` must be there.

    Raises:
        UserError: one sentence if the file cannot be read, is damaged, or its arrays do not fit together.
    """
    arrays = read_arrays(path, ("keypoints",))
    xy = points_of(path, arrays, "keypoints")
    n = len(xy)
    defaults = {"size": 1.0, "angle": np.nan, "response": 0.0}
    measures = {name: column_of(path, arrays, name, n, default=value) for name, value in defaults.items()}
    octave, layer = (_whole(path, arrays, name, n) for name in ("octave", "layer"))
    sublayer = column_of(path, arrays, "sublayer", n, default=np.nan)
    keypoints = _keypoints(xy, measures, octave, layer, sublayer)
    origin = origin_from_json(json_of(arrays, "about"))
    return FeatureFile(Features(keypoints, _descriptors(path, arrays, n)), origin)


def _whole(path: str | Path, arrays: dict[str, Array], name: str, n: int) -> Array:
    if name not in arrays:
        return np.zeros(n, np.int32)
    values = shaped(path, arrays, name, (n,))
    if values.dtype.kind not in "iu":
        raise UserError(f"{path}: {name} must be whole numbers, found {values.dtype}.")
    return values.astype(np.int32)


def _descriptors(path: str | Path, arrays: dict[str, Array], n: int) -> Descriptors | None:
    """Return the descriptors; without a word on the metric, bytes are bits and numbers Euclidean."""
    if "descriptors" not in arrays or arrays["descriptors"].shape == (n, 0):
        return None
    values = shaped(path, arrays, "descriptors", (n, None))
    metric = str(arrays.get("metric", "hamming" if values.dtype == np.uint8 else "l2"))
    if metric not in get_args(DescriptorMetric):
        raise UserError(f"{path}: the metric {metric!r} is not known; use {', '.join(get_args(DescriptorMetric))}.")
    factor = shaped(path, arrays, "factor", (None, values.shape[1])) if "factor" in arrays else None
    if (metric == "mahalanobis") != (factor is not None):
        raise UserError(f"{path}: a Mahalanobis metric and an array 'factor' belong together.")
    return Descriptors(values, cast(DescriptorMetric, metric), factor)
