"""Model files: cards, names, importing and exporting, damage, and running them without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from app.jobs import run_to_end
from app.learning import descriptor, model_store, networks, towers
from app.learning.model_store import Checkpoint, ModelCard
from app.learning.onnx_file import onnx_bytes
from app.learning.run_file import network_tensors
from app.learning.tensor_file import write_tensors
from app.learning.train import train
from app.learning.train_settings import TrainSettings
from app.records import UserError
from tests.learning.test_train import DATA

PATCHES = DATA.patches[:40]


def tower(name: str = "tiny", seed: int = 0) -> torch.nn.Sequential:
    made = networks.make_tower(towers.PLANS[name], seed=seed)
    with torch.no_grad():
        for _ in range(3):  # batch statistics of real patches
            networks.embed(made, networks.as_input(DATA.patches[40:]))
    return made


def card(name: str = "mine", network: str = "tiny") -> ModelCard:
    return ModelCard(
        name, "", network, 32, 3.0, 128, loss="hardnet", data_ids=(("a.png", "0" * 64),), numbers={"x": 0.5}
    )


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of the user's own models."""
    folder = tmp_path / "models"
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(folder))
    return folder


def saved(folder: Path, name: str = "mine", seed: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    model_store.save_checkpoint(path, card(name), network_tensors(tower(seed=seed)))
    return path


@pytest.mark.parametrize("name", list(towers.PLANS))
def test_that_a_file_describes_as_the_network_it_was_saved_from(name: str, tmp_path: Path) -> None:
    network = tower(name)
    path = tmp_path / "m.safetensors"
    done = model_store.save_checkpoint(path, card("m", name), network_tensors(network))
    assert len(done.sha256) == 64
    found = descriptor.load(path)
    expected = networks.describe_patches(network, PATCHES)
    values = found.describe(PATCHES)
    assert values.dtype == np.float32
    assert np.abs(values - expected).max() < 2e-6
    assert np.allclose(np.linalg.norm(values, axis=1), 1, atol=1e-6)
    assert found.describe(PATCHES[:0]).shape == (0, 128)
    assert np.array_equal(found.describe(PATCHES[3:4]), values[3:4]) or np.allclose(
        found.describe(PATCHES[3:4]), values[3:4], atol=1e-6
    )
    assert model_store.read_card(path) == done
    assert done.data_ids == (("a.png", "0" * 64),)


def test_that_patches_of_other_sizes_are_resized_and_flat_ones_are_no_nan(tmp_path: Path) -> None:
    found = descriptor.load(saved(tmp_path))
    large = np.stack([cv2.resize(patch, (64, 64), interpolation=cv2.INTER_NEAREST) for patch in PATCHES])
    assert np.allclose(found.describe(large), found.describe(PATCHES), atol=1e-6)
    assert np.isfinite(found.describe(np.full((2, 32, 32), 77, np.uint8))).all()
    for bad in (np.zeros((5, 32), np.uint8), np.zeros((2, 0, 32), np.uint8)):
        with pytest.raises(UserError, match="N × height × width"):
            found.describe(bad)
    asked = iter([False, True])
    found.describe(np.zeros((300, 32, 32), np.uint8), stop=lambda: next(asked))
    assert next(asked, "all asked") == "all asked"


def test_that_an_exported_model_runs_in_opencv_alone(tmp_path: Path) -> None:
    path = saved(tmp_path)
    target = tmp_path / "m.onnx"
    model_store.export_onnx(path, target)
    network = cv2.dnn.readNetFromONNX(str(target))
    network.setInput(PATCHES.astype(np.float32)[:, None])
    assert np.allclose(network.forward(), descriptor.load(path).describe(PATCHES), atol=1e-6)


def test_that_the_onnx_package_accepts_the_model(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the onnx package, which checks models, is not installed here")
    onnx.checker.check_model(
        onnx.load_from_string(onnx_bytes(network_tensors(tower()), towers.PLANS["tiny"], 32)), full_check=True
    )


def test_that_describing_needs_no_torch(tmp_path: Path, project_root: Path) -> None:
    path = saved(tmp_path)
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from app.learning import descriptor\n"
        f"print(descriptor.load(Path({str(path)!r})).describe(np.zeros((3, 32, 32), np.uint8)).shape)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project_root, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["(3, 128)", "False"]


def test_that_a_network_read_again_replaces_the_one_in_memory(tmp_path: Path) -> None:
    path = saved(tmp_path)
    first = descriptor.load(path)
    assert descriptor.load(path) is first
    saved(tmp_path, seed=5)
    assert descriptor.load(path).card.sha256 != first.card.sha256


def test_names_finding_renaming_and_deleting(own: Path) -> None:
    assert "mine" not in model_store.names()
    saved(own, "mine")
    saved(own, "other one")
    assert {"mine", "other one"} <= set(model_store.names())
    assert model_store.find("mine") == own / "mine.safetensors"
    assert model_store.find(str(own / "mine.safetensors")) == own / "mine.safetensors"
    assert set(model_store.titles()) >= {"default", "mine"}
    with pytest.raises(UserError, match=r"no model 'nothing'.*mine"):
        model_store.find("nothing")
    with pytest.raises(UserError, match="already"):
        model_store.rename("mine", "other one")
    for bad in ("", "../up", "a/b", ".hidden", "x" * 100):
        with pytest.raises(UserError, match="cannot be a model's name"):
            model_store.rename("mine", bad)
    model_store.rename("mine", "yours")
    assert model_store.read_card(model_store.find("yours")).name == "yours"
    assert "mine" not in model_store.names()
    model_store.delete("yours")
    assert sorted(file.name for file in own.iterdir()) == ["other one.json", "other one.safetensors"]
    with pytest.raises(UserError, match="no model 'yours'"):
        model_store.delete("yours")


def test_importing_a_model(own: Path, tmp_path: Path) -> None:
    path = saved(tmp_path / "elsewhere", "brought")
    assert model_store.import_file(path) == "brought"
    assert model_store.read_card(own / "brought.safetensors").numbers == {"x": 0.5}
    with pytest.raises(UserError, match="already"):
        model_store.import_file(path)


def test_that_a_file_of_one_epoch_works_without_a_card(tmp_path: Path) -> None:
    settings = TrainSettings(network="tiny", batch=16, epochs=2, threads=1)
    result = run_to_end(train(DATA, settings, epochs_folder=tmp_path))
    files = sorted(tmp_path.glob("epoch-*.safetensors"))
    assert [file.name for file in files] == ["epoch-001.safetensors", "epoch-002.safetensors"]
    assert list(result.snapshot.epoch_files) == [str(file) for file in files]
    last = descriptor.load(files[1])
    assert last.card.network == "tiny"
    made = networks.make_tower(towers.PLANS["tiny"])
    made.load_state_dict({name: torch.from_numpy(value) for name, value in result.tensors.items()})
    assert np.allclose(last.describe(PATCHES), networks.describe_patches(made, PATCHES), atol=2e-6)
    done = model_store.card_of(result, "kept", span=3.0)
    assert (done.steps, done.epochs, done.loss) == (result.snapshot.step, 2, "hardnet")
    assert 0 <= done.numbers["held-out FPR95"] <= 1


def test_that_the_tower_of_a_head_is_kept_and_a_joint_network_refused() -> None:
    settings = TrainSettings(network="tiny", design="head", batch=16, epochs=1, threads=1)
    result = run_to_end(train(DATA, settings))
    tensors = model_store.tower_tensors(result)
    network = descriptor.Descriptor(Checkpoint(card(), tensors))
    assert np.isfinite(network.describe(PATCHES)).all()
    assert model_store.card_of(result, "h", span=3.0).loss == "softmax"
    with pytest.raises(UserError, match="joint network"):
        model_store.tower_tensors(replace(result, settings=replace(settings, design="joint")))


def test_that_damaged_foreign_and_changed_files_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    with pytest.raises(UserError, match="damaged"):
        descriptor.load(path)
    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(UserError, match="not the file its card describes"):
        descriptor.load(path)
    write_tensors(path, {"a": np.zeros(3, np.float32)}, {"kind": "something"})
    with pytest.raises(UserError, match="does not hold a network"):
        descriptor.load(path)
    path.write_bytes(whole)
    text = model_store.card_path(path).read_text()
    for wrong in ("{", json.dumps({"kind": "pairs"}), text.replace('"tiny"', '"huge"'), "[]"):
        model_store.card_path(path).write_text(wrong)
        with pytest.raises(UserError):
            descriptor.load(path)
    other = network_tensors(tower("fast"))
    model_store.save_checkpoint(path, card(), other)
    with pytest.raises(UserError, match="another network than tiny"):
        descriptor.load(path)
    broken = network_tensors(tower())
    broken["0.weight"] = broken["0.weight"] * np.nan
    model_store.save_checkpoint(path, card(), broken)
    with pytest.raises(UserError, match="not numbers"):
        descriptor.load(path)
    with pytest.raises(UserError, match="Cannot read"):
        descriptor.load(tmp_path / "none.safetensors")


def test_that_a_folder_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path / "file" / "models"))
    with pytest.raises(UserError, match="Cannot make the folder"):
        model_store.folder()
    assert "default" in model_store.titles()
