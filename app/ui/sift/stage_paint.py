"""Words over the picture of stages: the legend with its counts, and a plate of text.

What lives here: functions that take a painter and the view. What does not: state. May import: style, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.ui.sift.stage_marks import Chosen
from app.ui.style import Style


def words(painter: QPainter, view: QWidget, look: Style, at: QPointF, text: str, most: float) -> None:
    """Write words beside a point, at most so wide, on a plate that stays inside the view."""
    painter.setFont(look.font(0.85))
    metrics = QFontMetricsF(painter.font())
    flags = int(Qt.TextFlag.TextWordWrap)
    needed = metrics.boundingRect(QRectF(0, 0, most, 1000), flags, text)
    area = QRectF(0, 0, needed.width() + 14, needed.height() + 8)
    left = at.x() if at.x() + area.width() < view.width() - 4 else at.x() - area.width() - 20
    top = min(max(at.y() - area.height() / 2, 4.0), view.height() - area.height() - 4)
    area.moveTo(max(4.0, left), top)
    plate(painter, look, area)
    painter.setPen(look.colour("text"))
    painter.drawText(area.adjusted(7, 4, -7, -4), flags, text)


def plate(painter: QPainter, look: Style, rect: QRectF) -> None:
    """Draw the ground that words stand on."""
    back = look.colour("surface")
    back.setAlpha(235)
    painter.setPen(QPen(look.colour("rule"), 1))
    painter.setBrush(back)
    painter.drawRoundedRect(rect, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def legend(painter: QPainter, view: QWidget, look: Style, name: str, chosen: Chosen, shown: tuple[bool, bool]) -> None:
    """Draw what circles and crosses mean, with counts, and how many are drawn if not all.

    Args:
        name: of the stage.
        shown: whether survivors and rejected are drawn.
    """
    painter.setFont(look.font(0.85))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(painter.font())
    lines: list[tuple[str, str, str]] = []
    for mark, verb, count, drawn, token, on in (
        ("○", "passed", chosen.survivor_count, len(chosen.survivors), "right", shown[0]),
        ("✕", "died at", chosen.rejected_count, len(chosen.rejected), "wrong", shown[1]),
    ):
        number = "hidden" if not on else f"{count:,}" if drawn == count else f"strongest {drawn:,} of {count:,}"
        lines.append((mark, f"{verb} {name}: {number}", token))
    wide = max(metrics.horizontalAdvance(text) for _, text, _ in lines) + 40
    line = metrics.height() + 4
    box = QRectF(view.width() - wide - 8, view.height() - len(lines) * line - 16, wide, len(lines) * line + 8)
    plate(painter, look, box)
    for index, (mark, text, token) in enumerate(lines):
        base = box.top() + 6 + metrics.ascent() + index * line
        painter.setPen(look.colour(token))
        painter.drawText(QPointF(box.left() + 10, base), mark)
        painter.setPen(look.colour("text"))
        painter.drawText(QPointF(box.left() + 30, base), text)
