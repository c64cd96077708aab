"""The table of all benchmarks of a run, printed at its end, the real pictures they work on, and SIFT that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from long_sift import LongSift
from timing import Table, machine

TABLE = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()


@pytest.fixture
def table(pytestconfig: pytest.Config) -> Table:
    """Where a benchmark writes its line."""
    return pytestconfig.stash[TABLE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, ready to be pasted into a Markdown file."""
    rows = config.stash[TABLE]
    if rows.rows:
        terminalreporter.section("how fast it is")
        terminalreporter.write_line(machine())
        terminalreporter.write_line("")
        terminalreporter.write_line(rows.markdown())


@pytest.fixture(scope="session")
def photographs(shared_data: Path) -> list[np.ndarray]:
    """Real RGB photographs of one place, 1536 x 1024."""
    files = sorted((shared_data / "epipolar" / "fountain-P11").glob("*.jpg"))
    return [np.asarray(cv2.imread(str(file)))[:, :, ::-1].copy() for file in files]


@pytest.fixture
def long_sift(monkeypatch: pytest.MonkeyPatch) -> Iterator[LongSift]:
    """SIFT that is still at work when it is asked to give way, however fast the machine is."""
    made = LongSift()
    monkeypatch.setattr("app.matchers.get", made.get)
    yield made
    made.enough.set()
