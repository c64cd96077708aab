"""Networks that turn a patch into a descriptor: one tower, shared by all branches.

What lives here: the tower every Siamese network here is made of. What does not: its sizes (``towers``), heads that
decide (``heads``), losses, training, files. May import: towers, convolutions, records and torch, inside functions
only: torch takes two seconds to load.

Sources: the layout is that of L2-Net and HardNet (Tian et al., CVPR 2017; Mishchuk et al., NeurIPS 2017): 3x3
convolutions, batch normalisation without affine parameters, one convolution over the rest, unit length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from app.learning import convolutions
from app.learning.towers import DIMENSIONS, TowerPlan, remaining_side
from app.records import Array, Float32, UInt8

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

CHUNK = 256  # patches described at once: what they leave behind stays in the cache
# Batches of one photograph differ from each other: statistics are averaged over about 20 of them.
MOMENTUM = 0.05
LEAST_DEVIATION = 1e-3  # grey levels; keeps a flat patch from dividing by zero


def make_tower(
    plan: TowerPlan, *, side: int = 32, dimensions: int = DIMENSIONS, seed: int = 0, spread: bool = True
) -> nn.Sequential:
    """Return a tower for (N, 1, side, side) standardised patches, giving (N, dimensions), not yet of unit length.

    Weights are orthogonal with gain 0.6 (HardNet's), drawn from ``seed`` and nothing else; the layout in memory is
    channels last, which is what the convolutions of a CPU are fast at.

    The last layer is normalised over the batch: every number of the descriptors then has mean 0 and deviation 1 in it,
    so that they cannot become the same. Without ``spread`` that layer stays as it is made, which changes nothing.
    """
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    channels = 1
    for width, kernel, stride in plan.layers:
        ordinary = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
        layers.append(ordinary if channels > 1 else convolutions.first(width, kernel, stride))
        layers += [nn.BatchNorm2d(width, momentum=MOMENTUM, affine=False), nn.ReLU(inplace=True)]
        channels = width
    layers.append(convolutions.whole(channels, dimensions, remaining_side(side, plan)))
    layers += [last_normalisation(dimensions, spread=spread), nn.Flatten()]
    tower = nn.Sequential(*layers)
    for module in tower:
        if isinstance(module, nn.Conv2d):
            nn.init.orthogonal_(module.weight, gain=0.6, generator=generator)
    return channels_last(tower)


def last_normalisation(dimensions: int, *, spread: bool) -> nn.Module:
    """Return the normalisation of the descriptors; without ``spread`` one that never learns, so passes all through.

    Both have the same tensors, so files of either are alike.
    """
    from torch import nn

    class Unused(nn.BatchNorm2d):
        def train(self, mode: bool = True) -> Unused:  # noqa: ARG002 -- it never trains
            """Stay out of training, whatever is asked."""
            return super().train(False)

    kind = nn.BatchNorm2d if spread else Unused
    layer = kind(dimensions, momentum=MOMENTUM, affine=False)
    return layer.train()


def channels_last(network: nn.Sequential) -> nn.Sequential:
    """Return the network itself with the weights of its convolutions laid out channels last."""
    import torch

    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def gather_statistics(network: nn.Module, step: int) -> None:
    """Let batch normalisation keep the mean over all batches so far, until those are as many as it averages over.

    Else what is judged in the first steps is normalised by the 0 and 1 it began with, and is not what was trained.

    Args:
        network: from random weights, so with statistics of nothing.
        step: batches before this one.
    """
    from torch import nn

    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = max(MOMENTUM, 1 / (step + 1))


def standardised(patches: Tensor) -> Tensor:
    """Return (N, 1, S, S) patches with zero mean and unit deviation each; a flat one becomes zero.

    Takes away gain and offset of the light exactly, so no network has to learn it.
    """
    centred = patches - patches.mean((1, 2, 3), keepdim=True)
    deviation = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
    return centred / (deviation + LEAST_DEVIATION)


def embed(tower: nn.Module, patches: Tensor) -> Tensor:
    """Return (N, D) unit vectors of (N, 1, S, S) float patches in grey levels."""
    import torch
    from torch.nn import functional

    inputs = standardised(patches).contiguous(memory_format=torch.channels_last)
    return functional.normalize(tower(inputs), dim=1)


def as_input(patches: Array, device: torch.device | str = "cpu") -> Tensor:
    """Return (N, S, S) patches of any number type as (N, 1, S, S) floats on a device; bytes travel as bytes."""
    import torch

    return torch.from_numpy(np.require(patches, requirements=("C", "W"))).to(device).float()[:, None]


def describe_patches(tower: nn.Module, patches: UInt8, *, on: Callable[[int], None] | None = None) -> Float32:
    """Return the (N, D) float32 descriptors of (N, S, S) patches, with the tower as it is when judging.

    The tower's mode (training or judging) is left as it was.

    Args:
        tower: made by :func:`make_tower`.
        patches: any number, also none.
        on: called with the number of patches done after every 256.
    """
    import torch

    was = tower.training
    tower.eval()
    device = next(tower.parameters()).device
    parts: list[Float32] = []
    try:
        with torch.inference_mode():
            for start in range(0, max(1, len(patches)), CHUNK):
                part = as_input(patches[start : start + CHUNK], device)
                parts.append(embed(tower, part).cpu().numpy())
                if on is not None:
                    on(min(start + CHUNK, len(patches)))
    finally:
        tower.train(was)
    result: Float32 = np.concatenate(parts)
    return result


def folded(tower: nn.Sequential) -> nn.Sequential:
    """Return a copy for judging with batch normalisation folded into the convolutions: same values, less work."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    layers: list[nn.Module] = []
    for module in tower:
        if isinstance(module, nn.BatchNorm2d):
            convolution = layers[-1]
            assert isinstance(convolution, nn.Conv2d)
            layers[-1] = fuse_conv_bn_eval(convolution.eval(), module.eval())
        else:
            layers.append(module)
    return channels_last(nn.Sequential(*layers)).eval()


def device_name(device: torch.device) -> str:
    """Return what a device is, for people: the name of a graphics card, or "processor"."""
    import torch

    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "processor" if device.type == "cpu" else f"graphics of the processor ({device.type})"


def best_device() -> torch.device:
    """Return the device to train on: cuda or mps where present, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
