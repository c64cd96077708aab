"""Undo and redo.

What lives here: :class:`History`. What does not: what a state holds (``session_state``), and who changes it
(``session``). May import: ``app.ui.session_state``; no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

from app.ui.session_state import SessionState


class History:
    """States that undo goes back to and redo forward again.

    Changes of the same kind that follow each other within a second, or while ``held``, count as one:
    a slider dragged from 0.8 to 0.6 is one step.
    """

    LIMIT = 200
    COALESCE_SECONDS = 1.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._past: list[SessionState] = []
        self._future: list[SessionState] = []
        self._last = ("", -1e9)
        self.held = False

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether an undone state can be had again."""
        return bool(self._future)

    def record(self, before: SessionState, kind: str) -> None:
        """Note that a change of this kind is about to replace ``before``."""
        now = self._clock()
        last_kind, last_time = self._last
        same = bool(kind) and kind == last_kind and (self.held or now - last_time < self.COALESCE_SECONDS)
        if not (same and self._past):
            self._past.append(before)
            del self._past[: -self.LIMIT]
        self._future.clear()
        self._last = (kind, now)

    def undo(self, now: SessionState) -> SessionState | None:
        """Return the state before the last change, None if there is none."""
        return self._move(self._past, self._future, now)

    def redo(self, now: SessionState) -> SessionState | None:
        """Return the state that the last undo left, None if there is none."""
        return self._move(self._future, self._past, now)

    def change(self, now: SessionState, change: Callable[[SessionState], SessionState]) -> SessionState:
        """Make a change that undo must not take back: in ``now``, which is returned, and in all states kept.

        States that are then like the one beside them are left out: undo always changes something.
        """
        now = change(now)
        for states in (self._past, self._future):
            changed = [change(state) for state in states]
            states[:] = [state for state, after in pairwise([*changed, now]) if state != after]
        self._last = ("", -1e9)
        return now

    def _move(self, source: list[SessionState], target: list[SessionState], now: SessionState) -> SessionState | None:
        self._last = ("", -1e9)
        if not source:
            return None
        target.append(now)
        return source.pop()
