"""The right panel of the SIFT workspace: the algorithm's settings, then the section of the page in front.

What lives here: :class:`SiftSettingsPanel` and :class:`SharedSettings`, which says whose settings they are. What does
not: the forms (``app.ui.form``). May import: those, matchers, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import matchers
from app.records import UserError
from app.settings import fields_of
from app.ui.form import build
from app.ui.session import Message, Session
from app.ui.settings_panel import heading, rule
from app.vision.sift_records import SiftSettings

STATE_KEY = "sift.settings"
FAMILY = ("sift", "rootsift", "sift-explained")
TEACHES = (
    "Everything SIFT does, by an implementation made to be looked into: it finds the keypoints of OpenCV's SIFT at the "
    "same settings, and remembers of every candidate why it lived or died."
)


class SharedSettings:
    """The settings of the explained SIFT: the workspace's own, and with a SIFT matcher chosen, what that one has.

    So the contrast threshold under Match and the one explained here are one number.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def linked(self) -> tuple[str, ...]:
        """Names of the fields that are the current matcher's."""
        if self._session.state.matcher not in FAMILY:
            return ()
        theirs = {spec.name for stage in self._stages() for spec in fields_of(stage)}
        return tuple(spec.name for spec in fields_of(SiftSettings()) if spec.name in theirs)

    @property
    def matcher(self) -> str:
        """Title of the matcher the linked fields belong to."""
        try:
            return matchers.get(self._session.state.matcher).title
        except UserError:
            return self._session.state.matcher

    @property
    def value(self) -> SiftSettings:
        """The settings to explain with."""
        own: SiftSettings = self._session.workspace_state(STATE_KEY, SiftSettings())
        linked = self.linked
        values = {
            spec.name: getattr(stage, spec.name)
            for stage in self._stages()
            for spec in fields_of(stage)
            if spec.name in linked
        }
        return replace(own, **values)

    @property
    def most_side(self) -> int:
        """The working size of the matcher, 0 = full size."""
        return int(getattr(self._session.settings.detect, "max_side", 0))

    def set(self, settings: SiftSettings) -> None:
        """Change them, each field where it lives."""
        old, linked = self.value, self.linked
        changed = {s.name for s in fields_of(settings) if getattr(old, s.name) != getattr(settings, s.name)}
        for name in ("detect", "describe"):
            stage = getattr(self._session.settings, name)
            known = {spec.name for spec in fields_of(stage)}
            theirs: dict[str, Any] = {n: getattr(settings, n) for n in changed & set(linked) & known}
            if theirs:
                self._session.set_settings(name, replace(stage, **theirs))
        if changed - set(linked):
            self._session.set_workspace_state(STATE_KEY, settings)

    def reset(self) -> None:
        """Give all of them their defaults."""
        self.set(SiftSettings())

    def _stages(self) -> tuple[Any, Any]:
        return self._session.settings.detect, self._session.settings.describe


class SiftSettingsPanel(QWidget):
    """Form of the settings, a section of the page, and the help of the field in hand.

    Signals:
        changed: the new :class:`SiftSettings`.
    """

    changed = Signal(object)

    def __init__(self, session: Session, shared: SharedSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session, self._shared = session, shared
        self._sections: list[QWidget] = []
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        scroll = QScrollArea()
        scroll.setObjectName("panelScroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        self._fill(column)
        scroll.setWidget(body)
        outer.addWidget(scroll, 1)
        outer.addWidget(rule())
        self._help = QLabel("Point at a setting to read what it does.")
        self._help.setProperty("role", "help")
        self._help.setWordWrap(True)
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._help.setContentsMargins(16, 8, 16, 8)
        self._help.setMinimumHeight(72)
        outer.addWidget(self._help)
        self.show_settings()

    def _fill(self, column: QVBoxLayout) -> None:
        line = QHBoxLayout()
        title = QLabel("SIFT from the inside")
        title.setProperty("role", "title")
        reset = QPushButton("Defaults")
        reset.setProperty("role", "link")
        reset.setToolTip("Give the explained SIFT its default settings: Lowe's, with OpenCV's contrast threshold")
        reset.clicked.connect(self._shared.reset)
        line.addWidget(title, 1)
        line.addWidget(reset)
        column.addLayout(line)
        teaches = QLabel(TEACHES)
        teaches.setProperty("role", "help")
        teaches.setWordWrap(True)
        column.addWidget(teaches)
        self.page_head = heading("")
        self.pages = QStackedWidget()
        column.addWidget(rule())
        column.addWidget(self.page_head)
        column.addWidget(self.pages)
        column.addWidget(rule())
        column.addWidget(heading("ALGORITHM"))
        self.form = build(self._shared.value)
        self.form.changed.connect(self.changed)
        self.form.held.connect(self._session.hold_undo)
        self.form.help_wanted.connect(self.show_help)
        self.form.refused.connect(lambda text: self._session.message.emit(Message(text, "error")))
        column.addWidget(self.form)
        self.link = QLabel("")
        self.link.setProperty("role", "help")
        self.link.setWordWrap(True)
        column.addWidget(self.link)
        column.addStretch(1)

    def show_help(self, text: str) -> None:
        """Show a help text in the line at the bottom."""
        self._help.setText(text)

    def show_settings(self) -> None:
        """Show the settings in force, and which of them are the matcher's."""
        if self.form.settings != self._shared.value:
            self.form.set_values(self._shared.value)
        labels = [spec.label for spec in fields_of(SiftSettings()) if spec.name in self._shared.linked]
        self.link.setVisible(bool(labels))
        words = f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else "".join(labels)
        self.link.setText(f"{words}: shared with the matcher {self._shared.matcher} under Match.")

    def show_page(self, title: str, widget: QWidget | None) -> None:
        """Show a page's own section, or none."""
        self.page_head.setText(title.upper())
        for part in (self.page_head, self.pages):
            part.setVisible(widget is not None)
        if widget is None:
            return
        if self.pages.indexOf(widget) < 0:
            self.pages.addWidget(widget)
            self._sections.append(widget)
            wanted = getattr(widget, "help_wanted", None)
            if wanted is not None:
                wanted.connect(self.show_help)
        self.pages.setCurrentWidget(widget)
        # A stack is as high as its highest page; the others must not push the form down.
        for other in self._sections:
            vertical = QSizePolicy.Policy.Preferred if other is widget else QSizePolicy.Policy.Ignored
            other.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self.pages.adjustSize()
