"""Pictures for the tests of SIFT: real ones, and shapes whose answer is known in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.jobs import run_to_end
from app.locate import photographs
from app.records import UInt8
from app.vision.images import grey8, read_image
from app.vision.sift_records import SiftExplanation, SiftSettings
from app.vision.sift_stages import explain

OXFORD = ("graf", "boat", "leuven")


def camera() -> UInt8:
    """The 512 x 512 cameraman of scikit-image."""
    return grey8(read_image(photographs() / "camera.png").rgb)


def oxford(shared_data: Path, name: str) -> UInt8:
    """The first picture of a sequence of the Oxford affine data set."""
    return grey8(read_image(shared_data / "oxford_affine" / name / "img1.png").rgb)


def explained(grey: UInt8, **settings: float) -> SiftExplanation:
    return run_to_end(explain(grey, SiftSettings(**settings)))


def disk(radius: float, contrast: float = 150, base: float = 50, side: int = 257) -> UInt8:
    """A bright disk in the middle, its rim one pixel soft."""
    y, x = np.mgrid[:side, :side] - side // 2
    share = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return np.rint(base + contrast * share).astype(np.uint8)


def blob(std: float, height: float = 150, base: float = 50, side: int = 257) -> UInt8:
    """A bright Gaussian blob in the middle."""
    y, x = np.mgrid[:side, :side] - side // 2
    return np.rint(base + height * np.exp(-(x**2 + y**2) / (2 * std**2))).astype(np.uint8)


def ramp(degrees: float, side: int = 128, slope: float = 1.0) -> UInt8:
    """Brightness rising evenly towards ``degrees`` clockwise from +x."""
    y, x = np.mgrid[:side, :side] - side // 2
    turn = np.deg2rad(degrees)
    return np.rint(128 + slope * (x * np.cos(turn) + y * np.sin(turn))).clip(0, 255).astype(np.uint8)
