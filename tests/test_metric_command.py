"""``metric`` on the command line, and its result as a matcher."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import benchmark, locate, matchers, pairs, pipeline
from app.cli import main
from app.jobs import run_to_end
from app.learning import data_sets, metric_store
from app.learning.descriptor_data import DescriptorSettings, descriptors, image_ids
from app.learning.neighbours import leave_one_out_error
from app.matchers.learned_metric import MATCHER
from app.matchers.siamese import MATCHER as SIAMESE
from app.records import Keypoints, MatchRequest, Metric, UserError, WorkingImage


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "kept"
    monkeypatch.setenv(metric_store.FOLDER_VARIABLE, str(folder))
    yield folder
    matchers.refresh()


def graf_like() -> list:
    """Two built-in pairs with an exact truth."""
    loaded = [pairs.load(ref) for ref in pairs.builtin()[:2]]
    assert all(pair.truth.kind not in ("none", "epipolar") for pair in loaded)
    return loaded


def test_that_a_csv_gives_a_report_and_a_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    rows = np.c_[rng.normal(size=60) * 5, y + rng.normal(size=60) * 0.1]
    lines = ["noise,signal,label", *(f"{a},{b},{'uv'[c]}" for (a, b), c in zip(rows, y, strict=True))]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    out = tmp_path / "L.npz"
    code = main(["metric", "--data", str(tmp_path / "d.csv"), "--set", "lmnn.k=2", "--out", str(out), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert report["points"] == 60
    assert report["classes"] == 2
    assert report["rank"] in (1, 2)
    assert report["objective"][-1] < report["objective"][0]
    assert len(report["seconds_at"]) == len(report["objective"])
    judged = report["cross_validation"]
    assert judged["error_after"] <= judged["error_before"]
    metric = metric_store.read_metric(out)
    assert metric.learned_by == "LMNN, k 2, push 0.5"
    assert metric.trained_on == (str(tmp_path / "d.csv"),)
    assert abs(metric.matrix[1, 1]) > abs(metric.matrix[0, 0])


@pytest.mark.parametrize("learner", ["lmnn", "mmc", "mmc-lecture", "nca", "itml", "relative", "naive"])
def test_that_every_learner_runs(learner: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metric", "--learner", learner, "--data", "toy:three", "--folds", "3"]) == 0
    out = capsys.readouterr().out
    assert "objective" in out
    assert "cross-validation" in out


def test_that_wine_standardised_is_reported_as_known(capsys: pytest.CaptureFixture[str]) -> None:
    if reason := data_sets.ready():
        pytest.skip(reason)
    assert main(["metric", "--data", "wine", "--standardise", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["cross_validation"]["error_before"] == pytest.approx(0.045, abs=0.002)
    assert report["cross_validation"]["error_after"] < 0.02
    assert report["cross_validation"]["p_value"] < 0.05


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name either --data"),
        (["--data", "toy:moons", "--pairs", "x"], "Name either --data"),
        (["--data", "nothing"], "no data set"),
        (["--data", "toy:moons", "--learner", "svm"], "no learner called"),
        (["--data", "toy:moons", "--set", "lmnn.k=0"], "out of range"),
        (["--data", "toy:moons", "--set", "mmc.form=full"], r"write lmnn.form"),
        (["--data", "toy:moons", "--set", "k=3"], "stage.name=value"),
        (["--data", "toy:moons", "--out", "L.txt"], ".npz"),
        (["--data", "toy:moons", "--folds", "1"], "1 folds"),
        (["--data", "toy:moons", "--k", "500"], "use k 1 to 1"),
        (
            ["--data", "toy:moons", "--k", "0"],
            "0 neighbours were asked for, but there are 108 other points; use k 1 to 108.",
        ),
    ],
)
def test_that_bad_input_gets_one_sentence(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["metric", *arguments]) == 2
    complaint = capsys.readouterr().err.strip()
    assert words in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["1,2,oak", "2,1,oak", "3,4,elm", "4,3,elm", "5,5,ash"], "Class ash has a single point"),
        (["1,2,oak", "2,1,oak", "3,4,elm", "4,3,elm"], "Class elm has 2 points, too few for 3 target neighbours"),
        (["1,2,oak", "2,1,oak", "3,4,oak"], "All 3 points are of one class"),
        (["1,2,oak"], "at least two points"),
        (["1e200,2,oak", "2,1,oak", "3,4,elm"], "Feature 1 holds 1e+200, whose square overflows"),
    ],
)
def test_that_data_that_cannot_be_learned_from_are_told_by_name(
    rows: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trees.csv"
    path.write_text("\n".join(["height,width,label", *rows]))
    assert main(["metric", "--data", str(path)]) == 2
    complaint = capsys.readouterr().err.strip()
    assert words in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize("learner", ["lmnn", "mmc", "mmc-lecture", "nca", "itml", "relative", "naive"])
@pytest.mark.parametrize("kind", ["constant", "duplicates", "wide", "singular"])
def test_that_awkward_data_give_numbers_or_one_sentence(
    learner: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A constant feature, all points twice, more dimensions than points, classes that never differ inside: no NaN."""
    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    x = rng.normal(size=(24, 40 if kind == "wide" else 2)) + 2 * y[:, None]
    if kind == "constant":
        x[:, 1] = 5
    elif kind == "duplicates":
        x, y = np.concatenate([x[:12], x[:12]]), np.concatenate([y[:12], y[:12]])
    elif kind == "singular":
        x[:, 0] = y
    path = tmp_path / "awkward.npz"
    np.savez(path, x=x, y=y)
    code = main(["metric", "--data", str(path), "--learner", learner, "--folds", "3", "--json"])
    told = capsys.readouterr()
    if code:
        assert told.err.strip().count("\n") == 0
        assert "Something went wrong" not in told.err
    else:
        report = json.loads(told.out, parse_constant=lambda name: pytest.fail(f"{name} in the report"))
        assert np.isfinite(report["objective"]).all()
        assert 0 <= report["cross_validation"]["error_after"] <= 1


def test_that_descriptors_of_pairs_are_labelled_by_place() -> None:
    loaded = graf_like()
    settings = DescriptorSettings(count=300)
    data = run_to_end(descriptors(loaded, settings))
    assert data.x.shape[1] == 128
    assert np.bincount(data.y).min() >= 2
    assert len(data.classes) > 40
    np.testing.assert_allclose(np.linalg.norm(data.x, axis=1), 1, atol=0.1)
    assert leave_one_out_error(data.x, data.y, 1) < 0.6  # chance is above 0.98
    twice = run_to_end(descriptors([loaded[0], loaded[0]], settings))
    once = run_to_end(descriptors([loaded[0]], settings))
    assert len(twice.classes) == len(once.classes)  # the same images join their places
    assert len(image_ids([loaded[0], loaded[0]])) == 2


def test_that_a_learned_metric_is_a_matcher(own_folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    name = metric_store.keep(Metric(np.linalg.qr(rng.normal(size=(128, 128)))[0] * 3, "turned"))
    matchers.refresh()
    spec = matchers.get("learned-metric")
    defaults = spec.defaults()
    assert defaults.describe.metric == name
    ref = pairs.builtin()[0]
    both = {
        key: run_to_end(pipeline.run_pair(MatchRequest(ref, key, settings)))
        for key, settings in (("sift", matchers.get("sift").defaults()), ("learned-metric", defaults))
    }
    sift, learned = both["sift"].matches, both["learned-metric"].matches
    assert sift is not None
    assert learned is not None
    assert (sift.pairs == learned.pairs).all()  # a rotation changes no neighbour
    np.testing.assert_allclose(learned.distance, sift.distance * 3 / 512, rtol=1e-4)


def test_that_a_metric_of_another_length_is_refused(tmp_path: Path) -> None:
    metric_store.write_metric(tmp_path / "wine.npz", Metric(np.eye(13), "wine"))
    settings = MATCHER.defaults()
    settings = replace(settings, describe=replace(settings.describe, metric=str(tmp_path / "wine.npz")))
    with pytest.raises(UserError, match="13 features, a SIFT descriptor has 128"):
        MATCHER.describe(WorkingImage("blank", np.zeros((50, 50), np.uint8)), Keypoints.empty(), settings.describe)
    settings = replace(settings, describe=replace(settings.describe, metric="none.npz"))
    with pytest.raises(UserError, match="cannot be read"):
        MATCHER.describe(WorkingImage("blank", np.zeros((50, 50), np.uint8)), Keypoints.empty(), settings.describe)


def test_that_the_matcher_says_what_is_missing() -> None:
    assert "No metric has been learned" in MATCHER.ready()
    matchers.refresh()
    with pytest.raises(UserError, match="cannot be used: No metric"):
        matchers.get("learned-metric")


def test_that_pairs_are_learned_from_and_kept(
    own_folder: Path, capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    folder = shared_data / "oxford_affine" / "graf"
    code = main(
        [
            "metric",
            "--pairs",
            str(folder),
            "--keypoints",
            "120",
            "--set",
            "lmnn.k=1",
            "--set",
            "lmnn.iterations=5",
            "--keep",
        ]
    )
    out = capsys.readouterr().out
    assert code == 0
    kept = out.strip().splitlines()[-1].removeprefix("Kept as ")
    metric = metric_store.load(kept)
    assert metric.factor.shape[1] == 128
    assert metric.details["descriptor"] == "sift"
    assert len(metric.trained_on) >= 2


def test_that_a_metric_judged_on_its_own_pair_says_so(own_folder: Path) -> None:
    first, other = graf_like()
    metric_store.keep(Metric(np.eye(128), "own", trained_on=image_ids([first])))
    matchers.refresh()
    results = [
        run_to_end(pipeline.run_pair(MatchRequest(pair.ref, "learned-metric", MATCHER.defaults())))
        for pair in (first, other)
    ]
    assert "was learned from this pair" in results[0].learned_from
    assert results[0].notes[0] == results[0].learned_from
    assert results[1].learned_from == ""
    assert not any("learned from" in note for note in results[1].notes)
    half = replace(other, left=first.left)
    assert f"the picture {first.left.name}" in MATCHER.learned_from(MATCHER.defaults().describe, half)
    assert benchmark.row_of(results[0]).learned_from == results[0].learned_from


def test_that_a_network_says_which_of_its_photographs_it_is_judged_on(tmp_path: Path) -> None:
    model = SIAMESE.defaults().describe
    by_title = {ref.title.split(":")[0]: ref for ref in pairs.builtin()}
    assert "was trained on" in SIAMESE.learned_from(model, pairs.load(by_title["Astronaut"]))
    assert SIAMESE.learned_from(model, pairs.load(by_title["Coffee"])) == ""
    astronaut = locate.photographs() / "astronaut.png"
    copy = tmp_path / "left.png"
    copy.write_bytes(astronaut.read_bytes())
    (tmp_path / "right.png").write_bytes((locate.photographs() / "coffee.png").read_bytes())
    told = SIAMESE.learned_from(model, pairs.load(pairs.from_files(copy, tmp_path / "right.png")))
    assert "picture left.png" in told  # known by its content, whatever it is called
