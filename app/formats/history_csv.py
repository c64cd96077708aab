"""The history of every SIFT candidate as CSV: one row each, with the stage it reached and why it went no further.

What lives here: writing it. May import: records, settings, vision, ``formats.results``, numpy.

Columns: ``octave``, ``found_layer``, ``found_row``, ``found_col`` (the extremum), ``layer``, ``row``, ``col`` and
``moves`` (after refinement), ``dx``, ``dy``, ``ds`` (offset in samples), ``sign`` (-1 a minimum: bright blob; 1 a
maximum: dark), ``sample`` and ``value`` (D at the extremum and at the fit, grey levels / 255), ``contrast``
(abs(value) * layers), ``edge_ratio``, ``border`` (octave pixels), ``x``, ``y``, ``sigma``, ``size`` (pixels of the
original image), ``keypoints`` (how many orientations), ``stage`` (the last one passed), ``rejected_at`` (the next one,
empty if none), ``number`` (at which it was rejected) and ``reason``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.formats.results import Origin, number_text, write_csv
from app.records import WorkingImage
from app.settings import atomic_text
from app.vision.half_pixel import all_to_original
from app.vision.sift_records import SiftExplanation, Stage
from app.vision.sift_stages import WORDS
from app.vision.sift_why import reason

WHOLE = ("octave", "found_layer", "found_row", "found_col", "layer", "row", "col", "moves")
HEADER = (
    *WHOLE,
    *("dx", "dy", "ds", "sign", "sample", "value", "contrast", "edge_ratio", "border", "x", "y", "sigma", "size"),
    *("keypoints", "stage", "rejected_at", "number", "reason"),
)


def write_history_csv(path: str | Path, explanation: SiftExplanation, work: WorkingImage, origin: Origin) -> None:
    """Write one row per candidate; the file is replaced only when all of it could be written.

    Args:
        path: to write.
        explanation: of the working image.
        work: the way back to pixels of the original.
        origin: how it was made, for the first line.

    Raises:
        UserError: if the file cannot be written.
    """
    with atomic_text(path) as stream:
        write_csv(stream, origin.to_json(), HEADER, _rows(explanation, work))


def _rows(explanation: SiftExplanation, work: WorkingImage) -> Iterator[tuple[str, ...]]:
    found, settings = explanation.candidates, explanation.settings
    scale = np.asarray(work.scale, np.float64)
    xy = all_to_original(found.xy, scale)
    sigma = found.sigma.astype(np.float64) * float(np.sqrt(scale.prod()))
    turns = np.bincount(explanation.candidate, minlength=len(found))
    whole = np.column_stack([getattr(found, name) for name in WHOLE])
    measured = np.column_stack(
        [found.sample, found.value, found.contrast, found.edge_ratio, found.border, xy, sigma, 2 * sigma]
    )
    for row in range(len(found)):
        stage = Stage(int(found.stage[row]))
        done = stage == Stage.DESCRIBED
        words, _ = reason(found, row, settings)
        yield (
            *map(str, whole[row].tolist()),
            *map(number_text, found.offset[row].tolist()),
            "-1" if found.sample[row] < 0 else "1",
            *map(number_text, measured[row].tolist()),
            str(int(turns[row])),
            WORDS[stage],
            "" if done else WORDS[Stage(int(stage) + 1)],
            number_text(float(found.number[row])),
            words,
        )
