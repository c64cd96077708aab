"""The window: puts the top bar, the workspaces, the docks and the status lines together.

What lives here: :class:`MainWindow`, its frame and its coming and going. What does not: anything a part can
do alone (``surroundings``, ``docks``, ``opening``). May import: start, the docks, the session, the style, the list of
workspaces, Qt's core, gui and widgets; inside functions, what the first paint does without.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QToolBar, QWidget

from app import locate
from app.records import PairRef, UserError
from app.start import load_libraries
from app.ui.docks import Docks
from app.ui.session import Message, Session
from app.ui.session_state import SessionState, config_folder
from app.ui.style import Style
from app.ui.workspaces import WORKSPACES, WorkspaceEntry, entry_of

if TYPE_CHECKING:
    from app.ui.opening import Opener
    from app.ui.remembered import Remembered
    from app.ui.surroundings import Surroundings
    from app.ui.workspaces.base import Workspace

log = logging.getLogger(__name__)
TITLE = "Correspondence Explorer"
PAINT_MS = 10  # between the first paint and the work that follows it
PICTURES_MS = 400  # that what is remembered of the pair stays without the rest, while its pictures are being read
CLOSING_SECONDS = 5.0


class MainWindow(QMainWindow):
    """The program's window on one session.

    Args:
        session: already restored; pairs may be opened before or after.
        look: already applied.
        entries: the workspaces to offer.
        remember: whether the layout is restored now and saved on closing.
        staged: whether the workspace, where its picture is the pair, and what stands around it are made only after the
            first paint.
        remembered: with ``staged``, what the first paint shows of the pair if it has not been read yet.

    Signals:
        appeared: once, after the first paint: what was held back for it may now begin.
        first_painted: once, when the window has been painted for the first time and is complete.

    Attributes:
        ended: after closing, whether every lane's thread has ended.
    """

    appeared = Signal()
    first_painted = Signal()

    def __init__(
        self,
        session: Session,
        look: Style,
        entries: Sequence[WorkspaceEntry] = WORKSPACES,
        *,
        remember: bool = True,
        staged: bool = False,
        remembered: Remembered | None = None,
    ) -> None:
        super().__init__()
        self._remember = remember
        self._painted = self._started = self._closed = False
        self._around: Surroundings | None = None
        self._opener: Opener | None = None
        self._preview: QWidget | None = None
        self._early: Message | None = None
        self.session, self.look, self.ended = session, look, True
        self.workspaces: dict[str, Workspace] = {}
        self._entries = tuple(entries)
        self._front: Workspace | None = None
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._build_frame()
        session.state_changed.connect(self._show_state)
        session.pair_changed.connect(self._show_title)
        session.message.connect(self._keep_early)
        self._show_title(session.state.pair)
        self._shown: Remembered | None = None  # of the pair, for which the window then waits a moment
        if staged and self._entry(session.state).shows_pair:
            self._shown = remembered
            self._show_preview(remembered)
        self._show_state(session.state)
        self._restore_geometry()
        if not staged:
            self.complete()

    # ------------------------------------------------------------------------ building

    def _build_frame(self) -> None:
        """Make the places of all parts at their final sizes, so that the pictures do not move later."""
        self.menuBar().setMinimumHeight(self.look.px(3.25))
        self.bar_place = QToolBar("Top bar")
        self.bar_place.setObjectName("top-bar")
        self.bar_place.setMovable(False)
        self.bar_place.setMinimumHeight(self.look.px(6))
        self.addToolBar(self.bar_place)
        self.centre = QStackedWidget()
        self.centre.setObjectName("centre")
        self.setCentralWidget(self.centre)
        self.docks = Docks(self, self.look)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setContentsMargins(0, 0, 0, 0)
        self.statusBar().setMinimumHeight(self.look.px(5))

    def _show_preview(self, remembered: Remembered | None) -> None:
        """Show the pair by itself; the workspace takes its place after the first paint."""
        from app.ui.preview import Preview

        self._preview = Preview(self.session, self.look, remembered)
        self.centre.addWidget(self._preview)

    def complete(self) -> None:
        """Make the workspace and what stands around the picture, unless they are there."""
        if self._around is not None:
            return
        from PySide6.QtGui import QIcon

        from app.ui.surroundings import Surroundings

        QApplication.setWindowIcon(QIcon(str(locate.resources() / "icons" / "correspondence-explorer.svg")))
        preview, self._preview = self._preview, None
        if preview is not None:
            self._show_state(self.session.state)
            self.centre.removeWidget(preview)
            preview.deleteLater()
            if self._shown is not None and self._front is not None and self._reads:
                self._front.show_remembered(self._shown)
            self._shown = None

        self._around = Surroundings(self, list(self._entries))
        self._around.show_state(self.session.state)
        self.session.message.disconnect(self._keep_early)
        if self._early is not None:
            self._around.message_line.show_message(self._early)
        self._show_surroundings()
        self.focus_picture()

    def _keep_early(self, message: Message) -> None:
        """Keep what is told before there is a line for it: a picture that cannot be read is known at once."""
        self._early = message

    @property
    def around(self) -> Surroundings:
        """What stands around the picture; made now if it is not there."""
        self.complete()
        assert self._around is not None
        return self._around

    @property
    def opener(self) -> Opener:
        """How images come into the window; made now if it is not there."""
        if self._opener is None:
            from app.ui.opening import Opener

            self._opener = Opener(self.session, self)
        return self._opener

    # ------------------------------------------------------------------- what is shown

    def _show_state(self, state: SessionState) -> None:
        self.look.set_theme(state.theme)
        if self._around is not None:
            self._around.show_state(state)
        key = self._entry(state).key
        if self._preview is None and (self._front is None or self._front.key != key):
            self._bring_to_front(key)

    def _entry(self, state: SessionState) -> WorkspaceEntry:
        """Return the workspace of a state."""
        return entry_of(state.workspace, self._entries)

    def _show_title(self, ref: PairRef | None) -> None:
        self.setWindowTitle(TITLE if ref is None else f"{ref.title} – {TITLE}")

    def _bring_to_front(self, key: str) -> None:
        if self._front is not None:
            self._front.deactivate()
        if key not in self.workspaces:
            self.workspaces[key] = entry_of(key, self._entries).load()(self.session, self.look)
            self.centre.addWidget(self.workspaces[key])
            self.workspaces[key].actions_changed.connect(self._show_surroundings)
        self._front = self.workspaces[key]
        self.centre.setCurrentWidget(self._front)
        self._front.activate()
        self._show_surroundings()
        self.focus_picture()

    def _show_surroundings(self) -> None:
        """Show the panels and actions of the workspace in front."""
        if self._around is None or self._front is None:
            return
        from PySide6.QtWidgets import QLineEdit

        panels = (self._front.settings_panel(), self._front.details_panel())
        self.docks.show_panels(*panels)
        self._around.show_actions(self._front, list(self.workspaces.values()))
        for panel in (self, *panels):
            for edit in panel.findChildren(QLineEdit):
                edit.setAcceptDrops(False)  # files dropped on a field are for the window

    # --------------------------------------------------------------------- what it does

    @property
    def front(self) -> Workspace | None:
        """The workspace in front."""
        return self._front

    def focus_picture(self) -> None:
        """Give the keyboard to the workspace's picture."""
        if self._front is not None:
            self._front.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focusNextPrevChild(self, on: bool) -> bool:
        """Tab and Shift+Tab: through top bar, pairs, middle, details, settings, status line and message."""
        from app.ui import tab_order

        docks = self.docks
        parts = (self.bar_place, docks.pairs, self.centre, docks.details, docks.settings, self.statusBar())
        return tab_order.step([*parts, *self._above()], QApplication.focusWidget(), on=on)

    def _above(self) -> list[QWidget]:
        """Return what lies over the window's parts: the message line."""
        return [] if self._around is None else [self._around.message_line]

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
        if presenting:
            self.docks.set_presenting(True)
        self.look.set_presenting(presenting)
        if not presenting:  # beside larger type the docks would need a wider window
            self.docks.set_presenting(False)
        self.around.top_bar.present.setText("End  F5" if presenting else "Present  F5")
        if presenting:
            self.setWindowState(self.windowState() | Qt.WindowState.WindowFullScreen)
        else:
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        self.focus_picture()

    def reset_layout(self) -> None:
        """Put the docks back where they were at first."""
        self.docks.arrange()

    def escape(self) -> None:
        """Esc: cancel the job, else end the presentation, else what the workspace ends, else select nothing."""
        if self.session.busy:
            self.session.cancel()
        elif self.look.presenting:
            self.toggle_present()
        elif self._front is None or not self._front.let_go():
            self.session.select(None)

    # -------------------------------------------------------------------- drop and close

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        from app.ui.opening import paths_of, take_copy

        if paths_of(event.mimeData()):
            take_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        from app.ui.opening import paths_of, take_copy

        paths = paths_of(event.mimeData())
        if paths:
            take_copy(event)
            self.opener.open_paths(paths)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the docks follow."""
        super().resizeEvent(event)
        if self.isVisible() and 0 < event.oldSize().width() != event.size().width():
            self.docks.follow(wider=event.size().width() > event.oldSize().width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and tell the first time."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # The parts are painted after the window itself, and shall be on the screen before the rest is made.
            QTimer.singleShot(PAINT_MS, self, self._after_first_paint)

    def _after_first_paint(self) -> None:
        """Let the pair be read, if that was held back, and load what the workspace needs beside it."""
        load_libraries()
        self.appeared.emit()
        if self._shown is not None and self._reads:
            self._entry(self.session.state).load()
            self.session.result_changed.connect(self._finish_start)
            self.session.busy_changed.connect(self._finish_start)
            QTimer.singleShot(PICTURES_MS, self, self._finish_start)
        else:
            self._finish_start()

    @property
    def _reads(self) -> bool:
        """Whether the pair is still being read."""
        return self.session.result is None and self.session.busy

    def _finish_start(self, _event: object = None) -> None:
        """Complete the window, once."""
        if self._started or self._closed:
            return
        self._started = True
        self.complete()
        self.first_painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save the session, then end the lanes; the window is gone at once even if they take a while."""
        self._closed = True
        geometry = self.saveGeometry()  # while presenting it knows the size of before, which comes back only later
        if self.look.presenting:
            self.toggle_present()
        self.session.save()
        self._save_geometry(geometry)
        self._save_picture()
        self.hide()
        opening = self.opener.lane
        opening.shutdown(0.0)  # told first, waited for last: both end at once
        self.ended = self.session.shutdown(CLOSING_SECONDS)
        self.ended = opening.shutdown(CLOSING_SECONDS) and self.ended
        event.accept()

    def _settings_file(self) -> QSettings:
        return QSettings(str(config_folder() / "window.ini"), QSettings.Format.IniFormat)

    def _save_geometry(self, geometry: QByteArray) -> None:
        if not self._remember:
            return
        settings = self._settings_file()
        settings.setValue("geometry", geometry)
        settings.setValue("state", self.saveState())

    def _save_picture(self) -> None:
        """Keep what is shown of the pair for the first paint of the next start."""
        shown = self._front.remembered() if self._front is not None and self._remember else None
        ref, result = self.session.state.pair, self.session.result
        if shown is None or ref is None or result is None or result.request.ref != ref:
            return
        from app.ui import remembered

        try:
            remembered.write(config_folder(), ref, shown)
        except UserError as error:
            log.warning("what the window shows cannot be kept: %s", error)

    def _restore_geometry(self) -> None:
        self.resize(1440, 900)
        if not self._remember:
            self.docks.arrange()
            return
        settings = self._settings_file()
        geometry, state = settings.value("geometry"), settings.value("state")
        restored = isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)  # a presentation does not go on
        if not (restored and isinstance(state, QByteArray) and self.restoreState(state)):
            self.docks.arrange()
