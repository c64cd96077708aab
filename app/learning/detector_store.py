"""Trained detectors of points in files: weights as safetensors, and beside them a card in JSON.

What lives here: the card, writing and reading one, the list of those there are and what can be done with them, and
running one. What does not: the networks that describe patches (``model_store``). May import: own_files, tensor_file,
superpoint_network, settings, locate.

One detector comes with the program; the user's own lie in the program's data folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from app import locate
from app.learning.own_files import OwnFolder
from app.learning.superpoint_network import MINI, CornerDetector, check_weights, random_weights
from app.learning.tensor_file import read_tensors, write_tensors
from app.records import Array, UserError
from app.settings import load_json, save_json

CARD_KIND = "detector card"
KIND = "corner detector"
SHIPPED = "superpoint-mini"
SUFFIX = ".safetensors"
TRAINED, RANDOM = "trained", "random"  # what a state calls the shipped one, and weights nobody trained
FOLDER_VARIABLE = "CORRESPONDENCE_EXPLORER_DETECTORS"
OWN = OwnFolder("detector", FOLDER_VARIABLE, SUFFIX)


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

    Raises:
        ValueError: for fields of other types, as a damaged card may have them.
    """

    name: str
    sha256: str
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        texts = (self.name, self.sha256, self.data, self.command)
        values = (self.seconds, *dict(self.numbers).values())
        if not isinstance(self.settings, Mapping):
            raise ValueError("the settings of the card are no settings")
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(v, int | float) for v in values):
            raise ValueError("a field of the card is of another type")


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
    if about.get("kind") == "network":
        raise UserError(f"{path} holds a network that describes patches, no detector; import it under Train, Models.")
    if about.get("kind") != KIND:
        raise UserError(f"{path} does not hold a detector of this program; choose another file.")
    card = read_card(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        todo = "install the program again" if path == shipped_path() else "copy both files once more"
        raise UserError(f"{path} is not the file its card describes (its sha256 differs); {todo}.")
    check_weights(weights, MINI, str(path))
    return card, weights


def read_card(path: Path) -> DetectorCard:
    """Return the card beside a file of weights.

    Raises:
        UserError: if it is missing or damaged.
    """
    beside = path.with_suffix(".json")
    if not beside.exists():
        raise UserError(f"{path} has no card; put {beside.name} beside it, which was written with it.")
    content = load_json(beside, CARD_KIND)
    known = {item.name for item in fields(DetectorCard)}
    try:
        return DetectorCard(**{key: value for key, value in content.items() if key in known})
    except (TypeError, ValueError):
        raise UserError(f"{beside} is damaged; copy both files once more, or train the detector again.") from None


# ---------------------------------------------------------------- the detectors there are


def shipped_path() -> Path:
    """Return the file of the detector that comes with the program.

    It lies apart from the networks that describe patches: their list is what lies beside them.
    """
    return locate.resources() / "models" / "detectors" / f"{SHIPPED}{SUFFIX}"


def titles() -> dict[str, str]:
    """Return what can be chosen -> how a form shows it: the shipped one, random weights, then the user's own.

    An own one is chosen by its file's name with the ending, so that it can neither hide one of the first two nor,
    once its file is gone, be taken for anything else.
    """
    return {
        TRAINED: "shipped miniature",
        RANDOM: "random, untrained",
        **{f"{stem}{SUFFIX}": stem for stem in OWN.stems()},
    }


def find(which: str) -> Path:
    """Return the file of a detector: the shipped one, one of the user's own by its file's name, any by its whole path.

    Raises:
        UserError: if it is not there.
    """
    if which == TRAINED:
        return shipped_path()
    path = OWN.path / which  # a whole path stays what it is
    if not path.is_file():
        raise UserError(f"The detector {which} is no longer there; choose another one, or import it again.")
    return path


def why_fixed(which: str) -> str:
    """Return why a detector can be neither renamed nor deleted, a sentence without its full stop; empty if it can."""
    if which == TRAINED:
        return "This detector comes with the program and stays as it is"
    if which == RANDOM:
        return "These weights are drawn anew each time; there is no file of them"
    if OWN.path / which != OWN.path / Path(which).name:
        return "This file lies outside the program’s folder; import it to have a copy of your own"
    return ""


def _own(which: str) -> str:
    """Return the name of one of the user's own detectors."""
    if fixed := why_fixed(which):
        raise UserError(f"{fixed}.")
    return find(which).stem


def _taken() -> list[str]:
    """Return the names that no other detector may get: none may pass for one that comes with the program."""
    return [*titles().values(), SHIPPED]


def rename(which: str, new: str) -> str:
    """Give one of the user's own detectors another name; return what it is then chosen by.

    Raises:
        UserError: if it is not there, damaged or not the user's own, or the new name cannot be had; it then stays.
    """
    name = _own(which)
    card, weights = load_detector(OWN.file(name))
    OWN.rename(name, new, _taken(), lambda path: save_detector(path, card, weights))
    return OWN.file(new).name


def delete(which: str) -> None:
    """Delete one of the user's own detectors with its card; a damaged one too.

    Raises:
        UserError: if it is not there or not the user's own, or cannot be deleted.
    """
    OWN.delete(_own(which))


def import_file(path: Path) -> str:
    """Copy a detector with its card into the user's folder; return what it is chosen by.

    One that lies there already under the same name is left as it is.

    Raises:
        UserError: if it is damaged, not a detector of this program, or its name is taken by another.
    """
    card, weights = load_detector(path)
    target = OWN.file(path.stem)
    if not (target.is_file() and target.with_suffix(".json").is_file() and read_card(target).sha256 == card.sha256):
        OWN.check_name(path.stem, _taken())
        save_detector(OWN.made() / target.name, card, weights)
    return target.name


@dataclass(frozen=True, eq=False)
class Detector:
    """A detector at work, and the card of its file; random weights have none."""

    network: CornerDetector
    card: DetectorCard | None = None


def detector(which: str = TRAINED, seed: int = 0) -> Detector:
    """Return a detector, made once as long as its file stays the same.

    Args:
        which: :data:`TRAINED` for the one that comes with the program, :data:`RANDOM`, or one of the user's own
            (see :func:`find`).
        seed: of random weights.

    Raises:
        UserError: if the file is missing or damaged.
    """
    if which == RANDOM:
        return _random(seed)
    path = find(which)
    try:
        about = path.stat()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    return _loaded(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=2)
def _random(seed: int) -> Detector:
    return Detector(CornerDetector(random_weights(MINI, seed), MINI))


@lru_cache(maxsize=4)
def _loaded(path: Path, _modified: int, _size: int) -> Detector:
    card, weights = load_detector(path)
    return Detector(CornerDetector(weights, MINI), card)
