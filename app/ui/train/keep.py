"""Keeping what was trained: a network of a run becomes a model with a card, and the matcher uses it.

What lives here: :class:`Kept`, what is to be kept, and :func:`keep`, a job. What does not: files (``model_store``),
Qt. May import: learning, the trainer's records, jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app import matchers
from app.jobs import Job, Progress
from app.learning import model_store
from app.learning.train import TrainResult
from app.learning.train_settings import TrainSettings, design_of, margin_of
from app.learning.train_state import TrainSnapshot
from app.records import Array, UserError
from app.settings import to_json
from app.ui.train.sources import Prepared


@dataclass(frozen=True, eq=False)
class Kept:
    """What is to be kept: the file of an epoch, or a whole result.

    Attributes:
        prepared: what it was trained on.
        settings: it was trained with.
        snapshot: of its training, for the numbers on the card; None if unknown.
        file: network of an epoch; None for the end of a run that finished.
        epoch: of the file.
        result: of the run.
    """

    prepared: Prepared | None
    settings: TrainSettings
    snapshot: TrainSnapshot | None
    file: Path | None
    epoch: int
    result: TrainResult | None = None


def free_name(settings: TrainSettings, source: str) -> str:
    """Return a name no model has yet."""
    taken = model_store.names()
    number = 1
    while (name := f"{source} {settings.loss} {number}") in taken:
        number += 1
    return name


def keep(kept: Kept, name: str) -> Job[str]:
    """Write a model with its card and return its name.

    Raises:
        UserError: if the name cannot be had, or the model not written.
    """
    yield Progress(0, 1, f"Saving {name}")
    model_store.check_name(name)
    span = model_store.SPAN if kept.prepared is None else kept.prepared.span
    ids = () if kept.prepared is None else kept.prepared.ids
    target = model_store.folder() / f"{name}{model_store.SUFFIX}"
    if kept.result is not None:
        card = model_store.card_of(kept.result, name, span=span, data_ids=ids)
        tensors = model_store.tower_tensors(kept.result)
    elif kept.file is not None:
        checkpoint = model_store.load_checkpoint(kept.file)
        tensors = _tower(checkpoint.tensors, kept.settings)
        card = replace(
            checkpoint.card,
            name=name,
            span=span,
            loss=kept.settings.loss,
            miner=kept.settings.miner,
            margin=margin_of(kept.settings),
            seed=kept.settings.seed,
            settings={"training": to_json(kept.settings)},
            data="" if kept.prepared is None else kept.prepared.patches.name,
            data_ids=model_store.united(ids, checkpoint.card.data_ids),
            epochs=kept.epoch,
            device="" if kept.snapshot is None else kept.snapshot.device,
            numbers=_numbers(kept),
        )
    else:
        raise UserError("There is no network yet: let the training come to the end of its first epoch.")
    model_store.save_checkpoint(target, card, tensors)
    matchers.refresh()
    return name


def _tower(tensors: Mapping[str, Array], settings: TrainSettings) -> dict[str, Array]:
    """Return what describes of an epoch's network."""
    design = design_of(settings)
    if design == "joint":
        raise UserError("A joint network sees patches in pairs and has no descriptor to keep; train another design.")
    start = "tower." if design == "head" else ""
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _numbers(kept: Kept) -> dict[str, float]:
    """Return what the judgement after the epoch said."""
    judged = [] if kept.snapshot is None else [j for j in kept.snapshot.judgements if j.epoch == kept.epoch]
    if not judged:
        return {}
    # The judgement of an epoch's end is the first one that counts that epoch as done.
    return {"held-out FPR95": round(judged[0].fpr95, 5), "held-out rank-1": round(judged[0].rank1, 4)}
