"""Patches with classes: what every training set comes down to, and how batches are drawn from it.

What lives here: :class:`PatchSet`, splitting it, drawing matching pairs with seeded augmentation. What does not:
where patches come from (``patch_data``, ``patch_sources``). May import: tensor_file, records and numpy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.learning.tensor_file import read_tensors, write_tensors
from app.records import Array, Bool, Float32, Int32, UInt8, UserError, read_only

RUNS = (16, 64, 256)
# Of classes up to so many, each with so many patches at least, patches are kept for judging, not classes.
FEW_CLASSES = 25
LARGE_CLASS = 8
FEWEST_CLASSES = 2  # that there is anything to tell apart


@dataclass(frozen=True, eq=False)
class PatchSet:
    """N patches, one class per physical point (or object), sorted by class.

    Attributes:
        name: what to call it on screen and on a card.
        patches: (N, S, S) uint8.
        point: (N,) int32 class of each patch, rising.
        scene: (N,) int32 row of ``scenes``: which photograph (or folder, writer ...) a patch is from.
        scenes: names of the scenes.
        frames: whether patches are cut in SIFT frames, so that mirroring them across the x axis, or turning their
            negative by half a turn, gives patches that might have been cut as well.
        notes: sentences on what was left out.
        places: (N, 2) float32 where each patch was cut, in pixels of its photograph; NaN where that is not known.
    """

    name: str
    patches: UInt8
    point: Int32
    scene: Int32
    scenes: tuple[str, ...]
    frames: bool = False
    notes: tuple[str, ...] = ()
    places: Float32 | None = None

    def __post_init__(self) -> None:
        patches = np.asarray(self.patches)
        if patches.ndim != 3 or patches.shape[1] != patches.shape[2]:
            raise ValueError(f"PatchSet.patches: expected (N, S, S), found {patches.shape}")
        n, side = patches.shape[:2]
        object.__setattr__(self, "patches", read_only(patches, np.uint8, (n, side, side), "PatchSet.patches"))
        for name in ("point", "scene"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.int32, (n,), f"PatchSet.{name}"))
        places = np.full((n, 2), np.nan, np.float32) if self.places is None else self.places
        object.__setattr__(self, "places", read_only(places, np.float32, (n, 2), "PatchSet.places"))
        if n and (np.diff(self.point) < 0).any():
            raise ValueError("PatchSet.point: classes must rise")

    def __len__(self) -> int:
        return len(self.patches)

    @property
    def side(self) -> int:
        """Pixels of a patch's side."""
        return int(self.patches.shape[1])

    @property
    def classes(self) -> int:
        """How many different points there are."""
        return int((np.diff(self.point) > 0).sum()) + 1 if len(self) else 0

    def take(self, keep: Bool) -> PatchSet:
        """Return the patches of a mask."""
        return replace(
            self,
            patches=self.patches[keep],
            point=self.point[keep],
            scene=self.scene[keep],
            places=self.place[keep],
        )

    @property
    def place(self) -> Float32:
        """The places, whether they are known or not."""
        assert self.places is not None  # __post_init__ fills them in
        return self.places


def check_trainable(data: PatchSet, batch: int) -> None:
    """Complain about a set that cannot be trained on.

    Raises:
        UserError: one sentence: nothing in it, one class, no class with two patches, fewer than a batch, all equal.
    """
    if not len(data):
        raise UserError(f"{data.name} gives no patches; take pictures with more structure, or more of them.")
    if data.classes < 2:
        raise UserError(f"{data.name} has one class only, so nothing to tell apart; add pictures or folders.")
    _, counts = np.unique(data.point, return_counts=True)
    pairs = int((counts // 2).sum())
    if not pairs:
        raise UserError(f"{data.name} shows every point only once; learning needs at least two views of each.")
    if (counts > 1).sum() < 2:
        raise UserError(f"{data.name} shows only one point twice; learning needs at least two such points.")
    if pairs < batch:
        raise UserError(
            f"{data.name} gives {pairs} different matching pairs, the batch needs {batch}; "
            f"set the batch to {pairs} or less, or add pictures."
        )
    if (data.patches == data.patches[0, 0, 0]).all():
        raise UserError(
            f"All patches of {data.name} are equal, so no network can tell them apart; take other pictures."
        )


def split(data: PatchSet, share: float, seed: int) -> tuple[PatchSet, PatchSet]:
    """Return (training part, part kept for judging).

    Kept are whole scenes where there are at least five, else whole classes: the network then has to tell apart what it
    never saw. Of a few large classes (digits, folders of objects) some patches of every class are kept instead, as a
    single class has nothing to be told apart from. Of too few classes for two on either side nothing is kept.

    Args:
        share: of scenes, classes or patches kept for judging; more where one class alone would be kept.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    _, counts = np.unique(data.point, return_counts=True)
    if 2 <= len(counts) <= FEW_CLASSES and counts.min() >= LARGE_CLASS:
        kept = np.zeros(len(data), np.bool_)
        for start, count in zip(np.r_[0, np.cumsum(counts)[:-1]], counts, strict=True):
            kept[start + rng.permutation(count)[: 2 * max(1, round(share * count / 2))]] = True  # pairs
        return data.take(~kept), data.take(kept)
    key = data.scene if len(np.unique(data.scene)) >= 5 else data.point
    values = np.unique(key)
    order = rng.permutation(values)
    for count in range(max(1, round(share * len(values))), len(values)):
        kept = np.isin(key, order[:count])
        if len(np.unique(data.point[~kept])) < FEWEST_CLASSES:
            break
        if len(np.unique(data.point[kept])) >= FEWEST_CLASSES:
            return data.take(~kept), data.take(kept)
    return data, data.take(np.zeros(len(data), np.bool_))


def save_patches(path: Path, data: PatchSet, origin: str) -> None:
    """Write a set; ``origin`` says what it was made of, and is asked for when it is read.

    Raises:
        UserError: if it cannot be written.
    """
    about = {"name": data.name, "scenes": data.scenes, "frames": data.frames, "notes": data.notes}
    tensors: dict[str, Array] = {
        "patches": data.patches,
        "point": data.point,
        "scene": data.scene,
        "places": data.place,
    }
    write_tensors(path, tensors, {"kind": "patches", "origin": origin, "about": json.dumps(about)})


def load_patches(path: Path, origin: str) -> PatchSet | None:
    """Return the set in a file, or None if there is none, it is damaged, or it was made of something else."""
    if not path.exists():
        return None
    try:
        tensors, metadata = read_tensors(path)
        about = json.loads(metadata["about"])
        if metadata.get("kind") != "patches" or metadata.get("origin") != origin:
            return None
        arrays = (tensors["patches"], tensors["point"], tensors["scene"])
        words = (tuple(about["scenes"]), bool(about["frames"]), tuple(about["notes"]))
        return PatchSet(about["name"], *arrays, *words, tensors.get("places"))
    except (UserError, KeyError, ValueError, TypeError):
        return None  # it is only a copy of what can be made again


class PairSampler:
    """Draws batches of matching pairs; all randomness comes from the generator it is given.

    Half of the difficulty of a batch is where its points are from: neighbours in the same photograph look alike.
    Points are therefore drawn in runs (of 16, 64 or 256, by chance) that are consecutive in the set, which lists the
    points of a photograph one after the other.
    """

    def __init__(self, data: PatchSet, batch: int, rng: np.random.Generator, *, augment: bool = True) -> None:
        """Args: ``batch`` pairs per draw; ``augment``: mirror and turn pairs where the set's patches allow it."""
        starts = np.flatnonzero(np.diff(data.point, prepend=data.point[0] - 1))
        counts = np.diff(np.r_[starts, len(data)])
        self._starts, self._counts = starts[counts > 1], counts[counts > 1]
        self._batch, self._rng, self._augment = batch, rng, augment and data.frames
        self._data = data

    @property
    def points(self) -> int:
        """How many points have at least two patches."""
        return len(self._starts)

    @property
    def batches(self) -> int:
        """How many batches go through the set once: every point where there are many, else every pair of patches."""
        whole = self.points if self.points >= self._batch else int((self._counts // 2).sum())
        return max(1, whole // self._batch)

    def rows(self) -> tuple[Array, Array, Array]:
        """Return (B,) points (rows among those usable) and the rows of two different patches of each."""
        rng, batch, total = self._rng, self._batch, self.points
        if total < batch:
            return self._crowded()
        run = min(int(rng.choice(RUNS)), batch)
        if total >= 2 * batch:
            heads = rng.choice(total // run, -(-batch // run), replace=False) * run + int(rng.integers(0, run))
            points = ((heads[:, None] + np.arange(run)).ravel() % total)[:batch]
        else:
            points = rng.permutation(total)[:batch]
        first = (rng.random(batch) * self._counts[points]).astype(np.int64)
        step = 1 + (rng.random(batch) * (self._counts[points] - 1)).astype(np.int64)
        second = (first + step) % self._counts[points]
        return points, self._starts[points] + first, self._starts[points] + second

    def _crowded(self) -> tuple[Array, Array, Array]:
        """Return a batch of fewer classes than pairs: each several times, of different patches while they last."""
        points = np.sort(np.resize(self._rng.permutation(self.points), self._batch))
        first, second = np.empty(self._batch, np.int64), np.empty(self._batch, np.int64)
        for point in np.unique(points):
            places = np.flatnonzero(points == point)
            count, k = int(self._counts[point]), len(places)
            order = self._rng.permutation(count)
            first[places] = order[np.arange(k) % count]
            shift = k if k % count else k + 1
            second[places] = order[(np.arange(k) + shift) % count]
        return points, self._starts[points] + first, self._starts[points] + second

    def draw(self) -> tuple[Array, UInt8, UInt8]:
        """Return (B,) points and both patches of each, (B, S, S) uint8."""
        points, first, second = self.rows()
        left, right = self._data.patches[first], self._data.patches[second]
        if self._augment:
            left, right = self._changed(left, right)
        return points, left, right

    def _changed(self, left: UInt8, right: UInt8) -> tuple[UInt8, UInt8]:
        """Mirror half of the pairs across the x axis, and turn the negatives of half of them by half a turn."""
        mirrored, negative = self._rng.random((2, len(left))) < 0.5
        for side in (left, right):
            side[mirrored] = side[mirrored, ::-1]
            side[negative] = 255 - side[negative, ::-1, ::-1]
        return left, right
