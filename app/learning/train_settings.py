"""What a training is asked to do, and what can be said of it before it starts, its schedule too; without torch.

May import: losses' and towers' lists, model_store, records, settings.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from app.learning import losses, mining, model_store, towers
from app.records import UserError
from app.settings import Settings, choice, flag, named, number
from app.vision.thread_counts import cores

WARM_UP = 0.03  # of a training
FARTHEST = 2.0  # between unit vectors
RANDOM = "random weights"  # what a training starts from unless a model is named


def starts() -> dict[str, str]:
    """Return what a training may start from: random weights, or any model there is."""
    return {RANDOM: "Random weights", **{name: f"Model {name}" for name in model_store.names() if name != RANDOM}}


@dataclass(frozen=True)
class TrainSettings(Settings):
    """How a network is trained."""

    network: str = choice(
        "fast",
        {plan.name: plan.title for plan in towers.PLANS.values()},
        label="Network",
        help="More channels tell more apart, and take longer for every step and every match.",
    )
    design: str = choice(
        "embedding",
        towers.DESIGNS,
        label="Design",
        help=(
            "An embedding is compared by distance: 2 n passes for n × n pairs. A head decides pair by pair; "
            "seeing both patches jointly decides best and costs n² passes."
        ),
    )
    start: str = named(
        starts,
        suffix=model_store.SUFFIX,
        files="model",
        label="Start from",
        help=(
            "Go on from a trained model of the same network, for example to fit it to pictures of your own. "
            "A training from random weights shows everything from the beginning."
        ),
    )
    loss: str = choice(
        "hardnet",
        {plan.name: plan.title for plan in losses.PLANS.values()},
        label="Loss",
        help=(
            "What is pulled together and pushed apart. "
            "Contrastive losses look at pairs, triplet losses compare a right and a wrong partner of one anchor."
        ),
    )
    miner: str = choice(
        "in-batch",
        mining.MINERS,
        label="Negatives",
        help=(
            "Which wrong partners a batch looks at. Most of all triplets are easy and teach nothing; the hardest teach "
            "most, but the squared loss may collapse on them. Batch-hard takes the farthest positive and the nearest "
            "negative; HardNet the nearest negative of either side. A design that decides takes half of its negatives "
            "so and draws the rest."
        ),
    )
    margin: float = number(
        0.0,
        0.0,
        10.0,
        0.05,
        label="Margin",
        help="How much farther than the right partner a wrong one has to be. Descriptors have length 1.",
        zero_means="usual",
    )
    batch: int = number(
        256, 4, 4096, 1, label="Batch", unit="pairs", help="Points per step; hard negatives are looked for among them."
    )
    epochs: int = number(10, 1, 10000, 1, label="Epochs", help="How often all points are gone through.")
    minutes: float = number(
        0.0,
        0.0,
        10000.0,
        1.0,
        label="Time",
        unit="min",
        help="Stop after this time instead of after the epochs; the rate then falls with time.",
        zero_means="by epochs",
    )
    rate: float = number(
        0.002,
        1e-6,
        1.0,
        0.001,
        label="Learning rate",
        help="Of Adam, at its highest; it rises over the first steps and then falls linearly to nothing.",
        log_scale=True,
    )
    second_order: float = number(
        0.0,
        0.0,
        10.0,
        0.1,
        label="Second order",
        help=(
            "Weight of asking that distances to neighbours agree between both views as well (SOSNet). A joint network "
            "has no distances, so it does not change."
        ),
    )
    spread: bool = flag(
        True,
        label="Keep descriptors apart",
        help=(
            "Normalise the last layer over the batch, as HardNet does: descriptors then cannot all become the same. "
            "Without it they can, as in the lecture: try it with a loss that only pulls."
        ),
    )
    augment: bool = flag(
        True,
        label="Mirror and turn",
        help="Show pairs mirrored and as negatives too, where such patches might have been cut as well.",
    )
    seed: int = number(0, 0, 2**31 - 1, 1, label="Seed", help="Of first weights and batches. Same seed, same result.")
    threads: int = number(
        0,
        0,
        64,
        1,
        label="Threads",
        help="Of the processor. As many as it has cores can be far slower once something else wants one.",
        zero_means="cores − 1",
    )


def plan_of(settings: TrainSettings) -> losses.LossPlan:
    """Return the loss in force: designs that decide have one loss only."""
    return losses.PLANS["softmax" if design_of(settings) != "embedding" else settings.loss]


def design_of(settings: TrainSettings) -> str:
    """Return the design in force: the loss that decides needs a head."""
    return "head" if settings.loss == "softmax" and settings.design == "embedding" else settings.design


def with_usual_miner(settings: TrainSettings) -> TrainSettings:
    """Return the settings with the negatives that belong to the loss and the design.

    HardNet's loss is named after its choice; pairs are drawn, as they were by those who proposed such losses; a
    decision gains most from negatives of all distances (Wu et al., ICCV 2017).
    """
    if design_of(settings) != "embedding":
        miner = "distance-weighted"
    elif settings.loss == "hardnet":
        miner = "in-batch"
    else:
        miner = "random" if plan_of(settings).kind == "pairs" else "semi-hard"
    return dataclasses.replace(settings, miner=miner)


def margin_of(settings: TrainSettings) -> float:
    """Return the margin in force: the one given, or the loss's usual one."""
    return settings.margin or plan_of(settings).margin


def check_margin(settings: TrainSettings) -> None:
    """Complain about a margin that descriptors of unit length can never meet.

    Raises:
        UserError: with the largest margin that can be met.
    """
    plan, margin = plan_of(settings), margin_of(settings)
    # A squared triplet compares squared distances; a contrastive margin is a distance also where it is squared.
    most = FARTHEST**2 if plan.squared and plan.kind == "triplets" else FARTHEST
    if margin > most and plan.kind != "decision":
        raise UserError(
            f"A margin of {margin:g} can never be met: descriptors have length 1, so what it compares ends at "
            f"{most:g}; choose {most:g} or less."
        )


def threads_of(settings: TrainSettings) -> int:
    """Return how many threads to use: those asked for, or one less than the cores it may use."""
    return settings.threads or max(1, cores() - 1)


def start_of(settings: TrainSettings) -> model_store.Checkpoint | None:
    """Return the model a training starts from, or None for random weights.

    Raises:
        UserError: if it is missing, damaged, of another network, or the design has no tower of its own to put it in.
    """
    if settings.start in ("", RANDOM):
        return None
    checkpoint = model_store.load_checkpoint(model_store.find(settings.start))
    network = checkpoint.card.network
    if network != settings.network:
        raise UserError(
            f"The model {settings.start} is of the network {network!r}, not {settings.network!r}; "
            "choose that network, or start from random weights."
        )
    if design_of(settings) == "joint":
        raise UserError(
            "A joint network sees patches in pairs and cannot start from a model that describes one patch; "
            "start from random weights."
        )
    return checkpoint


def rate_at(share: float, highest: float) -> float:
    """Return the learning rate: rising linearly over the first 3 %, then falling linearly to 0."""
    return highest * min(share / WARM_UP + 0.01, 1.0) * max(0.0, 1.0 - share)
