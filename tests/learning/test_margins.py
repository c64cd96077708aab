"""One margin against classes of unequal spread: measured as by hand, judged as the losses themselves do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.learning import losses, margins
from app.learning.losses import PLANS
from app.learning.margins import VERDICTS, asked, measure, room, sampled, thirds, verdicts
from app.learning.mining import Triplets


def classes(spreads: list[float], apart: float = 1.0, each: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian classes along a line, each with a spread of its own."""
    rng = np.random.default_rng(seed)
    middle = np.zeros((len(spreads), 8))
    middle[:, 0] = apart * np.arange(len(spreads))
    values = np.repeat(middle, each, axis=0) + np.repeat(spreads, each)[:, None] * rng.normal(
        size=(len(spreads) * each, 8)
    )
    return values.astype(np.float32), np.repeat(np.arange(len(spreads)), each)


def test_spreads_equal_nested_loops() -> None:
    values, label = classes([0.3, 0.05, 0.6, 0.1])
    found = measure(values, label)
    assert found.label.tolist() == sorted(range(4), key=lambda c: found.spread[found.label.tolist().index(c)])
    assert (np.diff(found.spread) >= 0).all()
    exact = values.astype(np.float64)
    for row, value in enumerate(found.label.tolist()):
        own = np.flatnonzero(label == value)
        inside = [np.linalg.norm(exact[a] - exact[b]) for a in own for b in own if a != b]
        outside = [
            min(np.linalg.norm(exact[a] - exact[b]) for b in range(len(label)) if label[b] != value) for a in own
        ]
        assert found.count[row] == len(own)
        assert found.spread[row] == pytest.approx(np.mean(inside), rel=1e-6)
        assert found.nearest[row] == pytest.approx(np.mean(outside), rel=1e-6)
        # Steiner: the mean square distance between two patches is twice that from the mean (n / (n - 1) apart).
        square = np.mean(np.square(inside)) * (len(own) - 1) / len(own)
        assert 2 * found.radius[row] ** 2 == pytest.approx(square, rel=1e-6)
        a, b = found.widest[row]
        assert np.linalg.norm(exact[a] - exact[b]) == pytest.approx(max(inside), rel=1e-6)
        i, j = found.closest[row]
        assert label[i] == value != label[j]
        assert np.linalg.norm(exact[i] - exact[j]) == pytest.approx(min(outside), rel=1e-6)


def test_classes_of_one_patch_and_a_single_class_and_nothing() -> None:
    values, label = classes([0.1, 0.1], each=3)
    lone = measure(np.vstack([values, values[:1] + 5]), np.r_[label, 7])
    assert sorted(lone.label.tolist()) == [0, 1]  # the lone patch is an other, but has no spread
    single = measure(values[:3], label[:3])
    assert np.isnan(single.nearest).all()
    assert single.closest.tolist() == [[-1, -1]]
    assert verdicts(single, PLANS["triplet"], 0.2).tolist() == [3]
    none = measure(np.zeros((0, 4), np.float32), np.zeros(0, np.int32))
    assert len(none) == 0
    assert none.widest.shape == (0, 2)
    assert all(np.isnan(share) for _, share, _ in thirds(none, PLANS["triplet"], 0.2))


@pytest.mark.parametrize("name", ["triplet", "triplet-unsquared", "hardnet", "contrastive", "contrastive-linear"])
def test_what_the_margin_asks_is_where_the_loss_itself_ends(name: str) -> None:
    """On the line the loss is 0, a little nearer it is not, for every spread: judged by the loss's own code."""
    plan, margin = PLANS[name], 0.3
    for spread in (0.0, 0.2, 0.7, 1.1):
        line = float(asked(spread, plan, margin))
        for far, dead in ((line + 1e-3, True), (line - 1e-3, False)):
            points = torch.tensor([[0.0, 0.0], [spread, 0.0], [0.0, far]])
            if plan.kind == "pairs":
                one = torch.tensor([0]), torch.tensor([2])
                value = losses.pair_terms(name, points, *one, torch.tensor([False]), margin).values
            else:
                triplet = Triplets(torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
                value = losses.triplet_terms(name, points, triplet, margin).values
            assert bool(value[0] == 0) is dead
        assert float(room(spread, line, plan)) == pytest.approx(margin)


def test_one_margin_fits_one_spread_only() -> None:
    """Tight classes are pushed on though clear, wide ones rest though others are within their reach."""
    plan = PLANS["triplet-unsquared"]
    found = margins.ClassSpreads(
        *(np.arange(4, dtype=np.int32), np.full(4, 5, np.int32)),
        spread=np.array([0.1, 0.3, 0.6, 0.6]),
        radius=np.array([0.07, 0.2, 0.4, 0.4]),
        nearest=np.array([0.35, 0.65, 1.0, 0.7]),
        widest=np.zeros((4, 2), np.int32),
        closest=np.zeros((4, 2), np.int32),
    )
    assert [VERDICTS[v] for v in verdicts(found, plan, 0.3)] == ["too large", "fits", "too small", "not apart"]
    # Whatever m: the tight class asks for less than 0.25, the wide one for at least 0.6.
    for margin in np.arange(0.01, 1.5, 0.01):
        told = [VERDICTS[v] for v in verdicts(found, plan, float(margin))]
        assert not (told[0] == "fits" and told[2] != "too small")
    parts = thirds(found, plan, 0.3)
    assert [name for name, _, _ in parts] == ["tight", "middle", "wide"]
    assert [share for _, share, _ in parts] == [0.5, 1.0, 0.0]
    assert parts[0][2] == pytest.approx(np.median([0.25, 0.35]))


def test_losses_without_a_margin_are_known() -> None:
    assert {name for name, plan in PLANS.items() if not margins.has_margin(plan)} == {"positive-only", "softmax"}


def test_the_sample_is_spread_over_classes_and_their_patches() -> None:
    label = np.repeat(np.arange(300), 5)
    rows = sampled(label)
    assert len(rows) == len(np.unique(rows)) == 480
    assert len(np.unique(label[rows])) == 120
    assert label[rows].max() == 299
    few = np.repeat(np.arange(10), 180)
    rows = sampled(few)
    assert np.bincount(few[rows]).tolist() == [48] * 10
    assert rows.max() == 1799
    assert len(sampled(np.arange(5))) == 0
    assert len(sampled(np.zeros(0, np.int32))) == 0
