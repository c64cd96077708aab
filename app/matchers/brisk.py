"""BRISK: corners over scales with ring-wise binary tests (with opencv-contrib-python only)."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision import contrib
from app.vision.contrib import BriskDetect
from app.vision.describe import NoDescribe
from app.vision.match import MatchSettings, match_features


def detect(image: WorkingImage, settings: BriskDetect) -> Keypoints:
    """Return AGAST corners over scales."""
    return contrib.detect(contrib.brisk(image.grey, settings), image.grey, count=settings.count)


def describe(image: WorkingImage, keypoints: Keypoints, _: NoDescribe) -> Features:
    """Return the descriptors, bits compared by the Hamming distance."""
    engine = contrib.brisk(image.grey, BriskDetect())
    return contrib.describe(engine, image.grey, keypoints, length=64, metric="hamming", bits=True)


def extract(image: WorkingImage, settings: BriskDetect, _: NoDescribe) -> Features:
    """Return keypoints and descriptors in one pass."""
    return contrib.extract_bits(contrib.brisk(image.grey, settings), image.grey, count=settings.count, length=64)


MATCHER = MatcherSpec(
    key="brisk",
    title="BRISK",
    teaches=(
        "Corners found over scales, described by brightness comparisons on rings around them. "
        "512 bits, oriented by the long comparisons and told apart by the short ones."
    ),
    source="Leutenegger, Chli and Siegwart, BRISK: binary robust invariant scalable keypoints, ICCV 2011",
    detect_settings=BriskDetect,
    describe_settings=NoDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    extract=extract,
    ready=contrib.ready,
)
