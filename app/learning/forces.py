"""Contrastive and triplet losses as forces on points: values, gradients, curves and the classes of negatives.

What lives here: losses in numpy for the playground, one step of descent, and the batch view. What does not: networks
and their training. May import: records, numpy. Sources stand at the losses.

A gradient is of the loss with respect to a point; the force is minus the gradient. Everywhere the gradient of a hinge
that is exactly zero is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.learning.neighbours import Labels, squared_distances
from app.records import Bool, Float64, UserError

Form = Literal["lecture", "hadsell", "linear"]
FORMS: dict[Form, tuple[str, str]] = {
    "lecture": ("[m² − d²]₊", "Bell and Bala 2015, the lecture's: no force at d = 0, a jump at d = m."),
    "hadsell": ("[m − d]₊²", "Hadsell, Chopra and LeCun 2006: the closest negatives are pushed most, none at d = m."),
    "linear": ("[m − d]₊", "pytorch-metric-learning: a constant push up to d = m."),
}


def _form(form: str) -> Form:
    if form not in FORMS:
        raise UserError(f"There is no form {form!r} of the contrastive loss; choose {', '.join(FORMS)}.")
    return form


def contrastive(
    a: Float64, b: Float64, same: Bool, *, margin: float = 1.0, form: str = "lecture"
) -> tuple[Float64, Float64]:
    """Return ((n,) losses, (n, d) gradients with respect to ``a``) of n pairs; those of ``b`` are the negatives.

    A similar pair costs d²; a dissimilar one what ``form`` says. At d = 0 the direction of the push is undefined for
    the forms in d, and the gradient is 0: coincident negatives stay stuck.

    Args:
        a, b: (n, d) points.
        same: (n,) whether a pair is similar.
        margin: m > 0.
        form: ``lecture``, ``hadsell`` or ``linear``.
    """
    chosen = _form(form)
    gap = a - b
    squared = np.vecdot(gap, gap)
    d = np.sqrt(squared)
    active = d < margin
    unit = np.divide(gap, d[:, None], out=np.zeros_like(gap), where=d[:, None] > 0)
    if chosen == "lecture":
        loss, push = margin**2 - squared, -2 * gap
    elif chosen == "hadsell":
        loss, push = (margin - d) ** 2, -2 * (margin - d)[:, None] * unit
    else:
        loss, push = margin - d, -unit
    value = np.where(same, squared, np.where(active, loss, 0))
    gradient = np.where(same[:, None], 2 * gap, np.where(active[:, None], push, 0))
    return value, gradient


def force_curve(d: Float64, *, margin: float = 1.0, form: str = "lecture", same: bool = False) -> Float64:
    """Return the strength of the force at distances ``d``: pull for similar pairs, push for dissimilar ones."""
    points = np.stack([d, np.zeros_like(d)], axis=1)
    _, gradient = contrastive(points, np.zeros_like(points), np.full(len(d), same), margin=margin, form=form)
    result: Float64 = np.linalg.norm(gradient, axis=1)
    return result


def triplet(
    a: Float64, p: Float64, n: Float64, *, margin: float = 0.2, squared: bool = True
) -> tuple[Float64, tuple[Float64, Float64, Float64]]:
    """Return ((m,) losses, gradients with respect to anchors, positives and negatives, (m, d) each).

    Squared (the lecture): 2(n - p), 2(p - a), 2(a - n) where the loss is above 0, else 0. Not squared
    (``torch.nn.TripletMarginLoss``): unit vectors.
    """
    to_p, to_n = a - p, a - n
    near, far = np.vecdot(to_p, to_p), np.vecdot(to_n, to_n)
    if squared:
        loss = near - far + margin
        gradients = (2 * (n - p), 2 * (p - a), 2 * (a - n))
    else:
        near, far = np.sqrt(near), np.sqrt(far)
        loss = near - far + margin
        pull = np.divide(to_p, near[:, None], out=np.zeros_like(to_p), where=near[:, None] > 0)
        push = np.divide(to_n, far[:, None], out=np.zeros_like(to_n), where=far[:, None] > 0)
        gradients = (pull - push, -pull, push)
    active = loss > 0
    masked = tuple(np.where(active[:, None], g, 0) for g in gradients)
    return np.where(active, loss, 0), (masked[0], masked[1], masked[2])


@dataclass(frozen=True, eq=False)
class Forces:
    """All forces on a set of labelled points.

    Attributes:
        loss: sum over pairs or triplets.
        gradient: (n, d) of the loss with respect to every point; the arrows are its negative.
        active: how many pairs or triplets have a loss above 0.
        total: how many there are.
    """

    loss: float
    gradient: Float64
    active: int
    total: int


def pair_forces(x: Float64, y: Labels, *, margin: float = 1.0, form: str = "lecture") -> Forces:
    """Return the contrastive forces of all pairs of (n, d) points."""
    i, j = np.triu_indices(len(x), 1)
    loss, gradient = contrastive(x[i], x[j], y[i] == y[j], margin=margin, form=form)
    total = np.zeros_like(x)
    np.add.at(total, i, gradient)
    np.add.at(total, j, -gradient)
    return Forces(float(loss.sum()), total, int(np.count_nonzero(loss > 0)), len(loss))


def triplet_forces(x: Float64, triplets: Labels, *, margin: float = 0.2, squared: bool = True) -> Forces:
    """Return the triplet forces of (m, 3) rows (anchor, positive, negative)."""
    total = np.zeros_like(x)
    loss, gradients = triplet(*(x[triplets[:, c]] for c in range(3)), margin=margin, squared=squared)
    for column, gradient in enumerate(gradients):
        np.add.at(total, triplets[:, column], gradient)
    return Forces(float(loss.sum()), total, int(np.count_nonzero(loss > 0)), len(loss))


# ------------------------------------------------------------------------------------ mining


@dataclass(frozen=True, eq=False)
class Mined:
    """What the margin makes of the differences Delta = d²(a, n) - d²(a, p) of all triplets.

    Attributes:
        delta: (m,) one per triplet.
        kind: (m,) 0 easy (Delta >= m, loss 0), 1 semi-hard (0 < Delta < m), 2 hard (Delta <= 0, loss >= m).
        triplets: (m, 3) rows.
    """

    delta: Float64
    kind: Labels
    triplets: Labels

    @property
    def counts(self) -> tuple[int, int, int]:
        """(easy, semi-hard, hard)."""
        count = np.bincount(self.kind, minlength=3)
        return int(count[0]), int(count[1]), int(count[2])


def classes_of(delta: Float64, margin: float) -> Labels:
    """Return 0 easy, 1 semi-hard, 2 hard; at Delta = m the loss is 0 (easy), at Delta = 0 it is m (hard)."""
    return np.where(delta >= margin, 0, np.where(delta > 0, 1, 2)).astype(np.int64)


def all_triplets(y: Labels) -> Labels:
    """Return (m, 3) every (anchor, positive, negative); a class with one member gives no positive."""
    same = y[:, None] == y[None]
    positive = same & ~np.eye(len(y), dtype=np.bool_)
    a, p, n = np.nonzero(positive[:, :, None] & ~same[:, None, :])
    return np.stack([a, p, n], axis=1).astype(np.int64)


def mined(x: Float64, y: Labels, *, margin: float = 0.2, most: int = 200_000, seed: int = 0) -> Mined:
    """Return the classes of all triplets of a batch, or of ``most`` random ones if there are more."""
    d = squared_distances(x)
    triplets = all_triplets(y)
    if len(triplets) > most:
        triplets = triplets[np.sort(np.random.default_rng(seed).permutation(len(triplets))[:most])]
    delta = d[triplets[:, 0], triplets[:, 2]] - d[triplets[:, 0], triplets[:, 1]]
    return Mined(delta, classes_of(delta, margin), triplets)


def hardest(x: Float64, y: Labels) -> Labels:
    """Return (m, 3) per anchor its farthest positive and closest negative (batch-hard, Hermans et al. 2017)."""
    d = squared_distances(x)
    same = y[:, None] == y[None]
    positive = np.where(same & ~np.eye(len(y), dtype=np.bool_), d, -1)
    negative = np.where(same, np.inf, d)
    anchors = np.flatnonzero((positive.max(axis=1) >= 0) & np.isfinite(negative.min(axis=1)))
    chosen = [anchors, positive.argmax(axis=1)[anchors], negative.argmin(axis=1)[anchors]]
    return np.stack(chosen, axis=1).astype(np.int64)


def semi_hard(x: Float64, y: Labels, *, margin: float = 0.2) -> Labels:
    """Return (m, 3) per anchor and positive the closest negative with 0 < Delta < m, where there is one (FaceNet)."""
    d = squared_distances(x)
    same = y[:, None] == y[None]
    a, p = np.nonzero(same & ~np.eye(len(y), dtype=np.bool_))
    beyond = d[a] - d[a, p][:, None]
    fits = ~same[a] & (beyond > 0) & (beyond < margin)
    n = np.where(fits, beyond, np.inf).argmin(axis=1)
    there = fits.any(axis=1)
    return np.stack([a[there], p[there], n[there]], axis=1).astype(np.int64)


MINERS: dict[str, tuple[str, Callable[[Float64, Labels, float], Labels]]] = {
    "all": ("All triplets", lambda _x, y, _m: all_triplets(y)),
    "semi-hard": ("Semi-hard (FaceNet)", lambda x, y, m: semi_hard(x, y, margin=m)),
    "hardest": ("Hardest in the batch", lambda x, y, _m: hardest(x, y)),
}


@dataclass(frozen=True, eq=False)
class Descent:
    """One step of the playground.

    Attributes:
        points: (n, d).
        loss: mean over the mined triplets (or pairs); at collapse exactly the margin.
        active: share of them with a loss above 0.
        spread: root mean square distance from the centre; near 0 is the collapse.
    """

    points: Float64
    loss: float
    active: float
    spread: float


def descend_triplets(
    x: Float64, y: Labels, *, miner: str = "semi-hard", margin: float = 0.2, rate: float = 0.05, squared: bool = True
) -> Iterator[Descent]:
    """Yield the points under gradient descent on mined triplets, the start first, without end; each moves freely.

    Raises:
        UserError: for an unknown miner.
    """
    points = np.array(x, np.float64)
    while True:
        forces = _mined_forces(points, y, miner, margin, squared=squared)
        yield _state(points, forces)
        points = points - rate * forces.gradient * len(points) / max(1, forces.total)


def descend_shared(
    x: Float64, y: Labels, *, miner: str = "semi-hard", margin: float = 0.2, rate: float = 0.05
) -> Iterator[Descent]:
    """Yield L x under gradient descent on L: all points move together, as the outputs of a network do.

    Where classes overlap, every hardest triplet has Delta <= 0 whatever L is, so shrinking L lowers the loss: the push
    2(a - n) vanishes as n comes near, the pull 2(p - a) stays. All points meet in one, where the loss is exactly the
    margin and the gradient 0.

    Raises:
        UserError: for an unknown miner.
    """
    inside = np.asarray(x, np.float64) - np.mean(x, axis=0)
    factor = np.eye(inside.shape[1])
    while True:
        points = inside @ factor.T
        forces = _mined_forces(points, y, miner, margin, squared=True)
        yield _state(points, forces)
        factor = factor - rate * (forces.gradient.T @ inside) / max(1, forces.total)


def _mined_forces(points: Float64, y: Labels, miner: str, margin: float, *, squared: bool) -> Forces:
    if miner not in MINERS:
        raise UserError(f"There is no miner {miner!r}; choose {', '.join(MINERS)}.")
    return triplet_forces(points, MINERS[miner][1](points, y, margin), margin=margin, squared=squared)


def _state(points: Float64, forces: Forces) -> Descent:
    count = max(1, forces.total)
    gap = points - points.mean(axis=0)
    spread = float(np.sqrt(np.mean(np.vecdot(gap, gap))))
    return Descent(points, forces.loss / count, forces.active / count, spread)


def descend_pairs(
    x: Float64, y: Labels, *, form: str = "lecture", margin: float = 1.0, rate: float = 0.02
) -> Iterator[Descent]:
    """Yield the points under gradient descent on all pairs, the start first, without end."""
    points = np.array(x, np.float64)
    while True:
        forces = pair_forces(points, y, margin=margin, form=form)
        yield _state(points, forces)
        points = points - rate * forces.gradient
