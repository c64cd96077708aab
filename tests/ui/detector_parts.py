"""Detectors of the user's own on the SuperPoint page, for its tests: one made, the list, the name, the files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from superpoint_parts import page_of
from window_parts import settled

from app.learning.detector_store import DetectorCard, save_detector
from app.learning.superpoint_network import MINI, random_weights
from app.ui.form import _ChoiceRow
from app.ui.own_card import OwnCard
from app.ui.workspaces.convnet import ConvNetWorkspace

OWN = "corners.safetensors"


def detector_in(folder: Path) -> Path:
    """Write a detector and its card as the command does."""
    numbers = {"shapes, recall": 0.5, "shapes, x": 1}
    card = DetectorCard("", "", "drawn shapes", {"seed": 7, "steps": 4000}, 90.0, numbers)
    save_detector(folder / OWN, card, random_weights(MINI, 7))
    return folder / OWN


def offered(workspace: ConvNetWorkspace) -> list[str]:
    """The words of the choice of weights, as the list shows them when it is turned to."""
    row = page_of(workspace).form.rows["weights"]
    assert isinstance(row, _ChoiceRow)
    row.combo.showPopup()
    row.combo.hidePopup()
    return [row.combo.itemText(index) for index in range(row.combo.count())]


def chosen(workspace: ConvNetWorkspace) -> str:
    row = page_of(workspace).form.rows["weights"]
    assert isinstance(row, _ChoiceRow)
    return row.combo.currentText()


def click(workspace: ConvNetWorkspace, button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    settled(workspace)


def write_name(own: OwnCard, name: str) -> None:
    """Write another name into the field, by hand."""
    QTest.mouseClick(own.name, Qt.MouseButton.LeftButton)
    QTest.keyClick(own.name, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(own.name, Qt.Key.Key_Delete)
    QTest.keyClicks(own.name, name)


def kept(folder: Path) -> dict[str, bytes]:
    """Return what lies in a folder, to the last byte."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}
