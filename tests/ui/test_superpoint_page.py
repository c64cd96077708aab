"""The SuperPoint page with real mouse and key events: cells, thresholds, views, both pictures, bad input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from superpoint_parts import NO_TRUTH, at, choose, drawn_pair, page_of, shown_page
from window_parts import Jobs, change, refs_of, settled

from app import pairs
from app.jobs import Progress, run_to_end
from app.learning import detector_store
from app.learning.superpoint import cell_probabilities, find_points
from app.records import ImagePair, PairRef, UserError
from app.ui.convnet import superpoint_jobs
from app.ui.convnet.superpoint_jobs import Kept, examine, overlay, place_of
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SUREST, SuperPointState
from app.ui.launch import _wait
from app.ui.session import Session
from app.ui.workspaces.convnet import ConvNetWorkspace


@pytest.fixture
def workspace(session: Session, jobs: Jobs) -> Iterator[ConvNetWorkspace]:
    with shown_page(session, jobs) as made:
        yield made


# ------------------------------------------------------------------------------- showing


def test_that_the_page_shows_heat_points_and_numbers_of_the_network(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    found = page.found
    assert found is not None
    assert found.heat.shape == (149, 200)
    network = detector_store.detector("trained").network
    logits = network.logits(found.sight.working.grey)
    assert logits.shape == (65, 19, 25)
    np.testing.assert_array_equal(found.sight.probabilities, cell_probabilities(logits))
    points = find_points(found.heat, found.state.confidence, found.state.radius)
    np.testing.assert_array_equal(found.points.xy, points.xy)
    assert f"{19 * 25} cells → {found.cells}" in page.funnel.text()
    assert f"{points.above:,} ≥\u00a00.015 → {points.apart:,} after NMS → {len(points):,}" in page.funnel.text()
    assert page.view.filled
    workspace.grab()
    assert "65" in workspace.details.title.text()


def test_that_repeatability_stands_beside_other_detectors_and_chance(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    repeated = page.repeated.shown
    assert repeated is not None
    assert set(repeated.share) == {"SuperPoint", "Shi–Tomasi", "FAST"}
    assert repeated.share["SuperPoint"] > 3 * repeated.chance  # moved by whole cells: it must find the same
    assert repeated.within_px == (3, 3)
    assert workspace.details.facts.value("repeatability")
    assert f"Of {repeated.count} points" in workspace.details.told.said


def test_that_without_truth_it_says_so(workspace: ConvNetWorkspace) -> None:
    workspace.session.step_pair(1)
    settled(workspace)
    page = page_of(workspace)
    assert page.found is not None
    assert page.found.ref.recipe == NO_TRUTH
    assert page.repeated.shown is None
    assert "no truth" in page.repeated.words
    workspace.grab()


def test_that_a_blank_picture_has_no_point_and_says_what_to_do(workspace: ConvNetWorkspace) -> None:
    workspace.session.step_pair(2)
    settled(workspace)
    found = choose(workspace, confidence=0.5)
    assert len(found.points) == 0
    assert "lower the confidence" in workspace.details.told.said
    workspace.grab()


# --------------------------------------------------------------------------------- cells


def test_that_the_mouse_shows_a_cell_and_a_click_keeps_it(workspace: ConvNetWorkspace) -> None:
    page, session = page_of(workspace), workspace.session
    found = page.found
    assert found is not None
    surest = divmod(int(found.sight.probabilities[:64].max(axis=0).argmax()), 25)
    assert page.cell == surest  # before anything is chosen
    QTest.mouseMove(page.view, at(page, 8 * 3 + 2, 8 * 5 + 6))
    assert page.cell == (5, 3)
    assert session.workspace_state(SUPERPOINT_KEY, SuperPointState()).cell == SUREST
    np.testing.assert_array_equal(page.cell_view.values, found.sight.probabilities[:, 5, 3])
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=at(page, 8 * 7 + 4, 8 * 2 + 4))
    assert page.state.cell == (2, 7)
    assert page.cell == (2, 7)
    assert page.head.text() == "CELL ROW 2, COLUMN 7"
    assert page.found is found  # a chosen cell asks nothing of the network
    session.undo()
    assert page.cell == surest


def test_that_a_drag_over_cells_is_one_step_of_undo(workspace: ConvNetWorkspace) -> None:
    page, session = page_of(workspace), workspace.session
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=at(page, 20, 20))
    first = page.cell
    choose(workspace, opacity=0.5)
    QTest.mousePress(page.view, Qt.MouseButton.LeftButton, pos=at(page, 52, 20))
    for x, y in ((60, 20), (60, 40), (100, 44)):
        QTest.mouseMove(page.view, at(page, x, y))
    QTest.mouseRelease(page.view, Qt.MouseButton.LeftButton, pos=at(page, 100, 44))
    assert page.cell == (5, 12)
    session.undo()
    assert page.cell == first
    assert page.state.opacity == 0.5


def test_that_arrows_step_from_cell_to_cell_and_not_through_the_pairs(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=at(page, 8 * 7 + 4, 8 * 2 + 4))
    pair = workspace.session.state.pair
    page.view.setFocus()
    for key, cell in ((Qt.Key.Key_Right, (2, 8)), (Qt.Key.Key_Down, (3, 8)), (Qt.Key.Key_Left, (3, 7))):
        QTest.keyClick(page.view, key)
        assert page.cell == cell
    QTest.keyClick(page.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert page.cell == (3, 12)
    for _ in range(3):
        QTest.keyClick(page.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(page.view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert page.cell == (0, 24)  # the last column is cut: 200 is 25 cells, 149 is not 19
    assert workspace.session.state.pair == pair
    workspace.grab()


# -------------------------------------------------------------------------------- asking


def test_that_confidence_and_radius_thin_the_points_out(workspace: ConvNetWorkspace) -> None:
    few = choose(workspace, confidence=0.3)
    many = choose(workspace, confidence=0.005)
    assert few.points.above < many.points.above
    assert (few.points.confidence >= 0.3).all()
    apart = choose(workspace, radius=15)
    assert len(apart.points) < len(many.points)
    assert apart.sight is not None
    assert apart.sight.probabilities is many.sight.probabilities  # the network was not asked again


def test_that_random_weights_find_nothing_meant(workspace: ConvNetWorkspace) -> None:
    found = choose(workspace, weights="random", confidence=0.01)
    np.testing.assert_allclose(found.heat, 1 / 65, rtol=0.1)
    assert found.points.above == found.heat.size
    assert "4.174" in workspace.details.told.said
    assert float(workspace.details.facts.value("−ln p, dustbin")) == pytest.approx(4.174, abs=0.03)
    workspace.grab()


def test_that_views_are_averaged_gone_on_with_and_can_be_left_out(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    alone = choose(workspace, views=1)
    three = choose(workspace, views=3)
    assert three.sight.averaged is not None
    assert three.sight.averaged.views == 3
    assert (three.heat != alone.heat).any()
    np.testing.assert_array_equal(three.sight.single, alone.heat)
    assert page.cell_view.averaged is not None
    workspace.grab()
    five = choose(workspace, views=5)
    assert five.sight.averaged is not None
    assert (five.sight.averaged.total >= three.sight.averaged.total).all()  # two more views were added to the three
    assert workspace.details.facts.value("views averaged") == "5 of 5"
    without = choose(workspace, heat="single")
    np.testing.assert_array_equal(without.heat, alone.heat)


def test_that_the_other_picture_is_a_button_away_and_undo_goes_back(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    left = page.found
    QTest.mouseClick(page.other, Qt.MouseButton.LeftButton)
    settled(workspace)
    assert page.state.side == "right"
    assert page.found is not None
    assert left is not None
    assert (page.found.heat != left.heat).any()
    assert page.view.caption.startswith("right")
    workspace.session.undo()
    settled(workspace)
    np.testing.assert_array_equal(page.found.heat, left.heat)


def test_that_bare_keys_change_picture_heat_and_view(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_X)
    assert page.state.side == "right"
    QTest.keyClick(page.view, Qt.Key.Key_V)
    assert page.state.heat == "single"
    settled(workspace)
    found = page.found
    before = page.view.grab().toImage()
    QTest.keyClick(page.view, Qt.Key.Key_K)
    assert not page.state.points
    assert page.view.grab().toImage() != before
    assert page.found is found  # nothing is asked again
    QTest.keyClick(page.view, Qt.Key.Key_0)
    assert page.view.scale == 1
    QTest.keyClick(page.view, Qt.Key.Key_F)
    assert page.view.scale != 1
    settled(workspace)


def test_that_cancelling_keeps_the_picture_and_what_was_averaged(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    change(page, views=100)
    assert _wait(lambda: page.found is not None and page.found.sight.averaged is not None, 30.0)
    assert page.stop.isEnabled()
    assert page.progress.isVisible()
    assert "View " in page.view.caption
    assert page.repeated.shown is not None  # of one view: it stays, but is not said to be of now
    assert page.repeated.old
    assert not workspace.details.told.said
    page.grab()
    QTest.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert _wait(lambda: not page.busy, 30.0)
    assert page.found is not None
    averaged = page.found.sight.averaged
    assert averaged is not None
    assert 1 <= averaged.views < 100
    assert not page.progress.isVisible()
    assert "View " not in page.view.caption
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=at(page, 50, 50))
    assert not page.busy  # a click on a cell starts nothing again
    assert page.stop.text() == "Go on"
    QTest.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert _wait(lambda: page.found.sight.averaged.views > averaged.views, 30.0)
    QTest.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert _wait(lambda: not page.busy, 30.0)
    averaged = page.found.sight.averaged
    found = choose(workspace, views=averaged.views + 1)
    assert found.sight.averaged is not None
    assert found.sight.averaged.views == averaged.views + 1


def test_that_a_damaged_file_of_weights_is_one_sentence(
    workspace: ConvNetWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(workspace)

    def broken(_which: str) -> None:
        raise UserError("weights.safetensors is damaged or not a model of this program; choose another file.")

    shown = page.found
    monkeypatch.setattr(superpoint_jobs, "detector", broken)
    change(page, max_side=160)
    settled(workspace)
    assert "damaged" in workspace.details.told.said
    assert page.found is shown  # the last picture stays


def test_that_the_state_comes_back(workspace: ConvNetWorkspace) -> None:
    choose(workspace, radius=9, opacity=0.3)
    state = workspace.session.workspace_state(SUPERPOINT_KEY, SuperPointState())
    assert (state.radius, state.opacity, state.side) == (9, 0.3, "left")
    assert page_of(workspace).form.settings == state


# ---------------------------------------------------------------------------------- jobs


def test_that_a_job_tells_the_picture_before_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_ref: PairRef) -> None:
        raise AssertionError("the pair is known and is read again")

    monkeypatch.setattr(pairs, "load", refuse)
    told: list[Progress] = []
    ref = refs_of(1)[0]
    found = run_to_end(examine(ref, drawn_pair(ref), SuperPointState(views=2), Kept()), told.append)
    first = next(p.payload for p in told if p.payload is not None)
    assert first.repeated is None
    assert found.repeated is not None
    assert [p.text for p in told][-1] == "Comparing detectors"
    assert any(p.text.startswith("View 2 of 2") for p in told)


def test_that_a_pair_nobody_read_yet_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[PairRef] = []
    monkeypatch.setattr(pairs, "load", lambda ref: asked.append(ref) or drawn_pair(ref))
    ref, kept = refs_of(1)[0], Kept()
    for confidence in (0.1, 0.2):
        run_to_end(examine(ref, None, SuperPointState(confidence=confidence), kept))
    assert asked == [ref]


def test_the_scale_of_colours() -> None:
    np.testing.assert_allclose(place_of([0, 0.001, 0.01, 0.1, 1, 2]), [0, 0, 1 / 3, 2 / 3, 1, 1], atol=1e-6)
    grey = np.array([[10, 200]], np.uint8)
    cold, hot = overlay(grey, np.array([[0.0, 1.0]], np.float32), 1.0)[0]
    assert cold.tolist() == [10, 10, 10]
    assert hot.tolist() == [253, 231, 37]  # the last colour of viridis
    assert (overlay(grey, np.ones((1, 2), np.float32), 0.0) == grey[..., None]).all()


def test_that_a_page_left_and_opened_again_goes_on(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    for wait in (False, True):  # back at once, or when the job has ended
        change(page, views=12 + wait)
        workspace.deactivate()
        assert not wait or _wait(lambda: not page.busy, 30.0)
        workspace.activate()
        settled(workspace)
        assert page.found is not None
        assert page.found.sight.averaged is not None
        assert page.found.sight.averaged.views == 12 + wait
    assert not page.repeated.old


def test_that_a_dragged_slider_ends_at_its_last_place(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    for step in range(1, 13):
        change(page, confidence=0.02 * step)
        _wait(lambda: False, 0.004)
    settled(workspace)
    assert page.found is not None
    assert page.found.state.confidence == pytest.approx(0.24)
    assert (page.found.points.confidence >= 0.24).all()
    assert page.colours.confidence == pytest.approx(0.24)
    assert not page.repeated.old


def test_that_a_ring_stands_around_its_pixel_and_the_outline_around_its_cell(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    assert page.found is not None
    found = choose(workspace, confidence=float(np.floor(page.found.points.confidence[0] * 1000) / 1000), radius=20)
    (x, y) = found.points.xy[0].tolist()
    page.view.zoom_to(x, y, 9.0)
    assert _wait(lambda: not page.view.moving, 5.0)

    def seen() -> np.ndarray:
        image = page.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)

    with_ring = seen()
    change(page, points=False)
    changed = np.argwhere((seen() != with_ring).any(axis=2))
    at_ring = page.view.screen_of(x, y)
    near = np.abs(changed - (at_ring.y(), at_ring.x())).max(axis=1) < 30
    middle = (changed[near].min(axis=0) + changed[near].max(axis=0) + 1) / 2
    assert middle == pytest.approx((at_ring.y(), at_ring.x()), abs=1.5)
    selected = page.look.colour("selected")
    yellow = np.argwhere((np.abs(seen() - selected.getRgb()[:3]) < 30).all(axis=2))
    assert page.cell is not None
    row, column = page.cell
    first = page.view.screen_of(8 * column - 0.5, 8 * row - 0.5)
    last = page.view.screen_of(8 * column + 7.5, 8 * row + 7.5)
    assert yellow.min(axis=0) == pytest.approx((first.y(), first.x()), abs=2.5)
    assert yellow.max(axis=0) == pytest.approx((last.y(), last.x()), abs=2.5)


def test_that_the_sessions_pair_is_taken_and_never_read_again(
    session: Session, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[PairRef] = []
    monkeypatch.setattr(pairs, "load", lambda ref: asked.append(ref) or drawn_pair(ref))
    jobs.steps, jobs.step_seconds = 3, 0.02  # the page is there before the pair
    with shown_page(session, jobs, SuperPointState(radius=7)) as workspace:
        page = page_of(workspace)
        for step in (1, 1, -1):
            session.step_pair(step)
            settled(workspace)
            assert page.found is not None
            assert session.result is not None
            assert page.found.ref == session.state.pair
            assert page.found.state.radius == 7
    assert asked == []


def test_that_a_pair_that_could_not_be_matched_is_read_here(
    session: Session, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[PairRef] = []
    monkeypatch.setattr(pairs, "load", lambda ref: asked.append(ref) or drawn_pair(ref))

    def refuse(_ref: PairRef) -> ImagePair:
        raise UserError("This matcher cannot.")

    with shown_page(session, jobs) as workspace:
        jobs.make_pair = refuse
        session.step_pair(1)
        settled(workspace)
        assert page_of(workspace).found is not None
        assert page_of(workspace).found.ref == session.state.pair
    assert asked == [session.state.pair]
