"""Plain windows compared by the sum of squared differences."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision.corners import SimpleDetect, detect_simple
from app.vision.match import MatchSettings, match_features
from app.vision.patches import PatchDescribe, describe_windows


def detect(image: WorkingImage, settings: SimpleDetect) -> Keypoints:
    """Return corners, blobs or grid points, as chosen."""
    return detect_simple(image.grey, settings)


def describe(image: WorkingImage, keypoints: Keypoints, settings: PatchDescribe) -> Features:
    """Return the grey levels of the window around every keypoint."""
    return describe_windows(image.grey, keypoints, settings, measure="ssd")


MATCHER = MatcherSpec(
    key="patch-ssd",
    title="Patch · SSD",
    teaches=(
        "Compares plain windows by the sum of squared grey-level differences; the distance shown is its square root. "
        "Any change of brightness, rotation or scale moves it."
    ),
    source="Szeliski, Computer Vision: Algorithms and Applications, 2nd edition, 2022, section 9.1",
    detect_settings=SimpleDetect,
    describe_settings=PatchDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
)
