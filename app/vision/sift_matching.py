"""The explained SIFT as a matcher uses it, and the detector's answer about one place of a matched picture.

What lives here: settings of the stages, detection, description, and explanations kept for questions. What does not: the
algorithm (``sift_stages``). May import: records, settings, jobs, vision, numpy.

How scale was sampled travels with each keypoint in bits 24-30 of ``packed`` (OpenCV ignores them): the number of
layers, and whether the image was doubled, so that describing looks at the very scale space of the detection.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from app.jobs import Job, run_to_end
from app.records import Descriptors, Features, Float32, Image, Keypoints, UInt8, WorkingImage
from app.settings import flag
from app.vision.describe import SiftDescribe, one_per_place, root
from app.vision.detect import SiftDetect, strongest
from app.vision.half_pixel import to_original, to_working
from app.vision.images import working_image
from app.vision.scale_levels import LAYERS, UPSAMPLE
from app.vision.scale_space import ScaleSpace
from app.vision.sift_records import (
    LENGTH,
    MOST_ORIENTATIONS,
    PEAK_RATIO,
    SiftExplanation,
    SiftSettings,
)
from app.vision.sift_stages import describe, explain
from app.vision.sift_why import NEAR_PX, Detection, why_not_detected

SAMPLING_SHIFT = 24
_WITHOUT_DOUBLING = 16
MOST_KEPT = 2  # explanations kept for questions: those of a pair


@dataclass(frozen=True)
class ExplainedDetect(SiftDetect):
    """SIFT's detector with the knobs that OpenCV does not show."""

    layers: int = LAYERS
    upsample: bool = UPSAMPLE
    peak_ratio: float = PEAK_RATIO
    most_orientations: int = MOST_ORIENTATIONS


@dataclass(frozen=True)
class ExplainedDescribe(SiftDescribe):
    """SIFT's descriptor, as it is or as RootSIFT."""

    root: bool = flag(
        False,
        label="RootSIFT",
        help=(
            "Divide each histogram by its sum and take square roots: Euclidean distance then is the Hellinger "
            "distance, in which large bins count less."
        ),
    )


def sift_settings(detect: Any) -> SiftSettings:
    """Return the settings of an explanation from a detector's; what that does not have keeps its default."""
    names = [field.name for field in fields(SiftSettings) if hasattr(detect, field.name)]
    return SiftSettings(**{name: getattr(detect, name) for name in names})


def _marked(keypoints: Keypoints, settings: SiftSettings) -> Keypoints:
    """Return the keypoints with how scale was sampled in ``packed``; nothing for the usual sampling."""
    mark = (0 if settings.layers == 3 else settings.layers) | (0 if settings.upsample else _WITHOUT_DOUBLING)
    return replace(keypoints, packed=(keypoints.packed & 0xFFFFFF) | (mark << SAMPLING_SHIFT))


def _sampling(keypoints: Keypoints) -> SiftSettings:
    """Return the sampling of scale that keypoints say they were found with."""
    mark = int(keypoints.packed[0]) >> SAMPLING_SHIFT if len(keypoints) else 0
    return SiftSettings(layers=(mark & 15) or 3, upsample=not mark & _WITHOUT_DOUBLING)


def detect_explained(grey: UInt8, settings: ExplainedDetect) -> Keypoints:
    """Return the strongest ``count`` keypoints (0 = all), octave by octave, of an (h, w) uint8 image."""
    return _kept(run_to_end(explain(grey, sift_settings(settings))), settings).keypoints


def extract_explained(grey: UInt8, detection: ExplainedDetect, description: ExplainedDescribe) -> Features:
    """Return what detecting and describing give together, from one scale space."""
    settings = replace(sift_settings(detection), upright=description.upright)
    return features_of(run_to_end(explain(grey, settings)), detection, description)


def features_of(explanation: SiftExplanation, detection: ExplainedDetect, description: ExplainedDescribe) -> Features:
    """Return the features that a matcher takes from an explanation: the strongest, described as asked."""
    return _described(_kept(explanation, detection), description)


def _kept(explanation: SiftExplanation, settings: SiftDetect) -> Features:
    keypoints = _marked(explanation.keypoints, explanation.settings)
    rows = strongest(keypoints.response, settings.count)
    return Features(keypoints.take(rows), Descriptors(explanation.descriptors[rows]))


def describe_explained(grey: UInt8, keypoints: Keypoints, settings: ExplainedDescribe) -> Features:
    """Return the descriptors of keypoints at exactly the levels that they name.

    None is dropped, but further orientations of a place that is described upright.
    """
    values: Float32 = np.zeros((0, LENGTH), np.float32)
    if len(keypoints):
        sampling = replace(_sampling(keypoints), upright=settings.upright)
        values = describe(ScaleSpace(grey, sampling), keypoints, sampling)
    return _described(Features(keypoints, Descriptors(values)), settings)


def _described(features: Features, settings: ExplainedDescribe) -> Features:
    if features.descriptors is None:
        return features
    keypoints, values = features.keypoints, features.descriptors.values
    if settings.upright:
        rows = one_per_place(keypoints)
        keypoints, values = keypoints.take(rows), values[rows]
    return Features(keypoints, Descriptors(root(values) if settings.root else values))


# ------------------------------------------------------------------- questions about a place

_lock = threading.Lock()
_explanations: OrderedDict[tuple[str, int, SiftSettings], SiftExplanation] = OrderedDict()


def explanation_of(image: Image, detect: Any, describe: Any = None) -> Job[tuple[WorkingImage, SiftExplanation]]:
    """Return the working image of a picture and its explanation; those of the last two pictures are kept.

    Args:
        image: the original.
        detect: a SIFT-type detector's settings (``max_side``, ``contrast``, ``edge`` ...).
        describe: a SIFT-type descriptor's settings, for ``upright``.
    """
    settings = replace(sift_settings(detect), upright=bool(getattr(describe, "upright", False)))
    side = int(getattr(detect, "max_side", 0))
    work = working_image(image, side)
    key = (image.id, side, settings)
    with _lock:
        kept = _explanations.get(key)
    if kept is None:
        kept = yield from explain(work.grey, settings)
    with _lock:
        _explanations[key] = kept
        _explanations.move_to_end(key)
        while len(_explanations) > MOST_KEPT:
            _explanations.popitem(last=False)
    return work, kept


def detection_at(image: Image, x: float, y: float, detect: Any) -> Job[Detection]:
    """Return what a SIFT-type detector made of a place of a picture.

    Besides :func:`why_not_detected` it knows the limit on the number of keypoints.

    Args:
        image: the original.
        x, y: its pixels; ``place`` of the answer is in its pixels, too.
        detect: the detector's settings.
    """
    work, explanation = yield from explanation_of(image, detect)
    sx, sy = work.scale
    scale = float(np.sqrt(sx * sy))
    found = why_not_detected(explanation, *to_working((x, y), work.scale), NEAR_PX / scale)
    found = _within_count(found, explanation, int(getattr(detect, "count", 0)))
    if found.place is None:
        return found
    px, py, sigma = found.place
    return replace(found, place=(*to_original((px, py), work.scale), sigma * scale))


def _within_count(found: Detection, explanation: SiftExplanation, count: int) -> Detection:
    """Return the answer, or that the keypoint is too weak to be among the strongest ``count``."""
    response = explanation.keypoints.response
    if not (found.passed and 0 < count < len(response)):
        return found
    own = float(abs(explanation.candidates.value[found.candidate]))
    rank = 1 + int(np.count_nonzero(response > np.float32(own)))
    if rank <= count:
        return found
    text = (
        f"Not among the strongest {count} keypoints: the one here is number {rank} of {len(response)} "
        f"by its response, {own:.3g}."
    )
    return replace(found, sentence=text, stage="count", passed=False, numbers={"rank": rank, "count": count})
