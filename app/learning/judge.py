"""Judging a network while it trains: on points it never saw.

May import: networks, patch_set, patch_evaluation, train_state, jobs and numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np

from app.jobs import Progress
from app.learning import networks
from app.learning.patch_evaluation import distances, false_positive_rate, paired_distances
from app.learning.patch_set import PatchSet
from app.learning.train_state import Judgement
from app.records import Array, Float32

if TYPE_CHECKING:
    from torch import nn

MOST_PAIRS = 400
SAMPLE_POINTS = 150
HARDEST = 24
PIECE = 64  # patches described between two yields


def judged_rows(data: PatchSet, count: int = MOST_PAIRS) -> tuple[Array, Array]:
    """Return rows of the first two patches of up to ``count`` points, spread over the set."""
    starts = np.flatnonzero(np.diff(data.point, prepend=data.point[0] - 1)) if len(data) else np.zeros(0, np.int64)
    counts = np.diff(np.r_[starts, len(data)])
    starts = starts[counts > 1]
    if len(starts) > count:
        starts = starts[np.linspace(0, len(starts) - 1, count).astype(np.int64)]
    return starts, starts + 1


def judge(
    tower: nn.Module, data: PatchSet, step: int, epoch: int, progress: Callable[[], Progress]
) -> Generator[Progress, None, Judgement | None]:
    """Return FPR95, rank-1, distances, a sample of descriptors and the hardest wrong pairs; None of too few points.

    Args:
        tower: as it is; its mode is left as it was.
        data: held-out patches.
        step, epoch: when.
        progress: what to yield between pieces.
    """
    first, second = judged_rows(data)
    if len(first) < 2:
        return None
    rows = np.concatenate([first, second])
    parts: list[Float32] = []
    for start in range(0, len(rows), PIECE):
        parts.append(networks.describe_patches(tower, data.patches[rows[start : start + PIECE]]))
        yield progress()
    found = np.concatenate(parts)
    left, right = found[: len(first)], found[len(first) :]
    positive, negative, rank1 = paired_distances(left, right, data.scene[first])
    gap = distances(left, right)
    np.fill_diagonal(gap, np.inf)
    flat = np.argsort(gap, axis=None)[:HARDEST]
    a, b = np.unravel_index(flat, gap.shape)
    some = np.linspace(0, len(first) - 1, min(SAMPLE_POINTS, len(first))).astype(np.int64)
    both = np.concatenate([some, some + len(first)])
    return Judgement(
        step,
        epoch,
        false_positive_rate(positive, negative),
        float(np.mean(rank1)) if rank1 else float("nan"),
        positive,
        negative,
        found[both],
        rows[both].astype(np.int32),
        data.point[rows[both]],
        np.column_stack([first[a], second[b]]).astype(np.int32),
        gap.ravel()[flat].astype(np.float32),
    )
