"""The general recipe as a table: judgements × loss × regulariser, and the learners that can run.

What lives here: one row per method, and running a learner by its key. What does not: the methods. May import: records,
jobs, settings, the learners, numpy.

M = argmin loss(M; S, D, R) + lambda reg(M). Source: Kulis, Metric Learning: A Survey, 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.jobs import Job
from app.learning.data_files import DataSet
from app.learning.iterates import Learned
from app.learning.itml import ItmlSettings, itml
from app.learning.lmnn import LmnnSettings, lmnn
from app.learning.mmc import MmcSettings, mmc
from app.learning.nca import NcaSettings, nca
from app.learning.neighbours import SmallClassError
from app.learning.recipes import NaiveSettings, naive
from app.learning.relative import RelativeSettings, relative
from app.records import UserError
from app.settings import parse_assignments, with_value

Result = TypeVar("Result")


def _mmc_lecture(x: Any, y: Any, settings: Any = None, **words: Any) -> Job[Learned]:
    """Run the lecture's variant of MMC."""
    return mmc(x, y, settings, squared=True, **words)


@dataclass(frozen=True)
class Row:
    """One method of the recipe table.

    Attributes:
        key: on the command line.
        title: on screen.
        judgements, loss, regulariser: its ingredients; S similar pairs, D dissimilar pairs, R relative triples.
        convex: ``"in M"``, ``"no"`` or ``"ill-posed"``.
        formula: in one line.
        teaches: what to look at.
        settings: its settings class; None if the row is only for comparison.
        learn: (x, y, settings, trained_on=, name=) -> job, or None.
        larger_is_better: whether its objective is maximised.
        source: paper.
    """

    key: str
    title: str
    judgements: str
    loss: str
    regulariser: str
    convex: str
    formula: str
    teaches: str
    settings: type[Any] | None
    learn: Callable[..., Job[Learned]] | None
    larger_is_better: bool = False
    source: str = ""


ROWS: tuple[Row, ...] = (
    Row(
        "naive",
        "Ψ(M)",
        "S, D",
        "linear",
        "none",
        "ill-posed",
        "Ψ(M) = λ Σ_S ρ² − (1 − λ) Σ_D ρ² = ⟨A, M⟩",
        "Nothing fixes the scale: below λ* the ellipse explodes along one axis, from λ* on it shrinks to a point.",
        NaiveSettings,
        naive,
        source="lecture",
    ),
    Row(
        "mmc",
        "MMC",
        "S, D",
        "−Σ_D ρ",
        "Σ_S ρ² ≤ 1, PSD",
        "in M",
        "max Σ_D ρ_M  subject to  Σ_S ρ_M² ≤ 1, M ⪰ 0",
        "The square root keeps dissimilar pairs from collapsing.",
        MmcSettings,
        mmc,
        larger_is_better=True,
        source="Xing, Ng, Jordan, Russell, NIPS 2002",
    ),
    Row(
        "mmc-lecture",
        "MMC, squared",
        "S, D",
        "−Σ_D ρ²",
        "Σ_S ρ² ≤ 1, PSD",
        "in M",
        "max Σ_D ρ_M²  subject to  Σ_S ρ_M² ≤ 1, M ⪰ 0",
        "Linear in M, so the best M has rank one: everything falls onto a line. There is no margin in it either.",
        MmcSettings,
        _mmc_lecture,
        larger_is_better=True,
        source="lecture, called margin maximisation there",
    ),
    Row(
        "relative",
        "Schultz–Joachims",
        "R",
        "hinge",
        "‖M‖²",
        "in M",
        "½‖M‖² + C Σ_R [1 + ρ²(i, j) − ρ²(i, l)]₊",
        "Only comparisons are needed, no classes; the Frobenius norm fixes the scale.",
        RelativeSettings,
        relative,
        source="Schultz, Joachims, NIPS 2003",
    ),
    Row(
        "nca",
        "NCA",
        "classes",
        "−Σ p_i",
        "none",
        "no",
        "max Σ_i p_i,  p_ij ∝ exp(−‖L x_i − L x_j‖²)",
        "A soft 1-NN classifier, optimised directly; no regulariser, so the scale grows until it is a hard one.",
        NcaSettings,
        nca,
        larger_is_better=True,
        source="Goldberger, Roweis, Hinton, Salakhutdinov, NIPS 2004",
    ),
    Row(
        "lmnn",
        "LMNN",
        "classes → S, R",
        "pull + hinge",
        "PSD",
        "in M",
        "(1 − μ) Σ ρ²(i, j) + μ Σ [1 + ρ²(i, j) − ρ²(i, l)]₊",
        "One point: the ring of one unit around its target neighbours empties of impostors.",
        LmnnSettings,
        lmnn,
        source="Weinberger, Saul, JMLR 10, 2009",
    ),
    Row(
        "itml",
        "ITML",
        "S, D",
        "slack of bounds",
        "LogDet(M, M₀)",
        "in M",
        "LogDet(M, I) + γ LogDet(ξ, ξ₀)  subject to  ρ² ≤ ξ over S, ρ² ≥ ξ over D",
        "Stays near the Euclidean metric and positive definite without any projection.",
        ItmlSettings,
        itml,
        source="Davis, Kulis, Jain, Sra, Dhillon, ICML 2007",
    ),
    Row(
        "contrastive",
        "Contrastive",
        "S, D",
        "hinge",
        "weight decay",
        "no (network)",
        "s d² + (1 − s) [m² − d²]₊",
        "The same two judgements with a network instead of L; see its forces in the playground.",
        None,
        None,
        source="Hadsell, Chopra, LeCun, CVPR 2006; Bell, Bala, TOG 34(4), 2015",
    ),
    Row(
        "triplet",
        "Triplet",
        "R",
        "hinge",
        "unit norm or decay",
        "no (network)",
        "[‖a − p‖² − ‖a − n‖² + m]₊",
        "LMNN's hinge with a network instead of L; see its forces in the playground.",
        None,
        None,
        source="Schroff, Kalenichenko, Philbin, CVPR 2015",
    ),
)


def runnable() -> tuple[str, ...]:
    """Return the keys of the methods that can run, in the order of the table."""
    return tuple(row.key for row in ROWS if row.learn is not None)


def learner(key: str) -> Row:
    """Return the row of a method that can run.

    Raises:
        UserError: if there is none of that name.
    """
    found = next((row for row in ROWS if row.key == key and row.learn is not None), None)
    if found is None:
        raise UserError(f"There is no learner called {key!r}; known are {', '.join(runnable())}.")
    return found


def with_assignments(key: str, items: list[str]) -> Any:
    """Return the settings of a learner after ``KEY.name=value`` assignments, e.g. ``lmnn.k=3``.

    Raises:
        UserError: for another learner's name, an unknown setting or a bad value.
    """
    row = learner(key)
    assert row.settings is not None
    settings = row.settings()
    for stage, name, value in parse_assignments(items):
        if stage != key:
            raise UserError(f"--set {stage}.{name}: the learner is {key}; write {key}.{name}=….")
        settings = with_value(settings, name, value)
    return settings


def learn(key: str, data: DataSet, settings: Any = None, *, name: str = "") -> Job[Learned]:
    """Run a learner on a data set; its metric is called after both.

    Raises:
        UserError: if there is no such learner, or the data cannot be learned from.
    """
    row = learner(key)
    assert row.learn is not None
    stem = data.key.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0].replace(":", "-")
    job = row.learn(data.x, data.y, settings, trained_on=(data.key,), name=name or f"{key}-{stem}")
    return with_class_names(job, data.classes)


def with_class_names(job: Job[Result], classes: Sequence[str]) -> Job[Result]:
    """Run a job; a class that it finds too small is called by its name.

    Args:
        job: what learns.
        classes: names by number.

    Raises:
        UserError: as the job does.
    """
    try:
        return (yield from job)
    except SmallClassError as error:
        raise error.named(classes[error.label]) from None
