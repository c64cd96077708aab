"""The Train workspace in the real window: a tiny network on scikit-learn's digits, driven with real events."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from match_parts import REFS
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from train_parts import TINY, Lab

from app.learning import model_store
from app.learning.train_state import Lamp
from app.records import UserError
from app.ui.match_export import ask_path
from app.ui.own_card import SURE
from app.ui.train import PAGES
from app.ui.train.curves_page import CurvesPage
from app.ui.train.drawings import thinned
from app.ui.train.embedding_page import EmbeddingPage
from app.ui.train.match_page import MatchPage
from app.ui.train.models_page import ModelsPage
from app.ui.train.run_folder import RunFolder, place
from app.ui.train.sources import DataPlan
from app.ui.train.state import DATA_KEY, FIRST_WARP, SETTINGS_KEY, DataState
from app.ui.train.trainer import Report
from app.ui.train.triplets_page import TripletsPage, kind_of

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs PyTorch, which is not installed here"
)


def test_a_training_from_start_to_matcher(lab: Lab) -> None:
    lab.train()
    assert lab.trainer.result is not None
    assert not lab.trainer.result.stopped
    assert lab.messages[-1].startswith("Trained 2 epochs")
    page = lab.open("curves")
    assert isinstance(page, CurvesPage)
    lab.until(lambda: all(chart.drawing.curves for chart in page.charts))
    loss = page.charts[0].drawing.curves[0]
    np.testing.assert_allclose(loss.y, lab.snapshot().curves.loss, rtol=1e-6)
    assert len(lab.trainer.epoch_files) == 2
    lab.click(lab.workspace.details.use)
    lab.until(lambda: lab.session.state.matcher == "siamese")
    assert model_store.names()[-1] == "digits hardnet 1"
    assert lab.session.settings.describe.model == "digits hardnet 1"
    card = model_store.read_card(model_store.find("digits hardnet 1"))
    assert card.data_ids == (("one", "0" * 64),)
    assert card.numbers["held-out FPR95"] == pytest.approx(lab.snapshot().judgements[-1].fpr95, abs=1e-5)


def test_pause_step_and_stop(lab: Lab) -> None:
    controls = lab.workspace.controls
    assert not controls.step.isEnabled()
    assert controls.step.toolTip() == "Start first"
    lab.begin(replace(TINY, epochs=500))
    lab.until(lambda: lab.trainer.snapshot is not None and lab.trainer.snapshot.epoch >= 1)
    lab.click(controls.run)
    assert lab.trainer.phase == "paused"
    assert controls.run.text() == "Go on"
    QTest.qWait(500)  # the batch under way ends
    held = lab.snapshot().step
    QTest.qWait(300)
    assert lab.snapshot().step == held
    for _ in range(4):  # a judgement has steps of its own
        lab.click(controls.step)
        QTest.qWait(150)
    lab.until(lambda: lab.snapshot().step > held)
    assert lab.snapshot().step <= held + 4
    lab.click(controls.run)
    lab.until(lambda: lab.snapshot().step > held + 4)
    lab.click(controls.stop)
    assert lab.trainer.phase == "idle"
    assert "Resume goes on" in lab.messages[-1]
    assert controls.resume.isVisible()


def test_resume_goes_on_after_the_last_epoch(lab: Lab) -> None:
    lab.begin(replace(TINY, epochs=300))
    lab.until(lambda: lab.trainer.snapshot is not None and lab.trainer.snapshot.epoch >= 2)
    lab.click(lab.workspace.controls.stop)
    stopped = lab.snapshot().epoch
    lab.click(lab.workspace.controls.resume)
    lab.until(lambda: lab.trainer.snapshot is not None)
    assert lab.snapshot().epoch >= stopped - 1
    assert len(lab.snapshot().curves.loss) == lab.snapshot().step
    lab.click(lab.workspace.controls.stop)


def test_closing_the_window_keeps_the_last_epoch(lab: Lab) -> None:
    lab.begin(replace(TINY, epochs=300))
    lab.until(lambda: lab.trainer.snapshot is not None and len(lab.trainer.snapshot.epoch_files) >= 2)
    lab.window.close()
    assert lab.window.ended
    found = RunFolder(place()).interrupted()
    assert found is not None
    plan, settings = found
    assert plan.data.source == "digits"
    assert settings == replace(TINY, epochs=300)


def test_a_loss_that_is_not_a_number_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.learning import train as module

    real = module._step

    def broken(run: object) -> str:
        return "The loss is not a number after step 3." if run.step >= 3 else real(run)  # type: ignore[attr-defined, arg-type]

    monkeypatch.setattr(module, "_step", broken)
    lab.train()
    assert lab.messages[-1] == "The loss is not a number after step 3."
    assert lab.trainer.result is not None
    assert "not a number" in lab.workspace.controls.text.text()


def test_a_failure_is_one_sentence_and_another_start_works(lab: Lab) -> None:
    lab.train(replace(TINY, batch=4000))
    assert "the batch needs 4000" in lab.messages[-1]
    lab.train()
    assert lab.trainer.result is not None


def test_a_folder_that_was_not_chosen_is_asked_for(lab: Lab) -> None:
    lab.session.set_workspace_state(DATA_KEY, DataState(source="folder"))
    lab.click(lab.workspace.controls.run)
    assert lab.trainer.phase == "idle"
    assert "needs a folder" in lab.messages[-1]


def test_two_starts_in_a_row_leave_the_second(lab: Lab) -> None:
    lab.begin(replace(TINY, epochs=300))
    lab.until(lambda: lab.trainer.snapshot is not None)
    lab.workspace.start()
    lab.session.set_workspace_state(SETTINGS_KEY, replace(TINY, seed=3))
    lab.workspace.start()
    lab.until(lambda: lab.trainer.phase == "idle")
    assert lab.trainer.result is not None
    assert lab.trainer.result.settings.seed == 3
    assert len(lab.trainer.epoch_files) == 2


def test_the_lamp_says_why_and_a_remedy_changes_the_setting(lab: Lab) -> None:
    lamp = lab.workspace.controls.lamp
    lamp.show_lamp(Lamp("collapsed", "All descriptors are the same.", (("miner", "semi-hard", "Look at semi-hard."),)))
    assert lamp.words.text() == "Collapsed"
    assert lamp.why.text() == "All descriptors are the same."
    assert lamp.buttons[0].text() == "Negatives: Semi-hard (FaceNet)"
    lab.click(lamp.buttons[0])
    assert lab.workspace._settings.training.miner == "semi-hard"
    assert "Start trains with it" in lab.messages[-1]


def test_that_a_loss_and_a_design_bring_their_negatives_but_the_users_own_stay(lab: Lab) -> None:
    panel = lab.workspace._settings
    usual = replace(panel.training, loss="hardnet", design="embedding", miner="in-batch")
    panel.set_training(usual)
    panel.set_training(replace(usual, design="head"))
    assert panel.training.miner == "distance-weighted"
    panel.set_training(replace(panel.training, design="joint"))
    assert not panel.train_form.rows["miner"].widgets[0].isEnabled()
    panel.set_training(replace(usual, loss="triplet", miner="in-batch"))
    panel.set_training(replace(panel.training, miner="hardest"))
    panel.set_training(replace(panel.training, loss="contrastive"))
    assert panel.training.miner == "hardest"


def test_pull_only_lights_the_lamp(lab: Lab) -> None:
    lab.train(replace(TINY, loss="positive-only", epochs=40, rate=0.02, miner="random", spread=False))
    lamp = lab.workspace.controls.lamp
    assert lamp.mark.state == "collapsed"
    lab.click(lamp.buttons[-1])
    assert lab.workspace._settings.training.spread


def test_a_patch_chosen_in_the_embedding_is_marked_in_the_gallery(lab: Lab) -> None:
    lab.train()
    page = lab.open("embedding")
    assert isinstance(page, EmbeddingPage)
    lab.until(lambda: page.view.projection is not None)
    projection = page.view.projection
    assert projection is not None
    judged = lab.snapshot().judgements[-1]
    row = int(np.flatnonzero(projection.judged.sample == judged.hardest[0, 0])[0])
    at = page.view.places()[row]
    # Another thumbnail may lie on top: what is nearest to the click is what is chosen.
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=QPoint(round(at[0]), round(at[1])))
    chosen = page.view.row_at(round(at[0]), round(at[1]))
    assert lab.workspace.train_state.patch == projection.judged.sample[chosen]
    lab.session.set_workspace_state("train", replace(lab.workspace.train_state, patch=int(judged.hardest[0, 0])))
    gallery = lab.open("triplets")
    assert isinstance(gallery, TripletsPage)
    lab.until(lambda: any(group.marked for group in gallery.hardest.groups))
    assert [group.marked for group in gallery.hardest.groups] == [
        int(judged.hardest[0, 0]) in pair for pair in judged.hardest.tolist()
    ]
    assert [group.title for group in gallery.mined.groups] == sorted(
        (group.title for group in gallery.mined.groups), key=["hard", "semi-hard", "easy"].index
    )


@pytest.mark.parametrize(
    ("gap", "kind"), [(-0.1, "hard"), (0.0, "hard"), (0.1, "semi-hard"), (0.2, "easy"), (0.3, "easy")]
)
def test_kinds_of_triplets(gap: float, kind: str) -> None:
    assert kind_of(gap, 0.2) == kind


def test_the_slider_matches_the_open_pair_with_an_epoch(lab: Lab) -> None:
    lab.session.open_pairs(REFS[:1])
    lab.train()
    lab.click(lab.workspace.details.use)  # the matcher is there from the first model on
    lab.until(lambda: lab.session.state.matcher == "siamese")
    page = lab.open("match")
    assert isinstance(page, MatchPage)
    lab.until(lambda: page.compared is not None and page.compared.epoch == 2)
    page.slider.setFocus()
    QTest.keyClick(page.slider, Qt.Key.Key_Left)
    lab.until(lambda: page.compared is not None and page.compared.epoch == 1)
    assert lab.workspace.train_state.epoch == 1
    assert page.compared is not None
    assert page.compared.network.request.settings.describe.model.endswith("epoch-001.safetensors")
    assert page.compared.sift.request.matcher == "sift"
    assert " right · " in page.parts[0].value.text()


def test_models_are_renamed_exported_and_deleted(lab: Lab, tmp_path: Path) -> None:
    lab.train()
    lab.click(lab.workspace.details.use)
    lab.until(lambda: lab.session.state.matcher == "siamese")
    page = lab.open("models")
    assert isinstance(page, ModelsPage)
    names = [page.list.item(row).text() for row in range(page.list.count())]
    page.list.setCurrentRow(next(row for row, name in enumerate(names) if name.startswith("digits hardnet 1")))
    page.own.name.selectAll()
    QTest.keyClicks(page.own.name, "mine")
    lab.click(page.own.rename)
    lab.until(lambda: page.chosen is not None and page.chosen.name == "mine")
    assert lab.session.settings.describe.model == "mine"  # the matcher that uses it has followed
    assert page.ask is ask_path  # which asks before a file is written over, whatever the ending
    asked: list[tuple[str, str]] = []

    def answer(_parent: object, _title: str, suggestion: str, kinds: str) -> str:
        """Choose a place in the dialog."""
        asked.append((suggestion, kinds))
        return str(tmp_path / "mine.onnx")

    page.ask = answer
    lab.click(page.export)
    lab.until(lambda: (tmp_path / "mine.onnx").exists() and not page.busy)
    assert asked == [(str(Path.home() / "mine.onnx"), "ONNX (*.onnx)")]
    lab.click(page.own.delete)
    assert page.own.delete.text() == SURE
    lab.click(page.own.delete)
    lab.until(lambda: "mine" not in model_store.names() and not page.busy)
    assert lab.session.settings.describe.model != "mine"
    with pytest.raises(UserError):
        model_store.find("mine")


def test_that_the_delete_key_asks_too_and_a_shipped_model_stays_and_says_why(lab: Lab) -> None:
    for file in (model_store.find("medium"), model_store.card_path(model_store.find("medium"))):
        shutil.copy(file, model_store.folder() / f"mine{file.suffix}")
    page = lab.open("models")
    assert isinstance(page, ModelsPage)
    page.list.setCurrentRow(0)
    for widget in (page.own.name, page.own.rename, page.own.delete):
        assert not widget.isEnabled()
        assert "comes with the program" in widget.toolTip()
    QTest.keyClick(page.list, Qt.Key.Key_End)
    assert page.chosen is not None
    assert page.chosen.name == "mine"
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    assert page.own.delete.text() == SURE
    assert "mine" in model_store.names()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    lab.until(lambda: "mine" not in model_store.names() and not page.busy)
    assert lab.messages[-1] == "The model mine was deleted."
    assert [page.list.item(row).text().split()[0] for row in range(page.list.count())] == list(model_store.names())


def test_every_page_opens_without_a_training_and_says_what_to_do(lab: Lab) -> None:
    for entry in PAGES:
        page = lab.open(entry.key)
        assert page is lab.workspace.page
        assert lab.window.width() == 1280, "a page must not push the window wider"


def test_reports_that_were_overtaken_lose_nothing(lab: Lab) -> None:
    lab.begin()
    lab.until(lambda: lab.trainer.phase == "idle")
    assert isinstance(Report(), Report)
    assert lab.trainer.prepared is not None
    assert lab.trainer.prepared.plan == DataPlan(DataState(source="digits"), FIRST_WARP)


def test_the_legend_of_the_small_canvases_names_every_class(lab: Lab) -> None:
    lab.session.open_pairs(REFS[:1])
    lab.train()
    lab.click(lab.workspace.details.use)
    lab.until(lambda: lab.session.state.matcher == "siamese")
    page = lab.open("match")
    assert isinstance(page, MatchPage)
    lab.until(lambda: page.compared is not None and page.compared.network.request.ref == REFS[0])
    assert "right" in page.legend.text()
    assert lab.session.state.selection is None
    page.views[1].line_clicked.emit(0)
    chosen = lab.session.state.selection
    assert chosen is not None
    assert chosen.partner is not None
    assert {mark.side for mark in page.views[0].marks} == {"left", "right"}


def test_the_run_before_stays_beside_the_new_one(lab: Lab) -> None:
    lab.train(replace(TINY, loss="triplet", miner="random"))
    first = lab.snapshot()
    page = lab.open("curves")
    assert isinstance(page, CurvesPage)
    assert not page.compare.isEnabled()
    lab.train(replace(TINY, loss="triplet", miner="hardest"))
    assert lab.trainer.before is first
    lab.until(lambda: any(curve.name == "before" for curve in page.charts[1].drawing.curves))
    old = next(curve for curve in page.charts[1].drawing.curves if curve.name == "before")
    np.testing.assert_allclose(old.y, [judged.fpr95 for judged in first.judgements])
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_B)
    assert not lab.workspace.train_state.compare
    lab.until(lambda: not any(curve.name == "before" for curve in page.charts[1].drawing.curves))


def test_thinned_curves_keep_their_mean_and_leave_gaps_out() -> None:
    values = np.arange(1000, dtype=np.float32)
    values[10:20] = np.nan
    x, y = thinned(values, 100)
    assert len(x) <= 100
    assert y[-1] == pytest.approx(994.5)
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(thinned(values[:10])[0], np.arange(1, 11))


def test_that_a_wrong_pair_says_what_its_patches_are_of() -> None:
    from app.learning.patch_set import PatchSet
    from app.ui.train.triplets_page import scene_words

    patches, point = np.zeros((4, 32, 32), np.uint8), np.arange(4)
    digits = PatchSet("digits", patches, point, np.array([0, 0, 1, 2]), ("3", "8", "a photograph.png"))
    assert scene_words(digits, 0, 1) == "same scene"
    assert scene_words(digits, 0, 2) == "3 and 8"
    assert scene_words(digits, 0, 3) == "two scenes"  # a long name has no room
