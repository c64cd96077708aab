"""How soon the window lets go of a running job, and how much of a change is drawn without computing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from long_sift import LongSift
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot
from timing import FRAME, Table, interleaved, milliseconds, once

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


def test_moving_on_cancels_the_running_detection(window: MainWindow, table: Table, long_sift: LongSift) -> None:
    """SIFT on the full picture runs in native code; the promise is 0.2 s from the key to the next job's first report.

    The signal that the old job is cancelled says less: it is sent before its worker has looked.
    """
    session = window.session
    session.set_settings("detect", replace(session.settings.detect, max_side=0))
    long_sift.enough.set()
    assert _wait(lambda: not session.busy, 60.0)
    answered: list[float] = []
    begun: list[float] = []
    ended: list[float] = []
    reported: list[float] = []
    session.match_lane.cancelled.connect(lambda _event: ended.append(time.perf_counter()))
    session.match_lane.progressed.connect(lambda _event: reported.append(time.perf_counter()))
    for number in range(6):
        long_sift.again()
        edge = 20.0 - 0.5 * number
        session.set_settings("detect", replace(session.settings.detect, edge=edge))  # nothing of it is cached
        assert _wait(long_sift.begun.is_set, 60.0)
        assert session.busy
        ended.clear()
        reported.clear()
        start = time.perf_counter()
        answered.append(once(partial(session.step_pair, 1 if number % 2 == 0 else -1)))
        assert _wait(lambda: bool(ended) and bool(reported), 5.0)
        begun.append(reported[0] - start)
        long_sift.enough.set()
        session.cancel()
        assert _wait(lambda: not session.busy, 5.0)
        assert _wait(lambda: native_calls_ended(0.0), 60.0)  # what was left behind would slow the next round
    what = "Next pair during a detection"
    for ends, seconds, most in (("the window answers", answered, FRAME), ("its job reports", begun, 0.2)):
        note = f"median {milliseconds(float(np.median(seconds)))}"
        if max(seconds) > most:
            note += "; SIFT on both pictures keeps all cores busy meanwhile"
        table.add_limit(f"{what}: {ends} (slowest of 6)", max(seconds), most, note=note)


def test_recolouring_against_a_run(window: MainWindow, table: Table, benchmark: BenchmarkFixture) -> None:
    """A new colour rule or threshold only draws; as a share of one detection."""
    session = window.session
    workspace = window.workspaces["match"]
    result = session.result
    assert result is not None
    rules = ["ratio", "inlier", "position", "angle"]

    def recolour() -> None:
        rules.append(rules.pop(0))
        rule = rules[0]
        workspace.set_match_state(replace(workspace.match_state, colour_by=rule, top=0))  # type: ignore[attr-defined]

    benchmark.pedantic(recolour, rounds=20)
    taken = float(benchmark.stats["median"])
    detection = max(seconds for name, seconds in result.seconds.items() if name.startswith("detect"))
    count = 0 if result.matches is None else len(result.matches)
    table.add(
        f"Another colour rule, {count:,} matches, median", milliseconds(taken),
        f"one detection {milliseconds(detection)}", f"{taken / max(detection, 1e-9):.4f}", "never detects",
        met=session.result is result,
    )  # fmt: skip
    assert session.result is result


def test_listing_and_filtering_many_pairs(window: MainWindow, table: Table) -> None:
    """5,000 pairs in the browser against 500: the work may grow with the pairs, and with nothing else."""
    browser = window.around.browser
    every = [PairRef("builtin", f"Pair {n}", recipe=f"made-{n}", tags=("blur",)) for n in range(5000)]

    def listed(count: int) -> None:
        browser._show_pairs(every[:count])
        browser.search.setText(f"blur {count - 1}")
        assert browser.filtered.rowCount() == 1

    # Not in turns: each replaces a list of its own length.
    few, many = (
        interleaved({"listed": partial(listed, count)}, 3, before=browser.search.clear)["listed"]
        for count in (500, 5000)
    )
    ratio = many / few
    table.add(
        "Listing and filtering 5,000 pairs", milliseconds(many), f"500 pairs {milliseconds(few)}", ratio, "≤ 20×",
        met=ratio <= 20,
    )  # fmt: skip
    assert ratio <= 20
