"""Detectors that only say where: corners and a grid, for matchers that compare plain windows.

What lives here: one settings class and one function per detector, each working in pixels of the working image. What
does not: detectors with scale and orientation (``detect``), window cutting (``patches``). May import: records,
settings, detect, numpy and cv2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from app.records import Keypoints, UInt8
from app.settings import choice, number
from app.vision.detect import MOST_KEYPOINTS, DetectSettings, SiftDetect, detect_sift, from_cv, strongest

FAST = number(
    20,
    1,
    200,
    1,
    label="FAST threshold",
    unit="grey",
    help=(
        "A FAST corner needs 9 connected pixels of a circle of 16 brighter or darker than the centre by this. "
        "Lower it for flat or dark pictures."
    ),
)
QUALITY = number(
    0.01,
    0.0005,
    0.5,
    0.005,
    label="Corner quality",
    help=(
        "Corners weaker than this fraction of the strongest are dropped (Shi–Tomasi). "
        "The measure is the smaller eigenvalue of the gradient matrix: both directions must vary."
    ),
)
SPACING = number(
    5.0,
    1.0,
    100.0,
    1.0,
    label="Spacing",
    unit="px",
    help="Least distance between two corners, and the step of the grid. It spreads the points over the picture.",
)


@dataclass(frozen=True)
class FastDetect(DetectSettings):
    """FAST corners."""

    fast_threshold: int = FAST


@dataclass(frozen=True)
class CornerDetect(DetectSettings):
    """Shi-Tomasi corners ("good features to track")."""

    quality: float = QUALITY
    distance: float = SPACING


@dataclass(frozen=True)
class SimpleDetect(DetectSettings):
    """A choice among detectors that only say where: for matchers that compare plain windows."""

    detector: str = choice(
        "gftt",
        {"gftt": "corners (Shi–Tomasi)", "fast": "FAST corners", "dog": "blobs (DoG)", "grid": "regular grid"},
        label="Detector",
        help=(
            "Where windows are taken: corners are well localised, blobs of the difference of Gaussians also know "
            "their scale, and a grid ignores the picture, so it recurs only by luck."
        ),
    )
    quality: float = QUALITY
    distance: float = SPACING
    fast_threshold: int = FAST


def detect_fast(grey: UInt8, *, threshold: int, count: int) -> Keypoints:
    """Return FAST-9-16 corners after non-maximum suppression; ``response`` is FAST's own score.

    Source: Rosten and Drummond, ECCV 2006.
    """
    keypoints = from_cv(cv2.FastFeatureDetector.create(threshold=threshold).detect(grey, None))
    return keypoints.take(strongest(keypoints.response, count))


def detect_corners(grey: UInt8, *, quality: float, distance: float, count: int) -> Keypoints:
    """Return Shi-Tomasi corners, strongest first; ``response`` is the smaller eigenvalue.

    Source: Shi and Tomasi, Good features to track, CVPR 1994.
    """
    everywhere = np.full(grey.shape, 255, np.uint8)  # the type stubs know no "no mask"
    found, response = cv2.goodFeaturesToTrackWithQuality(
        grey, maxCorners=count, qualityLevel=quality, minDistance=distance, mask=everywhere, blockSize=5
    )[:2]
    if found is None:
        return Keypoints.empty()
    keypoints = Keypoints.at(np.asarray(found).reshape(-1, 2), size=5.0)
    return replace(keypoints, response=np.asarray(response, np.float32).reshape(-1))


def detect_grid(grey: UInt8, *, step: float, count: int) -> Keypoints:
    """Return a regular grid of points ``step`` px apart, centred; coarser if ``count`` would be exceeded."""
    height, width = grey.shape
    limit = count or MOST_KEYPOINTS
    columns, rows = max(1, int(width // step)), max(1, int(height // step))
    while columns * rows > limit:
        step *= max(1.02, float(np.sqrt(columns * rows / limit)))
        columns, rows = max(1, int(width // step)), max(1, int(height // step))
        if step > max(height, width):
            break
    x = (np.arange(columns) - (columns - 1) / 2) * step + (width - 1) / 2
    y = (np.arange(rows) - (rows - 1) / 2) * step + (height - 1) / 2
    return Keypoints.at(np.stack(np.meshgrid(np.floor(x), np.floor(y)), axis=-1).reshape(-1, 2), size=float(step))


def detect_simple(grey: UInt8, settings: SimpleDetect) -> Keypoints:
    """Return keypoints by the detector the settings choose (gftt, fast, dog or grid)."""
    if settings.detector == "fast":
        return detect_fast(grey, threshold=settings.fast_threshold, count=settings.count)
    if settings.detector == "gftt":
        return detect_corners(grey, quality=settings.quality, distance=settings.distance, count=settings.count)
    if settings.detector == "grid":
        return detect_grid(grey, step=settings.distance, count=settings.count)
    return detect_sift(grey, SiftDetect(count=settings.count))
