"""A trained Siamese network on SIFT frames."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from app.learning import descriptor, model_store
from app.matchers import sift
from app.records import Descriptors, Features, Keypoints, WorkingImage
from app.settings import Settings, choice, named
from app.vision.describe import nothing
from app.vision.frames import cut_frames

SPANS = {
    "card": "as trained",
    "3": "3 × size",
    "6": "6 × size",
    "9": "9 × size",
    "3+6": "3 and 6 × size",
    "3+6+9": "3, 6 and 9 × size",
}


@dataclass(frozen=True)
class SiameseDescribe(Settings):
    """Which network describes, and what it sees of the image."""

    model: str = named(
        model_store.titles,
        suffix=model_store.SUFFIX,
        label="Model",
        help=(
            "The trained network: by name, or the path of a .safetensors file. "
            "One tower describes both images; that its weights are shared is what makes it Siamese."
        ),
    )
    span: str = choice(
        "3+6+9",
        SPANS,
        label="Span",
        help=(
            "Side of the square cut around a keypoint, in units of its size (2 σ). More context tells more apart, but "
            "sees more of what is not on the same surface. Several: descriptors side by side, each counting alike."
        ),
    )


def ready() -> str:
    """Return why no network can be used here, or nothing."""
    if model_store.names():
        return ""
    return "no trained network is installed; train one with: correspondence-explorer-cli train --data FOLDER --out FILE"


def identity(settings: SiameseDescribe) -> Hashable:
    """Return the sha256 of the network in use: results of another file of the same name are other results."""
    return descriptor.load(model_store.find(settings.model)).card.sha256


def describe(image: WorkingImage, keypoints: Keypoints, settings: SiameseDescribe) -> Features:
    """Return the network's descriptor of the patch around every keypoint, in the keypoint's own frame."""
    network = descriptor.load(model_store.find(settings.model))
    spans = [network.card.span] if settings.span == "card" else [float(span) for span in settings.span.split("+")]
    if not len(keypoints):
        return nothing(network.card.dimensions * len(spans))
    parts = [network.describe(cut_frames(image.grey, keypoints, side=network.card.side, span=span)) for span in spans]
    values = np.concatenate(parts, axis=1) * np.float32(1 / np.sqrt(len(spans)))
    return Features(keypoints, Descriptors(values))


MATCHER = replace(
    sift.MATCHER,
    key="siamese",
    title="Siamese network",
    teaches=(
        "SIFT's keypoints, but what describes them is learned: one network looks at the patch around each of them, and "
        "was trained to put patches of the same point close together and all others apart."
    ),
    source="Bromley et al. 1993; Mishchuk et al., HardNet, NeurIPS 2017",
    describe_settings=SiameseDescribe,
    describe=describe,
    extract=None,
    ready=ready,
    identity=identity,
)
