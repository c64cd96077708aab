"""What the SIFT workspace and its first two pages want back after undo, restart or a bookmark, as frozen values.

What lives here: :class:`SiftState`, :class:`SpaceState`, :class:`StagesState` with the labels and help of their
fields. What does not: widgets, no Qt, and the states of the other pages. May import: settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Settings, choice, flag, number


@dataclass(frozen=True)
class SiftState(Settings):
    """Which page and which picture. The point is the session's selection.

    Attributes:
        page: key of the page in front.
        side: the picture explained while nothing is selected; else it is the selection's.
    """

    page: str = "space"
    side: str = "left"


@dataclass(frozen=True)
class SpaceState(Settings):
    """How the scale space is shown.

    Attributes:
        octave, layer: the level chosen last; ``layer`` counts the planes of ``kind`` from 0.
    """

    octave: int = 0
    layer: int = 1
    kind: str = choice(
        "dog",
        {"dog": "differences", "gaussian": "Gaussians"},
        label="Levels (D)",
        help=(
            "Gaussians are the picture at growing blur. The difference of two neighbours keeps the details that "
            "vanish between them: bright blobs are negative, dark ones positive."
        ),
    )
    large: str = choice(
        "level",
        {"level": "the chosen level", "picture": "the picture"},
        label="Large view (V)",
        help="What stands beside the grid: the level of the framed cell, or the picture itself at the same place.",
    )
    fixed: bool = flag(
        False,
        label="One colour range for all",
        help=(
            "The same colour is the same number of grey levels in every cell, so that weak octaves look weak. "
            "Off: every octave has a range of its own, which shows its structure."
        ),
    )
    circles: bool = flag(
        True,
        label="Keypoints of the level (K)",
        help="Circles of the keypoints found at the level shown large, with their real size.",
    )


@dataclass(frozen=True)
class StagesState(Settings):
    """How the stages are shown.

    Attributes:
        stage: key of the stage whose survivors and rejected are shown.
    """

    stage: str = "contrast"
    survivors: bool = flag(True, label="Survivors (S)", help="Circles around what the chosen stage let pass.")
    rejected: bool = flag(True, label="Rejected (R)", help="Crosses on what died at the chosen stage.")
    sizes: bool = flag(
        True,
        label="Real sizes",
        help="Circles have the size of the blob, 2σ across. Off: all are small, which is clearer where there are many.",
    )
    speed: float = number(
        2.0,
        0.5,
        20.0,
        0.5,
        label="Speed",
        unit="/s",
        log_scale=True,
        help="How many steps of the algorithm are played a second: octave by octave, stage by stage.",
    )
