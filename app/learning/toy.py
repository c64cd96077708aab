"""Two-dimensional toys: small labelled point sets, each made to show one thing, always the same for one seed.

What lives here: the recipes. May import: records, numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.learning.neighbours import Labels
from app.records import Float64, UserError

Maker = Callable[[np.random.Generator, int], tuple[Float64, Labels]]


@dataclass(frozen=True)
class Toy:
    """One toy: its key, title, what to look at, and how it is made from a generator and a number of points."""

    key: str
    title: str
    teaches: str
    make: Maker


def _groups(
    rng: np.random.Generator, n: int, centres: list[tuple[float, float]], spread: tuple[float, float]
) -> tuple[Float64, Labels]:
    """Return about n points around these centres, one class each; the sizes differ by one at most."""
    y = np.arange(n) % len(centres)
    x = np.asarray(centres)[y] + rng.normal(size=(n, 2)) * spread
    order = np.argsort(y, kind="stable")
    return x[order], y[order].astype(np.int64)


def _stripes(rng: np.random.Generator, n: int) -> tuple[Float64, Labels]:
    return _groups(rng, n, [(0, -0.5), (0, 0.5)], (6.0, 0.2))


def _tilted(rng: np.random.Generator, n: int) -> tuple[Float64, Labels]:
    x, y = _groups(rng, n, [(0, -1.0), (0, 0.0), (0, 1.0)], (5.0, 0.22))
    turn = np.radians(35)
    return x @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]), y


def _three(rng: np.random.Generator, n: int) -> tuple[Float64, Labels]:
    return _groups(rng, n, [(-2, 0), (2, 0), (0, 6)], (0.4, 0.4))  # two classes side by side, one far above


def _overlap(rng: np.random.Generator, n: int) -> tuple[Float64, Labels]:
    return _groups(rng, n, [(-1, 0), (1, 0)], (1.0, 1.0))


def _moons(rng: np.random.Generator, n: int) -> tuple[Float64, Labels]:
    y = np.sort(np.arange(n) % 2)
    turn = rng.uniform(0, np.pi, n)
    x = np.where(
        y[:, None] == 0,
        np.stack([np.cos(turn), np.sin(turn)], axis=1),
        np.stack([1 - np.cos(turn), 0.4 - np.sin(turn)], axis=1),
    )
    return 2 * (x + rng.normal(size=(n, 2)) * 0.1), y.astype(np.int64)


def _chequers(rng: np.random.Generator, n: int) -> tuple[Float64, Labels]:
    x, cell = _groups(rng, n, [(a, b) for a in (-2, 0, 2) for b in (-2, 0, 2)], (0.35, 0.35))
    return x, (cell % 2).astype(np.int64)


TOYS: tuple[Toy, ...] = (
    Toy(
        "stripes",
        "Two stripes",
        "The first feature is noise with a large spread. A learned metric squeezes it, and neighbours become right.",
        _stripes,
    ),
    Toy(
        "tilted",
        "Three tilted stripes",
        "The noise lies along no axis: a diagonal metric cannot squeeze it, a full one can.",
        _tilted,
    ),
    Toy(
        "three",
        "Three groups",
        "The lecture's variant of MMC projects onto the line that separates best, and two groups fall together.",
        _three,
    ),
    Toy("overlap", "Two overlapping groups", "Some impostors stay whatever the metric.", _overlap),
    Toy("moons", "Two moons", "No linear map unbends them: Euclid is already as good as any.", _moons),
    Toy(
        "chequers",
        "Chequers",
        "Classes alternate: pulling a whole class together is the wrong wish here.",
        _chequers,
    ),
)


def toy(key: str, *, points: int = 120, noise: float = 0.0, seed: int = 0) -> tuple[Float64, Labels]:
    """Return ((n, 2) float64 points, (n,) classes) of a toy, grouped by class.

    Args:
        key: of ``TOYS``.
        points: how many in all, 6 to 10,000.
        noise: standard deviation of noise added to every coordinate.
        seed: the same seed gives the same points.

    Raises:
        UserError: for an unknown key or a number out of range.
    """
    found = next((item for item in TOYS if item.key == key), None)
    if found is None:
        raise UserError(f"There is no toy called {key!r}; known are {', '.join(item.key for item in TOYS)}.")
    if not 6 <= points <= 10_000:
        raise UserError(f"A toy has 6 to 10,000 points, not {points}.")
    rng = np.random.default_rng(seed)
    x, y = found.make(rng, points)
    order = np.argsort(y, kind="stable")
    x, y = x[order], y[order]
    return x + rng.normal(size=x.shape) * noise, y
