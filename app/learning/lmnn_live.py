"""LMNN that follows a dragged point: one warm step per frame.

What lives here: :class:`Follower`. What does not: the learner that runs to its end (``lmnn``). May import:
``lmnn_set``, ``descent``, ``neighbours``, numpy.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from app.learning.constraints import checked
from app.learning.descent import MEMORY, Memory, lbfgs
from app.learning.iterates import Iterate, one_blas_thread
from app.learning.lmnn import LmnnSettings
from app.learning.lmnn_set import Impostors, WorkingSet, find_impostors
from app.learning.neighbours import Rows, target_neighbours
from app.records import Float64

CANDIDATES = 6  # per point


class Follower:
    """Keeps L near the optimum while the data move a little.

    Args:
        settings: k and push; the rest is not used.
        factor: where to start, usually the last iterate of a full run.
    """

    def __init__(self, settings: LmnnSettings, factor: Float64) -> None:
        self._settings = settings
        self._factor = np.array(factor, np.float64)
        self._memory: Memory = deque(maxlen=MEMORY)
        self._count = 0

    def step(self, x: Float64, y: Rows, *, steps: int = 1) -> Iterate:
        """Return the next iterate for data of the same shape: new targets and impostors, a few steps of L-BFGS.

        Raises:
            UserError: as :func:`app.learning.lmnn.lmnn`.
        """
        points, labels = checked(x, y)
        points = points - points.mean(axis=0)
        with one_blas_thread():
            targets = target_neighbours(points, labels, self._settings.k)
            found = self._found(points, labels, targets)
            working = WorkingSet(points, targets, self._settings.push, found)
            descent = lbfgs(working.on_factor, self._factor, memory=self._memory)
            point = next(descent)
            for _ in range(steps):
                if point.done:
                    break
                point = next(descent)
        self._factor = point.x
        self._count += 1
        last = working.last
        return Iterate(self._count, point.x, point.value, {"pull": last.pull, "push": last.push, "active": last.active})

    def _found(self, x: Float64, y: Rows, targets: Rows) -> Impostors:
        for found in find_impostors(x, y, targets, self._factor, most=CANDIDATES * len(x)):
            if found is not None:
                return found
        raise AssertionError("the search ends with a result")
