"""Where patches were cut: kept from the keypoint to the held-out part, on disk, and into the open pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data as pictures
from train_parts import Lab

from app.jobs import run_to_end
from app.learning.pair_data import pair_patches
from app.learning.patch_data import LONGEST_SIDE, WarpSettings, warped_patches
from app.learning.patch_set import PatchSet, load_patches, save_patches, split
from app.pairs import builtin, load
from app.records import Selection
from app.ui.train import places
from app.ui.train.sources import DataPlan, Prepared
from app.ui.train.state import DataState
from app.vision.geometry import transform

FEW = WarpSettings(views=2, points=40)


def test_all_views_of_a_point_have_one_place_in_the_photograph() -> None:
    grey = np.asarray(pictures.camera()[:300, :400])
    found = run_to_end(warped_patches([("camera", grey)], FEW))
    assert len(found) > 20
    for point in np.unique(found.point):
        assert np.ptp(found.place[found.point == point], axis=0).max() == 0
    assert (found.place >= 0).all()
    assert (found.place[:, 0] < 400).all()
    assert (found.place[:, 1] < 300).all()


def test_places_are_in_pixels_of_the_photograph_itself() -> None:
    small = np.asarray(pictures.camera())
    large = small.repeat(3, axis=0).repeat(3, axis=1)  # 1536 pixels: reduced to 768 before detection
    assert max(large.shape) > LONGEST_SIDE
    found = run_to_end(warped_patches([("camera", large)], FEW))
    assert found.place.max() > 1.2 * LONGEST_SIDE
    assert found.place.max() < max(large.shape)


def test_places_survive_splitting_and_the_disk(tmp_path: Path) -> None:
    found = run_to_end(warped_patches([("camera", np.asarray(pictures.camera()[:300, :400]))], FEW))
    kept, held = split(found, 0.3, 0)
    assert len(kept) + len(held) == len(found)
    whole = {tuple(row) for row in found.place.tolist()}
    assert {tuple(row) for row in held.place.tolist()} <= whole
    save_patches(tmp_path / "p.safetensors", found, "here")
    again = load_patches(tmp_path / "p.safetensors", "here")
    assert again is not None
    np.testing.assert_array_equal(again.place, found.place)


def test_a_set_without_places_says_so() -> None:
    plain = PatchSet("s", np.zeros((2, 8, 8), np.uint8), np.zeros(2, np.int32), np.zeros(2, np.int32), ("a",))
    assert np.isnan(plain.place).all()
    assert plain.place.shape == (2, 2)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    ref = builtin()[0]
    data = run_to_end(pair_patches(load(ref)))
    return Prepared(DataPlan(DataState(source="pair"), FEW, ref), 0, data, split(data, 0.2, 0)[1], (), 3.0)


def test_places_of_a_pair_are_where_its_truth_says(prepared: Prepared) -> None:
    truth = load(builtin()[0]).truth
    assert truth.homography is not None
    left, right = prepared.patches.place[::2].astype(float), prepared.patches.place[1::2].astype(float)
    assert np.hypot(*(transform(truth.homography, left) - right).T).max() <= 2.0


def test_a_patch_becomes_a_selection_and_comes_back(prepared: Prepared) -> None:
    ref = prepared.plan.ref
    rows = np.arange(len(prepared.held_out))
    for row in (0, 1, 6, 7):
        chosen = places.selection_of(prepared, row, ref)
        assert chosen is not None
        assert chosen.side == ("right" if row % 2 else "left")
        assert chosen.partner == tuple(float(v) for v in prepared.held_out.place[row ^ 1])
        again = places.row_at(prepared, rows, chosen, ref)
        np.testing.assert_array_equal(prepared.held_out.place[again], prepared.held_out.place[row])
    assert places.row_at(prepared, rows, Selection("left", -500.0, 0.0), ref) == -1


def test_another_pair_has_no_places_here(prepared: Prepared) -> None:
    assert places.selection_of(prepared, 0, builtin()[1]) is None
    assert places.row_at(prepared, np.arange(3), Selection("left", 1.0, 1.0), builtin()[1]) == -1


@pytest.mark.parametrize("key", ["embedding", "margin", "cost"])
def test_that_the_column_beside_a_chart_grows_with_the_letters(lab: Lab, key: str) -> None:
    page = lab.open(key)
    (column, units), *_ = page._wide
    before = column.width()
    lab.workspace.look.set_presenting(True)
    try:
        assert column.minimumWidth() == lab.workspace.look.px(units) > before
    finally:
        lab.workspace.look.set_presenting(False)
    assert column.minimumWidth() == before
