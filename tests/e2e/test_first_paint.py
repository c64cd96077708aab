"""The start, in a process of its own: what is imported and shown by the first paint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SLOW = ("torch", "kornia", "sklearn", "scipy", "pyqtgraph", "skimage", "PIL", "matplotlib")

# Opens the real window; at the first paint of the workspace it reports and leaves.
PROBE = """
import json, sys
from app.ui import launch
from app.ui.launch import _application, open_window
app = _application()
order = [name for name in sys.modules if name in ("numpy", "cv2", "PySide6")]
window = open_window(None)
from PySide6.QtCore import QEvent, QObject, QTimer

class FirstPaint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not seen:
            result = window.session.result
            seen.update(
                slow=sorted(set(SLOW) & set(sys.modules)),
                order=order,
                pictures=result is not None and result.pair is not None,
                title=window.windowTitle(),
            )
            QTimer.singleShot(0, app.quit)
        return False

seen = {}
watch = FirstPaint()
window.centre.currentWidget().installEventFilter(watch)
for child in window.centre.currentWidget().findChildren(QObject):
    child.installEventFilter(watch)
window.show()
app.exec()
window.close()
print("REPORT" + json.dumps(seen), flush=True)
from app.jobs import native_calls_ended
native_calls_ended(60.0)  # the interpreter must not be torn down under the matching that was left
"""


@pytest.fixture(scope="module")
def report(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environ = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "CORRESPONDENCE_EXPLORER_CONFIG": str(tmp_path_factory.mktemp("config")),
    }
    done = subprocess.run(
        [sys.executable, "-c", f"SLOW = {SLOW!r}\n{PROBE}"],
        cwd=project_root, env=environ, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("REPORT"))
    found: dict[str, Any] = json.loads(line.removeprefix("REPORT"))
    return found


def test_that_nothing_slow_is_imported_by_the_first_paint(report: dict[str, Any]) -> None:
    assert report["slow"] == []


def test_that_numpy_and_opencv_come_before_qt(report: dict[str, Any]) -> None:
    assert report["order"] == ["numpy", "cv2", "PySide6"]


def test_that_the_first_paint_shows_the_pictures_of_the_first_pair(report: dict[str, Any]) -> None:
    assert report["pictures"]
    assert report["title"]
