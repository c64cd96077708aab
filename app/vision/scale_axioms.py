"""The axioms of the Gaussian scale space, each tried on a picture and answered with a number.

What lives here: :func:`demonstrate`, a job that tries them one after another. What does not: the discrete Gaussian and
scan lines (``scale_laws``), maxima and regions (``scale_regions``), widgets. May import: records, jobs, those, numpy
and cv2.

"No new extrema" holds on a line. In a picture smoothing can make a new maximum; what holds there is causality: no
region brighter (or darker) than a level appears without one under it at a finer scale (Koenderink, The
structure of images, Biological Cybernetics 50, 1984; Lindeberg, PAMI 12, 1990).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.jobs import Job, Progress
from app.records import Array, Float64, UInt8
from app.text import significant
from app.vision.scale_laws import discrete_gaussian, line_extrema, log_scales, smoothed_lines
from app.vision.scale_regions import births, maxima, orphans, two_hills

# The picture is reduced to this before the axioms are tried: all numbers then come within a second or two.
LARGEST_SIDE = 384
LADDER = (0.5, 12.0, 20)  # scales from, to, how many
GREY_LEVELS = 7
SHIFT = (17, 9)
# Float32 filters round at about 1e-7 of the grey range; anything below this is the same picture.
SAME = 2e-6
ROWS_AT_ONCE = 32
Report = Callable[..., Progress]


@dataclass(frozen=True, eq=False)
class Axiom:
    """One axiom tried on a picture.

    Attributes:
        key, title: its name.
        statement: what is compared, in one line.
        error: largest difference as a share of the grey range (or a count, see ``text``).
        holds: True exactly (to rounding), False not, None only approximately.
        text: the number in words.
        one, other: (h, w) uint8 pictures of both sides; ``other`` may show the difference alone.
        captions: a word for each.
    """

    key: str
    title: str
    statement: str
    error: float
    holds: bool | None
    text: str
    one: UInt8
    other: UInt8
    captions: tuple[str, str]


def prepared(grey: UInt8) -> Float64:
    """Return the picture in [0, 1], reduced to at most 384 px, its sides even (as the cosine transform needs)."""
    scale = LARGEST_SIDE / max(grey.shape)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    short = [(0, n % 2 if n > 1 else 1) for n in grey.shape]
    return np.pad(grey, short, mode="edge").astype(np.float64) / 255


def demonstrate(grey: UInt8, *, sigma: float, angle: float) -> Job[tuple[Axiom, ...]]:
    """Try every axiom on a picture; each progress carries those that are done.

    Args:
        grey: (H, W), 0 to 255; it is reduced to 384 px.
        sigma: of the Gaussian, in pixels of the reduced picture.
        angle: of the arbitrary rotation in degrees.
    """
    picture = prepared(grey)
    trials: tuple[Callable[[], Axiom], ...] = (
        lambda: linearity(picture, sigma),
        lambda: shift(picture, sigma),
        lambda: quarter_turn(picture, sigma),
        lambda: rotation(picture, sigma, angle),
        lambda: semigroup(picture, sigma),
    )
    done: list[Axiom] = []
    total = len(trials) + 3

    def progress(text: str, share: float = 0.0) -> Progress:
        """Return how far the trials have come, with the axioms done."""
        return Progress(len(done) + share, total, text, tuple(done))

    for trial in trials:
        yield progress("Trying the axioms")
        done.append(trial())
    done.append((yield from line_gain(picture, progress)))
    scales = log_scales(*LADDER)
    levels: list[Float64] = []
    for scale in scales:
        yield progress(f"Smoothing, σ = {scale:.1f} px")
        levels.append(discrete_gaussian(picture, float(scale)))
    done.append((yield from new_maxima(levels, progress)))
    done.append((yield from causality(picture, levels, progress)))
    return tuple(done)


# ------------------------------------------------------------------------------- invariance


def _sampled(picture: Array, sigma: float) -> Float64:
    """Return the filter that SIFT uses: the sampled, separable Gaussian, here in float64."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float64)


def linearity(picture: Float64, sigma: float) -> Axiom:
    """Try L(0.7 I + 0.3 J) = 0.7 L(I) + 0.3 L(J) with J the picture upside down."""
    other = np.ascontiguousarray(picture[::-1])
    mixed = _sampled(0.7 * picture + 0.3 * other, sigma)
    apart = 0.7 * _sampled(picture, sigma) + 0.3 * _sampled(other, sigma)
    return _compared(
        "linearity",
        "Linearity",
        "blur (0.7 I + 0.3 J)  =  0.7 blur I + 0.3 blur J, J the picture upside down",
        mixed,
        apart,
        ("mixed, then blurred", "blurred, then mixed"),
    )


def shift(picture: Float64, sigma: float) -> Axiom:
    """Try blur(moved I) = moved blur(I) away from the border."""
    dx, dy = (min(step, max(0, n // 4)) for step, n in zip(SHIFT, picture.shape[::-1], strict=True))
    rim = min(math.ceil(5 * sigma), (min(picture.shape) - 1) // 3)
    height, width = picture.shape
    moved = np.roll(picture, (dy, dx), axis=(0, 1))
    part = (slice(rim + dy, height - rim), slice(rim + dx, width - rim))
    return _compared(
        "shift",
        "Shift invariance",
        f"blur (I moved by {dx}, {dy} px)  =  (blur I) moved, {rim} px from the border",
        _sampled(moved, sigma)[part],
        np.roll(_sampled(picture, sigma), (dy, dx), axis=(0, 1))[part],
        ("moved, then blurred", "blurred, then moved"),
    )


def quarter_turn(picture: Float64, sigma: float) -> Axiom:
    """Try blur(I turned by 90°) = (blur I) turned by 90°."""
    return _compared(
        "rot90",
        "Rotation by 90°",
        "blur (I turned by 90°)  =  (blur I) turned by 90°",
        _sampled(np.ascontiguousarray(np.rot90(picture)), sigma),
        np.rot90(_sampled(picture, sigma)),
        ("turned, then blurred", "blurred, then turned"),
    )


def rotation(picture: Float64, sigma: float, angle: float) -> Axiom:
    """Try any other angle inside the largest circle: interpolation, not the Gaussian, leaves an error."""
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)

    def turned(values: Float64) -> Float64:
        """Return a picture turned by the angle about its middle."""
        flags = cv2.INTER_CUBIC
        return np.asarray(cv2.warpAffine(values, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT))

    one, other = _sampled(turned(picture), sigma), turned(_sampled(picture, sigma))
    y, x = np.ogrid[:height, :width]
    reach = min(height, width) / 2 - 5 * sigma
    inside = (x - (width - 1) / 2) ** 2 + (y - (height - 1) / 2) ** 2 <= max(reach, 1.0) ** 2
    return _compared(
        "rotation",
        f"Rotation by {angle:g}°",
        f"blur (I turned by {angle:g}°)  ≈  (blur I) turned: each pixel is interpolated once more",
        np.where(inside, one, 0),
        np.where(inside, other, 0),
        ("turned, then blurred", "blurred, then turned"),
    )


def semigroup(picture: Float64, sigma: float) -> Axiom:
    """Try G(a) G(b) = G(sqrt(a² + b²)) with a = 0.6 sigma, b = 0.8 sigma, for both Gaussians."""
    a, b = 0.6 * sigma, 0.8 * sigma
    twice, once = _sampled(_sampled(picture, a), b), _sampled(picture, sigma)
    exact = float(np.abs(discrete_gaussian(discrete_gaussian(picture, a), b) - discrete_gaussian(picture, sigma)).max())
    result = _compared(
        "semigroup",
        "Semigroup",
        f"blur by {a:.2f}, then by {b:.2f} px  =  blur once by {sigma:.2f} px",
        twice,
        once,
        (f"{a:.2f} px, then {b:.2f} px", f"once {sigma:.2f} px"),
    )
    text = f"sampled {_share(result.error)}; discrete {_share(exact)}"
    return Axiom(
        result.key,
        result.title,
        result.statement,
        result.error,
        None if result.error > SAME else True,
        text,
        result.one,
        result.other,
        result.captions,
    )


def _compared(key: str, title: str, statement: str, one: Array, other: Array, captions: tuple[str, str]) -> Axiom:
    error = float(np.abs(one - other).max()) if one.size else 0.0
    same = error <= SAME
    return Axiom(
        key, title, statement, error, True if same else None, _share(error), as_grey(one), as_grey(other), captions
    )


def _share(error: float) -> str:
    """Return an error as a share of the grey range, in words."""
    if error == 0:
        return "exactly 0"
    return f"{significant(error, 1)} of the range" if error < 1e-3 else f"{100 * error:.2f} %"


def as_grey(values: Array) -> UInt8:
    """Return values in [0, 1] as 8-bit grey."""
    return np.asarray(np.clip(np.rint(np.asarray(values) * 255), 0, 255), np.uint8)


# -------------------------------------------------------------------------- what may appear


def line_gain(picture: Float64, progress: Report) -> Job[Axiom]:
    """Try "no new extrema" on every row of the picture: no step to a larger scale may gain one."""
    scales = log_scales(*LADDER)
    gained, counts = 0, np.zeros(len(scales), np.intp)
    for number, row in enumerate(picture):
        if number % ROWS_AT_ONCE == 0:
            yield progress("Counting extrema of the rows", number / len(picture))
        found = line_extrema(smoothed_lines(row, scales))
        gained, counts = gained + found.appeared, counts + found.count
    middle = smoothed_lines(picture[len(picture) // 2], scales)
    steps = len(picture) * (len(scales) - 1)
    text = f"{counts[0]:,} → {counts[-1]:,} extrema; gained in {gained:,} of {steps:,} steps"
    return Axiom(
        "line",
        "No new extrema (line)",
        "the extrema of each row, counted at growing scale",
        gained,
        gained == 0,
        text,
        as_grey(picture),
        as_grey(np.repeat(middle, 6, axis=0)),
        ("the rows", "the middle row, σ grows downwards"),
    )


def new_maxima(levels: Sequence[Float64], progress: Report) -> Job[Axiom]:
    """Count the maxima that smoothing makes, in the picture and in the drawn case."""
    born = seen = 0
    for step in range(1, len(levels)):
        yield progress("Counting maxima", step / len(levels))
        new, all_of_them = births(levels[step - 1], levels[step])
        born, seen = born + new, seen + all_of_them
    hills = two_hills()
    before, after = discrete_gaussian(hills, 0.8), discrete_gaussian(hills, 5.0)
    counts = [int(np.count_nonzero(maxima(level))) for level in (before, after)]
    text = f"at least {born:,} new here; in the drawn case {counts[0]} becomes {counts[1]}"
    return Axiom(
        "maxima",
        "No new maxima (picture)",
        "does not hold in 2-D: a narrow ridge melts before the hill it joins, and the hill becomes a maximum",
        born,
        False,
        text,
        _with_maxima(before),
        _with_maxima(after),
        (f"drawn, σ 0.8: {counts[0]} maximum", f"drawn, σ 5: {counts[1]} maxima"),
    )


def _with_maxima(values: Float64) -> UInt8:
    """Return a picture with a dark ring around every maximum."""
    shown = as_grey(values / values.max())
    for y, x in np.argwhere(maxima(values)).tolist():
        cv2.circle(shown, (x, y), 7, 255, 2, cv2.LINE_AA)
        cv2.circle(shown, (x, y), 5, 0, 2, cv2.LINE_AA)
    return shown


def causality(picture: Float64, levels: Sequence[Float64], progress: Report) -> Job[Axiom]:
    """Try that no region appears without one under it at the finer scale, at several grey values."""
    scales = log_scales(*LADDER)
    orphaned = regions = 0
    for step in range(1, len(levels)):
        for grey in np.quantile(levels[step], np.linspace(0.05, 0.95, GREY_LEVELS)):
            yield progress("Following regions", step / len(levels))
            pair, between = (levels[step - 1], levels[step]), (float(scales[step - 1]), float(scales[step]))
            lost, found = orphans(picture, pair, between, float(grey))
            orphaned, regions = orphaned + lost, regions + found
    some = (len(levels) // 3, 2 * len(levels) // 3)
    return Axiom(
        "causality",
        "Causality",
        "a region brighter (or darker) than a level has one under it at every finer scale: nothing is invented",
        orphaned,
        orphaned == 0,
        f"{orphaned:,} of {regions:,} regions without one under it",
        _contoured(levels[some[0]]),
        _contoured(levels[some[1]]),
        (f"regions at σ {scales[some[0]]:.1f}", f"regions at σ {scales[some[1]]:.1f}"),
    )


def _contoured(values: Float64) -> UInt8:
    """Return a picture in steps of grey, so that its level sets are seen."""
    edges = np.quantile(values, np.linspace(0.05, 0.95, GREY_LEVELS))
    return as_grey(np.digitize(values, edges) / GREY_LEVELS)
