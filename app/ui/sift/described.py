"""A point with its orientation and descriptor: the keypoint at the cursor, or any place at a chosen scale.

What lives here: :func:`describe`, its frozen answer, and that answer in words and drawings. What does not: widgets; no
Qt. May import: records, ``app.vision``'s SIFT, ``chart``'s frozen data, ``page``'s context, numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.records import Array, Keypoints, Point, Selection
from app.text import minus
from app.ui.chart import Bars, Curve, Drawing, Level, Place
from app.ui.sift.page import SiftContext
from app.vision.asked import keypoint_asked
from app.vision.half_pixel import to_original
from app.vision.sift_descriptor import DescriptorView, descriptor_at, descriptor_of
from app.vision.sift_orientation import OrientationPeak, OrientationView, orientation_at, orientation_of
from app.vision.sift_records import LENGTH, SiftExplanation

NEAR_PX = 6.0
MOST_LABELS = 4
SAME_ANGLE = 0.05  # degrees
BIN_ANGLES = np.arange(0.0, 360.0, 10.0, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Described:
    """What was found at a point.

    Attributes:
        keypoint: row of the explanation's keypoints, -1 for a free point.
        twins: rows of all keypoints of the same place and scale (one per orientation), itself included.
        xy, sigma, angle: as described; image pixels and degrees.
        octave, layer, sublayer: of the level; ``sublayer`` is NaN for a free point.
        orientation, descriptor: every step.
    """

    keypoint: int
    twins: tuple[int, ...]
    xy: Point
    sigma: float
    angle: float
    octave: int
    layer: int
    sublayer: float
    orientation: OrientationView
    descriptor: DescriptorView


def nearest_keypoint(keypoints: Keypoints, point: Point) -> int:
    """Return the row of the keypoint that stands for a point, -1 if none is within 6 px or half its size.

    Among several orientations of one place the first is taken: :func:`orientation_like` finds another.
    """
    if not len(keypoints):
        return -1
    gap = np.linalg.norm(keypoints.xy - np.asarray(point, np.float32), axis=1)
    index = int(gap.argmin())
    return index if gap[index] <= max(NEAR_PX, float(keypoints.size[index]) / 2) else -1


def twins_of(explanation: SiftExplanation, keypoint: int) -> tuple[int, ...]:
    """Return the rows of all keypoints that come from the same extremum, in order."""
    rows = np.flatnonzero(explanation.candidate == explanation.candidate[keypoint])
    return tuple(int(row) for row in rows)


def orientation_like(explanation: SiftExplanation, keypoint: int, angle: float) -> int:
    """Return the row, among the orientations of a keypoint's place, whose angle is the nearest to this one.

    Args:
        angle: degrees; NaN takes the keypoint itself.
    """
    rows = np.array(twins_of(explanation, keypoint))
    if math.isnan(angle) or len(rows) == 1:
        return keypoint
    return int(rows[np.abs((explanation.keypoints.angle[rows] - angle + 180) % 360 - 180).argmin()])


def keypoint_like(keypoints: Keypoints, xy: Point, angle: float) -> int:
    """Return the row of the keypoint at a place with this orientation, as another detector run found it; -1 if none.

    Args:
        xy: the place; within 1 px.
        angle: degrees; NaN takes the first.
    """
    if not len(keypoints):
        return -1
    gap = np.linalg.norm(keypoints.xy - np.asarray(xy, np.float32), axis=1)
    near = np.flatnonzero(gap <= 1.0)
    if not len(near):
        return -1
    off = np.abs((keypoints.angle[near] - angle + 180) % 360 - 180)
    return int(near[int(np.argmin(gap[near] + np.nan_to_num(off, nan=0.0) / 10))])


def describe_keypoint(explanation: SiftExplanation, keypoint: int) -> Described:
    """Return orientation and descriptor of a keypoint of the explanation."""
    points = explanation.keypoints
    x, y = points.xy[keypoint].tolist()
    return Described(
        keypoint,
        twins_of(explanation, keypoint),
        (x, y),
        float(points.size[keypoint]) / 2,
        float(points.angle[keypoint]),
        int(points.octave[keypoint]),
        int(points.layer[keypoint]),
        float(points.sublayer[keypoint]),
        orientation_of(explanation, keypoint),
        descriptor_of(explanation, keypoint),
    )


def describe(
    explanation: SiftExplanation,
    point: Point,
    *,
    free: bool,
    sigma: float,
    angle: float = math.nan,
    instead: tuple[float, float] | None = None,
) -> Described:
    """Return orientation and descriptor of the keypoint at a point, or of the point itself.

    Args:
        point: image pixels.
        free: describe the place itself even where there is a keypoint.
        sigma: scale of a free point, image pixels.
        angle: degrees of the orientation that is asked for where a place has several; NaN takes the first.
        instead: (asked, shown) degrees: where the first of them would be taken, the second of the place is.
    """
    keypoint = -1 if free else nearest_keypoint(explanation.keypoints, point)
    if keypoint < 0:
        return _free(explanation, point, sigma)
    keypoint = orientation_like(explanation, keypoint, angle)
    if instead is not None and abs(float(explanation.keypoints.angle[keypoint]) - instead[0]) < SAME_ANGLE:
        keypoint = orientation_like(explanation, keypoint, instead[1])
    return describe_keypoint(explanation, keypoint)


def asked_angle(context: SiftContext) -> float:
    """Return the orientation in degrees of the matcher's SIFT keypoint that is selected, NaN if there is none."""
    result, point = context.result, context.point
    features = result.left if context.side == "left" else result.right
    if point is None or features is None or np.isnan(features.keypoints.sublayer).any():
        return math.nan
    here = to_original(point, context.scales.get(context.side, (1.0, 1.0)))
    there = context.partner
    if there is not None:
        there = to_original(there, context.scales.get(context.other, (1.0, 1.0)))
    row = keypoint_asked(result, Selection(context.side, *here, there))
    if row < 0 or nearest_keypoint(features.keypoints.take([row]), here) < 0:
        return math.nan
    return float(features.keypoints.angle[row])


def _free(explanation: SiftExplanation, point: Point, sigma: float) -> Described:
    """Describe a place at the layer nearest to its scale, with its strongest orientation."""
    space, settings = explanation.space, explanation.settings
    octave, level = space.locate(sigma)
    layer = min(max(round(level), 1), settings.layers)
    column, row = space.nearest(octave, *point)
    seen = orientation_at(space, octave, layer, column, row, sigma, settings)
    angle = seen.peaks[0].angle if seen.peaks else 0.0
    made = descriptor_at(space, octave, layer, *point, sigma, angle, settings)
    return Described(-1, (), point, sigma, angle, octave, layer, math.nan, seen, made)


def shown_values(made: DescriptorView, *, root: bool) -> Array:
    """Return the (4, 4, 8) final descriptor, or RootSIFT; both have norm 1."""
    return made.root.reshape(made.final.shape) if root else made.final


# --------------------------------------------------------------------------------- drawings


def histogram_drawing(view: OrientationView) -> Drawing:
    """Return the smoothed bins, the raw ones as dots, the line at the peak ratio and every kept peak's parabola."""
    top = float(view.smooth.max(initial=0.0))
    if not top > 0:
        return Drawing(empty="No gradient here: the patch is flat, so it has no orientation.")
    kept = tuple(peak for peak in view.peaks if peak.kept)
    raw = np.asarray(view.raw, np.float64) / top
    curves = [Curve(BIN_ANGLES, raw, "raw", "undecided", "dot", points=True)]
    curves += [_parabola(peak, top, "parabola" if rank == 0 else "") for rank, peak in enumerate(kept)]
    share = view.threshold / top
    return Drawing(
        bars=(Bars(BIN_ANGLES, np.asarray(view.smooth, np.float64) / top, 10.0, "edge", _bins(kept)),),
        curves=tuple(curves),
        places=tuple(Place(_axis(peak.angle), f"{peak.angle:.1f}°", "selected") for peak in kept[:MOST_LABELS]),
        levels=(Level(share, f"{share:.2g}", "wrong"),),
        x_range=(-5.0, 355.0),
        y_range=(0.0, max(1.02, float(raw.max()))),
        x_ticks=(0.0, 90.0, 180.0, 270.0),
        x_label="degrees, clockwise",
    )


def _bins(peaks: tuple[OrientationPeak, ...]) -> tuple[int, ...]:
    return tuple(peak.bin for peak in peaks)


def _axis(angle: float) -> float:
    """Return an angle on the axis from -5 to 355 degrees."""
    return angle - 360 if angle > 355 else angle


def _parabola(peak: OrientationPeak, top: float, name: str) -> Curve:
    """Return the parabola through a peak's three bins, from the one before to the one after."""
    step = np.linspace(-1.0, 1.0, 21)
    bend, slope = (peak.left - 2 * peak.height + peak.right) / 2, (peak.right - peak.left) / 2
    y = (peak.height + slope * step + bend * step**2) / top
    return Curve(10.0 * (peak.bin + step), y, name, "selected")


def bars_drawing(made: DescriptorView, clip: float, *, root: bool) -> Drawing:
    """Return the 128 bins before clipping and at the end, with the line they are clipped at."""
    if not float(made.raw.max(initial=0.0)) > 0:
        return Drawing(empty="No gradient in the window: the descriptor is zero.")
    x = np.arange(LENGTH, dtype=np.float64)
    before = np.asarray(made.unit, np.float64).reshape(-1)
    after = np.asarray(shown_values(made, root=root), np.float64).reshape(-1)
    clipped = tuple(int(i) for i in np.flatnonzero(before > clip))
    levels = (Level(clip, f"{clip:g}", "wrong"),)
    return Drawing(
        bars=(Bars(x, before, 1.0, "edge", clipped, "wrong"), Bars(x, after, 0.55, "accent")),
        levels=() if root else levels,
        x_range=(-1.0, float(LENGTH)),
        x_ticks=(0.0, 32.0, 64.0, 96.0, 128.0),
        x_label="bin: 8 directions of each of 16 cells, row by row",
        y_label="grey before clipping, blue RootSIFT" if root else "grey before clipping, blue at the end",
    )


# ------------------------------------------------------------------------------------ words


def facts_of(found: Described, clip: float, *, root: bool) -> list[tuple[str, str]]:
    """Return (name, value) rows with units."""
    made, seen = found.descriptor, found.orientation
    sub = "" if math.isnan(found.sublayer) else f" {found.sublayer:+.2f}"
    final = shown_values(made, root=root)
    clipped = int(np.count_nonzero(made.unit > clip))
    several = len(found.twins)
    return [
        ("keypoint" if found.keypoint >= 0 else "free point", f"({found.xy[0]:.2f}, {found.xy[1]:.2f}) px"),
        ("σ, size", f"{found.sigma:.2f} px, {2 * found.sigma:.2f} px"),
        ("octave, layer", minus(f"{found.octave}, {found.layer}{sub}")),
        ("orientation", f"{found.angle:.2f}° clockwise"),
        *([("orientations here", str(several))] if several > 1 else []),
        *([("described at", "0°: upright")] if found.descriptor.angle != found.angle else []),
        ("gradient window", f"{2 * seen.radius + 1} × {2 * seen.radius + 1} samples"),
        ("cell", f"{made.cell:.2f} px = 3 σ"),
        ("‖d‖ at the end", f"{float(np.linalg.norm(final)):.3f}"),
        ("largest bin", f"{float(made.unit.max()):.3f} → {float(final.max()):.3f}"),
        (f"bins above {clip:g}", f"{clipped} of {LENGTH}"),
    ]


def sentences_of(found: Described, clip: float, *, root: bool) -> str:
    """Return what happened at this point, in words."""
    seen = found.orientation
    kept = [peak for peak in seen.peaks if peak.kept]
    if not kept:
        return "The window has no gradient, so there is no orientation and the descriptor is zero."
    top = float(seen.smooth.max())
    parts = [
        f"Peak {rank}: bins {peak.left / top:.2f}, {peak.height / top:.2f}, {peak.right / top:.2f}; "
        f"the parabola's top is at bin {peak.position:.2f}, so {peak.angle:.1f}°."
        for rank, peak in enumerate(kept, start=1)
    ]
    others = len(seen.peaks) - len(kept)
    if others:
        share = max(peak.height for peak in seen.peaks if not peak.kept) / top
        parts.append(
            f"{others} more local {'peak stays' if others == 1 else 'peaks stay'} below the line; "
            f"the highest reaches {share:.2f}."
        )
    parts.append(_clipping(found.descriptor, clip))
    if root:
        parts.append("RootSIFT divides by the sum and takes square roots: large bins count less, and none is clipped.")
    return " ".join(parts)


def _clipping(made: DescriptorView, clip: float) -> str:
    clipped = int(np.count_nonzero(made.unit > clip))
    if not clipped:
        return f"No bin exceeds {clip:g}: clipping changes nothing."
    kept = float(np.linalg.norm(made.clipped))
    above = int(np.count_nonzero(made.final > clip))
    return (
        f"{clipped} {'bin is' if clipped == 1 else 'bins are'} cut to {clip:g}; the rest keeps norm {kept:.3f} and is "
        f"stretched to 1 again, so {above} {'bin exceeds' if above == 1 else 'bins exceed'} {clip:g} once more."
    )
