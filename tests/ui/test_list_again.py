"""The list of pairs after a restart: the one that the last pair came from is found again, after the first paint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from window_parts import end

from app import pairs
from app.jobs import Progress, native
from app.records import PairRef, Selection
from app.ui import opening
from app.ui.launch import _wait, open_window
from app.ui.main_window import MainWindow
from app.ui.session import Message
from app.ui.session_state import Opened, Store, config_folder

SECONDS = 60.0


@pytest.fixture
def start() -> Iterator[Callable[[], MainWindow]]:
    """Start the program's window; the one before is closed first, and the last one at the end."""
    windows: list[MainWindow] = []

    def started(refs: tuple[PairRef, ...] = (), opened: Opened | None = None) -> MainWindow:
        for window in windows:
            end(window)
        windows[:] = [open_window(Store(config_folder()), refs, theme="dark", opened=opened)]
        return windows[0]

    yield started
    for window in windows:
        end(window)


def settle(window: MainWindow) -> None:
    window.show()
    assert _wait(lambda: window._around is not None, SECONDS)
    assert _wait(lambda: not window.opener.lane.busy and not window.session.busy, SECONDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures of smooth blobs."""
    place = tmp_path / "shots"
    place.mkdir()
    for n in range(5):
        noise = np.random.default_rng(n).integers(0, 255, (90, 120, 3)).astype(np.float32)
        rgb = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.5), None, 0, 255, cv2.NORM_MINMAX)
        (place / f"shot{n}.png").write_bytes(cv2.imencode(".png", rgb)[1].tobytes())
    return place


def opened(start: Callable[[], MainWindow], *paths: Path, step: int = 2) -> MainWindow:
    """A window on a pair inside the list that was opened."""
    window = start()
    settle(window)
    window.opener.open_paths([str(path) for path in paths])
    settle(window)
    window.session.step_pair(step)
    settle(window)
    return window


def test_that_the_list_of_a_folder_comes_back_around_the_last_pair(
    start: Callable[[], MainWindow], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = opened(start, folder)
    before.session.select(Selection("left", 30.0, 40.0))
    refs, last = before.session.pairs, before.session.state.pair
    assert len(refs) == 4
    asked: list[bool] = []
    find = pairs.find
    monkeypatch.setattr(pairs, "find", lambda paths, every: asked.append(again._painted) or find(paths, every=every))
    again = start()
    assert again.session.pairs == (last, *pairs.builtin())
    settle(again)
    assert asked == [True]  # the first paint has not waited for it
    assert again.session.pairs == refs
    assert again.session.state.pair == last
    assert again.session.state.selection == Selection("left", 30.0, 40.0)
    assert again.around.top_bar.place.text() == "3 / 4"
    assert again.around.browser.view.currentIndex().row() == 2
    assert not again.session.can_undo
    again.session.step_pair(1)
    third = start()  # what was found again is kept as well
    settle(third)
    assert (third.session.pairs, third.session.index) == (refs, 3)


def test_that_a_folder_named_on_the_command_line_comes_back_too(start: Callable[..., MainWindow], folder: Path) -> None:
    refs = pairs.find([folder]).refs
    first = start(refs, Opened.of([folder]))
    told: list[object] = []
    first.session.pairs_changed.connect(told.append)
    settle(first)
    assert not told, "it is the list already"
    first.session.step_pair(1)
    again = start()
    settle(again)
    assert (again.session.pairs, again.session.index) == (refs, 1)


def test_that_all_pairs_of_a_folder_come_back_as_all_pairs(start: Callable[[], MainWindow], folder: Path) -> None:
    before = start()
    settle(before)
    before.opener._find([str(folder)], every=True)
    settle(before)
    assert len(before.session.pairs) == 10
    again = start()
    settle(again)
    assert len(again.session.pairs) == 10


def test_that_what_a_list_leaves_out_is_not_told_again(start: Callable[[], MainWindow], folder: Path) -> None:
    listed = folder / "my pairs.txt"
    listed.write_text("shot0.png shot2.png\nshot1.png shot2.png\nshot1.png gone.png\n")
    before = opened(start, listed, step=1)
    assert len(before.session.pairs) == 2
    again = start()
    told: list[Message] = []
    again.session.message.connect(told.append)
    settle(again)
    assert len(again.session.pairs) == 2
    assert again.session.index == 1
    assert not [message.text for message in told if "left out" in message.text]


def test_that_a_list_that_is_gone_leaves_the_pair_among_the_built_in_ones(
    start: Callable[[], MainWindow], folder: Path
) -> None:
    listed = folder / "list.txt"
    listed.write_text("shot0.png shot2.png\nshot1.png shot2.png\n")
    last = opened(start, listed, step=1).session.state.pair
    listed.unlink()
    again = start()
    told: list[Message] = []
    again.session.message.connect(told.append)
    settle(again)
    assert again.session.pairs == (last, *pairs.builtin())
    assert again.session.complete
    assert not [message for message in told if message.kind == "error"]


def test_that_a_missing_folder_is_told_in_one_sentence(start: Callable[[], MainWindow], folder: Path) -> None:
    last = opened(start, folder).session.state.pair
    assert last is not None
    shutil.rmtree(folder)
    again = start()
    told: list[Message] = []
    again.session.message.connect(told.append)
    settle(again)
    assert again.session.pairs == (last, *pairs.builtin())
    (text,) = {message.text for message in told if message.kind == "error"} or {again.around.message_line.text.text()}
    assert Path(last.left).name in text


def test_that_a_list_that_no_longer_holds_the_pair_does_not_replace_it(
    start: Callable[[], MainWindow], folder: Path
) -> None:
    last = opened(start, folder, step=1).session.state.pair
    (folder / "shot1b.png").write_bytes((folder / "shot1.png").read_bytes())  # now stands between the two
    again = start()
    settle(again)
    assert again.session.pairs == (last, *pairs.builtin())


def test_that_whoever_opens_something_else_meanwhile_keeps_that(
    start: Callable[[], MainWindow], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(start, folder)
    again = start()
    release: list[bool] = []

    def slowly(paths: Any, *, every: bool = False) -> Any:
        """As from a folder far away."""
        while not release:
            yield from native(lambda: None, progress=Progress(0, None, "Looking for pairs"))
        return pairs.find(paths, every=every)

    monkeypatch.setattr(opening, "find_pairs", slowly)
    again.show()
    assert _wait(lambda: again._around is not None and again.opener.lane.busy, SECONDS)
    again.opener.open_builtin()
    release.append(True)
    settle(again)
    assert again.session.pairs == pairs.builtin()


def test_that_pairs_asked_for_at_the_start_are_not_replaced(start: Callable[..., MainWindow], folder: Path) -> None:
    last = opened(start, folder).session.state.pair
    assert last is not None
    again = start((last,))
    settle(again)
    assert again.session.pairs == (last,)


@pytest.mark.parametrize("value", [None, 3, [], {}, {"paths": "a"}, {"paths": [1, None], "every": 1}])
def test_that_a_broken_note_of_the_list_is_not_missed(value: object) -> None:
    store = Store(config_folder())
    store.folder.mkdir(parents=True, exist_ok=True)
    store.path.write_text(json.dumps({"kind": "session", "version": 1, "theme": "light", "opened": value}))
    complaints: list[str] = []
    kept = store.load(complaints.append)
    assert kept.state.theme == "light"
    assert kept.opened is None or kept.opened.paths == ("1", "None")
    assert complaints == []
