"""Plain windows compared by zero-mean normalised cross-correlation."""

from __future__ import annotations

from dataclasses import replace

from app.matchers import patch_ssd
from app.records import Features, Keypoints, WorkingImage
from app.vision.patches import PatchDescribe, describe_windows


def describe(image: WorkingImage, keypoints: Keypoints, settings: PatchDescribe) -> Features:
    """Return the window around every keypoint with zero mean and unit length."""
    return describe_windows(image.grey, keypoints, settings, measure="zncc")


MATCHER = replace(
    patch_ssd.MATCHER,
    key="patch-zncc",
    title="Patch · ZNCC",
    teaches=(
        "Compares windows after removing their mean and contrast, so gain and offset of the light no longer matter. "
        "The distance shown is √(2(1 − ZNCC)), from 0 to 2."
    ),
    source="Lewis, Fast normalized cross-correlation, Vision Interface 1995 (the mean-free form)",
    describe=describe,
)
