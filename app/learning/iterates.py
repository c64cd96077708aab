"""What every metric learner yields and returns: frozen iterates for a scrubber, and the learned metric.

What lives here: the records of a run, PCA in front of a learner, and the rule that work between two yields uses one
BLAS thread. What does not: any learner. May import: records, jobs, ``mahalanobis``, numpy; threadpoolctl when used.
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from app.jobs import Job, Progress, native
from app.learning.mahalanobis import eigenvalues_of_factor, matrix_of
from app.learning.neighbours import Labels, leave_one_out_error
from app.records import Array, Float64, Metric, read_only

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Basis:
    """PCA in front of a learner: it sees (x - mean) @ rows.T; L of the whole is L of the learner times ``rows``."""

    rows: Float64
    mean: Float64
    kept: float  # share of the variance

    def reduce(self, x: Array) -> Float64:
        """Return the (n, p) principal components."""
        result: Float64 = (np.asarray(x, np.float64) - self.mean) @ self.rows.T
        return result


@dataclass(frozen=True, eq=False)
class Iterate:
    """One step of a learner; a scrubber replays them.

    Attributes:
        step: 0 is the start.
        inner: (r, p) float64 L in the learner's own coordinates (after PCA if there is one).
        objective: as the method states it.
        parts: its parts in the method's words (``pull``, ``push``, ``active`` ...).
        seconds: of learning so far.
        basis: PCA in front, or None.
    """

    step: int
    inner: Float64
    objective: float
    parts: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    basis: Basis | None = None

    def __post_init__(self) -> None:
        kept = np.array(self.inner, np.float64, copy=True)
        object.__setattr__(self, "inner", read_only(kept, np.float64, (None, None), "Iterate.inner"))
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))

    @cached_property
    def factor(self) -> Float64:
        """(r, d) the L on the original features."""
        result = self.inner if self.basis is None else self.inner @ self.basis.rows
        return read_only(result, np.float64, (None, None), "Iterate.factor")

    @property
    def matrix(self) -> Float64:
        """(d, d) M = L^T L on the original features."""
        return matrix_of(self.factor)

    @cached_property
    def eigenvalues(self) -> Float64:
        """Eigenvalues of M, descending; with PCA those inside its span (the others are 0)."""
        return eigenvalues_of_factor(self.inner)

    def error(self, x: Array, y: Labels, k: int) -> float:
        """Return the leave-one-out k-NN error of the data under this iterate."""
        return leave_one_out_error(x, y, k, factor=self.factor)


@dataclass(frozen=True, eq=False)
class Learned:
    """The result of a learner.

    Attributes:
        metric: the last iterate's L with how it came about.
        history: all iterates, the start first.
        converged: whether the learner's own criterion was met (else the iterations ran out).
        notes: sentences the user should read (constant features, a regularised matrix, a collapse).
    """

    metric: Metric
    history: tuple[Iterate, ...]
    converged: bool
    notes: tuple[str, ...] = ()

    @property
    def last(self) -> Iterate:
        """The final iterate."""
        return self.history[-1]


class Recorder:
    """Collects the iterates of one run and words its progress; the clock excludes time spent outside the learner."""

    def __init__(self, text: str, total: int, basis: Basis | None = None) -> None:
        self.history: list[Iterate] = []
        self.seconds = 0.0
        self.notes: list[str] = []
        self.basis = basis
        self.slow = False  # whether a step may take longer than a frame
        self._text, self._total = text, total

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Count the time inside, on one BLAS thread."""
        start = time.perf_counter()
        try:
            with one_blas_thread():
                yield
        finally:
            self.seconds += time.perf_counter() - start

    def run(self, function: Callable[[], T]) -> Job[T]:
        """Do one piece of work; where it may take long, beside the job's thread, so that the job can be cancelled."""

        def timed() -> T:
            """Do the work on the clock of the run."""
            with self.working():
                return function()

        if not self.slow:
            return timed()
        values = yield from native(timed, progress=self.progress())
        result: T = values[0]
        return result

    def add(self, inner: Float64, objective: float, **parts: float) -> Progress:
        """Keep an iterate and return the progress to yield, whose payload it is."""
        iterate = Iterate(len(self.history), inner, float(objective), parts, self.seconds, self.basis)
        self.history.append(iterate)
        return self.progress(iterate)

    def progress(self, payload: Any = None) -> Progress:
        """Return where the run stands."""
        step = len(self.history) - 1
        return Progress(max(0, step), self._total, f"{self._text}, iteration {max(0, step)}", payload)

    def learned(self, *, learned_by: str, trained_on: tuple[str, ...], name: str, converged: bool) -> Learned:
        """Return the result made of the last iterate."""
        last = self.history[-1]
        details = {"seconds": round(self.seconds, 4), "iterations": last.step, "objective": last.objective}
        metric = Metric(last.factor, name, learned_by, trained_on, details)
        return Learned(metric, tuple(self.history), converged, tuple(self.notes))


def pca(x: Float64, components: int) -> Basis | None:
    """Return the first principal components, or None if ``components`` is 0 or not fewer than the features.

    Their number is also limited to the rank of the centred data (more dimensions than points).
    """
    n, d = x.shape
    if not 0 < components < d:
        return None
    mean = x.mean(axis=0)
    centred = x - mean
    if n < d:
        values, vectors = np.linalg.eigh(centred @ centred.T)
    else:
        values, vectors = np.linalg.eigh(centred.T @ centred)
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    keep = min(components, max(1, int(np.count_nonzero(values > 1e-12 * values[0]))))
    rows = (centred.T @ vectors[:, :keep] / np.sqrt(values[:keep])).T if n < d else vectors[:, :keep].T
    total = float(values.sum())
    return Basis(np.ascontiguousarray(rows), mean, float(values[:keep].sum()) / total if total else 1.0)


SLOW_ABOVE = 20_000  # numbers in the data, or as many pairs of points


def is_slow(x: Array) -> bool:
    """Return whether a step on these data may take longer than a frame of the window."""
    return bool(x.size > SLOW_ABOVE or len(x) ** 2 > 10 * SLOW_ABOVE)


@cache
def _pools() -> Any:
    """Return threadpoolctl's handle on the BLAS libraries, None where it is not installed."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return None
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which matrix products use one thread.

    Two threads that contend with another program take up to twenty times as long for products of this size. Without
    threadpoolctl nothing is limited: results are the same, only slower on a busy machine.
    """
    pools = _pools()
    return contextlib.nullcontext() if pools is None else pools.limit(limits=1, user_api="blas")
