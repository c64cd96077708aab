"""The page "Stages": how many candidates every stage lets pass, where they are, and why each one lived or died.

What lives here: :class:`StagesPage`. What does not: funnel, marks, player, history. May import: those, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QSignalBlocker, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QToolButton, QWidget

from app.jobs import Progress
from app.records import Point, Selection
from app.settings import fields_of
from app.text import minus
from app.ui.bare_keys import Key
from app.ui.form import build, from_slider, slider_steps, to_slider
from app.ui.session import Session, failure_message
from app.ui.sift import stage_paint
from app.ui.sift.funnel_view import FunnelView
from app.ui.sift.history_panel import HistoryPanel
from app.ui.sift.history_words import STAGE_NAMES, story
from app.ui.sift.page import SiftContext
from app.ui.sift.picture_view import PictureView
from app.ui.sift.player import Player
from app.ui.sift.probe_panel import head
from app.ui.sift.split_page import SplitPage
from app.ui.sift.stage_marks import Chosen, StageMarks, choose
from app.ui.sift.state import StagesState
from app.ui.status import ElidedLabel
from app.ui.style import Style
from app.vision.scale_space import ScaleSpace
from app.vision.sift_records import SiftExplanation, SiftSettings, Stage
from app.vision.sift_stages import explain

STATE_KEY = "sift.stages"
REACH_PX = 9.0
NOTHING = (
    "No extremum was found: no pixel of any level differs enough from its 26 neighbours. "
    "Try a picture with more contrast, or lower the contrast threshold at the right."
)


class StagesPage(SplitPage):
    """Funnel at the left, the picture with its marks at the right, the history in the details."""

    key = "stages"
    title = "Stages"

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        state: StagesState = session.workspace_state(STATE_KEY, StagesState())
        super().__init__(session, look, build(state), parent)
        self.state = state
        self.context: SiftContext | None = None
        self.explanation: SiftExplanation | None = None  # what is drawn: the complete one, or the player's
        self.chosen: Chosen | None = None
        self.marks = StageMarks()
        self._octave: int | None = None  # only this octave is drawn, while playing
        self._hovered: int | None = None
        self.pinned: int | None = None
        self.player = Player(session.lane("sift-play"), self)
        self.funnel = FunnelView(look)
        self.view = PictureView(look, "The picture with its candidates", pointing=False)
        self.view.draw_over = self._draw_over
        self.history = HistoryPanel(look)
        self._build()
        self.setFocusProxy(self.funnel)
        self._add_keys(self._page_keys())
        self._connect()
        self._show_player()

    # ------------------------------------------------------------------------ building

    def _build(self) -> None:
        inner = self._split(self.view, (460, 540), spacing=6)
        inner.addWidget(head("THE FUNNEL · CLICK A STAGE"))
        inner.addLayout(self._controls())
        inner.addWidget(self.funnel, 1)

    def _controls(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        self.play = QPushButton("Play")
        self.play.setToolTip("Watch the algorithm go octave by octave, stage by stage (Space)")
        self.one_step = QToolButton()
        self.one_step.setToolTip("One step (.)")
        self.one_step.setAccessibleName("One step")
        self.stop = QToolButton()
        self.stop.setToolTip("Stop and show the complete result")
        self.stop.setAccessibleName("Stop")
        self.speed_spec = next(spec for spec in fields_of(StagesState()) if spec.name == "speed")
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, slider_steps(self.speed_spec))
        self.speed.setFixedWidth(96)
        self.speed.setToolTip(f"<p>{self.speed_spec.help}</p>")
        self.speed.setAccessibleName("Speed")
        self.step_words = ElidedLabel("")
        self.step_words.setProperty("role", "muted")
        self.step_words.setAccessibleName("The step shown")
        for widget in (self.play, self.one_step, self.stop, self.speed):
            line.addWidget(widget)
        line.addWidget(self.step_words, 1)
        return line

    def _connect(self) -> None:
        self.funnel.stage_chosen.connect(lambda stage: self._set(replace(self.state, stage=stage.name.lower())))
        self.view.hovered.connect(self._hover)
        self.view.chosen.connect(self._choose)
        self.form.changed.connect(self._set)
        self.form.held.connect(self.session.hold_undo)
        self.play.clicked.connect(self.toggle_play)
        self.one_step.clicked.connect(self.take_step)
        self.stop.clicked.connect(self.player.stop)
        self.speed.valueChanged.connect(lambda p: self._set(replace(self.state, speed=from_slider(self.speed_spec, p))))
        self.speed.sliderPressed.connect(lambda: self.session.hold_undo(True))
        self.speed.sliderReleased.connect(lambda: self.session.hold_undo(False))
        self.player.stepped.connect(self._stepped)
        self.player.changed.connect(self._show_player)
        self.player.failed.connect(lambda event: self.session.message.emit(failure_message(event)))
        self.session.state_changed.connect(self._show_state)
        self.look.changed.connect(lambda _look: self._show_player())

    def _page_keys(self) -> tuple[Key, ...]:
        return (
            ("&Play or pause", "Space", self.toggle_play),
            ("&One step", ".", self.take_step),
            ("&Survivors", "S", lambda: self._set(replace(self.state, survivors=not self.state.survivors))),
            ("&Rejected", "R", lambda: self._set(replace(self.state, rejected=not self.state.rejected))),
            ("&Fit", "F", self.view.fit),
            ("&1 : 1", "0", self.view.actual_size),
        )

    # ------------------------------------------------------------- what the frame asks

    def details_widget(self) -> QWidget:
        """Return the history of the candidate under the mouse."""
        return self.history

    def deactivate(self) -> None:
        """Stop playing."""
        self.player.stop()

    def show_context(self, context: SiftContext) -> None:
        """Show another picture, point or explanation."""
        old, self.context = self.context, context
        picture, space = context.picture, context.space
        if picture is None or space is None:
            return
        if old is None or old.space is not space or old.settings != context.settings:
            self.player.stop()
        if old is None or old.picture is None or old.picture.id != picture.id:
            self.view.set_picture(picture.rgb, picture.size)
            self.view.caption = f"{context.side} · {picture.name} · {picture.width} × {picture.height}"
            self._show_explanation(None)
        # While other settings are tried the last result stays until the new one is there.
        if not self.player.begun and context.explanation not in (None, self.explanation):
            self._show_explanation(context.explanation)
        self._pin(context.point)

    # ---------------------------------------------------------------------- state

    def _set(self, state: StagesState) -> None:
        self.session.set_workspace_state(STATE_KEY, state)

    def _show_state(self, _state: object) -> None:
        state: StagesState = self.session.workspace_state(STATE_KEY, StagesState())
        if state != self.state:
            self.state = state
            self.form.set_values(state)
            self.player.set_speed(state.speed)
            self._show_player()
            self._show_marks()

    @property
    def stage(self) -> Stage:
        """The stage whose survivors and rejected are shown: the player's while it plays."""
        if self._octave is not None and self.explanation is not None:
            return self.explanation.stage
        name = self.state.stage.upper()
        return Stage[name] if name in Stage.__members__ else Stage.CONTRAST

    def _show_explanation(self, explanation: SiftExplanation | None, octave: int | None = None) -> None:
        self.explanation, self._octave = explanation, octave
        complete = None if self.context is None else self.context.explanation
        self.funnel.set_explanation(explanation, 0 if complete is None else complete.funnel[0][1])
        self._hovered = self.pinned = None
        self._show_marks()
        self._show_history()

    def _show_marks(self) -> None:
        self.funnel.set_stage(self.stage)
        if self.explanation is None:
            self.chosen = None
        else:
            found = self.explanation.candidates
            self.chosen = choose(found, self.stage, self._octave)
            self.marks.show(found, self.chosen, survivors=self.state.survivors, rejected=self.state.rejected)
        self.view.update()

    # -------------------------------------------------------------------------- playing

    def toggle_play(self) -> None:
        """Play, or hold."""
        if self.player.playing:
            self.player.pause()
        elif (space := self._space) is not None:
            settings = self._settings
            self.player.play(lambda: explain(space.grey, settings, space))

    def take_step(self) -> None:
        """Take one step and hold."""
        if (space := self._space) is not None:
            settings = self._settings
            self.player.step(lambda: explain(space.grey, settings, space))

    @property
    def _space(self) -> ScaleSpace | None:
        return None if self.context is None else self.context.space

    @property
    def _settings(self) -> SiftSettings:
        return SiftSettings() if self.context is None else self.context.settings

    def _stepped(self, progress: Progress) -> None:
        explanation: SiftExplanation = progress.payload
        self._show_explanation(explanation, None if explanation.complete else explanation.octave)
        total = progress.total or 1
        words = "" if explanation.complete else f"{progress.text} · step {progress.done:.0f} of {total:.0f}"
        self.step_words.setText(minus(words))

    def _show_player(self) -> None:
        player = self.player
        self.play.setText("Pause" if player.playing else "Play" if not player.begun else "Go on")
        self.play.setIcon(self.look.icon("pause" if player.playing else "run"))
        self.one_step.setIcon(self.look.icon("next"))
        self.stop.setIcon(self.look.icon("reset"))
        self.stop.setEnabled(player.begun)
        self.stop.setToolTip(
            "Stop and show the complete result" if player.begun else "Nothing is being played: press Play first"
        )
        with QSignalBlocker(self.speed):
            self.speed.setValue(to_slider(self.speed_spec, self.state.speed))
        if not player.begun:
            self.step_words.setText("")
            complete = None if self.context is None else self.context.explanation
            if complete is not None and self.explanation is not complete:
                self._show_explanation(complete)
                if self.context is not None:
                    self._pin(self.context.point)

    # ------------------------------------------------------------------------- history

    def _hover(self, point: Point | None) -> None:
        """Show what is under the mouse, or again what was pinned."""
        found = None if point is None else self.marks.at(*point, REACH_PX / self.view.scale)
        if found != self._hovered:
            self._hovered = found
            self._show_history()
            self.view.update()

    def _choose(self, point: Point) -> None:
        """Select a candidate, or the bare place."""
        found = self.marks.at(*point, REACH_PX / self.view.scale)
        if self.context is None:
            return
        if found is not None and self.explanation is not None:
            x, y = self.explanation.candidates.xy[found].tolist()
            point = (x, y)
        self.point_chosen.emit(Selection(self.context.side, *point))

    def _pin(self, point: Point | None) -> None:
        """Keep the history of the candidate at the selected point: one drawn if there is, else any."""
        self.view.set_cursor(point)
        self.pinned = None
        if point is not None and self.explanation is not None and len(self.explanation.candidates):
            found = self.explanation.candidates
            away = np.hypot(*(found.xy.astype(np.float64) - point).T)
            near = int(np.argmin(away))
            self.pinned = near if away[near] <= 1.0 else None
        self._show_history()

    def _show_history(self) -> None:
        row = self._hovered if self._hovered is not None else self.pinned
        picture = None if self.context is None else self.context.picture
        self.history.show_candidate(self.explanation, row, None if picture is None else picture.rgb)

    # ------------------------------------------------------------------------- painting

    def _draw_over(self, painter: QPainter, view: PictureView) -> None:
        if self.explanation is None or self.chosen is None:
            return
        tokens = self.look.tokens
        colours = (tokens.right, tokens.wrong, tokens.canvas)
        self.marks.paint(painter, view, colours, sizes=self.state.sizes, width=self.look.line_scale)
        shown = (self.state.survivors, self.state.rejected)
        stage_paint.legend(painter, view, self.look, STAGE_NAMES[self.stage], self.chosen, shown)
        if self._hovered is not None:
            self._draw_hover(painter, view, self._hovered)
        if not len(self.explanation.candidates) and self.explanation.complete:
            stage_paint.words(painter, view, self.look, QPointF(16, view.height() / 2), NOTHING, view.width() - 40.0)

    def _draw_hover(self, painter: QPainter, view: PictureView, row: int) -> None:
        """Circle the candidate under the mouse, with its story."""
        assert self.explanation is not None
        found = self.explanation.candidates
        at = view.screen_of(*found.xy[row].tolist())
        radius = max(7.0, float(found.sigma[row]) * view.scale + 3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for width, colour in ((4.0, "canvas"), (2.0, "selected")):
            painter.setPen(QPen(self.look.colour(colour), width))
            painter.drawEllipse(at, radius, radius)
        text = story(found, row, self.explanation.settings)
        stage_paint.words(painter, view, self.look, at + QPointF(radius + 6, 0), text, 260.0)
