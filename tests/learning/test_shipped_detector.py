"""The detector that comes with the program: its card, its numbers on shapes it never saw, and real pairs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from app import pairs
from app.jobs import run_to_end
from app.learning.detector_store import detector, load_detector, shipped_path
from app.learning.superpoint import find_points
from app.learning.superpoint_training import judge
from app.learning.synthetic_shapes import WITHOUT_CORNERS, shapes_picture
from app.vision.images import grey8
from app.vision.repeatability import repeatability


def test_that_it_is_small_and_fits_its_card() -> None:
    path = shipped_path()
    card, _ = load_detector(path)
    assert path.stat().st_size < 500_000
    assert card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card.command == "detector --out resources/models/detectors/superpoint-mini.safetensors"
    assert "no photograph" in card.data


def test_that_the_numbers_on_its_card_are_reproduced() -> None:
    numbers = load_detector(shipped_path())[0].numbers
    found = run_to_end(judge(detector().network))
    assert found.average_precision == pytest.approx(numbers["held-out shapes, average precision"], abs=2e-3)
    assert found.recall == pytest.approx(numbers["held-out shapes, recall"], abs=2e-3)
    assert found.average_precision > 0.95


@pytest.mark.parametrize("kind", WITHOUT_CORNERS)
def test_that_it_sees_few_corners_where_there_are_none(kind: str) -> None:
    heat = detector().network.heat
    counts = [len(find_points(heat(shapes_picture((1 << 41) + n, kind).grey), 0.3)) for n in range(40)]
    with_corners = [len(find_points(heat(shapes_picture((1 << 41) + n, "polygon").grey), 0.3)) for n in range(40)]
    assert np.mean(counts) < 0.1 * np.mean(with_corners)


@pytest.mark.parametrize(("sequence", "least"), [("graf", 0.5), ("leuven", 0.6)])
def test_that_its_points_recur_in_real_pairs_far_above_chance(shared_data: Path, sequence: str, least: float) -> None:
    ref = pairs.from_folder(shared_data / "oxford_affine" / sequence)[0]
    pair = pairs.load(ref)
    found = []
    for image in (pair.left, pair.right):
        points = find_points(detector().network.heat(grey8(image.rgb)))
        found.append(points.keypoints())
    repeated = repeatability({"own": (found[0], found[1])}, pair, (3.0, 3.0))
    assert repeated.count == 300
    assert repeated.share["own"] > least
    assert repeated.chance < 0.05
