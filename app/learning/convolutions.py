"""Two convolutions that are matrix products in disguise, computed as such on the processor.

What lives here: :func:`whole` and :func:`first`, which behave, are saved and are loaded as ``torch.nn.Conv2d``. What
does not: the tower (``networks``). May import: torch, inside functions only.

Measured with forward and backward of 512 patches through the fast tower on one core: the convolution over all that is
left 39 instead of 102 ms, the first one 27 instead of 62; the gradients by the weights are what a general convolution
is slow at. A graphics card has ways of its own and is left to them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def whole(channels: int, width: int, side: int) -> nn.Conv2d:
    """Return a convolution over all of (N, channels, side, side), giving (N, width, 1, 1); without bias."""
    made: nn.Conv2d = _kinds()[0](channels, width, side, bias=False)
    return made


def first(width: int, kernel: int, stride: int) -> nn.Conv2d:
    """Return a convolution of (N, 1, H, W) pictures with a border of zeros, without bias.

    With a stride of 1 the pieces under the kernel are too many to be copied, so that it is an ordinary one.
    """
    import torch

    kind = torch.nn.Conv2d if stride == 1 else _kinds()[1]
    made: nn.Conv2d = kind(1, width, kernel, stride, kernel // 2, bias=False)
    return made


@cache
def _kinds() -> tuple[type[nn.Conv2d], type[nn.Conv2d]]:
    from torch import nn
    from torch.nn import functional

    class Whole(nn.Conv2d):
        """One product of (N, side * side * channels) with the weights; a view of both where channels come last."""

        def forward(self, maps: Tensor) -> Tensor:
            """Return (N, width, 1, 1) of (N, channels, side, side)."""
            if maps.device.type != "cpu":
                return super().forward(maps)
            rows = maps.permute(0, 2, 3, 1).flatten(1)
            weights = self.weight.permute(0, 2, 3, 1).flatten(1)
            return functional.linear(rows, weights, self.bias)[:, :, None, None]

    class First(nn.Conv2d):
        """One product of all pieces under the kernel, (N * height * width, kernel * kernel), with the weights."""

        def forward(self, pictures: Tensor) -> Tensor:
            """Return the (N, width, H / stride, W / stride) maps of (N, 1, H, W), channels last."""
            if pictures.device.type != "cpu":
                return super().forward(pictures)
            kernel, stride, border = self.kernel_size[0], self.stride[0], self.kernel_size[0] // 2
            pieces = functional.pad(pictures, (border,) * 4).unfold(2, kernel, stride).unfold(3, kernel, stride)
            count, _, height, width = pieces.shape[:4]
            rows = pieces.reshape(-1, kernel * kernel)
            made = functional.linear(rows, self.weight.flatten(1), self.bias)
            return made.view(count, height, width, -1).permute(0, 3, 1, 2)  # channels last

    return Whole, First
