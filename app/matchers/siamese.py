"""A trained Siamese network on SIFT frames."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from app.learning import descriptor, model_store
from app.matchers import sift
from app.records import Descriptors, Features, ImagePair, Keypoints, WorkingImage
from app.settings import Settings, choice, named
from app.vision.describe import nothing
from app.vision.frames import cut_frames
from app.vision.photographs import CREDITS

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
        files="model",
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


def learned_from(settings: SiameseDescribe, pair: ImagePair) -> str:
    """Return a sentence if the network was trained on a picture of the pair, else an empty one.

    A file is known by its content, a built-in picture by the photograph that it was made from.
    """
    card = descriptor.load(model_store.find(settings.model)).card
    digests = {digest for _, digest in card.data_ids}
    names = [PurePosixPath(name) for name, _ in card.data_ids]
    stems = [name.stem for name in names if name.parent.name == "data"]  # scikit-image's folder of photographs
    photographs = {CREDITS[stem][0] for stem in stems if stem in CREDITS}
    for image in (pair.left, pair.right):
        known = image.source in photographs if not image.path else _digest(image.path) in digests
        if known:
            return (
                f"The network {card.name} was trained on the picture {image.name}, so these numbers flatter it: judge "
                "it on other pairs."
            )
    return ""


@lru_cache(maxsize=64)
def _digest(path: str) -> str:
    """Return the sha256 of a file, empty if it is gone."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:  # the picture in memory is matched all the same; its file cannot be compared
        return ""


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
    learned_from=learned_from,
)
