"""How numbers are written: one way on all screens."""

from __future__ import annotations

import math

import pytest

from app.text import minus, power_of_ten, significant
from app.ui.numbers import distance_text, duration, file_size, percent


@pytest.mark.parametrize(
    ("share", "digits", "text"), [(0.974, 0, "97 %"), (0.974, 1, "97.4 %"), (1.31, 0, "131 %"), (-0.5, 0, "−50 %")]
)
def test_that_a_share_has_a_space_before_its_sign(share: float, digits: int, text: str) -> None:
    assert percent(share, digits) == text


def test_that_what_is_unknown_is_a_dash() -> None:
    assert percent(math.nan) == significant(math.nan) == significant(math.inf) == distance_text(math.nan) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.14159, "3.14"),
        (-0.774, "−0.774"),
        (999.6, "1,000"),
        (1000.0, "1,000"),
        (-4575.2, "−4,575"),
        (1.47e6, "1.47 × 10⁶"),
        (-1.5e-7, "−1.5 × 10⁻⁷"),
    ],
)
def test_that_numbers_far_from_one_are_multiples_of_a_power_of_ten(value: float, text: str) -> None:
    assert significant(value) == text


def test_that_powers_distances_and_durations_are_written_as_on_paper() -> None:
    assert power_of_ten(-12) == "10⁻¹²"
    assert minus("-0.25") == "−0.25"
    assert [distance_text(v) for v in (386.0, 44.519, 0.1234)] == ["386.0", "44.52", "0.123"]
    assert [file_size(v) for v in (0, 999, 1000, 238_460, 999_499, 999_500, 5e6)] == [
        "0 bytes",
        "999 bytes",
        "1 kB",
        "238 kB",
        "999 kB",
        "1.0 MB",
        "5.0 MB",
    ]
    assert [duration(v) for v in (57.4, 119, 600, 4810, 7300)] == ["57 s", "119 s", "10 min", "80 min", "2.0 h"]
