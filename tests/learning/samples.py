"""Small labelled data that several tests of learners share, and running a job quietly."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest

from app.jobs import Job, run_to_end
from app.learning import data_sets

T = TypeVar("T")


def groups(seed: int = 0, *, per_class: int = 20, d: int = 3, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping normal groups whose last feature is mostly noise."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, d)) * 1.5
    x = np.concatenate([rng.normal(c, 1, (per_class, d)) for c in centres])
    x[:, -1] *= 3
    return x, np.repeat(np.arange(classes), per_class)


def done(job: Job[T]) -> T:
    return run_to_end(job)


def needs_sklearn_data() -> None:
    """Skip where scikit-learn, a dependency of the program, is missing all the same."""
    if reason := data_sets.ready():
        pytest.skip(reason)


def turned(d: int, seed: int = 0) -> np.ndarray:
    """A random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
