"""What the Losses page wants back, the points it starts from, and the forces of a state.

What lives here: :class:`LossState`, its scenes, and which forces and descent belong to a state. What does not: widgets,
the formulas (``app.learning.forces``); no Qt. May import: ``app.learning``, settings, numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from app.learning.forces import (
    MINERS,
    Descent,
    Forces,
    Form,
    descend_pairs,
    descend_shared,
    descend_triplets,
    pair_forces,
    triplet_forces,
)
from app.learning.neighbours import Labels, squared_distances
from app.learning.toy import toy
from app.records import Float64
from app.settings import Settings, choice, flag, number

LOSS_KEY = "metric-losses"
BATCH = 40  # points: 15,200 triplets, all of them counted anew in every step
ONE_TRIPLET = np.array([[0, 1, 2]], np.int64)


@dataclass(frozen=True)
class LossState(Settings):
    """Which loss pulls at which points.

    Attributes:
        points: (x, y) of every point once one was moved; empty for the scene's own.
        chosen: row of the point looked at.
    """

    points: tuple[tuple[float, float], ...] = ()
    chosen: int = 0
    loss: str = choice(
        "lecture",
        {
            "lecture": "contrastive, m² − d²",
            "hadsell": "contrastive, (m − d)²",
            "linear": "contrastive, m − d",
            "triplet": "triplet, squared",
            "plain": "triplet, not squared",
        },
        label="Loss",
        help=(
            "Of a dissimilar pair: [m² − d²]₊ is the lecture's (Bell and Bala 2015), [m − d]₊² Hadsell's (2006), "
            "[m − d]₊ that of pytorch-metric-learning. Triplet: [d(a,p)² − d(a,n)² + m]₊, or with plain distances."
        ),
    )
    scene: str = choice(
        "few",
        {"few": "three points a, p, n", "stuck": "coincident negatives", "batch": f"a batch of {BATCH}"},
        label="Points",
        help="Three points to drag; negatives that lie on each other; or a batch of two classes that overlap.",
    )
    margin: float = number(
        1.0, 0.1, 2.0, 0.05, label="m", help="The margin: a dissimilar pair beyond it costs nothing."
    )
    rate: float = number(0.02, 0.001, 0.5, 0.001, label="Step", log_scale=True, help="Points move by step × force.")
    miner: str = choice(
        "hardest",
        {key: title for key, (title, _) in MINERS.items()},
        label="Triplets",
        help="Which triplets of the batch pull: all, FaceNet's semi-hard ones, or each anchor's hardest.",
    )
    together: bool = flag(
        True,
        label="Move together",
        help=(
            "All points move as one linear map moves them, as the outputs of one network do. Only so the hardest "
            "negatives collapse; points that move freely find their way around each other."
        ),
    )

    @property
    def triplets(self) -> bool:
        """Whether the loss compares three points."""
        return self.loss in ("triplet", "plain")

    def followed_by(self, new: LossState) -> LossState:
        """Return new settings with the points as they are; another scene begins with its own."""
        if (new.scene, new.triplets) != (self.scene, self.triplets):
            return replace(new, points=(), chosen=0)
        return replace(new, points=self.points, chosen=self.chosen)

    @property
    def form(self) -> Form:
        """The form of the contrastive loss; the lecture's for a triplet loss."""
        return "hadsell" if self.loss == "hadsell" else "linear" if self.loss == "linear" else "lecture"

    @property
    def squared(self) -> bool:
        """Whether the triplet loss squares its distances."""
        return self.loss != "plain"


def start_of(state: LossState) -> tuple[Float64, Labels]:
    """Return ((n, 2) points, (n,) classes) that a scene begins with."""
    if state.scene == "batch":
        x, y = toy("overlap", points=BATCH, seed=3)
        return 0.5 * x, y
    if state.scene == "few":
        return np.array([[-0.3, 0.0], [0.45, 0.35], [0.1, -0.3]]), np.array([0, 0, 1])
    if state.triplets:
        return np.array([[-0.3, 0.0], [0.45, 0.35], [-0.3, 0.0]]), np.array([0, 0, 1])
    # Three dissimilar pairs farther from each other than any margin: coincident, nearly so, and half apart.
    far = 2.2
    x = np.array([[-far, 0.0], [-far, 0.0], [0.0, 0.0], [0.1, 0.05], [far, 0.0], [far + 0.5, 0.1]])
    return x, np.arange(6)


def points_of(state: LossState) -> tuple[Float64, Labels]:
    """Return the points as they were moved; those of another scene are not taken."""
    x, y = start_of(state)
    if len(state.points) == len(x):
        x = np.array(state.points, np.float64)
    return x, y


def frame_of(state: LossState, x: Float64) -> Float64:
    """Return the points that the view must hold: those there are, and those of the start with room for the margin."""
    start, _ = start_of(state)
    reach = 1.35 if state.triplets else 1.0  # a triplet's circle lies beyond the positive
    room = reach * state.margin * np.array([[-1.0, -1.0], [1.0, 1.0]])
    centre = start.mean(axis=0) if state.scene == "batch" else start[0]
    return np.concatenate([x, start, centre + room])


def focus_of(state: LossState) -> int:
    """Return the row the curves speak of: the anchor of a single triplet, else the chosen point."""
    count = {"few": 3, "stuck": 3 if state.triplets else 6}.get(state.scene, BATCH)
    return 0 if state.triplets and state.scene != "batch" else min(max(0, state.chosen), count - 1)


def shown_fields(state: LossState) -> tuple[str, ...]:
    """Return the settings that matter to a state."""
    batch = ("miner", "together") if state.squared else ("miner",)
    return ("loss", "scene", "margin", "rate", *(batch if state.triplets and state.scene == "batch" else ()))


def rows_of(state: LossState, x: Float64, y: Labels) -> Labels:
    """Return the (m, 3) triplets that pull: the one of a small scene, or those of the miner."""
    return MINERS[state.miner][1](x, y, state.margin) if state.scene == "batch" else ONE_TRIPLET


def forces_of(state: LossState, x: Float64, y: Labels) -> Forces:
    """Return the forces of a state's loss on its points."""
    if state.triplets:
        return triplet_forces(x, rows_of(state, x, y), margin=state.margin, squared=state.squared)
    return pair_forces(x, y, margin=state.margin, form=state.form)


def descent_of(state: LossState, x: Float64, y: Labels) -> Iterator[Descent]:
    """Return the endless descent of a state from its points, the start first."""
    m, rate = state.margin, state.rate
    if not state.triplets:
        return descend_pairs(x, y, form=state.form, margin=m, rate=rate)
    if state.scene != "batch":
        return _one_triplet(state, x)
    if state.together and state.squared:
        middle = x.mean(axis=0)  # the map turns about the mean; shown where the points were
        steps = descend_shared(x, y, miner=state.miner, margin=m, rate=rate)
        return (replace(item, points=item.points + middle) for item in steps)
    return descend_triplets(x, y, miner=state.miner, margin=m, rate=rate, squared=state.squared)


def _one_triplet(state: LossState, x: Float64) -> Iterator[Descent]:
    """Descend on the one triplet of a small scene."""
    points = np.array(x, np.float64)
    while True:
        forces = triplet_forces(points, ONE_TRIPLET, margin=state.margin, squared=state.squared)
        gap = points - points.mean(axis=0)
        spread = float(np.sqrt(np.mean(np.vecdot(gap, gap))))
        yield Descent(points, forces.loss, float(forces.active), spread)
        points = points - state.rate * forces.gradient


def stuck_pairs(x: Float64, y: Labels) -> Labels:
    """Return the (m, 2) pairs of different classes at the same place: their push has no direction."""
    i, j = np.triu_indices(len(x), 1)
    there = (y[i] != y[j]) & (x[i] == x[j]).all(axis=1)
    return np.stack([i[there], j[there]], axis=1).astype(np.int64)


def partners(x: Float64, y: Labels, row: int) -> tuple[int, int]:
    """Return (farthest of the same class, nearest of another) of a point, -1 where there is none."""
    d = squared_distances(x)[row]
    same = (y == y[row]) & (np.arange(len(y)) != row)
    p = int(np.where(same, d, -1).argmax()) if same.any() else -1
    n = int(np.where(y != y[row], d, np.inf).argmin()) if (y != y[row]).any() else -1
    return p, n
