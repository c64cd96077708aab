"""The panel of a matcher's settings: what it teaches, a form per stage, the help of the field in hand.

What lives here: :class:`SettingsPanel`. What does not: the frame (``panel``), the rows (``form``) and what a workspace
shows (its own sections, passed in as ``extra``). May import: those, matchers, ``app.ui.session``, QtWidgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app import matchers
from app.ui.form import Form, build
from app.ui.panel import FormPanel, heading, rule, title_of, titled
from app.ui.session import Session

STAGE_TITLES = {
    "detect": "DETECT",
    "describe": "DESCRIBE",
    "match": "MATCH",
    "verify": "VERIFY",
    "evaluate": "EVALUATE",
}


class SettingsPanel(FormPanel):
    """The current matcher's settings, followed by a workspace's own sections.

    Args:
        session: read and changed.
        extra: (title, widget) of sections below the matcher's own. A widget with a ``help_wanted``
            signal has its help shown too.
    """

    def __init__(
        self, session: Session, extra: Sequence[tuple[str, QWidget]] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(session, parent=parent)
        self._matcher = ""
        self._forms: dict[str, Form] = {}
        self._stages = QWidget()
        self.column.addWidget(self._stages)
        for title, widget in extra:
            self._add_section(self.column, title, widget)
            self._take_help(widget)
        self.column.addStretch(1)
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

    def _add_section(self, column: QVBoxLayout, title: str, widget: QWidget) -> None:
        column.addWidget(rule())
        column.addWidget(heading(title.upper()))
        column.addWidget(widget)

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
        tip = "Give every stage of this matcher its default settings"
        column.addLayout(titled(title_of(spec.title), tip, self._session.reset_settings))
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
        self.column.replaceWidget(old, stages)
        self._stages = stages
        old.hide()
        old.deleteLater()

    def _connect(self, stage: str, form: Form) -> None:
        def changed(settings: Any) -> None:
            """Take the settings of this stage."""
            self._session.set_settings(stage, settings)

        form.changed.connect(changed)
        self._forms[stage] = self._take_form(form)
