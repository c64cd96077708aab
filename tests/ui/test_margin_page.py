"""One margin against classes of unequal spread, in the real window: measured, tried, pointed at, taken over."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from train_parts import TINY, Lab

from app.learning import descriptor, margins
from app.learning.losses import PLANS
from app.ui.train.margin_page import NO_TOWER, MarginPage, formula

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs PyTorch, which is not installed here"
)


def trained(lab: Lab, **changes: object) -> MarginPage:
    lab.train(replace(TINY, **{"loss": "triplet-unsquared", "miner": "random", "margin": 0.3} | changes))  # type: ignore[arg-type]
    page = lab.open("margin")
    assert isinstance(page, MarginPage)
    return page


def test_every_class_is_measured_after_the_newest_epoch(lab: Lab) -> None:
    page = trained(lab)
    lab.until(lambda: page.measured is not None and page.measured.epoch == 2)
    assert page.measured is not None
    patches, rows = page.measured.patches, page.measured.rows
    values = descriptor.load(lab.trainer.epoch_files[-1]).describe(patches.patches[rows])
    expected = margins.measure(values, patches.point[rows])
    np.testing.assert_allclose(page.measured.found.spread, expected.spread, atol=1e-6)
    told = margins.verdicts(expected, PLANS["triplet-unsquared"], 0.3)
    assert page.view.counts() == tuple(np.bincount(told, minlength=4))
    for count in page.view.counts():
        assert f'padding-right:8px">{count}<' in page.legend.text()
    assert page.formula.text() == "loss 0 ⇔ d(a, n) ≥ d(a, p) + m"
    assert page.number.text() == "m = 0.30, in training"


def test_another_margin_is_tried_without_training_and_taken_over(lab: Lab) -> None:
    page = trained(lab, margin=1.3)
    lab.until(lambda: page.measured is not None)
    before = page.view.counts()
    page.slider.setFocus()
    QTest.keyClick(page.slider, Qt.Key.Key_Home)
    assert lab.workspace.train_state.margin == 0.01
    assert page.view.counts() != before
    QTest.keyClick(page.slider, Qt.Key.Key_End)
    assert page.margin == lab.workspace.train_state.margin == 2.0
    assert page.view.counts()[0] == page.view.counts()[2] == 0, "between unit vectors no class meets d + 2"
    assert page.view.drawing.curves[0].y[0] == 2.0
    lab.click(page.use)
    assert lab.workspace._settings.training == replace(page.trainer.run, margin=2.0)  # type: ignore[type-var]
    assert "margin 2" in lab.messages[-1]
    lab.click(page.reset)
    assert page.view.counts() == before
    assert not page.reset.isVisible()


def test_a_class_is_shown_with_its_patches_and_chosen_by_mouse_and_keys(lab: Lab) -> None:
    page = trained(lab)
    lab.until(lambda: page.measured is not None)
    assert page.facts.value("class") == "point at a mark"
    places = page.view.places()
    row = 3
    at = QPoint(round(places[row][0]), round(places[row][1]))
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=at)
    chosen = page.view.row_at(at.x(), at.y())
    assert page.view.picker.selected == chosen >= 0
    assert page.measured is not None
    assert lab.workspace.train_state.group == page.measured.found.label[chosen]
    assert page.facts.value("spread") == f"{page.measured.found.spread[page.view.shown]:.3f}"
    assert all(patch.filled for patch in page.patches)
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_Up)
    assert page.view.picker.selected == (chosen + 1) % len(page.measured.found)
    QTest.keyClick(page.view, Qt.Key.Key_Down)
    assert page.view.picker.selected == chosen


def test_designs_and_losses_without_a_margin_say_so(lab: Lab) -> None:
    page = trained(lab, loss="positive-only", margin=0.0)
    assert "has no margin" in page.view.drawing.empty
    assert not page.slider.isEnabled()
    assert page.slider.toolTip() == page.view.drawing.empty
    lab.train(replace(TINY, loss="softmax"))
    lab.until(lambda: page.view.drawing.empty == NO_TOWER)


@pytest.mark.parametrize(
    ("name", "words"), [("triplet", "d²(a, p) + m"), ("hardnet", "d(a, p) + m"), ("contrastive", "≥ m")]
)
def test_the_formula_is_that_of_the_loss(name: str, words: str) -> None:
    assert formula(PLANS[name]).endswith(words)
