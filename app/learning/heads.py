"""Networks that decide whether two patches match, instead of putting them into a space.

What lives here: a Siamese tower with a head that decides (MatchNet), and a joint network that sees both patches as two
channels (DeepCompare's 2ch), and what they decide of a batch. What does not: towers (``networks``), what they cost
(``cost``), the steps of a training (``train``). May import: networks, towers, losses, mining; torch inside functions.

A decision has no descriptor to keep, so all n² pairs pass through the head (or, jointly, through everything). The
tower of the first kind has one, though: its activations, trained for nothing but the decision, can be compared as
descriptors, which is what the lecture sets beside a tower trained as a metric.

Sources: Han et al., MatchNet, CVPR 2015; Zagoruyko and Komodakis, CVPR 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.learning import mining, networks
from app.learning.losses import Terms, distance_matrix
from app.learning.towers import DIMENSIONS, TowerPlan
from app.records import Array, Float32, Float64, UInt8

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

HIDDEN = 64
JOINT_MOST = 150  # points per image up to which all pairs are decided; beyond, the nearest are re-ranked
RERANKED = 10
PIECE = 512
Decider = Any  # a torch module; torch is not imported where only its name would be needed


def make_decider(design: str, plan: TowerPlan, *, side: int = 32, seed: int = 0) -> Decider:
    """Return a network whose ``forward(left, right)`` gives (N,) logits of "same" for (N, 1, S, S) patches.

    ``design``: ``"head"`` has ``.tower`` (whose output are the intermediate activations) and is symmetric: the head
    sees |a - b| and a·b, element by element. ``"joint"`` takes two channels and averages both orders.

    Raises:
        KeyError: for another design.
    """
    return {"head": _siamese, "joint": _joint}[design](plan, side, seed)


def _linear(inputs: int, outputs: int, seed: int) -> nn.Linear:
    """Return a layer whose first weights depend on ``seed`` alone."""
    import torch
    from torch import nn

    layer = nn.Linear(inputs, outputs)
    generator = torch.Generator().manual_seed(seed)
    nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


def _siamese(plan: TowerPlan, side: int, seed: int) -> Decider:
    import torch
    from torch import nn

    class Siamese(nn.Module):
        """Two patches through one tower, then a head."""

        def __init__(self) -> None:
            super().__init__()
            self.tower = networks.make_tower(plan, side=side, seed=seed)
            self.head = nn.Sequential(
                _linear(2 * DIMENSIONS, HIDDEN, seed + 1), nn.ReLU(), _linear(HIDDEN, 1, seed + 2)
            )

        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            """Return (N,) logits."""
            both = networks.embed(self.tower, torch.cat([left, right]))
            return self.decide(both[: len(left)], both[len(left) :])

        def decide(self, a: Tensor, b: Tensor) -> Tensor:
            """Return (N,) logits of pairs of activations, the same whichever comes first."""
            scaled = DIMENSIONS**0.5
            logits: Tensor = self.head(torch.cat([(a - b).abs() * scaled, a * b * DIMENSIONS], dim=1))
            return logits.flatten()

    return Siamese()


def _joint(plan: TowerPlan, side: int, seed: int) -> Decider:
    import torch
    from torch import nn

    class Joint(nn.Module):
        """Two patches as the two channels of one picture."""

        def __init__(self) -> None:
            super().__init__()
            tower = networks.make_tower(plan, side=side, seed=seed)
            width, kernel, stride = plan.layers[0]
            wide = nn.Conv2d(2, width, kernel, stride, kernel // 2, bias=False)
            generator = torch.Generator().manual_seed(seed)
            nn.init.orthogonal_(wide.weight, gain=0.6, generator=generator)
            tower[0] = wide
            self.tower = networks.channels_last(tower)
            self.head = nn.Sequential(nn.ReLU(), _linear(DIMENSIONS, 1, seed + 1))

        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            """Return (N,) logits, the mean over both orders."""
            a, b = networks.standardised(left), networks.standardised(right)
            both = torch.cat([torch.cat([a, b], dim=1), torch.cat([b, a], dim=1)])
            logits: Tensor = self.head(self.tower(both.contiguous(memory_format=torch.channels_last))).flatten()
            return (logits[: len(left)] + logits[len(left) :]) / 2

    return Joint()


def decision_terms(logits: Tensor, same: Tensor, first: Tensor, second: Tensor) -> Terms:
    """Return the softmax loss of every pair: -log p(its true class), of the two classes same and other.

    With two classes the softmax of (z, 0) is the logistic function of z; log(1 + e^∓z) never overflows.

    Args:
        logits: (M,) z.
        same: (M,) bool.
        first, second: (M,) rows.
    """
    import torch
    from torch.nn import functional

    values = functional.softplus(torch.where(same, -logits, logits))
    none = torch.full_like(second, -1)
    return Terms(values, first, second.where(same, none), second.where(~same, none))


def decided(
    decider: Decider, miner: str, patches: Tensor, labels: Tensor, generator: Generator
) -> tuple[Tensor, Terms, Tensor]:
    """Decide every matching pair of a batch, and as many others: half of them mined by activations if there are any.

    The other half is drawn: of the nearest wrong partners alone a network learns that what is near must be another
    point, and then takes any two unlike patches for the same.

    Args:
        decider: as it is.
        miner: a key of ``mining.MINERS``; ``random`` draws all.
        patches: (2B, 1, S, S), row i + B the partner of row i.
        labels: (2B,) of the points.
        generator: of what is drawn.

    Returns:
        (2B, D) activations (of a joint network (M, 1) logits), the terms of the loss, and (2B, 2B) distances of the
        activations (all 1 where there are none).
    """
    import torch

    apart = hasattr(decider, "decide")
    if apart:
        values, decide = networks.embed(decider.tower, patches), decider.decide
        with torch.no_grad():
            distance = distance_matrix(values, squared=False)
    else:
        values, decide = patches, decider
        distance = torch.ones(len(labels), len(labels), device=labels.device)
    mined = apart and miner != "random"
    half = len(labels) // 2
    rows = torch.arange(half, device=labels.device)
    others = [_others("random", distance, labels, half - half // 2 if mined else half, generator)]
    if mined:
        others.append(_others(miner, distance, labels, half // 2, generator))
    first = torch.cat([rows, *(anchor for anchor, _ in others)])
    second = torch.cat([rows + half, *(negative for _, negative in others)])
    logits = decide(values.index_select(0, first), values.index_select(0, second))
    same = torch.arange(len(first), device=labels.device) < half
    terms = decision_terms(logits, same, first, second)
    return values if apart else logits[:, None], terms, distance


def _others(miner: str, distance: Tensor, labels: Tensor, most: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return the rows of up to ``most`` wrong pairs that a miner finds, taken evenly from all it finds."""
    import torch

    found = mining.mine(miner, distance, labels, margin=1.0, generator=generator)
    some = torch.linspace(0, len(found) - 1, min(most, len(found)), device=labels.device).long()
    return found.anchor[some], found.negative[some]


def probabilities(decider: Decider, left: UInt8, right: UInt8) -> Float32:
    """Return (N,) p(same) of N pairs of patches, with the network as it is when judging."""
    import torch

    was = decider.training
    decider.eval()
    device = next(decider.parameters()).device
    found = [np.zeros(0, np.float32)]
    try:
        with torch.inference_mode():
            for start in range(0, len(left), PIECE):
                part = slice(start, start + PIECE)
                logits = decider(networks.as_input(left[part], device), networks.as_input(right[part], device))
                found.append(torch.sigmoid(logits).cpu().numpy())
    finally:
        decider.train(was)
    return np.concatenate(found)


def activations(decider: Decider, patches: UInt8) -> Float32:
    """Return the intermediate activations of a Siamese decider as (N, D) descriptors of unit length.

    Raises:
        ValueError: for a joint network: its activations belong to pairs.
    """
    if not hasattr(decider, "decide"):
        raise ValueError("a joint network has no activations of one patch alone")
    return networks.describe_patches(decider.tower, patches)


def joint_matrix(decider: Decider, left: UInt8, right: UInt8, descriptors: tuple[Float32, Float32] | None) -> Float64:
    """Return (N, M) 1 - p(same): all pairs up to 150 points a side, else of the 10 nearest by descriptor, rest inf.

    Args:
        decider: any.
        left, right: (N, S, S) and (M, S, S) patches.
        descriptors: of both sides, to choose the nearest by; needed beyond 150 points.

    Raises:
        ValueError: if they are needed and missing.
    """
    n, m = len(left), len(right)
    result = np.full((n, m), np.inf)
    rows, columns = _asked(n, m, descriptors)
    for start in range(0, len(rows), PIECE):
        a, b = rows[start : start + PIECE], columns[start : start + PIECE]
        result[a, b] = 1 - probabilities(decider, left[a], right[b])
    return result


def _asked(n: int, m: int, descriptors: tuple[Float32, Float32] | None) -> tuple[Array, Array]:
    """Return rows and columns of the pairs to decide."""
    if max(n, m) <= JOINT_MOST:
        rows, columns = np.divmod(np.arange(n * m), max(m, 1))
        return rows, columns
    if descriptors is None:
        raise ValueError(f"more than {JOINT_MOST} points need descriptors to choose the nearest by")
    gap = descriptors[0] @ descriptors[1].T  # unit vectors: nearest = largest product
    count = min(RERANKED, m)
    columns = np.argpartition(-gap, count - 1, axis=1)[:, :count]
    return np.repeat(np.arange(n), count), columns.ravel()


def head_multiply_adds() -> int:
    """Return the multiply-accumulates of the head for one pair."""
    return 2 * DIMENSIONS * HIDDEN + HIDDEN


def joint_multiply_adds(side: int, plan: TowerPlan) -> int:
    """Return the multiply-accumulates of the joint network for one order of one pair."""
    total, channels = 0, 2
    for width, kernel, stride in plan.layers:
        side = -(-side // stride)
        total += side * side * channels * width * kernel * kernel
        channels = width
    return total + side * side * channels * DIMENSIONS + DIMENSIONS
