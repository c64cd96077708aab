"""Starting the window, and taking its picture without one.

What lives here: :func:`start`, :func:`screenshot` and the order of the start. What does not: the window.
May import: everything; Qt only inside functions, after the checks that it can run and after all that does
not need it (numpy and OpenCV come with those): Qt's import hook slows every later import.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import pairs
from app.jobs import EXIT_SECONDS, NativeCall, Progress, native_calls_ended
from app.records import MatchRequest, MatchResult, PairRef, UserError
from app.start import INTERRUPTED, collector_paused, load_libraries
from app.ui import display, interrupt, remembered
from app.ui.session_state import Opened, Store, config_folder, restored

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app import pipeline
    from app.ui.main_window import MainWindow
    from app.ui.session import Session

log = logging.getLogger(__name__)
FIRST_PICTURE_SECONDS = 0.25
SCREENSHOT_SECONDS = 180.0
CLOSING_SECONDS = 5.0


def check_workspace(key: str | None) -> None:
    """Raise :class:`UserError` naming the workspaces there are, if ``key`` is none of them; None is the last one."""
    from app.ui.workspaces import WORKSPACES

    keys = [entry.key for entry in WORKSPACES]
    if key is not None and key not in keys:
        raise UserError(f"There is no workspace called {key!r}; choose one of {', '.join(keys)}.")


def start(
    refs: Sequence[PairRef] = (),
    theme: str | None = None,
    workspace: str | None = None,
    notes: Sequence[str] = (),
    opened: Opened | None = None,
) -> int:
    """Open the window and run until it is closed.

    Args:
        refs: the pairs to open; with none, the last session's pair or the first built-in one.
        theme, workspace: instead of the last session's.
        notes: sentences on what was left out of ``refs``.
        opened: where ``refs`` came from.

    Returns:
        The exit code: 0, 130 if Ctrl+C closed it, or 2 with one sentence on stderr if no window can open here.
    """
    with interrupt.held() as pressed:
        return _run(pressed, refs, theme, workspace, notes, opened)


def _run(
    pressed: interrupt.Pressed,
    refs: Sequence[PairRef],
    theme: str | None,
    workspace: str | None,
    notes: Sequence[str],
    opened: Opened | None,
) -> int:
    store = Store(config_folder())
    try:
        ahead = Ahead(store, refs, workspace)
        display.import_qt()
        display.check()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from app.ui.garbage import GarbageGuard

    app = _application()
    guard = GarbageGuard(app)
    window = open_window(store, refs, theme=theme, workspace=workspace, notes=notes, opened=opened, ahead=ahead)
    window.show()
    interrupt.closes(window, pressed)
    code = app.exec() or (INTERRUPTED if pressed.yet else 0)
    guard.stop()
    if not (window.ended and native_calls_ended(EXIT_SECONDS)):
        # A native call outlived the patience of closing; daemon threads must not hang or crash the exit.
        logging.shutdown()
        os._exit(code)
    return code


class Ahead:
    """What can be done for the window before Qt is imported, which slows every later import, and beside that.

    The last session is restored. In threads of their own what Qt will need is loaded, and the pair that the window
    will open with is read, unless it is remembered how it looked: then the libraries that reading needs can wait.

    Args:
        store, refs, workspace: those of :func:`open_window`.

    Attributes:
        last: the last session.
        remembered: what the first paint can show of the pair, None if it has to be read.
    """

    def __init__(self, store: Store | None, refs: Sequence[PairRef] = (), workspace: str | None = None) -> None:
        NativeCall(display.load_ahead)
        with collector_paused():
            self.last = restored(store)
        self._ref = ref = refs[0] if refs else self.last.state.pair or pairs.builtin()[0]
        from app.ui.workspaces import entry_of

        self.remembered = None
        if store is not None and entry_of(workspace or self.last.state.workspace).shows_pair:
            self.remembered = remembered.read(store.folder, ref)
        self._reading: NativeCall | None = None
        if self.remembered is None:
            load_libraries()
            self._reading = NativeCall(lambda: pairs.load(ref))

    def take(self, ref: PairRef) -> NativeCall | None:
        """Return the reading if it is of this pair, once: later the files may be others."""
        reading = self._reading if ref == self._ref else None
        self._reading = None
        return reading


def open_window(
    store: Store | None,
    refs: Sequence[PairRef] = (),
    *,
    theme: str | None = None,
    workspace: str | None = None,
    notes: Sequence[str] = (),
    opened: Opened | None = None,
    ahead: Ahead | None = None,
) -> MainWindow:
    """Return the window on the restored session, its job begun and the pictures waited for a moment.

    The match job starts before the window is built, so that both happen at once. It reads the
    pictures and then leaves the processor to the window until that has been painted; the window
    waits for the pictures at most a quarter of a second, so that the first paint shows them. Where it is remembered
    how they looked, that is painted, and they are read after it.
    """
    with collector_paused():
        from app.ui.main_window import MainWindow
        from app.ui.session import Message, Session
        from app.ui.style import Style

    appeared, painted = threading.Event(), threading.Event()
    shown = None if ahead is None else ahead.remembered
    if shown is None:
        appeared.set()
    session = Session(store, _held_until(appeared, painted, ahead))
    complaints = session.restore(None if ahead is None else ahead.last)
    if theme is not None:
        session.set_theme(theme)
    if workspace is not None:
        session.set_workspace(workspace)
    _open_first(session, refs, notes, opened)
    session.forget_history()
    try:
        look = Style(session.state.theme)
        look.apply()
        window = MainWindow(session, look, remember=store is not None, staged=True, remembered=shown)
    except BaseException:
        session.shutdown(CLOSING_SECONDS)
        raise
    window.appeared.connect(appeared.set)
    window.first_painted.connect(painted.set)
    session.setParent(window)
    look.setParent(window)
    if complaints:
        text = Message(" ".join(complaints))
        window.first_painted.connect(lambda: session.message.emit(text))
    if shown is None:
        _wait(lambda: session.result is not None or not session.busy, FIRST_PICTURE_SECONDS)
    return window


def _held_until(
    appeared: threading.Event, painted: threading.Event, ahead: Ahead | None = None
) -> Callable[[MatchRequest], Generator[Progress, None, MatchResult]]:
    """Return the pipeline's job, held at first until ``appeared``, between pictures and matching until ``painted``."""
    cache: pipeline.Cache | None = None

    def job(request: MatchRequest) -> Generator[Progress, None, MatchResult]:
        while not appeared.wait(0.1):
            yield Progress(0, None, "Reading the images")
        from app import pipeline

        nonlocal cache
        cache = pipeline.Cache() if cache is None else cache
        steps = pipeline.run_pair(request, cache, None if ahead is None else ahead.take(request.ref))
        try:
            while True:
                progress = next(steps)
                yield progress
                partial = progress.payload
                while isinstance(partial, MatchResult) and partial.pair is not None and not painted.wait(0.1):
                    yield progress
        except StopIteration as stop:
            result: MatchResult = stop.value
            return result
        finally:
            steps.close()

    return job


def screenshot(
    path: str | Path,
    refs: Sequence[PairRef] = (),
    workspace: str | None = None,
    size: tuple[int, int] = (1600, 1000),
    theme: str | None = None,
) -> None:
    """Write a picture of the window, complete with its result, without a display.

    Args:
        path: a PNG (or any format Qt writes, by suffix).
        refs: the pairs to open; with none, the first built-in one. The last session is left alone.
        workspace: key of the workspace, by default the first.
        size: width and height of the picture in pixels.
        theme: ``dark`` or ``light``; dark by default.

    Raises:
        UserError: if the matching fails or takes too long, or the picture cannot be written.
        KeyboardInterrupt: after Ctrl+C.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with interrupt.held() as pressed:
        display.import_qt()
        from app.ui.picture_files import check_ending, save_image

        check_ending(path)
        _application()
        with display.offscreen_words_dropped():
            window = open_window(None, refs, theme=theme or "dark", workspace=workspace)
            window.resize(*size)
            window.docks.arrange()
            window.show()
            try:
                _wait_until_complete(window, pressed)
                if (window.width(), window.height()) != size:
                    least = f"{window.width()} × {window.height()}"
                    raise UserError(f"The window does not fit into {size[0]} × {size[1]}; it needs at least {least}.")
                window.docks.arrange()
                # The progressive lines are sharp half a second after the last change.
                _wait(lambda: pressed.yet, 0.8)
                pressed.check()
                save_image(window.grab().toImage(), path)
            finally:
                window.close()


def _wait_until_complete(window: MainWindow, pressed: interrupt.Pressed) -> None:
    """Wait for the result, the thumbnails in view and what the workspace in front is making.

    Raises:
        UserError: with the sentence of the failure.
        KeyboardInterrupt: after Ctrl+C.
    """
    session = window.session

    def complete() -> bool:
        resting = window.front is None or not window.front.busy
        return resting and not session.busy and not session.thumbnail_lane.busy

    done = _wait(lambda: pressed.yet or complete(), SCREENSHOT_SECONDS)
    pressed.check()
    message = window.around.message_line.message
    if message.kind == "error":
        raise UserError(message.text)
    if not done or not session.complete:
        raise UserError(f"The picture was not complete after {SCREENSHOT_SECONDS:.0f} s.")


def _open_first(session: Session, refs: Sequence[PairRef], notes: Sequence[str], opened: Opened | None = None) -> None:
    """Open what was asked for, else the last pair, else the first built-in one."""
    if refs:
        session.open_pairs(refs, notes=notes, opened=opened)
        return
    builtin, last, selection = pairs.builtin(), session.state.pair, session.state.selection
    if last is None or last in builtin:
        session.open_pairs(builtin, 0 if last is None else builtin.index(last))
    else:
        session.open_pairs([last, *builtin], opened=session.opened)
    session.select(selection)


@collector_paused()
def _application() -> QApplication:
    """Return the application, made at the first call."""
    from PySide6.QtWidgets import QApplication

    from app.ui.style import FUSION

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        # Fusion from the beginning: to ask for a style later makes all enumerations of QStyle, 15 ms.
        app = QApplication([sys.argv[0] or "correspondence-explorer", "-style", "fusion"])
        app.setProperty(FUSION, True)
        app.setApplicationName("correspondence-explorer")
        app.setApplicationDisplayName("")
        app.setDesktopFileName("correspondence-explorer")
    return app


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    """Let events pass until ``done()``, at most ``seconds``; return whether it is."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    end = time.monotonic() + seconds
    timer.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
    timer.start(1)
    if not done():
        loop.exec()
    timer.stop()
    return done()
