"""The SIFT workspace as a user meets it: real mouse and key events over a small picture of blobs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.jobs import Progress
from app.records import ImagePair, MatchRequest, MatchResult, PairRef, Selection, UInt8
from app.ui import browser as browser_module
from app.ui.main_window import MainWindow
from app.ui.session import Session
from app.ui.session_state import Store, config_folder
from app.ui.sift import explainer as explainer_module
from app.ui.sift.history_words import row_at
from app.ui.sift.scale_space_page import ScaleSpacePage
from app.ui.sift.stage_marks import choose
from app.ui.sift.stages_page import NOTHING, StagesPage
from app.ui.sift.state import SiftState, SpaceState, StagesState
from app.ui.workspaces.sift import SiftWorkspace
from app.vision.images import make_image
from app.vision.sift_records import SiftExplanation, SiftSettings, Stage

from window_parts import end, refs_of, window_on  # isort: skip

Until = Callable[[Callable[[], bool]], None]
LEFT = Qt.MouseButton.LeftButton


def blobs(seed: int, width: int = 240, height: int = 180) -> UInt8:
    """Bright and dark disks of many sizes on a grey ground with some texture."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[0:height, 0:width]
    grey = 120 + 4 * rng.standard_normal((height, width))
    for _ in range(40):
        x, y, r = rng.uniform(10, width - 10), rng.uniform(10, height - 10), rng.uniform(2, 12)
        grey += rng.choice([-70, 70]) / (1 + np.exp((np.hypot(xx - x, yy - y) - r) * 2))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def quick_thumbnail(_ref: PairRef, side: int) -> UInt8:
    return np.full((side // 2, side, 3), 90, np.uint8)


class Pictures:
    """Makes match jobs whose pictures are set by the test."""

    def __init__(self) -> None:
        self.left, self.right = blobs(1), blobs(2)

    def __call__(self, request: MatchRequest) -> Generator[Progress, None, MatchResult]:
        left, right = (make_image(np.ascontiguousarray(rgb), "blobs") for rgb in (self.left, self.right))
        pair = ImagePair(request.ref, left, right)
        yield Progress(0, 1, "Loading", MatchResult(request, pair))
        return MatchResult(request, pair, seconds={"load": 0.001})


@pytest.fixture
def pictures() -> Pictures:
    return Pictures()


@pytest.fixture
def window(pictures: Pictures, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(browser_module, "_make_thumbnail", quick_thumbnail)
    session = Session(Store(config_folder()), make_job=pictures)
    session.restore()
    made = window_on(session)
    made.show()
    session.set_workspace("sift")
    yield made
    end(made)


def opened(window: MainWindow, until: Until) -> SiftWorkspace:
    """Open the pair and wait until everything is explained and drawn."""
    if not window.session.pairs:
        window.session.open_pairs(refs_of(2))
    workspace = window.workspaces["sift"]
    assert isinstance(workspace, SiftWorkspace)
    until(lambda: workspace.context is not None and workspace.context.explanation is not None and not workspace.busy)
    return workspace


def space_page(workspace: SiftWorkspace) -> ScaleSpacePage:
    page = workspace.page
    assert isinstance(page, ScaleSpacePage)
    return page


def stages_page(window: MainWindow, until: Until) -> StagesPage:
    window.session.set_workspace_state("sift", SiftState(page="stages"))
    page = opened(window, until).page
    assert isinstance(page, StagesPage)
    return page


def explanation_of(workspace: SiftWorkspace) -> SiftExplanation:
    assert workspace.context is not None
    assert workspace.context.explanation is not None
    return workspace.context.explanation


def click(widget: QWidget, at: QPointF) -> None:
    QTest.mouseClick(widget, LEFT, pos=at.toPoint())


# ---------------------------------------------------------------------------- the frame


def test_that_it_opens_at_a_strong_keypoint_with_everything_drawn(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    page, explanation = space_page(workspace), explanation_of(workspace)
    assert explanation.complete
    assert set(page.grid.pictures) == set(page.grid.cells())
    assert all(int(np.ptp(picture.rgb)) > 40 for picture in page.grid.pictures.values())  # none is blank
    assert page.view.filled
    assert page.point is not None
    assert np.hypot(*(explanation.keypoints.xy - page.point).T).min() < 1e-3
    assert page.probe.cube.verdict is not None
    assert page.probe.response.drawing.curves
    assert page.probe.orientation.drawing.bars
    assert window.session.state.selection is None  # nothing was chosen for the user


def test_that_a_selection_from_elsewhere_opens_at_its_level(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    keypoints = explanation_of(workspace).keypoints
    row = int(np.argmax(keypoints.size))
    x, y = keypoints.xy[row].tolist()
    window.session.select(Selection("left", x, y))
    page = space_page(workspace)
    until(lambda: page.point == (x, y))
    assert page.cell == (keypoints.octave[row], keypoints.layer[row])
    assert page.probe.cube.verdict is not None
    assert "became a keypoint" in page.probe.sentence.text()


def test_that_x_explains_the_other_picture_at_the_partner(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    window.session.select(Selection("left", 100.0, 60.0, (90.0, 50.0)))
    QTest.keyClick(space_page(workspace).grid, Qt.Key.Key_X)
    assert window.session.state.selection == Selection("right", 90.0, 50.0, (100.0, 60.0))
    opened(window, until)
    assert workspace.context is not None
    assert workspace.context.side == "right"
    assert workspace.context.point == (90.0, 50.0)
    window.session.select(None)
    until(lambda: workspace.side == "left")  # with nothing selected the side chosen last counts
    click(workspace.strip.sides["right"], QPointF(8, 8))
    assert workspace.side == "right"


def test_that_digits_open_pages_and_undo_closes_them(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    QTest.keyClick(space_page(workspace).grid, Qt.Key.Key_2)
    assert isinstance(workspace.page, StagesPage)
    assert workspace.strip.tabs["stages"].isChecked()
    window.session.undo()
    assert isinstance(workspace.page, ScaleSpacePage)


def test_that_a_shared_setting_is_the_matchers_and_explains_anew(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    before = explanation_of(workspace)
    assert "Contrast threshold" in workspace._settings.link.text()
    form = workspace._settings.form
    form.rows["contrast"].spin.setValue(0.1)  # type: ignore[attr-defined]  # a number row has a spin box
    assert window.session.settings.detect.contrast == 0.1
    until(lambda: workspace.context is not None and workspace.context.settings.contrast == 0.1)
    opened(window, until)
    assert explanation_of(workspace).space is before.space  # other thresholds need no other levels
    assert explanation_of(workspace).settings.contrast == 0.1
    assert len(explanation_of(workspace).keypoints) < len(before.keypoints)
    form.rows["layers"].spin.setValue(4)  # type: ignore[attr-defined]
    assert window.session.workspace_state("sift.settings", SiftSettings()).layers == 4
    until(lambda: workspace.context is not None and workspace.context.settings.layers == 4)
    opened(window, until)
    assert len(space_page(workspace).grid.shape.sigmas) == 6  # type: ignore[union-attr]  # s + 2 planes


def test_that_a_failure_is_one_sentence_and_can_be_tried_again(
    window: MainWindow, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> Generator[Progress, None, SiftExplanation]:
        yield Progress(0, 1, "Blurring octave 0")
        raise RuntimeError("no memory")

    real = explainer_module.explain
    monkeypatch.setattr(explainer_module, "explain", broken)
    window.session.open_pairs(refs_of(2))
    workspace = window.workspaces["sift"]
    assert isinstance(workspace, SiftWorkspace)
    until(lambda: workspace.fault.isVisible())
    assert "Blurring octave 0" in workspace.fault.text()
    assert workspace.strip.retry.isVisible()
    monkeypatch.setattr(explainer_module, "explain", real)
    click(workspace.strip.retry, QPointF(8, 8))
    opened(window, until)
    assert not workspace.fault.isVisible()


def test_that_explaining_can_be_cancelled_and_taken_up(
    window: MainWindow, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_args: object) -> Generator[Progress, None, SiftExplanation]:
        while True:
            QTest.qSleep(5)
            yield Progress(0, None, "Searching")

    real = explainer_module.explain
    monkeypatch.setattr(explainer_module, "explain", endless)
    window.session.open_pairs(refs_of(2))
    workspace = window.workspaces["sift"]
    assert isinstance(workspace, SiftWorkspace)
    until(lambda: workspace.strip.cancel.isVisible())
    click(workspace.strip.cancel, QPointF(5, 5))
    until(lambda: workspace.fault.isVisible())
    assert "cancelled" in workspace.fault.text()
    assert not workspace.explainer.busy
    monkeypatch.setattr(explainer_module, "explain", real)
    click(workspace.strip.retry, QPointF(8, 8))
    opened(window, until)


def test_that_a_large_picture_is_explained_reduced_and_selected_in_its_own_pixels(
    window: MainWindow, pictures: Pictures, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explainer_module, "MOST_SIDE", 120)
    workspace = opened(window, until)
    assert workspace.context is not None
    assert workspace.context.picture is not None
    assert workspace.context.picture.size == (120, 90)
    window.session.select(Selection("left", 101.0, 61.0))
    until(lambda: workspace.context is not None and workspace.context.point == (50.25, 30.25))
    page = space_page(workspace)
    page.point_chosen.emit(Selection("left", 50.25, 30.25))
    assert window.session.state.selection == Selection("left", 101.0, 61.0)


# ------------------------------------------------------------------------- scale space


def test_that_a_click_in_a_cell_moves_every_cursor_and_the_selection(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    page = space_page(workspace)
    cell, place = (0, 2), (80.0, 120.0)
    click(page.grid, page.grid.screen_of(cell, place))
    assert page.cell == cell
    selection = window.session.state.selection
    assert selection is not None
    pixel = page.grid.shape.image[0] / page.grid.rect_of(cell).width()  # type: ignore[union-attr]  # laid out
    assert abs(selection.x - place[0]) <= pixel
    assert abs(selection.y - place[1]) <= pixel
    until(lambda: workspace.context is not None and workspace.context.point == (selection.x, selection.y))
    assert page.view.cursor_at == page.grid.point == (selection.x, selection.y)
    assert page.cell == cell  # the level chosen stays, whatever lies at the point


def test_that_dragging_measures_at_once_and_selects_when_let_go(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    start, stop = page.view.screen_of(60, 60), page.view.screen_of(150, 90)
    QTest.mousePress(page.view, LEFT, pos=start.toPoint())
    first = page.probe.sentence.text()
    QTest.mouseMove(page.view, stop.toPoint())
    assert page.point is not None
    assert np.allclose(page.point, (150, 90), atol=1.5 / page.view.scale + 0.5)
    assert page.probe.sentence.text() != first
    assert window.session.state.selection is None or window.session.state.selection.x < 100
    QTest.mouseRelease(page.view, LEFT, pos=stop.toPoint())
    selection = window.session.state.selection
    assert selection is not None
    assert (selection.x, selection.y) == page.point


def test_that_shift_and_an_arrow_move_the_cursor_by_a_pixel_of_the_level(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    page._choose_cell((1, 2))
    page._choose((60.0, 50.0))
    page._show_point((60.0, 50.0))
    QTest.keyClick(page.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    selection = window.session.state.selection
    assert selection is not None
    assert (selection.x, selection.y) == (62.0, 50.0)


def test_that_up_and_down_go_through_the_levels_and_stop_at_the_ends(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    cells = page.grid.cells()
    page._choose_cell(cells[4])
    QTest.keyClick(page.grid, Qt.Key.Key_Down)
    assert page.cell == cells[5] == (0, 0)
    until(lambda: not page.busy)
    for _ in range(8):
        QTest.keyClick(page.grid, Qt.Key.Key_Up)
    assert page.cell == cells[0]
    state: SpaceState = window.session.workspace_state("sift.space", SpaceState())
    assert (state.octave, state.layer) == cells[0]


def test_that_d_shows_gaussians_with_their_own_columns(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    assert page.grid.shape is not None
    assert len(page.grid.shape.sigmas) == 5
    QTest.keyClick(page.grid, Qt.Key.Key_D)
    until(lambda: not page.busy and len(page.grid.pictures) == len(page.grid.cells()))
    assert page.grid.shape.kind == "gaussian"
    assert len(page.grid.shape.sigmas) == 6
    assert all(picture.limit == 255 for picture in page.grid.pictures.values())
    window.session.undo()
    assert page.grid.shape.kind == "dog"


def test_that_one_range_for_all_makes_every_limit_equal(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    assert len({picture.limit for picture in page.grid.pictures.values()}) > 1
    window.session.set_workspace_state("sift.space", replace(page.state, fixed=True))
    until(lambda: not page.busy and len(page.grid.pictures) == len(page.grid.cells()))
    assert len({picture.limit for picture in page.grid.pictures.values()}) == 1


def test_that_n_finds_an_extremum_and_the_cube_agrees_with_the_detector(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    page = space_page(workspace)
    candidates = explanation_of(workspace).candidates
    layer = 2
    inside = (candidates.octave == 0) & (candidates.found_layer == layer) & (candidates.border >= 5)
    assert inside.any()
    page._choose_cell((0, layer))
    x, y = candidates.xy[np.flatnonzero(inside)[0]].tolist()
    page._choose((x + 1.4, y))
    page._show_point((x + 1.4, y))
    QTest.keyClick(page.view, Qt.Key.Key_N)
    assert page.point is not None
    col, row = round(page.point[0]), round(page.point[1])
    found = row_at(candidates, 0, layer, col, row)
    assert found is not None
    verdict = page.probe.cube.verdict
    assert verdict is not None
    assert verdict.kind == ("maximum" if candidates.sample[found] > 0 else "minimum")


def test_that_every_candidate_of_a_level_is_an_extremum_of_its_cube(window: MainWindow, until: Until) -> None:
    workspace = opened(window, until)
    page, explanation = space_page(workspace), explanation_of(workspace)
    found = explanation.candidates
    for index in range(0, len(found), max(1, len(found) // 25)):
        octave, layer = int(found.octave[index]), int(found.found_layer[index])
        page._choose_cell((octave, layer))
        page._show_point((float(found.found_col[index]) * 2.0**octave, float(found.found_row[index]) * 2.0**octave))
        assert page.probe.cube.verdict is not None
        assert page.probe.cube.verdict.kind != "none", page.probe.sentence.text()


def test_that_v_shows_the_picture_at_the_same_place(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    QTest.keyClick(page.view, Qt.Key.Key_V)
    assert page.state.large == "picture"
    assert "240 × 180" in page.view.caption
    QTest.keyClick(page.view, Qt.Key.Key_V)
    until(lambda: not page.busy)
    assert page.view.caption.startswith("DoG")


# ------------------------------------------------------------------------------- stages


def test_that_a_click_on_a_stage_shows_its_survivors_and_rejected(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    assert page.explanation is not None
    for stage in (Stage.EDGE, Stage.EXTREMA, Stage.DESCRIBED, Stage.CONTRAST):
        click(page.funnel, page.funnel._row(stage).center())
        assert page.stage == stage
        found = page.explanation.candidates
        assert page.chosen is not None
        assert page.chosen.survivor_count == dict(page.explanation.funnel)[stage] == int(found.passed(stage).sum())
        assert page.chosen.rejected_count == int(found.died_at(stage).sum())
    QTest.keyClick(page.funnel, Qt.Key.Key_Down)
    assert page.stage == Stage.EDGE
    state: StagesState = window.session.workspace_state("sift.stages", StagesState())
    assert state.stage == "edge"


def test_that_hovering_tells_the_history_and_a_click_keeps_it(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    assert page.explanation is not None
    found = page.explanation.candidates
    click(page.funnel, page.funnel._row(Stage.EDGE).center())
    row = int(np.flatnonzero(found.died_at(Stage.EDGE))[0])
    at = page.view.screen_of(*found.xy[row].tolist()).toPoint()
    QTest.mouseMove(page.view, at + QPoint(1, 0))
    assert page._hovered is not None
    hovered = page._hovered
    assert np.hypot(*(found.xy[hovered] - found.xy[row])) < 9 / page.view.scale
    assert "✕" in page.history.ladder.text() or "keypoint" in page.history.story.text()
    QTest.mouseClick(page.view, LEFT, pos=at + QPoint(1, 0))
    selection = window.session.state.selection
    assert selection is not None
    assert np.allclose((selection.x, selection.y), found.xy[hovered], atol=1e-4)
    QTest.mouseMove(page.view, QPoint(3, 3))
    opened(window, until)
    assert page.pinned is not None
    assert np.allclose(found.xy[page.pinned], found.xy[hovered], atol=1e-4)
    assert page.history._shown is not None


def test_that_s_and_r_hide_survivors_and_rejected(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    assert page.chosen is not None
    QTest.keyClick(page.view, Qt.Key.Key_S)
    assert len(page.marks.rows) == len(page.chosen.rejected)
    QTest.keyClick(page.view, Qt.Key.Key_R)
    assert len(page.marks.rows) == 0
    QTest.keyClick(page.view, Qt.Key.Key_S)
    assert len(page.marks.rows) == len(page.chosen.survivors)


def test_that_space_plays_the_steps_in_order_and_pauses(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    complete = page.explanation
    window.session.set_workspace_state("sift.stages", StagesState(speed=20.0))
    seen: list[tuple[int, Stage]] = []
    page.player.stepped.connect(lambda progress: seen.append((progress.payload.octave, progress.payload.stage)))
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    until(lambda: len(seen) >= 4)
    assert page.player.playing
    assert page.play.text() == "Pause"
    assert page.funnel.counts[0] <= page.funnel.most
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    assert not page.player.playing
    QTest.qWait(150)  # a step on its way may still arrive
    held = len(seen)
    QTest.qWait(250)
    assert len(seen) == held
    assert seen == sorted(seen)
    assert seen[0] == (-1, Stage.EXTREMA)
    QTest.keyClick(page.view, Qt.Key.Key_Period)
    until(lambda: len(seen) == held + 1)
    assert "step" in page.step_words.text()
    click(page.stop, QPointF(6, 6))
    assert page.explanation is complete
    assert not page.player.begun


def test_that_playing_to_the_end_gives_the_same_keypoints(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    complete = page.explanation
    assert complete is not None
    page.player.set_speed(1000.0)
    click(page.play, QPointF(10, 10))
    until(lambda: not page.player.begun)
    assert page.explanation is complete
    assert page.funnel.counts == tuple(count for _, count in complete.funnel)


def test_that_leaving_the_page_stops_the_player(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    assert page.player.begun
    window.session.set_workspace("match")
    assert not page.player.begun
    assert not page.player.playing


def test_that_many_candidates_are_drawn_up_to_a_number_that_is_told(window: MainWindow, until: Until) -> None:
    page = stages_page(window, until)
    assert page.explanation is not None
    one = page.explanation.candidates
    many = one.take(np.resize(np.arange(len(one)), 40_000))
    chosen = choose(many, Stage.CONTRAST)
    assert len(chosen.survivors) <= 3000
    assert len(chosen.rejected) <= 3000
    assert chosen.survivor_count + chosen.rejected_count == int(many.passed(Stage.REFINED).sum())
    kept = np.abs(many.sample[chosen.survivors]).min()
    left = np.setdiff1d(np.flatnonzero(many.passed(Stage.CONTRAST)), chosen.survivors)
    assert np.abs(many.sample[left]).max() <= kept


# ---------------------------------------------------------------------------- bad pictures


@pytest.mark.parametrize("shape", [(64, 64), (40, 1), (1, 1), (3, 200)])
def test_that_flat_and_tiny_pictures_say_that_nothing_was_found(
    window: MainWindow, pictures: Pictures, until: Until, shape: tuple[int, int]
) -> None:
    pictures.left = np.full((*shape, 3), 90, np.uint8)
    workspace = opened(window, until)
    page = space_page(workspace)
    assert len(explanation_of(workspace).candidates) == 0
    assert page.point is not None
    assert "extremum" in page.probe.sentence.text() or "border" in page.probe.sentence.text()
    assert not page.probe.orientation.drawing.bars
    stages = stages_page(window, until)
    assert stages.funnel.counts == (0,) * len(Stage)
    assert "lower the contrast threshold" in NOTHING
    assert not stages.view.grab().isNull()


def test_that_a_page_grabs_at_presentation_size(window: MainWindow, until: Until) -> None:
    page = space_page(opened(window, until))
    window.toggle_present()
    QTest.qWait(50)
    assert not page.grab().isNull()
    window.toggle_present()
