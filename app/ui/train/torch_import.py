"""The first import of torch, without freezing the window.

What lives here: :func:`import_torch`, called in the training's lane. What does not: any use of torch. May import:
``shared_library``; torch by name.

Loading torch's shared libraries takes about 0.4 s, and Python's import system holds the interpreter's lock all the
while; so they are loaded beforehand.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
from pathlib import Path

from app.ui.shared_library import load

NAMES = ("torch_cpu", "torch_python")


def import_torch() -> None:
    """Import torch, which takes a while the first time, and take its many objects out of later collections."""
    if "torch" in sys.modules:
        return
    for path in libraries():
        load(path)
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
