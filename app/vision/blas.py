"""How many threads numpy's matrix product uses, so that several products can run beside each other.

What lives here: :func:`one_thread_each`. What does not: any product. May import: ``thread_counts``,
numpy.

A product on all cores splits itself into equal shares and waits for the slowest, and whatever follows it has one
core. Several products on one thread each, every one with its own follow-up work, keep all cores busy to the end.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

from app.vision.thread_counts import HeldAtOne

# The library inside numpy's wheels, and OpenBLAS as distributions build it.
_PREFIXES = ("scipy_openblas", "openblas")
_SUFFIXES = ("64_", "")
_held = HeldAtOne()


@cache
def _functions() -> tuple[Callable[..., int], Callable[..., int]] | None:
    """Return (get, set) of the thread count of numpy's OpenBLAS, None if numpy uses another library."""
    module = sys.modules.get(f"{np.__name__}._core._multiarray_umath")
    path = getattr(module, "__file__", None)
    if path is None:
        return None
    try:
        library = ctypes.CDLL(path)  # already loaded: its symbols and those of the libraries it needs
    except OSError:
        return None
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            names = (f"{prefix}_get_num_threads{suffix}", f"{prefix}_set_num_threads{suffix}")
            if all(hasattr(library, name) for name in names):
                return getattr(library, names[0]), getattr(library, names[1])
    return None


@contextmanager
def one_thread_each() -> Iterator[bool]:
    """Let every matrix product inside use one thread; yields whether that could be had.

    Only OpenBLAS can be told. The count is the whole process's: it is put back when the last user leaves.
    """
    functions = _functions()
    if functions is None:
        yield False
        return
    with _held.use(*functions):
        yield True
