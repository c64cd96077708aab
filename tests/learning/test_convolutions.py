"""Convolutions computed as matrix products: the same values, gradients and files as the ordinary ones."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from app.learning import convolutions


def ordinary(layer: nn.Conv2d) -> nn.Conv2d:
    sizes = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)
    made = nn.Conv2d(*sizes, bias=layer.bias is not None)
    made.load_state_dict(layer.state_dict())
    return made


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (convolutions.whole(6, 5, 4), (7, 6, 4, 4)),
        (convolutions.first(4, 5, 2), (7, 1, 32, 32)),
        (convolutions.first(4, 5, 2), (2, 1, 31, 30)),
        (convolutions.first(4, 3, 2), (1, 1, 5, 9)),
        (convolutions.first(4, 3, 1), (3, 1, 8, 8)),
    ],
)
def test_that_values_and_gradients_are_those_of_the_ordinary_convolution(
    layer: nn.Conv2d, shape: tuple[int, ...], bias: bool
) -> None:
    mine = copy.deepcopy(layer)
    if bias:  # as after folding the normalisation into it
        mine.bias = nn.Parameter(torch.randn(mine.out_channels))
    theirs = ordinary(mine)
    torch.manual_seed(0)
    values = torch.randn(shape)
    a = values.clone().contiguous(memory_format=torch.channels_last).requires_grad_()
    b = values.clone().requires_grad_()
    made, wanted = mine(a), theirs(b)
    assert made.shape == wanted.shape
    assert torch.allclose(made, wanted, atol=1e-5)
    weight = torch.randn_like(wanted)
    (made * weight).sum().backward()
    (wanted * weight).sum().backward()
    assert torch.allclose(a.grad, b.grad, atol=1e-4)
    assert torch.allclose(mine.weight.grad, theirs.weight.grad, atol=1e-3)


def test_that_the_first_gives_channels_last_and_only_a_stride_changes_the_way() -> None:
    made = convolutions.first(4, 5, 2)(torch.randn(3, 1, 32, 32))
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert type(convolutions.first(4, 3, 1)) is nn.Conv2d
    assert type(convolutions.first(4, 5, 2)) is not nn.Conv2d
