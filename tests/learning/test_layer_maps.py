"""Maps of whole pictures against torch, and the place and size of what a cell sees by changing pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from samples import done

from app.learning import model_store
from app.learning.layer_maps import (
    LEAST_DEVIATION,
    ConvLayer,
    _rectified,
    _through,
    fitted,
    layer_maps,
    random_layers,
    trained_layers,
)
from app.learning.towers import PLANS, TowerPlan, receptive_field

NAMES = ("default", "medium")


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def shipped(name: str) -> tuple[ConvLayer, ...]:
    found = model_store.load_checkpoint(model_store.find(name))
    return trained_layers(found.tensors, PLANS[found.card.network], found.card.side)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(48, 61), (33, 32), (1, 1), (2, 7)])
def test_that_maps_are_those_of_the_network_in_torch(name: str, size: tuple[int, int]) -> None:
    """The peer is the tower as it is trained: convolution, batch normalisation when judging, ReLU."""
    import torch

    from app.learning.networks import make_tower

    found = model_store.load_checkpoint(model_store.find(name))
    plan = PLANS[found.card.network]
    tower = make_tower(plan).eval()
    tower.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in found.tensors.items()})
    grey = noise(*size)
    maps = done(layer_maps(grey, shipped(name)))
    values = torch.from_numpy(grey.astype(np.float32))[None, None]
    values = (values - values.mean()) / (values.std(correction=0) + LEAST_DEVIATION)
    assert len(maps) == len(plan.layers)
    with torch.inference_mode():
        for index, have in enumerate(maps):
            values = tower[3 * index : 3 * index + 3](values)
            np.testing.assert_allclose(have.values, values[0].permute(1, 2, 0).numpy(), atol=2e-4)


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.name)
def test_that_a_cell_changes_with_the_pixels_of_its_field_and_no_others(plan: TowerPlan) -> None:
    """Weights of ones and no ReLU to close: whatever is in the field counts, nothing else does."""
    layers = random_layers(plan)
    ones = [
        replace(layer, weight=np.ones((1, 1, layer.kernel, layer.kernel), np.float32), bias=np.zeros(1, np.float32))
        for layer in layers
    ]
    for depth, (side, jump) in enumerate(receptive_field(plan), start=1):
        last = ones[depth - 1]
        assert (last.side, last.jump, last.start) == (side, jump, 0.0)
        row, column = 40 // jump, 48 // jump
        half = (side - 1) // 2
        for step in (half, half + 1):
            for dx, dy in ((step, 0), (-step, 0), (0, step), (0, -step), (step, half), (-half, -step)):
                sees = reached(ones[:depth], (row * jump + dy, column * jump + dx), (row, column))
                assert sees == (step == half), (depth, dx, dy)


def reached(layers: list[ConvLayer], pixel: tuple[int, int], cell: tuple[int, int]) -> bool:
    """Whether one light pixel on a black picture is in the sum of a cell (black is zero here: no standardising)."""
    maps = np.zeros((81, 97, 1), np.float32)
    maps[pixel] = 1
    for layer in layers:
        maps = _rectified(done(_through(maps, layer)), layer)
    return bool(maps[cell].any())


def test_that_the_field_is_the_support_of_the_gradient() -> None:
    """The same by back-propagating one cell to the pixels, through the trained network in torch."""
    import torch

    layers = shipped("default")
    support = np.zeros((65, 65), bool)
    for seed in range(4):
        pixels = torch.from_numpy(noise(65, 65, seed).astype(np.float32))[None, None].div(60).requires_grad_()
        values = pixels
        for layer in layers:
            values = torch.nn.functional.conv2d(
                values, torch.from_numpy(layer.weight), torch.from_numpy(layer.bias), layer.stride, layer.kernel // 2
            ).relu()
        values[0, :, 8, 8].sum().backward()
        support |= pixels.grad[0, 0].numpy() != 0
    rows, columns = np.flatnonzero(support.any(1)), np.flatnonzero(support.any(0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (32 - 14, 32 + 14, 32 - 14, 32 + 14)  # 29, around 8 · 4


def test_that_random_layers_are_normalised_by_the_first_picture_and_seeded() -> None:
    plan = PLANS["fast"]
    grey = noise(50, 40)
    layers = done(fitted(grey, random_layers(plan, 3)))
    again = done(fitted(grey, random_layers(plan, 3)))
    other = done(fitted(grey, random_layers(plan, 4)))
    maps = done(layer_maps(grey, layers))
    for one, two, three, layer in zip(layers, again, other, maps, strict=True):
        assert (one.weight == two.weight).all()
        assert (one.bias == two.bias).all()
        assert (one.weight != three.weight).any()
        # Half of what has mean 0 is cut off by ReLU; what is left has a mean of about 0.4 deviations.
        assert np.abs(layer.values.mean((0, 1)) - 0.4).max() < 0.15
    with pytest.raises(ValueError, match="fitted"):
        done(layer_maps(grey, random_layers(plan)))
    trained = shipped("default")
    assert done(fitted(grey, trained)) == trained


def test_that_a_flat_picture_gives_numbers() -> None:
    for layers in (shipped("default"), done(fitted(np.full((40, 40), 7, np.uint8), random_layers(PLANS["fast"])))):
        for layer in done(layer_maps(np.full((40, 40), 200, np.uint8), layers)):
            assert np.isfinite(layer.values).all()
