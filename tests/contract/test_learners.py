"""What every metric learner must do; a new row of the recipe table is picked up by itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.jobs import run_to_end
from app.learning.iterates import Iterate, Learned, Recorder
from app.learning.learners import ROWS, Row, learner, with_assignments
from app.records import UserError
from app.settings import fields_of

RUNNABLE = [pytest.param(row, id=row.key) for row in ROWS if row.learn is not None]
every_learner = pytest.mark.parametrize("row", RUNNABLE)


def data(seed: int = 0, n: int = 45, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.sort(np.arange(n) % 3)
    return rng.normal(size=(3, d))[y] * 2 + rng.normal(size=(n, d)), y


def settings(row: Row, **values: Any) -> Any:
    assert row.settings is not None
    own = {spec.name for spec in fields_of(row.settings)}
    return replace(row.settings(), **{name: value for name, value in values.items() if name in own})


def learned(row: Row, x: np.ndarray, y: np.ndarray, **values: Any) -> Learned:
    assert row.learn is not None
    return run_to_end(row.learn(x, y, settings(row, **values)))


@every_learner
def test_that_the_result_is_a_finite_psd_metric_with_its_history(row: Row) -> None:
    x, y = data()
    result = learned(row, x, y)
    assert result.history[0].step == 0
    assert [item.step for item in result.history] == list(range(len(result.history)))
    for item in result.history:
        assert np.isfinite(item.objective)
        assert np.isfinite(item.factor).all()
        assert item.factor.shape[1] == 3
        assert not item.factor.flags.writeable
        assert (np.diff(item.eigenvalues) <= 1e-9 * item.eigenvalues[0] + 1e-300).all()
        np.testing.assert_allclose(
            item.eigenvalues, np.linalg.eigvalsh(item.matrix)[::-1], atol=1e-6 * max(1e-12, np.abs(item.matrix).max())
        )
    np.testing.assert_array_equal(result.metric.factor, result.last.factor)
    assert result.metric.learned_by
    seconds = [item.seconds for item in result.history]
    assert seconds == sorted(seconds)


@every_learner
def test_that_the_same_data_give_the_same_bytes_and_stay_untouched(row: Row) -> None:
    x, y = data(1)
    before = x.copy(), y.copy()
    first, second = learned(row, x, y), learned(row, x, y)
    assert [item.objective for item in first.history] == [item.objective for item in second.history]
    assert first.metric.factor.tobytes() == second.metric.factor.tobytes()
    assert (x == before[0]).all()
    assert (y == before[1]).all()
    x.flags.writeable = False
    learned(row, x, y)


@every_learner
def test_that_payloads_are_iterates_and_a_cancelled_job_ends(row: Row) -> None:
    x, y = data(2)
    assert row.learn is not None
    job = row.learn(x, y, settings(row))
    payloads = [progress.payload for progress, _ in zip(job, range(6), strict=False)]
    assert any(isinstance(payload, Iterate) for payload in payloads)
    assert all(payload is None or isinstance(payload, Iterate) for payload in payloads)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


@every_learner
def test_that_names_of_classes_and_translations_change_nothing(row: Row) -> None:
    x, y = data(3)
    base = learned(row, x, y, iterations=40)
    other = learned(row, x + 50, np.array([7, 2, 9])[y], iterations=40)
    size = np.abs(base.metric.matrix).max()
    if row.key == "itml":  # it draws its pairs at random: the renaming changes the draw
        other = learned(row, x + 50, y + 4, iterations=40)
    np.testing.assert_allclose(other.metric.matrix, base.metric.matrix, atol=0.05 * size)


@every_learner
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("one class", "of one class"),
        ("one point", "at least two points"),
        ("nan", "Row 3, feature 2 is not a finite number"),
        ("inf", "not a finite number"),
        ("labels", "n rows and n labels"),
    ],
)
def test_that_unusable_data_get_one_sentence(row: Row, change: str, words: str) -> None:
    x, y = data(4)
    if change == "one class":
        y = np.zeros_like(y)
    elif change == "one point":
        x, y = x[:1], y[:1]
    elif change == "labels":
        y = y[:-1]
    else:
        x[2, 1] = np.nan if change == "nan" else np.inf
    with pytest.raises(UserError, match=words) as caught:
        learned(row, x, y)
    assert str(caught.value).endswith(".")


def degenerate() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    x, y = data(5)
    constant = x.copy()
    constant[:, 1] = 3
    twice = np.repeat(x, 2, axis=0)
    wide = np.random.default_rng(0).normal(size=(12, 40))
    across = x.copy()
    across[30] = across[0]  # the same point in two classes
    return {
        "constant feature": (constant, y),
        "every point twice": (twice, np.repeat(y, 2)),
        "more dimensions than points": (wide, np.arange(12) % 3),
        "one point in two classes": (across, y),
        "one feature": (x[:, :1], y),
        "huge": (x * 1e6, y),
        "tiny": (x * 1e-6, y),
        "one class of two": (x[:17], np.r_[np.zeros(15, int), 1, 1]),
    }


def learned_or_told(row: Row, x: np.ndarray, y: np.ndarray, **values: Any) -> Learned | str:
    """The result, or the sentence that refuses the data."""
    try:
        return learned(row, x, y, k=1, **values)
    except UserError as error:
        return str(error)


@every_learner
@pytest.mark.parametrize("name", degenerate())
def test_that_degenerate_data_give_a_finite_metric_or_one_sentence(row: Row, name: str) -> None:
    x, y = degenerate()[name]
    result = learned_or_told(row, x, y, iterations=30)
    if isinstance(result, str):
        assert result.endswith(".")
        assert "nan" not in result
        return
    assert np.isfinite(result.metric.factor).all()
    assert np.isfinite([item.objective for item in result.history]).all()


@every_learner
def test_that_all_points_in_one_place_are_told(row: Row) -> None:
    x, y = np.full((12, 2), 3.0), np.arange(12) % 2
    result = learned_or_told(row, x, y)
    if isinstance(result, str):
        assert result.endswith(".")
        return
    assert np.isfinite(result.metric.factor).all()


@every_learner
def test_that_long_steps_run_beside_the_job_so_that_it_can_be_cancelled(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data(6, n=500, d=4)
    main = threading.current_thread()
    threads: set[bool] = set()
    working = Recorder.working

    def watched(recorder: Recorder) -> Any:
        if recorder.slow:
            threads.add(threading.current_thread() is main)
        return working(recorder)

    monkeypatch.setattr(Recorder, "working", watched)
    assert row.learn is not None
    job = row.learn(x, y, settings(row, iterations=2))
    for _ in job:
        pass
    # The naive objective and ITML do short pieces in the job itself and report between them.
    assert row.key in ("naive", "itml") or False in threads


@every_learner
def test_that_the_objective_goes_where_the_table_says(row: Row) -> None:
    x, y = data(6)
    objectives = [item.objective for item in learned(row, x, y).history]
    if row.key in ("itml", "naive"):  # dual ascent, and a problem without an optimum
        assert len(objectives) > 2
    elif row.larger_is_better:
        assert objectives[-1] > objectives[0]
    else:
        assert objectives[-1] < objectives[0]


def test_the_table_itself() -> None:
    keys = [row.key for row in ROWS]
    assert keys == ["naive", "mmc", "mmc-lecture", "relative", "nca", "lmnn", "itml", "contrastive", "triplet"]
    for row in ROWS:
        assert (row.learn is None) == (row.settings is None)
        assert all((row.judgements, row.loss, row.regulariser, row.convex, row.formula, row.teaches, row.source))
    with pytest.raises(UserError, match="no learner called 'triplet'"):
        learner("triplet")
    assert with_assignments("lmnn", ["lmnn.k=5"]).k == 5
    with pytest.raises(UserError, match=r"write lmnn\.k"):
        with_assignments("lmnn", ["mmc.k=5"])
