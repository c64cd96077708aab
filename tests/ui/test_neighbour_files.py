"""Labelled data of one's own on the Neighbours page: opened, dropped, and refused in one sentence."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from metric_parts import shown_on
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from window_parts import change

from app.learning.data_files import DataSet, is_data
from app.ui.launch import _wait
from app.ui.metric.item_pictures import PATCH, feature_bars, item_picture
from app.ui.metric.neighbour_page import NO_FILE
from app.ui.metric.neighbour_state import NEIGHBOUR_KEY, NeighbourState, used_fields
from app.ui.session import Message, Session
from app.ui.workspaces.metric import MetricWorkspace

QUICK = NeighbourState(data="file", learner="nca", iterations=5, folds=2)


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_on("neighbours", session, **{NEIGHBOUR_KEY: QUICK}) as made:
        yield made


def table(path: Path, *, unit: float = 1.0) -> Path:
    """Write 60 rows of three classes that only the first feature tells apart, in another unit than the second."""
    rng = np.random.default_rng(0)
    rows = [f"{unit * (y + rng.normal(0, 0.2))},{1000 * rng.normal()},kind {y}" for y in range(3) for _ in range(20)]
    path.write_text("\n".join(["a,b,class", *rows]), encoding="utf-8")
    return path


def mnist(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(4, dtype=np.uint8), 15)
    x = np.clip(60 * y[:, None] + rng.normal(0, 20, (60, 36)), 0, 255).astype(np.uint8)
    images = folder / "t10k-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 60, 6, 6) + x.tobytes()))
    labels = folder / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(struct.pack(">4BI", 0, 0, 8, 1, 60) + y.tobytes()))
    return images


def settled(workspace: MetricWorkspace) -> None:
    assert _wait(lambda: not workspace.busy, 60.0)


def test_that_a_table_is_opened_by_the_button(
    workspace: MetricWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = workspace.page_of("neighbours")
    assert page.head.text() == NO_FILE  # an empty page says what to try
    path = table(tmp_path / "kinds.csv")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    QTest.mouseClick(page.files.file, Qt.MouseButton.LeftButton)
    assert page.busy
    settled(workspace)
    assert page.fault == ""
    assert page.outcome is not None
    found = page.outcome.strip
    assert found.data.classes == ("kind 0", "kind 1", "kind 2")
    assert found.nearest.items == 60
    assert page.state.file == str(path)
    workspace.grab()
    change(page, standardise=True)  # a form knows nothing of the file
    settled(workspace)
    assert page.state.file == str(path)
    assert page.outcome is not None
    assert page.outcome.strip.nearest.before < found.nearest.before - 0.1  # no unit decides any more
    workspace.session.undo()
    assert not page.state.standardise
    settled(workspace)


def test_that_idx_files_and_folders_are_dropped(workspace: MetricWorkspace, tmp_path: Path) -> None:
    page = workspace.page_of("neighbours")
    pictures = tmp_path / "people"
    rng = np.random.default_rng(0)
    for name in ("ann", "bo"):
        (pictures / name).mkdir(parents=True)
        for at in range(8):
            cv2.imwrite(str(pictures / name / f"{at}.png"), rng.integers(0, 255, (9, 7), np.uint8))
    for path, classes, shape in (
        (mnist(tmp_path), ("0", "1", "2", "3"), (6, 6)),
        (pictures, ("ann", "bo"), (9, 7)),
    ):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        entering = QDragEnterEvent(page.rect().center(), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                                   Qt.KeyboardModifier.NoModifier)  # fmt: skip
        page.dragEnterEvent(entering)
        assert entering.isAccepted()
        page.dropEvent(
            QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
        )  # fmt: skip
        settled(workspace)
        assert page.outcome is not None
        assert page.fault == ""
        assert page.outcome.strip.data.classes == classes
        assert page.outcome.strip.data.picture == shape
        assert page._picture(0).shape == (*shape, 3)


def test_that_a_picture_is_left_to_the_window(workspace: MetricWorkspace, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "left.png"))])
    entering = QDragEnterEvent(workspace.rect().center(), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier)  # fmt: skip
    entering.accept()
    workspace.page_of("neighbours").dragEnterEvent(entering)
    assert not entering.isAccepted()
    assert [is_data(name) for name in ("a.CSV", "train-labels-idx1-ubyte", "faces.mat", "a.jpg", str(tmp_path))] == [
        True, True, True, False, True
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("gone.csv", None, "no such file"),
        ("text.csv", "a,b,class\n1,2,x\n1,two,y\n", "line 3: b holds the text 'two'"),
        ("nan.csv", "a,b,class\n1,2,x\n1,nan,y\n", "not a finite number"),
        ("one.csv", "a,b,class\n" + "1,2,x\n" * 30, "One class"),
        ("noise.npz", "not a zip", "noise.npz"),
        ("few.csv", "a,b,class\n1,2,x\n3,4,y\n", "fold"),
    ],
)
def test_that_a_bad_file_is_told_in_one_sentence(
    workspace: MetricWorkspace, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    page, messages = workspace.page_of("neighbours"), []
    workspace.session.message.connect(messages.append)
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    page.take_file(str(path))
    settled(workspace)
    assert told.lower() in page.fault.lower()
    assert page.head.text() == page.fault
    assert isinstance(messages[-1], Message)
    assert messages[-1].text == page.fault
    page.take_file(str(table(path.with_name("good.csv"))))  # the page goes on
    settled(workspace)
    assert page.fault == ""
    assert page.outcome is not None


def test_that_a_file_written_anew_is_read_again(workspace: MetricWorkspace, tmp_path: Path) -> None:
    page, path = workspace.page_of("neighbours"), tmp_path / "kinds.csv"
    page.take_file(str(table(path)))
    settled(workspace)
    path.write_text(path.read_text(encoding="utf-8").replace("kind 2", "third"), encoding="utf-8")
    page.take_file(str(path))
    settled(workspace)
    assert page.outcome is not None
    assert page.outcome.strip.data.classes == ("kind 0", "kind 1", "third")


def test_the_bars_of_features() -> None:
    ground, bar = (0, 0, 0), (9, 90, 200)
    x = np.array([[0.0, 5.0, 7.0], [1.0, 5.0, 3.0], [0.5, 5.0, 5.0]])
    heights = [(feature_bars(x, row, ground, bar)[:, :, 2] == 200).sum(axis=0) for row in range(3)]
    assert heights[0][10] == 1  # the least value: only the foot of a bar
    assert heights[1][10] == PATCH - 5
    assert heights[0][32] == heights[1][32]  # a constant feature tells nothing
    assert heights[0][55] > heights[2][55] > heights[1][55]
    assert feature_bars(np.eye(200), 3, ground, bar).shape == (PATCH, PATCH, 3)


@pytest.mark.parametrize("scale", [0.1, 1.0, 255.0])
def test_the_grey_of_pictures(scale: float) -> None:
    x = scale * np.array([[0.0, 0.5, 1.0, 0.25]])
    data = DataSet("k", "t", x, np.zeros(1, np.int64), ("a",), picture=(2, 2))
    picture = item_picture(data, 0, (1, 2, 3), (4, 5, 6))
    assert picture.shape == (2, 2, 3)
    assert picture[1, 0, 0] == (round(25.5) if scale < 1 else 255)


def test_that_only_a_file_asks_for_one_spread() -> None:
    assert "standardise" in used_fields(QUICK)
    assert "standardise" not in used_fields(replace(QUICK, data="digits"))
    assert "items" in used_fields(QUICK)
