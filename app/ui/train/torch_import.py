"""The first import of torch, without freezing the window.

What lives here: :func:`import_torch`, called in the training's lane. What does not: any use of torch. May import: the
standard library only; torch by name.

Loading torch's shared libraries takes about 0.4 s, and Python's import system holds the interpreter's lock all the
while. Called through ctypes the system's loader runs without the lock; the import then finds them loaded already.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
from pathlib import Path

NAMES = ("torch_cpu", "torch_python")


def import_torch() -> None:
    """Import torch, which takes a while the first time, and take its many objects out of later collections."""
    if "torch" in sys.modules:
        return
    for path in libraries():
        _load(path)
    importlib.import_module("torch")
    gc.freeze()


def libraries() -> tuple[Path, ...]:
    """Return torch's large shared libraries, the first needed first; none where they cannot be loaded beforehand."""
    spec = importlib.util.find_spec("torch")
    ending = {"linux": "so", "darwin": "dylib"}.get(sys.platform)
    if spec is None or spec.origin is None or ending is None:
        return ()
    folder = Path(spec.origin).parent / "lib"
    return tuple(path for name in NAMES if (path := folder / f"lib{name}.{ending}").is_file())


def _load(path: Path) -> None:
    """Load a library; if that fails, the import that follows says why."""
    load = ctypes.CDLL(None).dlopen  # a foreign function is called without the lock; ctypes.CDLL itself keeps it
    load.restype, load.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    load(os.fsencode(path), os.RTLD_NOW)
