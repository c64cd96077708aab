"""What a training shows of itself: frozen snapshots, and the lamp that says it is collapsing.

What lives here: records a view draws without knowing torch, and the triplets of a batch as one. What does not:
training (``train``). May import: records, patch_evaluation and numpy; torch and losses for types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from app.learning.patch_evaluation import Roc, roc
from app.records import Array, Float32, Float64, Int32, UInt8

if TYPE_CHECKING:
    from torch import Tensor

    from app.learning.losses import Terms

SHOWN = 24  # triplets in a snapshot
# A loss this near to the margin, with descriptors this close together, has collapsed.
NEAR_MARGIN = 0.1
SMALL_SPREAD = 0.05
WATCHED = 20  # last steps the lamp looks at


@dataclass(frozen=True, eq=False)
class Curves:
    """What is measured at every step; all (T,) float32, step 1 first.

    Attributes:
        loss: mean over the elements of the loss.
        active: share of the elements with a loss above 0; NaN where there were none.
        gradient: Euclidean norm of all gradients together.
        spread: root mean square distance of the batch's descriptors from their mean: about 1 where they use the
            sphere, 0 where all are the same.
        elements: pairs or triplets looked at.
        possible: triplets the batch had.
    """

    loss: Float32
    active: Float32
    gradient: Float32
    spread: Float32
    elements: Float32
    possible: Float32


@dataclass(frozen=True, eq=False)
class Judgement:
    """The network on points it was not trained on.

    Attributes:
        step: after how many steps.
        epoch: after how many whole epochs.
        fpr95, rank1: see ``patch_evaluation``.
        positive, negative: (P,) and (N,) distances of matching and of random other pairs.
        embedding: (M, D) descriptors of a sample, two patches of each point.
        sample: (M,) rows of the patch set they are of.
        point: (M,) their points.
        hardest: (H, 2) rows of the patch set: of every shown wrong pair, the nearest first.
        hardest_distance: (H,) their distances.
    """

    step: int
    epoch: int
    fpr95: float
    rank1: float
    positive: Float64
    negative: Float64
    embedding: Float32
    sample: Int32
    point: Int32
    hardest: Int32
    hardest_distance: Float32

    def roc(self) -> Roc:
        """Return the curve over all thresholds, with its equal error rate."""
        return roc(self.positive, self.negative)

    def histogram(self, bins: int = 40) -> tuple[Float64, Int32, Int32]:
        """Return (edges, positives, negatives) of distances from 0 to 2, the farthest of unit vectors."""
        edges = np.linspace(0.0, 2.0, bins + 1)
        right, wrong = (np.histogram(np.clip(v, 0, 2), edges)[0] for v in (self.positive, self.negative))
        return edges, right.astype(np.int32), wrong.astype(np.int32)


@dataclass(frozen=True, eq=False)
class MinedTriplets:
    """Some triplets of the last batch.

    Attributes:
        patches: (M, 3, S, S) uint8 anchor, positive and negative as the network saw them (mirrored, perhaps).
        gap: (M,) d(a,n) - d(a,p), squared distances where the loss uses those: at ``margin`` or more the triplet is
            easy, between 0 and it semi-hard, at 0 or less hard.
        all_gaps: (K,) the gaps of all elements of the batch.
    """

    patches: UInt8
    gap: Float32
    all_gaps: Float32


@dataclass(frozen=True)
class Lamp:
    """Whether a training collapses.

    Attributes:
        state: ``"off"``, ``"warning"`` or ``"collapsed"``.
        why: one sentence, empty when off.
        remedies: what to change: (setting name, value, sentence).
    """

    state: Literal["off", "warning", "collapsed"] = "off"
    why: str = ""
    remedies: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class TrainSnapshot:
    """Where a training stands; everything in it is whole, never an increment.

    Attributes:
        epoch: whole epochs done.
        step: steps done.
        steps_per_epoch: as many.
        total_steps: of the whole training, 0 where time decides.
        seconds: spent training, without pauses.
        curves: at every step so far.
        judgements: so far, the first before any step.
        mined: triplets of the last batch looked at, or None before the first.
        lamp: whether it collapses.
        margin: in force.
        epoch_files: checkpoints kept so far, one per epoch, where a folder for them was given.
        note: what a user should read, or empty.
        device: what it runs on, in words.
    """

    epoch: int
    step: int
    steps_per_epoch: int
    total_steps: int
    seconds: float
    curves: Curves
    judgements: tuple[Judgement, ...] = ()
    mined: MinedTriplets | None = None
    lamp: Lamp = field(default_factory=Lamp)
    margin: float = 0.0
    epoch_files: tuple[str, ...] = ()
    note: str = ""
    device: str = ""


def collapse_lamp(curves: Curves, *, loss: str, margin: float, squared: bool, miner: str, apart: bool = True) -> Lamp:
    """Return whether descriptors are falling together, why, and what to change.

    At collapse all distances are 0, so a triplet's loss is exactly its margin and its gradient 0: a plateau there with
    a spread near 0 is the sign. Without a push, loss and spread both reach 0.

    Args:
        curves: of the training so far; the last 20 steps count.
        loss, margin, squared, miner: as in force.
        apart: whether the last layer is normalised, which keeps descriptors from becoming the same.
    """
    if len(curves.loss) < WATCHED:
        return Lamp()
    spread = float(np.mean(curves.spread[-WATCHED:]))
    value = float(np.mean(curves.loss[-WATCHED:]))
    keep = () if apart else _APART
    if loss == "positive-only":
        if spread >= SMALL_SPREAD:
            return Lamp(
                "warning", "This loss only pulls: giving every patch the same descriptor minimises it.", _PUSH + keep
            )
        return Lamp(
            "collapsed", f"All descriptors are the same (spread {spread:.3f}): nothing pushed them apart.", _PUSH + keep
        )
    plateau = _plateau(curves, loss, margin, squared=squared)
    stuck = abs(value - plateau) <= NEAR_MARGIN * plateau
    remedies = _remedies(loss, squared=squared, miner=miner) + keep
    if spread < SMALL_SPREAD and stuck:
        why = (
            f"The loss stands at {'what is left of it at distance 0' if loss == 'lifted' else 'its margin'} "
            f"({value:.3f}) and the spread at {spread:.3f}: all descriptors are the same."
        )
        return Lamp("collapsed", why, remedies)
    if spread < 3 * SMALL_SPREAD:
        return Lamp("warning", f"Descriptors are moving together: their spread is {spread:.3f}.", remedies)
    return Lamp()


def _plateau(curves: Curves, loss: str, margin: float, *, squared: bool) -> float:
    """Return the loss where all distances are 0: of pairs, half of which match, half of what others then lose.

    The lifted loss is ½ (m + log of how many negatives its two points have)², as many as triplets per matching pair.
    """
    if loss.startswith("contrastive"):
        return (margin * margin if squared else margin) / 2
    if loss == "lifted":
        pairs, triplets = (float(v[-WATCHED:].mean()) for v in (curves.elements, curves.possible))
        return float(0.5 * (margin + np.log(max(1.0, triplets) / max(1.0, pairs))) ** 2)
    return margin


_APART = (("spread", "true", "Normalise the last layer over the batch: descriptors cannot all become the same then."),)
_PUSH = (("loss", "triplet", "Use a loss that also pushes other points away."),)


def _remedies(loss: str, *, squared: bool, miner: str) -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    if miner in ("hardest", "batch-hard", "in-batch"):
        found.append(
            ("miner", "semi-hard", "Look at semi-hard negatives: the hardest are pushed least when d² counts.")
        )
    if squared and loss == "triplet":
        found.append(("loss", "hardnet", "Compare distances instead of squares: the push then does not fade at d = 0."))
    if loss == "contrastive":
        found.append(("loss", "contrastive-hadsell", "Push by [m − d]₊²: it is strongest where points coincide."))
    found.append(("rate", "0.0005", "Lower the learning rate."))
    return tuple(found)


class CurveLog:
    """The rows of a training's curves: grows by a row per step, and shows what there is without copying it."""

    COLUMNS = 6  # loss, active, gradient, spread, elements, possible

    def __init__(self) -> None:
        self._columns = np.empty((self.COLUMNS, 256), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, row: tuple[float, ...]) -> None:
        """Add a step: loss, active, gradient, spread, elements, possible."""
        self._make_room(self._count + 1)
        self._columns[:, self._count] = row
        self._count += 1

    def replace(self, rows: Array) -> None:
        """Forget all rows and take these (T, 6) instead."""
        self._count = 0
        self._columns = np.empty_like(self._columns)  # curves that were handed out keep what they show
        self._make_room(len(rows))
        self._columns[:, : len(rows)] = np.asarray(rows).T
        self._count = len(rows)

    def rows(self) -> Array:
        """Return a copy, (T, 6) float64."""
        return self._columns[:, : self._count].T.astype(np.float64)

    def curves(self, last: int | None = None) -> Curves:
        """Return the curves, of the last steps only if asked: views of memory that is never written to again."""
        start = 0 if last is None else max(0, self._count - last)
        shown = self._columns[:, start : self._count]
        shown.flags.writeable = False
        return Curves(*shown)

    def _make_room(self, count: int) -> None:
        """Double the memory until so many rows fit."""
        room = self._columns.shape[1]
        if count > room:
            larger = np.empty((self.COLUMNS, max(count, 2 * room)), np.float32)
            larger[:, : self._count] = self._columns[:, : self._count]
            self._columns = larger


def mined_triplets(terms: Terms, distance: Tensor, patches: UInt8) -> MinedTriplets | None:
    """Return some elements of a loss that have an anchor, a positive and a negative; None if none has.

    Args:
        terms: the elements.
        distance: (N, N) of the batch.
        patches: (N, h, w) of the batch.
    """
    whole = ((terms.positive >= 0) & (terms.negative >= 0)).nonzero().flatten()
    if not len(whole):
        return None
    a, p, n = (t[whole] for t in (terms.anchor, terms.positive, terms.negative))
    gap = (distance[a, n] - distance[a, p]).cpu().numpy()
    rows = np.linspace(0, len(whole) - 1, min(SHOWN, len(whole))).astype(np.int64)
    shown = np.stack([patches[t.cpu().numpy()[rows]] for t in (a, p, n)], axis=1)
    return MinedTriplets(shown, gap[rows], gap[:20000])
