"""SIFT (explained): the readable implementation, which keeps the history of every candidate."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision.match import MatchSettings, match_features
from app.vision.sift_matching import (
    ExplainedDescribe,
    ExplainedDetect,
    describe_explained,
    detect_explained,
    extract_explained,
)


def detect(image: WorkingImage, settings: ExplainedDetect) -> Keypoints:
    """Return oriented extrema of the difference of Gaussians."""
    return detect_explained(image.grey, settings)


def describe(image: WorkingImage, keypoints: Keypoints, settings: ExplainedDescribe) -> Features:
    """Return the 4 x 4 x 8 gradient histogram of every keypoint."""
    return describe_explained(image.grey, keypoints, settings)


def extract(image: WorkingImage, detection: ExplainedDetect, description: ExplainedDescribe) -> Features | None:
    """Return keypoints and descriptors from one scale space; None for upright ones, of which a place has but one."""
    return None if description.upright else extract_explained(image.grey, detection, description)


MATCHER = MatcherSpec(
    key="sift-explained",
    title="SIFT (explained)",
    teaches=(
        "Finds the same points as SIFT, by an implementation made to be read and watched: "
        "the SIFT workspace shows every candidate and the stage at which it was rejected."
    ),
    source="Lowe, Distinctive image features from scale-invariant keypoints, IJCV 60(2), 2004",
    detect_settings=ExplainedDetect,
    describe_settings=ExplainedDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    extract=extract,
    why=("detector", "keypoint", "rank", "distance", "ratio", "mutual", "verify"),
)
