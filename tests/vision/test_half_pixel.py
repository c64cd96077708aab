"""The half-pixel rule: corners stay corners, there and back is where it began, one rule for one point and for many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.records import Keypoints, WorkingImage
from app.vision.half_pixel import all_to_original, all_to_working, to_original, to_working

places = st.floats(-100, 5000)
scales = st.floats(1, 20)


def test_that_corners_stay_corners_and_centres_of_pixels_do_not() -> None:
    assert to_original((-0.5, -0.5), (2.0, 3.0)) == (-0.5, -0.5)
    assert to_original((9.5, 4.5), (2.0, 3.0)) == (19.5, 14.5)
    assert to_original((0.0, 0.0), (2.0, 3.0)) == (0.5, 1.0)
    assert to_working((0.5, 1.0), (2.0, 3.0)) == (0.0, 0.0)


@given(places, places, scales, scales)
def test_that_there_and_back_is_where_it_began(x: float, y: float, across: float, down: float) -> None:
    scale = (across, down)
    assert to_original(to_working((x, y), scale), scale) == pytest.approx((x, y), abs=1e-9)
    many = np.array([(x, y), (y, x)])
    assert all_to_original(many, scale)[0].tolist() == list(to_original((x, y), scale))
    assert all_to_working(many, scale)[0].tolist() == list(to_working((x, y), scale))


def test_that_keypoints_go_the_same_way_and_none_is_none() -> None:
    work = WorkingImage("", np.zeros((4, 6), np.uint8), (2.5, 1.25))
    xy = np.array([[3, 2], [0.25, 1.5]], np.float32)
    np.testing.assert_array_equal(
        work.to_original(Keypoints.at(xy)).xy, all_to_original(xy, work.scale).astype(np.float32)
    )
    assert all_to_original(np.empty((0, 2)), (2, 2)).shape == (0, 2)
    assert all_to_working(np.empty((0, 2)), (2, 2)).shape == (0, 2)
