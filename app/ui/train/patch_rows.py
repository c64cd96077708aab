"""Groups of patches with a word and numbers each, as many beside each other as there is room for.

What lives here: :class:`Group`, :class:`PatchRows`, its layout, what the mouse does. What does not: which patches. May
import: ``app.ui.style``, Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.records import UInt8
from app.ui.style import Style
from app.ui.train.embedding_view import as_pixmap

SIDE_UNITS, GAP_UNITS, WORDS_UNITS = 6.5, 0.75, 12.0
DASHES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine}


@dataclass(frozen=True, eq=False)
class Group:
    """Patches that belong together.

    Attributes:
        patches: (S, S) uint8 each.
        frames: (token, dash) around each.
        title, colour: the word beside them and its token.
        lines: numbers below the word.
        marked: whether it holds the patch in hand.
    """

    patches: tuple[UInt8, ...]
    frames: tuple[tuple[str, str], ...]
    title: str
    colour: str
    lines: tuple[str, ...] = ()
    marked: bool = False


class _Body(QWidget):
    """Paints the groups in columns; its height follows its width."""

    chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.groups: tuple[Group, ...] = ()
        self._pixmaps: list[list[QPixmap]] = []
        self.message = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        look.changed.connect(lambda _look: self._fit())

    def set_groups(self, groups: Sequence[Group]) -> None:
        """Show these groups of patches."""
        self.groups = tuple(groups)
        self._pixmaps = [[as_pixmap(patch) for patch in group.patches] for group in self.groups]
        self._fit()
        self.update()

    def _cell(self) -> tuple[float, float]:
        """Return the width and height of a group."""
        most = max((len(group.patches) for group in self.groups), default=1)
        side, gap = self._look.px(SIDE_UNITS), self._look.px(GAP_UNITS)
        return most * (side + gap) + self._look.px(WORDS_UNITS), side + 2 * gap

    def _columns(self) -> int:
        return max(1, int(self.width() // self._cell()[0]))

    def _fit(self) -> None:
        rows = -(-len(self.groups) // self._columns())
        self.setMinimumHeight(int(rows * self._cell()[1]) + 4)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def box(self, index: int) -> QRectF:
        """Return where a group lies."""
        width, height = self._cell()
        columns = self._columns()
        return QRectF((index % columns) * width, (index // columns) * height, width, height)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index in range(len(self.groups)):
            if self.box(index).contains(event.position()):
                self.chosen.emit(index)
                return

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.groups:
            painter.setPen(self._look.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(16, 8, -16, -8), flags, self.message)
        side, gap = self._look.px(SIDE_UNITS), self._look.px(GAP_UNITS)
        for index, group in enumerate(self.groups):
            box = self.box(index)
            if group.marked:
                painter.setPen(QPen(self._look.colour("selected"), 2.0))
                painter.drawRoundedRect(box.adjusted(1, 1, -gap, -1), 4, 4)
            x = box.left() + gap
            for pixmap, (colour, dash) in zip(self._pixmaps[index], group.frames, strict=True):
                place = QRectF(x, box.top() + gap, side, side)
                painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
                painter.setPen(QPen(self._look.colour(colour), 1.6, DASHES[dash]))
                painter.drawRect(place)
                x += side + gap
            self._paint_words(painter, group, QRectF(x + 2, box.top() + gap, box.right() - x - 2, side))
        painter.end()

    def _paint_words(self, painter: QPainter, group: Group, box: QRectF) -> None:
        painter.setFont(self._look.font(0.9, bold=True))
        painter.setPen(self._look.colour(group.colour))
        line = painter.fontMetrics().height()
        painter.drawText(QRectF(box.left(), box.top(), box.width(), line), Qt.AlignmentFlag.AlignLeft, group.title)
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("text"))
        for number, text in enumerate(group.lines, start=1):
            place = QRectF(box.left(), box.top() + number * line, box.width(), line)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft, text)


class PatchRows(QWidget):
    """The groups in a scroll area.

    Signals:
        chosen: index of the group that was clicked.
    """

    chosen = Signal(object)

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body = _Body(look)
        self.body.chosen.connect(self.chosen)
        self.body.setAccessibleName(name)
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self.body)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._area)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(320, 240)

    @property
    def groups(self) -> tuple[Group, ...]:
        """What is shown."""
        return self.body.groups

    def set_groups(self, groups: Sequence[Group], message: str) -> None:
        """Show these groups, or the sentence if there are none."""
        self.body.message = message
        self.body.set_groups(groups)
