"""Losses and miners against pytorch-metric-learning, where it is installed (in an environment of its own)."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from app.learning import losses, mining

if importlib.util.find_spec("pytorch_metric_learning") is None:
    pytest.skip(
        "pytorch-metric-learning, an independent implementation, is not installed here; "
        "install it beside the program in an environment of its own to compare (pip install pytorch-metric-learning)",
        allow_module_level=True,
    )

from pytorch_metric_learning import distances as peer_distances
from pytorch_metric_learning import losses as peer_losses
from pytorch_metric_learning import miners as peer_miners
from pytorch_metric_learning import reducers

G = torch.Generator().manual_seed(0)
LABELS = torch.arange(8).repeat(4)
X = torch.nn.functional.normalize(torch.randn(32, 16, generator=G, dtype=torch.float64), dim=1)
PLAIN = peer_distances.LpDistance(normalize_embeddings=False, p=2, power=1)
SQUARED = peer_distances.LpDistance(normalize_embeddings=False, p=2, power=2)


def gradient(loss: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss, x)[0]


def ours(miner: str, x: torch.Tensor, *, squared: bool, margin: float) -> mining.Triplets:
    distance = losses.distance_matrix(x.detach(), squared=squared)
    return mining.mine(miner, distance, LABELS, margin=margin, generator=G)


@pytest.mark.parametrize(("name", "distance", "margin"), [("triplet", SQUARED, 0.4), ("triplet-unsquared", PLAIN, 0.3)])
def test_triplets(name: str, distance: peer_distances.LpDistance, margin: float) -> None:
    x = X.clone().requires_grad_(True)
    triplets = ours("all", x, squared=losses.PLANS[name].squared, margin=margin)
    mine = losses.triplet_terms(name, x, triplets, margin).mean()
    peer = peer_losses.TripletMarginLoss(margin=margin, distance=distance, reducer=reducers.MeanReducer())(x, LABELS)
    assert float(mine.detach()) == pytest.approx(float(peer.detach()), rel=1e-6)
    assert torch.allclose(gradient(mine, x), gradient(peer, x), atol=1e-7)


def test_the_linear_contrastive_loss() -> None:
    x = X.clone().requires_grad_(True)
    rows = torch.combinations(torch.arange(32))
    first, second = rows[:, 0], rows[:, 1]
    same = LABELS[first] == LABELS[second]
    terms = losses.pair_terms("contrastive-linear", x, first, second, same, 1.0)
    mine = terms.values[same].mean() + terms.values[~same].mean()
    loss = peer_losses.ContrastiveLoss(pos_margin=0, neg_margin=1, distance=PLAIN, reducer=reducers.MeanReducer())
    peer = loss(x, LABELS)
    assert float(mine.detach()) == pytest.approx(float(peer.detach()), rel=1e-6)
    assert torch.allclose(gradient(mine, x), gradient(peer, x), atol=1e-7)


def test_lifted_structure() -> None:
    x = X.clone().requires_grad_(True)
    mine = losses.lifted_terms(x, LABELS, 1.0).mean()
    peer = peer_losses.LiftedStructureLoss(neg_margin=1, pos_margin=0, distance=PLAIN, reducer=reducers.MeanReducer())
    value = peer(x, LABELS)
    # The peer halves as well, over ordered pairs; the mean is the same.
    assert float(mine.detach()) == pytest.approx(float(value.detach()), rel=1e-5)


def test_batch_hard_and_semi_hard_miners() -> None:
    mine = ours("batch-hard", X, squared=False, margin=0.2)
    peer = peer_miners.BatchHardMiner(distance=PLAIN)(X, LABELS)
    assert set(zip(*(t.tolist() for t in (mine.anchor, mine.positive, mine.negative)), strict=True)) == set(
        zip(*(t.tolist() for t in peer), strict=True)
    )
    every = peer_miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard", distance=PLAIN)(X, LABELS)
    allowed = set(zip(*(t.tolist() for t in every), strict=True))
    found = ours("semi-hard", X, squared=False, margin=0.2)
    triples = set(zip(*(t.tolist() for t in (found.anchor, found.positive, found.negative)), strict=True))
    assert triples <= allowed
    assert {(a, p) for a, p, _ in triples} == {(a, p) for a, p, _ in allowed}
