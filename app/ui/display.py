"""What must be there before Qt may be started: its system libraries and a display that answers.

What lives here: :func:`check`, and Qt's import with what can be loaded ahead of it. What does not: Qt itself; Qt ends
the process where a display or a library of its platform plugin is missing, so both are looked at first. May import:
records, start, ``shared_library``, stdlib.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.records import UserError
from app.start import collector_paused
from app.ui.shared_library import load

# Shared libraries that PySide6 and its xcb plugin need from the system, and their Debian packages.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
ALL_PACKAGES = "libegl1 libgl1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1"  # fmt: skip  # noqa: E501  # one pasteable line
XCB_PLUGIN = Path("Qt", "plugins", "platforms", "libqxcb.so")
# What the offscreen platform says of every window, and nobody can do anything about.
_OFFSCREEN_WORDS = "This plugin does not support"
_HEADLESS = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")


def missing_library_sentence(error: BaseException) -> str:
    """Return what to install for a failed load of a shared library."""
    found = re.search(r"(lib[\w.+-]+\.so[\w.]*)", str(error))
    name = found.group(1) if found else ""
    cause = f"The system library {name} is missing" if name else f"Qt could not be loaded ({error})"
    first = PACKAGES.get(name)
    hint = f" (package {first})" if first else ""
    return f"{cause}{hint}; on Debian or Ubuntu install it with: sudo apt-get install -y {ALL_PACKAGES}"


def load_ahead() -> None:
    """Load Qt's shared libraries and the list of fonts, in a thread, while Python's part of Qt is being imported.

    Neither needs the interpreter's lock; the window would else wait 25 ms for them. What fails here fails again, and
    is then told, in :func:`import_qt` and :func:`check`.
    """
    if sys.platform != "linux":
        return
    for folder in _qt_folders():
        for name in ("QtCore", "QtGui", "QtWidgets"):
            load(folder / f"{name}.abi3.so")
        if not _is_headless(os.environ):
            load(folder / XCB_PLUGIN)
    with contextlib.suppress(OSError):
        ctypes.CDLL("libfontconfig.so.1").FcInit()


def import_qt() -> None:
    """Import the Qt modules that the window needs.

    Raises:
        UserError: naming the missing system library and the packages, or the missing Python package.
    """
    try:
        with collector_paused():
            import PySide6.QtWidgets  # noqa: F401  # imported to see whether it can be
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed; install the program again with pip.") from error
    except ImportError as error:
        raise UserError(missing_library_sentence(error)) from error


@contextlib.contextmanager
def offscreen_words_dropped() -> Iterator[None]:
    """Keep what the offscreen platform says of every window off stderr; all else that Qt says is told there."""
    from PySide6.QtCore import qInstallMessageHandler

    def tell(_kind: object, _place: object, text: str) -> None:
        if not text.startswith(_OFFSCREEN_WORDS) and sys.stderr is not None:
            sys.stderr.write(f"{text}\n")

    before = qInstallMessageHandler(tell)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def check(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> None:
    """Make sure that a window can open here.

    Raises:
        UserError: if there is no display, it does not answer, or a library of Qt's plugin is missing.
    """
    if platform in ("win32", "darwin") or _is_headless(environ):
        return
    wayland, x11 = environ.get("WAYLAND_DISPLAY"), environ.get("DISPLAY")
    if not wayland and not x11:
        raise UserError(
            "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. Start the program in a desktop "
            "session, or use it without a window (match, features, evaluate, --screenshot)."
        )
    if wayland and _wayland_answers(wayland, environ.get("XDG_RUNTIME_DIR", "")):
        return
    if x11:
        _check_plugin()
        if _x11_answers(x11):
            return
    named = " and ".join(f"{name}={value}" for name, value in (("WAYLAND_DISPLAY", wayland), ("DISPLAY", x11)) if value)
    raise UserError(f"The display does not answer ({named}). Is the desktop session running, and may this user use it?")


def _is_headless(environ: Mapping[str, str]) -> bool:
    return environ.get("QT_QPA_PLATFORM", "").split(":")[0] in _HEADLESS


def _qt_folders() -> list[Path]:
    """Return where PySide6 is installed, without importing it; nothing if it is not."""
    spec = importlib.util.find_spec("PySide6")
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec is not None else []


def _wayland_answers(name: str, runtime_folder: str) -> bool:
    import socket  # its tables of constants take a while, and few displays are asked through it

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(Path(runtime_folder) / name))
        except OSError:
            return False
    return True


def _x11_answers(display: str) -> bool:
    """Ask through libxcb, as Qt will, so that a refused permission counts as well."""
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def _check_plugin() -> None:
    """Load Qt's xcb plugin by itself: it names the library that is missing, where Qt would abort."""
    for folder in _qt_folders():
        plugin = folder / XCB_PLUGIN
        if plugin.exists():
            try:
                ctypes.CDLL(str(plugin))
            except OSError as error:
                raise UserError(missing_library_sentence(error)) from error
