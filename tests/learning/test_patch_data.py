"""Patches from warped photographs: the same seed, the same points, one class for each; batches and their chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.jobs import Progress, run_to_end
from app.learning.patch_data import WarpSettings, make_view, relit, warped_patches
from app.learning.patch_evaluation import patch_numbers
from app.learning.patch_set import PairSampler, PatchSet, check_trainable, load_patches, save_patches, split
from app.learning.run_file import fingerprint
from app.records import UserError
from app.vision.geometry import transform
from app.vision.images import grey8
from app.vision.photographs import photograph

CAT = grey8(photograph("chelsea"))[:260, 60:380]
SETTINGS = WarpSettings(views=3, points=120)


def zncc(patches: np.ndarray) -> np.ndarray:
    """Patches as unit vectors whose mean is zero."""
    rows = patches.reshape(len(patches), -1).astype(np.float32)
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def warped() -> PatchSet:
    return run_to_end(warped_patches([("cat", CAT), ("wall", np.full((90, 90), 128, np.uint8))], SETTINGS))


def test_that_every_point_has_patches_that_belong_together(warped: PatchSet) -> None:
    assert warped.frames
    assert warped.notes == ("No point was found in wall.",)
    counts = np.bincount(warped.point)
    assert counts.min() >= 2
    assert counts.max() <= 4
    assert warped.classes == len(counts) >= 20
    first = np.flatnonzero(np.diff(warped.point, prepend=-1))

    found = patch_numbers(zncc, warped.patches[first], warped.patches[first + 1], warped.scene[first])
    assert found.fpr95 < 0.3  # plain windows tell most of them apart: the truth is right
    assert found.rank1 > 0.5


def test_that_the_seed_decides_everything(warped: PatchSet) -> None:
    again = run_to_end(warped_patches([("cat", CAT)], SETTINGS))
    assert np.array_equal(again.patches, warped.patches)
    assert np.array_equal(again.point, warped.point)
    many = [("cat", CAT), ("turned", np.ascontiguousarray(CAT[::-1])), ("part", np.ascontiguousarray(CAT[:150]))]
    alone, beside = (run_to_end(warped_patches(many, SETTINGS, workers=workers)) for workers in (1, 3))
    assert fingerprint(alone) == fingerprint(beside)
    assert alone.scenes == beside.scenes
    assert np.array_equal(alone.place, beside.place)
    other = run_to_end(warped_patches([("cat", CAT)], WarpSettings(views=3, points=120, seed=1)))
    assert len(other) != len(warped) or not np.array_equal(other.patches, warped.patches)


def test_that_cutting_says_which_view_it_is_at_and_moves_within_a_photograph() -> None:
    seen: list[Progress] = []
    run_to_end(warped_patches([("cat", grey8(photograph("chelsea")))], WarpSettings(views=12)), seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert max(done) > 0  # of the only photograph, before it ended
    assert {progress.total for progress in seen} == {1}
    assert any(", view " in progress.text and progress.text.endswith(" of 12") for progress in seen)
    assert all(progress.text.startswith("Cutting patches of cat") for progress in seen)


def test_that_both_spans_are_points_of_their_own(warped: PatchSet) -> None:
    both = run_to_end(warped_patches([("cat", CAT)], WarpSettings(views=3, points=120, spans="3+6")))
    assert np.array_equal(both.patches[: len(warped)], warped.patches)
    assert len(warped) < len(both)
    assert both.classes > warped.classes


def test_that_a_view_shows_the_picture_where_its_homography_says() -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        picture = np.zeros((120, 160), np.uint8)
        picture[50:71, 70:91] = 255  # a square around (80, 60)
        view, homography = make_view(picture, 0.1, rng)
        place = transform(homography, [[80.0, 60.0]])[0]
        if not (5 < place[0] < 155 and 5 < place[1] < 115):
            continue
        values = view.astype(float)
        assert values[round(place[1]), round(place[0])] > values.mean() + values.std()


@pytest.mark.parametrize(("shrink", "smallest"), [(0.0, 1.0), (1.2, 2**-1.2), (2.5, 2**-2.5)])
def test_that_views_shrink_as_far_as_asked(shrink: float, smallest: float) -> None:
    rng = np.random.default_rng(3)
    picture = np.zeros((60, 80), np.uint8)
    scales = [np.linalg.det(make_view(picture, 0.0, rng, shrink=shrink)[1][:2, :2]) ** 0.5 for _ in range(60)]
    assert smallest - 1e-9 <= min(scales) <= 1.2 * smallest
    assert 1.3 < max(scales) <= 2**0.5 + 1e-9


def test_that_large_points_outlive_shrinking() -> None:
    def views_of_a_point(*, by_size: bool) -> float:
        settings = WarpSettings(views=6, points=40, shrink=2.0, by_size=by_size)
        made = run_to_end(warped_patches([("cat", CAT)], settings))
        return len(made) / made.classes

    assert views_of_a_point(by_size=True) > 1.1 * views_of_a_point(by_size=False)


def test_that_misplaced_points_are_less_alike() -> None:
    def alike(jitter: float) -> float:
        made = run_to_end(warped_patches([("cat", CAT)], WarpSettings(views=3, points=120, jitter=jitter)))
        rows, first = zncc(made.patches), np.flatnonzero(np.diff(made.point, prepend=-1))
        return float((rows[first] * rows[first + 1]).sum(1).mean())

    assert alike(0.0) > alike(0.4) + 0.02


def test_that_relit_keeps_type_and_size() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        made = relit(CAT, rng)
        assert made.shape == CAT.shape
        assert made.dtype == np.uint8


def tiny(classes: int = 40, each: int = 3) -> PatchSet:
    rng = np.random.default_rng(0)
    point = np.repeat(np.arange(classes), each)
    return PatchSet("tiny", rng.integers(0, 256, (len(point), 8, 8), np.uint8), point, point // 8, ("s",) * 5, True)


def test_that_batches_hold_two_different_patches_of_different_points() -> None:
    data = tiny()
    sampler = PairSampler(data, 16, np.random.default_rng(0))
    for _ in range(50):
        points, first, second = sampler.rows()
        assert len(set(points.tolist())) == 16
        assert (first != second).all()
        assert (data.point[first] == data.point[second]).all()
    assert sampler.points == 40


def test_that_few_classes_are_drawn_several_times_each() -> None:
    data = tiny(5, 12)
    sampler = PairSampler(data, 20, np.random.default_rng(0))
    assert sampler.batches == 1
    for _ in range(20):
        points, first, second = sampler.rows()
        assert np.bincount(points).tolist() == [4] * 5
        assert (first != second).all()
        assert (data.point[first] == data.point[second]).all()
        assert len(set(first.tolist()) | set(second.tolist())) == 40  # every patch at most once
    two = PairSampler(tiny(2, 2), 6, np.random.default_rng(0))
    _, first, second = two.rows()
    assert (first != second).all()


def test_that_batches_follow_the_seed_and_augment_both_sides_alike() -> None:
    data = tiny(40, 2)
    draws = [PairSampler(data, 8, np.random.default_rng(5)).draw() for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*draws, strict=True))
    plain = PairSampler(data, 8, np.random.default_rng(5), augment=False)
    _, first, second = plain.rows()
    _, left, right = PairSampler(data, 8, np.random.default_rng(5)).draw()
    changes = {
        (m, n): (lambda p, m=m, n=n: _changed(p.astype(np.float32), mirror=m, negative=n))
        for m in (0, 1)
        for n in (0, 1)
    }
    seen = set()
    for row in range(8):
        fits = [
            key
            for key, change in changes.items()
            if np.array_equal(change(data.patches[first[row]]), left[row])
            and np.array_equal(change(data.patches[second[row]]), right[row])
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert len(seen) > 1


def _changed(patch: np.ndarray, *, mirror: int, negative: int) -> np.ndarray:
    if mirror:
        patch = patch[::-1]
    return 255 - patch[::-1, ::-1] if negative else patch


def test_that_a_split_shares_no_scene() -> None:
    part, kept = split(tiny(), 0.2, 0)
    assert not set(part.scene.tolist()) & set(kept.scene.tolist())
    assert len(part) + len(kept) == 120
    few = PatchSet("few", tiny().patches, tiny().point, np.zeros(120, np.int32), ("s",))
    part, kept = split(few, 0.1, 0)
    assert not set(part.point.tolist()) & set(kept.point.tolist())


def one(patches: np.ndarray, point: list[int]) -> PatchSet:
    return PatchSet("it", patches, np.array(point, np.int32), np.zeros(len(point), np.int32), ("s",))


def test_that_untrainable_sets_are_refused_in_one_sentence() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    for data, batch, words in (
        (one(noise[:0], []), 2, "no patches"),
        (one(noise, [0] * 6), 2, "one class"),
        (one(noise, [0, 1, 2, 3, 4, 5]), 2, "only once"),
        (one(noise, [0, 0, 0, 0, 0, 1]), 2, "only one point twice"),
        (one(noise, [0, 0, 1, 1, 2, 2]), 8, "3 different matching pairs, the batch needs 8"),
        (one(np.full((6, 8, 8), 9, np.uint8), [0, 0, 1, 1, 2, 2]), 2, "are equal"),
    ):
        with pytest.raises(UserError, match=words):
            check_trainable(data, batch)
    check_trainable(one(noise, [0, 0, 1, 1, 2, 2]), 3)


def test_that_a_saved_set_comes_back_only_for_what_it_was_made_of(tmp_path: Path) -> None:
    data, path = tiny(), tmp_path / "p.safetensors"
    save_patches(path, data, "this")
    found = load_patches(path, "this")
    assert found is not None
    assert np.array_equal(found.patches, data.patches)
    assert (found.name, found.scenes, found.frames) == (data.name, data.scenes, data.frames)
    assert load_patches(path, "that") is None
    assert load_patches(tmp_path / "none", "this") is None
    path.write_bytes(b"torn")
    assert load_patches(path, "this") is None
