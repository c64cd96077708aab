"""What a negative does to a SIFT descriptor: nothing but a change of order, which can be undone exactly.

What lives here: the two permutations and :func:`reverse_at`, which tries them on a keypoint. What does not: drawing.
May import: records, jobs, describe, numpy.

In the negative 255 - I every gradient points the other way. Upright, each of the eight direction bins becomes the
opposite one (rolled by 4). With its own orientation the keypoint turns by 180°, so the grid turns as well: the
directions relative to it stay, and the 4 x 4 cells are in reverse order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.jobs import Job, Progress, native
from app.records import Array, Float32, Keypoints, UInt8
from app.vision.describe import describe_sift

GRID = (4, 4, 8)


def rolled_bins(descriptor: Array) -> Array:
    """Return a (4, 4, 8) descriptor with every direction bin moved to the opposite direction."""
    return np.roll(descriptor, 4, axis=2)


def reversed_cells(descriptor: Array) -> Array:
    """Return a (4, 4, 8) descriptor with its rows and columns of cells in reverse order."""
    return descriptor[::-1, ::-1]


@dataclass(frozen=True, eq=False)
class Turned:
    """One way of describing a keypoint, in the picture and in its negative.

    Attributes:
        angle, negative_angle: orientation used in either, in degrees.
        picture, negative: (4, 4, 8) float32 integers 0...255, as OpenCV has them.
        permuted: ``picture`` in the order that the negative must have.
        before, after: L2 distance of ``negative`` from ``picture`` and from ``permuted``.
    """

    angle: float
    negative_angle: float
    picture: Float32
    negative: Float32
    permuted: Float32
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Reversal:
    """A keypoint in a picture and its negative: upright, and with its own orientation."""

    xy: tuple[float, float]
    size: float
    upright: Turned
    own: Turned


def reverse_at(grey: UInt8, keypoint: Keypoints) -> Job[Reversal]:
    """Describe one keypoint in a picture and in its negative.

    Args:
        grey: (h, w) uint8.
        keypoint: one row, found in ``grey``, with an orientation.

    Raises:
        ValueError: unless there is exactly one.
    """
    if len(keypoint) != 1:
        raise ValueError(f"keypoint: expected 1, found {len(keypoint)}")
    yield Progress(0, 1, "Describing the negative")
    angle = float(np.nan_to_num(keypoint.angle[0]))
    opposite = (angle + 180) % 360
    negative = np.asarray(255 - grey, np.uint8)
    here, there = yield from native(
        lambda: _described(grey, keypoint, (0.0, angle)),
        lambda: _described(negative, keypoint, (0.0, opposite)),
        progress=Progress(0, 1, "Describing the negative"),
    )
    x, y = keypoint.xy[0].tolist()
    return Reversal(
        (x, y),
        float(keypoint.size[0]),
        _compared(0.0, 0.0, here[0], there[0], rolled_bins(here[0])),
        _compared(angle, opposite, here[1], there[1], reversed_cells(here[1])),
    )


def _described(grey: UInt8, keypoint: Keypoints, angles: tuple[float, float]) -> Float32:
    """Return the (2, 4, 4, 8) descriptors of a keypoint at two orientations."""
    both = keypoint.take([0, 0])
    asked = Keypoints(
        both.xy,
        both.size,
        np.asarray(angles, np.float32),
        both.response,
        both.octave,
        both.layer,
        both.sublayer,
        both.packed,
    )
    found = describe_sift(grey, asked)
    assert found.descriptors is not None
    result: Float32 = found.descriptors.values.reshape(2, *GRID)
    return result


def _compared(angle: float, opposite: float, picture: Float32, negative: Float32, permuted: Array) -> Turned:
    gap = [float(np.linalg.norm((negative - other).astype(np.float64))) for other in (picture, permuted)]
    return Turned(angle, opposite, picture, negative, np.asarray(permuted, np.float32), *gap)
