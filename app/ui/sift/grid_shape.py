"""What the grid of levels lays out: octaves, blurs, sizes, and how a cell is called.

What lives here: :class:`GridShape`. What does not: any widget; no Qt. May import: ``level_jobs``, ``app.vision``.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.text import minus
from app.ui.sift.level_jobs import Cell
from app.vision.scale_space import Kind


@dataclass(frozen=True)
class GridShape:
    """What the grid has to lay out.

    Attributes:
        octaves: signed exponents, one row each.
        sizes: (width, height) of every octave in its own pixels.
        sigmas: blur of every column in octave 0, in image pixels.
        kind: Gaussians or differences.
        searched: columns in which extrema are looked for.
        image: (width, height) of the image.
    """

    octaves: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    sigmas: tuple[float, ...]
    kind: Kind
    searched: tuple[int, ...]
    image: tuple[int, int]

    def sigma(self, cell: Cell) -> float:
        """Return the blur of a cell in image pixels."""
        return self.sigmas[cell[1]] * 2.0 ** cell[0]

    def words(self, cell: Cell) -> str:
        """Return what a cell is, in words."""
        kind = "Difference of Gaussians" if self.kind == "dog" else "Gaussian"
        width, height = self.sizes[self.octaves.index(cell[0])]
        octave = minus(f"{cell[0]}")
        text = f"{kind}, octave {octave}, {'layer' if self.kind == 'dog' else 'level'} {cell[1]}"
        text += f": σ {self.sigma(cell):.3g} px, {width} × {height} pixels"
        if self.kind == "dog" and cell[1] not in self.searched:
            text += ". Not searched for extrema: it is only a neighbour."
        return text

    def caption(self, cell: Cell) -> str:
        """Return what a cell is, as short as it gets."""
        width, height = self.sizes[self.octaves.index(cell[0])]
        kind, plane = ("DoG", "layer") if self.kind == "dog" else ("Gaussian", "level")
        place = minus(f"octave {cell[0]} {plane} {cell[1]}")
        return f"{kind} · {place} · σ {self.sigma(cell):.3g} px · {width} × {height}"
