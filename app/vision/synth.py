"""Making a second view of a photograph with exact truth: geometric warps and photometric changes.

What lives here: pure functions on (H, W, 3) uint8 pictures. What does not: which photograph gets which change
(``builtin``), rendered scenes (``render``), drawings (``drawings``). May import: records, numpy and cv2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from app.records import Float32, Float64, UInt8
from app.vision.geometry import inside

if TYPE_CHECKING:
    import numpy.typing as npt

OVERSAMPLING = 2


def as_uint8(values: npt.NDArray[Any]) -> UInt8:
    """Return values clipped to [0, 255] and rounded."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def corners(width: float, height: float) -> Float64:
    """Return the outer corners of a picture's pixels, clockwise from the top left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - 0.5


def homography_between(source: npt.ArrayLike, target: npt.ArrayLike) -> Float64:
    """Return the homography that takes four points to four points."""
    found = cv2.getPerspectiveTransform(np.asarray(source, np.float32), np.asarray(target, np.float32))
    return np.asarray(found, np.float64)


def warp(rgb: UInt8, homography: Float64, size: tuple[int, int], *, oversampling: int = OVERSAMPLING) -> UInt8:
    """Return the picture seen through a homography, (height, width, 3).

    Pixel x of the result shows ``homography^-1 x`` of the source, averaged over the pixel's square.
    Places outside the source continue its border.

    Args:
        rgb: the source.
        homography: (3, 3) source to result, pixel centres at integers.
        size: (width, height) of the result.
        oversampling: samples per pixel and axis; choose it near the largest reduction.
    """
    n = oversampling
    # Centre x of the result lies at (x + 0.5) n - 0.5 of the finer grid.
    finer = np.array([[n, 0, (n - 1) / 2], [0, n, (n - 1) / 2], [0, 0, 1]], np.float64)
    fine = cv2.warpPerspective(
        rgb,
        finer @ homography,
        (size[0] * n, size[1] * n),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.uint8)


def tilted(rgb: UInt8, degrees: float) -> tuple[UInt8, Float64]:
    """Return a flat picture seen from far away, turned about its vertical axis, and the homography to that view.

    Under a distant camera a tilt is an affine map: x shrinks by the cosine (Morel and Yu, ASIFT, SIAM 2(2), 2009).

    Args:
        rgb: (H, W, 3).
        degrees: 0 (frontal) up to less than 90.
    """
    height, width = rgb.shape[:2]
    squeeze = float(np.cos(np.deg2rad(degrees)))
    matrix = np.array([[squeeze, 0, (squeeze - 1) / 2], [0, 1, 0], [0, 0, 1]], np.float64)
    size = (max(1, round(width * squeeze)), height)
    return warp(rgb, matrix, size, oversampling=max(1, int(np.ceil(1 / squeeze)))), matrix


def pixel_grid(width: int, height: int) -> Float64:
    """Return (H, W, 2) float64 of every pixel's own (x, y)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    return np.stack([x, y], axis=-1)


def sine_displacement(amplitude: float, wavelength: float) -> Callable[[Float64], Float64]:
    """Return p -> p + a (sin 2πy/λ, sin 2πx/λ), one to one while 2πa/λ < 1."""

    def moved(points: Float64) -> Float64:
        """Return where (…, 2) points go."""
        phase = 2 * np.pi / wavelength
        shift = amplitude * np.stack([np.sin(phase * points[..., 1]), np.sin(phase * points[..., 0])], axis=-1)
        result: Float64 = points + shift
        return result

    return moved


def inverse_of(function: Callable[[Float64], Float64], points: Float64, *, rounds: int = 60) -> Float64:
    """Return q with function(q) = points by fixed-point iteration (the displacement must be a contraction)."""
    guess = points.copy()
    for _ in range(rounds):
        guess = points - (function(guess) - guess)
    return guess


def seen(places: Float64, size: tuple[int, int]) -> Float32:
    """Return a dense map with the places outside an image of ``size`` (width, height) set to NaN."""
    known = inside(places, size).reshape(places.shape[:-1])
    return np.where(known[..., None], places, np.nan).astype(np.float32)


def remap(rgb: UInt8, places: Float64) -> UInt8:
    """Return the picture whose pixel shows ``rgb`` at ``places`` ((H, W, 2), bicubic)."""
    at = places.astype(np.float32)
    return np.asarray(
        cv2.remap(rgb, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


# ------------------------------------------------------------------------------ photometric


def exposure(rgb: UInt8, *, gain: float = 1.0, gamma: float = 1.0) -> UInt8:
    """Return 255 (gain v / 255)^gamma."""
    values = np.clip(gain * np.arange(256) / 255, 0, 1) ** gamma * 255
    return as_uint8(values)[rgb]


def negative(rgb: UInt8) -> UInt8:
    """Return 255 - v."""
    return np.asarray(255 - rgb, np.uint8)


def noisy(rgb: UInt8, *, sigma: float, seed: int) -> UInt8:
    """Return the picture with independent Gaussian noise of ``sigma`` grey levels."""
    noise = np.random.default_rng(seed).normal(0, sigma, rgb.shape)
    return as_uint8(rgb + noise)


def blurred(rgb: UInt8, *, sigma: float) -> UInt8:
    """Return the picture under a Gaussian of ``sigma`` pixels."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)


def jpeg(rgb: UInt8, *, quality: int) -> UInt8:
    """Return the picture after JPEG compression at ``quality`` (0 to 100)."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None, "what was just encoded can be decoded"
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def shadowed(rgb: UInt8, *, outline: npt.ArrayLike, factor: float, softness: float = 2.0) -> UInt8:
    """Return the picture with a cast shadow: inside ``outline`` (in shares of the size) light times ``factor``."""
    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    polygon = np.rint(np.asarray(outline, np.float64) * (width, height)).astype(np.int32)
    cv2.fillPoly(mask, [polygon], 255)
    shade = 1 - (1 - factor) * cv2.GaussianBlur(mask, (0, 0), softness).astype(np.float64) / 255
    return as_uint8(rgb * shade[..., None])
