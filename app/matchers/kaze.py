"""KAZE: blobs of a non-linear scale space with gradient descriptors (with opencv-contrib-python only)."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision import contrib
from app.vision.contrib import AkazeDetect
from app.vision.describe import NoDescribe
from app.vision.match import MatchSettings, match_features


def detect(image: WorkingImage, settings: AkazeDetect) -> Keypoints:
    """Return extrema of the Hessian determinant in a non-linear scale space."""
    return contrib.detect(contrib.kaze(settings), image.grey, count=settings.count)


def describe(image: WorkingImage, keypoints: Keypoints, _: NoDescribe) -> Features:
    """Return the descriptors, float values compared by the Euclidean distance."""
    engine = contrib.kaze(AkazeDetect())
    return contrib.describe(engine, image.grey, keypoints, length=64, metric="l2", bits=False)


MATCHER = MatcherSpec(
    key="kaze",
    title="KAZE",
    teaches=(
        "The same edge-preserving scale space as AKAZE, solved more exactly, with 64 gradient values per point. "
        "Slow, and often the most repeatable of the classical detectors."
    ),
    source="Alcantarilla, Bartoli and Davison, KAZE features, ECCV 2012",
    detect_settings=AkazeDetect,
    describe_settings=NoDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    ready=contrib.ready,
)
