"""Is it a metric? Four lamps, and for each that is out a witness found by search, drawn as a triangle.

What lives here: the search over pairs and triples of points. What does not: the measures (``measures``). May import:
jobs, ``measures``, numpy.

A lamp that stays lit is no proof: no violation was found among so many triples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from app.jobs import Job, Progress
from app.learning.measures import AXIOMS, Measure, State
from app.records import Bool, Float64
from app.text import minus

TOLERANCE = 1e-12  # of the larger side
ZERO = 1e-10  # below this share of the usual values a distance counts as 0
CHUNK = 20_000


@dataclass(frozen=True, eq=False)
class Lamp:
    """What the search says of one axiom.

    Attributes:
        axiom: N, I, S or T.
        state: ``holds`` (nothing found), ``half``, ``fails``, or ``unknown`` where f has no real value.
        points: (2 or 3, d) the witness x, y (and z), or None.
        values: f of the sides, in the order of the sentence.
        sentence: the violation in numbers, or how much was tried.
    """

    axiom: str
    state: State
    points: Float64 | None = None
    values: tuple[float, ...] = ()
    sentence: str = ""


@dataclass(frozen=True)
class Verdict:
    """All four lamps.

    Attributes:
        lamps: N, I, S, T in this order.
        tried: triples looked at.
    """

    lamps: tuple[Lamp, ...]
    tried: int

    @property
    def badge(self) -> str:
        """``metric``, ``pseudometric`` (only the identity is half) or ``not a metric``, as far as the search went."""
        states = {lamp.axiom: lamp.state for lamp in self.lamps}
        rest = [states[axiom] for axiom in "NST"]
        if any(state != "holds" for state in rest) or states["I"] in ("fails", "unknown"):
            return "not a metric"
        return "metric" if states["I"] == "holds" else "pseudometric"


@dataclass
class _Search:
    """The strongest violations so far."""

    measure: Measure
    found: dict[str, Lamp] = field(default_factory=dict)
    tried: int = 0
    undefined: bool = False

    def verdict(self) -> Verdict:
        """Return a lamp for every axiom, as of what was tried so far."""
        lamps = []
        for axiom in AXIOMS:
            quiet = f"No violation among {self.tried:,} triples."
            lamp = self.found.get(axiom, Lamp(axiom, "holds", None, (), quiet))
            if self.undefined and axiom != "N" and axiom not in self.found:
                lamp = Lamp(axiom, "unknown", None, (), "f has no real value for some pairs.")
            lamps.append(lamp)
        return Verdict(tuple(lamps), self.tried)


def search(measure: Measure, *, triples: int = 100_000, seed: int = 0) -> Job[Verdict]:
    """Look for violations: first at simple points, then at ``triples`` drawn ones; yields verdicts as payloads.

    Simple points are tried first so that a witness is one that can be checked by head, such as 0, 1, 2.

    Args:
        measure: what to test.
        triples: how many random ones; the simple ones come on top.
        seed: of the random ones.
    """
    state = _Search(measure)
    rng = np.random.default_rng(seed)
    for x, y, z in _simple_triples(measure, rng):
        _test(state, x, y, z)
        yield Progress(state.tried, None, "Trying simple points", state.verdict())
    if measure.free and measure.dimension in (1, 2) and "I" not in state.found:
        _look_around(state, rng)
    done = 0
    while done < triples:
        count = min(CHUNK, triples - done)
        points = measure.draw(rng, 3 * count)
        _test(state, points[:count], points[count : 2 * count], points[2 * count :])
        done += count
        yield Progress(done, triples, "Trying random triples", state.verdict())
    return state.verdict()


def _simple_points(measure: Measure, rng: np.random.Generator) -> Float64:
    """Return few points with round coordinates where the domain allows them, else drawn ones."""
    d = measure.dimension
    if not measure.free:
        return measure.draw(rng, 24)
    if d == 1:
        grid = np.array([[0.0], [1.0], [2.0], [-1.0], [0.5], [3.0]])
    elif d <= 3:
        grid = np.array(list(product((0.0, 1.0, 2.0, -1.0), repeat=d)))[:20]
    else:
        base = np.rint(measure.draw(rng, 8) * 2)
        grid = np.concatenate([base, 2 * base + 1, base[::-1] + base])
    own = np.array(measure.own_points).reshape(-1, d)
    return np.concatenate([grid, own])


def _simple_triples(measure: Measure, rng: np.random.Generator) -> list[tuple[Float64, Float64, Float64]]:
    points = _simple_points(measure, rng)
    n = len(points)
    i, j, k = (axis.ravel() for axis in np.meshgrid(*[np.arange(n)] * 3, indexing="ij"))
    return [(points[i], points[j], points[k])]


def _test(state: _Search, x: Float64, y: Float64, z: Float64) -> None:
    """Test all four axioms on these triples and keep a witness of each that fails."""
    f = state.measure.function
    with np.errstate(all="ignore"):
        xy, yx, yz, xz, xx = f(x, y), f(y, x), f(y, z), f(x, z), f(x, x)
    state.tried += len(x)
    usual = float(np.nanmax(np.abs(xy), initial=0)) or 1.0
    _test_sign(state, x, y, xy)
    _test_identity(state, x, y, xy, xx, usual)
    with np.errstate(all="ignore"):
        share = np.abs(xy - yx) / np.maximum(np.abs(xy), np.abs(yx))
        _keep(state, "S", share > TOLERANCE, share, (x, y), (xy, yx), "f(y, x)")
        share = (xz - xy - yz) / np.maximum.reduce([np.abs(xz), np.abs(xy), np.abs(yz)])
        _keep(state, "T", share > TOLERANCE, share, (x, y, z), (xz, xy, yz), "")


def _test_sign(state: _Search, x: Float64, y: Float64, xy: Float64) -> None:
    outside = np.isnan(xy) & np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    if not state.measure.free or state.measure.space not in ("line", "plane", "space"):
        outside[:] = False  # points outside the domain, a flat patch or the origin, prove nothing
    if outside.any() and "N" not in state.found:
        at = int(np.argmax(outside))
        state.undefined = True
        sentence = f"f({_text(x[at])}, {_text(y[at])}) is not a real number."
        state.found["N"] = Lamp("N", "fails", np.stack([x[at], y[at]]), (float("nan"),), sentence)
        for axiom in ("I", "S", "T"):
            state.found.pop(axiom, None)
    _keep(state, "N", xy < 0, np.ones_like(xy), (x, y), (xy,), "")


def _test_identity(state: _Search, x: Float64, y: Float64, xy: Float64, xx: Float64, usual: float) -> None:
    """f(x, x) = 0 must hold, and f(x, y) = 0 only for x = y; the second alone failing is ``half``."""
    if state.undefined:
        return
    _keep(state, "I", np.abs(xx) > ZERO * usual, np.ones_like(xx), (x, x), (xx,), "")
    if "I" in state.found:
        return
    different = np.any(x != y, axis=1)
    apart = np.linalg.norm(x - y, axis=1)
    zero = different & (np.abs(xy) <= ZERO * ZERO * usual) & (apart > 1e-3)
    if zero.any():
        at = int(np.argmax(zero))
        sentence = f"f({_text(x[at])}, {_text(y[at])}) = 0 although the points differ."
        state.found["I"] = Lamp("I", "half", np.stack([x[at], y[at]]), (float(xy[at]),), sentence)


def _keep(
    state: _Search,
    axiom: str,
    bad: Bool,
    size: Float64,
    points: Sequence[Float64],
    values: Sequence[Float64],
    other: str,
) -> None:
    """Keep the largest violation (the first among equals) of the first batch that has one."""
    bad = bad & np.isfinite(size)
    replaces_half = axiom == "I" and state.found.get("I", Lamp("I", "holds")).state == "half"
    if not bad.any() or (axiom in state.found and not replaces_half) or (state.undefined and axiom != "N"):
        return
    at = int(np.argmax(np.where(bad, size, -np.inf)))
    own = tuple(float(value[at]) for value in values)
    witness = np.stack([point[at] for point in points])
    state.found[axiom] = Lamp(axiom, "fails", witness, own, _sentence(axiom, witness, own, other))


def _sentence(axiom: str, points: Float64, values: tuple[float, ...], other: str) -> str:
    names = [_text(point) for point in points]
    if axiom == "N":
        return f"f({names[0]}, {names[1]}) = {minus(f'{values[0]:.4g}')} < 0."
    if axiom == "I":
        return f"f({names[0]}, {names[0]}) = {values[0]:.4g}, not 0."
    if axiom == "S":
        return f"f({names[0]}, {names[1]}) = {values[0]:.4g} but {other} = {values[1]:.4g}."
    return (
        f"f(x, z) = {values[0]:.4g} > {values[1]:.4g} + {values[2]:.4g} = f(x, y) + f(y, z) "
        f"at x = {names[0]}, y = {names[1]}, z = {names[2]}."
    )


def _text(point: Float64) -> str:
    """Return a point in few characters."""
    numbers = [minus(f"{value + 0.0:.3g}") for value in point]
    if len(numbers) == 1:
        return numbers[0]
    return "(" + ", ".join(numbers[:4]) + (", …" if len(numbers) > 4 else "") + ")"


def _look_around(state: _Search, rng: np.random.Generator) -> None:
    """Look for a different point at distance 0 on circles around some points (in 1-D: on the line)."""
    f, d = state.measure.function, state.measure.dimension
    centres = np.concatenate([np.zeros((1, d)), state.measure.draw(rng, 6)])
    turn = np.linspace(0, 2 * np.pi, 721)

    def ring(centre: Float64, at: Float64) -> Float64:
        """Return the points at these angles on the circle of radius 1 around a centre; in 1-D on the line."""
        if d == 1:
            return centre + 3 * at[:, None] / np.pi - 3
        result: Float64 = centre + np.stack([np.cos(at), np.sin(at)], axis=1)
        return result

    for centre in centres:
        at, width = turn, turn[1] - turn[0]
        for _ in range(40):
            around = ring(centre, at)
            with np.errstate(all="ignore"):
                values = np.abs(f(np.broadcast_to(centre, around.shape), around))
            values[np.linalg.norm(around - centre, axis=1) <= 1e-3] = np.inf
            values[np.isnan(values)] = np.inf
            best = at[int(np.argmin(values))]
            width /= 4
            at = best + width * np.linspace(-4, 4, 33)
        here = ring(centre, np.array([best]))
        again = np.broadcast_to(centre, here.shape)
        _test(state, again, here, (again + here) / 2)
        if "I" in state.found:
            return
