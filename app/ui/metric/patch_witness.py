"""Three patches of the open picture that break the triangle inequality for 1 − NCC, and its root that keeps it.

What lives here: :class:`PatchWitness`, which asks for the patches and draws them. What does not: the search
(``app.learning.axiom_patches``). May import: that, ``vision.images``, the session, numpy, Qt.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.jobs import Progress
from app.learning.axiom_patches import PatchTriple, broken_triangle
from app.records import Image, UInt8
from app.ui.errand import Errand
from app.ui.metric.drawing import draw_span
from app.ui.metric.plots import short
from app.ui.session import Message, Session
from app.ui.style import Style
from app.vision.images import grey8

KEYS = ("ncc", "ncc-root")  # measures whose points are patches
SIDE, ROOM = 10.0, 7.5  # of a patch, and what its words and the margins take, units
SPREAD = 52.0  # grey levels of one standard deviation: patches are drawn as NCC sees them
CENTRE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
START = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
WRAPPED = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
NO_PICTURE = "Open a picture: three of its patches will break the inequality."


def patches_job(image: Image) -> Generator[Progress, None, PatchTriple]:
    """Return three patches of a picture that break the inequality most."""
    yield Progress(0, 1, f"Comparing patches of {image.name}")
    return broken_triangle(grey8(image.rgb))


def evened(patch: UInt8) -> UInt8:
    """Return a patch of the same NCC with every other: mean grey 128, one spread."""
    grey = patch.astype(np.float64)
    grey = 128 + SPREAD * (grey - grey.mean()) / max(float(grey.std()), 1e-9)
    return np.ascontiguousarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))


class PatchWitness(QWidget):
    """Patches x, y, z at the left; the legs and the direct way under 1 − NCC and under its root at the right.

    Signals: ``told`` the sentence that says the same in numbers.
    """

    told = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._look = session, look
        self.triple: PatchTriple | None = None
        self.fault = ""
        self._image = ""
        self._name = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Three patches of the open picture")
        self.setToolTip(
            "<p>Patches of 17 × 17 pixels of the left picture, drawn as NCC sees them: mean and spread are the same in "
            "all. Upper line: f(x, y) then f(y, z); lower line: f(x, z).</p>"
        )
        look.changed.connect(lambda _look: self._fit())
        session.result_changed.connect(lambda _result: self._take())
        self._search = Errand(session.lane("axiom-patches"), self)
        self._search.finished.connect(self._found)
        self._search.failed.connect(self._on_failed)
        self._search.cancelled.connect(self._on_cancelled)
        self._fit()

    @property
    def busy(self) -> bool:
        """Whether patches are being compared."""
        return self._search.busy

    @property
    def sentence(self) -> str:
        """The witness in numbers, or why there is none."""
        found = self.triple
        if found is None:
            return self.fault
        direct, first, second = found.roots
        return (
            f"Patches of {self._name}: 1 − NCC gives {short(found.direct)} > {short(found.legs[0])} + "
            f"{short(found.legs[1])}; its root √(2(1 − NCC)) gives {short(direct)} ≤ {short(first)} + {short(second)}."
        )

    def _fit(self) -> None:
        self.setFixedHeight(self._look.px(SIDE + ROOM))
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the picture that is open."""
        super().showEvent(event)
        self._take()

    def _take(self) -> None:
        """Compare patches of the left picture, once for each."""
        if not self.isVisible():
            return
        result = self._session.result
        pair = None if result is None else result.pair
        if pair is None:
            if not self._session.busy:
                self._image, self.triple, self.fault = "", None, NO_PICTURE
                self._show()
            return
        if pair.left.id == self._image:
            return
        image = pair.left
        self._image, self._name, self.triple, self.fault = image.id, image.name, None, ""
        self._search.start(lambda: patches_job(image))
        self._show()

    def _show(self) -> None:
        self.setAccessibleDescription(self.sentence)
        self.told.emit(self.sentence)
        self.update()

    def _found(self, triple: PatchTriple) -> None:
        self.triple = triple
        self._show()

    def _on_failed(self, message: Message) -> None:
        self.fault = message.text
        self._show()

    def _on_cancelled(self) -> None:
        self._image = ""

    # -------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw patches and lengths."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._look.colour("canvas"))
        painter.setFont(self._look.font())
        if self.triple is None:
            painter.setPen(self._look.colour("muted"))
            text = self.fault or "Comparing patches …"
            painter.drawText(QRectF(self.rect()).adjusted(24, 8, -24, -8), WRAPPED, text)
        else:
            self._lengths(painter, self.triple, self._patches(painter, self.triple))
        painter.end()

    def _patches(self, painter: QPainter, found: PatchTriple) -> float:
        """Draw the three patches with their places; return where the rest begins."""
        side, gap, line = float(self._look.px(SIDE)), 16.0, painter.fontMetrics().height()
        for number, (patch, (x, y)) in enumerate(zip(found.patches, found.centres, strict=True)):
            left = 16 + number * (side + gap)
            kept = evened(patch)
            height, width = kept.shape
            picture = QImage(kept.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
            painter.drawImage(QRectF(left, 16, side, side), picture)
            painter.setPen(self._look.colour("text"))
            words = f"{'xyz'[number]}\nat ({x:.0f}, {y:.0f})"
            painter.drawText(QRectF(left - gap / 2, 20 + side, side + gap, line * 2.3), CENTRE, words)
        return 16 + 3 * (side + gap) + 16

    def _lengths(self, painter: QPainter, found: PatchTriple, left: float) -> None:
        """Draw legs above the direct way, for 1 − NCC and for the root."""
        width = self.width() - left - 16
        line = painter.fontMetrics().height()
        each = (self.height() - 24) / 2
        for number, (name, values) in enumerate((
            ("1 − NCC", (found.direct, *found.legs)), ("√(2(1 − NCC))", found.roots)
        )):  # fmt: skip
            direct, first, second = values
            broken = direct > first + second
            top = 12 + number * each
            painter.setPen(self._look.colour("text"))
            words = f"{name}:  {short(direct)} {'>' if broken else '≤'} {short(first)} + {short(second)}"
            verdict = "broken" if broken else "holds"
            painter.drawText(QRectF(left, top, width, line * 1.3), START, f"{words}  —  {verdict}")
            scale = width / max(direct, first + second)
            upper, lower = top + line * 1.3 + 10, top + line * 1.3 + 24
            draw_span(painter, self._look, (left, left + scale * first), upper, "right")
            draw_span(painter, self._look, (left + scale * first, left + scale * (first + second)), upper, "consistent")
            draw_span(painter, self._look, (left, left + scale * direct), lower, "wrong")
            if broken:
                end = QPointF(left + scale * direct, upper)
                pen = QPen(self._look.colour("selected"), 1.5 * self._look.line_scale, Qt.PenStyle.DashLine)
                painter.setPen(pen)
                painter.drawLine(QPointF(left + scale * (first + second), upper), end)
