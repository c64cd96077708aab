"""Where held-out patches lie in the open pair: from a patch to a selection, and back.

What lives here: the two translations. What does not: widgets. May import: sources, records, numpy.
"""

from __future__ import annotations

import numpy as np

from app.records import Array, PairRef, Selection, Side
from app.ui.train.sources import Prepared
from app.ui.train.state import OF_PAIR

NEAR_PX = 8.0


def of_pair(prepared: Prepared, ref: PairRef | None) -> bool:
    """Whether the patches were cut from the pair that is open."""
    return ref is not None and prepared.plan.ref == ref and prepared.plan.data.source in OF_PAIR


def side_of(prepared: Prepared, row: int) -> Side:
    """Return the picture a held-out patch is of; of a pair's points every second patch is of the right one."""
    held = prepared.held_out
    right = row % 2 == 1 if prepared.plan.data.source == "pair" else held.scene[row] == 1
    return "right" if right else "left"


def selection_of(prepared: Prepared, row: int, ref: PairRef | None) -> Selection | None:
    """Return the place of a held-out patch in the open pair, with its true partner where that was cut as well."""
    held = prepared.held_out
    if not of_pair(prepared, ref) or not np.isfinite(held.place[row]).all():
        return None
    x, y = (float(value) for value in held.place[row])
    if prepared.plan.data.source != "pair":
        return Selection(side_of(prepared, row), x, y)
    there = held.place[row ^ 1]
    return Selection(side_of(prepared, row), x, y, (float(there[0]), float(there[1])))


def row_at(prepared: Prepared, rows: Array, selection: Selection | None, ref: PairRef | None) -> int:
    """Return which of some held-out rows was cut nearest to a selected place, -1 if none within 8 px.

    Args:
        prepared: the data.
        rows: (M,) held-out rows to choose from.
        selection: in the open pair.
        ref: of the open pair.
    """
    if selection is None or not of_pair(prepared, ref) or not len(rows):
        return -1
    place = prepared.held_out.place[rows].astype(np.float64)
    apart = np.hypot(place[:, 0] - selection.x, place[:, 1] - selection.y)
    other = np.array([side_of(prepared, int(row)) != selection.side for row in rows])
    apart[other | ~np.isfinite(apart)] = np.inf
    best = int(apart.argmin())
    return int(rows[best]) if apart[best] <= NEAR_PX else -1
