"""The scale space against its definition: closed forms, the semigroup, exact windows, the map between pixels."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from app.jobs import run_to_end
from app.records import UserError
from app.vision.scale_levels import blurred, doubled, halved, octave_count
from app.vision.scale_response import (
    LEAST_SIGMA,
    disk_laws,
    gaussian_laws,
    radius_from_dog,
    radius_from_log,
    response_at,
    sigma_grid,
)
from app.vision.scale_space import KEPT_BYTES, ScaleSpace, ScaleSpaceSettings
from tests.vision.sift_pictures import blob, camera, disk, ramp

K3 = 2 ** (1 / 3)
UNBLURRED = ScaleSpaceSettings(blur=0.0)
MIDDLE = 128


def test_that_sigmas_and_increments_are_those_of_lowe() -> None:
    space = ScaleSpace(camera())
    assert [round(space.sigma_in_octave(level), 4) for level in range(6)] == [1.6, 2.0159, 2.5398, 3.2, 4.0317, 5.0797]
    assert [round(v, 4) for v in space.settings.increments()] == [1.2263, 1.5450, 1.9466, 2.4525, 3.0900]
    assert space.sigma(-1, 3) == space.sigma(0, 0) == pytest.approx(1.6)
    assert (space.settings.levels, space.settings.planes) == (6, 5)
    assert list(space.octaves) == list(range(-1, 8))


@pytest.mark.parametrize("layers", range(1, 9))
def test_that_every_number_of_layers_gives_s_plus_3_gaussians(layers: int) -> None:
    space = ScaleSpace(camera()[:64, :80], ScaleSpaceSettings(layers=layers))
    gaussians, differences = space.stack(-1)
    assert (len(gaussians), len(differences)) == (layers + 3, layers + 2)
    assert space.settings.k**layers == pytest.approx(2)
    with pytest.raises(UserError, match="layers"):
        ScaleSpaceSettings(layers=9)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3), (7, 7), (16, 11)])
def test_that_a_tiny_image_has_at_least_one_octave_and_none_without_pixels(size: tuple[int, int]) -> None:
    grey = np.full(size, 90, np.uint8)
    for upsample in (True, False):
        space = ScaleSpace(grey, ScaleSpaceSettings(upsample=upsample))
        assert len(space.octaves) >= 1
        for octave in space.octaves:
            assert min(space.size(octave)) >= 1
            assert np.allclose(space.gaussian(octave, 5), 90, atol=1e-3)
            assert np.abs(space.dog(octave, 4)).max() < 1e-3


def test_that_octave_counts_follow_opencv() -> None:
    for side, octaves in ((512, 9), (100, 7), (33, 5), (16, 4)):
        assert octave_count(side, side + 40, ScaleSpaceSettings()) == octaves


def test_that_pixels_map_exactly_and_a_point_stays_where_it_is() -> None:
    grey = np.zeros((65, 97), np.uint8)
    grey[32, 48] = 255
    space = ScaleSpace(grey)
    for octave in (-1, 0, 1, 2):
        level = space.gaussian(octave, 0)
        row, col = np.unravel_index(int(level.argmax()), level.shape)
        assert space.to_image(octave, (col, row)).tolist() == [48.0, 32.0]
        assert space.nearest(octave, 48, 32) == (col, row)
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 60, (20, 2))
    for octave in space.octaves:
        assert np.array_equal(space.to_image(octave, space.to_octave(octave, points)), points)


def test_that_doubling_keeps_pixels_and_halving_undoes_it() -> None:
    values = camera()[:31, :45].astype(np.float32)
    twice = doubled(values)
    assert np.array_equal(halved(twice), values)
    assert np.allclose(twice[:60:2, 1:-1:2], (values[:30, :-1] + values[:30, 1:]) / 2)


def test_that_the_first_octave_is_that_of_opencv_steps() -> None:
    grey = camera()
    values = cv2.GaussianBlur(doubled(grey.astype(np.float32)), (0, 0), np.sqrt(1.6**2 - 1.0))
    assert np.array_equal(ScaleSpace(grey).gaussian(-1, 0), values)


@pytest.mark.parametrize(("octave", "col", "row"), [(-1, 100, 60), (-1, 3, 2), (0, 511, 511), (1, 30, 255), (3, 0, 31)])
def test_that_windows_and_cubes_equal_the_whole_levels(octave: int, col: int, row: int) -> None:
    space, whole = ScaleSpace(camera()), ScaleSpace(camera())
    for level in (0, 2, 5):
        window = space.window(octave, level, col, row, 9)
        height, width = window.values.shape
        part = whole.gaussian(octave, level)[window.top : window.top + height, window.left : window.left + width]
        assert np.abs(window.values - part).max() <= 2e-5 * 255
    cube = space.cube(octave, 2, col, row)
    for plane, level in enumerate((1, 2, 3)):
        full = np.full((3, 3), np.nan, np.float32)
        dog = whole.dog(octave, level)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if 0 <= row + dy < dog.shape[0] and 0 <= col + dx < dog.shape[1]:
                    full[dy + 1, dx + 1] = dog[row + dy, col + dx]
        assert np.allclose(cube[plane], full, atol=2e-5 * 255, equal_nan=True)


def test_that_asking_in_any_order_gives_the_same_levels() -> None:
    forward, backward = ScaleSpace(camera()), ScaleSpace(camera())
    last = backward.gaussian(1, 5).copy()
    assert np.array_equal(backward.gaussian(1, 2), forward.gaussian(1, 2))
    assert np.array_equal(last, forward.gaussian(1, 5))
    gaussians, differences = forward.stack(0)
    assert np.array_equal(gaussians[4], backward.gaussian(0, 4))
    assert np.array_equal(differences[3], backward.dog(0, 3))


def test_that_all_levels_come_as_a_job_and_little_is_kept() -> None:
    space = ScaleSpace(camera())
    whole = ScaleSpace(camera())
    seen = []
    job = space.all_levels()
    for octave, level, gaussian, difference in (progress.payload for progress in job):
        seen.append((octave, level))
        if octave < 2:
            assert np.array_equal(gaussian, whole.gaussian(octave, level))
            if difference is not None:
                assert np.array_equal(difference, whole.dog(octave, level))
        assert (difference is None) == (level == 5)
    assert seen == [(octave, level) for octave in space.octaves for level in range(6)]
    job = space.all_levels()
    next(job)
    job.close()
    run_to_end(space.all_levels())
    assert space.kept_bytes <= 1.4 * 4 * 4 * 512 * 512
    run_to_end(space.prepare())
    for octave in space.octaves:
        space.gaussian(octave, 5)
    assert space.kept_bytes <= KEPT_BYTES + 1.4 * 4 * 4 * 512 * 512


@pytest.mark.parametrize("kind", ["gaussian", "dog"])
def test_that_a_view_shows_the_level(kind: str) -> None:
    space = ScaleSpace(camera())
    for octave, level in ((-1, 1), (0, 2), (1, 4), (3, 1)):
        view = space.view(octave, level, kind)  # type: ignore[arg-type]
        exact = space.gaussian(octave, level) if kind == "gaussian" else space.dog(octave, level)
        every = round(view.step / 2.0**octave)
        part = exact[::every, ::every][: view.values.shape[0], : view.values.shape[1]]
        error = np.abs(part - view.values[: part.shape[0], : part.shape[1]])
        # Octave -1 is shown from the picture itself, without the small blur of its interpolation.
        assert np.percentile(error, 99) < (1.5 if octave >= 0 else 3.0)
        assert np.median(error) < 0.1
    small = space.view(-1, 3, most=5000)
    assert small.values.size <= 5000


# ---------------------------------------------------------------------- laws of the kernels


@pytest.mark.parametrize(("a", "b"), [(1.6, 1.2263), (2.0, 2.0)])
def test_that_two_blurs_are_one(a: float, b: float) -> None:
    values = camera().astype(np.float32)
    twice, once = blurred(blurred(values, a), b), blurred(values, float(np.hypot(a, b)))
    assert np.linalg.norm(twice - once) / np.linalg.norm(once) < 3e-4
    # Below 0.8 px a sampled kernel's own width is wrong.
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    twice, once = blurred(blurred(point, 0.3), 0.4), blurred(point, 0.5)
    assert np.linalg.norm(twice - once) / np.linalg.norm(once) > 0.05


@pytest.mark.parametrize("sigma", [0.8, 1.6, 3.2, 5.0797])
def test_that_an_impulse_keeps_its_sum_and_spreads_by_sigma(sigma: float) -> None:
    point = np.zeros((101, 101), np.float32)
    point[50, 50] = 1
    result = blurred(point, sigma).astype(np.float64)
    steps = np.arange(101) - 50
    assert result.sum() == pytest.approx(1, abs=1e-5)
    for axis in (0, 1):
        assert (result.sum(axis=axis) * steps**2).sum() == pytest.approx(sigma**2, rel=5e-3)


def test_that_range_and_variance_never_grow() -> None:
    gaussians, _ = ScaleSpace(camera()).stack(0)
    values = [level[20:-20, 20:-20] for level in gaussians]
    for one, other in itertools.pairwise(values):
        assert other.max() <= one.max()
        assert other.min() >= one.min()
        assert other.var() <= one.var()


def test_that_the_difference_of_flat_and_ramp_is_zero_inside() -> None:
    flat = ScaleSpace(np.full((80, 90), 77, np.uint8))
    assert np.abs(flat.dog(0, 2)).max() < 1e-4
    slope = ScaleSpace(ramp(0, slope=1.0))
    assert np.abs(slope.dog(0, 0)[30:-30, 30:-30]).max() < 1e-3


def test_that_shift_and_quarter_turn_commute() -> None:
    grey = camera()
    # A shift by whole pixels of the coarsest octave moves levels along; a turn needs a side of odd length to keep
    # pixel (0, 0) among every second pixel.
    a, b = ScaleSpace(grey).gaussian(1, 2), ScaleSpace(np.ascontiguousarray(grey[64:, 32:])).gaussian(1, 2)
    assert np.abs(a[32:, 16:][20:-20, 20:-20] - b[20:-20, 20:-20]).max() < 1e-3
    odd = np.ascontiguousarray(grey[:257, :257])
    settings = ScaleSpaceSettings(upsample=False)
    turned = ScaleSpace(np.ascontiguousarray(np.rot90(odd)), settings).gaussian(0, 3)
    assert np.abs(np.rot90(ScaleSpace(odd, settings).gaussian(0, 3)) - turned).max() < 1e-3


def test_that_scale_is_relative() -> None:
    """L of a picture at twice the size and twice the sigma is L of the picture."""
    values = cv2.GaussianBlur(camera().astype(np.float32), (0, 0), 2.0)
    twice = doubled(values)
    small, large = blurred(values, 3.0), blurred(twice, 6.0)
    assert np.abs(halved(large)[30:-30, 30:-30] - small[30:-30, 30:-30]).max() < 0.6


# ------------------------------------------------------------------------ response over scale


@pytest.mark.parametrize("radius", [6, 10, 12, 16, 24])
def test_that_a_disk_answers_at_0633_r_and_at_r_over_root_2(radius: int) -> None:
    found = response_at(ScaleSpace(disk(radius), UNBLURRED), MIDDLE, MIDDLE)
    assert found.peak_dog is not None
    assert found.peak_log is not None
    assert found.peak_dog.sigma / radius == pytest.approx(0.6328, rel=0.01)
    assert found.peak_log.sigma / radius == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert found.peak_dog.value / 150 == pytest.approx(-0.1685, rel=0.01)  # bright: a minimum
    assert found.peak_log.value / 150 == pytest.approx(-2 / np.e, rel=0.01)
    assert radius_from_dog(found.peak_dog.sigma, K3) == pytest.approx(radius, rel=0.01)
    assert radius_from_log(found.peak_log.sigma) == pytest.approx(radius, rel=0.01)


@pytest.mark.parametrize("std", [3, 6, 12])
def test_that_a_gaussian_blob_answers_at_0891_s_and_at_s(std: int) -> None:
    found = response_at(ScaleSpace(blob(std), UNBLURRED), MIDDLE, MIDDLE)
    assert found.peak_dog is not None
    assert found.peak_log is not None
    assert found.peak_dog.sigma / std == pytest.approx(0.8909, rel=0.01)
    assert found.peak_log.sigma / std == pytest.approx(1, rel=0.01)
    assert found.peak_dog.value / 150 == pytest.approx(-0.1150, rel=0.01)
    assert found.peak_log.value / 150 == pytest.approx(-0.5, rel=0.01)


def test_that_the_laws_are_the_closed_forms() -> None:
    disks, blobs = disk_laws(K3), gaussian_laws(K3)
    assert (round(disks.dog_sigma, 4), round(disks.dog_value, 4)) == (0.6328, 0.1685)
    assert (round(disks.log_sigma, 4), round(disks.log_value, 4)) == (0.7071, 0.7358)
    assert (round(blobs.dog_sigma, 4), round(blobs.dog_value, 4)) == (0.8909, 0.1150)
    assert disks.dog_sigma * np.sqrt(K3) == pytest.approx(disks.log_sigma, rel=0.006)


def test_that_the_response_equals_the_levels_and_dark_blobs_are_maxima() -> None:
    space = ScaleSpace(camera())
    sigmas = np.array([space.sigma(1, level) for level in range(3)])
    found = response_at(space, 200, 120, sigmas)
    exact = [space.dog(1, level)[60, 100] for level in range(3)]
    assert np.allclose(found.dog, exact, atol=0.15)
    dark = response_at(ScaleSpace(255 - disk(10), UNBLURRED), MIDDLE, MIDDLE)
    assert dark.peak_dog is not None
    assert dark.peak_dog.value > 0


def test_that_a_flat_picture_has_no_peak_and_borders_are_allowed() -> None:
    flat = response_at(ScaleSpace(np.full((30, 20), 9, np.uint8)), 5, 5)
    assert np.abs(flat.dog).max() < 1e-3
    for shape in ((1, 1), (1, 60), (60, 1)):
        assert np.all(np.isfinite(response_at(ScaleSpace(np.full(shape, 7, np.uint8)), 0, 0).log))
    corner = response_at(ScaleSpace(camera()), 0, 511)
    assert np.all(np.isfinite(corner.dog))


@pytest.mark.parametrize("layers", range(1, 9))
def test_that_every_upper_sigma_of_the_usual_grid_is_another_ones_lower(layers: int) -> None:
    space = ScaleSpace(camera(), ScaleSpaceSettings(layers=layers))
    sigmas = sigma_grid(space)
    assert sigmas[0] >= LEAST_SIGMA
    assert sigmas[-1] == 64
    upper = sigmas * space.settings.k
    inside = upper <= 64 * (1 + 1e-9)
    assert np.count_nonzero(inside) > len(sigmas) / 2
    assert np.abs(sigmas[None] / upper[inside, None] - 1).min(axis=1).max() < 1e-12


def test_that_curves_do_not_depend_on_which_other_sigmas_are_asked_for() -> None:
    space = ScaleSpace(camera())
    usual = response_at(space, 200.3, 120.7)
    alone = [response_at(space, 200.3, 120.7, np.array([sigma])) for sigma in usual.sigmas[::7]]
    assert np.abs(np.array([one.dog[0] for one in alone]) - usual.dog[::7]).max() < 0.002
    assert np.abs(np.array([one.log[0] for one in alone]) - usual.log[::7]).max() < 0.01


@pytest.mark.parametrize("most", [400, 3_000, 40_000, 2_200_000])
def test_that_a_small_view_shows_what_the_level_holds(most: int) -> None:
    yy, xx = np.mgrid[0:200, 0:300]
    grey = np.rint(100 + 60 * np.sin(xx / 9.0) * np.sin(yy / 7.0) + 40 * (np.hypot(xx - 150, yy - 100) < 30))
    space = ScaleSpace(grey.astype(np.uint8), ScaleSpaceSettings())
    for octave in space.octaves[:6]:
        for level in range(space.settings.planes):
            view, exact = space.view(octave, level, "dog", most), space.dog(octave, level)
            assert view.values.size <= most
            # Every pixel of the view that is one of the octave's holds nearly its value: thinning never blurs it away.
            factor = view.step / 2.0**octave
            inner = [slice(3, max(4, int(s * min(1, 1 / factor)) - 3)) for s in exact.shape]
            if factor >= 1:
                part = exact[:: int(factor), :: int(factor)]
                height, width = (min(a, b) for a, b in zip(part.shape, view.values.shape, strict=True))
                apart = np.abs(view.values[:height, :width] - part[:height, :width])[tuple(inner)]
                assert apart.size == 0 or np.median(apart) <= 0.1 * float(np.abs(exact).max())
