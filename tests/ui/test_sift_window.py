"""The pages at a point in the real window: one selection runs through all of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sift_parts import small_result
from window_parts import end, refs_of, window_on

from app import failures
from app.failures import CASES, Case, Failures, Row
from app.jobs import Progress
from app.records import MatchRequest, MatchResult, PairRef, Selection, UInt8, find_match
from app.ui import browser as browser_module
from app.ui.main_window import MainWindow
from app.ui.session import Session
from app.ui.session_state import Store, config_folder
from app.ui.sift.fails_page import FailsPage
from app.ui.sift.keypoint_page import KeypointPage
from app.ui.sift.laws_page import LawsPage
from app.ui.sift.page import SiftPage
from app.ui.sift.sides_page import SidesPage
from app.ui.workspaces.sift import SiftWorkspace
from app.vision.follow import LOSSES

Until = Callable[[Callable[[], bool]], None]
LEFT = Qt.MouseButton.LeftButton


def job(request: MatchRequest) -> Generator[Progress, None, MatchResult]:
    yield Progress(0, 1, "Loading", MatchResult(request, small_result().pair))
    return replace(small_result(), request=request)


def quick(cases: tuple[Case, ...], matcher: str, _cache: object) -> Generator[Progress, None, Failures]:
    yield Progress(0, len(cases), "measuring")
    lost = tuple((name, 2) for name in LOSSES)
    return Failures(tuple(Row(case, matcher, visible=12, lost=lost) for case in cases), len(cases))


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, until: Until) -> Iterator[MainWindow]:
    def thumbnail(_ref: PairRef, side: int) -> UInt8:
        return np.full((side // 2, side, 3), 90, np.uint8)

    monkeypatch.setattr(browser_module, "_make_thumbnail", thumbnail)
    monkeypatch.setattr(failures, "run", quick)
    session = Session(Store(config_folder()), make_job=job)
    session.restore()
    made = window_on(session)
    made.docks.arrange()
    session.open_pairs(refs_of(1))
    session.set_workspace("sift")
    made.show()
    workspace = made.workspaces["sift"]
    until(lambda: session.complete and not workspace.busy)
    yield made
    end(made)


def open_page(window: MainWindow, until: Until, key: str) -> SiftPage:
    """Bring a page to the front by its tab."""
    workspace = window.workspaces["sift"]
    assert isinstance(workspace, SiftWorkspace)
    QTest.mouseClick(workspace.strip.tabs[key], LEFT)
    until(lambda: workspace.page is not None and workspace.page.key == key and not workspace.busy)
    assert workspace.page is not None
    return workspace.page


def select_match(window: MainWindow, index: int) -> float:
    """Select a match by its ends; return the distance of the line that the match table marks for them."""
    result = window.session.result
    assert result is not None
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    i, j = result.matches.pairs[index].tolist()
    here, there = ((float(x), float(y)) for x, y in (result.left.keypoints.xy[i], result.right.keypoints.xy[j]))
    selection = Selection("left", *here, there)
    window.session.select(selection)
    marked = find_match(result, selection)  # twins of one place are found by the first
    assert marked is not None
    return float(result.matches.distance[marked])


def test_that_a_selected_match_is_described_and_compared(window: MainWindow, until: Until) -> None:
    distance = select_match(window, 2)
    page = open_page(window, until, "keypoint")
    assert isinstance(page, KeypointPage)
    until(lambda: page.found is not None and page.found.keypoint >= 0)
    selection = window.session.state.selection
    assert selection is not None
    assert page.found is not None
    assert page.found.xy == pytest.approx((selection.x, selection.y), abs=0.02)
    sides = open_page(window, until, "sides")
    assert isinstance(sides, SidesPage)
    until(lambda: sides.compared is not None and not sides.busy)
    assert sides.compared is not None
    assert sides.compared.table == distance
    assert f"{distance:.4g}" in sides.words.text()


def test_that_clicks_in_a_page_move_the_selection_of_the_session(window: MainWindow, until: Until) -> None:
    page = open_page(window, until, "keypoint")
    assert isinstance(page, KeypointPage)
    page.view.fit()
    QTest.mouseClick(page.view, LEFT, pos=page.view.screen_of(120, 80).toPoint())
    selection = window.session.state.selection
    assert selection is not None
    assert (selection.x, selection.y) == pytest.approx((120, 80), abs=1)
    laws = open_page(window, until, "laws")
    assert isinstance(laws, LawsPage)
    assert laws.line.scanned is not None
    assert laws.line.scanned.row == round(selection.y)
    view = laws.line.picture
    QTest.mousePress(view, LEFT, pos=view.screen_of(40, 150).toPoint())
    QTest.mouseRelease(view, LEFT, pos=view.screen_of(40, 150).toPoint())
    assert window.session.state.selection is not None
    assert window.session.state.selection.y == pytest.approx(150, abs=1)
    window.session.undo()
    QApplication.processEvents()
    until(lambda: laws.line.scanned is not None and laws.line.scanned.row != 150)


def test_that_the_failures_are_measured_and_open_their_pair(window: MainWindow, until: Until) -> None:
    page = open_page(window, until, "fails")
    assert isinstance(page, FailsPage)
    until(lambda: len(page.measured["sift"].rows) == len(CASES))
    table = page.table.table
    QTest.mouseClick(table.viewport(), LEFT, pos=table.visualItemRect(table.item(3, 0)).center())
    assert window.session.state.pair == CASES[3].ref
    assert window.session.state.workspace == "sift"
    assert page.isVisible()


def test_that_every_page_fits_a_window_of_1280_pixels(window: MainWindow, until: Until) -> None:
    for key in ("keypoint", "sides", "laws", "fails"):
        open_page(window, until, key)
        window.docks.arrange()
        QApplication.processEvents()
        assert window.minimumSizeHint().width() <= 1280
        assert window.width() == 1280
