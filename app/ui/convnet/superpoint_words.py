"""What stands under the SuperPoint page: its words, and what is known of a picture and a cell as numbers.

What lives here: texts. What does not: what they are made from (``superpoint_jobs``). May import: that, explanation, the
network's sizes, numpy.
"""

from __future__ import annotations

import numpy as np

from app.learning.detector_store import RANDOM
from app.learning.superpoint import CELL, DUSTBIN, UNIFORM_LOSS
from app.learning.superpoint_network import MINI
from app.text import shortened, significant
from app.ui.convnet.superpoint_jobs import OWN, WITHIN_PX, Found
from app.ui.explanation import Words
from app.ui.numbers import percent

MOST_WORDS = 24

SUPERPOINT = Words(
    "SuperPoint: 65 numbers for every 8 × 8 pixels",
    "p = softmax of 65 numbers per cell;  heat(8i + row, 8j + col) = p(8·row + col), p(64) is the dustbin;  "
    "loss = −ln p(label), averaged: ln 65 = 4.174 untrained;  adaptation: Σ H⁻¹ f(H I) / number of views that see it",
    "Each cell shares one unit of probability among its 64 pixels and “no point here”: pixels of a cell are rivals, "
    "those of two cells are not, so that suppression must still thin out across borders. This miniature has the "
    "detector’s head alone; the original’s second head gives 256 numbers per cell, a descriptor of unit length between "
    "the cells’ centres.",
    "Step over a corner with the arrows: the bar moves through the channels, then into the next cell. Raise the views: "
    "the heat spreads, what one view alone shows fades, and more points recur. Take random weights: 1/65 is above "
    "0.015, so that every pixel passes; yet more points recur than by chance, for filters nobody trained follow the "
    "picture too, and bunch where it varies.",
    "",
)


def funnel(found: Found) -> str:
    """Return how many cells, pixels and points are left after every step."""
    points, state = found.points, found.state
    _, rows, columns = found.sight.probabilities.shape
    return (
        f"{rows * columns:,} cells → {found.cells:,} beat the dustbin;  "
        f"{found.heat.size:,} px → {points.above:,} ≥\u00a0{significant(state.confidence)} → "
        f"{points.apart:,} after NMS → {len(points):,} off the border"
    )


def rows_of(found: Found, cell: tuple[int, int]) -> list[tuple[str, str]]:
    """Return the numbers of a picture and of one of its cells, (row, column)."""
    sight, (row, column) = found.sight, cell
    values = sight.probabilities[:, row, column].astype(np.float64)
    best = int(values[:DUSTBIN].argmax())
    height, width = sight.working.grey.shape
    card = sight.detector.card
    rows = [
        ("network", f"{MINI.parameters:,} weights"),
        *(() if card is None else (("detector", shortened(card.name, MOST_WORDS)),)),
        ("one cell sees", f"{MINI.receptive_field} × {MINI.receptive_field} px"),
        ("picture", f"{width} × {height} px, 1 : {significant(sight.working.scale[0])}"),
        ("−ln p, dustbin", significant(float(-np.log(max(values[DUSTBIN], 1e-12))))),
        ("−ln p, best pixel", significant(float(-np.log(max(values[best], 1e-12))))),
        ("best pixel", f"x {CELL * column + best % CELL}, y {CELL * row + best // CELL}, channel {best}"),
    ]
    if sight.averaged is not None and found.state.views > 1:
        rows.append(("views averaged", f"{sight.averaged.views} of {found.state.views}"))
    if found.repeated is not None and found.repeated.count:
        rows += [
            ("repeatability" if name == OWN else name, percent(share, 1))
            for name, share in found.repeated.share.items()
        ]
        rows.append(("chance", percent(found.repeated.chance, 1)))
    return rows


def sentence(found: Found) -> str:
    """Return what the numbers say, in a sentence."""
    if found.state.weights == RANDOM:
        return (
            f"Nobody trained these weights: all 65 numbers of a cell are about 1/65 = 0.0154, the loss is ln 65 = "
            f"{UNIFORM_LOSS:.3f} whatever the labels; which pixel is a little above the others was never learned."
        )
    if not len(found.points):
        return "No pixel is left: lower the confidence, or take another picture."
    repeated = found.repeated
    if repeated is None or not repeated.count:
        return ""
    return (
        f"Of {repeated.count} points of each picture that the other one sees, {percent(repeated.share[OWN])} "
        f"have one there within {WITHIN_PX:g} px of this size; as many random points would reach "
        f"{percent(repeated.chance)}."
    )
