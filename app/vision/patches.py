"""Windows around keypoints: cutting them out, upright or turned and scaled with the keypoint.

What lives here: :func:`cut` and the settings of plain-window matchers. What does not: comparing windows
(``similarity``). May import: records, settings, similarity, numpy and cv2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from app.records import Bool, Descriptors, Features, Float32, Keypoints, UInt8
from app.settings import Settings, choice, flag, number
from app.vision.similarity import standardised, textured

WINDOWS = {str(side): f"{side} x {side} px" for side in (7, 9, 11, 13, 15, 17, 21, 25, 31)}
# cv2.remap takes at most 32,767 rows of output.
MOST_ROWS = 32_000


@dataclass(frozen=True)
class PatchDescribe(Settings):
    """Which window is compared."""

    window: str = choice(
        "17",
        WINDOWS,
        label="Window",
        help=(
            "Side of the square window compared. "
            "Small windows are ambiguous, large ones straddle depth edges and suffer more from rotation and scale."
        ),
    )
    follow: bool = flag(
        False,
        label="Follow keypoint",
        help=(
            "Turn and scale the window with the keypoint's own orientation and size (blobs and ORB corners have them). "
            "This is half of what SIFT adds to plain windows; the other half is the histogram."
        ),
    )
    contrast: float = number(
        2.0,
        0.0,
        50.0,
        0.5,
        label="Least contrast",
        unit="grey",
        help=(
            "Windows whose standard deviation is below this are not matched. "
            "A flat wall looks the same everywhere, and its ZNCC is 0/0."
        ),
    )


def _spacing(keypoints: Keypoints, side: int, *, follow: bool) -> Float32:
    """Return (N, 2, 2) float32: image step per window pixel along its x and y."""
    n = len(keypoints)
    if not follow:
        return np.broadcast_to(np.eye(2, dtype=np.float32), (n, 2, 2))
    # SIFT's own support is about 6 sizes wide; a keypoint of a plain corner keeps one pixel per pixel at size 5.
    angle = np.deg2rad(np.nan_to_num(keypoints.angle, nan=0.0))
    scale = np.where(np.isnan(keypoints.angle), 1.0, np.maximum(keypoints.size * 6 / side, 0.5))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1).astype(np.float32)


def cut(grey: UInt8, keypoints: Keypoints, *, side: int, follow: bool = False) -> tuple[Float32, Bool]:
    """Return the windows of the keypoints and which of them lie wholly inside the image.

    Args:
        grey: (h, w) uint8.
        keypoints: N, in pixels of ``grey``; may be empty.
        side: odd window side in pixels.
        follow: turn and scale windows with keypoints that have an angle (to 6 times their size).

    Returns:
        (N, side, side) float32 grey levels, bilinear between pixels (exact at whole ones), edge pixels
        repeated beyond the border; and (N,) bool.
    """
    n = len(keypoints)
    step = _spacing(keypoints, side, follow=follow)
    axis = np.arange(side, dtype=np.float32) - side // 2
    raster = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    places = np.einsum("nij,pj->npi", step, raster) + keypoints.xy[:, None, :]
    height, width = grey.shape
    x, y = places[..., 0], places[..., 1]
    inside: Bool = ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).all(axis=1)
    windows = np.empty((n, side, side), np.float32)
    source = grey.astype(np.float32)
    for start in range(0, n, MOST_ROWS // side):
        part = slice(start, start + MOST_ROWS // side)
        where = [np.ascontiguousarray(v[part].reshape(-1, side)) for v in (x, y)]
        taken = cv2.remap(source, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        windows[part] = np.asarray(taken).reshape(-1, side, side)
    return windows, inside


def describe_windows(
    grey: UInt8, keypoints: Keypoints, settings: PatchDescribe, *, measure: Literal["ssd", "zncc"]
) -> Features:
    """Return the grey windows as descriptors; keypoints with cut-off or flat windows are dropped.

    ``ssd``: raw grey levels, Euclidean distance = square root of the SSD. ``zncc``: standardised windows,
    Euclidean distance = sqrt(2 (1 - ZNCC)), from 0 to 2.
    """
    side = int(settings.window)
    windows, inside = cut(grey, keypoints, side=side, follow=settings.follow)
    rows = windows.reshape(len(keypoints), side * side)
    # Without a least contrast SSD may compare flat windows; ZNCC never can.
    least = settings.contrast
    keep = inside & (textured(rows, least=least) if measure == "zncc" or least else True)
    rows = rows[keep]
    return Features(keypoints.take(keep), Descriptors(standardised(rows) if measure == "zncc" else rows))
