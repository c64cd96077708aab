"""The tabs under the picture and the status line: Why not?, Point, Evaluation, Timings, the funnel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from match_parts import HOMOGRAPHY, WIDTH, Hands
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app import __version__
from app.records import MatchResult, Selection, Verdict
from app.ui.timings_panel import milliseconds
from app.vision.geometry import transform
from app.vision.nearest import distances_to
from app.vision.probe import WhyNot


def result_of(hands: Hands) -> MatchResult:
    result = hands.window.session.result
    assert result is not None
    return result


def ask(hands: Hands, left: tuple[float, float], right: tuple[float, float]) -> WhyNot:
    """Click a place in either picture and wait for the answer."""
    hands.click(hands.point("left", *left))
    hands.click(hands.point("right", *right))
    hands.wait(lambda: hands.details.why.answer is not None)
    answer: WhyNot = hands.details.why.answer
    return answer


def stages(answer: WhyNot) -> dict[str, bool | None]:
    return {report.stage: report.passed for report in answer.reports}


def places(hands: Hands, match: int) -> tuple[tuple[float, float], tuple[float, float]]:
    values = hands.workspace.values
    left, right = values.left_xy[match].tolist(), values.right_xy[match].tolist()
    return (left[0], left[1]), (right[0], right[1])


def alone(hands: Hands, side: str) -> list[int]:
    """Keypoints with no other one within 9 px, so that a click can only mean them."""
    features = result_of(hands).left if side == "left" else result_of(hands).right
    assert features is not None
    xy = features.keypoints.xy
    gaps = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 1e9 * np.eye(len(xy))
    return np.flatnonzero(gaps.min(1) > 9).tolist()


def use_matcher(hands: Hands, key: str) -> None:
    session = hands.window.session
    session.set_matcher(key)
    if key == "asift":  # a few views of a few points are enough here
        session.set_settings("detect", replace(session.settings.detect, tilts=1, count=500))
    hands.wait(lambda: not hands.window.session.busy and hands.window.session.complete, 20.0)


# ---------------------------------------------------------------------------- Why not?

STAGES = {
    "sift": {"detector", "keypoint", "rank", "ratio", "mutual", "verify"},
    "orb": {"keypoint", "rank", "ratio", "mutual", "verify"},
    "patch-zncc": {"keypoint", "rank", "ratio", "mutual", "verify"},
    "asift": {"keypoint", "rank", "ratio", "mutual", "verify"},
}


@pytest.mark.parametrize("matcher", sorted(STAGES))
def test_that_two_clicks_on_a_match_pass_every_stage_the_matcher_has(hands: Hands, matcher: str) -> None:
    use_matcher(hands, matcher)
    hands.key("W")
    assert hands.workspace.match_state.tab == "why"
    assert hands.canvas.lines is None  # they would be in the way of the clicks
    result = result_of(hands)
    assert result.verification is not None
    assert result.matches is not None
    lonely = set(alone(hands, "left")), set(alone(hands, "right"))
    found = [
        row
        for row, (i, j) in enumerate(result.matches.pairs.tolist())
        if result.verification.inlier[row] and i in lonely[0] and j in lonely[1]
    ] or np.flatnonzero(result.verification.inlier).tolist()
    answers = []
    for row in found[:12]:
        answers.append(ask(hands, *places(hands, row)))
        if answers[-1].died_at == "":
            break
        QTest.mouseClick(hands.details.why.restart, Qt.MouseButton.LeftButton)
    answer = answers[-1]
    assert answer.sentence == "It matches: every stage is passed."
    asked = stages(answer)
    assert set(asked) <= STAGES[matcher]
    assert {"keypoint", "rank", "verify"} <= set(asked)
    assert all(asked.values())
    match_settings = result.request.settings.match
    assert ("ratio" in asked) == bool(match_settings.ratio)
    assert ("mutual" in asked) == bool(match_settings.mutual)


@pytest.mark.parametrize("matcher", sorted(STAGES))
def test_that_a_refused_pair_names_the_stage_with_numbers_that_are_right(hands: Hands, matcher: str) -> None:
    use_matcher(hands, matcher)
    hands.open_tab("why")
    result = result_of(hands)
    assert result.left is not None
    assert result.right is not None
    theirs = result.right.keypoints.xy
    left = result.left.keypoints.xy[0].tolist()
    gaps = np.linalg.norm(theirs - transform(HOMOGRAPHY, [left])[0], axis=1)
    right = theirs[int(gaps.argmax())].tolist()  # as far from the true place as can be
    answer = ask(hands, (left[0], left[1]), (right[0], right[1]))
    assert answer.died_at == "rank"
    (report,) = (r for r in answer.reports if r.stage == "rank")
    ours, there = result.left.descriptors, result.right.descriptors
    assert ours is not None
    assert there is not None
    possible = []  # a place may have several keypoints: of other orientations, or seen in other views
    for i in np.flatnonzero((result.left.keypoints.xy == answer.left).all(1)):
        distances = distances_to(replace(ours, values=ours.values[i : i + 1]), there)
        for j in np.flatnonzero((theirs == answer.right).all(1)):
            nearer, ties = (distances < distances[j]).sum(), (distances == distances[j]).sum()
            if report.numbers["distance"] == pytest.approx(float(distances[j]), rel=1e-6):
                possible.append(range(nearer + 1, nearer + ties + 1))
    assert any(report.numbers["rank"] in ranks for ranks in possible)
    assert report.numbers["of"] == len(result.right.keypoints)
    panel = hands.details.why
    assert f"number {report.numbers['rank']:.0f} of {len(theirs)}" in panel.sentence.text()
    assert "Descriptor rank" in panel.ladder.text()
    assert "✕" in panel.ladder.text()


def test_that_a_place_without_keypoint_says_how_far_the_nearest_is(hands: Hands) -> None:
    hands.open_tab("why")
    result = result_of(hands)
    assert result.left is not None
    place = max(
        ((x, y) for x in range(4, WIDTH - 4, 4) for y in range(4, 170, 4)),
        key=lambda at: float(np.linalg.norm(result.left.keypoints.xy - at, axis=1).min()),  # type: ignore[union-attr]
    )
    answer = ask(hands, place, (100.0, 80.0))
    assert answer.died_at == "detector"
    assert "Left image: " in answer.sentence
    under = hands.canvas.picture_at(*hands.point("left", *place).toTuple())
    assert under is not None
    gap = float(np.linalg.norm(result.left.keypoints.xy - (under.x, under.y), axis=1).min())
    assert f"{gap:.1f} px away" in next(report.text for report in answer.reports if report.stage == "keypoint")
    assert all(passed is None for stage, passed in stages(answer).items() if stage not in ("detector", "keypoint"))


def test_that_an_ambiguous_descriptor_dies_at_the_ratio_with_its_quotient(hands: Hands) -> None:
    settings = hands.window.session.settings.match
    hands.window.session.set_settings("match", replace(settings, ratio=0.3))
    hands.settle()
    hands.open_tab("why")
    result = result_of(hands)
    assert result.left is not None
    assert result.right is not None
    for i in alone(hands, "left"):
        row = replace(result.left.descriptors, values=result.left.descriptors.values[i : i + 1])  # type: ignore[union-attr, type-var]
        distances = distances_to(row, result.right.descriptors)  # type: ignore[arg-type]
        j = int(distances.argmin())
        ratio = float(distances[j] / np.delete(distances, j).min())
        if j in alone(hands, "right") and 0.35 < ratio < 1:
            break
    left, right = result.left.keypoints.xy[i].tolist(), result.right.keypoints.xy[j].tolist()
    answer = ask(hands, (left[0], left[1]), (right[0], right[1]))
    assert answer.died_at == "ratio"
    assert f"= {ratio:.3f} ≥ 0.3" in hands.details.why.sentence.text()


def test_that_the_true_place_can_be_taken_by_a_button(hands: Hands) -> None:
    hands.open_tab("why")
    panel = hands.details.why
    assert not panel.take_truth.isEnabled()
    assert panel.step.text() == "Click a point in the left picture."
    match = next(m for m, v in enumerate(hands.workspace.values.verdict) if v == Verdict.RIGHT)
    left, _ = places(hands, match)
    hands.click(hands.point("left", *left))
    assert "right picture" in panel.step.text()
    QTest.mouseClick(panel.take_truth, Qt.MouseButton.LeftButton)
    assert panel.right == pytest.approx(tuple(transform(HOMOGRAPHY, [panel.left])[0]))
    hands.wait(lambda: panel.answer is not None)
    assert {m.text for m in hands.canvas.marks} >= {"here", "should be here"}


def test_that_the_same_question_is_asked_again_of_a_new_result(hands: Hands) -> None:
    hands.open_tab("why")
    match = int(np.argmin(hands.workspace.values.ratio))
    first = ask(hands, *places(hands, match))
    hands.window.session.set_settings("match", replace(hands.window.session.settings.match, ratio=0.05))
    hands.settle()
    hands.wait(lambda: hands.details.why.answer not in (None, first))
    assert hands.details.why.answer.died_at == "ratio"


def test_that_marks_and_picking_end_with_the_tab_and_with_the_pair(hands: Hands) -> None:
    hands.open_tab("why")
    ask(hands, *places(hands, 0))
    assert hands.canvas.marks
    hands.open_tab("matches")
    assert not hands.canvas.marks
    assert hands.canvas.lines is not None
    match, at = hands.lonely()
    hands.click(at)
    assert hands.workspace.selected == match
    hands.open_tab("why")
    hands.open_pair("dense")
    assert hands.details.why.left is None
    assert not hands.details.why.restart.isEnabled()


def test_that_a_first_click_right_is_answered_with_what_to_do(hands: Hands) -> None:
    hands.open_tab("why")
    hands.click(hands.point("right", 100, 80))
    assert "left picture first" in hands.message.text
    assert hands.details.why.right is None


# -------------------------------------------------------------------------------- Point


def test_that_a_point_shows_its_numbers_patches_and_ranked_candidates(hands: Hands) -> None:
    hands.open_tab("point")
    assert hands.details.point.empty.isVisible()
    match, at = hands.lonely()
    hands.click(at)
    panel = hands.details.point
    hands.wait(lambda: panel.info is not None)
    result = result_of(hands)
    assert result.matches is not None
    assert result.left is not None
    assert result.right is not None
    i, j = result.matches.pairs[match].tolist()
    side = hands.window.session.state.selection.side  # type: ignore[union-attr]  # just selected
    size = result.left.keypoints.size[i] if side == "left" else result.right.keypoints.size[j]
    assert f"{size:.2f} px" in panel.facts.value("diameter")
    assert panel.facts.value("descriptor") == "128 numbers"
    assert panel.here.filled
    assert panel.there.filled
    ranked = panel.info.candidates
    assert [c.rank for c in ranked] == list(range(1, len(ranked) + 1))
    assert [c.distance for c in ranked] == sorted(c.distance for c in ranked)
    assert any(c.matched for c in ranked)
    assert {m.text for m in hands.canvas.marks} >= {str(c.rank) for c in ranked}
    assert panel.table.item(0, 0).text().startswith("●")
    assert panel.table.item(1, 3).text() == f"{ranked[1].distance / ranked[0].distance:.2f}"


def test_that_the_candidates_leave_the_picture_with_the_tab(hands: Hands) -> None:
    hands.open_tab("point")
    _, at = hands.lonely()
    hands.click(at)
    hands.wait(lambda: hands.details.point.info is not None)
    hands.hover(QPoint(2, 2))
    assert hands.canvas.marks
    hands.open_tab("matches")
    assert not hands.canvas.marks
    hands.open_tab("point")
    hands.wait(lambda: bool(hands.canvas.marks))


def test_that_a_candidate_clicked_shows_its_patch(hands: Hands) -> None:
    hands.open_tab("point")
    hands.window.session.select(Selection("right", 120.0, 90.0))
    panel = hands.details.point
    hands.wait(lambda: panel.info is not None)
    cell = panel.table.visualItemRect(panel.table.item(2, 0)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    assert panel.there.caption == "rank 3"


def test_that_the_point_tab_shows_everything_without_sideways_scrolling(hands: Hands) -> None:
    hands.open_tab("point")
    match = int(hands.workspace.drawn[0])
    hands.workspace.select_match(match)
    panel = hands.details.point
    hands.wait(lambda: panel.info is not None)
    hands.wait(lambda: panel.horizontalScrollBar().maximum() == 0)
    table = panel.table
    assert table.mapTo(panel.viewport(), table.rect().topRight()).x() <= panel.viewport().width()
    metrics = table.fontMetrics()
    for column in range(table.columnCount()):
        if not table.isColumnHidden(column):
            assert metrics.horizontalAdvance(table.item(0, column).text()) < table.columnWidth(column)
            assert metrics.horizontalAdvance(table.horizontalHeaderItem(column).text()) < table.columnWidth(column)


# --------------------------------------------------------------------- Evaluation, Timings


def test_that_the_evaluation_shows_the_records_own_numbers_and_follows_the_threshold(hands: Hands) -> None:
    hands.open_tab("evaluation")
    panel = hands.details.tabs["evaluation"][1]
    for threshold in (3.0, 0.5):
        hands.window.session.set_settings(
            "evaluate", replace(hands.window.session.settings.evaluate, threshold=threshold)
        )
        judged = result_of(hands).evaluation
        assert judged is not None
        value = panel.facts.value
        assert value(f"right (≤ {threshold:g} px)") == f"{judged.count(Verdict.RIGHT):,}"
        assert value("wrong") == f"{judged.count(Verdict.WRONG):,}"
        assert value("precision = right / (right + wrong)") == f"{100 * judged.precision:.1f} %"
        assert value("recall = right / possible") == f"{100 * judged.recall:.1f} %"
        assert value(f"repeatability at {threshold:g} px") == f"{100 * judged.repeatability:.1f} %"
        assert panel.curve.values == tuple(judged.mma(t) for t in range(1, 11))
        assert panel.curve.threshold == threshold
    assert panel.facts.value("corner error of the homography").endswith(" px")


def test_that_a_pair_without_truth_says_so_and_one_with_lines_only_has_no_curve(hands: Hands) -> None:
    panel = hands.details.tabs["evaluation"][1]
    hands.open_tab("evaluation")
    hands.open_pair("unknown")
    assert panel.empty.isVisible()
    assert "without ground truth" in panel.empty.text()
    assert not panel.curve.isVisible()
    hands.open_pair("stereo")
    assert panel.curve.isVisible()
    assert np.isnan(panel.curve.values).all()
    assert panel.facts.value("truth") == "epipolar"


def test_that_the_evaluation_fits_its_tab_without_sideways_scrolling(hands: Hands) -> None:
    hands.open_tab("evaluation")
    panel = hands.details.tabs["evaluation"][1]
    hands.wait(lambda: panel.horizontalScrollBar().maximum() == 0)
    curve = panel.curve
    assert curve.mapTo(panel.viewport(), QPoint(0, curve.height())).y() <= panel.viewport().height()
    assert curve.fontMetrics().horizontalAdvance(curve.title()) <= curve.width()


def test_that_the_timings_are_those_of_the_result_and_sum_up(hands: Hands) -> None:
    hands.open_tab("timings")
    panel = hands.details.tabs["timings"][1]
    result = result_of(hands)
    assert panel.bars.stages == tuple(result.seconds.items())
    assert panel.facts.value("matcher") == "SIFT"
    assert panel.facts.value("changed settings") == "none"
    assert panel.facts.value("version") == __version__
    assert "240 × 180 px" in panel.facts.value("left picture")
    hands.window.session.set_settings("match", replace(hands.window.session.settings.match, ratio=0.61))
    hands.settle()
    assert panel.facts.value("changed settings") == "match.ratio 0.61"
    assert dict(panel.bars.stages)["detect + describe"] == 0
    assert "detect + describe cached" in panel.bars.accessibleDescription()
    times = hands.window.around.status_line.times.text()
    assert "detect + describe cached" in times
    assert times.endswith(f"{1000 * sum(result_of(hands).seconds.values()):,.0f} ms")


def test_that_milliseconds_have_three_digits_at_most() -> None:
    assert [milliseconds(s) for s in (0.00123, 0.0456, 1.5)] == ["1.2 ms", "46 ms", "1,500 ms"]
