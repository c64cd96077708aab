"""Fitting a quadratic to an extremum: where it really lies, how strong it is, whether it sits on an edge.

What lives here: the batched refinement and the tests of contrast, edge and border. What does not: finding extrema
(``sift_extrema``). May import: records, vision, numpy.

Source: Brown and Lowe, BMVC 2002; Lowe, IJCV 60(2), 2004, section 4; limits as in OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.records import Array, Bool, Float32, Float64, Int32
from app.vision.scale_space import ScaleSpace
from app.vision.sift_extrema import Samples
from app.vision.sift_records import BORDER, Candidates, SiftSettings, Stage

STEPS = 5  # OpenCV's; Lowe names no limit
HALF = 0.5
FULL_SCALE = 255.0
_FARTHEST = (2**31 - 1) / 3  # an offset beyond this is no number to round


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The quadratic through a sample and its neighbours, N times; units of the stack per sample.

    Attributes:
        gradient: (N, 3) float64, along x, y, layer.
        hessian: (N, 6) float64, xx, yy, ll, xy, xl, yl.
    """

    gradient: Float64
    hessian: Float64

    def offsets(self) -> Float64:
        """(N, 3) where the gradient vanishes, -H**-1 g; zero where H is singular, as in OpenCV."""
        xx, yy, ll, xy, xl, yl = self.hessian.T
        gx, gy, gl = self.gradient.T
        # The inverse by cofactors: three rows of a symmetric 3 x 3 matrix.
        a, b, c = yy * ll - yl * yl, xl * yl - xy * ll, xy * yl - xl * yy
        d, e, f = xx * ll - xl * xl, xy * xl - xx * yl, xx * yy - xy * xy
        determinant = xx * a + xy * b + xl * c
        usable = determinant != 0
        scale = -1.0 / np.where(usable, determinant, 1.0)
        solved = np.stack([a * gx + b * gy + c * gl, b * gx + d * gy + e * gl, c * gx + e * gy + f * gl], axis=1)
        offsets: Float64 = np.where(usable[:, None], solved * scale[:, None], 0.0)
        return offsets

    def edge_ratio(self) -> Float64:
        """(N,) trace**2 / determinant of the spatial part; inf where the determinant is not positive."""
        xx, yy, xy = self.hessian[:, 0], self.hessian[:, 1], self.hessian[:, 3]
        determinant = xx * yy - xy * xy
        curved = determinant > 0
        ratio = (xx + yy) ** 2 / np.where(curved, determinant, 1.0)
        return np.asarray(np.where(curved, ratio, np.inf), np.float64)


def fit(differences: Float32, layer: Array, row: Array, col: Array) -> Quadratic:
    """Return the quadratics at samples of a contiguous (planes, height, width) stack, from central differences."""
    _, height, width = differences.shape
    flat = differences.reshape(-1)
    here = (layer.astype(np.int64) * height + row) * width + col
    x, y, z = 1, width, height * width

    def at(shift: int) -> Float64:
        """Return the values of the samples a shift away from the candidates."""
        return np.asarray(flat[here + shift], np.float64)

    twice = 2 * at(0)
    left, right, above, below, before, after = at(-x), at(x), at(-y), at(y), at(-z), at(z)
    gradient = np.stack([right - left, below - above, after - before], axis=1) / 2
    mixed = [
        (at(p + q) - at(q - p) - at(p - q) + at(-p - q)) / 4
        for p, q in ((x, y), (x, z), (y, z))
    ]  # fmt: skip
    pure = [right + left - twice, below + above - twice, after + before - twice]
    return Quadratic(gradient, np.stack(pure + mixed, axis=1))


@dataclass(eq=False)
class _Walk:
    """Where each sample stands while it is moved; ``settled`` ones have come to rest."""

    layer: Int32
    row: Int32
    col: Int32
    offset: Float64
    moves: Int32
    border: Int32
    settled: Bool
    lost: Bool


def _walk(differences: Float32, samples: Samples) -> _Walk:
    """Move every sample until its fitted extremum lies within half a sample, at most ``STEPS`` fits."""
    planes, height, width = differences.shape
    n = len(samples)
    walk = _Walk(
        samples.layer.copy(),
        samples.row.copy(),
        samples.col.copy(),
        np.full((n, 3), np.nan),
        np.zeros(n, np.int32),
        _to_border(samples.row, samples.col, height, width),
        np.zeros(n, bool),
        np.zeros(n, bool),
    )
    active = np.arange(n)
    for _ in range(STEPS):
        if not len(active):
            break
        offset = fit(differences, walk.layer[active], walk.row[active], walk.col[active]).offsets()
        walk.offset[active] = offset
        rests = np.all(np.abs(offset) < HALF, axis=1)
        walk.settled[active[rests]] = True
        active, offset = active[~rests], offset[~rests]
        sane = np.all(np.abs(offset) <= _FARTHEST, axis=1)
        walk.lost[active[~sane]] = True
        active, step = active[sane], np.rint(offset[sane]).astype(np.int64)
        col, row, layer = walk.col[active] + step[:, 0], walk.row[active] + step[:, 1], walk.layer[active] + step[:, 2]
        inside = (layer >= 1) & (layer <= planes - 2)
        inside &= (row >= 1) & (row < height - 1) & (col >= 1) & (col < width - 1)
        walk.lost[active[~inside]] = True
        active = active[inside]
        walk.col[active], walk.row[active], walk.layer[active] = col[inside], row[inside], layer[inside]
        walk.moves[active] += 1
        walk.border[active] = np.minimum(
            walk.border[active], _to_border(walk.row[active], walk.col[active], height, width)
        )
    return walk


def _to_border(row: Int32, col: Int32, height: int, width: int) -> Int32:
    """Return how many pixels lie between each sample and the border, counted as OpenCV's band of 5 is."""
    near = np.minimum(np.minimum(row, height - 1 - row), np.minimum(col, width - 1 - col))
    return near.astype(np.int32)


def refine(
    differences: Float32, samples: Samples, octave: int, space: ScaleSpace, settings: SiftSettings
) -> Candidates:
    """Return the candidates of one octave, tested up to the border.

    Every test is measured for every candidate that has a fit, so that views can show what would have come next.

    Args:
        differences: contiguous (planes, height, width) float32 of this octave, grey levels.
        samples: its extrema.
        octave: its signed number.
    """
    walk = _walk(differences, samples)
    quadratic = fit(differences, walk.layer, walk.row, walk.col)
    # A fit that came to no rest says nothing: such a candidate stays at its sample.
    offset = np.where(walk.settled[:, None], walk.offset, 0.0)
    value = differences[walk.layer, walk.row, walk.col] + 0.5 * np.sum(quadratic.gradient * offset, axis=1)
    value /= FULL_SCALE
    contrast = np.abs(value) * settings.layers
    edge_ratio = quadratic.edge_ratio()
    scale = 2.0**octave
    level = walk.layer + offset[:, 2]
    passed = np.stack(
        [
            walk.settled,
            contrast.astype(np.float32) >= np.float32(settings.contrast),
            edge_ratio < settings.edge_limit,
            walk.border >= BORDER,
        ],
        axis=1,
    )
    stage = np.cumprod(passed, axis=1).sum(axis=1)
    numbers = np.stack([np.abs(walk.offset).max(axis=1), contrast, edge_ratio, walk.border], axis=1)
    alive = stage == int(Stage.BORDER)
    twins = _twins(walk, alive)
    number = numbers[np.arange(len(stage)), np.minimum(stage, 3)]
    return Candidates(
        octave=np.full(len(samples), octave, np.int32),
        found_layer=samples.layer,
        found_row=samples.row,
        found_col=samples.col,
        layer=walk.layer,
        row=walk.row,
        col=walk.col,
        moves=walk.moves,
        offset=_float32(walk.offset),
        sample=_float32(differences[samples.layer, samples.row, samples.col] / FULL_SCALE),
        value=_float32(value),
        contrast=_float32(contrast),
        edge_ratio=_float32(edge_ratio),
        border=walk.border,
        xy=_float32(np.stack([walk.col + offset[:, 0], walk.row + offset[:, 1]], axis=1) * scale),
        sigma=_float32(space.settings.sigma0 * 2.0 ** (level / settings.layers) * scale),
        twin=twins,
        stage=stage.astype(np.int8),
        number=_float32(np.where(alive, np.nan, number)),
    )


def _twins(walk: _Walk, alive: Bool) -> Int32:
    """Return for every living candidate the row of the first that rests on the same sample, -1 for that one itself."""
    twins = np.full(len(alive), -1, np.int32)
    rows = np.flatnonzero(alive)
    places = np.stack([walk.layer[rows], walk.row[rows], walk.col[rows]], axis=1)
    _, first, which = np.unique(places, axis=0, return_index=True, return_inverse=True)
    earliest = rows[first[which.reshape(-1)]]
    twins[rows] = np.where(earliest == rows, -1, earliest)
    return twins


def _float32(values: Array) -> Float32:
    """Return float32; a hopeless fit may be far beyond its range and becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(np.float32)
