"""The Keypoint page: what it shows is what was computed, at the keypoint and while the picture is dragged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot
from sift_parts import context, of_match, small_explanation, small_result
from window_parts import refs_of

from app.jobs import run_to_end
from app.records import Selection
from app.ui.session import Session
from app.ui.sift import described
from app.ui.sift.keypoint_page import KEY, KeypointPage, KeypointState
from app.ui.sift.star_plot import direction_of
from app.ui.style import Style
from app.vision.asked import same_extremum
from app.vision.images import grey8
from app.vision.scale_space import ScaleSpace
from app.vision.sift_descriptor import descriptor_at
from app.vision.sift_records import SiftSettings
from app.vision.sift_stages import explain


@pytest.fixture
def page(qtbot: QtBot, session: Session) -> KeypointPage:
    session.open_pairs(refs_of(1))  # before the first pair there is nothing to undo
    made = KeypointPage(session, Style("dark"))
    qtbot.addWidget(made)
    made.resize(900, 560)
    made.show()
    return made


def screen(page: KeypointPage, x: float, y: float) -> QPoint:
    return page.view.screen_of(x, y).toPoint()


def test_that_the_histogram_shows_line_peaks_and_parabolas(page: KeypointPage) -> None:
    page.show_context(context())
    found = page.found
    assert found is not None
    assert found.keypoint >= 0
    drawing = page.histogram.drawing
    kept = [peak for peak in found.orientation.peaks if peak.kept]
    assert kept
    assert drawing.levels[0].y == pytest.approx(0.8)
    assert drawing.bars[0].chosen == tuple(peak.bin for peak in kept)
    raw, *parabolas = drawing.curves
    assert np.allclose(raw.y * found.orientation.smooth.max(), found.orientation.raw)
    for peak, parabola in zip(kept, parabolas, strict=True):
        top = parabola.x[int(parabola.y.argmax())]
        assert abs(top - 10 * peak.position) <= 0.5 or abs(top - 10 * peak.position + 360) <= 0.5
        assert parabola.y[[0, 10, 20]] == pytest.approx(
            np.array([peak.left, peak.height, peak.right]) / found.orientation.smooth.max()
        )


def test_that_every_keypoint_has_the_angle_and_descriptor_of_the_explanation(page: KeypointPage) -> None:
    explanation = small_explanation("left")
    for row in range(0, len(explanation.keypoints), 9):
        found = described.describe_keypoint(explanation, row)
        assert found.keypoint == row
        assert np.array_equal(found.descriptor.ints, explanation.descriptors[row])
        angles = [peak.angle for peak in found.orientation.peaks if peak.kept]
        assert min(abs(angle - found.angle) for angle in angles) < 0.01


def test_that_before_and_after_clipping_stand_on_the_patch_and_beside_it(page: KeypointPage) -> None:
    page.show_context(context())
    assert page.found is not None
    made = page.found.descriptor
    assert page.on_patch.values is made.final
    assert page.before.values is made.unit
    assert page.after.values is made.final
    assert page.after.ghost is made.unit
    before, after = page.bars.drawing.bars
    assert np.allclose(before.y.reshape(4, 4, 8), made.unit)
    assert np.allclose(after.y.reshape(4, 4, 8), made.final)
    assert before.chosen == tuple(np.flatnonzero(made.unit.reshape(-1) > 0.2).tolist())
    assert page.bars.drawing.levels[0].y == pytest.approx(0.2)


def test_that_an_arrow_points_where_the_picture_gets_brighter() -> None:
    """Brighter downwards: every vote is in the bin whose arrow points down, and likewise for the other three."""
    for number, ramp in (
        (0, np.arange(64)[None, :] * np.ones((64, 1))),
        (6, np.arange(64)[:, None] * np.ones((1, 64))),
        (4, np.arange(64)[None, ::-1] * np.ones((64, 1))),
        (2, np.arange(64)[::-1, None] * np.ones((1, 64))),
    ):
        space = ScaleSpace(np.ascontiguousarray(ramp * 4).clip(0, 255).astype(np.uint8), SiftSettings())
        made = descriptor_at(space, 0, 1, 32.0, 32.0, 2.0, 0.0, SiftSettings())
        assert int(made.final.sum(axis=(0, 1)).argmax()) == number
    assert direction_of(0) == pytest.approx((1, 0))
    assert direction_of(6) == pytest.approx((0, 1), abs=1e-12)


def test_that_dragging_describes_what_is_under_the_cursor_and_letting_go_chooses_it(
    page: KeypointPage, qtbot: QtBot, session: Session
) -> None:
    session.set_workspace_state(KEY, KeypointState(free=True, sigma=3.0, follow=False))
    page.show_context(context((100.0, 100.0)))
    chosen: list[Selection] = []
    page.point_chosen.connect(chosen.append)
    qtbot.mousePress(page.view, Qt.MouseButton.LeftButton, pos=screen(page, 60, 70))
    first = page.found
    qtbot.mouseMove(page.view, screen(page, 90, 80))
    assert page.found is not None
    assert page.found is not first
    assert page.found.keypoint == -1
    assert page.found.sigma == 3.0
    assert page.found.xy == pytest.approx((90, 80), abs=1.5)
    corners = page.found.descriptor.corners
    assert corners.mean(axis=0) == pytest.approx(page.found.xy)
    qtbot.mouseRelease(page.view, Qt.MouseButton.LeftButton, pos=screen(page, 90, 80))
    assert (chosen[-1].x, chosen[-1].y) == pytest.approx((90, 80), abs=1.5)
    assert chosen[-1].side == "left"


def test_that_the_rootsift_switch_shows_rootsift(page: KeypointPage, qtbot: QtBot, session: Session) -> None:
    page.show_context(context())
    page.form.show()
    qtbot.mouseClick(page.form.rows["root"].widgets[0], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert session.workspace_state(KEY, KeypointState()).root
    assert page.found is not None
    assert page.on_patch.values is not None
    assert np.allclose(page.on_patch.values.reshape(-1), page.found.descriptor.root)
    assert page.bars.drawing.levels == ()
    assert "RootSIFT" in page.words.text()
    session.undo()
    assert page.on_patch.values is page.found.descriptor.final
    page.form.hide()


def twin_matches() -> list[int]:
    """Matches whose left keypoint is not the first orientation of its place, and alone at it among the matches."""
    result = small_result()
    assert result.left is not None
    assert result.matches is not None
    points, joined = result.left.keypoints, result.matches.pairs[:, 0]
    found = []
    for index, row in enumerate(joined.tolist()):
        twins = same_extremum(points, row)
        if row != twins[0] and np.isin(joined, twins).sum() == 1:
            found.append(index)
    return found


def test_that_the_orientation_of_the_selected_match_is_shown_not_the_first_of_its_place(
    page: KeypointPage, session: Session, qtbot: QtBot
) -> None:
    result = small_result()
    assert result.left is not None
    assert result.matches is not None
    assert twin_matches()
    for index in twin_matches():
        angle = float(result.left.keypoints.angle[result.matches.pairs[index, 0]])
        asked = of_match(index)
        # With the match selected, and with only its place: of its orientations one is matched.
        for shown in (asked, replace(asked, partner=None)):
            page.show_context(shown)
            assert page.found is not None
            assert page.found.angle == pytest.approx(angle, abs=1.0)
            assert page.facts.value("orientations here") == str(len(page.found.twins))
            page.details_widget().resize(700, 200)
            body = page.details_widget().findChild(QScrollArea)
            assert (
                body.widget().minimumSizeHint().width()
                <= body.minimumWidth() - body.verticalScrollBar().sizeHint().width()
            )
    # Another orientation that was asked for by hand is of this place alone.
    page.details_widget().resize(600, 200)
    page.details_widget().show()
    qtbot.mouseClick(page.other, Qt.MouseButton.LeftButton)
    assert page.found.angle != pytest.approx(angle, abs=1.0)
    for index in twin_matches()[:-1]:
        page.show_context(of_match(index))
        wanted = float(result.left.keypoints.angle[result.matches.pairs[index, 0]])
        assert page.found.angle == pytest.approx(wanted, abs=1.0)
    page.show_context(asked)
    assert page.found.angle != pytest.approx(angle, abs=1.0)
    session.undo()
    assert page.found.angle == pytest.approx(angle, abs=1.0)
    page.details_widget().hide()


def test_that_an_upright_descriptor_says_so(page: KeypointPage) -> None:
    pair = small_result().pair
    assert pair is not None
    upright = run_to_end(explain(grey8(pair.left.rgb), SiftSettings(upright=True)))
    shown = replace(context(), explanations={"left": upright})
    page.show_context(shown)
    assert page.found is not None
    assert page.found.descriptor.angle == 0
    assert page.facts.value("described at") == "0°: upright"
    page.show_context(context())
    assert page.facts.value("described at") == ""


def test_that_a_place_with_two_orientations_steps_through_them(page: KeypointPage, qtbot: QtBot) -> None:
    explanation = small_explanation("left")
    row = next(row for row in range(len(explanation.keypoints)) if len(described.twins_of(explanation, row)) > 1)
    x, y = explanation.keypoints.xy[row].tolist()
    page.show_context(context((x, y)))
    assert page.found is not None
    first = page.found
    assert len(first.twins) > 1
    page.details_widget().resize(600, 200)
    page.details_widget().show()
    qtbot.mouseClick(page.other, Qt.MouseButton.LeftButton)
    assert page.found.twins == first.twins
    assert page.found.keypoint != first.keypoint
    assert page.found.angle != first.angle
    page.details_widget().hide()


def test_that_the_picture_is_enlarged_about_a_chosen_point_once_it_is_described(page: KeypointPage) -> None:
    page.show_context(context((60.0, 60.0), explained=False))
    fitted = page.view.scale
    page.show_context(context((60.0, 60.0)))
    assert page.found is not None
    assert page.view.scale >= fitted
    frame = 4 * page.found.descriptor.cell * page.view.scale
    assert frame >= 0.19 * min(page.view.width(), page.view.height())
    page.view.fit()
    page.show_context(context((60.0, 60.0)))
    assert page.view.scale == pytest.approx(fitted)  # the same point does not take the view away again


def test_that_words_and_numbers_belong_to_the_point(page: KeypointPage) -> None:
    page.show_context(context())
    assert page.found is not None
    clipped = int(np.count_nonzero(page.found.descriptor.unit > 0.2))
    assert page.facts.value("bins above 0.2") == f"{clipped} of 128"
    assert f"so {page.found.angle:.1f}°" in page.words.text()
    assert page.facts.value("‖d‖ at the end") == "1.000"


def test_that_without_an_explanation_the_page_says_what_is_coming(page: KeypointPage) -> None:
    page.show_context(context((50.0, 50.0), explained=False))
    assert page.found is None
    assert "explained" in page.words.text()
    assert page.histogram.drawing.empty
    assert page.view.filled


def test_that_a_flat_place_has_no_orientation_and_says_so() -> None:
    space_settings = SiftSettings()
    from app.jobs import run_to_end
    from app.vision.sift_stages import explain

    flat = run_to_end(explain(np.full((80, 80), 128, np.uint8), space_settings))
    found = described.describe(flat, (40.0, 40.0), free=False, sigma=3.0)
    assert found.keypoint == -1
    assert described.histogram_drawing(found.orientation).empty
    assert described.bars_drawing(found.descriptor, 0.2, root=False).empty
    assert "no gradient" in described.sentences_of(found, 0.2, root=False)


def test_that_the_page_paints_in_both_themes_at_its_smallest(qtbot: QtBot, session: Session) -> None:
    for theme in ("dark", "light"):
        page = KeypointPage(session, Style(theme))
        qtbot.addWidget(page)
        page.resize(page.minimumSizeHint())
        page.show()
        page.show_context(context())
        image = page.grab().toImage()
        colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
        assert len(colours) > 30
        page.hide()
