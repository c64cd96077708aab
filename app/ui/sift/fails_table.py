"""The table of changes: small bars for every rate, and where the points were lost as one bar of stages.

What lives here: :class:`FailsTable` and the delegate that paints its bars. What does not: measuring (``app.failures``).
May import: that, ``app.ui.style``, Qt.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.failures import CASES, LOSS_WORDS, Failures, Row
from app.ui.style import Style
from app.vision.follow import LOSSES

HEADS = ("change", "repeatability", "nearest right", "precision", "lost where")
RATES, STAGES = range(1, 4), 4
# Stage -> (letter in its part of the bar, token of its colour).
LOOKS: dict[str, tuple[str, str]] = {
    "detector": ("D", "wrong"),
    "orientation": ("O", "selected"),
    "descriptor": ("d", "accent"),
    "ratio": ("r", "undecided"),
    "mutual": ("m", "edge"),
    "verify": ("v", "consistent"),
    "right": ("✓", "right"),
}
VALUE = int(Qt.ItemDataRole.UserRole)
Index = QModelIndex | QPersistentModelIndex


class _Bars(QStyledItemDelegate):
    """Paints a rate as a bar with its number, and a row's losses as parts of one bar."""

    def __init__(self, look: Style, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        value = index.data(VALUE)
        super().paint(painter, option, index)
        area = QRectF(option.rect).adjusted(4, 5, -8, -5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(value, float):
            self._paint_rate(painter, area, value)
        elif isinstance(value, tuple):
            self._paint_parts(painter, area, value)
        painter.restore()

    def _paint_rate(self, painter: QPainter, area: QRectF, value: float) -> None:
        painter.setFont(self._look.font(0.9))
        text = "–" if math.isnan(value) else f"{value:.2f}" if value >= 0.01 or value == 0 else f"{value:.3f}"
        words = painter.fontMetrics().horizontalAdvance("0.000") + 6
        bar = area.adjusted(words, 0, 0, 0)
        painter.setPen(self._look.colour("text"))
        number = QRectF(area.left(), area.top(), words - 6, area.height())
        painter.drawText(number, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.colour("raised"))
        painter.drawRoundedRect(bar, 2, 2)
        if not math.isnan(value) and value > 0:
            bar.setWidth(max(2.0, bar.width() * value))
            painter.setBrush(self._look.colour("right"))
            painter.drawRoundedRect(bar, 2, 2)

    def _paint_parts(self, painter: QPainter, area: QRectF, parts: tuple[tuple[str, int], ...]) -> None:
        total = sum(count for _, count in parts)
        painter.setFont(self._look.font(0.8, bold=True))
        left = area.left()
        for name, count in parts:
            width = area.width() * count / total if total else 0.0
            letter, token = LOOKS[name]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._look.colour(token))
            painter.drawRect(QRectF(left, area.top(), max(0.0, width - 1), area.height()))
            if width > painter.fontMetrics().horizontalAdvance(letter) + 6:
                painter.setPen(self._look.colour("background"))
                painter.drawText(
                    QRectF(left, area.top(), width - 1, area.height()), Qt.AlignmentFlag.AlignCenter, letter
                )
            left += width


class _Key(QWidget):
    """What the letters and colours of the last column mean, on one line or two."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setAccessibleName("Stages: " + ", ".join(f"{LOOKS[name][0]} {LOSS_WORDS[name]}" for name in LOOKS))
        look.changed.connect(lambda _look: self.updateGeometry())

    def sizeHint(self) -> QSize:
        """Return room for two lines."""
        return QSize(400, 2 * self._look.px(2.25) + 4)

    def minimumSizeHint(self) -> QSize:
        """Return the same height."""
        return QSize(200, 2 * self._look.px(2.25) + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a square with its letter and its words, wrapping once."""
        painter = QPainter(self)
        painter.setFont(self._look.font(0.85))
        metrics, line = painter.fontMetrics(), self._look.px(2.25)
        x, y, side = 8.0, 2.0, line - 4.0
        for name, (letter, token) in LOOKS.items():
            width = side + 6 + metrics.horizontalAdvance(LOSS_WORDS[name]) + 16
            if x + width > self.width() and y < line:
                x, y = 8.0, y + line
            painter.fillRect(QRectF(x, y, side, side), self._look.colour(token))
            painter.setPen(self._look.colour("background"))
            painter.drawText(QRectF(x, y, side, side), Qt.AlignmentFlag.AlignCenter, letter)
            painter.setPen(self._look.colour("text"))
            words = QRectF(x + side + 6, y, width, side)
            painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter), LOSS_WORDS[name])
            x += width
        painter.end()


class FailsTable(QWidget):
    """One line per case.

    Signals:
        selected: the case whose line is current.
        opened: the case that was clicked, or entered with the keyboard.
    """

    selected = Signal(object)
    opened = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.table = QTableWidget(len(CASES), len(HEADS))
        self.table.setHorizontalHeaderLabels(HEADS)
        self.table.setAccessibleName("Where SIFT fails")
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(look.px(3.5))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setItemDelegate(_Bars(look, self.table))
        head = self.table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        head.setMinimumSectionSize(look.px(10))
        self.table.currentCellChanged.connect(lambda row, *_: self.selected.emit(CASES[row]) if row >= 0 else None)
        self.table.cellClicked.connect(lambda row, _column: self.opened.emit(CASES[row]))
        self.table.activated.connect(lambda index: self.opened.emit(CASES[index.row()]))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.table, 1)
        column.addWidget(_Key(look))
        self.show_failures(Failures((), len(CASES)))
        look.changed.connect(lambda _look: self.table.viewport().update())

    def show_failures(self, measured: Failures) -> None:
        """Show the rows that are there; the others wait."""
        for line, case in enumerate(CASES):
            row = measured.of(case, "sift")
            title = f"{case.kind} · {case.ref.title.split(':')[0]}"
            self._set(line, 0, title, None, case.ref.title)
            values = (math.nan,) * 3 if row is None else (row.repeatability, row.nearest_right, row.precision)
            for column, value in zip(RATES, values, strict=True):
                self._set(line, column, "", None if row is None else value, _tip(row, column))
            self._set(line, STAGES, "…" if row is None else "", _parts(row), "" if row is None else row.sentence)

    def _set(self, line: int, column: int, text: str, value: object, tip: str) -> None:
        item = self.table.item(line, column)
        if item is None:
            item = QTableWidgetItem()
            self.table.setItem(line, column, item)
        item.setText(text)
        item.setData(VALUE, value)
        item.setToolTip(tip)
        if isinstance(value, float):
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{HEADS[column]} {value:.3f}")


def _parts(row: Row | None) -> tuple[tuple[str, int], ...] | None:
    """Return the parts of a row's bar, from the first stage to the right matches."""
    if row is None or not row.visible:
        return None
    lost = dict(row.lost)
    return (*((name, lost[name]) for name in LOSSES), ("right", row.kept))


def _tip(row: Row | None, column: int) -> str:
    if row is None:
        return "Not measured yet"
    if column == 1 and not math.isnan(row.repeatability):
        return f"{row.repeatability:.3f}; random points would have {row.chance:.3f}"
    if column == 3:
        return f"{row.right:,} right, {row.wrong:,} wrong of {row.matches:,} matches"
    return HEADS[column] if row.visible else "The truth knows no keypoint's place here"
