"""TEBLID: learned binary tests on ORB's corners (with opencv-contrib-python only)."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.matchers.orb import detect
from app.records import Features, Keypoints, WorkingImage
from app.vision import contrib
from app.vision.contrib import TeblidDescribe
from app.vision.describe import describe_with
from app.vision.detect import OrbDetect
from app.vision.match import MatchSettings, match_features


def describe(image: WorkingImage, keypoints: Keypoints, settings: TeblidDescribe) -> Features:
    """Return box-difference tests chosen by boosting with a triplet loss, as bits."""
    length = int(settings.bits) // 8
    engine = contrib.teblid(settings)
    return describe_with(engine, image.grey, keypoints, length=length, metric="hamming", bits=True)


MATCHER = MatcherSpec(
    key="teblid",
    title="TEBLID",
    teaches=(
        "ORB's corners with binary tests that were learned from triplets of patches instead of drawn by hand. "
        "The same cost at match time, clearly fewer mistakes."
    ),
    source="Suárez, Buenaposada and Baumela, Revisiting binary local image description, IEEE RA-L 6(4), 2021",
    detect_settings=OrbDetect,
    describe_settings=TeblidDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    ready=contrib.ready,
)
