"""The colours of signed values: zero in the middle, both sides apart for every eye."""

from __future__ import annotations

import numpy as np
import pytest

from app.vision.diverging import STEPS, coloured, limit_of, table

# Simulation matrices in linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
DEFICIENCIES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def luminance(rgb: np.ndarray) -> np.ndarray:
    return linear(rgb) @ np.array([0.2126, 0.7152, 0.0722])


def linear(rgb: np.ndarray) -> np.ndarray:
    c = rgb / 255.0
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("dark", [True, False])
def test_that_zero_is_the_calmest_and_strength_can_be_read_without_hue(dark: bool) -> None:
    light = luminance(table(dark=dark).astype(np.float64))
    rising = np.diff(light[STEPS:])
    falling = np.diff(light[: STEPS + 1])
    assert ((rising if dark else -rising) > -1e-3).all()
    assert ((-falling if dark else falling) > -1e-3).all()


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("kind", DEFICIENCIES)
def test_that_the_two_signs_differ_for_colour_blind_eyes(dark: bool, kind: str) -> None:
    colours = linear(table(dark=dark).astype(np.float64)) @ np.array(DEFICIENCIES[kind]).T
    for share in (0.3, 0.5, 0.8, 1.0):
        step = round(share * STEPS)
        below, above = colours[STEPS - step], colours[STEPS + step]
        assert np.abs(np.clip(below, 0, 1) ** (1 / 2.2) - np.clip(above, 0, 1) ** (1 / 2.2)).max() > 0.1


def test_that_values_find_their_colours() -> None:
    colours = table(dark=True)
    rgb = coloured(np.array([[-2.0, -1.0, 0.0], [1.0, 3.0, np.nan]]), 1.0, dark=True)
    assert (rgb[0, 0] == colours[0]).all()
    assert (rgb[0, 1] == colours[0]).all()
    assert (rgb[0, 2] == colours[STEPS]).all()
    assert (rgb[1, 0] == colours[-1]).all()
    assert (rgb[1, 1] == colours[-1]).all()
    assert (rgb[1, 2] == colours[STEPS]).all()
    assert (coloured(np.zeros((2, 2)), 0.0, dark=False) == table(dark=False)[STEPS]).all()


def test_that_the_limit_leaves_out_the_few_strongest() -> None:
    values = np.concatenate([np.full(999, -2.0), [1000.0]])
    assert limit_of(values) == 2.0
    assert limit_of(np.zeros(0)) == 0.0
    assert limit_of(np.full(3, np.nan)) == 0.0
