"""The window while it trains, in a process of its own: how late its events come, and how soon it starts and stops.

Reach: lag of a 60-Hz timer p99 at most 8 ms and p99.9 at most 16 ms after the first second, the first import of
PyTorch at most 120 ms, the first curve at most 3 s after Start, Stop at most 0.2 s. The reference is the same timer
in the same window before Start.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from timing import Patience, Table, said, share

pytestmark = pytest.mark.bench
RARE, RAREST = 0.008, 0.016
SCRIPT = """
import json, os, sys, time
from dataclasses import replace
import numpy as np
from app.ui import display, launch
display.check(); display.import_qt()
from PySide6.QtCore import QTimer, Qt
from app.ui.garbage import GarbageGuard
from app.ui.train.state import FIRST_SETTINGS, SETTINGS_KEY
app = launch._application()
guard = GarbageGuard(app)
window = launch.open_window(None, [], theme="dark")
window.resize(1600, 1000); window.docks.arrange(); window.show()
assert launch._wait(lambda: window.session.complete and not window.session.busy, 60)
late, last = [], [None]
def tick():
    now = time.perf_counter()
    if last[0] is not None:
        late.append((now, max(0.0, now - last[0] - 1 / 60)))
    last[0] = now
timer = QTimer(); timer.setTimerType(Qt.TimerType.PreciseTimer); timer.timeout.connect(tick); timer.start(16)
def lags(seconds):
    late.clear(); launch._wait(lambda: False, seconds); return [lag for _, lag in late]
said = {"idle": lags(8.0), "torch before": "torch.nn" in sys.modules}
window.session.set_workspace_state(SETTINGS_KEY, replace(FIRST_SETTINGS, epochs=10000))  # it is stopped, it never ends
window.session.set_workspace("train")  # which prepares the data and imports PyTorch
trainer, controls = window.front.trainer, window.front.controls
app.processEvents()
last[0] = None
late.clear()
assert launch._wait(lambda: trainer.prepared is not None and trainer.phase == "idle", 120)
said["import"], said["torch after"] = max((lag for _, lag in late), default=0.0), "torch.nn" in sys.modules
start = time.perf_counter()
controls.run.click()
assert launch._wait(lambda: trainer.snapshot is not None and trainer.snapshot.step >= 1, 60)
window.repaint()
said["first"] = time.perf_counter() - start
launch._wait(lambda: False, 1.0)
said["training"], said["steps"] = lags(30.0), trainer.snapshot.step
start = time.perf_counter()
controls.stop.click()
assert launch._wait(lambda: trainer.phase == "idle", 20)
said["stop"] = time.perf_counter() - start
print("SAID", json.dumps(said), flush=True)
os._exit(0)
"""


def test_the_window_stays_quick_while_it_trains(project_root: Path, tmp_path: Path, table: Table) -> None:
    environment = {
        **os.environ,
        "CORRESPONDENCE_EXPLORER_CONFIG": str(tmp_path),
        "CORRESPONDENCE_EXPLORER_MODELS": str(tmp_path / "models"),
        "QT_QPA_PLATFORM": "offscreen",
    }
    Patience(40.0).wait()
    told = json.loads(said("SAID", [sys.executable, "-c", SCRIPT], 300, cwd=project_root, env=environment))
    assert not told["torch before"]
    assert told["torch after"]
    rare, rarest = ([share(told[when], per_cent) for when in ("training", "idle")] for per_cent in (99, 99.9))
    met = rare[0] <= RARE and rarest[0] <= RAREST
    table.add(
        "Lag of the window's events while it trains, p99 and p99.9", both(rare[0], rarest[0]),
        f"the same window at rest {both(rare[1], rarest[1])}", rare[0] / max(rare[1], 1e-4),
        f"≤ {1e3 * RARE:.0f} and ≤ {1e3 * RAREST:.0f} ms", met=met,
        note="" if met else "the window's Python and the training's share one lock, and all programs the cores",
    )  # fmt: skip
    for name, key, most in (
        ("First import of PyTorch: the longest pause of the window", "import", 0.12),
        ("First curve after Start, PyTorch imported", "first", 3.0),
        ("Stop, until the window is idle", "stop", 0.2),
    ):
        table.add_limit(name, told[key], most)
    assert told["steps"] > 10
    assert rare[0] <= 0.1
    assert told["import"] <= 1.0


def both(one: float, other: float) -> str:
    return f"{1e3 * one:.1f} and {1e3 * other:.1f} ms"
