"""Small widgets that several panels share: rows of facts, a patch of a picture, the empty-panel sentence.

What lives here: :class:`Facts`, :class:`Patch`, :func:`sentence`. What does not: any particular
number. May import: records, ``app.ui.style``, Qt, cv2, numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.records import UInt8
from app.ui.style import Style

# A patch shows this many keypoint sizes: the reach of SIFT's descriptor grid (Lowe 2004, section 6).
PATCH_SIZES = 6.0
LEAST_PATCH_PX = 24.0
COLUMN_GAP = 14  # pixels between names and values


def sentence(text: str) -> QLabel:
    """Return a muted, wrapped line of explanation."""
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    return label


class Facts(QWidget):
    """Rows of a muted name and its value; values can be selected, and all rows copied.

    While the names stay, its place only grows: values that follow the mouse then neither move what stands beside them
    nor make the panel around be laid out anew. Two columns of plain text are set ten times as fast as a table.

    Args:
        fill: whether the values end where the widget does, in a panel with other things as wide.
    """

    def __init__(self, look: Style, name: str, *, fill: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fill = fill
        self.rows: tuple[tuple[str, str], ...] = ()
        self._room = QSize()
        self._names, self._values = QLabel(self), QLabel(self)
        self._names.setProperty("role", "muted")
        self._values.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for label, side in ((self._names, Qt.AlignmentFlag.AlignLeft), (self._values, Qt.AlignmentFlag.AlignRight)):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | side)
            label.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # that of all rows comes instead
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        self.setAccessibleName(name)
        copy = QAction("&Copy all rows", self)
        copy.triggered.connect(self.copy)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        look.changed.connect(lambda _look: self._fit(QSize()))

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show these (name, value) rows."""
        if tuple(rows) == self.rows:
            return
        same = [name for name, _ in rows] == [name for name, _ in self.rows]
        self.rows = tuple(rows)
        self.setAccessibleDescription("; ".join(f"{name} {value}" for name, value in self.rows))
        self._names.setText("\n".join(name for name, _ in self.rows))
        self._values.setText("\n".join(value for _, value in self.rows))
        self._fit(self._room if same else QSize())

    def copy(self) -> None:
        """Put all rows on the clipboard, name and value apart by a tabulator."""
        QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in self.rows))

    def sizeHint(self) -> QSize:
        """Return the room that the rows need."""
        return self._room

    def minimumSizeHint(self) -> QSize:
        """Return the same: no row is cut off."""
        return self._room

    def changeEvent(self, event: QEvent) -> None:
        """Take the room that letters of another size need."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit(QSize())

    def _fit(self, least: QSize) -> None:
        """Take the room that both columns need, and not less than ``least``."""
        names, values = self._names.sizeHint(), self._values.sizeHint()
        needed = QSize(names.width() + COLUMN_GAP + values.width(), max(names.height(), values.height()))
        room = needed.expandedTo(least) if self.rows else QSize()
        changed, self._room = room != self._room, room
        self._place()
        if changed:
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the values to the new end."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        """Set the columns beside each other."""
        room, start = self._room, self._names.sizeHint().width() + COLUMN_GAP
        end = max(room.width(), self.width()) if self._fill else room.width()
        self._names.setGeometry(0, 0, start - COLUMN_GAP, room.height())
        self._values.setGeometry(start, 0, end - start, room.height())

    def value(self, name: str) -> str:
        """Return the value of a row, empty if there is none of that name."""
        return dict(self.rows).get(name, "")


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
