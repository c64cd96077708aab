"""Losses of metric learning, element by element, with the rows of the batch each element came from.

What lives here: losses of pairs, triplets and whole batches. What does not: which ones are looked at (``mining``).
May import: mining; torch inside functions only.

``relu`` stands at every hinge: its derivative at the kink is 0, so that no loss means no gradient, also at equality.
Distances are Euclidean, d; "squared" losses use d². Sources are named at each function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.learning.mining import Triplets, same_class

if TYPE_CHECKING:
    from torch import Tensor

# d is the root of d² + TINY - so that coincident points have a gradient of 0 instead of NaN.
TINY = 1e-12
MOST_SUBTRACTED = 8  # pairs per row


@dataclass(frozen=True, eq=False)
class Terms:
    """The elements of a loss.

    Attributes:
        values: (M,) loss of every element, with gradient.
        anchor: (M,) int64 row of the first partner.
        positive: (M,) row of the same class, -1 where the element has none.
        negative: (M,) row of another class, -1 where the element has none.
    """

    values: Tensor
    anchor: Tensor
    positive: Tensor
    negative: Tensor

    def mean(self) -> Tensor:
        """Return the mean over all elements, 0 of none (with a gradient of 0)."""
        return self.values.mean() if len(self.values) else self.values.sum()

    def active(self) -> float:
        """Return the share of elements that are not zero, NaN of none."""
        return float((self.values > 0).float().mean()) if len(self.values) else float("nan")


@dataclass(frozen=True)
class LossPlan:
    """A loss by name, for forms and the command line.

    Attributes:
        name, title: key and words.
        kind: ``"pairs"``, ``"triplets"``, ``"batch"`` (its own choice of elements) or ``"decision"``.
        margin: its usual margin.
        squared: whether its triplets' gap is measured in squared distances.
        source: paper or lecture.
    """

    name: str
    title: str
    kind: str
    margin: float
    squared: bool
    source: str


PLANS = {
    plan.name: plan
    for plan in (
        LossPlan("contrastive", "Contrastive, [m² − d²]₊", "pairs", 1.0, True, "Bell and Bala 2015, the lecture's"),
        LossPlan("contrastive-hadsell", "Contrastive, [m − d]₊²", "pairs", 1.0, True, "Hadsell et al. 2006"),
        LossPlan("contrastive-linear", "Contrastive, [m − d]₊", "pairs", 1.0, False, "pytorch-metric-learning"),
        LossPlan("triplet", "Triplet, squared distances", "triplets", 0.2, True, "FaceNet 2015, the lecture's"),
        LossPlan("triplet-unsquared", "Triplet, distances", "triplets", 1.0, False, "Balntas et al. 2016"),
        LossPlan("hardnet", "HardNet", "triplets", 1.0, False, "Mishchuk et al. 2017"),
        LossPlan("lifted", "Lifted structure", "batch", 1.0, False, "Oh Song et al. 2016"),
        LossPlan(
            "positive-only",
            "Pull only: collapses",
            "pairs",
            0.0,
            True,
            "the lecture's question: what is the issue with this loss?",
        ),
        LossPlan("softmax", "Decision: same or not", "decision", 0.0, False, "Han et al. 2015 (MatchNet)"),
    )
}


def squared_distance(left: Tensor, right: Tensor) -> Tensor:
    """Return (M,) d² of M pairs of rows."""
    return (left - right).square().sum(1)


def distance_matrix(embedding: Tensor, *, squared: bool) -> Tensor:
    """Return the (N, N) distances between rows, by one product; the diagonal of d is 0 and has no gradient of NaN."""
    norm = embedding.square().sum(1)
    gap = (norm[:, None] + norm[None] - 2 * embedding @ embedding.t()).relu()
    return gap if squared else (gap + TINY).sqrt()


def squared_between(embedding: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return (M,) d² between rows ``first`` and ``second`` of (N, D).

    A few pairs are subtracted, which is exact near 0; many are read from one product, which fits into memory.
    (``index_select`` and not indexing: its gradient adds up in a fixed order, so training repeats to the last bit.)
    """
    if len(first) <= MOST_SUBTRACTED * len(embedding):
        return squared_distance(embedding.index_select(0, first), embedding.index_select(0, second))
    return distance_matrix(embedding, squared=True).flatten().index_select(0, first * len(embedding) + second)


# ---------------------------------------------------------------------------------- pairs


def contrastive(d2: Tensor, same: Tensor, margin: float) -> Tensor:
    """Return (M,) losses: d² of matching pairs, [m² - d²]₊ of others.

    The lecture's form (Bell and Bala, TOG 34(4), 2015): a negative pair is pushed by 2 d, least where it is hardest.

    Args:
        d2: (M,) squared distances.
        same: (M,) bool.
        margin: m.
    """
    return d2.where(same, (margin * margin - d2).relu())


def contrastive_hadsell(d2: Tensor, same: Tensor, margin: float) -> Tensor:
    """Return (M,) losses: d² of matching pairs, [m - d]₊² of others (Hadsell, Chopra & LeCun, CVPR 2006, doubled)."""
    return d2.where(same, (margin - (d2 + TINY).sqrt()).relu().square())


def contrastive_linear(d2: Tensor, same: Tensor, margin: float) -> Tensor:
    """Return (M,) losses: d of matching pairs, [m - d]₊ of others (pytorch-metric-learning's default)."""
    d = (d2 + TINY).sqrt()
    return d.where(same, (margin - d).relu())


def positive_only(d2: Tensor, same: Tensor, margin: float) -> Tensor:
    """Return (M,) losses: d² of matching pairs, nothing for others. The constant map minimises it."""
    del margin
    return d2.where(same, d2 * 0)


_PAIRS = {
    "contrastive": contrastive,
    "contrastive-hadsell": contrastive_hadsell,
    "contrastive-linear": contrastive_linear,
    "positive-only": positive_only,
}


def pair_terms(name: str, embedding: Tensor, first: Tensor, second: Tensor, same: Tensor, margin: float) -> Terms:
    """Return the loss of pairs of rows.

    Args:
        name: a pair loss of :data:`PLANS`.
        embedding: (N, D).
        first, second: (M,) rows.
        same: (M,) bool.
        margin: m.
    """
    import torch

    values = _PAIRS[name](squared_between(embedding, first, second), same, margin)
    none = torch.full_like(second, -1)
    return Terms(values, first, second.where(same, none), second.where(~same, none))


# ------------------------------------------------------------------------------- triplets


def triplet(near2: Tensor, far2: Tensor, margin: float) -> Tensor:
    """Return (M,) losses [d²(a,p) - d²(a,n) + m]₊ of squared distances (FaceNet, CVPR 2015; the lecture's)."""
    return (near2 - far2 + margin).relu()


def triplet_unsquared(near2: Tensor, far2: Tensor, margin: float) -> Tensor:
    """Return (M,) losses [d(a,p) - d(a,n) + m]₊, given squared distances."""
    return ((near2 + TINY).sqrt() - (far2 + TINY).sqrt() + margin).relu()


def triplet_terms(name: str, embedding: Tensor, triplets: Triplets, margin: float) -> Terms:
    """Return the loss of triplets of rows: squared for ``"triplet"``, of distances otherwise."""
    near2 = squared_between(embedding, triplets.anchor, triplets.positive)
    far2 = squared_between(embedding, triplets.anchor, triplets.negative)
    loss = triplet if PLANS[name].squared else triplet_unsquared
    return Terms(loss(near2, far2, margin), triplets.anchor, triplets.positive, triplets.negative)


# ------------------------------------------------------------------------- whole batches


def lifted_terms(embedding: Tensor, labels: Tensor, margin: float) -> Terms:
    """Return the lifted structured loss of every matching pair: ½ [J]₊² (Oh Song et al., CVPR 2016).

    J(i,j) = log(sum over negatives k of i of e^(m - D(i,k)) + over those of j of e^(m - D(j,k))) + D(i,j), with D
    not squared. Each unordered pair is one element; its ``negative`` is the one nearest to i or j.
    """
    import torch

    distance = distance_matrix(embedding, squared=False)
    positive, negative = same_class(labels)
    first, second = torch.nonzero(positive.triu(), as_tuple=True)
    push = (margin - distance).masked_fill(~negative, float("-inf"))
    both = torch.cat([push.index_select(0, first), push.index_select(0, second)], dim=1)
    keep = torch.isfinite(both).any(1)
    first, second, both = first[keep], second[keep], both[keep]
    value = torch.logsumexp(both, dim=1) + distance.flatten().index_select(0, first * len(labels) + second)
    nearest = both.argmax(1) % len(labels) if len(both) else first
    return Terms(0.5 * value.relu().square(), first, second, nearest)


def second_order(left: Tensor, right: Tensor, neighbours: int = 8) -> Tensor:
    """Return (M,) how much the distances of point i to its neighbours differ between the two views.

    sqrt(sum over neighbours j of (|l_i - l_j| - |r_i - r_j|)²), the neighbours being the nearest of either view.
    Source: SOSNet (Tian et al., CVPR 2019).
    """
    import torch

    a, b = distance_matrix(left, squared=False), distance_matrix(right, squared=False)
    count = min(neighbours, len(left) - 1)
    with torch.no_grad():
        own = torch.eye(len(left), dtype=torch.bool, device=left.device)
        near = torch.zeros_like(own)
        for side in (a, b):
            near.scatter_(1, side.masked_fill(own, float("inf")).topk(count, largest=False).indices, value=True)
    return ((a - b).square() * near).sum(1).add(TINY).sqrt()
