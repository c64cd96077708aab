"""The pages at a point on pictures that give them little or nothing: tiny, narrow, constant, noise, saturated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from sift_parts import context

from app.jobs import run_to_end
from app.records import MatchResult, Side, UserError
from app.ui.session import Session
from app.ui.sift.fails_page import FailsPage
from app.ui.sift.keypoint_page import KeypointPage
from app.ui.sift.laws_page import KEY, LawsPage
from app.ui.sift.laws_state import PARTS, LawsState
from app.ui.sift.page import SiftContext, SiftPage
from app.ui.sift.sides_page import SidesPage
from app.ui.style import Style
from app.vision.images import grey8, make_image
from app.vision.sift_records import SiftExplanation, SiftSettings
from app.vision.sift_stages import explain

Until = Callable[[Callable[[], bool]], None]
rng = np.random.default_rng(4)
PICTURES = {
    "1 x 1": np.full((1, 1, 3), 7, np.uint8),
    "1 px wide": rng.integers(0, 255, (60, 1, 3), np.uint8),
    "1 px high": rng.integers(0, 255, (1, 60, 3), np.uint8),
    "5 x 4": rng.integers(0, 255, (4, 5, 3), np.uint8),
    "constant": np.full((60, 80, 3), 128, np.uint8),
    "saturated": np.where(rng.random((60, 80, 1)) > 0.5, np.uint8(255), np.uint8(0)).repeat(3, axis=2),
    "noise": rng.integers(0, 255, (90, 70, 3), np.uint8),
}
PAGES: tuple[type[SiftPage], ...] = (KeypointPage, SidesPage, LawsPage, FailsPage)


def odd_context(name: str) -> SiftContext:
    image = make_image(np.ascontiguousarray(PICTURES[name]), name)
    small = context(explained=False)
    assert small.result.pair is not None
    explanations: dict[Side, SiftExplanation] = {}
    try:
        found = run_to_end(explain(grey8(image.rgb), SiftSettings()))
        explanations = {"left": found, "right": found}
    except UserError as error:  # too small for the detector: the frame says so, and the pages have no explanation
        fault = str(error)
    else:
        fault = ""
    pair = replace(small.result.pair, left=image, right=image)
    return replace(
        small,
        result=MatchResult(small.result.request, pair),
        point=(image.width / 2 - 0.5, image.height / 2 - 0.5),
        partner=(image.width / 2 - 0.5, image.height / 2 - 0.5),
        pictures={"left": image, "right": image},
        spaces={side: found.space for side, found in explanations.items()},
        explanations=explanations,
        fault=fault,
    )


@pytest.fixture
def pages(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SiftPage]]:
    monkeypatch.setattr(FailsPage, "activate", lambda _self: None)
    made = []
    for kind in PAGES:
        page = kind(session, Style("dark"))
        qtbot.addWidget(page)
        page.resize(640, 420)
        page.show()
        made.append(page)
    yield made
    for page in made:
        page.deactivate()
        page.hide()


@pytest.mark.parametrize("name", PICTURES)
def test_that_every_page_shows_an_odd_picture_or_says_why_not(
    pages: list[SiftPage], session: Session, until: Until, name: str
) -> None:
    made = odd_context(name)
    for page in pages:
        page.show_context(made)
        until(lambda page=page: not page.busy)  # type: ignore[misc]
        assert not page.grab().isNull()
        details = page.details_widget()
        assert details is None or not details.grab().isNull()
    for part in PARTS:
        session.set_workspace_state(KEY, LawsState(part=part, slide=True))
        until(lambda: not pages[2].busy)
        assert not pages[2].grab().isNull()
