"""Networks that decide: symmetry, one tower for both, all pairs against a loop, and what they cost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from app.jobs import run_to_end
from app.learning import cost, heads, networks, towers
from app.learning.patch_data import WarpSettings, warped_patches
from app.learning.patch_set import PatchSet
from app.learning.photographs import find_photographs, read_photographs
from app.learning.train import train
from app.learning.train_settings import TrainSettings, design_of, with_usual_miner
from tests.learning.test_train import DATA

PLAN = towers.PLANS["tiny"]
A, B = DATA.patches[:12], DATA.patches[30:42]


@pytest.mark.parametrize("design", ["head", "joint"])
def test_that_the_order_of_the_two_patches_does_not_matter(design: str) -> None:
    decider = heads.make_decider(design, PLAN, seed=1)
    assert np.allclose(heads.probabilities(decider, A, B), heads.probabilities(decider, B, A), atol=1e-6)
    assert np.array_equal(
        heads.probabilities(decider, A, B), heads.probabilities(heads.make_decider(design, PLAN, seed=1), A, B)
    )
    assert heads.probabilities(decider, A[:0], B[:0]).shape == (0,)


def test_the_softmax_loss_against_its_definition() -> None:
    logits = torch.tensor([2.0, -3.0, 0.0, 500.0, -500.0], dtype=torch.float64)
    same = torch.tensor([True, False, True, False, True])
    first, second = torch.arange(5), torch.arange(5) + 5
    terms = heads.decision_terms(logits, same, first, second)
    for z, s, value in zip(logits[:3].tolist(), same.tolist(), terms.values.tolist(), strict=False):
        both = np.exp([z, 0.0]) / np.exp([z, 0.0]).sum()
        assert value == pytest.approx(-math.log(both[0] if s else both[1]))
    assert terms.values[3:].tolist() == [500.0, 500.0]  # no overflow
    assert terms.positive.tolist() == [5, -1, 7, -1, 9]
    assert terms.negative.tolist() == [-1, 6, -1, 8, -1]


@pytest.mark.parametrize("design", ["head", "joint"])
def test_that_all_pairs_equal_a_loop(design: str) -> None:
    decider = heads.make_decider(design, PLAN, seed=2)
    matrix = heads.joint_matrix(decider, A[:4], B[:5], None)
    for i in range(4):
        for j in range(5):
            one = 1 - heads.probabilities(decider, A[i : i + 1], B[j : j + 1])[0]
            assert matrix[i, j] == pytest.approx(one, abs=1e-5)


def test_that_many_points_are_re_ranked_among_the_ten_nearest() -> None:
    decider = heads.make_decider("head", PLAN, seed=2)
    left, right = DATA.patches[:160], DATA.patches[100:260]
    with pytest.raises(ValueError, match="descriptors"):
        heads.joint_matrix(decider, left, right, None)
    both = heads.activations(decider, left), heads.activations(decider, right)
    matrix = heads.joint_matrix(decider, left, right, both)
    assert (np.isfinite(matrix).sum(axis=1) == 10).all()
    gap = np.linalg.norm(both[0][:, None] - both[1][None], axis=2)
    for row in range(0, 160, 40):
        asked = np.flatnonzero(np.isfinite(matrix[row]))
        assert gap[row, asked].max() <= np.sort(gap[row])[9] + 1e-5


def test_that_activations_of_a_tower_are_descriptors_and_a_joint_network_has_none() -> None:
    decider = heads.make_decider("head", PLAN, seed=2)
    values = heads.activations(decider, A)
    assert np.array_equal(values, networks.describe_patches(decider.tower, A))
    with pytest.raises(ValueError, match="one patch alone"):
        heads.activations(heads.make_decider("joint", PLAN), A)


@pytest.mark.parametrize("design", ["head", "joint"])
def test_that_deciders_train(design: str) -> None:
    settings = TrainSettings(network="tiny", design=design, miner="random", batch=16, epochs=8, threads=1)
    result = run_to_end(train(DATA, settings))
    first, last = result.snapshot.judgements[0], result.snapshot.judgements[-1]
    assert result.snapshot.curves.loss[-5:].mean() < result.snapshot.curves.loss[:5].mean()
    assert last.positive.mean() - last.negative.mean() < first.positive.mean() - first.negative.mean()
    assert last.embedding.shape[1] == (128 if design == "head" else 0)
    assert "tower.0.weight" in result.tensors
    assert any(name.startswith("head.") for name in result.tensors)
    assert math.isnan(last.rank1) == (design == "joint")


@pytest.fixture(scope="module")
def photographed() -> PatchSet:
    photographs = run_to_end(read_photographs(find_photographs(["scikit-image"])[:2]))
    warp = WarpSettings(views=3, points=150)
    return run_to_end(warped_patches([(each.name, each.grey) for each in photographs], warp, name="two"))


@pytest.mark.parametrize("miner", ["random", "in-batch", "hardest", "distance-weighted"])
def test_that_a_decision_learned_of_near_negatives_holds_for_far_ones(miner: str, photographed: PatchSet) -> None:
    """Of the nearest alone it learns that what is near is another point: 0.87 of in-batch, 0.67 of hardest."""
    settings = TrainSettings(network="tiny", design="head", miner=miner, batch=64, epochs=8, threads=1)
    last = run_to_end(train(photographed, settings)).snapshot.judgements[-1]
    assert last.fpr95 < 0.4


def test_that_a_loss_and_a_design_have_their_usual_negatives() -> None:
    usual = {
        ("hardnet", "embedding"): "in-batch",
        ("triplet", "embedding"): "semi-hard",
        ("contrastive", "embedding"): "random",
        ("softmax", "embedding"): "distance-weighted",
        ("hardnet", "head"): "distance-weighted",
    }
    for (loss, design), miner in usual.items():
        assert with_usual_miner(TrainSettings(loss=loss, design=design)).miner == miner


def test_that_the_loss_that_decides_takes_a_head() -> None:
    assert design_of(TrainSettings(loss="softmax")) == "head"
    assert design_of(TrainSettings(loss="softmax", design="joint")) == "joint"
    assert design_of(TrainSettings()) == "embedding"


def counted(network: Any, *inputs: torch.Tensor) -> int:
    """Multiply-accumulates of convolutions and linear layers, seen by hooks."""
    total = [0]

    def look(layer: Any, _: Any, output: torch.Tensor) -> None:
        total[0] += output.numel() * layer.weight[0].numel()

    hooks = [
        m.register_forward_hook(look) for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)
    ]
    with torch.no_grad():
        network.eval()(*inputs)
    for hook in hooks:
        hook.remove()
    return total[0]


@pytest.mark.parametrize("name", list(towers.PLANS))
def test_that_the_formulas_equal_counted_operations(name: str) -> None:
    plan, one = towers.PLANS[name], torch.rand(1, 1, 32, 32)
    assert counted(networks.make_tower(plan), one) == towers.multiply_adds(32, plan)
    assert counted(heads.make_decider("joint", plan), one, one) == 2 * heads.joint_multiply_adds(32, plan)
    siamese = counted(heads.make_decider("head", plan), one, one)
    assert siamese == 2 * towers.multiply_adds(32, plan) + heads.head_multiply_adds()


def test_the_cost_of_the_three_designs() -> None:
    """n = 1000 and HardNet's tower: 0.078 T by descriptors, n/2 times as much jointly (one order)."""
    plan = towers.PLANS["large"]
    costs = cost.design_costs(1000, 32, plan)
    assert costs["siamese"] == pytest.approx(0.078e12, rel=0.01)
    assert costs["joint"] / 2 / costs["siamese"] == pytest.approx(500, rel=0.01)
    assert costs["siamese"] < costs["head"] < costs["joint"]


def test_that_every_design_is_measured_at_every_size() -> None:
    """How fast the seconds rise depends on the machine: their slopes are looked at in the benchmarks."""
    shown = []
    table = run_to_end(cost.measure((4, 8, 16, 32)), shown.append)
    for values in table.seconds.values():  # what takes too long, as where others want the cores, is left out
        assert values[0] > 0
        assert ((values > 0) | np.isnan(values)).all()
    assert np.isnan(shown[0].payload.seconds["joint"]).all()


def test_that_the_slope_is_the_exponent_without_fixed_costs_and_gaps() -> None:
    n = np.array([8, 16, 32, 64, 128], np.float64)
    seconds = {"joint": 2e-5 * n**2, "siamese": 1e-4 * n, "head": np.full(5, np.nan)}
    seconds["siamese"][:2] += 0.3  # of starting; of four or more measurements the last three count
    seconds["joint"][-1] = np.nan  # stopped: it took too long
    table = cost.CostTable(n, seconds)
    assert table.slope("joint") == pytest.approx(2)
    assert table.slope("siamese") == pytest.approx(1)
    assert np.isnan(table.slope("head"))


def test_that_pairs_are_decided_on_the_device_of_the_network() -> None:
    """On the device ``meta``, which computes nothing and refuses what lies elsewhere."""
    seen: list[torch.device] = []

    class Elsewhere(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.empty(1, device="meta"))

        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            seen.extend((left.device, right.device, (self.weight * (left + right)).device))
            return torch.zeros(len(left))

    assert heads.probabilities(Elsewhere(), A, B).tolist() == [0.5] * len(A)
    assert {device.type for device in seen} == {"meta"}
