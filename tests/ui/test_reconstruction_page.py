"""The Reconstruction page with real mouse and key events: cells, columns, settings, stopping, pictures too small."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from convnet_parts import choose_in, page_in, shown_on, shown_workspace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from window_parts import change, refs_of, settled, tiny_pair

from app import pairs
from app.jobs import run_to_end
from app.learning import model_store
from app.records import Image, ImagePair, PairRef, UserError
from app.ui.convnet.cell_widget import CellWidget
from app.ui.convnet.reconstruction_page import NO_PAIR, STOPPED, ReconstructionPage
from app.ui.convnet.reconstruction_state import (
    MIDDLE,
    RECONSTRUCTION_KEY,
    ReconstructionState,
    answer,
)
from app.ui.launch import _wait
from app.ui.session import Session
from app.ui.workspaces import WORKSPACES
from app.ui.workspaces.convnet import ConvNetWorkspace
from app.vision import builtin
from app.vision.half_pixel import to_original
from app.vision.images import grey8, make_image

page_of, choose = partial(page_in, ReconstructionPage), partial(choose_in, ReconstructionPage)


@pytest.fixture
def workspace(session: Session) -> Iterator[ConvNetWorkspace]:
    with shown_on(ReconstructionPage, session, refs=refs_of(2)) as made:
        yield made


def on_screen(view: CellWidget, x: float, y: float, *, column: int = 0) -> QPoint:
    """Return the widget's point of a working pixel: in the query, or in a column's picture."""
    page = view.parentWidget()
    assert isinstance(page, ReconstructionPage)
    if view is page.field:
        shown, left, top, width = page.field.query_rect(), 0, 0, page.answer.study.grey.shape[1]
    else:
        shown = page.table.rect_of(0, column)
        left, top, width, _ = page.answer.study.covered
    scale = shown.width() / width
    return QPointF(shown.left() + (x - left + 0.5) * scale, shown.top() + (y - top + 0.5) * scale).toPoint()


def test_that_the_workspace_is_in_the_list_and_opens_here() -> None:
    entry = next(entry for entry in WORKSPACES if entry.key == "convnet")
    assert (entry.number, entry.title) == (4, "ConvNet")
    assert entry.load() is ConvNetWorkspace
    numbers = [entry.number for entry in WORKSPACES]
    assert numbers == sorted(numbers)


def test_that_all_layers_and_the_control_are_shown_with_their_sizes(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    shown = page.answer
    assert shown is not None
    assert shown.whole
    assert [(one.layer.side, one.layer.jump) for one in shown.study.layers] == [
        (5, 2),
        (9, 2),
        (13, 4),
        (21, 4),
        (29, 4),
    ]
    assert page.table.ks() == (1, 5)
    assert "conv 5 sees 29 px, k = 1: " in page.table.accessibleDescription()
    assert not page.table.rect_of(1, 5).isEmpty()
    for row in range(2):
        for column in range(6):
            assert page.table.rect().contains(page.table.rect_of(row, column).toAlignedRect())
    facts = workspace.details.facts
    assert facts.value("working size") == "64 × 48 px"
    assert facts.value("cells replaced") == str(len(shown.study.centres))
    assert facts.value("nearest 5").startswith("right (")
    assert "conv 5 errs by" in workspace.details.told.said
    workspace.grab()


def test_that_a_click_in_the_query_chooses_the_cell_and_tells_its_nearest(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    QTest.mouseClick(page.field, Qt.MouseButton.LeftButton, pos=on_screen(page.field, 24, 19))
    study = page.answer.study
    cell = page.answer.cell(page.state)
    assert study.centres[cell].tolist() == [24, 20]
    assert workspace.details.facts.value("cell") == "(24, 20)"
    found = study.layers[4]
    u, v = found.xy[cell, 0].tolist()
    assert workspace.details.facts.value("nearest 1") == f"right ({u}, {v}), cos {found.nearest.cosine[cell, 0]:.3f}"
    assert page.field.cell == page.table.cell == cell
    workspace.session.undo()
    assert page.state.place == MIDDLE


def test_that_a_click_in_a_column_chooses_layer_and_cell(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    asked = page._asked
    QTest.mouseClick(page.table, Qt.MouseButton.LeftButton, pos=on_screen(page.table, 36, 28, column=1))
    assert page.state.layer == 1
    assert page.answer.study.centres[page.answer.cell(page.state)].tolist() == [36, 28]
    assert page.table.layer == page.field.layer == 1
    assert page._asked == asked  # nothing is computed anew to look elsewhere
    QTest.mouseClick(page.table, Qt.MouseButton.LeftButton, pos=on_screen(page.table, 16, 16, column=5))
    assert page.state.layer == 1  # the control belongs to the layer
    assert page.answer.study.centres[page.answer.cell(page.state)].tolist() == [16, 16]


def test_that_a_drag_is_one_step_to_undo(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    QTest.keyClick(page.field, Qt.Key.Key_PageUp)
    QTest.mousePress(page.field, Qt.MouseButton.LeftButton, pos=on_screen(page.field, 20, 20))
    for x in (24, 28, 33):
        QTest.mouseMove(page.field, on_screen(page.field, x, 30))
    QTest.mouseRelease(page.field, Qt.MouseButton.LeftButton, pos=on_screen(page.field, 33, 30))
    assert page.answer.study.centres[page.answer.cell(page.state)].tolist() == [32, 32]
    workspace.session.undo()
    assert page.state.place == MIDDLE


def test_that_pointing_shows_a_cell_and_leaving_the_chosen_one_again(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    before, state = page.field.cell, page.state
    QTest.mouseMove(page.field, on_screen(page.field, 17, 17))
    assert page.field.cell == page.table.cell == 0
    assert page.state == state
    QTest.mouseMove(page.field, QPoint(page.field.width() - 2, page.field.height() - 2))
    assert page.field.cell == before


def test_that_keys_move_cell_and_layer_and_not_the_pair(workspace: ConvNetWorkspace) -> None:
    page, session = page_of(workspace), workspace.session
    page.field.setFocus()
    QTest.mouseClick(page.field, Qt.MouseButton.LeftButton, pos=on_screen(page.field, 24, 20))
    ref = session.state.pair
    for key, want in ((Qt.Key.Key_Right, [28, 20]), (Qt.Key.Key_Down, [28, 24]), (Qt.Key.Key_Left, [24, 24])):
        QTest.keyClick(page.field, key)
        assert page.answer.study.centres[page.answer.cell(page.state)].tolist() == want
    QTest.keyClick(page.field, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert page.answer.study.centres[page.answer.cell(page.state)].tolist() == [24, 16]  # the border stops it
    QTest.keyClick(page.field, Qt.Key.Key_PageUp)
    assert page.table.layer == 3
    for _ in range(9):
        QTest.keyClick(page.table, Qt.Key.Key_PageDown)
    assert page.table.layer == 4
    assert session.state.pair == ref


def test_that_the_query_in_its_own_database_comes_back(workspace: ConvNetWorkspace) -> None:
    choose(workspace, database="both")
    page = page_of(workspace)
    assert all(layer.error[1] == 0 for layer in page.answer.study.layers)
    assert workspace.details.facts.value("nearest 1").endswith("cos 1.000")
    assert workspace.details.facts.value("nearest 1").startswith("left ")
    choose(workspace, k=2)
    assert page.table.ks() == (1, 2)
    assert workspace.details.facts.value("nearest 3") == ""


def test_the_other_settings(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    pair = workspace.session.result.pair
    assert (page.answer.study.grey == grey8(pair.left.rgb)).all()
    trained = [layer.error[1] for layer in page.answer.study.layers]
    choose(workspace, side="right", tile="8")
    assert (page.answer.study.grey == grey8(pair.right.rgb)).all()
    assert page.answer.names == ("left picture",)
    assert page.answer.study.tile == 8
    choose(workspace, side="left", tile="4", weights="random")
    assert [layer.error[1] for layer in page.answer.study.layers] != trained
    assert workspace.details.facts.value("network") == "default, random"
    choose(workspace, network="medium", weights="trained")
    assert page.answer.study.layers[-1].layer.width == 96


def test_that_the_old_picture_stays_while_a_new_one_is_made_and_stopping_keeps_it(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    old = page.answer
    change(page, database="photographs", size="320")
    assert _wait(lambda: page.busy, 5.0)
    assert page.progress.isVisibleTo(page)
    assert page.stop.text() == "Stop"
    assert page.table.answer is old
    assert _wait(lambda: page.told.text() != "", 5.0)
    QTest.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert not page.busy
    assert page.told.text() == STOPPED
    assert page.stop.text() == "Again"
    assert page.answer is old
    choose(workspace, database="other", size="240")
    assert page.answer is old  # it was the answer to just this
    QTest.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    settled(workspace)
    assert page.answer is not old
    assert page.answer.whole


def test_that_work_left_when_the_page_goes_is_taken_up_again(workspace: ConvNetWorkspace) -> None:
    page = page_of(workspace)
    change(page, database="photographs", size="160", tile="16")
    assert _wait(lambda: page.busy, 5.0)
    workspace.deactivate()
    assert not page.busy
    assert page.answer.question.database == "other"
    workspace.activate()
    settled(workspace)
    assert page.answer.question.database == "photographs"


def test_that_another_pair_is_reconstructed_and_undo_brings_settings_back(workspace: ConvNetWorkspace) -> None:
    page, session = page_of(workspace), workspace.session
    session.step_pair(1)
    settled(workspace)
    assert page.answer.ref == refs_of(2)[1]
    choose(workspace, k=3)
    session.undo()
    settled(workspace)
    assert page.form.settings.k == 5
    assert page.table.ks() == (1, 5)


def test_that_a_picture_too_small_is_told_and_the_next_one_shown(
    workspace: ConvNetWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(workspace)
    dot = Image("dot", "dot", np.zeros((1, 1, 3), np.uint8))
    monkeypatch.setattr(page, "_known", lambda: ImagePair(refs_of(2)[1], dot, dot))
    workspace.session.step_pair(1)
    settled(workspace)
    assert page.answer is None
    assert page.fault.startswith("A picture of 1 × 1 px is too small")
    assert page.table.words == page.fault
    assert not page.field.isVisible()  # the sentence alone stands in the middle
    workspace.grab()
    monkeypatch.undo()
    workspace.session.step_pair(-1)
    settled(workspace)
    assert page.fault == ""
    assert page.answer is not None
    assert page.field.isVisible()


def test_that_a_network_deleted_while_it_is_chosen_is_told_and_another_can_be_had(
    workspace: ConvNetWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path))
    for file in (model_store.find("medium"), model_store.card_path(model_store.find("medium"))):
        shutil.copy(file, tmp_path / f"mine{file.suffix}")
    page = page_of(workspace)
    choose(workspace, network="mine")
    assert page.answer.question.network == "mine"
    model_store.delete("mine")
    QTest.mouseClick(page.field, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))  # a cell: nothing is asked
    assert page.fault == ""
    choose(workspace, k=3)
    assert page.fault.startswith("There is no model 'mine'; there are: default")
    assert page.answer.question.k == 5  # the last picture stays
    choose(workspace, network="default")
    assert page.fault == ""
    assert page.answer.question.k == 3


def test_that_without_a_pair_it_says_what_to_do(session: Session) -> None:
    with shown_workspace(session) as made:
        session._apply(replace(session.state, pair=None))
        made.activate()
        settled(made)
        assert page_of(made).table.words == NO_PAIR
        made.grab()


@pytest.mark.parametrize("shape", [(48, 400), (400, 48), (31, 31)])
def test_that_pictures_of_any_shape_are_drawn(session: Session, shape: tuple[int, int]) -> None:
    """The longer side is reduced less where the shorter one would become too short for the field."""
    rng = np.random.default_rng(0)
    images = [make_image(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), name) for name in ("one", "two")]
    with shown_workspace(session) as made:
        page = page_of(made)
        page._known = lambda: ImagePair(refs_of(1)[0], *images)
        made.activate()
        settled(made)
        assert page.answer.whole
        made.grab()
        for column in range(6):
            assert page.table.rect().contains(page.table.rect_of(1, column).toAlignedRect())


def test_that_the_state_is_kept_and_damaged_ones_are_mended(session: Session) -> None:
    state = ReconstructionState(place=(30.0, 20.0), layer=9, k=2)
    with shown_on(ReconstructionPage, session, states={RECONSTRUCTION_KEY: state}) as made:
        page = page_of(made)
        assert page.form.settings.k == 2
        assert page.table.layer == 4
        assert page.answer.study.centres[page.table.cell].tolist() == [32, 20]
    with pytest.raises(UserError):
        ReconstructionState(k=50)


def test_that_coordinates_of_a_large_picture_are_its_own() -> None:
    pair = builtin.make(next(ref for ref in builtin.REFS if ref.recipe == "coffee"))
    found = run_to_end(answer(pair.ref, pair, ReconstructionState(size="160")))
    assert max(found.query.grey.shape) == 160
    assert found.query.scale[0] == pair.left.width / 160
    cell = found.cell(ReconstructionState(place=(400.0, 100.0)))
    x, y = to_original(tuple(found.study.centres[cell].tolist()), found.query.scale)
    assert abs(x - 400) <= 2.5 * found.query.scale[0]
    assert abs(y - 100) <= 2.5 * found.query.scale[1]


def test_that_the_photographs_leave_out_the_pairs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = tiny_pair(refs_of(1)[0])
    names = run_to_end(answer(pair.ref, pair, ReconstructionState(database="photographs", size="160"))).names
    assert len(names) == 12
    assert "coffee" in names
    own = replace(pair, source=builtin.make(PairRef("builtin", "Coffee", recipe="coffee")).source)
    names = run_to_end(answer(pair.ref, own, ReconstructionState(database="photographs", size="160"))).names
    assert len(names) == 11
    assert "coffee" not in names
    monkeypatch.setattr(pairs, "load", lambda _ref: pair)
    assert run_to_end(answer(pair.ref, None, ReconstructionState())).whole


def test_that_an_unknown_network_is_told(workspace: ConvNetWorkspace) -> None:
    choose(workspace, network="gone.safetensors")
    assert "There is no model" in page_of(workspace).fault
