"""Training the miniature of SuperPoint's detector on drawn shapes: the stage its authors call MagicPoint.

What lives here: :class:`DetectorSettings`, the training as a job, and judging on shapes it never saw. What does not:
the network and the losses' definitions, files. May import: jobs, settings, the modules it trains; torch inside
functions only.

Source: DeTone, Malisiewicz & Rabinovich, SuperPoint, CVPR Workshops 2018, section 4. Their next stages (pseudo-labels
on photographs by homographic adaptation, joint training with a head for descriptors) are not part of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.jobs import Job, Progress, native
from app.learning.superpoint import Labels, cell_labels, find_points
from app.learning.superpoint_network import MINI, CornerDetector, folded, make_network
from app.learning.synthetic_shapes import SIZE, shapes_picture
from app.records import Bool, Float32, Float64
from app.settings import Settings, number

if TYPE_CHECKING:
    from torch import Tensor

JUDGED_FROM = 1 << 40  # seeds of pictures that no training draws
MATCHED_PX = 3.0
LEAST_JUDGED = 0.001  # confidence from which detections are ranked for the average precision


@dataclass(frozen=True)
class DetectorSettings(Settings):
    """How the detector is trained."""

    steps: int = number(4000, 1, 1_000_000, 100, label="Steps", help="Batches of new drawn pictures.")
    batch: int = number(8, 1, 256, 1, label="Batch", help="Pictures of one step.")
    rate: float = number(
        0.004, 1e-6, 1.0, 0.001, label="Learning rate", help="Of Adam at its highest; it rises, then falls to 0."
    )
    seed: int = number(0, 0, 2**31 - 1, 1, label="Seed", help="Of the weights it starts from and of all pictures.")
    threads: int = number(1, 1, 256, 1, label="Threads", help="Of the processor; with one the weights repeat exactly.")


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """What a training ends with.

    Attributes:
        weights: by name, see :mod:`app.learning.superpoint_network`.
        settings: it was trained with.
        losses: (steps,) of every batch.
        seconds: it took.
    """

    weights: dict[str, Float32]
    settings: DetectorSettings
    losses: Float64
    seconds: float


def train_superpoint(settings: DetectorSettings) -> Job[TrainedDetector]:
    """Train the detector on drawn shapes; every progress carries the losses so far.

    The 65-way cross-entropy of all cells, Adam, one cycle of its rate. A cancelled training leaves nothing.
    """
    import torch

    yield Progress(0, settings.steps, "Making the network")
    before = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    start = time.perf_counter()
    try:
        network = make_network(MINI, settings.seed).train()
        optimizer = torch.optim.Adam(network.parameters(), settings.rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, settings.steps, pct_start=0.1)
        losses: list[float] = []

        def step(pictures: Tensor, labels: Tensor) -> float:
            """Train on a batch and return its loss."""
            loss = torch.nn.functional.cross_entropy(network(pictures), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            return float(loss.detach())

        for index in range(settings.steps):
            text = f"Step {index + 1} of {settings.steps}"
            grey, labels = _batch(settings, index)
            yield Progress(index, settings.steps, text, np.array(losses))
            given = torch.from_numpy(grey), torch.from_numpy(labels)
            (loss,) = yield from native(partial(step, *given), progress=Progress(index, settings.steps, text))
            if not math.isfinite(loss):
                raise ArithmeticError(f"the loss of step {index + 1} is no number")
            losses.append(loss)
            cycle.step()
        weights = folded(network.eval())
    finally:
        torch.set_num_threads(before)
    return TrainedDetector(weights, settings, np.array(losses), time.perf_counter() - start)


def _batch(settings: DetectorSettings, index: int) -> tuple[Float32, Labels]:
    """Return ((N, 1, H, W) in [0, 1], (N, h, w) labels) of a step."""
    first = (settings.seed * 1_000_003 + index) * settings.batch
    drawn = [shapes_picture(first + row) for row in range(settings.batch)]
    grey = np.stack([shapes.grey for shapes in drawn])[:, None].astype(np.float32) / np.float32(255)
    labels = np.stack([cell_labels(s.corners, SIZE, first + row) for row, s in enumerate(drawn)])
    return grey, labels


# ------------------------------------------------------------------------------- judging


@dataclass(frozen=True)
class CornerNumbers:
    """How well corners of drawn shapes are found.

    Attributes:
        average_precision: mean of the precision at every corner found, over all corners, the surest point first.
        recall: share of the corners that a point at the usual confidence lies near.
        precision: share of those points that lie near a corner.
        error_px: mean distance of the corners found from their points.
    """

    average_precision: float
    recall: float
    precision: float
    error_px: float


def judge(detector: CornerDetector, pictures: int = 200, *, confidence: float = 0.05) -> Job[CornerNumbers]:
    """Judge a detector on drawn pictures that no training sees; near means within 3 px.

    Args:
        detector: to judge.
        pictures: how many.
        confidence: of the points that precision and recall count.
    """
    found: list[tuple[Float32, Bool, Float32]] = []
    corners = 0
    for index in range(pictures):
        yield Progress(index, pictures, "Judging")
        shapes = shapes_picture(JUDGED_FROM + index)
        points = find_points(detector.heat(shapes.grey), LEAST_JUDGED, border=0)
        right, distance = assigned(points.xy, shapes.corners)
        found.append((points.confidence, right, distance))
        corners += len(shapes.corners)
    values, right, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    sure = values >= confidence
    hits = int((right & sure).sum())
    return CornerNumbers(
        average_precision(values, right, corners),
        hits / corners if corners else math.nan,
        hits / int(sure.sum()) if sure.any() else math.nan,
        float(distance[right & sure].mean()) if hits else math.nan,
    )


def assigned(xy: Float32, corners: Float64, within_px: float = MATCHED_PX) -> tuple[Bool, Float32]:
    """Return (N,) whether a point is the first to lie near a corner, and its distance from the nearest free one.

    Args:
        xy: (N, 2) points, surest first: each takes the nearest corner that none before it has taken.
        corners: (M, 2) true places.
        within_px: how near.
    """
    right = np.zeros(len(xy), np.bool_)
    distance = np.full(len(xy), np.inf, np.float32)
    free = np.asarray(corners, np.float64).reshape(-1, 2)
    for row, point in enumerate(np.asarray(xy, np.float64)):
        if not len(free):
            break
        gap = np.linalg.norm(free - point, axis=1)
        nearest = int(gap.argmin())
        distance[row] = gap[nearest]
        if gap[nearest] <= within_px:
            right[row] = True
            free = np.delete(free, nearest, axis=0)
    return right, distance


def average_precision(confidence: Sequence[float] | Float32, right: Sequence[bool] | Bool, corners: int) -> float:
    """Return the mean over all corners of the precision at which each is found, those never found counting 0.

    NaN without corners.
    """
    if not corners:
        return math.nan
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    hit = np.asarray(right, np.bool_)[order]
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    return float(precision[hit].sum() / corners)
