"""The Failures page: rows appear as they are measured, a click opens the pair, and both repairs are shown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sift_parts import context

from app import failures
from app.failures import CASES, REVERSAL, TILTS, Case, Failures, Row, Shown
from app.jobs import Progress
from app.ui.session import Session
from app.ui.sift.fails_page import KEY, FailsPage, FailsState
from app.ui.style import Style
from app.vision.follow import LOSSES

Until = Callable[[Callable[[], bool]], None]


def row_of(case: Case, matcher: str) -> Row:
    place = CASES.index(case)
    picture = np.full((40, 60, 3), 90, np.uint8)
    ends = np.array([[5, 5, 6, 6], [20, 20, 40, 10]], np.float32)
    return Row(
        case,
        matcher,
        (100, 80),
        visible=100,
        lost=tuple((name, 5 + (place if name == LOSSES[place % 5] else 0)) for name in LOSSES),
        kept=70 - place,
        nearest_right=0.7,
        repeatability=0.5,
        chance=0.1,
        matches=90,
        right=80,
        wrong=10,
        precision=0.8 if matcher == "asift" else 0.5,
        shown=Shown(picture, picture, ends, np.array([True, False])),
    )


def quick(cases: Sequence[Case], matcher: str, _cache: Any) -> Generator[Progress, None, Failures]:
    rows: list[Row] = []
    for case in cases:
        yield Progress(len(rows), len(cases), case.kind, Failures(tuple(rows), len(cases)))
        rows.append(row_of(case, matcher))
    return Failures(tuple(rows), len(cases))


@pytest.fixture
def page(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[FailsPage]:
    monkeypatch.setattr(failures, "run", quick)
    made = FailsPage(session, Style("dark"))
    qtbot.addWidget(made)
    made.resize(900, 560)
    made.show()
    made.show_context(context())
    yield made
    made.deactivate()


def test_that_every_case_is_measured_at_the_first_visit(page: FailsPage, until: Until) -> None:
    assert page.table.table.item(0, 4).text() == "…"
    page.activate()
    assert page.busy
    until(lambda: not page.busy)
    assert len(page.measured["sift"].rows) == len(CASES)
    assert all(page.table.table.item(line, 4).text() == "" for line in range(len(CASES)))
    assert page.run.text() == "Measure again"
    page.activate()
    assert not page.busy  # once is enough


def test_that_a_click_opens_the_pair_and_names_the_cause(page: FailsPage, qtbot: QtBot, until: Until) -> None:
    page.activate()
    until(lambda: not page.busy)
    table = page.table.table
    line = next(i for i, case in enumerate(CASES) if case.kind == "contrast reversal")
    qtbot.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualItemRect(table.item(line, 0)).center()
    )
    assert page.session.state.pair == CASES[line].ref
    row = page.measured["sift"].of(CASES[line], "sift")
    assert row is not None
    assert row.sentence in page.words.text()
    assert dict(page.losses.rows)["right match"] == f"{row.kept}"
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert page.state.case == CASES[line + 1].key
    assert page.session.state.pair == CASES[line].ref  # moving on the keyboard only selects
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert page.session.state.pair == CASES[line + 1].ref


def test_that_the_words_are_about_the_part_in_front(page: FailsPage, session: Session, until: Until) -> None:
    page.activate()
    until(lambda: not page.busy)
    session.set_workspace_state(KEY, FailsState(case=CASES[0].key))
    assert page.heading.text() == CASES[0].ref.title
    session.set_workspace_state(KEY, FailsState(part="reversal", case=CASES[0].key))
    assert page.heading.text() == REVERSAL.ref.title
    session.set_workspace_state(KEY, FailsState(part="tilt", case=CASES[0].key))
    assert page.heading.text() == TILTS[2].ref.title
    session.set_workspace_state(KEY, FailsState(part="tilt", case=TILTS[4].key))
    assert page.heading.text() == TILTS[4].ref.title


def test_that_measuring_can_be_cancelled_and_begun_again(page: FailsPage, qtbot: QtBot, until: Until) -> None:
    page.activate()
    until(lambda: not page.busy)
    qtbot.mouseClick(page.run, Qt.MouseButton.LeftButton)
    assert page.run.text() == "Cancel"
    qtbot.mouseClick(page.run, Qt.MouseButton.LeftButton)
    assert not page.busy
    assert len(page.measured["sift"].rows) == len(CASES)  # what was there stays
    assert page.run.text() == "Measure again"


def test_that_asift_is_measured_on_demand_beside_sift(
    page: FailsPage, qtbot: QtBot, session: Session, until: Until
) -> None:
    page.activate()
    until(lambda: not page.busy)
    session.set_workspace_state(KEY, FailsState(part="tilt"))
    assert page.tilt.pictures["asift"].row is None
    qtbot.mouseClick(page.tilt.run, Qt.MouseButton.LeftButton)
    assert not page.tilt.run.isEnabled()
    assert "Wait" in page.tilt.run.toolTip()
    until(lambda: not page.busy)
    qtbot.mouseClick(page.tilt.bar, Qt.MouseButton.LeftButton, pos=page.tilt.bar.tabRect(4).center())
    assert page.state.case == TILTS[4].key
    row = page.tilt.pictures["asift"].row
    assert row is not None
    assert row.case == TILTS[4]
    sift, asift = page.tilt.precision.drawing.curves
    assert sift.y.tolist() == [0.5] * 5
    assert asift.y.tolist() == [0.8] * 5
    assert asift.x.tolist() == [40, 50, 60, 70, 80]
    assert not page.tilt.grab().isNull()


def test_that_the_negative_is_undone_at_the_keypoint(page: FailsPage, session: Session, until: Until) -> None:
    session.set_workspace_state(KEY, FailsState(part="reversal"))
    page.show_context(context())
    until(lambda: page.reversal.found is not None)
    found = page.reversal.found
    assert found is not None
    assert found.upright.after == 0
    assert found.own.after <= 1.5
    assert found.own.before > 100
    assert "0 after reordering" in page.reversal.words.text()
    page.show_context(context((1.0, 199.0)))
    assert "no keypoint at the cursor" in page.reversal.words.text()


def test_that_the_tables_bars_are_painted_for_both_themes(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr(failures, "run", quick)
    for theme in ("dark", "light"):
        made = FailsPage(session, Style(theme))
        qtbot.addWidget(made)
        made.resize(680, 430)
        made.show()
        made.activate()
        until(lambda made=made: not made.busy)  # type: ignore[misc]
        picture = made.table.grab().toImage()
        seen = {
            picture.pixelColor(x, y).name()
            for x in range(0, picture.width(), 2)
            for y in range(40, picture.height(), 3)
        }
        assert {made.look.tokens.right, made.look.tokens.wrong} <= seen
        made.hide()
        made.deactivate()
