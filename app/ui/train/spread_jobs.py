"""How wide the classes are for the network of an epoch, as a job.

What lives here: :class:`Measured` and :func:`measured`. What does not: the measuring (``app.learning.margins``), Qt.
May import: learning, sources, jobs, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.jobs import Job, Progress
from app.learning import descriptor, margins
from app.learning.patch_set import PatchSet
from app.records import Int32
from app.ui.train.sources import Prepared

PIECE = 64  # patches described between two yields
LEAST_CLASSES = 12  # held-out ones that are enough to compare classes


@dataclass(frozen=True, eq=False)
class Measured:
    """Spreads after an epoch.

    Attributes:
        epoch: whose network.
        prepared: whose patches.
        held_out: whether they were kept from training; sets of few classes are measured on all patches.
        rows: (N,) rows of the set that were described; the spreads' rows are rows of this.
        found: the spreads.
    """

    epoch: int
    prepared: Prepared
    held_out: bool
    rows: Int32
    found: margins.ClassSpreads

    @property
    def patches(self) -> PatchSet:
        """The set the rows are of."""
        return self.prepared.held_out if self.held_out else self.prepared.patches


def measured(file: Path, epoch: int, prepared: Prepared) -> Job[Measured]:
    """Describe some patches of every class by the network of a file, and measure the classes.

    Args:
        file: of the network.
        epoch: it is of.
        prepared: the data of the training.

    Raises:
        UserError: if the file cannot be read.
    """
    held = prepared.held_out.classes >= min(LEAST_CLASSES, prepared.patches.classes)
    patches = prepared.held_out if held else prepared.patches
    rows = margins.sampled(patches.point)
    yield Progress(0, len(rows), f"Measuring classes after epoch {epoch}")
    network = descriptor.load(file)
    values = np.zeros((len(rows), network.card.dimensions), np.float32)
    for start in range(0, len(rows), PIECE):
        values[start : start + PIECE] = network.describe(patches.patches[rows[start : start + PIECE]])
        yield Progress(start, len(rows), f"Measuring classes after epoch {epoch}")
    found = margins.measure(values, patches.point[rows])
    return Measured(epoch, prepared, held, rows.astype(np.int32), found)
