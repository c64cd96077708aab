"""The window: puts the top bar, the workspaces, the docks and the status lines together.

What lives here: :class:`MainWindow`, its layout and its coming and going. What does not: anything a part
can do alone (``top_bar``, ``docks``, ``menus``, ``status``, ``browser``, ``opening``). May import: those, the
session, the style, the list of workspaces, Qt's core, gui and widgets.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QPaintEvent, QShortcut
from PySide6.QtWidgets import QLineEdit, QMainWindow, QStackedWidget, QToolBar, QVBoxLayout, QWidget

from app.records import PairRef
from app.ui.browser import PairBrowser
from app.ui.docks import Docks
from app.ui.menus import build_menus
from app.ui.opening import Opener, paths_of
from app.ui.session import Message, Session
from app.ui.session_state import SessionState, config_folder
from app.ui.status import MessageLine, StatusLine
from app.ui.style import Style
from app.ui.top_bar import TopBar
from app.ui.workspaces import WORKSPACES, WorkspaceEntry
from app.ui.workspaces.base import Workspace

log = logging.getLogger(__name__)
TITLE = "Correspondence Explorer"
CLOSING_SECONDS = 5.0


class MainWindow(QMainWindow):
    """The program's window on one session.

    Args:
        session: already restored; pairs may be opened before or after.
        look: already applied.
        entries: the workspaces to offer.
        remember: whether the layout is restored now and saved on closing.

    Signals:
        first_painted: once, when the window has been painted for the first time.

    Attributes:
        ended: after closing, whether every lane's thread has ended.
    """

    first_painted = Signal()

    def __init__(
        self,
        session: Session,
        look: Style,
        entries: Sequence[WorkspaceEntry] = WORKSPACES,
        *,
        remember: bool = True,
    ) -> None:
        super().__init__()
        self._remember = remember
        self._painted = False
        self.session, self.look, self.ended = session, look, True
        self.workspaces: dict[str, Workspace] = {}
        self._entries = {entry.key: entry for entry in entries}
        self._front: Workspace | None = None
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.opener = Opener(session, self)
        self._build_parts(entries)
        self.menus = build_menus(self)
        self._add_keys()
        self._connect()
        self._show_state(session.state)
        self._restore_geometry()

    # ------------------------------------------------------------------------ building

    def _build_parts(self, entries: Sequence[WorkspaceEntry]) -> None:
        self.top_bar = TopBar(self.session, self.look, entries)
        self._tool_bar = QToolBar("Top bar")
        self._tool_bar.setObjectName("top-bar")
        self._tool_bar.setMovable(False)
        self._tool_bar.addWidget(self.top_bar)
        self.addToolBar(self._tool_bar)
        self.centre = QStackedWidget()
        self.centre.setObjectName("centre")
        self.setCentralWidget(self.centre)
        self.browser = PairBrowser(self.session, self.look)
        self.docks = Docks(self, self.look, self.browser)
        self.message_line = MessageLine(self.look)
        self.status_line = StatusLine(self.session, self.look)
        lines = QWidget()
        column = QVBoxLayout(lines)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.message_line)
        column.addWidget(self.status_line)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setContentsMargins(0, 0, 0, 0)
        self.statusBar().addPermanentWidget(lines, 1)

    def _add_keys(self) -> None:
        for entry in self._entries.values():
            shortcut = QShortcut(QKeySequence(f"Ctrl+{entry.number}"), self)
            shortcut.activated.connect(lambda key=entry.key: self.session.set_workspace(key))
        self._escape = QShortcut(QKeySequence("Esc"), self)
        self._escape.activated.connect(self._escaped)

    def _connect(self) -> None:
        session = self.session
        session.state_changed.connect(self._show_state)
        session.pair_changed.connect(self._show_title)
        session.message.connect(self.message_line.show_message)
        self.top_bar.present_wanted.connect(self.toggle_present)
        self.browser.open_wanted.connect(self.opener.open_images)
        self.browser.moved_out.connect(self.focus_picture)

    # ------------------------------------------------------------------- what is shown

    def _show_state(self, state: SessionState) -> None:
        self.look.set_theme(state.theme)
        self.menus.themes[state.theme].setChecked(True)
        self.menus.undo.setEnabled(self.session.can_undo)
        self.menus.redo.setEnabled(self.session.can_redo)
        key = state.workspace if state.workspace in self._entries else next(iter(self._entries))
        if self._front is None or self._front.key != key:
            self._bring_to_front(key)

    def _show_title(self, ref: PairRef | None) -> None:
        self.setWindowTitle(TITLE if ref is None else f"{ref.title} – {TITLE}")

    def _bring_to_front(self, key: str) -> None:
        if self._front is not None:
            self._front.deactivate()
        workspace = self.workspaces.get(key) or self._load(key)
        self._front = workspace
        self.centre.setCurrentWidget(workspace)
        self.docks.show_panels(workspace.settings_panel(), workspace.details_panel())
        self._show_actions(workspace)
        workspace.activate()
        self.focus_picture()

    def _load(self, key: str) -> Workspace:
        """Make a workspace when it is first wanted."""
        workspace = self._entries[key].load()(self.session, self.look)
        self.workspaces[key] = workspace
        self.centre.addWidget(workspace)
        for panel in (self, workspace.settings_panel(), workspace.details_panel()):
            for edit in panel.findChildren(QLineEdit):
                edit.setAcceptDrops(False)  # files dropped on a field are for the window
        return workspace

    def _show_actions(self, workspace: Workspace) -> None:
        """Put the workspace's actions into the menus they ask for."""
        own = self.menus.workspace
        own.clear()
        own.setTitle(f"&{self._entries[workspace.key].title}")
        for other in self.workspaces.values():
            for action in other.actions():
                for menu in (self.menus.file, self.menus.edit, self.menus.view):
                    menu.removeAction(action)
        for action in workspace.actions():
            self._place(action)
        own.menuAction().setVisible(not own.isEmpty())

    def _place(self, action: QAction) -> None:
        name = str(action.property("menu") or "")
        menus = {"file": self.menus.file, "edit": self.menus.edit, "view": self.menus.view}
        if name in menus:
            menus[name].insertAction(self.menus.before[name], action)
        else:
            self.menus.workspace.addAction(action)

    # --------------------------------------------------------------------- what it does

    def focus_picture(self) -> None:
        """Give the keyboard to the workspace's picture."""
        if self._front is not None:
            self._front.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def copy_picture(self) -> None:
        """Copy what the workspace shows to the clipboard."""
        if self._front is not None and self._front.copy_picture():
            self.session.message.emit(Message("The picture was copied."))
        else:
            self.session.message.emit(Message("There is no picture to copy yet."))

    def toggle_present(self) -> None:
        """Switch presentation mode: only the pictures, larger type, thicker lines, the whole screen."""
        presenting = not self.look.presenting
        self.menuBar().setVisible(not presenting)
        self.docks.set_presenting(presenting)
        self.look.set_presenting(presenting)
        self.top_bar.present.setText("End  F5" if presenting else "Present  F5")
        if presenting:
            self.setWindowState(self.windowState() | Qt.WindowState.WindowFullScreen)
        else:
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        self.focus_picture()

    def reset_layout(self) -> None:
        """Put the docks back where they were at first."""
        self.docks.arrange()

    def _escaped(self) -> None:
        """Esc: cancel the job, else end the presentation, else select nothing."""
        if self.session.busy:
            self.session.cancel()
        elif self.look.presenting:
            self.toggle_present()
        else:
            self.session.select(None)

    # -------------------------------------------------------------------- drop and close

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if paths_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = paths_of(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.opener.open_paths(paths)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and tell the first time."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)  # the parts are painted after the window itself

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save the session, then end the lanes; the window is gone at once even if they take a while."""
        if self.look.presenting:
            self.toggle_present()
        self.session.save()
        self._save_geometry()
        self.hide()
        ended_opening = self.opener.lane.shutdown(0.0)
        self.ended = self.session.shutdown(CLOSING_SECONDS) and (ended_opening or self.opener.lane.shutdown(0.0))
        event.accept()

    def _settings_file(self) -> QSettings:
        return QSettings(str(config_folder() / "window.ini"), QSettings.Format.IniFormat)

    def _save_geometry(self) -> None:
        if not self._remember:
            return
        settings = self._settings_file()
        settings.setValue("geometry", self.saveGeometry())
        settings.setValue("state", self.saveState())

    def _restore_geometry(self) -> None:
        self.resize(1440, 900)
        if not self._remember:
            self.docks.arrange()
            return
        settings = self._settings_file()
        geometry, state = settings.value("geometry"), settings.value("state")
        restored = isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)
        if not (restored and isinstance(state, QByteArray) and self.restoreState(state)):
            self.docks.arrange()
