"""Drawn shapes with exact corners, the training of the detector, and how it is judged."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from app import cli
from app.jobs import run_to_end
from app.learning.detector_store import load_detector
from app.learning.superpoint_network import CornerDetector, random_weights
from app.learning.superpoint_training import DetectorSettings, assigned, average_precision, judge, train_superpoint
from app.learning.synthetic_shapes import KINDS, WITHOUT_CORNERS, Shape, _Sheet, shapes_picture


@pytest.mark.parametrize("kind", [*KINDS, "noise", ""])
def test_that_a_picture_is_the_same_for_its_seed_and_its_corners_lie_inside(kind: str) -> None:
    for seed in range(8):
        one, two = shapes_picture(seed, kind), shapes_picture(seed, kind)
        assert one.grey.shape == (120, 160)
        assert (one.grey == two.grey).all()
        assert (one.corners == two.corners).all()
        assert ((one.corners >= 0) & (one.corners <= (159, 119))).all()
        if kind in WITHOUT_CORNERS:
            assert not len(one.corners)
    assert (shapes_picture(1, kind).grey != shapes_picture(2, kind).grey).any()


@pytest.mark.parametrize("kind", ["polygon", "checkerboard", "cube"])
def test_that_corners_are_where_the_grey_levels_vary_in_two_directions(kind: str) -> None:
    """The smaller eigenvalue of the gradient matrix, an oracle that knows nothing of the drawing."""
    import cv2

    at_corners, elsewhere = [], []
    for seed in range(12):
        shapes = shapes_picture(seed, kind, spoil=False)
        strength = cv2.cornerMinEigenVal(shapes.grey, 5)
        for x, y in np.rint(shapes.corners).astype(int):
            if 6 <= x < 154 and 6 <= y < 114:
                window = strength[y - 4 : y + 5, x - 4 : x + 5]
                peak = np.array(np.unravel_index(window.argmax(), window.shape)) - 4
                at_corners.append(np.hypot(*peak))
        elsewhere.append(np.median(strength))
    assert len(at_corners) > 30
    assert np.median(at_corners) <= 2
    assert max(elsewhere) < 1e-6


def test_that_a_square_is_drawn_where_its_corners_say() -> None:
    """The mean of a filled area's pixels is the mean of its outline: drawn pixels are quarters."""
    square = np.array([[-10.0, -8.0], [10, -8], [10, 8], [-10, 8]])
    for seed in range(5):
        sheet = _Sheet(np.random.default_rng(seed), (160, 120))
        corners = sheet.draw(Shape([(square, 0)], square))
        assert corners is not None, "nothing was there yet"
        if ((corners > 2) & (corners < (157, 117))).all():
            break
    weight = np.abs(sheet.picture() - np.median(sheet.picture()))
    y, x = np.mgrid[:120, :160]
    middle = corners.mean(axis=0)
    assert ((weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()) == pytest.approx(
        tuple(middle), abs=0.15
    )


def test_that_few_steps_of_training_lower_the_loss_and_one_thread_repeats_it() -> None:
    settings = DetectorSettings(steps=14, batch=2, seed=3)
    told: list[int] = []
    one = run_to_end(train_superpoint(settings), lambda p: told.append(int(p.done)))
    two = run_to_end(train_superpoint(settings))
    assert one.losses[0] == pytest.approx(math.log(65), abs=0.1)
    assert one.losses[-1] < one.losses[0] - 0.3
    assert sorted(set(told)) == list(range(14))
    for name, value in one.weights.items():
        np.testing.assert_array_equal(value, two.weights[name])


def test_that_a_training_can_be_stopped_and_leaves_the_threads_as_they_were() -> None:
    import torch

    before = torch.get_num_threads()
    job = train_superpoint(DetectorSettings(steps=50, batch=1, threads=1))
    for _ in range(4):
        next(job)
    job.close()
    assert torch.get_num_threads() == before


def test_that_each_corner_is_found_once() -> None:
    right, distance = assigned(np.array([[10, 10], [11, 10], [50, 50], [30, 30]]), np.array([[10.0, 12.0], [30, 34]]))
    assert right.tolist() == [True, False, False, False]
    assert distance[0] == 2
    assert distance[3] == 4
    assert not assigned(np.zeros((2, 2)), np.zeros((0, 2)))[0].any()


def test_the_average_precision_of_known_lists() -> None:
    assert average_precision([0.9, 0.8], [True, True], 2) == 1
    assert average_precision([0.9, 0.8, 0.7], [False, True, True], 2) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert average_precision([0.9], [True], 4) == 0.25
    assert math.isnan(average_precision([], [], 0))
    found = run_to_end(judge(CornerDetector(random_weights()), 2))
    assert found.average_precision < 0.1


def test_that_the_command_writes_a_detector_with_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tiny.safetensors"
    assert cli.main(["detector", "--steps", "2", "--batch", "1", "--out", str(out)]) == 0
    card, _ = load_detector(out)
    assert card.settings["steps"] == 2
    assert card.command.startswith("detector --steps 2")
    assert "average precision" in capsys.readouterr().out
    assert cli.main(["detector", "--steps", "none", "--out", str(out)]) == 2
    assert cli.main(["detector", "--out", str(tmp_path / "x.pt")]) == 2
