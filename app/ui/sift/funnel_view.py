"""The funnel of stages: a bar per stage with its count, and how many died there. A click chooses a stage.

What lives here: :class:`FunnelView`. What does not: the counting (``SiftExplanation.funnel``). May import: the words
of the stages, style, numpy, Qt.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.sift.history_words import STAGE_NAMES, rule
from app.ui.style import Style
from app.vision.sift_records import SiftExplanation, SiftSettings, Stage

KEYPOINTS = "keypoints"


class FunnelView(QWidget):
    """Seven bars, and below them how many keypoints the last ones make.

    Signals:
        stage_chosen: the :class:`Stage` that was clicked, or stepped to with Up and Down.
    """

    stage_chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.stage = Stage.CONTRAST
        self.counts: tuple[int, ...] = ()
        self.keypoints = 0
        self.most = 0
        self.settings = SiftSettings()
        self._over: Stage | None = None
        self.setAccessibleName("Funnel of stages")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(260, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(460, 340)

    def set_explanation(self, explanation: SiftExplanation | None, most: int = 0) -> None:
        """Show the counts of an explanation, complete or not.

        Args:
            explanation: None empties the funnel.
            most: length of the longest bar in candidates, 0 for the explanation's own first count.
        """
        self.counts = () if explanation is None else tuple(count for _, count in explanation.funnel)
        self.keypoints = 0 if explanation is None else _keypoints(explanation)
        self.most = max([most, *self.counts])
        if explanation is not None:
            self.settings = explanation.settings
        words = [f"{STAGE_NAMES[stage]} {count:,}" for stage, count in zip(Stage, self.counts, strict=False)]
        self.setAccessibleDescription(", ".join(words))
        self.update()

    def set_stage(self, stage: Stage) -> None:
        """Mark the stage whose survivors and rejected are shown."""
        if stage != self.stage:
            self.stage = stage
            self.update()

    # -------------------------------------------------------------------------- layout

    def _row(self, stage: Stage) -> QRectF:
        high = min(self.height() / (len(Stage) + 1.2), 52.0)
        return QRectF(0, int(stage) * high, self.width(), high)

    def stage_at(self, x: float, y: float) -> Stage | None:
        """Return the stage under a widget's point."""
        return next((stage for stage in Stage if self._row(stage).contains(x, y)), None)

    def words(self, stage: Stage) -> str:
        """Return what a stage asks and what it did."""
        text = f"{STAGE_NAMES[stage].capitalize()}: {rule(stage, self.settings)}."
        if self.counts and stage > 0:
            died = self.counts[stage - 1] - self.counts[stage]
            text += f" {self.counts[stage]:,} passed, {died:,} died here."
        return text

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._look.font(0.95))
        metrics = QFontMetricsF(painter.font())
        names = max(metrics.horizontalAdvance(name) for name in STAGE_NAMES.values()) + 12
        numbers = metrics.horizontalAdvance(f"✕ {self.most:,}") + 10
        for stage in Stage:
            self._paint_row(painter, metrics, stage, (names, numbers))
        self._paint_last(painter, metrics, names)
        painter.end()

    def _paint_row(self, painter: QPainter, metrics: QFontMetricsF, stage: Stage, widths: tuple[float, float]) -> None:
        names, numbers = widths
        row, chosen = self._row(stage), stage == self.stage
        if chosen or stage == self._over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._look.colour("raised" if chosen else "surface"))
            painter.drawRoundedRect(row.adjusted(2, 1, -2, -1), 4, 4)
        small = QFontMetricsF(self._look.font(0.8))
        two = row.height() >= metrics.height() + small.height() + 8
        base = (
            row.top() + (row.height() + metrics.ascent() - metrics.descent()) / 2 - (small.height() / 2 if two else 0)
        )
        painter.setPen(self._look.colour("text"))
        name = STAGE_NAMES[stage]
        painter.drawText(QPointF(names - metrics.horizontalAdvance(name), base), name)
        if not self.counts:
            return
        count, room = self.counts[stage], row.width() - names - 2 * numbers - 12
        thick = min(metrics.height(), row.height() - 6)
        length = max(2.0, room * count / self.most) if self.most and count else 0.0
        bar = QRectF(names + 12, base + metrics.descent() - metrics.height() / 2 - thick / 2, length, thick)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.colour("accent" if chosen else "edge"))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(self._look.colour("text"))
        painter.drawText(QPointF(bar.right() + 8, base), f"{count:,}")
        if stage > 0:
            died = self.counts[stage - 1] - count
            text = f"✕ {died:,}" if died else "–"
            painter.setPen(self._look.colour("wrong" if died and chosen else "muted"))
            painter.drawText(QPointF(row.right() - 10 - metrics.horizontalAdvance(text), base), text)
        if two:
            self._paint_rule(painter, small, stage, QPointF(names + 12, base + metrics.descent() + small.ascent() + 2))

    def _paint_rule(self, painter: QPainter, small: QFontMetricsF, stage: Stage, at: QPointF) -> None:
        font = painter.font()
        painter.setFont(self._look.font(0.8))
        painter.setPen(self._look.colour("muted"))
        text = rule(stage, self.settings)
        painter.drawText(at, small.elidedText(text, Qt.TextElideMode.ElideRight, self.width() - at.x() - 8))
        painter.setFont(font)

    def _paint_last(self, painter: QPainter, metrics: QFontMetricsF, names: float) -> None:
        """Write how many keypoints the survivors make: one per orientation, or upright one per place."""
        if not self.counts:
            return
        base = self._row(Stage.DESCRIBED).bottom() + metrics.ascent() + 6
        painter.setPen(self._look.colour("text"))
        painter.drawText(QPointF(names - metrics.horizontalAdvance(KEYPOINTS), base), KEYPOINTS)
        last = self.counts[-1]
        share = f", {self.keypoints / last:.2f} per place" if last and not self.settings.upright else ""
        room = self.width() - names - 20
        text = (
            f"{self.keypoints:,}, {'upright one per place' if self.settings.upright else 'one per orientation'}{share}"
        )
        if metrics.horizontalAdvance(text) > room:
            text = f"{self.keypoints:,}{share}"
        painter.drawText(QPointF(names + 12, base), metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))

    # -------------------------------------------------------------------------- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a stage."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        stage = self.stage_at(event.position().x(), event.position().y())
        if stage is not None and event.button() == Qt.MouseButton.LeftButton:
            self.stage_chosen.emit(stage)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up the stage under the mouse."""
        over = self.stage_at(event.position().x(), event.position().y())
        if over != self._over:
            self._over = over
            self.setCursor(Qt.CursorShape.ArrowCursor if over is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def leaveEvent(self, _event: object) -> None:
        """Forget the stage under the mouse."""
        self._over = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step through the stages with Up and Down."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        elif 0 <= int(self.stage) + step < len(Stage):
            self.stage_chosen.emit(Stage(int(self.stage) + step))

    def event(self, event: QEvent) -> bool:
        """Tell a stage's rule in its tooltip."""
        if isinstance(event, QHelpEvent):
            stage = self.stage_at(event.pos().x(), event.pos().y())
            if stage is not None:
                QToolTip.showText(event.globalPos(), f"<p>{self.words(stage)}</p>", self)
                return True
        return super().event(event)


def _keypoints(explanation: SiftExplanation) -> int:
    """Return how many keypoints a matcher has of it: described upright, all orientations of a place are one."""
    if explanation.settings.upright:
        return len(np.unique(explanation.candidate))
    return len(explanation.keypoints)
