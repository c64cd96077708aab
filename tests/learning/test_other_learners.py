"""NCA, ITML and relative comparisons against literal loops, dual certificates and their own optimality conditions."""

from __future__ import annotations

import numpy as np
import pytest
from samples import done, groups, turned

from app.learning.constraints import Pairs, relative_triples, sampled_pairs
from app.learning.itml import ItmlSettings, itml, log_det
from app.learning.mahalanobis import matrix_of
from app.learning.nca import NcaSettings, nca, objective
from app.learning.relative import RelativeSettings, relative
from app.records import UserError


def literal_nca(x: np.ndarray, y: np.ndarray, factor: np.ndarray) -> float:
    total = 0.0
    for i in range(len(x)):
        weights = {j: np.exp(-np.sum((factor @ (x[i] - x[j])) ** 2)) for j in range(len(x)) if j != i}
        total += sum(w for j, w in weights.items() if y[j] == y[i]) / sum(weights.values())
    return total


def test_that_nca_equals_the_literal_loop_and_its_gradient_finite_differences() -> None:
    x, y = groups(0, per_class=8)
    factor = np.random.default_rng(0).normal(size=(2, 3)) * 0.5
    value, gradient = objective(factor, x, y)
    assert -value == pytest.approx(literal_nca(x, y, factor), rel=1e-9)
    for at in np.ndindex(2, 3):
        step = np.zeros((2, 3))
        step[at] = 1e-6
        slope = (objective(factor + step, x, y)[0] - objective(factor - step, x, y)[0]) / 2e-6
        assert gradient[at] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_that_nca_climbs_and_a_rotation_changes_nothing() -> None:
    x, y = groups(1)
    history = done(nca(x, y)).history
    values = [item.objective for item in history]
    assert values == sorted(values)
    assert 0 < values[0] < values[-1] <= 1
    assert objective(np.eye(3), x, y)[0] == pytest.approx(objective(turned(3), x, y)[0])


def test_that_nca_stays_finite_far_out() -> None:
    x, y = groups(2)
    value, gradient = objective(1e4 * np.eye(3), x, y)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    learned = done(nca(x * 1e5, y, NcaSettings(iterations=5)))
    assert np.isfinite(learned.metric.factor).all()


def test_that_log_det_is_zero_only_at_the_prior_and_infinite_at_the_border() -> None:
    rng = np.random.default_rng(0)
    prior = matrix_of(rng.normal(size=(4, 4))) + np.eye(4)
    assert log_det(prior, prior) == pytest.approx(0, abs=1e-9)
    for _ in range(20):
        other = matrix_of(rng.normal(size=(4, 4))) + 0.1 * np.eye(4)
        want = np.trace(other @ np.linalg.inv(prior)) - np.linalg.slogdet(other @ np.linalg.inv(prior))[1] - 4
        assert log_det(other, prior) == pytest.approx(want)
        assert want > 0
    assert log_det(np.diag([1.0, 0, 1, 1]), np.eye(4)) == np.inf
    with pytest.raises(UserError, match="positive definite"):
        log_det(np.eye(2), np.diag([1.0, 0.0]))


def test_that_itml_satisfies_the_optimality_conditions() -> None:
    """M^-1 = I + sum of signed multipliers x x^T, slacks meet distances where a multiplier is not zero."""
    x, y = groups(3, per_class=10)
    pairs = sampled_pairs(y, 40, seed=0)
    learned = done(itml(x, y, ItmlSettings(iterations=3000, tolerance=1e-9), judged=pairs, bounds=(2.0, 6.0)))
    m = learned.metric.matrix
    gaps = np.concatenate([x[p[:, 0]] - x[p[:, 1]] for p in (pairs.similar, pairs.dissimilar)])
    sign = np.repeat([1.0, -1.0], [40, 40])
    bound = np.repeat([2.0, 6.0], [40, 40])
    # Solve for multipliers >= 0 that explain M^-1 - I; the residual must vanish.
    from scipy.optimize import nnls

    shape = np.stack([s * np.outer(g, g).ravel() for s, g in zip(sign, gaps, strict=True)], axis=1)
    multipliers, residual = nnls(shape, (np.linalg.inv(m) - np.eye(3)).ravel())
    assert residual < 1e-6 * np.linalg.norm(np.linalg.inv(m))
    assert learned.converged
    assert np.linalg.eigvalsh(m)[0] > 0
    assert (multipliers >= 0).all()
    squared = np.vecdot(gaps @ m, gaps)
    before = np.vecdot(gaps, gaps)
    broken = [np.maximum(0, sign * (d - bound) / bound).sum() for d in (before, squared)]
    assert broken[1] < broken[0]


def test_that_itml_refuses_distances_of_too_many_orders() -> None:
    """One point at 1e9: the slack of its pairs would become negative by rounding, its logarithm not a number."""
    x, y = groups(3, per_class=12, d=2)
    x[4, 0] = 1e9
    with pytest.raises(UserError, match="too far apart for ITML's sweeps"):
        done(itml(x, y))


def test_that_one_pair_of_itml_is_the_closed_form() -> None:
    """One similar pair of squared length p and bound b: both end at 1/p' = 1/p + g/(g+1) (1/b - 1/p)."""
    x = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 9.0]])
    y = np.array([0, 0, 1])
    only = Pairs(np.array([[0, 1]]), np.zeros((0, 2), np.int64))
    for gamma in (0.5, 4.0):
        learned = done(itml(x, y, ItmlSettings(gamma=gamma), judged=only, bounds=(2.0, 1.0)))
        want = 1 / (1 / 9 + gamma / (gamma + 1) * (1 / 2 - 1 / 9))
        m = learned.metric.matrix
        assert 9 * m[0, 0] == pytest.approx(want)
        np.testing.assert_allclose(m, np.diag([want / 9, 1.0]), atol=1e-12)


def test_that_relative_comparisons_close_the_gap_between_primal_and_dual() -> None:
    x, y = groups(4)
    learned = done(relative(x, y, RelativeSettings(iterations=3000, tolerance=1e-4)))
    last = learned.last
    assert learned.converged
    assert last.parts["dual"] <= last.objective <= last.parts["dual"] * (1 + 2e-4)
    triples = relative_triples(x, y)
    m = learned.metric.matrix
    hinge = sum(
        max(0.0, 1 + (x[i] - x[j]) @ m @ (x[i] - x[j]) - (x[i] - x[far]) @ m @ (x[i] - x[far])) for i, j, far in triples
    )
    assert last.objective == pytest.approx(0.5 * np.linalg.norm(m) ** 2 + hinge, rel=1e-6)
    bounds = [item.objective for item in learned.history]
    assert bounds == sorted(bounds, reverse=True)


def test_that_one_comparison_has_its_closed_form() -> None:
    """One triple with Q = far far^T - near near^T: M = a PSD(Q), a = min(C, 1 / |PSD(Q)|²)."""
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [5.0, 5.0]])
    y = np.array([0, 0, 1, 1])
    positive = np.diag([0.0, 4.0])
    for cost in (0.01, 10.0):
        learned = done(
            relative(x, y, RelativeSettings(cost=cost, tolerance=1e-8, iterations=2000), triples=np.array([[0, 1, 2]]))
        )
        want = min(cost, 1 / 16) * positive
        np.testing.assert_allclose(learned.metric.matrix, want, atol=1e-5)


def test_that_no_comparisons_are_refused() -> None:
    x, y = groups(5)
    with pytest.raises(UserError, match="no relative comparisons"):
        done(relative(x, y, triples=np.zeros((0, 3), np.int64)))
