"""From process start to the first paint, beside a bare PySide6 window in the same run.

Reach (ratios): at most 2 times a bare PySide6 window under Xvfb, and at most 1.5 times PySide6 with numpy
and OpenCV offscreen. Run with ``-m bench``; Xvfb is used where it is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from timing import Patience, Table, milliseconds

pytestmark = pytest.mark.bench
ROUNDS = 5
OFFSCREEN_AIM, OFFSCREEN_LIMIT = 1.5, 2.5
XVFB_AIM, XVFB_LIMIT = 2.0, 5.0
REST = (
    "numpy and OpenCV, which the pictures need, take three quarters of the bare window's time; Qt's enumerations, made "
    "at the first use of one, and the records' classes most of the rest"
)

# Each prints the time of its first paint on the clock that the parent process reads too.
WATCH = """
from PySide6.QtCore import QEvent, QObject, QTimer
class First(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not done:
            done.append(1)
            QTimer.singleShot(0, self.report)
        return False
    def report(self):
        print("PAINT", time.monotonic(), time.thread_time(), flush=True)
        app.quit()
done, first = [], First()
"""
BARE = f"""
import time
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
{WATCH}
window = QWidget(); window.resize(1440, 900); window.installEventFilter(first); window.show(); app.exec()
"""
WITH_LIBRARIES = "import numpy, cv2\n" + BARE
OURS = f"""
import os, time
from app.start import collector_paused, settle
settle()
with collector_paused():
    from app.ui import display, launch
ahead = launch.Ahead(None)
display.import_qt(); display.check()
app = launch._application()
from app.ui.garbage import GarbageGuard
guard = GarbageGuard(app)
{WATCH}
window = launch.open_window(None, ahead=ahead)
centre = window.centre.currentWidget()
for widget in (centre, *centre.findChildren(QObject)):
    widget.installEventFilter(first)
window.show(); app.exec()
assert window.session.result is not None and window.session.result.pair is not None
window.session.shutdown(5.0)
os._exit(0)
"""


def first_paint(code: str, project_root: Path, environ: dict[str, str]) -> tuple[float, float]:
    """Seconds from the start of a process to its first paint, by the clock and of processor time of its thread."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project_root, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("PAINT")), None)
    assert line is not None, done.stderr
    return float(line.split()[1]) - start, float(line.split()[2])


def fastest(codes: list[str], project_root: Path, environ: dict[str, str]) -> list[tuple[float, float]]:
    """Soonest first paint of each program, taken in turns so that drift hits all alike."""
    times: list[list[tuple[float, float]]] = [[] for _ in codes]
    environ = {**environ, "PYTHONPYCACHEPREFIX": environ["CORRESPONDENCE_EXPLORER_CONFIG"]}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled once
    patience = Patience(40.0)
    for _ in range(ROUNDS + 1):  # the first round warms the disk cache
        patience.wait()
        for place, code in zip(times, codes, strict=True):
            place.append(first_paint(code, project_root, environ))
    return [(min(t for t, _ in place), min(t for _, t in place)) for place in times]


def both(times: tuple[float, float]) -> str:
    return f"{milliseconds(times[0])} (its thread {milliseconds(times[1])})"


def ratio_of(ours: tuple[float, float], other: tuple[float, float]) -> float:
    """The ratio by the clock, of the soonest of all rounds."""
    return ours[0] / other[0]


def test_that_the_first_paint_offscreen_is_within_1_5_times_qt_numpy_and_opencv(
    project_root: Path, tmp_path: Path, table: Table
) -> None:
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "CORRESPONDENCE_EXPLORER_CONFIG": str(tmp_path)}
    libraries, ours = fastest([WITH_LIBRARIES, OURS], project_root, environ)
    table.add(
        "First paint with the built-in pair, offscreen", both(ours),
        f"a window of PySide6 + numpy + cv2 {both(libraries)}",
        ratio_of(ours, libraries), f"≤ {OFFSCREEN_AIM}×",
        met=ratio_of(ours, libraries) <= OFFSCREEN_AIM, note="" if ratio_of(ours, libraries) <= OFFSCREEN_AIM else REST,
    )  # fmt: skip
    assert ratio_of(ours, libraries) <= OFFSCREEN_LIMIT


def test_that_the_first_paint_under_xvfb_is_within_twice_a_bare_window(
    project_root: Path, tmp_path: Path, table: Table
) -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24"], pass_fds=(write,), stderr=subprocess.DEVNULL
    )
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            name = f":{numbers.readline().strip()}"
        environ = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
        environ |= {"DISPLAY": name, "CORRESPONDENCE_EXPLORER_CONFIG": str(tmp_path)}
        bare, ours = fastest([BARE, OURS], project_root, environ)
    finally:
        server.terminate()
        server.wait(10)
    table.add(
        "First paint with the built-in pair, Xvfb", both(ours),
        f"a bare PySide6 window {both(bare)}", ratio_of(ours, bare), f"≤ {XVFB_AIM:.0f}×",
        met=ratio_of(ours, bare) <= XVFB_AIM, note="" if ratio_of(ours, bare) <= XVFB_AIM else REST,
    )  # fmt: skip
    assert ratio_of(ours, bare) <= XVFB_LIMIT
