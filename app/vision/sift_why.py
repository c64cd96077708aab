"""Why is there no SIFT keypoint at a place? The detector's own reason, in one sentence with its numbers.

What lives here: the reason of a candidate in words, and :func:`why_not_detected`. What does not: the question why two
keypoints do not match (``probe``). May import: records, vision, numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from app.records import Array
from app.text import minus
from app.vision.sift_extrema import ROUNDING, find_extrema
from app.vision.sift_records import BORDER, Candidates, SiftExplanation, SiftSettings, Stage
from app.vision.sift_refine import FULL_SCALE, STEPS

# As far as this, or half its diameter if that is more, a keypoint or candidate stands for a place.
NEAR_PX = 6.0
MOST_SAMPLES = 12  # octave pixels looked at around the place for extrema below the noise floor


@dataclass(frozen=True)
class Detection:
    """What the detector made of a place.

    Attributes:
        sentence: the reason, one sentence with its numbers.
        stage: the :class:`Stage` that failed in lower case, ``extremum`` if there is none, ``count`` if only the
            number of keypoints kept was too small, empty if there is a keypoint.
        passed: whether there is a keypoint.
        candidate: its row in the candidates, -1 without one.
        numbers: the numbers of the sentence by name.
        place: (x, y, sigma) image pixels of the keypoint, candidate or nearest extremum; None without any.
    """

    sentence: str
    stage: str
    passed: bool
    candidate: int = -1
    numbers: Mapping[str, float] = field(default_factory=dict)
    place: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", MappingProxyType(dict(self.numbers)))


def reason(found: Candidates, row: int, settings: SiftSettings) -> tuple[str, dict[str, float]]:
    """Return why a candidate was rejected, as the end of a sentence, with its numbers; empty text if it was not."""
    stage, number = Stage(int(found.stage[row])), float(found.number[row])
    if stage == Stage.EXTREMA:
        return _unsettled(found, row, number)
    if stage == Stage.REFINED:
        short = settings.contrast - number
        text = (
            f"below contrast by {short:.2g}: |D|·s = {number:.3g} < {settings.contrast:g} "
            f"(|D| = {abs(float(found.value[row])) * FULL_SCALE:.2f} grey levels)"
        )
        return text, {"contrast": number, "threshold": settings.contrast, "short": short}
    if stage == Stage.CONTRAST:
        if not np.isfinite(number):
            text = "on an edge or saddle: the two curvatures have no common sign (determinant ≤ 0)"
        else:
            text = f"on an edge: ratio trace²/det = {number:.1f} ≥ {settings.edge_limit:.1f}"
        return text, {"edge ratio": number, "limit": settings.edge_limit}
    if stage == Stage.EDGE:
        text = (
            f"too near the border: {int(number)} px of octave {minus(str(int(found.octave[row])))}, {BORDER} are needed"
        )
        return text, {"border px": number, "needed": BORDER}
    if stage == Stage.BORDER:
        twin = int(found.twin[row])
        if twin >= 0:
            return f"the same point as candidate {twin}, which moved to the same sample", {"twin": twin}
        return "no orientation peak: its histogram has no bin above both neighbours", {}
    return "", {}


def _unsettled(found: Candidates, row: int, number: float) -> tuple[str, dict[str, float]]:
    moves = int(found.moves[row])
    numbers = {"offset": number, "moves": float(moves)}
    x, y, s = (minus(f"{v:+.2f}") for v in found.offset[row].tolist())
    if moves >= STEPS:
        text = (
            f"refinement left the cell: after {STEPS} fits it would still move by ({x}, {y}, {s}) samples, 0.5 at most"
        )
    else:
        text = f"refinement left the cell: the fit moves it by ({x}, {y}, {s}) samples, out of the planes searched"
    return text, numbers


def where(found: Candidates, row: int) -> str:
    """Return a candidate's octave, layer and blur in words."""
    octave, layer = int(found.octave[row]), int(found.layer[row])
    return f"octave {minus(str(octave))}, layer {layer}, σ = {float(found.sigma[row]):.2f} px"


def why_not_detected(explanation: SiftExplanation, x: float, y: float, near_px: float = NEAR_PX) -> Detection:
    """Return why there is no keypoint at a place, or which one there is.

    A keypoint within ``near_px`` (or its own sigma, if more) stands for the place. Else the candidate within that
    reach that got furthest tells why it was rejected. Else there is no extremum: the nearest and its value are named,
    or the strongest one below the noise floor.

    Args:
        explanation: complete.
        x, y: pixels of its image.
        near_px: how far from the place an extremum still stands for it.
    """
    found = explanation.candidates
    gap = np.hypot(found.xy[:, 0] - x, found.xy[:, 1] - y)
    near = gap <= np.maximum(near_px, found.sigma)
    rows = np.flatnonzero(near)
    if len(rows):
        stage = found.stage[rows].astype(np.int64)
        row = int(rows[np.lexsort((gap[rows], -stage))[0]])
        return _of_candidate(explanation, row, float(gap[row]), len(rows))
    weak = _weak_extremum(explanation, x, y, near_px)
    return weak if weak is not None else _nothing(explanation, gap)


def _of_candidate(explanation: SiftExplanation, row: int, gap: float, count: int) -> Detection:
    found = explanation.candidates
    cx, cy = found.xy[row].tolist()
    place = (cx, cy, float(found.sigma[row]))
    blob = "bright" if float(found.sample[row]) < 0 else "dark"
    if found.stage[row] >= int(Stage.ORIENTED):
        angles = np.count_nonzero(explanation.candidate == row)
        turns = "one orientation" if angles == 1 else f"{angles} orientations"
        text = f"A keypoint {gap:.1f} px away ({blob} blob, {where(found, row)}, {turns})."
        return Detection(text, "", True, row, {"distance px": gap}, place)
    text, numbers = reason(found, row, explanation.settings)
    failed = Stage(int(found.stage[row]) + 1)
    others = f"; it got furthest of {count} extrema here" if count > 1 else ""
    sentence = f"The extremum {gap:.1f} px away ({blob} blob, {where(found, row)}) is {text}{others}."
    if text.startswith(("refinement", "no orientation")):
        sentence = (
            f"{text[0].upper()}{text[1:]} (extremum {gap:.1f} px away, {blob} blob, {where(found, row)}{others})."
        )
    return Detection(sentence, failed.name.lower(), False, row, {"distance px": gap, **numbers}, place)


def _weak_extremum(explanation: SiftExplanation, x: float, y: float, near_px: float) -> Detection | None:
    """Return the strongest extremum near a place that the noise floor keeps from being a candidate."""
    space, settings = explanation.space, explanation.settings
    best: tuple[float, int, int, int, int] | None = None
    for octave in space.octaves:
        radius = int(np.clip(np.ceil(near_px * 2.0**-octave), 1, MOST_SAMPLES)) + 1
        col, row = space.nearest(octave, x, y)
        windows = space.windows(octave, tuple(range(settings.levels)), col, row, radius)
        stack = np.diff(np.stack([window.values for window in windows]), axis=0)
        samples = find_extrema(stack, ROUNDING)
        if not len(samples):
            continue
        values = stack[samples.layer, samples.row, samples.col]
        places = np.stack([samples.col + windows[0].left, samples.row + windows[0].top], axis=1)
        far = np.linalg.norm(space.to_image(octave, places) - (x, y), axis=1) > near_px
        # Those above the floor are candidates: they were fitted, and came to rest elsewhere.
        values[far | (np.abs(values) > settings.noise_floor)] = 0
        i = int(np.abs(values).argmax())
        if values[i] == 0:
            continue
        if best is None or abs(float(values[i])) > abs(best[0]):
            best = (float(values[i]), octave, int(samples.layer[i]), int(places[i, 0]), int(places[i, 1]))
    if best is None:
        return None
    value, octave, layer, col, row = best
    cx, cy = space.to_image(octave, (col, row)).tolist()
    size = abs(value)
    reached = size / FULL_SCALE * settings.layers
    text = (
        f"Below contrast by {settings.contrast - reached:.2g}: the strongest extremum here "
        f"({'bright' if value < 0 else 'dark'} blob, octave {minus(str(octave))}, layer {layer}) has |D| = {size:.2f} "
        f"grey levels, |D|·s = {reached:.2g} < {settings.contrast:g}, and extrema up to {settings.noise_floor} "
        f"grey level{'' if settings.noise_floor == 1 else 's'} are not examined."
    )
    numbers = {
        "D": value,
        "contrast": reached,
        "threshold": settings.contrast,
        "floor": float(settings.noise_floor),
        "distance px": float(np.hypot(cx - x, cy - y)),
    }
    return Detection(text, "extremum", False, -1, numbers, (cx, cy, space.sigma(octave, layer)))


def _nothing(explanation: SiftExplanation, gap: Array) -> Detection:
    """Return that there is no extremum, with the nearest one and its value."""
    found = explanation.candidates
    if not len(found):
        return Detection(
            "No extremum here, nor anywhere in this picture: it is too flat or too small for this detector.",
            "extremum",
            False,
        )
    row = int(gap.argmin())
    cx, cy = found.xy[row].tolist()
    value = float(found.value[row])
    text = (
        f"No extremum here: the nearest is {float(gap[row]):.1f} px away at ({cx:.0f}, {cy:.0f}), "
        f"{where(found, row)}, with D = {minus(f'{value * FULL_SCALE:.2f}')} grey levels."
    )
    numbers = {"distance px": float(gap[row]), "D": value * FULL_SCALE}
    return Detection(text, "extremum", False, row, numbers, (cx, cy, float(found.sigma[row])))
