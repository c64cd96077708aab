"""The Why not? tab: two places are picked, and the stages between them answer one after another.

What lives here: :class:`WhyPanel`, what has been picked and how the answer is shown. What does not: the answer
(``app.vision.probe``). May import: that, matchers, ``match_hints``, the session, Qt.
"""

from __future__ import annotations

import html

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app import matchers
from app.jobs import Job
from app.records import Point, UserError
from app.ui.errand import Errand
from app.ui.facts import sentence
from app.ui.match_hints import transferred
from app.ui.overlays import Hover, Mark
from app.ui.session import Message, Session
from app.ui.style import Style
from app.ui.why_picture import DetectionPicture
from app.vision.probe import StageReport, WhyNot, why_not
from app.vision.why_picture import WhyPicture, look_at

Pictures = dict[str, WhyPicture | None]

STAGE_WORDS = {
    "detector": "Detector",
    "keypoint": "Keypoint",
    "rank": "Descriptor rank",
    "distance": "Distance cut",
    "ratio": "Ratio test",
    "mutual": "Mutual choice",
    "confidence": "Confidence",
    "verify": "Verification",
    "match": "Match",
}
FIRST = "Click a point in the left picture."
SECOND = "Now click where it should be in the right picture."
AGAIN = "Click another point on either side to ask again; Esc brings the lines back."


class WhyPanel(QScrollArea):
    """Picks two places while its tab is in front, and shows at which stage they part.

    Signals:
        marks_changed: the tuple of marks for the picture, empty while the panel is hidden.
        picking_changed: bool, whether clicks in the picture belong to this panel.
    """

    marks_changed = Signal(object)
    picking_changed = Signal(object)

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._look = session, look
        self.left: Point | None = None
        self.right: Point | None = None
        self.answer: WhyNot | None = None
        self.setObjectName("panelScroll")
        self.setWidgetResizable(True)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(8)
        self._build(column)
        self.setWidget(body)
        self._question, self._look_there = Errand(session.probe_lane, self), Errand(session.probe_lane, self)
        self._question.finished.connect(self._answered)
        self._look_there.finished.connect(self._pictured)
        for errand in (self._question, self._look_there):
            errand.failed.connect(session.message)
        session.result_changed.connect(self._result_changed)
        session.pair_changed.connect(lambda _ref: self.clear())
        look.changed.connect(lambda _look: self._show_answer())
        self.clear()

    def _build(self, column: QVBoxLayout) -> None:
        line = QHBoxLayout()
        self.step = QLabel(FIRST)
        self.step.setProperty("role", "title")
        self.step.setWordWrap(True)
        self.take_truth = QPushButton("Take the true place")
        self.take_truth.setToolTip("Use where the ground truth says the left point lies in the right picture")
        self.take_truth.clicked.connect(self._take_truth)
        self.restart = QPushButton("Pick again")
        self.restart.clicked.connect(self.clear)
        line.addWidget(self.step, 1)
        line.addWidget(self.take_truth)
        line.addWidget(self.restart)
        column.addLayout(line)
        self.sentence = QLabel("")
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.sentence.setAccessibleName("Answer")
        self.ladder = QLabel("")
        self.ladder.setTextFormat(Qt.TextFormat.RichText)
        self.ladder.setWordWrap(True)
        self.ladder.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ladder.setAccessibleName("Stages")
        self.help = sentence(
            "Every stage of the matcher is asked in turn: is there a keypoint at both places, is the right descriptor "
            "the nearest, does the match pass the ratio test, is the choice mutual, does the model agree?"
        )
        self.pictures = {side: DetectionPicture(self._look) for side in ("left", "right")}
        answer = QHBoxLayout()
        answer.setSpacing(16)
        answer.addWidget(self.sentence, 1, Qt.AlignmentFlag.AlignTop)
        for picture in self.pictures.values():
            picture.hide()
            answer.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(answer)
        for widget in (self.ladder, self.help):
            column.addWidget(widget)
        column.addStretch(1)

    # ------------------------------------------------------------------------ picking

    @property
    def picking(self) -> bool:
        """Whether clicks in the picture are places to ask about."""
        return self.isVisible()

    def pick(self, place: Hover) -> None:
        """Take a clicked place: a left one first, then a right one; later clicks move either."""
        if place.side == "left":
            self.left = (place.x, place.y)
            if self.answer is not None:
                self.right, self.answer = None, None
        elif self.left is None:
            self._session.message.emit(Message("Click a point in the left picture first."))
            return
        else:
            self.right = (place.x, place.y)
        self._ask()

    def clear(self) -> None:
        """Forget what was picked."""
        self.left = self.right = self.answer = None
        self._question.forget()
        self._look_there.forget()
        self._show_answer()

    def _take_truth(self) -> None:
        """Take the true place of the left point."""
        result = self._session.result
        if result is None or self.left is None:
            return
        place = transferred(result, "left", *self.left, "truth")
        if place.xy is None:
            reason = place.text or "the truth knows only a line"
            self._session.message.emit(Message(f"There is no true place to take: {reason}."))
            return
        self.right = place.xy
        self._ask()

    def _ask(self) -> None:
        result, left, right = self._session.result, self.left, self.right
        self.answer = None
        self._show_answer()
        if result is None or left is None or right is None or not self._session.complete:
            return
        try:
            spec = matchers.get(result.request.matcher)
        except UserError as error:
            self._session.message.emit(Message(str(error), "error"))
            return
        self._question.start(lambda: why_not(result, spec, left, right))

    def _answered(self, answer: WhyNot) -> None:
        self.answer = answer
        self._show_answer()
        self._ask_pictures(answer)

    def _ask_pictures(self, answer: WhyNot) -> None:
        """Ask for the neighbourhood of every place where the detector found nothing."""
        result, places = self._session.result, {"left": self.left, "right": self.right}
        if result is None or result.pair is None or not answer.detections:
            return
        images = {"left": result.pair.left, "right": result.pair.right}
        detect = result.request.settings.detect

        def look() -> Job[Pictures]:
            """Look at each side's place that an answer is about."""
            found: Pictures = {}
            for side, detection in answer.detections:
                asked = places[side]
                if asked is not None:
                    found[side] = yield from look_at(images[side], detection, asked, detect)
            return found

        self._look_there.start(look)

    def _pictured(self, pictures: Pictures) -> None:
        if self.answer is not None:
            for side, picture in pictures.items():
                self.pictures[side].show_picture(picture, side)

    def _result_changed(self, _result: object) -> None:
        """Ask the same question again of a new result."""
        if self.left is not None and self.right is not None and self.isVisible() and self._session.complete:
            self._ask()
        self._show_buttons()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin picking."""
        super().showEvent(event)
        self.picking_changed.emit(True)
        if self.left is not None and self.right is not None and self.answer is None:
            self._ask()
        self.marks_changed.emit(self.marks())

    def hideEvent(self, event: QHideEvent) -> None:
        """End picking."""
        super().hideEvent(event)
        self.picking_changed.emit(False)
        self.marks_changed.emit(())

    # ------------------------------------------------------------------------ showing

    def marks(self) -> tuple[Mark, ...]:
        """Return the picked places, the keypoints that stand for them and the rivals, for the picture."""
        if not self.isVisible():
            return ()
        marks: list[Mark] = []
        answer = self.answer
        if answer is not None:
            for rival in answer.rivals:
                if rival.xy != answer.right:
                    marks.append(Mark("right", *rival.xy, f"rank {rival.rank}", "wrong", 7.0))
            for side, place in (("left", answer.left), ("right", answer.right)):
                if place is not None:
                    marks.append(Mark("left" if side == "left" else "right", *place, "", "accent", 9.0))
            for side, detection in answer.detections:
                if detection.place is not None:
                    words = detection.stage or "keypoint"
                    marks.append(Mark(side, *detection.place[:2], words, "wrong", 8.0))
            if answer.mutual_partner is not None and answer.mutual_partner != answer.left:
                marks.append(Mark("left", *answer.mutual_partner, "preferred by the right one", "wrong", 7.0))
        if self.left is not None:
            marks.append(Mark("left", *self.left, "here"))
        if self.right is not None:
            marks.append(Mark("right", *self.right, "should be here"))
        return tuple(marks)

    def _show_answer(self) -> None:
        answer = self.answer
        step = FIRST if self.left is None else SECOND if self.right is None else AGAIN
        self.step.setText(step)
        self.sentence.setVisible(answer is not None)
        self.ladder.setVisible(answer is not None)
        self.help.setVisible(answer is None)
        if answer is None:
            for side, picture in self.pictures.items():
                picture.show_picture(None, side)
        else:
            self.sentence.setText(answer.sentence)
            self.ladder.setText(self._ladder(answer.reports))
        self._show_buttons()
        self.marks_changed.emit(self.marks())

    def _show_buttons(self) -> None:
        result = self._session.result
        kind = "none" if result is None or result.pair is None else result.pair.truth.kind
        useful = kind in ("dense map", "homography", "points")
        self.take_truth.setVisible(useful)
        self.take_truth.setEnabled(useful and self.left is not None)
        self.take_truth.setToolTip(
            "Use where the ground truth says the left point lies in the right picture"
            if self.left is not None
            else "Click a point in the left picture first"
        )
        self.restart.setEnabled(self.left is not None)
        self.restart.setToolTip(
            "Forget both places and begin with the left one" if self.left is not None else "No point is picked yet"
        )

    def _ladder(self, reports: tuple[StageReport, ...]) -> str:
        """Return the stages as a table: mark, name, sentence."""
        tokens = self._look.tokens
        looks = {True: ("✓", tokens.right), False: ("✕", tokens.wrong), None: ("·", tokens.muted)}
        rows = []
        for report in reports:
            mark, colour = looks[report.passed]
            words = STAGE_WORDS.get(report.stage, report.stage)
            rows.append(
                f'<tr><td style="color:{colour}; padding-right:8px"><b>{mark}</b></td>'
                f'<td style="padding-right:16px; white-space:nowrap">{html.escape(words)}</td>'
                f'<td style="color:{tokens.muted if report.passed is None else tokens.text}">'
                f"{html.escape(report.text)}</td></tr>"
            )
        return f'<table cellspacing="0" cellpadding="2">{"".join(rows)}</table>'
