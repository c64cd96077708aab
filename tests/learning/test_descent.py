"""The optimiser against known minima and scipy's."""

from __future__ import annotations

import itertools

import numpy as np

from app.learning.descent import lbfgs


def last(steps: object) -> object:
    *_, point = itertools.islice(steps, 2000)  # type: ignore[call-overload]
    return point


def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray]:
    from scipy.optimize import rosen, rosen_der

    return float(rosen(x)), np.asarray(rosen_der(x))


def test_that_it_finds_the_end_of_rosenbrocks_valley() -> None:
    point = last(lbfgs(rosenbrock, np.full(6, -1.2), tolerance=1e-14))
    np.testing.assert_allclose(point.x, 1, atol=1e-4)  # type: ignore[attr-defined]
    assert point.done  # type: ignore[attr-defined]


def test_that_every_accepted_step_goes_down_and_kinks_do_not_stop_it() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 5))

    def hinges(x: np.ndarray) -> tuple[float, np.ndarray]:
        inside = 1 - rows @ x
        return float(np.maximum(inside, 0).sum() + 0.5 * x @ x), x - rows[inside > 0].sum(axis=0)

    values = [point.value for point in itertools.islice(lbfgs(hinges, np.zeros(5)), 500)]
    assert values == sorted(values, reverse=True)
    from scipy.optimize import minimize

    peer = minimize(lambda x: hinges(x)[0], np.zeros(5), method="Nelder-Mead", options={
        "maxiter": 20000, "maxfev": 20000, "xatol": 1e-8, "fatol": 1e-8})  # fmt: skip
    assert values[-1] <= peer.fun * 1.001


def test_that_a_minimum_to_start_with_is_done_at_once() -> None:
    points = list(lbfgs(lambda x: (float(x @ x), 2 * x), np.zeros(3)))
    assert len(points) == 1
    assert points[0].done


def test_that_a_gradient_near_the_smallest_number_divides_by_nothing() -> None:
    size = 1e-170  # its square is 0

    def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
        return size * float(x @ x), 2 * size * x

    for point, _ in zip(lbfgs(bowl, np.array([3.0, -1.0])), range(12), strict=False):
        assert np.isfinite(point.x).all()
        assert point.value <= size * 10
