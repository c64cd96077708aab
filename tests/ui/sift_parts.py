"""What tests of the SIFT pages share: a small pair that is matched and explained once, and contexts on it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from unittest import mock

import numpy as np

from app import matchers, pairs
from app.jobs import run_to_end
from app.pipeline import Cache, run_pair
from app.records import ImagePair, MatchRequest, MatchResult, PairRef, Point, Side, Truth
from app.ui.sift.page import SiftContext
from app.vision.images import grey8, make_image
from app.vision.photographs import photograph
from app.vision.sift_records import SiftExplanation, SiftSettings
from app.vision.sift_stages import explain
from app.vision.synth import warp

SIDE = 200
SIDES: tuple[Side, Side] = ("left", "right")


def small_pair(ref: PairRef) -> ImagePair:
    """A crop of a photograph and the same turned by 20 degrees."""
    source = np.ascontiguousarray(photograph("coffee")[150 : 150 + SIDE, 180 : 180 + SIDE])
    turn, middle = np.deg2rad(20), (SIDE - 1) / 2
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.array([[c, -s, middle - c * middle + s * middle], [s, c, middle - s * middle - c * middle], [0, 0, 1]])
    left, right = make_image(source, "left"), make_image(warp(source, matrix, (SIDE, SIDE)), "right")
    return ImagePair(ref, left, right, Truth(homography=matrix))


@lru_cache(maxsize=4)
def small_result(matcher: str = "sift") -> MatchResult:
    """The pair, matched."""
    ref = PairRef("builtin", "Small", recipe="small")
    with mock.patch.object(pairs, "load", small_pair):
        return run_to_end(run_pair(MatchRequest(ref, matcher, matchers.get(matcher).defaults()), Cache()))


@lru_cache(maxsize=2)
def small_explanation(side: Side) -> SiftExplanation:
    """One of its pictures, explained."""
    pair = small_result().pair
    assert pair is not None
    return run_to_end(explain(grey8((pair.left if side == "left" else pair.right).rgb), SiftSettings()))


def context(
    point: Point | None = None,
    partner: Point | None = None,
    *,
    side: Side = "left",
    matcher: str = "sift",
    explained: bool = True,
) -> SiftContext:
    """A context on the small pair; the point is its strongest keypoint unless given."""
    result = small_result(matcher)
    assert result.pair is not None
    explanations = {name: small_explanation(name) for name in SIDES} if explained else {}
    if point is None and explained:
        points = explanations[side].keypoints
        x, y = points.xy[int(points.response.argmax())].tolist()
        point = (x, y)
    return SiftContext(
        result=result,
        side=side,
        point=point,
        partner=partner,
        settings=SiftSettings(),
        pictures={"left": result.pair.left, "right": result.pair.right},
        scales={"left": (1.0, 1.0), "right": (1.0, 1.0)},
        spaces={name: found.space for name, found in explanations.items()},
        explanations=explanations,
    )


def of_match(index: int, matcher: str = "sift") -> SiftContext:
    """A context with both ends of a match selected."""
    result = small_result(matcher)
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    i, j = result.matches.pairs[index].tolist()
    here, there = ((float(x), float(y)) for x, y in (result.left.keypoints.xy[i], result.right.keypoints.xy[j]))
    return replace(context(here, matcher=matcher), partner=there)
