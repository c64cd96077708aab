"""Top-k patch reconstruction: what a layer of a convolutional network still knows of a place.

What lives here: the search for the nearest cells, pasting their patches, the uniform control, and the job that does it
for all layers. What does not: the maps (``layer_maps``), pictures from files, Qt. May import: layer_maps, jobs, records
and numpy.

Source: Long, Zhang & Darrell, "Do Convnets Learn Correspondence?", NeurIPS 2014, section 3. Each cell of a picture is
replaced by the average of the patches around the k cells nearest to it (by cosine) in a database. If a layer only knew
*what* is somewhere in its receptive field, the patches would be any of the field's: that is the control, "uniform rf".

What is pasted
--------------
The paper pastes squares of the layer's own stride, 16 × 16 for conv3 to conv5 of CaffeNet, whose stride is 16. Here all
layers paste squares of one ``tile``, a multiple of the largest jump (4 pixels), around cells on one grid of that step,
so that squares touch and do not overlap: there is no average but that of the k, and columns differ by the layer alone.
Databases keep every cell. A square of an even side T around a centre c holds the pixels c − T/2 … c + T/2 − 1.

A cell whose receptive field leaves the picture has seen the border of zeros: it is neither replaced nor in the
database, and for all layers alike, by the largest field. So all columns cover the same pixels and their errors compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.jobs import Job, Progress, relayed
from app.learning.layer_maps import ConvLayer, LayerMap, fitted, layer_maps
from app.records import Float32, Float64, Int32, UInt8, UserError

# Cosines held at a time: some hundredths of a second of work.
BLOCK = 6_000_000
SPARE = 3  # more than k that are measured again
SLACK = 1e-5  # more than a product of unit vectors in float32 is wrong by, for some hundred channels


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of one layer, of one picture or several.

    Attributes:
        features: (n, C) float64 of unit length; zero where a layer says nothing at all.
        picture: (n,) int32, which picture.
        xy: (n, 2) int32 centres in its pixels.
    """

    features: Float64
    picture: Int32
    xy: Int32

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The k nearest cells of n cells, the nearest first: (n, k) int32 rows and (n, k) float64 cosines."""

    row: Int32
    cosine: Float64


@dataclass(frozen=True, eq=False)
class LayerResult:
    """What one layer makes of the picture.

    Attributes:
        name: of the layer.
        layer: its sizes.
        nearest: for every cell of the grid, the most nearest that are asked for.
        picture: (n, k) int32 which picture of the database each is from.
        xy: (n, k, 2) int32 where there.
        pasted: k -> (H, W) float32 grey levels, NaN where nothing is pasted.
        error: k -> root of the mean squared difference to the picture, in grey levels, over what is covered.
        control, control_error: the same for patches from anywhere in the receptive field.
    """

    name: str
    layer: ConvLayer
    nearest: Nearest
    picture: Int32
    xy: Int32
    pasted: dict[int, Float32]
    error: dict[int, float]
    control: dict[int, Float32]
    control_error: dict[int, float]


@dataclass(frozen=True, eq=False)
class Study:
    """A picture reconstructed from every layer.

    Attributes:
        grey: (H, W) uint8, the picture.
        database: (h, w) uint8 pictures that patches were taken from.
        centres: (n, 2) int32 of the cells that are replaced.
        tile: side of a pasted square.
        layers: results as far as there are.
        cells: per layer, how many cells the database has.
    """

    grey: UInt8
    database: tuple[UInt8, ...]
    centres: Int32
    tile: int
    layers: tuple[LayerResult, ...] = ()
    cells: tuple[int, ...] = ()

    @cached_property
    def covered(self) -> tuple[int, int, int, int]:
        """(left, top, width, height) in pixels of what is pasted: a rectangle without its border."""
        left, top = (self.centres.min(axis=0) - self.tile // 2).tolist()
        right, bottom = (self.centres.max(axis=0) + self.tile // 2).tolist()
        return left, top, right - left, bottom - top

    def cell_at(self, x: float, y: float) -> int:
        """Return the row of the cell whose centre is nearest to a pixel."""
        gap = self.centres - np.array([x + 0.5, y + 0.5])  # a square's middle lies half a pixel before its centre
        return int(np.square(gap).sum(axis=1).argmin())


def reach_of(layers: Sequence[ConvLayer], tile: int) -> int:
    """Return how far from the border a centre must stay so that every field and every square is in the picture."""
    return max(*((layer.side - 1) // 2 for layer in layers), tile // 2)


def cells_of(maps: LayerMap, shape: tuple[int, int], *, reach: int, step: int = 1, picture: int = 0) -> Cells:
    """Return the cells of a layer whose centres stay ``reach`` pixels from the border.

    Args:
        maps: of the layer.
        shape: (height, width) of the picture.
        reach: see :func:`reach_of`.
        step: only centres that are multiples of it in both directions.
        picture: what to call the picture.

    Returns:
        The cells row by row; none if the picture is too small.
    """
    chosen = [
        np.flatnonzero((at >= reach) & (at <= length - 1 - reach) & (at % step == 0))
        for at, length in zip(maps.centres(), (shape[1], shape[0]), strict=True)
    ]
    columns, rows = chosen
    x, y = maps.centres()
    values = maps.values[np.ix_(rows, columns)].reshape(-1, maps.values.shape[2]).astype(np.float64)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    features = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    xy = np.stack(np.meshgrid(x[columns], y[rows]), axis=-1).reshape(-1, 2)
    return Cells(features, np.full(len(xy), picture, np.int32), np.asarray(xy, np.int32))


def together(parts: Sequence[Cells]) -> Cells:
    """Return the cells of several pictures as one database."""
    return Cells(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.picture for part in parts]),
        np.concatenate([part.xy for part in parts]),
    )


def nearest_cells(query: Cells, database: Cells, k: int) -> Job[Nearest]:
    """Return the k database cells of the greatest cosine for every query cell; among equals the first rows.

    The same as measuring all pairs in float64: a cell is nearer to itself than to one that resembles it to seven
    digits. Products in float32 choose a few more than k, which are measured again; where these leave doubt, as on
    flat ground with its many equals, the whole row is. Fewer than k come back where the database is smaller.
    """
    n, m, k = len(query), len(database), min(k, len(database))
    row, cosine = np.zeros((n, k), np.int32), np.zeros((n, k))
    if not k:
        return Nearest(row, cosine)
    taken = min(k + SPARE, m)
    rough, small = database.features.T.astype(np.float32), query.features.astype(np.float32)
    height = max(1, BLOCK // m)
    for top in range(0, n, height):
        here = slice(top, min(top + height, n))
        yield Progress(top, n, "Searching the nearest cells")
        chosen, last = _greatest(small[here] @ rough, taken)
        measured = np.einsum("nc,nkc->nk", query.features[here], database.features[chosen])
        order = np.lexsort((chosen, -measured))[:, :k]
        row[here], cosine[here] = np.take_along_axis(chosen, order, 1), np.take_along_axis(measured, order, 1)
        if taken < m:
            for index in top + np.flatnonzero(last >= cosine[here, -1] - SLACK):
                yield Progress(top, n, "Searching the nearest cells")
                row[index], cosine[index] = _greatest_of_all(database.features @ query.features[index], k)
    return Nearest(row, cosine)


def _greatest(block: Float32, count: int) -> tuple[Int32, Float32]:
    """Return (n, count) columns of the greatest of each row, and the (n,) least of these values; changes the block."""
    here = np.arange(len(block))
    chosen, last = np.empty((len(block), count), np.int32), np.empty(len(block), np.float32)
    for place in range(count):  # some looks for the greatest are sooner done than one sort
        best = block.argmax(axis=1)
        chosen[:, place], last = best, block[here, best]
        block[here, best] = -np.inf
    return chosen, last


def _greatest_of_all(values: Float64, k: int) -> tuple[Int32, Float64]:
    """Return places and values of the k greatest of (m,) values, the first among equals."""
    least = np.partition(values, len(values) - k)[len(values) - k]
    rivals = np.flatnonzero(values >= least)
    chosen = rivals[np.lexsort((rivals, -values[rivals]))[:k]]
    return chosen.astype(np.int32), values[chosen]


def patches_at(pictures: Sequence[UInt8], picture: Int32, xy: Int32, tile: int) -> UInt8:
    """Return (..., tile, tile) uint8 patches around the centres (..., 2) of pictures (...,); all must lie inside."""
    offset = np.arange(tile) - tile // 2
    found = np.empty((*picture.shape, tile, tile), np.uint8)
    for index, grey in enumerate(pictures):
        of = picture == index
        at = xy[of]
        found[of] = grey[at[:, 1, None, None] + offset[:, None], at[:, 0, None, None] + offset]
    return found


def pasted(patches: UInt8, centres: Int32, shape: tuple[int, int]) -> Float32:
    """Return an (H, W) picture of the averages of (n, k, T, T) patches around (n, 2) centres, NaN elsewhere."""
    tile = patches.shape[-1]
    made = np.full(shape, np.nan, np.float32)
    offset = np.arange(tile) - tile // 2
    rows = centres[:, 1, None, None] + offset[:, None]
    made[rows, centres[:, 0, None, None] + offset] = patches.mean(axis=1, dtype=np.float64)
    return made


def rms_error(made: Float32, grey: UInt8) -> float:
    """Return the root of the mean squared difference in grey levels over what is covered; NaN if nothing is."""
    covered = np.isfinite(made)
    if not covered.any():
        return float("nan")
    return float(np.sqrt(np.square(made[covered].astype(np.float64) - grey[covered]).mean()))


def uniform_places(centres: Int32, side: int, k: int, shape: tuple[int, int], tile: int, seed: int) -> Int32:
    """Return (n, k, 2) int32 centres drawn uniformly from the receptive field around each centre.

    Where a square would leave the picture it is moved back inside.
    """
    half = (side - 1) // 2
    drawn = np.random.default_rng(seed).integers(-half, half + 1, (len(centres), k, 2))
    low = tile // 2
    high = np.array([shape[1], shape[0]]) - (tile - tile // 2)
    return np.asarray(np.clip(centres[:, None] + drawn, low, high), np.int32)


def _check(grey: UInt8, database: Sequence[UInt8], layers: Sequence[ConvLayer], tile: int) -> int:
    """Return the reach, after checking that there is anything to do.

    Raises:
        UserError: if the picture, or all of the database, is too small for the largest field.
    """
    jump, side = layers[-1].jump, max(layer.side for layer in layers)
    if tile % jump:
        raise UserError(f"The side of a square must be a multiple of the network's jump of {jump} px, not {tile} px.")
    reach = reach_of(layers, tile)
    least = -(-reach // tile) * tile + reach + 1

    def fits(picture: UInt8) -> bool:
        """Whether a multiple of ``tile`` stays ``reach`` from both ends, across and down."""
        return min(_size(picture)) >= least

    if not fits(grey):
        raise UserError(
            f"A picture of {grey.shape[1]} × {grey.shape[0]} px is too small: the deepest layer sees squares of {side} "
            f"px, and no cell of it sees the picture alone. Open a picture of at least {least} px."
        )
    if not any(fits(picture) for picture in database):
        raise UserError(
            f"No picture of the database is as large as the {side} px that the deepest layer sees; choose another."
        )
    return reach


def reconstruct(
    grey: UInt8, database: Sequence[UInt8], layers: Sequence[ConvLayer], *, ks: Sequence[int] = (1, 5), tile: int = 4,
    seed: int = 0,
) -> Job[Study]:  # fmt: skip
    """Reconstruct a picture from each layer of a network.

    Progress carries the :class:`Study` with the layers that are done.

    Args:
        grey: (H, W) uint8.
        database: (h, w) uint8 pictures; the picture itself may be one of them, and is found by identity.
        layers: trained, or random ones, which are then fitted to ``grey``.
        ks: numbers of patches to average.
        tile: side of a pasted square, a multiple of the last layer's jump.
        seed: of the control.

    Raises:
        UserError: if a picture is too small, or ``tile`` does not suit the network.
    """
    reach = _check(grey, database, layers, tile)
    layers = yield from fitted(grey, layers)
    own = yield from layer_maps(grey, layers)
    theirs: list[tuple[LayerMap, ...]] = []
    for number, picture in enumerate(database):
        yield Progress(number, len(database), "Running the database through the network")
        theirs.append(own if picture is grey else (yield from layer_maps(picture, layers)))
    grid = cells_of(own[0], _size(grey), reach=reach, step=tile)
    study = Study(grey, tuple(database), grid.xy, tile)
    for index, layer in enumerate(layers):
        query = cells_of(own[index], _size(grey), reach=reach, step=tile)
        parts: list[Cells] = []
        for number, (maps, picture) in enumerate(zip(theirs, database, strict=True)):
            yield Progress(index, len(layers), f"Searching conv {index + 1}", study if study.layers else None)
            parts.append(cells_of(maps[index], _size(picture), reach=reach, picture=number))
        cells = together(parts)
        found = yield from _search(query, cells, max(ks), (index, len(layers)), study)
        result = yield from _pasted_layer(study, own[index].name, layer, cells, found, ks, seed)
        study = Study(grey, study.database, study.centres, tile, (*study.layers, result), (*study.cells, len(cells)))
        yield Progress(index + 1, len(layers), "Pasting patches", study)
    return study


def _size(grey: UInt8) -> tuple[int, int]:
    return int(grey.shape[0]), int(grey.shape[1])


def _search(query: Cells, cells: Cells, k: int, at: tuple[int, int], study: Study) -> Job[Nearest]:
    """Search with the progress of all layers."""
    index, count = at

    def of_all(step: Progress) -> Progress:
        """Return a layer's progress as a part of that of all layers."""
        done = index + step.done / max(1.0, step.total or 1.0)
        return Progress(done, count, f"Searching conv {index + 1}", study if study.layers else None)

    return (yield from relayed(nearest_cells(query, cells, k), of_all))


def _pasted_layer(
    study: Study, name: str, layer: ConvLayer, cells: Cells, found: Nearest, ks: Sequence[int], seed: int
) -> Job[LayerResult]:
    """Paste what was found, and the control."""
    shape = _size(study.grey)
    picture, xy = cells.picture[found.row], cells.xy[found.row]
    places = uniform_places(study.centres, layer.side, max(ks), shape, study.tile, seed)
    here = np.zeros(places.shape[:2], np.int32)
    yield Progress(0, None, "Pasting patches")
    patches = patches_at(study.database, picture, xy, study.tile)
    yield Progress(0, None, "Pasting patches")
    drawn = patches_at((study.grey,), here, places, study.tile)
    made = {k: pasted(patches[:, :k], study.centres, shape) for k in ks}
    control = {k: pasted(drawn[:, :k], study.centres, shape) for k in ks}
    return LayerResult(
        name, layer, found, picture, xy, made, {k: rms_error(p, study.grey) for k, p in made.items()},
        control, {k: rms_error(p, study.grey) for k, p in control.items()},
    )  # fmt: skip
