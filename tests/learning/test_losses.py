"""Losses against loops over single elements, closed-form gradients, and the table of equalities."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.learning import losses, mining
from app.learning.mining import Triplets

G = torch.Generator().manual_seed(0)
LABELS = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3])


def points(n: int = 8, d: int = 5, *, unit: bool = False) -> torch.Tensor:
    values = torch.randn(n, d, generator=G, dtype=torch.float64)
    return torch.nn.functional.normalize(values, dim=1) if unit else values


def all_pairs(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = torch.tensor(list(itertools.combinations(range(len(labels)), 2)))
    first, second = rows[:, 0], rows[:, 1]
    return first, second, labels[first] == labels[second]


def by_hand(name: str, d: float, margin: float, *, same: bool) -> float:
    """One pair, as written in the papers."""
    if same:
        return d if name == "contrastive-linear" else d * d
    return {
        "contrastive": max(0.0, margin**2 - d**2),
        "contrastive-hadsell": max(0.0, margin - d) ** 2,
        "contrastive-linear": max(0.0, margin - d),
        "positive-only": 0.0,
    }[name]


@pytest.mark.parametrize("name", [n for n, plan in losses.PLANS.items() if plan.kind == "pairs"])
def test_that_pair_losses_equal_a_loop_over_pairs(name: str) -> None:
    x, (first, second, same) = points(), all_pairs(LABELS)
    terms = losses.pair_terms(name, x, first, second, same, 2.5)
    for row in range(len(first)):
        i, j = int(first[row]), int(second[row])
        d = math.dist(x[i].tolist(), x[j].tolist())
        expected = by_hand(name, d, 2.5, same=bool(same[row]))
        assert float(terms.values[row]) == pytest.approx(expected, abs=1e-6)
        partner = terms.positive[row] if same[row] else terms.negative[row]
        other = terms.negative[row] if same[row] else terms.positive[row]
        assert (int(terms.anchor[row]), int(partner), int(other)) == (i, j, -1)


def pair_gradient(name: str, x: torch.Tensor, *, same: bool, margin: float) -> torch.Tensor:
    x = x.clone().requires_grad_(True)
    zero, one = torch.tensor([0]), torch.tensor([1])
    losses.pair_terms(name, x, zero, one, torch.tensor([same]), margin).values.sum().backward()
    assert x.grad is not None
    return x.grad


@settings(deadline=None, max_examples=40)
@given(d=st.floats(0.01, 0.99))
def test_the_closed_form_gradients_of_contrastive_losses(d: float) -> None:
    direction = torch.nn.functional.normalize(points(1), dim=1)[0]
    x = torch.stack([direction * d, direction * 0])
    gap = x[0] - x[1]
    expected = {
        "contrastive": -2 * gap,
        "contrastive-hadsell": -2 * (1 - d) * gap / d,
        "contrastive-linear": -gap / d,
        "positive-only": gap * 0,
    }
    for name, value in expected.items():
        found = pair_gradient(name, x, same=False, margin=1.0)
        assert torch.allclose(found[0], value, atol=1e-6)
        assert torch.allclose(found[0], -found[1])
        pull = pair_gradient(name, x, same=True, margin=1.0)
        assert torch.allclose(pull[0], gap / d if name == "contrastive-linear" else 2 * gap, atol=1e-6)


@pytest.mark.parametrize("name", ["contrastive", "contrastive-hadsell", "contrastive-linear"])
def test_that_a_negative_pair_at_or_beyond_the_margin_has_neither_loss_nor_force(name: str) -> None:
    for d in (1.0, 1.5):
        x = torch.tensor([[d, 0.0], [0.0, 0.0]], dtype=torch.float64)
        first, second, same = torch.tensor([0]), torch.tensor([1]), torch.tensor([False])
        assert float(losses.pair_terms(name, x, first, second, same, 1.0).values) == pytest.approx(0, abs=1e-11)
        assert float(pair_gradient(name, x, same=False, margin=1.0).abs().max()) <= 1e-11


def test_that_coincident_negatives_never_move_in_the_lectures_form() -> None:
    x = torch.zeros(2, 3, dtype=torch.float64)
    for name in ("contrastive", "contrastive-hadsell", "contrastive-linear"):
        found = pair_gradient(name, x, same=False, margin=1.0)
        assert torch.isfinite(found).all()
        assert float(found.abs().max()) == 0


def test_how_hard_negatives_are_pushed_in_the_two_forms() -> None:
    """The forces by hand: 0.02 and 1.98 at d = 0.01, both 1 at 0.5, 1.98 and 0.02 at 0.99."""
    for d, lecture, hadsell in ((0.01, 0.02, 1.98), (0.5, 1.0, 1.0), (0.99, 1.98, 0.02)):
        x = torch.tensor([[d, 0.0], [0.0, 0.0]], dtype=torch.float64)
        for name, force in (("contrastive", lecture), ("contrastive-hadsell", hadsell)):
            assert float(pair_gradient(name, x, same=False, margin=1.0)[0].norm()) == pytest.approx(force, abs=1e-6)


def triplet_gradient(name: str, x: torch.Tensor, margin: float) -> tuple[float, torch.Tensor]:
    x = x.clone().requires_grad_(True)
    one = [torch.tensor([row]) for row in range(3)]
    value = losses.triplet_terms(name, x, Triplets(*one), margin).values.sum()
    value.backward()
    assert x.grad is not None
    return float(value.detach()), x.grad


def test_the_three_gradients_of_the_lectures_triplet_loss() -> None:
    for _ in range(20):
        x = points(3)
        a, p, n = x
        value, found = triplet_gradient("triplet", x, 0.5)
        loss = math.dist(a.tolist(), p.tolist()) ** 2 - math.dist(a.tolist(), n.tolist()) ** 2 + 0.5
        assert value == pytest.approx(max(0.0, loss))
        expected = torch.stack([2 * (n - p), 2 * (p - a), 2 * (a - n)]) * (loss > 0)
        assert torch.allclose(found, expected)
        assert torch.allclose(found.sum(0), torch.zeros(5, dtype=torch.float64), atol=1e-12)


def test_that_the_unsquared_triplet_equals_torchs_and_has_unit_forces() -> None:
    reference = torch.nn.TripletMarginLoss(margin=1.0, eps=0.0)
    for _ in range(20):
        x = points(3)
        value, found = triplet_gradient("triplet-unsquared", x, 1.0)
        assert value == pytest.approx(float(reference(x[0:1], x[1:2], x[2:3])), abs=1e-9)
        if value > 0:
            assert float(found[1].norm()) == pytest.approx(1, abs=1e-6)
            assert float(found[2].norm()) == pytest.approx(1, abs=1e-6)


def test_that_no_loss_means_no_force_also_at_equality() -> None:
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.5]], dtype=torch.float64)
    value, found = triplet_gradient("triplet", x, 1.25)  # 1 - 2.25 + 1.25 = 0 exactly
    assert value == 0
    assert float(found.abs().max()) == 0
    value, found = triplet_gradient("triplet", torch.stack([x[0], x[1], x[1]]), 0.2)  # d_an = d_ap: hard, loss = m
    assert value == pytest.approx(0.2)
    assert float(found.abs().max()) > 0


def hardnet_by_hand(a: np.ndarray, p: np.ndarray) -> float:
    n, total = len(a), 0.0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        nearest = min(
            min(math.dist(x, y) for x, y in [(a[i], p[j]), (a[i], a[j]), (p[i], a[j]), (p[i], p[j])]) for j in others
        )
        total += max(0.0, 1 + math.dist(a[i], p[i]) - nearest)
    return total / n


def hardnet(x: torch.Tensor, labels: torch.Tensor) -> losses.Terms:
    distance = losses.distance_matrix(x, squared=False)
    return losses.triplet_terms("hardnet", x, mining.mine("in-batch", distance, labels, margin=1, generator=G), 1.0)


def test_hardnets_loss_against_a_loop_and_its_known_values() -> None:
    a, p = points(9, unit=True), points(9, unit=True)
    labels = torch.arange(9).repeat(2)
    both = torch.cat([a, p])
    assert float(hardnet(both, labels).mean()) == pytest.approx(hardnet_by_hand(a.numpy(), p.numpy()), abs=1e-6)
    swapped = hardnet(torch.cat([p, a]), labels)
    assert float(swapped.mean()) == pytest.approx(float(hardnet(both, labels).mean()), abs=1e-9)
    same = torch.nn.functional.normalize(torch.ones(18, 5, dtype=torch.float64), dim=1)
    assert float(hardnet(same, labels).mean()) == pytest.approx(1.0, abs=1e-6)  # collapse
    apart = torch.eye(9, dtype=torch.float64).repeat(2, 1)  # positives together, others at √2
    assert float(hardnet(apart, labels).mean()) == 0.0


def test_that_hardnets_loss_of_unit_vectors_lies_between_0_and_3() -> None:
    """Distances of unit vectors lie in [0, 2]: at worst a positive pair is opposite and a negative one coincides."""
    e = torch.zeros(1, 5, dtype=torch.float64)
    e[0, 0] = 1
    worst = torch.cat([e, e, -e, -e])  # anchors of classes 0 and 1, then their positives
    assert float(hardnet(worst, torch.tensor([0, 1, 0, 1])).mean()) == pytest.approx(3, abs=1e-5)
    for _ in range(10):
        value = float(hardnet(points(18, unit=True), torch.arange(9).repeat(2)).mean())
        assert 0 <= value <= 3


def test_that_random_unit_vectors_give_hardnets_known_loss() -> None:
    """Anchors against positives only: 1.229 for 1,024 pairs in 128 dimensions; both sides see a little nearer ones."""
    x = torch.nn.functional.normalize(torch.randn(2048, 128, generator=G), dim=1)
    assert float(hardnet(x, torch.arange(1024).repeat(2)).mean()) == pytest.approx(1.25, abs=0.03)


def test_lifted_structure_against_a_loop_and_its_bounds() -> None:
    x = points()
    terms = losses.lifted_terms(x, LABELS, 1.0)
    distance = torch.cdist(x, x).numpy()
    expected = []
    for i, j in itertools.combinations(range(8), 2):
        if LABELS[i] != LABELS[j]:
            continue
        pushes = [math.exp(1 - distance[k, n]) for k in (i, j) for n in range(8) if LABELS[n] != LABELS[k]]
        value = math.log(sum(pushes)) + distance[i, j]
        hardest = math.log(max(pushes)) + distance[i, j]
        assert hardest <= value <= hardest + math.log(len(pushes))
        expected.append(0.5 * max(0.0, value) ** 2)
    assert np.allclose(terms.values.numpy(), expected, atol=1e-6)
    assert len(losses.lifted_terms(x[:2], LABELS[:2], 1.0).values) == 0  # no negative


def test_that_distance_matrices_agree_and_have_no_nan_gradient() -> None:
    x = points().requires_grad_(True)
    matrix = losses.distance_matrix(x, squared=False)
    assert torch.allclose(matrix, torch.cdist(x, x), atol=1e-5)
    matrix.sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_that_many_pairs_read_from_one_product_equal_those_subtracted() -> None:
    x = points(30)
    rows = torch.cartesian_prod(torch.arange(30), torch.arange(30))
    assert len(rows) > losses.MOST_SUBTRACTED * 30
    many = losses.squared_between(x, rows[:, 0], rows[:, 1])
    few = torch.cat([losses.squared_between(x, part[:, 0], part[:, 1]) for part in rows.split(100)])
    assert torch.allclose(many, few, atol=1e-12)


def test_that_the_second_order_term_is_zero_for_equal_shapes_and_rotations() -> None:
    a = points(12)
    turn = torch.linalg.qr(points(5))[0]
    assert float(losses.second_order(a, a @ turn).max()) < 1e-5
    assert float(losses.second_order(a, points(12)).min()) > 0.1


def test_that_a_loss_of_nothing_is_zero_and_has_a_gradient() -> None:
    x = points().requires_grad_(True)
    none = torch.zeros(0, dtype=torch.int64)
    value = losses.triplet_terms("triplet", x, Triplets(none, none, none), 0.2).mean()
    value.backward()
    assert float(value.detach()) == 0
    assert math.isnan(losses.triplet_terms("triplet", x, Triplets(none, none, none), 0.2).active())


def test_what_autograd_takes_for_the_slope_at_a_kink() -> None:
    """relu 0, clamp 1, maximum ½: only with relu no loss means no force, also at equality."""
    for hinge, slope in (
        (torch.relu, 0.0),
        (lambda z: z.clamp(min=0), 1.0),
        (lambda z: torch.maximum(z, torch.zeros(1)), 0.5),
    ):
        z = torch.zeros(1, requires_grad=True)
        hinge(z).sum().backward()
        assert z.grad is not None
        assert float(z.grad) == slope


@pytest.mark.parametrize("name", ["triplet", "triplet-unsquared", "hardnet"])
def test_that_every_triplet_loss_has_no_force_at_equality(name: str) -> None:
    """Distances 3 and 4; the margin is what the code itself finds between them, so the hinge is met to the last bit."""
    x = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    beyond, _ = triplet_gradient(name, x, 100.0)
    margin = 100.0 - beyond
    assert margin == pytest.approx(7.0 if losses.PLANS[name].squared else 1.0)
    value, found = triplet_gradient(name, x, float(np.nextafter(margin, 0)) if margin != 7 else margin)
    assert value == 0
    assert float(found.abs().max()) == 0
    value, found = triplet_gradient(name, x, margin + 1e-6)
    assert value == pytest.approx(1e-6, abs=1e-9)
    assert float(found.abs().max()) > 0.9


def test_that_lifted_structure_with_one_negative_each_is_its_short_form() -> None:
    """log(e^(α − D_ik) + e^(α − D_jl)) + D_ij, squared and halved, for one positive pair and one negative to each."""
    x, labels = points(4), torch.tensor([0, 0, 1, 2])
    d = torch.cdist(x, x).numpy()
    pushes = [math.exp(1 - d[i, n]) for i in (0, 1) for n in (2, 3)]
    of_two = losses.lifted_terms(x, labels, 1.0)
    assert float(of_two.values[0]) == pytest.approx(0.5 * max(0.0, math.log(sum(pushes)) + d[0, 1]) ** 2, rel=1e-6)
    short = losses.lifted_terms(x[:3], labels[:3], 1.0)
    j = math.log(math.exp(1 - d[0, 2]) + math.exp(1 - d[1, 2])) + d[0, 1]
    assert float(short.values[0]) == pytest.approx(0.5 * max(0.0, j) ** 2, rel=1e-6)


@pytest.mark.parametrize("name", [n for n, plan in losses.PLANS.items() if plan.kind == "pairs"])
def test_that_the_two_ends_of_a_pair_can_be_exchanged(name: str) -> None:
    """One tower for both: the loss does not know which came first."""
    x, (first, second, same) = points(), all_pairs(LABELS)
    one = losses.pair_terms(name, x, first, second, same, 1.5).values
    other = losses.pair_terms(name, x, second, first, same, 1.5).values
    assert torch.allclose(one, other, atol=1e-12)


def test_that_the_cosine_orders_unit_vectors_as_the_distance_does() -> None:
    x = points(30, unit=True)
    d2 = losses.distance_matrix(x, squared=True)
    assert torch.allclose(d2, 2 - 2 * x @ x.T, atol=1e-9)
    assert (d2.argsort(dim=1)[:, 1:] == (-(x @ x.T)).argsort(dim=1)[:, 1:]).all()
