"""Filters that are discriminative and diverse become detectors of parts: the core of AnchorNet on a few pictures.

What lives here: K filters on hypercolumns, learned from the label of the picture alone, every iterate of them, and the
transfer of points by which they are judged. What does not: the losses (``anchor_losses``), features (``hypercolumns``),
pictures (``anchor_pictures``). May import: those, jobs, settings, vision, numpy; no torch.

Source: Novotny, Larlus and Vedaldi, AnchorNet, CVPR 2017. Left out: the denoising auto-encoder that shares filters
among classes, and the network's own training; the paper has 200 filters of 3 x 3 a class on ResNet's hypercolumns, here
a few of 1 x 1. A filter has a threshold besides its weights, which neither decays nor counts for L_DivA. The minimised
sum is mean L_Discr + mean L_aux + lambda (mean L_DivB) + nu (mean L_DivA) + (decay / 2) mean |F_k|^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from app.jobs import Job, Progress
from app.learning.anchor_losses import (
    Form,
    discriminability,
    filter_diversity,
    likeness,
    map_diversity,
    sigmoid,
    silence,
    softplus,
)
from app.records import Array, Float32, Float64, UserError
from app.settings import Settings, choice, number
from app.vision.blas import one_thread_each
from app.vision.half_pixel import all_to_original

STEP = 0.04  # of Adam, in units of a weight
START = 0.05  # deviation of the first filters' weights
APART = 0.002  # how much they differ from each other, of that: nearly alike, so that only a loss can part them


@dataclass(frozen=True)
class AnchorSettings(Settings):
    """How the filters are learned."""

    filters: int = number(6, 1, 8, 1, label="Filters K", help="How many filters; each has a colour and a number.")
    diversity: float = number(
        1.0, 0.0, 10.0, 0.01, label="Diversity λ", log_scale=True, zero_means="off",
        help="Weight of L_DivB: filters must answer at different places. 0 turns it off on both sides.",
    )  # fmt: skip
    orthogonality: float = number(
        0.0, 0.0, 10.0, 0.01, label="Orthogonality ν", log_scale=True, zero_means="off",
        help="Weight of L_DivA, the paper's second term: the filters' weights must be orthogonal to each other.",
    )  # fmt: skip
    decay: float = number(
        0.005, 0.0, 1.0, 0.001, label="Weight decay", log_scale=True, zero_means="off",
        help="Keeps filters short. With the paper's L_Discr and no decay they grow without end.",
    )  # fmt: skip
    form: str = choice(
        "bounded", {"bounded": "logistic, bounded", "paper": "as in the paper"}, label="L_Discr",
        help="In the paper −y ψ(max z), which has no lower bound for pictures with the object. Bounded: ψ(−y max z).",
    )  # fmt: skip
    iterations: int = number(200, 1, 1000, 10, label="Iterations", help="Steps of Adam.")
    seed: int = number(0, 0, 9999, 1, label="Seed", help="Draws the filters at the start.")


@dataclass(frozen=True, eq=False)
class Maps:
    """What filters answer in one picture: (h, w, K) float64, above 0."""

    values: Float64

    @property
    def peaks(self) -> tuple[tuple[int, int], ...]:
        """(column, row) of the highest answer of every filter."""
        rows, columns, count = self.values.shape
        flat = self.values.reshape(rows * columns, count)
        return tuple((int(at % columns), int(at // columns)) for at in flat.argmax(axis=0))


@dataclass(frozen=True, eq=False)
class AnchorStep:
    """The filters after some iterations, and each loss there.

    Attributes:
        filters: (K, C + 1), the last column the thresholds.
        diversity, discriminability, silence, orthogonality: means of L_DivB, L_Discr, L_aux, L_DivA.
        total: the weighted sum that is minimised.
        likeness: mean correlation of two maps in a picture with the object; NaN for K = 1.
    """

    step: int
    filters: Float64
    diversity: float
    discriminability: float
    silence: float
    orthogonality: float
    total: float
    likeness: float


@dataclass(frozen=True, eq=False)
class Anchors:
    """A finished run: the settings it had and every iterate."""

    settings: AnchorSettings
    history: tuple[AnchorStep, ...]


def responses(columns: Float32, filters: Float64) -> Maps:
    """Return the maps psi(F_k * Phi + b_k) of (h, w, C) columns."""
    return Maps(softplus(columns.astype(np.float64) @ filters[:, :-1].T + filters[:, -1]))


class _Objective:
    """The weighted sum of losses of filters on some pictures, and its gradient."""

    def __init__(self, columns: Sequence[Float32], labels: Sequence[int], settings: AnchorSettings) -> None:
        self._places = [np.column_stack((c.reshape(-1, c.shape[-1]), np.ones(c.shape[0] * c.shape[1])))
                        .astype(np.float32) for c in columns]  # fmt: skip
        self._labels, self._settings = tuple(labels), settings
        self._with = max(1, sum(label > 0 for label in labels))
        self._without = max(1, sum(label < 0 for label in labels))

    def at(self, filters: Float64, step: int) -> tuple[AnchorStep, Float64]:
        """Return (the losses, the gradient by the filters)."""
        chosen = self._settings
        count = len(filters)
        gradient = np.zeros_like(filters)
        told = {"discriminability": 0.0, "diversity": 0.0, "silence": 0.0}
        alike: list[float] = []
        for places, label in zip(self._places, self._labels, strict=True):
            z = (places @ filters.T.astype(np.float32)).astype(np.float64)
            best = z.argmax(axis=0)
            value, by_peak = discriminability(z[best, range(count)], label, cast("Form", chosen.form))
            told["discriminability"] += value / len(self._labels)
            gradient += by_peak[:, None] * places[best] / len(self._labels)
            if label > 0:
                maps = softplus(z)
                value, by_map = map_diversity(maps)
                told["diversity"] += value / self._with
                by_place, weight = by_map * sigmoid(z), chosen.diversity / self._with
                alike.append(likeness(maps))
            else:
                value, by_place = silence(z)
                told["silence"] += value / self._without
                weight = 1 / self._without
            gradient += weight * (by_place.T.astype(np.float32) @ places)
        across, by_filter = filter_diversity(filters[:, :-1])
        gradient[:, :-1] += chosen.orthogonality * by_filter + chosen.decay * filters[:, :-1] / count
        length = float((filters[:, :-1] ** 2).sum()) / count
        total = told["discriminability"] + told["silence"] + chosen.diversity * told["diversity"]
        total += chosen.orthogonality * across + chosen.decay / 2 * length
        mean = float(np.mean(alike)) if alike else float("nan")
        return AnchorStep(step, filters.copy(), **told, orthogonality=across, total=total, likeness=mean), gradient


def objective(
    columns: Sequence[Float32], labels: Sequence[int], filters: Float64, settings: AnchorSettings
) -> tuple[AnchorStep, Float64]:
    """Return (every loss, gradient of their weighted sum) at (K, C + 1) filters; as :func:`learn_filters` has them."""
    return _Objective(columns, labels, settings).at(filters, 0)


def first_filters(count: int, dimensions: int, seed: int) -> Float64:
    """Return (K, C + 1) filters to start from: nearly alike, thresholds 0."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, START, (1, dimensions))
    own = rng.normal(0, START * APART, (count, dimensions))
    return np.column_stack((common + own, np.zeros(count)))


def learn_filters(
    columns: Sequence[Float32], labels: Sequence[int], settings: AnchorSettings | None = None, *, text: str = "Learning"
) -> Job[Anchors]:
    """Learn filters by Adam from pictures with (label 1) and without (-1) the object; every progress carries the steps.

    Args:
        columns: (h, w, C) of every picture; the grids may differ.
        labels: 1 or -1 for each.
        text: of the progress.

    Raises:
        UserError: if there is no picture with the object, or columns and labels do not fit together.
    """
    chosen = settings or AnchorSettings()
    _check(columns, labels)
    goal = _Objective(columns, labels, chosen)
    filters = first_filters(chosen.filters, columns[0].shape[-1], chosen.seed)
    first, second = np.zeros_like(filters), np.zeros_like(filters)
    history: list[AnchorStep] = []
    for step in range(chosen.iterations + 1):
        with one_thread_each():  # the products are small: threads would wait for each other
            now, gradient = goal.at(filters, step)
        history.append(now)
        yield Progress(step, chosen.iterations, text, now)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        ahead = first / (1 - 0.9 ** (step + 1))
        filters = filters - STEP * ahead / (np.sqrt(second / (1 - 0.99 ** (step + 1))) + 1e-6)
    return Anchors(chosen, tuple(history))


def _check(columns: Sequence[Float32], labels: Sequence[int]) -> None:
    if len(columns) != len(labels):
        raise UserError(f"There are {len(columns)} pictures and {len(labels)} labels; give one label for each picture.")
    if any(label not in (-1, 1) for label in labels):
        raise UserError("A label is 1 for a picture with the object and −1 for one without.")
    if 1 not in labels:
        raise UserError("Filters need at least one picture with the object; add one.")
    if any(c.ndim != 3 or 0 in c.shape or c.shape[-1] != columns[0].shape[-1] for c in columns):
        raise UserError("The pictures' features must be height × width × C with the same C for all.")
    if not all(np.isfinite(c).all() for c in columns):
        raise UserError("The pictures' features hold values that are no numbers; check the pictures.")


def on_grid(xy: Array, size: tuple[int, int], grid: tuple[int, int]) -> Float64:
    """Return (N, 2) places of a grid of (columns, rows) cells for points of a picture of (width, height)."""
    scale = np.array(grid, np.float64) / np.array(size, np.float64)
    return all_to_original(xy, scale)


def on_picture(cells: Array, size: tuple[int, int], grid: tuple[int, int]) -> Float64:
    """Return (N, 2) points of a picture for places of the grid: the inverse of :func:`on_grid`."""
    return on_grid(cells, grid, size)


def transferred(source: Array, target: Array, xy: Array, sizes: tuple[tuple[int, int], tuple[int, int]]) -> Float64:
    """Return (N, 2) points of the target picture: the cell whose vector has the largest cosine with that at each point.

    Args:
        source, target: (h, w, C) vectors of any length.
        xy: (N, 2) points of the source picture; their vectors are interpolated between cells.
        sizes: (width, height) of both pictures.
    """
    import cv2

    rows, columns = source.shape[:2]
    cells = on_grid(xy, sizes[0], (columns, rows)).astype(np.float32)
    asked = np.column_stack([
        cv2.remap(np.ascontiguousarray(source[..., channel], np.float32), cells[:, :1], cells[:, 1:],
                  cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
        for channel in range(source.shape[-1])
    ]) if len(cells) else np.zeros((0, source.shape[-1]))  # fmt: skip
    rows, columns = target.shape[:2]
    there = target.reshape(rows * columns, -1).astype(np.float64)
    length = np.linalg.norm(there, axis=1, keepdims=True)
    best = (asked @ (there / np.maximum(length, 1e-12)).T).argmax(axis=1)
    return on_picture(np.column_stack((best % columns, best // columns)), sizes[1], (columns, rows))


def pck(found: Array, truth: Array, alpha: float = 0.1) -> float:
    """Return the share of (N, 2) found points within alpha times the longer side of the true points' box; NaN of none.

    PCK, the percentage of correct keypoints, with the box of the named parts in place of the object's.
    """
    if not len(truth):
        return float("nan")
    reach = alpha * float(np.ptp(truth, axis=0).max())
    return float((np.linalg.norm(np.asarray(found) - truth, axis=1) <= reach).mean())
