"""Settings that name a file of the user's own follow it, and let go of it; of other kinds they leave alone."""

from __future__ import annotations

from dataclasses import replace

from app import matchers
from app.learning.train_settings import TrainSettings
from app.records import StageSettings
from app.ui.convnet.reconstruction_state import RECONSTRUCTION_KEY, ReconstructionState
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SuperPointState
from app.ui.file_names import following
from app.ui.session_state import SavedState, SessionState


def siamese(model: str) -> StageSettings:
    defaults = matchers.get("siamese").defaults()
    return replace(defaults, describe=replace(defaults.describe, model=model))


def state(model: str, *, start: object) -> SessionState:
    """A session in which a matcher, a page and a training name a model, and another page a detector called alike."""
    made = SessionState(
        matcher="siamese", settings=(("siamese", siamese(model)), ("sift", matchers.get("sift").defaults()))
    )
    made = made.with_workspace_state(RECONSTRUCTION_KEY, ReconstructionState(network=model))
    made = made.with_workspace_state(SUPERPOINT_KEY, SuperPointState(weights="mine"))
    return made.with_workspace_state("train.settings", start)


def test_that_every_setting_calls_a_renamed_model_by_its_new_name() -> None:
    change = following("model", "mine", "yours")
    assert change(state("mine", start=TrainSettings(start="mine"))) == state(
        "yours", start=TrainSettings(start="yours")
    )
    other = state("default", start=TrainSettings(start="medium"))
    assert change(other) == other


def test_that_a_deleted_model_leaves_the_default() -> None:
    change = following("model", "mine", "")
    found = change(state("mine", start=TrainSettings(start="mine")))
    assert found.stage_settings is not None
    assert found.stage_settings.describe.model == matchers.get("siamese").defaults().describe.model
    assert dict(found.workspaces)["train.settings"] == TrainSettings()


def test_that_a_state_read_from_a_file_is_left_alone() -> None:
    saved = SavedState((("start", "mine"), ("epochs", 3)))
    assert dict(following("model", "mine", "yours")(state("a", start=saved)).workspaces)["train.settings"] is saved
