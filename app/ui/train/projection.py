"""The held-out sample of a judgement in the plane, with who belongs to whom and what is near.

What lives here: :class:`Projection` and :func:`project`, a job. What does not: PCA, t-SNE and UMAP themselves
(``app.learning.projection``), drawing. May import: those, learning's records, jobs, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.jobs import Job, Progress
from app.learning import projection as planes
from app.learning.patch_evaluation import distances
from app.learning.train_state import Judgement
from app.records import Array, Float64, Int32

KINDS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


@dataclass(frozen=True, eq=False)
class Projection:
    """The held-out sample of a judgement in a plane.

    Attributes:
        kind: a key of :data:`KINDS`.
        judged: whose sample it is.
        xy: (M, 2) places.
        distance: (M, M) distances of the descriptors themselves.
        partner: (M,) row of the sample that shows the same point, -1 for none.
        explained: share of the variance the plane holds (PCA), NaN otherwise.
    """

    kind: str
    judged: Judgement
    xy: Float64
    distance: Float64
    partner: Int32
    explained: float

    def nearest_other(self, row: int) -> int:
        """Return the nearest row that shows another point, -1 if there is none."""
        gap = np.where(self.judged.point == self.judged.point[row], np.inf, self.distance[row])
        best = int(np.argmin(gap)) if len(gap) else -1
        return best if best >= 0 and np.isfinite(gap[best]) else -1


def project(kind: str, judged: Judgement, before: Projection | None) -> Job[Projection]:
    """Place the sample of a judgement in a plane.

    Args:
        kind: a key of :data:`KINDS`.
        judged: with its embedding.
        before: the last projection, turned to which the new one is, so that points do not jump from epoch to epoch.

    Raises:
        UserError: if the method cannot be used here.
    """
    yield Progress(0, 1, f"{KINDS[kind]} of {len(judged.sample)} descriptors")
    values = judged.embedding
    explained = float("nan")
    if kind == "pca":
        places, shares = planes.pca(values)
        explained = shares[0] + shares[1]
    else:
        places = yield from planes.neighbours(values, kind)
    xy = places.astype(np.float64)
    if before is not None and before.kind == kind:
        xy = _turned_to(xy, judged.sample, before)
    return Projection(kind, judged, xy, distances(values, values), partners(judged.point), explained)


def partners(point: Array) -> Int32:
    """Return for every row the next row of the same point (the first after the last), -1 if it is alone."""
    result = np.full(len(point), -1, np.int32)
    order = np.argsort(point, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(point[order])) + 1) if len(order) else []:
        if len(rows) > 1:
            result[rows] = np.roll(rows, -1)
    return result


def _turned_to(xy: Float64, sample: Int32, before: Projection) -> Float64:
    """Return the coordinates turned or mirrored so that rows seen before move least (orthogonal Procrustes)."""
    _, here, there = np.intersect1d(sample, before.judged.sample, return_indices=True)
    if len(here) < 2:
        return xy
    a, b = xy[here] - xy[here].mean(0), before.xy[there] - before.xy[there].mean(0)
    u, _, vt = np.linalg.svd(a.T @ b)
    turned: Float64 = xy @ (u @ vt)
    return turned
