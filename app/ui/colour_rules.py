"""Colour rules: which class a match line belongs to, what the legend says, and which lines are drawn.

What lives here: the rules, their colour scales and :func:`lines_of`. What does not: drawing; no Qt. May
import: records, ``match_values``, ``overlays``, numpy.

A rule gives each match a class of at most 64. Verdicts and inliers use the theme's tokens, doubled by dash
and mark. Ordered quantities use viridis without its darkest and lightest ends (Smith and van der Walt, CC0),
good = light; signed ones run from blue over a light grey to orange. Both keep their order for colour-blind eyes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.records import Bool, MatchResult, UInt8, Verdict
from app.ui.match_values import Index, MatchValues, best_first
from app.ui.overlays import Legend, LegendRow, LineClass, Lines

Tokens = Mapping[str, str]
STEPS = 32
GRID = 8

# 17 equally spaced colours of viridis; interpolated they are within 5/255 of the original.
VIRIDIS = (
    "#440154", "#48186a", "#472d7b", "#424086", "#3b528b", "#33638d", "#2c728e", "#26828e", "#21918c",
    "#1fa088", "#28ae80", "#3fbc73", "#5ec962", "#84d44b", "#addc30", "#d8e219", "#fde725",
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A way to colour: its key, its words, what it shows, and whether a result has what it needs."""

    key: str
    label: str
    help: str


RULES: dict[str, Rule] = {
    rule.key: rule
    for rule in (
        Rule("verdict", "Ground truth", "Right, wrong or undecided by the truth that came with the pair."),
        Rule("inlier", "Inliers", "Whether the match agrees with the fitted model."),
        Rule("ratio", "Ratio", "Distance over the second nearest distance: small is distinctive."),
        Rule("distance", "Distance", "Descriptor distance: small is alike."),
        Rule("confidence", "Confidence", "A learned or dual-softmax confidence from 0 to 1."),
        Rule("scale", "Scale change", "Right keypoint's size over the left one's, in octaves (powers of two)."),
        Rule("angle", "Angle change", "Turn from the left keypoint to the right one, clockwise."),
        Rule("position", "Position", "By the place of the left point, so that neighbours look alike."),
        Rule("single", "One colour", "All lines alike."),
    )
}
LABELS: dict[str, str] = {key: rule.label for key, rule in RULES.items()}


@dataclass(frozen=True, eq=False)
class Colouring:
    """What a rule makes of a result.

    Attributes:
        rule: the key of the rule used.
        title: head of the legend, with units.
        group: (M,) uint8 index into ``classes``.
        classes: at most 64; those of an ordered quantity come lowest first.
        bar: colours of an ordered quantity, empty for plain classes.
        low, high: words at the ends of the bar.
    """

    rule: str
    title: str
    group: UInt8
    classes: tuple[LineClass, ...]
    bar: tuple[str, ...] = ()
    low: str = ""
    high: str = ""

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """(classes,) number of matches in each class."""
        return np.bincount(self.group, minlength=len(self.classes))

    @property
    def hideable(self) -> tuple[str, ...]:
        """Names of the classes that can be shown or hidden one by one, none for an ordered quantity."""
        return () if self.bar else tuple(item.name for item in self.classes)


# ---------------------------------------------------------------------------- colours


def _rgb(colour: str) -> npt.NDArray[np.float64]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float64)


def viridis(position: float) -> str:
    """Return the colour at ``position`` in [0, 1]; dark blue-violet to yellow."""
    at = min(max(position, 0.0), 1.0) * (len(VIRIDIS) - 1)
    low = min(int(at), len(VIRIDIS) - 2)
    mixed = _rgb(VIRIDIS[low]) * (1 - at + low) + _rgb(VIRIDIS[low + 1]) * (at - low)
    return "#" + "".join(f"{round(v):02x}" for v in mixed)


def oklch(lightness: float, chroma: float, hue_degrees: float) -> str:
    """Return the colour of an OKLCH triple, clipped to sRGB (Ottosson 2020)."""
    a = chroma * math.cos(math.radians(hue_degrees))
    b = chroma * math.sin(math.radians(hue_degrees))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _encoded(v)):02x}" for v in linear)


def _encoded(linear: float) -> float:
    """sRGB's transfer curve, clipped to [0, 1]."""
    v = min(max(linear, 0.0), 1.0)
    return 12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055


BLUE_HUE, ORANGE_HUE = 250.0, 65.0


def diverging(position: float) -> str:
    """Return blue at -1, light grey at 0, orange at +1."""
    amount = min(abs(position), 1.0)
    return oklch(0.90 - 0.25 * amount, 0.14 * amount, BLUE_HUE if position < 0 else ORANGE_HUE)


def cyclic(degrees: float) -> str:
    """Return a colour of the circle: light at 0°, orange at 90°, dark at 180°, blue at -90°."""
    lightness = 0.64 + 0.26 * math.cos(math.radians(degrees))
    hue = BLUE_HUE if math.sin(math.radians(degrees)) < 0 else ORANGE_HUE
    return oklch(lightness, 0.14 * abs(math.sin(math.radians(degrees))), hue)


def _of_place(column: int, row: int) -> str:
    """Blue to orange from left to right, light to dark from top to bottom."""
    across = 2 * column / (GRID - 1) - 1
    hue = BLUE_HUE if across < 0 else ORANGE_HUE
    return oklch(0.92 - 0.42 * row / (GRID - 1), 0.02 + 0.13 * abs(across), hue)


# ------------------------------------------------------------------------------ rules


def available(values: MatchValues) -> dict[str, str]:
    """Return rule key -> why it cannot be used on this result, empty where it can."""
    reasons = dict.fromkeys(RULES, "")
    if not len(values):
        return reasons
    if not values.judged:
        reasons["verdict"] = "This pair comes without ground truth."
    if not values.verified:
        reasons["inlier"] = "Verification is off: choose a model under Verify."
    for name, sentence in (
        ("ratio", "This matcher knows no second nearest neighbour."),
        ("confidence", "No confidence is known: switch on the dual softmax under Match."),
        ("scale", "This matcher's points have no size."),
        ("angle", "This matcher's points have no orientation."),
    ):
        if not values.known(name):
            reasons[name] = sentence
    return reasons


def usable_rule(values: MatchValues, key: str) -> str:
    """Return ``key`` if the result has what it needs, else the next best rule."""
    reasons = available(values)
    order = (key, "verdict", "inlier", "ratio", "distance")
    return next((rule for rule in order if rule in reasons and not reasons[rule]), "single")


def colour(values: MatchValues, key: str, tokens: Tokens, threshold_px: float = math.nan) -> Colouring:
    """Return the classes of every match by a rule.

    Args:
        values: the columns of a result; may be empty.
        key: a key of :data:`RULES`; if the result lacks what it needs, :func:`usable_rule` chooses.
        tokens: the theme's colours by name (right, wrong, consistent, undecided, accent, …).
        threshold_px: shown in the title of the verdicts.
    """
    rule = usable_rule(values, key)
    return _MAKERS[rule](values, tokens, threshold_px)


def _verdict(values: MatchValues, tokens: Tokens, threshold_px: float) -> Colouring:
    within = f" · within {threshold_px:g} px" if math.isfinite(threshold_px) else ""
    classes = (
        LineClass("right", tokens["right"], "solid", "disc"),
        LineClass("wrong", tokens["wrong"], "dash", "cross"),
        LineClass("consistent", tokens["consistent"], "solid", "ring"),
        LineClass("undecided", tokens["undecided"], "dot", "disc"),
    )
    group = np.where(values.verdict < 0, int(Verdict.UNDECIDED), values.verdict).astype(np.uint8)
    return Colouring("verdict", f"Ground truth{within}", group, classes)


def _inlier(values: MatchValues, tokens: Tokens, _threshold_px: float) -> Colouring:
    classes = (
        LineClass("inlier", tokens["right"], "solid", "disc"),
        LineClass("outlier", tokens["wrong"], "dash", "cross"),
    )
    return Colouring("inlier", "Agrees with the fitted model", (~values.inlier).astype(np.uint8), classes)


def _single(values: MatchValues, tokens: Tokens, _threshold_px: float) -> Colouring:
    classes = (LineClass("match", tokens["right"], "solid", "disc"),)
    return Colouring("single", "Matches", np.zeros(len(values), np.uint8), classes)


def _steps(
    rule: str, title: str, amount: npt.NDArray[np.float64], colours: tuple[str, ...], ends: tuple[str, str], grey: str
) -> Colouring:
    """Sort ``amount`` (0 to 1, NaN unknown) into as many classes as there are colours, and one more."""
    count = len(colours)
    unknown = np.isnan(amount)
    group = np.clip(np.where(unknown, 0, amount) * count, 0, count - 1).astype(np.uint8)
    group[unknown] = count
    classes = (
        *(LineClass(f"{title} {i + 1}/{count}", c, "solid", "disc") for i, c in enumerate(colours)),
        LineClass("unknown", grey, "dot", "disc"),
    )
    return Colouring(rule, title, group, classes, colours, *ends)


def _sequential(
    name: str, title: str, *, good_is_low: bool, span: tuple[float, float] | None = None
) -> Callable[[MatchValues, Tokens, float], Colouring]:
    """Return the rule of an ordered quantity; without a ``span`` it runs over the middle 98 % of the values."""

    def make(values: MatchValues, tokens: Tokens, _threshold_px: float) -> Colouring:
        """Colour the matches by their column of values."""
        column = getattr(values, name).astype(np.float64)
        low, high = span if span is not None else _span(column)
        amount = (column - low) / (high - low)
        inside = np.linspace(0.10, 0.94, STEPS)
        colours = tuple(viridis(float(p)) for p in (inside[::-1] if good_is_low else inside))
        less = "≤ " if np.any(column < low) else ""
        more = "≥ " if np.any(column > high) else ""
        ends = (f"{less}{_short(low)}", f"{more}{_short(high)}")
        return _steps(name, title, np.clip(amount, 0, 1), colours, ends, tokens["undecided"])

    return make


def _span(column: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 1st to the 99th percentile of what is known, never of no width."""
    known = column[np.isfinite(column)]
    if not len(known):
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(known, (1, 99)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _scale(values: MatchValues, tokens: Tokens, _threshold_px: float) -> Colouring:
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves = np.log2(values.scale.astype(np.float64))
    known = np.abs(octaves[np.isfinite(octaves)])
    # Whole octaves, so that the ends of the bar are numbers to say aloud.
    reach = float(min(max(1.0, math.ceil(np.percentile(known, 95) - 1e-6)), 4.0)) if len(known) else 1.0
    colours = tuple(diverging(float(p)) for p in np.linspace(-1, 1, STEPS + 1))
    less, more = "≤ " if np.any(octaves < -reach) else "", "≥ " if np.any(octaves > reach) else ""
    ends = (f"{less}× {2**-reach:g}", f"{more}× {2**reach:g}")
    amount = np.clip((octaves + reach) / (2 * reach), 0, 1)
    return _steps("scale", "Scale, right / left", amount, colours, ends, tokens["undecided"])


def _angle(values: MatchValues, tokens: Tokens, _threshold_px: float) -> Colouring:
    colours = tuple(cyclic(float(d)) for d in np.linspace(-180, 180, STEPS + 1))
    amount = (values.angle.astype(np.float64) + 180) / 360
    return _steps("angle", "Turn, left to right", amount, colours, ("−180°", "180°"), tokens["undecided"])


def _position(values: MatchValues, _tokens: Tokens, _threshold_px: float) -> Colouring:
    cells = []
    for column in (values.x1, values.y1):
        low, high = (float(column.min()), float(column.max())) if len(column) else (0.0, 1.0)
        share = (column - low) / max(high - low, 1e-9)
        cells.append(np.clip(share * GRID, 0, GRID - 1).astype(np.uint8))
    classes = tuple(
        LineClass(f"column {c + 1}, row {r + 1}", _of_place(c, r), "solid", "disc")
        for r in range(GRID)
        for c in range(GRID)
    )
    group = (cells[1] * GRID + cells[0]).astype(np.uint8)
    bar = tuple(_of_place(c, 2) for c in range(GRID))
    return Colouring("position", "Left point, light = top", group, classes, bar, "left", "right")


_MAKERS: dict[str, Callable[[MatchValues, Tokens, float], Colouring]] = {
    "verdict": _verdict,
    "inlier": _inlier,
    "ratio": _sequential("ratio", "Ratio d₁ / d₂", good_is_low=True),
    "distance": _sequential("distance", "Descriptor distance", good_is_low=True),
    "confidence": _sequential("confidence", "Confidence", good_is_low=False, span=(0.0, 1.0)),
    "scale": _scale,
    "angle": _angle,
    "position": _position,
    "single": _single,
}


# -------------------------------------------------------------------- what is drawn


def shown_rows(
    values: MatchValues, colouring: Colouring, keep: Bool | None = None, *, top: int = 0, hidden: tuple[str, ...] = ()
) -> Index:
    """Return the matches to draw, the most believable first.

    Args:
        values, colouring: of one result.
        keep: (M,) bool of a filter, or None.
        top: at most so many, 0 for all; counted after filter and hidden classes.
        hidden: names of classes that are not drawn; only those of plain classes count.
    """
    order = best_first(values)
    wanted = np.ones(len(values), np.bool_) if keep is None else keep
    away = [i for i, name in enumerate(colouring.hideable) if name in hidden]
    if away:
        wanted = wanted & ~np.isin(colouring.group, away)
    order = order[wanted[order]]
    return order[:top] if top > 0 else order


def lines_of(values: MatchValues, colouring: Colouring, shown: Index) -> Lines:
    """Return what the canvas draws."""
    return Lines(values.left_xy, values.right_xy, colouring.group, colouring.classes, shown)


def legend_of(colouring: Colouring, shown: Index, hidden: tuple[str, ...] = ()) -> Legend:
    """Return the legend with a count per class: ``40`` or, if some are not drawn, ``40 of 81``."""
    drawn = np.bincount(colouring.group[shown], minlength=len(colouring.classes))
    counts = colouring.counts
    rows = []
    for index, item in enumerate(colouring.classes):
        if (colouring.bar and item.name != "unknown") or not counts[index]:
            continue
        some = f"{drawn[index]:,} of {counts[index]:,}" if drawn[index] != counts[index] else f"{counts[index]:,}"
        count = f"hidden ({counts[index]:,})" if item.name in hidden else some
        rows.append(LegendRow(item.colour, item.dash, item.mark, item.name, count))
    title = colouring.title
    if colouring.bar:
        total = f"{len(colouring.group):,}"
        title += f" · {total}" if len(shown) == len(colouring.group) else f" · {len(shown):,} of {total}"
    return Legend(title, tuple(rows), colouring.bar, colouring.low, colouring.high)


def faded(lines: Lines, share: float) -> Lines:
    """Return the same lines in transparent colours (``#aarrggbb``); ``share`` is what is left of them."""
    alpha = f"{round(255 * share):02x}"
    classes = tuple(replace(c, colour=f"#{alpha}{c.colour[1:]}") for c in lines.classes)
    return replace(lines, classes=classes)


def picture_of(
    result: MatchResult, values: MatchValues, key: str, tokens: Tokens, *, top: int = 0
) -> tuple[Lines, Legend]:
    """Return lines and legend of a result by a rule, the best ``top`` of them; what a figure needs."""
    threshold = math.nan if result.evaluation is None else result.evaluation.threshold_px
    colouring = colour(values, key, tokens, threshold)
    shown = shown_rows(values, colouring, top=top)
    return lines_of(values, colouring, shown), legend_of(colouring, shown)
