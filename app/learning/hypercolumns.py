"""Hypercolumns: what several layers say of every place of a picture, on one grid.

What lives here: the shipped tower's layers over a whole picture, oriented gradients as an engineered stand-in for them,
and how they become one vector of unit length for every cell. What does not: patches (``descriptor``), training. May
import: jobs, layer_maps, model_store, towers, numpy and cv2; no torch.

Source: Hariharan et al., Hypercolumns, CVPR 2015; the reduction by PCA and the unit length as in AnchorNet (Novotny et
al., CVPR 2017). A tower was trained on patches in which dark and light do not change places; a layer's answers to the
picture and to its negative are added, so that a dark cup on a light table is like a light one on a dark table. It
learned to find one physical point again, not to know parts: gradients around a place carry more of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from app.jobs import Job, Progress, native
from app.learning import model_store, towers
from app.learning.layer_maps import ConvLayer, layer_maps, trained_layers
from app.records import Float32, UInt8, UserError

FEATURES = {"gradients": "oriented gradients", "network": "shipped network’s layers"}
SCALES = (256, 128, 64)  # longest side of the picture described, in pixels
LAYERS = (2, 4)  # of the network's convolutions before the last, counted from 0
CELLS = 42  # along the longest side of the grid
FLOOR = 0.3  # of the median length: what hardly differs from the mean stays short instead of becoming noise
BINS = 8
REACH = 6  # pixels
QUIET = 20.0  # grey levels per pixel, times 8: gradients far below count as flat


@dataclass(frozen=True, eq=False)
class Columns:
    """The vectors of one picture.

    Attributes:
        values: (h, w, C) float32, unit length, or zero where nothing answers.
        size: (width, height) of the picture in pixels.
    """

    values: Float32
    size: tuple[int, int]


def grid_of(size: tuple[int, int]) -> tuple[int, int]:
    """Return (columns, rows) of the grid over a picture of (width, height)."""
    longest = max(size)
    return max(1, round(CELLS * size[0] / longest)), max(1, round(CELLS * size[1] / longest))


def _network_maps(layers: Sequence[ConvLayer], small: UInt8) -> Job[list[Float32]]:
    """Return the chosen layers' answers to an (h, w) picture and to its negative, added: (C, h, w) each."""
    plain = yield from layer_maps(small, layers)
    negative = yield from layer_maps(255 - small, layers)
    return [(plain[layer].values + negative[layer].values).transpose(2, 0, 1) for layer in LAYERS]


def gradient_maps(grey: Float32) -> Float32:
    """Return (72, H, W): the orientations of edges, without direction, around every pixel and around eight neighbours.

    Eight bins of 22.5 degrees, smoothed, relative to their length; the neighbours lie ``REACH`` pixels away. Dark on
    light and light on dark are the same. An engineered stand-in for a network's layer.
    """
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    strength, angle = np.hypot(dx, dy), np.arctan2(dy, dx) / np.pi * BINS
    bins = np.arange(BINS)[:, None, None]
    away = np.abs((angle - bins + BINS / 2) % BINS - BINS / 2)
    votes = (strength * np.maximum(0, 1 - away)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(vote, (0, 0), REACH / 2) for vote in votes])
    relative = smooth / (np.linalg.norm(smooth, axis=0) + QUIET)
    height, width = grey.shape
    padded = np.pad(relative, ((0, 0), (REACH, REACH), (REACH, REACH)), mode="edge")
    moves = [(y, x) for y in (0, REACH, 2 * REACH) for x in (0, REACH, 2 * REACH)]
    return np.concatenate([padded[:, y : y + height, x : x + width] for y, x in moves])


def _blocks(layers: Sequence[ConvLayer], rgb: UInt8, told: Progress) -> Job[list[Float32]]:
    """Return what every layer at every scale says on the picture's grid, each (cells, C); without layers gradients.

    ``told`` is yielded again and again, so that the job can be stopped.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = grey.shape
    grid = grid_of((width, height))
    blocks: list[Float32] = []
    for scale in SCALES:
        share = scale / max(width, height)
        size = max(8, round(width * share)), max(8, round(height * share))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        yield told
        if layers:
            maps = yield from _network_maps(layers, np.rint(small).astype(np.uint8))
        else:
            maps = [gradient_maps(small)]
        for layer in maps:
            fitted = [cv2.resize(channel, grid, interpolation=cv2.INTER_AREA) for channel in layer]
            blocks.append(np.stack(fitted, axis=-1).reshape(-1, len(layer)))
    return blocks


def _reduced(block: Float32, dimensions: int) -> Float32:
    """Return a block's main components about the mean of all pictures, of less than unit length."""
    centred = block - block.mean(axis=0)
    vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)[1][:, ::-1][:, :dimensions]
    turned = centred @ vectors.astype(np.float32)
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    result: Float32 = (turned / np.maximum(length + FLOOR * np.median(length), 1e-6)).astype(np.float32)
    return result


def _shipped() -> tuple[ConvLayer, ...]:
    checkpoint = model_store.load_checkpoint(model_store.find("default"))
    return trained_layers(checkpoint.tensors, towers.PLANS[checkpoint.card.network], checkpoint.card.side)


def hypercolumns(pictures: Sequence[UInt8], features: str = "gradients", dimensions: int = 48) -> Job[list[Columns]]:
    """Describe every cell of several (H, W, 3) pictures; along the same axes for all of them.

    Args:
        pictures: any number; of none the answer is empty.
        features: a key of :data:`FEATURES`.
        dimensions: C in all, shared out evenly among layers and scales.

    Raises:
        UserError: if there are no such features, or the network cannot be read.
    """
    if features not in FEATURES:
        raise UserError(f"There are no features {features!r}; choose one of {', '.join(FEATURES)}.")
    layers = _shipped() if features == "network" else ()
    parts: list[list[Float32]] = []
    for index, rgb in enumerate(pictures):
        told = Progress(index, len(pictures), "Describing the pictures")
        parts.append((yield from _blocks(layers, rgb, told)))
    if not parts:
        return []
    each = max(1, dimensions // len(parts[0]))
    stacked = [np.concatenate(blocks) for blocks in zip(*parts, strict=True)]
    reduced: list[Float32] = []
    for block in stacked:  # one after another: each may use all cores
        done = Progress(len(pictures), len(pictures), "Finding the main components")
        reduced += yield from native(partial(_reduced, block, each), progress=done)
    joined = np.concatenate(reduced, axis=1)
    length = np.linalg.norm(joined, axis=1, keepdims=True)
    joined = np.divide(joined, length, out=np.zeros_like(joined), where=length > 1e-6)
    found: list[Columns] = []
    start = 0
    for rgb in pictures:
        size = (rgb.shape[1], rgb.shape[0])
        columns, rows = grid_of(size)
        values = joined[start : start + rows * columns].reshape(rows, columns, -1)
        values.flags.writeable = False
        found.append(Columns(values, size))
        start += rows * columns
    return found
