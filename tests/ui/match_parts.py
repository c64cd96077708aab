"""What the tests of the Match workspace share: small real pairs, a matcher that counts, and hands for the mouse."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app import matchers
from app.jobs import Progress
from app.records import ImagePair, PairRef, Side, Truth
from app.ui.launch import _wait
from app.ui.main_window import MainWindow
from app.ui.match_state import MatchState
from app.ui.pair_view import PairView
from app.ui.session import Message
from app.ui.workspaces.match import MatchWorkspace
from app.vision.images import make_image

WIDTH, HEIGHT = 240, 180
HOMOGRAPHY = np.array([[0.93, -0.10, 22.0], [0.08, 0.96, -6.0], [1e-4, 0.0, 1.0]])
FUNDAMENTAL = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # rows of both pictures are the same
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def _texture() -> np.ndarray:
    """Blobs of several sizes on a grey ground, with enough corners for every detector."""
    rng = np.random.default_rng(4)
    canvas = np.full((HEIGHT, WIDTH), 110, np.uint8)
    for _ in range(80):
        x, y, r = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT)), int(rng.integers(2, 12))
        if rng.random() < 0.5:
            cv2.circle(canvas, (x, y), r, int(rng.integers(0, 256)), -1, cv2.LINE_AA)
        else:
            cv2.rectangle(canvas, (x, y), (x + r, y + 2 * r), int(rng.integers(0, 256)), -1)
    return np.repeat(cv2.GaussianBlur(canvas, (0, 0), 0.8)[:, :, None], 3, axis=2)


_LEFT = _texture()
_RIGHT = cv2.warpPerspective(_LEFT, HOMOGRAPHY, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


def _noisy(rgb: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(7).normal(0, 6, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def _dense() -> np.ndarray:
    """The homography as a map that knows nothing about the left third."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    carried = np.stack([x, y, np.ones_like(x)], -1) @ HOMOGRAPHY.T
    flow = (carried[..., :2] / carried[..., 2:]).astype(np.float32)
    flow[:, : WIDTH // 3] = np.nan
    return flow


TRUTHS = {
    "plane": Truth(homography=HOMOGRAPHY),
    "unknown": Truth(),
    "dense": Truth(forward=_dense()),
    "stereo": Truth(fundamental=FUNDAMENTAL),
    "blank": Truth(homography=np.eye(3)),
}
REFS = tuple(PairRef("builtin", f"The {name} pair", recipe=name, tags=("made",)) for name in TRUTHS)


def small_pair(ref: PairRef) -> ImagePair:
    """Stand in for ``pairs.load``: quick pictures with the truth that the recipe names."""
    if ref.recipe == "blank":
        rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        return ImagePair(ref, make_image(rgb, "blank"), make_image(rgb, "blank"), TRUTHS["blank"])
    right = _RIGHT if ref.recipe != "stereo" else np.roll(_LEFT, -6, axis=1)
    names = (f"{ref.recipe} one", f"{ref.recipe} two")
    images = [make_image(np.ascontiguousarray(_noisy(p)), name) for p, name in zip((_LEFT, right), names, strict=True)]
    return ImagePair(ref, *images, TRUTHS[ref.recipe])


class Counted:
    """The real matchers, each with its calls counted by stage.

    ``seconds`` is how long a detection sleeps first; one that finds ``gate`` waits there until it is opened, and
    ``passed`` is how many have done so.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds = 0.0
        self.gate: threading.Event | None = None
        self.passed = 0
        self.fail: Exception | None = None
        self._get = matchers.get
        self._made: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """Stand in for ``matchers.get``."""
        if key not in self._made:
            spec = self._get(key)
            stages = {name: getattr(spec, name) for name in ("detect", "describe", "match", "extract")}
            counted = {name: self._wrap(name, stage) for name, stage in stages.items() if stage is not None}
            self._made[key] = replace(spec, **counted)
        return self._made[key]

    def _wrap(self, name: str, stage: Any) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls[name] += 1
            if name in ("detect", "extract"):
                time.sleep(self.seconds)
                if (gate := self.gate) is not None:
                    gate.wait(60)
                    self.passed += 1
                if self.fail is not None:
                    raise self.fail
            return stage(*arguments)

        return call

    def reset(self) -> None:
        """Forget all calls, and work as usual."""
        self.calls.clear()
        self.seconds, self.gate, self.passed, self.fail = 0.0, None, 0, None

    @property
    def detections(self) -> int:
        """How often keypoints were looked for."""
        return self.calls["detect"] + self.calls["extract"]


class Hands:
    """What a user does to the Match workspace, with real events."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    @property
    def workspace(self) -> MatchWorkspace:
        workspace = self.window.workspaces["match"]
        assert isinstance(workspace, MatchWorkspace)
        return workspace

    @property
    def canvas(self) -> PairView:
        return self.workspace.canvas

    @property
    def details(self) -> Any:
        return self.workspace.details

    @property
    def message(self) -> Any:
        return self.window.around.message_line.message

    def start_afresh(self) -> None:
        """Bring everything back to where a first start leaves it."""
        session = self.window.session
        session.match_lane.resume()
        session.set_workspace_state("match", MatchState())
        session.set_matcher("sift")
        session.reset_settings()
        session.open_pairs(REFS)
        session.select(None)
        if not session.complete and not session.busy:
            session.run()
        self.details.why.clear()
        self.settle()
        session.forget_history()
        session.state_changed.emit(session.state)
        session.message.emit(Message(""))
        self.canvas.fit()
        self.canvas.setFocus()

    def start_lanes(self) -> None:
        """Let every lane have its thread, so that a test which uses one first does not seem to leak it."""

        def nothing() -> Generator[Progress, None, None]:
            yield Progress(0, 1, "Nothing")

        session = self.window.session
        lanes = (session.probe_lane, session.thumbnail_lane, session.lane("export"))
        for lane in lanes:
            if not lane.busy:
                lane.start(nothing)
        self.wait(lambda: not any(lane.busy for lane in lanes))

    def wait(self, done: Any, seconds: float = 5.0) -> None:
        assert _wait(done, seconds), "nothing happened in time"

    def settle(self) -> None:
        """Wait for the match."""
        self.wait(lambda: not self.window.session.busy and self.window.session.complete)

    def key(self, keys: str, widget: QWidget | None = None) -> None:
        """Press a key or a shortcut on the picture, or on another widget."""
        target = widget if widget is not None else self.canvas
        target.setFocus()
        combination = QKeySequence(keys)[0]
        QTest.keyClick(target, combination.key(), combination.keyboardModifiers())

    def type(self, text: str, widget: QWidget) -> None:
        widget.setFocus()
        QTest.keyClicks(widget, text)

    def point(self, side: Side, x: float, y: float) -> QPoint:
        """The canvas's pixel of a picture's place."""
        return self.canvas.screen_of(side, x, y).toPoint()

    def click(self, at: QPoint) -> None:
        self.hover(at)
        QTest.mouseClick(self.canvas, LEFT, NONE, at)

    def hover(self, at: QPoint) -> None:
        QTest.mouseMove(self.canvas, at)

    def drag(self, start: QPoint, end: QPoint, held: Qt.KeyboardModifier = NONE) -> None:
        QTest.mousePress(self.canvas, LEFT, held, start)
        for share in (0.3, 0.7, 1.0):
            at = QPointF(start) + share * QPointF(end - start)
            _send_move(self.canvas, at, held)
        QTest.mouseRelease(self.canvas, LEFT, held, end)

    def open_tab(self, key: str) -> None:
        """Click on a tab of the details."""
        bar = self.details.bar
        QTest.mouseClick(bar, LEFT, NONE, bar.tabRect(list(self.details.tabs).index(key)).center())
        assert self.workspace.match_state.tab == key

    def open_pair(self, name: str) -> None:
        self.window.session.set_pair(next(ref for ref in REFS if ref.recipe == name))
        self.settle()

    def choose(self, combo: Any, data: str) -> None:
        """Choose an entry of a combo box by its key, with the arrows of the keyboard."""
        combo.setFocus()
        target, step = combo.findData(data), 0
        assert target >= 0, data
        while combo.currentIndex() != target and step < combo.count():
            QTest.keyClick(combo, Qt.Key.Key_Down if combo.currentIndex() < target else Qt.Key.Key_Up)
            step += 1
        assert combo.currentData() == data

    def clipboard(self) -> str:
        return QGuiApplication.clipboard().text()

    def visible_marks(self, colour: str = "") -> list[Any]:
        return [mark for mark in self.canvas.marks if not colour or mark.colour == colour]

    def middle_of(self, match: int, share: float = 0.5) -> QPoint:
        """A canvas pixel on the line of a match."""
        values = self.workspace.values
        left = self.canvas.screen_of("left", float(values.x1[match]), float(values.y1[match]))
        right = self.canvas.screen_of("right", float(values.x2[match]), float(values.y2[match]))
        return (left + share * (right - left)).toPoint()

    def lonely(self) -> tuple[int, QPoint]:
        """A drawn match and a pixel of its line that no other line is nearer to."""
        for match in self.workspace.drawn.tolist():
            for share in (0.5, 0.35, 0.65, 0.2, 0.8):
                at = self.middle_of(match, share)
                if self.canvas.line_at(at.x(), at.y()) == match:
                    return match, at
        raise AssertionError("no line stands alone")

    def empty_place(self, side: Side = "left") -> tuple[float, float]:
        """A place of a picture with no line and no keypoint near."""
        result = self.window.session.result
        assert result is not None
        features = result.left if side == "left" else result.right
        assert features is not None
        for y in range(8, HEIGHT - 8, 3):
            for x in range(8, WIDTH - 8, 3):
                at = self.point(side, x, y)
                gap = np.linalg.norm(features.keypoints.xy - (x, y), axis=1).min(initial=1e9)
                if self.canvas.line_at(at.x(), at.y()) is None and gap > 8:
                    return float(x), float(y)
        raise AssertionError("no empty place")


def _send_move(widget: QWidget, at: QPointF, held: Qt.KeyboardModifier) -> None:
    """Move the mouse with the left button down; QTest's own move holds no button."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    glob = widget.mapToGlobal(at)
    none = Qt.MouseButton.NoButton
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, at, glob, none, LEFT, held))
