"""Detectors and descriptors that only opencv-contrib-python has, behind one cheap check.

What lives here: whether the package is there, and settings and engines built on ``cv2.xfeatures2d``.
What does not: matcher descriptions. May import: records, settings, detect, describe, numpy and cv2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from app.records import DescriptorMetric, Descriptors, Features, Keypoints, Matches, UInt8
from app.settings import Settings, choice, flag, number
from app.vision.describe import nothing
from app.vision.detect import COUNT_HELP, MOST_KEYPOINTS, DetectSettings, OrbDetect, from_cv, strongest, to_cv
from app.vision.match import MatchSettings, match_features

MISSING = (
    "it needs opencv-contrib-python, which replaces opencv-python (both may never be installed together): "
    'pip uninstall -y opencv-python, then pip install "opencv-contrib-python>=5,<6", and start again.'
)


def ready() -> str:
    """Return the reason why contrib matchers cannot run here and how to mend it, or ``""``."""
    return "" if hasattr(cv2, "xfeatures2d") else MISSING


def module() -> Any:
    """Return ``cv2.xfeatures2d``; typed ``Any`` because the stubs of the usual package lack it."""
    return getattr(cv2, "xfeatures2d")  # noqa: B009 -- plain access would not type-check


@dataclass(frozen=True)
class AkazeDetect(DetectSettings):
    """Extrema in a non-linear scale space."""

    threshold: float = number(
        0.001,
        0.00001,
        0.1,
        0.0005,
        label="Threshold",
        log_scale=True,
        help=(
            "Least determinant of the Hessian of a keypoint in the non-linear scale space. "
            "Lower it for blurred or flat pictures."
        ),
    )


@dataclass(frozen=True)
class BriskDetect(DetectSettings):
    """AGAST corners on a pyramid."""

    threshold: int = number(
        30,
        1,
        200,
        1,
        label="AGAST threshold",
        unit="grey",
        help="A corner's circle must differ from its centre by this much. Lower it for flat or dark pictures.",
    )
    octaves: int = number(
        3,
        0,
        8,
        1,
        label="Octaves",
        help="How often the image is halved in search of larger corners. 0 looks at one scale only.",
    )


@dataclass(frozen=True)
class TeblidDescribe(Settings):
    """Length of the learned binary descriptor."""

    bits: str = choice(
        "512",
        {"256": "256 bits", "512": "512 bits"},
        label="Length",
        help="How many of the learned tests are kept. 512 are a little more distinctive and take twice the time.",
    )


@dataclass(frozen=True)
class DaisyDescribe(Settings):
    """Shape of the daisy."""

    radius: float = number(
        15.0,
        3.0,
        60.0,
        1.0,
        label="Radius",
        unit="px",
        help=(
            "How far the outer ring of gradient histograms lies from the keypoint. "
            "The size is fixed, so a change of zoom defeats it."
        ),
    )
    oriented: bool = flag(
        False,
        label="Follow orientation",
        help=(
            "Turn the daisy with the keypoint's own orientation. "
            "Upright it is more distinctive as long as neither picture is rotated."
        ),
    )


@dataclass(frozen=True)
class GmsDetect(OrbDetect):
    """Many ORB corners: the statistics need a crowd."""

    count: int = number(8000, 0, MOST_KEYPOINTS, 500, label="Keypoints", help=COUNT_HELP, zero_means="all")


@dataclass(frozen=True)
class GmsMatch(Settings):
    """Which neighbourhoods count as supporting each other."""

    rotation: bool = flag(
        False,
        label="Rotation",
        help="Also try eight turned neighbourhoods. Needed when one picture is rotated; it takes eight times as long.",
    )
    scale: bool = flag(
        False,
        label="Scale",
        help="Also try five sizes of the right grid. Needed when the zoom differs by more than about a half.",
    )
    factor: float = number(
        6.0,
        0.0,
        20.0,
        0.5,
        label="Threshold factor",
        help=(
            "A cell is believed if its matches exceed this factor times the root of the mean number per cell. "
            "Higher keeps fewer and surer matches."
        ),
    )


# Below this OpenCV 5's AKAZE and BRISK fail on levels of no pixels.
SMALLEST_SIDE = 16


def too_small(grey: UInt8) -> bool:
    """Return whether an image is too small for a pyramid of these detectors; it has no keypoints then."""
    return bool(min(grey.shape) < SMALLEST_SIDE)


def akaze(settings: AkazeDetect) -> Any:
    """Return AKAZE with its own binary descriptor (MLDB, 486 bits in 61 bytes)."""
    return module().AKAZE_create(threshold=settings.threshold)


def kaze(settings: AkazeDetect) -> Any:
    """Return KAZE with 64 float values per descriptor."""
    return module().KAZE_create(threshold=settings.threshold)


def brisk(grey: UInt8, settings: BriskDetect) -> Any:
    """Return BRISK with 512 bits per descriptor and no more octaves than the image has."""
    most = max(0, int(np.log2(min(grey.shape))) - 3)
    return module().BRISK_create(thresh=settings.threshold, octaves=min(settings.octaves, most))


def detect(engine: Any, grey: UInt8, *, count: int) -> Keypoints:
    """Return the strongest ``count`` (0 = all) keypoints; ``layer`` keeps the engine's class id.

    KAZE and AKAZE call the level of their scale space by it, and need it again to describe.
    """
    if too_small(grey):
        return Keypoints.empty()
    found = engine.detect(grey, None)
    keypoints = from_cv(found)
    keypoints = replace(keypoints, layer=np.array([k.class_id for k in found], np.int32))
    return keypoints.take(strongest(keypoints.response, count))


def describe(
    engine: Any, grey: UInt8, keypoints: Keypoints, *, length: int, metric: DescriptorMetric, bits: bool
) -> Features:
    """Return descriptors of keypoints from :func:`detect`, with the orientation the engine gave them.

    Args:
        length, metric, bits: as for :func:`app.vision.describe.describe_with`.
    """
    dtype: type[Any] = np.uint8 if bits else np.float32
    if not len(keypoints) or too_small(grey):
        return nothing(length, metric, dtype)
    found = to_cv(keypoints)
    for keypoint, level in zip(found, keypoints.layer.tolist(), strict=True):
        keypoint.class_id = level
    kept, values = engine.compute(grey, found)
    if values is None or not len(kept):
        return nothing(length, metric, dtype)
    described = replace(from_cv(kept), layer=np.array([k.class_id for k in kept], np.int32))
    return Features(described, Descriptors(np.asarray(values, dtype), metric))


def teblid(settings: TeblidDescribe) -> Any:
    """Return TEBLID, scaled for ORB keypoints."""
    size = module().TEBLID_SIZE_512_BITS if settings.bits == "512" else module().TEBLID_SIZE_256_BITS
    return module().TEBLID_create(1.0, size)


def daisy(settings: DaisyDescribe) -> Any:
    """Return DAISY with 200 float values per descriptor."""
    return module().DAISY_create(radius=settings.radius, use_orientation=settings.oriented)


def extract_bits(engine: Any, grey: UInt8, *, count: int, length: int) -> Features:
    """Return what :func:`detect` and :func:`describe` give together for binary descriptors, in one pass.

    Not for KAZE: OpenCV takes its derivatives differently when keypoints are given, so that one pass and
    two would disagree.
    """
    found, values = ((), None) if too_small(grey) else engine.detectAndCompute(grey, None)
    if values is None or not len(found):
        return nothing(length, "hamming", np.uint8)
    keypoints = replace(from_cv(found), layer=np.array([k.class_id for k in found], np.int32))
    rows = strongest(keypoints.response, count)
    return Features(keypoints.take(rows), Descriptors(np.asarray(values, np.uint8)[rows], "hamming"))


def _extent(keypoints: Keypoints) -> tuple[int, int]:
    """Return the (width, height) that holds all keypoints: GMS only needs the area its grid divides."""
    right, bottom = np.ceil(keypoints.xy.max(axis=0)).astype(int) + 1
    return int(right), int(bottom)


def match_gms(left: Features, right: Features, settings: GmsMatch) -> Matches:
    """Return the nearest neighbours whose surroundings move with them.

    Source: Bian et al., CVPR 2017. ``second`` is the plain second distance, for the table only.
    """
    plain = match_features(left, right, MatchSettings(ratio=0.0, mutual=False))
    if not len(plain):
        return Matches.empty((*plain.funnel, ("in motion", 0)))
    rows = [cv2.DMatch(i, j, 0.0) for i, j in plain.pairs.tolist()]
    kept = module().matchGMS(
        _extent(left.keypoints),
        _extent(right.keypoints),
        to_cv(left.keypoints),
        to_cv(right.keypoints),
        rows,
        withRotation=settings.rotation,
        withScale=settings.scale,
        thresholdFactor=settings.factor,
    )
    # Every left keypoint has one nearest neighbour, so its index is the row.
    matches = plain.take(np.sort(np.array([m.queryIdx for m in kept], np.intp)))
    return replace(matches, funnel=(*plain.funnel, ("in motion", len(matches))))
