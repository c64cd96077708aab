"""SuperPoint's arithmetic against independent oracles: cells, suppression, losses, adaptation, network and file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from app.jobs import run_to_end
from app.learning import superpoint as sp
from app.learning.adaptation import adapted, random_views
from app.learning.detector_store import DetectorCard, load_detector, save_detector
from app.learning.superpoint_network import MINI, CornerDetector, Plan, folded, make_network, random_weights
from app.records import UserError
from app.vision.geometry import inside, transform

ROWS, COLUMNS = 6, 7


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 3, (65, ROWS, COLUMNS)).astype(np.float32)


# --------------------------------------------------------------------------------- cells


def test_that_the_cells_pixels_and_its_dustbin_sum_to_one(logits: np.ndarray) -> None:
    probabilities = sp.cell_probabilities(logits)
    heat = sp.to_heat(probabilities)
    assert heat.shape == (8 * ROWS, 8 * COLUMNS)
    for i in range(ROWS):
        for j in range(COLUMNS):
            square = heat[8 * i : 8 * i + 8, 8 * j : 8 * j + 8]
            assert square.sum() + probabilities[64, i, j] == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(sp.cell_probabilities(logits + 1e4), sp.cell_probabilities(logits), atol=1e-3)


def test_that_channel_c_is_pixel_8_row_plus_column_and_the_reshape_goes_back() -> None:
    cells = np.arange(65 * ROWS * COLUMNS).reshape(65, ROWS, COLUMNS)
    heat = sp.to_heat(cells)
    for channel, i, j in ((0, 0, 0), (13, 2, 5), (63, 5, 6), (8, 1, 0)):
        assert heat[8 * i + channel // 8, 8 * j + channel % 8] == cells[channel, i, j]
    np.testing.assert_array_equal(sp.to_cells(heat), cells[:64])
    np.testing.assert_array_equal(sp.to_heat(sp.to_cells(heat)), heat)
    with pytest.raises(ValueError, match="not made of cells"):
        sp.to_cells(heat[:-1])


def test_that_a_picture_is_continued_to_whole_cells_and_the_heat_cut_back() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (19, 33), np.uint8)
    whole = sp.padded(grey)
    assert whole.shape == (24, 40)
    assert (whole[:19, :33] == grey).all()
    assert (whole[19:, :33] == grey[-1]).all()
    assert (whole[:, 33:] == whole[:, 32:33]).all()
    assert sp.padded(grey[:16, :32]).shape == (16, 32)


def test_that_labels_name_the_corners_pixel_and_one_corner_per_cell() -> None:
    corners = [(0, 0), (15.4, 9.6), (-1, 3), (24, 1), (23, 15)]
    labels = sp.cell_labels(corners, (24, 16))
    assert labels[0, 0] == 0
    assert labels[1, 1] == 8 * (10 % 8) + 15 % 8
    assert labels[1, 2] == 63
    assert (labels == sp.DUSTBIN).sum() == 6 - 3
    two = {int(sp.cell_labels([(1, 1), (5, 2)], (8, 8), seed)[0, 0]) for seed in range(20)}
    assert two == {9, 21}
    assert (sp.cell_labels(np.zeros((0, 2)), (16, 8)) == 64).all()


def test_that_the_loss_of_equal_logits_is_ln_65_and_torch_agrees(logits: np.ndarray) -> None:
    import torch

    labels = np.random.default_rng(1).integers(0, 65, (ROWS, COLUMNS))
    assert sp.detector_loss(np.full((65, 3, 4), 7.0), np.full((3, 4), 64)) == pytest.approx(math.log(65), abs=1e-12)
    assert pytest.approx(4.174, abs=5e-4) == sp.UNIFORM_LOSS
    peer = torch.nn.functional.cross_entropy(torch.from_numpy(logits)[None], torch.from_numpy(labels)[None])
    assert sp.detector_loss(logits, labels) == pytest.approx(float(peer), rel=1e-5)
    sure = np.zeros((65, 1, 1))
    sure[12] = 1000
    assert sp.detector_loss(sure, np.array([[12]])) == 0
    assert math.isnan(sp.detector_loss(np.zeros((65, 0, 4)), np.zeros((0, 4), np.int64)))


# --------------------------------------------------------------------------- suppression


def by_loops(xy: np.ndarray, confidence: np.ndarray, radius: int) -> list[int]:
    """Greedy suppression as one would write it first."""
    kept: list[int] = []
    for row in sorted(range(len(xy)), key=lambda r: (-confidence[r], r)):
        x, y = round(float(xy[row][0])), round(float(xy[row][1]))
        if all(max(abs(x - round(float(xy[k][0]))), abs(y - round(float(xy[k][1])))) > radius for k in kept):
            kept.append(row)
    return kept


@pytest.mark.parametrize("radius", [0, 1, 4, 9])
def test_that_suppression_equals_two_loops_and_repeats_nothing(radius: int) -> None:
    rng = np.random.default_rng(radius)
    xy = rng.uniform(-3, 40, (300, 2))
    confidence = np.round(rng.random(300), 1)  # many equals
    kept = sp.suppressed(xy, confidence, radius)
    assert kept.tolist() == by_loops(xy, confidence, radius)
    pixels = np.rint(xy[kept])
    gap = np.abs(pixels[:, None] - pixels[None]).max(axis=2)
    assert gap[~np.eye(len(kept), dtype=bool)].min() > radius
    again = sp.suppressed(xy[kept], confidence[kept], radius)
    assert again.tolist() == list(range(len(kept)))


def test_that_confidence_comes_before_suppression_and_the_border_last() -> None:
    heat = np.zeros((40, 40), np.float32)
    heat[20, 20], heat[20, 23], heat[20, 30], heat[2, 20] = 0.5, 0.4, 0.01, 0.9
    points = sp.find_points(heat, 0.015, 4, border=4)
    assert points.xy.tolist() == [[20, 20]]
    assert (points.above, points.apart) == (3, 2)
    assert points.confidence[0] == 0.5
    assert sp.find_points(heat, 0.5, 2, border=0).xy.tolist() == [[20, 2], [20, 20]]  # "at least" the confidence
    assert sp.find_points(heat, 0.015, 2, border=4).xy.tolist() == [[20, 20], [23, 20]]
    rim = np.ones((20, 30), np.float32)
    assert {tuple(p) for p in sp.find_points(rim, 0.5, 0, border=4).xy} == {
        (x, y) for x in range(4, 26) for y in range(4, 16)
    }
    nothing = sp.find_points(np.zeros((9, 9), np.float32))
    assert nothing.xy.shape == (0, 2)
    assert len(nothing) == nothing.above == 0
    assert len(sp.suppressed(np.zeros((0, 2)), np.zeros(0), 4)) == 0


# --------------------------------------------------------------------------- descriptors


def test_that_descriptors_have_unit_length_and_are_the_cells_own_at_their_centres() -> None:
    coarse = np.random.default_rng(5).normal(0, 1, (16, ROWS, COLUMNS)).astype(np.float32)
    centres = sp.cell_centres(ROWS, COLUMNS)
    assert centres[0].tolist() == [3.5, 3.5]
    assert centres[COLUMNS + 2].tolist() == [2 * 8 + 3.5, 8 + 3.5]
    found = sp.sample_descriptors(coarse, centres)
    flat = coarse.reshape(16, -1).T
    np.testing.assert_allclose(found, flat / np.linalg.norm(flat, axis=1, keepdims=True), atol=1e-6)
    anywhere = np.random.default_rng(6).uniform(-5, 60, (50, 2))
    np.testing.assert_allclose(np.linalg.norm(sp.sample_descriptors(coarse, anywhere), axis=1), 1, atol=1e-6)
    assert (sp.sample_descriptors(np.zeros_like(coarse), anywhere) == 0).all()
    assert sp.sample_descriptors(coarse[:, :1, :1], anywhere).shape == (50, 16)


def test_that_sampling_equals_grid_sample_with_half_pixels() -> None:
    import torch

    coarse = np.random.default_rng(7).normal(0, 1, (8, ROWS, COLUMNS)).astype(np.float32)
    xy = np.random.default_rng(8).uniform((4, 4), (8 * COLUMNS - 5, 8 * ROWS - 5), (40, 2))
    share = torch.from_numpy(((xy + 0.5) / (8 * COLUMNS, 8 * ROWS) * 2 - 1).astype(np.float32))[None, None]
    peer = torch.nn.functional.grid_sample(torch.from_numpy(coarse)[None], share, align_corners=False)[0, :, 0].T
    peer = torch.nn.functional.normalize(peer, dim=1).numpy()
    np.testing.assert_allclose(sp.sample_descriptors(coarse, xy), peer, atol=2e-6)


def test_the_cells_that_the_identity_calls_the_same_place() -> None:
    paper = sp.same_place(np.eye(3), ROWS, COLUMNS)
    grid = paper.sum(axis=1).reshape(ROWS, COLUMNS)
    assert np.diag(paper).all()
    assert (grid[1:-1, 1:-1] == 5).all()
    assert grid[0, 0] == 3
    np.testing.assert_array_equal(sp.same_place(np.eye(3), ROWS, COLUMNS, sp.REACH_OPEN), np.eye(ROWS * COLUMNS))
    shifted = np.array([[1, 0, 16], [0, 1, 8], [0, 0, 1.0]])
    s = sp.same_place(shifted, ROWS, COLUMNS, sp.REACH_OPEN)
    assert np.argwhere(s).tolist() == [
        [i * COLUMNS + j, (i + 1) * COLUMNS + j + 2] for i in range(ROWS - 1) for j in range(COLUMNS - 2)
    ]


def test_that_what_lies_behind_the_horizon_is_nowhere() -> None:
    folded = np.array([[1, 0, -60], [0, 1, -40], [-1 / 20, 0, 1.0]])
    centres = sp.cell_centres(8, 8)
    carried = np.column_stack([centres, np.ones(len(centres))]) @ folded.T
    behind = carried[:, 2] < 0
    gap = carried[:, None, :2] / carried[:, None, 2:] - centres[None]
    assert (np.hypot(*np.moveaxis(gap, -1, 0)) <= sp.REACH)[behind].any(), (
        "dividing alone would put some into the picture"
    )
    assert behind.sum() == 5 * 8
    assert not sp.same_place(folded, 8, 8)[behind].any()


def test_that_the_descriptor_loss_is_its_formula_and_zero_at_equality() -> None:
    rng = np.random.default_rng(9)
    left, right = rng.normal(0, 1, (2, 4, 2, 3))
    same = rng.random((6, 6)) < 0.3
    total = 0.0
    for a in range(6):
        for b in range(6):
            dot = float(left[:, a // 3, a % 3] @ right[:, b // 3, b % 3])
            total += 250 * max(0, 1 - dot) if same[a, b] else max(0, dot - 0.2)
    assert sp.descriptor_loss(left, right, same) == pytest.approx(total / 36)
    one = np.zeros((2, 1, 1), np.float32)
    one[0] = 1
    assert sp.descriptor_loss(one, one, np.array([[True]])) == 0
    at_margin = np.array([0.2, math.sqrt(0.96)]).reshape(2, 1, 1)
    assert sp.descriptor_loss(one, at_margin, np.array([[False]])) == 0
    assert sp.descriptor_loss(one, one, np.array([[False]])) == pytest.approx(0.8)


# ---------------------------------------------------------------------------- adaptation


def busy(grey: np.ndarray) -> np.ndarray:
    """A heat map that depends on the picture."""
    return (np.abs(np.gradient(grey.astype(np.float32))[0]) / 255).astype(np.float32)


def test_that_the_identity_alone_gives_the_detectors_own_heat() -> None:
    grey = np.random.default_rng(2).integers(0, 256, (50, 61), np.uint8)
    views = random_views(1, (61, 50))
    assert len(views) == 1
    done = run_to_end(adapted(busy, grey, views))
    np.testing.assert_array_equal(done.heat, busy(grey))
    assert (done.seen == 1).all()
    with pytest.raises(ValueError, match="no view"):
        run_to_end(adapted(busy, grey, []))


def test_that_a_constant_stays_one_where_it_is_seen_and_visibility_is_counted() -> None:
    grey = np.zeros((60, 80), np.uint8)
    views = random_views(12, (80, 60), seed=4)
    done = run_to_end(adapted(lambda g: np.full(g.shape, 0.25, np.float32), grey, views))
    np.testing.assert_allclose(done.heat, 0.25, atol=1e-4)
    y, x = np.mgrid[:60, :80]
    pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
    counts = sum(inside(transform(view, pixels), (80, 60)).astype(int) for view in views).reshape(60, 80)
    assert done.seen.min() >= 1
    assert done.seen.max() == done.views == 12
    # A pixel on the very rim of a view needs its neighbours: the counts differ there alone.
    assert (done.seen <= counts).all()
    assert (done.seen == counts).mean() > 0.8
    away = np.array([[1, 0, 500], [0, 1, 0], [0, 0, 1.0]])
    unseen = run_to_end(adapted(lambda g: np.ones(g.shape, np.float32), grey, [away]))
    assert (unseen.seen == 0).all()
    assert (unseen.heat == 0).all()


def test_that_what_is_found_in_every_view_is_brought_back_to_its_place() -> None:
    grey = np.zeros((96, 128), np.uint8)
    grey[46:51, 60:65] = 255

    done = run_to_end(adapted(lambda view: (view / 255).astype(np.float32), grey, random_views(40, (128, 96), seed=1)))
    y, x = np.mgrid[:96, :128]
    total = done.heat.sum()
    assert ((done.heat * x).sum() / total, (done.heat * y).sum() / total) == pytest.approx((62, 48), abs=0.05)


def test_that_an_average_can_be_gone_on_with() -> None:
    grey = np.random.default_rng(2).integers(0, 256, (50, 61), np.uint8)
    views = random_views(5, (61, 50))
    half = run_to_end(adapted(busy, grey, views[:2]))
    np.testing.assert_array_equal(
        run_to_end(adapted(busy, grey, views, half)).heat, run_to_end(adapted(busy, grey, views)).heat
    )


def test_that_cells_are_counted_whose_best_is_not_the_dustbin(logits: np.ndarray) -> None:
    probabilities = sp.cell_probabilities(logits)
    heat = sp.to_heat(probabilities)
    assert sp.cells_with_points(heat) == (probabilities.argmax(axis=0) != 64).sum()
    assert sp.cells_with_points(heat[:-3, :-2]) <= sp.cells_with_points(heat)
    assert sp.cells_with_points(np.zeros((3, 5), np.float32)) == 0


def test_that_views_are_the_same_for_a_seed_and_longer_lists_begin_alike() -> None:
    few, many = random_views(3, (80, 60), 5), random_views(9, (80, 60), 5)
    np.testing.assert_array_equal(few, many[:3])
    np.testing.assert_array_equal(few[0], np.eye(3))
    assert not np.allclose(random_views(2, (80, 60), 6)[1], few[1])


# ------------------------------------------------------------------------------- network


def test_that_opencv_computes_what_torch_does_for_any_size() -> None:
    import torch

    network = make_network(MINI, 1)
    with torch.no_grad():
        network.train()(torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(0)))  # moves the statistics
    detector = CornerDetector(folded(network.eval()))
    rng = np.random.default_rng(0)
    for shape in ((64, 96), (37, 51), (8, 8), (1, 1)):
        grey = rng.integers(0, 256, shape, np.uint8)
        given = torch.from_numpy(sp.padded(grey)[None, None].astype(np.float32) / 255)
        with torch.no_grad():
            peer = network(given)[0].numpy()
        np.testing.assert_allclose(detector.logits(grey), peer, atol=1e-5)
        assert detector.heat(grey).shape == shape


def test_that_an_untrained_network_knows_nothing() -> None:
    detector = CornerDetector(random_weights(MINI, 2))
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    found = detector.logits(grey)
    assert sp.detector_loss(found, np.full((8, 8), 64)) == pytest.approx(math.log(65), abs=0.02)
    np.testing.assert_allclose(detector.heat(grey), 1 / 65, rtol=0.1)


def test_that_blank_and_tiny_pictures_give_finite_heat() -> None:
    detector = CornerDetector(random_weights())
    for grey in (np.zeros((40, 56), np.uint8), np.full((1, 1), 255, np.uint8), np.zeros((1, 100), np.uint8)):
        heat = detector.heat(grey)
        assert heat.shape == grey.shape
        assert np.isfinite(heat).all()
        assert len(sp.find_points(heat, 0.5)) == 0


def test_that_the_originals_sizes_give_its_parameters_and_the_minis_are_counted() -> None:
    original = Plan((64, 64, 128, 128), 256)
    # Both heads of the original: 1,300,865; its descriptor head is a 3 x 3 to 256 and a 1 x 1 to 256.
    assert original.parameters + (128 * 256 * 9 + 256) + (256 * 256 + 256) == 1_300_865
    assert MINI.parameters == sum(value.size for value in random_weights().values())


def test_that_the_receptive_field_is_what_one_pixel_reaches() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (256, 256), np.uint8)
    detector = CornerDetector(random_weights(MINI, 3))
    before = detector.logits(grey)[:, 16, 16]
    changed = []
    for x in range(60, 210):
        other = grey.copy()
        other[:, x] = 255 - other[:, x]
        changed.append(np.abs(detector.logits(other)[:, 16, 16] - before).max() > 0)
    reached = np.flatnonzero(changed)
    assert reached[-1] - reached[0] + 1 == MINI.receptive_field


# ---------------------------------------------------------------------------------- file


def test_that_a_detector_is_saved_and_read_and_damage_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    weights = random_weights(MINI, 1)
    card = save_detector(path, DetectorCard("", "", "nothing"), weights)
    read, found = load_detector(path)
    assert asdict(read) == asdict(card)
    assert read.name == "mine"
    for name, value in weights.items():
        np.testing.assert_array_equal(found[name], value)
    whole = path.read_bytes()
    for damaged in (whole[:-5], b"", whole[:200], whole[:-4] + b"\0\0\0\1"):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"^[^\n]+\.$"):
            load_detector(path)
    path.unlink()
    with pytest.raises(UserError, match="Cannot read"):
        load_detector(path)


def test_that_weights_of_another_network_or_of_no_numbers_are_refused(tmp_path: Path) -> None:
    other = random_weights(Plan((4, 8, 8, 8), 16))
    with pytest.raises(UserError, match="another network"):
        CornerDetector(other)
    broken = random_weights()
    broken["3.bias"] = broken["3.bias"] * np.float32(np.nan)
    with pytest.raises(UserError, match="not numbers"):
        CornerDetector(broken)
    path = tmp_path / "x.safetensors"
    save_detector(path, DetectorCard("", ""), other)
    with pytest.raises(UserError, match="another network"):
        load_detector(path)
    card = path.with_suffix(".json")
    content = json.loads(card.read_text(encoding="utf-8"))
    content.pop("sha256", None)
    card.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=r"^[^\n]+\.$"):
        load_detector(path)
