"""How many threads: the cores there are for them, and a library's own number held at one while its calls run beside
each other.

What lives here: :func:`cores` and :class:`HeldAtOne`. What does not: any library. May import: the standard library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def cores() -> int:
    """Return how many cores this process may use, which may be fewer than the machine has (``taskset``, containers)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class HeldAtOne:
    """The count is the whole process's: it is put back when the last user leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = 1

    @contextmanager
    def use(self, get: Callable[[], int], put: Callable[[int], object]) -> Iterator[int]:
        """Hold the count at one; yields what it was before the first user came."""
        with self._lock:
            if self._users == 0:
                self._before = get()
                put(1)
            self._users += 1
            before = self._before
        try:
            yield before
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    put(self._before)
