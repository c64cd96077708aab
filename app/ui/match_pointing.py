"""What the mouse does in the Match workspace's picture: hovering, clicking, dragging an area.

What lives here: :class:`Pointing`. What does not: finding what is under the mouse (the canvas). May import:
``match_hints``, ``match_table`` (how numbers read), overlays and, for types, the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.records import Selection, Side
from app.ui.match_hints import transferred
from app.ui.match_table import COLUMNS
from app.ui.overlays import Hover, Mark
from app.ui.picking import nearest_point

if TYPE_CHECKING:
    from app.ui.workspaces.match import MatchWorkspace

SNAP_PX = 10.0
READ_OUT = ("distance", "ratio", "confidence", "error", "verdict")


class Pointing:
    """Connects the canvas's signals to hints, highlights and the session's selection."""

    def __init__(self, workspace: MatchWorkspace) -> None:
        self._workspace = workspace
        self._hover: Hover | None = None
        canvas = workspace.canvas
        canvas.hovered.connect(self._hovered)
        canvas.line_hovered.connect(self._line_hovered)
        canvas.clicked.connect(self._clicked)
        canvas.line_clicked.connect(self._line_clicked)
        canvas.area_selected.connect(self._area_selected)

    @property
    def _side(self) -> Side:
        """The picture under the mouse, the left one beside both."""
        return "left" if self._hover is None else self._hover.side

    def forget(self) -> None:
        """Take the hint and the numbers of a line away until the mouse moves again."""
        self._hint(None)
        self._line_hovered(None)

    # ------------------------------------------------------------------- clicking

    def _line_clicked(self, match: int | None) -> None:
        workspace = self._workspace
        if match is not None:
            workspace.select_match(match, self._side)
        elif self._hover is None and not workspace.details.why.picking:
            workspace.session.select(None)

    def _clicked(self, place: Hover) -> None:
        workspace = self._workspace
        if workspace.details.why.picking:
            workspace.details.why.pick(place)
        else:
            workspace.session.select(Selection(place.side, *self._snapped(place)))

    def _snapped(self, place: Hover) -> tuple[float, float]:
        """Return the keypoint under the mouse, else the place itself."""
        result, canvas = self._workspace.session.result, self._workspace.canvas
        here = None if result is None else result.left if place.side == "left" else result.right
        if here is None or not self._workspace.match_state.keypoints or canvas.scene is None:
            return place.x, place.y
        reach = SNAP_PX / (canvas.view.scale * canvas.scene.of(place.side).scale)
        found = nearest_point(here.keypoints.xy, place.x, place.y, reach)
        if found is None:
            return place.x, place.y
        x, y = here.keypoints.xy[found]
        return float(x), float(y)

    def _area_selected(self, area: tuple[Side, float, float, float, float]) -> None:
        """Filter by a rectangle: Ctrl+drag writes it into the filter, where it can be read and changed."""
        side, x, y, width, height = area
        n = "1" if side == "left" else "2"
        text = f"{x:.0f} < x{n} < {x + width:.0f} and {y:.0f} < y{n} < {y + height:.0f}"
        self._workspace.details.set_filter(text)

    # ------------------------------------------------------------------- hovering

    def _hovered(self, place: Hover | None) -> None:
        self._hover = place
        self._hint(place)

    def _hint(self, place: Hover | None) -> None:
        """Mark where the pixel under the mouse lies in the other picture."""
        workspace = self._workspace
        result, state = workspace.session.result, workspace.match_state
        if place is None or result is None or not state.hint:
            workspace.canvas.set_hint(None)
            workspace.set_marks("hint", ())
            return
        there = transferred(result, place.side, place.x, place.y, state.reference)
        workspace.canvas.set_hint(there.line)
        workspace.set_marks("hint", () if there.xy is None else (Mark(there.side, *there.xy, "", "accent"),))

    def _line_hovered(self, match: int | None) -> None:
        self._workspace.canvas.set_highlight(match)
        self._workspace.set_marks("hovered", () if match is None else (self._readout(match),))

    def _readout(self, match: int) -> Mark:
        """Return the numbers of a match as a label at its end under the mouse."""
        values = self._workspace.values
        words = []
        for column in COLUMNS:
            text = column.text(getattr(values, column.key)[match]) if column.key in READ_OUT else "–"
            if text != "–":
                words.append(text if column.key == "verdict" else f"{column.head} {text}")
        x, y = (values.left_xy if self._side == "left" else values.right_xy)[match].tolist()
        return Mark(self._side, x, y, "  ·  ".join(words), "text", 7.0)
