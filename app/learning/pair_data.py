"""Matching patches of one pair with truth: what the open pair teaches.

What lives here: the patches of keypoints that both images' detectors found at the same place of the scene. What does
not: warped photographs (``patch_data``), batches. May import: vision, jobs, patch_set, records.
"""

from __future__ import annotations

import numpy as np

from app.jobs import Job, Progress, native
from app.learning.patch_set import PatchSet
from app.records import Array, Float64, ImagePair, Keypoints, UserError
from app.vision.detect import SiftDetect, detect_sift
from app.vision.evaluate import true_places
from app.vision.frames import cut_frames, flat
from app.vision.images import grey8

MOST_KEYPOINTS = 4000
NEAR_PX = 2.0
SAME_SIZE, SAME_ANGLE = 0.5, 30.0  # octaves and degrees, around what the pair's own motion does to frames
LEAST_CONTRAST = 5.0
STEP = 2.0  # pixels; how far apart places are mapped to see how the truth scales and turns


def pair_patches(pair: ImagePair, *, span: float = 3.0, side: int = 32) -> Job[PatchSet]:
    """Return two patches of every point that SIFT finds in both images of a pair.

    A point is the same where its true place in the right image is within 2 px of a keypoint there whose size and
    angle are as the truth maps them. One keypoint, one point.

    Args:
        pair: with a homography or a dense map as truth.
        span, side: of the patches.

    Raises:
        UserError: if the truth does not say where points go.
    """
    if pair.truth.kind not in ("homography", "dense map"):
        raise UserError(
            "This pair's truth does not say where each point goes, so it gives no matching patches; "
            "take a pair with a homography or a map, or a folder of photographs."
        )
    text = "Detecting in both images"
    yield Progress(0, 3, text)
    greys = grey8(pair.left.rgb), grey8(pair.right.rgb)
    settings = SiftDetect(count=MOST_KEYPOINTS)
    left, right = yield from native(
        lambda: detect_sift(greys[0], settings), lambda: detect_sift(greys[1], settings), progress=Progress(0, 3, text)
    )
    yield Progress(1, 3, "Following points")
    rows, columns = _same_points(left, right, pair)
    yield Progress(2, 3, "Cutting patches")
    first = cut_frames(greys[0], left.take(rows), side=side, span=span)
    second = cut_frames(greys[1], right.take(columns), side=side, span=span)
    keep = ~(flat(first, least=LEAST_CONTRAST) | flat(second, least=LEAST_CONTRAST))
    patches = np.stack([first[keep], second[keep]], axis=1).reshape(-1, side, side)
    n = int(keep.sum())
    point = np.repeat(np.arange(n, dtype=np.int32), 2)
    places = np.stack([left.xy[rows][keep], right.xy[columns][keep]], axis=1).reshape(-1, 2)
    scene = np.zeros(2 * n, np.int32)
    return PatchSet(pair.ref.title, patches, point, scene, (pair.ref.title,), frames=True, places=places)


def _same_points(left: Keypoints, right: Keypoints, pair: ImagePair) -> tuple[Array, Array]:
    """Return rows of keypoints on both sides that are the same point, each used once, best first."""
    if not len(left) or not len(right):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at, size, angle = _expected(left, pair)
    apart = np.hypot(*(at[:, None] - right.xy[None].astype(np.float64)).transpose(2, 0, 1)) / NEAR_PX
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.abs(np.log2(right.size[None] / size[:, None])) / SAME_SIZE
    turn = np.abs((right.angle[None] - angle[:, None] + 180) % 360 - 180) / SAME_ANGLE
    worst = np.nan_to_num(np.maximum(np.maximum(apart, scale), turn), nan=np.inf)
    order = np.argsort(worst, axis=None)
    order = order[: int((worst <= 1).sum())]
    used: tuple[set[int], set[int]] = (set(), set())
    pairs: list[tuple[int, int]] = []
    for flat_index in order:
        row, column = divmod(int(flat_index), len(right))
        if row not in used[0] and column not in used[1]:
            used[0].add(row)
            used[1].add(column)
            pairs.append((row, column))
    found = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _expected(left: Keypoints, pair: ImagePair) -> tuple[Float64, Float64, Float64]:
    """Return where the truth takes each keypoint, and its size and angle there; NaN where it does not say."""
    xy, size_right = left.xy.astype(np.float64), pair.right.size
    at, along_x, along_y = (
        true_places(pair.truth, xy + np.array(step), size_right)[0] for step in ((0, 0), (STEP, 0), (0, STEP))
    )
    dx, dy = (along_x - at) / STEP, (along_y - at) / STEP
    area = np.abs(dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0])
    radians = np.deg2rad(np.nan_to_num(left.angle.astype(np.float64)))
    direction = dx * np.cos(radians)[:, None] + dy * np.sin(radians)[:, None]
    angle = np.rad2deg(np.arctan2(direction[:, 1], direction[:, 0]))
    return at, left.size.astype(np.float64) * np.sqrt(area), angle
