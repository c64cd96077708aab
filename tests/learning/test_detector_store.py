"""Detectors of the user's own: listed, found, imported with their cards; what is wrong is one sentence each."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

from app.learning import detector_store, model_store
from app.learning.detector_store import DetectorCard, detector, find, import_file, load_detector, save_detector, titles
from app.learning.superpoint_network import MINI, random_weights
from app.learning.tensor_file import write_tensors
from app.records import UserError

OWN_SENTENCE = r"^[^\n]+\.$"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kept" / "detectors"
    monkeypatch.setenv(detector_store.FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def made(tmp_path: Path, own: Path) -> Path:
    """A detector as the command writes it, outside the user's folder."""
    path = tmp_path / "corners.safetensors"
    save_detector(path, DetectorCard("", "", "drawn shapes", numbers={"recall": 0.5}), random_weights(MINI, 7))
    return path


def test_that_without_own_ones_there_are_the_shipped_one_and_random_weights(own: Path) -> None:
    assert list(titles()) == ["trained", "random"]
    assert not own.exists()  # looking makes no folder
    assert find("trained") == detector_store.shipped_path()
    shipped = detector("trained").card
    assert shipped is not None
    assert shipped.name == detector_store.SHIPPED
    assert detector("random").card is None


def test_that_an_imported_one_is_listed_found_and_the_same(own: Path, made: Path) -> None:
    assert import_file(made) == "corners.safetensors"
    assert titles()["corners.safetensors"] == "corners"
    assert find("corners.safetensors") == own / made.name
    card, weights = load_detector(own / made.name)
    assert (card.data, card.numbers) == ("drawn shapes", {"recall": 0.5})
    for name, value in random_weights(MINI, 7).items():
        np.testing.assert_array_equal(weights[name], value)
    at_work = detector("corners.safetensors")
    assert at_work.card == card
    assert detector("corners.safetensors") is at_work  # made once
    assert detector(str(made)).card == card  # a whole path is taken too
    grey = np.random.default_rng(0).integers(0, 255, (40, 48), np.uint8)
    np.testing.assert_array_equal(at_work.network.logits(grey), detector("random", 7).network.logits(grey))


def test_that_importing_twice_changes_nothing_but_another_of_that_name_is_refused(
    own: Path, made: Path, tmp_path: Path
) -> None:
    import_file(made)
    before = (own / made.name).stat().st_mtime_ns
    assert import_file(made) == made.name
    assert import_file(own / made.name) == made.name
    assert (own / made.name).stat().st_mtime_ns == before
    save_detector(made, DetectorCard("", ""), random_weights(MINI, 8))
    with pytest.raises(UserError, match="There is a detector corners already"):
        import_file(made)
    odd = tmp_path / "a,b.safetensors"
    save_detector(odd, DetectorCard("", ""), random_weights(MINI, 8))
    with pytest.raises(UserError, match="cannot be a detector's name"):
        import_file(odd)
    assert list(titles()) == ["trained", "random", "corners.safetensors"]


def test_that_a_file_written_anew_is_read_anew(own: Path, made: Path) -> None:
    import_file(made)
    first = detector(made.name)
    save_detector(own / made.name, DetectorCard("", "", "other"), random_weights(MINI, 9))
    second = detector(made.name)
    assert second is not first
    assert second.card is not None
    assert second.card.data == "other"


def test_that_a_missing_one_is_told_by_its_name(own: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_file(made)
    (own / made.name).unlink()
    monkeypatch.chdir(made.parent)  # a file of that name elsewhere is not taken for it
    with pytest.raises(UserError, match=r"corners\.safetensors is no longer there; choose another"):
        detector(made.name)


def test_that_a_network_that_describes_patches_is_sent_where_it_belongs(own: Path) -> None:
    with pytest.raises(UserError, match="no detector; import it under Train, Models"):
        import_file(model_store.find(model_store.DEFAULT))
    assert list(titles()) == ["trained", "random"]


def test_that_an_own_one_is_renamed_and_stays_what_it_is(own: Path, made: Path) -> None:
    import_file(made)
    before = detector(made.name)
    assert detector_store.rename(made.name, "edges 2.1") == "edges 2.1.safetensors"
    assert list(titles().values()) == ["shipped miniature", "random, untrained", "edges 2.1"]
    assert sorted(file.name for file in own.iterdir()) == ["edges 2.1.json", "edges 2.1.safetensors"]
    after = detector("edges 2.1.safetensors").card
    assert before.card is not None
    assert after is not None
    assert after.name == "edges 2.1"
    assert (after.sha256, after.data, after.numbers) == (before.card.sha256, before.card.data, before.card.numbers)
    assert made.is_file()  # what it was imported from is nobody's business


@pytest.mark.parametrize("name", ["other", "OTHER", "shipped miniature", detector_store.SHIPPED, "", "a/b"])
def test_that_a_name_that_cannot_be_had_is_one_sentence_and_nothing_is_lost(own: Path, made: Path, name: str) -> None:
    import_file(made)
    save_detector(own / "other.safetensors", DetectorCard("", ""), random_weights(MINI, 8))
    before = {file.name: file.read_bytes() for file in own.iterdir()}
    with pytest.raises(UserError, match=OWN_SENTENCE):
        detector_store.rename(made.name, name)
    assert {file.name: file.read_bytes() for file in own.iterdir()} == before


def test_that_a_folder_that_cannot_be_written_keeps_what_it_has(
    own: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(made)

    def refused(**_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    with pytest.raises(UserError, match=r"Cannot write .*edges\.safetensors: Permission denied\.$"):
        detector_store.rename(made.name, "edges")
    assert list(titles()) == ["trained", "random", made.name]
    assert detector(made.name).card is not None


def test_that_an_own_one_is_deleted_even_if_it_is_damaged(own: Path, made: Path) -> None:
    import_file(made)
    (own / made.name).write_bytes(b"PNG")
    with pytest.raises(UserError, match="damaged"):
        detector_store.rename(made.name, "edges")
    detector_store.delete(made.name)
    assert list(own.iterdir()) == []
    for act in (detector_store.delete, lambda which: detector_store.rename(which, "edges")):
        with pytest.raises(UserError, match=r"corners\.safetensors is no longer there"):
            act(made.name)


def test_that_only_own_ones_are_renamed_or_deleted(own: Path, made: Path) -> None:
    import_file(made)
    assert detector_store.why_fixed(made.name) == ""
    for which, why in (("trained", "comes with the program"), ("random", "no file"), (str(made), "lies outside")):
        assert why in detector_store.why_fixed(which)
        for act in (detector_store.delete, lambda which: detector_store.rename(which, "edges")):
            with pytest.raises(UserError, match=why):
                act(which)
    assert made.is_file()
    assert detector_store.shipped_path().is_file()


def broken_card(made: Path) -> None:
    made.with_suffix(".json").write_text("{", encoding="utf-8")


def card_of_other_types(made: Path) -> None:
    card = made.with_suffix(".json")
    content = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(json.dumps({**content, "numbers": {"recall": "half"}}), encoding="utf-8")


def card_of_another(made: Path) -> None:
    save_detector(made.with_name("other.safetensors"), DetectorCard("", ""), random_weights(MINI, 8))
    made.with_name("other.json").replace(made.with_suffix(".json"))


def not_numbers(made: Path) -> None:
    weights = random_weights(MINI, 7)
    weights["3.bias"] = weights["3.bias"] * np.float32(np.nan)
    save_detector(made, DetectorCard("", ""), weights)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: made.write_bytes(made.read_bytes()[:-9]), "is damaged or not a model"),
        (lambda made: made.write_bytes(b"PNG"), "is damaged or not a model"),
        (lambda made: made.unlink(), "Cannot read"),
        (lambda made: write_tensors(made, random_weights(), {}), "does not hold a detector"),
        (lambda made: made.with_suffix(".json").unlink(), "has no card; put corners.json beside it"),
        (broken_card, "is not valid JSON"),
        (card_of_other_types, "is damaged; copy both files once more"),
        (card_of_another, "its sha256 differs"),
        (not_numbers, "weights that are not numbers"),
    ],
)
def test_that_a_wrong_or_damaged_file_is_one_sentence_that_names_it(own: Path, made: Path, spoil, said: str) -> None:
    spoil(made)
    with pytest.raises(UserError, match=OWN_SENTENCE) as told:
        import_file(made)
    assert said in str(told.value)
    assert "corners" in str(told.value)
    assert not own.exists()
