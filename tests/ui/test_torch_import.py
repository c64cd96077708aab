"""The first import of torch: its libraries are found, and a second import costs nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from app.ui.train.torch_import import libraries

pytestmark = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed here")
PROGRAM = """
import gc, sys
from app.ui.train.torch_import import import_torch
import_torch()
import torch
kept = gc.get_freeze_count()
assert kept > 10_000, kept
assert float(torch.ones(3).sum()) == 3.0
import_torch()
assert gc.get_freeze_count() == kept
print("done")
"""


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="elsewhere torch is imported as usual")
def test_the_libraries_are_found() -> None:
    assert [path.name.split(".")[0] for path in libraries()] == ["libtorch_cpu", "libtorch_python"]


def test_torch_works_after_it_and_stays_out_of_collections() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "done", done.stderr
