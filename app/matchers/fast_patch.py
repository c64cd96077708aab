"""FAST corners with standardised windows: the cheapest usable matcher."""

from __future__ import annotations

from dataclasses import replace

from app.matchers import patch_zncc
from app.records import Keypoints, WorkingImage
from app.vision.corners import FastDetect, detect_fast


def detect(image: WorkingImage, settings: FastDetect) -> Keypoints:
    """Return FAST-9-16 corners."""
    return detect_fast(image.grey, threshold=settings.fast_threshold, count=settings.count)


MATCHER = replace(
    patch_zncc.MATCHER,
    key="fast-patch",
    title="FAST + patch",
    teaches=(
        "Corners found by comparing each pixel with a circle of 16 around it, then windows compared by ZNCC. "
        "Fast enough for video, where pictures turn and scale little."
    ),
    source="Rosten and Drummond, Machine learning for high-speed corner detection, ECCV 2006",
    detect_settings=FastDetect,
    detect=detect,
)
