"""Dragging in the pages at a point, from input to painted: descriptor, comparison, scan line, and k of the DoG.

The limit is that of a frame, 16 ms at the 95th percentile; a machine with other work shows more, so the thread's own
time is given too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mouse import drag
from PySide6.QtCore import QEvent
from pytestqt.qtbot import QtBot
from timing import Table, Taken, series

sys.path.insert(0, str(Path(__file__).parent.parent / "ui"))
from sift_parts import context

from app.jobs import run_to_end
from app.records import UInt8
from app.ui.session import Session
from app.ui.sift.keypoint_page import KEY, KeypointPage, KeypointState
from app.ui.sift.laws_dog import DogPart
from app.ui.sift.laws_line import ScanLinePart
from app.ui.sift.laws_state import LawsState
from app.ui.sift.page import SiftContext
from app.ui.sift.sides_page import SidesPage
from app.ui.style import Style
from app.vision.images import grey8, make_image
from app.vision.photographs import photograph
from app.vision.sift_records import SiftSettings
from app.vision.sift_stages import explain

pytestmark = pytest.mark.bench
STEPS, SIZES = 150, ((512, 512), (1920, 1080))


def picture(size: tuple[int, int]) -> UInt8:
    return np.asarray(cv2.resize(photograph("coffee"), size, interpolation=cv2.INTER_CUBIC), np.uint8)


def context_of(size: tuple[int, int]) -> SiftContext:
    """A context whose explained picture is of this size."""
    image = make_image(picture(size), "bench")
    explanation = run_to_end(explain(grey8(image.rgb), SiftSettings()))
    small = context()
    return SiftContext(
        small.result, "left", (size[0] / 2, size[1] / 2), None, explanation.settings, {"left": image},
        {"left": (1.0, 1.0)}, {"left": explanation.space}, {"left": explanation},
    )  # fmt: skip


def track(size: tuple[int, int]) -> np.ndarray:
    walk = np.cumsum(np.random.default_rng(0).normal(0, 9, (STEPS, 2)), axis=0) + np.array(size) / 2
    return np.clip(walk, 12, np.array(size) - 12)


def slowest(every: list[Taken]) -> Taken:
    return max(every, key=lambda taken: taken.clock)


def keypoint_dragged(qtbot: QtBot, size: tuple[int, int], sigma: float) -> Taken:
    """The 95th percentile of a movement on the page of one keypoint."""
    session = Session()
    session.set_workspace_state(KEY, KeypointState(free=True, follow=False, sigma=sigma))
    page = KeypointPage(session, Style("dark"))
    details = page.details_widget()
    for widget, high in ((page, 600), (details, 230)):
        qtbot.addWidget(widget)
        widget.resize(980, high)
        widget.show()
    page.show_context(context_of(size))
    places = track(size)
    parts = (page.view, page.window_view, page.histogram, page.on_patch, page.before, page.after, page.bars)
    drag(page.view, page.view.screen_of(*places[0]), QEvent.Type.MouseButtonPress)

    def step(index: int) -> None:
        drag(page.view, page.view.screen_of(*places[index]), QEvent.Type.MouseMove)
        for part in parts:
            part.repaint()

    taken = series(step, STEPS).p95
    session.shutdown()
    return taken


def test_describing_under_the_cursor(qtbot: QtBot, table: Table) -> None:
    every = [keypoint_dragged(qtbot, size, sigma) for size in SIZES for sigma in (2.0, 8.0)]
    table.add_frame("Dragging a keypoint, p95 (slowest of two sizes and two scales)", slowest(every))


def test_comparing_under_the_cursor(qtbot: QtBot, table: Table) -> None:
    session = Session()
    page = SidesPage(session, Style("dark"))
    qtbot.addWidget(page)
    page.resize(980, 600)
    page.show()
    page.show_context(context((100.0, 100.0), (60.0, 60.0)))
    view = page.views["right"]
    places = track((200, 200))
    drag(view, view.screen_of(*places[0]), QEvent.Type.MouseButtonPress)
    parts = (*page.views.values(), *page.stars.values(), page.map, page.bars)

    def step(index: int) -> None:
        drag(view, view.screen_of(*places[index]), QEvent.Type.MouseMove)
        for part in parts:
            part.repaint()

    table.add_frame("Dragging one end of a match, both compared, p95", series(step, STEPS).p95)
    session.shutdown()


def line_dragged(qtbot: QtBot, size: tuple[int, int]) -> Taken:
    """The 95th percentile of a movement of the scan line."""
    part = ScanLinePart(Style("dark"))
    qtbot.addWidget(part)
    part.resize(980, 600)
    part.show()
    part.show_image(make_image(picture(size), "bench"))
    part.show_point((size[0] / 2, size[1] / 2))
    places = track(size)
    drag(part.picture, part.picture.screen_of(*places[0]), QEvent.Type.MouseButtonPress)

    def step(index: int) -> None:
        drag(part.picture, part.picture.screen_of(*places[index]), QEvent.Type.MouseMove)
        for widget in (part.picture, part.fingerprint, part.curves):
            widget.repaint()

    return series(step, STEPS).p95


def test_dragging_the_scan_line(qtbot: QtBot, table: Table) -> None:
    every = [line_dragged(qtbot, size) for size in SIZES]
    table.add_frame("Dragging a scan line, p95 (slower of two sizes)", slowest(every))


def test_sliding_k(qtbot: QtBot, table: Table) -> None:
    part = DogPart(Style("dark"))
    qtbot.addWidget(part)
    part.resize(980, 600)
    part.show()
    part.show_image(make_image(picture((1920, 1080)), "bench"))

    def step(index: int) -> None:
        part.show_state(LawsState(part="dog", k=1.05 + 0.008 * index, slide=index % 2 == 0))
        for widget in (part.chart, part.picture):
            widget.repaint()

    table.add_frame("Sliding k of the difference of Gaussians, p95", series(step, STEPS).p95)
