"""What the page on the laws of the scale space wants back, as one frozen value.

What lives here: :class:`LawsState`. What does not: widgets; no Qt. May import: settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Settings, flag, number

PARTS = {"line": "Scan line", "dog": "DoG and Laplacian", "axioms": "Axioms"}


@dataclass(frozen=True)
class LawsState(Settings):
    """Which part is in front, and its numbers. The scan line is the row of the cursor that all pages share.

    Attributes:
        part: key of :data:`PARTS`.
        axiom: key of the axiom whose pictures are shown, empty for the first.
    """

    part: str = "line"
    axiom: str = ""
    k: float = number(
        1.26,
        1.02,
        2.5,
        0.01,
        label="k",
        help=(
            "Factor between the two Gaussians of a difference. SIFT with 3 layers per octave has 2^(1/3) = 1.26. "
            "The lecture's (k − 1) σ²∇²G is the first order only; ln k at the scale √k σ is far nearer."
        ),
    )
    sigma: float = number(
        1.6,
        0.5,
        8.0,
        0.1,
        label="σ",
        unit="px",
        help="Scale of the Gaussian: the lower one of the difference, and the one the axioms are tried with.",
    )
    angle: float = number(
        30.0,
        0.0,
        90.0,
        1.0,
        label="Rotation",
        unit="°",
        help="The arbitrary angle of the rotation axiom. Only multiples of 90° need no interpolation.",
    )
    slide: bool = flag(
        False,
        label="Slide normalisation",
        help=(
            "Use the constant 1/(√(2π) σ) as printed on the slide. It belongs to one dimension: in a picture the "
            "kernel then sums to √(2π) σ instead of 1, and a flat region answers although nothing is there."
        ),
    )


# Which of the numbers a part has.
FIELDS = {"line": (), "dog": ("k", "sigma", "slide"), "axioms": ("sigma", "angle")}
