"""Shi-Tomasi corners with standardised windows."""

from __future__ import annotations

from dataclasses import replace

from app.matchers import patch_zncc
from app.records import Keypoints, WorkingImage
from app.vision.corners import CornerDetect, detect_corners


def detect(image: WorkingImage, settings: CornerDetect) -> Keypoints:
    """Return Shi-Tomasi corners, strongest first."""
    return detect_corners(image.grey, quality=settings.quality, distance=settings.distance, count=settings.count)


MATCHER = replace(
    patch_zncc.MATCHER,
    key="gftt-patch",
    title="GFTT + patch",
    teaches=(
        "Corners whose window changes in every direction it is moved, compared by ZNCC. "
        "These are the features to track: well localised, but tied to one scale."
    ),
    source="Shi and Tomasi, Good features to track, CVPR 1994",
    detect_settings=CornerDetect,
    detect=detect,
)
