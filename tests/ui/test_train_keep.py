"""Keeping an epoch of a training as a model: its card names what the training started from."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.jobs import run_to_end
from app.learning import model_store
from app.learning.train import train
from app.ui.train.keep import Kept, keep
from app.ui.train.model_jobs import card_rows, listing
from tests.learning.test_train import DATA, QUICK, model


def test_that_an_epoch_is_kept_with_its_origin_though_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path / "models"))
    first = model(tmp_path / "first.safetensors", ids=(("old.png", "1" * 64),))
    origin = model_store.read_card(first)
    settings = replace(QUICK, start=str(first), epochs=1)
    snapshot = run_to_end(train(DATA, settings, epochs_folder=tmp_path)).snapshot
    first.unlink()
    epoch = tmp_path / "epoch-001.safetensors"
    name = run_to_end(keep(Kept(None, settings, snapshot, epoch, 1), "kept"))
    card = model_store.load_checkpoint(model_store.find(name)).card
    assert (card.start, card.data_ids) == (("first", origin.sha256), origin.data_ids)
    assert (card.epochs, card.loss, card.seed) == (1, "hardnet", QUICK.seed)
    assert card.device == snapshot.device != ""
    assert set(card.numbers) == {"held-out FPR95", "held-out rank-1"}


def test_that_the_card_of_a_shipped_model_says_how_long_and_on_what_it_was_trained() -> None:
    for one in (found for found in run_to_end(listing()) if found.shipped):
        rows = dict(card_rows(one))
        assert one.card is not None
        assert rows["trained for"] == f"{one.card.epochs} epochs, 8 min on {one.card.device}"
        assert not any(text.endswith("…") for name, text in rows.items() if name != "sha256")
