"""The Axioms page: four lamps, and the triangle that breaks the fourth.

What lives here: :class:`AxiomPage` with its lamps and the drawn witness. What does not: the search (``app.learning``).
May import: ``app.learning.axioms``, ``measures``, the session, numpy, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from app.jobs import Progress
from app.learning.axioms import Lamp, Verdict, search
from app.learning.measures import AXIOM_NAMES, AXIOMS, Measure, measure, typed
from app.records import Float64, UserError
from app.ui.errand import Errand
from app.ui.metric.drawing import draw_span
from app.ui.metric.learning import Learning
from app.ui.metric.page import MetricPage
from app.ui.metric.patch_witness import KEYS, PatchWitness
from app.ui.metric.plots import short
from app.ui.metric.state import MetricState
from app.ui.session import Message, Session
from app.ui.style import Style

TITLES = {"N": "Non-negative", "I": "Identity", "S": "Symmetric", "T": "Triangle inequality"}
WORDS = {"holds": "holds", "half": "half", "fails": "fails", "unknown": "not asked"}
TOKENS = {"holds": "right", "half": "selected", "fails": "wrong", "unknown": "undecided"}
MARKS = {"holds": "✓", "half": "◐", "fails": "✕", "unknown": "–"}
START = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
LEAST_WIDE = 520  # pixels from which the points are drawn beside the lengths
CENTRE = int(Qt.AlignmentFlag.AlignCenter)


class LampWidget(QWidget):
    """One axiom: a lamp with a mark, its name, its formula and what was found."""

    def __init__(self, look: Style, axiom: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self.axiom = look, axiom
        self.lamp: Lamp | None = None
        self.light = _Light(look)
        self.title = QLabel(TITLES[axiom])
        self.title.setProperty("role", "title")
        self.formula = QLabel(AXIOM_NAMES[axiom])
        self.formula.setProperty("role", "muted")
        self.found = QLabel()
        self.found.setWordWrap(True)
        self.found.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.light, 0, 0, 3, 1, Qt.AlignmentFlag.AlignTop)
        for line, label in enumerate((self.title, self.formula, self.found)):
            grid.addWidget(label, line, 1)

    def show_lamp(self, lamp: Lamp | None) -> None:
        """Show what the search says."""
        self.lamp = lamp
        self.light.show_state("unknown" if lamp is None else lamp.state)
        self.found.setText("" if lamp is None else lamp.sentence)
        self.title.setText(TITLES[self.axiom] + ("" if lamp is None else f" — {WORDS[lamp.state]}"))
        self.setAccessibleName(self.title.text())
        self.setAccessibleDescription(self.found.text())


class _Light(QWidget):
    """A disc in the colour of the state, with its mark."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._state = look, "unknown"
        look.changed.connect(lambda _look: self._resize())
        self._resize()

    def _resize(self) -> None:
        self.setFixedSize(QSize(self._look.px(5), self._look.px(5)))
        self.update()

    def show_state(self, state: str) -> None:
        """Show a state."""
        self._state = state
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the disc; one that is out is only a ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._look.colour(TOKENS[self._state])
        area = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        lit = self._state == "holds"
        painter.setPen(QPen(colour, 2.5))
        painter.setBrush(colour if lit else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(area)
        painter.setPen(self._look.colour("canvas" if lit else TOKENS[self._state]))
        painter.setFont(self._look.font(1.3, bold=True))
        painter.drawText(area, CENTRE, MARKS[self._state])
        painter.end()


class WitnessView(QWidget):
    """The witness of a failing axiom: for the triangle inequality three points with the lengths f gives them."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.lamp: Lamp | None = None
        self.setMinimumSize(240, 170)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Counter-example")
        look.changed.connect(lambda _look: self.update())

    def show_lamp(self, lamp: Lamp | None) -> None:
        """Draw a witness, or say that there is none."""
        self.lamp = lamp
        self.setAccessibleDescription("" if lamp is None else lamp.sentence)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the witness."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._look.colour("canvas"))
        painter.setFont(self._look.font())
        lamp = self.lamp
        if lamp is None or lamp.axiom != "T" or len(lamp.values) != 3:
            painter.setPen(self._look.colour("muted"))
            text = "No triangle breaks the inequality among those that were tried."
            if lamp is not None and lamp.axiom != "T":
                text = lamp.sentence
            painter.drawText(
                QRectF(self.rect()).adjusted(24, 24, -24, -24), CENTRE | int(Qt.TextFlag.TextWordWrap), text
            )
        else:
            self._triangle(painter, lamp)
        painter.end()

    def _triangle(self, painter: QPainter, lamp: Lamp) -> None:
        """Draw the two legs end to end above the direct way, which is longer than both together."""
        direct, first, second = lamp.values
        longest = max(direct, first + second, 1e-300)
        points = lamp.points
        inset = points is not None and points.shape[1] <= 2 and self.width() >= LEAST_WIDE
        room = self.width() * (0.66 if inset else 1.0)
        left, width = 24.0, room - 48
        line = painter.fontMetrics().height() * 1.25
        upper, lower = self.height() / 2 - 0.8 * line, self.height() / 2 + 0.9 * line
        joint, legs, end = (left + width * length / longest for length in (first, first + second, direct))
        draw_span(painter, self._look, (left, joint), upper, "right")
        draw_span(painter, self._look, (joint, legs), upper, "consistent")
        draw_span(painter, self._look, (left, end), lower, "wrong")
        painter.setPen(QPen(self._look.colour("selected"), 1.5 * self._look.line_scale, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(legs, upper), QPointF(legs, lower))
        painter.drawLine(QPointF(legs, upper), QPointF(end, upper))
        painter.setPen(self._look.colour("text"))
        texts = f"f(x, y) = {short(first)}   then   f(y, z) = {short(second)}", f"direct: f(x, z) = {short(direct)}"
        painter.drawText(QRectF(left, upper - 1.5 * line, width, line), START, texts[0])
        painter.drawText(QRectF(left, lower + 0.5 * line, width, line), START, texts[1])
        painter.setPen(self._look.colour("muted"))
        painter.drawText(QRectF(left, 8, width, line), START, "The way over y is shorter than the direct way")
        missing = f"dashed: {short(direct - first - second)} too short"
        painter.drawText(QRectF(left, lower + 1.6 * line, width, line), START, missing)
        if inset and points is not None:
            self._corners(painter, points, QRectF(room, 24, self.width() - room - 24, self.height() - 48))

    def _corners(self, painter: QPainter, points: Float64, area: QRectF) -> None:
        """Draw the three points where they are, in the plane or on a line."""
        rows = points if points.shape[1] == 2 else np.c_[points, np.zeros(3)]
        low, high = rows.min(axis=0), rows.max(axis=0)
        span = max(float((high - low).max()), 1e-9)
        side = min(area.width(), area.height()) * 0.7
        middle = (low + high) / 2
        at = [
            QPointF(
                area.center().x() + side * (x - middle[0]) / span, area.center().y() - side * (y - middle[1]) / span
            )
            for x, y in rows
        ]
        tokens = ("right", "consistent", "wrong")
        for (one, other), token in zip(((0, 1), (1, 2), (0, 2)), tokens, strict=True):
            dashed = Qt.PenStyle.DashLine if token == "wrong" else Qt.PenStyle.SolidLine
            painter.setPen(QPen(self._look.colour(token), 2 * self._look.line_scale, dashed))
            painter.drawLine(at[one], at[other])
        for name, place, row in zip("xyz", at, points, strict=True):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._look.colour("accent"))
            painter.drawEllipse(place, 5, 5)
            painter.setPen(self._look.colour("text"))
            text = f"{name} = ({', '.join(short(value) for value in row)})"
            wide = painter.fontMetrics().horizontalAdvance(text)
            x = min(place.x() + 9, self.width() - wide - 8)
            painter.drawText(QPointF(x, place.y() + (18 if name == "y" else -8)), text)


class AxiomPage(MetricPage):
    """The four lamps above, the witness of the one that is out below."""

    key = "axioms"
    title = "Axioms"

    def __init__(self, session: Session, look: Style, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(session, look, learning, parent)
        self.state = MetricState()
        self.verdict: Verdict | None = None
        self.fault = ""
        self._asked: tuple[Any, ...] = ()
        self._formula = ""
        self.head = QLabel()
        self.head.setProperty("role", "title")
        self.formula = QLineEdit()
        self.formula.setPlaceholderText("a formula in x and y, e.g. sqrt(sum((x - y)**2))")
        self.formula.setAccessibleName("Formula of your own")
        self.formula.setToolTip("<p>x and y are points of the plane, x1, x2 their components. Enter tests it.</p>")
        self.formula.returnPressed.connect(self._typed)
        self.complaint = QLabel()
        self.complaint.setProperty("role", "error")
        self.complaint.setWordWrap(True)
        self.lamps = {axiom: LampWidget(look, axiom) for axiom in AXIOMS}
        self.witness = WitnessView(look)
        self.patches = PatchWitness(session, look)
        self.patches.hide()  # it begins when it is first seen
        self.patches.told.connect(lambda _text: self._show())
        column = QVBoxLayout(self._scrolled())
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        own = QLabel("your own: f(x, y) =")
        own.setProperty("role", "muted")
        own.setBuddy(self.formula)
        typing = QHBoxLayout()
        typing.setSpacing(8)
        typing.addWidget(own)
        typing.addWidget(self.formula, 1)
        column.addWidget(self.head)
        column.addLayout(typing)
        column.addWidget(self.complaint)
        lamps = QGridLayout()
        lamps.setHorizontalSpacing(24)
        lamps.setVerticalSpacing(12)
        for place, lamp in enumerate(self.lamps.values()):
            lamps.addWidget(lamp, place // 2, place % 2, Qt.AlignmentFlag.AlignTop)
            lamps.setColumnStretch(place % 2, 1)
        column.addLayout(lamps)
        column.addWidget(self.witness, 1)
        column.addWidget(self.patches)
        column.addStretch(0)
        self.setFocusProxy(self.formula)
        self._search = Errand(session.probe_lane, self)
        self._search.progressed.connect(self._on_progress)
        self._search.finished.connect(self._found)
        self._search.failed.connect(self._on_failed)
        self._search.cancelled.connect(self._on_cancelled)

    @property
    def busy(self) -> bool:
        """Whether a search runs."""
        return self._search.busy or self.patches.busy

    def _typed(self) -> None:
        self.changed.emit(replace(self.state, measure="typed", formula=self.formula.text()))

    def show_state(self, state: MetricState) -> None:
        """Show a state; search if its measure was not looked at yet."""
        self.state = state
        if state.formula != self._formula:
            self._formula = state.formula
            self.formula.setText(state.formula)
        self.patches.setVisible(state.measure in KEYS)
        self.witness.setVisible(state.measure not in KEYS)
        asked = (state.measure, state.formula if state.measure == "typed" else "")
        if asked == self._asked:
            return
        self._asked = asked
        self.verdict, self.fault = None, ""
        try:
            chosen: Measure = typed(state.formula) if state.measure == "typed" else measure(state.measure)
        except UserError as error:
            self.fault = str(error)
            self._search.forget()
            self._show("")
            return
        self._search.start(lambda: search(chosen))
        title = "Your formula" if state.measure == "typed" else chosen.title
        self._show(f"{title}:  f(x, y) = {chosen.formula}   ({chosen.space})")

    def _show(self, head: str | None = None) -> None:
        if head is not None:
            self.head.setText(head or "This formula cannot be read")
        self.complaint.setText(self.fault)
        self.complaint.setVisible(bool(self.fault))
        found = {} if self.verdict is None else {lamp.axiom: lamp for lamp in self.verdict.lamps}
        for axiom, widget in self.lamps.items():
            widget.show_lamp(found.get(axiom))
        broken = [lamp for lamp in found.values() if lamp.state in ("fails", "half")]
        triangle = [lamp for lamp in broken if lamp.axiom == "T"]
        chosen = triangle or broken
        self.witness.show_lamp(chosen[0] if chosen else None)
        rows = [] if self.verdict is None else [("badge", self.verdict.badge), ("triples", f"{self.verdict.tried:,}")]
        told = "A lamp that stays lit is no proof: nothing was found that puts it out."
        if self.state.measure in KEYS and self.patches.sentence:
            told = f"{self.patches.sentence} {told}"
        self.facts.emit((rows, self.fault or told))

    def _on_progress(self, progress: Progress) -> None:
        if isinstance(progress.payload, Verdict):
            self._found(progress.payload)

    def _found(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self._show()

    def _on_failed(self, message: Message) -> None:
        self.fault = message.text
        self.session.message.emit(message)
        self._show()

    def _on_cancelled(self) -> None:
        self._asked = ()  # another question took the lane: ask again when shown next
