"""Loading a shared library without stopping the other threads.

What lives here: :func:`load`. What does not: which libraries. May import: the standard library only.

Python's import system, and ``ctypes.CDLL`` too, hold the interpreter's lock while the system's loader is at work.
Called as a foreign function the loader runs without it; an import that follows finds the library loaded already.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def load(path: Path) -> None:
    """Load a library, on Linux and macOS; if that fails, the import that follows says why."""
    loader = ctypes.CDLL(None).dlopen
    loader.restype, loader.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    loader(os.fsencode(path), os.RTLD_NOW)
