"""Saving what the canvas shows as a figure: PNG, SVG or PDF, with legend and caption.

What lives here: :func:`save_figure` and the caption. What does not: the command line and dialogs. May import: the
canvas, colour rules, settings, ``app.formats.summary``, Qt. It works without a window and without a display.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPageSize, QPaintDevice, QPainter, QPdfWriter
from PySide6.QtWidgets import QApplication

from app import __version__, matchers
from app.formats.summary import credit_text
from app.records import MatchResult, UserError
from app.settings import atomic_path
from app.ui.colour_rules import picture_of
from app.ui.match_values import values_of
from app.ui.pair_plane import SIDES
from app.ui.pair_view import PairView
from app.ui.picture_files import as_png
from app.ui.plane_view import PADDING
from app.ui.style import DARK, LIGHT
from app.ui.svg_figure import drawn_svg

SUFFIXES = (".png", ".svg", ".pdf")
CAPTION_ROOM = 64
WIDTH = 1600


def ensure_application() -> QApplication:
    """Return the application, making an offscreen one where there is none."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QApplication([])


def caption(result: MatchResult) -> str:
    """Return what made the picture: matcher, changed settings, counts, seed, version, and whose pictures they are."""
    spec = matchers.get(result.request.matcher)
    changed = matchers.changed_settings(spec, result.request.settings)
    words = [f"{result.request.ref.title}. {spec.title}"]
    words += [f"{name} {value}" for name, value in changed.items()]
    steps = " → ".join(f"{count} {name}" for name, count in result.funnel)
    judged = result.evaluation
    truth = ""
    if judged is not None and judged.truth_kind not in ("none", "epipolar"):
        truth = f" Precision {judged.precision:.3f}, recall {judged.recall:.3f} at {judged.threshold_px:g} px."
    seed = result.request.settings.verify.seed
    made = f"{', '.join(words)}. {steps}.{truth} Seed {seed}; Correspondence Explorer {__version__}."
    return f"{made} {credit}" if (credit := credit_text(result.pair)) else made


def save_figure(
    result: MatchResult,
    path: str | Path,
    *,
    theme: str = "light",
    colour_by: str = "verdict",
    top: int = 150,
    width_px: int = WIDTH,
) -> None:
    """Draw a result and save it as PNG, SVG or PDF by the path's ending.

    Args:
        result: complete, with its pair.
        path: the file; written under a temporary name and renamed.
        theme: ``light`` or ``dark``.
        colour_by: a key of ``colour_rules.RULES``.
        top: draw the best so many matches; 0 draws all.
        width_px: width of the picture part in pixels.

    Raises:
        UserError: for another ending, or if the file cannot be written.
    """
    _suffix_of(path)  # before the work, not after it
    application = ensure_application()
    drawn_figure(result, path, theme=theme, colour_by=colour_by, top=top, width_px=width_px)()
    del application


def drawn_figure(
    result: MatchResult, path: str | Path, *, theme: str, colour_by: str, top: int, width_px: int = WIDTH
) -> Callable[[], None]:
    """Draw a result as :func:`save_figure` does; return what encodes and writes it, in any thread."""
    view = canvas_of(result, theme=theme, colour_by=colour_by, top=top, width_px=width_px)
    try:
        return drawn(view, path, caption(result))
    finally:
        view.deleteLater()


def canvas_of(result: MatchResult, *, theme: str, colour_by: str, top: int, width_px: int) -> PairView:
    """Return a canvas (not shown) that holds a result, as high as its pictures need."""
    assert result.pair is not None, "a figure needs the pictures"
    tokens = DARK if theme == "dark" else LIGHT
    view = PairView(tokens)
    view.resize(width_px, width_px)
    view.set_images(result.pair.left, result.pair.right)
    view.set_arrangement("side")
    for side in SIDES:
        image = result.pair.left if side == "left" else result.pair.right
        view.captions[side] = f"{image.name} · {image.width} × {image.height}"
    assert view.scene is not None
    _, _, width, height = view.scene.bounds
    values = values_of(result)
    lines, legend = picture_of(result, values, colour_by, tokens.colours(), top=top)
    # Room below the pictures for the legend, so that it covers nothing.
    rows = 2 + len(legend.rows) + (2 if legend.bar else 0)
    view.resize(width_px, round((width_px - 2 * PADDING) * height / width) + 2 * PADDING + rows * 24)
    view.fit()
    view.set_lines(lines)
    view.set_legend(legend)
    return view


def save_view(view: PairView, path: str | Path, text: str) -> None:
    """Write what a canvas shows, with a caption under it, atomically.

    Raises:
        UserError: for another suffix, or if the file cannot be written.
    """
    drawn(view, path, text)()


def drawn(view: PairView, path: str | Path, text: str) -> Callable[[], None]:
    """Draw what a canvas shows, with a caption under it; return what encodes and writes it, in any thread.

    Raises:
        UserError: for another suffix; the returned function, if the file cannot be written.
    """
    suffix = _suffix_of(path)
    size = QSize(view.width(), view.height() + CAPTION_ROOM)
    # Made in memory: Qt's own writers of SVG and PDF do not say when a disk is full.
    encoded = _DRAWN[suffix](view, size, text)

    def write() -> None:
        """Encode and write."""
        with atomic_path(path) as temporary:
            temporary.write_bytes(encoded())

    return write


def _suffix_of(path: str | Path) -> str:
    """Return the ending of a figure's file.

    Raises:
        UserError: if figures are not saved as such.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{Path(path).name}: a figure is saved as .png, .svg or .pdf; choose one of these endings.")
    return suffix


def _draw(painter: QPainter, view: PairView, text: str) -> None:
    painter.fillRect(QRectF(0, 0, view.width(), view.height() + CAPTION_ROOM), QColor(view.tokens.canvas))
    view.layer.vector = True
    try:
        view.paint(painter)
    finally:
        view.layer.vector = False
    painter.setFont(view.ui_font(0.9))
    painter.setPen(QColor(view.tokens.text))
    room = QRectF(16, view.height() + 4, view.width() - 32, CAPTION_ROOM - 8)
    shown = text
    metrics = QFontMetricsF(painter.font())
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
    while metrics.boundingRect(room, int(flags), shown).height() > room.height() and len(shown) > 40:
        shown = shown[: len(shown) * 9 // 10].rstrip() + "…"
    painter.drawText(room, int(flags), shown)


_Encoded = Callable[[], bytes]


def _png(view: PairView, size: QSize, text: str) -> _Encoded:
    image = QImage(size, QImage.Format.Format_RGB32)
    _paint_on(image, view, text)
    return partial(as_png, image)


def _svg(view: PairView, size: QSize, text: str) -> _Encoded:
    return drawn_svg(size, text, lambda painter: _draw(painter, view, text))


def _pdf(view: PairView, size: QSize, text: str) -> _Encoded:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(96)
    # One pixel of the view is one 96th of an inch on the page.
    writer.setPageSize(
        QPageSize(QSizeF(size.width() / 96 * 25.4, size.height() / 96 * 25.4), QPageSize.Unit.Millimeter)
    )
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setTitle("Correspondence Explorer")
    _paint_on(writer, view, text)
    return partial(bytes, buffer.data().data())


def _paint_on(device: QPaintDevice, view: PairView, text: str) -> None:
    painter = QPainter(device)
    _draw(painter, view, text)
    painter.end()


_DRAWN: dict[str, Callable[[PairView, QSize, str], _Encoded]] = {".png": _png, ".svg": _svg, ".pdf": _pdf}
