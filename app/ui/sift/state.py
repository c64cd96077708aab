"""What the SIFT workspace wants back after undo, restart or a bookmark, as one frozen value.

What lives here: :class:`SiftState` with the labels and help of its fields. What does not: widgets, and the
states of single pages that have more to keep; no Qt. May import: settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Settings, choice, flag


@dataclass(frozen=True)
class SiftState(Settings):
    """Which page, which picture, and how its parts are shown. The point is the session's selection.

    The first group of fields has controls of its own; the declared ones make the form.

    Attributes:
        page: key of the page in front.
        side: the picture explained while nothing is selected; else it is the selection's.
        octave, layer: the level shown large; ``layer`` counts from 0 in the planes of ``mode``.
        stage: key of the stage whose survivors and rejected are shown.
    """

    page: str = "space"
    side: str = "left"
    octave: int = 0
    layer: int = 1
    stage: str = "contrast"
    mode: str = choice(
        "dog",
        {"dog": "differences of Gaussians", "gaussians": "Gaussians"},
        label="Levels",
        help=(
            "Gaussians are the picture at growing blur. Each difference of two neighbours keeps the details that "
            "vanish between them: bright blobs are negative, dark ones positive."
        ),
    )
    fixed_range: bool = flag(
        False,
        label="One colour range for all levels",
        help=(
            "Colours mean the same grey value in every cell, so that weak octaves look weak. Off: each octave has its "
            "own range, which shows its structure."
        ),
    )
    survivors: bool = flag(True, label="Survivors (S)", help="Circles of what the chosen stage let pass.")
    rejected: bool = flag(True, label="Rejected (R)", help="Crosses of what died at the chosen stage.")
