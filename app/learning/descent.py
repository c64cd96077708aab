"""Smooth descent as a generator: L-BFGS with a line search that also survives the kinks of hinges.

What lives here: the optimiser, one accepted step at a time, so that a job can show and cancel it. What does not: any
objective. May import: numpy.

Source: Liu and Nocedal, On the limited memory BFGS method, 1989; the weak Wolfe bisection of Lewis and Overton,
Nonsmooth optimization via quasi-Newton methods, 2013.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from app.records import Float64

Objective = Callable[[Float64], tuple[float, Float64]]
# Steps, changes of the gradient, and 1 / their product: what L-BFGS knows of the curvature.
Memory = deque[tuple[Float64, Float64, float]]
MEMORY = 8
SUFFICIENT, CURVATURE = 1e-4, 0.9
MOST_TRIALS = 14
TINY = 1e-280


@dataclass(frozen=True, eq=False)
class Point:
    """An accepted step: where, the objective there and its gradient; ``done`` if it cannot be improved."""

    x: Float64
    value: float
    gradient: Float64
    done: bool = False


def _direction(gradient: Float64, steps: Memory) -> Float64:
    """Return minus the inverse-Hessian estimate times the gradient (two-loop recursion)."""
    q = gradient.copy()
    alphas: list[float] = []
    for s, y, rho in reversed(steps):
        alphas.append(rho * float(s.ravel() @ q.ravel()))
        q -= alphas[-1] * y
    if steps:
        s, y, rho = steps[-1]
        q *= 1 / (rho * float(y.ravel() @ y.ravel()))
    for (s, y, rho), alpha in zip(steps, reversed(alphas), strict=True):
        q += (alpha - rho * float(y.ravel() @ q.ravel())) * s
    return -q


def _search(function: Objective, at: Point, direction: Float64, length: float) -> tuple[Point, bool]:
    """Return the point accepted along ``direction``, and whether one was found.

    Weak Wolfe conditions by bisection; after too many trials the best sufficient decrease is taken.
    """
    slope = float(at.gradient.ravel() @ direction.ravel())
    low, high = 0.0, np.inf
    best: Point | None = None
    for _ in range(MOST_TRIALS):
        x = at.x + length * direction
        value, gradient = function(x)
        if not np.isfinite(value) or value > at.value + SUFFICIENT * length * slope:
            high = length
        else:
            best = Point(x, value, gradient)
            if float(gradient.ravel() @ direction.ravel()) >= CURVATURE * slope:
                return best, True
            low = length
        length = 2 * low if np.isinf(high) else (low + high) / 2
    return (at, False) if best is None else (best, True)


def lbfgs(
    function: Objective, start: Float64, *, memory: Memory | None = None, tolerance: float = 1e-6
) -> Iterator[Point]:
    """Yield the start and every accepted step of a minimisation; the last one has ``done``.

    Args:
        function: x -> (value, gradient of x's shape); x may have any shape.
        start: where to begin.
        memory: curvature learned by an earlier run on a similar objective; it is updated in place.
        tolerance: done when three steps in a row lower the value by less than this share, when the
            gradient is zero, or when no step lowers it.
    """
    value, gradient = function(start)
    at = Point(start, value, gradient, not gradient.any())
    yield at
    steps: Memory = deque(maxlen=MEMORY) if memory is None else memory
    idle = 0
    while not at.done:
        direction = _direction(at.gradient, steps)
        if float(at.gradient.ravel() @ direction.ravel()) >= 0:
            steps.clear()
            direction = -at.gradient
        reach = float(np.linalg.norm(direction))
        if reach == 0:  # too small to be squared: no way leads down in floating point
            yield Point(at.x, at.value, at.gradient, True)
            return
        first = min(1.0, 0.1 * max(1e-3, float(np.linalg.norm(at.x))) / reach) if not steps else 1.0
        new, found = _search(function, at, direction, first)
        if not found and steps:
            steps.clear()
            continue
        gained = at.value - new.value
        idle = idle + 1 if gained <= tolerance * max(abs(new.value), 1e-300) else 0
        done = not found or idle >= 3 or not new.gradient.any()
        s, y = new.x - at.x, new.gradient - at.gradient
        curvature = float(s.ravel() @ y.ravel())
        # A change of the gradient so small that its square is 0 in floating point says nothing of the curvature.
        told = float(y.ravel() @ y.ravel()) > TINY
        if told and curvature > 1e-12 * float(np.linalg.norm(s) * np.linalg.norm(y)):
            steps.append((s, y, 1 / curvature))
        at = Point(new.x, new.value, new.gradient, done)
        yield at
