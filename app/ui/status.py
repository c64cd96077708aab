"""The lines below the picture: funnel, times, progress with cancel, and the message line.

What lives here: :class:`StatusLine`, :class:`MessageLine`, and how a result's numbers read. What does not:
any computation. May import: records, ``app.ui.session``, ``app.ui.style``, QtWidgets.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QWidget

from app.jobs import Progress
from app.records import MatchResult
from app.ui.numbers import percent
from app.ui.session import Message, Session
from app.ui.style import Style

INFO_SECONDS = 8.0
LEAST_WIDTH = 480  # below that the counts are cut


def funnel_text(result: MatchResult | None) -> str:
    """Return the counts from keypoints to inliers as one line, empty without a result."""
    steps = () if result is None else result.funnel
    if not steps:
        return ""
    words = [f"{count:,} {name}" for name, count in steps]
    if len(steps) >= 2 and steps[0][0] == "left keypoints" and steps[1][0] == "right keypoints":
        words = [f"{steps[0][1]:,} : {steps[1][1]:,} keypoints", *words[2:]]
    text = "  →  ".join(words)
    if len(steps) > 2 and steps[-1][0] == "inliers" and steps[-2][1]:
        text += f" ({percent(steps[-1][1] / steps[-2][1])})"
    return text


def times_text(result: MatchResult | None) -> str:
    """Return the wall time of every stage and their sum in milliseconds, empty without times."""
    seconds = {} if result is None else dict(result.seconds)
    if not seconds:
        return ""
    parts = [f"{name} {_ms(value)}" for name, value in seconds.items()]
    return "  ·  ".join(parts) + f"  ·  {1000 * sum(seconds.values()):,.0f} ms"


def _ms(seconds: float) -> str:
    """A stage's time; one taken from the cache has none."""
    return "cached" if seconds == 0 else f"{1000 * seconds:,.0f}"


class ElidedLabel(QLabel):
    """A line of text that takes the room it needs and shortens itself where there is less.

    Attributes:
        short: shown instead of a text that does not fit; empty for an ellipsis.
        least: pixels that the text may claim before it has to shorten itself.
    """

    short = ""
    least = 40

    def minimumSizeHint(self) -> QSize:
        """Return a width that lets the line shrink."""
        return QSize(min(self.least, self.sizeHint().width()), super().minimumSizeHint().height())

    @property
    def shown(self) -> str:
        """What there is room for."""
        text, metrics = self.text(), self.fontMetrics()
        if metrics.horizontalAdvance(text) <= self.width():
            return text
        return metrics.elidedText(self.short or text, Qt.TextElideMode.ElideRight, self.width())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the text, with an ellipsis at its end if it must be cut."""
        text = self.shown
        if not text:
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()


class StatusLine(QWidget):
    """Funnel at the left, times at the right, and while a job runs its progress and a cancel button."""

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 4, 12, 4)
        line.setSpacing(12)
        self.funnel = ElidedLabel("")
        self.funnel.setAccessibleName("Counts from keypoints to inliers")
        self.times = ElidedLabel("")
        self.times.setProperty("role", "muted")
        self.times.setAccessibleName("Time of every stage")
        self.times.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.addWidget(self.funnel)
        line.addStretch(1)
        line.addWidget(self.times)
        self._add_progress(line, look)
        session.result_changed.connect(self._show_result)
        session.busy_changed.connect(self._show_busy)
        session.progressed.connect(self._show_progress)
        look.changed.connect(lambda style: self.cancel.setIcon(style.icon("cancel")))
        self._show_result(session.result)
        self._show_busy(session.busy)

    def _add_progress(self, line: QHBoxLayout, look: Style) -> None:
        self.stage = QLabel("")
        self.stage.setProperty("role", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(120)
        self.bar.setAccessibleName("Progress of the running job")
        self.cancel = QToolButton()
        self.cancel.setIcon(look.icon("cancel"))
        self.cancel.setText("Cancel")
        self.cancel.setAccessibleName("Cancel the running job")
        self.cancel.setToolTip("Cancel the running job (Esc)")
        self.cancel.clicked.connect(self._session.cancel)
        for widget in (self.stage, self.bar, self.cancel):
            line.addWidget(widget)
        # The line keeps its height while these come and go, so that the picture never jumps.
        self.setMinimumHeight(self.cancel.sizeHint().height() + 8)

    def _show_result(self, result: MatchResult | None) -> None:
        self.funnel.setText(funnel_text(result))
        self.funnel.setToolTip(self.funnel.text())
        times = times_text(result)
        self.times.setText(times)
        self.times.short = times.rpartition("  ·  ")[2]
        self._share_width()
        told = f"{times}\n" if times else ""
        self.times.setToolTip(f"{told}Wall time per stage in milliseconds; a stage from the cache took none")

    def minimumSizeHint(self) -> QSize:
        """Return a width that lets the window shrink."""
        return QSize(LEAST_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Let the counts have all but what the sum of the times needs: they are never cut in favour of the stages."""
        metrics = self.times.fontMetrics()
        self.times.least = metrics.horizontalAdvance(self.times.short) + 4
        self.funnel.least = max(40, self.width() - self.times.least - 64)
        self.funnel.updateGeometry()
        self.times.updateGeometry()

    def _show_busy(self, busy: bool) -> None:
        self.bar.setRange(0, 0)
        self.stage.setText("")
        for widget in (self.stage, self.bar, self.cancel):
            widget.setVisible(busy)
        self.times.setVisible(not busy)

    def _show_progress(self, progress: Progress) -> None:
        self.stage.setText(progress.text)
        total = progress.total or 0
        self.bar.setRange(0, 1000 if total else 0)
        self.bar.setValue(round(1000 * progress.done / total) if total else 0)


class MessageLine(QWidget):
    """One sentence above the status line; hidden when there is nothing to say.

    It lies over the lower edge of what is there, so that the picture does not move under the mouse
    when a sentence comes or goes.
    """

    def __init__(self, look: Style, window: QWidget, status: QWidget) -> None:
        super().__init__(window)
        self._over, self._status = window, status
        for watched in (window, status):
            watched.installEventFilter(self)
        self.setObjectName("messageLine")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._look = look
        self._details = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 6, 8, 6)
        self.icon = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAccessibleName("Message")
        self.copy = QPushButton("Copy details")
        self.copy.setProperty("role", "link")
        self.copy.clicked.connect(self._copy_details)
        self.close_button = QToolButton()
        self.close_button.setAccessibleName("Hide the message")
        self.close_button.setToolTip("Hide the message")
        self.close_button.clicked.connect(self.hide)
        line.addWidget(self.icon)
        line.addWidget(self.text, 1)
        line.addWidget(self.copy)
        line.addWidget(self.close_button)
        self.message = Message("")
        self.hide()

    def show_message(self, message: Message) -> None:
        """Show a sentence; an empty one hides the line."""
        self.message = message
        self._details = message.details
        self._timer.stop()
        error = message.kind == "error"
        self.icon.setPixmap(self._look.icon("warning" if error else "info", "error" if error else "muted").pixmap(16))
        self.close_button.setIcon(self._look.icon("cancel", "muted"))
        self.text.setText(message.text)
        self.copy.setVisible(bool(message.details))
        self._place()
        self.setVisible(bool(message.text))
        if message.text and not error:
            self._timer.start(int(1000 * INFO_SECONDS))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay above the status line when the window changes its size."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        layout = self.layout()
        if layout is None:
            return
        width = self._over.width()
        height = max(layout.heightForWidth(width), layout.sizeHint().height())
        self.setGeometry(0, self._status.mapTo(self._over, QPoint(0, 0)).y() - height, width, height)
        self.raise_()

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.text.text()}\n\n{self._details}")
