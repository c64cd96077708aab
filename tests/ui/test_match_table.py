"""The table of matches in the window: order, filter, rows in view only, in step with the picture, copying."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from match_parts import LEFT, NONE, Counted, Hands
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest

from app.ui.match_table import MatchTable, sorted_rows
from app.ui.match_values import VERDICT_WORDS
from app.ui.style import Style


def head(hands: Hands, key: str) -> QPoint:
    """The middle of a column's head."""
    table: MatchTable = hands.details.table
    section = [column.key for column in table.matches.columns].index(key)
    header = table.horizontalHeader()
    return QPoint(header.sectionViewportPosition(section) + header.sectionSize(section) // 2, header.height() // 2)


def click_head(hands: Hands, key: str) -> None:
    QTest.mouseClick(hands.details.table.horizontalHeader().viewport(), LEFT, NONE, head(hands, key))


def column(hands: Hands, key: str) -> np.ndarray:
    return np.asarray(getattr(hands.workspace.values, key))[hands.details.table.matches.rows]


def set_filter(hands: Hands, text: str) -> None:
    hands.details.filter.clear()
    hands.type(text, hands.details.filter)
    QTest.keyClick(hands.details.filter, Qt.Key.Key_Return)


def click_row(hands: Hands, row: int, held: Qt.KeyboardModifier = NONE) -> None:
    table = hands.details.table
    table.scrollTo(table.matches.index(row, 0))
    QTest.mouseClick(table.viewport(), LEFT, held, table.visualRect(table.matches.index(row, 0)).center())


def test_that_a_click_on_a_head_sorts_and_another_turns_the_order_round(hands: Hands) -> None:
    click_head(hands, "ratio")
    assert hands.workspace.match_state.sort == "ratio"
    assert np.all(np.diff(column(hands, "ratio")) >= 0)
    click_head(hands, "ratio")
    assert hands.workspace.match_state.descending
    assert np.all(np.diff(column(hands, "ratio")) <= 0)
    assert len(hands.details.table.matches.rows) == len(hands.workspace.values)
    hands.window.session.undo()
    assert np.all(np.diff(column(hands, "number")) == 1) or np.all(np.diff(column(hands, "ratio")) >= 0)


def test_that_unknown_numbers_come_last_in_either_order(hands: Hands) -> None:
    hands.open_pair("dense")
    rows = np.arange(len(hands.workspace.values))
    for descending in (False, True):
        errors = hands.workspace.values.error[sorted_rows(hands.workspace.values, rows, "error", descending=descending)]
        unknown = np.isnan(errors)
        assert 0 < unknown.sum() < len(errors)
        assert unknown[-unknown.sum() :].all()


def test_that_only_the_cells_in_view_are_made(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    table = hands.details.table
    asked: set[int] = set()
    text = type(table.matches).text
    monkeypatch.setattr(type(table.matches), "text", lambda self, row, col: asked.add(row) or text(self, row, col))
    click_head(hands, "error")
    table.viewport().repaint()
    in_view = table.viewport().height() // table.rowHeight(0) + 2
    assert table.matches.rowCount() > 3 * in_view
    assert 0 < len(asked) <= in_view


def test_that_a_row_chosen_selects_the_match_in_the_picture(hands: Hands) -> None:
    click_head(hands, "error")
    click_row(hands, 3)
    match = int(hands.details.table.matches.rows[3])
    assert hands.workspace.selected == match
    assert hands.canvas.selected == match
    selection = hands.window.session.state.selection
    assert selection is not None
    assert (selection.x, selection.y) == pytest.approx(
        (float(hands.workspace.values.x1[match]), float(hands.workspace.values.y1[match]))
    )
    QTest.keyClick(hands.details.table, Qt.Key.Key_Down)
    assert hands.canvas.selected == int(hands.details.table.matches.rows[4])


def test_that_the_arrow_passes_matches_that_join_the_same_two_places(hands: Hands) -> None:
    """SIFT gives a keypoint one descriptor per orientation, so that matches can coincide."""
    ends = np.hstack([hands.workspace.values.left_xy, hands.workspace.values.right_xy])
    assert len(np.unique(ends, axis=0)) < len(ends)
    table = hands.details.table
    click_row(hands, 0)
    for row in range(1, table.matches.rowCount()):
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert table.currentIndex().row() == row
        assert hands.workspace.selected == row


def test_that_the_keyboard_comes_into_the_table_without_choosing_a_row(hands: Hands) -> None:
    hands.details.table.setFocus()
    assert hands.window.session.state.selection is None
    QTest.keyClick(hands.details.table, Qt.Key.Key_Down)
    assert hands.workspace.selected == 0


def test_that_a_line_clicked_brings_its_row_into_view(hands: Hands) -> None:
    click_head(hands, "distance")
    match, at = hands.lonely()
    hands.click(at)
    table = hands.details.table
    row = table.matches.row_of(match)
    assert table.currentIndex().row() == row
    assert [index.row() for index in table.selectionModel().selectedRows()] == [row]
    assert table.viewport().rect().intersects(table.visualRect(table.matches.index(row, 0)))


def test_that_the_selected_row_stays_selected_through_sorting_and_filtering(hands: Hands) -> None:
    click_row(hands, 5)
    match = hands.workspace.selected
    click_head(hands, "ratio")
    assert int(hands.details.table.matches.rows[hands.details.table.currentIndex().row()]) == match
    set_filter(hands, f"number = {match + 1}")
    assert hands.details.table.matches.rowCount() == 1
    assert hands.details.table.currentIndex().row() == 0
    set_filter(hands, f"number != {match + 1}")
    assert not hands.details.table.selectionModel().hasSelection()
    assert hands.canvas.selected == match  # the picture still shows what is selected


def test_that_a_filter_holds_for_table_and_picture(hands: Hands) -> None:
    values = hands.workspace.values
    set_filter(hands, "ratio < 0.4 and error > 0.2")
    expected = np.flatnonzero((values.ratio < 0.4) & (values.error > 0.2))
    assert 0 < len(expected) < len(values)
    assert sorted(hands.details.table.matches.rows.tolist()) == expected.tolist()
    assert sorted(hands.canvas.lines.shown.tolist()) == expected.tolist()
    assert hands.details.count.text() == f"{len(expected)} of {len(values)}"


def test_that_a_typed_filter_is_taken_after_a_moment(hands: Hands) -> None:
    hands.type("wrong", hands.details.filter)
    assert hands.workspace.match_state.filter == ""
    hands.wait(lambda: hands.workspace.match_state.filter == "wrong")
    assert set(column(hands, "verdict").tolist()) == {VERDICT_WORDS.index("wrong")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ratio <", "a field or a number is missing"),
        ("ratoi < 0.7", "“ratoi” is not a field"),
        ("ratio < 0.7 error > 3", "put “and” or “or”"),
        ("(ratio < 0.7", "not closed"),
        ("ratio ; 3", "“;” means nothing here"),
        ("verdict < wrong", "only = and != make sense"),
        ("__import__(1)", "“__import__” is not a field"),
    ],
)
def test_that_a_bad_filter_is_told_and_the_last_good_one_stays(hands: Hands, text: str, words: str) -> None:
    set_filter(hands, "right")
    rows = hands.details.table.matches.rowCount()
    set_filter(hands, text)
    assert hands.details.fault.isVisible()
    assert words in hands.details.fault.text()
    assert hands.details.table.matches.rowCount() == rows
    assert hands.workspace.match_state.filter == "right"
    set_filter(hands, "")
    assert not hands.details.fault.isVisible()
    assert hands.details.table.matches.rowCount() == len(hands.workspace.values)


def test_that_a_filter_that_keeps_nothing_says_what_to_try(hands: Hands) -> None:
    set_filter(hands, "ratio > 2")
    assert "None of" in hands.details.advice
    assert "ratio > 2" in hands.details.advice
    hands.workspace.set_match_state(type(hands.workspace.match_state)(only_inliers=True, filter="not inlier"))
    assert "inlier" in hands.details.advice
    set_filter(hands, "")
    assert hands.details.advice == ""


def test_that_a_pair_without_keypoints_says_so(hands: Hands) -> None:
    hands.open_pair("blank")
    assert hands.details.advice.startswith("No keypoints in either picture")
    assert hands.canvas.legend is None
    assert hands.window.session.complete


def test_that_ctrl_c_copies_the_selected_rows_as_csv(hands: Hands) -> None:
    click_head(hands, "error")
    click_row(hands, 1)
    click_row(hands, 3, Qt.KeyboardModifier.ShiftModifier)
    hands.key("Ctrl+C", hands.details.table)
    table = list(csv.DictReader(io.StringIO(hands.clipboard())))
    matches = hands.details.table.matches.rows[1:4]
    assert [float(row["number"]) for row in table] == (matches + 1).tolist()
    values = hands.workspace.values
    assert [float(row["x2"]) for row in table] == pytest.approx(values.x2[matches].tolist(), rel=1e-8)
    assert [row["verdict"] for row in table] == [VERDICT_WORDS[v] for v in values.verdict[matches]]
    assert "3 rows" in hands.message.text


def test_that_all_rows_are_copied_when_none_is_selected_and_unknown_numbers_stay_empty(hands: Hands) -> None:
    hands.open_pair("dense")
    hands.key("Ctrl+C", hands.details.table)
    table = list(csv.DictReader(io.StringIO(hands.clipboard())))
    assert len(table) == len(hands.workspace.values)
    undecided = [row for row in table if row["verdict"] == "undecided"]
    assert undecided
    assert {row["error"] for row in undecided} == {""}


def test_that_columns_without_numbers_are_left_out(hands: Hands, counted: Counted) -> None:
    def keys() -> set[str]:
        return {column.key for column in hands.details.table.matches.columns}

    assert {"verdict", "error", "inlier", "ratio", "scale", "angle"} <= keys()
    assert "confidence" not in keys()
    hands.open_pair("unknown")
    assert not {"verdict", "error"} & keys()


def test_that_columns_are_wide_enough_for_their_texts_and_heads(hands: Hands) -> None:
    table = hands.details.table
    metrics, bold = table.fontMetrics(), QFontMetrics(hands.window.look.font(bold=True))
    for key in ("error", "number"):
        click_head(hands, key)
        for section, spec in enumerate(table.matches.columns):
            width = table.horizontalHeader().sectionSize(section)
            longest = max(metrics.horizontalAdvance(table.matches.text(row, section)) for row in range(50))
            assert longest < width, spec.key
            assert bold.horizontalAdvance(spec.head) + (12 if spec.key == key else 0) < width, spec.key


def test_that_a_table_of_a_hundred_thousand_rows_is_sorted_without_a_widget_per_row(qtbot: object) -> None:
    from app.ui.match_values import MatchValues

    n = 100_000
    numbers = np.random.default_rng(1).random((14, n)).astype(np.float32)
    values = MatchValues(*numbers, np.ones(n, np.bool_), np.zeros(n, np.int8), verified=True, judged=True)
    table = MatchTable(Style("dark"))
    qtbot.addWidget(table)  # type: ignore[attr-defined]  # pytest-qt's fixture
    table.resize(900, 200)
    table.show()
    table.show_matches(values, np.ones(n, np.bool_), 77_777, ("ratio", True))
    assert table.matches.rowCount() == n
    assert int(table.matches.rows[table.currentIndex().row()]) == 77_777
    assert np.all(np.diff(values.ratio[table.matches.rows]) <= 0)
    assert len(table.findChildren(object)) < 100
