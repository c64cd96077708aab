"""What is settled before anything slow is imported."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.start import collector_paused, libraries_when_used, settle

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


PRESSED = """
import sys
import app.start
class Pressed:
    def find_spec(self, name, *_):
        if name == "{module}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
app.start.run()
"""


@pytest.mark.parametrize("module", ["app.cli", "app.commands", "argparse"])
def test_that_ctrl_c_before_the_command_line_is_there_gives_its_sentence(project_root: Path, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRESSED.format(module=module)],
        cwd=project_root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "correspondence-explorer: Interrupted.\n")


PROMISED = """
import sys, threading
from app.start import libraries_when_used, load_libraries, settle
settle(); libraries_when_used()
import numpy as np
import cv2
import app.records, app.vision.images
print("numpy._core" in sys.modules, "cv2.gapi" in sys.modules, hasattr(np, "__wrapped__"))
{use}
print("numpy._core" in sys.modules, sys.modules["numpy"].float32 is np.float32)
print(np.linalg.inv(np.eye(2)).shape, cv2.cvtColor(np.zeros((2, 3, 3), np.uint8), cv2.COLOR_RGB2GRAY).shape)
print(np.testing.__name__, np.nothing if hasattr(np, "nothing") else "no such thing")
"""
THREADS = """
start, found = threading.Barrier(8), []
def use(name):
    start.wait()
    found.append(np.zeros(3).sum() if name % 2 else len(cv2.KeyPoint_convert([cv2.KeyPoint(1, 2, 3)])))
threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert sorted(found) == [0, 0, 0, 0, 1, 1, 1, 1], found
"""


@pytest.mark.parametrize(
    "use",
    ["np.float32", "load_libraries()", "from numpy import array", "import numpy.typing", "cv2.SIFT_create()", THREADS],
    ids=["use", "load", "from", "submodule", "opencv first", "eight threads at once"],
)
def test_that_a_promised_library_is_imported_at_its_first_use(project_root: Path, use: str) -> None:
    said = printed(PROMISED.format(use=use), project_root).splitlines()
    assert said == ["False False False", "True True", "(2, 2) (2, 3)", "numpy.testing no such thing"]


def test_that_what_is_there_already_is_not_promised() -> None:
    import numpy as np

    libraries_when_used()
    assert sys.modules["numpy"] is np


def test_that_a_missing_library_is_missing_where_it_is_imported(project_root: Path) -> None:
    code = """
import app.start
app.start.LIBRARIES = ("numpyy",)
app.start.libraries_when_used()
try:
    import numpyy
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert printed(code, project_root) == "numpyy"
