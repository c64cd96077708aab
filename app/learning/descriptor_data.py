"""Labelled descriptors from image pairs with truth: a class for every place of the scene that both images show.

What lives here: the job that makes a data set of pairs. What does not: matching and judging. May import: records, jobs,
``data_files``, vision, numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from app.jobs import Job, Progress, native
from app.learning.data_files import DataSet
from app.learning.neighbours import Rows
from app.records import Features, Float64, Image, ImagePair, UserError
from app.settings import Settings, choice, number
from app.vision.describe import extract_sift, to_root
from app.vision.detect import SiftDetect
from app.vision.evaluate import true_places
from app.vision.images import working_image

UNIT = 512.0  # SIFT's norm; classes are learned from descriptors of about unit length


@dataclass(frozen=True)
class DescriptorSettings(Settings):
    """Which descriptors make a data set."""

    descriptor: str = choice(
        "sift",
        {"sift": "SIFT", "rootsift": "RootSIFT"},
        label="Descriptor",
        help="What is compared. The matcher of a learned metric uses the same.",
    )
    count: int = number(1000, 50, 20_000, 50, label="Keypoints", help="The strongest of each image.")
    threshold: float = number(
        2.0,
        0.5,
        20.0,
        0.5,
        unit="px",
        label="Same place within",
        help="How near a right keypoint must be to the truth.",
    )


@dataclass(frozen=True, eq=False)
class Located:
    """Labelled descriptors and where each was measured.

    Attributes:
        data: descriptors and their classes.
        image: (n,) index of the image of each row, into ``ids``.
        ids: ids of the images, in the order of the pairs.
        xy: (n, 2) places in pixels of the original image.
        size: (n,) diameters of the keypoints.
        angle: (n,) degrees.
    """

    data: DataSet
    image: Rows
    ids: tuple[str, ...]
    xy: Float64
    size: Float64
    angle: Float64


def descriptors(pairs: Sequence[ImagePair], settings: DescriptorSettings | None = None) -> Job[DataSet]:
    """Return the descriptors of all places that keypoints of both images of a pair show, one class per place.

    A left keypoint belongs to the right keypoint nearest to its true place, if it is within the threshold; of several
    there (one per orientation) to the one with the nearest descriptor; each right keypoint is taken once. Images that
    occur in several pairs join their places. Descriptors have about unit length.

    Raises:
        UserError: if no pair has a truth that names places, or fewer than two places are seen twice.
    """
    found = yield from located(pairs, settings)
    return found.data


def located(pairs: Sequence[ImagePair], settings: DescriptorSettings | None = None) -> Job[Located]:
    """Return the data of :func:`descriptors` with the place of every row.

    Raises:
        UserError: as there.
    """
    chosen = settings or DescriptorSettings()
    usable = [pair for pair in pairs if pair.truth.kind not in ("none", "epipolar")]
    if not usable:
        raise UserError(
            "Descriptors are learned from pairs whose truth names places (a homography, a map or points); none has one."
        )
    rows: dict[str, Features] = {}
    links: list[tuple[tuple[str, int], tuple[str, int]]] = []
    for number_of, pair in enumerate(usable):
        progress = Progress(number_of, len(usable), f"Describing {pair.ref.title}")
        yield progress
        for image in (pair.left, pair.right):
            if image.id not in rows:
                (found,) = yield from native(partial(_described, image, chosen), progress=progress)
                rows[image.id] = found
        left, right = rows[pair.left.id], rows[pair.right.id]
        for i, j in _same_places(pair, left, right, chosen.threshold):
            links.append(((pair.left.id, int(i)), (pair.right.id, int(j))))
    return _joined(usable, rows, links, chosen)


def _described(image: Image, settings: DescriptorSettings) -> Features:
    """Return keypoints and unit descriptors in pixels of the original image."""
    work = working_image(image, 0)
    features = extract_sift(work.grey, SiftDetect(count=settings.count))
    if settings.descriptor == "rootsift":
        features = to_root(features)
    return Features(work.to_original(features.keypoints), features.descriptors)


def _same_places(pair: ImagePair, left: Features, right: Features, threshold: float) -> Rows:
    """Return (m, 2) rows of left and right keypoints at the same place."""
    if not len(left.keypoints) or not len(right.keypoints):
        return np.zeros((0, 2), np.int64)
    places, outside = true_places(pair.truth, left.keypoints.xy, pair.right.size)
    known = np.flatnonzero(np.isfinite(places).all(axis=1) & ~outside)
    assert left.descriptors is not None
    assert right.descriptors is not None
    there = right.keypoints.xy.astype(np.float64)
    taken: dict[int, tuple[float, int]] = {}
    for i in known:
        gap = np.linalg.norm(there - places[i], axis=1)
        near = np.flatnonzero(gap <= threshold)
        if not len(near):
            continue
        apart = np.linalg.norm(right.descriptors.values[near].astype(np.float64) - left.descriptors.values[i], axis=1)
        best = int(np.argmin(apart))
        j = int(near[best])
        if j not in taken or apart[best] < taken[j][0]:
            taken[j] = (float(apart[best]), int(i))
    return np.array([(i, j) for j, (_, i) in sorted(taken.items())], np.int64).reshape(-1, 2)


def _joined(
    pairs: Sequence[ImagePair],
    rows: dict[str, Features],
    links: list[tuple[tuple[str, int], tuple[str, int]]],
    settings: DescriptorSettings,
) -> Located:
    """Return the data set whose classes are the connected places, with the place of each row."""
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        """Return what stands for all nodes connected with this one, and shorten the way to it."""
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in links:
        parent[root(a)] = root(b)
    nodes = sorted(parent)
    classes: dict[tuple[str, int], int] = {}
    y = np.array([classes.setdefault(root(node), len(classes)) for node in nodes], np.int64)
    if len(classes) < 2:
        raise UserError("Fewer than two places are seen by keypoints of both images; raise the number of keypoints.")
    x: Float64 = np.stack([_row(rows[image], row) for image, row in nodes])
    if settings.descriptor == "sift":
        x = x / UNIT
    images = list(dict.fromkeys(image.name for pair in pairs for image in (pair.left, pair.right)))
    title = f"{settings.descriptor.upper()} of {images[0]}" + (f" and {len(images) - 1} more" if images[1:] else "")
    names = tuple(f"place {at + 1}" for at in range(len(classes)))
    data = DataSet(f"{settings.descriptor}-{len(pairs)}-pairs", title, x, y, names)
    ids = image_ids(pairs)
    points = [(rows[image].keypoints, row) for image, row in nodes]
    return Located(
        data,
        np.array([ids.index(image) for image, _ in nodes], np.int64),
        ids,
        np.array([keypoints.xy[row] for keypoints, row in points], np.float64),
        np.array([keypoints.size[row] for keypoints, row in points], np.float64),
        np.array([keypoints.angle[row] for keypoints, row in points], np.float64),
    )


def _row(features: Features, row: int) -> Float64:
    assert features.descriptors is not None
    return np.asarray(features.descriptors.values[row], np.float64)


def image_ids(pairs: Sequence[ImagePair]) -> tuple[str, ...]:
    """Return the ids of all images, for the card of a metric: what it must not be judged on."""
    return tuple(dict.fromkeys(image.id for pair in pairs for image in (pair.left, pair.right)))
