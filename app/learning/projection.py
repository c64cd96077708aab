"""Descriptors laid out in the plane, to be looked at: PCA at once, t-SNE on request.

What lives here: (N, D) to (N, 2). What does not: drawing. May import: jobs, records, numpy; scikit-learn and umap only
inside the functions that need them.
"""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np

from app.jobs import Job, Progress, native
from app.records import Float32, UserError

METHODS = {"pca": "PCA: the two directions of largest spread", "tsne": "t-SNE: who is near whom", "umap": "UMAP"}
PACKAGES = {"tsne": ("sklearn", "scikit-learn"), "umap": ("umap", "umap-learn")}
LEAST_FOR_NEIGHBOURS = 8


def ready(method: str) -> str:
    """Return why a method cannot be used here and how to mend that, or nothing."""
    if method not in PACKAGES:
        return ""
    module, package = PACKAGES[method]
    return "" if importlib.util.find_spec(module) else f"{METHODS[method].split(':')[0]} needs: pip install {package}"


def pca(values: Float32) -> tuple[Float32, tuple[float, float]]:
    """Return the rows along their two directions of largest spread, and the share of the spread along each.

    The sign of a direction is chosen so that its largest weight is positive: small changes then do not flip the
    picture. Fewer than two rows or columns leave coordinates of 0 (and a share of 0).

    Args:
        values: (N, D).
    """
    n = len(values)
    result = np.zeros((n, 2), np.float32)
    if n < 2 or not values.shape[1]:
        return result, (0.0, 0.0)
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    total = float((sizes**2).sum())
    shares = [0.0, 0.0]
    for axis in range(min(2, len(sizes))):
        direction = directions[axis]
        direction = direction * np.sign(direction[np.abs(direction).argmax()])
        result[:, axis] = centred @ direction
        shares[axis] = float(sizes[axis] ** 2 / total) if total > 0 else 0.0
    return result, (shares[0], shares[1])


def neighbours(values: Float32, method: str, *, seed: int = 0) -> Job[Float32]:
    """Lay rows out by who is near whom: t-SNE (van der Maaten and Hinton 2008) or UMAP (McInnes et al. 2018).

    Distances between groups and sizes of groups mean nothing in such a picture.

    Args:
        values: (N, D).
        method: ``"tsne"`` or ``"umap"``.
        seed: of the start.

    Raises:
        UserError: if the package is missing, or there are fewer than 8 rows.
    """
    if reason := ready(method):
        raise UserError(f"{reason}.")
    if len(values) < LEAST_FOR_NEIGHBOURS:
        raise UserError(f"{METHODS[method].split(':')[0]} needs at least {LEAST_FOR_NEIGHBOURS} patches.")

    def laid_out() -> Float32:
        """Return (N, 2) places by the package's own method; beside the job's thread, for it takes seconds."""
        if method == "umap":
            maker = importlib.import_module("umap").UMAP(random_state=seed, n_jobs=1)
        else:
            start = pca(values)[0]
            start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4
            perplexity = min(30.0, (len(values) - 1) / 3)
            maker = importlib.import_module("sklearn.manifold").TSNE(
                perplexity=perplexity, init=start, random_state=seed, n_jobs=1
            )
        return np.asarray(maker.fit_transform(values), np.float32)

    (places,) = yield from native(laid_out, progress=Progress(0, None, f"Laying out by {method}"))
    result: Float32 = places
    return result
