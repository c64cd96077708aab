"""How many points recur in a second picture, and how many would by chance.

What lives here: :func:`repeatability` as the SuperPoint paper defines it. What does not: detectors, verdicts on matches
(``evaluate``). May import: records, evaluate, geometry, numpy.

Source: DeTone, Malisiewicz & Rabinovich, SuperPoint, CVPR Workshops 2018, appendix: of the points of both pictures that
lie where both can be seen, the share with a point of the other picture within epsilon of the true place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.records import Bool, Float32, ImagePair, Keypoints, Truth
from app.vision.evaluate import chance_repeatability, reversed_truth, true_places
from app.vision.geometry import nearest_distance

MOST_POINTS = 300
GRID = 160  # places per side the shared area is counted with
Both = tuple[Keypoints, Keypoints]  # of the left and of the right picture


@dataclass(frozen=True)
class Repeated:
    """What recurs.

    Attributes:
        share: of the points of both pictures, name of a detector -> share in [0, 1], NaN of nothing.
        chance: share that as many random points would reach.
        count: points of each picture, the same for all detectors.
        within_px: epsilon of the left and of the right picture, in their own pixels.
    """

    share: Mapping[str, float]
    chance: float
    count: int
    within_px: tuple[float, float]


def decidable(truth: Truth) -> bool:
    """Whether the truth carries any point over: by a homography or a dense map."""
    return truth.kind in ("dense map", "homography")


def repeatability(
    found: Mapping[str, Both], pair: ImagePair, within_px: tuple[float, float], most: int = MOST_POINTS
) -> Repeated:
    """Compare detectors by the same number of points: those of the strongest response where both pictures see.

    Args:
        found: name -> keypoints of both pictures, original pixels.
        pair: with a truth that is :func:`decidable`.
        within_px: epsilon in pixels of the left and of the right picture.
        most: points of each picture at most; fewer if a detector has fewer.
    """
    ways = (pair.truth, pair.right.size), (reversed_truth(pair.truth), pair.left.size)
    seen = {
        name: tuple(_seen(points, *way) for points, way in zip(both, ways, strict=True)) for name, both in found.items()
    }
    count = min((len(points) for both in seen.values() for points in both), default=0)
    count = min(count, most)
    share = {name: _share(both[0], both[1], pair, within_px, count) for name, both in seen.items()}
    areas = [_shared_area(*way, size) for way, size in zip(ways, (pair.left.size, pair.right.size), strict=True)]
    floors = [chance_repeatability(count, within, area) for within, area in zip(within_px, areas, strict=True)]
    return Repeated(share, sum(floors) / 2 if count else math.nan, count, within_px)


def _seen(points: Keypoints, truth: Truth, size_there: tuple[int, int]) -> Keypoints:
    """Return the points whose true place lies in the other picture, strongest first."""
    inside = _lands(points.xy, truth, size_there)
    kept = points.take(np.flatnonzero(inside))
    return kept.take(np.argsort(-kept.response.astype(np.float64), kind="stable"))


def _lands(xy: Float32, truth: Truth, size_there: tuple[int, int]) -> Bool:
    places, outside = true_places(truth, xy, size_there)
    result: Bool = np.isfinite(places).all(axis=1) & ~outside
    return result


def _share(left: Keypoints, right: Keypoints, pair: ImagePair, within_px: tuple[float, float], count: int) -> float:
    if not count:
        return math.nan
    one, two = left.xy[:count], right.xy[:count]
    there = nearest_distance(true_places(pair.truth, one, pair.right.size)[0], two) <= within_px[1]
    back = nearest_distance(true_places(reversed_truth(pair.truth), two, pair.left.size)[0], one) <= within_px[0]
    return float(np.concatenate([there, back]).mean())


def _shared_area(truth: Truth, size_there: tuple[int, int], size: tuple[int, int]) -> float:
    """Return how many pixels of a picture the other one sees, counted on a grid."""
    x, y = ((np.arange(GRID) + 0.5) * side / GRID - 0.5 for side in size)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
    return float(_lands(grid, truth, size_there).mean()) * size[0] * size[1]
