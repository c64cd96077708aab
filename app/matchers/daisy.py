"""DAISY: rings of gradient histograms (with opencv-contrib-python only)."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.matchers.patch_ssd import detect
from app.records import Features, Keypoints, WorkingImage
from app.vision import contrib
from app.vision.contrib import DaisyDescribe
from app.vision.corners import SimpleDetect
from app.vision.describe import describe_with
from app.vision.match import MatchSettings, match_features

LENGTH = 200


def describe(image: WorkingImage, keypoints: Keypoints, settings: DaisyDescribe) -> Features:
    """Return 25 smoothed gradient histograms of 8 bins per keypoint."""
    return describe_with(contrib.daisy(settings), image.grey, keypoints, length=LENGTH, metric="l2")


MATCHER = MatcherSpec(
    key="daisy",
    title="DAISY",
    teaches=(
        "Gradient histograms on three rings, blurred more the further out, like petals. "
        "Made for dense matching of wide-baseline stereo; it does not adapt to scale."
    ),
    source="Tola, Lepetit and Fua, DAISY: an efficient dense descriptor, PAMI 32(5), 2010",
    detect_settings=SimpleDetect,
    describe_settings=DaisyDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_features,
    ready=contrib.ready,
)
