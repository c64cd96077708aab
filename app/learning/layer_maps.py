"""What every layer of a network says of a whole picture: one row of numbers per cell, and where the cell lies.

What lives here: :class:`LayerMap`, :class:`ConvLayer` (trained or random), and :func:`layer_maps`. What does not: what
is done with the maps (``reconstruction``), the networks' files (``model_store``). May import: towers, onnx_file, jobs,
records and numpy; torch is not needed.

The towers of this program see patches of 32 pixels. All their convolutions but the last work on any size, so a whole
picture goes through them at once (Long, Zhang & Darrell, NeurIPS 2014, and every fully convolutional network since).
The picture is standardised as a patch is: minus its mean, divided by its standard deviation, over the whole picture.
Standardising around every pixel would come nearer to what the tower was trained on, but take away how light a place
is, which is most of what a reconstruction shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.jobs import Job, Progress
from app.learning.onnx_file import BATCH_NORM_EPS, LEAST_DEVIATION, folded_weights
from app.learning.towers import TowerPlan, receptive_field
from app.records import Array, Float32, Int32, UInt8, read_only

# Numbers gathered under the kernel at a time: some milliseconds of work, and few megabytes.
PIECE = 2_000_000


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The numbers of one layer over one picture.

    Attributes:
        name: ``conv 1`` for the first layer.
        values: (h, w, C) float32, after ReLU, so none is negative.
        side: of the square of pixels that one cell sees (its receptive field).
        jump: pixels from a cell's centre to the next one's: the product of all strides so far.
        start: x and y of the centre of the cell at (0, 0), in pixels; the centre of the top-left pixel is 0.
    """

    name: str
    values: Float32
    side: int
    jump: int
    start: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", read_only(self.values, np.float32, (None, None, None), "LayerMap.values"))

    def centres(self) -> tuple[Int32, Int32]:
        """Return (x of every column, y of every row), int32."""
        h, w = self.values.shape[:2]
        x, y = (np.asarray(np.rint(self.start + self.jump * np.arange(n)), np.int32) for n in (w, h))
        return x, y


@dataclass(frozen=True, eq=False)
class ConvLayer:
    """A convolution with a border of zeros, then ReLU.

    Attributes:
        weight: (width, channels, kernel, kernel) float32.
        bias: (width,) float32; None where it is yet to be measured, see :func:`random_layers`.
        stride: pixels of its input from one cell to the next.
        side, jump, start: as of its :class:`LayerMap`.
    """

    weight: Float32
    bias: Float32 | None
    stride: int
    side: int = field(default=1)
    jump: int = field(default=1)
    start: float = field(default=0.0)

    @property
    def kernel(self) -> int:
        """Side of its kernel."""
        return int(self.weight.shape[2])

    @property
    def width(self) -> int:
        """How many numbers it gives per cell."""
        return int(self.weight.shape[0])


def _placed(weights: Sequence[tuple[Float32, Float32 | None]], plan: TowerPlan) -> tuple[ConvLayer, ...]:
    """Return the layers with the place of their cells: the border moves the centres, and is half a kernel here."""
    layers: list[ConvLayer] = []
    start, jump = 0.0, 1
    for (weight, bias), (_, kernel, stride), (side, after) in zip(
        weights, plan.layers, receptive_field(plan), strict=True
    ):
        start += ((kernel - 1) / 2 - kernel // 2) * jump
        jump = after
        layers.append(ConvLayer(weight, bias, stride, side, jump, start))
    return tuple(layers)


def trained_layers(tensors: Mapping[str, Array], plan: TowerPlan, side: int = 32) -> tuple[ConvLayer, ...]:
    """Return the convolutions of a tower before its last one, batch normalisation folded in.

    Args:
        tensors: the weights of a checkpoint, by name.
        plan: how the tower is built.
        side: of its patches, in pixels.

    Raises:
        UserError: if the weights are not of this plan.
    """
    return _placed(folded_weights(tensors, plan, side)[:-1], plan)


def random_layers(plan: TowerPlan, seed: int = 0) -> tuple[ConvLayer, ...]:
    """Return the same architecture untrained: orthogonal weights, as before a training.

    Their normalisation is that of the first batch of a training: each channel gets mean 0 and deviation 1 over the
    first picture they see (:func:`fitted`), so that the two differ by what was learned and by nothing else.
    """
    rng = np.random.default_rng(seed)
    weights: list[tuple[Float32, Float32 | None]] = []
    channels = 1
    for width, kernel, _ in plan.layers:
        size = channels * kernel * kernel
        q, r = np.linalg.qr(rng.normal(size=(max(width, size), min(width, size))))
        q = q * np.sign(np.diag(r))
        made = q if width >= size else q.T
        weights.append((made.reshape(width, channels, kernel, kernel).astype(np.float32), None))
        channels = width
    return _placed(weights, plan)


def standardised(grey: UInt8) -> Float32:
    """Return an (H, W) picture with mean 0 and deviation 1, as (H, W, 1) float32; a flat one becomes zero."""
    centred = grey.astype(np.float64) - grey.mean()
    made = centred / (np.sqrt(np.square(centred).mean()) + LEAST_DEVIATION)
    return np.asarray(made[:, :, None], np.float32)


def _strips(maps: Float32, layer: ConvLayer) -> list[slice]:
    """Return which rows of the result to make at a time."""
    height, width = (-(-n // layer.stride) for n in maps.shape[:2])
    rows = max(1, PIECE // max(1, width * layer.weight[0].size))
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _convolved(maps: Float32, layer: ConvLayer, rows: slice) -> Float32:
    """Return these rows of a layer's (h, w, width) result for (H, W, channels) maps, before bias and ReLU."""
    kernel, stride, border = layer.kernel, layer.stride, layer.kernel // 2
    top, bottom = rows.start * stride - border, (rows.stop - 1) * stride - border + kernel
    part = maps[max(0, top) : bottom]
    above, below = max(0, -top), bottom - max(0, top) - len(part)
    padded = np.pad(part, ((above, below), (border, border), (0, 0)))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(0, 1))[::stride, ::stride]
    columns = -(-maps.shape[1] // stride)
    gathered = pieces[:, :columns].reshape(-1, layer.weight[0].size)
    made = gathered @ layer.weight.reshape(layer.width, -1).T
    return np.asarray(made.reshape(-1, columns, layer.width), np.float32)


def _rectified(raw: Float32, layer: ConvLayer) -> Float32:
    return np.maximum(raw if layer.bias is None else raw + layer.bias, np.float32(0))


def _measured(raw: Float32, layer: ConvLayer) -> ConvLayer:
    """Return a layer that gives every channel mean 0 and deviation 1 over what it gave here."""
    rows = raw.reshape(-1, layer.width).astype(np.float64)
    scale = 1 / np.sqrt(rows.var(axis=0) + BATCH_NORM_EPS)
    weight = (layer.weight * scale[:, None, None, None]).astype(np.float32)
    return replace(layer, weight=weight, bias=(-rows.mean(axis=0) * scale).astype(np.float32))


def fitted(grey: UInt8, layers: Sequence[ConvLayer]) -> Job[tuple[ConvLayer, ...]]:
    """Return the layers with the normalisation of random ones measured on this (H, W) picture, the first to be seen."""
    found: list[ConvLayer] = []
    maps = standardised(grey)
    for layer in layers:
        raw = yield from _through(maps, layer)
        if layer.bias is None:
            known = _measured(raw, layer)
            raw = yield from _through(maps, known)
            found.append(known)
        else:
            found.append(layer)
        maps = _rectified(raw, found[-1])
    return tuple(found)


def _through(maps: Float32, layer: ConvLayer) -> Job[Float32]:
    parts = []
    for rows in _strips(maps, layer):
        yield Progress(0, None, "Running the picture through the network")
        parts.append(_convolved(maps, layer, rows))
    return np.concatenate(parts)


def layer_maps(grey: UInt8, layers: Sequence[ConvLayer]) -> Job[tuple[LayerMap, ...]]:
    """Return what every layer gives for a whole (H, W) uint8 picture of any size, the first layer first.

    Raises:
        ValueError: if a layer's normalisation was not measured (see :func:`fitted`).
    """
    if any(layer.bias is None for layer in layers):
        raise ValueError("layers: random ones must be fitted to a picture first")
    found: list[LayerMap] = []
    maps = standardised(grey)
    for number, layer in enumerate(layers, start=1):
        raw = yield from _through(maps, layer)
        maps = _rectified(raw, layer)
        found.append(LayerMap(f"conv {number}", maps, layer.side, layer.jump, layer.start))
    return tuple(found)
