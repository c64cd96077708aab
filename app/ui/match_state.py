"""What the Match workspace wants back after undo, restart or a bookmark, as one frozen value.

What lives here: :class:`MatchState` with the labels and help of its fields. What does not: widgets; no Qt.
May import: settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Settings, choice, flag

# As many as the canvas draws with dashes and marks at the ends.
DEFAULT_TOP = 300


@dataclass(frozen=True)
class MatchState(Settings):
    """How matches are shown.

    The first group of fields has controls of its own; the declared ones make the form.

    Attributes:
        colour_by: key of a colour rule.
        top: at most so many lines, the most believable first; 0 draws all.
        hidden: names of the classes that are not drawn.
        filter: text of the filter, which holds for table and picture.
        sort, descending: the table's order, by column key.
        tab: key of the details tab in front.
    """

    colour_by: str = "verdict"
    top: int = DEFAULT_TOP
    hidden: tuple[str, ...] = ()
    filter: str = ""
    sort: str = "number"
    descending: bool = False
    tab: str = "matches"
    keypoints: bool = flag(
        True,
        label="Keypoints (K)",
        help="Circles of the keypoints' real size with a tick in their orientation; matched ones are brighter.",
    )
    lines: bool = flag(True, label="Lines (L)", help="One line per match, from the left picture to the right one.")
    only_inliers: bool = flag(
        False,
        label="Inliers only (I)",
        help="Draw and list only the matches that agree with the fitted model.",
    )
    truth: bool = flag(
        False,
        label="True places (G)",
        help=(
            "Mark where the selected point truly belongs in the other picture, and the annotated points of a pair "
            "that has them."
        ),
    )
    isolate: bool = flag(
        True,
        label="Fade the others of a selected match",
        help="A click on a line lets all others step back, so that one match can be followed. Esc brings them back.",
    )
    arrangement: str = choice(
        "auto",
        {"auto": "whichever is larger", "side": "side by side", "stacked": "one above the other"},
        label="Arrange",
        help="How the two pictures share the view. Alt+drag moves the right one; the lines follow.",
    )
    swapped: bool = flag(False, label="Right picture first (X)", help="Swap the places of the two pictures.")
    hint: bool = flag(
        True,
        label="Show its place under the cursor",
        help=(
            "While the mouse is over one picture, mark where that pixel lands in the other: a point by a homography, "
            "affine map or dense truth, an epipolar line by a fundamental matrix."
        ),
    )
    reference: str = choice(
        "fitted",
        {"fitted": "fitted model", "truth": "ground truth"},
        label="Place by",
        help="What carries a point to the other picture: the model fitted to the matches, or the pair's truth.",
    )
    registration: str = choice(
        "none",
        {"none": "none", "warp": "warp", "blend": "blend", "flicker": "flicker", "checkerboard": "checkerboard"},
        label="Overlay",
        help=(
            "Lay the right picture over the left one by the homography: where the model is right, edges run on "
            "without a step. Needs a homography or affine map."
        ),
    )
