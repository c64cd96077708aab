"""Ctrl+C in the terminal while Qt runs.

What lives here: :func:`held`, which keeps it from striking inside Qt, and :func:`closes`, which lets it close a window.
What does not: the exit code. May import: the standard library; Qt inside :func:`closes`.

Python raises KeyboardInterrupt wherever it happens to be. Inside a slot that is some function Qt has called: Qt drops
the exception and goes on with half of the slot's work undone, waits for ever for what was not begun, or crashes.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

LOOK_MS = 200


class Pressed:
    """Whether Ctrl+C was pressed."""

    def __init__(self) -> None:
        self.yet = False

    def check(self) -> None:
        """Raise the KeyboardInterrupt that was held back, if there is one."""
        if self.yet:
            raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[Pressed]:
    """Note Ctrl+C instead of raising KeyboardInterrupt; what runs inside looks at it where it is safe to stop.

    Where somebody else has decided about the signal, as a shell does that starts a job in the background, and outside
    the main thread, it is left as it is.
    """
    pressed = Pressed()
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed
        return

    def note(*_: object) -> None:
        pressed.yet = True

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def closes(window: QWidget, pressed: Pressed) -> None:
    """Let Ctrl+C close a window, as its button does; the timer also gives Python the chance to note the signal."""
    from PySide6.QtCore import QTimer

    timer = QTimer(window)

    def look() -> None:
        if pressed.yet:
            timer.stop()
            window.close()

    timer.timeout.connect(look)
    timer.start(LOOK_MS)
