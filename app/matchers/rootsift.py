"""RootSIFT: SIFT compared by the Hellinger distance."""

from __future__ import annotations

from dataclasses import replace

from app.matchers import sift
from app.records import Features, Keypoints, WorkingImage
from app.vision.describe import SiftDescribe, to_root
from app.vision.detect import SiftDetect


def describe(image: WorkingImage, keypoints: Keypoints, settings: SiftDescribe) -> Features:
    """Return the square roots of the L1-normalised SIFT histograms."""
    return to_root(sift.describe(image, keypoints, settings))


def extract(image: WorkingImage, detection: SiftDetect, description: SiftDescribe) -> Features | None:
    """Return keypoints and descriptors from one scale space; None where SIFT does."""
    features = sift.extract(image, detection, description)
    return None if features is None else to_root(features)


MATCHER = replace(
    sift.MATCHER,
    key="rootsift",
    title="RootSIFT",
    teaches=(
        "SIFT with one line changed: histograms are compared by the Hellinger distance, "
        "which lets small bins count and large ones dominate less."
    ),
    source="Arandjelović and Zisserman, Three things everyone should know to improve object retrieval, CVPR 2012",
    describe=describe,
    extract=extract,
)
