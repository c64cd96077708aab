"""Three real image patches whose 1 − NCC breaks the triangle inequality.

What lives here: the search in one picture. May import: records, numpy. 1 - NCC is half the
squared distance of standardised patches, and a squared distance is no metric; its root is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.records import Float64, UInt8, UserError

FLAT = 2.0  # grey levels of spread below which a patch has no NCC
ROUNDING = 1e-9  # an excess within it proves nothing


@dataclass(frozen=True, eq=False)
class PatchTriple:
    """Patches x, y, z with f(x, z) > f(x, y) + f(y, z) for f = 1 - NCC.

    Attributes:
        centres: (3, 2) pixels (x, y) of x, y and z.
        patches: (3, size, size) uint8.
        direct: f(x, z).
        legs: (f(x, y), f(y, z)).
    """

    centres: Float64
    patches: UInt8
    direct: float
    legs: tuple[float, float]

    @property
    def excess(self) -> float:
        """How much longer the direct way is; > 0."""
        return self.direct - sum(self.legs)

    @property
    def roots(self) -> tuple[float, float, float]:
        """sqrt(2 f) of x-z, x-y and y-z: with the root the inequality holds."""
        direct, first, second = (float(np.sqrt(2 * f)) for f in (self.direct, *self.legs))
        return direct, first, second


def broken_triangle(grey: UInt8, *, size: int = 17, count: int = 240, seed: int = 0) -> PatchTriple:
    """Return the triple that breaks the inequality most among ``count`` patches of a picture.

    Half of the patches are neighbours of others, a few pixels aside: the middle one of three is like both.

    Args:
        grey: (h, w) uint8.
        size: side of a patch, odd.
        count: patches looked at.
        seed: of their places.

    Raises:
        UserError: if the picture is too small, or flat nearly everywhere.
    """
    height, width = grey.shape
    half = size // 2
    if min(height, width) < size + 8:
        raise UserError(f"The picture is {width} × {height}; patches of {size} pixels need at least {size + 8}.")
    rng = np.random.default_rng(seed)
    first = np.stack([rng.integers(half, width - half, count // 2), rng.integers(half, height - half, count // 2)], 1)
    aside = first + rng.integers(-3, 4, first.shape)
    centres = np.concatenate([first, np.clip(aside, half, (width - half - 1, height - half - 1))])
    windows = np.lib.stride_tricks.sliding_window_view(grey, (size, size))
    patches = windows[centres[:, 1] - half, centres[:, 0] - half]
    rows = patches.reshape(len(patches), -1).astype(np.float64)
    textured = rows.std(axis=1) > FLAT
    if np.count_nonzero(textured) < 3:
        raise UserError("The picture is flat nearly everywhere; NCC needs patches with texture.")
    centres, patches, rows = centres[textured], patches[textured], rows[textured]
    gap = rows - rows.mean(axis=1, keepdims=True)
    gap /= np.linalg.norm(gap, axis=1, keepdims=True)
    f = np.maximum(1 - gap @ gap.T, 0)  # equal patches: rounding may bring NCC above 1
    np.fill_diagonal(f, 0)
    best, where = ROUNDING, (0, 0, 0)
    for j in range(len(f)):
        excess = f - f[:, j, None] - f[None, j]
        at = int(np.argmax(excess))
        i, k = divmod(at, len(f))
        if excess[i, k] > best:
            best, where = float(excess[i, k]), (i, j, k)
    i, j, k = where
    if best <= ROUNDING:
        raise UserError("No three patches of this picture break the inequality; try another picture.")
    rows_of = [i, j, k]
    kept = np.ascontiguousarray(patches[rows_of])
    return PatchTriple(centres[rows_of].astype(np.float64), kept, float(f[i, k]), (float(f[i, j]), float(f[j, k])))
