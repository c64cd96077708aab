"""``train`` and ``describe`` on the command line, and the matcher that uses what they make."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from app import cli, matchers, pairs, pipeline
from app.jobs import run_to_end
from app.learning import descriptor, model_store
from app.learning.train import train
from app.learning.train_settings import TrainSettings
from app.matchers import siamese
from app.records import MatchRequest, UserError
from app.settings import with_value
from app.vision.photographs import photograph
from tests.learning.test_train import DATA


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network trained by the command line on two crops of a cat, for a second."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "photos").mkdir()
    cat = photograph("chelsea")
    cv2.imwrite(str(folder / "photos" / "a.png"), cat[:, :280])
    cv2.imwrite(str(folder / "photos" / "b.png"), cat[:, 220:])
    out = folder / "cat.safetensors"
    arguments = ["train", "--data", str(folder / "photos"), "--loss", "triplet", "--miner", "hardest", "--epochs", "2"]
    arguments += ["--batch", "16", "--views", "3", "--network", "tiny", "--threads", "1", "--out", str(out)]
    assert cli.main(arguments) == 0
    return out


def test_what_training_leaves_behind(trained: Path) -> None:
    names = sorted(file.name for file in trained.parent.iterdir())
    assert names == ["cat.json", "cat.safetensors", "photos"]
    card = model_store.read_card(trained)
    assert (card.network, card.loss, card.miner, card.margin, card.epochs) == ("tiny", "triplet", "hardest", 0.2, 2)
    assert [name for name, _ in card.data_ids] == ["photos/a.png", "photos/b.png"]
    assert all(len(digest) == 64 for _, digest in card.data_ids)
    assert card.command.startswith("train --data")
    assert card.settings["patches"]["views"] == 3
    cards = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (card.device == "processor") == (not cards)
    assert card.device


def test_describing_patches(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "p.npz", tmp_path / "d.npy"
    np.savez(source, patches=DATA.patches[:30])
    assert cli.main(["describe", str(source), "--model", str(trained), "--out", str(out)]) == 0
    values = np.load(out, allow_pickle=False)
    assert (values.shape, values.dtype) == ((30, 128), np.float32)
    assert np.array_equal(values, descriptor.load(trained).describe(DATA.patches[:30]))
    assert "30 patches described" in capsys.readouterr().out


def test_that_a_network_without_descriptors_is_refused_before_it_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.safetensors"
    assert cli.main(["train", "--data", str(tmp_path / "none"), "--design", "joint", "--out", str(out)]) == 2
    assert "has no descriptor to write" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


BAD_PATCHES = {
    "has no array patches": {"other": np.zeros((2, 32, 32), np.uint8)},
    "must be uint8": {"patches": np.zeros((2, 32, 32), np.float32)},
    "of shape": {"patches": np.zeros((2, 32), np.uint8)},
}


@pytest.mark.parametrize("words", BAD_PATCHES)
def test_that_bad_patches_are_refused(
    words: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "p.npz"
    np.savez(source, **BAD_PATCHES[words])
    assert cli.main(["describe", str(source), "--model", str(trained), "--out", str(tmp_path / "d.npy")]) == 2
    assert words in capsys.readouterr().err


def test_that_files_that_are_no_patches_are_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "d.npy")
    torn, single, pickled = tmp_path / "torn.npz", tmp_path / "one.npy", tmp_path / "p.npz"
    torn.write_bytes(b"PK\x03\x04 torn")
    np.save(single, DATA.patches[:2])
    np.savez(pickled, patches=np.array([{"a": 1}], dtype=object))
    for path in (torn, single, pickled, tmp_path / "none.npz"):
        assert cli.main(["describe", str(path), "--model", str(trained), "--out", out]) == 2
        assert str(path) in capsys.readouterr().err
    np.savez(pickled, patches=DATA.patches[:2])
    assert cli.main(["describe", str(pickled), "--model", "nonesuch", "--out", out]) == 2
    assert "no model 'nonesuch'" in capsys.readouterr().err
    assert not Path(out).exists()


def test_that_bad_arguments_of_training_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "m.safetensors")]
    (tmp_path / "empty").mkdir()
    (tmp_path / "one").mkdir()
    cv2.imwrite(str(tmp_path / "one" / "wall.png"), np.full((80, 80), 100, np.uint8))
    for arguments, words in (
        (["--data", str(tmp_path / "none")], "no folder"),
        (["--data", str(tmp_path / "empty")], "no image"),
        (["--data", str(tmp_path / "one")], "gives no patches"),
        (["--data", str(tmp_path / "one"), "--kind", "folders"], "at least two folders"),
        (["--data", str(tmp_path / "one"), "--kind", "nonsense"], "choose one of"),
        ([], "--data"),
        (["--data", str(tmp_path / "one"), "--epochs", "many"], "epochs"),
        (["--data", str(tmp_path / "one"), "--loss", "magic"], "choose one of"),
        (["--kind", "signatures", "--batch", "16", "--loss", "triplet", "--margin", "9"], "can never be met"),
    ):
        assert cli.main(["train", *arguments, *out]) == 2, arguments
        assert words in capsys.readouterr().err
        (tmp_path / "m.patches.safetensors").unlink(missing_ok=True)
    assert not (tmp_path / "m.safetensors").exists()
    (tmp_path / "m.training.safetensors").write_bytes(b"")
    assert cli.main(["train", "--kind", "signatures", *out]) == 2
    assert "--resume" in capsys.readouterr().err


def test_training_on_signatures_and_going_on(tmp_path: Path) -> None:
    out = tmp_path / "s.safetensors"
    arguments = [
        "train",
        "--kind",
        "signatures",
        "--batch",
        "16",
        "--epochs",
        "1",
        "--network",
        "tiny",
        "--threads",
        "1",
    ]
    assert cli.main([*arguments, "--out", str(out), "--resume"]) == 0
    assert json.loads(out.with_suffix(".json").read_text())["data"] == "drawn signatures"


# -------------------------------------------------------------------------------- matcher


def request(model: Path, span: str = "3") -> MatchRequest:
    ref = pairs.builtin()[0]
    settings = matchers.MatcherSpec.defaults(siamese.MATCHER)
    describe = with_value(with_value(settings.describe, "model", str(model)), "span", span)
    return MatchRequest(
        ref, "siamese", replace(settings, describe=describe, detect=replace(settings.detect, count=300))
    )


@pytest.fixture
def usable(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(trained.parent))
    matchers.discover.cache_clear()
    matchers._shipped.cache_clear()
    yield trained
    matchers.discover.cache_clear()
    matchers._shipped.cache_clear()


@pytest.mark.parametrize("span", list(siamese.SPANS))
def test_that_a_trained_network_matches(span: str, usable: Path) -> None:
    result = run_to_end(pipeline.run_pair(request(usable, span)))
    assert result.left is not None
    assert result.left.descriptors is not None
    assert result.left.descriptors.values.shape[1] == 128 * len(span.split("+"))
    assert np.allclose(np.linalg.norm(result.left.descriptors.values, axis=1), 1, atol=1e-5)
    assert result.evaluation is not None
    assert result.evaluation.recall > 0.02


def test_that_a_network_trained_anew_under_the_same_name_is_not_taken_from_the_cache(usable: Path) -> None:
    cache = pipeline.Cache()
    before = run_to_end(pipeline.run_pair(request(usable), cache))
    again = run_to_end(pipeline.run_pair(request(usable), cache))
    assert again.left is before.left
    result = run_to_end(train(DATA, TrainSettings(network="tiny", batch=16, epochs=1, threads=1)))
    path = usable.parent / "cat2.safetensors"
    model_store.save_checkpoint(path, model_store.card_of(result, "cat2", span=3.0), result.tensors)
    one = run_to_end(pipeline.run_pair(request(path), cache))
    model_store.save_checkpoint(path, model_store.read_card(usable), model_store.load_checkpoint(usable).tensors)
    two = run_to_end(pipeline.run_pair(request(path), cache))
    assert one.left is not None
    assert two.left is not None
    assert one.left is not two.left
    path.unlink()
    model_store.card_path(path).unlink()


def test_that_without_a_model_the_matcher_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path / "none"))
    monkeypatch.setattr(model_store, "shipped_folder", lambda: tmp_path / "none")
    assert "train one with" in siamese.ready()
    assert siamese.SiameseDescribe().model == "default"
    with pytest.raises(UserError, match="no model 'default'"):
        siamese.identity(siamese.SiameseDescribe())
