"""The picture of the Match workspace: colours and legend, what is drawn, pointing with the mouse, overlays."""

from __future__ import annotations

import numpy as np
import pytest
from match_parts import HEIGHT, HOMOGRAPHY, WIDTH, Counted, Hands
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox

from app.records import Selection, Verdict
from app.ui.colour_rules import RULES
from app.ui.overlays import Legend
from app.ui.show_panel import TOP_STEPS, position_of, top_at
from app.vision.geometry import transform


def legend(hands: Hands) -> Legend:
    assert hands.canvas.legend is not None
    return hands.canvas.legend


def counts(hands: Hands) -> dict[str, int]:
    return {row.text: int(row.count.replace(",", "")) for row in legend(hands).rows}


def grabbed(hands: Hands) -> np.ndarray:
    """The canvas's pixels as (h, w, 3)."""
    hands.canvas.wait_until_sharp()
    image = hands.canvas.grab().toImage().convertToFormat(hands.canvas.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def bare(hands: Hands) -> None:
    """Only the pictures: no lines, keypoints or legend."""
    state = hands.workspace.match_state
    hands.workspace.set_match_state(type(state)(lines=False, keypoints=False, hint=False))
    hands.canvas.set_legend(None)


# -------------------------------------------------------------------------------- colours


@pytest.mark.parametrize("rule", [key for key in RULES if key != "confidence"])
def test_that_every_rule_has_a_legend_whose_counts_sum_to_the_matches(hands: Hands, rule: str) -> None:
    hands.choose(hands.workspace.strip.colours, rule)
    assert hands.workspace.match_state.colour_by == rule
    total = len(hands.workspace.values)
    assert hands.workspace.colouring.rule == rule
    assert hands.workspace.colouring.counts.sum() == total
    content = legend(hands)
    if content.bar:
        assert f"{total}" in content.title
        assert content.low
        assert content.high
    else:
        assert sum(counts(hands).values()) == total
    assert hands.canvas.lines is not None
    assert len(hands.canvas.lines.shown) == total


def test_that_verdicts_have_their_colours_dashes_and_marks(hands: Hands) -> None:
    hands.open_pair("dense")
    tokens = hands.window.look.tokens
    rows = {row.text: row for row in legend(hands).rows}
    assert {name: (row.colour, row.dash, row.mark) for name, row in rows.items()} == {
        "right": (tokens.right, "solid", "disc"),
        "wrong": (tokens.wrong, "dash", "cross"),
        "undecided": (tokens.undecided, "dot", "disc"),
    }
    judged = hands.window.session.result.evaluation  # type: ignore[union-attr]  # there is one
    assert judged is not None
    assert counts(hands) == {
        "right": judged.count(Verdict.RIGHT),
        "wrong": judged.count(Verdict.WRONG),
        "undecided": judged.count(Verdict.UNDECIDED),
    }
    hands.open_pair("stereo")
    assert set(counts(hands)) == {"consistent", "wrong"}


def test_that_a_line_is_painted_in_its_colour(hands: Hands) -> None:
    match, at = hands.lonely()
    hands.details.set_filter(f"number = {match + 1}")
    hands.window.session.set_workspace_state(
        "match", type(hands.workspace.match_state)(keypoints=False, filter=f"number = {match + 1}")
    )
    pixels = grabbed(hands)
    at = hands.middle_of(match)
    near = pixels[at.y() - 2 : at.y() + 3, at.x() - 2 : at.x() + 3].reshape(-1, 3)
    wanted = QColor(hands.window.look.tokens.right)
    gap = np.abs(near - (wanted.red(), wanted.green(), wanted.blue())).sum(1).min()
    assert gap < 90  # smooth edges mix it with what lies under it


def test_that_the_threshold_recolours_live_and_detects_nothing(hands: Hands, counted: Counted) -> None:
    before = counts(hands)
    panel = hands.workspace.settings_panel()
    spin = panel.forms["evaluate"].rows["threshold"].spin  # type: ignore[attr-defined]  # the settings' panel
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, "0.5")
    QTest.keyClick(spin, Qt.Key.Key_Return)
    judged = hands.window.session.result.evaluation  # type: ignore[union-attr]  # there is one
    assert judged is not None
    assert judged.threshold_px == pytest.approx(0.5)
    assert counts(hands)["right"] < before["right"]
    assert counts(hands)["right"] == judged.count(Verdict.RIGHT)
    assert "0.5 px" in legend(hands).title
    assert not hands.window.session.busy
    assert counted.calls.total() == 0


def test_that_a_rule_without_its_numbers_is_greyed_and_says_why_and_the_one_used_is_named(hands: Hands) -> None:
    hands.open_pair("unknown")
    combo = hands.workspace.strip.colours
    row = combo.findData("verdict")
    item = combo.model().item(row)  # type: ignore[attr-defined]  # a standard model
    assert not item.isEnabled()
    assert "without ground truth" in item.toolTip()
    assert hands.workspace.colouring.rule == "inlier"
    assert combo.currentData() == "inlier"
    assert "without ground truth" in combo.toolTip()
    hands.open_pair("plane")  # what was chosen comes back with a pair that has it
    assert combo.currentData() == "verdict"


# ----------------------------------------------------------------------------- what is drawn


def test_that_the_slider_draws_the_most_believable_and_says_how_many(hands: Hands) -> None:
    slider, total = hands.workspace.strip.slider, len(hands.workspace.values)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert hands.workspace.drawn.tolist() == [int(np.argmin(hands.workspace.values.ratio))]
    assert hands.workspace.strip.number.text() == f"1 of {total}"
    for _ in range(5):
        QTest.keyClick(slider, Qt.Key.Key_PageUp)
    ratio = hands.workspace.values.ratio
    drawn = hands.workspace.drawn
    assert 1 < len(drawn) < total
    assert ratio[drawn].max() <= np.delete(ratio, drawn).min()
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert hands.workspace.match_state.top == 0
    assert len(hands.workspace.drawn) == total


def test_that_slider_positions_and_numbers_are_inverse() -> None:
    for count in (2, 10, 268, 100_000):
        for top in {1, 2, max(1, count // 7), count}:
            found = top_at(position_of(top, count), count)
            assert (found or count) == pytest.approx(top, rel=0.03, abs=1)
    assert top_at(TOP_STEPS, 50) == 0
    assert position_of(0, 50) == TOP_STEPS
    assert top_at(10, 0) == 0


def test_that_a_class_is_hidden_by_its_box_and_the_legend_says_so(hands: Hands) -> None:
    box: QCheckBox = hands.workspace.show_panel.boxes["right"]
    number = counts(hands)["right"]
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert hands.workspace.match_state.hidden == ("right",)
    assert set(hands.workspace.values.verdict[hands.workspace.drawn].tolist()) == {int(Verdict.WRONG)}
    assert {row.text: row.count for row in legend(hands).rows}["right"] == f"hidden ({number})"
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert len(hands.workspace.drawn) == len(hands.workspace.values)


def test_that_pictures_stand_side_by_side_or_one_above_the_other(hands: Hands) -> None:
    combo = hands.workspace.show_panel.form.rows["arrangement"].combo  # type: ignore[attr-defined]  # a choice has one
    for value, axis in (("stacked", 1), ("side", 0)):
        hands.choose(combo, value)
        scene = hands.canvas.scene
        assert scene is not None
        offset = (scene.right.x - scene.left.x, scene.right.y - scene.left.y)
        assert offset[axis] > (WIDTH, HEIGHT)[axis]
        assert offset[1 - axis] == 0


def test_that_the_caption_of_the_lower_picture_is_not_written_on_the_upper_one(hands: Hands) -> None:
    bare(hands)
    hands.canvas.set_captions("", "")
    hands.canvas.set_arrangement("stacked")
    without = grabbed(hands)
    hands.canvas.set_captions("left", "right")
    _, top, _, bottom = hands.canvas.window_of(hands.canvas.scene.left)  # type: ignore[union-attr]  # there is one
    changed = (np.abs(grabbed(hands) - without).sum(2) > 0).any(1)
    assert changed.any()
    assert not changed[top + 1 : bottom].any()


@pytest.mark.parametrize("mode", ["warp", "blend", "flicker", "checkerboard"])
def test_that_the_right_picture_is_laid_over_the_left_one(hands: Hands, mode: str) -> None:
    bare(hands)
    plain = grabbed(hands)
    left, top, right, bottom = hands.canvas.window_of(hands.canvas.scene.left)  # type: ignore[union-attr]
    hands.choose(hands.workspace.show_panel.form.rows["registration"].combo, mode)  # type: ignore[attr-defined]
    bare_state = hands.workspace.match_state
    assert bare_state.registration == mode
    hands.canvas.set_legend(None)
    if mode == "flicker":
        assert hands.canvas._flicker.isActive()
        hands.wait(lambda: hands.canvas.pictures.flick)
    inner = np.s_[top + 40 : bottom - 40, left + 40 : right - 40]
    gap = np.abs(grabbed(hands) - plain)[inner].sum(2)
    # The registered pictures differ by their noise only, so that the change is small but everywhere.
    assert (gap > 0).mean() > (0.3 if mode == "checkerboard" else 0.6)
    assert np.median(gap) < 60
    assert mode in hands.canvas.caption_of("left")
    if mode == "warp":  # another homography is drawn at once
        before = grabbed(hands)
        hands.canvas.set_registration("warp", np.eye(3))
        assert (np.abs(grabbed(hands) - before)[inner].sum(2) > 30).mean() > 0.2
    if mode == "flicker":
        hands.choose(hands.workspace.show_panel.form.rows["registration"].combo, "none")  # type: ignore[attr-defined]
        assert not hands.canvas._flicker.isActive()


def test_that_an_overlay_without_a_homography_says_what_to_do(hands: Hands) -> None:
    hands.open_pair("stereo")
    hands.workspace.set_match_state(type(hands.workspace.match_state)(reference="truth", registration="warp"))
    assert "not a homography" in hands.message.text


def test_that_the_words_of_a_mark_at_the_edge_are_written_whole(hands: Hands) -> None:
    from app.ui.overlays import Mark

    bare(hands)
    hands.canvas.set_captions("", "")
    hands.canvas.zoom_to("right", WIDTH - 1, 90, 2.0)
    edge = hands.canvas.picture_at(hands.canvas.width() / 2 - 2, hands.canvas.height() / 2)
    assert edge is not None
    hands.canvas.zoom_to("right", WIDTH - hands.canvas.width() / 4, 90, 2.0)  # the right edge of picture and view
    hands.canvas.set_marks((Mark("right", WIDTH - 4.0, 90.0),))
    without = grabbed(hands)
    hands.canvas.set_marks((Mark("right", WIDTH - 4.0, 90.0, "should be here"),))
    changed = (np.abs(grabbed(hands) - without).sum(2) > 0).any(0)
    wide = hands.canvas.fontMetrics().horizontalAdvance("should be here") * 0.8
    assert changed.sum() > wide
    assert not changed[-1]


# -------------------------------------------------------------------------------- pointing


def test_that_a_line_under_the_mouse_is_highlighted_with_its_numbers(hands: Hands) -> None:
    match, at = hands.lonely()
    hands.hover(at)
    assert hands.canvas.highlighted == match
    (mark,) = (m for m in hands.canvas.marks if "distance" in m.text)
    values = hands.workspace.values
    assert f"ratio {values.ratio[match]:.3f}" in mark.text
    assert f"error px {values.error[match]:.2f}" in mark.text
    end = (values.left_xy if mark.side == "left" else values.right_xy)[match]
    assert (mark.x, mark.y) == pytest.approx(tuple(end.tolist()))
    hands.hover(QPoint(2, 2))
    assert hands.canvas.highlighted is None
    assert not [m for m in hands.canvas.marks if "distance" in m.text]


@pytest.mark.parametrize("keys", ["Right", "L", "I"])
def test_that_the_numbers_of_a_line_go_with_the_line(hands: Hands, keys: str) -> None:
    _, at = hands.lonely()
    hands.hover(at)
    assert hands.canvas.marks
    hands.key(keys)
    hands.settle()
    hands.click(hands.point("right", *hands.empty_place("right")))  # draws the marks anew
    assert not [m for m in hands.canvas.marks if "distance" in m.text]


def test_that_a_click_on_a_line_isolates_it_and_escape_brings_the_others_back(hands: Hands) -> None:
    colours = [item.colour for item in hands.canvas.lines.classes]  # type: ignore[union-attr]  # there are lines
    match, at = hands.lonely()
    hands.click(at)
    assert hands.workspace.selected == match
    assert hands.canvas.selected == match
    faded = [QColor(item.colour).alpha() for item in hands.canvas.lines.classes]  # type: ignore[union-attr]
    assert max(faded) < 80
    hands.key("Esc")
    assert hands.workspace.selected is None
    assert [item.colour for item in hands.canvas.lines.classes] == colours  # type: ignore[union-attr]


def test_that_a_click_near_a_keypoint_takes_the_keypoint_and_elsewhere_the_place(hands: Hands) -> None:
    hands.key("L")
    result = hands.window.session.result
    assert result is not None
    assert result.left is not None
    x, y = result.left.keypoints.xy[0].tolist()
    at = hands.point("left", x, y)
    hands.click(at + QPoint(2, 1))
    chosen = hands.window.session.state.selection
    assert chosen is not None
    gaps = np.linalg.norm(result.left.keypoints.xy - (chosen.x, chosen.y), axis=1)
    assert gaps.min() == 0
    place = hands.empty_place()
    scale = hands.canvas.view.scale
    hands.click(hands.point("left", *place))
    chosen = hands.window.session.state.selection
    assert chosen is not None
    assert chosen.partner is None
    gaps = np.linalg.norm(result.left.keypoints.xy - (chosen.x, chosen.y), axis=1)
    assert (chosen.x, chosen.y) == pytest.approx(place, abs=1 / scale) or gaps.min() == 0
    hands.click(QPoint(3, 3))  # beside the pictures
    assert hands.window.session.state.selection is None


def test_that_the_place_under_the_mouse_is_marked_in_the_other_picture(hands: Hands) -> None:
    place = hands.empty_place()
    hands.hover(hands.point("left", *place))
    (mark,) = hands.visible_marks("accent")
    under = hands.canvas.picture_at(*hands.point("left", *place).toTuple())
    assert under is not None
    expected = transform(hands.window.session.result.verification.matrix, [[under.x, under.y]])[0]  # type: ignore[union-attr]
    assert mark.side == "right"
    assert (mark.x, mark.y) == pytest.approx(tuple(expected))
    assert (mark.x, mark.y) == pytest.approx(tuple(transform(HOMOGRAPHY, [[under.x, under.y]])[0]), abs=1.5)
    hands.workspace.set_match_state(type(hands.workspace.match_state)(hint=False))
    hands.hover(hands.point("left", place[0] + 3, place[1]))
    assert not hands.visible_marks("accent")


def test_that_a_fundamental_matrix_gives_an_epipolar_line(hands: Hands) -> None:
    hands.open_pair("stereo")
    hands.workspace.set_match_state(type(hands.workspace.match_state)(reference="truth"))
    hands.hover(hands.point("right", 100, 60))
    hint = hands.canvas.hint
    assert hint is not None
    under = hands.canvas.picture_at(*hands.point("right", 100, 60).toTuple())
    assert under is not None
    a, b, c = hint.abc
    assert hint.side == "left"
    assert abs(a / b) < 1e-9
    assert -c / b == pytest.approx(under.y)  # the same row of the left picture
    hands.hover(QPoint(2, 2))
    assert hands.canvas.hint is None


def test_that_ctrl_and_dragging_filters_by_the_area(hands: Hands) -> None:
    start, end = hands.point("left", 60, 40), hands.point("left", 180, 130)
    hands.drag(start, end, Qt.KeyboardModifier.ControlModifier)
    assert "x1" in hands.workspace.match_state.filter
    values, rows = hands.workspace.values, hands.details.table.matches.rows
    assert 0 < len(rows) < len(values)
    assert 58 <= values.x1[rows].min() <= values.x1[rows].max() <= 182
    assert 38 <= values.y1[rows].min() <= values.y1[rows].max() <= 132


def test_that_alt_and_dragging_moves_the_right_picture_with_its_lines(hands: Hands) -> None:
    match, _ = hands.lonely()
    before = hands.middle_of(match, 1.0)
    hands.drag(
        hands.point("right", 50, 50), hands.point("right", 50, 50) + QPoint(30, -20), Qt.KeyboardModifier.AltModifier
    )
    moved = hands.middle_of(match, 1.0)
    assert (moved - before).toTuple() == pytest.approx((30, -20), abs=1)
    assert hands.canvas.line_at(moved.x(), moved.y()) is not None
    hands.canvas.set_arrangement("auto")


def test_that_true_places_are_marked_for_the_selection(hands: Hands) -> None:
    hands.window.session.select(Selection("left", 100.0, 80.0))
    hands.key("G")
    (mark,) = (m for m in hands.canvas.marks if m.text == "true place")
    assert mark.side == "right"
    assert (mark.x, mark.y) == pytest.approx(tuple(transform(HOMOGRAPHY, [[100.0, 80.0]])[0]))
    hands.key("G")
    assert not [m for m in hands.canvas.marks if m.text == "true place"]
