"""The strip: every item asked once, by a metric that did not see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.jobs import Job, Progress, run_to_end
from app.learning.data_files import DataSet
from app.learning.descriptor_data import Located
from app.learning.iterates import Iterate, Learned
from app.learning.learners import Row, learner
from app.learning.nca import NcaSettings
from app.learning.strip import KINDS, Strip, strip
from app.learning.toy import toy
from app.records import Metric, UserError


def stripes() -> DataSet:
    x, y = toy("stripes", points=60, seed=1)
    return DataSet("toy:stripes", "Stripes", x, y, ("a", "b"), ("x", "y"))


def fixed(factor: np.ndarray) -> Row:
    """Return a row whose learner always finds this L."""

    def learn(x: Any, y: Any, settings: Any = None, **_words: Any) -> Job[Learned]:
        yield Progress(0, 1, "nothing to learn")
        return Learned(Metric(factor, "fixed", "fixed", ()), (Iterate(0, factor, 0.0),), True, ())

    base = learner("nca")
    return Row("fixed", "fixed", base.judgements, "", "", "no", "", "", NcaSettings, learn)


def test_that_the_identity_changes_nothing() -> None:
    found: Strip = run_to_end(strip(stripes(), fixed(np.eye(2)), None, folds=4))
    assert found.changes == ()
    assert found.nearest.before == found.nearest.after
    assert found.nearest.items == 60
    assert found.folds == (4, 4)
    assert "No gain" in found.nearest.sentence()


def test_that_changes_and_errors_agree() -> None:
    data = stripes()
    factor = np.diag([0.0, 1.0])  # only the second feature tells the stripes apart
    found: Strip = run_to_end(strip(data, fixed(factor), None, folds=5, k=3))
    assert found.nearest.after < found.nearest.before
    assert found.count("better") == found.nearest.only_before
    assert found.count("worse") == found.nearest.only_after
    assert [KINDS.index(change.kind) for change in found.changes] == sorted(
        KINDS.index(change.kind) for change in found.changes
    )
    assert len({change.row for change in found.changes}) == len(found.changes)  # asked once
    for change in found.changes:
        gap = data.x[change.row] - data.x[[change.before, change.after]]
        np.testing.assert_allclose(change.euclid, np.linalg.norm(gap, axis=1))
        np.testing.assert_allclose(change.learned, np.abs(gap[:, 1]))
        assert change.euclid[0] <= change.euclid[1]
        assert change.learned[1] <= change.learned[0]
        assert (data.y[change.before] == data.y[change.row]) == (change.kind in ("same", "worse"))
        assert (data.y[change.after] == data.y[change.row]) == (change.kind in ("same", "better"))


def places(count: int) -> Located:
    rng = np.random.default_rng(0)
    left = rng.normal(size=(count, 4))
    x = np.concatenate([left, left + 0.01 * rng.normal(size=left.shape)])
    y = np.tile(np.arange(count), 2)
    data = DataSet("sift", "SIFT", x, y, tuple(map(str, range(count))))
    zero = np.zeros(2 * count)
    image = np.repeat([0, 1], count)
    return Located(data, image, ("left", "right"), np.zeros((2 * count, 2)), zero, zero)


def test_that_places_are_held_out_as_a_whole() -> None:
    seen: list[set[int]] = []

    def learn(x: Any, y: Any, settings: Any = None, **_words: Any) -> Job[Learned]:
        yield Progress(0, 1, "noting what is seen")
        assert (np.bincount(y) == 2).all()  # both descriptors of a place, or none
        seen.append({int(np.flatnonzero((source.data.x == row).all(axis=1))[0]) % 20 for row in x})
        factor = np.eye(4)
        return Learned(Metric(factor, "fixed", "fixed", ()), (Iterate(0, factor, 0.0),), True, ())

    source = places(20)
    row = fixed(np.eye(4))
    found: Strip = run_to_end(strip(source, Row(*[getattr(row, name) for name in
        ("key", "title", "judgements", "loss", "regulariser", "convex", "formula", "teaches", "settings")], learn),
        None, folds=4))  # fmt: skip
    assert found.nearest.items == 20  # each left descriptor asks once
    assert found.nearest.before == 0
    assert [len(each) for each in seen] == [15] * 4
    assert set.union(*seen) == set(range(20))
    with pytest.raises(UserError, match="places are too few"):
        run_to_end(strip(places(6), row, None, folds=5))


def test_that_a_fault_names_the_fold() -> None:
    x, y = toy("stripes", points=12)
    data = DataSet("toy", "Toy", x, y, ("a", "b"))
    kind = learner("lmnn").settings
    assert kind is not None
    job = strip(data, learner("lmnn"), kind(k=9), folds=2)
    with pytest.raises(UserError, match=r"fold 1 of 2.*target neighbours"):
        run_to_end(job)


def test_that_one_spread_takes_no_unit_for_importance() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 20).astype(np.int64)
    x = np.stack([y + rng.normal(0, 0.2, 60), 1000 * rng.normal(size=60)], axis=1)
    data = DataSet("table", "table", x, y, ("a", "b", "c"))
    raw, even = (
        run_to_end(strip(data, learner("nca"), NcaSettings(iterations=2), folds=3, standardise=same))
        for same in (False, True)
    )
    assert raw.nearest.before > 0.4
    assert even.nearest.before < 0.15
    assert even.data is data  # what is shown keeps its units
