"""A picture at any zoom: the fast way agrees with an exact warp, at edges and outside them too."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app.vision.pyramid as pyramid
from app.vision.pyramid import Pyramid


def smooth(height: int = 240, width: int = 320) -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 3.0))


@given(
    scale=st.floats(0.05, 3.9),
    x=st.floats(-400.0, 1.0),
    y=st.floats(-300.0, 1.0),
    width=st.integers(1, 200),
    height=st.integers(1, 150),
)
@settings(max_examples=150, deadline=None)
def test_that_the_fast_view_equals_the_warp(scale: float, x: float, y: float, width: int, height: int) -> None:
    picture = smooth()
    # The caller asks for what the picture covers only.
    offset = (max(x, -(320 * scale - 1)), max(y, -(240 * scale - 1)))
    size = (min(width, int(np.ceil(320 * scale + offset[0]))), min(height, int(np.ceil(240 * scale + offset[1]))))
    seen = Pyramid(picture).view(scale, offset, size)
    assert seen.shape == (size[1], size[0], 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "NEAR", -1.0)
        exact = Pyramid(picture).view(scale, offset, size)
    # A tenth of a screen pixel on this picture, and the rounding of two fixed-point interpolations.
    slope = np.abs(np.diff(picture.astype(int), axis=1)).max() / min(scale, 1.0)
    assert np.abs(seen.astype(int) - exact.astype(int)).max() <= 0.1 * slope + 4


def test_that_a_shift_of_half_a_pixel_at_full_size_is_warped() -> None:
    picture = smooth()
    seen = Pyramid(picture).view(1.0, (-10.5, -20.0), (50, 40))
    between = (picture[20:60, 10:60].astype(int) + picture[20:60, 11:61]) / 2
    assert np.abs(seen - between).max() <= 1
