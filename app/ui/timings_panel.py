"""The Timings tab: how long every stage took, at which size, and what should be known about the run.

What lives here: :class:`TimingsPanel` and its bars. What does not: measuring. May import: records, ``facts``,
``app.ui.style``, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app import __version__, matchers
from app.records import Image, MatchResult
from app.ui.facts import Facts, sentence
from app.ui.session import Session
from app.ui.style import Style

EMPTY = "Times appear here with the first result."


def milliseconds(seconds: float) -> str:
    """Return a time as it is read: three digits are enough."""
    value = 1000 * seconds
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


class Bars(QWidget):
    """One bar per stage, all on one scale, the number at its end."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.stages: tuple[tuple[str, float], ...] = ()
        self.setAccessibleName("Time of every stage")
        self.setMinimumWidth(280)
        look.changed.connect(lambda _look: self._resized())

    def set_stages(self, stages: tuple[tuple[str, float], ...]) -> None:
        """Show (stage, seconds) in order; 0 seconds means taken from the cache."""
        self.stages = stages
        self.setAccessibleDescription("; ".join(f"{name} {self._words(seconds)}" for name, seconds in stages))
        self._resized()

    @staticmethod
    def _words(seconds: float) -> str:
        return milliseconds(seconds) if seconds > 0 else "cached"

    def _resized(self) -> None:
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for every bar."""
        return QSize(420, self._look.px(3) * max(1, len(self.stages) + 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row, total = self._look.px(3), sum(seconds for _, seconds in self.stages)
        metrics = painter.fontMetrics()
        names = max([metrics.horizontalAdvance(name) for name, _ in self.stages] or [0]) + 16
        numbers = max([metrics.horizontalAdvance(self._words(s)) for _, s in (*self.stages, ("", total))]) + 12
        room = max(10, min(self.width(), 720) - names - numbers)
        longest = max([seconds for _, seconds in self.stages] or [0.0])
        for line, (name, seconds) in enumerate((*self.stages, ("all stages", total))):
            y = line * row
            last = line == len(self.stages)
            painter.setPen(self._look.colour("text" if last else "muted"))
            painter.drawText(QRectF(0, y, names - 8, row), int(Qt.AlignmentFlag.AlignVCenter), name)
            length = room * seconds / longest if longest > 0 and not last else 0
            if length > 0:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._look.colour("accent"))
                painter.drawRoundedRect(QRectF(names, y + row * 0.3, max(2.0, length), row * 0.4), 2, 2)
            painter.setPen(self._look.colour("text" if seconds > 0 else "muted"))
            at = QRectF(names + length + (8 if length else 0), y, numbers, row)
            painter.drawText(at, int(Qt.AlignmentFlag.AlignVCenter), self._words(seconds))
        painter.end()


class TimingsPanel(QScrollArea):
    """Bars, sizes and notes of the shown result."""

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panelScroll")
        self.setWidgetResizable(True)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 8, 16, 8)
        self.empty = sentence(EMPTY)
        column.addWidget(self.empty)
        self._parts = QWidget()
        line = QHBoxLayout(self._parts)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(32)
        self.bars = Bars(look)
        self.facts = Facts(look, "Sizes and settings of the run")
        line.addWidget(self.bars, 2, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.facts, 0, Qt.AlignmentFlag.AlignTop)
        line.addStretch(1)
        self.notes = sentence("")
        column.addWidget(self._parts)
        column.addWidget(self.notes)
        column.addStretch(1)
        self.setWidget(body)
        session.result_changed.connect(self.show_result)
        self.show_result(session.result)

    def show_result(self, result: MatchResult | None) -> None:
        """Show the times of a result; nothing without one."""
        there = result is not None and bool(result.seconds)
        self.empty.setVisible(not there)
        self._parts.setVisible(there)
        self.notes.setVisible(there and bool(result.notes if result is not None else ()))
        if result is None or not there:
            return
        self.bars.set_stages(tuple(result.seconds.items()))
        self.facts.set_rows(run_facts(result))
        self.notes.setText("\n".join(result.notes))


def run_facts(result: MatchResult) -> list[tuple[str, str]]:
    """Return what was run, on what, as (name, value) rows."""
    spec = matchers.get(result.request.matcher)
    rows = [("matcher", spec.title)]
    pair, sizes = result.pair, result.working_size
    if pair is not None:
        for index, (name, image) in enumerate((("left", pair.left), ("right", pair.right))):
            rows.append((f"{name} picture", _sizes(image, None if sizes is None else sizes[index])))
    changed = matchers.changed_settings(spec, result.request.settings)
    rows.append(("changed settings", ", ".join(f"{k} {v}" for k, v in list(changed.items())[:4]) or "none"))
    rows.append(("seed of verification", str(result.request.settings.verify.seed)))
    rows.append(("version", __version__))
    return rows


def _sizes(image: Image, working: tuple[int, int] | None) -> str:
    text = f"{image.width:,} × {image.height:,} px"
    if working is not None and working != image.size:
        text += f", worked on at {working[0]:,} × {working[1]:,}"
    return text
