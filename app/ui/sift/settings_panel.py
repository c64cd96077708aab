"""The right panel of the SIFT workspace: the algorithm's settings, then the section of the page in front.

What lives here: :class:`SiftSettingsPanel` and :class:`SharedSettings`, which says whose settings they are. What does
not: the frame (``app.ui.panel``), the forms (``app.ui.form``). May import: those, matchers, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from app import matchers
from app.records import UserError
from app.settings import fields_of
from app.ui.form import build
from app.ui.panel import FormPanel, heading, rule, title_of, titled
from app.ui.session import Session
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


class SiftSettingsPanel(FormPanel):
    """Form of the settings, a section of the page, and the help of the field in hand.

    Signals:
        changed: the new :class:`SiftSettings`.
    """

    changed = Signal(object)

    def __init__(self, session: Session, shared: SharedSettings, parent: QWidget | None = None) -> None:
        super().__init__(session, parent=parent)
        self._shared = shared
        self._sections: list[QWidget] = []
        self._fill(self.column)
        self.show_settings()

    def _fill(self, column: QVBoxLayout) -> None:
        tip = "Give the explained SIFT its default settings: Lowe's, with OpenCV's contrast threshold"
        column.addLayout(titled(title_of("SIFT from the inside"), tip, self._shared.reset))
        teaches = QLabel(TEACHES)
        teaches.setProperty("role", "help")
        teaches.setWordWrap(True)
        column.addWidget(teaches)
        self.page_head = heading("")
        self.pages = QStackedWidget()
        self._page_rule = rule()
        column.addWidget(self._page_rule)
        column.addWidget(self.page_head)
        column.addWidget(self.pages)
        column.addWidget(rule())
        column.addWidget(heading("ALGORITHM"))
        self.form = self._take_form(build(self._shared.value))
        self.form.changed.connect(self.changed)
        column.addWidget(self.form)
        self.link = QLabel("")
        self.link.setProperty("role", "help")
        self.link.setWordWrap(True)
        column.addWidget(self.link)
        column.addStretch(1)

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
        for part in (self._page_rule, self.page_head, self.pages):
            part.setVisible(widget is not None)
        if widget is None:
            return
        if self.pages.indexOf(widget) < 0:
            self.pages.addWidget(widget)
            self._sections.append(widget)
            self._take_help(widget)
        self.pages.setCurrentWidget(widget)
        # A stack is as high as its highest page; the others must not push the form down.
        for other in self._sections:
            vertical = QSizePolicy.Policy.Preferred if other is widget else QSizePolicy.Policy.Ignored
            other.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self.pages.adjustSize()
