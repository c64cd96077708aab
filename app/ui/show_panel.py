"""The controls of what is shown: colour rule and top N above the picture, classes and switches in the panel.

What lives here: :class:`ShowStrip` and :class:`ShowPanel`; both show a :class:`MatchState` and report a changed one.
What does not: colours (``colour_rules``), drawing. May import: those, ``form``, ``app.ui.style``, Qt.
"""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from app.ui.colour_rules import RULES, Colouring, available, usable_rule
from app.ui.combo import Combo
from app.ui.form import build
from app.ui.match_state import MatchState
from app.ui.match_values import MatchValues
from app.ui.style import Style

TOP_STEPS = 200


def top_at(position: int, count: int) -> int:
    """Return the N of a slider position, 0 (= all) at the right end; logarithmic from 1 to ``count``."""
    if position >= TOP_STEPS or count <= 1:
        return 0
    return max(1, min(count, round(math.exp(math.log(count) * position / TOP_STEPS))))


def position_of(top: int, count: int) -> int:
    """Return the slider position that stands for N of ``count``."""
    if top <= 0 or top >= count or count <= 1:
        return TOP_STEPS
    return min(TOP_STEPS - 1, round(TOP_STEPS * math.log(top) / math.log(count)))


class ShowStrip(QWidget):
    """One line above the picture: colour rule, top N, and the switches that have a key.

    Signals:
        changed: the new :class:`MatchState`.
        held: bool, while the slider is dragged.
    """

    changed = Signal(object)
    held = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._state = MatchState()
        self._count = 0
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(12, 4, 12, 4)
        self._line.setSpacing(8)
        self._add_colours()
        self._add_top()
        self._line.addStretch(1)

    def _add_colours(self) -> None:
        label = QLabel("Colour by")
        label.setProperty("role", "muted")
        self.colours = Combo()
        self.colours.setAccessibleName("Colour by")
        for key, rule in RULES.items():
            self.colours.addItem(rule.label, key)
        label.setBuddy(self.colours)
        self.colours.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.colours.activated.connect(
            lambda _i: self._report(replace(self._state, colour_by=self.colours.currentData()))
        )
        self._line.addWidget(label)
        self._line.addWidget(self.colours)

    def _add_top(self) -> None:
        label = QLabel("Top")
        label.setProperty("role", "muted")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, TOP_STEPS)
        self.slider.setPageStep(20)
        self.slider.setMinimumWidth(80)
        self.slider.setMaximumWidth(220)
        self.slider.setAccessibleName("Draw only the best matches")
        self.slider.setToolTip(
            "<p>How many matches are drawn, the most believable first: by confidence where there is one, "
            "else by ratio, else by distance. The right end draws all.</p>"
        )
        self.number = QLabel("")
        self.number.setAccessibleName("Number of matches drawn")
        label.setBuddy(self.slider)
        self.slider.valueChanged.connect(lambda p: self._report(replace(self._state, top=top_at(p, self._count))))
        self.slider.sliderPressed.connect(lambda: self.held.emit(True))
        self.slider.sliderReleased.connect(lambda: self.held.emit(False))
        self._line.addSpacing(8)
        self._line.addWidget(label)
        self._line.addWidget(self.slider, 1)
        self._line.addWidget(self.number)

    def add_buttons(self, actions: list[QAction]) -> None:
        """Append a button for every action; one without an icon shows its short text."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._line.addWidget(button)

    def show_state(self, state: MatchState, values: MatchValues, drawn: int, candidates: int) -> None:
        """Show a state.

        Args:
            state: what to show.
            values: of the present result; rules that lack their numbers are greyed out with the reason.
            drawn, candidates: how many lines are drawn, out of how many that filter and classes leave.
        """
        self._state, self._count = state, candidates
        with QSignalBlocker(self.slider):
            self.slider.setValue(position_of(state.top, candidates))
        self.slider.setEnabled(candidates > 1)
        self.number.setText(f"{drawn:,} of {len(values):,}")
        reasons = available(values)
        items = self.colours.model()
        assert isinstance(items, QStandardItemModel)
        for row, (key, rule) in enumerate(RULES.items()):
            item = items.item(row)
            item.setEnabled(not reasons[key])
            item.setToolTip(reasons[key] or rule.help)
        used = usable_rule(values, state.colour_by)
        self.colours.setCurrentIndex(self.colours.findData(used))
        why = reasons.get(state.colour_by, "")
        instead = f"{why} Coloured by {RULES[used].label.lower()} instead. " if why else ""
        self.colours.setToolTip(f"<p>{instead}{RULES[used].help}</p>")

    def _report(self, state: MatchState) -> None:
        if state != self._state:
            self._state = state
            self.changed.emit(state)


class ShowPanel(QWidget):
    """The Show section of the settings panel: one switch per class of lines, then the form of the rest.

    Signals:
        changed: the new :class:`MatchState`.
        help_wanted: help text of the field under the cursor.
    """

    changed = Signal(object)
    help_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = MatchState()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._classes = QVBoxLayout()
        self._classes.setSpacing(6)
        self.boxes: dict[str, QCheckBox] = {}
        self._numbers: dict[str, QLabel] = {}
        self.form = build(self._state)
        column.addLayout(self._classes)
        column.addWidget(self.form)
        self.form.changed.connect(self._form_changed)
        self.form.help_wanted.connect(self.help_wanted)

    def show_state(self, state: MatchState, colouring: Colouring) -> None:
        """Show a state, with one box per class of the present colour rule."""
        self._state = state
        if tuple(self.boxes) != colouring.hideable:
            self._make_boxes(colouring.hideable)
        for (name, box), count in zip(self.boxes.items(), colouring.counts.tolist(), strict=False):
            with QSignalBlocker(box):
                box.setChecked(name not in state.hidden)
            self._numbers[name].setText(f"{count:,}")
        if self.form.settings != state:
            self.form.set_values(state)

    def _make_boxes(self, names: tuple[str, ...]) -> None:
        while (item := self._classes.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.boxes, self._numbers = {}, {}
        if len(names) < 2:
            return
        for name in names:
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            box = QCheckBox(f"Draw {name}")
            box.setToolTip(f"Draw the lines of the class “{name}”; the table keeps them")
            number = QLabel("")
            number.setProperty("role", "muted")
            box.toggled.connect(lambda on, name=name: self._toggle(name, on))
            line.addWidget(box, 1)
            line.addWidget(number)
            self.boxes[name], self._numbers[name] = box, number
            self._classes.addWidget(row)

    def _toggle(self, name: str, on: bool) -> None:
        hidden = tuple(other for other in self._state.hidden if other != name)
        self._report(replace(self._state, hidden=hidden if on else (*hidden, name)))

    def _form_changed(self, state: MatchState) -> None:
        self._report(state)

    def _report(self, state: MatchState) -> None:
        if state != self._state:
            self._state = state
            self.form.settings = state
            self.changed.emit(state)
