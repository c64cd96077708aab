"""The table of matches: a model over arrays, and the view that keeps in step with the picture.

What lives here: :class:`MatchModel` (no object per row; sorted and filtered by numpy) and :class:`MatchTable`.
What does not: what the numbers mean (``match_values``) and the filter language (``match_query``). May import:
those, ``app.ui.style``, Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.records import Bool
from app.text import minus
from app.ui.match_values import DIGITS, VERDICT_WORDS, Index, MatchValues, values_of
from app.ui.numbers import distance_text
from app.ui.style import Style

ModelIndex = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
VERDICT_MARKS = ("●", "✕", "○", "·")
MOST_COPIED = 200_000


@dataclass(frozen=True)
class Column:
    """One column: its key in :class:`MatchValues`, its head, what it means, how a number reads, a widest text."""

    key: str
    head: str
    help: str
    text: Callable[[Any], str]
    widest: str
    optional: bool = False


def _fixed(key: str) -> Callable[[Any], str]:
    def text(value: Any) -> str:
        """Return a number; what lies beyond all numbers is outside the picture."""
        if np.isnan(value):
            return "–"
        return f"{value:.{DIGITS[key]}f}" if np.isfinite(value) else "outside"

    return text


def _signed_angle(value: Any) -> str:
    return "–" if np.isnan(value) else minus(f"{value:+.{DIGITS['angle']}f}°")


def _verdict(value: Any) -> str:
    return "–" if value < 0 else f"{VERDICT_MARKS[value]} {VERDICT_WORDS[value]}"


# The most telling first: on a narrow window the last ones are reached by scrolling.
COLUMNS: tuple[Column, ...] = (
    Column("number", "#", "Place in the order the matcher gave", lambda v: f"{v:.0f}", "10000"),
    Column("verdict", "verdict", "What the truth says at the present threshold", _verdict, "● undecided", True),
    Column("error", "error px", "Distance from the true place in pixels", _fixed("error"), "1000.00", True),
    Column("distance", "distance", "Descriptor distance: small is alike", distance_text, "178.00"),
    Column(
        "ratio",
        "ratio",
        "Distance over the second nearest distance: small is distinctive",
        _fixed("ratio"),
        "0.000",
        True,
    ),
    Column("confidence", "confidence", "From 0 to 1", _fixed("confidence"), "0.000", True),
    Column("inlier", "inlier", "Agrees with the fitted model", lambda v: "yes" if v else "no", "yes", True),
    Column("residual", "residual px", "Distance from the fitted model in pixels", _fixed("residual"), "1000.00", True),
    Column("x1", "left x", "Left point, pixels from the centre of the top-left pixel", _fixed("x1"), "1200.00"),
    Column("y1", "left y", "Left point, pixels downwards", _fixed("y1"), "1200.00"),
    Column("x2", "right x", "Right point, pixels from the centre of the top-left pixel", _fixed("x2"), "1200.00"),
    Column("y2", "right y", "Right point, pixels downwards", _fixed("y2"), "1200.00"),
    Column("scale", "scale ×", "Right keypoint's size over the left one's", _fixed("scale"), "10.00", True),
    Column(
        "angle", "angle Δ", "Turn from the left keypoint to the right one, clockwise", _signed_angle, "−180.0°", True
    ),
)


def shown_columns(values: MatchValues) -> tuple[Column, ...]:
    """Return the columns a result has numbers for."""

    def known(column: Column) -> bool:
        """Whether a column has numbers to show."""
        if not column.optional:
            return True
        if column.key == "inlier":
            return values.verified
        return values.judged if column.key == "verdict" else values.known(column.key)

    return tuple(column for column in COLUMNS if known(column))


def sorted_rows(values: MatchValues, rows: Index, key: str, *, descending: bool) -> Index:
    """Return ``rows`` ordered by a column; unknown numbers last either way, ties in order of the result."""
    column = np.asarray(getattr(values, key))[rows].astype(np.float64)
    if key == "verdict":
        column[column < 0] = np.nan
    order = np.argsort(-column if descending else column, kind="stable")
    return rows[order]


class MatchModel(QAbstractTableModel):
    """Rows of a result: filtered by a mask, sorted by numpy, text made only for the cells in view."""

    def __init__(self, look: Style) -> None:
        super().__init__()
        self._look = look
        self.values = values_of(None)
        self.columns = shown_columns(self.values)
        self.rows: Index = np.zeros(0, np.intp)
        self._row_of: Index = np.zeros(0, np.intp)
        self._kept: Index = np.zeros(0, np.intp)
        self.sort_key, self.descending = "number", False

    def show(self, values: MatchValues, keep: Bool) -> None:
        """Show these matches, only those of the mask."""
        self.beginResetModel()
        self.values, self.columns = values, shown_columns(values)
        self._kept = np.flatnonzero(keep)
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        known = self.sort_key in [column.key for column in self.columns]
        key = self.sort_key if known else "number"
        self.rows = sorted_rows(self.values, self._kept, key, descending=self.descending and known)
        self._row_of = np.full(len(self.values), -1, np.intp)
        self._row_of[self.rows] = np.arange(len(self.rows))

    def row_of(self, match: int) -> int:
        """Return the row of a match, -1 if it is filtered away."""
        return int(self._row_of[match]) if 0 <= match < len(self._row_of) else -1

    def rowCount(self, parent: ModelIndex = QModelIndex()) -> int:  # noqa: B008 -- Qt's own signature
        """Return the number of matches shown."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: ModelIndex = QModelIndex()) -> int:  # noqa: B008 -- Qt's own signature
        """Return the number of columns shown."""
        return 0 if parent.isValid() else len(self.columns)

    def text(self, row: int, column: int) -> str:
        """Return a cell as it is shown."""
        spec = self.columns[column]
        return spec.text(getattr(self.values, spec.key)[self.rows[row]])

    def data(self, index: ModelIndex, role: int = Role.DisplayRole) -> Any:
        """Return text, alignment and the verdict's colour of a cell."""
        if not index.isValid():
            return None
        if role == Role.DisplayRole:
            return self.text(index.row(), index.column())
        if role == Role.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Role.ForegroundRole and self.columns[index.column()].key == "verdict":
            verdict = int(self.values.verdict[self.rows[index.row()]])
            return self._look.colour(VERDICT_WORDS[verdict] if verdict >= 0 else "muted")
        if role == Role.AccessibleTextRole:
            return f"{self.columns[index.column()].head} {self.text(index.row(), index.column())}"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Return heads, their alignment and their explanation."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Role.DisplayRole:
            return self.columns[section].head
        if role == Role.ToolTipRole:
            return self.columns[section].help
        if role == Role.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column."""
        if 0 <= column < len(self.columns):
            self.sort_by(self.columns[column].key, descending=order == Qt.SortOrder.DescendingOrder)

    def sort_by(self, key: str, *, descending: bool) -> None:
        """Order by a column's key."""
        if (key, descending) == (self.sort_key, self.descending):
            return
        self.layoutAboutToBeChanged.emit()
        self.sort_key, self.descending = key, descending
        self._arrange()
        self.layoutChanged.emit()

    def csv(self, rows: list[int]) -> str:
        """Return rows as comma-separated lines with a head, numbers in full; unknown ones empty."""
        lines = [",".join(column.key for column in self.columns)]
        for row in rows[:MOST_COPIED]:
            match = self.rows[row]
            lines.append(",".join(_plain(c.key, getattr(self.values, c.key)[match]) for c in self.columns))
        return "\n".join(lines) + "\n"


def _plain(key: str, value: Any) -> str:
    if key == "verdict":
        return VERDICT_WORDS[value] if value >= 0 else ""
    if key == "inlier":
        return "yes" if value else "no"
    return "" if np.isnan(value) else f"{value:.9g}"


class MatchTable(QTableView):
    """The view.

    Signals:
        match_chosen: index of the match of the row that became current by mouse or keyboard.
        sort_wanted: (column key, descending) after a click on a head.
        copied: how many rows were copied.
    """

    match_chosen = Signal(object)
    sort_wanted = Signal(object)
    copied = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.matches = MatchModel(look)
        self.matches.setParent(self)
        self._look, self._quiet = look, False
        self.setModel(self.matches)
        self.setAccessibleName("Matches")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head = self.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setMinimumSectionSize(32)
        head.setHighlightSections(False)
        head.setSortIndicatorShown(True)
        head.setSectionsClickable(True)
        head.sortIndicatorChanged.connect(self._head_clicked)
        self.selectionModel().currentRowChanged.connect(self._row_changed)
        look.changed.connect(self._show_look)
        self._show_look(look)

    def _show_look(self, look: Style) -> None:
        self.verticalHeader().setDefaultSectionSize(look.px(3.25))
        self._share_width()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width among the columns."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Give every column what its widest text needs, and an equal share of the rest."""
        plain, bold = self.fontMetrics(), QFontMetrics(self._look.font(bold=True))
        room = 2 * self._look.px(1) + 10
        arrow = self._look.px(1.5)
        needed = []
        for column in self.matches.columns:
            head = bold.horizontalAdvance(column.head) + (arrow if column.key == self.matches.sort_key else 0)
            needed.append(max(head, plain.horizontalAdvance(column.widest)) + room)
        spare = max(0, self.viewport().width() - sum(needed)) // max(1, len(needed))
        for section, width in enumerate(needed):
            self.horizontalHeader().resizeSection(section, width + spare)

    def show_matches(self, values: MatchValues, keep: Bool, selected: int | None, sort: tuple[str, bool]) -> None:
        """Show matches in an order, with one of them (or none) as the current row."""
        self._quiet = True
        self.matches.sort_key, self.matches.descending = sort
        self.matches.show(values, keep)
        self._show_order(*sort)
        self._share_width()
        self._quiet = False
        self.select_match(selected)

    def show_sort(self, key: str, *, descending: bool) -> None:
        """Order the rows without reporting it; the current match stays the current one."""
        row = self.currentIndex().row()
        match = int(self.matches.rows[row]) if 0 <= row < self.matches.rowCount() else None
        self._quiet = True
        self.matches.sort_by(key, descending=descending)
        self._show_order(key, descending)
        self._share_width()
        self._quiet = False
        self.select_match(match)

    def _show_order(self, key: str, descending: bool) -> None:
        keys = [column.key for column in self.matches.columns]
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(keys.index(key) if key in keys else 0, order)

    def select_match(self, match: int | None) -> None:
        """Make a match's row the current one and bring it into view; None selects nothing."""
        row = -1 if match is None else self.matches.row_of(match)
        if row == self.currentIndex().row() and (row >= 0) == self.selectionModel().hasSelection():
            return
        self._quiet = True
        if row < 0:
            self.selectionModel().clear()
        else:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(self.matches.index(row, 0), flags)
            self.scrollTo(self.matches.index(row, 0))
        self._quiet = False

    def step(self, by: int) -> None:
        """Choose the match ``by`` rows on, the first or last one if there is none yet."""
        count = self.matches.rowCount()
        if not count:
            return
        now = self.currentIndex().row()
        row = (0 if by > 0 else count - 1) if now < 0 else min(max(now + by, 0), count - 1)
        self.selectRow(row)
        self.setCurrentIndex(self.matches.index(row, 0))

    def _row_changed(self, current: QModelIndex) -> None:
        if not self._quiet and current.isValid():
            self.match_chosen.emit(int(self.matches.rows[current.row()]))

    def _head_clicked(self, column: int, order: Qt.SortOrder) -> None:
        if self._quiet or not 0 <= column < len(self.matches.columns):
            return
        descending = order == Qt.SortOrder.DescendingOrder
        self.sort_wanted.emit((self.matches.columns[column].key, descending))

    def copy_rows(self) -> None:
        """Copy the selected rows, or all if none is, as CSV."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        rows = rows or list(range(self.matches.rowCount()))
        QGuiApplication.clipboard().setText(self.matches.csv(rows))
        self.copied.emit(min(len(rows), MOST_COPIED))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take the keyboard without choosing the first row, which Qt would do."""
        chosen = self.currentIndex().isValid()
        self._quiet = True
        super().focusInEvent(event)
        if not chosen:
            self.selectionModel().clearCurrentIndex()
        self._quiet = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies rows as CSV; the arrows move as in any table."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_rows()
            event.accept()
            return
        super().keyPressEvent(event)
