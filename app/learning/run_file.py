"""The state of a training in one file, so that it goes on after anything, even ``kill -9``.

What lives here: network, optimiser and curves as tensors; counters, generators and settings as JSON in the same file,
written atomically. Nothing is pickled. What does not: models for use (``model_store``). May import: tensor_file,
patch_set, model_store, settings; torch inside functions.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.learning.model_store import ModelCard, card_as_text, card_from_text
from app.learning.patch_set import PatchSet
from app.learning.tensor_file import read_tensors, write_tensors
from app.learning.train_settings import TrainSettings, starts
from app.records import Array, UserError
from app.settings import to_json

if TYPE_CHECKING:
    from torch import nn

KIND = "training"
NETWORK, OPTIMISER = "network.", "optimiser."
# These may change when a training goes on; all else is part of what it is.
FREE = ("epochs", "minutes", "threads")


def fingerprint(data: PatchSet) -> str:
    """Return the sha256 of a set's patches and classes."""
    digest = hashlib.sha256()
    for array in (data.patches, data.point, data.scene):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def network_tensors(network: nn.Module) -> dict[str, Array]:
    """Return copies of weights and batch statistics by name."""
    return {name: value.detach().cpu().contiguous().numpy().copy() for name, value in network.state_dict().items()}


def put_network(network: nn.Module, tensors: dict[str, Array]) -> None:
    """Give a network these weights.

    Raises:
        UserError: if names or shapes do not fit.
    """
    import torch

    try:
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()})
    except (RuntimeError, TypeError):
        raise UserError("The file holds a network of another shape; choose a file of this network.") from None


def save_network(
    path: Path, tensors: dict[str, Array], settings: TrainSettings, side: int, start: ModelCard | None
) -> None:
    """Write the network alone, with what is needed to build it again and the card of the model it started from."""
    plain = {
        "network": settings.network,
        "side": str(side),
        "settings": json.dumps(to_json(settings)),
        "start": card_as_text(start),
    }
    write_tensors(path, tensors, {"kind": "network", **plain})


def save(run: Any, path: Path) -> None:
    """Write the whole state of a training, atomically.

    Raises:
        UserError: if it cannot be written; the file of the epoch before is then still there.
    """
    import torch

    tensors = {NETWORK + name: value for name, value in network_tensors(run.network).items()}
    for index, state in run.optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"{OPTIMISER}{index}.{name}"] = torch.as_tensor(value).cpu().contiguous().numpy()
    tensors["rows"] = run.rows.rows()
    tensors["generator"] = run.generator.get_state().numpy()
    plain = {
        "settings": to_json(run.settings),
        "epoch": run.epoch,
        "step": run.step,
        "seconds": run.seconds,
        "rng": run.rng.bit_generator.state,
        "data": run.fingerprint,
        "judged": [[j.step, j.epoch, j.fpr95, j.rank1] for j in run.judgements],
        "epoch_files": run.epoch_files,
        "start": card_as_text(run.start),
    }
    write_tensors(path, tensors, {"kind": KIND, "state": json.dumps(plain)})


def restore(run: Any, path: Path) -> None:
    """Put a training where the file left it.

    Raises:
        UserError: if the file is damaged, or of another training.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("kind") != KIND:
        raise UserError(f"{path} is not the state of a training; delete it or name another file.")
    try:
        plain = json.loads(metadata["state"])
        # A setting that was not there when the file was written had the value it has by default now.
        mine, saved = to_json(run.settings), {**to_json(TrainSettings()), **plain["settings"]}
        free = (*FREE, "start") if _gone(saved["start"]) else FREE
        other = [name for name in mine if name not in free and mine[name] != saved[name]]
        if other or plain["data"] != run.fingerprint:
            what = f"another {', '.join(other)}" if other else "other data"
            raise UserError(f"{path} is of a training with {what}; use the same again, or name another file.")
        put_network(run.network, {k.removeprefix(NETWORK): v for k, v in tensors.items() if k.startswith(NETWORK)})
        _put_optimiser(run, tensors)
        _put_counters(run, tensors, plain)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} is damaged; delete it to start afresh.") from None


def _gone(start: str) -> bool:
    """Return whether the model a training started from is there no more: settings cannot name it again then."""
    return start not in ("", *starts()) and not Path(start).exists()


def _put_optimiser(run: Any, tensors: dict[str, Array]) -> None:
    import torch

    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith(OPTIMISER):
            index, name = key.removeprefix(OPTIMISER).split(".")
            state.setdefault(int(index), {})[name] = torch.from_numpy(np.array(value))
    run.optimiser.load_state_dict({"state": state, "param_groups": run.optimiser.state_dict()["param_groups"]})


def _put_counters(run: Any, tensors: dict[str, Array], plain: dict[str, Any]) -> None:
    import torch

    from app.learning.train_state import Judgement

    run.rows.replace(tensors["rows"])
    run.rng.bit_generator.state = plain["rng"]
    run.generator.set_state(torch.from_numpy(np.array(tensors["generator"])))
    run.epoch, run.step, run.seconds = int(plain["epoch"]), int(plain["step"]), float(plain["seconds"])
    run.judged_at = run.seconds
    run.start = card_from_text(plain.get("start", "null"))  # a file of before it could be anything but random
    run.epoch_files[:] = [str(name) for name in plain["epoch_files"]]
    none = (np.zeros(0), np.zeros(0), np.zeros((0, 128), np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32))
    last = (np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
    run.judgements[:] = [Judgement(int(s), int(e), f, r, *none, *last) for s, e, f, r in plain["judged"]]
