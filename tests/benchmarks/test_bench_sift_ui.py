"""The cursor of the SIFT workspace, and its overlay, from input to painted.

Run with ``pytest -m bench --benchmark-only tests/benchmarks/test_bench_sift_ui.py -s``. The limit is that of a frame,
16 ms at the 95th percentile; a machine with other work shows more, so the thread's processor time is printed too.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot

from app.jobs import run_to_end
from app.pairs import builtin, load
from app.records import MatchRequest, MatchResult, UInt8
from app.ui.session import Session
from app.ui.sift.page import SiftContext
from app.ui.sift.picture_view import PictureView
from app.ui.sift.scale_space_page import ScaleSpacePage
from app.ui.sift.stage_marks import StageMarks, choose
from app.ui.style import Style
from app.vision.images import grey8, make_image
from app.vision.scale_space import ScaleSpace
from app.vision.sift_records import SiftExplanation, SiftSettings, Stage
from app.vision.sift_stages import explain

pytestmark = pytest.mark.bench
SIZES = {"512": (512, 512), "1080p": (1920, 1080)}


def picture(size: tuple[int, int]) -> UInt8:
    """The first built-in photograph at a size."""
    rgb = load(builtin()[0]).left.rgb
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def explained(rgb: UInt8, settings: SiftSettings) -> SiftExplanation:
    space = ScaleSpace(grey8(rgb), settings)
    run_to_end(space.prepare())
    return run_to_end(explain(space.grey, settings, space))


def context_of(session: Session, rgb: UInt8, explanation: SiftExplanation) -> SiftContext:
    image = make_image(rgb, "bench")
    assert session.state.pair is None
    result = MatchResult(MatchRequest(builtin()[0], "sift", session.settings))
    return SiftContext(
        result, "left", (200.0, 150.0), None, explanation.settings, {"left": image}, {"left": (1.0, 1.0)},
        {"left": explanation.space}, {"left": explanation},
    )  # fmt: skip


def drag(widget: QWidget, at: QPointF, kind: QEvent.Type) -> None:
    button = Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    event = QMouseEvent(kind, at, widget.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def percentiles(steps: int, step: Callable[[int], None]) -> tuple[float, float]:
    """(95th percentile of wall time, of the thread's processor time) in milliseconds."""
    wall, own = [], []
    for index in range(steps):
        start, begun = time.perf_counter(), time.thread_time()
        step(index)
        wall.append(time.perf_counter() - start)
        own.append(time.thread_time() - begun)
    return float(np.percentile(wall, 95)) * 1e3, float(np.percentile(own, 95)) * 1e3


@pytest.mark.parametrize("name", SIZES)
def test_dragging_the_cursor(qtbot: QtBot, benchmark: BenchmarkFixture, name: str) -> None:
    size = SIZES[name]
    rgb = picture(size)
    session = Session()
    look = Style("dark")
    look.apply()
    page = ScaleSpacePage(session, look)
    probe = page.details_widget()
    window = QWidget()  # page and details in one window, painted in one pass as in the program
    column = QVBoxLayout(window)
    column.addWidget(page, 5)
    column.addWidget(probe, 2)
    qtbot.addWidget(window)
    window.resize(980, 830)
    window.show()
    page.show_context(context_of(session, rgb, explained(rgb, SiftSettings())))
    qtbot.waitUntil(lambda: not page.busy, timeout=30_000)
    rng = np.random.default_rng(0)
    track = np.cumsum(rng.normal(0, 12, (120, 2)), axis=0) + np.array(size) / 2
    track = np.clip(track, 20, np.array(size) - 20)
    drag(page.view, page.view.screen_of(*track[0]), QEvent.Type.MouseButtonPress)

    def step(index: int) -> None:
        drag(page.view, page.view.screen_of(*track[index % len(track)]), QEvent.Type.MouseMove)
        window.repaint()

    def as_shown(index: int) -> None:
        """Without what a movement leaves as it is, but with what it lays out anew."""
        drag(page.view, page.view.screen_of(*track[index % len(track)]), QEvent.Type.MouseMove)
        QApplication.processEvents()

    for octave in (-1, 0, 1, 2):
        page._show_cell((octave, 2))
        wall, own = percentiles(len(track), step)
        shown, its = percentiles(len(track), as_shown)
        benchmark.extra_info[f"octave {octave}"] = {
            "wall_p95_ms": wall,
            "own_p95_ms": own,
            "shown_wall_p95_ms": shown,
            "shown_own_p95_ms": its,
        }
        print(
            f"\n{name}, octave {octave}: drag p95 {shown:.1f} ms, processor {its:.1f} ms; "
            f"all repainted {wall:.1f} ms, processor {own:.1f} ms"
        )
    benchmark.pedantic(lambda: step(7), rounds=20)
    drag(page.view, page.view.screen_of(*track[0]), QEvent.Type.MouseButtonRelease)
    session.shutdown()
    QApplication.instance().setStyleSheet("")


def test_the_overlay_of_many_candidates(qtbot: QtBot, benchmark: BenchmarkFixture) -> None:
    rgb = picture(SIZES["1080p"])
    found = explained(picture(SIZES["1080p"]), SiftSettings(contrast=0.0, edge=100.0)).candidates
    start = time.perf_counter()
    chosen = choose(found, Stage.EDGE)
    chosen_ms = (time.perf_counter() - start) * 1e3
    marks = StageMarks()
    marks.show(found, chosen, survivors=True, rejected=True)
    colours = ("#56b4e9", "#e69f00", "#0e1014")

    def draw(index: int) -> None:
        marks.image((0.45, 5.0 + index, 9.0), (900, 600), colours, sizes=True)

    wall, own = percentiles(30, draw)
    hover, _ = percentiles(100, lambda index: marks.at(900.0 + index, 500.0, 12.0))
    print(
        f"\n{len(found):,} candidates, {len(marks.rows):,} drawn: choosing {chosen_ms:.1f} ms, "
        f"drawing p95 {wall:.1f} ms (processor {own:.1f}), hover p95 {hover:.2f} ms"
    )
    view = PictureView(Style("dark"), "picture", pointing=False)
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    view.set_picture(rgb, SIZES["1080p"])
    view.draw_over = lambda painter, seen: marks.paint(painter, seen, colours, sizes=True)
    view.repaint()

    def pan(index: int) -> None:
        view.zoom_to(960.0 + index, 540.0, 0.4)
        view.repaint()

    pan(0)
    QTest.qWait(200)  # at rest
    wall, own = percentiles(60, pan)
    print(f"panning, p95 {wall:.1f} ms (processor {own:.1f})")
    benchmark.extra_info.update(pan_p95_ms=wall, hover_p95_ms=hover, choose_ms=chosen_ms)
    benchmark.pedantic(lambda: draw(-1), rounds=10)
