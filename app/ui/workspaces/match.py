"""The Match workspace: the pair with its matches, and everything that can be asked about them.

What lives here: :class:`MatchWorkspace`, the wiring between session, canvas and panels. What does not: colours
(``colour_rules``), the filter (``match_query``), the panels, the keys. May import: those, the session, Qt.

Everything worth keeping is in :class:`MatchState` inside the session; the workspace shows it and reports changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QDockWidget, QVBoxLayout, QWidget

from app.records import MatchResult, Selection, Side, find_match
from app.ui import canvas_words, colour_rules, match_hints
from app.ui.line_layer import FINE_LINES
from app.ui.match_advice import advice
from app.ui.match_details import MatchDetails
from app.ui.match_export import Exporter
from app.ui.match_keys import MatchActions
from app.ui.match_pointing import Pointing
from app.ui.match_state import MatchState
from app.ui.match_values import Index, values_of
from app.ui.overlays import KeypointMarks, Mark
from app.ui.pair_view import PairView
from app.ui.session import Message, Session
from app.ui.settings_panel import SettingsPanel
from app.ui.show_panel import ShowPanel, ShowStrip
from app.ui.style import Style
from app.ui.workspaces.base import Workspace

if TYPE_CHECKING:
    from app.ui.remembered import Remembered

# Beyond this many lines transparency would cost too much: only the selected one is drawn.
MOST_FADED = 1500
BEHIND_SELECTED = 0.22
# Between these numbers lines are drawn with this share of their colour, so that the picture shows through.
FEW_LINES, MANY_SHARE = 60, 0.62
SIDES: tuple[Side, Side] = ("left", "right")


class MatchWorkspace(Workspace):
    """Canvas and strip in the middle; the settings and the details are docked by the window."""

    key = "match"
    title = "Match"
    number = 1

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self.match_state: MatchState = session.workspace_state(self.key, MatchState())
        self.canvas = PairView(style.tokens)
        self.strip = ShowStrip(style)
        self.show_panel = ShowPanel()
        self._settings = SettingsPanel(session, [("Show", self.show_panel)])
        self.details = MatchDetails(session, style)
        self.exporter = Exporter(session, style, self.canvas)
        self.values = values_of(None)
        self.colouring = colour_rules.colour(self.values, "verdict", style.tokens.colours())
        self.drawn: Index = np.zeros(0, np.intp)
        self._marks: dict[str, tuple[Mark, ...]] = {}
        self._chosen: tuple[object, int] = (None, -1)
        self._shown_features: tuple[object, ...] = ()
        self.keys = MatchActions(self)
        self.pointing = Pointing(self)
        self.strip.add_buttons(self.keys.buttons)
        self.details.set_export_actions(self.keys.exports)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.strip)
        column.addWidget(self.canvas, 1)
        self.setFocusProxy(self.canvas)
        self._connect()
        self._show_look(style)
        self._show_arrangement()
        self.details.show_state(self.match_state)
        self._show_result(session.result)

    def _connect(self) -> None:
        session, details = self.session, self.details
        session.result_changed.connect(self._show_result)
        session.state_changed.connect(self._show_session_state)
        session.selection_changed.connect(self._show_selection)
        session.busy_changed.connect(self._show_dimmed)
        self.strip.changed.connect(self.set_match_state)
        self.strip.held.connect(session.hold_undo)
        self.show_panel.changed.connect(self.set_match_state)
        details.changed.connect(self.set_match_state)
        details.table.match_chosen.connect(self.select_match)
        details.table.copied.connect(lambda n: session.message.emit(Message(f"Copied {n:,} rows as CSV.")))
        details.point.marks_changed.connect(lambda marks: self.set_marks("point", marks))
        details.why.marks_changed.connect(lambda marks: self.set_marks("why", marks))
        details.why.picking_changed.connect(lambda _on: self._draw())
        self.look.changed.connect(self._show_look)

    # ------------------------------------------------------------- what the window asks

    def settings_panel(self) -> QWidget:
        """Return the matcher's settings with the Show section."""
        return self._settings

    def details_panel(self) -> QWidget:
        """Return the tabs below the picture."""
        return self.details

    def actions(self) -> list[QAction]:
        """Return the actions for the menus."""
        return self.keys.listed

    def copy_picture(self) -> bool:
        """Copy what the canvas shows to the clipboard."""
        if self.canvas.scene is None:
            return False
        self.canvas.wait_until_sharp()
        QGuiApplication.clipboard().setPixmap(self.canvas.grab())
        return True

    def remembered(self) -> Remembered | None:
        """Return the canvas's pictures."""
        return self.canvas.remembered()

    def show_remembered(self, shown: Remembered) -> None:
        """Cover the canvas with it."""
        from app.ui.stand_in import StandIn

        StandIn(shown, self.session, self.look, self.canvas)

    def copy_picture_and_tell(self) -> None:
        """Copy the picture, and say so."""
        copied = self.copy_picture()
        self.session.message.emit(Message("The picture was copied." if copied else "There is no picture to copy yet."))

    def ask_why(self) -> None:
        """Open the Why not? tab, in a presentation too; the next clicks in the picture are its places."""
        self.details.open_tab("why")
        above = self.details.parentWidget()
        while above is not None and not isinstance(above, QDockWidget):
            above = above.parentWidget()
        if above is not None:
            above.show()
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def let_go(self) -> bool:
        """End asking why: the table comes back, and with it the lines."""
        asking = self.details.why.picking
        if asking:
            self.details.open_tab("matches")
        return asking

    def run_or_pause(self) -> None:
        """Start the match job, or hold and continue the running one."""
        lane = self.session.match_lane
        if not self.session.busy:
            self.session.run()
        elif lane.paused:
            lane.resume()
        else:
            lane.pause()
            self.session.message.emit(Message("Paused. Space goes on, Esc cancels."))

    def present(self) -> None:
        """Switch the window's presentation mode."""
        toggle = getattr(self.window(), "toggle_present", None)
        if toggle is not None:
            toggle()

    # ---------------------------------------------------------------------- state

    def set_match_state(self, state: MatchState) -> None:
        """Make this the workspace's state; what it shows follows from the session's signal."""
        self.session.set_workspace_state(self.key, state)

    def _show_session_state(self, _state: object) -> None:
        self._show_dimmed()
        state: MatchState = self.session.workspace_state(self.key, MatchState())
        if state == self.match_state:
            return
        old, self.match_state = self.match_state, state
        self.details.show_state(state)
        if (old.arrangement, old.swapped) != (state.arrangement, state.swapped):
            self._show_arrangement()
        if (old.registration, old.reference) != (state.registration, state.reference):
            self._show_registration(tell=True)
        if (old.filter, old.only_inliers) != (state.filter, state.only_inliers):
            self._list()
        self.pointing.forget()
        self._draw()

    def _show_arrangement(self) -> None:
        self.canvas.set_arrangement(self.match_state.arrangement)
        self.canvas.set_swapped(self.match_state.swapped)

    def _show_look(self, look: Style) -> None:
        self.canvas.set_tokens(look.tokens, font_scale=look.scale, line_scale=look.line_scale)
        self.keys.show_look()
        self._draw()

    def _show_dimmed(self, _what: object = None) -> None:
        self.canvas.set_dimmed(self.session.stale)
        reading = self.session.busy and self.session.result is None
        self.canvas.set_message(canvas_words.READING if reading else "")

    # --------------------------------------------------------------------- result

    def _show_result(self, result: MatchResult | None) -> None:
        self.canvas.set_pair(None if result is None else result.pair)
        self.values = values_of(result)
        self.pointing.forget()
        self._show_dimmed()
        self._show_registration(tell=False)
        self._list()
        self._draw()

    @property
    def selected(self) -> int | None:
        """Index of the selected match in the present result.

        Several matches can join the same two places (a keypoint has one descriptor per orientation): then
        it is the one that was chosen.
        """
        result = self.session.result
        found = None if result is None else find_match(result, self.session.state.selection)
        matches, chosen = self._chosen
        if result is None or found is None or matches is not result.matches:
            return found
        ends = np.hstack([self.values.left_xy[[found, chosen]], self.values.right_xy[[found, chosen]]])
        return chosen if np.array_equal(*ends) else found

    @property
    def _keep(self) -> np.ndarray:
        """(M,) bool: what filter and inlier switch leave."""
        keep = self.details.query.mask(self.values)
        return keep & self.values.inlier if self.match_state.only_inliers and self.values.verified else keep

    def _list(self) -> None:
        """Fill the table."""
        keep = self._keep
        text = advice(self.session.result, self.match_state, int(np.count_nonzero(keep)))
        self.details.show_matches(self.values, keep, self.selected, text)

    def _show_registration(self, *, tell: bool) -> None:
        state = self.match_state
        matrix, reason = match_hints.registration(self.session.result, state.reference)
        self.canvas.set_registration(state.registration, matrix)
        if tell and state.registration != "none" and matrix is None and reason:
            self.session.message.emit(Message(reason))

    # -------------------------------------------------------------------- drawing

    def _draw(self) -> None:
        """Colour and draw the lines, the legend, the keypoints and the marks."""
        state, result = self.match_state, self.session.result
        judged = None if result is None else result.evaluation
        threshold = math.nan if judged is None else judged.threshold_px
        tokens = self.look.tokens.colours()
        self.colouring = colour_rules.colour(self.values, state.colour_by, tokens, threshold)
        candidates = colour_rules.shown_rows(self.values, self.colouring, self._keep, hidden=state.hidden)
        self.drawn = candidates[: state.top] if state.top > 0 else candidates
        self._draw_lines()
        self._draw_keypoints()
        self.canvas.set_legend(
            colour_rules.legend_of(self.colouring, self.drawn, state.hidden) if len(self.values) else None
        )
        self.set_marks("truth", self._truth_marks())
        self.strip.show_state(state, self.values, len(self.drawn), len(candidates))
        self.show_panel.show_state(state, self.colouring)
        self.keys.show_state()

    def _draw_lines(self) -> None:
        """Draw the lines, faded or left out behind a selected one; none while two places are being picked."""
        selected, shown = self.selected, self.drawn
        wanted = self.match_state.lines and len(self.values) > 0 and not self.details.why.picking
        alone = wanted and selected is not None and self.match_state.isolate
        if alone and len(shown) > MOST_FADED:
            shown = np.array([selected], np.intp)
        lines = colour_rules.lines_of(self.values, self.colouring, shown) if wanted else None
        if lines is not None and alone and len(shown) > 1:
            lines = colour_rules.faded(lines, BEHIND_SELECTED)
        elif lines is not None and FEW_LINES < len(shown) <= FINE_LINES:
            lines = colour_rules.faded(lines, MANY_SHARE)
        self.canvas.set_lines(lines)
        self.canvas.set_selection(selected if wanted else None)

    def _draw_keypoints(self) -> None:
        result = self.session.result
        features = (None, None) if result is None else (result.left, result.right)
        matches = None if result is None else result.matches
        wanted = (*features, matches, self.match_state.keypoints)
        if wanted == self._shown_features:
            return
        self._shown_features = wanted
        for column, (side, here) in enumerate(zip(SIDES, features, strict=True)):
            if here is None or not self.match_state.keypoints:
                self.canvas.set_keypoints(side, None)
                continue
            points = here.keypoints
            matched = np.zeros(len(points), np.bool_)
            if matches is not None:
                matched[matches.pairs[:, column]] = True
            self.canvas.set_keypoints(side, KeypointMarks(points.xy, points.size, points.angle, matched))

    def _truth_marks(self) -> tuple[Mark, ...]:
        if not self.match_state.truth:
            return ()
        return match_hints.truth_marks(self.session.result, self.session.state.selection)

    def set_marks(self, name: str, marks: tuple[Mark, ...]) -> None:
        """Replace the marks of one origin in the picture."""
        if marks != self._marks.get(name, ()):
            self._marks[name] = marks
            self.canvas.set_marks(tuple(mark for part in self._marks.values() for mark in part))

    # ------------------------------------------------------------------ selecting

    def _show_selection(self, selection: Selection | None) -> None:
        self.details.table.select_match(self.selected)
        self._draw_lines()
        self.set_marks("truth", self._truth_marks())
        place = (
            () if selection is None or self.selected is not None else (Mark(selection.side, selection.x, selection.y),)
        )
        self.set_marks("selection", place)

    def select_match(self, match: int, side: Side = "left") -> None:
        """Select a match, named by the side that was pointed at."""
        left, right = ((float(x), float(y)) for x, y in (self.values.left_xy[match], self.values.right_xy[match]))
        here, there = (left, right) if side == "left" else (right, left)
        selection = Selection(side, *here, there)
        self._chosen = (None if self.session.result is None else self.session.result.matches, match)
        if selection == self.session.state.selection:  # another match between the same two places
            self._show_selection(selection)
        else:
            self.session.select(selection)
