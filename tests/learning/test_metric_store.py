"""Metrics in files and the folder they are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.learning import metric_store
from app.records import Metric, UserError


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(metric_store.FOLDER_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def sample(seed: int = 0, r: int = 3, d: int = 5) -> Metric:
    return Metric(np.random.default_rng(seed).normal(size=(r, d)), "näme", "LMNN, k 3", ("wine",), {"seconds": 1.5})


def test_that_a_metric_returns_as_it_was(tmp_path: Path) -> None:
    metric = sample()
    metric_store.write_metric(tmp_path / "a.npz", metric)
    back = metric_store.read_metric(tmp_path / "a.npz")
    np.testing.assert_array_equal(back.factor, metric.factor)
    assert (back.name, back.learned_by, back.trained_on) == (metric.name, metric.learned_by, metric.trained_on)
    assert dict(back.details) == {"seconds": 1.5}
    np.testing.assert_allclose(back.matrix, metric.factor.T @ metric.factor)


@pytest.mark.parametrize("name", ["L", "components_", "M"])
def test_that_other_programs_metrics_are_read(tmp_path: Path, name: str) -> None:
    factor = sample().factor
    np.savez(tmp_path / "a.npz", **{name: factor.T @ factor if name == "M" else factor})
    back = metric_store.read_metric(tmp_path / "a.npz")
    np.testing.assert_allclose(back.matrix, factor.T @ factor, atol=1e-9)
    assert back.name == "a"


def test_that_bad_files_get_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    card = json.dumps({"kind": "metric", "version": 99})
    for words, arrays in {
        "holds no metric": {"other": np.zeros(3)},
        "not a finite number": {"L": np.array([[np.nan]])},
        "negative eigenvalue": {"M": np.diag([1.0, -1.0])},
        "must be a square": {"M": np.ones((2, 3))},
        "expected n x n": {"L": np.zeros(3)},
        "that is no metric": {"L": np.zeros((0, 3))},
        "holds no numbers": {"L": np.array([["a"]])},
        "newer version": {"factor": np.eye(2), "card": np.array(card)},
    }.items():
        np.savez(path, **arrays)
        with pytest.raises(UserError, match=words):
            metric_store.read_metric(path)
    with pytest.raises(UserError, match="cannot be read"):
        metric_store.read_metric(tmp_path / "none.npz")
    path.write_bytes(b"junk")
    with pytest.raises(UserError, match="not a readable npz"):
        metric_store.read_metric(path)


def test_that_kept_metrics_are_listed_newest_first_under_a_name_of_their_content(own_folder: Path) -> None:
    import os

    shipped = list(metric_store.names())
    first, second = metric_store.keep(sample(0)), metric_store.keep(sample(1))
    os.utime(own_folder / f"{first}.npz", (1, 1))
    assert list(metric_store.names()) == [second, first, *shipped]
    assert first != second
    assert metric_store.keep(sample(0)) == first
    np.testing.assert_array_equal(metric_store.load(first).factor, sample(0).factor)


def test_that_a_file_can_be_named_instead_and_a_changed_one_is_read_again(tmp_path: Path) -> None:
    import os

    path = tmp_path / "mine.npz"
    metric_store.write_metric(path, sample(0))
    np.testing.assert_array_equal(metric_store.load(str(path)).factor, sample(0).factor)
    metric_store.write_metric(path, sample(1))
    os.utime(path, (5, 5))
    np.testing.assert_array_equal(metric_store.load(str(path)).factor, sample(1).factor)
    with pytest.raises(UserError, match="no learned metric called 'other'"):
        metric_store.load("other")


def test_that_a_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv(metric_store.FOLDER_VARIABLE, str(tmp_path / "file" / "inside"))
    with pytest.raises(UserError, match="Cannot make the folder of metrics"):
        metric_store.keep(sample())
    monkeypatch.setenv(metric_store.FOLDER_VARIABLE, "")
    assert metric_store.folder().name == "metrics"


def test_that_a_metric_record_refuses_what_is_no_metric() -> None:
    with pytest.raises(ValueError, match="finite"):
        Metric(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="at least one"):
        Metric(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="read-only"):
        sample().factor[0, 0] = 1
