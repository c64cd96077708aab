"""Repeatability: identity, symmetry, the chance floor, and points that one picture alone can see."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.records import ImagePair, Keypoints, PairRef, Truth
from app.vision.images import make_image
from app.vision.repeatability import decidable, repeatability

SIZE = (320, 240)


def pair_of(homography: np.ndarray | None) -> ImagePair:
    image = make_image(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), "flat")
    return ImagePair(PairRef("files", "flat", "a", "b"), image, image, Truth(homography=homography))


def points(seed: int, n: int = 300) -> Keypoints:
    rng = np.random.default_rng(seed)
    return replace(Keypoints.at(rng.uniform((0, 0), SIZE, (n, 2)) - 0.5), response=rng.random(n).astype(np.float32))


def test_that_the_same_points_all_recur() -> None:
    found = repeatability({"a": (points(0), points(0))}, pair_of(np.eye(3)), (3, 3))
    assert found.share["a"] == 1
    assert found.count == 300


def test_that_random_points_recur_as_often_as_the_formula_says() -> None:
    shares = []
    for seed in range(40):
        found = repeatability({"random": (points(seed), points(1000 + seed))}, pair_of(np.eye(3)), (3, 3))
        shares.append(found.share["random"])
        assert found.chance == pytest.approx(0.105, abs=5e-4)
    # Points near the rim have part of their circle outside: a little less than the formula.
    assert np.mean(shares) == pytest.approx(0.105, abs=0.006)


def test_that_it_does_not_matter_which_picture_comes_first() -> None:
    shift = np.array([[1, 0, 40], [0, 1, -25], [0, 0, 1.0]])
    one, two = points(1, 200), points(2, 150)
    there = repeatability({"a": (one, two)}, pair_of(shift), (3, 3))
    back = repeatability({"a": (two, one)}, pair_of(np.linalg.inv(shift)), (3, 3))
    assert there.share["a"] == pytest.approx(back.share["a"])
    assert there.chance == pytest.approx(back.chance, rel=0.02)


def test_that_only_what_both_see_counts_and_all_have_as_many() -> None:
    shift = np.array([[1, 0, 160], [0, 1, 0], [0, 0, 1.0]])  # the right half of the left picture is out of sight
    left = points(3, 400)
    moved = replace(left, xy=left.xy + np.float32((160, 0)))
    right = moved.take(np.flatnonzero(moved.xy[:, 0] < 319.5))
    few = points(4, 60)
    found = repeatability({"a": (left, right), "few": (few, few)}, pair_of(shift), (3, 3))
    assert found.share["a"] == 1
    seen = np.count_nonzero(few.xy[:, 0] < 159.5), np.count_nonzero(few.xy[:, 0] > 159.5)
    assert found.count == min(seen)
    area = 160 * 240
    assert found.chance == pytest.approx(1 - math.exp(-found.count * math.pi * 9 / area), rel=0.02)


def test_that_the_points_of_the_strongest_response_are_taken() -> None:
    far = np.array([[10.0 * n, 20] for n in range(10)])
    strength = np.arange(10, dtype=np.float32)
    one = replace(Keypoints.at(far), response=strength)
    moved = far + np.where(strength[:, None] >= 6, 0, (0, 100))  # the weaker ones recur nowhere
    two = replace(Keypoints.at(moved), response=strength)
    assert repeatability({"a": (one, two)}, pair_of(np.eye(3)), (3, 3), most=4).share["a"] == 1
    assert repeatability({"a": (one, two)}, pair_of(np.eye(3)), (3, 3)).share["a"] == pytest.approx(0.4)
    # Of a detector with many points as many are taken as another one has.
    three = one.take([6, 7, 8])
    both = repeatability({"a": (one, two), "few": (three, three)}, pair_of(np.eye(3)), (3, 3))
    assert both.count == 3
    assert both.share["a"] == 1


def test_that_nothing_is_said_of_nothing() -> None:
    found = repeatability({"a": (Keypoints.empty(), points(0))}, pair_of(np.eye(3)), (3, 3))
    assert found.count == 0
    assert math.isnan(found.share["a"])
    assert math.isnan(found.chance)
    assert decidable(pair_of(np.eye(3)).truth)
    assert not decidable(pair_of(None).truth)
