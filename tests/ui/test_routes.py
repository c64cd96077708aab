"""Every way into the real window, with the real pipeline: drop, paste, dialogs, folders, lists, and bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from window_parts import end

from app.records import Verdict
from app.ui.launch import _wait, open_window
from app.ui.main_window import MainWindow
from app.ui.session_state import Store, config_folder

SECONDS = 60.0


@pytest.fixture
def window() -> Iterator[MainWindow]:
    """The program's own window on the first built-in pair, matched."""
    window = open_window(Store(config_folder()), theme="dark")
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    assert _wait(window.isActiveWindow, SECONDS)  # shortcuts act only in the active window
    assert _wait(lambda: window.session.complete, SECONDS)
    yield window
    end(window)


def settle(window: MainWindow) -> None:
    """Wait until nothing is being opened or matched."""
    assert _wait(lambda: not window.opener.lane.busy and not window.session.busy, SECONDS)


def said(window: MainWindow) -> str:
    """What the message line shows now."""
    line = window.around.message_line
    return line.text.text() if line.isVisible() else ""


def assert_matched(window: MainWindow, title: str) -> None:
    """The pair of this title is shown, with its result and its pictures, and nothing is dimmed."""
    settle(window)
    session = window.session
    assert session.state.pair is not None
    assert session.state.pair.title == title, said(window)
    assert session.result is not None
    assert session.result.request.ref == session.state.pair, said(window)
    assert session.complete
    assert not session.stale
    assert session.result.matches is not None
    canvas = window.workspaces["match"].canvas  # type: ignore[attr-defined]  # the Match workspace's
    assert canvas.scene is not None
    assert canvas.images == {"left": session.result.pair.left, "right": session.result.pair.right}


def key(window: MainWindow, keys: str) -> None:
    combination = QKeySequence(keys)[0]
    QTest.keyClick(window.focusWidget() or window, combination.key(), combination.keyboardModifiers())


def mime_of(paths: list[Path]) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def drop(window: MainWindow, *paths: Path, target: QWidget | None = None) -> None:
    """Drop files in the middle of the picture, or of another part of the window."""
    place = target or window.centre
    middle = place.mapTo(window, place.rect().center())
    mime = mime_of(list(paths))
    given = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(middle, *given)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(middle), *given))


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (160, 120)) -> Path:
    """Write a picture of random smooth blobs, which has keypoints."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.integers(0, 255, (size[1], size[0], 3)).astype(np.float32), (0, 0), 2.5)
    rgb = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    path.write_bytes(cv2.imencode(".png", rgb)[1].tobytes())
    return path


def test_that_the_window_is_the_only_one_and_tells_whose_pictures_it_shows(window: MainWindow) -> None:
    assert [w for w in QApplication.topLevelWidgets() if w.isVisible()] == [window]
    about = window.around.browser.about
    assert about.isVisible()
    assert "Rachel Michetti" in about.text()
    assert "CC0" in about.text()
    assert "A flat picture seen from the side" in about.text()


# --------------------------------------------------------------------------- dropped


def test_that_two_dropped_files_with_spaces_and_unicode_are_matched(window: MainWindow, tmp_path: Path) -> None:
    drop(window, picture(tmp_path / "Maß ä" / "links 1.png", 1), picture(tmp_path / "Maß ä" / "日本.png", 2))
    assert_matched(window, "links 1.png – 日本.png")


def test_that_a_drop_on_a_text_field_or_the_list_opens_as_well(window: MainWindow, tmp_path: Path) -> None:
    files = [picture(tmp_path / "1.png", 1), picture(tmp_path / "2.png", 2)]
    drop(window, *files, target=window.around.browser.search)
    assert_matched(window, "1.png – 2.png")
    assert window.around.browser.search.text() == ""


def test_that_a_dropped_folder_gives_neighbours_and_the_menu_all_pairs(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        picture(tmp_path / "shots" / f"shot{n + 8}.png", n)
    drop(window, tmp_path / "shots")
    assert_matched(window, "shot8.png – shot9.png")
    assert window.around.top_bar.place.text() == "1 / 3"
    key(window, "Alt+Right")
    assert_matched(window, "shot9.png – shot10.png")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "shots"))
    every = next(a for a in window.around.menus.opening if "all pairs" in a.text())
    every.trigger()
    assert_matched(window, "shot8.png – shot9.png")
    assert window.around.top_bar.place.text() == "1 / 6"
    window.around.menus.opening[1].trigger()
    settle(window)
    assert window.around.top_bar.place.text() == "1 / 3"


def test_that_an_oxford_and_an_hpatches_sequence_open_with_their_truth(window: MainWindow, shared_data: Path) -> None:
    drop(window, shared_data / "oxford_affine" / "graf")
    assert_matched(window, "graf 1-2")
    assert window.session.result is not None
    judged = window.session.result.evaluation
    assert judged is not None
    assert judged.precision > 0.8
    drop(window, shared_data / "hpatches")
    assert_matched(window, "v_churchill 1-2")
    assert window.around.top_bar.place.text() == "1 / 5"
    assert window.session.result.evaluation is not None
    assert window.session.result.evaluation.truth_kind == "homography"


def fountain_numbers(folder: Path) -> str:
    """The 34 numbers of the fountain's fifth and sixth picture as SuperGlue writes them."""
    cameras = json.loads((folder / "cameras.json").read_text())
    (ka, ra, ta), (kb, rb, tb) = (
        [np.asarray(cameras[n][name]) for name in ("K", "R", "t")] for n in ("0004.jpg", "0005.jpg")
    )
    motion = np.eye(4)
    motion[:3, :3] = rb @ ra.T
    motion[:3, 3] = tb - motion[:3, :3] @ ta
    return " ".join(repr(float(v)) for v in (*ka.ravel(), *kb.ravel(), *motion.ravel()))


def test_that_a_superglue_list_opens_with_its_turns_and_pose(
    window: MainWindow, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shared_data / "epipolar" / "fountain-P11"
    for name in ("0004.jpg", "0005.jpg"):
        shutil.copy(source / name, tmp_path / name)
    a, b = "0004.jpg", "0005.jpg"
    listed = tmp_path / "pairs.txt"
    listed.write_text(f"{a} {b}\n{a} {b} 0 1\n{a} {b} 0 2 {fountain_numbers(source)}\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(listed), ""))
    window.opener.open_list()
    assert_matched(window, f"{a} – {b}")
    assert window.session.result is not None
    assert window.session.result.pair is not None
    assert window.session.result.pair.truth.kind == "none"
    width, height = window.session.result.pair.right.size
    key(window, "Alt+Right")
    assert_matched(window, f"{a} – {b}")
    assert window.session.result.pair.right.size == (height, width)
    key(window, "Alt+Right")
    assert_matched(window, f"{a} – {b}")
    judged = window.session.result.evaluation
    assert judged is not None
    assert judged.truth_kind == "epipolar"
    assert judged.count(Verdict.CONSISTENT) > 5 * judged.count(Verdict.WRONG) > 0


# ----------------------------------------------------------------------------- pasted


def test_that_paths_pasted_as_text_are_opened(window: MainWindow, tmp_path: Path) -> None:
    files = [picture(tmp_path / "a b.png", 1), picture(tmp_path / "c.png", 2)]
    QGuiApplication.clipboard().setText(f'"{files[0]}"\n{QUrl.fromLocalFile(str(files[1])).toString()}\n')
    key(window, "Ctrl+V")
    assert_matched(window, "a b.png – c.png")


def test_that_two_pictures_pasted_in_haste_make_a_pair(window: MainWindow, tmp_path: Path) -> None:
    for path in (picture(tmp_path / "1.png", 1), picture(tmp_path / "2.png", 2)):
        QGuiApplication.clipboard().setImage(QImage(str(path)))
        window.opener.paste()
    assert _wait(lambda: window.session.state.pair.kind == "files", SECONDS)  # type: ignore[union-attr]  # one is shown
    settle(window)
    assert window.session.result is not None
    assert window.session.result.pair is not None
    for image, path in ((window.session.result.pair.left, "1.png"), (window.session.result.pair.right, "2.png")):
        assert np.array_equal(image.rgb[..., ::-1], cv2.imread(str(tmp_path / path)))
    assert not list((config_folder() / "pasted").glob(".*"))


def test_that_a_picture_that_cannot_be_kept_is_told_and_leaves_nothing(window: MainWindow) -> None:
    image = QImage(20, 10, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    config_folder().mkdir(parents=True, exist_ok=True)
    (config_folder() / "pasted").write_text("a file where the folder should be")
    before = window.session.result
    QGuiApplication.clipboard().setImage(image)
    key(window, "Ctrl+V")
    settle(window)
    assert said(window).startswith("Cannot keep the pasted picture in ")
    assert window.session.result is before


def test_that_an_unreadable_picture_on_the_clipboard_is_told(window: MainWindow) -> None:
    window.opener._paste_picture(QImage())
    assert said(window) == "The picture on the clipboard cannot be read; copy it again."


# --------------------------------------------------------------------------- bad input


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(missing_ok=True), "There is no file"),
    "empty": (lambda path: path.touch(), "is empty (0 bytes)"),
    "text": (lambda path: path.write_text("no picture"), "not a picture"),
    "truncated": (lambda path: path.write_bytes(picture(path).read_bytes()[:900]), "damaged"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_that_a_bad_file_is_one_sentence_and_the_last_good_picture_stays(
    window: MainWindow, tmp_path: Path, kind: str
) -> None:
    make, words = BAD_FILES[kind]
    good, bad = picture(tmp_path / "good.png"), tmp_path / "bad.png"
    make(bad)
    before = window.session.result
    drop(window, good, bad)
    settle(window)
    sentence = said(window)
    assert words in sentence
    assert "bad.png" in sentence
    assert "Something went wrong" not in sentence
    assert window.session.result is before
    canvas = window.workspaces["match"].canvas  # type: ignore[attr-defined]  # the Match workspace's
    assert before is not None
    assert before.pair is not None
    assert canvas.images == {"left": before.pair.left, "right": before.pair.right}


def test_that_undo_after_a_bad_pair_clears_its_sentence(window: MainWindow, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.touch()
    drop(window, picture(tmp_path / "good.png"), bad)
    settle(window)
    assert "bad.png is empty" in said(window)
    key(window, "Ctrl+Z")
    settle(window)
    assert said(window) == ""
    assert not window.session.stale


def test_that_a_bomb_and_an_unreadable_file_are_told(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.vision import image_files

    a, b = picture(tmp_path / "a.png"), picture(tmp_path / "b.png", 1)
    monkeypatch.setattr(image_files, "MAX_PIXELS", 1000)
    drop(window, a, b)
    settle(window)
    assert "pixels" in said(window)
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.png\n", "line 1: 1 column,"),
        ("a.png b.png 1\n", "3 columns"),
        ("a.png b.png 0 0 " + "nan " * 34, "not a finite number"),
        ("gone.png gone2.png\n", "lists no pair whose files exist"),
        ("", "lists no pair"),
    ],
)
def test_that_a_bad_list_is_one_sentence_and_the_pair_stays(
    window: MainWindow, tmp_path: Path, text: str, words: str
) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    (tmp_path / "pairs.txt").write_text(text)
    before = window.session.state
    drop(window, tmp_path / "pairs.txt")
    settle(window)
    assert words in said(window)
    assert window.session.state == before


def test_that_pairs_left_out_of_a_list_are_told_after_the_first_result_too(window: MainWindow, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "b.png", 2)
    (tmp_path / "pairs.txt").write_text("a.png b.png\na.png gone.png\n")
    drop(window, tmp_path / "pairs.txt")
    assert_matched(window, "a.png – b.png")
    assert "1 of 2 pairs of pairs.txt were left out: gone.png is missing" in said(window)


def test_that_folders_without_pairs_are_told(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    drop(window, tmp_path / "none")
    settle(window)
    assert "holds no pictures" in said(window)


@pytest.mark.parametrize("right", ["blank", "dot"])
def test_that_a_picture_without_keypoints_is_shown_with_an_advice(
    window: MainWindow, tmp_path: Path, right: str
) -> None:
    blank = np.full((120, 160, 3), 128, np.uint8)
    if right == "dot":
        cv2.circle(blank, (80, 60), 6, (255, 255, 255), -1, cv2.LINE_AA)
    (tmp_path / "right.png").write_bytes(cv2.imencode(".png", blank)[1].tobytes())
    drop(window, picture(tmp_path / "left.png"), tmp_path / "right.png")
    assert_matched(window, "left.png – right.png")
    assert "Something went wrong" not in said(window)


# ----------------------------------------------------------------------------- export


def test_that_an_export_that_cannot_be_written_is_told(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    exporter = window.workspaces["match"].exporter  # type: ignore[attr-defined]  # the Match workspace's
    for run in (exporter.matches, exporter.picture_as_shown):
        for path, words in (
            (tmp_path / "no" / "such.png", "does not exist"),
            (tmp_path / "name.docx", "docx"),
        ):
            exporter.ask = lambda *_, path=path: str(path)
            before = window.session.result
            run()
            qtbot.waitUntil(lambda: not exporter.busy)
            assert words in said(window) or ".csv, .npz or .json" in said(window)
            assert window.session.result is before
    assert [path.name for path in tmp_path.rglob("*") if path.suffix in (".png", ".docx")] == []


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "csv", "npz", "json"])
def test_that_a_full_disk_leaves_the_old_file_and_is_told(
    window: MainWindow, tmp_path: Path, ending: str, qtbot: QtBot
) -> None:
    import resource
    import signal

    workspace = window.workspaces["match"]
    exporter = workspace.exporter  # type: ignore[attr-defined]  # the Match workspace's
    path = tmp_path / f"out.{ending}"
    path.write_text("old")
    exporter.ask = lambda *_: str(path)
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # A limit on the size of files makes writing fail in the middle, as a full disk does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        (exporter.picture_as_shown if ending in ("png", "svg", "pdf") else exporter.matches)()
        qtbot.waitUntil(lambda: not exporter.busy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert "Nothing was changed" in said(window)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
