"""ORB: oriented FAST corners and rotated binary tests."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision.describe import NoDescribe, describe_orb, extract_orb
from app.vision.detect import OrbDetect, detect_orb
from app.vision.match import MatchSettings, match_features


def detect(image: WorkingImage, settings: OrbDetect) -> Keypoints:
    """Return oriented corners of an image pyramid."""
    return detect_orb(image.grey, settings)


def describe(image: WorkingImage, keypoints: Keypoints, _: NoDescribe) -> Features:
    """Return 256 brightness comparisons per keypoint, as bits."""
    return describe_orb(image.grey, keypoints)


def extract(image: WorkingImage, settings: OrbDetect, _: NoDescribe) -> Features:
    """Return keypoints and descriptors from one pyramid."""
    return extract_orb(image.grey, settings)


MATCHER = MatcherSpec(
    key="orb",
    title="ORB",
    teaches=(
        "Corners with an orientation, described by 256 brightness comparisons and matched by counting differing bits. "
        "Many times faster than SIFT, less distinctive and with coarser scales."
    ),
    source="Rublee, Rabaud, Konolige and Bradski, ORB: an efficient alternative to SIFT or SURF, ICCV 2011",
    detect_settings=OrbDetect,
    describe_settings=NoDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    extract=extract,
)
