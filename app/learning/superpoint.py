"""SuperPoint's arithmetic: cells and their dustbin, points that remain, descriptors between cells, and both losses.

What lives here: pure functions on arrays, NumPy alone. What does not: the network (``superpoint_network``), averaging
over views (``adaptation``), training. May import: records, geometry and numpy.

A *cell* is a square of 8 x 8 pixels. The network gives 65 numbers for each: one for every pixel, channel
``8 row + column`` inside the cell, and the last one, the *dustbin*, for "no point here". Pixel centres lie at integers,
so cell (i, j) has its centre at (8 j + 3.5, 8 i + 3.5).

Source: DeTone, Malisiewicz & Rabinovich, SuperPoint: Self-Supervised Interest Point Detection and Description, CVPR
Workshops 2018; defaults of the points (0.015, 4 px, border 4) are those of the released demo.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.records import Array, Bool, Float32, Float64, Keypoints, UInt8
from app.vision.geometry import transform

CELL = 8
DUSTBIN = CELL * CELL
CHANNELS = DUSTBIN + 1
UNIFORM_LOSS = float(np.log(CHANNELS))  # of a network that finds all 65 equally likely: 4.174
CONFIDENCE, RADIUS, BORDER = 0.015, 4, 4
POSITIVE_MARGIN, NEGATIVE_MARGIN, POSITIVE_WEIGHT = 1.0, 0.2, 250.0
REACH, REACH_OPEN = 8.0, 7.5  # of the paper, and of an open re-implementation
LEAST_LENGTH = 1e-12
Labels = npt.NDArray[np.int64]


# --------------------------------------------------------------------------------- cells


def padded(grey: UInt8) -> UInt8:
    """Return the picture continued by its last row and column until both sides are multiples of 8."""
    height, width = grey.shape
    return np.pad(grey, ((0, -height % CELL), (0, -width % CELL)), mode="edge")


def cell_probabilities(logits: npt.ArrayLike) -> Float32:
    """Return the softmax over the 65 channels of (65, h, w) logits; they sum to 1 in every cell."""
    values = np.asarray(logits, np.float32)
    powers = np.exp(values - values.max(axis=0, keepdims=True))
    result: Float32 = powers / powers.sum(axis=0, keepdims=True)
    return result


def to_heat(cells: Array) -> Array:
    """Return the (8h, 8w) heat map of (65, h, w) or (64, h, w) probabilities: the dustbin is dropped."""
    _, rows, columns = cells.shape
    parts = cells[:DUSTBIN].reshape(CELL, CELL, rows, columns)  # row and column inside the cell, then the cell's
    return parts.transpose(2, 0, 3, 1).reshape(CELL * rows, CELL * columns)


def heat_of(probabilities: Float32, shape: tuple[int, ...]) -> Float32:
    """Return the heat map of (65, h, w) probabilities, cut to the (height, width) of the picture itself."""
    found: Float32 = to_heat(probabilities)[: shape[0], : shape[1]]
    return found


def to_cells(heat: Array) -> Array:
    """Return (64, h, w) of an (8h, 8w) heat map: the inverse of :func:`to_heat`.

    Raises:
        ValueError: if a side is no multiple of 8.
    """
    height, width = heat.shape
    if height % CELL or width % CELL:
        raise ValueError(f"a heat map of {height} x {width} is not made of cells of {CELL}")
    parts = heat.reshape(height // CELL, CELL, width // CELL, CELL)
    return parts.transpose(1, 3, 0, 2).reshape(DUSTBIN, height // CELL, width // CELL)


def cell_labels(corners: npt.ArrayLike, size: tuple[int, int], seed: int = 0) -> Labels:
    """Return (h, w) int64: the channel of every cell's corner, the dustbin's where there is none.

    Args:
        corners: (N, 2) places (x, y), rounded to pixels; those outside are left out.
        size: (width, height), multiples of 8.
        seed: chooses among the corners of one cell.
    """
    width, height = size
    labels = np.full((height // CELL, width // CELL), DUSTBIN, np.int64)
    xy = np.rint(np.asarray(corners, np.float64).reshape(-1, 2)).astype(np.int64)
    xy = xy[((xy >= 0) & (xy < size)).all(axis=1)]
    x, y = np.random.default_rng(seed).permutation(xy).T
    labels[y // CELL, x // CELL] = CELL * (y % CELL) + x % CELL  # of several the last one stays
    return labels


def detector_loss(logits: npt.ArrayLike, labels: Labels) -> float:
    """Return the 65-way cross-entropy, averaged over cells; ln 65 for logits that are all equal. NaN of no cells."""
    values = np.asarray(logits, np.float64).reshape(CHANNELS, -1)
    if not values.size:
        return float("nan")
    top = values.max(axis=0)
    total = np.log(np.exp(values - top).sum(axis=0)) + top
    chosen = values[labels.reshape(-1), np.arange(values.shape[1])]
    return float((total - chosen).mean())


# -------------------------------------------------------------------------------- points


@dataclass(frozen=True, eq=False)
class Points:
    """What remains of a heat map.

    Attributes:
        xy: (N, 2) float32, surest first.
        confidence: (N,) float32, the heat there.
        above: how many pixels reached the confidence asked for.
        apart: how many of them suppression left; those near the rim then go too.
    """

    xy: Float32
    confidence: Float32
    above: int
    apart: int

    def __len__(self) -> int:
        return len(self.xy)

    def keypoints(self) -> Keypoints:
        """Return them as keypoints of the picture they were found in; the response is the confidence."""
        return replace(Keypoints.at(self.xy), response=self.confidence)


def cells_with_points(heat: Float32) -> int:
    """Return how many cells of an (H, W) heat map have a pixel that is likelier than the dustbin.

    The dustbin is what the pixels leave to 1: this is also defined for an average over views. Cut cells are completed
    by zeros.
    """
    height, width = heat.shape
    cells = to_cells(np.pad(heat, ((0, -height % CELL), (0, -width % CELL))))
    return int((cells.max(axis=0) > 1 - cells.sum(axis=0)).sum())


def find_points(heat: Float32, confidence: float = CONFIDENCE, radius: int = RADIUS, border: int = BORDER) -> Points:
    """Return the points of an (H, W) heat map: confidence first, then suppression, then the border.

    Args:
        heat: probabilities.
        confidence: a pixel needs at least this.
        radius: see :func:`suppressed`.
        border: pixels at each side without points: the network saw no surroundings there.
    """
    height, width = heat.shape
    y, x = np.nonzero(heat >= confidence)
    xy = np.stack([x, y], axis=1).astype(np.float32)
    values = heat[y, x].astype(np.float32)
    kept = suppressed(xy, values, radius)
    at, here = xy[kept], values[kept]
    inner = ((at >= border) & (at < (width - border, height - border))).all(axis=1)
    return Points(at[inner], here[inner], len(xy), len(kept))


def suppressed(xy: npt.ArrayLike, confidence: npt.ArrayLike, radius: int) -> npt.NDArray[np.intp]:
    """Return the rows that greedy suppression keeps, surest first.

    The surest point stays and removes all others within a square around it, and so on: of those kept no two are
    within ``radius`` by Chebyshev distance max(|dx|, |dy|). Points are rounded to pixels; of equals the lower row wins.

    Args:
        xy: (N, 2).
        confidence: (N,).
        radius: in pixels; 0 removes only points of one pixel.
    """
    pixels = np.rint(np.asarray(xy, np.float64).reshape(-1, 2)).astype(np.intp)
    order = np.argsort(-np.asarray(confidence, np.float64).reshape(-1), kind="stable")
    if not len(order):
        return np.zeros(0, np.intp)
    if not radius:
        x, y = (pixels[order] - pixels.min(axis=0)).T
        first = np.unique(y * (x.max() + 1) + x, return_index=True)[1]
        return np.asarray(order[np.sort(first)], np.intp)
    pixels = pixels - pixels.min(axis=0) + radius
    free = np.ones(pixels.max(axis=0)[::-1] + radius + 1, np.bool_)
    kept: list[int] = []
    for row, (x, y) in zip(order.tolist(), pixels[order].tolist(), strict=True):
        if free[y, x]:
            kept.append(row)
            free[y - radius : y + radius + 1, x - radius : x + radius + 1] = False
    return np.array(kept, np.intp)


# --------------------------------------------------------------------------- descriptors


def cell_centres(rows: int, columns: int) -> Float64:
    """Return (rows * columns, 2) places (x, y) of the cells' centres, row by row."""
    y, x = np.mgrid[:rows, :columns]
    return CELL * np.stack([x, y], axis=-1).reshape(-1, 2) + (CELL - 1) / 2


def sample_descriptors(coarse: Float32, xy: npt.ArrayLike) -> Float32:
    """Return (N, D) descriptors of unit length at points, bilinear between the cells' centres.

    Args:
        coarse: (D, h, w), one descriptor per cell.
        xy: (N, 2); beyond the outermost centres the outermost descriptors hold.

    The paper samples bicubically, the released demo bilinearly. A descriptor of zeros stays one.
    """
    _, rows, columns = coarse.shape
    at = (np.asarray(xy, np.float64).reshape(-1, 2) - (CELL - 1) / 2) / CELL
    at = np.clip(at, 0, (columns - 1, rows - 1))
    low = np.minimum(np.floor(at).astype(np.intp), np.maximum((columns - 2, rows - 2), 0))
    high = np.minimum(low + 1, (columns - 1, rows - 1))
    fx, fy = (at - low).T
    values = coarse.astype(np.float64)
    mixed = (
        values[:, low[:, 1], low[:, 0]] * (1 - fx) * (1 - fy)
        + values[:, low[:, 1], high[:, 0]] * fx * (1 - fy)
        + values[:, high[:, 1], low[:, 0]] * (1 - fx) * fy
        + values[:, high[:, 1], high[:, 0]] * fx * fy
    ).T
    length = np.linalg.norm(mixed, axis=1, keepdims=True)
    result: Float32 = (mixed / np.maximum(length, LEAST_LENGTH)).astype(np.float32)
    return result


def same_place(homography: Float64, rows: int, columns: int, reach: float = REACH) -> Bool:
    """Return s, (cells, cells): whether a left cell's centre, carried over, lies within reach of a right cell's.

    Args:
        homography: (3, 3), left to right.
        rows, columns: cells of both pictures.
        reach: in pixels, inclusive. With the paper's 8 the four neighbours of a cell count too (centres lie exactly
            8 px apart); with 7.5, as in an open re-implementation, the identity gives the identity.
    """
    centres = cell_centres(rows, columns)
    gap = transform(homography, centres)[:, None] - centres[None]  # NaN, and so never near, behind the horizon
    result: Bool = np.hypot(gap[..., 0], gap[..., 1]) <= reach
    return result


def descriptor_loss(
    left: Float32,
    right: Float32,
    same: Bool,
    *,
    positive_margin: float = POSITIVE_MARGIN,
    negative_margin: float = NEGATIVE_MARGIN,
    weight: float = POSITIVE_WEIGHT,
) -> float:
    """Return the hinge loss over all pairs of cells, averaged: weight * s [m_p - d'd]+ + (1 - s) [d'd - m_n]+.

    Args:
        left, right: (D, h, w) descriptors of the cells.
        same: s, (h * w, h * w).
        positive_margin, negative_margin: m_p and m_n.
        weight: lambda_d, what makes up for the few pairs that belong together; 250 in the paper.
    """
    product = left.reshape(len(left), -1).astype(np.float64).T @ right.reshape(len(right), -1).astype(np.float64)
    pull = weight * np.maximum(0.0, positive_margin - product)
    push = np.maximum(0.0, product - negative_margin)
    return float(np.where(same, pull, push).mean())
