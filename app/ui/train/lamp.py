"""The collapse lamp: whether descriptors are falling together, why, and what would help.

What lives here: :class:`LampView`. What does not: when it lights (``app.learning.train_state``), applying a remedy. May
import: learning's records, ``app.ui.style``, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.learning.train_state import Lamp
from app.settings import fields_of
from app.ui.style import Style
from app.ui.train.state import FIRST_SETTINGS

WORDS = {"off": "No collapse", "warning": "Descriptors are moving together", "collapsed": "Collapsed"}
OFF = "Lights up when the spread of the descriptors falls towards 0."
COLOURS = {"off": "consistent", "warning": "wrong", "collapsed": "error", "none": "undecided"}


class _Mark(QWidget):
    """A ring while all is well, a triangle as a warning, a cross when it happened: shape as well as colour."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.state = "none"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        look.changed.connect(lambda _look: self.updateGeometry())

    def sizeHint(self) -> QSize:
        """Return the size of the mark."""
        return QSize(self._look.px(2.5), self._look.px(2.5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._look.colour(COLOURS[self.state])
        box = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        painter.setPen(QPen(colour, 2.0))
        if self.state in ("off", "none"):
            if self.state == "off":
                painter.setBrush(colour)
            painter.drawEllipse(box)
        elif self.state == "warning":
            top = QPointF(box.center().x(), box.top())
            painter.drawPolygon(QPolygonF([top, box.bottomRight(), box.bottomLeft()]))
            painter.drawLine(QPointF(top.x(), box.top() + 6), QPointF(top.x(), box.bottom() - 5))
        else:
            painter.setPen(QPen(colour, 3.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(box.topLeft(), box.bottomRight())
            painter.drawLine(box.topRight(), box.bottomLeft())
        painter.end()


class LampView(QWidget):
    """The mark, its words, and a button for every remedy.

    Signals:
        remedy_wanted: (setting name, value).
    """

    remedy_wanted = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.lamp: Lamp | None = None
        self.mark = _Mark(look)
        self.words, self.why = QLabel(""), QLabel("")
        self.words.setProperty("role", "title")
        self.why.setProperty("role", "help")
        self.why.setWordWrap(True)
        self.buttons: list[QPushButton] = []
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.mark)
        line.addWidget(self.words, 1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addLayout(line)
        self._column.addWidget(self.why)
        self.setAccessibleName("Collapse lamp")
        self.show_lamp(None)

    def show_lamp(self, lamp: Lamp | None) -> None:
        """Show a lamp, None before a training."""
        if lamp == self.lamp and self.words.text():
            return
        remedies = () if lamp is None else lamp.remedies
        if self.lamp is None or self.lamp.remedies != remedies:
            self._offer(remedies)
        self.lamp = lamp
        self.mark.state = "none" if lamp is None else lamp.state
        self.words.setText("Collapse lamp" if lamp is None else WORDS[lamp.state])
        self.why.setText(OFF if lamp is None or not lamp.why else lamp.why)
        self.setAccessibleDescription(f"{self.words.text()}. {self.why.text()}")
        self.mark.update()

    def _offer(self, remedies: tuple[tuple[str, str, str], ...]) -> None:
        for button in self.buttons:
            self._column.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        for name, value, sentence in remedies:
            button = QPushButton(f"{_label(name)}: {_worded(name, value)}")
            button.setToolTip(f"<p>{sentence}</p>")
            button.setAccessibleDescription(sentence)
            button.clicked.connect(lambda _=False, change=(name, value): self.remedy_wanted.emit(change))
            self._column.addWidget(button)
            self.buttons.append(button)


def _label(name: str) -> str:
    return next((spec.label for spec in fields_of(FIRST_SETTINGS) if spec.name == name), name)


def _worded(name: str, value: str) -> str:
    spec = next((spec for spec in fields_of(FIRST_SETTINGS) if spec.name == name), None)
    if spec is not None and spec.kind == "flag":
        return "on" if value == "true" else "off"
    return dict(spec.options).get(value, value) if spec is not None else value
