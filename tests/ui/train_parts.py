"""What tests of the Train workspace share: a set that trains in a second, and the window with its hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from match_parts import small_pair
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from window_parts import end, window_on

from app import matchers, pairs
from app.learning import model_store
from app.learning.patch_set import PatchSet, split
from app.learning.train import JUDGE_SHARE
from app.learning.train_settings import TrainSettings
from app.learning.train_state import TrainSnapshot
from app.ui import browser as browser_module
from app.ui.main_window import MainWindow
from app.ui.session import Session
from app.ui.session_state import Store
from app.ui.train.sources import DataPlan, Prepared
from app.ui.train.state import DATA_KEY, SETTINGS_KEY, DataState
from app.ui.workspaces.train import TrainWorkspace

SECONDS = 60.0  # for what takes a second or two on a machine with nothing else to do
TINY = TrainSettings(network="tiny", batch=16, epochs=2, threads=1)


def noisy_points(seed: int = 0) -> PatchSet:
    """40 random textures, four noisy views each: a set that trains in a second."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (40, 8, 8)).repeat(4, axis=1).repeat(4, axis=2)
    views = np.repeat(base, 4, axis=0) + rng.normal(0, 12, (160, 32, 32))
    point = np.repeat(np.arange(40, dtype=np.int32), 4)
    return PatchSet("textures", np.clip(views, 0, 255).astype(np.uint8), point, np.zeros(160, np.int32), ("one",))


class Lab:
    """The window on the Train workspace, and what a test does with it."""

    def __init__(self, window: MainWindow) -> None:
        from app.ui.launch import _wait

        self.window, self.session, self._wait = window, window.session, _wait
        front = window.front
        assert isinstance(front, TrainWorkspace)
        self.workspace = front
        self.trainer = front.trainer
        self.messages: list[str] = []
        self.session.message.connect(lambda message: self.messages.append(message.text))

    def until(self, condition: Callable[[], bool]) -> None:
        assert self._wait(condition, SECONDS), f"nothing happened in {SECONDS:.0f} seconds: {self.messages}"

    def train(self, settings: TrainSettings = TINY) -> None:
        """Train to the end on the textures."""
        self.begin(settings)
        self.until(lambda: self.trainer.phase == "idle")

    def begin(self, settings: TrainSettings = TINY) -> None:
        self.session.set_workspace_state(DATA_KEY, DataState(source="digits"))
        self.session.set_workspace_state(SETTINGS_KEY, settings)
        self.click(self.workspace.controls.run)

    def click(self, button: QWidget) -> None:
        """Click as soon as it can be: what is shown of a training follows it a moment later."""
        self.until(button.isEnabled)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def snapshot(self) -> TrainSnapshot:
        assert self.trainer.snapshot is not None
        return self.trainer.snapshot

    def open(self, key: str) -> object:
        """Open a page by its tab and wait until it shows what there is."""
        self.click(self.workspace.tabs[key])
        self.until(lambda: self.workspace.page is not None and self.workspace.page.key == key)
        self.until(lambda: not self.workspace.busy)
        return self.workspace.page


def opened(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The window on the Train workspace, closed at the end; data come at once."""
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(pairs, "load", small_pair)
    monkeypatch.setattr(browser_module, "_make_thumbnail", lambda _ref, side: np.full((side, side, 3), 90, np.uint8))
    data = noisy_points()

    def prepared(plan: DataPlan, seed: int, kept: Path | None = None):  # type: ignore[no-untyped-def]
        from app.jobs import Progress

        yield Progress(0, None, "Reading")
        return Prepared(plan, seed, data, split(data, JUDGE_SHARE, seed)[1], (("one", "0" * 64),), 3.0)

    monkeypatch.setattr("app.ui.train.trainer.prepare", prepared)
    matchers.refresh()
    session = Session(Store(tmp_path / "session"))
    session.restore()
    session.set_workspace("train")
    window = window_on(session, remember=False)
    window.docks.arrange()
    window.show()
    lab = Lab(window)
    lab.until(lambda: not lab.workspace.busy)
    yield lab
    end(window)
    monkeypatch.undo()
    matchers.refresh()
