"""Miners against loops over all triplets, and what each promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.learning import mining

Triples = list[tuple[int, int, int]]


def batch(seed: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (14,), generator=g)
    x = torch.randn(14, 4, generator=g, dtype=torch.float64)
    return torch.cdist(x, x), labels


def mined(miner: str, distance: torch.Tensor, labels: torch.Tensor, margin: float = 1.0) -> Triples:
    found = mining.mine(miner, distance, labels, margin=margin, generator=torch.Generator().manual_seed(1))
    return list(zip(found.anchor.tolist(), found.positive.tolist(), found.negative.tolist(), strict=True))


def every(labels: torch.Tensor) -> Triples:
    n, y = range(len(labels)), labels.tolist()
    return [(a, p, k) for a in n for p in n for k in n if a != p and y[a] == y[p] and y[k] != y[a]]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_that_all_is_all_and_counted_right(seed: int) -> None:
    distance, labels = batch(seed)
    assert sorted(mined("all", distance, labels)) == sorted(every(labels))
    assert mining.possible_triplets(labels) == len(every(labels))


def test_the_number_of_triplets_of_a_balanced_batch() -> None:
    labels = torch.arange(32).repeat(32)
    assert mining.possible_triplets(labels) == 32 * 32 * 31 * 31 * 32  # 31.5 million against 1,024 anchors


@pytest.mark.parametrize("miner", mining.MINERS)
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_that_every_triplet_is_one(miner: str, seed: int) -> None:
    distance, labels = batch(seed)
    assert set(mined(miner, distance, labels)) <= set(every(labels))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_the_hard_miners_against_loops(seed: int) -> None:
    distance, labels = batch(seed)
    d, triples = distance.numpy(), every(labels)
    hardest = {
        (a, p): min((k for b, q, k in triples if (a, p) == (b, q)), key=lambda k: d[a, k]) for a, p, _ in triples
    }
    assert sorted(mined("hardest", distance, labels)) == sorted((a, p, k) for (a, p), k in hardest.items())
    for a, p, k in mined("batch-hard", distance, labels):
        worst = max(d[b, q] - d[b, m] for b, q, m in triples if b == a)
        assert d[a, p] - d[a, k] == pytest.approx(worst)
    assert len(mined("batch-hard", distance, labels)) == len({a for a, _, _ in triples})
    semi = {}
    for a, p, k in triples:
        if 0 < d[a, k] - d[a, p] < 1 and ((a, p) not in semi or d[a, k] < d[a, semi[a, p]]):
            semi[a, p] = k
    assert sorted(mined("semi-hard", distance, labels)) == sorted((a, p, k) for (a, p), k in semi.items())
    for a, p, k in mined("in-batch", distance, labels):
        nearest = min(min(d[a, m], d[p, m]) for b, q, m in triples if (b, q) == (a, p))
        assert d[a, k] == nearest


def test_the_kinds_of_triplets_at_equality() -> None:
    """A gap of exactly the margin is easy, of exactly 0 hard: neither is semi-hard."""
    for far, expected in ((2.0, []), (1.0, []), (1.5, [(0, 1, 2)])):
        distance = torch.tensor([[0.0, 1.0, far], [1.0, 0.0, 9.0], [far, 9.0, 0.0]])
        assert mined("semi-hard", distance, torch.tensor([0, 0, 1])) == expected


@pytest.mark.parametrize("miner", mining.MINERS)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0], []])
def test_that_batches_without_a_triplet_give_none(miner: str, labels: list[int]) -> None:
    y = torch.tensor(labels, dtype=torch.int64)
    assert mined(miner, torch.ones(len(labels), len(labels)), y) == []


@pytest.mark.parametrize("miner", ["hardest", "batch-hard", "semi-hard", "in-batch", "all"])
def test_that_the_order_of_the_batch_does_not_matter(miner: str) -> None:
    distance, labels = batch(3)
    order = torch.randperm(14, generator=torch.Generator().manual_seed(0))
    back = {int(old): new for new, old in enumerate(order)}
    turned = {
        (int(order[a]), int(order[p]), int(order[k]))
        for a, p, k in mined(miner, distance[order][:, order], labels[order])
    }
    straight = set(mined(miner, distance, labels))
    if miner == "in-batch":  # of a pair, either may be the anchor; ties aside the same negatives are found
        turned = {(min(a, p), max(a, p), k) for a, p, k in turned}
        straight = {(min(a, p), max(a, p), k) for a, p, k in straight}
    assert turned == straight
    assert len(back) == 14


def test_that_all_triplets_of_pairs_do_not_take_the_memory_of_a_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = torch.arange(60).repeat(2)
    looked_at = []
    plain = torch.nonzero

    def nonzero(values: torch.Tensor, *, as_tuple: bool = False) -> object:
        looked_at.append(values.numel())
        return plain(values, as_tuple=as_tuple)

    monkeypatch.setattr(torch, "nonzero", nonzero)
    found = mining.mine("all", torch.zeros(120, 120), labels, margin=1, generator=torch.Generator())
    assert len(found) == mining.possible_triplets(labels) == 120 * 118
    assert max(looked_at) == 120 * 120


def test_that_distance_weighting_evens_distances_out() -> None:
    """Of points spread evenly on a sphere, drawn distances are about even where chance alone gives nearly only √2."""
    g = torch.Generator().manual_seed(0)
    n = 600
    near = torch.nn.functional.normalize(torch.randn(n, 128, generator=g), dim=1)
    anchor = near[:1].repeat(2, 1)
    share = torch.linspace(0, 1, n)[:, None]
    spread = torch.nn.functional.normalize((1 - share) * near[:1] + share * near, dim=1)
    x = torch.cat([anchor, spread])
    labels = torch.cat([torch.zeros(2, dtype=torch.int64), torch.arange(1, n + 1)])
    distance = torch.cdist(x, x)
    drawn: dict[str, list[float]] = {}
    for miner in ("random", "distance-weighted"):
        found = [
            mining.mine(miner, distance, labels, margin=1, generator=torch.Generator().manual_seed(s))
            for s in range(200)
        ]
        drawn[miner] = [float(distance[t.anchor[0], t.negative[0]]) for t in found]
    assert np.mean(drawn["distance-weighted"]) < np.mean(drawn["random"]) - 0.2
    assert not math.isnan(sum(drawn["distance-weighted"]))


def test_that_distance_weighting_prefers_near_negatives_and_draws_by_d_also_where_gaps_are_squared() -> None:
    """1 / q(d) rises again beyond √2, where the farthest negatives would then be drawn before all others."""
    angle = 2 * torch.arcsin(torch.tensor([0.0, 0.0, 0.6, 1.0, 1.3, 1.5, 1.7, 1.9, 1.99], dtype=torch.float64) / 2)
    x = torch.stack([angle.cos(), angle.sin()], dim=1)
    labels = torch.tensor([0, 0, *range(1, 8)])
    distance = torch.cdist(x, x)
    for squared in (False, True):
        near = []
        for seed in range(50):
            found = mining.mine(
                "distance-weighted",
                distance.square() if squared else distance,
                labels,
                margin=1,
                generator=torch.Generator().manual_seed(seed),
                squared=squared,
            )
            near += distance[found.anchor, found.negative].tolist()
        assert near == pytest.approx([0.6] * len(near))
    only_far = torch.tensor([[0, 0.1, 1.9], [0.1, 0, 1.95], [1.9, 1.95, 0]])
    assert len(mined("distance-weighted", only_far, torch.tensor([0, 0, 1]))) == 2


def test_that_distance_weighted_negatives_of_a_squared_loss_teach() -> None:
    """Of descriptors all over the sphere the draws for the squared triplet loss have a loss; those of chance rarely."""
    g = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(40, 4, generator=g), dim=1)
    x = torch.nn.functional.normalize(centres.repeat(2, 1) + 0.2 * torch.randn(80, 4, generator=g), dim=1)
    labels, gap = torch.arange(40).repeat(2), torch.cdist(x, x).square()
    active = {}
    for miner in ("random", "distance-weighted"):
        t = mining.mine(miner, gap, labels, margin=0.2, generator=g, squared=True)
        active[miner] = float((gap[t.anchor, t.positive] - gap[t.anchor, t.negative] + 0.2 > 0).float().mean())
    assert active["distance-weighted"] > 2 * active["random"] > 0
