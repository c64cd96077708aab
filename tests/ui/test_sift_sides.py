"""The Two sides page: the differences sum to the distance on screen, and candidates are ranked by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from pytestqt.qtbot import QtBot
from sift_parts import context, of_match, small_result

from app.jobs import run_to_end
from app.records import Selection, find_match
from app.ui.session import Session
from app.ui.sift import sides_info
from app.ui.sift.sides_candidates import rank_plate
from app.ui.sift.sides_page import COMING, SidesPage
from app.ui.style import Style
from app.vision.images import grey8
from app.vision.sift_records import SiftSettings
from app.vision.sift_stages import explain

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def page(qtbot: QtBot, session: Session) -> SidesPage:
    made = SidesPage(session, Style("dark"))
    qtbot.addWidget(made)
    made.resize(900, 560)
    made.show()
    return made


def selected_row(index: int, matcher: str) -> int:
    """The row that the match table marks for the ends of a match: twins of one place are found by the first."""
    made = of_match(index, matcher)
    assert made.point is not None
    row = find_match(made.result, Selection("left", *made.point, made.partner))
    assert row is not None
    return row


@pytest.mark.parametrize("matcher", ["sift", "rootsift"])
def test_that_the_sum_is_the_distance_of_the_match_table(page: SidesPage, until: Until, matcher: str) -> None:
    matches = small_result(matcher).matches
    assert matches is not None
    assert len(matches) > 20
    for index in range(0, len(matches), max(1, len(matches) // 8)):
        page.show_context(of_match(index, matcher))
        compared = page.compared
        assert compared is not None
        index = selected_row(index, matcher)
        assert compared.rows == tuple(matches.pairs[index].tolist())
        assert compared.squared.shape == (4, 4, 8)
        assert np.sqrt(compared.squared.sum()) == pytest.approx(compared.distance)
        assert np.float32(compared.distance) == pytest.approx(matches.distance[index], rel=1e-6)
        assert compared.table == float(matches.distance[index])
        assert f"{compared.distance:.4g}" in page.words.text()
        assert "match table" in page.words.text()
        assert page.map.values is not None
        assert page.bars.drawing.bars[0].y.sum() == pytest.approx(compared.distance**2)
    until(lambda: not page.busy)


def test_that_the_matched_partner_is_the_nearest_candidate_and_right(page: SidesPage, until: Until) -> None:
    page.show_context(of_match(0))
    until(lambda: page.ranking is not None and not page.busy)
    assert page.ranking is not None
    assert page.compared is not None
    first = page.ranking.candidates[0]
    assert first.row == page.compared.rows[1]
    assert first.distance == pytest.approx(page.compared.distance, rel=1e-5)
    assert first.error_px < 3
    distances = [item.distance for item in page.ranking.candidates]
    assert distances == sorted(distances)
    matches = small_result().matches
    assert matches is not None
    assert page.ranking.ratio == pytest.approx(float(matches.ratio[0]), rel=1e-4)
    table = page.candidates.table
    assert table.item(0, 4).text().startswith("●")
    assert table.currentRow() == 0
    assert "keeps" in page.candidates.ratio.text()


def test_that_a_candidate_clicked_in_the_list_becomes_the_partner(page: SidesPage, qtbot: QtBot, until: Until) -> None:
    page.show_context(of_match(0))
    until(lambda: page.ranking is not None)
    assert page.ranking is not None
    chosen: list[Selection] = []
    page.point_chosen.connect(chosen.append)
    details = page.details_widget()
    details.resize(800, 240)
    details.show()
    table = page.candidates.table
    place = table.visualItemRect(table.item(2, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen[-1].partner == page.ranking.candidates[2].xy
    page.show_context(replace(of_match(0), partner=chosen[-1].partner))
    assert page.compared is not None
    assert page.compared.rows[1] == page.ranking.candidates[2].row
    assert page.compared.table is None
    assert "no match" in page.words.text().lower()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert chosen[-1].partner == page.ranking.candidates[3].xy
    details.hide()


def test_that_any_two_places_can_be_clicked(page: SidesPage, qtbot: QtBot, until: Until) -> None:
    page.show_context(context((60.0, 60.0), (150.0, 40.0)))
    until(lambda: not page.busy)
    chosen: list[Selection] = []
    page.point_chosen.connect(chosen.append)
    for side, wanted in (("right", (120, 130)), ("left", (40, 90))):
        view = page.views[side]  # type: ignore[index]  # one of the two
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.screen_of(*wanted).toPoint())
        last = chosen[-1]
        if side == "right":
            assert last.side == "left"
            assert (last.x, last.y) == (60.0, 60.0)
            assert last.partner == pytest.approx(wanted, abs=1)
        else:
            assert (last.x, last.y) == pytest.approx(wanted, abs=1)
            assert last.partner is None
    assert page.compared is not None


def test_that_a_lone_point_is_compared_with_its_nearest(page: SidesPage, until: Until) -> None:
    page.show_context(context())
    until(lambda: page.compared is not None and not page.busy)
    assert page.compared is not None
    assert page.ranking is not None
    assert page.compared.rows[1] == page.ranking.candidates[0].row


def test_that_other_matchers_are_compared_by_the_explained_descriptors() -> None:
    made = context(matcher="orb")
    source = sides_info.source_of(made)
    assert source is not None
    assert not source.matched
    assert len(source.left.keypoints) == len(made.explanations["left"].keypoints)
    assert made.point is not None
    compared = sides_info.compare(made, source, made.point, (100.0, 100.0), sigma=4.0)
    assert compared.table is None


def test_that_a_reduced_picture_still_finds_the_match(page: SidesPage) -> None:
    """Coordinates of the result are those of the original, the context's of a picture of half the size."""
    made = of_match(3)
    assert made.point is not None
    assert made.partner is not None
    half = [tuple((p + 0.5) / 2 - 0.5 for p in place) for place in (made.point, made.partner)]
    made = replace(made, scales={"left": (2.0, 2.0), "right": (2.0, 2.0)}, point=half[0], partner=half[1])
    source = sides_info.source_of(made)
    assert source is not None
    assert made.point is not None
    assert made.partner is not None
    compared = sides_info.compare(made, source, made.point, made.partner, sigma=4.0)
    matches = small_result().matches
    assert matches is not None
    assert compared.table == float(matches.distance[3])
    assert compared.distance == pytest.approx(compared.table, rel=1e-6)


def test_that_without_explanations_the_page_says_what_is_coming(page: SidesPage) -> None:
    page.show_context(context((50.0, 50.0), explained=False))
    assert page.words.text() == COMING
    assert page.compared is None


def test_that_circles_are_larger_the_closer_and_are_painted(page: SidesPage, until: Until) -> None:
    page.show_context(of_match(0))
    until(lambda: page.ranking is not None)
    with_circles = page.views["right"].grab().toImage()
    page.form.rows["circles"].widgets[0].click()  # type: ignore[attr-defined]  # a check box
    assert page.views["right"].grab().toImage() != with_circles


def test_that_ranks_of_near_candidates_cover_no_better_one() -> None:
    inside, size, taken = QRectF(0, 0, 300, 200), QSizeF(18, 16), list[QRectF]()
    for x in (150, 152, 155, 158, 160):
        taken.append(rank_plate(QPointF(x, 100), 4.0, size, inside, taken))
    assert all(not a.intersects(b) for i, a in enumerate(taken) for b in taken[:i])
    at_edge = rank_plate(QPointF(298, 2), 4.0, size, inside, [])
    assert inside.contains(at_edge)


def test_that_upright_no_place_is_its_own_rival() -> None:
    """Upright all orientations of a place have one descriptor: kept apart, each would be the other's second nearest."""
    pair = small_result().pair
    assert pair is not None
    upright = {
        side: run_to_end(explain(grey8(image.rgb), SiftSettings(upright=True)))
        for side, image in (("left", pair.left), ("right", pair.right))
    }
    shown = replace(context(), explanations=upright, result=replace(small_result(), matches=None))
    source = sides_info.source_of(shown)
    assert source is not None
    for side, explanation in upright.items():
        features = source.of(side)
        assert features.descriptors is not None
        assert len(features.keypoints) == len(features.descriptors.values) == len(set(explanation.candidate.tolist()))
        assert len(features.keypoints) < len(explanation.keypoints)
        assert features.descriptors.metric == "l2"
