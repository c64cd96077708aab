"""Patches of one pair with truth: right partners, each keypoint once, and pairs that cannot give any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app import pairs
from app.jobs import run_to_end
from app.learning.pair_data import pair_patches
from app.records import ImagePair, Truth, UserError
from app.vision.images import make_image


def built_in(recipe: str) -> ImagePair:
    return pairs.load(next(ref for ref in pairs.builtin() if ref.recipe == recipe))


@pytest.mark.parametrize("recipe", ["astronaut", "chelsea-warp"])
def test_that_patches_of_a_pair_belong_together(recipe: str) -> None:
    data = run_to_end(pair_patches(built_in(recipe)))
    assert np.bincount(data.point).tolist() == [2] * data.classes
    assert data.classes > 40
    rows = data.patches.reshape(len(data), -1).astype(np.float64)
    rows -= rows.mean(1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    left, right = rows[::2], rows[1::2]
    matching = (left * right).sum(1)
    others = (left * np.roll(right, 1, axis=0)).sum(1)
    assert np.median(matching) > np.median(others) + 0.3
    assert len(np.unique(data.patches[::2].reshape(data.classes, -1), axis=0)) > 0.95 * data.classes


def test_that_a_pair_without_truth_or_structure_says_so() -> None:
    pair = built_in("astronaut")
    with pytest.raises(UserError, match="does not say where each point goes"):
        run_to_end(pair_patches(replace(pair, truth=Truth(fundamental=np.eye(3)))))
    wall = make_image(np.full((120, 120, 3), 90, np.uint8), "wall")
    flat = run_to_end(pair_patches(replace(pair, left=wall, right=wall, truth=Truth(homography=np.eye(3)))))
    assert len(flat) == 0
    assert flat.patches.shape == (0, 32, 32)
