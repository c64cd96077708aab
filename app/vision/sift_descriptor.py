"""The SIFT descriptor: 4 x 4 histograms of 8 gradient directions in the keypoint's own frame.

What lives here: descriptors of many keypoints at once, and :func:`descriptor_at` with every step of one. What does not:
orientations (``sift_orientation``). May import: records, vision, numpy and cv2.

Source: Lowe, IJCV 60(2), 2004, section 6; cell width 3 sigma, window and votes as in OpenCV. The index is
(row * 4 + col) * 8 + direction; row and col run in the rotated frame, and direction d is the gradient turned by
45 d degrees counter-clockwise on screen from the keypoint's orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Array, Float32, Float64, Int32, read_only
from app.vision.describe import root
from app.vision.scale_space import ScaleSpace
from app.vision.sift_gradients import gradients, in_chunks, polar
from app.vision.sift_records import CELLS, DIRECTIONS, LENGTH, SiftExplanation, SiftSettings

CELL_SIGMAS = 3.0  # width of a cell in sigmas
FULL = 512.0  # the integer descriptor has about this norm
PATCH = 64  # pixels of the patch that a view shows, 16 per cell
# A histogram with a margin of one cell that is thrown away, and one direction more that is the first again.
_WIDE, _ROUND = CELLS + 2, DIRECTIONS + 1


@dataclass(frozen=True, eq=False)
class DescriptorView:
    """Every step of one descriptor; histograms are (4, 4, 8) float32 [row, col, direction].

    Attributes:
        x, y, sigma, angle: of the keypoint, image pixels and degrees.
        cell: width of a cell in image pixels, 3 sigma.
        corners: (4, 2) float64, the outer corners of the cells in the image: top left, top right, bottom right, bottom
            left in the keypoint's frame.
        patch: (64, 64) float32 grey values of the level in the keypoint's frame, exactly the 4 x 4 cells.
        raw: weighted votes.
        unit: after the first normalisation (norm 1).
        clipped: no bin above ``clip``.
        final: normalised again (norm 1); bins may exceed ``clip`` again. All zero where there is no gradient.
        ints: (128,) float32, round(512 final) up to 255: OpenCV's descriptor.
        root: (128,) float32, RootSIFT of ``ints``, norm 1.
    """

    x: float
    y: float
    sigma: float
    angle: float
    cell: float
    corners: Float64
    patch: Float32
    raw: Float32
    unit: Float32
    clipped: Float32
    final: Float32
    ints: Float32
    root: Float32

    def __post_init__(self) -> None:
        for name in ("raw", "unit", "clipped", "final"):
            shape = (CELLS, CELLS, DIRECTIONS)
            object.__setattr__(self, name, read_only(getattr(self, name), np.float32, shape, name))
        for name in ("ints", "root"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float32, (LENGTH,), name))
        object.__setattr__(self, "patch", read_only(self.patch, np.float32, (PATCH, PATCH), "patch"))


def window_radius(sigma: Array, shape: tuple[int, int]) -> Int32:
    """Return the radius of the square that holds the rotated cells and a margin of half a cell, octave pixels.

    Args:
        sigma: octave pixels.
        shape: of the level; no window reaches farther than its diagonal.
    """
    cell = np.float32(CELL_SIGMAS) * np.asarray(sigma, np.float32)
    radius = np.rint(cell * np.float32(np.sqrt(2) * (CELLS + 1) * 0.5))
    limited: Int32 = np.minimum(radius, int(np.hypot(*shape))).astype(np.int32)
    return limited


def raw_histograms(level: Float32, row: Int32, col: Int32, sigma: Float32, angle: Float32) -> Float32:
    """Return the weighted votes (K, 128) float32 of K keypoints on one Gaussian level.

    Args:
        level: (height, width) float32.
        row, col: (K,) the pixel each keypoint is rounded to.
        sigma: (K,) octave pixels.
        angle: (K,) degrees clockwise from +x.
    """
    result = np.zeros((len(row), LENGTH), np.float32)

    def describe(widest: int, some: Array) -> None:
        """Describe the points of one size of window."""
        dx, dy, valid = gradients(level, row[some], col[some], widest)
        result[some] = _cells(dx, dy, valid, sigma[some], angle[some], widest)

    in_chunks(window_radius(sigma, level.shape), describe)
    return result


def _cells(dx: Float32, dy: Float32, valid: Array | None, sigma: Float32, angle: Float32, radius: int) -> Float32:
    """Return (K, 128) trilinear votes of (K, n, n) gradients."""
    count = len(sigma)
    step = np.arange(-radius, radius + 1, dtype=np.float32)
    turn = np.deg2rad(angle.astype(np.float64))
    cell = np.float32(CELL_SIGMAS) * sigma
    cos, sin = (np.cos(turn) / cell).astype(np.float32), (np.sin(turn) / cell).astype(np.float32)
    along, across = cos[:, None] * step, sin[:, None] * step
    # In the keypoint's frame, in cells from its centre: col = x cos + y sin, row = y cos - x sin.
    col = along[:, None, :] + across[:, :, None]
    row = along[:, :, None] - across[:, None, :]
    reach = np.float32(CELLS / 2 + 0.5)
    inside = np.maximum(np.abs(col), np.abs(row)) < reach
    if valid is not None:
        inside &= valid
    chosen = np.flatnonzero(inside)
    which = chosen // inside[0].size
    col, row = col.reshape(-1)[chosen], row.reshape(-1)[chosen]
    magnitude, direction = polar(dx.reshape(-1)[chosen], dy.reshape(-1)[chosen])
    # The Gaussian window: standard deviation of two cells, half the width of the descriptor.
    magnitude *= np.exp((col * col + row * row) * np.float32(-1 / (CELLS * CELLS * 0.5)))
    direction += angle[which]
    direction *= np.float32(DIRECTIONS / 360)
    middle = np.float32(CELLS / 2 - 0.5)
    return _trilinear(which, row + middle, col + middle, direction, magnitude, count)


def _trilinear(which: Array, row: Float32, col: Float32, direction: Float32, votes: Float32, count: int) -> Float32:
    """Share every vote among two rows, two columns and two directions; return (count, 128) float32.

    Args:
        which: (n,) which of the ``count`` keypoints.
        row, col: (n,) in cells, between -1 and 4.
        direction: (n,) in eighths of a turn, 0 to 16.
        votes: (n,).
    """
    row0, col0, direction0 = np.floor(row), np.floor(col), np.floor(direction)
    # The eight shares of a vote lie at fixed distances from the first, so one index serves them all.
    first = (which * _WIDE + row0.astype(np.intp)) * _WIDE + col0.astype(np.intp)
    first = (first + _WIDE + 1) * _ROUND + (direction0.astype(np.intp) & (DIRECTIONS - 1))
    above, left, before = (part.astype(np.float64) for part in (row - row0, col - col0, direction - direction0))
    total = np.zeros((count * _WIDE + 1) * _WIDE * _ROUND + 2 * _ROUND)
    size = count * _WIDE * _WIDE * _ROUND
    whole = votes.astype(np.float64)
    lower = whole * above
    for r, in_row in enumerate((whole - lower, lower)):
        right = in_row * left
        for c, in_cell in enumerate((in_row - right, right)):
            after = in_cell * before
            for d, share in enumerate((in_cell - after, after)):
                start = (r * _WIDE + c) * _ROUND + d
                total[start : start + size] += np.bincount(first, share, size)
    cells = total[:size].reshape(count, _WIDE, _WIDE, _ROUND)[:, 1:-1, 1:-1]
    cells[..., 0] += cells[..., DIRECTIONS]
    return cells[..., :DIRECTIONS].reshape(count, LENGTH).astype(np.float32)


def normalised(raw: Float32, clip: float) -> tuple[Float32, Float32, Float32]:
    """Return (unit, clipped, final) of (K, 128) votes: to norm 1, no bin above ``clip``, to norm 1 again.

    Rows without any gradient stay zero.
    """
    unit = _unit(raw)
    clipped = np.minimum(unit, np.float32(clip))
    return unit, clipped, _unit(clipped)


def _unit(values: Float32) -> Float32:
    norm = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(norm > 0, norm, 1), np.float32)


def as_integers(final: Float32) -> Float32:
    """Return OpenCV's integers, round(512 * value) and at most 255, as float32."""
    integers: Float32 = np.minimum(np.rint(final * np.float32(FULL)), 255).astype(np.float32)
    return integers


def squared_differences(a: Float32, b: Float32) -> tuple[Float64, float]:
    """Return the per-bin squared differences of two descriptors, and the distance: the root of their sum."""
    squared = (a.astype(np.float64).reshape(-1) - b.astype(np.float64).reshape(-1)) ** 2
    return squared, float(np.sqrt(squared.sum()))


# ---------------------------------------------------------------------------- one keypoint


def descriptor_at(
    space: ScaleSpace,
    octave: int,
    layer: int,
    x: float,
    y: float,
    sigma: float,
    angle: float,
    settings: SiftSettings,
) -> DescriptorView:
    """Return every step of the descriptor at a place, which need not be a keypoint.

    Args:
        octave, layer: the Gaussian level it is taken from.
        x, y, sigma: image pixels.
        angle: degrees clockwise from +x; ignored if the settings say upright.
    """
    if settings.upright:
        angle = 0.0
    scale = 2.0**-octave
    width, height = space.size(octave)
    col, row = round(x * scale), round(y * scale)
    local, turn = np.array([sigma * scale], np.float32), np.array([angle], np.float32)
    radius = int(window_radius(local, (height, width))[0])
    window = space.window(octave, layer, col, row, radius + 2)
    raw = np.zeros((1, LENGTH), np.float32)
    if window.values.size:
        # The window ends where the level does, or beyond every sample that votes.
        place = np.array([row - window.top]), np.array([col - window.left])
        raw = raw_histograms(window.values, *place, local, turn)
    unit, clipped, final = normalised(raw, settings.clip)
    ints = as_integers(final)
    shape = (CELLS, CELLS, DIRECTIONS)
    cell = CELL_SIGMAS * sigma
    axis, side = _axes(angle)
    middle, half = np.array([x, y]), cell * CELLS / 2
    corners = np.stack([middle + half * (u * axis + v * side) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    return DescriptorView(
        x=x,
        y=y,
        sigma=sigma,
        angle=angle,
        cell=cell,
        corners=corners,
        patch=_patch(window.values, (x * scale - window.left, y * scale - window.top), cell * scale, angle),
        raw=raw.reshape(shape),
        unit=unit.reshape(shape),
        clipped=clipped.reshape(shape),
        final=final.reshape(shape),
        ints=ints.reshape(-1),
        root=root(ints).reshape(-1),
    )


def _axes(angle: float) -> tuple[Float64, Float64]:
    """Return the unit vectors of the keypoint's columns and rows, in image x, y."""
    turn = np.deg2rad(angle)
    return np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])


def _patch(values: Float32, centre: tuple[float, float], cell: float, angle: float) -> Float32:
    """Return the 4 x 4 cells around ``centre`` resampled upright, (64, 64); the border's colour beyond the level."""
    if not values.size:
        return np.zeros((PATCH, PATCH), np.float32)
    axis, side = _axes(angle)
    step = cell * CELLS / PATCH
    start = np.asarray(centre) - (PATCH - 1) / 2 * step * (axis + side)
    matrix = np.column_stack([axis * step, side * step, start])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shape = (PATCH, PATCH)
    warped = cv2.warpAffine(values, matrix, shape, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def descriptor_of(explanation: SiftExplanation, keypoint: int) -> DescriptorView:
    """Return every step of the descriptor of a keypoint of an explanation."""
    points = explanation.keypoints
    x, y = points.xy[keypoint].tolist()
    return descriptor_at(
        explanation.space,
        int(points.octave[keypoint]),
        int(points.layer[keypoint]),
        x,
        y,
        float(points.size[keypoint]) / 2,
        float(points.angle[keypoint]),
        explanation.settings,
    )
