"""Patches cut in the frame of a keypoint: what a descriptor network sees, in training and in matching alike.

What lives here: one cutting rule, byte for byte the same wherever patches are cut. What does not: plain windows
(``patches``) and networks. May import: records, numpy and cv2.

The rule: the patch is turned by the keypoint's angle, its ``side`` pixels span ``span`` times the keypoint's ``size``
(2 sigma), values are bilinear, pixels beyond the border mirror those inside. Where the sampling step exceeds
1.3 pixels, the image is first blurred with a sigma of half the step, or small structure would alias.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from app.records import Bool, Keypoints, UInt8

SIDE = 32
SPAN = 3.0
STEP_WITHOUT_BLUR = 1.3
BLUR_PER_STEP = 0.5


def cut_frames(grey: UInt8, keypoints: Keypoints, *, side: int = SIDE, span: float = SPAN) -> UInt8:
    """Return the patch of every keypoint, (N, side, side) uint8.

    Args:
        grey: (h, w) uint8.
        keypoints: N, in pixels of ``grey``; one without an angle is cut upright. N may be 0.
        side: pixels of a patch's side.
        span: side of the patch in units of the keypoint's size.
    """
    step = keypoints.size.astype(np.float64) * span / side
    angle = np.deg2rad(np.nan_to_num(keypoints.angle.astype(np.float64), nan=0.0))
    return cut_at(grey, keypoints.xy, step, angle, side=side)


def cut_at(grey: UInt8, centre: npt.ArrayLike, step: npt.ArrayLike, angle: npt.ArrayLike, *, side: int = SIDE) -> UInt8:
    """Return patches at given places, (N, side, side) uint8.

    Args:
        grey: (h, w) uint8.
        centre: (N, 2) x, y of the patches' middles in pixels.
        step: (N,) image pixels per patch pixel, > 0.
        angle: (N,) radians from +x towards +y.
        side: pixels of a patch's side.
    """
    places = np.asarray(centre, np.float64).reshape(-1, 2)
    steps, angles = np.asarray(step, np.float64), np.asarray(angle, np.float64)
    patches = np.empty((len(places), side, side), np.uint8)
    for row, (x, y) in enumerate(places):
        patches[row] = _one(grey, float(x), float(y), float(steps[row]), float(angles[row]), side)
    return patches


def _one(grey: UInt8, x: float, y: float, step: float, angle: float, side: int) -> UInt8:
    """Cut one patch from the part of the image around it."""
    sigma = BLUR_PER_STEP * step if step > STEP_WITHOUT_BLUR else 0.0
    # Beyond what is sampled stays what the blur looks at (OpenCV's 8-bit kernel reaches 3 sigma), so that blurring
    # this part gives exactly what blurring the whole image would.
    reach = math.ceil(step * side * math.sqrt(0.5)) + 2 + math.ceil(3 * sigma + 1)
    left, top = max(0, math.floor(x) - reach), max(0, math.floor(y) - reach)
    part = grey[top : math.floor(y) + reach + 2, left : math.floor(x) + reach + 2]
    if part.size == 0:  # a keypoint far outside has nothing around it
        return np.zeros((side, side), np.uint8)
    if sigma:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), sigma), np.uint8)
    cos, sin, middle = step * math.cos(angle), step * math.sin(angle), (side - 1) / 2
    matrix = np.array(
        [
            [cos, -sin, x - left - cos * middle + sin * middle],
            [sin, cos, y - top - sin * middle - cos * middle],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(part, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cut, np.uint8)


def flat(patches: UInt8, *, least: float) -> Bool:
    """Return (N,) whether a patch varies by less than ``least`` grey levels (standard deviation)."""
    result: Bool = patches.std(axis=(1, 2), dtype=np.float32) < least
    return result
