"""Fixtures for tests of the window: a small session with a quick job, and a check for leaks."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from window_parts import Jobs

from app.ui.session import Session
from app.ui.session_state import FOLDER_VARIABLE


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's own session."""
    folder = tmp_path / "config"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def lane_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("lane ")}


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves a top-level widget, a running timer of the program or a lane's thread behind."""
    gc.collect()
    widgets, threads = set(map(id, QApplication.topLevelWidgets())), lane_threads()
    yield
    deadline = time.monotonic() + 3.0
    while lane_threads() - threads and time.monotonic() < deadline:
        time.sleep(0.01)
    qapp.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete: what was told to go, goes
    gc.collect()
    left = [w for w in QApplication.topLevelWidgets() if id(w) not in widgets and w.isVisible()]
    assert not left, f"left on screen: {left}"
    assert not lane_threads() - threads, "a lane's thread was left running"
    timers = [timer for widget in left for timer in widget.findChildren(QTimer) if timer.isActive()]
    assert not timers


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def session(jobs: Jobs) -> Iterator[Session]:
    session = Session(make_job=jobs)
    session.restore()
    yield session
    assert session.shutdown(5.0)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait with events until a condition holds; fail after five seconds."""
    from app.ui.launch import _wait

    def wait(condition: Callable[[], bool]) -> None:
        assert _wait(condition, 5.0), "nothing happened in five seconds"

    return wait
