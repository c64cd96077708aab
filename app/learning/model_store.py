"""Trained networks in files: weights as safetensors, and beside them a card in JSON that says what they are.

What lives here: cards, reading and writing a checkpoint, and the list of those there are. What does not: the state of
a training under way (``run_file``), running a network (``descriptor``). May import: tensor_file, settings, locate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from app.learning import towers
from app.learning.tensor_file import read_tensors, write_tensors
from app.records import Array, UserError
from app.settings import load_json, save_json

SUFFIX = ".safetensors"
CARD_KIND = "model card"
NORMALISATION = "each patch minus its mean, divided by its standard deviation; descriptors of unit length"


@dataclass(frozen=True)
class ModelCard:
    """What is known of a trained network.

    Attributes:
        name: of the file, without its ending.
        sha256: of the file of weights.
        network: key of its plan.
        side: pixels of a patch's side.
        span: side of a patch in units of the keypoint's size it was trained on, and is used with unless asked.
        dimensions: length of a descriptor.
        normalisation: of patches and descriptors, in words.
        loss, miner, margin, seed: of the training.
        settings: of the training, all of them.
        data: what it was trained on, in words.
        data_ids: (name, sha256) of every photograph or file it was trained on.
        steps, epochs, seconds: of the training.
        numbers: what it reached, by name.
        command: that made it, if it was made on the command line.
    """

    name: str
    sha256: str
    network: str
    side: int
    span: float
    dimensions: int
    normalisation: str = NORMALISATION
    loss: str = ""
    miner: str = ""
    margin: float = 0.0
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    data_ids: tuple[tuple[str, str], ...] = ()
    steps: int = 0
    epochs: int = 0
    seconds: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        if self.network not in towers.PLANS:
            raise ValueError(f"network {self.network!r} is not known")
        object.__setattr__(self, "data_ids", tuple((str(name), str(digest)) for name, digest in self.data_ids))


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A card and the weights it describes, by name."""

    card: ModelCard
    tensors: Mapping[str, Array]


def card_path(path: Path) -> Path:
    """Return where the card of a file of weights lies."""
    return path.with_suffix(".json")


def save_checkpoint(path: Path, card: ModelCard, tensors: Mapping[str, Array]) -> ModelCard:
    """Write weights and card, each atomically, and return the card with its sha256.

    Raises:
        UserError: if either cannot be written.
    """
    about = {"kind": "network", "network": card.network, "side": str(card.side)}
    write_tensors(path, tensors, about)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    done = ModelCard(**{**_plain(card), "name": path.stem, "sha256": digest})
    save_json(card_path(path), CARD_KIND, _plain(done))
    return done


def _plain(card: ModelCard) -> dict[str, Any]:
    return asdict(card)


def read_card(path: Path) -> ModelCard:
    """Return the card beside a file of weights.

    Raises:
        UserError: if it is missing, damaged or not a card.
    """
    content = load_json(card_path(path), CARD_KIND)
    known = {item.name for item in fields(ModelCard)}
    try:
        return ModelCard(**{key: value for key, value in content.items() if key in known})
    except (TypeError, ValueError, AttributeError):
        raise UserError(f"{card_path(path)} is damaged; export the model again, or train it anew.") from None


def load_checkpoint(path: Path) -> Checkpoint:
    """Return weights with their card, checked against each other.

    Raises:
        UserError: if either is missing or damaged, or the card is of another file.
    """
    card = read_card(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise UserError(f"{path} is not the file its card describes (its sha256 differs); import it again.")
    tensors, metadata = read_tensors(path)
    if metadata.get("kind") != "network":
        raise UserError(f"{path} does not hold a network; choose another file.")
    return Checkpoint(card, tensors)
