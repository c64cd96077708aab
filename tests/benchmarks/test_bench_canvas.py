"""Pan, zoom, sharpening and hover of the canvas, as ratios against other ways to draw lines in the same run.

Run with ``pytest -m bench --benchmark-only tests/benchmarks/test_bench_canvas.py -s``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import psutil
import pytest
import shiboken6
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QTransform
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot

from app.ui.line_layer import FAST_WIDTH
from app.ui.overlays import LineClass, Lines
from app.ui.pair_view import PairView
from app.ui.picking import Segments
from app.ui.style import DARK
from app.vision.images import make_image

pytestmark = pytest.mark.bench
WIDTH, HEIGHT, COLOURS = 1920, 1080, 16


def scattered(n: int) -> Lines:
    """Matches between two 1080p pictures, a fifth of them wild."""
    rng = np.random.default_rng(0)
    left = (rng.random((n, 2)) * (WIDTH, HEIGHT)).astype(np.float32)
    right = (left * (0.95, 0.97) + (40, 12) + rng.normal(0, 6, (n, 2))).astype(np.float32)
    wild = rng.random(n) < 0.2
    right[wild] = rng.random((wild.sum(), 2)) * (WIDTH, HEIGHT)
    classes = tuple(LineClass(str(i), QColor.fromHsvF(0.33 * i / COLOURS, 1, 1).name()) for i in range(COLOURS))
    return Lines(left, right, rng.integers(0, COLOURS, n).astype(np.uint8), classes, np.arange(n))


@pytest.fixture
def view(qtbot: QtBot) -> PairView:
    rng = np.random.default_rng(1)
    made = PairView(DARK)
    qtbot.addWidget(made)
    made.resize(1600, 900)
    coarse = rng.integers(0, 255, (2, HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    pictures = [make_image(np.ascontiguousarray(np.repeat(np.repeat(c, 4, 0), 4, 1)), "bench") for c in coarse]
    made.show()
    made.set_images(*pictures)
    made.set_arrangement("side")
    return made


def percentile(move: Callable[[int], None], view: PairView, frames: int = 80) -> float:
    """The 95th percentile of milliseconds from input to painted."""
    times = []
    for frame in range(frames):
        start = time.perf_counter()
        move(frame)
        view.repaint()
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.percentile(times, 95))


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_pan_and_zoom(view: PairView, qtbot: QtBot, benchmark: BenchmarkFixture, n: int) -> None:
    view.set_lines(scattered(n))
    view.wait_until_sharp()
    pan = percentile(lambda f: view.zoom_to("left", 900 + 8 * f, 500 + 2 * f, 0.6), view)
    zoom = percentile(lambda f: view.zoom_to("left", 960, 540, 0.4 * 1.02**f), view)
    start = time.perf_counter()
    qtbot.waitUntil(lambda: view.layer.settled, timeout=20_000)
    sharp = time.perf_counter() - start
    benchmark.extra_info.update(pan_p95_ms=pan, zoom_p95_ms=zoom, sharp_s=sharp)
    print(f"\n{n} lines: pan p95 {pan:.1f} ms, zoom p95 {zoom:.1f} ms, sharp after {sharp:.2f} s")
    benchmark.pedantic(view.repaint, rounds=20)


def test_redraw_against_the_bare_draw(view: PairView, benchmark: BenchmarkFixture) -> None:
    lines = scattered(100_000)
    view.set_lines(lines)
    view.wait_until_sharp()

    def ours() -> float:
        view.layer.restart()
        return view.wait_until_sharp()

    order = np.argsort(lines.group, kind="stable")
    ends = np.ascontiguousarray(view._ends[order])
    image = QImage(2000, 1300, QImage.Format.Format_ARGB32_Premultiplied)
    bounds = np.searchsorted(lines.group[order], np.arange(COLOURS + 1))

    def bare() -> float:
        start = time.perf_counter()
        image.fill(0)
        painter = QPainter(image)
        painter.setClipRect(QRectF(0, 0, 2000, 1300))
        at = view.view
        painter.setTransform(QTransform(at.scale, 0, 0, at.scale, at.x + 200, at.y + 200))
        for group, item in enumerate(lines.classes):
            pen = QPen(QColor(item.colour), FAST_WIDTH)
            pen.setCosmetic(True)
            painter.setPen(pen)
            part = ends[bounds[group] : bounds[group + 1]]
            painter.drawLines(shiboken6.wrapInstance(part.ctypes.data, QLineF), len(part))  # type: ignore[call-overload]  # pointer and count
        painter.end()
        return time.perf_counter() - start

    ratios = [ours() / bare() for _ in range(7)]
    benchmark.extra_info["ratio"] = float(np.median(ratios))
    print(f"\nredraw of 100,000 lines / bare draw: {np.median(ratios):.2f}")
    benchmark.pedantic(ours, rounds=3)


@pytest.mark.parametrize("n", [1_000, 10_000])
def test_against_matplotlib_and_pyqtgraph(view: PairView, benchmark: BenchmarkFixture, n: int) -> None:
    lines = scattered(n)
    view.set_lines(lines)
    view.wait_until_sharp()
    ours = percentile(lambda f: view.zoom_to("left", 900 + 8 * f, 500, 0.6), view, 20)
    plain, curves = matplotlib_frame(lines), pyqtgraph_frame(lines)
    benchmark.extra_info.update(ours_ms=ours, matplotlib_ms=plain, pyqtgraph_ms=curves)
    print(f"\n{n} lines: ours {ours:.1f} ms, matplotlib x{plain / ours:.0f}, pyqtgraph x{curves / ours:.0f}")
    benchmark.pedantic(view.repaint, rounds=10)


def matplotlib_frame(lines: Lines) -> float:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    segments = np.stack([lines.left_xy, lines.right_xy + np.array([WIDTH, 0])], axis=1)
    colours = [lines.classes[g].colour for g in lines.group]
    axes.add_collection(LineCollection(segments, colors=colours, linewidths=1, antialiased=False))
    times = []
    for frame in range(5):
        start = time.perf_counter()
        axes.set_xlim(8 * frame, 2 * WIDTH + 8 * frame)
        axes.set_ylim(HEIGHT, 0)
        canvas.draw()
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times))


def pyqtgraph_frame(lines: Lines) -> float:
    import pyqtgraph as pg

    plot = pg.PlotWidget()
    plot.resize(1600, 900)
    for group, item in enumerate(lines.classes):
        rows = lines.group == group
        ends = np.stack([lines.left_xy[rows], lines.right_xy[rows] + (WIDTH, 0)], axis=1).reshape(-1, 2)
        plot.addItem(pg.PlotCurveItem(ends[:, 0], ends[:, 1], pen=pg.mkPen(item.colour), connect="pairs"))
    plot.show()
    times = []
    for frame in range(5):
        start = time.perf_counter()
        plot.setXRange(8 * frame, 2 * WIDTH + 8 * frame, padding=0)
        plot.repaint()
        plot.viewport().repaint()
        times.append((time.perf_counter() - start) * 1e3)
    plot.close()
    return float(np.median(times))


def test_hover_among_many(benchmark: BenchmarkFixture) -> None:
    lines = scattered(100_000)
    segments = Segments(lines.left_xy, lines.right_xy)
    benchmark(lambda: segments.nearest(900.0, 500.0, 5.0))
    print(f"\nhover among 100,000 lines: {benchmark.stats['median'] * 1e3:.2f} ms")


def test_a_hundred_megapixels(qtbot: QtBot, benchmark: BenchmarkFixture) -> None:
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 255, (1000, 1000, 3), np.uint8)
    rgb = np.ascontiguousarray(np.repeat(np.repeat(coarse, 10, 0), 10, 1))
    large, small = make_image(rgb, "100 Mpx"), make_image(coarse, "1 Mpx")
    view = PairView(DARK)
    qtbot.addWidget(view)
    view.resize(1600, 900)
    view.show()
    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    view.set_images(large, small)
    view.repaint()
    first = (time.perf_counter() - start) * 1e3
    fitted = view.view.scale
    pan = percentile(lambda f: view.zoom_to("left", 3000 + 40 * f, 5000, 0.5), view)
    zoom = percentile(lambda f: view.zoom_to("left", 5000, 5000, fitted * 1.06**f), view)
    extra = (process.memory_info().rss - before) / rgb.nbytes
    benchmark.extra_info.update(first_ms=first, pan_p95_ms=pan, zoom_p95_ms=zoom, extra=extra)
    print(
        f"\n100 Mpx: first paint {first:.0f} ms, pan p95 {pan:.1f}, zoom p95 {zoom:.1f} ms, extra memory {extra:.2f}x"
    )
    benchmark.pedantic(view.repaint, rounds=10)
