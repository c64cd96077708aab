"""The sizes of towers by name, without torch: what forms, cards and the command line need to know of them.

May import: the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

DIMENSIONS = 128
DESIGNS = {
    "embedding": "Tower and distance",
    "head": "Siamese and a head",
    "joint": "Joint, two channels",
}


@dataclass(frozen=True)
class TowerPlan:
    """How a tower is built.

    Attributes:
        name: key on cards and on the command line.
        title: in words.
        layers: (channels, kernel side, stride) of every convolution before the last one.
    """

    name: str
    title: str
    layers: tuple[tuple[int, int, int], ...]


PLANS = {
    plan.name: plan
    for plan in (
        TowerPlan(
            "tiny",
            "Tiny, for a minute",
            ((8, 3, 1), (16, 3, 2), (16, 3, 1), (32, 3, 2), (32, 3, 1)),
        ),
        TowerPlan(
            "fast",
            "Fast, TFeat's size",
            ((24, 5, 2), (24, 3, 1), (48, 3, 2), (48, 3, 1), (48, 3, 1)),
        ),
        TowerPlan(
            "medium",
            "Medium, 2½ × fast",
            ((24, 5, 2), (32, 3, 1), (64, 3, 2), (96, 3, 1), (96, 3, 1)),
        ),
        TowerPlan(
            "large",
            "Large, HardNet's size",
            ((32, 3, 1), (32, 3, 1), (64, 3, 2), (64, 3, 1), (128, 3, 2), (128, 3, 1)),
        ),
    )
}


def remaining_side(side: int, plan: TowerPlan) -> int:
    """Return the side of the map that the last convolution covers, for patches of this side."""
    for _, _, stride in plan.layers:
        side = -(-side // stride)
    return side


def receptive_field(plan: TowerPlan) -> tuple[tuple[int, int], ...]:
    """Return (side, jump) after every convolution before the last one, in pixels of the patch.

    What one number of a layer's map sees is a square of ``side`` pixels, and its neighbour's square lies ``jump``
    pixels further: side grows by (k - 1) times the jump so far, the jump by the stride (Long, Zhang & Darrell,
    NeurIPS 2014). Padding moves the squares and changes neither. The last convolution sees the whole patch.
    """
    side, jump = 1, 1
    found: list[tuple[int, int]] = []
    for _, kernel, stride in plan.layers:
        side += (kernel - 1) * jump
        jump *= stride
        found.append((side, jump))
    return tuple(found)


def multiply_adds(side: int, plan: TowerPlan, dimensions: int = DIMENSIONS) -> int:
    """Return the multiply-accumulate operations of one patch of this side through the tower."""
    total, channels = 0, 1
    for width, kernel, stride in plan.layers:
        side = -(-side // stride)
        total += side * side * channels * width * kernel * kernel
        channels = width
    return total + side * side * channels * dimensions


def parameters(side: int, plan: TowerPlan, dimensions: int = DIMENSIONS) -> int:
    """Return the number of learned weights (batch normalisation has none)."""
    total, channels = 0, 1
    for width, kernel, _ in plan.layers:
        total += channels * width * kernel * kernel
        channels = width
    return total + remaining_side(side, plan) ** 2 * channels * dimensions
