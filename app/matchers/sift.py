"""SIFT: scale-invariant keypoints and gradient histograms."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision.describe import SiftDescribe, describe_sift, extract_sift
from app.vision.detect import SiftDetect, detect_sift
from app.vision.match import MatchSettings, match_features


def detect(image: WorkingImage, settings: SiftDetect) -> Keypoints:
    """Return oriented extrema of the difference of Gaussians."""
    return detect_sift(image.grey, settings)


def describe(image: WorkingImage, keypoints: Keypoints, settings: SiftDescribe) -> Features:
    """Return the 4 x 4 x 8 gradient histogram of every keypoint."""
    return describe_sift(image.grey, keypoints, upright=settings.upright)


def extract(image: WorkingImage, detection: SiftDetect, description: SiftDescribe) -> Features | None:
    """Return keypoints and descriptors from one scale space; None for upright ones, of which a place has but one."""
    return None if description.upright else extract_sift(image.grey, detection)


MATCHER = MatcherSpec(
    key="sift",
    title="SIFT",
    teaches=(
        "Finds blobs at their own scale and orientation and describes the gradients around them, "
        "so that a match survives zoom, rotation and moderate changes of light."
    ),
    source="Lowe, Distinctive image features from scale-invariant keypoints, IJCV 60(2), 2004",
    detect_settings=SiftDetect,
    describe_settings=SiftDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    extract=extract,
    why=("detector", "keypoint", "rank", "distance", "ratio", "mutual", "verify"),
)
