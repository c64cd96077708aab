"""Small widgets that several panels share: rows of facts, a patch of a picture, the empty-panel sentence.

What lives here: :class:`Facts`, :class:`Patch`, :func:`sentence`. What does not: any particular number. May import:
records, ``app.ui.style``, Qt, cv2, numpy.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import cv2
import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.records import UInt8
from app.ui.style import Style

# A patch shows this many keypoint sizes: the reach of SIFT's descriptor grid (Lowe 2004, section 6).
PATCH_SIZES = 6.0
LEAST_PATCH_PX = 24.0


def sentence(text: str) -> QLabel:
    """Return a muted, wrapped line of explanation."""
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    return label


class Facts(QLabel):
    """Rows of a muted name and its value; the text can be selected and copied."""

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.rows: tuple[tuple[str, str], ...] = ()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        self.setAccessibleName(name)
        look.changed.connect(self._draw)

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show these (name, value) rows."""
        self.rows = tuple(rows)
        self.setAccessibleDescription("; ".join(f"{name} {value}" for name, value in self.rows))
        self._draw()

    def value(self, name: str) -> str:
        """Return the value of a row, empty if there is none of that name."""
        return dict(self.rows).get(name, "")

    def _draw(self, _look: object = None) -> None:
        muted = self._look.tokens.muted
        cells = "".join(
            f'<tr><td style="color:{muted}; padding-right:14px">{html.escape(name)}</td>'
            f'<td align="right" style="white-space:nowrap">{html.escape(value)}</td></tr>'
            for name, value in self.rows
        )
        self.setText(f'<table cellspacing="0" cellpadding="1">{cells}</table>')


def patch_of(rgb: UInt8, xy: tuple[float, float], size: float, angle: float, side: int) -> UInt8:
    """Return (side, side, 3) uint8: the picture around a point, turned upright and scaled by its keypoint.

    Args:
        rgb: (H, W, 3).
        xy: the point in pixels; it comes to the middle.
        size: the keypoint's diameter; six of them are shown, at least 24 pixels.
        angle: degrees, NaN = 0; that direction points to the right in the patch.
        side: of the patch in pixels.
    """
    reach = max(PATCH_SIZES * size, LEAST_PATCH_PX)
    turn = math.radians(0.0 if math.isnan(angle) else angle)
    scale = reach / side
    a, b = scale * math.cos(turn), scale * math.sin(turn)
    middle = (side - 1) / 2
    # The inverse map, patch pixel -> picture pixel, is what warpAffine is given with WARP_INVERSE_MAP.
    matrix = np.array([[a, -b, xy[0] - a * middle + b * middle], [b, a, xy[1] - b * middle - a * middle]])
    smooth = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    flags = (cv2.INTER_LINEAR if smooth == cv2.INTER_AREA else smooth) | cv2.WARP_INVERSE_MAP
    if scale > 1.5:  # shrinking by more than that needs smoothing first
        rgb, matrix = _smoothed_part(rgb, matrix, xy, reach, scale)
    out = cv2.warpAffine(rgb, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0))
    return np.asarray(out, np.uint8)


def _smoothed_part(
    rgb: UInt8, matrix: np.ndarray, xy: tuple[float, float], reach: float, scale: float
) -> tuple[UInt8, np.ndarray]:
    """Return the blurred surroundings only, and the map into them: a large picture is never blurred whole."""
    half = int(reach) + 2
    x0, y0 = max(0, int(xy[0]) - half), max(0, int(xy[1]) - half)
    x1, y1 = min(rgb.shape[1], int(xy[0]) + half), min(rgb.shape[0], int(xy[1]) + half)
    if x1 <= x0 or y1 <= y0:
        return rgb, matrix
    moved = matrix.copy()
    moved[:, 2] -= (x0, y0)
    return np.asarray(cv2.GaussianBlur(rgb[y0:y1, x0:x1], (0, 0), 0.5 * scale), np.uint8), moved


class Patch(QWidget):
    """One square patch with a word under it."""

    def __init__(self, look: Style, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self.caption = look, caption
        self._image: QImage | None = None
        self._keep: UInt8 | None = None
        self.setAccessibleName(f"Patch, {caption}")
        self.setMinimumSize(72, 88)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(136, 156)

    def set_patch(self, rgb: UInt8 | None) -> None:
        """Show a patch, or an empty frame."""
        self._keep = None if rgb is None else np.ascontiguousarray(rgb)
        if self._keep is None:
            self._image = None
        else:
            height, width = self._keep.shape[:2]
            self._image = QImage(self._keep.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.update()

    @property
    def filled(self) -> bool:
        """Whether a patch is shown."""
        return self._image is not None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the patch and its word."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        words = painter.fontMetrics().height() + 4
        side = min(self.width(), self.height() - words)
        if self._image is None:
            painter.setPen(self._look.colour("rule"))
            painter.drawRect(0, 0, side - 1, side - 1)
        else:
            shown = QPixmap.fromImage(self._image)
            kind = Qt.TransformationMode.SmoothTransformation
            painter.drawPixmap(0, 0, shown.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, kind))
        painter.setPen(self._look.colour("muted"))
        painter.drawText(0, side + words - 6, self.caption)
        painter.end()
