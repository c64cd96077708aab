"""What is done ahead of the window, its first frame, and what that does without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app import pairs
from app.jobs import Progress, native, run_to_end
from app.records import ImagePair, PairRef
from app.ui.launch import Ahead
from app.ui.session_state import SessionState, Store


def read(ahead: Ahead, ref: PairRef) -> ImagePair:
    """The pair read ahead."""
    reading = ahead.take(ref)
    assert reading is not None
    pair: ImagePair = run_to_end(native(reading, progress=Progress(0, None, "Waiting")))[0]
    return pair


def test_that_the_first_built_in_pair_is_read_where_nothing_was_asked_for() -> None:
    ref = pairs.builtin()[0]
    assert read(Ahead(None), ref).left.id == pairs.load(ref).left.id


def test_that_the_pair_of_the_last_session_is_read_and_rather_the_one_asked_for(tmp_path: Path) -> None:
    store, (asked, last) = Store(tmp_path), pairs.builtin()[1:3]
    store.save(replace(SessionState(), pair=last))
    assert read(Ahead(store), last).ref == last
    assert read(Ahead(store, [asked]), asked).ref == asked


def test_that_a_reading_is_given_once_and_only_for_its_own_pair() -> None:
    first, second = pairs.builtin()[:2]
    ahead = Ahead(None, [first])
    assert ahead.take(second) is None
    assert ahead.take(first) is None, "by then its files may be others"
    ahead = Ahead(None, [first])
    assert ahead.take(first) is not None
    assert ahead.take(first) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "null", json.dumps({"kind": "session", "version": 1, "pair": {"kind": "files"}})]
)
def test_that_a_broken_last_session_gives_the_first_built_in_pair_and_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "session.json").write_text(text, encoding="utf-8")
    ahead, first = Ahead(Store(tmp_path)), pairs.builtin()[0]
    assert read(ahead, first).ref == first
    assert len(ahead.last.complaints) == 1


# None of these is needed to show the pair: they would only let the user wait for it.
LATE = {
    *("torch", "kornia", "sklearn", "scipy", "pyqtgraph", "PIL", "PySide6.QtSvg", "app.vision.nearest"),
    *("app.ui.overlays", "app.ui.line_layer", "app.ui.opening", "app.ui.surroundings", "app.ui.workspaces.match"),
}
FIRST_FRAME = """
import json, os, sys
from app.ui import display, launch
ahead = launch.Ahead(None)
display.import_qt()
app = launch._application()
window = launch.open_window(None, ahead=ahead)
def told(canvas):
    at = canvas.mapTo(window, canvas.rect().topLeft())
    return [at.x(), at.y(), canvas.width(), canvas.height()], [*canvas.images], [*sys.modules]
def complete(make=window.complete):
    said["first"] = told(window.centre.currentWidget().canvas)
    make()
def report():
    print(json.dumps(said | {"later": told(window.front.canvas)[:2]}))
    window.close()
said, window.complete = {}, complete
window.first_painted.connect(report)
window.show()
app.exec()
sys.stdout.flush()
os._exit(0)
"""


def test_that_the_first_frame_shows_the_pair_at_its_place_and_nothing_else_is_imported(
    project_root: Path, tmp_path: Path
) -> None:
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "CORRESPONDENCE_EXPLORER_CONFIG": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME],
        cwd=project_root, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    place, images, modules = said["first"]
    assert images == ["left", "right"]
    assert not LATE & set(modules)
    assert said["later"][1] == images
    # The strip above the picture is as high as the font asks for; the preview keeps its usual height free.
    assert place == pytest.approx(said["later"][0], abs=2)
