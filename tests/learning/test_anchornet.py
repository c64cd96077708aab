"""AnchorNet: diversity from 0 to 1, gradients, filters that part or coincide, and the transfer of points."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from app.jobs import Progress, run_to_end
from app.learning.anchor_losses import (
    Form,
    discriminability,
    filter_diversity,
    likeness,
    map_diversity,
    silence,
    softplus,
)
from app.learning.anchor_pictures import scenes
from app.learning.anchornet import (
    AnchorSettings,
    first_filters,
    learn_filters,
    objective,
    on_grid,
    on_picture,
    pck,
    responses,
    transferred,
)
from app.learning.hypercolumns import FEATURES, grid_of, hypercolumns
from app.records import Float32, Float64, UserError

SMALL = AnchorSettings(filters=3, iterations=150)


def parts(seed: int = 0, *, objects: int = 2, empty: int = 2, count: int = 4) -> tuple[list[Float32], list[int]]:
    """Pictures of 6 x 7 cells: those with the object hold ``count`` kinds of cells that the others lack."""
    rng = np.random.default_rng(seed)
    found, labels = [], [1] * objects + [-1] * empty
    for label in labels:
        cells = np.zeros((42, count + 4), np.float32)
        cells[np.arange(42), count + rng.integers(0, 4, 42)] = 1
        if label > 0:
            places = rng.choice(42, count, replace=False)
            cells[places] = np.eye(count, count + 4)
        found.append(cells.reshape(6, 7, -1))
    return found, labels


# ------------------------------------------------------------------------------------------ diversity


def test_that_disjoint_maps_have_diversity_loss_zero_and_proportional_ones_one() -> None:
    assert map_diversity(np.eye(6)[:, :4])[0] == 0.0
    one = np.random.default_rng(0).uniform(0.1, 2.0, 30)
    assert map_diversity(np.column_stack([one, one]))[0] == pytest.approx(1.0, abs=1e-15)
    assert map_diversity(np.column_stack([one, 1e-9 * one, 1e200 * one]))[0] == pytest.approx(1.0, abs=1e-12)


def test_that_order_and_scale_of_maps_do_not_matter() -> None:
    maps = np.random.default_rng(1).uniform(0, 1, (20, 4))
    value = map_diversity(maps)[0]
    assert 0 < value < 1
    assert map_diversity(maps[:, [2, 0, 3, 1]])[0] == pytest.approx(value, abs=1e-15)
    assert map_diversity(maps * [1e-8, 3, 1, 1e150])[0] == pytest.approx(value, abs=1e-14)


def test_that_without_the_norms_identical_maps_are_not_the_maximum() -> None:
    peaked, sharp = np.array([0.7, 0.1, 0.1, 0.1]), np.array([1.0, 0.0, 0.0, 0.0])  # sum 1, as after a softmax
    assert sharp @ peaked > peaked @ peaked  # two that differ overlap more than two that are the same
    same, other = (map_diversity(np.column_stack([peaked, second]))[0] for second in (peaked, sharp))
    assert other < 0.95 < same == pytest.approx(1.0)


def test_a_nested_loop() -> None:
    maps = np.random.default_rng(2).uniform(0, 1, (9, 4))
    total = 0.0
    for i, j in itertools.permutations(range(4), 2):
        dot = sum(float(maps[u, i] * maps[u, j]) for u in range(9))
        lengths = math.prod(math.sqrt(sum(float(maps[u, k]) ** 2 for u in range(9))) for k in (i, j))
        total += (dot / lengths) ** 2
    assert map_diversity(maps)[0] == pytest.approx(total / 12, rel=1e-12)
    filters = np.random.default_rng(3).normal(size=(3, 9, 5))  # 3 x 3 places
    total = 0.0
    for i, j in itertools.permutations(range(3), 2):
        total += abs(sum(
            float(filters[i, p] @ filters[j, p]) / float(np.linalg.norm(filters[i, p]) * np.linalg.norm(filters[j, p]))
            for p in range(9)
        ))  # fmt: skip
    assert filter_diversity(filters)[0] == pytest.approx(total / 6 / 9, rel=1e-12)


def test_that_orthogonal_filters_have_loss_zero_and_parallel_ones_one() -> None:
    assert filter_diversity(3 * np.eye(3, 8))[0] == 0.0
    assert filter_diversity(np.array([[1.0, 2.0], [-2.0, -4.0]]))[0] == pytest.approx(1.0)


def test_that_one_map_or_a_dark_one_overlaps_nothing() -> None:
    assert map_diversity(np.ones((5, 1)))[0] == 0.0
    assert map_diversity(np.zeros((0, 3)))[0] == 0.0
    value, gradient = map_diversity(np.column_stack([np.zeros(5), np.ones(5)]))
    assert value == 0.0
    assert np.isfinite(gradient).all()
    assert filter_diversity(np.zeros((2, 4)))[0] == 0.0
    assert math.isnan(likeness(np.ones((5, 3))))


# ------------------------------------------------------------------------------------------ gradients


@pytest.mark.parametrize("form", ["bounded", "paper"])
def test_that_the_gradient_is_that_of_autograd(form: str) -> None:
    torch = pytest.importorskip("torch", reason="gradients are compared with PyTorch's")
    columns, labels = parts(4)
    columns = [c + np.random.default_rng(5).normal(0, 0.1, c.shape).astype(np.float32) for c in columns]
    chosen = AnchorSettings(filters=3, diversity=0.7, orthogonality=0.3, decay=0.02, form=form)
    at = np.random.default_rng(6).normal(0, 1, (3, columns[0].shape[-1] + 1))
    told, gradient = objective(columns, labels, at, chosen)

    filters = torch.tensor(at, requires_grad=True)
    soft = torch.nn.functional.softplus
    weights = filters[:, :-1]
    unit = torch.nn.functional.normalize(weights, dim=1)
    off = 1 - torch.eye(3, dtype=torch.float64)
    total = 0.3 * ((unit @ unit.T).abs() * off).sum() / 6 + 0.01 * (weights**2).sum() / 3
    for c, label in zip(columns, labels, strict=True):
        z = torch.tensor(c.reshape(-1, c.shape[-1]), dtype=torch.float64) @ weights.T + filters[:, -1]
        peak = z.max(dim=0).values
        if label > 0:
            maps = torch.nn.functional.normalize(soft(z), dim=0)
            total = total + 0.7 * (((maps.T @ maps) * off) ** 2).sum() / 6 / labels.count(1)
            total = total + (soft(-peak) if form == "bounded" else -soft(peak)).mean() / len(labels)
        else:
            total = total + soft(peak).mean() / len(labels) + z.clamp(min=0).mean() / labels.count(-1)
    total.backward()
    assert told.total == pytest.approx(total.item(), rel=1e-5)  # places are kept in float32
    np.testing.assert_allclose(gradient, filters.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_the_gradients_of_the_single_losses_by_differences() -> None:
    rng = np.random.default_rng(7)

    def differences(loss: object, at: Float64) -> Float64:
        found = np.zeros_like(at)
        for place in np.ndindex(at.shape):
            ahead, back = at.copy(), at.copy()
            ahead[place] += 1e-6
            back[place] -= 1e-6
            found[place] = (loss(ahead)[0] - loss(back)[0]) / 2e-6  # type: ignore[operator]
        return found

    for loss, at in (
        (map_diversity, rng.uniform(0.1, 1, (5, 3))),
        (filter_diversity, rng.normal(size=(3, 4, 2))),
        (silence, rng.normal(size=(5, 2))),
        *((lambda z, y=y, f=f: discriminability(z, y, cast("Form", f)), rng.normal(size=4))
          for y in (1, -1) for f in ("bounded", "paper")),
    ):  # fmt: skip
        np.testing.assert_allclose(loss(at)[1], differences(loss, at), atol=1e-8)


def test_that_the_two_forms_agree_without_the_object_and_only_one_is_bounded() -> None:
    z = np.array([-3.0, 0.0, 50.0, 800.0])
    assert discriminability(z, -1, "paper")[0] == discriminability(z, -1, "bounded")[0] == softplus(z).mean()
    assert discriminability(z, 1, "bounded")[0] >= 0
    assert discriminability(np.array([1e6]), 1, "paper")[0] == pytest.approx(-1e6)


# ------------------------------------------------------------------------------------------- learning


def test_that_filters_coincide_without_diversity_and_not_with_it() -> None:
    columns, labels = parts()
    runs = {weight: run_to_end(learn_filters(columns, labels, replace(SMALL, diversity=weight))) for weight in (0, 1.0)}
    assert runs[0].history[0].likeness == runs[1.0].history[0].likeness  # the same start
    alone, diverse = runs[0].history[-1], runs[1.0].history[-1]
    assert alone.likeness > 0.98
    assert diverse.likeness < 0.2
    assert alone.diversity > 0.98 > 0.35 > diverse.diversity
    peaks = [responses(c, diverse.filters).peaks for c in columns[:2]]
    assert all(len(set(of)) == SMALL.filters for of in peaks)
    for k in range(SMALL.filters):  # the same kind of cell in either picture
        found = [c[row, column] for c, (column, row) in zip(columns, [of[k] for of in peaks], strict=False)]
        np.testing.assert_array_equal(*found)
    assert all(responses(c, diverse.filters).values.max() < 0.9 for c in columns[2:])
    assert diverse.discriminability < runs[1.0].history[0].discriminability


def test_that_a_seed_gives_the_same_run_and_another_another() -> None:
    columns, labels = parts()
    runs = [run_to_end(learn_filters(columns, labels, replace(SMALL, iterations=20, seed=s))) for s in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0].history[-1].filters, runs[1].history[-1].filters)
    assert not np.allclose(runs[0].history[-1].filters, runs[2].history[-1].filters)
    np.testing.assert_array_equal(runs[0].history[0].filters, first_filters(3, 8, 3))


def test_that_progress_tells_every_step() -> None:
    columns, labels = parts()
    seen: list[Progress] = []
    found = run_to_end(learn_filters(columns, labels, replace(SMALL, iterations=5)), seen.append)
    assert [item.payload.step for item in seen] == list(range(6))
    assert len(found.history) == 6
    assert found.history[-1].total < found.history[0].total


@pytest.mark.parametrize("form", ["bounded", "paper"])
def test_the_edge_cases(form: str) -> None:
    columns, labels = parts()
    short = replace(SMALL, iterations=5, form=form)
    blank = [np.zeros_like(c) for c in columns]
    for given, of, chosen in (
        (columns, labels, replace(short, filters=1)),
        (columns[:1], labels[:1], short),  # one picture, none without the object
        (blank, labels, short),
        (columns, labels, replace(short, decay=0.0, orthogonality=1.0)),
    ):
        last = run_to_end(learn_filters(given, of, chosen)).history[-1]
        assert np.isfinite(last.filters).all()
        assert np.isfinite([last.total, last.diversity, last.discriminability, last.silence]).all()
        assert math.isnan(last.likeness) == (chosen.filters == 1 or given is blank)


def test_what_cannot_be_learned_from() -> None:
    columns, labels = parts()
    for given, of, words in (
        (columns[2:], labels[2:], "at least one picture with the object"),
        (columns, labels[:1], "one label for each"),
        (columns, [0, *labels[1:]], "A label is 1"),
        ([columns[0][..., :3], *columns[1:]], labels, "same C"),
        ([np.full_like(columns[0], np.nan), *columns[1:]], labels, "no numbers"),
    ):
        with pytest.raises(UserError, match=words):
            run_to_end(learn_filters(given, of, SMALL))


# ------------------------------------------------------------------------------------------- transfer


def test_that_grid_and_picture_are_inverse_and_corners_meet() -> None:
    xy = np.array([[-0.5, -0.5], [459.5, 399.5], [12.0, 77.0]])
    cells = on_grid(xy, (460, 400), (42, 37))
    np.testing.assert_allclose(cells[:2], [[-0.5, -0.5], [41.5, 36.5]])
    np.testing.assert_allclose(on_picture(cells, (460, 400), (42, 37)), xy)


def test_that_points_go_where_the_vectors_are_alike() -> None:
    rng = np.random.default_rng(8)
    source = rng.normal(size=(6, 8, 5)).astype(np.float32)
    target = 3 * np.roll(source, (1, 2), axis=(0, 1))
    xy = on_picture(np.array([[1, 1], [3, 4]]), (80, 60), (8, 6))
    found = transferred(source, target, xy, ((80, 60), (160, 60)))
    np.testing.assert_allclose(found, on_picture(np.array([[3, 2], [5, 5]]), (160, 60), (8, 6)), atol=1e-9)
    assert pck(found, found) == 1.0
    assert pck(found + np.array([[0, 0], [7, 0]]), found, 0.1) == 0.5  # the box is 40 wide
    assert math.isnan(pck(np.zeros((0, 2)), np.zeros((0, 2))))
    assert transferred(source, target, np.zeros((0, 2)), ((80, 60), (160, 60))).shape == (0, 2)


# ------------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize("kind", ["cups", "bicycles"])
@pytest.mark.parametrize("features", list(FEATURES))
def test_hypercolumns_of_the_pictures(kind: str, features: str) -> None:
    made = scenes(kind)
    assert made.labels.count(1) == 4
    assert len(made.pictures) == len(made.names) == len(made.labels)
    assert len(made.points) == len(made.parts) > 7
    some = (*made.pictures[:2], np.full((40, 60, 3), 90, np.uint8))
    found = run_to_end(hypercolumns(some, features))
    for picture, columns in zip(some, found, strict=True):
        size = (picture.shape[1], picture.shape[0])
        assert columns.size == size
        assert columns.values.shape[:2] == grid_of(size)[::-1]
        length = np.linalg.norm(columns.values, axis=-1)
        assert ((np.abs(length - 1) < 1e-4) | (length == 0)).all()


def test_that_dark_and_light_may_change_places() -> None:
    picture = scenes("cups").pictures[0]
    for features in FEATURES:
        plain, negative = run_to_end(hypercolumns([picture, 255 - picture], features))
        np.testing.assert_allclose(plain.values, negative.values, atol=0.05)


def test_what_has_no_features() -> None:
    assert run_to_end(hypercolumns([])) == []
    with pytest.raises(UserError, match="no features"):
        run_to_end(hypercolumns([], "magic"))
    with pytest.raises(UserError, match="no drawn objects"):
        scenes("spoons")
