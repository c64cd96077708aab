from __future__ import annotations

import numpy as np
import pytest

from app.jobs import run_to_end
from app.records import Keypoints
from app.vision import reversal
from app.vision.detect import SiftDetect, detect_sift
from app.vision.images import grey8
from app.vision.photographs import photograph


@pytest.mark.parametrize("name", ["camera", "coffee"])
def test_that_a_negative_only_permutes_the_descriptor(name: str) -> None:
    grey = grey8(photograph(name))
    keypoints = detect_sift(grey, SiftDetect(count=40))
    for row in range(0, len(keypoints), 8):
        found = run_to_end(reversal.reverse_at(grey, keypoints.take([row])))
        assert found.upright.after == 0
        assert found.own.after <= 1.5  # rounding alone: at most 1.42 of 512 was seen
        assert found.upright.before > 100
        assert found.own.negative_angle == pytest.approx((found.own.angle + 180) % 360)


def test_that_the_permutations_are_their_own_inverse_and_differ() -> None:
    descriptor = np.arange(128.0).reshape(4, 4, 8)
    for change in (reversal.rolled_bins, reversal.reversed_cells):
        assert not np.array_equal(change(descriptor), descriptor)
        assert np.array_equal(change(change(descriptor)), descriptor)
    assert reversal.rolled_bins(descriptor)[0, 0, 4] == 0
    assert reversal.reversed_cells(descriptor)[3, 3, 0] == 0


def test_that_exactly_one_keypoint_is_asked_for() -> None:
    with pytest.raises(ValueError, match="expected 1"):
        run_to_end(reversal.reverse_at(np.zeros((20, 20), np.uint8), Keypoints.empty()))
