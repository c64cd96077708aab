"""A training as charts: from a snapshot to what :class:`app.ui.chart.Chart` draws.

What lives here: one function per chart, and thinning of long curves. What does not: widgets. May import: the chart's
data, learning's records, numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.learning.train_state import SMALL_SPREAD, Judgement, MinedTriplets, TrainSnapshot
from app.records import Float64
from app.ui.chart import Curve, Drawing, Level, Place
from app.ui.numbers import percent

MOST_POINTS = 240  # as many as the charts have pixels, nearly
RECALL = 0.95
WAITING = "Starts with the first batch."
NO_TRIPLETS = "This loss has no triplets."


def thinned(values: npt.ArrayLike, most: int = MOST_POINTS) -> tuple[Float64, Float64]:
    """Return (steps, means) of at most ``most`` equal runs of a curve that begins at step 1; NaN are left out."""
    y = np.asarray(values, np.float64)
    x = np.arange(1, len(y) + 1, dtype=np.float64)
    if len(y) > most:
        edges = np.linspace(0, len(y), most + 1).astype(np.int64)
        counts = np.diff(edges)
        known = np.isfinite(y)
        summed = np.add.reduceat(np.where(known, y, 0.0), edges[:-1])
        there = np.add.reduceat(known.astype(np.float64), edges[:-1])
        y = np.divide(summed, there, out=np.full(most, np.nan), where=there > 0)
        x = np.add.reduceat(x, edges[:-1]) / counts
    keep = np.isfinite(y)
    return x[keep], y[keep]


Before = TrainSnapshot | None  # the run before, drawn dotted for comparison


def _earlier(before: Before, values: Callable[[TrainSnapshot], tuple[Float64, Float64]]) -> tuple[Curve, ...]:
    """Return the same curve of the run before, or none."""
    if before is None:
        return ()
    x, y = values(before)
    return (Curve(x, y, "before", "undecided", "dot"),)


def _over_steps(
    snapshot: TrainSnapshot,
    before: Before,
    curves: tuple[Curve, ...],
    *,
    unit: str = "",
    top: float | None = None,
    levels: tuple[Level, ...] = (),
    log_y: bool = False,
) -> Drawing:
    return Drawing(
        curves=tuple(curve for curve in curves if len(curve.x)),
        levels=levels,
        x_range=(0.0, float(max(snapshot.step, 2, 0 if before is None else before.step))),
        y_range=None if top is None else (0.0, top),
        log_y=log_y,
        x_label="step",
        y_label=unit,
        empty=WAITING,
    )


def loss(snapshot: TrainSnapshot) -> Drawing:
    """Return the loss, with the margin, where it stands when all descriptors are the same."""
    x, y = thinned(snapshot.curves.loss)
    margin = snapshot.margin
    near = margin > 0 and len(y) > 0 and margin <= 3 * float(y.max())
    levels = (Level(margin, f"m = {margin:g}", "wrong"),) if near else ()
    top = max(float(y.max()), margin if near else 0.0) if len(y) else None
    # Losses of two runs have units of their own: the run before is left out here.
    return _over_steps(snapshot, None, (Curve(x, y, "loss"),), top=top, levels=levels)


def active(snapshot: TrainSnapshot, before: Before = None) -> Drawing:
    """Return the share of the elements that still teach something."""
    x, y = thinned(snapshot.curves.active)
    return _over_steps(
        snapshot, before, (*_earlier(before, lambda s: thinned(s.curves.active)), Curve(x, y, "loss above 0")), top=1.0
    )


def spread(snapshot: TrainSnapshot, before: Before = None) -> Drawing:
    """Return how far descriptors are from their mean, with the line below which they have collapsed."""
    x, y = thinned(snapshot.curves.spread)
    levels = (Level(SMALL_SPREAD, "collapse", "wrong"),)
    return _over_steps(
        snapshot,
        before,
        (*_earlier(before, lambda s: thinned(s.curves.spread)), Curve(x, y, "of the batch")),
        top=1.0,
        levels=levels,
    )


def gradient(snapshot: TrainSnapshot, before: Before = None) -> Drawing:
    """Return the norm of the gradient."""
    x, y = thinned(snapshot.curves.gradient)
    return _over_steps(
        snapshot,
        before,
        (*_earlier(before, lambda s: thinned(s.curves.gradient)), Curve(x, y, "norm")),
    )


def triplets(snapshot: TrainSnapshot) -> Drawing:
    """Return how many triplets a batch has, against those looked at and those that taught something."""
    curves = snapshot.curves
    teaching = np.nan_to_num(curves.elements * curves.active)
    parts = (
        (curves.possible, "possible", "undecided", "dot"),
        (curves.elements, "used", "accent", "solid"),
        (teaching, "active", "wrong", "dash"),
    )
    drawn = []
    for values, name, colour, dash in parts:
        x, y = thinned(values)
        drawn.append(Curve(x[y > 0], y[y > 0], name, colour, dash))
    return _over_steps(snapshot, None, tuple(drawn), log_y=True)


def held_out(snapshot: TrainSnapshot, before: Before = None) -> Drawing:
    """Return FPR95 and rank-1 on held-out points, at every judgement."""
    steps, fpr = _judged_curve(snapshot, "fpr95")
    ranked, rank = _judged_curve(snapshot, "rank1")
    return _over_steps(
        snapshot,
        before,
        (
            *_earlier(before, lambda s: _judged_curve(s, "fpr95")),
            *(replace(curve, name="") for curve in _earlier(before, lambda s: _judged_curve(s, "rank1"))),
            Curve(steps, fpr, "FPR95", "wrong", "dash", points=True),
            Curve(ranked, rank, "rank-1", "right", points=True),
        ),
        top=1.0,
    )


def _judged_curve(snapshot: TrainSnapshot, name: str) -> tuple[Float64, Float64]:
    """Return (steps, numbers) of all judgements that have the number."""
    steps = np.array([judged.step for judged in snapshot.judgements], np.float64)
    values = np.array([getattr(judged, name) for judged in snapshot.judgements], np.float64)
    known = np.isfinite(values)
    return steps[known], values[known]


def newest(snapshot: TrainSnapshot) -> Judgement | None:
    """Return the newest judgement that still has its distances."""
    judged = snapshot.judgements[-1] if snapshot.judgements else None
    return judged if judged is not None and len(judged.positive) and len(judged.negative) else None


def operating_point(judged: Judgement) -> tuple[float, float, float]:
    """Return (threshold, recall, false positive rate) of the first point of the curve that reaches 95 % recall."""
    curve = judged.roc()
    at = curve.at_recall(RECALL)
    return float(curve.threshold[at]), float(curve.true_positive[at]), float(curve.false_positive[at])


def distances(snapshot: TrainSnapshot, before: Before = None) -> Drawing:
    """Return the distances of matching and of other held-out pairs, each as shares, with the operating point."""
    judged = newest(snapshot)
    if judged is None:
        return Drawing(empty="Comes with the first judgement.")
    threshold, recall, _ = operating_point(judged)
    x, shares = _outlines(judged)
    old = None if before is None else newest(before)
    earlier = () if old is None else tuple(zip(_outlines(old)[1], ("before", ""), strict=True))
    return Drawing(
        curves=(
            *(Curve(x, share, name, "undecided", "dot") for share, name in earlier),
            Curve(x, shares[0], "matching", "right", fill=True),
            Curve(x, shares[1], "other", "wrong", "dash", fill=True),
        ),
        places=(Place(threshold, f"{percent(recall)} recall at {threshold:.2f}", "selected"),),
        x_range=(0.0, 2.0),
        x_label="distance",
    )


def _outlines(judged: Judgement) -> tuple[Float64, tuple[Float64, Float64]]:
    """Return the outline of both histograms: distances, and the shares of matching and of other pairs."""
    edges, right, wrong = judged.histogram()
    shares = [np.repeat(count / max(1, count.sum()), 2) for count in (right, wrong)]
    return np.repeat(edges, 2)[1:-1], (shares[0], shares[1])


def roc(snapshot: TrainSnapshot, before: Before = None) -> Drawing:
    """Return the ROC of the held-out pairs with the operating point; false positives by ratios, where it matters."""
    judged = newest(snapshot)
    if judged is None:
        return Drawing(empty="Comes with the first judgement.")
    _, recall, false = operating_point(judged)
    least = 1.0 / len(judged.negative)
    at = max(false, least)
    old = None if before is None else newest(before)
    earlier = () if old is None else (Curve(*_rates(old, least), "before", "undecided", "dot"),)
    return Drawing(
        curves=(*earlier, Curve(*_rates(judged, least), "true positives")),
        places=(Place(at, f"{false:.3f} at {percent(recall)} recall", "selected"),),
        levels=(Level(recall, percent(recall), "selected", "dot"),),
        x_range=(least, 1.0),
        y_range=(0.0, 1.0),
        x_ticks=tuple(10.0**power for power in range(-4, 1)),
        log_x=True,
        x_label="false positives",
    )


def _rates(judged: Judgement, least: float) -> tuple[Float64, Float64]:
    """Return (false, true) positive rates at a few hundred thresholds; the false ones at least ``least``."""
    curve = judged.roc()
    rows = np.unique(np.linspace(0, len(curve.threshold) - 1, MOST_POINTS).astype(np.int64))
    return np.maximum(curve.false_positive[rows], least), curve.true_positive[rows]


def gaps(mined: MinedTriplets | None, margin: float) -> Drawing:
    """Return the Δ = d(a,n) - d(a,p) of the last batch's elements on the axis hard, semi-hard, easy."""
    if mined is None or not len(mined.all_gaps):
        return Drawing(empty=NO_TRIPLETS)
    values = mined.all_gaps[np.isfinite(mined.all_gaps)].astype(np.float64)
    reach = max(1.2 * margin, float(np.abs(values).max(initial=0.0)), 0.1)
    edges = np.linspace(-reach, reach, 61)
    counts = np.histogram(values, edges)[0] / max(1, len(values))
    return Drawing(
        curves=(Curve(np.repeat(edges, 2)[1:-1], np.repeat(counts, 2), "share of the batch", fill=True),),
        places=(
            Place(0.0, "hard | semi-hard", "wrong"),
            *((Place(margin, f"m = {margin:g} | easy", "right", "dot"),) if margin > 0 else ()),
        ),
        x_range=(-reach, reach),
        x_label="Δ = d(a, n) − d(a, p)",
    )


@dataclass(frozen=True)
class ChartPlan:
    """One chart of the page: its head, its number at the right of the head, what it draws, and its help."""

    title: str
    value: Callable[[TrainSnapshot], str]
    draw: Callable[[TrainSnapshot, Before], Drawing]
    tip: str


def _last(values: npt.ArrayLike, form: str) -> str:
    known = np.asarray(values, np.float64)
    return form.format(known[-1]) if len(known) and np.isfinite(known[-1]) else "–"


def _judged(name: str) -> Callable[[TrainSnapshot], str]:
    def value(snapshot: TrainSnapshot) -> str:
        """Return the newest judgement, in the words of this chart."""
        judged = newest(snapshot)
        if judged is None:
            return "–"
        if name == "area":
            return f"area {judged.roc().area:.3f} · EER {judged.roc().equal_error:.3f}"
        return f"{judged.fpr95:.3f} · {judged.rank1:.3f}"

    return value


CHARTS: tuple[ChartPlan, ...] = (
    ChartPlan(
        "LOSS",
        lambda s: _last(s.curves.loss, "{:.3f}"),
        lambda snapshot, _before: loss(snapshot),
        "Mean over the pairs or triplets looked at. Standing at the margin m it is collapsing: all distances are 0.",
    ),
    ChartPlan(
        "HELD OUT",
        _judged("fpr95"),
        held_out,
        "FPR95: wrong pairs accepted where 95 % of the right ones are. Rank-1: how often the nearest is the right one.",
    ),
    ChartPlan(
        "DISTANCES",
        lambda s: "" if newest(s) is None else f"after step {s.judgements[-1].step:,}",
        distances,
        "Of held-out pairs. The less matching and other pairs overlap, the better; the line accepts 95 % of the right.",
    ),
    ChartPlan(
        "ROC",
        _judged("area"),
        roc,
        "True against false positives over all thresholds, held-out pairs; the marked point accepts 95 % of the right.",
    ),
    ChartPlan(
        "ACTIVE SHARE",
        lambda s: percent(float(s.curves.active[-1])) if len(s.curves.active) else "–",
        active,
        "Pairs or triplets with a loss above 0. The others are easy: they teach nothing.",
    ),
    ChartPlan(
        "SPREAD",
        lambda s: _last(s.curves.spread, "{:.3f}"),
        spread,
        "Root mean square distance of the batch's descriptors from their mean. Towards 0 all patches look the same.",
    ),
    ChartPlan(
        "GRADIENT",
        lambda s: _last(s.curves.gradient, "{:.3f}"),
        gradient,
        "Length of the gradient over all weights. Near 0 with a high loss, training is stuck.",
    ),
    ChartPlan(
        "TRIPLETS",
        lambda s: f"{_last(s.curves.elements, '{:,.0f}')} of {_last(s.curves.possible, '{:,.0f}')}",
        lambda snapshot, _before: triplets(snapshot),
        "Possible in the batch, looked at by the miner, and with a loss above 0.",
    ),
)
