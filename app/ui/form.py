"""Forms built from settings dataclasses: one row per declared field, its help on every widget.

What lives here: :func:`build` and the :class:`Form` it returns, the row widgets, and their mapping between
sliders and numbers. What does not: any particular setting. May import: ``app.settings``, ``app.records``,
``app.ui.combo``, QtWidgets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QWidget,
)

from app.records import UserError
from app.settings import FieldSpec, fields_of, format_number, with_value
from app.ui.combo import Combo

SLIDER_STEPS = 1000
NUMBER_DIGITS = 7
SPACING = 8


def slider_steps(spec: FieldSpec) -> int:
    """Return the number of steps of a number's slider: one per value where these are few enough."""
    if spec.log_scale or spec.step <= 0:
        return SLIDER_STEPS
    return max(1, min(SLIDER_STEPS, round((spec.high - spec.low) / spec.step)))


def to_slider(spec: FieldSpec, value: float) -> int:
    """Return the slider position, 0 to :func:`slider_steps`, of a value."""
    steps = slider_steps(spec)
    if not spec.log_scale:
        return round((value - spec.low) / (spec.high - spec.low) * steps) if spec.high > spec.low else 0
    bottom = _log_bottom(spec)
    if value < bottom:
        return 0
    first = 1 if spec.low <= 0 else 0  # position 0 is kept for zero itself
    return first + round(math.log(value / bottom) / math.log(spec.high / bottom) * (steps - first))


def from_slider(spec: FieldSpec, position: int) -> float:
    """Return the value of a slider position, rounded to the field's step."""
    steps = slider_steps(spec)
    if spec.log_scale:
        first = 1 if spec.low <= 0 else 0
        if position < first:
            return spec.low
        bottom = _log_bottom(spec)
        value = float(bottom * (spec.high / bottom) ** ((position - first) / (steps - first)))
    else:
        value = spec.low + (spec.high - spec.low) * position / steps
    if spec.step > 0:
        value = round(value / spec.step) * spec.step
    return min(max(value, spec.low), spec.high)


def _log_bottom(spec: FieldSpec) -> float:
    """Smallest value above zero that a logarithmic slider reaches."""
    return spec.low if spec.low > 0 else (spec.step or spec.high / 1e4)


def _decimals(spec: FieldSpec) -> int:
    """Digits after the point that a field's step and default need."""
    if spec.integer:
        return 0
    needed = [format_number(value) for value in (spec.step, spec.low, spec.default)]
    digits = [len(text.partition("e-")[0].partition(".")[2]) + int(text.partition("e-")[2] or 0) for text in needed]
    return max(1, min(9, *[max(digits)]))


class _CalmWheel(QObject):
    """Lets the wheel scroll the panel, not change the value under the cursor, until a widget has the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


class _Row(QObject):
    """One field: its widgets and its value."""

    changed = Signal(object)
    held = Signal(object)

    def __init__(self, spec: FieldSpec, parent: QObject) -> None:
        super().__init__(parent)
        self.spec = spec
        self.widgets: list[QWidget] = []

    def set_value(self, value: Any) -> None:
        """Show a value without reporting a change."""
        raise NotImplementedError


class _NumberRow(_Row):
    """A slider for the hand and a spin box for the exact value."""

    def __init__(self, spec: FieldSpec, parent: QObject) -> None:
        super().__init__(spec, parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, slider_steps(spec))
        self.slider.setPageStep(max(1, slider_steps(spec) // 10))
        self.spin = QDoubleSpinBox()
        self.spin.setDecimals(_decimals(spec))
        self.spin.setRange(spec.low, spec.high)
        self.spin.setSingleStep(spec.step or 1.0)
        self.spin.setKeyboardTracking(False)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        if spec.unit:
            self.spin.setSuffix(f" {spec.unit}")
        if spec.zero_means and spec.low == 0:
            self.spin.setSpecialValueText(spec.zero_means)
        self.widgets = [self.slider, self.spin]
        self.slider.valueChanged.connect(self._slid)
        self.slider.sliderPressed.connect(lambda: self.held.emit(True))
        self.slider.sliderReleased.connect(lambda: self.held.emit(False))
        self.spin.valueChanged.connect(self._spun)

    def set_value(self, value: Any) -> None:
        with QSignalBlocker(self.slider), QSignalBlocker(self.spin):
            self.spin.setValue(float(value))
            if from_slider(self.spec, self.slider.value()) != value:
                self.slider.setValue(to_slider(self.spec, float(value)))

    def _slid(self, position: int) -> None:
        value = from_slider(self.spec, position)
        with QSignalBlocker(self.spin):
            self.spin.setValue(value)
        self._report(self.spin.value())

    def _spun(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(to_slider(self.spec, value))
        self._report(value)

    def _report(self, value: float) -> None:
        self.changed.emit(round(value) if self.spec.integer else value)


class _NamesBox(Combo):
    """A combo box whose entries may come and go: it looks for new ones whenever it is turned to."""

    def __init__(self, source: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self._source = source

    def showPopup(self) -> None:
        self.look()
        super().showPopup()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.look()
        super().focusInEvent(event)

    def look(self) -> None:
        """List what there is now; what is chosen stays, also where it is there no longer."""
        there = dict(self._source())
        if list(there) == [self.itemData(row) for row in range(self.count())]:
            return
        chosen, label = self.currentData(), self.currentText()
        if chosen is not None:
            there.setdefault(chosen, label)
        with QSignalBlocker(self):
            self.clear()
            for value, text in there.items():
                self.addItem(text, value)
            self.setCurrentIndex(self.findData(chosen))


class _ChoiceRow(_Row):
    """A combo box; each entry carries its value."""

    def __init__(self, spec: FieldSpec, parent: QObject) -> None:
        super().__init__(spec, parent)
        self.combo = Combo() if spec.source is None else _NamesBox(spec.source)
        self.combo.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(8)
        for value, label in spec.options:
            self.combo.addItem(label, value)
        self.widgets = [self.combo]
        self.combo.currentIndexChanged.connect(lambda _: self.changed.emit(self.combo.currentData()))

    def set_value(self, value: Any) -> None:
        with QSignalBlocker(self.combo):
            if self.combo.findData(value) < 0 and isinstance(self.combo, _NamesBox):
                self.combo.look()
                if self.combo.findData(value) < 0:  # a path, or a file no longer there
                    self.combo.addItem(str(value), value)
            self.combo.setCurrentIndex(self.combo.findData(value))


class _FlagRow(_Row):
    """A switch whose words stand beside it."""

    def __init__(self, spec: FieldSpec, parent: QObject) -> None:
        super().__init__(spec, parent)
        self.box = QCheckBox(spec.label)
        self.widgets = [self.box]
        self.box.toggled.connect(lambda on: self.changed.emit(bool(on)))

    def set_value(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setChecked(bool(value))


_ROWS: dict[str, type[_Row]] = {"number": _NumberRow, "choice": _ChoiceRow, "flag": _FlagRow}


class Form(QWidget):
    """The rows of one settings class.

    Signals:
        changed: the new settings (a frozen dataclass), after every change by the user.
        held: bool, while a slider is being dragged.
        help_wanted: the help text of the field under the cursor or with the focus.
        refused: the sentence of a value that the settings did not take.
    """

    changed = Signal(object)
    held = Signal(object)
    help_wanted = Signal(object)
    refused = Signal(object)

    def __init__(self, settings: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.rows: dict[str, _Row] = {}
        self._labels: list[QLabel] = []
        self._calm = _CalmWheel(self)
        self._help: dict[QObject, str] = {}
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACING)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for line, spec in enumerate(fields_of(settings)):
            self._add(grid, line, spec)
        self._fit_numbers()
        self.set_values(settings)

    def set_values(self, settings: Any) -> None:
        """Show these settings (of the same class) without reporting a change."""
        self.settings = settings
        for name, row in self.rows.items():
            row.set_value(getattr(settings, name))

    @property
    def label_width(self) -> int:
        """What the widest label needs, in pixels; 0 without any."""
        return max((label.sizeHint().width() for label in self._labels), default=0)

    def align(self, label_width: int, width: int) -> None:
        """Begin the second column where other forms do, as far as its widgets leave room.

        Args:
            label_width: of the first column, in pixels.
            width: of the whole form, which it does not exceed.
        """
        inner = max((self._least(row) for row in self.rows.values()), default=0)
        room = width - SPACING - inner
        wanted = max(0, min(label_width, room)) if self._labels else 0
        if wanted != self._grid.columnMinimumWidth(0):  # a grid asks for another layout also if nothing changes
            self._grid.setColumnMinimumWidth(0, wanted)

    @staticmethod
    def _least(row: _Row) -> int:
        """Return the least width of what stands beside a label."""
        if isinstance(row, _FlagRow):
            return 0
        widths = [widget.minimumWidth() or widget.minimumSizeHint().width() for widget in row.widgets]
        return sum(widths) + SPACING * (len(widths) - 1)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the number boxes wide enough for another font."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_numbers()
        super().changeEvent(event)

    def _fit_numbers(self) -> None:
        for row in self.rows.values():
            if isinstance(row, _NumberRow):
                metrics = self.fontMetrics()
                digits, words = metrics.horizontalAdvance("0") * NUMBER_DIGITS, row.spin.specialValueText()
                row.spin.setFixedWidth(max(digits, metrics.horizontalAdvance(words)) + 18)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask for a field's help when the cursor or the focus comes to it."""
        if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn) and watched in self._help:
            self.help_wanted.emit(self._help[watched])
        return False

    def _add(self, grid: QGridLayout, line: int, spec: FieldSpec) -> None:
        row = _ROWS[spec.kind](spec, self)
        self.rows[spec.name] = row
        if spec.kind == "flag":
            grid.addWidget(row.widgets[0], line, 0, 1, 2)
        else:
            label = QLabel(spec.label)
            label.setBuddy(row.widgets[-1])
            self._labels.append(label)
            grid.addWidget(label, line, 0)
            self._explain(label, spec)
        if spec.kind == "choice":
            grid.addWidget(row.widgets[0], line, 1)
        elif spec.kind == "number":
            row.widgets[0].setMinimumWidth(56)
            number = QHBoxLayout()
            number.setSpacing(SPACING)
            number.addWidget(row.widgets[0], 1)
            number.addWidget(row.widgets[1])
            grid.addLayout(number, line, 1)
        for widget in row.widgets:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(self._calm)
            widget.setAccessibleName(spec.label)
            self._explain(widget, spec)
        row.changed.connect(lambda value, name=spec.name: self._changed(name, value))
        row.held.connect(self.held)

    def _explain(self, widget: QWidget, spec: FieldSpec) -> None:
        widget.setToolTip(f"<p>{spec.help}</p>" if spec.help else "")
        widget.setAccessibleDescription(spec.help)
        self._help[widget] = f"{spec.label}: {spec.help}"
        widget.installEventFilter(self)

    def _changed(self, name: str, value: Any) -> None:
        try:
            settings = with_value(self.settings, name, value)
        except UserError as error:  # two fields that exclude each other; the old value comes back
            self.refused.emit(str(error))
            self.rows[name].set_value(getattr(self.settings, name))
            return
        if settings != self.settings:
            self.settings = settings
            self.changed.emit(settings)


def build(settings: Any, parent: QWidget | None = None) -> Form:
    """Return the form of a settings instance; a class without fields gives an empty form."""
    return Form(settings, parent)
