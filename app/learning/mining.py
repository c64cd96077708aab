"""Which pairs and triplets of a batch a loss looks at.

What lives here: miners over one distance matrix, without ever listing all triplets unless asked to. What does not:
losses. May import: torch, inside functions only.

With D squared distances and a margin m, a triplet's gap is D(a,n) - D(a,p): easy at m or more (no loss), semi-hard
between 0 and m, hard at 0 or less. Sources: FaceNet (Schroff et al. 2015) semi-hard; batch-hard
(Hermans et al. 2017); hardest-in-batch (HardNet, Mishchuk et al. 2017); distance-weighted (Wu et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

MINERS = {
    "all": "All triplets",
    "random": "Random negatives",
    "semi-hard": "Semi-hard (FaceNet)",
    "hardest": "Hardest negative",
    "batch-hard": "Batch-hard",
    "in-batch": "In batch (HardNet)",
    "distance-weighted": "Distance-weighted",
}
# Wu et al.: distances below this are treated as this, or the noise of the nearest would dominate; those beyond the
# other as that, or the farthest would: fewer points lie there again, but they are the easiest negatives of all.
CUTOFF, USELESS = 0.5, 1.4


@dataclass(frozen=True, eq=False)
class Triplets:
    """(M,) int64 rows of the batch: anchors, positives, negatives."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor

    def __len__(self) -> int:
        return len(self.anchor)


def same_class(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return (N, N) masks: of the same class but not itself, and of another class."""
    import torch

    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return positive, ~same


def possible_triplets(labels: Tensor) -> int:
    """Return how many triplets the batch has: P·K·(K-1)·(P-1)·K for P classes of K."""
    positive, negative = same_class(labels)
    return int((positive.sum(1) * negative.sum(1)).sum())


def mine(
    miner: str, distance: Tensor, labels: Tensor, *, margin: float, generator: Generator, squared: bool = False
) -> Triplets:
    """Return the triplets a miner picks.

    Args:
        miner: a key of :data:`MINERS`.
        distance: (N, N) distances the gap is measured in (squared for a squared loss), without gradient.
        labels: (N,) classes.
        margin: for semi-hard.
        generator: chance, for random and distance-weighted.
        squared: whether ``distance`` is d², for distance-weighted, which draws by d.

    Returns:
        Perhaps none: a class with one member has no positive, one class alone no negative.

    Raises:
        KeyError: for an unknown miner.
    """
    import torch

    positive, negative = same_class(labels)
    if not (positive.any() and negative.any()):
        none = torch.zeros(0, dtype=torch.int64, device=labels.device)
        return Triplets(none, none, none)
    if miner == "batch-hard":
        return _batch_hard(distance, positive, negative)
    anchor, near = torch.nonzero(positive, as_tuple=True)
    if miner == "all":  # of N³ places those of matching pairs alone
        row, far = torch.nonzero(negative[anchor], as_tuple=True)
        return Triplets(anchor[row], near[row], far)
    keep = negative[anchor].any(1)
    anchor, near = anchor[keep], near[keep]
    if miner == "in-batch":
        return _in_batch(distance, negative, anchor, near)
    if squared and miner == "distance-weighted":
        distance = distance.sqrt()
    picks = {"random": _random, "semi-hard": _semi_hard, "hardest": _hardest, "distance-weighted": _weighted}
    far, valid = picks[miner](distance, negative, anchor, near, margin, generator)
    return Triplets(anchor[valid], near[valid], far[valid])


_Pick = tuple["Tensor", "Tensor"]


def _nearest(distance: Tensor, allowed: Tensor) -> Tensor:
    """Return per row the column of the smallest allowed distance (column 0 where none is allowed)."""
    return distance.masked_fill(~allowed, float("inf")).argmin(1)


def _batch_hard(distance: Tensor, positive: Tensor, negative: Tensor) -> Triplets:
    import torch

    rows = torch.nonzero(positive.any(1) & negative.any(1)).flatten()
    farthest = distance.masked_fill(~positive, float("-inf"))[rows].argmax(1)
    return Triplets(rows, farthest, _nearest(distance[rows], negative[rows]))


def _in_batch(distance: Tensor, negative: Tensor, anchor: Tensor, near: Tensor) -> Triplets:
    """One triplet per matching pair: the nearest negative to either of the two, which then is the anchor."""
    once = anchor < near
    anchor, near = anchor[once], near[once]
    of_first, of_second = _nearest(distance[anchor], negative[anchor]), _nearest(distance[near], negative[near])
    swap = distance[near, of_second] < distance[anchor, of_first]
    return Triplets(anchor.where(~swap, near), near.where(~swap, anchor), of_first.where(~swap, of_second))


def _hardest(distance: Tensor, negative: Tensor, anchor: Tensor, near: Tensor, margin: float, g: Generator) -> _Pick:
    del margin, g
    return _nearest(distance, negative)[anchor], near >= 0


def _random(distance: Tensor, negative: Tensor, anchor: Tensor, near: Tensor, margin: float, g: Generator) -> _Pick:
    import torch

    del margin
    return torch.multinomial(negative[anchor].to(distance.dtype), 1, generator=g).flatten(), near >= 0


def _semi_hard(distance: Tensor, negative: Tensor, anchor: Tensor, near: Tensor, margin: float, g: Generator) -> _Pick:
    """The nearest negative that is farther than the positive, if it is within the margin."""
    del g
    reach = distance[anchor, near][:, None]
    row = distance[anchor]
    allowed = negative[anchor] & (row > reach) & (row < reach + margin)
    return _nearest(row, allowed), allowed.any(1)


def _weighted(distance: Tensor, negative: Tensor, anchor: Tensor, near: Tensor, margin: float, g: Generator) -> _Pick:
    """Draw negatives with weight 1/q(d), q the density of distances between points spread evenly on a sphere.

    On the unit sphere of R^n, q(d) ~ d^(n-2) (1 - d²/4)^((n-3)/2), with n = 128, the dimensions of every tower here.
    Weights are taken relative to the largest of the row, in logarithms. Beyond 1.4 they would rise again; Wu et al.
    draw none from there, here they keep the smallest weight, so that an anchor with no other has a negative too.
    """
    import torch

    del margin
    n = 128.0
    d = distance[anchor].clamp(CUTOFF, USELESS)
    log_weight = -(n - 2) * d.log() - 0.5 * (n - 3) * (1 - 0.25 * d * d).log()
    log_weight = log_weight.masked_fill(~negative[anchor], float("-inf"))
    weight = (log_weight - log_weight.max(1, keepdim=True).values).exp()
    return torch.multinomial(weight, 1, generator=g).flatten(), near >= 0
