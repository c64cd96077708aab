"""Colours can be read and told apart; icons and the style sheet exist for both themes."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from app import locate
from app.ui import style
from app.ui.style import DARK, LIGHT, Style, Tokens, contrast

THEMES = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda t: t.name)


def test_that_contrast_is_21_for_black_on_white_and_1_for_equal_colours() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#336699", "#336699") == pytest.approx(1.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.01)  # a published value


@THEMES
def test_that_all_text_can_be_read_on_every_surface(tokens: Tokens) -> None:
    for ink, ground in itertools.product(("text", "muted"), ("background", "surface", "raised")):
        ratio = contrast(tokens.colours()[ink], tokens.colours()[ground])
        assert ratio >= 4.5, f"{ink} on {ground}: {ratio:.2f}"
    assert contrast(tokens.text, tokens.hover) >= 4.5
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert contrast(tokens.error, tokens.raised) >= 4.5
    for ground in ("surface", "raised"):
        assert contrast(tokens.accent, tokens.colours()[ground]) >= 4.5


@THEMES
def test_that_verdicts_can_be_read_as_text_and_controls_seen(tokens: Tokens) -> None:
    for ink in ("right", "wrong", "consistent", "undecided"):
        assert contrast(tokens.colours()[ink], tokens.surface) >= 4.5, ink
    for ground in ("surface", "background"):
        assert contrast(tokens.edge, tokens.colours()[ground]) >= 3.0  # WCAG 1.4.11, parts of controls


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody with this blindness sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(matrix) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    t = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@THEMES
@pytest.mark.parametrize("kind", BLINDNESS)
def test_that_right_and_wrong_differ_for_colour_blind_eyes(tokens: Tokens, kind: str) -> None:
    right, wrong, undecided = (lab(c, BLINDNESS[kind]) for c in (tokens.right, tokens.wrong, tokens.undecided))
    assert np.linalg.norm(right - wrong) > 25
    assert np.linalg.norm(wrong - undecided) > 15


@THEMES
@pytest.mark.parametrize("scale", [1.0, style.PRESENT_SCALE])
def test_that_the_style_sheet_is_complete_and_names_only_files_that_exist(tokens: Tokens, scale: float) -> None:
    sheet = style.style_sheet(tokens, scale)
    assert "$" not in sheet
    for path in re.findall(r"url\(([^)]+)\)", sheet):
        assert (locate.resources() / "icons" / path.rsplit("/", 1)[1]).is_file()
    assert sheet.count("{") == sheet.count("}")


@pytest.mark.parametrize("path", sorted((locate.resources() / "icons").glob("*.svg")), ids=lambda p: p.stem)
def test_that_every_icon_draws_something(path: object, qapp: QApplication) -> None:
    look = Style("dark")
    image = look.icon(path.stem).pixmap(24).toImage()  # type: ignore[attr-defined]  # a Path
    assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24))


def test_that_icons_take_the_colour_of_their_token(qapp: QApplication) -> None:
    image = Style("dark").icon("pause", "accent").pixmap(48).toImage()
    colours = {
        image.pixelColor(x, y).name() for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() == 255
    }
    assert DARK.accent in colours


def test_that_a_theme_and_presenting_are_told_once_and_only_on_change(qapp: QApplication) -> None:
    look, told = Style("dark"), []
    look.changed.connect(told.append)
    look.set_theme("dark")
    look.set_theme("nosuch")
    look.set_presenting(False)
    assert told == []
    look.set_theme("light")
    assert look.tokens is LIGHT
    look.set_presenting(True)
    assert len(told) == 2
    assert look.scale == pytest.approx(1.6)
    assert look.line_scale == pytest.approx(2.0)
    look.set_presenting(False)
