"""What comparing n patches with n patches costs: jointly, with a head, or as descriptors.

What lives here: the three designs' operations as formulas, and a job that measures their seconds. What does not: the
networks (``heads``, ``networks``). May import: heads, networks, towers, jobs; torch inside functions.

n² joint passes against 2 n passes of a tower and one matrix product.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.jobs import Job, Progress
from app.learning import heads, networks, towers
from app.learning.heads import Decider
from app.learning.towers import DIMENSIONS, TowerPlan
from app.records import Float64, UInt8

ORDERS = 2  # a joint network is asked in both
PAIRS_AT_ONCE = 256
MEASURED = ("siamese", "head", "joint")
MOST_SECONDS = 4.0  # of one measurement; a design that took longer is not asked for more points


def design_costs(n: int, side: int, plan: TowerPlan) -> dict[str, int]:
    """Return the multiply-accumulates of comparing n patches with n, by design.

    ``"joint"``: n² passes of the two-channel network; ``"head"``: 2 n of the tower and n² of the head;
    ``"siamese"``: 2 n of the tower and one n × n × 128 product.
    """
    tower = towers.multiply_adds(side, plan)
    return {
        "joint": n * n * ORDERS * heads.joint_multiply_adds(side, plan),
        "head": 2 * n * tower + n * n * heads.head_multiply_adds(),
        "siamese": 2 * n * tower + n * n * DIMENSIONS,
    }


@dataclass(frozen=True, eq=False)
class CostTable:
    """Measured seconds.

    Attributes:
        points: (K,) n, rising.
        seconds: by design, (K,) seconds, NaN where not measured (it would take too long).
    """

    points: Float64
    seconds: dict[str, Float64]

    def slope(self, design: str) -> float:
        """Return the exponent of n: the slope of the line through the measurements, log-log; NaN of fewer than two.

        The first measurements are left out where there are more than three: there, fixed costs count.
        """
        y = self.seconds[design]
        known = np.flatnonzero(np.isfinite(y))
        known = known[-3:] if len(known) > 3 else known
        if len(known) < 2:
            return float("nan")
        return float(np.polyfit(np.log(self.points[known]), np.log(y[known]), 1)[0])


def measure(
    points: Sequence[int] = (8, 16, 32, 64, 128, 256, 512), *, network: str = "tiny", side: int = 32, seed: int = 0
) -> Job[CostTable]:
    """Measure the three designs for rising n; yields the table so far, at least every few hundred pairs.

    A design stops being measured once one n took over 4 s.
    """
    plan = towers.PLANS[network]
    networks_of = {name: heads.make_decider(name, plan, side=side, seed=seed).eval() for name in ("joint", "head")}
    rng = np.random.default_rng(seed)
    table = CostTable(np.array(points, np.float64), {name: np.full(len(points), np.nan) for name in MEASURED})
    stopped: set[str] = set()
    for _ in range(2):  # the first passes of a process cost far more than any later one
        few = rng.integers(0, 256, (2, 4, side, side), np.uint8)
        for passes in (_joint_passes(networks_of["joint"], few), _tower_passes(networks_of["head"], few, "head")):
            for _ in passes:
                yield Progress(0, len(points), "Warming up", _copy(table))
    for column, n in enumerate(points):
        patches = rng.integers(0, 256, (2, n, side, side), np.uint8)
        for design in MEASURED:
            if design in stopped:
                continue
            text = f"{design}: {n} × {n} patches"
            spent = 0.0
            joint, siamese = networks_of["joint"], networks_of["head"]
            passes = _joint_passes(joint, patches) if design == "joint" else _tower_passes(siamese, patches, design)
            start = time.perf_counter()
            for _ in passes:
                spent += time.perf_counter() - start
                yield Progress(column, len(points), text, _copy(table))
                if spent > MOST_SECONDS:
                    stopped.add(design)
                    break
                start = time.perf_counter()
            else:
                table.seconds[design][column] = spent + time.perf_counter() - start
        yield Progress(column + 1, len(points), f"{n} × {n} patches", _copy(table))
    return _copy(table)


def _copy(table: CostTable) -> CostTable:
    return CostTable(table.points, {design: values.copy() for design, values in table.seconds.items()})


def _joint_passes(joint: Decider, patches: UInt8) -> Job[None]:
    """Decide all pairs, a few hundred at a time."""
    n = patches.shape[1]
    for start in range(0, n * n, PAIRS_AT_ONCE):
        rows, columns = np.divmod(np.arange(start, min(start + PAIRS_AT_ONCE, n * n)), n)
        heads.probabilities(joint, patches[0][rows], patches[1][columns])
        yield Progress(start, n * n, "")


def _tower_passes(siamese: Decider, patches: UInt8, design: str) -> Job[None]:
    """Describe both sides, then compare all descriptors by a product or by the head."""
    import torch

    both = patches.reshape(-1, *patches.shape[2:])
    parts = []
    for start in range(0, len(both), PAIRS_AT_ONCE):
        parts.append(networks.describe_patches(siamese.tower, both[start : start + PAIRS_AT_ONCE]))
        yield Progress(start, len(both), "")
    values = np.concatenate(parts)
    left, right = values[: patches.shape[1]], values[patches.shape[1] :]
    if design == "siamese":
        left @ right.T
        return
    with torch.inference_mode():
        b = torch.from_numpy(right)
        for row in range(0, len(left), 16):
            a = torch.from_numpy(left[row : row + 16])
            siamese.decide(a.repeat_interleave(len(b), 0), b.repeat(len(a), 1))
            yield Progress(row, len(left), "")
