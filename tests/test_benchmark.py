"""Comparing matchers: the rows, their means, cancelling, failing pairs, and the CSV."""

from __future__ import annotations

import csv
import json
import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import benchmark, matchers, pairs, pipeline
from app.benchmark import HEADER, TIMED, Row, Table
from app.jobs import Progress, run_to_end
from app.matchers import with_assignments
from app.records import MatchRequest, PairRef, StageSettings, UserError

FEW = ["detect.count=200"]


def few(*keys: str) -> dict[str, StageSettings]:
    return {key: with_assignments(matchers.get(key).defaults(), FEW) for key in keys}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sequence of three pictures of one plane, shifted by whole pixels."""
    place = tmp_path_factory.mktemp("sequence")
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (220, 260), np.uint8), (0, 0), 2.0)
    texture = cv2.normalize(texture, texture, 0, 255, cv2.NORM_MINMAX)
    for k, shift in enumerate((0, 7, 15), start=1):
        cv2.imwrite(str(place / f"{k}.png"), texture[10:210, shift : shift + 240])
        np.savetxt(place / f"H_1_{k}", [[1, 0, -shift], [0, 1, 0], [0, 0, 1]])
    return place


def test_that_every_pair_meets_every_matcher_in_order(folder: Path) -> None:
    refs = pairs.from_folder(folder)
    seen: list[Progress] = []
    table = run_to_end(benchmark.run(refs, few("sift", "orb")), seen.append)
    assert [(row.pair, row.matcher) for row in table.rows] == [
        (ref.title, key) for ref in refs for key in ("sift", "orb")
    ]
    assert not table.failed
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[0].payload == Table((), 4)
    assert seen[-1].payload.rows == table.rows
    assert all(p.total == 4 for p in seen)


def test_that_a_row_says_what_the_pipeline_found(folder: Path) -> None:
    ref = pairs.from_folder(folder)[0]
    row = run_to_end(benchmark.run([ref], few("sift"))).rows[0]
    result = run_to_end(pipeline.run_pair(MatchRequest(ref, "sift", few("sift")["sift"])))
    judged = result.evaluation
    assert judged is not None
    assert result.matches is not None
    assert row.matches == len(result.matches) > 20
    assert row.right == round(judged.precision * (row.right + row.wrong))
    assert row.right > 0.9 * row.matches
    assert (row.precision, row.recall, row.repeatability) == (judged.precision, judged.recall, judged.repeatability)
    assert row.mma == tuple(judged.mma(t) for t in range(1, 11))
    assert row.corner_error == pytest.approx(judged.corner_error_px)
    assert row.corner_error < 0.5
    assert tuple(result.seconds) == TIMED
    assert all(seconds > 0 for seconds in row.seconds)


def test_that_several_workers_find_the_same(folder: Path) -> None:
    refs = pairs.from_folder(folder)

    def counted(workers: int) -> list[Row]:
        table = run_to_end(benchmark.run(refs, few("sift", "orb"), workers=workers))
        return [replace(row, seconds=()) for row in table.rows]

    assert counted(1) == counted(3)


def test_that_a_pair_is_loaded_once_and_everything_else_measured_each_time(folder: Path) -> None:
    rows = run_to_end(benchmark.run(pairs.from_folder(folder)[:1], few("sift", "rootsift"))).rows
    load, features = TIMED.index("load"), TIMED.index("detect + describe")
    assert rows[0].seconds[load] > 0
    assert rows[1].seconds[load] == 0
    assert rows[0].seconds[features] > 0
    assert rows[1].seconds[features] > 0


def test_that_a_given_cache_is_used(folder: Path) -> None:
    cache = pipeline.Cache()
    refs = pairs.from_folder(folder)[:1]
    run_to_end(benchmark.run(refs, few("sift"), cache))
    again = run_to_end(benchmark.run(refs, few("sift"), cache)).rows[0]
    assert again.seconds == (0.0,) * len(TIMED)


def test_that_a_failing_pair_becomes_a_row_and_the_others_go_on(folder: Path) -> None:
    refs = pairs.from_folder(folder)
    bad = replace(refs[0], title="gone", left=str(folder / "none.png"))
    table = run_to_end(benchmark.run([bad, refs[1]], few("orb")))
    assert [row.pair for row in table.rows] == ["gone", refs[1].title]
    assert "none.png" in table.rows[0].error
    assert table.failed == table.rows[:1]
    assert all(value is None or math.isnan(value) for value in table.rows[0].numbers)
    assert table.rows[1].matches
    summary = benchmark.summaries(table)[0]
    assert (summary.pairs, summary.failed) == (2, 1)
    assert summary.means["matches"] == table.rows[1].matches


def test_that_an_unexpected_failure_is_named_in_its_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(ref: PairRef) -> None:
        raise RuntimeError("the wheel came off")

    monkeypatch.setattr(pairs, "load", broken)
    table = run_to_end(benchmark.run(pairs.from_folder(folder)[:1], few("orb")))
    assert table.rows[0].error == "something went wrong: RuntimeError: the wheel came off"
    assert "Traceback" in caplog.text


def test_that_cancelling_stops_soon_and_leaves_no_thread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = threading.Event()
    ended: list[bool] = []
    monkeypatch.setattr(pairs, "load", lambda _: ended.append(slow.wait(10)))
    job = benchmark.run(pairs.from_folder(folder), few("orb"), workers=2)
    for _ in range(3):
        next(job)
    job.close()
    assert not ended  # it did not wait for the pairs under way
    slow.set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("benchmark")]


def test_that_it_yields_often_enough_to_be_cancelled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = pairs.load
    monkeypatch.setattr(pairs, "load", lambda ref: (time.sleep(0.5), original(ref))[1])
    times: list[float] = []
    run_to_end(benchmark.run(pairs.from_folder(folder)[:1], few("orb")), lambda _: times.append(time.perf_counter()))
    assert len(times) >= 5


def test_that_a_matcher_that_cannot_run_is_told_before_any_work() -> None:
    with pytest.raises(UserError, match="no matcher called 'sfit'"):
        next(benchmark.run(pairs.builtin(), {"sfit": matchers.get("sift").defaults()}))
    with pytest.raises(UserError, match="0 workers"):
        next(benchmark.run(pairs.builtin(), few("sift"), workers=0))


def test_that_no_pairs_give_an_empty_table() -> None:
    table = run_to_end(benchmark.run([], few("sift")))
    assert table == Table((), 0)
    assert benchmark.summaries(table) == ()
    assert "Means over 0 pairs" in benchmark.summary_text(table, 3.0)


def test_that_without_truth_nothing_is_called_right_or_wrong(tmp_path: Path, folder: Path) -> None:
    ref = pairs.from_files(folder / "1.png", folder / "2.png")
    row = run_to_end(benchmark.run([ref], few("orb"))).rows[0]
    assert row.matches
    assert row.right is None
    assert row.wrong is None
    assert math.isnan(row.precision)
    assert all(map(math.isnan, row.mma))


def test_that_a_blank_picture_gives_zero_matches_and_no_failure(tmp_path: Path, folder: Path) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((50, 60), 128, np.uint8))
    ref = pairs.from_files(tmp_path / "blank.png", folder / "1.png", homography=folder / "H_1_1")
    row = run_to_end(benchmark.run([ref], few("sift"))).rows[0]
    assert (row.error, row.keypoints_left, row.matches, row.right) == ("", 0, 0, 0)
    assert row.mma == (0.0,) * 10
    assert row.corner_error == math.inf


def rows_of(*errors: float) -> Table:
    return Table(tuple(Row(f"p{i}", "m", 10, 20, 5, 4, 1, corner_error=e) for i, e in enumerate(errors)), len(errors))


def test_that_the_two_conventions_of_the_area_differ_as_published() -> None:
    one = benchmark.summaries(rows_of(1.5))[0]
    assert one.auc_step[1] == pytest.approx(0.5)
    assert one.auc_trapezoid[1] == pytest.approx(0.75)


def test_that_a_homography_that_was_not_found_counts_and_an_unknown_one_does_not() -> None:
    one = benchmark.summaries(rows_of(0.0, math.inf, math.nan))[0]
    assert one.auc_step == (0.5, 0.5, 0.5)
    assert "corner_error" not in one.means


def test_that_means_leave_out_the_unknown() -> None:
    table = Table((Row("a", "m", precision=0.5), Row("b", "m", precision=math.nan), Row("c", "n")), 3)
    first, second = benchmark.summaries(table)
    assert first.means["precision"] == 0.5
    assert math.isnan(second.means["precision"])
    text = benchmark.summary_text(table, 3.0)
    assert "AUC step@1" in text
    assert "trapez" in text
    assert "within 3 px" in text


def test_that_pairs_of_the_same_name_count_one_by_one(tmp_path: Path) -> None:
    table = Table((Row("graf 1-2", "m"), Row("graf 1-2", "n"), Row("graf 1-2", "m"), Row("graf 1-2", "n")), 4)
    assert benchmark.summary_text(table, 3.0).startswith("Means over 2 pairs; ")
    assert benchmark.summary_text(Table(table.rows[:1], 4), 3.0).startswith("Means over 1 pair; ")
    defaults = matchers.get("sift").defaults()
    benchmark.write_table(tmp_path / "t.csv", table, {"m": defaults, "n": defaults})
    assert '"pairs": 2,' in (tmp_path / "t.csv").read_text(encoding="utf-8")


numbers = st.floats(0, 1e6) | st.just(math.nan)
counts = st.none() | st.integers(0, 10**6)
a_row = st.builds(
    Row,
    pair=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=9)
    | st.sampled_from(['a, "b"', "#1", "graf 1-2", "two\nlines"]),
    matcher=st.sampled_from(["sift", "orb"]),
    **dict.fromkeys(("keypoints_left", "keypoints_right", "matches", "right", "wrong"), counts),
    **dict.fromkeys(("precision", "recall", "repeatability"), numbers),
    mma=st.tuples(*[numbers] * 10),
    corner_error=numbers | st.just(math.inf),
    seconds=st.tuples(*[numbers] * len(TIMED)),
)


@given(st.lists(a_row, max_size=4))
@settings(max_examples=50, deadline=None)
def test_that_the_csv_gives_back_the_table_to_nine_digits(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    benchmark.write_table(path, Table(tuple(rows), len(rows)), few("sift"))
    again = benchmark.read_table(path)
    assert [(r.pair, r.matcher) for r in again.rows] == [(r.pair, r.matcher) for r in rows]
    for a, b in zip(again.rows, rows, strict=True):
        np.testing.assert_allclose(_floats(a), _floats(b), rtol=1e-8)


def _floats(row: Row) -> list[float]:
    return [math.nan if value is None else value for value in row.numbers]


def test_that_the_csv_has_the_documented_columns_and_one_comment_line(tmp_path: Path) -> None:
    benchmark.write_table(tmp_path / "t.csv", rows_of(0.25, math.nan), few("sift", "orb"))
    comment, *lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    about = json.loads(comment.removeprefix("# "))
    assert about["matchers"]["orb"]["detect.count"] == 200
    assert about["version"]
    first, second = csv.DictReader(lines)
    assert list(first) == list(HEADER)
    assert list(HEADER) == [
        "pair", "matcher", "keypoints_left", "keypoints_right", "matches", "right", "wrong", "precision", "recall",
        "repeatability", *(f"mma{t}" for t in range(1, 11)), "corner_error", "seconds_load", "seconds_detect_describe",
        "seconds_match", "seconds_verify", "seconds_evaluate",
    ]  # fmt: skip
    assert (first["corner_error"], second["corner_error"], first["right"]) == ("0.25", "", "4")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("matcher,", "method,", "no column matcher"),
        (",5,4,1,", ",5,4.5,1,", "right is 4.5"),
        (",5,", ",x,", "not a number"),
    ],
)
def test_that_a_bad_table_gets_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "t.csv"
    benchmark.write_table(path, rows_of(0.25), few("sift"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=words):
        benchmark.read_table(path)


def test_that_real_pictures_give_the_usual_order_of_difficulty(shared_data: Path) -> None:
    refs = pairs.from_folder(shared_data / "oxford_affine" / "graf")[:3]
    table = run_to_end(benchmark.run(refs, {"sift": matchers.get("sift").defaults()}))
    precision = [row.precision for row in table.rows]
    assert precision == sorted(precision, reverse=True)
    assert precision[0] > 0.85
