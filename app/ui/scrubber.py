"""The iteration scrubber: a slider over the iterates, play, and one step either way.

What lives here: :class:`Scrubber`. What does not: what an iteration shows. May import: ``style``, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.ui.style import Style

FRAME_MS = 90
PLAY_FRAMES = 60  # a run of any length plays in about this many frames


class Scrubber(QWidget):
    """Signals: ``moved`` the iteration to show; ``held`` whether the slider is held."""

    moved = Signal(object)
    held = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._advance)
        self.play = self._button("Play the iterations (Space)", self.toggle)
        self.back = self._button("One iteration back", lambda: self._go(-1))
        self.forward = self._button("One iteration on", lambda: self._go(1))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Iteration")
        self.slider.setToolTip("The iteration shown: drag to replay what the learner did")
        self.slider.valueChanged.connect(lambda value: self.moved.emit(value))
        self.slider.sliderPressed.connect(lambda: self.held.emit(True))
        self.slider.sliderReleased.connect(lambda: self.held.emit(False))
        self.label = QLabel()
        self.label.setMinimumWidth(self.fontMetrics().horizontalAdvance("iteration 0000 of 0000"))
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 8, 16, 8)
        line.setSpacing(8)
        for widget in (self.back, self.play, self.forward):
            line.addWidget(widget)
        line.addWidget(self.slider, 1)
        line.addWidget(self.label)
        look.changed.connect(self._show_look)
        self._show_look()

    @property
    def playing(self) -> bool:
        """Whether the iterations are being played."""
        return self._timer.isActive()

    def _button(self, tip: str, do: object) -> QToolButton:
        button = QToolButton()
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(do)
        return button

    def show_history(self, count: int, step: int) -> None:
        """Show that there are ``count`` iterates, the one at ``step`` in view."""
        last = max(0, count - 1)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
            self.slider.setValue(step)
        self.label.setText(f"iteration {step} of {last}" if count else "no iterations yet")
        for widget in (self.slider, self.play, self.back, self.forward):
            widget.setEnabled(last > 0)
            if last == 0:
                widget.setToolTip("There is nothing to replay yet: learn first")
        if last:
            self.slider.setToolTip("The iteration shown: drag to replay what the learner did")
            self.play.setToolTip("Play the iterations (Space)")
            self.back.setToolTip("One iteration back")
            self.forward.setToolTip("One iteration on")
        else:
            self.stop()

    def toggle(self) -> None:
        """Play from the start, or stop."""
        if self.playing:
            self.stop()
        elif self.slider.maximum() > 0:
            if self.slider.value() >= self.slider.maximum():
                self.slider.setValue(0)
            self.held.emit(True)
            self._timer.start()
            self._show_look()

    def stop(self) -> None:
        """Stop playing."""
        if self.playing:
            self._timer.stop()
            self.held.emit(False)
            self._show_look()

    def _advance(self) -> None:
        stride = max(1, round(self.slider.maximum() / PLAY_FRAMES))
        self.slider.setValue(min(self.slider.maximum(), self.slider.value() + stride))
        if self.slider.value() >= self.slider.maximum():
            self.stop()

    def _go(self, by: int) -> None:
        self.stop()
        self.slider.setValue(self.slider.value() + by)

    def _show_look(self, _look: object = None) -> None:
        self.play.setIcon(self._look.icon("pause" if self.playing else "run"))
        self.back.setIcon(self._look.icon("previous"))
        self.forward.setIcon(self._look.icon("next"))
        side = self._look.px(2.5)
        for button in (self.play, self.back, self.forward):
            button.setIconSize(QSize(side, side))
