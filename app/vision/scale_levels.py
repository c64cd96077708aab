"""The parts of a scale space: its settings, one blur, one doubling, one halving, and what is cut from its levels.

What lives here: :class:`ScaleSpaceSettings`, :class:`Window`, :class:`LevelView` and the filters of every level. What
does not: levels themselves (``scale_space``). May import: records, settings, numpy and cv2.

Source: Lowe, IJCV 60(2), 2004, section 3. The filters are OpenCV's, so that its SIFT sees the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from app.records import Float32, UInt8, read_only
from app.settings import Settings, flag, number

Kind = Literal["gaussian", "dog"]
LEAST_BLUR = 0.1  # as OpenCV: the first blur is never less, whatever was assumed


LAYERS = number(
    3,
    1,
    8,
    1,
    label="Layers per octave",
    help=(
        "In how many steps s the blur doubles. An octave has s + 3 Gaussians, s + 2 differences and s planes that "
        "are searched, because an extremum needs a neighbour on either side. Lowe found 3 the most repeatable."
    ),
)
UPSAMPLE = flag(
    True,
    label="Doubled first octave",
    help=(
        "Start at octave −1, the picture at twice its size: the finest blobs live there, about three of four "
        "keypoints. Without it the first octave is the picture itself."
    ),
)


@dataclass(frozen=True)
class ScaleSpaceSettings(Settings):
    """How the scale space is sampled and what blur the camera is assumed to have."""

    layers: int = LAYERS
    sigma0: float = number(
        1.6,
        0.8,
        4.0,
        0.1,
        unit="px",
        label="First blur σ₀",
        help=(
            "Blur of the first level of every octave in that octave's own pixels. "
            "Less keeps more detail but aliases when the next octave takes every second pixel."
        ),
    )
    blur: float = number(
        0.5,
        0.0,
        1.5,
        0.05,
        unit="px",
        label="Assumed blur",
        help="Blur that the picture is assumed to have already; only what is missing up to σ₀ is added.",
    )
    upsample: bool = UPSAMPLE

    @property
    def first_octave(self) -> int:
        """-1 with the doubled image, else 0."""
        return -1 if self.upsample else 0

    @property
    def k(self) -> float:
        """Ratio of neighbouring blurs, 2**(1/layers)."""
        return float(2.0 ** (1.0 / self.layers))

    @property
    def levels(self) -> int:
        """Gaussians per octave, layers + 3."""
        return self.layers + 3

    @property
    def planes(self) -> int:
        """Differences of Gaussians per octave, layers + 2."""
        return self.layers + 2

    def increments(self) -> tuple[float, ...]:
        """Return the blur added at level 1, 2, ... in octave pixels: sqrt(sigma_l**2 - sigma_(l-1)**2)."""
        previous = [self.k ** (level - 1) * self.sigma0 for level in range(1, self.levels)]
        return tuple(float(np.sqrt((sigma * self.k) ** 2 - sigma**2)) for sigma in previous)


@dataclass(frozen=True, eq=False)
class Window:
    """A cut-out of one level or difference.

    Attributes:
        values: (h, w) float32; pixel [row - top, col - left] is the level's pixel (col, row).
        left, top: octave pixel of ``values[0, 0]``; the window is clipped at the level's border.
        octave, level: where it was cut.
    """

    values: Float32
    left: int
    top: int
    octave: int
    level: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", read_only(self.values, np.float32, (None, None), "Window.values"))


@dataclass(frozen=True, eq=False)
class LevelView:
    """A whole level for the eye: at octave resolution or coarser, made without the levels before it.

    Attributes:
        values: (h, w) float32 grey levels (differences may be negative).
        step: image pixels per pixel of ``values``; image = view pixel * step.
        octave, level, kind: what is shown.
        sigma: its blur in image pixels (of the lower Gaussian for a difference).
    """

    values: Float32
    step: float
    octave: int
    level: int
    kind: Kind
    sigma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", read_only(self.values, np.float32, (None, None), "LevelView.values"))


def octave_count(width: int, height: int, settings: ScaleSpaceSettings) -> int:
    """Return how many octaves an image has, at least 1.

    OpenCV's rule, round(log2(shorter side of the first octave) - 2) and one more if the image is doubled, as long as
    no octave would have less than one pixel.
    """
    side = min(width, height) * (2 if settings.upsample else 1)
    wanted = int(np.rint(np.log2(side) - 2)) - settings.first_octave
    possible = int(np.floor(np.log2(side))) + 1
    return max(1, min(wanted, possible))


def kernel_radius(sigma: float) -> int:
    """Return how far OpenCV's float Gaussian kernel reaches: about 4 sigma."""
    return (int(np.rint(sigma * 8 + 1)) | 1) // 2


def blurred(values: Float32, sigma: float, into: Float32 | None = None) -> Float32:
    """Return ``values`` blurred by ``sigma`` pixels: kernel to 4 sigma, borders mirrored about the edge pixel."""
    if into is None:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)
    cv2.GaussianBlur(values, (0, 0), sigma, dst=into)
    return into


def doubled(values: Float32) -> Float32:
    """Return the picture at twice its size by linear interpolation with pixel (0, 0) kept in place.

    Pixel c of the result lies at c / 2: no half-pixel shift, unlike ``cv2.resize``.
    """
    height, width = values.shape
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (2 * width, 2 * height)
    return np.asarray(cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT), np.float32)


def halved(values: Float32) -> Float32:
    """Return every second pixel, starting with the first; an odd last row or column is dropped."""
    height, width = values.shape
    return np.ascontiguousarray(values[: height // 2 * 2 : 2, : width // 2 * 2 : 2])


def first_level(grey: UInt8, settings: ScaleSpaceSettings) -> Float32:
    """Return level 0 of the first octave: the image, doubled if asked, blurred from the assumed blur to sigma0."""
    values = np.asarray(grey, np.float32)
    blur = settings.blur
    if settings.upsample:
        values, blur = doubled(values), 2 * blur
    missing = float(np.sqrt(max(settings.sigma0**2 - blur**2, LEAST_BLUR**2)))
    return blurred(values, missing)
