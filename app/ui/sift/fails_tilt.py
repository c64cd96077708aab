"""ASIFT against tilt, side by side with SIFT: the matches on the pictures, and both curves.

What lives here: :class:`TiltPart` and :class:`MatchedPicture`. What does not: measuring (``app.failures``). May import:
that, ``chart``, ``app.ui.pair_view`` for its image conversion, Qt, cv2, numpy.
"""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QTabBar, QVBoxLayout, QWidget

from app.failures import TILTS, Case, Failures, Row, Shown
from app.records import UInt8
from app.ui.chart import Chart, Curve, Drawing
from app.ui.facts import sentence
from app.ui.kept_picture import as_qimage
from app.ui.numbers import percent
from app.ui.style import Style

MOST_LINES = 120
GAP = 6
ANGLES = tuple(float(case.ref.recipe[5:]) for case in TILTS)


class MatchedPicture(QWidget):
    """Two pictures beside each other with the best matches: right ones solid, wrong ones dashed."""

    def __init__(self, look: Style, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self.name = look, name
        self.row: Row | None = None
        self._scaled: tuple[object, tuple[UInt8, UInt8]] | None = None
        self.setAccessibleName(f"{name} on the tilted picture")
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(lambda _look: self.update())

    def show_row(self, row: Row | None) -> None:
        """Show a measured row, or that it is not there yet."""
        self.row = row
        self.setAccessibleDescription(self._caption())
        self.update()

    def _caption(self) -> str:
        if self.row is None:
            return f"{self.name}: not measured yet"
        if self.row.error:
            return f"{self.name}: {self.row.error}"
        decided = self.row.right + self.row.wrong
        share = percent(self.row.precision) if decided else "–"
        return f"{self.name}: {self.row.right:,} right of {decided:,} matches, precision {share}"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw caption, pictures and lines."""
        painter = QPainter(self)
        top = self._look.px(2.5)
        painter.setFont(self._look.font(0.9))
        painter.setPen(self._look.colour("text"))
        text = painter.fontMetrics().elidedText(self._caption(), Qt.TextElideMode.ElideRight, self.width() - 8)
        painter.drawText(QRectF(4, 0, self.width() - 8, top), int(Qt.AlignmentFlag.AlignVCenter), text)
        area = QRectF(0, top, self.width(), self.height() - top)
        painter.fillRect(area, self._look.colour("canvas"))
        if self.row is not None and self.row.shown is not None:
            self._paint_pair(painter, area.adjusted(4, 4, -4, -4), self.row.shown)
        painter.end()

    def _paint_pair(self, painter: QPainter, area: QRectF, shown: Shown) -> None:
        widths = shown.left.shape[1] + shown.right.shape[1]
        high = max(shown.left.shape[0], shown.right.shape[0])
        scale = min((area.width() - GAP) / widths, area.height() / high)
        if scale <= 0:
            return
        left = QPointF(
            area.left() + (area.width() - GAP - widths * scale) / 2, area.top() + (area.height() - high * scale) / 2
        )
        right = left + QPointF(shown.left.shape[1] * scale + GAP, 0)
        for corner, picture in zip((left, right), self._pictures(shown, scale), strict=True):
            painter.drawImage(corner, as_qimage(picture))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ends = (shown.ends[:MOST_LINES].astype(np.float64) + 0.5) * scale
        for good, token, dash in ((False, "wrong", Qt.PenStyle.DashLine), (True, "right", Qt.PenStyle.SolidLine)):
            lines = [
                QLineF(left + QPointF(x1, y1), right + QPointF(x2, y2))
                for (x1, y1, x2, y2), truth in zip(ends.tolist(), shown.right_match[:MOST_LINES].tolist(), strict=True)
                if truth is good
            ]
            painter.setPen(QPen(self._look.colour(token), 1.2 * self._look.line_scale, dash))
            painter.drawLines(lines)

    def _pictures(self, shown: Shown, scale: float) -> tuple[UInt8, UInt8]:
        key = (id(shown), scale)
        if self._scaled is None or self._scaled[0] != key:
            smaller = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            sizes = [
                (max(1, round(p.shape[1] * scale)), max(1, round(p.shape[0] * scale)))
                for p in (shown.left, shown.right)
            ]
            made = [
                np.asarray(cv2.resize(picture, size, interpolation=smaller), np.uint8)
                for picture, size in zip((shown.left, shown.right), sizes, strict=True)
            ]
            self._scaled = (key, (made[0], made[1]))
        return self._scaled[1]


class TiltPart(QWidget):
    """The tilt is chosen by a tab; both matchers on it above, their curves below.

    Attributes:
        case: the tilt in front.

    Signals:
        wanted: ASIFT shall be measured.
        chosen: the :class:`Case` of the tilt.
    """

    wanted = Signal()
    chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._sift = self._asift = Failures((), 0)
        self.case = TILTS[2]
        self.bar = QTabBar()
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setAccessibleName("Tilt")
        for angle in ANGLES:
            self.bar.addTab(f"{angle:.0f}°")
        self.bar.setCurrentIndex(2)
        self.bar.currentChanged.connect(lambda index: self.chosen.emit(TILTS[index]))
        self.run = QPushButton("Measure ASIFT")
        self.run.setProperty("role", "primary")
        self.run.setToolTip("Runs ASIFT on all five tilts: it squeezes and turns both pictures, which takes a while")
        self.run.clicked.connect(self.wanted)
        self.pictures = {key: MatchedPicture(look, name) for key, name in (("sift", "SIFT"), ("asift", "ASIFT"))}
        self.precision, self.right = Chart(look, "Precision against tilt"), Chart(look, "Right matches against tilt")
        self.words = sentence(
            "Tilt is outside the changes that SIFT is invariant to. ASIFT simulates tilts of both pictures, so that in "
            "one pair of views the remaining one is small."
        )
        self._lay_out()
        self._show()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.bar)
        head.addStretch(1)
        head.addWidget(self.run)
        grid = QGridLayout()
        grid.setSpacing(8)
        for column, picture in enumerate(self.pictures.values()):
            grid.addWidget(picture, 0, column)
        grid.addWidget(self.precision, 1, 0)
        grid.addWidget(self.right, 1, 1)
        grid.setRowStretch(0, 3)
        grid.setRowStretch(1, 2)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addLayout(head)
        whole.addWidget(self.words)
        whole.addLayout(grid, 1)

    def show_case(self, case: Case) -> None:
        """Show one of the tilts."""
        if case in TILTS and case != self.case:
            self.case = case
            self.bar.blockSignals(True)
            self.bar.setCurrentIndex(TILTS.index(case))
            self.bar.blockSignals(False)
            self._show()

    def show_failures(self, sift: Failures, asift: Failures) -> None:
        """Show what is measured."""
        if (sift, asift) != (self._sift, self._asift):
            self._sift, self._asift = sift, asift
            self._show()

    def _show(self) -> None:
        rows = {"sift": self._sift.of(self.case, "sift"), "asift": self._asift.of(self.case, "asift")}
        for key, picture in self.pictures.items():
            picture.show_row(rows[key])
        for chart, name, label in ((self.precision, "precision", "precision"), (self.right, "right", "right matches")):
            curves = tuple(
                self._curve(measured, key, name, words, colour, dash)
                for measured, key, words, colour, dash in (
                    (self._sift, "sift", "SIFT", "wrong", "dash"),
                    (self._asift, "asift", "ASIFT", "right", "solid"),
                )
            )
            chart.set_drawing(
                Drawing(
                    curves=tuple(curve for curve in curves if len(curve.x)),
                    x_range=(38.0, 82.0),
                    y_range=(0.0, 1.0) if name == "precision" else None,
                    x_ticks=ANGLES,
                    x_label="tilt in degrees",
                    y_label=label,
                    empty="Nothing is measured yet.",
                )
            )

    @staticmethod
    def _curve(measured: Failures, matcher: str, name: str, words: str, colour: str, dash: str) -> Curve:
        found = [(angle, measured.of(case, matcher)) for angle, case in zip(ANGLES, TILTS, strict=True)]
        points = [(angle, float(getattr(row, name))) for angle, row in found if row is not None]
        x, y = (np.array([point[axis] for point in points], np.float64) for axis in (0, 1))
        return Curve(x, y, words, colour, dash, points=True)
