"""SIFT step by step: every octave through every stage, as a job that shows what it has so far.

What lives here: :func:`explain`, which joins the steps, and :func:`describe`. What does not: the steps themselves
(``sift_extrema``, ``sift_refine``, ``sift_orientation``, ``sift_descriptor``) and what a matcher makes of them
(``sift_matching``). May import: records, jobs, vision, numpy.

The stages come in one order for the funnel, the history and the question why a point is missing: see
:class:`app.vision.sift_records.Stage`. OpenCV looks at the border first, while searching and after every move; here the
same samples are refused for the same reason, but it is told last, so that a point near the border still shows its
contrast and its edge ratio.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from app.jobs import Job, Progress, native, run_to_end
from app.records import Array, Float32, Int32, Keypoints, UInt8
from app.vision.scale_space import ScaleSpace
from app.vision.sift_descriptor import as_integers, normalised, raw_histograms
from app.vision.sift_extrema import ROUNDING, find_extrema
from app.vision.sift_orientation import find_peaks, histograms, smoothed
from app.vision.sift_records import LENGTH, ORIENTATION_BINS, Candidates, Part, SiftExplanation, SiftSettings, Stage
from app.vision.sift_refine import refine

QUICK_PIXELS = 300_000  # an octave this small needs no thread of its own for its filters
QUICK_ROWS = 300  # nor do this many points for their histograms

WORDS = {
    Stage.EXTREMA: "extrema",
    Stage.REFINED: "refined",
    Stage.CONTRAST: "contrast",
    Stage.EDGE: "edge",
    Stage.BORDER: "border",
    Stage.ORIENTED: "oriented",
    Stage.DESCRIBED: "described",
}
R = TypeVar("R")


def explain(grey: UInt8, settings: SiftSettings, space: ScaleSpace | None = None) -> Job[SiftExplanation]:
    """Find and describe SIFT keypoints, keeping the history of every candidate.

    Yields one :class:`Progress` per octave and stage whose payload is the explanation so far, and some without payload
    while something takes long. Cancel by closing the job.

    Args:
        grey: (h, w) uint8.
        settings: thresholds and the sampling of scale.
        space: the scale space of this image with these settings, if there is one already.

    Returns:
        The explanation; an image without extrema has no candidates.
    """
    space = space or ScaleSpace(grey, settings)
    parts: list[Part] = []
    buffer = space.buffer()
    total = len(space.octaves) * len(Stage)
    for number, octave in enumerate(space.octaves):
        before = tuple(parts)
        for step in _octave(space, octave, settings, buffer):
            done = number * len(Stage)
            if isinstance(step, Progress):
                yield replace(step, done=done, total=total)
                continue
            parts = [*before, step]
            so_far = SiftExplanation(settings, space, tuple(parts), octave, step.shown, complete=False)
            yield Progress(done + int(step.shown) + 1, total, f"Octave {octave}: {WORDS[step.shown]}", so_far)
    return SiftExplanation(settings, space, tuple(parts), space.octaves[-1], Stage.DESCRIBED, complete=True)


def _octave(
    space: ScaleSpace, octave: int, settings: SiftSettings, buffer: Float32
) -> Generator[Progress | Part, None, None]:
    """Take one octave through all stages; yields the part after each, and progress while something takes long."""
    width, height = space.size(octave)
    large = width * height > QUICK_PIXELS
    blurring, searching = (Progress(0, None, f"{word} octave {octave}") for word in ("Blurring", "Searching"))
    gaussians, differences = yield from _call(lambda: space.stack(octave, buffer), blurring, apart=large)
    floor = max(settings.noise_floor, ROUNDING)
    samples = yield from _call(lambda: find_extrema(differences, floor), searching, apart=large)
    many = len(samples) > QUICK_ROWS
    fitting = Progress(0, None, f"Fitting {len(samples)} extrema of octave {octave}")
    found = yield from _call(lambda: refine(differences, samples, octave, space, settings), fitting, apart=many)
    for stage in (Stage.EXTREMA, Stage.REFINED, Stage.CONTRAST, Stage.EDGE, Stage.BORDER):
        yield Part(found, stage)
    part = yield from _orient(gaussians, found, octave, settings)
    yield part
    yield (yield from _describe(gaussians, part, octave, settings))


def _call(function: Callable[[], R], progress: Progress, *, apart: bool) -> Generator[Progress, None, R]:
    """Return what a function returns; ``apart`` runs it in a thread of its own so that the job can be cancelled."""
    if not apart:
        return function()
    result: list[R] = yield from native(function, progress=progress)
    return result[0]


def _orient(
    gaussians: list[Float32], found: Candidates, octave: int, settings: SiftSettings
) -> Generator[Progress, None, Part]:
    """Give every surviving candidate of an octave its orientations."""
    rows = np.flatnonzero((found.stage == int(Stage.BORDER)) & (found.twin < 0)).astype(np.int32)
    smooth = np.zeros((len(rows), ORIENTATION_BINS), np.float32)
    local = (found.sigma * np.float32(2.0**-octave)).astype(np.float32)
    progress = Progress(0, None, f"Orienting {len(rows)} points of octave {octave}")
    for layer, some in _by_layer(found.layer[rows]):
        here = rows[some]
        level = gaussians[layer]
        vote = partial(histograms, level, found.row[here], found.col[here], local[here])
        raw = yield from _call(vote, progress, apart=len(here) > QUICK_ROWS)
        smooth[some] = smoothed(raw)
    peaks = find_peaks(smooth, settings)
    stage = found.stage.copy()
    stage[rows[peaks.point]] = int(Stage.ORIENTED)
    keypoints = _keypoints(found, rows[peaks.point], peaks.angle)
    return Part(
        replace(found, stage=stage),
        Stage.ORIENTED,
        keypoints,
        rows[peaks.point],
        smooth[peaks.point],
        np.zeros((len(keypoints), LENGTH), np.float32),
    )


def _keypoints(found: Candidates, rows: Int32, angle: Float32) -> Keypoints:
    """Return keypoints of these candidates, with the octave packed as OpenCV packs it."""
    layer, sublayer = found.layer[rows], found.offset[rows, 2]
    octave = found.octave[rows]
    packed = (octave & 255) | (layer << 8) | (np.rint((sublayer + np.float32(0.5)) * 255).astype(np.int32) << 16)
    return Keypoints(
        xy=found.xy[rows],
        size=found.size[rows],
        angle=angle,
        response=np.abs(found.value[rows]),
        octave=octave,
        layer=layer,
        sublayer=sublayer,
        packed=packed,
    )


def _describe(
    gaussians: list[Float32], part: Part, octave: int, settings: SiftSettings
) -> Generator[Progress, None, Part]:
    """Describe the keypoints of an octave."""
    values = yield from _descriptors(gaussians, part.keypoints, octave, settings)
    stage = part.candidates.stage.copy()
    stage[stage == int(Stage.ORIENTED)] = int(Stage.DESCRIBED)
    return replace(part, candidates=replace(part.candidates, stage=stage), shown=Stage.DESCRIBED, descriptors=values)


def _descriptors(
    gaussians: list[Float32], keypoints: Keypoints, octave: int, settings: SiftSettings
) -> Generator[Progress, None, Float32]:
    """Return the integer descriptors (K, 128) float32 of keypoints of one octave."""
    result = np.zeros((len(keypoints), LENGTH), np.float32)
    scale = np.float32(2.0**-octave)
    place = np.rint(keypoints.xy * scale).astype(np.int32)
    sigma = keypoints.size * np.float32(0.5) * scale
    angle = np.zeros_like(keypoints.angle) if settings.upright else keypoints.angle
    progress = Progress(0, None, f"Describing {len(keypoints)} points of octave {octave}")
    for layer, some in _by_layer(keypoints.layer):
        where = place[some, 1], place[some, 0]
        vote = partial(raw_histograms, gaussians[layer], *where, sigma[some], angle[some])
        raw = yield from _call(vote, progress, apart=len(some) > QUICK_ROWS)
        result[some] = as_integers(normalised(raw, settings.clip)[2])
    return result


def _by_layer(layer: Int32) -> Iterator[tuple[int, Array]]:
    """Yield (layer, rows of it)."""
    for one in np.unique(layer).tolist():
        yield one, np.flatnonzero(layer == one)


def describe(space: ScaleSpace, keypoints: Keypoints, settings: SiftSettings) -> Float32:
    """Return the integer descriptors (K, 128) float32 of keypoints at exactly the levels that they name.

    Args:
        space: of the image they were found in, sampled as they were found.
        keypoints: with octave and layer as :func:`explain` gives them.
        settings: ``upright`` and ``clip`` are used.
    """
    values = np.zeros((len(keypoints), LENGTH), np.float32)
    buffer = space.buffer()
    for octave in np.unique(keypoints.octave).tolist():
        rows = np.flatnonzero(keypoints.octave == octave)
        gaussians, _ = space.stack(octave, buffer)
        values[rows] = run_to_end(_descriptors(gaussians, keypoints.take(rows), octave, settings))
    return values
