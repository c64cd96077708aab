"""The command line: what is printed, what is written, and one sentence with an exit code for what goes wrong."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app import __version__, benchmark, cli, matchers, pairs, pipeline
from app.formats.features_files import read_features_csv, read_features_npz
from app.formats.matches_csv import read_matches_csv
from app.formats.matches_json import read_matches_json
from app.formats.matches_npz import read_matches_npz
from app.jobs import run_to_end
from app.learning import learners
from app.learning.data_sets import BUILT_IN
from app.matchers import with_assignments
from app.records import MatchRequest, PairRef
from app.settings import fields_of
from app.ui.session_state import Opened

ROOT = Path(__file__).resolve().parent.parent
MAIN = [sys.executable, str(ROOT / "main.py")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sequence of three pictures of one plane, shifted by whole pixels, in a folder with a spaced Unicode name."""
    place = tmp_path_factory.mktemp("bilder mit ü")
    texture = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (220, 260), np.uint8), (0, 0), 2.0)
    texture = cv2.normalize(texture, texture, 0, 255, cv2.NORM_MINMAX)
    for k, shift in enumerate((0, 7, 15), start=1):
        _, data = cv2.imencode(".png", texture[10:210, shift : shift + 240])
        (place / f"{k}.png").write_bytes(data.tobytes())
        np.savetxt(place / f"H_1_{k}", [[1, 0, -shift], [0, 1, 0], [0, 0, 1]])
    return place


@pytest.fixture
def images(folder: Path) -> list[str]:
    return [str(folder / "1.png"), str(folder / "2.png")]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# ---------------------------------------------------------------------------------- match


def test_that_match_prints_funnel_precision_and_times(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    pair = [str(folder / "1.png"), str(folder / "2.png")]
    code, out, err = run(capsys, "match", *pair, "--truth", str(folder / "H_1_2"))
    assert (code, err) == (0, "")
    for word in ("1.png (240 × 200)", "left keypoints", "mutual", "inliers", "precision", "seconds: load"):
        assert word in out


def test_that_match_writes_what_the_pipeline_found_in_every_format(
    capsys: pytest.CaptureFixture[str], images: list[str], tmp_path: Path
) -> None:
    chosen = ["detect.count=0", "match.ratio=0.7", "match.mutual=false", "verify.model=none"]
    sets = [word for item in chosen for word in ("--set", item)]
    for suffix in (".csv", ".npz", ".json"):
        code, out, _ = run(capsys, "match", *images, "--matcher", "sift", *sets, "--out", str(tmp_path / f"m{suffix}"))
        assert code == 0
        assert f"Wrote {tmp_path / f'm{suffix}'}" in out
    expected = with_assignments(matchers.get("sift").defaults(), chosen)
    result = run_to_end(pipeline.run_pair(MatchRequest(pairs.from_files(*images), "sift", expected)))
    assert result.matches is not None
    assert result.left is not None
    tables = read_matches_csv(tmp_path / "m.csv"), read_matches_json(tmp_path / "m.json")
    for table in tables:
        np.testing.assert_array_equal(table.left_xy, result.left.keypoints.xy[result.matches.pairs[:, 0]])
        np.testing.assert_array_equal(table.distance, result.matches.distance)
        assert set(table.inlier.tolist()) == {-1}
        assert table.origin is not None
        assert dict(table.origin.settings)["match.mutual"] is False
    archive = read_matches_npz(tmp_path / "m.npz")
    np.testing.assert_array_equal(archive.matches.pairs, result.matches.pairs)
    assert archive.sizes == ((240, 200), (240, 200))


def test_that_json_prints_one_object(capsys: pytest.CaptureFixture[str], folder: Path, images: list[str]) -> None:
    code, out, err = run(capsys, "match", *images, "--truth", str(folder / "H_1_2"), "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["origin"]["version"] == __version__
    assert document["evaluation"]["precision"] > 0.9
    assert document["origin"]["left"]["path"] == images[0]
    assert out.count("\n") == 1


def test_that_a_homography_is_fitted_where_it_should(
    capsys: pytest.CaptureFixture[str], folder: Path, images: list[str]
) -> None:
    _, out, _ = run(capsys, "match", *images, "--json")
    np.testing.assert_allclose(json.loads(out)["verification"]["matrix"], np.loadtxt(folder / "H_1_2"), atol=0.1)


def test_that_an_option_may_stand_between_the_images(capsys: pytest.CaptureFixture[str], images: list[str]) -> None:
    code, out, _ = run(capsys, "match", images[0], "--matcher", "orb", images[1], "--json")
    assert code == 0
    assert json.loads(out)["origin"]["matcher"] == "orb"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_that_a_figure_needs_no_display_not_even_a_living_one(images: list[str], tmp_path: Path, suffix: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    path = tmp_path / f"m.{suffix}"
    done = subprocess.run(
        [*MAIN, "match", *images, "--figure", str(path)],
        env=environment | {"DISPLAY": ":987"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert path.stat().st_size > 2000


# ------------------------------------------------------------------------------- features


def test_that_features_are_those_of_the_pipeline(
    capsys: pytest.CaptureFixture[str], images: list[str], tmp_path: Path
) -> None:
    for matcher in ("sift", "orb", "patch-zncc"):
        settings = with_assignments(matchers.get(matcher).defaults(), ["detect.max_side=150"])
        ref = pairs.from_files(images[0], images[0])
        expected = run_to_end(pipeline.run_pair(MatchRequest(ref, matcher, settings))).left
        assert expected is not None
        common = ["features", images[0], "--matcher", matcher, "--set", "detect.max_side=150", "--out"]
        assert cli.main([*common, str(tmp_path / "f.csv")]) == cli.main([*common, str(tmp_path / "f.npz")]) == 0
        table, archive = read_features_csv(tmp_path / "f.csv"), read_features_npz(tmp_path / "f.npz")
        for found in (table, archive):
            for name in ("xy", "size", "angle", "response", "octave", "layer"):
                ours, theirs = (getattr(features.keypoints, name) for features in (found.features, expected))
                np.testing.assert_array_equal(ours, theirs, err_msg=f"{matcher} {name}")
        assert expected.descriptors is not None
        assert archive.features.descriptors is not None
        np.testing.assert_array_equal(archive.features.descriptors.values, expected.descriptors.values)
        assert archive.features.descriptors.metric == expected.descriptors.metric
    assert "keypoints by SIFT, descriptors of 128 numbers (l2)" in capsys.readouterr().out


def test_that_the_history_has_a_row_per_candidate_with_stage_and_reason(
    capsys: pytest.CaptureFixture[str], images: list[str], tmp_path: Path
) -> None:
    target, table = tmp_path / "h.csv", tmp_path / "f.csv"
    arguments = ["features", images[0], "--matcher", "sift-explained", "--set", "detect.max_side=180"]
    code, out, err = run(capsys, *arguments, "--history", str(target), "--out", str(table))
    assert (code, err) == (0, "")
    lines = target.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines[1:]))
    count = int(out.split(" extrema", 1)[0])
    assert len(rows) == count > 20
    assert json.loads(lines[0][1:])["matcher"] == "sift-explained"
    alive = [row for row in rows if row["stage"] == "described"]
    assert sum(int(row["keypoints"]) for row in alive) == len(read_features_csv(table).features.keypoints)
    assert all((row["reason"] == "") == (row["stage"] == "described") for row in rows)
    places = {(row["x"], row["y"]) for row in alive}
    found = read_features_csv(table).features.keypoints.xy
    expected = np.array(sorted((float(x), float(y)) for x, y in places))
    np.testing.assert_allclose(expected, np.unique(found, axis=0), atol=1e-3)
    code, _, err = run(capsys, "features", images[0], "--history", str(target))
    assert code == 2
    assert "use --matcher sift-explained" in err


# ------------------------------------------------------------------------------- evaluate


def test_that_evaluate_writes_one_row_per_pair_and_matcher_and_prints_both_areas(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    csv = tmp_path / "out.csv"
    code, out, err = run(capsys, "evaluate", str(folder), "--matchers", "sift,orb", "--csv", str(csv))
    assert code == 0
    rows = benchmark.read_table(csv).rows
    assert [row.matcher for row in rows] == ["sift", "orb"] * 2
    assert all(row.precision > 0.8 and row.corner_error < 2 for row in rows)
    for word in ("sift", "orb", "AUC step@1", "AUC trapez.@1", "precision"):
        assert word in out
    assert "4/4" in err  # the progress bar
    assert "4/4" not in out


def test_that_evaluate_takes_a_list_of_pairs_and_workers(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    for name in ("1.png", "3.png"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "pairs.txt").write_text("1.png 3.png\n3.png 1.png\n")
    for path in (tmp_path, tmp_path / "pairs.txt"):
        code, out, err = run(capsys, "evaluate", str(path), "--workers", "2", "--quiet")
        assert (code, err) == (0, "")
        assert "Means over 2 pairs" in out


def test_that_a_setting_goes_to_the_matchers_that_have_it(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    csv = tmp_path / "o.csv"
    given = ["--set", "detect.count=50", "--set", "detect.contrast=0.01"]
    assert cli.main(["evaluate", str(folder), "--matchers", "sift,orb", "--quiet", "--csv", str(csv), *given]) == 0
    about = json.loads(csv.read_text(encoding="utf-8").splitlines()[0][2:])["matchers"]
    assert about["sift"]["detect.contrast"] == 0.01
    assert "detect.contrast" not in about["orb"]
    assert about["orb"]["detect.count"] == about["sift"]["detect.count"] == 50


def test_that_a_failing_pair_gives_an_empty_row_a_sentence_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "pairs.txt").write_text("1.png broken.png\n1.png 2.png\n")
    csv = tmp_path / "o.csv"
    code, _, err = run(capsys, "evaluate", str(tmp_path / "pairs.txt"), "--csv", str(csv), "--quiet")
    assert code == 1
    assert err.startswith("correspondence-explorer: sift on 1.png – broken.png: ")
    assert err.count("\n") == 1
    first, second = benchmark.read_table(csv).rows
    assert first.matches is None
    assert second.matches


# ------------------------------------------------------------------------------ questions


def test_that_list_settings_names_every_setting_of_the_matcher(capsys: pytest.CaptureFixture[str]) -> None:
    for entry in matchers.discover():
        if entry.reason:
            continue
        code, out, _ = run(capsys, "--list-settings", "--matcher", entry.key)
        assert code == 0
        assert entry.spec is not None
        defaults = entry.spec.defaults()
        for stage in matchers.STAGES:
            for spec in fields_of(getattr(defaults, stage)):
                assert f"{stage}.{spec.name}  default " in out
                assert spec.help in out


def test_that_list_matchers_gives_reasons_for_the_disabled(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--list-matchers")
    assert code == 0
    lines = out.splitlines()
    for entry, line in zip(matchers.discover(), lines, strict=True):
        assert line.startswith(entry.key)
        assert ("disabled" in line) == bool(entry.reason)
        assert entry.reason in line


def test_that_every_command_answers_questions(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("match", "features", "evaluate"):
        assert "match.ratio" in run(capsys, command, "--list-settings")[1]
        code, out, _ = run(capsys, command, "--help")
        assert code == 0
        assert f"correspondence-explorer {command}" in out
    assert "lmnn.k  default 3  (1 to 50)" in run(capsys, "metric", "--list-settings")[1]
    assert (
        "nca.rank  default 0  (0 to 2000, 0 = full)" in run(capsys, "metric", "--learner", "nca", "--list-settings")[1]
    )
    help_on_metrics = " ".join(run(capsys, "metric", "--help")[1].split())
    assert f"--learner KEY {', '.join(learners.runnable())} (default lmnn)" in help_on_metrics
    assert f"--data NAME {', '.join(BUILT_IN)}, toy:NAME" in help_on_metrics
    for row in learners.ROWS:
        assert run(capsys, "metric", "--learner", row.key, "--list-settings")[0] == (0 if row.learn else 2)
    help_on_training = " ".join(run(capsys, "train", "--help")[1].split())
    assert "[random weights |" in help_on_training
    assert "default random weights]" in help_on_training
    assert run(capsys, "train", "--list-settings")[0] == 2  # its settings are options of its own
    assert run(capsys, "--version") == (0, f"correspondence-explorer {__version__}\n", "")


# -------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["match", "L"], "two images are needed, found 1"),
        (["match", "L", "R", "L"], "two images are needed, found 3"),
        (["match", "L", "R", "--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["match", "L", "R", "--set", "match.ration=0.8"], "did you mean match.ratio"),
        (["match", "L", "R", "--set", "ratio=0.8"], "stage.name=value"),
        (["match", "L", "R", "--set", "match.ratio"], "stage.name=value"),
        (["match", "L", "R", "--set", "match.ratio=7"], "match.ratio: 7 is out of range; use 0 to 1"),
        (["match", "L", "R", "--set", "match.ratio=nan"], "match.ratio: nan is out of range"),
        (["match", "L", "R", "--set", "verify.model=cube"], "choose one of none, homography"),
        (["match", "L", "R", "--set", "match.mutual=perhaps"], "use true or false"),
        (["match", "L", "R", "--matcher", "sfit"], "There is no matcher called 'sfit'"),
        (["match", "L", "R", "--out", "m.xls"], "must end in .csv, .npz, .json"),
        (["match", "L", "R", "--out", "no/such/m.csv"], "the folder no/such does not exist"),
        (["match", "L", "R", "--figure", "m.bmp"], "must end in .png, .svg, .pdf"),
        (["match", "L", "nothing.png"], "nothing.png"),
        (["match", "L", "FOLDER"], "is a folder"),
        (["match", "L", "TEXT"], "not a picture"),
        (["match", "L", "R", "--truth", "nothing"], "nothing"),
        (["match", "L", "R", "--truth", "L"], "not a homography"),
        (["features"], "one image is needed, found 0"),
        (["features", "L", "--set", "match.ratio=0.5"], "there is no match.ratio for sift here"),
        (["features", "L", "--out", "f.json"], "must end in .csv, .npz"),
        (["evaluate"], "a folder, a list of pairs, or --builtin is needed"),
        (["evaluate", "FOLDER", "--matchers", ","], "name at least one"),
        (["evaluate", "FOLDER", "--matchers", "sift,sfit"], "no matcher called 'sfit'"),
        (["evaluate", "FOLDER", "--workers", "0"], "use 1 to 64"),
        (["evaluate", "FOLDER", "--workers", "two"], "invalid int value: 'two'"),
        (["evaluate", "FOLDER", "--csv", "o.txt"], "must end in .csv"),
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate", "L"], "one picture"),
        (["--size", "huge"], "write it as 1600x1000"),
        (["--size", "10x10"], "each side 200 to 8000"),
        (["--theme", "mauve"], "invalid choice: 'mauve'"),
        (["--workspace", "kitchen"], "There is no workspace called 'kitchen'; choose one of match"),
        (["--screenshot", "w.png", "--workspace", "kitchen"], "There is no workspace called 'kitchen'"),
        (["--screenshot", "w.docx"], "w.docx names no kind of picture; use a name ending in .png"),
        (["--screenshot", "no/such/w.png", "L", "R"], "the folder no/such does not exist"),
        (["nowhere.png"], "nowhere.png; check the name"),
        (["mtach", "L", "R"], "There is no command and no file called mtach; did you mean match?"),
        (["evalute", "FOLDER"], "did you mean evaluate?"),
        (["L"], "one picture; choose two"),
        (["--list-settings", "--matcher", "sfit"], "no matcher called 'sfit'"),
    ],
)
def test_that_a_mistake_gets_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], words: str,
) -> None:  # fmt: skip
    places = {"L": folder / "1.png", "R": folder / "2.png", "TEXT": folder / "H_1_2", "FOLDER": folder}
    code, out, err = run(capsys, *(str(places.get(word, word)) for word in arguments))
    assert code == 2
    assert out == ""
    assert err.startswith("correspondence-explorer: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["match", "L", "R", "--figure", "L"],
        ["match", "L", "R", "--figure", "SAME"],
        ["--screenshot", "R", "L", "R"],
        ["evaluate", "LIST", "--csv", "LIST"],
        ["metric", "--data", "DATA", "--out", "DATA"],
    ],
)
def test_that_no_file_that_is_read_is_written_over(
    capsys: pytest.CaptureFixture[str], images: list[str], tmp_path: Path, arguments: list[str]
) -> None:
    places = {"L": "left.png", "R": "right.png", "SAME": "sub/../left.png", "LIST": "pairs.csv", "DATA": "x.npz"}
    (tmp_path / "sub").mkdir()
    for name, source in zip(("left.png", "right.png"), images, strict=True):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
    (tmp_path / "pairs.csv").write_text("left.png right.png\n")
    np.savez(tmp_path / "x.npz", x=np.zeros((4, 2)), y=np.array([0, 0, 1, 1]))
    before = {name: (tmp_path / name).read_bytes() for name in places.values()}
    words = [str(tmp_path / places[word]) if word in places else word for word in arguments]
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "it is one of the files that are read; choose another name." in err
    assert {name: (tmp_path / name).read_bytes() for name in places.values()} == before


def test_that_nothing_is_written_when_a_picture_cannot_be_read(images: list[str], tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("old")
    assert cli.main(["match", images[0], str(tmp_path / "none.png"), "--out", str(tmp_path / "m.csv")]) == 2
    assert (tmp_path / "m.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


# ---------------------------------------------------------------------------------- window


class Launched:
    """What was asked of the window."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from app.ui import launch

        self.calls: list[tuple[Any, ...]] = []
        self.opened: list[object] = []
        monkeypatch.setattr(launch, "start", self.start)
        monkeypatch.setattr(launch, "screenshot", self.screenshot)

    def start(
        self, refs: Sequence[PairRef], theme: str | None, workspace: str | None, notes: Sequence[str], opened: object
    ) -> int:
        self.calls.append(("start", [ref.title for ref in refs], theme, workspace, *notes))
        self.opened.append(opened)
        return 0

    def screenshot(
        self, path: str, refs: Sequence[PairRef], workspace: str | None, size: tuple[int, int], theme: str
    ) -> None:
        self.calls.append(("screenshot", path, len(refs), workspace, size, theme))


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Launched:
    return Launched(monkeypatch)


def test_that_the_window_opens_what_was_named(launched: Launched, images: list[str], folder: Path) -> None:
    assert cli.main([]) == 0
    assert cli.main(images) == 0
    assert cli.main([str(folder), "--theme", "light", "--workspace", "match"]) == 0
    assert [call[0] for call in launched.calls] == ["start"] * 3
    assert [len(call[1]) for call in launched.calls] == [0, 1, 2]
    assert launched.calls[2][2:] == ("light", "match")
    # The list of the folder is found again at the next start; one pair comes back by itself.
    assert launched.opened == [None, None, Opened((str(folder),))]


def test_that_all_pairs_can_be_asked_for_and_what_was_left_out_is_told(
    launched: Launched, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes((folder / "1.png").read_bytes())
    assert cli.main([str(tmp_path)]) == cli.main(["--all-pairs", str(tmp_path)]) == 0
    assert [len(call[1]) for call in launched.calls] == [2, 3]
    (tmp_path / "pairs.txt").write_text("a.png b.png\na.png gone.png\n")
    for arguments in ([str(tmp_path / "pairs.txt")], ["evaluate", "--quiet", str(tmp_path / "pairs.txt")]):
        code, _, err = run(capsys, *arguments)
        assert code == 0
        assert err.startswith("correspondence-explorer: 1 of 2 pairs of pairs.txt were left out: gone.png is missing")
        assert err.count("\n") == 1
    assert "gone.png" in launched.calls[-1][4]


def test_that_a_screenshot_is_asked_for_with_size_theme_and_pair(launched: Launched, images: list[str]) -> None:
    assert cli.main(["--screenshot", "w.png"]) == 0
    assert cli.main(["--screenshot", "w.png", "--size", "1280x800", "--theme", "light", *images]) == 0
    assert launched.calls == [
        ("screenshot", "w.png", 0, None, (1600, 1000), "dark"),
        ("screenshot", "w.png", 1, None, (1280, 800), "light"),
    ]


def test_that_a_folder_named_like_a_command_can_be_opened(
    launched: Launched, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "match").symlink_to(folder, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["./match"]) == 0
    assert len(launched.calls[0][1]) == 2


# --------------------------------------------------------------------------- as a process


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MAIN, *arguments], capture_output=True, text=True, timeout=120, check=False, **options)


def test_that_no_display_gets_one_sentence_and_exit_code_2() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a display here")
    done = process(env=environment)
    assert done.returncode == 2
    assert "There is no display" in done.stderr
    assert done.stderr.count("\n") == 1


def test_that_work_without_a_window_imports_no_qt(images: list[str], folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom app import cli\n"
        f"assert cli.main(['match', *{images!r}, '--out', {str(tmp_path / 'm.csv')!r}]) == 0\n"
        f"assert cli.main(['features', {images[0]!r}, '--out', {str(tmp_path / 'f.npz')!r}]) == 0\n"
        f"assert cli.main(['evaluate', {str(folder)!r}, '--csv', {str(tmp_path / 'e.csv')!r}]) == 0\n"
        "heavy = {'PySide6', 'shiboken6', 'torch', 'kornia', 'sklearn', 'skimage', 'pyqtgraph', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_that_help_needs_neither_opencv_nor_qt() -> None:
    code = (
        "import sys\nfrom app import cli\n"
        "assert cli.main(['--help']) == cli.main(['evaluate', '--help']) == 0\n"
        "print(sorted({'cv2', 'PySide6', 'torch', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_that_a_reader_that_goes_away_leaves_no_traceback() -> None:
    with subprocess.Popen([*MAIN, "--list-settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_that_an_output_that_takes_nothing_gets_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*MAIN, "--list-matchers"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "correspondence-explorer: Cannot go on: No space left on device.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_that_the_exit_code_tells_where_stderr_takes_nothing(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*MAIN, "match", str(tmp_path), "b"], stderr=full, timeout=60, check=False)
    assert done.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_that_interrupting_keeps_the_rows_so_far_beside_the_old_file(folder: Path, tmp_path: Path) -> None:
    listed = "\n".join(f"{folder.name}/1.png {folder.name}/{k}.png" for k in (2, 3) * 2000)
    (tmp_path / folder.name).symlink_to(folder, target_is_directory=True)
    name = "plain"
    (tmp_path / name).symlink_to(folder, target_is_directory=True)
    (tmp_path / "pairs.txt").write_text(listed.replace(folder.name, name), encoding="utf-8")
    (tmp_path / "o.csv").write_text("old")
    arguments = ["evaluate", str(tmp_path / "pairs.txt"), "--csv", str(tmp_path / "o.csv"), "--matchers", "orb"]
    # A shell that runs the tests in the background has them ignore the signal, and children would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen([*MAIN, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        signal.signal(signal.SIGINT, before)
        assert running.stderr is not None
        text = b""
        while not re.search(rb" ([3-9]|[0-9]{2,})/4000", text) and running.poll() is None:
            text += os.read(running.stderr.fileno(), 4096)
        running.send_signal(signal.SIGINT)
        text += running.stderr.read()
        assert running.wait(20) == 130  # all 4,000 would take far longer
    assert text.decode().splitlines()[-1] == "correspondence-explorer: Interrupted."
    assert b"Traceback" not in text
    assert (tmp_path / "o.csv").read_text() == "old"
    assert len(benchmark.read_table(tmp_path / "o.partial.csv").rows) >= 3
