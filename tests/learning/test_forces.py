"""Contrastive and triplet forces: closed forms, autograd, hinges at equality, mining against loops, the collapse."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from samples import groups, turned

from app.learning.forces import (
    FORMS,
    all_triplets,
    classes_of,
    contrastive,
    descend_pairs,
    descend_shared,
    descend_triplets,
    force_curve,
    hardest,
    mined,
    pair_forces,
    semi_hard,
    triplet,
    triplet_forces,
)
from app.learning.toy import toy
from app.records import UserError

DIFFERENT = np.zeros(1, np.bool_)


def at_distance(d: float, form: str, m: float = 1.0) -> tuple[float, float]:
    """(loss, length of the gradient) of one dissimilar pair."""
    loss, gradient = contrastive(np.array([[d, 0.0]]), np.zeros((1, 2)), DIFFERENT, margin=m, form=form)
    return float(loss[0]), float(np.linalg.norm(gradient))


def test_the_measured_table_of_the_sheet() -> None:
    for d, lecture, hadsell in ((0.01, 0.02, 1.98), (0.5, 1.0, 1.0), (0.99, 1.98, 0.02)):
        assert at_distance(d, "lecture")[1] == pytest.approx(lecture)
        assert at_distance(d, "hadsell")[1] == pytest.approx(hadsell)
        assert at_distance(d, "linear")[1] == pytest.approx(1)


@pytest.mark.parametrize("m", [0.7, 1.0, 2.0])
def test_hinges_at_equality_and_at_zero(m: float) -> None:
    """Zero from d = m on; the slope just before is 2m, 0 and 1."""
    for form, before in (("lecture", 2 * m), ("hadsell", 0.0), ("linear", 1.0)):
        assert at_distance(m, form, m) == (0, 0)
        assert at_distance(1.5 * m, form, m) == (0, 0)
        assert at_distance(m * (1 - 1e-9), form, m)[1] == pytest.approx(before, abs=1e-6)
        assert at_distance(0.0, form, m)[1] == 0  # the direction is undefined: stuck
    assert at_distance(1e-9, "lecture", m)[1] == pytest.approx(0, abs=1e-8)
    assert at_distance(1e-9, "hadsell", m)[1] == pytest.approx(2 * m, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_that_contrastive_gradients_equal_autograd(form: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 3)) * 0.4
    same = rng.uniform(size=30) < 0.4
    loss, gradient = contrastive(a, b, same, margin=1.0, form=form)
    ta, tb = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    squared = ((ta - tb) ** 2).sum(1)
    d = squared.sqrt()
    push = {"lecture": torch.relu(1 - squared), "hadsell": torch.relu(1 - d) ** 2, "linear": torch.relu(1 - d)}[form]
    total = torch.where(torch.tensor(same), squared, push)
    total.sum().backward()
    np.testing.assert_allclose(loss, total.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(gradient, ta.grad.numpy(), atol=1e-9)
    np.testing.assert_allclose(tb.grad.numpy(), -ta.grad.numpy(), atol=1e-9)


@pytest.mark.parametrize("squared", [True, False])
def test_that_triplet_gradients_equal_autograd_and_vanish_with_the_loss(squared: bool) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    points = rng.normal(size=(3, 40, 2))
    loss, gradients = triplet(*points, margin=0.5, squared=squared)
    leaves = [torch.tensor(p, requires_grad=True) for p in points]
    near, far = (((leaves[0] - other) ** 2).sum(1) for other in leaves[1:])
    if not squared:
        near, far = near.sqrt(), far.sqrt()
    total = torch.relu(near - far + 0.5)
    total.sum().backward()
    np.testing.assert_allclose(loss, total.detach().numpy(), atol=1e-12)
    for gradient, leaf in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), atol=1e-9)
    quiet = loss == 0
    assert 5 < quiet.sum() < 35
    assert not any(g[quiet].any() for g in gradients)
    np.testing.assert_allclose(sum(gradients), 0, atol=1e-12)


def test_the_lectures_three_gradients_and_their_invariants() -> None:
    a, p, n = (np.array([v]) for v in ([0.0, 0.0], [1.0, 0.0], [0.5, 0.5]))
    loss, (ga, gp, gn) = triplet(a, p, n, margin=0.2)
    assert loss[0] == pytest.approx(1 - 0.5 + 0.2)
    assert ga.tolist() == (2 * (n - p)).tolist()
    assert gp.tolist() == (2 * (p - a)).tolist()
    assert gn.tolist() == (2 * (a - n)).tolist()
    r = turned(2)
    turned_loss, turned_gradients = triplet(a @ r, p @ r, n @ r, margin=0.2)
    assert turned_loss[0] == pytest.approx(loss[0])
    for gradient, other in zip((ga, gp, gn), turned_gradients, strict=True):
        np.testing.assert_allclose(gradient @ r, other, atol=1e-12)
    step = 1e-3
    assert triplet(a - step * ga, p - step * gp, n - step * gn, margin=0.2)[0][0] < loss[0]
    _, (_, _, none) = triplet(a, p, a, margin=0.2)
    assert not none.any()  # n = a: only the pull remains


def test_that_at_equality_a_triplet_is_easy_at_the_margin_and_hard_at_zero() -> None:
    assert classes_of(np.array([0.2, 0.1999, 1e-9, 0.0, -0.1]), 0.2).tolist() == [0, 1, 1, 2, 2]
    a, p = np.zeros((1, 1)), np.array([[1.0]])
    for far, want in ((np.sqrt(1.25), 0.0), (1.0, 0.25)):  # Delta = m -> 0; d_an = d_ap -> m
        assert triplet(a, p, np.array([[far]]), margin=0.25)[0][0] == pytest.approx(want)


def test_that_mining_equals_loops() -> None:
    x, y = groups(3, per_class=5)
    y = np.r_[y, 9]  # a class with one member yields no positive
    x = np.r_[x, [[0.0, 0, 0]]]
    d = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    loop = [
        (a, p, n)
        for a in range(len(x))
        for p in range(len(x))
        for n in range(len(x))
        if a != p and y[a] == y[p] and y[a] != y[n]
    ]
    assert all_triplets(y).tolist() == [list(t) for t in loop]
    found = mined(x, y, margin=1.0)
    for (a, p, n), delta, kind in zip(found.triplets, found.delta, found.kind, strict=True):
        assert delta == pytest.approx(d[a, n] - d[a, p])
        loss = max(0.0, 1.0 - delta)
        assert kind == (0 if loss == 0 else 1 if loss < 1 else 2)
    assert sum(found.counts) == len(loop)
    for a, p, n in hardest(x, y):
        mine = [-d[i, k] + d[i, j] for i, j, k in loop if i == a]
        assert d[a, p] - d[a, n] == pytest.approx(max(mine))
    chosen = semi_hard(x, y, margin=1.0)
    for a, p, n in chosen:
        assert 0 < d[a, n] - d[a, p] < 1.0
        assert d[a, n] == min(d[a, k] for k in range(len(x)) if y[k] != y[a] and 0 < d[a, k] - d[a, p] < 1.0)
    possible = {(a, p) for a, p, n in loop if 0 < d[a, n] - d[a, p] < 1.0}
    assert {(a, p) for a, p, _ in chosen.tolist()} == possible


def test_that_a_batch_of_p_times_k_has_its_number_of_triplets() -> None:
    y = np.repeat(np.arange(4), 5)
    assert len(all_triplets(y)) == 4 * 5 * 4 * 3 * 5


def test_that_many_triplets_are_sampled() -> None:
    x, y = groups(0, per_class=20)
    found = mined(x, y, most=500, seed=3)
    assert len(found.delta) == 500
    assert (mined(x, y, most=500, seed=3).triplets == found.triplets).all()


def test_that_coincident_negatives_stay_stuck_in_every_form() -> None:
    x = np.array([[0.3, 0.3], [0.3, 0.3]])
    for form in FORMS:
        *_, last = islice(descend_pairs(x, np.array([0, 1]), form=form), 50)
        assert (last.points == x).all()
    almost = x + np.array([[0, 0], [1e-6, 0]])
    ends = {}
    for form in FORMS:
        *_, last = islice(descend_pairs(almost, np.array([0, 1]), form=form, rate=0.02), 60)
        ends[form] = np.linalg.norm(last.points[0] - last.points[1])
    assert ends["lecture"] < 0.01  # hardly pushed
    assert ends["hadsell"] > 0.5
    assert ends["linear"] > 0.9


def test_that_positives_alone_collapse_to_loss_zero() -> None:
    x, _ = groups(4)
    *_, last = islice(descend_pairs(x, np.zeros(len(x), np.int64), rate=0.005), 300)
    assert last.loss < 1e-6
    assert last.spread < 1e-3


def test_that_the_hardest_negatives_collapse_to_the_plateau_at_the_margin() -> None:
    x, y = toy("overlap", points=40)
    hard = list(islice(descend_shared(x, y, miner="hardest", margin=0.2, rate=0.05), 200))
    soft = list(islice(descend_shared(x, y, miner="semi-hard", margin=0.2, rate=0.05), 200))
    assert hard[0].loss > 1
    assert hard[-1].spread < 1e-3 * hard[0].spread
    assert hard[-1].loss == pytest.approx(0.2, rel=1e-3)
    assert hard[-1].active == 1
    assert soft[-1].spread > 0.3 * soft[0].spread
    assert soft[-1].loss < 0.2


def test_that_sums_of_forces_equal_loops_and_translate() -> None:
    x, y = groups(5, per_class=4)
    forces = pair_forces(x, y, form="hadsell", margin=3.0)
    total, gradient = 0.0, np.zeros_like(x)
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            loss, g = contrastive(x[i : i + 1], x[j : j + 1], np.array([y[i] == y[j]]), form="hadsell", margin=3.0)
            total += loss[0]
            gradient[i] += g[0]
            gradient[j] -= g[0]
    assert forces.loss == pytest.approx(total)
    np.testing.assert_allclose(forces.gradient, gradient, atol=1e-9)
    np.testing.assert_allclose(forces.gradient.sum(axis=0), 0, atol=1e-9)
    triplets = all_triplets(y)
    of_triplets = triplet_forces(x, triplets, margin=0.5)
    assert of_triplets.total == len(triplets)
    np.testing.assert_allclose(of_triplets.gradient.sum(axis=0), 0, atol=1e-9)
    moved = triplet_forces(x + 7, triplets, margin=0.5)
    assert moved.loss == pytest.approx(of_triplets.loss)
    np.testing.assert_allclose(moved.gradient, of_triplets.gradient, atol=1e-9)


def test_that_curves_are_the_strength_of_the_force() -> None:
    d = np.linspace(0, 1.5, 16)
    for form in FORMS:
        assert force_curve(d, form=form).tolist() == pytest.approx([at_distance(v, form)[1] for v in d])
    assert force_curve(d, same=True).tolist() == pytest.approx((2 * d).tolist())


def test_that_unknown_names_are_refused() -> None:
    with pytest.raises(UserError, match="no form"):
        contrastive(np.zeros((1, 2)), np.zeros((1, 2)), DIFFERENT, form="other")
    with pytest.raises(UserError, match="no miner"):
        next(descend_triplets(np.zeros((2, 2)), np.array([0, 1]), miner="other"))


@pytest.mark.parametrize("form", FORMS)
def test_that_contrastive_losses_know_distances_only(form: str) -> None:
    """A turn with a shift leaves losses alone and turns the forces; the two ends are pushed against each other."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 20, 3)) * 0.5
    same, r, shift = rng.uniform(size=20) < 0.5, turned(3), rng.normal(size=3)
    loss, gradient = contrastive(a, b, same, form=form)
    moved_loss, moved = contrastive(a @ r + shift, b @ r + shift, same, form=form)
    np.testing.assert_allclose(moved_loss, loss, atol=1e-12)
    np.testing.assert_allclose(moved, gradient @ r, atol=1e-12)
    swapped_loss, swapped = contrastive(b, a, same, form=form)
    np.testing.assert_allclose(swapped_loss, loss)
    np.testing.assert_allclose(swapped, -gradient)


def test_that_a_triplet_loss_knows_distances_only_and_is_linear_in_the_anchor() -> None:
    """l = 2 aᵀ(n − p) + |p|² − |n|² + m while it is positive; a mirror or more dimensions change nothing."""
    rng = np.random.default_rng(3)
    a, p, n = rng.normal(size=(3, 50, 3))
    loss, _ = triplet(a, p, n, margin=0.3)
    linear = 2 * np.vecdot(a, n - p) + np.vecdot(p, p) - np.vecdot(n, n) + 0.3
    np.testing.assert_allclose(loss, np.maximum(0, linear), atol=1e-9)
    wide = np.linalg.qr(rng.normal(size=(7, 3)))[0].T  # an isometry of 3 into 7 dimensions
    mirror = np.diag([1.0, -1.0, 1.0])
    for map_ in (wide, mirror):
        np.testing.assert_allclose(triplet(a @ map_, p @ map_, n @ map_, margin=0.3)[0], loss, atol=1e-9)
    far = a + np.array([1.0, 0, 0])
    active = (loss > 0) & (triplet(far, p, n, margin=0.3)[0] > 0)
    middle = triplet((a + far) / 2, p, n, margin=0.3)[0]
    np.testing.assert_allclose(middle[active], (loss + triplet(far, p, n, margin=0.3)[0])[active] / 2, atol=1e-9)


def test_that_a_batch_that_has_collapsed_rests_at_the_margin() -> None:
    """Where all points are one every triplet is hard, its loss m and its gradient 0: a plateau, not a minimum."""
    x, y = np.full((8, 2), 0.7), np.repeat([0, 1], 4)
    found = triplet_forces(x, all_triplets(y), margin=0.4)
    assert found.loss == pytest.approx(0.4 * found.total)
    assert found.active == found.total
    assert not found.gradient.any()
    assert (mined(x, y, margin=0.4).kind == 2).all()


def test_how_far_unit_vectors_are_apart() -> None:
    """At most 2, so that no larger margin can be met; at random about √2 in many dimensions."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 128))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    d = np.linalg.norm(x[:300] - x[300:], axis=1)
    assert d.mean() == pytest.approx(np.sqrt(2), abs=0.01)
    assert np.linalg.norm(x[0] + x[0]) == pytest.approx(2)
    np.testing.assert_allclose(d**2, 2 - 2 * np.vecdot(x[:300], x[300:]), atol=1e-12)
    opposite = contrastive(x[:1], -x[:1], DIFFERENT, margin=2.5)
    assert opposite[0][0] == pytest.approx(2.5**2 - 4)
