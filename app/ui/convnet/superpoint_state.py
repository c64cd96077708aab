"""What the SuperPoint page wants back, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from app.learning import detector_store
from app.learning.superpoint import BORDER, CONFIDENCE, RADIUS
from app.settings import Settings, choice, flag, named, number

SUPERPOINT_KEY = "convnet.superpoint"
MOST_VIEWS = 100
SUREST = (-1, -1)


@dataclass(frozen=True)
class SuperPointState(Settings):
    """A picture of the pair, the network's weights, and how points are taken from its heat map.

    Attributes:
        weights: what ``detector_store`` finds a detector by; empty becomes the shipped one.
        cell: the chosen one, (row, column); :data:`SUREST` is the one where the network is surest.
    """

    cell: tuple[int, int] = SUREST
    side: str = choice(
        "left", {"left": "left", "right": "right"}, label="Picture", help="Which picture of the pair is shown."
    )
    weights: str = named(
        detector_store.titles, suffix=detector_store.SUFFIX, files="detector", label="Weights",
        help="The shipped miniature learned corners from drawn shapes alone; “main.py detector” trains one of your "
        "own, Import… below takes it into this list, where it can be renamed and deleted. With "
        "random weights all 65 numbers of a cell are about 1/65 = 0.0154: the loss is ln 65 = 4.174, and its points "
        "mean nothing.",
    )  # fmt: skip
    max_side: int = number(
        640, 160, 1600, 80, unit="px", label="Working size", log_scale=True,
        help="The picture is reduced so that its longer side has at most this many pixels. All pixels here are those "
        "of the reduced picture.",
    )  # fmt: skip
    confidence: float = number(
        CONFIDENCE, 0.001, 0.9, 0.001, label="Confidence", log_scale=True,
        help="A pixel is a candidate from this heat on. 0.015 is the default of the authors' demo: a little less than "
        "1/65, what a network that knows nothing gives every pixel.",
    )  # fmt: skip
    radius: int = number(
        RADIUS, 0, 20, 1, unit="px", label="NMS radius",
        help="Non-maximum suppression: the surest point removes all others within this many columns and rows, then "
        f"the next. Points within {BORDER} px of the border go too.",
    )  # fmt: skip
    views: int = number(
        1, 1, MOST_VIEWS, 1, label="Views",
        help="Homographic adaptation: the heat maps of this many random views (the paper's N_h, 100 there), carried "
        "back and averaged. 1 is the picture alone.",
    )  # fmt: skip
    heat: str = choice(
        "adapted", {"adapted": "averaged over views", "single": "picture alone"}, label="Heat map",
        help="Compare the same picture with and without adaptation. With one view both are the same.",
    )  # fmt: skip
    points: bool = flag(True, label="Points", help="Ring the points that remain; without them the heat is seen alone.")
    opacity: float = number(0.9, 0.0, 1.0, 0.05, label="Opacity", help="Of the hottest colour over the picture.")
