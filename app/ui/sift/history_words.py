"""What became of a candidate, in words and numbers: one sentence, or a row per stage.

What lives here: :func:`story`, :func:`rows`, :func:`row_at`, the stages' names and rules. What does not: widgets; no
Qt. May import: ``app.vision``'s records of SIFT, numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.text import minus
from app.vision.sift_records import BORDER, Candidates, SiftSettings, Stage

STAGE_NAMES: dict[Stage, str] = {
    Stage.EXTREMA: "extrema",
    Stage.REFINED: "refined",
    Stage.CONTRAST: "contrast",
    Stage.EDGE: "edge",
    Stage.BORDER: "border",
    Stage.ORIENTED: "oriented",
    Stage.DESCRIBED: "described",
}


def rule(stage: Stage, settings: SiftSettings) -> str:
    """Return the rule a candidate must keep to pass a stage, with the numbers in force."""
    return {
        Stage.EXTREMA: f"beyond 26 neighbours, |D| > {settings.noise_floor:g} grey",
        Stage.REFINED: "rests within half a sample in 5 steps",
        Stage.CONTRAST: f"|D| · {settings.layers} reaches {settings.contrast:g} (D from 0 to 1)",
        Stage.EDGE: f"trace² / det stays below {settings.edge_limit:.4g}",
        Stage.BORDER: f"{BORDER} octave pixels inside the border",
        Stage.ORIENTED: "the first on its sample, with a peak",
        Stage.DESCRIBED: "its window makes a descriptor",
    }[stage]


@dataclass(frozen=True)
class HistoryRow:
    """One stage of a candidate: ``passed`` is None where it was never asked."""

    stage: Stage
    passed: bool | None
    text: str


def row_at(candidates: Candidates, octave: int, layer: int, col: int, row: int) -> int | None:
    """Return the candidate found at this very sample, None if there is none."""
    here = (
        (candidates.octave == octave)
        & (candidates.found_layer == layer)
        & (candidates.found_col == col)
        & (candidates.found_row == row)
    )
    found = np.flatnonzero(here)
    return int(found[0]) if len(found) else None


def rows(candidates: Candidates, index: int, settings: SiftSettings) -> tuple[HistoryRow, ...]:
    """Return a row per stage: whether it was passed, and its numbers."""
    last = int(candidates.stage[index])
    made = []
    for stage in Stage:
        passed = True if stage <= last else False if stage == last + 1 else None
        # Only what was computed is told; later numbers of a rejected candidate do not exist.
        text = _numbers(candidates, index, stage, settings) if passed is not None else "not asked"
        made.append(HistoryRow(stage, passed, text))
    return tuple(made)


def story(candidates: Candidates, index: int, settings: SiftSettings) -> str:
    """Return one sentence: where the candidate ended, and by which number."""
    last = Stage(int(candidates.stage[index]))
    if last == Stage.DESCRIBED:
        return f"It became a keypoint, σ\u00a0{candidates.sigma[index]:.3g}\u00a0px."
    failed = Stage(last + 1)
    return f"It died at “{STAGE_NAMES[failed]}”: {_numbers(candidates, index, failed, settings)}."


def _numbers(candidates: Candidates, index: int, stage: Stage, settings: SiftSettings) -> str:
    passed = int(candidates.stage[index]) >= int(stage)
    if stage == Stage.EXTREMA:
        value = 255 * float(candidates.sample[index])
        kind = "maximum, a dark blob" if value > 0 else "minimum, a bright blob"
        return f"{signed(value)} grey levels, {kind}"
    if stage == Stage.REFINED:
        return _refinement(candidates, index, passed=passed)
    if stage == Stage.CONTRAST:
        found = float(candidates.contrast[index])
        return f"{found:.4f} {'≥' if passed else '<'} {settings.contrast:g}"
    if stage == Stage.EDGE:
        ratio = float(candidates.edge_ratio[index])
        if not math.isfinite(ratio):
            return "det ≤ 0: the curvatures have different signs, a saddle"
        return f"trace² / det {ratio:.3g} {'<' if passed else '≥'} {settings.edge_limit:.4g}"
    if stage == Stage.BORDER:
        return f"{int(candidates.border[index])} octave pixels from the border, {'≥' if passed else '<'} {BORDER}"
    if stage == Stage.ORIENTED:
        if not passed and int(candidates.twin[index]) >= 0:
            return "another candidate came to rest on the same sample, so this one would be the same keypoint again"
        return "has an orientation" if passed else "no gradient in the window"
    return "has a descriptor" if passed else "no descriptor"


def _refinement(candidates: Candidates, index: int, *, passed: bool) -> str:
    dx, dy, dl = (float(v) for v in candidates.offset[index])
    moves = int(candidates.moves[index])
    moved = "" if moves == 0 else f" after {moves} move{'' if moves == 1 else 's'}"
    if math.isnan(dx):
        return f"the quadratic has no single extremum{moved}"
    place = f"offset ({signed(dx)}, {signed(dy)}, layer {signed(dl)}){moved}"
    return place if passed else f"{place}: it left the cell and did not come to rest"


def signed(value: float) -> str:
    """Return a number with its sign and two decimals."""
    return minus(f"{value:+.2f}")
