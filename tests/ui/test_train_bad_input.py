"""Bad input in the window's Train workspace: one sentence each, nothing lost, and the next start works."""

from __future__ import annotations

import errno
import importlib.util
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data as pictures
from train_parts import TINY, Lab, noisy_points

from app.jobs import Progress
from app.learning import model_store, run_file
from app.learning.patch_data import WarpSettings
from app.learning.patch_set import PatchSet, split
from app.learning.train import JUDGE_SHARE
from app.records import UserError
from app.ui.train import sources
from app.ui.train.models_page import ModelsPage
from app.ui.train.sources import DataPlan, Prepared
from app.ui.train.state import DATA_KEY, SETTINGS_KEY, WARP_KEY, DataState

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs PyTorch, which is not installed here"
)


@pytest.fixture
def real(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The window with the data as the program really prepares them."""
    lab.trainer.prepared = None
    monkeypatch.setattr("app.ui.train.trainer.prepare", sources.prepare)
    return lab


def begin(lab: Lab, source: str, path: Path) -> None:
    """Press Start on a source, and wait for its end."""
    lab.session.set_workspace_state(DATA_KEY, DataState(source=source, path=str(path)))
    lab.session.set_workspace_state(WARP_KEY, WarpSettings(views=2, points=60))
    lab.session.set_workspace_state(SETTINGS_KEY, TINY)
    lab.until(lambda: lab.trainer.phase == "idle")
    lab.click(lab.workspace.controls.run)
    lab.until(lambda: lab.trainer.phase == "idle")


def given(lab: Lab, monkeypatch: pytest.MonkeyPatch, data: PatchSet) -> None:
    """Train on these patches."""

    def at_once(plan: DataPlan, seed: int, kept: Path | None = None) -> Generator[Progress, None, Prepared]:
        yield Progress(0, None, "Reading")
        return Prepared(plan, seed, data, split(data, JUDGE_SHARE, seed)[1], (), 3.0)

    lab.trainer.prepared = None
    monkeypatch.setattr("app.ui.train.trainer.prepare", at_once)
    lab.train()


def still_trains(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after a failure is a training like any other."""
    given(lab, monkeypatch, noisy_points())
    assert lab.trainer.result is not None
    assert not lab.trainer.result.stopped


def test_one_photograph_is_enough(real: Lab, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), pictures.camera()[:320, :320])
    begin(real, "folder", tmp_path)
    assert real.trainer.result is not None
    assert real.messages[-1].startswith("Trained 2 epochs")


def test_photographs_without_a_keypoint(real: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 300), 128, np.uint8))
    begin(real, "folder", tmp_path)
    assert real.messages[-1].count(".") == 1
    assert "gives no patches; take pictures with more structure" in real.messages[-1]
    still_trains(real, monkeypatch)


def test_a_folder_of_one_class(real: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cats").mkdir()
    for row in range(3):
        cv2.imwrite(str(tmp_path / "cats" / f"{row}.png"), np.full((40, 40), 60 * row, np.uint8))
    begin(real, "classes", tmp_path)
    assert "at least two folders of pictures, one per class" in real.messages[-1]
    still_trains(real, monkeypatch)


def test_a_file_that_is_no_photograph(real: Lab, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    begin(real, "folder", tmp_path)
    assert "broken.png" in real.messages[-1]
    assert real.trainer.result is None


def test_patches_of_one_class_and_equal_patches(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    data = noisy_points()
    given(lab, monkeypatch, replace(data, point=np.zeros(len(data), np.int32)))
    assert "one class only" in lab.messages[-1]
    given(lab, monkeypatch, replace(data, patches=np.full_like(data.patches, 77)))
    assert "All patches of textures are equal" in lab.messages[-1]
    still_trains(lab, monkeypatch)


def test_a_margin_that_cannot_be_met_starts_nothing(lab: Lab) -> None:
    lab.train()
    before = lab.trainer.result
    lab.begin(replace(TINY, margin=2.5))
    assert lab.trainer.phase == "idle"
    assert "margin of 2.5 can never be met" in lab.messages[-1]
    assert lab.trainer.result is before, "what was trained before stays"


def test_a_loss_that_overflows_keeps_the_last_good_epoch(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second epoch; what is kept is the whole network of the first."""
    from app.learning import losses

    real, calls = losses.triplet_terms, [0]

    def overflowing(*arguments: object) -> losses.Terms:
        calls[0] += 1
        terms = real(*arguments)  # type: ignore[arg-type]
        return replace(terms, values=terms.values * (float("inf") if calls[0] > 3 else 1.0))

    monkeypatch.setattr(losses, "triplet_terms", overflowing)
    lab.train()
    assert lab.trainer.result is not None
    assert "not a number" in lab.messages[-1]
    assert "network of epoch 1 is kept" in lab.messages[-1]
    assert all(np.isfinite(values).all() for values in lab.trainer.result.tensors.values())
    assert len(lab.trainer.epoch_files) == 1


def test_a_full_disk_while_training_is_told_once_and_training_ends(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object) -> None:
        raise UserError(f"Cannot write {path}: {OSError(errno.ENOSPC, 'No space left on device').strerror}.")

    monkeypatch.setattr(run_file, "write_tensors", full)
    lab.train()
    told = [text for text in lab.messages if "No space left on device" in text]
    assert len(told) == len(set(told)) >= 1
    assert "Training goes on, but the last epoch is not on disk." in told[0]
    assert lab.trainer.result is not None
    assert lab.snapshot().epoch == 2
    assert lab.trainer.epoch_files == ()


def test_a_damaged_state_is_told_and_another_start_works(lab: Lab) -> None:
    lab.begin(replace(TINY, epochs=300))
    lab.until(lambda: lab.trainer.snapshot is not None and len(lab.trainer.snapshot.epoch_files) >= 2)
    lab.click(lab.workspace.controls.stop)
    lab.until(lambda: lab.trainer.interrupted is not None)
    state = lab.trainer.folder.state
    state.write_bytes(state.read_bytes()[:200])
    lab.click(lab.workspace.controls.resume)
    lab.until(lambda: lab.trainer.phase == "idle")
    assert str(state) in lab.messages[-1]
    lab.train()
    assert lab.trainer.result is not None


def test_damaged_and_foreign_checkpoints_are_refused(lab: Lab, tmp_path: Path) -> None:
    lab.train()
    page = lab.open("models")
    assert isinstance(page, ModelsPage)
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(lab.trainer.epoch_files[-1].read_bytes()[:300])
    foreign = tmp_path / "foreign.safetensors"
    from app.learning.tensor_file import write_tensors

    write_tensors(foreign, {"weight": np.zeros(3, np.float32)}, {"kind": "something else"})
    for file in (torn, foreign, tmp_path / "missing.safetensors"):
        count = len(lab.messages)
        page.import_from(file)
        lab.until(lambda count=count: len(lab.messages) > count and not page.busy)  # type: ignore[misc]
        assert str(file) in lab.messages[-1]
        assert file.stem not in model_store.names()
