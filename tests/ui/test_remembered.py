"""What the window showed last, and the start that shows it before the pair is read."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app import pairs
from app.records import PairRef, UInt8, UserError
from app.ui import remembered
from app.ui.launch import Ahead, open_window
from app.ui.main_window import MainWindow
from app.ui.pair_plane import PairPlane
from app.ui.preview import Preview
from app.ui.remembered import NAME, Remembered, RememberedPicture
from app.ui.session_state import Store, config_folder
from app.ui.style import DARK
from app.ui.workspaces.match import MatchWorkspace

BUILTIN = pairs.builtin()[1]


def shown(width: int = 3, height: int = 2) -> Remembered:
    """Something a window might have shown."""
    pixels = memoryview(bytes(range(4 * width * height)))
    picture = RememberedPicture((30, 20, 1.0, 0.0, 0.0), "left · Häuser", pixels, (width, height), 0.1, -0.25, -0.5)
    return Remembered(picture, picture._replace(caption="right", place=(30, 20, 0.5, 31.0, 0.0)))


def files(folder: Path) -> PairRef:
    """A pair of two files."""
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), np.zeros((20, 30), np.uint8))
    return pairs.from_files(folder / "a.png", folder / "b.png")


# ------------------------------------------------------------------------------- the file


@pytest.mark.parametrize("kind", ["builtin", "files"])
def test_that_what_was_written_is_read_again(tmp_path: Path, kind: str) -> None:
    ref = BUILTIN if kind == "builtin" else files(tmp_path)
    remembered.write(tmp_path, ref, shown())
    assert remembered.read(tmp_path, ref) == shown()


def test_that_nothing_is_remembered_of_another_pair_or_before_the_first(tmp_path: Path) -> None:
    assert remembered.read(tmp_path, BUILTIN) is None
    remembered.write(tmp_path, BUILTIN, shown())
    assert remembered.read(tmp_path, pairs.builtin()[2]) is None
    assert remembered.read(tmp_path, replace(BUILTIN, rotations=(1, 0))) is None


def test_that_a_changed_file_or_one_that_is_gone_is_read_rather_than_remembered(tmp_path: Path) -> None:
    ref = files(tmp_path)
    remembered.write(tmp_path, ref, shown())
    before = Path(ref.left).stat()
    os.utime(ref.left, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    assert remembered.read(tmp_path, ref) is None
    remembered.write(tmp_path, ref, shown())
    Path(ref.right).unlink()
    assert remembered.read(tmp_path, ref) is None
    (tmp_path / NAME).unlink()
    remembered.write(tmp_path, ref, shown())
    assert not (tmp_path / NAME).exists()


def test_that_another_version_of_the_program_makes_its_own_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered.write(tmp_path, BUILTIN, shown())
    monkeypatch.setattr(remembered, "__version__", "99.0")
    assert remembered.read(tmp_path, BUILTIN) is None


def test_that_more_than_two_screens_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_BYTES", 47)
    remembered.write(tmp_path, BUILTIN, shown())
    assert not (tmp_path / NAME).exists()


def test_that_a_missing_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        remembered.write(tmp_path / "none", BUILTIN, shown())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_that_a_broken_file_is_nothing_remembered(tmp_path: Path, data: st.DataObject) -> None:
    remembered.write(tmp_path, BUILTIN, shown())
    whole = (tmp_path / NAME).read_bytes()
    head, pixels = whole.split(b"\n", 1)
    values = json.loads(head)
    place = data.draw(st.sampled_from([*values, *values["pictures"][0]]))
    odd = data.draw(st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=6))
    for part in (values, values["pictures"][0]):
        if place in part and not (place == "caption" and isinstance(odd, str)):
            part[place] = odd
    cut = data.draw(st.integers(0, len(whole) - 1))
    for content in (json.dumps(values).encode() + b"\n" + pixels, whole[:cut], data.draw(st.binary(max_size=40))):
        (tmp_path / NAME).write_bytes(content)
        found = remembered.read(tmp_path, BUILTIN)
        for picture in found or ():
            assert len(picture.pixels) == 4 * picture.size[0] * picture.size[1]
            assert picture.scale > 0
            assert picture.place[2] > 0


@pytest.mark.parametrize(
    ("name", "value"), [("pixels", 25_276_064_124), ("pixels", 10**30), ("pixels", -1), ("size", [math.inf, 2])]
)
def test_that_a_number_beyond_all_pictures_neither_fills_the_memory_nor_stops_the_start(
    tmp_path: Path, name: str, value: object
) -> None:
    remembered.write(tmp_path, BUILTIN, shown())
    head, pixels = (tmp_path / NAME).read_bytes().split(b"\n", 1)
    values = json.loads(head)
    values["pictures"][0][name] = value
    (tmp_path / NAME).write_bytes(json.dumps(values).encode() + b"\n" + pixels)
    assert remembered.read(tmp_path, BUILTIN) is None


# ----------------------------------------------------------------------------- the window


def settled(qtbot: QtBot, window: MainWindow) -> MatchWorkspace:
    """Show the window until its pair is matched."""
    window.show()
    qtbot.waitUntil(lambda: window.front is not None and window.session.complete, timeout=30_000)
    front = window.front
    assert isinstance(front, MatchWorkspace)
    return front


@pytest.fixture
def used(qtbot: QtBot) -> Callable[[], None]:
    """A session of the program: a window is opened on a pair, matched and closed."""

    def use() -> None:
        window = open_window(Store(config_folder()), [BUILTIN], theme="dark")
        settled(qtbot, window)
        window.close()

    return use


def opened(ahead: Ahead | None = None) -> MainWindow:
    """The window of the next start."""
    store = Store(config_folder())
    return open_window(store, ahead=ahead or Ahead(store))


def pixels_of(picture: QImage) -> UInt8:
    """The pixels as an array."""
    picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(picture.constBits(), np.uint8)
    return flat.reshape(picture.height(), picture.bytesPerLine())[:, : 4 * picture.width()].copy()


def test_that_the_next_start_shows_the_pair_as_it_was_before_it_is_read(qtbot: QtBot, used: Callable[[], None]) -> None:
    used()
    ahead = Ahead(Store(config_folder()))
    assert ahead.remembered is not None
    assert ahead.take(BUILTIN) is None, "nothing is read before the first paint"
    window = opened(ahead)
    preview = window.centre.currentWidget()
    assert isinstance(preview, Preview)
    window.show()
    qtbot.waitExposed(window)
    assert window.session.result is None
    assert len(np.unique(pixels_of(preview.canvas.grab().toImage()))) > 100, "pictures, not an empty canvas"
    assert settled(qtbot, window).canvas.images["left"].name == "Astronaut"
    window.close()


@pytest.mark.parametrize("size", [(900, 600), (901, 607), (500, 900)])
def test_that_the_picture_does_not_jump_when_the_real_one_comes(qtbot: QtBot, size: tuple[int, int]) -> None:
    pair = pairs.load(BUILTIN)
    real, memory = PairPlane(DARK), PairPlane(DARK)
    for plane in (real, memory):
        qtbot.addWidget(plane)
        plane.resize(*size)
        plane.show()
    real.set_pair(pair)
    kept = real.remembered()
    assert kept is not None
    memory.show_remembered(kept)
    there = pixels_of(real.grab().toImage())
    assert np.array_equal(pixels_of(memory.grab().toImage()), there)
    memory.resize(size[0] - 90, size[1])  # another window: stretched, and whole
    real.resize(size[0] - 90, size[1])
    apart = pixels_of(memory.grab().toImage()).astype(int) - pixels_of(real.grab().toImage())
    assert np.abs(apart).mean() < 6
    memory.set_pair(pair)
    assert np.array_equal(pixels_of(memory.grab().toImage()), pixels_of(real.grab().toImage()))


def test_that_a_zoomed_picture_is_remembered_whole(qtbot: QtBot) -> None:
    plane = PairPlane(DARK)
    qtbot.addWidget(plane)
    assert plane.remembered() is None
    plane.resize(900, 600)
    plane.set_pair(pairs.load(BUILTIN))
    kept = plane.remembered()
    plane.zoom_to("left", 100, 100, 6.0)
    view = plane.view
    assert kept is not None
    assert plane.remembered() == kept
    assert plane.view == view


def test_that_a_window_closed_in_its_first_moment_ends_and_forgets_nothing(
    qtbot: QtBot, used: Callable[[], None]
) -> None:
    used()
    window = opened()
    window.show()
    qtbot.waitUntil(lambda: window._painted, timeout=5_000)
    window.close()
    assert window.ended
    qtbot.wait(100)
    assert window.front is None, "nothing is built for a window that is gone"
    assert remembered.read(config_folder(), BUILTIN) is not None


def test_that_another_workspace_or_pair_is_not_shown_from_memory(used: Callable[[], None]) -> None:
    used()
    store = Store(config_folder())
    assert Ahead(store, workspace="train").remembered is None
    assert Ahead(store, [pairs.builtin()[3]]).remembered is None
    assert Ahead(store, workspace="match").remembered is not None


def test_that_a_pair_that_became_unreadable_gives_its_sentence_and_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), rng.integers(0, 255, (90, 120), np.uint8))
    ref = pairs.from_files(tmp_path / "a.png", tmp_path / "b.png")
    window = open_window(Store(config_folder()), [ref])
    settled(qtbot, window)
    window.close()
    # Same size and time, other content: what the first paint shows is then all there is of it.
    before, length = Path(ref.left).stat(), Path(ref.left).stat().st_size
    Path(ref.left).write_bytes(bytes(length))
    os.utime(ref.left, ns=(before.st_atime_ns, before.st_mtime_ns))
    window = opened()
    window.show()
    qtbot.waitUntil(lambda: window.front is not None and not window.session.busy, timeout=30_000)
    assert "a.png" in window.around.message_line.message.text
    window.close()


def test_that_a_folder_that_cannot_be_written_does_not_keep_the_window_open(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise UserError("Cannot write it: no space left on device.")

    monkeypatch.setattr(remembered, "write", full)
    window = open_window(Store(config_folder()), [BUILTIN])
    settled(qtbot, window)
    window.close()
    assert window.ended
    assert "no space left" in caplog.text


SECOND_START = """
import sys
from app.start import libraries_when_used, settle
settle(); libraries_when_used()
from app.ui import display, launch
from app.ui.session_state import Store, config_folder
store = Store(config_folder())
ahead = launch.Ahead(store)
display.import_qt()
app = launch._application()
window = launch.open_window(store, ahead=ahead)
import app.ui.main_window as made
def seen(load=made.load_libraries):
    print(sorted({"numpy._core", "cv2.gapi", "app.vision.pyramid", "app.pipeline"} & set(sys.modules)))
    load()
made.load_libraries = seen
window.show()
assert launch._wait(lambda: window.front is not None and window.session.complete, 50)
print(len(window.session.result.matches.pairs) > 50, "numpy._core" in sys.modules)
window.close()
sys.stdout.flush()
launch.os._exit(0)
"""


def test_that_the_first_paint_of_a_second_start_goes_without_numpy_and_opencv(
    qtbot: QtBot, project_root: Path, used: Callable[[], None]
) -> None:
    used()
    done = subprocess.run(
        [sys.executable, "-c", SECOND_START],
        cwd=project_root, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "CORRESPONDENCE_EXPLORER_CONFIG": str(config_folder())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "True True"]
