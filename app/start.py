"""The first lines of the program, run before anything slow is imported.

What lives here: :func:`run`, which the installed commands call, and what has to be settled before NumPy is loaded. What
does not: the command line (``cli``). May import: the standard library; ``cli`` only inside :func:`run`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


def settle() -> None:
    """Let the threads of NumPy's OpenBLAS sleep when they have nothing to do.

    They otherwise spin for about a quarter of a second after they were made and after every matrix product: on two
    cores that is one taken from whoever reads the pictures, or paints. To be woken costs them microseconds. OpenBLAS
    reads this once, when it is loaded; the number is the logarithm of the clock cycles to spin for, at least 4.
    """
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, over what is being imported: nothing of it is garbage.

    At the end everything that now lives is taken out of later collections.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def run() -> NoReturn:
    """Run the program and end the process."""
    settle()
    with collector_paused():
        from app.cli import run as run_program
    run_program()
