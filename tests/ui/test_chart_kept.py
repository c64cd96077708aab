"""What a chart and a cube keep from one drawing to the next never shows in the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.ui.chart import Bars, Chart, Curve, Drawing, Level, Place
from app.ui.chart_parts import polygon
from app.ui.sift import cube_view
from app.ui.sift.cube_view import CubeView
from app.ui.style import Style


@pytest.fixture
def look(qtbot: QtBot) -> Style:
    return Style("dark")


X = np.geomspace(0.8, 64, 40)
WAVE = Drawing(
    curves=(Curve(X, np.sin(X), "DoG"), Curve(X, 9 * np.cos(X), "LoG", "consistent", "dash", points=True)),
    places=(Place(3.0, "three"),),
    x_range=(0.8, 64.0),
    log_x=True,
    x_label="σ",
    y_label="grey levels",
)
DRAWINGS = {
    "wave": WAVE,
    "higher": replace(WAVE, curves=(Curve(X, 1000 * np.sin(X), "DoG"), WAVE.curves[1])),
    "named": replace(WAVE, curves=(Curve(X, np.sin(X), "other"), WAVE.curves[1])),
    "dashed": replace(WAVE, curves=(Curve(X, np.sin(X), "DoG", dash="dot", fill=True), WAVE.curves[1])),
    "narrow": replace(WAVE, x_range=(1.0, 32.0)),
    "even": replace(WAVE, log_x=False),
    "ticks": replace(WAVE, x_ticks=(2.0, 20.0)),
    "labels": replace(WAVE, x_label="radius", y_label=""),
    "fixed": replace(WAVE, y_range=(-2.0, 2.0)),
    "fixed higher": replace(WAVE, y_range=(-20.0, 20.0)),
    "decades": replace(WAVE, curves=(Curve(X, X, "x"),), y_range=(0.1, 100.0), log_y=True),
    "bars": Drawing(bars=(Bars(X, X, 1.0, chosen=(3, 9)),), levels=(Level(30.0, "30"),), y_range=(0.0, 64.0)),
    "empty": Drawing(empty="Nothing."),
}


def picture(chart: Chart | CubeView) -> QImage:
    return chart.grab().toImage()


@pytest.mark.parametrize("size", [(180, 120), (420, 200)])
def test_that_a_chart_used_before_draws_as_a_new_one(qtbot: QtBot, look: Style, size: tuple[int, int]) -> None:
    used = Chart(look, "used")
    qtbot.addWidget(used)
    rng = np.random.default_rng(0)
    for name in rng.permutation(np.repeat(list(DRAWINGS), 3)).tolist():
        fresh = Chart(look, "fresh")
        qtbot.addWidget(fresh)
        for chart in (used, fresh):
            chart.resize(*size)
            chart.set_drawing(DRAWINGS[name])
        assert picture(used) == picture(fresh), name


def test_that_a_chart_follows_size_theme_and_presentation(qtbot: QtBot, look: Style) -> None:
    used = Chart(look, "used")
    qtbot.addWidget(used)
    used.set_drawing(WAVE)
    before = picture(used)
    seen = [before]
    for change in (
        lambda: used.resize(500, 210),
        lambda: look.set_theme("light" if look.tokens.name == "dark" else "dark"),
        lambda: look.set_presenting(True),
    ):
        change()
        fresh = Chart(look, "fresh")
        qtbot.addWidget(fresh)
        fresh.resize(used.size())
        fresh.set_drawing(WAVE)
        assert picture(used) == picture(fresh)
        assert all(picture(used) != one for one in seen)
        seen.append(picture(used))
    look.set_presenting(False)


def test_that_a_polygon_holds_the_points_it_is_made_of() -> None:
    x, y = np.array([0.25, -1e9, 3.0]), np.array([1e-300, 7.5, -2.0])
    assert [(point.x(), point.y()) for point in polygon(x, y)] == list(zip(x.tolist(), y.tolist(), strict=True))
    assert len(polygon(x[:0], y[:0])) == 0


def test_that_the_numbers_of_a_cube_are_set_alike_with_and_without_glyphs(
    qtbot: QtBot, look: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(1).normal(0, 8, (3, 3, 3)).astype(np.float32)
    values[0, 0] = np.nan
    whole = cube_view._Numbers

    def lacking(*parts: Any) -> object:
        """The same numbers in a font that lacks a sign."""
        return replace(whole(*parts), glyphs=dict.fromkeys(cube_view.SIGNS, 0))

    pictures = []
    for made in (whole, lacking):
        monkeypatch.setattr(cube_view, "_Numbers", made)
        cube = CubeView(look)
        qtbot.addWidget(cube)
        cube.resize(420, 120)
        cube.set_cube(values, (1.0, 1.26, 1.59), 0.5)
        pictures.append(picture(cube))
    assert pictures[0] == pictures[1]
