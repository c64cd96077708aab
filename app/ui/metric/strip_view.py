"""The strip itself: in each column an item, its nearest neighbour under Euclid and the one under the learned metric.

What lives here: :class:`StripView`, painting, mouse and keys. What does not: which items; pictures come from a
function. May import: ``app.learning.strip``, ``app.ui.style``, Qt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.learning.strip import Change
from app.records import UInt8
from app.ui.style import Style

MOST = 120  # columns shown; the facts count them all
SIDE = 9.0  # units of a picture
GAP = 1.5
LINES = ("item", "Euclid", "learned")
MIDDLE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
Picture = Callable[[int], UInt8]
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class StripView(QWidget):
    """Signals: ``chosen`` the place of a change in the strip."""

    chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.changes: tuple[Change, ...] = ()
        self.at = 0
        self._picture: Picture | None = None
        self._words: Callable[[int], str] = str
        self._images: dict[int, QImage] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAccessibleName("Items whose nearest neighbour changes")
        look.changed.connect(lambda _look: self._fit())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(600, self._block_height())

    def show_changes(
        self, changes: tuple[Change, ...], at: int, picture: Picture | None, words: Callable[[int], str], *, fresh: bool
    ) -> None:
        """Show changes, one of them chosen; ``fresh`` if the pictures of the rows are new."""
        if fresh:
            self._images.clear()
        self.changes, self.at, self._picture, self._words = changes[:MOST], at, picture, words
        self._fit()

    # ------------------------------------------------------------------------- layout

    def _side(self) -> int:
        return self._look.px(SIDE)

    def _caption(self) -> int:
        return self._look.px(2.5)

    def _left(self) -> int:
        return self._look.px(9)

    def _block_height(self) -> int:
        return 3 * (self._side() + self._caption()) + self._look.px(2)

    def columns(self) -> int:
        """Return how many columns one line of the strip has."""
        return max(1, int((self.width() - self._left()) / (self._side() + self._look.px(GAP))))

    def corner(self, index: int) -> QPointF:
        """Return the upper left corner of a column."""
        line, column = divmod(index, self.columns())
        return QPointF(
            self._left() + column * (self._side() + self._look.px(GAP)),
            line * self._block_height() + self._look.px(1),
        )

    def _fit(self) -> None:
        lines = max(1, -(-len(self.changes) // self.columns()))
        self.setMinimumHeight(lines * self._block_height())
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew."""
        super().resizeEvent(event)
        self._fit()

    # --------------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the column under the mouse."""
        for index in range(len(self.changes)):
            corner = self.corner(index)
            area = QRectF(corner.x(), corner.y(), self._side(), self._block_height() - self._look.px(2))
            if area.contains(event.position()):
                self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the column before or after with the arrow keys."""
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or not self.changes:
            super().keyPressEvent(event)
        else:
            self.chosen.emit(min(max(0, self.at + step), len(self.changes) - 1))

    # ------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the columns that are in view."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._look.colour("canvas"))
        painter.setFont(self._look.font(0.85))
        height, seen = self._block_height(), QRectF(event.rect())
        for index, change in enumerate(self.changes):
            corner = self.corner(index)
            if not seen.intersects(QRectF(0, corner.y(), self.width(), height)):
                continue
            if index % self.columns() == 0:
                self._heads(painter, corner.y())
            self._column(painter, index, change, corner)
        painter.end()

    def _heads(self, painter: QPainter, top: float) -> None:
        painter.setPen(self._look.colour("muted"))
        for line, text in enumerate(LINES):
            y = top + line * (self._side() + self._caption())
            painter.drawText(QRectF(0, y, self._left() - self._look.px(1), self._side()), RIGHT, text)

    def _column(self, painter: QPainter, index: int, change: Change, corner: QPointF) -> None:
        side = self._side()
        good = (None, change.kind in ("same", "worse"), change.kind in ("same", "better"))
        for line, row in enumerate((change.row, change.before, change.after)):
            y = corner.y() + line * (side + self._caption())
            area = QRectF(corner.x(), y, side, side)
            painter.drawImage(area, self._image(row))
            right = good[line]
            token = "text" if right is None else "right" if right else "wrong"
            mark = "" if right is None else "✓ " if right else "✕ "
            painter.setPen(self._look.colour(token))
            words = QRectF(corner.x() - 6, y + side + 1, side + 12, self._caption())
            text = painter.fontMetrics().elidedText(
                mark + self._words(row), Qt.TextElideMode.ElideRight, int(words.width())
            )
            painter.drawText(words, MIDDLE, text)
        if index == self.at:
            painter.setPen(QPen(self._look.colour("selected"), 2.5))
            painter.drawRect(QRectF(corner.x() - 3, corner.y() - 3, side + 6, self._block_height() - self._look.px(2)))

    def _image(self, row: int) -> QImage:
        if row not in self._images and self._picture is not None:
            rgb = np.ascontiguousarray(self._picture(row))
            height, width = rgb.shape[:2]
            self._images[row] = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        return self._images.get(row, QImage())
