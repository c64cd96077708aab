"""Keeps Python's cyclic garbage collector off the worker threads.

It may run on any thread and would then destroy Qt objects there, which crashes. So automatic collection is
off while the window lives, and a timer of the GUI thread collects instead. May import: QtCore.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class GarbageGuard(QObject):
    """Turns automatic collection off and collects from a timer, each generation when it is due."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        self._rounds = 0
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.collect)
        self._timer.start(INTERVAL_MS)

    def collect(self) -> int:
        """Collect what is due now, on this thread; return the number of objects freed."""
        self._rounds += 1
        # A full collection walks everything, so it is done once a minute; the young ones each second.
        generation = 2 if self._rounds % 60 == 0 else 1
        return gc.collect(generation)

    def stop(self) -> None:
        """Stop the timer and give the collector back as it was."""
        self._timer.stop()
        if self._was_enabled:
            gc.enable()
