"""Matches as a SuperGlue-style npz, with what that format lacks: the sizes of the images.

What lives here: writing and reading. May import: records, settings, ``formats.results``, ``formats.npz``, numpy.

SuperGlue's own four arrays, all in pixels of the **original** images:
``keypoints0`` (N0, 2) float32, ``keypoints1`` (N1, 2) float32, ``matches`` (N0,) int64 index into ``keypoints1`` or
-1, ``match_confidence`` (N0,) float32 (0 where there is no match; NaN where the matcher knows none).

Ours besides: ``image_size0``, ``image_size1`` (2,) int64 width and height; ``pairs`` (M, 2) int32 with ``distance``,
``second``, ``confidence`` (M,) float32, ``inlier`` and ``verdict`` (M,) int8 (-1 = unknown); ``about`` a JSON text.
A file of SuperGlue itself has coordinates of *resized* images and no size: then ``sizes`` is None when it is read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.formats.npz import column_of, json_of, points_of, read_arrays, shaped, write_arrays
from app.formats.results import UNKNOWN, VERDICTS, Origin, origin_from_json, table_of
from app.records import Array, Float32, Matches, MatchResult, UserError

REQUIRED = ("keypoints0", "keypoints1", "matches")


@dataclass(frozen=True, eq=False)
class MatchArchive:
    """What an npz of matches says.

    Attributes:
        left_xy, right_xy: (N0, 2) and (N1, 2) float32, all keypoints.
        matches: indices into them, with distances (NaN = unknown).
        inlier, verdict: (M,) int8, -1 = unknown.
        sizes: (width, height) of both images the coordinates belong to; None if the file does not say.
        origin: how it was made, None if the file does not say.
    """

    left_xy: Float32
    right_xy: Float32
    matches: Matches
    inlier: npt.NDArray[np.int8]
    verdict: npt.NDArray[np.int8]
    sizes: tuple[tuple[int, int], tuple[int, int]] | None
    origin: Origin | None


def write_matches_npz(path: str | Path, result: MatchResult) -> None:
    """Write all keypoints and the matches of a result.

    Of several matches of one left keypoint, ``matches`` can name only the last; ``pairs`` holds all.

    Raises:
        UserError: if the result has no matches yet, or the file cannot be written.
    """
    table = table_of(result)
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    assert result.pair is not None
    arrays = superglue_arrays(len(result.left.keypoints), result.matches)
    arrays |= {"keypoints0": result.left.keypoints.xy, "keypoints1": result.right.keypoints.xy}
    arrays |= {"image_size0": np.array(result.pair.left.size), "image_size1": np.array(result.pair.right.size)}
    found = result.matches
    arrays |= {"pairs": found.pairs, "distance": found.distance, "second": found.second, "confidence": found.confidence}
    arrays |= {"inlier": table.inlier, "verdict": table.verdict}
    if table.origin is not None:
        arrays["about"] = np.array(json.dumps(table.origin.to_json(), ensure_ascii=False))
    write_arrays(path, arrays)


def superglue_arrays(left_count: int, matches: Matches) -> dict[str, Array]:
    """Return ``matches`` and ``match_confidence`` over all left keypoints, as SuperGlue writes them."""
    index = np.full(left_count, -1, np.int64)
    confidence = np.zeros(left_count, np.float32)
    index[matches.pairs[:, 0]] = matches.pairs[:, 1]
    confidence[matches.pairs[:, 0]] = matches.confidence
    return {"matches": index, "match_confidence": confidence}


def read_matches_npz(path: str | Path) -> MatchArchive:
    """Return the keypoints and matches of an npz file of ours or of SuperGlue.

    Raises:
        UserError: one sentence if the file cannot be read, is damaged, or an index points nowhere.
    """
    arrays = read_arrays(path, REQUIRED)
    left, right = points_of(path, arrays, "keypoints0"), points_of(path, arrays, "keypoints1")
    pairs = _pairs(path, arrays, (len(left), len(right)))
    n = len(pairs)
    distance, second = (column_of(path, arrays, name, n, default=np.nan) for name in ("distance", "second"))
    return MatchArchive(
        left,
        right,
        Matches(pairs, distance, second, _confidence(path, arrays, pairs, len(left))),
        inlier=_flags(path, arrays, "inlier", n, 1),
        verdict=_flags(path, arrays, "verdict", n, len(VERDICTS) - 1),
        sizes=_sizes(path, arrays),
        origin=origin_from_json(json_of(arrays, "about")),
    )


def _pairs(path: str | Path, arrays: dict[str, Array], counts: tuple[int, int]) -> Array:
    """Return (M, 2) int32 from ``pairs`` or, in a file of SuperGlue, from ``matches``."""
    partner = shaped(path, arrays, "matches", (counts[0],))
    if partner.dtype.kind not in "iu":
        raise UserError(f"{path}: matches must be whole numbers, found {partner.dtype}.")
    if "pairs" in arrays:
        pairs = shaped(path, arrays, "pairs", (None, 2))
    else:
        left = np.flatnonzero(partner >= 0)
        pairs = np.stack([left, partner[left]], axis=1)
    if pairs.dtype.kind not in "iu" or (len(pairs) and ((pairs < 0).any() or (pairs >= counts).any())):
        raise UserError(
            f"{path}: a match points to a keypoint that is not there ({counts[0]} left, {counts[1]} right)."
        )
    return pairs.astype(np.int32)


def _confidence(path: str | Path, arrays: dict[str, Array], pairs: Array, left_count: int) -> Array:
    if "confidence" in arrays or "match_confidence" not in arrays:
        return column_of(path, arrays, "confidence", len(pairs), default=np.nan)
    return column_of(path, arrays, "match_confidence", left_count, default=np.nan)[pairs[:, 0]]


def _flags(path: str | Path, arrays: dict[str, Array], name: str, n: int, highest: int) -> npt.NDArray[np.int8]:
    if name not in arrays:
        return np.full(n, UNKNOWN, np.int8)
    values = shaped(path, arrays, name, (n,))
    if values.dtype.kind not in "biu" or (n and (values.min() < UNKNOWN or values.max() > highest)):
        raise UserError(f"{path}: {name} holds values other than {UNKNOWN} to {highest}.")
    return values.astype(np.int8)


def _sizes(path: str | Path, arrays: dict[str, Array]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    if "image_size0" not in arrays or "image_size1" not in arrays:
        return None
    sizes = [shaped(path, arrays, name, (2,)) for name in ("image_size0", "image_size1")]
    if any(size.dtype.kind not in "iu" or size.min() < 1 for size in sizes):
        raise UserError(f"{path}: an image size is not two positive whole numbers.")
    left, right = ((int(size[0]), int(size[1])) for size in sizes)
    return left, right
