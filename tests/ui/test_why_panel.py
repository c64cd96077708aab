"""The Why not? tab shows the neighbourhood of a place where the detector found nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from sift_parts import small_result

from app.records import MatchResult
from app.ui.session import Session
from app.ui.style import Style
from app.ui.why_panel import WhyPanel

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def panel(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhyPanel]:
    result: MatchResult = small_result()
    session.result = result
    monkeypatch.setattr(Session, "complete", property(lambda _self: True))
    made = WhyPanel(session, Style("dark"))
    qtbot.addWidget(made)
    made.resize(700, 300)
    made.show()
    yield made
    made.hide()


def empty_places(result: MatchResult) -> tuple[tuple[float, float], tuple[float, float]]:
    """The place of either picture that lies farthest from its keypoints."""
    places = []
    for features in (result.left, result.right):
        assert features is not None
        grid = np.stack(np.meshgrid(np.arange(12, 188, 4.0), np.arange(12, 188, 4.0)), axis=-1).reshape(-1, 2)
        gap = np.linalg.norm(grid[:, None] - features.keypoints.xy[None], axis=2).min(axis=1)
        x, y = grid[int(gap.argmax())].tolist()
        places.append((x, y))
    return places[0], places[1]


def test_that_a_place_without_keypoint_comes_with_its_picture(panel: WhyPanel, session: Session, until: Until) -> None:
    assert session.result is not None
    panel.left, panel.right = empty_places(session.result)
    panel._ask()
    until(lambda: panel.answer is not None)
    assert panel.answer is not None
    assert panel.answer.died_at == "detector"
    until(lambda: not session.probe_lane.busy)
    for side, _ in panel.answer.detections:
        picture = panel.pictures[side]
        assert picture.isVisible()
        assert picture.picture is not None
        assert picture.accessibleDescription()
        assert not picture.grab().isNull()
    assert any(mark.colour == "wrong" for mark in panel.marks())
    panel.clear()
    assert not any(picture.isVisible() for picture in panel.pictures.values())


def test_that_a_match_has_no_such_picture(panel: WhyPanel, session: Session, until: Until) -> None:
    result = session.result
    assert result is not None
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    left, right = (features.keypoints.xy.tolist() for features in (result.left, result.right))
    # A place of several orientations stands for the first of them only.
    alone = [(i, j) for i, j in result.matches.pairs.tolist() if left.count(left[i]) == right.count(right[j]) == 1]
    i, j = alone[0]
    panel.left = tuple(result.left.keypoints.xy[i].tolist())
    panel.right = tuple(result.right.keypoints.xy[j].tolist())
    panel._ask()
    until(lambda: panel.answer is not None)
    assert panel.answer is not None
    assert panel.answer.died_at == ""
    assert not any(picture.isVisible() for picture in panel.pictures.values())
