"""Training as a job: a step is a batch, and every yield carries a snapshot.

What lives here: the loop, judging, stopping on what cannot go on. What does not: losses, data, what a
snapshot holds (``train_state``), files (``run_file``). May import: the rest of learning, jobs; torch inside functions.

On the CPU the same settings, data and number of threads give the same weights to the last bit (unless time decides
when to stop): all chance comes from one local generator, and nothing that adds in a changing order is used.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.jobs import Job, Progress, native
from app.learning import heads, losses, mining, networks, run_file, towers
from app.learning.judge import judge
from app.learning.model_store import ModelCard
from app.learning.patch_set import PairSampler, PatchSet, check_trainable, split
from app.learning.train_settings import (
    TrainSettings,
    check_margin,
    design_of,
    margin_of,
    plan_of,
    rate_at,
    start_of,
    threads_of,
)
from app.learning.train_state import (
    CurveLog,
    Judgement,
    Lamp,
    MinedTriplets,
    TrainSnapshot,
    collapse_lamp,
    mined_triplets,
)
from app.records import Array, UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

JUDGE_SHARE = 0.08  # of the scenes kept for judging
JUDGE_SECONDS = 20.0  # between judgements within an epoch, and at least ...
JUDGE_RATIO = 30.0  # ... so many times what one takes


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained network.

    Attributes:
        settings: it was trained with.
        tensors: weights and batch statistics by name, on the CPU.
        snapshot: the last one.
        stopped: why training ended early, or empty.
        data: name and fingerprint of the set.
        side: pixels of its patches' sides.
        start: card of the model it started from, or None.
    """

    settings: TrainSettings
    tensors: dict[str, Array]
    snapshot: TrainSnapshot
    stopped: str
    data: tuple[str, str]
    side: int
    start: ModelCard | None = None


@dataclass(eq=False)
class _Run:
    """The state of one training; everything in it goes into the run file and comes back from it."""

    data: PatchSet
    held_out: PatchSet
    settings: TrainSettings
    design: str
    network: nn.Module
    optimiser: torch.optim.Adam
    sampler: PairSampler
    rng: np.random.Generator
    generator: torch.Generator
    device: torch.device
    start: ModelCard | None = None
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    rows: CurveLog = field(default_factory=CurveLog)
    judgements: list[Judgement] = field(default_factory=list)
    judged_at: float = -math.inf
    judging: float = 0.0
    mined: MinedTriplets | None = None
    epoch_files: list[str] = field(default_factory=list)
    note: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """Return the sha256 of what is trained on; of millions of patches it takes seconds, so once."""
        return run_file.fingerprint(self.data)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that go through all points once."""
        return self.sampler.batches

    @property
    def total_steps(self) -> int:
        """Of the whole training, 0 where time decides."""
        return 0 if self.settings.minutes else self.settings.epochs * self.steps_per_epoch

    def share(self) -> float:
        """Return how much of the training is done, 0 to 1."""
        minutes = self.settings.minutes
        return min(1.0, self.seconds / (60 * minutes)) if minutes else self.step / self.total_steps

    def lamp(self) -> Lamp:
        """Return whether the embedding has collapsed, judged by the last steps."""
        plan = plan_of(self.settings)
        return collapse_lamp(
            self.rows.curves(last=50),
            loss=plan.name,
            margin=margin_of(self.settings),
            squared=plan.squared,
            miner=self.settings.miner,
            apart=self.settings.spread or self.design != "embedding",
        )

    def snapshot(self) -> TrainSnapshot:
        """Return all that is known now, as a copy that training does not change."""
        return TrainSnapshot(
            self.epoch,
            self.step,
            self.steps_per_epoch,
            self.total_steps,
            self.seconds,
            self.rows.curves(),
            tuple(self.judgements),
            self.mined,
            self.lamp(),
            margin_of(self.settings),
            tuple(self.epoch_files),
            self.note,
            networks.device_name(self.device),
        )

    def progress(self, text: str = "") -> Progress:
        """Return how far the run is, with a snapshot as payload."""
        settings = self.settings
        done, total = (self.seconds, 60 * settings.minutes) if settings.minutes else (self.step, self.total_steps)
        return Progress(min(done, total), total, text or f"Epoch {self.epoch + 1}", self.snapshot())


def train(
    data: PatchSet,
    settings: TrainSettings,
    *,
    autosave: Path | None = None,
    resume: bool = False,
    epochs_folder: Path | None = None,
) -> Job[TrainResult]:
    """Train a network on matching patches.

    Yields a :class:`TrainSnapshot` before the first step and after every one; a step is a batch. While PyTorch is
    being loaded there is none yet (the payload is None); while a batch takes longer than 0.1 s, the last one is
    yielded again, so that stopping never waits for it.

    Args:
        data: what to train on; 8 % of its scenes are kept for judging and never trained on.
        settings: how.
        autosave: file that takes the whole state after every epoch, atomically; training goes on from it.
        resume: go on from ``autosave`` where it exists.
        epochs_folder: existing folder that takes the network of every epoch, ``epoch-001.safetensors`` ...

    Raises:
        UserError: if the set cannot be trained on, the margin can never be met, the model to start from does not
            fit, or the file to go on from is of another training.
    """
    check_margin(settings)
    check_trainable(data, settings.batch)
    yield from native(partial(importlib.import_module, "torch"), progress=Progress(0, None, "Loading PyTorch"))
    again = autosave if resume and autosave is not None and autosave.exists() else None
    (run,) = yield from native(partial(_prepared, data, settings, again), progress=Progress(0, None, "Starting"))
    yield run.progress("Starting")
    yield from _judge(run)
    good = run_file.network_tensors(run.network)
    stopped = ""
    while run.share() < 1.0:
        spent: list[float] = []
        (stopped,) = yield from native(partial(_step, run), progress=run.progress(), seconds=spent)
        run.seconds += spent[0]
        if stopped:
            run_file.put_network(run.network, good)
            break
        yield run.progress()
        if run.step % run.steps_per_epoch == 0:
            run.epoch += 1
            yield from _judge(run)
            good = run_file.network_tensors(run.network)
            _keep(run, good, autosave, epochs_folder)
            yield run.progress()
        elif run.seconds - run.judged_at > max(JUDGE_SECONDS, JUDGE_RATIO * run.judging):
            yield from _judge(run)
    if not stopped:
        yield from _judge(run)
        good = run_file.network_tensors(run.network)
        _keep(run, good, autosave, None)
    known = (data.name, run_file.fingerprint(data))
    return TrainResult(settings, good, run.snapshot(), stopped, known, data.side, run.start)


def _prepared(data: PatchSet, settings: TrainSettings, again: Path | None) -> _Run:
    """Return a training that has not begun, or stands where the file ``again`` left it.

    The file holds all there is to know of the model it started from, so that model may be gone by then.
    """
    import torch

    torch.set_num_threads(threads_of(settings))
    part, held_out = split(data, JUDGE_SHARE, settings.seed)
    check_trainable(part, settings.batch)
    device = networks.best_device()
    plan = towers.PLANS[settings.network]
    design = design_of(settings)
    network = (
        networks.make_tower(plan, side=data.side, seed=settings.seed, spread=settings.spread)
        if design == "embedding"
        else heads.make_decider(design, plan, side=data.side, seed=settings.seed)
    )
    start = start_of(settings) if again is None else None
    if start is not None:
        if start.card.side != data.side:
            raise UserError(
                f"The model {settings.start} describes patches of {start.card.side} pixels, these have {data.side}; "
                "start from random weights."
            )
        tower = network if design == "embedding" else network.get_submodule("tower")
        run_file.put_network(tower, dict(start.tensors))
    network = network.to(device)
    rng = np.random.default_rng(settings.seed)
    run = _Run(
        part,
        held_out,
        settings,
        design,
        network,
        torch.optim.Adam(network.parameters(), settings.rate),
        PairSampler(part, settings.batch, rng, augment=settings.augment),
        rng,
        torch.Generator(device).manual_seed(settings.seed),
        device,
        None if start is None else start.card,
    )
    if again is not None:
        run_file.restore(run, again)
    return run


def _keep(run: _Run, tensors: dict[str, Array], autosave: Path | None, folder: Path | None) -> None:
    """Save what there is after an epoch; a full disk stops nothing, but is said."""
    try:
        if folder is not None:
            target = folder / f"epoch-{run.epoch:03d}.safetensors"
            run_file.save_network(target, tensors, run.settings, run.data.side, run.start)
            run.epoch_files.append(str(target))
        if autosave is not None:
            run_file.save(run, autosave)
        run.note = ""
    except UserError as error:
        run.note = f"{error} Training goes on, but the last epoch is not on disk."


def _step(run: _Run) -> str:
    """Train on one batch; return why training cannot go on, or nothing."""
    import torch

    settings = run.settings
    for group in run.optimiser.param_groups:
        group["lr"] = rate_at(run.share(), settings.rate)
    points, left, right = run.sampler.draw()
    drawn = np.concatenate([left, right])
    patches = networks.as_input(drawn, run.device)
    labels = torch.from_numpy(np.concatenate([points, points])).to(run.device)
    run.network.train()
    if run.start is None:
        networks.gather_statistics(run.network, run.step)
    embedding, terms, distance = _elements(run, patches, labels)
    loss = terms.mean()
    if settings.second_order and run.design != "joint":  # one number of a pair has no neighbours
        half = len(embedding) // 2
        loss = loss + settings.second_order * losses.second_order(embedding[:half], embedding[half:]).mean()
    if not bool(torch.isfinite(loss)):
        return (
            f"The loss is not a number after step {run.step}; the network of epoch {run.epoch} is kept. Lower the rate."
        )
    run.optimiser.zero_grad()
    torch.autograd.backward(loss)
    norm = _gradient_norm(run.network)
    if not math.isfinite(norm):
        return (
            f"A gradient is infinite after step {run.step}; the network of epoch {run.epoch} is kept. Lower the rate."
        )
    run.optimiser.step()
    run.step += 1
    found = embedding.detach()
    spread = float((found - found.mean(0)).square().sum(1).mean().sqrt())
    row = (float(loss.detach()), terms.active(), norm, spread, len(terms.values), mining.possible_triplets(labels))
    run.rows.append(row)
    run.mined = mined_triplets(terms, distance, drawn)
    return ""


def _elements(run: _Run, patches: Tensor, labels: Tensor) -> tuple[Tensor, losses.Terms, Tensor]:
    """Return descriptors (of a joint network: its logits), the elements of the loss, and distances between patches."""
    if run.design == "embedding":
        embedding = networks.embed(run.network, patches)
        return (embedding, *_terms(run, embedding, labels))
    return heads.decided(run.network, run.settings.miner, patches, labels, run.generator)


def _terms(run: _Run, embedding: Tensor, labels: Tensor) -> tuple[losses.Terms, Tensor]:
    """Return the elements of the loss, and the distances they were chosen by."""
    import torch

    plan, margin = plan_of(run.settings), margin_of(run.settings)
    with torch.no_grad():
        distance = losses.distance_matrix(embedding, squared=plan.squared)
    if plan.kind == "batch":
        return losses.lifted_terms(embedding, labels, margin), distance
    # A loss that only pulls has no margin for a negative to be within; it needs none.
    miner = "random" if run.settings.miner == "semi-hard" and not margin else run.settings.miner
    triplets = mining.mine(miner, distance, labels, margin=margin, generator=run.generator, squared=plan.squared)
    if plan.kind == "triplets":
        return losses.triplet_terms(plan.name, embedding, triplets, margin), distance
    first = torch.cat([triplets.anchor, triplets.anchor])
    second = torch.cat([triplets.positive, triplets.negative])
    same = torch.arange(len(first), device=first.device) < len(triplets)
    return losses.pair_terms(plan.name, embedding, first, second, same, margin), distance


def _gradient_norm(network: nn.Module) -> float:
    import torch

    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())


def _judge(run: _Run) -> Generator[Progress, None, None]:
    """Judge the network on what was kept from it, unless that has just been done."""
    if not len(run.held_out) or (run.judgements and run.judgements[-1].step == run.step):
        return
    start = time.perf_counter()
    found = yield from judge(
        run.network, run.held_out, (run.step, run.epoch), lambda: run.progress("Judging"), design=run.design
    )
    if run.judgements:
        # Only the newest keeps its descriptors; of the others the numbers and distances stay.
        old = run.judgements[-1]
        run.judgements[-1] = replace(old, embedding=old.embedding[:0], sample=old.sample[:0], point=old.point[:0])
    if found is not None:
        run.judgements.append(found)
    run.judging = time.perf_counter() - start
    run.seconds += run.judging
    run.judged_at = run.seconds
