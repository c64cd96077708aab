"""Trained networks in files: weights as safetensors, and beside them a card in JSON that says what they are.

What lives here: cards, reading and writing a checkpoint, and the list of those there are. What does not: the state of
a training under way (``run_file``), running a network (``descriptor``). May import: own_files, tensor_file, towers,
onnx_file, settings, locate.

Shipped models lie in ``resources/models``, the user's own in the program's data folder; a name is looked for in that
order. Every deletion and renaming takes weights and card together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from app import locate
from app.learning import towers
from app.learning.onnx_file import onnx_bytes
from app.learning.own_files import OwnFolder
from app.learning.tensor_file import read_tensors, write_tensors
from app.records import Array, UserError
from app.settings import atomic_path, load_json, save_json, to_json

SUFFIX = ".safetensors"
CARD_KIND = "model card"
SPAN = 3.0
DEFAULT = "default"
FOLDER_VARIABLE = "CORRESPONDENCE_EXPLORER_MODELS"
OWN = OwnFolder("model", FOLDER_VARIABLE, SUFFIX)
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
        data_ids: (name, sha256) of every photograph or file it was trained on, also before ``start``.
        start: (name, sha256) of the model its training started from; empty for random weights.
        steps, epochs, seconds: of the training.
        device: what it was trained on, in words; a graphics card's weights do not repeat to the last bit.
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
    start: tuple[str, ...] = ()
    steps: int = 0
    epochs: int = 0
    seconds: float = 0.0
    device: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        if self.network not in towers.PLANS:
            raise ValueError(f"network {self.network!r} is not known")
        object.__setattr__(self, "data_ids", tuple((str(name), str(digest)) for name, digest in self.data_ids))
        object.__setattr__(self, "start", tuple(str(part) for part in self.start))


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


def card_as_text(card: ModelCard | None) -> str:
    """Return a card (or none) as JSON, for a file that has to name its origin after the origin itself is gone."""
    return json.dumps(None if card is None else _plain(card))


def card_from_text(text: str) -> ModelCard | None:
    """Return the card that :func:`card_as_text` wrote.

    Raises:
        TypeError, ValueError, AttributeError: if it is not one.
    """
    content = json.loads(text)
    return None if content is None else _card(content)


def _card(content: Mapping[str, Any]) -> ModelCard:
    """Return a card of its fields; those of a later version are left out."""
    known = {item.name for item in fields(ModelCard)}
    return ModelCard(**{key: value for key, value in content.items() if key in known})


def read_card(path: Path) -> ModelCard:
    """Return the card beside a file of weights.

    Raises:
        UserError: if it is missing, damaged or not a card.
    """
    content = load_json(card_path(path), CARD_KIND)
    try:
        return _card(content)
    except (TypeError, ValueError, AttributeError):
        raise UserError(f"{card_path(path)} is damaged; export the model again, or train it anew.") from None


def load_checkpoint(path: Path) -> Checkpoint:
    """Return weights with their card.

    A file without a card (a network of one epoch, saved while training) gets one from what it says of itself.

    Raises:
        UserError: if it is missing or damaged, or the card is of another file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    tensors, metadata = read_tensors(path)
    if metadata.get("kind") != "network":
        raise UserError(f"{path} does not hold a network of this program; choose another file.")
    digest = hashlib.sha256(data).hexdigest()
    if not card_path(path).exists():
        return Checkpoint(_bare_card(path, digest, metadata), tensors)
    card = read_card(path)
    if digest != card.sha256:
        raise UserError(f"{path} is not the file its card describes (its sha256 differs); import it again.")
    return Checkpoint(card, tensors)


def _bare_card(path: Path, digest: str, metadata: Mapping[str, str]) -> ModelCard:
    try:
        return ModelCard(
            path.stem,
            digest,
            metadata["network"],
            int(metadata["side"]),
            SPAN,
            towers.DIMENSIONS,
            data="not stated",
            **lineage(card_from_text(metadata.get("start", "null")), ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} does not say which network it holds; import it with its card.") from None


# ------------------------------------------------------------------- the models there are


@cache
def shipped_folder() -> Path:
    """Return the folder of the models that come with the program."""
    return locate.resources() / "models"


def folder() -> Path:
    """Return the folder of the user's own models, made if it is missing.

    Raises:
        UserError: if it cannot be made.
    """
    return OWN.made()


def names() -> tuple[str, ...]:
    """Return the names of all models: shipped ones first, then the user's, each in alphabetical order."""
    shipped = sorted(file.stem for file in shipped_folder().glob(f"*{SUFFIX}"))
    return tuple(sorted(dict.fromkeys((*shipped, *OWN.stems())), key=lambda name: name != DEFAULT))


def titles() -> dict[str, str]:
    """Return name -> name as a form shows it; the default is there even where its file is not."""
    return {name: name for name in dict.fromkeys((DEFAULT, *names()))}


def find(name: str) -> Path:
    """Return the file of a model by name, or the path itself if it names a file.

    Raises:
        UserError: if there is none, naming those there are.
    """
    for place in (shipped_folder(), OWN.path):
        if (place / f"{name}{SUFFIX}").is_file():
            return place / f"{name}{SUFFIX}"
    path = Path(name)
    if path.suffix == SUFFIX and path.is_file():
        return path
    known = ", ".join(names()) or "none"
    raise UserError(f"There is no model {name!r}; there are: {known}. A file may be named by its path ({SUFFIX}).")


def _own(name: str) -> Path:
    """Return the file of one of the user's models."""
    path = OWN.file(name)
    if path.is_file():
        return path
    if (shipped_folder() / f"{name}{SUFFIX}").is_file():
        raise UserError(f"The model {name} comes with the program and stays; export it to change a copy.")
    raise UserError(f"There is no model {name!r} to change.")


def check_name(name: str) -> None:
    """Complain about a name that is no plain file name, or is taken.

    Raises:
        UserError: saying which.
    """
    OWN.check_name(name, names())


def rename(name: str, new: str) -> None:
    """Give one of the user's models another name.

    Raises:
        UserError: if it is not there or is shipped, or the new name cannot be had.
    """
    checkpoint = load_checkpoint(_own(name))
    OWN.rename(name, new, names(), lambda path: save_checkpoint(path, checkpoint.card, checkpoint.tensors))


def delete(name: str) -> None:
    """Delete one of the user's models with its card.

    Raises:
        UserError: if it is not there, is shipped, or cannot be deleted.
    """
    OWN.delete(_own(name).stem)


def import_file(path: Path) -> str:
    """Copy a model with its card into the user's folder; return its name.

    Raises:
        UserError: if it is damaged, not a network of this program, or its name is taken.
    """
    checkpoint = load_checkpoint(path)
    onnx_bytes(
        checkpoint.tensors, towers.PLANS[checkpoint.card.network], checkpoint.card.side
    )  # complains if it cannot
    check_name(path.stem)
    return save_checkpoint(folder() / path.name, checkpoint.card, checkpoint.tensors).name


def export_onnx(path: Path, target: Path) -> None:
    """Write a model as ONNX: (N, 1, S, S) float grey levels to (N, D) unit vectors.

    Raises:
        UserError: if the model cannot be read, or the file not written.
    """
    checkpoint = load_checkpoint(path)
    data = onnx_bytes(checkpoint.tensors, towers.PLANS[checkpoint.card.network], checkpoint.card.side)
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def tower_tensors(result: Any) -> dict[str, Array]:
    """Return the tower alone of a finished training: what describes, by the names a file of weights has.

    Of a Siamese network with a head these are the intermediate activations, trained for the decision only.

    Raises:
        UserError: for a joint network, which has no descriptor of one patch.
    """
    from app.learning.train_settings import design_of

    design = design_of(result.settings)
    if design == "joint":
        raise UserError("A joint network sees patches in pairs and has no descriptor to keep; train another design.")
    if design == "embedding":
        return dict(result.tensors)
    start = "tower."
    return {name.removeprefix(start): value for name, value in result.tensors.items() if name.startswith(start)}


def united(*data_ids: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return all (name, sha256) of several trainings, each once."""
    return tuple(dict.fromkeys(chain.from_iterable(data_ids)))


def lineage(start: ModelCard | None, data_ids: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return the fields ``start`` and ``data_ids`` of a card: what it began as, and all that either was trained on."""
    if start is None:
        return {"data_ids": data_ids}
    return {
        "start": (start.name, start.sha256),
        "data_ids": united(data_ids, start.data_ids),
    }


def card_of(
    result: Any, name: str, *, span: float, data_ids: tuple[tuple[str, str], ...] = (), **more: Any
) -> ModelCard:
    """Return the card of a finished training (:class:`app.learning.train.TrainResult`).

    Args:
        name: of the model.
        span: its patches were cut with.
        data_ids: name and sha256 of every photograph or file it was trained on.
        more: further fields of the card.
    """
    from app.learning.train_settings import margin_of, plan_of

    settings, last = result.settings, result.snapshot
    numbers: dict[str, float] = {}
    if last.judgements:
        judged = last.judgements[-1]
        numbers = {"held-out FPR95": round(judged.fpr95, 5), "held-out rank-1": round(judged.rank1, 4)}
    return ModelCard(
        **{
            "name": name,
            "sha256": "",
            "network": settings.network,
            "side": result.side,
            "span": span,
            "dimensions": towers.DIMENSIONS,
            "loss": plan_of(settings).name,
            "miner": settings.miner,
            "margin": margin_of(settings),
            "seed": settings.seed,
            "settings": {"training": to_json(settings)},
            "data": result.data[0],
            **lineage(result.start, data_ids),
            "steps": last.step,
            "epochs": last.epoch,
            "seconds": round(last.seconds, 1),
            "device": last.device,
            "numbers": numbers,
            **more,
        }
    )
