from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ive

from app.vision import scale_laws as laws
from app.vision.images import grey8
from app.vision.photographs import photograph


def test_that_the_line_smoother_is_the_discrete_gaussian_of_the_literature() -> None:
    impulse = np.zeros(129)
    impulse[64] = 1
    for sigma in (0.3, 1.0, 3.0):
        row = laws.smoothed_lines(impulse, [sigma])[0]
        assert np.abs(row[64:90] - ive(np.arange(26), sigma**2)).max() < 1e-14


def test_that_lines_keep_their_mean_and_smoothing_is_a_semigroup() -> None:
    line = np.random.default_rng(1).random(75)
    twice = laws.smoothed_lines(laws.smoothed_lines(line, [0.4])[0], [1.1])[0]
    assert np.abs(twice - laws.smoothed_lines(line, [math.hypot(0.4, 1.1)])[0]).max() < 1e-14
    assert np.allclose(laws.smoothed_lines(line, [0.0, 2.0, 40.0]).mean(axis=1), line.mean())
    assert np.abs(laws.smoothed_lines(line, [0.0])[0] - line).max() < 1e-14


def test_that_a_picture_is_smoothed_along_both_axes() -> None:
    picture = np.random.default_rng(2).random((20, 34))
    expected = laws.smoothed_lines(picture[0], [1.5])  # shape only
    assert expected.shape == (1, 34)
    rows = np.stack([laws.smoothed_lines(row, [1.5])[0] for row in picture])
    both = np.stack([laws.smoothed_lines(column, [1.5])[0] for column in rows.T]).T
    assert np.abs(laws.discrete_gaussian(picture, 1.5) - both).max() < 1e-14


@pytest.mark.parametrize("name", ["camera", "coffee", "gravel"])
def test_that_no_row_of_a_photograph_ever_gains_an_extremum(name: str) -> None:
    scales = laws.log_scales(0.3, 60.0, 64)
    for row in grey8(photograph(name))[::7]:
        found = laws.line_extrema(laws.smoothed_lines(row, scales))
        assert found.appeared == 0
        assert found.count[0] > found.count[-1]


def test_that_extrema_are_counted_by_slope_and_a_plateau_counts_once() -> None:
    found = laws.line_extrema([[0, 1, 1, 1, 0, 2, 2, 3, 1], [0, 1, 2, 3, 4, 5, 6, 7, 8.0]])
    assert found.count.tolist() == [3, 0]
    assert found.column.tolist() == [1, 4, 7]
    assert found.maximum.tolist() == [True, False, True]
    assert found.appeared == 0
    assert laws.line_extrema([[5.0]]).count.tolist() == [0]
    assert laws.line_extrema(np.zeros((2, 9))).count.tolist() == [0, 0]
    assert laws.line_extrema([[1.0, 1, 1, 1], [0, 1, 0, 1]]).appeared == 1  # what would be noticed


@pytest.mark.parametrize(
    ("k", "first", "middle"),
    [(2 ** (1 / 3), 0.34, 0.014), (math.sqrt(2), 0.55, 0.031), (1.6, 0.79, 0.056), (2.0, 1.31, 0.12)],
)
def test_that_the_closed_form_gives_the_table_of_errors(k: float, first: float, middle: float) -> None:
    """The table of relative L2 errors."""
    found = laws.dog_errors(k)
    assert found[0] == pytest.approx(first, abs=0.006)
    assert found[1] == pytest.approx(middle, abs=0.0025)


def test_that_the_closed_form_is_the_integral_of_the_drawn_curves() -> None:
    radius = np.linspace(0, 14, 20_001)
    for k in laws.TABLE_K:
        dog = laws.dog_profile(radius, k)
        for curve, error in zip(
            (laws.first_order(radius, k), laws.midpoint(radius, k)), laws.dog_errors(k), strict=True
        ):
            numeric = math.sqrt(
                np.trapezoid((dog - curve) ** 2 * radius, radius) / np.trapezoid(dog**2 * radius, radius)
            )
            assert error == pytest.approx(numeric, rel=1e-5)


def test_that_k_of_one_or_less_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        laws.dog_errors(1.0)


def test_that_the_slides_constant_breaks_the_dog_of_a_constant_and_the_right_one_does_not() -> None:
    flat = np.full((64, 80), 128, np.uint8)
    found = laws.slide_dog(flat, 1.6, 2 ** (1 / 3))
    assert np.abs(found.right).max() < 1e-6
    assert found.flat_slide == pytest.approx(found.predicted, rel=1e-5)
    assert found.predicted == pytest.approx(math.sqrt(2 * math.pi) * (2 ** (1 / 3) - 1) * 1.6 * 128 / 255)


def test_that_the_flattest_window_of_a_photograph_shows_the_failure() -> None:
    found = laws.slide_dog(grey8(photograph("camera")), 1.6, 2 ** (1 / 3))
    assert abs(found.flat_right) < 1e-3
    assert found.flat_slide == pytest.approx(found.predicted, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (5, 4)])
def test_that_the_smallest_pictures_have_a_flattest_window(shape: tuple[int, int]) -> None:
    found = laws.slide_dog(np.full(shape, 200, np.uint8), 1.6, 1.3)
    assert math.isfinite(found.flat_slide)
    assert 0 <= found.flat_xy[0] < shape[1]
    assert 0 <= found.flat_xy[1] < shape[0]


@pytest.mark.parametrize("seed", range(8))
def test_that_no_extremum_appears_on_noise_and_steps_either(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scales = laws.log_scales(0.3, 60.0, 48)
    for signal in (rng.integers(0, 256, 300), np.repeat(rng.integers(0, 256, 40), 7)):
        rows = laws.smoothed_lines(signal, scales)
        found = laws.line_extrema(rows)
        assert np.all(np.diff(found.count) <= 0)
        assert found.count[0] > found.count[-1]
        assert rows[-1].min() >= signal.min()
        assert rows[-1].max() <= signal.max()


def test_that_a_line_equals_a_direct_convolution_with_the_mirrored_signal() -> None:
    steps = np.arange(-60, 61)
    kernel = ive(np.abs(steps), 4.0)
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    assert (kernel * steps**2).sum() == pytest.approx(4.0, abs=1e-9)
    signal = grey8(photograph("camera"))[100].astype(np.float64)
    direct = np.convolve(np.pad(signal, 100, "symmetric"), kernel, "same")[100:-100]
    assert np.allclose(laws.smoothed_lines(signal, [2.0])[0], direct, atol=1e-9)
