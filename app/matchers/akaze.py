"""AKAZE: blobs of a non-linear scale space with binary descriptors (with opencv-contrib-python only)."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision import contrib
from app.vision.contrib import AkazeDetect
from app.vision.describe import NoDescribe
from app.vision.match import MatchSettings, match_features


def detect(image: WorkingImage, settings: AkazeDetect) -> Keypoints:
    """Return extrema of the Hessian determinant in a non-linear scale space."""
    return contrib.detect(contrib.akaze(settings), image.grey, count=settings.count)


def describe(image: WorkingImage, keypoints: Keypoints, _: NoDescribe) -> Features:
    """Return the descriptors, bits compared by the Hamming distance."""
    engine = contrib.akaze(AkazeDetect())
    return contrib.describe(engine, image.grey, keypoints, length=61, metric="hamming", bits=True)


def extract(image: WorkingImage, settings: AkazeDetect, _: NoDescribe) -> Features:
    """Return keypoints and descriptors in one pass."""
    return contrib.extract_bits(contrib.akaze(settings), image.grey, count=settings.count, length=61)


MATCHER = MatcherSpec(
    key="akaze",
    title="AKAZE",
    teaches=(
        "Finds blobs in a scale space blurred along edges but not across them, and describes them by 486 binary tests. "
        "Boundaries stay sharp where SIFT's Gaussian washes them out."
    ),
    source="Alcantarilla, Nuevo and Bartoli, Fast explicit diffusion for accelerated features, BMVC 2013",
    detect_settings=AkazeDetect,
    describe_settings=NoDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    extract=extract,
    ready=contrib.ready,
)
