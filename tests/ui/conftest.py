"""Fixtures for tests of the window: a small session with a quick job, and a check for leaks."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from detector_parts import detector_in
from match_parts import Counted, Hands, small_pair
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from train_parts import Lab, opened
from window_parts import Jobs, end, window_on

from app import matchers, pairs
from app.learning import detector_store
from app.ui import browser as browser_module
from app.ui.main_window import MainWindow
from app.ui.session import Message, Session
from app.ui.session_state import FOLDER_VARIABLE, Store


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's own session."""
    folder = tmp_path / "config"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def lane_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("lane ")}


def delete_closed_windows(qapp: QApplication, but: set[int]) -> None:
    """End what a test has closed: every change of style would visit its widgets until the last test."""
    for widget in QApplication.topLevelWidgets():
        if id(widget) not in but and isinstance(widget, MainWindow) and not widget.isVisible():
            widget.deleteLater()
    qapp.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete: what was told to go, goes
    gc.collect(0)  # what a test has just dropped; a full collection takes a tenth of a second


@pytest.fixture(autouse=True, scope="module")
def no_windows_of_the_module(qapp: QApplication) -> Iterator[None]:
    """End the windows that all tests of a module shared."""
    yield
    delete_closed_windows(qapp, set())
    gc.collect()


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves a top-level widget, a running timer of the program or a lane's thread behind."""
    widgets, threads = set(map(id, QApplication.topLevelWidgets())), lane_threads()
    yield
    deadline = time.monotonic() + 3.0
    while lane_threads() - threads and time.monotonic() < deadline:
        time.sleep(0.01)
    delete_closed_windows(qapp, widgets)
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
def told(session: Session) -> list[str]:
    """The sentences of the message line."""
    said: list[str] = []

    def listen(message: Message) -> None:
        said.append(message.text)

    session.message.connect(listen)
    return said


@pytest.fixture
def own_detectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own detectors; it is not there yet."""
    folder = tmp_path / "detectors"
    monkeypatch.setenv(detector_store.FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def made_detector(tmp_path: Path, own_detectors: Path) -> Path:
    """A detector outside that folder."""
    return detector_in(tmp_path)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait with events until a condition holds; fail after five seconds."""
    from app.ui.launch import _wait

    def wait(condition: Callable[[], bool]) -> None:
        assert _wait(condition, 5.0), "nothing happened in five seconds"

    return wait


@pytest.fixture(scope="module")
def shared(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hands, Counted]]:
    """The real window on the Match workspace with small pairs, made once per file; use ``hands``."""
    with pytest.MonkeyPatch.context() as patch:
        counted = Counted()
        patch.setattr(matchers, "get", counted.get)
        patch.setattr(pairs, "load", small_pair)
        patch.setattr(browser_module, "_make_thumbnail", lambda _ref, side: np.full((side, side, 3), 90, np.uint8))
        session = Session(Store(tmp_path_factory.mktemp("config")))
        session.restore()
        window = window_on(session, remember=False)
        window.docks.arrange()
        window.show()
        hands = Hands(window)
        hands.start_afresh()
        hands.start_lanes()
        yield hands, counted
        end(window)


@pytest.fixture
def hands(shared: tuple[Hands, Counted]) -> Hands:
    """The window as after the start: first pair matched, default settings and view, nothing selected, no history."""
    shared[0].start_afresh()
    shared[1].reset()
    return shared[0]


@pytest.fixture
def counted(shared: tuple[Hands, Counted], hands: Hands) -> Counted:
    """What the matchers of ``hands`` were asked to do since the test began."""
    return shared[1]


@pytest.fixture
def lab(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_config_folder: Path) -> Iterator[Lab]:
    """The window on the Train workspace."""
    yield from opened(qapp, tmp_path, monkeypatch)
