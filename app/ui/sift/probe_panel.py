"""What is at the cursor: the 26 neighbours, the response against sigma, the orientation histogram.

What lives here: :class:`ProbePanel`, the details of the scale-space page. What does not: measurements
(``app.vision``) and drawings (``curves``, ``cube_view``). May import: those, style, Qt.

Everything here is measured anew while the cursor is dragged, on the GUI thread: a few milliseconds, because the
scale space has the first level of every octave ready and only small windows are blurred.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.records import Point
from app.ui.chart import Chart, Drawing
from app.ui.sift.cube_view import CubeView
from app.ui.sift.curves import blob_radius, orientation_drawing, response_drawing
from app.ui.status import ElidedLabel
from app.ui.steady import SteadyHead, SteadyText
from app.ui.style import Style
from app.vision.scale_response import response_at
from app.vision.scale_space import ScaleSpace
from app.vision.sift_orientation import orientation_at
from app.vision.sift_records import SiftSettings

WAITING = "The levels are being made."


@dataclass(frozen=True)
class Place:
    """Where to measure.

    Attributes:
        point: in image pixels.
        octave, layer: the plane in the middle of the cube, 1 to s.
        keypoint_sigma: blur of the keypoint at the point, 0 without one.
        history: what became of the candidate at this sample, in words, or empty.
    """

    point: Point
    octave: int
    layer: int
    keypoint_sigma: float = 0.0
    history: str = ""


def head(text: str) -> ElidedLabel:
    """Return a section head that may be shortened."""
    label = ElidedLabel(text)
    label.setProperty("role", "heading")
    return label


class ProbePanel(QWidget):
    """Cube with its sentence, response curve, orientation histogram, side by side."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.radius = 0.0
        self.cube = CubeView(look)
        self.sentence = SteadyText()
        self.sentence.setAccessibleName("Verdict on the 26 neighbours")
        self.response = Chart(look, "Response against sigma")
        self.orientation = Chart(look, "Orientation histogram")
        self.orientation.setMinimumWidth(140)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(16, 8, 16, 8)
        self._line.setSpacing(14)
        self.cube_head = head("26 NEIGHBOURS")
        self.response_head = SteadyHead("RESPONSE AGAINST σ")
        self.orientation_head = head("ORIENTATION HERE")
        for stretch, title, parts in (
            (6, self.cube_head, (self.cube, self.sentence)),
            (5, self.response_head, (self.response,)),
            (3, self.orientation_head, (self.orientation,)),
        ):
            column = QVBoxLayout()
            column.setSpacing(4)
            column.addWidget(title)
            for part in parts:
                column.addWidget(part, 0 if part is self.sentence else 1)
            self._line.addLayout(column, stretch)
        self.clear(WAITING)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the histogram out where there is no room for it."""
        super().resizeEvent(event)
        wide = self.width() >= 600
        self.orientation.setVisible(wide)
        self.orientation_head.setVisible(wide)

    def clear(self, text: str) -> None:
        """Show nothing but a sentence."""
        self.radius = 0.0
        self.cube.set_cube(None, (0.0, 0.0, 0.0), 0.0)
        self.sentence.setText(text)
        for chart in (self.response, self.orientation):
            chart.set_drawing(Drawing(empty=text))

    def measure(self, space: ScaleSpace, settings: SiftSettings, place: Place) -> None:
        """Measure at a place and show it; the scale space must be prepared."""
        octave, layer = place.octave, place.layer
        col, row = space.nearest(octave, *place.point)
        sigmas = tuple(space.sigma(octave, layer + step) for step in (-1, 0, 1))
        self.cube.set_cube(
            space.cube(octave, layer, col, row), (sigmas[0], sigmas[1], sigmas[2]), float(settings.noise_floor)
        )
        verdict = self.cube.verdict
        words = "" if verdict is None else verdict.sentence
        self.sentence.setText(f"{words} {place.history}".strip())
        response = response_at(space, *place.point)
        self.radius = blob_radius(response, place.keypoint_sigma, settings.k)
        self.response.set_drawing(response_drawing(response, place.keypoint_sigma, settings.k))
        view = orientation_at(space, octave, layer, col, row, sigmas[1], settings)
        self.orientation.set_drawing(orientation_drawing(view))
