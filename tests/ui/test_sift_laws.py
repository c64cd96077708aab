"""The Laws page: the row follows the mouse, the numbers are the laws', and the axioms are tried on the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sift_parts import SIDE, context
from window_parts import refs_of

from app.records import Selection
from app.ui.numbers import percent
from app.ui.session import Session
from app.ui.sift.laws_page import KEY, LawsPage
from app.ui.sift.laws_state import PARTS, LawsState
from app.ui.style import Style
from app.vision.scale_laws import dog_errors

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def page(qtbot: QtBot, session: Session) -> LawsPage:
    session.open_pairs(refs_of(1))  # before the first pair there is nothing to undo
    made = LawsPage(session, Style("dark"))
    qtbot.addWidget(made)
    made.resize(900, 560)
    made.show()
    made.settings_widget().show()
    made.show_context(context((100.0, 60.0)))
    yield made
    made.settings_widget().hide()
    made.deactivate()


def test_that_the_row_is_the_cursors_and_follows_the_mouse(page: LawsPage, qtbot: QtBot) -> None:
    scanned = page.line.scanned
    assert scanned is not None
    assert scanned.row == 60
    chosen: list[Selection] = []
    page.point_chosen.connect(chosen.append)
    view = page.line.picture
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=view.screen_of(50, 100).toPoint())
    for y in (110, 140, 170):
        qtbot.mouseMove(view, view.screen_of(50, y).toPoint())
        assert page.line.scanned is not None
        assert page.line.scanned.row == pytest.approx(y, abs=1)
        assert np.all(np.diff(page.line.scanned.extrema.count) <= 0)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=view.screen_of(50, 170).toPoint())
    assert chosen[-1].y == pytest.approx(170, abs=1)
    assert "gained one: 0 of" in page.line.words.text()


def test_that_paths_of_extrema_are_painted_where_they_are(page: LawsPage) -> None:
    scanned = page.line.scanned
    assert scanned is not None
    picture = page.line.fingerprint.picture(scanned, SIDE, len(scanned.scales))
    blue, orange = ([int(c) for c in page.look.colour(name).getRgb()[:3]] for name in ("right", "wrong"))  # type: ignore[index]
    found = scanned.extrema
    last = len(scanned.scales) - 1
    for row, column, maximum in zip(found.row, found.column, found.maximum, strict=True):
        if row > last - 5:
            assert picture[last - row, column].tolist() == (orange if maximum else blue)


def test_that_tabs_change_the_part_and_undo_brings_it_back(page: LawsPage, qtbot: QtBot, session: Session) -> None:
    for index, part in enumerate(PARTS):
        place = page.bar.tabRect(index).center()
        qtbot.mouseClick(page.bar, Qt.MouseButton.LeftButton, pos=place)
        assert session.workspace_state(KEY, LawsState()).part == part
        assert page.parts.currentIndex() == index
    session.undo()
    assert page.parts.currentWidget() is not page.axioms  # quick changes of one kind are one step
    session.set_workspace_state(KEY, LawsState(part="dog"))
    shown = {name for name, row in page.form.rows.items() if row.widgets[0].isVisible()}
    assert shown == {"k", "sigma", "slide"}


def test_that_the_errors_follow_k(page: LawsPage, qtbot: QtBot, session: Session) -> None:
    session.set_workspace_state(KEY, LawsState(part="dog"))
    slider = page.form.rows["k"].widgets[0]
    slider.setFocus()
    before = page.dog.table.text()
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    k = session.workspace_state(KEY, LawsState()).k
    assert k > 1.26
    assert page.dog.table.text() != before
    assert f"k = {k:.2f} (slider)" in page.dog.table.text()
    first, middle = dog_errors(k)
    assert percent(first) in page.dog.table.text()
    assert percent(middle, 1) in page.dog.table.text()
    for text in (
        "34 %",
        "55 %",
        "79 %",
        "131 %",
        "1.4 %",
        "3.1 %",
        "5.6 %",
        "12 %",
    ):  # the closed forms of test_scale_laws
        assert text in page.dog.table.text()
    assert len(page.dog.chart.drawing.curves) == 3


def test_that_slide_normalisation_fails_on_the_flat_region(page: LawsPage, qtbot: QtBot, session: Session) -> None:
    session.set_workspace_state(KEY, LawsState(part="dog"))
    right = page.dog.shown
    assert right is not None
    assert abs(right.flat_right) < 0.005
    picture = page.dog.picture.grab().toImage()
    page.form.rows["slide"].widgets[0].click()  # type: ignore[attr-defined]  # a check box
    assert session.workspace_state(KEY, LawsState()).slide
    shown = page.dog.shown
    assert shown is not None
    assert shown.flat_slide == pytest.approx(shown.predicted, rel=0.05)
    assert f"{shown.flat_slide:+.4f}" in page.dog.words.text()
    assert page.dog.picture.grab().toImage() != picture


def test_that_the_axioms_are_tried_and_one_can_be_looked_at(page: LawsPage, qtbot: QtBot, until: Until) -> None:
    qtbot.mouseClick(page.bar, Qt.MouseButton.LeftButton, pos=page.bar.tabRect(2).center())
    assert page.busy
    until(lambda: not page.busy)
    table = page.axioms.table
    marks = {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount())}
    assert marks["Linearity"].startswith("✓")
    assert marks["Rotation by 30°"].startswith("≈")
    assert marks["No new extrema (line)"].startswith("✓")
    assert marks["No new maxima (picture)"].startswith("✕")
    assert marks["Causality"].startswith("✓")
    row = list(marks).index("No new maxima (picture)")
    table.scrollToItem(table.item(row, 0))
    place = table.visualItemRect(table.item(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert page.state.axiom == "maxima"
    assert "2 maxima" in page.axioms.other.caption


def test_that_another_angle_tries_again_and_leaving_stops(page: LawsPage, session: Session, until: Until) -> None:
    session.set_workspace_state(KEY, LawsState(part="axioms"))
    until(lambda: not page.busy)
    session.set_workspace_state(KEY, LawsState(part="axioms", angle=45.0))
    assert page.busy
    assert len(page.axioms.axioms) == 8  # the old numbers stay until the new ones are there
    until(lambda: any(axiom.title == "Rotation by 45°" for axiom in page.axioms.axioms))
    page.deactivate()
    assert not page.busy


def test_that_nothing_is_shown_before_the_picture_is_read(qtbot: QtBot, session: Session) -> None:
    made = LawsPage(session, Style("light"))
    qtbot.addWidget(made)
    made.show()
    assert made.line.scanned is None
    assert not made.grab().isNull()
    made.hide()
