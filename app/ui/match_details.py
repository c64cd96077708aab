"""The panel below the picture: the tabs, the filter, and what to try when the table is empty.

What lives here: :class:`MatchDetails`. What does not: the tabs' contents. May import: the panels, the filter
language, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QStackedLayout,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.records import Bool
from app.ui.evaluation_panel import EvaluationPanel
from app.ui.facts import sentence
from app.ui.match_query import FIELDS, Query, QueryError, parse
from app.ui.match_state import MatchState
from app.ui.match_table import MatchTable
from app.ui.match_values import MatchValues
from app.ui.point_panel import PointPanel
from app.ui.session import Session
from app.ui.style import Style
from app.ui.timings_panel import TimingsPanel
from app.ui.why_panel import WhyPanel

FILTER_DELAY_MS = 150
EVERYTHING = parse("")


class MatchDetails(QWidget):
    """Matches, Point, Why not?, Evaluation, Timings.

    Signals:
        changed: the new :class:`MatchState` (filter, sort, tab).
    """

    changed = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._look = look
        self._state = MatchState()
        self.query: Query = EVERYTHING
        self._parsed = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(FILTER_DELAY_MS)
        self._timer.timeout.connect(self._apply_filter)
        self.table = MatchTable(look)
        self.point = PointPanel(session, look)
        self.why = WhyPanel(session, look)
        self.tabs: dict[str, tuple[str, QWidget]] = {
            "matches": ("Matches", self._table_page()),
            "point": ("Point", self.point),
            "why": ("Why not?", self.why),
            "evaluation": ("Evaluation", EvaluationPanel(session, look)),
            "timings": ("Timings", TimingsPanel(session, look)),
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        self.fault = QLabel("")
        self.fault.setProperty("role", "error")
        self.fault.setWordWrap(True)
        self.fault.setContentsMargins(16, 0, 16, 4)
        self.fault.hide()
        column.addWidget(self.fault)
        self._pages = QStackedWidget()
        for _, page in self.tabs.values():
            self._pages.addWidget(page)
        column.addWidget(self._pages, 1)
        self.table.sort_wanted.connect(self._sorted)
        look.changed.connect(self._show_look)
        self._show_look(look)

    def _table_page(self) -> QWidget:
        """Return the table with the advice that takes its place when it is empty."""
        page = QWidget()
        self._advice = sentence("")
        self._advice.setContentsMargins(16, 12, 16, 12)
        self._advice.setAccessibleName("What to try")
        self._stack = QStackedLayout(page)
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._advice)
        return page

    def _head(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setContentsMargins(12, 4, 12, 4)
        line.setSpacing(8)
        self.bar = QTabBar()
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setUsesScrollButtons(False)
        self.bar.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.bar.setAccessibleName("Details")
        for title, _ in self.tabs.values():
            self.bar.addTab(title)
        self.bar.currentChanged.connect(self._tab_chosen)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("ratio < 0.7")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(100)
        self.filter.setMaximumWidth(320)
        self.filter.setAccessibleName("Filter for table and picture")
        self.filter.setToolTip(_filter_help())
        self.filter.textEdited.connect(lambda _text: self._timer.start())
        self.filter.textChanged.connect(lambda text: None if text else self._timer.start())
        self.filter.returnPressed.connect(self._apply_filter)
        self.count = QLabel("")
        self.count.setProperty("role", "muted")
        self.count.setAccessibleName("Matches listed")
        self.export = QToolButton()
        self.export.setObjectName("boxed")
        self.export.setText("Export")
        self.export.setAccessibleName("Export")
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.export.setToolTip("Save the picture, a figure or the matches")
        line.addWidget(self.bar)
        line.addStretch(1)
        line.addWidget(self.filter, 4)
        line.addWidget(self.count)
        line.addWidget(self.export)
        return line

    def set_export_actions(self, actions: list[QAction]) -> None:
        """Fill the menu of the export button."""
        menu = QMenu(self.export)
        menu.addActions(actions)
        self.export.setMenu(menu)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the word on the export button out where the tabs need the room."""
        super().resizeEvent(event)
        wide = self.width() > 95 * self._look.px(1)
        style = Qt.ToolButtonStyle
        self.export.setToolButtonStyle(style.ToolButtonTextBesideIcon if wide else style.ToolButtonIconOnly)

    def _show_look(self, look: Style) -> None:
        self.export.setIcon(look.icon("export"))

    # ------------------------------------------------------------------------- showing

    def show_state(self, state: MatchState) -> None:
        """Show filter text, order and tab; a filter that cannot be read keeps everything and says so."""
        old, self._state = self._state, state
        if state.filter != self._parsed:
            self._parsed = state.filter
            try:
                self.query, text = parse(state.filter), ""
            except QueryError as error:
                self.query, text = EVERYTHING, str(error)
            self._show_fault(text)
            if self.filter.text() != state.filter:
                with QSignalBlocker(self.filter):
                    self.filter.setText(state.filter)
        if (old.sort, old.descending) != (state.sort, state.descending):
            self.table.show_sort(state.sort, descending=state.descending)
        keys = list(self.tabs)
        index = keys.index(state.tab) if state.tab in keys else 0
        if self.bar.currentIndex() != index:
            with QSignalBlocker(self.bar):
                self.bar.setCurrentIndex(index)
        self._pages.setCurrentIndex(index)

    def show_matches(self, values: MatchValues, keep: Bool, selected: int | None, advice: str) -> None:
        """List the matches of a mask, or say what to try."""
        self.table.show_matches(values, keep, selected, (self._state.sort, self._state.descending))
        shown, total = self.table.matches.rowCount(), len(values)
        self.count.setText(f"{shown:,} of {total:,}" if shown != total else f"{total:,}")
        self._advice.setText(advice)
        self._stack.setCurrentIndex(1 if advice else 0)

    @property
    def advice(self) -> str:
        """The sentence shown in place of the table, empty while the table is shown."""
        return self._advice.text() if self._stack.currentIndex() == 1 else ""

    def open_tab(self, key: str) -> None:
        """Bring a tab to the front."""
        self.bar.setCurrentIndex(list(self.tabs).index(key))

    # ------------------------------------------------------------------------ changing

    def set_filter(self, text: str) -> None:
        """Write a filter as if it had been typed."""
        self.filter.setText(text)
        self._apply_filter()

    def _apply_filter(self) -> None:
        """Take the typed filter if it can be read, else say where the fault is."""
        self._timer.stop()
        text = self.filter.text().strip()
        try:
            parse(text)
        except QueryError as error:
            self._show_fault(str(error))
            return
        self._show_fault("")
        self._report(replace(self._state, filter=text))

    def _show_fault(self, text: str) -> None:
        self.fault.setText(text)
        self.fault.setVisible(bool(text))
        self.filter.setProperty("valid", "false" if text else "true")
        self.filter.style().unpolish(self.filter)
        self.filter.style().polish(self.filter)

    def _sorted(self, order: tuple[str, bool]) -> None:
        self._report(replace(self._state, sort=order[0], descending=order[1]))

    def _tab_chosen(self, index: int) -> None:
        self._report(replace(self._state, tab=list(self.tabs)[index]))

    def _report(self, state: MatchState) -> None:
        if state != self._state:
            self.changed.emit(state)


def _filter_help() -> str:
    rows = "".join(f"<tr><td><b>{name}</b></td><td>&nbsp; {text}</td></tr>" for name, text in FIELDS.items())
    return (
        "<p>Keeps the matches that satisfy a condition, in the table and in the picture: "
        "<i>0.5 &lt; ratio &lt; 0.7 and not inlier</i>, <i>wrong or error &gt; 3</i>. "
        "Join with <b>and</b>, <b>or</b>, <b>not</b> and parentheses. <b>=</b> and <b>!=</b> compare numbers as the "
        "table writes them, so <i>ratio = 0.7</i> keeps those shown as 0.700; &lt; and &gt; compare all digits.</p>"
        f"<table>{rows}</table>"
    )
