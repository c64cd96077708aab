"""The charts of the Losses page: force against distance, the histogram of Δ, the loss over the steps.

What lives here: functions that turn a state and its points into a drawing. What does not: the chart itself. May import:
``app.learning.forces``, ``loss_state``, the chart's records, numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.learning.forces import FORMS, Descent, force_curve, mined, triplet
from app.learning.neighbours import Labels
from app.records import Float64
from app.ui.chart import Bars, Curve, Drawing, Level, Place
from app.ui.metric.loss_state import LossState, focus_of, partners
from app.ui.metric.plots import short

NAMES = {"lecture": "m² − d²", "hadsell": "(m − d)²", "linear": "m − d"}
DASH = {"lecture": "solid", "hadsell": "dash", "linear": "dot"}
KINDS = (("easy", "right"), ("semi-hard", "selected"), ("hard", "wrong"))
BINS = 36


def force_drawing(state: LossState, x: Float64, y: Labels) -> Drawing:
    """Return the strength of the force against the distance, the margin and the chosen point's distance marked."""
    focus = focus_of(state)
    p, n = partners(x, y, focus)
    here = () if n < 0 else (float(np.linalg.norm(x[focus] - x[n])),)
    if state.triplets:
        if p < 0:
            return Drawing(empty="The chosen point has no other of its class: choose one with a positive.")
        return _triplet_drawing(state, float(np.linalg.norm(x[focus] - x[p])), here)
    m = state.margin
    d = np.r_[np.linspace(1e-6, m * (1 - 1e-9), 120), np.linspace(m, 1.6 * m, 20)]
    curves = tuple(
        Curve(d, force_curve(d, margin=m, form=key), NAMES[key], "accent" if key == state.form else "undecided",
              DASH[key])
        for key in FORMS
    )  # fmt: skip
    places = (Place(m, "d = m"), *(Place(at, f"chosen: {short(at)}", "accent", "solid") for at in here if at < 1.6 * m))
    return Drawing(curves, places=places, x_range=(0, 1.6 * m), x_label="distance d of a dissimilar pair",
                   y_label="push")  # fmt: skip


def _triplet_drawing(state: LossState, positive: float, here: tuple[float, ...]) -> Drawing:
    """Return push on n and pull on p against d(a, n), the positive where it is."""
    reach = float(np.sqrt(positive**2 + state.margin)) if state.squared else positive + state.margin
    top = 1.5 * reach
    d = np.r_[np.linspace(1e-6, reach * (1 - 1e-9), 120), np.linspace(reach * (1 + 1e-9), top, 20)]
    zero = np.zeros_like(d)
    a, p, n = np.c_[zero, zero], np.c_[zero + positive, zero], np.c_[zero, d]
    _, gradients = triplet(a, p, n, margin=state.margin, squared=state.squared)
    curves = (
        Curve(d, np.linalg.norm(gradients[2], axis=1), "push on n", "wrong"),
        Curve(d, np.linalg.norm(gradients[1], axis=1), "pull on p", "right", "dash"),
    )
    places = (Place(reach, f"loss 0: {short(reach)}"), *(Place(at, "n", "accent", "solid") for at in here if at < top))
    return Drawing(curves, places=places, x_range=(0, top), x_label="d(a, n)", y_label="force")


def delta_drawing(state: LossState, x: Float64, y: Labels) -> tuple[Drawing, tuple[int, int, int]]:
    """Return the histogram of Δ over all triplets, coloured by kind, and (easy, semi-hard, hard)."""
    found = mined(x, y, margin=state.margin)
    if not len(found.delta):
        return Drawing(empty="No triplets: no point here has another of its class."), (0, 0, 0)
    reach = max(1.5 * state.margin, float(np.quantile(np.abs(found.delta), 0.98)))
    # A multiple of the bin ends at Δ = 0 and at Δ = m, so that no bin mixes two kinds.
    width = state.margin / max(1, round(state.margin / (2 * reach / BINS)))
    edges = width * np.arange(-np.ceil(reach / width), np.ceil(reach / width) + 1)
    clipped = np.clip(found.delta, edges[0], edges[-1])
    bars = []
    for kind, (_, token) in enumerate(KINDS):
        counts, _ = np.histogram(clipped[found.kind == kind], edges)
        filled = counts > 0
        bars.append(Bars((edges[:-1] + width / 2)[filled], counts[filled].astype(np.float64), float(width), token))
    places = (Place(0.0, "hard | semi-hard"), Place(state.margin, "Δ = m | easy"))
    drawing = Drawing(bars=tuple(bars), places=places, x_range=(float(edges[0]), float(edges[-1])),
                      x_label="Δ = d²(a, n) − d²(a, p)", y_label="triplets")  # fmt: skip
    return drawing, found.counts


def loss_drawing(state: LossState, steps: Sequence[Descent]) -> Drawing:
    """Return loss and spread over the steps; for triplets the plateau at m."""
    if len(steps) < 2:
        return Drawing(empty="Press Step or Descend: loss and spread are drawn over the steps.")
    at = np.arange(len(steps), dtype=np.float64)
    curves = (
        Curve(at, np.array([item.loss for item in steps]), "loss", "accent"),
        Curve(at, np.array([item.spread for item in steps]), "spread", "right", "dash"),
    )
    levels = (Level(state.margin, "l = m"),) if state.triplets else ()
    top = max(*(item.loss for item in steps), *(item.spread for item in steps), state.margin if levels else 0)
    return Drawing(curves, levels=levels, x_range=(0, max(1.0, len(steps) - 1.0)), y_range=(0, 1.05 * top),
                   x_label="step")  # fmt: skip
