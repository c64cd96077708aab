"""What is settled before anything slow is imported."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.start import collector_paused, settle

FIRST = """
import sys
import app.start
print(sorted({"numpy", "cv2", "app.cli", "app.records"} & set(sys.modules)))
"""
SPINNING = """
import time
{settled}
import numpy
product = numpy.ones((600, 600), numpy.float32)
product @ product
here, all_threads = time.thread_time(), time.process_time()
while time.thread_time() - here < 0.2:
    pass
print(time.process_time() - all_threads)
"""


def printed(code: str, root: Path) -> str:
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def test_that_nothing_slow_comes_before_it(project_root: Path) -> None:
    assert printed(FIRST, project_root) == "[]"


def test_that_idle_threads_of_the_matrix_product_sleep(project_root: Path) -> None:
    used = float(printed(SPINNING.format(settled="from app.start import settle; settle()"), project_root))
    assert used < 0.22, f"beside 0.2 s of its own thread the process used {used:.3f} s in all"


def test_that_what_the_user_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_THREAD_TIMEOUT", "20")
    settle()
    assert os.environ["OPENBLAS_THREAD_TIMEOUT"] == "20"


def test_that_the_collector_rests_while_importing_and_then_goes_on() -> None:
    was_enabled = gc.isenabled()
    try:
        gc.enable()
        with collector_paused():
            assert not gc.isenabled()
        assert gc.isenabled()
        gc.disable()
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
