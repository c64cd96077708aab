"""What the SuperPoint page finds out in the background: heat maps, points, and how many recur in the other picture.

What lives here: :class:`Found`, the job that makes one step by step, and what it keeps for the next. What does not:
widgets; no Qt. May import: ``app.learning``, ``app.vision``, pairs, jobs, ``colour_rules``,
numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from app import pairs
from app.jobs import Job, Progress, native, relayed
from app.learning.adaptation import Adapted, adapted, random_views
from app.learning.detector_store import Detector, detector
from app.learning.superpoint import (
    BORDER,
    Points,
    cell_probabilities,
    cells_with_points,
    find_points,
    heat_of,
    suppressed,
)
from app.records import Float32, ImagePair, Keypoints, PairRef, UInt8, WorkingImage
from app.ui.colour_rules import viridis
from app.ui.convnet.superpoint_state import SuperPointState
from app.vision.corners import detect_corners, detect_fast
from app.vision.images import working_image
from app.vision.repeatability import Both, Repeated, decidable, repeatability

LOWEST = 0.001  # heat of the first colour; the last is 1, and equal ratios are equal steps
DECADES = 3
WITHIN_PX = 3.0
SIDES = ("left", "right")
OWN, CORNERS, FAST = "SuperPoint", "Shi–Tomasi", "FAST"
QUALITY, FAST_THRESHOLD = 0.001, 5  # of the others: low, so that they have as many points
KEPT = 4


@dataclass(frozen=True, eq=False)
class Sight:
    """What the network says of one picture.

    Attributes:
        detector: that looks.
        working: the picture it looks at.
        probabilities: (65, h, w) of its cells.
        single: (H, W) heat map of the picture alone.
        averaged: over views; None before the first, or if there is but one.
    """

    detector: Detector
    working: WorkingImage
    probabilities: Float32
    single: Float32
    averaged: Adapted | None = None

    def heat(self, state: SuperPointState) -> Float32:
        """Return the heat map that is asked for, as far as it has come."""
        if state.heat == "single" or state.views == 1 or self.averaged is None:
            return self.single
        return self.averaged.heat


@dataclass(frozen=True, eq=False)
class Found:
    """What is known so far.

    Attributes:
        ref, state: that were asked.
        sight: of the picture shown.
        heat: the heat map shown.
        rgb: (H, W, 3) uint8: the grey picture under its heat.
        points: that remain.
        cells: with a pixel likelier than the dustbin.
        repeated: compared with the other picture, None as long as it is not known or cannot be.
        why_not: why it cannot.
    """

    ref: PairRef
    state: SuperPointState
    sight: Sight
    heat: Float32
    rgb: UInt8
    points: Points
    cells: int
    repeated: Repeated | None = None
    why_not: str = ""


@dataclass(eq=False)
class Kept:
    """What one question leaves for the next; used in the lane alone."""

    pair: ImagePair | None = None
    sights: dict[tuple[Any, ...], Sight] = field(default_factory=dict)

    def pair_of(self, ref: PairRef, known: ImagePair | None) -> ImagePair:
        """Return the pair, read at most once."""
        if self.pair is None or self.pair.ref != ref:
            self.pair = pairs.load(ref) if known is None else known
            self.sights.clear()
        return self.pair

    def keep(self, key: tuple[Any, ...], sight: Sight) -> None:
        """Keep a sight, and forget the oldest."""
        self.sights.pop(key, None)
        self.sights[key] = sight
        while len(self.sights) > KEPT:
            self.sights.pop(next(iter(self.sights)))


def examine(ref: PairRef, known: ImagePair | None, state: SuperPointState, kept: Kept) -> Job[Found]:
    """Look at the picture, then at the views, then at the other picture; progress carries what is known so far.

    Args:
        ref: the pair.
        known: the pair itself where it was read already.
        state: what is asked.
        kept: by the questions before.

    Raises:
        UserError: if a picture or the weights cannot be read.
    """
    reading = Progress(0, None, "Reading the pair")
    yield reading
    (pair,) = yield from native(partial(kept.pair_of, ref, known), progress=reading)
    other = SIDES[1 - SIDES.index(state.side)]
    sights: dict[str, Sight] = {}
    sights[state.side], shown = yield from _showing(ref, state, _look(pair, state.side, state, kept))
    if not decidable(pair.truth):
        return replace(shown, why_not="the pair has no truth that carries every point over")
    sights[other] = yield from relayed(
        _look(pair, other, state, kept),
        lambda progress: replace(progress, text=f"{progress.text}, {other} picture", payload=shown),
    )
    comparing = Progress(0, None, "Comparing detectors", shown)
    yield comparing
    (found,) = yield from native(partial(_compare, pair, sights["left"], sights["right"], state), progress=comparing)
    return replace(shown, repeated=found)


def _showing(ref: PairRef, state: SuperPointState, job: Job[Sight]) -> Job[tuple[Sight, Found]]:
    """Run a look at the picture asked for, and show it whenever something more of it is known."""
    last: Found | None = None
    sight: Sight | None = None
    while sight is None:
        try:
            progress = next(job)
        except StopIteration as stop:
            sight, progress = stop.value, Progress(0, None, "Taking points", stop.value)
        told = replace(progress, text=f"{progress.text}, {state.side} picture", payload=last)
        if progress.payload is not None:
            (last,) = yield from native(partial(_shown, ref, state, progress.payload), progress=told)
        yield replace(told, payload=last)
    assert last is not None
    return sight, last


def _look(pair: ImagePair, side: str, state: SuperPointState, kept: Kept) -> Job[Sight]:
    """Return what the network says of a picture, averaged over views if that is asked; progress carries it so far.

    The two pictures are seen from different views: the same ones would make even noise recur.
    """
    image = pair.left if side == "left" else pair.right
    asked = detector(state.weights)
    network = asked.network
    weights = asked if asked.card is None else asked.card.sha256  # a file may be written anew, or have another name
    key = (side, weights, state.max_side)
    sight = kept.sights.get(key)
    sight = None if sight is None else replace(sight, detector=asked)
    start = Progress(0, state.views, "Looking")
    if sight is None:
        yield start
        working = working_image(image, state.max_side)
        (logits,) = yield from native(partial(network.logits, working.grey), progress=start)
        probabilities = cell_probabilities(logits)
        sight = Sight(asked, working, probabilities, heat_of(probabilities, working.grey.shape))
        kept.keep(key, sight)
    if state.views == 1 or state.heat == "single":
        yield replace(start, payload=sight)
        return sight
    alone, grey = sight, sight.working.grey
    before = sight.averaged if sight.averaged is not None and sight.averaged.views <= state.views else None
    yield replace(start, payload=replace(sight, averaged=before))

    def keep(progress: Progress) -> Progress:
        """Keep the average so far: a job that is stopped is gone on with."""
        if not progress.payload.views:
            return replace(progress, payload=None)
        made = replace(alone, averaged=progress.payload)
        kept.keep(key, made)
        return replace(progress, payload=made)

    views = random_views(state.views, (grey.shape[1], grey.shape[0]), SIDES.index(side))
    sight = replace(alone, averaged=(yield from relayed(adapted(network.heat, grey, views, before), keep)))
    kept.keep(key, sight)
    return sight


def _shown(ref: PairRef, state: SuperPointState, sight: Sight) -> Found:
    heat = sight.heat(state)
    points = find_points(heat, state.confidence, state.radius)
    return Found(
        ref, state, sight, heat, overlay(sight.working.grey, heat, state.opacity), points, cells_with_points(heat)
    )


# --------------------------------------------------------------------------------- colours


def place_of(heat: npt.ArrayLike) -> Float32:
    """Return where heat lies on the scale of colours, from 0 to 1: equal ratios are equal steps."""
    values = np.maximum(np.asarray(heat, np.float32), np.float32(LOWEST))
    place: Float32 = np.minimum(np.log10(values / np.float32(LOWEST)) / np.float32(DECADES), np.float32(1))
    return place


@cache
def colours() -> UInt8:
    """Return (256, 3) uint8 colours from the lowest heat to the highest."""
    words = [viridis(step / 255) for step in range(256)]
    return np.array([[int(word[at : at + 2], 16) for at in (1, 3, 5)] for word in words], np.uint8)


def overlay(grey: UInt8, heat: Float32, opacity: float) -> UInt8:
    """Return (H, W, 3) uint8: the picture with its heat over it; the colder half of the scale is ever clearer."""
    place = place_of(heat)
    share = (np.minimum(2 * place, np.float32(1)) * np.float32(opacity))[..., None]
    hot = colours()[(place * 255).astype(np.uint8)].astype(np.float32)
    mixed: UInt8 = np.rint(grey[..., None] * (1 - share) + hot * share).astype(np.uint8)
    return mixed


# ------------------------------------------------------------------------- repeatability


def _compare(pair: ImagePair, left: Sight, right: Sight, state: SuperPointState) -> Repeated:
    """Compare the points with those of two older detectors, all thinned out by the same suppression."""
    found: dict[str, Both] = {
        OWN: (_own(left, state), _own(right, state)),
        CORNERS: (_corners(left.working, state.radius), _corners(right.working, state.radius)),
        FAST: (_fast(left.working, state.radius), _fast(right.working, state.radius)),
    }
    within = tuple(WITHIN_PX * float(np.sqrt(np.prod(sight.working.scale))) for sight in (left, right))
    return repeatability(found, pair, (within[0], within[1]))


def _own(sight: Sight, state: SuperPointState) -> Keypoints:
    points = find_points(sight.heat(state), state.confidence, state.radius)
    return sight.working.to_original(points.keypoints())


def _corners(working: WorkingImage, radius: int) -> Keypoints:
    return _thinned(detect_corners(working.grey, quality=QUALITY, distance=1, count=0), working, radius)


def _fast(working: WorkingImage, radius: int) -> Keypoints:
    return _thinned(detect_fast(working.grey, threshold=FAST_THRESHOLD, count=0), working, radius)


def _thinned(points: Keypoints, working: WorkingImage, radius: int) -> Keypoints:
    kept = points.take(suppressed(points.xy, points.response, radius))
    height, width = working.grey.shape
    inner = ((kept.xy >= BORDER) & (kept.xy < (width - BORDER, height - BORDER))).all(axis=1)
    return working.to_original(kept.take(np.flatnonzero(inner)))
