"""Starting without a display, without a library, and taking a picture of the window."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.records import UserError
from app.ui import display, launch


def run(code: str, project_root: Path, tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python code from the project in a process with these display variables and no others."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    clean |= {"CORRESPONDENCE_EXPLORER_CONFIG": str(tmp_path / "config"), **environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=project_root, env=clean, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


# As the program itself does: it does not end under a native call that still reads the pictures.
START = (
    "import sys\nfrom app.jobs import native_calls_ended\nfrom app.ui import launch\n"
    "code = launch.start()\nnative_calls_ended(20)\nsys.exit(code)\n"
)


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named by variables on Linux")
@pytest.mark.parametrize(
    "environ",
    [{}, {"DISPLAY": ":987"}, {"WAYLAND_DISPLAY": "nobody-0"}, {"DISPLAY": "no.such.host.invalid:3"}],
    ids=["none", "dead x11", "dead wayland", "unknown host"],
)
def test_that_without_a_display_there_is_one_sentence_and_exit_code_2(
    environ: dict[str, str], project_root: Path, tmp_path: Path
) -> None:
    done = run(START, project_root, tmp_path, **environ)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "display" in done.stderr
    assert all(value in done.stderr for value in environ.values())


def test_that_a_platform_without_a_display_is_not_asked_for_one() -> None:
    display.check({"QT_QPA_PLATFORM": "offscreen"}, "linux")
    display.check({}, "win32")
    display.check({}, "darwin")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Wayland's display is a Unix socket")
def test_that_a_wayland_socket_that_answers_is_enough(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "wl-0"))
        server.listen()
        display.check({"WAYLAND_DISPLAY": "wl-0", "XDG_RUNTIME_DIR": str(tmp_path)}, "linux")
    with pytest.raises(UserError, match="does not answer"):
        display.check({"WAYLAND_DISPLAY": "wl-1", "XDG_RUNTIME_DIR": str(tmp_path)}, "linux")


def test_that_a_missing_library_is_named_with_its_package_and_the_command() -> None:
    error = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
    sentence = display.missing_library_sentence(error)
    assert "libEGL.so.1 is missing (package libegl1)" in sentence
    assert "sudo apt-get install -y libegl1 " in sentence
    assert "could not be loaded" in display.missing_library_sentence(ImportError("odd"))


def test_that_an_import_that_fails_for_a_library_ends_with_code_2(project_root: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'PySide6.QtWidgets':\n"
        "            raise ImportError('libEGL.so.1: cannot open shared object file')\n"
        "sys.meta_path.insert(0, Broken())\n" + START
    )
    done = run(code, project_root, tmp_path, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert "libegl1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_that_a_screenshot_has_exactly_its_size_and_is_complete(theme: str, project_root: Path, tmp_path: Path) -> None:
    target = tmp_path / f"{theme}.png"
    code = f"from app.ui import launch; launch.screenshot({str(target)!r}, size=(1280, 800), theme={theme!r})"
    done = run(code, project_root, tmp_path)
    assert done.returncode == 0, done.stderr
    picture = cv2.imread(str(target))
    assert picture.shape == (800, 1280, 3)
    bright = picture.mean() > 128
    assert bright == (theme == "light")
    # The pair is in the middle: there is detail there that no empty window has.
    assert cv2.Laplacian(picture[150:450, 320:900], cv2.CV_64F).std() > 5
    assert not (tmp_path / "config" / "window.ini").exists()  # the user's own layout is left alone


def test_that_a_screenshot_that_cannot_be_written_is_one_sentence(project_root: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom app.ui import launch\nfrom app.records import UserError\n"
        f"try: launch.screenshot({str(tmp_path / 'no' / 'folder.png')!r})\n"
        "except UserError as error: print('SAID', error)"
    )
    done = run(code, project_root, tmp_path)
    assert "SAID Cannot write" in done.stdout, done.stderr


def test_that_a_screenshot_of_a_broken_picture_says_what_is_wrong_with_it(project_root: Path, tmp_path: Path) -> None:
    for name, data in (("a.png", cv2.imencode(".png", np.zeros((40, 40), np.uint8))[1].tobytes()), ("b.png", b"text")):
        (tmp_path / name).write_bytes(data)
    code = f"import sys; from app import cli; sys.argv[1:] = {[str(tmp_path / name) for name in ('a.png', 'b.png')]!r}"
    done = run(f"{code} + ['--screenshot', {str(tmp_path / 'w.png')!r}]; cli.run()", project_root, tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"correspondence-explorer: {tmp_path / 'b.png'} is not a picture that can be read; "
        "use PNG, JPEG, TIFF, WebP, BMP, GIF or PPM.\n"
    )


def test_that_a_screenshot_smaller_than_the_window_can_be_is_refused(project_root: Path, tmp_path: Path) -> None:
    code = f"import sys; from app import cli; sys.argv[1:] = ['--size', '300x200', '--screenshot', '{tmp_path}/w.png']"
    done = run(f"{code}; cli.run()", project_root, tmp_path)
    assert done.returncode == 2
    assert "The window does not fit into 300 × 200; it needs at least" in done.stderr
    assert not (tmp_path / "w.png").exists()


def interrupted(
    arguments: list[str], seconds: float, project_root: Path, tmp_path: Path
) -> subprocess.CompletedProcess[str]:
    """Run the program and press Ctrl+C so many seconds after the command line was read."""
    code = (
        "import os, signal, sys, threading\nfrom app import cli\n"
        # A shell that runs the tests in the background has them, and their children, ignore the signal.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"timer = threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT))\n"
        f"timer.daemon = True\ntimer.start()\nsys.argv[1:] = {arguments!r}\ncli.run()"
    )
    return run(code, project_root, tmp_path, QT_QPA_PLATFORM="offscreen")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("seconds", [0.5, 0.8, 1.1, 1.4])
def test_that_ctrl_c_ends_a_screenshot_with_one_sentence(seconds: float, project_root: Path, tmp_path: Path) -> None:
    target = tmp_path / "w.png"
    done = interrupted(["--screenshot", str(target)], seconds, project_root, tmp_path)
    assert (done.returncode, done.stderr) == (130, "correspondence-explorer: Interrupted.\n")
    assert not list(tmp_path.glob("*w*.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_that_ctrl_c_closes_the_window_which_saves_its_session(project_root: Path, tmp_path: Path) -> None:
    done = interrupted([], 3.0, project_root, tmp_path)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("session.json"))


def test_that_a_screenshot_says_nothing_on_stderr(project_root: Path, tmp_path: Path) -> None:
    code = f"from app.ui import launch; launch.screenshot({str(tmp_path / 'w.png')!r})"
    assert run(code, project_root, tmp_path).stderr == ""


def test_that_waiting_ends_when_the_time_is_over(qapp: object) -> None:
    assert not launch._wait(lambda: False, 0.05)
    assert launch._wait(lambda: True, 0.05)


QUIT_MID_JOB = """
import sys
from app.ui import launch
app = launch._application()
from PySide6.QtCore import QTimer
def leave():
    windows = [w for w in app.topLevelWidgets() if type(w).__name__ == "MainWindow" and w.isVisible()]
    if not windows:
        QTimer.singleShot(1, leave)
        return
    (window,) = windows
    window.session.step_pair(1)
    window.close()
QTimer.singleShot(AFTER, leave)
sys.exit(launch.start())
"""


@pytest.mark.parametrize("after_ms", [0, 30, 300])
def test_that_the_process_ends_cleanly_when_closed_in_the_middle_of_a_job(
    after_ms: int, project_root: Path, tmp_path: Path
) -> None:
    code = QUIT_MID_JOB.replace("AFTER", str(after_ms))
    done = run(code, project_root, tmp_path, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "propagateSizeHints" not in line]
    assert said == []
    assert (tmp_path / "config" / "session.json").exists()
