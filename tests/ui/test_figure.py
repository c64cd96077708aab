"""Figures: every format is valid, holds legend and caption, and a failed write leaves nothing behind."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import lru_cache
from pathlib import Path

import cv2
import pytest
from PySide6.QtWidgets import QApplication

from app import __version__, matchers, pairs, pipeline
from app.jobs import run_to_end
from app.records import MatchRequest, MatchResult, UserError
from app.ui.figure import caption, save_figure

pytestmark = pytest.mark.usefixtures("qapp")


@lru_cache
def result() -> MatchResult:
    settings = matchers.with_assignments(matchers.get("sift").defaults(), ["match.ratio=0.7"])
    return run_to_end(pipeline.run_pair(MatchRequest(pairs.builtin()[0], "sift", settings)))


def test_that_the_caption_tells_how_it_was_made() -> None:
    text = caption(result())
    for part in ("SIFT", "match.ratio 0.7", "inliers", "Precision", "Seed 0", __version__):
        assert part in text


def test_that_a_png_has_the_asked_width(tmp_path: Path) -> None:
    save_figure(result(), tmp_path / "a.png", width_px=900)
    assert cv2.imread(str(tmp_path / "a.png")).shape[1] == 900


def test_that_an_svg_holds_lines_legend_and_caption(tmp_path: Path) -> None:
    save_figure(result(), tmp_path / "a.svg", top=0)
    root = ET.parse(tmp_path / "a.svg").getroot()
    words = " ".join(t for e in root.iter() if e.tag.endswith("text") for t in e.itertext())
    assert "right" in words
    assert "wrong" in words
    assert "Precision" in words
    strokes = [e for e in root.iter() if e.tag.endswith(("path", "polyline", "line"))]
    assert result().matches is not None
    assert len(strokes) >= len(result().matches)  # type: ignore[arg-type]  # it has matches
    assert sum(e.tag.endswith("image") for e in root.iter()) >= 2


def test_that_a_pdf_is_one(tmp_path: Path) -> None:
    save_figure(result(), tmp_path / "a.pdf", theme="dark", colour_by="ratio")
    data = (tmp_path / "a.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"%%EOF" in data[-32:]


def test_that_another_ending_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.png, \.svg or \.pdf"):
        save_figure(result(), tmp_path / "a.docx")
    with pytest.raises(UserError, match="does not exist"):
        save_figure(result(), tmp_path / "no" / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_that_an_application_is_found(qapp: QApplication) -> None:
    assert QApplication.instance() is qapp
