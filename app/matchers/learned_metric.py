"""Learned metric: SIFT descriptors compared under an L that was learned from true correspondences."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.learning import metric_store
from app.matchers import sift
from app.records import Descriptors, Features, ImagePair, Keypoints, Metric, UserError, WorkingImage
from app.settings import named
from app.vision.describe import SIFT_LENGTH, SiftDescribe, to_root
from app.vision.detect import SiftDetect


@dataclass(frozen=True)
class LearnedDescribe(SiftDescribe):
    """Which metric compares the descriptors."""

    metric: str = named(
        metric_store.names,
        suffix=metric_store.SUFFIX,
        files="metric",
        label="Metric",
        help=(
            "An L learned from descriptors of image pairs (under Metric, or: metric --pairs … --keep). "
            "Do not judge it on the pairs that it was learned from."
        ),
    )


def _metric(name: str) -> Metric:
    metric = metric_store.load(name)
    if metric.factor.shape[1] != SIFT_LENGTH:
        raise UserError(
            f"The metric {metric.name} is for {metric.factor.shape[1]} features, a SIFT descriptor has {SIFT_LENGTH}; "
            "choose one that was learned from descriptors."
        )
    return metric


def _under(features: Features, name: str) -> Features:
    """Return the features with their descriptors, of unit length, to be compared by |L (x - y)|."""
    metric = _metric(name)
    root = metric.details.get("descriptor") == "rootsift"
    described = to_root(features) if root else features
    assert described.descriptors is not None
    values = described.descriptors.values if root else described.descriptors.values / 512
    return Features(features.keypoints, Descriptors(values, "mahalanobis", metric.factor))


def describe(image: WorkingImage, keypoints: Keypoints, settings: LearnedDescribe) -> Features:
    """Return SIFT descriptors with the learned factor."""
    return _under(sift.describe(image, keypoints, settings), settings.metric)


def extract(image: WorkingImage, detection: SiftDetect, description: LearnedDescribe) -> Features | None:
    """Return keypoints and descriptors from one scale space; None where SIFT does."""
    features = sift.extract(image, detection, description)
    return None if features is None else _under(features, description.metric)


def learned_from(settings: LearnedDescribe, pair: ImagePair) -> str:
    """Return a sentence if the metric was learned from a picture of the pair, else an empty one."""
    metric = _metric(settings.metric)
    seen = [image for image in (pair.left, pair.right) if image.id in metric.trained_on]
    if not seen:
        return ""
    what = "this pair" if len(seen) == 2 else f"the picture {seen[0].name}"
    return f"The metric {metric.name} was learned from {what}, so these numbers flatter it: judge it on other pairs."


def ready() -> str:
    """Return what is missing, and how to get it."""
    if metric_store.names():
        return ""
    return "No metric has been learned yet: learn one from descriptors of image pairs under Metric, or: metric --pairs"


MATCHER = replace(
    sift.MATCHER,
    key="learned-metric",
    title="Learned metric",
    teaches=(
        "SIFT compared by a Mahalanobis distance learned from true correspondences: differences that one place shows "
        "under change count less, those that tell places apart count more."
    ),
    source="Weinberger and Saul, Distance metric learning for large margin nearest neighbor classification, JMLR 2009",
    describe_settings=LearnedDescribe,
    describe=describe,
    extract=extract,
    learned_from=learned_from,
    ready=ready,
)
