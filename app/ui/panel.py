"""The frame of every panel of settings: sections that scroll, and below them the help of the field in hand.

What lives here: :class:`FormPanel`, and the section heads and lines that all panels have. What does not: what a
panel shows. May import: ``app.ui.form``, ``app.ui.session``, QtWidgets.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui.form import Form
from app.ui.session import Message, Session


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


class FormPanel(QWidget):
    """Sections one below the other, scrolled where they do not fit, and a line of help at the bottom.

    Args:
        session: is told of changes to hold back from undo, and of what a form refuses.
        above: stands above the sections and does not scroll.

    Attributes:
        column: takes the sections.
    """

    def __init__(self, session: Session, above: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session = session
        body = QWidget()
        self.column = QVBoxLayout(body)
        self.column.setContentsMargins(16, 12, 16, 12)
        self.column.setSpacing(8)
        scroll = QScrollArea()
        scroll.setObjectName("panelScroll")
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        self._body = body
        body.installEventFilter(self)
        self._help = QLabel("Point at a setting to read what it does.")
        self._help.setProperty("role", "help")
        self._help.setWordWrap(True)
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._help.setContentsMargins(16, 8, 16, 8)
        self._help.setMinimumHeight(72)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        if above is not None:
            outer.addWidget(above)
            outer.addWidget(rule())
        outer.addWidget(scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(self._help)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Align the forms whenever what stands in the sections has changed."""
        if watched is self._body and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._align()
        return False

    def _align(self) -> None:
        """Give all forms in view one width of labels, so that what stands beside these begins in one line."""
        forms = [form for form in self._body.findChildren(Form) if form.isVisibleTo(self._body)]
        widest = max((form.label_width for form in forms), default=0)
        margins = self.column.contentsMargins()
        room = self._body.width() - margins.left() - margins.right()
        for form in forms:
            form.align(widest, room)

    def show_help(self, text: str) -> None:
        """Show a help text in the line at the bottom."""
        self._help.setText(text)

    def _section(self, title: str, form: Form) -> QWidget:
        """Append a section with a form below its head, and return it."""
        part = QWidget()
        inside = QVBoxLayout(part)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(heading(title))
        inside.addWidget(self._take_form(form))
        self.column.insertWidget(self.column.count() - 1, part)  # the last is the room below all sections
        return part

    def _take_help(self, widget: QWidget) -> None:
        """Show the help of a widget that has any."""
        wanted = getattr(widget, "help_wanted", None)
        if wanted is not None:
            wanted.connect(self.show_help)

    def _take_form(self, form: Form) -> Form:
        """Connect a form's help, its complaints and what it holds back from undo; what it changes is the caller's."""
        form.held.connect(self._session.hold_undo)
        form.refused.connect(lambda text: self._session.message.emit(Message(text, "error")))
        self._take_help(form)
        return form


def titled(title: QLabel, tip: str, reset: Callable[[], object]) -> QHBoxLayout:
    """Return a title with the button that gives what stands below it its defaults; ``tip`` says so."""
    line = QHBoxLayout()
    button = QPushButton("Defaults")
    button.setProperty("role", "link")
    button.setToolTip(tip)
    button.clicked.connect(lambda _checked=False: reset())
    line.addWidget(title, 1)
    line.addWidget(button)
    return line


def title_of(text: str) -> QLabel:
    """Return the name of what a panel sets."""
    label = QLabel(text)
    label.setProperty("role", "title")
    return label
