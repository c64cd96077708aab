"""M, L, the ellipse and the nearest PSD matrix against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.learning.mahalanobis import (
    distance,
    eigenvalues_of_factor,
    ellipse_of,
    factor_of,
    inverse_covariance,
    kind_of,
    matrix_from_ellipse,
    matrix_of,
    project_psd,
    rank_of,
    weighted,
)
from app.records import UserError

seeds = st.integers(0, 2**31 - 1)


def random_psd(seed: int, d: int = 4, rank: int | None = None) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(rank or d, d))
    return rows.T @ rows


@given(seeds)
def test_that_rho_is_the_length_of_l_times_the_difference_for_cholesky_and_eigen_factors(seed: int) -> None:
    m = random_psd(seed)
    x, y = np.random.default_rng(seed + 1).normal(size=(2, 9, 4))
    rho = distance(x, y, m)
    for factor in (np.linalg.cholesky(m + 1e-12 * np.eye(4)).T, factor_of(m)):
        np.testing.assert_allclose(np.linalg.norm((x - y) @ factor.T, axis=1), rho, rtol=1e-6)
    np.testing.assert_allclose(matrix_of(factor_of(m)), m, atol=1e-9 * np.abs(m).max())


def test_that_the_identity_gives_euclid_and_a_factor_scales_by_its_root() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50, 3))
    np.testing.assert_allclose(distance(x, y, np.eye(3)), np.linalg.norm(x - y, axis=1))
    m = random_psd(1, 3)
    np.testing.assert_allclose(distance(x, y, 7 * m), np.sqrt(7) * distance(x, y, m))


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.floats(0, 179.9))
def test_that_the_unit_ball_is_the_ellipse_it_was_made_from(a: float, b: float, angle: float) -> None:
    found = ellipse_of(matrix_from_ellipse((a, b), angle))
    assert found.semi_axes == pytest.approx((max(a, b), min(a, b)), rel=1e-6)
    if abs(a - b) > 1e-3 * max(a, b):
        want = angle if a >= b else angle + 90
        assert abs((found.angle_deg - want + 90) % 180 - 90) < 1e-3
    turn = np.linspace(0, 2 * np.pi, 96)[:, None]
    outline = (np.hstack([np.cos(turn), np.sin(turn)]) * found.semi_axes) @ found.directions
    np.testing.assert_allclose(distance(outline, np.zeros(2), matrix_from_ellipse((a, b), angle)), 1, rtol=1e-6)


def test_that_semi_axes_are_one_over_the_root_of_eigenvalues() -> None:
    found = ellipse_of(np.diag([4.0, 0.25]))
    assert found.semi_axes == pytest.approx((2.0, 0.5))
    assert found.angle_deg == pytest.approx(90.0)


def test_that_a_direction_m_does_not_see_is_an_endless_axis() -> None:
    assert ellipse_of(np.diag([1.0, 0.0])).semi_axes == (np.inf, 1.0)


@given(seeds)
def test_that_the_classical_metric_is_invariant_under_any_invertible_affine_map(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 3)) * (1, 5, 0.2)
    a = rng.normal(size=(3, 3)) + 4 * np.eye(3)
    moved = x @ a.T + rng.normal(size=3)
    before = distance(x[:20], x[20:], inverse_covariance(x))
    after = distance(moved[:20], moved[20:], inverse_covariance(moved))
    np.testing.assert_allclose(after, before, rtol=1e-6)


@given(seeds)
def test_that_the_psd_projection_is_idempotent_non_expansive_and_nearest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (m + m.T for m in rng.normal(size=(2, 5, 5)))
    pa, pb = project_psd(a), project_psd(b)
    assert np.linalg.eigvalsh(pa.matrix)[0] >= -1e-12 * np.abs(a).max()
    np.testing.assert_allclose(project_psd(pa.matrix).matrix, pa.matrix, atol=1e-12 * np.abs(a).max())
    assert np.linalg.norm(pa.matrix - pb.matrix) <= np.linalg.norm(a - b) * (1 + 1e-12)
    assert pa.distance == pytest.approx(np.linalg.norm(a - pa.matrix), rel=1e-9, abs=1e-12)
    for other in range(5):
        assert np.linalg.norm(a - random_psd(seed + other, 5)) >= pa.distance - 1e-9
    assert (pa.after == np.maximum(pa.before, 0)).all()


def test_that_badges_tell_metric_pseudometric_and_neither() -> None:
    assert kind_of(np.diag([2.0, 1.0]))[0] == "metric"
    kind, sentence = kind_of(np.diag([2.0, 0.0]))
    assert kind == "pseudometric"
    assert "rank 1 of 2" in sentence
    assert "(0.00, 1.00)" in sentence
    assert kind_of(np.zeros((2, 2)))[0] == "pseudometric"
    kind, sentence = kind_of(np.diag([2.0, -0.5]))
    assert kind == "not a metric"
    assert "-0.5" in sentence


def test_that_a_rank_deficient_metric_projects() -> None:
    m = random_psd(3, 4, rank=2)
    factor = factor_of(m)
    assert factor.shape == (2, 4)
    assert rank_of(factor) == 2
    blind = np.linalg.eigh(m)[1][:, 0]
    x = np.random.default_rng(0).normal(size=(6, 4))
    np.testing.assert_allclose(distance(x, x + 3 * blind, m), 0, atol=1e-6)
    assert eigenvalues_of_factor(factor)[2:] == pytest.approx((0, 0))


def test_that_tiny_negative_eigenvalues_are_rounding_and_real_ones_are_refused() -> None:
    nearly = np.diag([1.0, -1e-15])
    assert np.isfinite(factor_of(nearly)).all()
    with pytest.raises(UserError, match=r"negative eigenvalue -0\.3"):
        factor_of(np.diag([1.0, -0.3]))
    assert np.isnan(distance((0, 0), (0, 1), np.diag([1.0, -0.3])))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: weighted([1, -0.1]), "Weight 2 is -0.1"),
        (lambda: weighted([np.nan]), "Weight 1"),
        (lambda: kind_of([[1.0, 2.0]]), "square"),
        (lambda: kind_of([[np.nan]]), "not a finite number"),
        (lambda: ellipse_of(np.eye(3)), "2 × 2"),
        (lambda: matrix_from_ellipse((0, 1), 0), "longer than 0"),
        (lambda: inverse_covariance(np.ones((3, 3))), "at least 4"),
        (lambda: inverse_covariance(np.c_[np.arange(9.0), np.ones(9)]), "singular"),
    ],
)
def test_that_bad_matrices_get_one_sentence(call: object, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        call()  # type: ignore[operator]
    assert str(caught.value).endswith(".")
