"""Keypoint detectors: where to look, and how OpenCV's keypoints become ours and back.

What lives here: SIFT's detector and ORB's, a settings class and a function each, working in pixels of the
working image. What does not: detectors that only say where (``corners``), descriptors (``describe``) and window cutting
(``patches``).
May import: records, settings, numpy and cv2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Float32, Int32, Keypoints, UInt8
from app.settings import Settings, number

# A keypoint per pixel of a large image would exhaust memory long before it helped anybody.
MOST_KEYPOINTS = 200_000

COUNT_HELP = (
    "How many keypoints to keep, strongest response first; 0 keeps all. "
    "More points find more matches but each has more rivals, and matching time grows with the product."
)
SIDE_HELP = (
    "Larger images are reduced so that their longer side has this many pixels before detection; 0 works at full size. "
    "Coordinates are always reported in the original image."
)


@dataclass(frozen=True)
class DetectSettings(Settings):
    """What every detector has: how many keypoints, and the size it works at."""

    count: int = number(2000, 0, MOST_KEYPOINTS, 100, label="Keypoints", help=COUNT_HELP, zero_means="all")
    max_side: int = number(
        1600, 0, 20_000, 100, label="Working size", help=SIDE_HELP, unit="px", zero_means="full size", log_scale=True
    )


CONTRAST = number(
    0.04,
    0.0,
    0.5,
    0.005,
    label="Contrast threshold",
    help=(
        "Extrema of the difference of Gaussians weaker than this are dropped as noise. "
        "OpenCV divides it by its 3 layers per octave, so 0.09 is the 0.03 of Lowe's paper."
    ),
)
EDGE = number(
    10.0,
    1.0,
    100.0,
    0.5,
    label="Edge threshold",
    help=(
        "Largest ratio r of the two principal curvatures: points on straight edges slide along them and are dropped "
        "where trace²/det reaches (r+1)²/r. A larger r keeps more."
    ),
)
# Fixed, because the descriptor must look at the very scale space of the detector and sees only the keypoints.
SIFT_LAYERS = 3  # Lowe 2004: the most repeatable
SIFT_SIGMA = 1.6
ORB_FACTOR = 1.2


@dataclass(frozen=True)
class SiftDetect(DetectSettings):
    """Difference-of-Gaussians extrema as in SIFT."""

    contrast: float = CONTRAST
    edge: float = EDGE


@dataclass(frozen=True)
class OrbDetect(DetectSettings):
    """FAST corners on a pyramid, ranked by Harris response, with an orientation."""

    levels: int = number(
        8,
        1,
        20,
        1,
        label="Levels",
        help="Number of pyramid levels. With factor 1.2, eight levels span a scale change of about 3.6.",
    )
    fast_threshold: int = number(
        20,
        1,
        200,
        1,
        label="FAST threshold",
        unit="grey",
        help=(
            "A corner needs an arc of the circle around it brighter or darker than its centre by this much. "
            "Lower it for flat or dark pictures."
        ),
    )


# ------------------------------------------------------------------- OpenCV <-> Keypoints


def unpack_octave(packed: Int32) -> tuple[Int32, Int32, Float32]:
    """Return (octave, layer, sublayer) from the octave field of OpenCV's SIFT keypoints.

    Bits 0-7 hold the signed octave (-1 = the doubled image), bits 8-15 the layer, bits 16-23
    ``round((sublayer + 0.5) * 255)`` with the sublayer in [-0.5, 0.5]. ``size`` equals
    ``2 sigma 2**(octave + (layer + sublayer) / layers)``.
    """
    raw = np.asarray(packed, np.int32)
    octave = raw & 255
    octave = np.where(octave < 128, octave, octave - 256).astype(np.int32)
    layer = ((raw >> 8) & 255).astype(np.int32)
    sublayer = (((raw >> 16) & 255) / 255.0 - 0.5).astype(np.float32)
    return octave, layer, sublayer


def from_cv(found: Sequence[cv2.KeyPoint], *, sift_octaves: bool = False) -> Keypoints:
    """Return OpenCV keypoints as a record; an empty sequence gives zero keypoints.

    Args:
        found: what ``detect`` returned, in pixels of the image it ran on.
        sift_octaves: whether the octave field is SIFT's packed one (else it is a pyramid level).
    """
    n = len(found)
    if n == 0:
        return Keypoints.empty()
    rows = np.array([(k.size, k.angle, k.response) for k in found], np.float32)
    packed = np.fromiter((k.octave for k in found), np.int32, n)
    if sift_octaves:
        octave, layer, sublayer = unpack_octave(packed)
    else:
        octave, layer, sublayer = packed, np.zeros(n, np.int32), np.full(n, np.nan, np.float32)
    angle = rows[:, 1]
    return Keypoints(
        xy=np.asarray(cv2.KeyPoint.convert(found), np.float32).reshape(n, 2),
        size=rows[:, 0],
        angle=np.where(angle < 0, np.float32(np.nan), angle),
        response=rows[:, 2],
        octave=octave,
        layer=layer,
        sublayer=sublayer,
        packed=packed,
    )


def to_cv(keypoints: Keypoints) -> list[cv2.KeyPoint]:
    """Return the record as OpenCV keypoints; ``class_id`` is the row, so that drops can be followed."""
    angle = np.where(np.isnan(keypoints.angle), -1.0, keypoints.angle)
    xy, size, response = keypoints.xy.tolist(), keypoints.size.tolist(), keypoints.response.tolist()
    rows = zip(xy, size, angle.tolist(), response, keypoints.packed.tolist(), strict=True)
    return [cv2.KeyPoint(x, y, s, a, r, packed, row) for row, ((x, y), s, a, r, packed) in enumerate(rows)]


def strongest(response: Float32, count: int) -> Int32:
    """Return the rows of the ``count`` largest responses in their original order; 0 means all.

    Ties are resolved towards the lower row, so the result depends on nothing else.
    """
    n = len(response)
    if count == 0 or count >= n:
        return np.arange(n, dtype=np.int32)
    order = np.argsort(-response.astype(np.float64), kind="stable")[:count]
    return np.sort(order).astype(np.int32)


# ------------------------------------------------------------------------------ detectors


def sift_engine(settings: SiftDetect, *, keep: int | None = None) -> cv2.SIFT:
    """Return OpenCV's SIFT for these settings.

    ``enable_precise_upscale`` is always on: without it every keypoint is displaced by +0.25 px.

    Args:
        keep: how many features OpenCV keeps; by default ``settings.count`` (ties may exceed it).
    """
    return cv2.SIFT.create(
        nfeatures=settings.count if keep is None else keep,
        nOctaveLayers=SIFT_LAYERS,
        contrastThreshold=settings.contrast,
        edgeThreshold=settings.edge,
        sigma=SIFT_SIGMA,
        enable_precise_upscale=True,
    )


def detect_sift(grey: UInt8, settings: SiftDetect) -> Keypoints:
    """Return SIFT keypoints (DoG extrema with orientations) of an (h, w) uint8 image.

    Source: Lowe, IJCV 60(2), 2004; OpenCV's implementation.
    """
    keypoints = from_cv(sift_engine(settings).detect(grey, None), sift_octaves=True)
    return keypoints.take(strongest(keypoints.response, settings.count))


def orb_engine(grey: UInt8, settings: OrbDetect) -> cv2.ORB | None:
    """Return OpenCV's ORB for this image, or None if it is too small for even one pyramid level."""
    side = min(grey.shape)
    if side < 2:
        return None
    # OpenCV asserts when a level rounds to zero pixels.
    deepest = 1 + int(np.log(side) / np.log(ORB_FACTOR))
    return cv2.ORB.create(
        nfeatures=settings.count or MOST_KEYPOINTS,
        scaleFactor=ORB_FACTOR,
        nlevels=max(1, min(settings.levels, deepest)),
        fastThreshold=settings.fast_threshold,
    )


def detect_orb(grey: UInt8, settings: OrbDetect) -> Keypoints:
    """Return oriented FAST corners of an (h, w) uint8 image; none for an image under 2 px wide or high.

    Source: Rublee et al., ORB, ICCV 2011; OpenCV's implementation.
    """
    engine = orb_engine(grey, settings)
    if engine is None:
        return Keypoints.empty()
    keypoints = from_cv(engine.detect(grey, None))
    return keypoints.take(strongest(keypoints.response, settings.count))
