"""Trained detectors of points in files: weights as safetensors, and beside them a card in JSON.

What lives here: the card, writing and reading one, and the detector that comes with the program. What does not: the
networks that describe patches (``model_store``). May import: tensor_file, superpoint_network, settings, locate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from app import locate
from app.learning.superpoint_network import MINI, CornerDetector, check_weights, random_weights
from app.learning.tensor_file import read_tensors, write_tensors
from app.records import Array, UserError
from app.settings import load_json, save_json

CARD_KIND = "detector card"
KIND = "corner detector"
SHIPPED = "superpoint-mini"


@dataclass(frozen=True)
class DetectorCard:
    """What is known of a trained detector.

    Attributes:
        name: of the file, without its ending.
        sha256: of the file of weights.
        data: what it was trained on, in words.
        settings: of the training, all of them.
        seconds: the training took.
        numbers: what it reached, by name.
        command: that made it.
    """

    name: str
    sha256: str
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    command: str = ""


def save_detector(path: Path, card: DetectorCard, weights: Mapping[str, Array]) -> DetectorCard:
    """Write weights and card, each atomically, and return the card with name and sha256.

    Raises:
        UserError: if either cannot be written.
    """
    write_tensors(path, weights, {"kind": KIND})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    done = DetectorCard(**{**asdict(card), "name": path.stem, "sha256": digest})
    save_json(path.with_suffix(".json"), CARD_KIND, asdict(done))
    return done


def load_detector(path: Path) -> tuple[DetectorCard, dict[str, Array]]:
    """Return card and weights of a file.

    Raises:
        UserError: if either is missing, damaged or of something else; one sentence.
    """
    weights, about = read_tensors(path)
    if about.get("kind") != KIND:
        raise UserError(f"{path} does not hold a detector of this program; choose another file.")
    content = load_json(path.with_suffix(".json"), CARD_KIND)
    known = {item.name for item in fields(DetectorCard)}
    try:
        card = DetectorCard(**{key: value for key, value in content.items() if key in known})
    except TypeError:
        raise UserError(f"{path.with_suffix('.json')} is damaged; train the detector again.") from None
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        raise UserError(f"{path} is not the file its card describes (its sha256 differs); install the program again.")
    check_weights(weights, MINI)
    return card, weights


def shipped_path() -> Path:
    """Return the file of the detector that comes with the program.

    It lies apart from the networks that describe patches: their list is what lies beside them.
    """
    return locate.resources() / "models" / "detectors" / f"{SHIPPED}.safetensors"


@lru_cache(maxsize=4)
def detector(which: str = "trained", seed: int = 0) -> CornerDetector:
    """Return the detector that comes with the program, or one of random weights; made once.

    Args:
        which: ``"trained"`` or ``"random"``.
        seed: of random weights.

    Raises:
        UserError: if the file is missing or damaged.
    """
    if which == "random":
        return CornerDetector(random_weights(MINI, seed), MINI)
    return CornerDetector(load_detector(shipped_path())[1], MINI)
