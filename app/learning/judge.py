"""Judging a network while it trains: on points it never saw.

May import: heads, networks, patch_set, patch_evaluation, train_state, jobs and numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from app.jobs import Progress
from app.learning import heads, networks
from app.learning.patch_evaluation import distances, false_positive_rate, other_rows, paired_distances
from app.learning.patch_set import FEW_CLASSES, PatchSet
from app.learning.train_state import Judgement
from app.records import Array, Float32, Float64, Int32

if TYPE_CHECKING:
    from torch import nn

MOST_PAIRS = 400
SAMPLE_POINTS = 150
HARDEST = 24
PIECE = 64  # patches described between two yields


def judged_rows(data: PatchSet, count: int = MOST_PAIRS) -> tuple[Array, Array]:
    """Return rows of up to ``count`` pairs of patches of one class, spread over the set, those of a class side by side.

    Of each class the first two patches, and where there are few classes further pairs of its patches, none twice.
    """
    starts = np.flatnonzero(np.diff(data.point, prepend=data.point[0] - 1)) if len(data) else np.zeros(0, np.int64)
    pairs = np.diff(np.r_[starts, len(data)]) // 2
    starts, pairs = starts[pairs > 0], pairs[pairs > 0]
    if len(starts) > count:
        starts = starts[np.linspace(0, len(starts) - 1, count).astype(np.int64)]
    if not len(starts):
        return starts, starts
    most = np.minimum(pairs[: len(starts)], count // len(starts) if len(starts) <= FEW_CLASSES else 1)
    first = np.concatenate([start + 2 * np.arange(n) for start, n in zip(starts, most, strict=True)])
    return first, first + 1


def judged_group(scene: Array, point: Array) -> Array:
    """Return the group that each judged pair is told apart within: its scene, or all where scenes are the classes."""
    apart = np.unique(np.column_stack([scene, point]), axis=0)
    alike = len(apart) == len(np.unique(scene))
    return np.zeros_like(scene) if alike else scene


def judge(
    network: nn.Module,
    data: PatchSet,
    when: tuple[int, int],
    progress: Callable[[], Progress],
    *,
    design: str = "embedding",
) -> Generator[Progress, None, Judgement | None]:
    """Return FPR95, rank-1, distances, a sample of descriptors and the hardest wrong pairs; None of too few points.

    Where the network decides, the distance of a pair is 1 - p(same); rank-1 and the sample are then of the tower's
    activations, and missing where there are none (a joint network).

    Args:
        network: as it is; its mode is left as it was.
        data: held-out patches.
        when: step and epoch.
        progress: what to yield between pieces.
        design: see :data:`app.learning.towers.DESIGNS`.
    """
    first, second = judged_rows(data)
    if len(first) < 2:
        return None
    rows = np.concatenate([first, second])
    found = np.zeros((len(rows), 0), np.float32)
    if design != "joint":
        tower: Any = network if design == "embedding" else getattr(network, "tower", network)
        parts: list[Float32] = []
        for start in range(0, len(rows), PIECE):
            parts.append(networks.describe_patches(tower, data.patches[rows[start : start + PIECE]]))
            yield progress()
        found = np.concatenate(parts)
    left, right = found[: len(first)], found[len(first) :]
    point, group = data.point[first], judged_group(data.scene[first], data.point[first])
    positive, negative, rank1 = paired_distances(left, right, group, label=point)
    if design != "embedding":
        positive, negative = yield from _decided(network, data, (first, second), group, progress)
    hardest, gaps = _hardest(left, right, (first, second), point)
    some = np.linspace(0, len(first) - 1, min(SAMPLE_POINTS, len(first))).astype(np.int64)
    both = np.concatenate([some, some + len(first)]) if found.shape[1] else some[:0]
    return Judgement(
        *when,
        false_positive_rate(positive, negative),
        float(np.mean(rank1)) if rank1 and found.shape[1] else float("nan"),
        positive,
        negative,
        found[both],
        rows[both].astype(np.int32),
        data.point[rows[both]],
        hardest,
        gaps,
    )


def _hardest(left: Float32, right: Float32, rows: tuple[Array, Array], point: Array) -> tuple[Int32, Float32]:
    """Return the rows and distances of the wrong pairs that are nearest to each other."""
    first, second = rows
    if not left.shape[1]:
        return np.zeros((0, 2), np.int32), np.zeros(0, np.float32)
    gap = distances(left, right)
    same = point[:, None] == point
    gap[same] = np.inf
    flat = np.argsort(gap, axis=None)[: min(HARDEST, int((~same).sum()))]
    a, b = np.unravel_index(flat, gap.shape)
    return np.column_stack([first[a], second[b]]).astype(np.int32), gap.ravel()[flat].astype(np.float32)


def _decided(
    network: Any, data: PatchSet, rows: tuple[Array, Array], group: Array, progress: Callable[[], Progress]
) -> Generator[Progress, None, tuple[Float64, Float64]]:
    """Return 1 - p(same) of the matching pairs, and of three random other pairs of the same group for each."""
    first, second = rows
    point = data.point[first]
    rng = np.random.default_rng(0)
    a, b = [first], [second]
    for value in np.unique(group):
        of = np.flatnonzero(group == value)
        if len(np.unique(point[of])) > 1:
            a.append(np.repeat(first[of], 3))
            b.append(second[of[other_rows(point[of], 3, rng)]].ravel())
    left, right = np.concatenate(a), np.concatenate(b)
    found = []
    for start in range(0, len(left), PIECE):
        part = slice(start, start + PIECE)
        found.append(1 - heads.probabilities(network, data.patches[left[part]], data.patches[right[part]]))
        yield progress()
    values = np.concatenate(found).astype(np.float64)
    return values[: len(first)], values[len(first) :]
