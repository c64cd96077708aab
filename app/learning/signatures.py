"""Drawn signatures: writers, their genuine signatures, and forgeries of them (Bromley et al., NIPS 1993).

What lives here: drawing them, and the pairs verification is judged on. May import: patch_set, patch_evaluation, numpy
and cv2.

A writer is a smooth random pen path. A genuine signature is that path with a little of the writer's own variation. A
forger follows the path as somebody else saw it, with another hand's rhythm and slant, and then writes that with as
little variation: so forgeries of a writer are of one hand, too, and two of them match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from app.learning.patch_evaluation import Roc, roc
from app.learning.patch_set import PatchSet
from app.records import Bool, Float32, Float64, UInt8, UserError

SIDE = 32
POINTS = 240
WAVES = 7
OWN = 0.06  # how much a hand varies
SHIFT = 4  # bits of fraction in OpenCV's line coordinates


@dataclass(frozen=True, eq=False)
class _Writer:
    """Amplitudes and phases of a pen path, (2, WAVES) each for x and y."""

    amplitude: Float64
    phase: Float64
    slant: float

    def imitated(self, error: float, rng: np.random.Generator) -> _Writer:
        """Return the hand of somebody who learned this path with an error."""
        return _Writer(
            self.amplitude * (1 + error * rng.normal(0, 1, self.amplitude.shape)),
            self.phase + error * rng.normal(0, 1, self.phase.shape),
            self.slant + error * float(rng.normal(0, 0.5)),
        )

    def path(self, wobble: float, rng: np.random.Generator) -> Float64:
        """Return (POINTS, 2) places in [-1, 1], varied by ``wobble``."""
        t = np.linspace(0, 1, POINTS)
        warp = t + wobble * 0.15 * np.sin(2 * np.pi * (t * rng.uniform(0.5, 1.5) + rng.uniform()))
        waves = np.arange(1, WAVES + 1)[:, None]
        amplitude = self.amplitude * (1 + wobble * rng.normal(0, 1, self.amplitude.shape))
        phase = self.phase + wobble * rng.normal(0, 1, self.phase.shape)
        swing = [
            (amplitude[axis][:, None] * np.sin(2 * np.pi * waves * warp + phase[axis][:, None])).sum(0)
            for axis in (0, 1)
        ]
        x = 1.6 * (warp - 0.5) + 0.25 * swing[0]
        y = 0.35 * swing[1]
        slant = self.slant + wobble * rng.normal(0, 0.5)
        return np.stack([x + slant * y, y], axis=1)


def _writer(rng: np.random.Generator) -> _Writer:
    fading = 1 / np.arange(1, WAVES + 1) ** 0.5
    return _Writer(
        rng.normal(0, 1, (2, WAVES)) * fading, rng.uniform(0, 2 * np.pi, (2, WAVES)), float(rng.normal(0, 0.3))
    )


def _drawn(path: Float64, rng: np.random.Generator) -> UInt8:
    """Draw a path into a square, dark on light, with its own size and place a little off."""
    low, high = path.min(0), path.max(0)
    scale = 26 / max(float((high - low).max()), 1e-6) * rng.uniform(0.92, 1.0)
    places = (path - (low + high) / 2) * scale + SIDE / 2 - 0.5 + rng.normal(0, 0.4, 2)
    canvas = np.full((SIDE, SIDE), 255, np.uint8)
    line = np.rint(places * 2**SHIFT).astype(np.int32)[:, None]
    cv2.polylines(canvas, [line], isClosed=False, color=30, thickness=1, lineType=cv2.LINE_AA, shift=SHIFT)
    noisy = canvas.astype(np.float32) + rng.normal(0, 3, canvas.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def signatures(
    writers: int = 60, genuine: int = 16, forgeries: int = 8, *, seed: int = 0, skill: float = 0.25
) -> tuple[PatchSet, Bool]:
    """Draw signatures.

    Args:
        writers: how many people.
        genuine: signatures of each by their own hand.
        forgeries: of each, by one other hand.
        seed: decides everything.
        skill: how far forgers are off, against the 0.06 that a hand varies: smaller is better forged.

    Returns:
        The set, of two classes per writer (their own, then the forgeries of them; the scene is the writer), and (N,)
        whether each is forged.

    Raises:
        UserError: for fewer than two writers or genuine signatures.
    """
    if writers < 2 or genuine < 2:
        raise UserError("Signatures need at least two writers and two genuine signatures of each.")
    patches: list[UInt8] = []
    point: list[int] = []
    for index in range(writers):
        rng = np.random.default_rng([seed, index])
        writer = _writer(rng)
        forger = writer.imitated(skill, rng)
        patches += [_drawn(writer.path(OWN, rng), rng) for _ in range(genuine)]
        patches += [_drawn(forger.path(OWN, rng), rng) for _ in range(forgeries)]
        point += [2 * index] * genuine + [2 * index + 1] * forgeries
    classes = np.array(point, np.int32)
    titles = tuple(f"writer {index + 1}" for index in range(writers))
    return PatchSet("drawn signatures", np.stack(patches), classes, classes // 2, titles), classes % 2 == 1


def verification(describe: Callable[[UInt8], Float32], data: PatchSet, forged: Bool) -> Roc:
    """Return how well genuine pairs are told from forgeries, by the distance of descriptors.

    Pairs: every two genuine signatures of a writer match; a genuine one and a forgery of the same writer do not. The
    equal error rate is ``.equal_error``.

    Args:
        describe: (N, S, S) patches to (N, D).
        data, forged: of :func:`signatures`.
    """
    values = describe(data.patches).astype(np.float64)
    right: list[Float64] = []
    wrong: list[Float64] = []
    for writer in np.unique(data.scene):
        own = values[(data.scene == writer) & ~forged]
        other = values[(data.scene == writer) & forged]
        gaps = np.linalg.norm(own[:, None] - own[None], axis=2)
        right.append(gaps[np.triu_indices(len(own), 1)])
        wrong.append(np.linalg.norm(own[:, None] - other[None], axis=2).ravel())
    return roc(np.concatenate(right), np.concatenate(wrong))
