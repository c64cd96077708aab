"""The naive objective: linear, its switch, and each repair against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from samples import done, groups

from app.learning.constraints import scatters
from app.learning.mahalanobis import matrix_of, project_psd
from app.learning.recipes import (
    NaiveSettings,
    critical_weight,
    fate,
    naive,
    naive_matrix,
    project_simplex,
    repaired,
)
from app.records import UserError

REPAIRS = ("penalty", "trace", "ball", "similar")


def problem(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y = groups(seed, d=3)
    return x, y, *scatters(x, y)


def test_that_the_switch_is_the_largest_generalised_eigenvalue_over_one_more() -> None:
    from scipy.linalg import eigh

    _, _, c_s, c_d = problem()
    mu = eigh(c_d, c_s, eigvals_only=True)[-1]
    critical, found = critical_weight(c_s, c_d)
    assert found == pytest.approx(mu)
    assert critical == pytest.approx(mu / (1 + mu))
    assert fate(c_s, c_d, critical - 1e-3)[0] == "explodes"
    assert fate(c_s, c_d, critical + 1e-3)[0] == "collapses"
    assert np.linalg.eigvalsh(naive_matrix(c_s, c_d, critical))[0] == pytest.approx(0, abs=1e-8 * np.abs(c_d).max())


def test_the_ends_of_lambda_and_a_singular_c_s() -> None:
    x, y, c_s, c_d = problem(1)
    assert fate(c_s, c_d, 0.0)[0] == "explodes"
    assert fate(c_s, c_d, 1.0)[0] == "collapses"
    assert fate(np.zeros((2, 2)), np.zeros((2, 2)), 0.5)[0] == "stays"
    x[:, 0] = y
    critical, mu = critical_weight(*scatters(x, y))
    assert critical == 1
    assert mu == np.inf
    for weight in (0.0, 1.0):
        history = done(naive(x, y, NaiveSettings(weight=weight))).history
        assert np.isfinite([item.objective for item in history]).all()


def test_that_the_objective_is_linear_and_its_gradient_constant() -> None:
    x, y, c_s, c_d = problem(2)
    a = naive_matrix(c_s, c_d, 0.4)
    m = matrix_of(np.random.default_rng(0).normal(size=(3, 3)))

    def psi(matrix: np.ndarray) -> float:
        total = 0.0
        for i in range(len(x)):
            for j in range(i):
                gap = x[i] - x[j]
                total += (0.4 if y[i] == y[j] else -0.6) * (gap @ matrix @ gap)
        return total

    assert psi(m) == pytest.approx(np.vdot(a, m))
    assert psi(5 * m) == pytest.approx(5 * psi(m))


def test_that_the_descent_collapses_or_explodes_along_one_axis() -> None:
    x, y, c_s, c_d = problem(3)
    critical, _ = critical_weight(c_s, c_d)
    up = done(naive(x, y, NaiveSettings(weight=critical - 0.1, iterations=2000)))
    down = done(naive(x, y, NaiveSettings(weight=min(1.0, critical + 0.05), iterations=5000)))
    assert up.last.eigenvalues[0] > 1e6
    assert up.last.eigenvalues[0] / up.last.eigenvalues.sum() > 0.99
    assert down.last.eigenvalues[0] < 1e-3
    assert up.notes[0] == f"λ* = {critical:.4f}."
    assert "without bound" in up.notes[1]
    assert "identical" in down.notes[1]


@pytest.mark.parametrize("weight", [0.05, 0.5])
@pytest.mark.parametrize("repair", REPAIRS)
def test_that_no_feasible_metric_beats_the_closed_form_and_the_descent_reaches_it(repair: str, weight: float) -> None:
    x, y, c_s, c_d = problem(4)
    x, c_s, c_d = x / 40, c_s / 1600, c_d / 1600
    a = naive_matrix(c_s, c_d, weight)
    m, value = repaired(c_s, c_d, weight, repair, gamma=2.0)
    assert np.linalg.eigvalsh(m)[0] >= -1e-12

    def objective(matrix: np.ndarray) -> float:
        return float(np.vdot(a, matrix)) + (np.linalg.norm(matrix) ** 2 if repair == "penalty" else 0.0)

    assert objective(m) == pytest.approx(value)
    rng = np.random.default_rng(0)
    for _ in range(300):
        other = matrix_of(rng.normal(size=(3, 3)) * rng.uniform(0, 2))
        if repair == "trace":
            other /= np.trace(other)
        if repair == "ball":
            other /= max(1.0, float(np.linalg.norm(other)))
        if repair == "similar":
            other /= max(1.0, float(np.vdot(other, c_s)))
        assert objective(other) >= value - 1e-9 * abs(value)
    history = done(naive(x, y, NaiveSettings(weight=weight, repair=repair, gamma=2.0, iterations=5000))).history
    np.testing.assert_allclose(history[-1].matrix, m, atol=1e-9 * max(1e-9, np.abs(m).max()))
    assert history[-2].objective == pytest.approx(value, rel=1e-3)


def test_the_formulas_of_the_sheet() -> None:
    _, _, c_s, c_d = problem(5)
    a = naive_matrix(c_s, c_d, 0.3)
    minus = project_psd(-a).matrix
    np.testing.assert_allclose(repaired(c_s, c_d, 0.3, "penalty", gamma=4)[0], minus / 4)
    np.testing.assert_allclose(repaired(c_s, c_d, 0.3, "ball")[0], minus / np.linalg.norm(minus))
    assert repaired(c_s, c_d, 0.3, "trace")[1] == pytest.approx(np.linalg.eigvalsh(a)[0])
    critical, _ = critical_weight(c_s, c_d)
    beyond = (1 + critical) / 2
    for repair in ("penalty", "ball", "similar"):
        assert not repaired(c_s, c_d, beyond, repair)[0].any() or beyond >= 1
    with pytest.raises(UserError, match="no repair"):
        repaired(c_s, c_d, 0.3, "magic")


def test_the_simplex() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        v = rng.normal(size=6) * 3
        p = project_simplex(v)
        assert p.sum() == pytest.approx(1)
        assert p.min() >= 0
        others = rng.dirichlet(np.ones(6), 100)
        assert (np.linalg.norm(others - v, axis=1) >= np.linalg.norm(p - v) - 1e-9).all()
