"""The whole history of one candidate: what it is, and every stage with its numbers.

What lives here: :class:`HistoryPanel`. What does not: the words (``history_words``). May import: those, ``facts``,
style, Qt.
"""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.text import minus
from app.ui.facts import Facts, Patch, patch_of, sentence
from app.ui.panel import heading
from app.ui.sift.history_words import STAGE_NAMES, rows, rule, signed, story
from app.ui.style import Style
from app.vision.sift_records import SiftExplanation

EMPTY = "Point at a circle or a cross in the picture to read its whole history; click to keep it here."
PATCH_SIDE = 160


class HistoryPanel(QScrollArea):
    """Patch, facts, and a ladder of stages."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._shown: tuple[SiftExplanation, int] | None = None
        self.setObjectName("panelScroll")
        self.setWidgetResizable(True)
        body = QWidget()
        line = QHBoxLayout(body)
        line.setContentsMargins(16, 8, 16, 8)
        line.setSpacing(20)
        self.empty = sentence(EMPTY)
        line.addWidget(self.empty)
        self._parts = QWidget()
        inner = QHBoxLayout(self._parts)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(20)
        self.patch = Patch(look, "the candidate")
        self.facts = Facts(look, "The candidate")
        self.head = heading("HISTORY")
        self.story = QLabel("")
        self.story.setWordWrap(True)
        self.story.setAccessibleName("What became of it")
        self.ladder = QLabel("")
        self.ladder.setTextFormat(Qt.TextFormat.RichText)
        self.ladder.setWordWrap(True)
        self.ladder.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ladder.setAccessibleName("Stages of the candidate")
        for part in (self.patch, self.facts):
            column = QVBoxLayout()
            column.addWidget(part)
            column.addStretch(1)
            inner.addLayout(column)
        column = QVBoxLayout()
        column.setSpacing(4)
        for widget in (self.head, self.story, self.ladder):
            column.addWidget(widget)
        column.addStretch(1)
        inner.addLayout(column, 1)
        line.addWidget(self._parts, 1)
        self.setWidget(body)
        look.changed.connect(lambda _look: self._draw())
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the patch out where the words need the room."""
        super().resizeEvent(event)
        self.patch.setVisible(self.width() >= 860)

    def show_candidate(self, explanation: SiftExplanation | None, row: int | None, rgb: object = None) -> None:
        """Show a row of an explanation's candidates, or what to do."""
        shown = None if explanation is None or row is None else (explanation, row)
        if shown == self._shown:
            return
        self._shown = shown
        if explanation is not None and row is not None and rgb is not None:
            found = explanation.candidates
            x, y = found.xy[row].tolist()
            self.patch.set_patch(patch_of(rgb, (x, y), float(found.size[row]), float("nan"), PATCH_SIDE))  # type: ignore[arg-type]  # a picture's pixels
        self._draw()

    def _draw(self) -> None:
        shown = self._shown
        self.empty.setVisible(shown is None)
        self._parts.setVisible(shown is not None)
        if shown is None:
            return
        explanation, row = shown
        found = explanation.candidates
        x, y = found.xy[row].tolist()
        self.facts.set_rows(
            (
                ("place", f"({x:.2f}, {y:.2f}) px"),
                ("σ", f"{found.sigma[row]:.3g} px"),
                ("octave", minus(f"{found.octave[row]}")),
                ("found at", f"layer {found.found_layer[row]}, ({found.found_col[row]}, {found.found_row[row]})"),
                ("rests at", f"layer {found.layer[row]}, ({found.col[row]}, {found.row[row]})"),
                ("D there", f"{signed(255 * float(found.value[row]))} grey"),
            )
        )
        self.story.setText(story(found, row, explanation.settings))
        self.ladder.setText(self._ladder(explanation, row))

    def _ladder(self, explanation: SiftExplanation, row: int) -> str:
        tokens = self._look.tokens
        looks = {True: ("✓", tokens.right), False: ("✕", tokens.wrong), None: ("·", tokens.muted)}
        lines = []
        for item in rows(explanation.candidates, row, explanation.settings):
            mark, colour = looks[item.passed]
            tone = tokens.muted if item.passed is None else tokens.text
            law = f" · rule: {rule(item.stage, explanation.settings)}" if item.passed is False else ""
            lines.append(
                f'<tr><td style="color:{colour}; padding-right:8px"><b>{mark}</b></td>'
                f'<td style="padding-right:16px; white-space:nowrap">{html.escape(STAGE_NAMES[item.stage])}</td>'
                f'<td style="color:{tone}">{html.escape(item.text)}<span style="color:{tokens.muted}">'
                f"{html.escape(law)}</span></td></tr>"
            )
        return f'<table cellspacing="0" cellpadding="1">{"".join(lines)}</table>'
