"""Laying descriptors out: PCA against its definition, and what is said where a package is missing."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from app.jobs import run_to_end
from app.learning import projection
from app.records import UserError

RNG = np.random.default_rng(0)


def test_pca_against_the_eigenvectors_of_the_covariance() -> None:
    values = (RNG.normal(0, 1, (60, 5)) * [5, 1, 3, 0.5, 0.1] + 7).astype(np.float32)
    places, shares = projection.pca(values)
    sizes, vectors = np.linalg.eigh(np.cov(values.astype(np.float64).T))
    expected = (values - values.mean(0)) @ vectors[:, ::-1][:, :2]
    assert np.allclose(np.abs(places), np.abs(expected), atol=1e-3)
    assert shares == pytest.approx(tuple(sizes[::-1][:2] / sizes.sum()), rel=1e-4)
    again, _ = projection.pca(values + RNG.normal(0, 1e-3, values.shape).astype(np.float32))
    assert np.corrcoef(again[:, 0], places[:, 0])[0, 1] > 0.99  # no flip


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (3, 0), (4, 1)])
def test_pca_of_hardly_anything(shape: tuple[int, int]) -> None:
    places, shares = projection.pca(np.ones(shape, np.float32))
    assert places.shape == (shape[0], 2)
    assert not places.any()
    assert shares == (0.0, 0.0)


def test_neighbourhoods_or_why_there_are_none() -> None:
    groups = np.repeat(np.eye(3, 16, dtype=np.float32) * 9, 12, axis=0) + RNG.normal(0, 1, (36, 16)).astype(np.float32)
    for method in ("tsne", "umap"):
        if importlib.util.find_spec(projection.PACKAGES[method][0]) is None:
            assert "pip install" in projection.ready(method)
            with pytest.raises(UserError, match="pip install"):
                run_to_end(projection.neighbours(groups, method))
    if not projection.ready("tsne"):
        places = run_to_end(projection.neighbours(groups, "tsne"))
        labels = np.repeat(np.arange(3), 12)
        gap = np.linalg.norm(places[:, None] - places[None], axis=2)
        np.fill_diagonal(gap, np.inf)
        assert (labels[gap.argmin(1)] == labels).mean() > 0.9
        with pytest.raises(UserError, match="at least 8"):
            run_to_end(projection.neighbours(groups[:5], "tsne"))
    assert projection.ready("pca") == ""
