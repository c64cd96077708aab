"""Detectors of the user's own on the SuperPoint page: imported, chosen, undone, restored, and missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from detector_parts import OWN, chosen, click, offered
from PySide6.QtWidgets import QFileDialog
from superpoint_parts import choose, page_of, shown_page
from window_parts import Jobs, change, settled

from app.learning import detector_store, model_store
from app.learning.superpoint_network import CornerDetector
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SuperPointState
from app.ui.own_work import FileDone
from app.ui.session import Session
from app.ui.session_state import SessionState, from_json, to_json
from app.ui.workspaces.convnet import ConvNetWorkspace


@pytest.fixture
def workspace(session: Session, jobs: Jobs, own_detectors: Path) -> Iterator[ConvNetWorkspace]:
    with shown_page(session, jobs) as shown:
        yield shown


def import_by_hand(workspace: ConvNetWorkspace, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Import… and choose this file."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(path), ""))
    button = page_of(workspace).files.own.importing
    assert button.parent() is not None  # it stands in the panel of settings
    click(workspace, button)


def test_that_an_imported_detector_is_chosen_and_looks_and_undo_goes_back(
    workspace: ConvNetWorkspace, made_detector: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(workspace)
    assert offered(workspace) == ["shipped miniature", "random, untrained"]
    shipped = page.found
    assert shipped is not None
    assert workspace.details.facts.value("detector") == "superpoint-mini"
    import_by_hand(workspace, made_detector, monkeypatch)
    assert "Imported corners." in told
    assert page.state.weights == OWN
    assert chosen(workspace) == "corners"
    assert offered(workspace) == ["shipped miniature", "random, untrained", "corners"]
    assert page.found is not None
    network = detector_store.detector(OWN).network
    np.testing.assert_array_equal(page.found.heat, network.heat(page.found.sight.working.grey))
    assert workspace.details.facts.value("detector") == "corners"
    workspace.session.undo()
    settled(workspace)
    assert page.state.weights == detector_store.TRAINED
    np.testing.assert_array_equal(page.found.heat, shipped.heat)
    workspace.session.redo()
    settled(workspace)
    assert page.found.state.weights == OWN
    assert chosen(workspace) == "corners"


@pytest.mark.parametrize("wrong", ["picture", "patches", "cardless"])
def test_that_a_wrong_file_is_one_sentence_and_changes_nothing(
    workspace: ConvNetWorkspace, made_detector: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    page, path = page_of(workspace), made_detector
    before = page.state, page.found
    if wrong == "picture":
        made_detector.write_bytes(b"\x89PNG\r\n")
    elif wrong == "cardless":
        made_detector.with_suffix(".json").unlink()
    else:
        path = model_store.find(model_store.DEFAULT)
    import_by_hand(workspace, path, monkeypatch)
    assert len(told) == 1
    assert path.name in told[0]
    assert told[0].endswith(".")
    assert (page.state, page.found) == before
    assert offered(workspace) == ["shipped miniature", "random, untrained"]


def test_that_no_file_chosen_is_no_complaint(
    workspace: ConvNetWorkspace, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: ("", ""))
    click(workspace, page_of(workspace).files.own.importing)
    assert told == []


def test_that_a_saved_choice_comes_back(own_detectors: Path, made_detector: Path) -> None:
    detector_store.import_file(made_detector)
    state = SessionState(workspaces=((SUPERPOINT_KEY, SuperPointState(weights=OWN)),))
    complaints: list[str] = []
    session = Session()
    session.state = from_json(to_json(state), complaints.append)
    assert session.workspace_state(SUPERPOINT_KEY, SuperPointState()).weights == OWN
    assert complaints == []
    assert session.shutdown(5.0)


def test_that_a_restored_detector_that_is_gone_is_told_in_one_sentence(
    session: Session, jobs: Jobs, own_detectors: Path, made_detector: Path, told: list[str]
) -> None:
    gone = "The detector corners.safetensors is no longer there; choose another one, or import it again."
    with shown_page(session, jobs, SuperPointState(weights=OWN)) as workspace:
        page = page_of(workspace)
        assert page.found is None
        assert page.view.message == gone
        assert told.count(gone) == 1
        assert chosen(workspace) == OWN
        workspace.grab()
        page.files.own.import_from(made_detector)  # what was missing comes back under its name
        settled(workspace)
        assert page.found is not None
        assert page.found.state.weights == OWN
        assert not page.fault


def test_that_other_settings_still_work_while_the_detector_is_gone(
    workspace: ConvNetWorkspace, own_detectors: Path, made_detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_by_hand(workspace, made_detector, monkeypatch)
    page = page_of(workspace)
    shown = page.found
    (own_detectors / OWN).unlink()
    change(page, radius=9)
    settled(workspace)
    assert page.state.radius == 9
    assert page.fault.startswith("The detector corners.safetensors is no longer there")
    assert page.found is shown  # the last picture stays
    assert choose(workspace, weights=detector_store.TRAINED).state.radius == 9
    assert not page.fault


def test_that_what_is_chosen_while_a_missing_detector_fails_is_looked_with(
    workspace: ConvNetWorkspace, made_detector: Path
) -> None:
    page = page_of(workspace)
    choose(workspace, weights=detector_store.RANDOM)
    change(page, weights="gone.safetensors")
    change(page, weights=detector_store.TRAINED)
    settled(workspace)
    assert page.found is not None
    assert page.found.state.weights == detector_store.TRAINED
    assert not page.fault


def test_that_a_detector_that_goes_while_it_looks_leaves_the_shipped_one_looking(
    workspace: ConvNetWorkspace, made_detector: Path, told: list[str]
) -> None:
    page = page_of(workspace)
    detector_store.import_file(made_detector)
    choose(workspace, weights=detector_store.RANDOM)
    change(page, weights=OWN)
    assert page.busy
    detector_store.delete(OWN)
    page.files.own.done.emit(FileDone(OWN, "", "It was deleted."))
    settled(workspace)
    assert page.found is not None
    assert page.found.state.weights == page.state.weights == detector_store.TRAINED
    assert told == []
    assert not page.fault


def test_that_another_name_looks_at_nothing_anew(
    workspace: ConvNetWorkspace, made_detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector_store.import_file(made_detector)
    before = choose(workspace, weights=OWN, views=3)

    def refused(*_args: object) -> None:
        raise AssertionError("the picture was looked at once more")

    monkeypatch.setattr(CornerDetector, "logits", refused)
    monkeypatch.setattr(CornerDetector, "heat", refused)
    page_of(workspace).files.own.done.emit(FileDone(OWN, detector_store.rename(OWN, "edges"), "It was renamed."))
    settled(workspace)
    after = page_of(workspace).found
    assert after is not None
    assert after.state.weights == "edges.safetensors"
    assert not page_of(workspace).fault
    np.testing.assert_array_equal(after.heat, before.heat)
    assert workspace.details.facts.value("detector") == "edges"
