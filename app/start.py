"""The first lines of the program, run before anything slow is imported.

What lives here: :func:`run`, which the installed commands call, what has to be settled before NumPy is loaded, and
when it and OpenCV are. What does not: the command line (``cli``). May import: the standard library; ``cli`` only inside
:func:`run`.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

LIBRARIES = ("numpy", "cv2")
INTERRUPTED = 130  # the exit code after Ctrl+C, as shells have it


def settle() -> None:
    """Let the threads of NumPy's OpenBLAS sleep when they have nothing to do.

    They otherwise spin for about a quarter of a second after they were made and after every matrix product: on two
    cores that is one taken from whoever reads the pictures, or paints. To be woken costs them microseconds. OpenBLAS
    reads this once, when it is loaded; the number is the logarithm of the clock cycles to spin for, at least 4.
    """
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


class _Promised(ModuleType):
    """Stands for a library until something in it is used; then the library is imported, and this is as good as it.

    The standard library's LazyLoader would be asked by every ``import`` statement whether the module is complete, and
    import it then; and up to Python 3.11 two threads that use it at once see half of it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["_importing"] = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__path__", "__version__"):
            raise AttributeError(name)  # Qt looks at every module that is imported, whatever for
        self.keep()
        return getattr(sys.modules[self.__name__], name)

    def keep(self) -> None:
        """Import the library, unless it is there."""
        with self.__dict__["_importing"]:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
                with collector_paused():
                    library = importlib.import_module(self.__name__)
                self.__dict__.update(library.__dict__)


def libraries_when_used() -> None:
    """Let ``import numpy`` and ``import cv2`` cost nothing until something in them is used.

    A window whose first paint shows kept pictures needs neither before it.
    """
    for name in LIBRARIES:
        if name not in sys.modules and importlib.util.find_spec(name) is not None:
            sys.modules[name] = _Promised(name)


def load_libraries() -> None:
    """Import now what :func:`libraries_when_used` promised; nothing if nothing was."""
    for name in LIBRARIES:
        if isinstance(promised := sys.modules.get(name), _Promised):
            promised.keep()


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
    """Run the program and end the process.

    Ctrl+C is answered here as the command line answers it once it is there.
    """
    try:
        settle()
        libraries_when_used()
        with collector_paused():
            from app.cli import run as run_program
    except KeyboardInterrupt:
        if sys.stderr is not None:  # a program without a console has none
            sys.stderr.write("correspondence-explorer: Interrupted.\n")
        sys.exit(INTERRUPTED)
    run_program()
