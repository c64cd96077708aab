"""ASIFT: SIFT on simulated tilts of both images."""

from __future__ import annotations

from app.matchers import MatcherSpec
from app.records import Features, Keypoints, WorkingImage
from app.vision.affine import AffineDetect, describe_affine, detect_affine, match_affine
from app.vision.describe import NoDescribe
from app.vision.match import MatchSettings


def detect(image: WorkingImage, settings: AffineDetect) -> Keypoints:
    """Return SIFT keypoints of every simulated view."""
    return detect_affine(image.grey, settings)


def describe(image: WorkingImage, keypoints: Keypoints, _: NoDescribe) -> Features:
    """Return the SIFT descriptor of every keypoint in its own view."""
    return describe_affine(image.grey, keypoints)


MATCHER = MatcherSpec(
    key="asift",
    title="ASIFT",
    teaches=(
        "Squeezes and turns both pictures as if seen from the side, then runs SIFT on each view. "
        "It bridges viewpoints beyond the 60° where SIFT alone gives up, at many times the cost."
    ),
    source="Morel and Yu, ASIFT: a new framework for fully affine invariant image comparison, SIAM 2(2), 2009",
    detect_settings=AffineDetect,
    describe_settings=NoDescribe,
    match_settings=MatchSettings,
    detect=detect,
    describe=describe,
    match=match_affine,
)
