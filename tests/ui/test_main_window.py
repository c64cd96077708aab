"""The window as a user meets it: real mouse and key events on a session with quick jobs."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeySequence,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from window_parts import PLAIN, Jobs, end, refs_of, window_on

from app import matchers
from app.jobs import Progress
from app.records import MatchRequest, MatchResult, PairRef, Selection
from app.ui import browser as browser_module
from app.ui import help_pages, main_window
from app.ui.browser import PairBrowser, matches_filter, thumbnails, wrapped
from app.ui.launch import _wait, open_window
from app.ui.main_window import MainWindow
from app.ui.session import Message, Session
from app.ui.session_state import Store, config_folder
from app.ui.status import funnel_text, times_text
from app.ui.style import Style

Until = Callable[[Callable[[], bool]], None]


def quick_thumbnail(ref: PairRef, side: int) -> np.ndarray:
    return np.full((side // 2, side, 3), 90, np.uint8)


@pytest.fixture
def window(
    jobs: Jobs, qtbot: QtBot, until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    monkeypatch.setattr(browser_module, "_make_thumbnail", quick_thumbnail)
    session = Session(Store(config_folder()), make_job=jobs)
    session.restore()
    window = window_on(session, PLAIN)
    window.show()
    session.open_pairs(refs_of(5))
    until(lambda: not session.busy)
    yield window
    end(window)


def key(window: QWidget, keys: str) -> None:
    """Press a shortcut as a user does: to whatever has the focus in the window."""
    combination = QKeySequence(keys)[0]
    QTest.keyClick(window.focusWidget() or window, combination.key(), combination.keyboardModifiers())


def test_that_arrows_with_alt_step_through_the_pairs_and_the_place_is_shown(window: MainWindow) -> None:
    assert window.around.top_bar.place.text() == "1 / 5"
    key(window, "Alt+Right")
    assert window.session.index == 1
    assert window.around.top_bar.place.text() == "2 / 5"
    key(window, "Alt+Left")
    assert window.session.index == 0
    assert not window.around.top_bar.previous.isEnabled()


def test_that_the_buttons_step_and_the_list_follows(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(window.around.top_bar.next, Qt.MouseButton.LeftButton)
    assert window.session.index == 1
    assert window.around.browser.view.currentIndex().row() == 1


def test_that_a_click_in_the_list_opens_the_pair(window: MainWindow, qtbot: QtBot) -> None:
    view = window.around.browser.view
    middle = view.visualRect(view.model().index(3, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert window.session.index == 3
    assert window.windowTitle().startswith("Pair 3")


def test_that_the_filter_narrows_the_list_and_says_when_nothing_is_left(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClicks(window.around.browser.search, "ROTATION pair")
    assert window.around.browser.filtered.rowCount() == 2
    assert window.around.browser.count.text() == "2 of 5"
    assert window.session.index == 0  # filtering opens nothing
    window.around.browser.search.setText("no such words")
    assert window.around.browser.empty.isVisible()
    window.around.browser.search.clear()
    assert window.around.browser.view.currentIndex().row() == 0


def test_that_a_chosen_matcher_is_used(window: MainWindow, until: Until) -> None:
    combo = window.around.top_bar.matcher
    row = next(r for r in range(combo.count()) if not window.around.top_bar._reason(r) and combo.itemText(r) != "SIFT")
    combo.activated.emit(row)
    assert window.session.state.matcher == combo.itemData(row)
    until(lambda: not window.session.busy)


def test_that_a_matcher_that_cannot_run_says_why_and_is_not_chosen(window: MainWindow) -> None:
    combo = window.around.top_bar.matcher
    missing = [entry for entry in matchers.discover() if entry.reason]
    if not missing:
        pytest.skip("every matcher can run in this environment")
    row = combo.findData(missing[0].key)
    assert missing[0].reason in combo.itemData(row, Qt.ItemDataRole.ToolTipRole)
    combo.highlighted.emit(row)
    assert missing[0].reason in window.around.message_line.text.text()
    combo.setCurrentIndex(row)
    combo.activated.emit(row)
    assert window.session.state.matcher == "sift"
    assert combo.currentData() == "sift"
    assert window.around.message_line.message.kind == "error"


def test_that_undo_and_redo_keys_work_from_the_window(window: MainWindow, until: Until) -> None:
    key(window, "Alt+Right")
    key(window, "Ctrl+Z")
    assert window.session.index == 0
    key(window, "Ctrl+Shift+Z")
    assert window.session.index == 1


def test_that_presenting_hides_docks_enlarges_type_and_ends_with_escape(window: MainWindow, until: Until) -> None:
    until(lambda: not window.session.busy)
    before = QApplication.font().pointSizeF()
    window.docks.details.hide()
    key(window, "F5")
    assert QApplication.font().pointSizeF() == pytest.approx(1.6 * before)
    assert not any(dock.isVisible() for dock in window.docks.all)
    assert not window.menuBar().isVisible()
    key(window, "Esc")
    assert QApplication.font().pointSizeF() == pytest.approx(before)
    assert [dock.isVisible() for dock in window.docks.all] == [True, True, False]


def test_that_a_presentation_fits_a_projector_of_1280_pixels(window: MainWindow, until: Until) -> None:
    window.resize(1280, 800)
    key(window, "F5")
    QApplication.processEvents()
    assert window.minimumSizeHint().width() <= 1280
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(1280, 800)
    QApplication.processEvents()
    assert window.width() == 1280
    bar = window.around.top_bar
    assert bar.rect().contains(bar.present.geometry())
    key(window, "Esc")


def test_that_escape_cancels_a_job_first_and_the_selection_next(window: MainWindow, jobs: Jobs) -> None:
    window.session.select(Selection("left", 1, 1))
    jobs.steps, jobs.step_seconds = 1000, 0.005
    window.session.set_settings("match", replace(window.session.settings.match, ratio=0.3))
    assert window.around.status_line.cancel.isVisible()
    key(window, "Esc")
    assert not window.session.busy
    assert not window.around.status_line.cancel.isVisible()
    assert window.session.state.selection is not None
    key(window, "Esc")
    assert window.session.state.selection is None


def test_that_the_cancel_button_stops_the_job(window: MainWindow, jobs: Jobs, qtbot: QtBot) -> None:
    jobs.steps, jobs.step_seconds = 1000, 0.005
    key(window, "Alt+Right")
    qtbot.mouseClick(window.around.status_line.cancel, Qt.MouseButton.LeftButton)
    assert not window.session.busy


def test_that_a_failure_is_told_with_details_to_copy_and_success_clears_it(
    window: MainWindow, jobs: Jobs, until: Until, qtbot: QtBot
) -> None:
    jobs.fail = RuntimeError("boom")
    key(window, "Alt+Right")
    until(lambda: window.around.message_line.isVisible())
    assert "Something went wrong in “Detecting”" in window.around.message_line.text.text()
    qtbot.mouseClick(window.around.message_line.copy, Qt.MouseButton.LeftButton)
    assert "RuntimeError: boom" in QGuiApplication.clipboard().text()
    jobs.fail = None
    key(window, "Alt+Right")
    until(lambda: not window.session.busy)
    assert not window.around.message_line.isVisible()


def test_that_settings_in_the_panel_run_the_job_anew_and_undo_brings_them_back(
    window: MainWindow, jobs: Jobs, until: Until
) -> None:
    panel: Any = window.workspaces["match"].settings_panel()
    before = window.session.settings.match.ratio
    panel.forms["match"].rows["ratio"].spin.setValue(0.5)
    until(lambda: not window.session.busy)
    assert jobs.requests[-1].settings.match.ratio == 0.5
    window.session.undo()
    assert panel.forms["match"].rows["ratio"].spin.value() == pytest.approx(before)


def test_that_reset_layout_shows_every_dock_again(window: MainWindow) -> None:
    for dock in window.docks.all:
        dock.hide()
    window.reset_layout()
    assert all(dock.isVisible() for dock in window.docks.all)


def test_that_every_action_has_words_and_no_two_share_a_key(window: MainWindow) -> None:
    keys: dict[str, str] = {}
    for menu in window.menuBar().actions():
        assert menu.text()
        for action in menu.menu().actions():  # type: ignore[union-attr]  # every entry of the bar is a menu
            assert action.isSeparator() or action.text()
            for sequence in action.shortcuts():
                assert sequence.toString() not in keys, (action.text(), keys)
                keys[sequence.toString()] = action.text()
    assert {"Ctrl+O", "Ctrl+Z", "Ctrl+Shift+Z", "F5", "?", "Alt+Left", "Alt+Right"} <= set(keys)


@pytest.mark.parametrize("name", sorted(help_pages.TITLES))
def test_that_help_pages_open_once_with_their_text(window: MainWindow, name: str) -> None:
    page = help_pages.show(window, name)
    assert help_pages.show(window, name) is page
    assert "{" not in help_pages.text_of(name)
    assert len(window.findChildren(QDialog, f"help-{name}")) == 1
    page.close()


def test_that_every_visible_control_has_a_name_for_screen_readers(window: MainWindow) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QSlider

    for kind in (QAbstractButton, QComboBox, QSlider, QAbstractSpinBox, QLineEdit):
        for widget in window.findChildren(kind):
            inner = isinstance(widget.parent(), QAbstractSpinBox | QLineEdit | QComboBox) or not widget.isVisible()
            named = widget.accessibleName() or getattr(widget, "text", str)()
            assert inner or named or widget.objectName().startswith("qt_"), widget


# ------------------------------------------------------------------ opening own images


@pytest.fixture
def two_images(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(3)
    paths = [tmp_path / "links ü.png", tmp_path / "right one.png"]
    for path in paths:
        ok, data = cv2.imencode(".png", rng.integers(0, 255, (40, 50, 3), np.uint8))
        assert ok
        path.write_bytes(data.tobytes())
    return [str(path) for path in paths]


def drop(window: MainWindow, target: QWidget, paths: list[str]) -> None:
    """Drop files on a widget inside the window, as the window system delivers them."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    middle = target.mapTo(window, target.rect().center())
    actions, none = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(middle, actions, mime, Qt.MouseButton.LeftButton, none)
    QApplication.sendEvent(window, enter)
    event = QDropEvent(QPointF(middle), actions, mime, Qt.MouseButton.LeftButton, none)
    event.setDropAction(Qt.DropAction.MoveAction)  # what Qt proposes
    QApplication.sendEvent(window, event)
    for told in (enter, event):  # a source that is told it was moved may delete its files
        assert told.isAccepted()
        assert told.dropAction() == Qt.DropAction.CopyAction


def test_that_two_dropped_files_are_opened(window: MainWindow, two_images: list[str], until: Until) -> None:
    drop(window, window.centre, two_images)
    until(lambda: window.session.state.pair is not None and window.session.state.pair.kind == "files")
    assert window.session.state.pair is not None
    assert [Path(window.session.state.pair.left).name, Path(window.session.state.pair.right).name] == [
        Path(path).name for path in two_images
    ]
    assert window.session.recent == (window.session.state.pair,)
    until(lambda: not window.session.busy)


def test_that_one_file_waits_for_its_partner(window: MainWindow, two_images: list[str], until: Until) -> None:
    window.opener.open_paths(two_images[:1])
    assert "is the left image" in window.around.message_line.text.text()
    window.opener.open_paths(two_images[1:])
    until(lambda: window.session.state.pair is not None and window.session.state.pair.kind == "files")
    until(lambda: not window.session.busy)


def test_that_files_and_pictures_are_pasted(window: MainWindow, two_images: list[str], until: Until) -> None:
    clipboard = QGuiApplication.clipboard()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in two_images])
    clipboard.setMimeData(mime)
    key(window, "Ctrl+V")
    until(lambda: window.session.state.pair is not None and window.session.state.pair.kind == "files")
    first = window.session.state.pair
    for colour in (Qt.GlobalColor.red, Qt.GlobalColor.blue):
        image = QImage(20, 10, QImage.Format.Format_RGB32)
        image.fill(colour)
        clipboard.setImage(image)
        window.opener.paste()
    until(lambda: window.session.state.pair != first)
    assert window.session.state.pair is not None
    pasted = Path(window.session.state.pair.left)
    assert pasted.parent == config_folder() / "pasted"
    assert tuple(cv2.imread(str(pasted))[0, 0]) == (0, 0, 255)
    clipboard.clear()
    window.opener.paste()
    assert "holds no picture" in window.around.message_line.text.text()
    until(lambda: not window.session.busy)


def test_that_the_dialogs_open_what_was_chosen(
    window: MainWindow, two_images: list[str], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (two_images, ""))
    key(window, "Ctrl+O")
    until(lambda: window.session.state.pair is not None and window.session.state.pair.kind == "files")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(Path(two_images[0]).parent))
    window.opener.open_folder()
    until(lambda: not window.opener.lane.busy)
    window.opener.open_builtin()
    assert window.session.state.pair is not None
    assert window.session.state.pair.kind == "builtin"
    until(lambda: not window.session.busy)


def test_that_a_bad_drop_is_one_sentence_and_the_pair_stays(window: MainWindow, tmp_path: Path, until: Until) -> None:
    before = window.session.state.pair
    window.opener.open_paths([str(tmp_path / "missing.png"), str(tmp_path / "also.png")])
    until(lambda: window.around.message_line.isVisible() or window.session.state.pair != before)
    until(lambda: not window.opener.lane.busy)
    if window.session.state.pair == before:
        assert window.around.message_line.message.kind == "error"
    (tmp_path / "empty").mkdir()
    window.opener.open_paths([str(tmp_path / "empty")])
    until(lambda: not window.opener.lane.busy)
    assert window.around.message_line.message.kind == "error"
    until(lambda: not window.session.busy)


def test_that_recent_pairs_are_in_the_menu(window: MainWindow, two_images: list[str], until: Until) -> None:
    window.around.menus.recent.aboutToShow.emit()
    assert not window.around.menus.recent.actions()[0].isEnabled()
    window.opener.open_paths(two_images)
    until(lambda: bool(window.session.recent))
    until(lambda: not window.session.busy)
    window.session.open_pairs(refs_of(2))
    window.around.menus.recent.aboutToShow.emit()
    action = window.around.menus.recent.actions()[0]
    assert action.text() == f"links ü.png – right one.png\t{Path(two_images[0]).parent.name}"
    assert action.toolTip() == "\n".join(two_images)
    action.trigger()
    assert window.session.state.pair == window.session.recent[0]
    until(lambda: not window.session.busy)


def test_that_a_recent_pair_of_the_open_list_leaves_the_list_open(
    window: MainWindow, two_images: list[str], until: Until
) -> None:
    window.opener.open_paths([*two_images, two_images[0]])
    until(lambda: window.session.state.pair is not None and window.session.state.pair.kind == "files")
    first, second = window.session.pairs
    window.session.set_pair(second)
    window.around.menus.recent.aboutToShow.emit()
    assert window.session.recent[:2] == (second, first)
    window.around.menus.recent.actions()[1].trigger()
    assert window.session.state.pair == first
    assert window.session.pairs == (first, second)
    until(lambda: not window.session.busy)


# ------------------------------------------------------------------------ the pair list


def test_that_thumbnails_are_made_only_for_rows_in_view(window: MainWindow, until: Until) -> None:
    window.session.open_pairs(refs_of(5000))
    view, model = window.around.browser.view, window.around.browser.model
    until(lambda: bool(model.pictures) and not window.session.thumbnail_lane.busy)
    in_view = view.height() // view.visualRect(view.model().index(0, 0)).height() + 2
    assert 5 <= len(model.pictures) <= in_view + 5
    view.scrollToBottom()
    until(lambda: model.refs[-1] in model.pictures)
    assert len(model.pictures) <= 2 * in_view + 10
    until(lambda: not window.session.busy)


def test_that_thousands_of_pairs_are_listed_and_filtered(window: MainWindow) -> None:
    window.around.browser._show_pairs(refs_of(5000))
    window.around.browser.search.setText("blur 4999")
    assert window.around.browser.filtered.rowCount() <= 1
    window.around.browser.search.clear()


def test_that_the_thumbnail_job_gives_snapshots_and_survives_a_broken_image() -> None:
    refs = refs_of(3)

    def make(ref: PairRef, side: int) -> np.ndarray:
        if ref is refs[1]:
            raise ValueError("broken")
        return quick_thumbnail(ref, side)

    job = thumbnails(refs, 32, make)
    seen: list[Progress] = []
    made: Any = None
    try:
        while True:
            seen.append(next(job))
    except StopIteration as stop:
        made = stop.value
    assert [ref for ref, _ in made] == list(refs)
    assert made[1][1] is None
    payloads = [progress.payload for progress in seen]
    assert all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(payloads))


def test_that_filter_words_match_titles_tags_and_file_names() -> None:
    ref = PairRef("files", "Graf 1-3", left="/data/graf/img1.ppm", right="/data/graf/img3.ppm", tags=("viewpoint",))
    assert matches_filter(ref, "")
    assert matches_filter(ref, "GRAF view")
    assert matches_filter(ref, "img3")
    assert not matches_filter(ref, "graf boat")


def test_that_wrapped_text_keeps_every_word_when_there_is_room(window: MainWindow) -> None:
    metrics = window.fontMetrics()
    text = "geometric · repeated structure"
    assert wrapped(text, metrics, 10_000, 2) == [text]
    two = wrapped(text, metrics, metrics.horizontalAdvance("repeated structure") + 4, 2)
    assert " ".join(two) == text
    assert len(wrapped("one two three four", metrics, 20, 2)) == 2
    assert wrapped("", metrics, 100, 2) == []
    paths = wrapped("scans/scene0711_00/frame-001680.jpg – scans/scene0711_00/frame-001995.jpg", metrics, 160, 2)
    assert all(metrics.horizontalAdvance(line) <= 160 for line in paths)
    assert [line[-9:] for line in paths] == ["01680.jpg", "01995.jpg"]


def test_that_a_hidden_browser_makes_no_thumbnails(session: Session, qtbot: QtBot) -> None:
    look = Style("dark")
    browser = PairBrowser(session, look, quick_thumbnail)
    qtbot.addWidget(browser)
    browser._make_missing()
    assert not session.thumbnail_lane.busy


# ------------------------------------------------------------------------ status texts


def test_that_no_result_has_no_funnel_and_no_times() -> None:
    assert funnel_text(None) == ""
    assert times_text(None) == ""


def test_that_times_name_every_stage_and_their_sum() -> None:
    request = MatchRequest(refs_of(1)[0], "sift", matchers.get("sift").defaults())
    result = MatchResult(request, seconds={"detect": 0.038, "match": 0.0, "verify": 0.004})
    assert times_text(result) == "detect 38  ·  match cached  ·  verify 4  ·  42 ms"


def test_that_the_times_give_way_to_the_counts_and_both_stay_whole(window: MainWindow) -> None:
    line = window.around.status_line
    line.funnel.setText("2,000 : 2,000 keypoints  →  2,000 nearest  →  1,708 after ratio  →  1,685 mutual")
    line.times.setText(
        "load 1,739  ·  detect + describe 1,224  ·  match 393  ·  verify 2  ·  evaluate 260  ·  3,616 ms"
    )
    line.times.short = "3,616 ms"
    line.funnel.setText(line.funnel.text() + "  →  1,654 inliers (98 %)")
    for width in (1280, 1100):
        window.resize(width, 800)
        QApplication.processEvents()
        assert line.funnel.shown == line.funnel.text()
        assert line.times.shown == "3,616 ms"
    window.toggle_present()  # larger type needs more than the usual share of the line
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(1280, 800)
    QApplication.processEvents()
    assert line.funnel.shown == line.funnel.text()
    window.toggle_present()
    window.resize(1920, 800)
    QApplication.processEvents()
    assert line.times.shown == line.times.text()
    window.resize(600, 800)  # counts that are longer than the line do not keep the window from shrinking
    QApplication.processEvents()
    assert line.minimumSizeHint().width() < 600


def test_that_an_information_fades_and_an_error_stays(window: MainWindow) -> None:
    window.around.message_line.show_message(Message("Fine."))
    assert window.around.message_line._timer.isActive()
    window.around.message_line.show_message(Message("Bad.", "error"))
    assert not window.around.message_line._timer.isActive()
    assert window.around.message_line.isVisible()


# ---------------------------------------------------------------- closing and restoring


def test_that_closing_saves_and_the_next_start_restores(window: MainWindow, jobs: Jobs) -> None:
    window.session.set_theme("light")
    window.session.select(Selection("right", 4, 5))
    window.close()
    again = Session(Store(config_folder()), make_job=jobs)
    assert again.restore() == []
    assert again.state == window.session.state
    assert again.shutdown()
    assert (config_folder() / "window.ini").exists()


def test_that_closing_in_the_middle_of_a_job_ends_every_thread_quickly(window: MainWindow, jobs: Jobs) -> None:
    jobs.steps, jobs.step_seconds = 100_000, 0.005
    key(window, "Alt+Right")
    assert window.session.busy
    window.close()  # the job would have taken eight minutes
    assert window.ended
    assert jobs.closed == len(jobs.requests)


def test_that_closing_leaves_a_job_that_never_answers_after_the_patience_is_over(
    window: MainWindow, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(main_window, "CLOSING_SECONDS", 0.3)
    jobs.steps, jobs.step_seconds = 1, 1.5
    key(window, "Alt+Right")
    qtbot.wait(100)
    window.close()
    assert not window.ended  # it did not wait until the job answered
    time.sleep(1.6)
    window.ended = window.session.shutdown(5.0)


# --------------------------------------------------------------------------- random use


def change_pairs(window: MainWindow, count: int, until: Until) -> None:
    rng = random.Random(5)
    window.session.open_pairs(refs_of(40))
    for _ in range(count):
        key(window, rng.choice(["Alt+Right", "Alt+Left"]))
        if rng.random() < 0.1:
            QApplication.processEvents()
    until(lambda: not window.session.busy)
    assert window.session.result is not None
    assert window.session.result.request.ref == window.session.state.pair
    assert window.around.top_bar.place.text() == f"{window.session.index + 1} / 40"


def test_that_50_quick_pair_changes_end_at_the_last_one(window: MainWindow, until: Until) -> None:
    change_pairs(window, 50, until)


@pytest.mark.soak
def test_that_500_quick_pair_changes_end_at_the_last_one(window: MainWindow, until: Until) -> None:
    change_pairs(window, 500, until)


KEY_NAMES = "Left Right Up Down Tab Space Escape Return F5 K L X F 0 G I P 1 Z PageDown Home Backspace"
KEYS = [Qt.Key[f"Key_{name}"] for name in KEY_NAMES.split()]
MODIFIERS = [Qt.KeyboardModifier.NoModifier] * 4 + [
    Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier,
]  # fmt: skip


def monkey(window: MainWindow, count: int, seed: int) -> None:
    """Press, click, drag and roll at random; dialogs that block are not among the keys."""
    rng = random.Random(seed)
    # A button with a menu waits in an event loop of its own until the menu closes: only a timer can close it.
    closing = QTimer(window)
    closing.timeout.connect(_close_popup)
    closing.start(10)
    for number in range(count):
        target = rng.choice([w for w in window.findChildren(QWidget) if w.isVisible()] or [window])
        place = QPointF(rng.randrange(max(1, target.width())), rng.randrange(max(1, target.height())))
        glob = target.mapToGlobal(place)
        modifiers = rng.choice(MODIFIERS)
        action = rng.randrange(4)
        if action == 0:
            focus = window.focusWidget() or window
            pressed = rng.choice(KEYS)
            QTest.keyClick(focus, pressed, modifiers)  # unlike a posted event it reaches the shortcuts as well
        elif action == 1 and not _opens_dialog(target):
            left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
            for kind, button, buttons in (
                (QEvent.Type.MouseButtonPress, left, left),
                (QEvent.Type.MouseMove, none, left),
                (QEvent.Type.MouseButtonRelease, left, none),
            ):
                QApplication.postEvent(target, QMouseEvent(kind, place, glob, button, buttons, modifiers))
        elif action == 2:
            none = Qt.MouseButton.NoButton
            QApplication.postEvent(target, QMouseEvent(QEvent.Type.MouseMove, place, glob, none, none, modifiers))
        else:
            turn = QPoint(0, rng.choice([-120, 120, 360]))
            phase = Qt.ScrollPhase.NoScrollPhase
            wheel = QWheelEvent(place, glob, QPoint(), turn, Qt.MouseButton.NoButton, modifiers, phase, False)
            QApplication.postEvent(target, wheel)
        if number % 5 == 0:
            QApplication.processEvents()
    QApplication.processEvents()
    closing.stop()
    window.session.match_lane.resume()  # Space may have been the last word on the running job


def _close_popup() -> None:
    if (popup := QApplication.activePopupWidget()) is not None:
        popup.close()


def _opens_dialog(widget: QWidget) -> bool:
    """Whether a click here opens a file dialog, which would wait for a user."""
    words = getattr(widget, "text", None)
    return callable(words) and str(words()).endswith("…")


@pytest.fixture
def real_window(qtbot: QtBot, until: Until) -> Iterator[MainWindow]:
    """The program's own window: its workspaces, the built-in pairs and the real pipeline."""
    window = open_window(Store(config_folder()), theme="dark")
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    until(window.isActiveWindow)  # shortcuts act only in the active window
    until(lambda: window.session.complete)
    yield window
    end(window)


def assert_nothing_went_wrong(window: MainWindow) -> None:
    """No job hangs, none failed but for a reason that a user can act on, and the window still obeys."""
    messages: list[Message] = []
    window.session.message.connect(messages.append)
    assert _wait(lambda: not window.session.busy, 120.0)
    assert not [m.text for m in (window.around.message_line.message, *messages) if m.details]
    if window.look.presenting:
        window.toggle_present()
    window.session.open_pairs(refs_of(1))
    window.opener.open_builtin()
    window.session.set_matcher("sift")
    window.session.reset_settings()
    assert _wait(lambda: window.session.complete and not window.session.stale, 120.0)


def test_that_200_random_events_do_no_harm(real_window: MainWindow, until: Until) -> None:
    monkey(real_window, 200, seed=11)
    assert_nothing_went_wrong(real_window)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_that_2000_random_events_do_no_harm(real_window: MainWindow, until: Until, seed: int) -> None:
    monkey(real_window, 2000, seed)
    assert_nothing_went_wrong(real_window)


def test_that_quick_changes_of_real_pairs_end_at_the_last_one(real_window: MainWindow) -> None:
    for _ in range(8):
        key(real_window, "Alt+Right")
        QApplication.processEvents()
    assert real_window.session.index == 8
    _wait(lambda: not real_window.session.busy, 60.0)
    assert real_window.session.result is not None
    assert real_window.session.result.request.ref == real_window.session.state.pair
