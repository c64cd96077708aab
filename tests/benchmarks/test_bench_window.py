"""How soon the window lets go of a running job, and how much of a change is drawn without computing.

Run with ``pytest -m bench --benchmark-only tests/benchmarks/test_bench_window.py -s``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot

from app import pairs
from app.jobs import native_calls_ended
from app.records import PairRef
from app.ui.launch import _wait, open_window
from app.ui.main_window import MainWindow

pytestmark = pytest.mark.bench


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The program's own window on real photographs."""
    monkeypatch.setenv("CORRESPONDENCE_EXPLORER_CONFIG", str(tmp_path))
    folders = sorted(path.parent for path in (shared_data / "oxford_affine").glob("*/img1.*"))
    refs = [pairs.from_files(*sorted(folder.glob("img[12].*"))) for folder in folders]
    if len(refs) < 2:
        pytest.skip("two Oxford sequences are needed in ../shared/data/oxford_affine")
    made = open_window(None, refs, theme="dark")
    made.resize(1600, 1000)
    made.show()
    assert _wait(lambda: made.session.complete, 60.0)
    yield made
    made.close()
    made.deleteLater()


def test_moving_on_cancels_the_running_detection(window: MainWindow, benchmark: BenchmarkFixture) -> None:
    """SIFT on the full picture runs in native code; the promise is 0.2 s from the key to the cancelled job."""
    session = window.session
    session.set_settings("detect", replace(session.settings.detect, max_side=0))
    assert _wait(lambda: not session.busy, 60.0)
    answered: list[float] = []
    gone: list[float] = []
    ended: list[float] = []
    session.match_lane.cancelled.connect(lambda _event: ended.append(time.perf_counter()))
    for number in range(6):
        edge = 20.0 - 0.5 * number
        session.set_settings("detect", replace(session.settings.detect, edge=edge))  # nothing of it is cached
        _wait(lambda: False, 0.06)  # the middle of the detection
        assert session.busy
        ended.clear()
        start = time.perf_counter()
        session.step_pair(1 if number % 2 == 0 else -1)
        answered.append(time.perf_counter() - start)
        assert _wait(lambda: bool(ended), 5.0)
        gone.append(ended[0] - start)
        session.cancel()
        assert _wait(lambda: not session.busy, 5.0)
        assert native_calls_ended(60.0)  # what was left behind would slow the next round
    benchmark.extra_info.update(answered_ms=1e3 * max(answered), cancelled_ms=1e3 * max(gone))
    print(
        f"\nnext pair during a detection: the window answers after {1e3 * max(answered):.0f} ms at most, "
        f"the job is gone after {1e3 * np.median(gone):.0f} ms (median), {1e3 * max(gone):.0f} ms (most)"
    )
    benchmark.pedantic(lambda: session.step_pair(1) or session.step_pair(-1), rounds=3)
    session.cancel()


def test_recolouring_against_a_run(window: MainWindow, benchmark: BenchmarkFixture) -> None:
    """A new colour rule or threshold only draws; as a share of one detection."""
    session = window.session
    workspace = window.workspaces["match"]
    result = session.result
    assert result is not None
    rules = ["ratio", "inlier", "position", "angle"]

    def recolour() -> None:
        rules.append(rules.pop(0))
        workspace.set_match_state(replace(workspace.match_state, colour_by=rules[0], top=0))  # type: ignore[attr-defined]

    benchmark.pedantic(recolour, rounds=20)
    seconds = max(v for name, v in result.seconds.items() if name.startswith("detect"))
    share = float(benchmark.stats["median"]) / max(seconds, 1e-9)
    benchmark.extra_info["share_of_a_detection"] = share
    count = 0 if result.matches is None else len(result.matches)
    print(f"\nrecolouring {count} matches: {1e3 * benchmark.stats['median']:.1f} ms, {share:.3f} of a detection")


def test_listing_and_filtering_many_pairs(window: MainWindow, benchmark: BenchmarkFixture) -> None:
    """5,000 pairs in the browser against 500: the work may grow with the pairs, and with nothing else."""
    browser = window.around.browser

    def listed(count: int) -> float:
        refs = [PairRef("builtin", f"Pair {n}", recipe=f"made-{n}", tags=("blur",)) for n in range(count)]
        start = time.perf_counter()
        browser._show_pairs(refs)
        browser.search.setText(f"blur {count - 1}")
        seconds = time.perf_counter() - start
        assert browser.filtered.rowCount() == 1
        browser.search.clear()
        return seconds

    few, many = (min(listed(count) for _ in range(3)) for count in (500, 5000))
    benchmark.extra_info.update(few_ms=1e3 * few, many_ms=1e3 * many)
    print(f"\nlist and filter 500 pairs {1e3 * few:.1f} ms, 5,000 {1e3 * many:.1f} ms: {many / few:.1f} times as long")
    benchmark.pedantic(lambda: listed(500), rounds=3)
    assert many <= 20 * few
