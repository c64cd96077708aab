"""Export from the Match workspace: files are read back; a failure is one sentence and leaves nothing behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from match_parts import Hands
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QMessageBox, QWidget

from app.formats.matches_csv import read_matches_csv
from app.records import MatchResult
from app.ui.figure import CAPTION_ROOM, caption
from app.ui.match_export import MATCHES, ask_path


@pytest.fixture
def save(hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Press the key (or trigger the named action) of an export and answer its dialog."""

    def saved(action: str, name: str) -> Path:
        path = Path(name) if Path(name).is_absolute() else tmp_path / name
        monkeypatch.setattr(hands.workspace.exporter, "ask", lambda *_: str(path))
        hands.workspace.keys.by_name[action].trigger()
        hands.wait(lambda: not hands.workspace.exporter.busy)
        return path

    return saved


def result_of(hands: Hands) -> MatchResult:
    result = hands.window.session.result
    assert result is not None
    return result


def svg_text(path: Path) -> str:
    root = ElementTree.fromstring(path.read_text("utf-8"))
    return " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


def test_that_the_keys_open_the_dialogs_with_a_good_name(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(hands.workspace.exporter, "ask", lambda _p, title, name, _k: asked.append((title, name)) or "")
    hands.key("Ctrl+E")
    hands.key("Ctrl+Shift+E")
    hands.key("Ctrl+E", hands.details.filter)  # works wherever the keyboard is
    assert [name for _, name in asked] == ["the-plane-pair.png", "the-plane-pair.csv", "the-plane-pair.png"]
    assert hands.message.text == ""  # a changed mind is no message


def test_that_a_file_name_has_one_dash_between_words(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(hands.workspace.exporter, "ask", lambda _p, _t, name, _k: asked.append(name) or "")
    result = result_of(hands)
    for title in ("Coffee: viewpoint", " … "):
        ref = replace(result.request.ref, title=title)
        named = replace(result, request=replace(result.request, ref=ref))
        monkeypatch.setattr(hands.workspace.exporter, "_result", lambda named=named: named)
        hands.workspace.exporter.matches()
    assert asked == ["coffee-viewpoint.csv", "matches.csv"]


def test_that_the_picture_as_shown_is_what_the_canvas_shows_with_a_caption(
    hands: Hands, save: Callable[[str, str], Path]
) -> None:
    width, height = hands.canvas.width(), hands.canvas.height()
    shown = hands.canvas.grab().toImage()
    path = save("export_picture", "shown.png")
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert picture.shape[:2] == (height + CAPTION_ROOM, width)
    for x, y in ((width // 4, height // 2), (width // 2, height // 2), (width - 60, height - 30)):
        assert picture[y, x].tolist() == pytest.approx(shown.pixelColor(x, y).toTuple()[:3], abs=2)
    below = picture[height:].reshape(-1, 3)
    assert len(np.unique(below, axis=0)) > 5  # words
    assert str(path) in hands.message.text


def test_that_an_svg_holds_legend_caption_and_a_line_per_match(hands: Hands, save: Callable[[str, str], Path]) -> None:
    path = save("export_figure", "figure.svg")
    words = svg_text(path)
    assert "Ground truth · within 3 px" in words
    for name, count in (("right", "70"), ("wrong", "11")):
        assert name in words
        assert count in words
    assert "The plane pair. SIFT" in words
    assert "plane one · 240 × 180" in words
    drawing = path.read_text("utf-8")
    assert len(re.findall(r"<polyline\b", drawing)) >= len(hands.workspace.values)


def test_that_the_figure_uses_the_colour_rule_and_the_top_of_the_window(
    hands: Hands, save: Callable[[str, str], Path]
) -> None:
    state = hands.workspace.match_state
    hands.workspace.set_match_state(type(state)(colour_by="ratio", top=20))
    words = svg_text(save("export_figure", "figure.svg"))
    assert "Ratio d₁ / d₂ · 20 of 81" in words


def test_that_a_pdf_has_one_page_of_the_figures_size(hands: Hands, save: Callable[[str, str], Path]) -> None:
    size = (hands.canvas.width(), hands.canvas.height() + CAPTION_ROOM)
    data = save("export_picture", "shown.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1
    box = re.search(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", data)
    assert box is not None
    width, height = (float(v) / 72 * 96 for v in box.groups())
    assert (width, height) == pytest.approx(size, abs=2)


def test_that_the_csv_holds_every_match_whatever_is_filtered(hands: Hands, save: Callable[[str, str], Path]) -> None:
    hands.details.set_filter("wrong")
    table = read_matches_csv(save("export_matches", "matches.csv"))
    values = hands.workspace.values
    np.testing.assert_array_equal(table.left_xy, values.left_xy)
    np.testing.assert_array_equal(table.right_xy, values.right_xy)
    np.testing.assert_allclose(table.ratio, values.ratio, rtol=1e-6)
    np.testing.assert_array_equal(table.inlier, values.inlier.astype(np.int8))
    np.testing.assert_array_equal(table.verdict, values.verdict)
    first = (hands_path := save("export_matches", "again.csv")).read_text("utf-8").splitlines()[:2]
    assert hands_path.suffix == ".csv"
    assert first[0].startswith("#")
    assert "plane one" in first[0]
    assert "240" in first[0]
    assert first[1] == "x1,y1,x2,y2,distance,ratio,confidence,inlier,verdict"


def test_that_the_npz_and_the_json_hold_the_matches(hands: Hands, save: Callable[[str, str], Path]) -> None:
    result = result_of(hands)
    assert result.matches is not None
    assert result.left is not None
    with np.load(save("export_matches", "matches.npz"), allow_pickle=False) as data:
        np.testing.assert_array_equal(data["keypoints0"], result.left.keypoints.xy)
        chosen = np.flatnonzero(data["matches"] >= 0)
        pairs = {(int(i), int(data["matches"][i])) for i in chosen}
    assert pairs == set(map(tuple, result.matches.pairs.tolist()))
    content = json.loads(save("export_matches", "matches.json").read_text("utf-8"))
    np.testing.assert_array_equal(content["matches"]["left_index"], result.matches.pairs[:, 0])
    np.testing.assert_allclose(content["matches"]["x1"], hands.workspace.values.x1, rtol=1e-8)
    assert hands.message.kind == "info"


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("export_picture", "no/such/folder/picture.png"),
        ("export_figure", "no/such/folder/figure.svg"),
        ("export_figure", "no/such/folder/figure.pdf"),
        ("export_matches", "no/such/folder/matches.csv"),
        ("export_matches", "no/such/folder/matches.npz"),
        ("export_matches", "no/such/folder/matches.json"),
        ("export_picture", "/proc/picture.png"),
        ("export_matches", "/proc/matches.csv"),
        ("export_picture", "picture.bmp"),
        ("export_matches", "matches.xlsx"),
    ],
)
def test_that_what_cannot_be_written_is_one_sentence_and_leaves_nothing(
    hands: Hands, save: Callable[[str, str], Path], tmp_path: Path, action: str, name: str
) -> None:
    path = save(action, name)
    assert hands.message.kind == "error"
    assert path.name in hands.message.text
    assert hands.message.text.count("\n") == 0
    assert hands.message.details == ""
    assert not path.exists()
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and "config" not in p.parts]


@pytest.mark.parametrize(
    ("action", "name", "function"),
    [
        ("export_picture", "picture.png", "pathlib.Path.write_bytes"),
        ("export_matches", "matches.csv", "app.formats.matches_csv.rows_of"),
    ],
)
def test_that_a_full_disk_keeps_the_old_file(
    hands: Hands,
    save: Callable[[str, str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    name: str,
    function: str,
) -> None:
    (tmp_path / name).write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(function, full)
    path = save(action, name)
    assert hands.message.kind == "error"
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [name]


def test_that_nothing_is_exported_before_the_match_is_finished(hands: Hands, tmp_path: Path) -> None:
    hands.window.session._complete = False
    hands.workspace.exporter.ask = lambda *_: pytest.fail("no dialog without a result")
    hands.key("Ctrl+Shift+E")
    hands.window.session._complete = True
    assert "nothing to export yet" in hands.message.text


def test_that_the_caption_names_matcher_changed_settings_counts_seed_and_version(hands: Hands) -> None:
    from app import __version__

    words = caption(result_of(hands))
    assert words.startswith("The plane pair. SIFT.")
    assert "178 left keypoints → 189 right keypoints" in words
    assert "Precision 0.864" in words
    assert words.endswith(f"Seed 0; Correspondence Explorer {__version__}.")


def test_that_ctrl_c_on_the_picture_copies_it(hands: Hands) -> None:
    QApplication.clipboard().clear()
    size = (hands.canvas.width(), hands.canvas.height())
    hands.key("Ctrl+C")
    image = QApplication.clipboard().image()
    assert (image.width(), image.height()) == size
    assert hands.message.text == "The picture was copied."


def answered(name: str, folder: Path, *, over: bool) -> tuple[str, list[str]]:
    """Type a name into the dialog and press Save, and answer whether a file may be written over."""
    asked: list[str] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        box.button(QMessageBox.StandardButton.Yes if over else QMessageBox.StandardButton.No).click()

    def save() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        dialog.setDirectory(str(folder))
        edit, buttons = dialog.findChild(QLineEdit), dialog.findChild(QDialogButtonBox)
        assert edit is not None
        assert buttons is not None
        edit.setText(name)
        if (folder / f"{name}.csv").exists():
            QTimer.singleShot(50, answer)
        buttons.button(QDialogButtonBox.StandardButton.Save).click()
        if dialog.isVisible():
            dialog.reject()

    QTimer.singleShot(50, save)
    parent = QWidget()
    return ask_path(parent, "Export all matches", "other.csv", MATCHES), asked


def test_that_a_file_is_not_written_over_unasked_where_the_ending_was_left_out(tmp_path: Path) -> None:
    assert answered("mine", tmp_path, over=False) == (str(tmp_path / "mine.csv"), [])
    (tmp_path / "mine.csv").write_text("old")
    path, asked = answered("mine", tmp_path, over=False)
    assert path == ""
    assert "mine.csv" in asked[0]
    path, asked = answered("mine", tmp_path, over=True)
    assert path == str(tmp_path / "mine.csv")
    assert len(asked) == 1
