"""The panel of a matcher's settings: what it teaches, a form per stage, the help of the field in hand.

What lives here: :class:`SettingsPanel`. What does not: the rows (``form``) and what a workspace shows
(its own sections, passed in as ``extra``). May import: matchers, ``app.ui.form``, ``app.ui.session``, QtWidgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app import matchers
from app.ui.form import Form, build
from app.ui.session import Message, Session

STAGE_TITLES = {
    "detect": "DETECT",
    "describe": "DESCRIBE",
    "match": "MATCH",
    "verify": "VERIFY",
    "evaluate": "EVALUATE",
}


def heading(text: str) -> QLabel:
    """Return a section head."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def rule() -> QFrame:
    """Return a thin line between sections."""
    line = QFrame()
    line.setProperty("role", "rule")
    return line


class SettingsPanel(QWidget):
    """The current matcher's settings, followed by a workspace's own sections.

    Args:
        session: read and changed.
        extra: (title, widget) of sections below the matcher's own. A widget with a ``help_wanted``
            signal has its help shown too.
    """

    def __init__(
        self, session: Session, extra: Sequence[tuple[str, QWidget]] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session = session
        self._matcher = ""
        self._forms: dict[str, Form] = {}
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("panelScroll")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(16, 12, 16, 12)
        self._column.setSpacing(8)
        self._stages = QWidget()
        self._column.addWidget(self._stages)
        for title, widget in extra:
            self._add_section(self._column, title, widget)
        self._column.addStretch(1)
        self._scroll.setWidget(body)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(self._help_line())
        session.state_changed.connect(self._show_state)

    @property
    def forms(self) -> dict[str, Form]:
        """The form of every stage that has settings; made when first asked for or shown."""
        if not self._matcher:
            self._rebuild()
        return self._forms

    def showEvent(self, event: QShowEvent) -> None:
        """Make the forms when they are first seen: the first paint does without them."""
        if not self._matcher:
            self._rebuild()
        super().showEvent(event)

    def show_help(self, text: str) -> None:
        """Show a help text in the line at the bottom."""
        self._help.setText(text)

    def _help_line(self) -> QLabel:
        self._help = QLabel("Point at a setting to read what it does.")
        self._help.setProperty("role", "help")
        self._help.setWordWrap(True)
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._help.setContentsMargins(16, 8, 16, 8)
        self._help.setMinimumHeight(72)
        return self._help

    def _add_section(self, column: QVBoxLayout, title: str, widget: QWidget) -> None:
        column.addWidget(rule())
        column.addWidget(heading(title.upper()))
        column.addWidget(widget)
        wanted = getattr(widget, "help_wanted", None)
        if wanted is not None:
            wanted.connect(self.show_help)

    def _show_state(self, _state: object) -> None:
        """Show the state's settings; the forms are made anew for another matcher."""
        if not self._matcher:
            return
        if self._session.state.matcher != self._matcher:
            self._rebuild()
            return
        settings = self._session.settings
        for stage, form in self._forms.items():
            if form.settings != getattr(settings, stage):
                form.set_values(getattr(settings, stage))

    def _rebuild(self) -> None:
        self._matcher = self._session.state.matcher
        spec = matchers.get(self._matcher)
        settings = self._session.settings
        stages = QWidget()
        column = QVBoxLayout(stages)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._head(spec.title))
        teaches = QLabel(spec.teaches)
        teaches.setProperty("role", "help")
        teaches.setWordWrap(True)
        teaches.setToolTip(f"<p>{spec.source}</p>")
        column.addWidget(teaches)
        self._forms = {}
        for stage, title in STAGE_TITLES.items():
            form = build(getattr(settings, stage))
            if form.rows:
                self._connect(stage, form)
                self._add_section(column, title, form)
            else:
                form.deleteLater()
        old = self._stages
        self._column.replaceWidget(old, stages)
        self._stages = stages
        old.hide()
        old.deleteLater()

    def _head(self, title: str) -> QHBoxLayout:
        line = QHBoxLayout()
        name = QLabel(title)
        name.setProperty("role", "title")
        reset = QPushButton("Defaults")
        reset.setProperty("role", "link")
        reset.setToolTip("Give every stage of this matcher its default settings")
        reset.clicked.connect(self._session.reset_settings)
        line.addWidget(name, 1)
        line.addWidget(reset)
        return line

    def _connect(self, stage: str, form: Form) -> None:
        def changed(settings: Any) -> None:
            self._session.set_settings(stage, settings)

        form.changed.connect(changed)
        form.held.connect(self._session.hold_undo)
        form.refused.connect(lambda text: self._session.message.emit(Message(text, "error")))
        self._forms[stage] = form
