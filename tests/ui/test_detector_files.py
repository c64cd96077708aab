"""The card of a detector on the SuperPoint page: what it says, another name, deleting, and what cannot be done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from detector_parts import OWN, chosen, click, kept, offered, write_name
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from superpoint_parts import choose, page_of, shown_page
from window_parts import Jobs, settled

from app.learning import detector_store
from app.learning.detector_store import DetectorCard, save_detector
from app.learning.superpoint_network import MINI, random_weights
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SuperPointState
from app.ui.own_card import DELETE, SURE, OwnCard
from app.ui.session import Session
from app.ui.session_state import from_json, to_json
from app.ui.tab_order import stops
from app.ui.workspaces.convnet import ConvNetWorkspace


@pytest.fixture
def workspace(session: Session, jobs: Jobs, own_detectors: Path) -> Iterator[ConvNetWorkspace]:
    with shown_page(session, jobs) as shown:
        yield shown


def panel_help(workspace: ConvNetWorkspace) -> str:
    """The line at the bottom of the panel of settings."""
    panel = workspace.settings_panel()
    return next(label.text() for label in panel.findChildren(QLabel) if label.property("role") == "help")


@pytest.fixture
def mine(workspace: ConvNetWorkspace, made_detector: Path) -> OwnCard:
    """The card in the panel of settings, showing an imported detector."""
    detector_store.import_file(made_detector)
    panel = workspace.settings_panel()
    panel.resize(320, 700)
    panel.show()
    choose(workspace, weights=OWN)
    return page_of(workspace).files.own


def test_that_the_card_says_what_the_detector_is(workspace: ConvNetWorkspace, mine: OwnCard) -> None:
    assert mine.words.text() == "Trained on drawn shapes."
    rows = dict(mine.card.rows)
    size = detector_store.find(OWN).stat().st_size
    assert rows.pop("sha256").endswith("…")
    assert rows == {
        "seed": "7",
        "steps": "4,000",
        "trained for": "90 s",
        "judged on": "shapes",
        "recall": "0.5000",
        "x": "1.0000",
        "weights": f"{MINI.parameters:,} in {size / 1000:.0f} kB",
    }
    choose(workspace, weights=detector_store.TRAINED)
    assert dict(mine.card.rows)["steps"] == "4,000, batch 8"
    assert mine.card.width() <= mine.width()  # all of it fits beside the scroll bar
    choose(workspace, weights=detector_store.RANDOM)
    assert dict(mine.card.rows)["steps"] == "0"
    assert "Nobody trained" in mine.words.text()


def test_that_a_detector_gets_another_name_by_the_keyboard_wherever_undo_leads(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path, told: list[str]
) -> None:
    page = page_of(workspace)
    choose(workspace, radius=9)
    write_name(mine, "edges 2")
    QTest.keyClick(mine.name, Qt.Key.Key_Return)
    settled(workspace)
    assert told == ["The detector corners is now called edges 2."]
    assert sorted(kept(own_detectors)) == ["edges 2.json", "edges 2.safetensors"]
    assert page.state == replace(page.state, weights="edges 2.safetensors", radius=9)
    assert chosen(workspace) == mine.name.text() == "edges 2"
    assert offered(workspace) == ["shipped miniature", "random, untrained", "edges 2"]
    assert workspace.details.facts.value("detector") == "edges 2"
    for go, weights, radius in (
        (workspace.session.undo, "edges 2.safetensors", 4),
        (workspace.session.undo, detector_store.TRAINED, 4),
        (workspace.session.redo, "edges 2.safetensors", 4),
        (workspace.session.redo, "edges 2.safetensors", 9),
    ):
        go()
        settled(workspace)
        assert (page.state.weights, page.state.radius) == (weights, radius)
        assert page.found is not None
        assert page.found.state.weights == weights
        assert not page.fault


def test_that_deleting_asks_first_and_the_shipped_one_takes_its_place(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path, told: list[str]
) -> None:
    page, session = page_of(workspace), workspace.session
    choose(workspace, radius=9)
    before = kept(own_detectors)
    click(workspace, mine.delete)
    assert mine.delete.text() == SURE
    assert kept(own_detectors) == before
    click(workspace, mine.delete)
    assert kept(own_detectors) == {}
    assert told == ["The detector corners was deleted; the shipped miniature takes its place."]
    assert (page.state.weights, page.state.radius) == (detector_store.TRAINED, 9)
    assert chosen(workspace) == "shipped miniature"
    assert offered(workspace) == ["shipped miniature", "random, untrained"]
    assert mine.name.text() == detector_store.SHIPPED
    assert page.found is not None
    assert workspace.details.facts.value("detector") == detector_store.SHIPPED
    seen = []
    for go, can in ((session.undo, lambda: session.can_undo), (session.redo, lambda: session.can_redo)):
        while can():
            go()
            settled(workspace)
            seen.append(page.state.weights)
            assert not page.fault
    assert OWN not in seen
    assert page.state.radius == 9
    complaints: list[str] = []
    again = Session()
    again.state = from_json(to_json(session.state), complaints.append)
    assert again.workspace_state(SUPERPOINT_KEY, SuperPointState()).weights == detector_store.TRAINED
    assert complaints == []
    assert again.shutdown(5.0)


def test_that_the_question_is_withdrawn_by_time_and_by_another_choice(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path
) -> None:
    click(workspace, mine.delete)
    choose(workspace, weights=detector_store.TRAINED)
    assert mine.delete.text() == DELETE
    choose(workspace, weights=OWN)
    mine._sure.setInterval(1)
    click(workspace, mine.delete)
    QTest.qWait(50)
    assert mine.delete.text() == DELETE
    assert len(kept(own_detectors)) == 2


@pytest.mark.parametrize(
    ("which", "why"), [(detector_store.TRAINED, "comes with the program"), (detector_store.RANDOM, "no file of them")]
)
def test_that_what_is_not_ones_own_stays_and_the_greyed_buttons_say_why(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path, told: list[str], which: str, why: str
) -> None:
    choose(workspace, weights=which)
    for widget in (mine.name, mine.rename, mine.delete):
        assert not widget.isEnabled()
        assert why in widget.toolTip()
        QApplication.sendEvent(widget, QEnterEvent(QPointF(1, 1), QPointF(1, 1), QPointF(1, 1)))
        assert why in panel_help(workspace)
    assert mine.importing.isEnabled()
    before = kept(own_detectors)
    click(workspace, mine.rename)
    click(workspace, mine.delete)
    click(workspace, mine.delete)
    assert kept(own_detectors) == before
    assert told == []
    choose(workspace, weights=OWN)
    assert mine.delete.isEnabled()
    assert "with its card" in mine.delete.toolTip()
    assert "another name" in mine.rename.toolTip()  # as long as the field has the old one


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Other", "There is a detector other already; choose another name."),
        ("shipped miniature", "There is a detector shipped miniature already; choose another name."),
        ("a/b", "'a/b' cannot be a detector's name; use letters, digits, spaces, . + - and _."),
        ("", "Write another name into the field first."),
        (" ", "Write another name into the field first."),
    ],
)
def test_that_a_name_that_cannot_be_had_is_one_sentence_and_nothing_is_lost(
    workspace: ConvNetWorkspace,
    mine: OwnCard,
    own_detectors: Path,
    made_detector: Path,
    told: list[str],
    name: str,
    said: str,
) -> None:
    save_detector(own_detectors / "other.safetensors", DetectorCard("", ""), random_weights(MINI, 8))
    before = kept(own_detectors), page_of(workspace).state
    write_name(mine, name)
    QTest.keyClick(mine.name, Qt.Key.Key_Return)
    settled(workspace)
    assert told == [said]
    assert (kept(own_detectors), page_of(workspace).state) == before
    assert mine.name.text() == name  # to be mended, not written again


def test_that_a_folder_that_cannot_be_written_is_one_sentence_and_nothing_is_lost(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    before = kept(own_detectors), page_of(workspace).state
    write_name(mine, "edges")
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "mkstemp", refused)
        click(workspace, mine.rename)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refused)
        click(workspace, mine.delete)
        click(workspace, mine.delete)
    assert told == [
        f"Cannot write {own_detectors / 'edges.safetensors'}: Permission denied.",
        f"Cannot delete {own_detectors / OWN}: Permission denied.",
    ]
    assert (kept(own_detectors), page_of(workspace).state) == before


@pytest.mark.parametrize("button", ["rename", "delete"])
def test_that_a_file_that_vanished_is_one_sentence_and_its_card_says_so_too(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path, told: list[str], button: str
) -> None:
    shown = page_of(workspace).found
    (own_detectors / OWN).unlink()
    write_name(mine, "edges")
    for _ in range(1 if button == "rename" else 2):
        click(workspace, getattr(mine, button))
    gone = "The detector corners.safetensors is no longer there; choose another one, or import it again."
    assert told == [gone]
    assert mine.words.text() == gone
    assert "no longer there" in mine.delete.toolTip()
    assert page_of(workspace).found is shown


def test_that_a_damaged_file_says_so_and_can_still_be_deleted(
    workspace: ConvNetWorkspace, mine: OwnCard, own_detectors: Path
) -> None:
    panel = workspace.settings_panel()
    (own_detectors / OWN).write_bytes(b"PNG")
    panel.hide()
    panel.show()  # whoever comes back sees what there is now
    settled(workspace)
    assert "damaged" in mine.words.text()
    assert str(own_detectors) not in mine.words.text()  # a long path has no room here
    write_name(mine, "edges")
    assert not mine.rename.isEnabled()
    assert mine.rename.toolTip() == "This file cannot be read"
    click(workspace, mine.delete)
    click(workspace, mine.delete)
    assert kept(own_detectors) == {}


def test_that_the_keyboard_stays_at_the_card_whatever_is_greyed_out(workspace: ConvNetWorkspace, mine: OwnCard) -> None:
    workspace.settings_panel().activateWindow()
    write_name(mine, "edges")
    mine.rename.setFocus()
    QTest.keyClick(mine.rename, Qt.Key.Key_Space)
    settled(workspace)
    assert page_of(workspace).state.weights == "edges.safetensors"
    assert mine.name.hasFocus()
    mine.delete.setFocus()
    for _ in range(2):
        QTest.keyClick(mine.delete, Qt.Key.Key_Space)
        settled(workspace)
    assert page_of(workspace).state.weights == detector_store.TRAINED
    assert mine.importing.hasFocus()
    assert panel_help(workspace) == mine.importing.toolTip()


def test_that_everything_is_reached_by_tab_and_a_name_being_written_stays(
    workspace: ConvNetWorkspace, mine: OwnCard
) -> None:
    write_name(mine, "edges")
    choose(workspace, radius=9)
    assert mine.name.text() == "edges"
    reached = stops([workspace.settings_panel()])
    wanted = [mine.name, mine.rename, mine.importing, mine.delete]
    assert [stop for stop in reached if stop in wanted] == wanted
    for widget in wanted:
        assert "etector" in widget.accessibleName()
        assert widget.toolTip()
