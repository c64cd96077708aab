"""Patches pasted by layer: identities, a nested loop as oracle, the control, and pictures that are too small."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from samples import done
from test_layer_maps import noise, shipped

from app.jobs import Progress
from app.learning.layer_maps import fitted, layer_maps, random_layers
from app.learning.reconstruction import (
    Cells,
    cells_of,
    nearest_cells,
    pasted,
    reach_of,
    reconstruct,
    rms_error,
    together,
    uniform_places,
)
from app.learning.towers import PLANS
from app.records import UserError
from app.vision.images import grey8, reduced
from app.vision.photographs import photograph

LAYERS = shipped("default")


def picture(name: str, side: int = 120) -> np.ndarray:
    return grey8(reduced(photograph(name), side))


def test_that_the_picture_in_its_own_database_comes_back_exactly() -> None:
    grey = picture("coffee")
    study = done(reconstruct(grey, (picture("chelsea"), grey), LAYERS))
    assert [layer.name for layer in study.layers] == [f"conv {n}" for n in range(1, 6)]
    for layer in study.layers:
        if layer.layer.side >= study.tile:
            assert layer.error[1] == 0
            covered = np.isfinite(layer.pasted[1])
            assert (layer.pasted[1][covered] == grey[covered]).all()
            assert (layer.picture[:, 0] == 1).all()
            assert (layer.xy[:, 0] == study.centres).all()
        assert layer.error[5] > 1  # averaging with what only resembles it blurs
        assert detail(layer.pasted[5]) < detail(layer.pasted[1])


def detail(made: np.ndarray) -> float:
    return float(np.nanmean(np.square(np.diff(made, axis=1))))


def test_that_more_patches_blur_more() -> None:
    grey = picture("astronaut")
    ks = (1, 2, 4, 8, 16)
    for layer in done(reconstruct(grey, (grey,), LAYERS, ks=ks)).layers:
        errors, details = [layer.error[k] for k in ks], [detail(layer.pasted[k]) for k in ks]
        assert errors == sorted(errors)
        # The first layer sees 5 pixels and may find sharper patches than the place's own: by a thousandth.
        assert all(after < 1.01 * before for before, after in pairwise(details))
        assert details[-1] < 0.9 * details[0]


def test_that_leaving_the_picture_out_of_the_database_raises_the_error() -> None:
    grey, other = picture("coffee"), picture("chelsea")
    with_it, without = (done(reconstruct(grey, pictures, LAYERS)) for pictures in ((grey, other), (other,)))
    for one, two in zip(with_it.layers, without.layers, strict=True):
        for k in (1, 5):
            assert two.error[k] > one.error[k] + 5


def test_that_the_order_of_the_database_does_not_matter() -> None:
    grey, one, two = picture("coffee"), picture("chelsea"), picture("astronaut")
    first, second = (done(reconstruct(grey, pictures, LAYERS)) for pictures in ((one, two), (two, one)))
    for here, there in zip(first.layers, second.layers, strict=True):
        assert (here.picture == 1 - there.picture).all()
        assert (here.xy == there.xy).all()
        assert np.array_equal(here.pasted[5], there.pasted[5], equal_nan=True)


def test_that_trained_layers_keep_the_place_random_ones_less_and_the_control_none() -> None:
    """The point of the figure, on a second view of the same thing."""
    from app.vision import builtin
    from app.vision.images import working_image

    pair = builtin.make(next(ref for ref in builtin.REFS if ref.recipe == "coffee"))
    left, right = (working_image(image, 160).grey for image in (pair.left, pair.right))
    trained = done(reconstruct(left, (right,), LAYERS)).layers
    untrained = done(reconstruct(left, (right,), random_layers(PLANS["fast"]))).layers
    for layer, most in zip(trained[1:], (0.7, 0.6, 0.6, 0.6), strict=True):
        assert layer.error[1] < most * layer.control_error[1]
    assert trained[-1].error[1] < 0.8 * untrained[-1].error[1] < trained[-1].control_error[1]


def test_against_a_nested_loop_over_all_cells_and_pixels() -> None:
    grey, other = picture("coffee", 56), picture("chelsea", 48)
    study = done(reconstruct(grey, (grey, other), LAYERS, ks=(3,)))
    reach = reach_of(LAYERS, 4)
    assert reach == 14
    for index, layer in enumerate(study.layers):
        mine, theirs = done(layer_maps(grey, LAYERS))[index], done(layer_maps(other, LAYERS))[index]
        cells = []
        for number, (maps, shape) in enumerate(((mine, grey.shape), (theirs, other.shape))):
            for i in range(maps.values.shape[0]):
                for j in range(maps.values.shape[1]):
                    x, y = j * maps.jump, i * maps.jump
                    if 14 <= x < shape[1] - 14 and 14 <= y < shape[0] - 14:
                        cells.append((number, x, y, maps.values[i, j].astype(float)))
        want = np.full(grey.shape, np.nan)
        for y in range(16, grey.shape[0] - 14, 4):
            for x in range(16, grey.shape[1] - 14, 4):
                own = mine.values[y // mine.jump, x // mine.jump].astype(float)
                near = sorted(
                    range(len(cells)),
                    key=lambda c: -(own @ cells[c][3]) / np.sqrt((own @ own) * (cells[c][3] @ cells[c][3])),
                )[:3]
                total = np.zeros((4, 4))
                for c in near:
                    number, u, v, _ = cells[c]
                    total += (grey, other)[number][v - 2 : v + 2, u - 2 : u + 2]
                want[y - 2 : y + 2, x - 2 : x + 2] = total / 3
        np.testing.assert_allclose(layer.pasted[3], want, rtol=1e-6)
        squares = [(want[i, j] - float(grey[i, j])) ** 2 for i, j in np.argwhere(np.isfinite(want))]
        assert layer.error[3] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-6)


def cells(features: np.ndarray) -> Cells:
    n = len(features)
    return Cells(np.asarray(features, np.float64), np.zeros(n, np.int32), np.zeros((n, 2), np.int32))


def test_that_the_search_is_exact_also_among_cells_that_are_nearly_equal() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=(6, 8))
    rows = np.repeat(base, 40, axis=0) + 1e-9 * rng.normal(size=(240, 8)) * (np.arange(240) % 3)[:, None]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = done(nearest_cells(cells(rows), cells(rows), 4))
    for index, row in enumerate(rows):
        values = rows @ row
        want = np.lexsort((np.arange(240), -values))[:4]
        assert found.row[index].tolist() == want.tolist()
        np.testing.assert_allclose(found.cosine[index], values[want], rtol=1e-15)


def test_that_fewer_come_back_from_a_small_database_and_none_from_an_empty_one() -> None:
    rows = np.eye(3)
    assert done(nearest_cells(cells(rows), cells(rows[:2]), 5)).row.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert done(nearest_cells(cells(rows), cells(rows[:0]), 5)).row.shape == (3, 0)
    assert done(nearest_cells(cells(rows[:0]), cells(rows), 5)).row.shape == (0, 3)


def test_that_border_cells_take_no_part() -> None:
    grey = noise(60, 75)
    maps = done(layer_maps(grey, LAYERS))[-1]
    found = cells_of(maps, (60, 75), reach=14)
    assert found.xy.min(0).tolist() == [16, 16]
    assert found.xy.max(0).tolist() == [60, 44]
    assert (np.diff(found.xy.reshape(8, 12, 2), axis=1) == [4, 0]).all()
    np.testing.assert_allclose(np.linalg.norm(found.features, axis=1), 1)
    assert len(together([found, found])) == 2 * len(found)


def test_that_control_places_lie_in_the_field_and_differ_by_seed() -> None:
    centres = np.array([[2, 2], [50, 30], [97, 57]], np.int32)
    places = uniform_places(centres, 29, 400, (60, 100), 4, 0)
    assert (np.abs(places - centres[:, None]) <= 14).all()
    assert places.min() == 2
    assert places[..., 0].max() == 98
    assert places[..., 1].max() == 58
    assert (np.unique(places[1, :, 0]) == np.arange(36, 65)).all()
    assert (places == uniform_places(centres, 29, 400, (60, 100), 4, 0)).all()
    assert (places != uniform_places(centres, 29, 400, (60, 100), 4, 1)).any()


def test_pasting_and_its_error() -> None:
    patches = np.stack([np.full((2, 4, 4), 10, np.uint8), np.full((2, 4, 4), 20, np.uint8)], axis=1)
    patches[:, 1] += 1
    made = pasted(patches, np.array([[2, 2], [6, 2]], np.int32), (6, 8))
    assert np.isnan(made[4:]).all()
    assert (made[:4] == 15.5).all()
    assert rms_error(made, np.full((6, 8), 12, np.uint8)) == 3.5
    assert np.isnan(rms_error(made[4:], np.zeros((2, 8), np.uint8)))


@pytest.mark.parametrize("size", [(1, 1), (20, 200), (200, 28), (30, 31)])
def test_that_a_picture_smaller_than_the_field_is_told_in_one_sentence(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=rf"{size[1]} × {size[0]} px is too small.*29 px.*at least 31 px"):
        done(reconstruct(noise(*size), (noise(80, 80),), LAYERS))
    with pytest.raises(UserError, match="No picture of the database"):
        done(reconstruct(noise(80, 80), (noise(*size),), LAYERS))


def test_the_smallest_picture_and_a_small_one_beside_a_large_one() -> None:
    assert len(done(reconstruct(noise(31, 31), (noise(31, 31, 1),), LAYERS)).centres) == 1
    study = done(reconstruct(noise(40, 40), (noise(10, 10), noise(60, 60)), LAYERS))
    assert (study.layers[-1].picture == 1).all()


def test_that_a_square_must_suit_the_network() -> None:
    with pytest.raises(UserError, match="multiple of the network's jump of 4 px, not 6 px"):
        done(reconstruct(noise(80, 80), (noise(80, 80),), LAYERS, tile=6))
    for tile in (4, 8, 16):
        study = done(reconstruct(noise(80, 90), (noise(80, 80),), LAYERS, tile=tile))
        assert study.centres.tolist()[0] == [16, 16]
        left, top, width, height = study.covered
        made = np.isfinite(study.layers[0].pasted[1])
        assert made[top : top + height, left : left + width].all()
        assert made.sum() == width * height == tile * tile * len(study.centres)


def test_that_a_flat_picture_gives_numbers() -> None:
    flat = np.full((64, 64), 90, np.uint8)
    for layers in (LAYERS, done(fitted(flat, random_layers(PLANS["fast"])))):
        for layer in done(reconstruct(flat, (flat, noise(64, 64)), layers)).layers:
            assert np.isfinite(layer.error[1])
            assert np.isfinite(layer.nearest.cosine).all()
            assert layer.control_error[5] == 0


def test_that_progress_comes_often_holds_what_is_done_and_can_be_left() -> None:
    grey = picture("coffee", 240)
    job = reconstruct(grey, (picture("chelsea", 240),), LAYERS)
    steps: list[Progress] = []
    for step in job:
        steps.append(step)
        if step.payload is not None and len(step.payload.layers) == 2:
            break
    job.close()
    assert len(steps) > 10
    assert steps[-1].text == "Pasting patches"
    assert [layer.name for layer in steps[-1].payload.layers] == ["conv 1", "conv 2"]


def test_that_the_cell_under_a_pixel_is_the_one_whose_square_holds_it() -> None:
    study = done(reconstruct(noise(60, 60), (noise(60, 60),), LAYERS))
    for index, (x, y) in enumerate(study.centres.tolist()):
        for dx in (-2, 1):
            for dy in (-2, 1):
                assert study.cell_at(x + dx, y + dy) == index
    assert study.cell_at(-100, -100) == 0


def test_that_no_torch_is_needed() -> None:
    """Importing it would take two seconds before the first picture."""
    code = (
        "import sys; import numpy as np; from app.jobs import run_to_end; from app.learning import reconstruction, "
        "layer_maps, towers; g = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8); "
        "run_to_end(reconstruction.reconstruct(g, (g,), layer_maps.random_layers(towers.PLANS['fast']))); "
        "assert not {'torch', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
