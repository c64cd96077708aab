"""Descriptors of keypoints: SIFT, RootSIFT, ORB and any OpenCV extractor, as typed records.

What lives here: settings and functions that turn (image, keypoints) into :class:`Features`, and fused
detect-and-describe calls that give exactly the same in one pass. What does not: plain windows
(``patches``). May import: records, settings, detect, numpy and cv2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from app.records import Array, DescriptorMetric, Descriptors, Features, Float32, Keypoints, UInt8
from app.settings import Settings, flag
from app.vision.detect import SIFT_SIGMA, OrbDetect, SiftDetect, from_cv, orb_engine, sift_engine, strongest, to_cv

if TYPE_CHECKING:
    import numpy.typing as npt

SIFT_LENGTH = 128
ORB_BYTES = 32


@dataclass(frozen=True)
class SiftDescribe(Settings):
    """How gradient histograms are taken."""

    upright: bool = flag(
        False,
        label="Upright",
        help=(
            "Ignore the orientation and describe every keypoint as if the picture stood upright. "
            "More distinctive when neither picture is rotated, useless when one is. "
            "A place with several orientations is then one point, so fewer remain than the detector keeps."
        ),
    )


@dataclass(frozen=True)
class NoDescribe(Settings):
    """A descriptor without knobs."""


def nothing(length: int, metric: DescriptorMetric = "l2", dtype: npt.DTypeLike = "float32") -> Features:
    """Return zero features whose descriptors would have ``length`` columns."""
    return Features(Keypoints.empty(), Descriptors(np.zeros((0, length), dtype), metric))


def root(values: Float32) -> Float32:
    """Return RootSIFT: rows divided by their sum, then square roots; zero rows stay zero.

    The Euclidean distance of the results is the Hellinger distance of the histograms.
    Source: Arandjelovic and Zisserman, CVPR 2012.
    """
    total = values.sum(axis=1, keepdims=True)
    result: Float32 = np.sqrt(values / np.where(total > 0, total, 1)).astype(np.float32)
    return result


def one_per_place(keypoints: Keypoints) -> Array:
    """Return the rows of the first keypoint of every place, size and level, rising.

    Those of its other orientations would have the same upright descriptor, and as nothing is nearer than a twin, the
    ratio test would reject them all.
    """
    same = np.column_stack([keypoints.xy, keypoints.size, keypoints.packed])
    rows: Array = np.sort(np.unique(same, axis=0, return_index=True)[1])
    return rows


def _upright(found: list[cv2.KeyPoint]) -> list[cv2.KeyPoint]:
    for keypoint in found:
        keypoint.angle = 0.0
    return found


def describe_sift(grey: UInt8, keypoints: Keypoints, *, upright: bool = False) -> Features:
    """Return SIFT descriptors, (N, 128) float32 holding integers 0...255 with norm about 512.

    Keypoints are described at exactly the level their packed octave names; none is dropped, but further orientations
    of a place that is described upright.

    Args:
        grey: (h, w) uint8.
        keypoints: as :func:`app.vision.detect.detect_sift` found them in this image.
        upright: describe at angle 0.
    """
    if not len(keypoints):
        return nothing(SIFT_LENGTH)
    if upright:
        keypoints = keypoints.take(one_per_place(keypoints))
    found = to_cv(keypoints)
    if upright:
        found = _upright(found)
    # OpenCV doubles the image only if some keypoint lies in octave -1: this one makes sure it does, as in detection.
    found.append(cv2.KeyPoint(0.0, 0.0, 2 * SIFT_SIGMA, 0.0, 0.0, 255 | (1 << 8), len(keypoints)))
    kept, values = sift_engine(SiftDetect()).compute(grey, found)
    rows = np.fromiter((k.class_id for k in kept), np.int32, len(kept))
    real = rows < len(keypoints)
    return Features(keypoints.take(rows[real]), Descriptors(values[real]))


def extract_sift(grey: UInt8, settings: SiftDetect, *, upright: bool = False) -> Features:
    """Return SIFT keypoints with their descriptors from one scale space.

    Gives what :func:`detect_sift` and :func:`describe_sift` give together in about two thirds of the time.
    """
    engine = sift_engine(settings)
    if upright:
        keypoints = from_cv(engine.detect(grey, None), sift_octaves=True)
        keypoints = keypoints.take(strongest(keypoints.response, settings.count))
        return describe_sift(grey, keypoints, upright=True)
    found, values = engine.detectAndCompute(grey, None)
    if values is None or not len(found):
        return nothing(SIFT_LENGTH)
    keypoints = from_cv(found, sift_octaves=True)
    rows = strongest(keypoints.response, settings.count)
    if len(rows) == len(keypoints):
        return Features(keypoints, Descriptors(values))
    return Features(keypoints.take(rows), Descriptors(values[rows]))


def to_root(features: Features) -> Features:
    """Return SIFT features with RootSIFT descriptors."""
    assert features.descriptors is not None
    return Features(features.keypoints, Descriptors(root(features.descriptors.values)))


def describe_with(
    engine: Any, grey: UInt8, keypoints: Keypoints, *, length: int, metric: DescriptorMetric, bits: bool = False
) -> Features:
    """Return the descriptors of any OpenCV extractor; it may drop keypoints (usually near the border).

    Args:
        engine: an OpenCV object with ``compute``.
        length: columns of an empty result.
        metric: ``"l2"`` or ``"hamming"``.
        bits: whether rows are packed bits (uint8).
    """
    dtype: type[Any] = np.uint8 if bits else np.float32
    if not len(keypoints):
        return nothing(length, metric, dtype)
    kept, values = engine.compute(grey, to_cv(keypoints))
    if values is None or not len(kept):
        return nothing(length, metric, dtype)
    rows = np.fromiter((k.class_id for k in kept), np.int32, len(kept))
    return Features(keypoints.take(rows), Descriptors(np.asarray(values, dtype), metric))


def describe_orb(grey: UInt8, keypoints: Keypoints) -> Features:
    """Return oriented binary tests, (N, 32) uint8 = 256 bits, compared by Hamming distance.

    Keypoints nearer to the border than the tests reach are dropped.
    """
    engine = orb_engine(grey, OrbDetect())
    if engine is None:
        return nothing(ORB_BYTES, "hamming", np.uint8)
    return describe_with(engine, grey, keypoints, length=ORB_BYTES, metric="hamming", bits=True)


def extract_orb(grey: UInt8, settings: OrbDetect) -> Features:
    """Return what detecting and describing ORB give together, from one pyramid."""
    engine = orb_engine(grey, settings)
    found, values = engine.detectAndCompute(grey, None) if engine is not None else ((), None)
    if values is None or not len(found):
        return nothing(ORB_BYTES, "hamming", np.uint8)
    keypoints = from_cv(found)
    rows = strongest(keypoints.response, settings.count)
    return Features(keypoints.take(rows), Descriptors(np.asarray(values, np.uint8)[rows], "hamming"))
