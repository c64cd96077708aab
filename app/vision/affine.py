"""ASIFT: SIFT on simulated tilts of the image, view by view.

What lives here: the list of views, detection and description in each, and matching that judges the ratio
within one view at a time. What does not: plain SIFT (``detect``, ``describe``).
May import: records, settings, detect, describe, match, numpy and cv2.

A view is kept with its keypoint in bits 24-30 of ``packed`` (OpenCV ignores them): the descriptor of a
point depends on the view it was found in. Source: Morel and Yu, ASIFT, SIAM J. Imaging Sciences 2(2), 2009.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from app.records import Descriptors, Features, Float64, Int32, Keypoints, Matches, UInt8
from app.settings import number
from app.vision.describe import SIFT_LENGTH, nothing
from app.vision.detect import (
    CONTRAST,
    COUNT_HELP,
    EDGE,
    MOST_KEYPOINTS,
    SIDE_HELP,
    DetectSettings,
    SiftDetect,
    from_cv,
    sift_engine,
    strongest,
    to_cv,
)
from app.vision.match import MatchSettings, match_features
from app.vision.nearest import Stopped, nearest

VIEW_SHIFT = 24
# Two matches whose ends lie this close are the same match seen in different views.
SAME_PLACE_PX = 2.0
# A view squeezed to fewer pixels than this holds no keypoint, and one of none fails in OpenCV.
NARROWEST_PX = 8


@dataclass(frozen=True)
class AffineDetect(DetectSettings):
    """SIFT keypoints of the image seen from simulated directions."""

    count: int = number(8000, 0, MOST_KEYPOINTS, 500, label="Keypoints", help=COUNT_HELP, zero_means="all")
    max_side: int = number(
        1000, 0, 20_000, 100, label="Working size", help=SIDE_HELP, unit="px", zero_means="full size", log_scale=True
    )
    tilts: int = number(
        4,
        0,
        5,
        1,
        label="Tilts",
        help=(
            "How many steps of √2 the image is squeezed, in all directions: 0 is plain SIFT, 4 simulates looking "
            "75° from the side. Each step costs about two and a half times plain SIFT."
        ),
    )
    contrast: float = CONTRAST
    edge: float = EDGE


def views(tilts: int) -> tuple[tuple[float, float], ...]:
    """Return (tilt, roll in degrees) of every view: tilt √2^k, rolls 72°/tilt apart over half a turn."""
    result = [(1.0, 0.0)]
    for step in range(1, tilts + 1):
        tilt = 2.0 ** (step / 2)
        count = int(np.ceil(180 / (72 / tilt) - 1e-9))
        result += [(tilt, 72 / tilt * index) for index in range(count)]
    return tuple(result)


def _linear(view: tuple[float, float]) -> Float64:
    """Return the (2, 2) linear part of image -> view: a roll, then the x axis squeezed by the tilt."""
    tilt, roll = view[0], np.deg2rad(view[1])
    cos, sin = np.cos(roll), np.sin(roll)
    return np.array([[cos / tilt, -sin / tilt], [sin, cos]])


def _reframed(keypoints: Keypoints, linear: Float64) -> Keypoints:
    """Return keypoints with angle and size carried through a linear map (positions are left alone)."""
    angle = np.deg2rad(keypoints.angle.astype(np.float64))
    x, y = linear @ np.stack([np.cos(angle), np.sin(angle)])
    scale = float(np.sqrt(np.linalg.det(linear)))
    turned = np.rad2deg(np.arctan2(y, x)) % 360
    return replace(keypoints, angle=turned.astype(np.float32), size=(keypoints.size * scale).astype(np.float32))


def view_of(keypoints: Keypoints) -> Int32:
    """Return the (N,) view number every keypoint was found in."""
    return keypoints.packed >> VIEW_SHIFT


def join(parts: list[Keypoints]) -> Keypoints:
    """Return the keypoints of all parts in order."""
    if not parts:
        return Keypoints.empty()
    return Keypoints(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in Keypoints.__dataclass_fields__}
    )


def _affine_engine(settings: SiftDetect, view: tuple[float, float]) -> cv2.AffineFeature:
    engine = cv2.AffineFeature.create(sift_engine(settings))
    engine.setViewParams([view[0]], [view[1]])
    return engine


def detect_affine(grey: UInt8, settings: AffineDetect, *, stop: Callable[[], bool] | None = None) -> Keypoints:
    """Return SIFT keypoints of all views in pixels of ``grey``, angle and size as seen there.

    Only the strongest ``count`` survive every view, so memory stays bounded by the cap.

    Args:
        grey: (h, w) uint8.
        settings: how many views and points.
        stop: asked between views.

    Raises:
        Stopped: when ``stop`` returned True.
    """
    sift = SiftDetect(count=settings.count, contrast=settings.contrast, edge=settings.edge)
    kept = Keypoints.empty()
    for view_number, view in enumerate(views(settings.tilts)):
        if stop is not None and stop():
            raise Stopped
        if view[0] > 1 and min(grey.shape) / view[0] < NARROWEST_PX:
            continue
        found = from_cv(_affine_engine(sift, view).detect(grey, None), sift_octaves=True)
        found = replace(found, packed=(found.packed & 0xFFFFFF) | (view_number << VIEW_SHIFT))
        kept = join([kept, _reframed(found, np.linalg.inv(_linear(view)).astype(np.float64))])
        kept = kept.take(strongest(kept.response, settings.count))
    return kept


def describe_affine(grey: UInt8, keypoints: Keypoints, *, stop: Callable[[], bool] | None = None) -> Features:
    """Return SIFT descriptors, each taken in the view its keypoint was found in, ordered by view.

    Args:
        grey: the image the keypoints were found in.
        keypoints: from :func:`detect_affine`.
        stop: asked between views.

    Raises:
        Stopped: when ``stop`` returned True.
    """
    view_number = view_of(keypoints)
    known = views(5)
    parts: list[Keypoints] = []
    values = [np.zeros((0, SIFT_LENGTH), np.float32)]
    for view in np.unique(view_number):
        if stop is not None and stop():
            raise Stopped
        rows = np.flatnonzero(view_number == view)
        here = keypoints.take(rows)
        seen = _reframed(here, _linear(known[view]))
        seen = replace(seen, packed=seen.packed & 0xFFFFFF)
        found = to_cv(seen)
        for keypoint in found:
            keypoint.class_id = 0  # AffineFeature reads the view from it, and this engine has one
        kept, described = _affine_engine(SiftDetect(), known[view]).compute(grey, found)
        if described is None or len(kept) != len(here):
            raise RuntimeError("AffineFeature dropped keypoints; their rows cannot be told apart")
        parts.append(here)
        values.append(np.asarray(described, np.float32))
    if not parts:
        return nothing(SIFT_LENGTH)
    return Features(join(parts), Descriptors(np.concatenate(values)))


def match_affine(left: Features, right: Features, settings: MatchSettings) -> Matches:
    """Return matches whose ratio is judged within the view of the right image the match lies in.

    The same point found in two views would be its own rival; within one view it is not. Matches that join the
    same two places (to 2 px) are kept once, the nearest.
    """
    matches = match_features(left, right, replace(settings, ratio=0.0))
    funnel = list(matches.funnel)
    matches = _with_second(matches, left, right)
    if settings.ratio:
        matches = matches.take(np.isnan(matches.second) | (matches.ratio < settings.ratio))
        funnel.append(("after ratio", len(matches)))
    matches = matches.take(_distinct(matches, left.keypoints, right.keypoints))
    return replace(matches, funnel=(*funnel, ("distinct", len(matches))))


def _with_second(matches: Matches, left: Features, right: Features) -> Matches:
    """Return the matches with the second distance taken within the right view of each."""
    assert left.descriptors is not None
    assert right.descriptors is not None
    number = view_of(right.keypoints)
    mine = number[matches.pairs[:, 1]]
    second = np.full(len(matches), np.nan, np.float32)
    for view in np.unique(mine):
        rows = np.flatnonzero(mine == view)
        asked = Descriptors(left.descriptors.values[matches.pairs[rows, 0]])
        there = Descriptors(right.descriptors.values[number == view])
        second[rows] = nearest(asked, there, mutual=False).second
    return replace(matches, second=second)


def _distinct(matches: Matches, left: Keypoints, right: Keypoints) -> Int32:
    """Return the rows, in order, of the nearest match of every pair of places."""
    ends = np.hstack([left.xy[matches.pairs[:, 0]], right.xy[matches.pairs[:, 1]]])
    cells = np.rint(ends / SAME_PLACE_PX)
    order = np.argsort(matches.distance, kind="stable")
    _, first = np.unique(cells[order], axis=0, return_index=True)
    return np.sort(order[first]).astype(np.int32)
