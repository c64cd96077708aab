"""Contrast reversal at one keypoint: the negative's descriptor is the picture's in another order, exactly.

What lives here: :class:`ReversalPart`. What does not: the permutations (``app.vision.reversal``). May import: that,
``star_plot``, ``app.ui.facts``, the lanes, the session, Qt, numpy.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.records import Image, Keypoints
from app.ui.errand import Errand
from app.ui.facts import patch_of, sentence
from app.ui.session import Session
from app.ui.sift.star_plot import StarPlot
from app.ui.style import Style
from app.vision.images import grey8
from app.vision.reversal import Reversal, Turned, reverse_at

LANE = "sift-reversal"
PATCH = 128
COLUMNS = ("picture", "negative", "picture, reordered")


class ReversalPart(QWidget):
    """Two rows of star plots: upright, and with the keypoint's own orientation."""

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._look = session, look
        self._question = Errand(session.lane(LANE), self)
        self._asked: tuple[object, ...] = ()
        self._image: Image | None = None
        self.found: Reversal | None = None
        self.words = sentence("")
        self.words.setAccessibleName("The permutation in words")
        self.plots = {
            (kind, column): StarPlot(look, f"{kind}, {column}") for kind in ("upright", "own") for column in COLUMNS
        }
        grid = QGridLayout()
        grid.setSpacing(8)
        for line, kind in enumerate(("upright", "own")):
            label = QLabel("upright" if kind == "upright" else "turned with\nthe keypoint")
            label.setProperty("role", "muted")
            grid.addWidget(label, line, 0)
            grid.setRowStretch(line, 1)
            for place, column in enumerate(COLUMNS, start=1):
                grid.addWidget(self.plots[kind, column], line, place)
                grid.setColumnStretch(place, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addWidget(self.words)
        whole.addLayout(grid, 1)
        self._question.finished.connect(self._answered)
        self._question.failed.connect(session.message)
        self.show_nothing("Click a keypoint in another page: its negative is described here.")

    @property
    def busy(self) -> bool:
        """Whether the negative is being described."""
        return self._question.busy

    def stop(self) -> None:
        """Stop describing."""
        if self._question.busy:
            self._question.cancel()
            self._asked = ()

    def show_nothing(self, why: str) -> None:
        """Say why there is nothing to show."""
        self.found, self._asked = None, ()
        for plot in self.plots.values():
            plot.show_descriptor(None)
            plot.show_patch(None)
        self.words.setText(why)

    def show_keypoint(self, image: Image, keypoint: Keypoints) -> None:
        """Describe one keypoint of a picture in its negative."""
        asked = (image.id, *keypoint.xy[0].tolist(), float(keypoint.angle[0]))
        if asked == self._asked:
            return
        self._asked, self._image = asked, image
        self._question.start(lambda: reverse_at(grey8(image.rgb), keypoint))

    def _answered(self, found: Reversal | None) -> None:
        if found is not None:
            self.found = found
            self._show(found)

    def _show(self, found: Reversal) -> None:
        self._show_row("upright", found, found.upright)
        self._show_row("own", found, found.own)
        self.words.setText(_sentence(found))

    def _show_row(self, kind: str, found: Reversal, made: Turned) -> None:
        assert self._image is not None
        rgb = self._image.rgb
        patches = [
            patch_of(rgb, found.xy, found.size, made.angle, PATCH),
            patch_of(np.asarray(255 - rgb, np.uint8), found.xy, found.size, made.negative_angle, PATCH),
            None,
        ]
        captions = (
            f"picture, {made.angle:.0f}°",
            f"negative, {made.negative_angle:.0f}°: distance {made.before:.0f}",
            f"reordered: distance {made.after:.3g}",
        )
        longest = float(max(made.picture.max(), made.negative.max(), 1))
        values = (made.picture, made.negative, made.permuted)
        for column, patch, value, caption in zip(COLUMNS, patches, values, captions, strict=True):
            plot = self.plots[kind, column]
            plot.colour = "selected" if patch is not None else "accent"
            plot.show_patch(patch)
            plot.show_descriptor(value, caption=caption, longest=longest)


def _sentence(found: Reversal) -> str:
    upright, own = found.upright, found.own
    return (
        f"Upright, every direction becomes the opposite bin (rolled by 4 of 8): distance {upright.before:.0f} before, "
        f"{upright.after:.3g} after reordering. With its own orientation ({own.angle:.1f}° → "
        f"{own.negative_angle:.1f}°) the grid turns by 180°, so the 16 cells are in reverse order: "
        f"{own.before:.0f} before, {own.after:.3g} after. Nothing is lost, yet no nearest neighbour finds it."
    )
