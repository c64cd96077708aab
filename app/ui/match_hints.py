"""Where a point belongs in the other picture, by the fitted model or the truth, as marks for the canvas.

What lives here: :func:`transferred` (the hint under the cursor), :func:`registration` and the marks of the truth.
What does not: widgets; no Qt. May import: records, overlays, ``app.vision``, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.records import Float64, ImagePair, MatchResult, Selection, Side, Truth
from app.ui.overlays import HintLine, Mark
from app.vision.evaluate import reversed_truth, true_fundamental, true_places
from app.vision.geometry import epipolar_lines, inside, transform

PLANE_MODELS = ("homography", "affine")
MOST_NAMED_POINTS = 200


@dataclass(frozen=True)
class Place:
    """Where a point belongs: a point, a line, or neither; ``text`` says what was found."""

    side: Side
    xy: tuple[float, float] | None = None
    line: HintLine | None = None
    text: str = ""


def other(side: Side) -> Side:
    """Return the other side."""
    return "right" if side == "left" else "left"


def transferred(result: MatchResult, side: Side, x: float, y: float, reference: str) -> Place:
    """Return where the point (x, y) of one picture lies in the other, by ``fitted`` model or ``truth``."""
    pair = result.pair
    if pair is None:
        return Place(other(side))
    if reference == "truth":
        return _by_truth(pair, side, x, y)
    fitted = result.verification
    if fitted is None or (fitted.matrix is None and fitted.fundamental is None):
        return Place(other(side), text="no model was fitted")
    if fitted.model in PLANE_MODELS and fitted.matrix is not None:
        return _by_homography(fitted.matrix, pair, side, x, y)
    return _by_fundamental(fitted.fundamental, side, x, y)


def _by_homography(matrix: Float64, pair: ImagePair, side: Side, x: float, y: float) -> Place:
    try:
        way = matrix if side == "left" else np.asarray(np.linalg.inv(matrix), np.float64)
        carried = transform(way, [[x, y]])[0]
    except np.linalg.LinAlgError:
        return Place(other(side), text="the fitted model cannot be inverted")
    size = (pair.right if side == "left" else pair.left).size
    if not np.isfinite(carried).all() or not inside(carried[None], size)[0]:
        return Place(other(side), text="outside the other picture")
    return Place(other(side), (float(carried[0]), float(carried[1])))


def _by_fundamental(fundamental: Float64 | None, side: Side, x: float, y: float) -> Place:
    if fundamental is None:
        return Place(other(side), text="no model was fitted")
    a, b, c = epipolar_lines(fundamental if side == "left" else fundamental.T, [[x, y]])[0].tolist()
    return Place(other(side), line=HintLine(other(side), (a, b, c)))


def _by_truth(pair: ImagePair, side: Side, x: float, y: float) -> Place:
    truth: Truth = pair.truth if side == "left" else reversed_truth(pair.truth)
    size = (pair.right if side == "left" else pair.left).size
    places, outside = true_places(truth, [[x, y]], size)
    if outside[0]:
        return Place(other(side), text="its true place is outside the other picture")
    if np.isfinite(places[0]).all():
        return Place(other(side), (float(places[0, 0]), float(places[0, 1])))
    fundamental = true_fundamental(pair.truth)
    if fundamental is not None:
        return _by_fundamental(fundamental, side, x, y)
    known = pair.truth.kind != "none"
    return Place(other(side), text="the truth says nothing here" if known else "this pair has no ground truth")


def registration(result: MatchResult | None, reference: str) -> tuple[Float64 | None, str]:
    """Return the left-to-right homography that lays the pictures over each other, or None and why not."""
    if result is None or result.pair is None:
        return None, ""
    if reference == "truth":
        matrix = result.pair.truth.homography
        return matrix, "" if matrix is not None else "The truth of this pair is not a homography."
    fitted = result.verification
    if fitted is not None and fitted.model in PLANE_MODELS and fitted.matrix is not None:
        return fitted.matrix, ""
    return None, "There is no homography to lay the pictures over each other by; fit one under Verify."


def truth_marks(result: MatchResult | None, selection: Selection | None) -> tuple[Mark, ...]:
    """Return crosses at the true place of the selection and at the annotated points of the pair."""
    if result is None or result.pair is None:
        return ()
    marks: list[Mark] = []
    if selection is not None:
        place = _by_truth(result.pair, selection.side, selection.x, selection.y)
        if place.xy is not None:
            marks.append(Mark(place.side, *place.xy, "true place", "right"))
    truth = result.pair.truth
    if truth.points is not None and len(truth.points) <= MOST_NAMED_POINTS:
        for row, (x1, y1, x2, y2) in enumerate(truth.points.tolist()):
            name = truth.names[row] if row < len(truth.names) else str(row + 1)
            marks += [Mark("left", x1, y1, name, "text"), Mark("right", x2, y2, name, "text")]
    return tuple(marks)
