"""All that is drawn of one iteration, made ahead of the painting: it takes longer than a frame of the window has.

What lives here: :class:`Frame` and the job that makes one. What does not: widgets; pictures in memory may be made in
any thread. May import: ``anchor_state``, ``anchor_paint``, jobs, numpy, QtGui.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtGui import QImage

from app.jobs import Job, Progress
from app.learning.anchornet import AnchorStep, responses
from app.records import Float64
from app.ui.convnet.anchor_paint import heights, tint
from app.ui.convnet.anchor_state import AnchorRun, judged

ORDER = (0, 1, 6, 2, 8, 3)  # the pair, one without the object, a third drawing, and so on while there is room
SMALL = 2  # pixels of a small map's tint per cell
ALL = -1


@dataclass(frozen=True, eq=False)
class Frame:
    """One iteration of both runs, ready to be drawn.

    Attributes:
        run: where it comes from.
        at: of the run with diversity (True) and that without: the iterate.
        maps: (h, w, K) of every picture.
        tops: (K,) the highest answer of each filter in all pictures.
        peaks: (run, picture) -> (K, 2) where each answers most, as shares of width and height.
        pck: of the vectors of responses.
        tints: (run, picture, filter) -> colours; single filters of the large pictures are added when first asked for.
        small: likewise, for the small maps.
    """

    run: AnchorRun
    at: dict[bool, AnchorStep]
    maps: dict[bool, tuple[Float64, ...]] = field(default_factory=dict)
    tops: dict[bool, Float64] = field(default_factory=dict)
    peaks: dict[tuple[bool, int], Float64] = field(default_factory=dict)
    pck: dict[bool, float] = field(default_factory=dict)
    tints: dict[tuple[bool, int, int], QImage] = field(default_factory=dict)
    small: dict[tuple[bool, int, int], QImage] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of filters."""
        return len(self.at[True].filters)

    def tint(self, diverse: bool, picture: int, only: int) -> QImage:
        """Return the colours of all filters (-1) or of one over a picture."""
        key = (diverse, picture, only)
        if key not in self.tints:
            self.tints[key] = tint(self.maps[diverse][picture], self.tops[diverse], only)
        return self.tints[key]


def peaks_of(values: Float64) -> Float64:
    """Return (K, 2) shares of width and height at which (h, w, K) answers are highest."""
    rows, columns, count = values.shape
    best = values.reshape(rows * columns, count).argmax(axis=0)
    return np.column_stack(((best % columns + 0.5) / columns, (best // columns + 0.5) / rows))


def frame_of(run: AnchorRun, step: int) -> Job[Frame]:
    """Make the frame of an iteration; -1 is the last."""
    frame = Frame(run, {diverse: run.step(diverse, step) for diverse in (True, False)})
    for diverse in (True, False):
        yield Progress(int(not diverse), 2, "Drawing the maps")
        filters = frame.at[diverse].filters
        maps = frame.maps[diverse] = tuple(responses(columns.values, filters).values for columns in run.columns)
        tops = frame.tops[diverse] = heights(maps)
        frame.pck[diverse] = judged(run.made, run.columns, (maps[0], maps[1]))
        for picture in ORDER:
            frame.peaks[diverse, picture] = peaks_of(maps[picture])
            frame.tint(diverse, picture, ALL)
        for picture in (0, 1):
            for only in range(frame.count):
                frame.small[diverse, picture, only] = tint(maps[picture], tops, only, fine=SMALL)
    return frame
