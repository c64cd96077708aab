"""Matching patches from photographs, warped and relit on the fly: truth without labelling.

What lives here: views of a photograph under random homographies, light, blur and noise, and the patches of points
seen in several of them. Keypoints are detected in every view anew, so that patches differ by what a detector really
gets wrong; where a view's detector missed a point, its frame is carried over with a little noise. Patches are cut by
``vision.frames``, as in matching. What does not: batches (``patch_set``). May import: vision, jobs, settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from app.jobs import Job, Progress, native, side_by_side
from app.learning.patch_set import PatchSet
from app.records import Array, Float64, Keypoints, UInt8
from app.settings import Settings, choice, flag, number
from app.vision.detect import SiftDetect, detect_sift
from app.vision.frames import cut_at, flat
from app.vision.geometry import transform
from app.vision.half_pixel import all_to_original
from app.vision.thread_counts import cores

LONGEST_SIDE = 768
LEAST_CONTRAST = 5.0  # grey levels, standard deviation of a patch
LEAST_SIZE = 2.0
BORDER = 8.0
# When two frames are of the same point: distance in units of size (and at least in pixels), log2 of the ratio of
# sizes, and angle. About what is called a repeated detection in Mikolajczyk et al., IJCV 65, 2005.
NEAR, NEAR_PX, SAME_SIZE, SAME_ANGLE = 0.15, 1.2, 0.5, np.deg2rad(30.0)
# Deviations of what a detector would have found: octaves, radians.
SIZE_NOISE, ANGLE_NOISE = 0.18, np.deg2rad(8.0)
ENLARGE = 0.5  # octaves that a view may be enlarged
LEAST_VIEWS = 2
# Photographs worked on at once: a quarter of the time goes to Python, which only one of them can have.
WORKERS = max(1, min(4, cores() - 1))
SPANS = {"3": "3 × size", "6": "6 × size", "3+6": "both, as points of their own"}


@dataclass(frozen=True)
class WarpSettings(Settings):
    """How photographs become views, and views patches."""

    views: int = number(6, 1, 30, 1, label="Views", help="Warped and relit copies made of every photograph.")
    points: int = number(
        700, 10, 20000, 10, label="Points", help="At most so many points are taken of one photograph.", log_scale=True
    )
    tilt: float = number(
        0.22,
        0.0,
        0.45,
        0.01,
        label="Tilt",
        help="How far each corner of a view may move, as a share of the shorter side: more means steeper perspective.",
    )
    shrink: float = number(
        1.2,
        0.0,
        3.0,
        0.1,
        label="Shrink",
        help="How far a view may be shrunk, in octaves: at 1 to half the size. Small points are lost on the way.",
    )
    by_size: bool = flag(
        False,
        label="Prefer large points",
        help="Take points as often as they are large: those are what is left of a picture that is shrunk.",
    )
    jitter: float = number(
        0.07,
        0.0,
        0.5,
        0.01,
        label="Misplaced",
        help="How far, on each axis, a point that is carried over lies beside its place, as a share of its size.",
    )
    spans: str = choice(
        "3",
        SPANS,
        label="Span",
        help=(
            "The square cut around a keypoint, in units of its size (2 σ). "
            "More context is more distinctive, but sees more of what is not on the same surface."
        ),
    )
    carried: float = number(
        1.0,
        0.0,
        1.0,
        0.05,
        label="Carried over",
        help="Share of the points a view's detector missed that are cut all the same, where they must be.",
    )
    seed: int = number(0, 0, 2**31 - 1, 1, label="Seed", help="The same seed gives the same patches.")


@dataclass(frozen=True, eq=False)
class _Frames:
    """Where points are and how large and turned: (N, 2) pixels, (N,) sizes, (N,) radians."""

    xy: Float64
    size: Float64
    angle: Float64

    def take(self, rows: Array) -> _Frames:
        """Return the frames of some rows."""
        return _Frames(self.xy[rows], self.size[rows], self.angle[rows])


def warped_patches(
    photographs: Sequence[tuple[str, UInt8]],
    settings: WarpSettings,
    *,
    name: str = "warped photographs",
    workers: int = WORKERS,
) -> Job[PatchSet]:
    """Make matching patches of points seen in several views of every photograph.

    Args:
        photographs: (name, (h, w) uint8 grey) of each.
        settings: how many views and points, how steep, which spans, the seed.
        name: of the set.
        workers: photographs worked on at once; the set is the same.

    Returns:
        The set, sorted by photograph, then point; every point has at least two patches. Photographs that gave no
        point are named in its notes.
    """
    titles = [title for title, _ in photographs]
    jobs = [partial(_patches_of, grey, settings, row) for row, (_, grey) in enumerate(photographs)]
    parts = yield from side_by_side(jobs, workers, lambda row, told: f"Cutting patches of {titles[row]}{told}")
    return _united(titles, parts, name=name)


def _patches_of(grey: UInt8, settings: WarpSettings, row: int) -> Job[_Part]:
    """Return the patches of one photograph by point, their points counted from 0, and their places in it.

    Args:
        grey: (h, w) uint8.
        settings: as for :func:`warped_patches`.
        row: of the photograph among all; it and the seed decide all chance.

    Yields progress whose text goes on a sentence that names the photograph.
    """
    rng = np.random.default_rng([settings.seed, row])
    spans = settings.spans.split("+")
    before = 1 + settings.views  # steps until all views are there
    views = yield from _views(grey, settings, rng, before + len(spans))
    found: list[_Part] = []
    for step, span in enumerate(spans, start=before):
        part = views if span == "3" or settings.spans == "6" else _some(views, rng)
        yield Progress(step, before + len(spans), f", {span} sizes wide")
        cut, point, at = _cut(part, float(span))
        found.append((cut, point, _in_photograph(at, grey.shape)))
    return _joined(found)


def _joined(parts: Sequence[_Part]) -> _Part:
    """Return parts as one; their points are counted on from part to part."""
    counts = [int(point.max(initial=-1)) + 1 for _, point, _ in parts]
    before = np.cumsum([0, *counts])
    return (
        np.concatenate([np.zeros((0, 32, 32), np.uint8), *(cut for cut, _, _ in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(row + at for (_, row, _), at in zip(parts, before, strict=False))]),
        np.concatenate([np.zeros((0, 2)), *(place for _, _, place in parts)]),
    )


def _united(titles: Sequence[str], parts: Sequence[_Part], *, name: str) -> PatchSet:
    """Return one set of the patches of several photographs; those that gave none are named in its notes."""
    patches, points, places = _joined(parts)
    sizes = [len(cut) for cut, _, _ in parts]
    empty = [title for title, size in zip(titles, sizes, strict=True) if not size]
    notes = (f"No point was found in {', '.join(empty)}.",) if empty else ()
    return PatchSet(
        name,
        patches,
        points.astype(np.int32),
        np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
        tuple(titles),
        frames=True,
        notes=notes,
        places=places.astype(np.float32),
    )


_View = tuple[UInt8, _Frames, Array]  # picture, frames, which point each frame is of
_Part = tuple[UInt8, Array, Float64]  # patches, which point each is of, where that point is in the photograph


def _views(grey: UInt8, settings: WarpSettings, rng: np.random.Generator, steps: int) -> Job[list[_View]]:
    """Return the photograph and its views with the frames of the same points in them; of ``steps`` steps the first."""
    grey = reduced_grey(grey)
    (found,) = yield from native(partial(_detected, grey), progress=Progress(0, steps, ""))
    chosen = _distinct(found, rng, settings)
    views: list[_View] = [(grey, chosen, np.arange(len(chosen.size)))]
    repeated = np.zeros(len(chosen.size), np.bool_)
    for view in range(1, 1 + settings.views if len(chosen.size) else 1):
        progress = Progress(view, steps, f", view {view} of {settings.views}")
        picture, homography = make_view(grey, settings.tilt, rng, shrink=settings.shrink)
        yield progress
        (seen,) = yield from native(partial(_detected, picture), progress=progress)
        frames, point, found = _followed(chosen, homography, seen, picture.shape, settings, rng)
        repeated[point[found]] = True
        views.append((picture, frames, point))
    # A point that no view's detector found again is no point that matching will ever be asked about.
    return _only(views, repeated)


def _some(views: list[_View], rng: np.random.Generator) -> list[_View]:
    """Return the views with a random third of the points."""
    return _only(views, rng.random(int(views[0][2].max(initial=0)) + 1) < 1 / 3)


def _only(views: list[_View], keep: Array) -> list[_View]:
    """Return the views with those points."""
    return [(picture, frames.take(keep[point]), point[keep[point]]) for picture, frames, point in views]


def reduced_grey(grey: UInt8) -> UInt8:
    """Return a picture whose longer side is at most 768 pixels."""
    longer = max(grey.shape)
    if longer <= LONGEST_SIDE:
        return grey
    size = tuple(max(1, round(side * LONGEST_SIDE / longer)) for side in grey.shape[::-1])
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _detected(grey: UInt8) -> _Frames:
    """Return the SIFT frames of a picture, away from its border and not tiny."""
    keypoints: Keypoints = detect_sift(grey, SiftDetect(count=4000))
    xy, size = keypoints.xy.astype(np.float64), keypoints.size.astype(np.float64)
    frames = _Frames(xy, size, np.deg2rad(np.nan_to_num(keypoints.angle.astype(np.float64))))
    return frames.take(_inside(xy, size, grey.shape) & (size >= LEAST_SIZE))


def _inside(xy: Float64, size: Float64, shape: tuple[int, ...]) -> Array:
    """Return which frames lie away from the border by 8 pixels and by their size."""
    edge = np.maximum(BORDER, size)
    result: Array = (
        (xy[:, 0] >= edge) & (xy[:, 1] >= edge) & (xy[:, 0] <= shape[1] - 1 - edge) & (xy[:, 1] <= shape[0] - 1 - edge)
    )
    return result


def _distinct(frames: _Frames, rng: np.random.Generator, settings: WarpSettings) -> _Frames:
    """Return some frames in random order, one for each place and size: one point, one class."""
    total, count = len(frames.size), settings.points
    if settings.by_size and total:
        order = rng.choice(total, total, replace=False, p=frames.size / frames.size.sum())
    else:
        order = rng.permutation(total)
    frames = frames.take(order)
    kept: list[int] = []
    for row in range(len(order)):
        if len(kept) == count:
            break
        near = np.hypot(*(frames.xy[kept] - frames.xy[row]).T) < 0.5 * frames.size[row]
        if not (near & (np.abs(np.log2(frames.size[kept] / frames.size[row])) < 0.5)).any():
            kept.append(row)
    return frames.take(np.array(kept, np.int64))


def make_view(grey: UInt8, tilt: float, rng: np.random.Generator, *, shrink: float = 1.2) -> tuple[UInt8, Float64]:
    """Return a view of a photograph under a random homography, light, blur and noise, and the homography.

    Args:
        grey: (h, w) uint8.
        tilt: how far corners move, as a share of the shorter side.
        rng: the only source of chance.
        shrink: how far the view may be shrunk, in octaves.
    """
    h, w = grey.shape
    reach = tilt * min(h, w)
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    moved = corners + rng.uniform(-reach, reach, (4, 2)).astype(np.float32)
    scale = float(np.exp2(rng.uniform(-shrink, ENLARGE)))
    turned = cv2.getRotationMatrix2D((w / 2, h / 2), float(rng.uniform(-180, 180)), scale)
    homography: Float64 = np.vstack([turned, [0, 0, 1]]) @ cv2.getPerspectiveTransform(corners, moved)
    source = cv2.GaussianBlur(grey, (0, 0), 0.4 / scale) if scale < 0.8 else grey
    warped = cv2.warpPerspective(source, homography, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return relit(np.asarray(warped, np.uint8), rng), homography


def relit(grey: UInt8, rng: np.random.Generator) -> UInt8:
    """Return a picture under random gamma, gain, offset, a slow shadow, blur, noise and JPEG compression."""
    values: Array = 255 * (grey.astype(np.float32) / 255) ** rng.uniform(0.5, 1.8)
    values = values * rng.uniform(0.5, 1.2) + rng.uniform(-20, 20)
    if rng.random() < 0.5:
        coarse = rng.uniform(0.5, 1.3, (3, 4)).astype(np.float32)
        values *= cv2.resize(coarse, grey.shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.5:
        values = cv2.GaussianBlur(values, (0, 0), float(np.exp2(rng.uniform(-1, 1.2))))
    noise = rng.standard_normal(grey.shape, np.float32) * np.float32(rng.uniform(0, 8))
    result = np.asarray(np.clip(values + noise, 0, 255), np.uint8)
    if rng.random() < 0.3:
        coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])[1]
        result = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return result


def _carried(frames: _Frames, homography: Float64) -> _Frames:
    """Return frames mapped by a homography: its local affine part scales sizes and turns angles."""
    step = 0.1
    at = transform(homography, frames.xy)
    along_x = (transform(homography, frames.xy + np.array([step, 0])) - at) / step
    along_y = (transform(homography, frames.xy + np.array([0, step])) - at) / step
    area = np.abs(along_x[:, 0] * along_y[:, 1] - along_x[:, 1] * along_y[:, 0])
    direction = along_x * np.cos(frames.angle)[:, None] + along_y * np.sin(frames.angle)[:, None]
    return _Frames(at, frames.size * np.sqrt(area), np.arctan2(direction[:, 1], direction[:, 0]))


def _followed(
    chosen: _Frames,
    homography: Float64,
    seen: _Frames,
    shape: tuple[int, ...],
    settings: WarpSettings,
    rng: np.random.Generator,
) -> tuple[_Frames, Array, Array]:
    """Return the points' frames in a view (as detected, else carried over), whose they are, which were detected."""
    expected = _carried(chosen, homography)
    there = np.isfinite(expected.xy).all(axis=1) & np.isfinite(expected.size) & (expected.size >= LEAST_SIZE)
    there &= _inside(np.nan_to_num(expected.xy, nan=-1.0), np.nan_to_num(expected.size, nan=1.0), shape)
    point = np.flatnonzero(there)
    expected = expected.take(point)
    match = _same(expected, seen)
    found = match >= 0
    n = len(point)
    noise = rng.normal(0, 1, (4, n))
    size = expected.size * np.exp2(SIZE_NOISE * noise[0])
    xy = expected.xy + settings.jitter * expected.size[:, None] * noise[1:3].T
    angle = expected.angle + ANGLE_NOISE * noise[3]
    xy[found], size[found], angle[found] = seen.xy[match[found]], seen.size[match[found]], seen.angle[match[found]]
    keep = found | (rng.random(n) < settings.carried)
    return _Frames(xy, size, angle).take(keep), point[keep], found[keep]


def _same(expected: _Frames, seen: _Frames) -> Array:
    """Return for every expected frame the row of the best frame seen at its place, size and angle, -1 if none."""
    if not len(seen.size) or not len(expected.size):
        return np.full(len(expected.size), -1, np.int64)
    reach = np.maximum(NEAR_PX, NEAR * expected.size)[:, None]
    apart = (
        np.hypot(expected.xy[:, None, 0] - seen.xy[None, :, 0], expected.xy[:, None, 1] - seen.xy[None, :, 1]) / reach
    )
    size = np.abs(np.log2(seen.size[None] / expected.size[:, None])) / SAME_SIZE
    turn = np.abs((seen.angle[None] - expected.angle[:, None] + np.pi) % (2 * np.pi) - np.pi) / SAME_ANGLE
    worst = np.maximum(np.maximum(apart, size), turn)
    best = worst.argmin(axis=1)
    return np.where(worst[np.arange(len(best)), best] <= 1, best, -1)


def _in_photograph(xy: Float64, shape: tuple[int, ...]) -> Float64:
    """Return places of the reduced picture in pixels of the photograph, by the half-pixel rule."""
    longer = max(shape[:2])
    if longer <= LONGEST_SIDE:
        return xy
    height, width = (max(1, round(side * LONGEST_SIDE / longer)) for side in shape[:2])
    scale = np.array([shape[1] / width, shape[0] / height])
    return all_to_original(xy, scale)


def _cut(views: list[_View], span: float, side: int = 32) -> tuple[UInt8, Array, Float64]:
    """Return the patches of all views sorted by point, their points counted from 0 without gaps, and their places.

    A point's place is that in the first view, which is the photograph itself.
    """
    patches = [cut_at(grey, frames.xy, frames.size * span / side, frames.angle) for grey, frames, _ in views]
    everything = np.concatenate(patches)
    point = np.concatenate([rows for _, _, rows in views]).astype(np.int64)
    keep = ~flat(everything, least=LEAST_CONTRAST)
    counts = np.bincount(point[keep], minlength=int(point.max(initial=0)) + 1)
    keep &= counts[point] >= LEAST_VIEWS
    order = np.flatnonzero(keep)[np.argsort(point[keep], kind="stable")]
    _, dense = np.unique(point[order], return_inverse=True)
    place = np.full((int(point.max(initial=0)) + 1, 2), np.nan)
    place[views[0][2]] = views[0][1].xy
    return everything[order], dense.astype(np.int64), place[point[order]]
