"""Maxima and regions of a smoothed picture: what smoothing may make anew, and what never.

What lives here: :func:`maxima`, :func:`births` and :func:`orphans`, and the drawn case in which smoothing makes a
maximum. What does not: the axioms they are part of (``scale_axioms``). May import: records, scale_laws, numpy, cv2.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from app.records import Array, Bool, Float64
from app.vision.scale_laws import discrete_gaussian

STRICT = 1e-9
BISECTIONS = 8


def maxima(values: Float64) -> Bool:
    """Return which pixels exceed all 8 neighbours by more than rounding; the border is never one."""
    result = np.zeros(values.shape, np.bool_)
    if min(values.shape) < 3:
        return result
    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    highest = np.asarray(cv2.dilate(values, ring))
    margin = STRICT * max(float(np.ptp(values)), 1e-300)
    result[1:-1, 1:-1] = (values > highest + margin)[1:-1, 1:-1]
    return result


def summits(values: Float64) -> Array:
    """Return for every pixel the flat index of the maximum that steepest ascent over 8 neighbours reaches."""
    height, width = values.shape
    padded = np.pad(values, 1, constant_values=-np.inf)
    best, target = values.copy(), np.arange(height * width).reshape(height, width)
    own = target.copy()
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            there = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
            higher = there > best
            best[higher] = there[higher]
            target[higher] = own[higher] + dy * width + dx
    flat = target.ravel()
    while True:
        further = flat[flat]
        if np.array_equal(further, flat):
            return flat
        flat = further


def births(fine: Float64, coarse: Float64) -> tuple[int, int]:
    """Return (maxima of ``coarse`` beyond one for each of ``fine`` they climb to, maxima of ``coarse``).

    Two maxima that climb to the same finer one cannot both come from it: one of them is new.
    """
    here = np.flatnonzero(maxima(coarse))
    return len(here) - len(np.unique(summits(fine)[here])), len(here)


def orphans(
    picture: Float64, levels: tuple[Float64, Float64], scales: tuple[float, float], grey: float
) -> tuple[int, int]:
    """Return (regions of the coarser level without one under them in the finer, regions) at one grey value.

    Regions are 4-connected sets of pixels at least as bright as ``grey``, and at least as dark. One that moved off
    its ancestor between the two scales is followed through scales between them.
    """
    lost = total = 0
    for sign in (1.0, -1.0):
        count, labels = cv2.connectedComponents((sign * levels[1] >= sign * grey).astype(np.uint8), connectivity=4)
        total += count - 1
        rooted = np.zeros(count, np.bool_)
        rooted[labels[sign * levels[0] >= sign * grey]] = True
        for label in np.flatnonzero(~rooted[1:]) + 1:
            lost += not _ancestors(picture, labels == label, sign, grey, scales, BISECTIONS).any()
    return lost, total


def _ancestors(
    picture: Float64, region: Bool, sign: float, grey: float, scales: tuple[float, float], depth: int
) -> Bool:
    """Return the regions of the finer scale that ``region`` of the coarser one is joined to; all False if none.

    Where they do not overlap, the way is sought through the scale half-way between, ``depth`` times.
    """
    mask = sign * discrete_gaussian(picture, scales[0]) >= sign * grey
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    touched = np.unique(labels[region & mask])
    below: Bool = np.isin(labels, touched)
    if len(touched) or depth == 0:
        return below if len(touched) else np.zeros_like(region)
    middle = math.sqrt(scales[0] * scales[1])
    between = _ancestors(picture, region, sign, grey, (middle, scales[1]), depth - 1)
    return _ancestors(picture, between, sign, grey, (scales[0], middle), depth - 1) if between.any() else between


def two_hills(side: int = 160) -> Float64:
    """Return a drawn picture in which smoothing makes a new maximum: a low hill on a narrow ridge up to a high one.

    The ridge climbs all the way, so the low hill is no maximum. Smoothing levels the narrow ridge faster than the
    wide hill, and the hill stands alone. Source: Lifshitz and Pizer, PAMI 12(6), 1990, after Koenderink.
    """
    y, x = np.mgrid[:side, :side] / side
    high = np.exp(-(((x - 0.27) ** 2 + (y - 0.5) ** 2) / (2 * 0.1**2)))
    low = 0.5 * np.exp(-(((x - 0.73) ** 2 + (y - 0.5) ** 2) / (2 * 0.1**2)))
    along = np.clip((0.78 - x) / (0.78 - 0.27), 0, 1)
    crest = 0.52 + 0.5 * along
    ridge = crest * np.exp(-((y - 0.5) ** 2) / (2 * 0.012**2))
    end = 1 / (1 + np.exp((x - 0.78) / 0.01)) / (1 + np.exp((0.22 - x) / 0.02))
    values = np.maximum(np.maximum(high, low), ridge * end)
    result: Float64 = values / values.max()
    return result
