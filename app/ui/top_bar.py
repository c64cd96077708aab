"""The bar at the top: previous and next pair, the matcher, the workspaces, Present.

What lives here: :class:`TopBar`. What does not: what these do (the session and the window). May import:
matchers, ``app.ui.session``, ``app.ui.style``, ``app.ui.workspaces`` (the list), QtWidgets.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app import matchers
from app.ui.session import Message, Session
from app.ui.style import Style
from app.ui.workspaces import WorkspaceEntry

KEY_ROLE = Qt.ItemDataRole.UserRole
REASON_ROLE = Qt.ItemDataRole.UserRole + 1
SHORTEST_MATCHER = "patch ZNCC"  # what the box still shows whole where the bar is narrow


class TopBar(QWidget):
    """Everything that is shared by all workspaces and used most.

    Signals:
        present_wanted: the button was pressed.
    """

    present_wanted = Signal()

    def __init__(
        self, session: Session, look: Style, entries: Sequence[WorkspaceEntry], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session, self._look = session, look
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 6, 8, 6)
        line.setSpacing(4)
        self._add_pairs(line)
        line.addSpacing(12)
        self._add_matchers(line)
        line.addStretch(1)
        self._add_tabs(line, entries)
        line.addStretch(2)
        self.present = QPushButton("Present  F5")
        self.present.setProperty("role", "primary")
        self.present.setToolTip("Larger type, thicker lines and only the pictures (F5)")
        self.present.clicked.connect(self.present_wanted)
        line.addWidget(self.present)
        session.state_changed.connect(self._show_state)
        session.pairs_changed.connect(self._show_state)
        look.changed.connect(self._show_look)
        self._show_look(look)
        self._show_state(session.state)

    def _add_pairs(self, line: QHBoxLayout) -> None:
        self.previous = QToolButton()
        self.previous.setAccessibleName("Previous pair")
        self.previous.setToolTip("Previous pair (Alt+←)")
        self.previous.clicked.connect(lambda: self._session.step_pair(-1))
        self.place = QLabel()
        self.place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.place.setAccessibleName("Place in the list of pairs")
        self.next = QToolButton()
        self.next.setAccessibleName("Next pair")
        self.next.setToolTip("Next pair (Alt+→)")
        self.next.clicked.connect(lambda: self._session.step_pair(+1))
        for widget in (self.previous, self.place, self.next):
            line.addWidget(widget)

    def _add_matchers(self, line: QHBoxLayout) -> None:
        """A combo of all matchers; one that cannot run is muted and says why when it is pointed at."""
        self.matcher = QComboBox()
        self.matcher.setAccessibleName("Matcher")
        self.matcher.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.matcher.setMinimumContentsLength(20)
        self._entries: tuple[matchers.Entry, ...] = ()
        self._fill_matchers()
        self.matcher.highlighted.connect(self._hovered)
        self.matcher.activated.connect(self._chosen)
        line.addWidget(self.matcher)

    def _fill_matchers(self) -> None:
        """List the matchers, anew only if what can run has been asked anew."""
        entries = matchers.discover()
        if entries is self._entries:
            return
        self._entries = entries
        model = QStandardItemModel(self.matcher)
        for entry in entries:
            item = QStandardItem(entry.title)
            item.setData(entry.key, KEY_ROLE)
            item.setData(entry.reason, REASON_ROLE)
            teaches = entry.spec.teaches if entry.spec is not None else ""
            item.setToolTip(f"<p>{entry.reason or teaches}</p>")
            model.appendRow(item)
        self.matcher.setModel(model)
        self._colour_matchers()

    def _add_tabs(self, line: QHBoxLayout, entries: Sequence[WorkspaceEntry]) -> None:
        self.tabs: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        for entry in entries:
            tab = QToolButton()
            tab.setText(entry.title)
            tab.setCheckable(True)
            tab.setProperty("role", "tab")
            tab.setToolTip(f"{entry.title} (Ctrl+{entry.number})")
            tab.clicked.connect(lambda _=False, key=entry.key: self._session.set_workspace(key))
            group.addButton(tab)
            self.tabs[entry.key] = tab
            line.addWidget(tab)

    def _reason(self, row: int) -> str:
        return str(self.matcher.itemData(row, REASON_ROLE) or "")

    def _hovered(self, row: int) -> None:
        if reason := self._reason(row):
            self._session.message.emit(Message(f"{self.matcher.itemText(row)}: {reason}"))

    def _chosen(self, row: int) -> None:
        if reason := self._reason(row):
            self._session.message.emit(Message(f"{self.matcher.itemText(row)} cannot be used: {reason}", "error"))
            self._show_state(self._session.state)
            return
        self._session.set_matcher(str(self.matcher.itemData(row, KEY_ROLE)))

    def _show_state(self, _state: object) -> None:
        session = self._session
        index, total = session.index, len(session.pairs)
        self.place.setText(f"{index + 1 if index >= 0 else '–'} / {total}")
        self._keep_room()
        self.previous.setEnabled(index > 0)
        self.next.setEnabled(index < total - 1)
        with QSignalBlocker(self.matcher):
            self._fill_matchers()
            row = self.matcher.findData(session.state.matcher, KEY_ROLE)
            self.matcher.setCurrentIndex(row)
        tip = str(self.matcher.itemData(row, Qt.ItemDataRole.ToolTipRole) or "") if row >= 0 else ""
        self.matcher.setToolTip(f"<p>How the pair is matched.</p>{tip}")
        if (tab := self.tabs.get(session.state.workspace)) is not None:
            tab.setChecked(True)

    def _show_look(self, look: Style) -> None:
        self.previous.setIcon(look.icon("previous"))
        self.next.setIcon(look.icon("next"))
        self._keep_room()
        self._colour_matchers()

    def _keep_room(self) -> None:
        """Give the place in the list the room of its longest words, and let the matcher's box give way to the tabs.

        In a presentation the whole bar must fit into the 1280 pixels of a projector.
        """
        longest = "0" * len(str(len(self._session.pairs)))
        self.place.setMinimumWidth(self.place.fontMetrics().horizontalAdvance(f"{longest} / {longest}"))
        self.matcher.setMinimumWidth(self.matcher.fontMetrics().horizontalAdvance(SHORTEST_MATCHER) + self._look.px(5))

    def _colour_matchers(self) -> None:
        """Mute the matchers that cannot run."""
        model = self.matcher.model()
        if isinstance(model, QStandardItemModel):
            for row in range(model.rowCount()):
                colour = self._look.colour("muted" if self._reason(row) else "text")
                model.item(row).setForeground(colour)
