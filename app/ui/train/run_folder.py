"""The folder a training in the window is kept in: its state after every epoch, its networks, the patches it uses.

What lives here: :class:`RunFolder`. What does not: what is in the files (``app.learning``), Qt. May import: learning's
settings, sources, settings.

There is one run at a time. The file ``run.json`` is there while a run is not finished, so that closing the window, or a
power cut, loses at most the epoch under way.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from app.learning.patch_data import WarpSettings
from app.learning.train_settings import TrainSettings
from app.records import UserError
from app.settings import from_json, load_json, save_json, to_json
from app.ui.session_state import config_folder
from app.ui.train.sources import DataPlan
from app.ui.train.state import DataState

log = logging.getLogger(__name__)
KIND = "training run"


def place() -> Path:
    """Return the folder of the user's training."""
    return config_folder() / "training"


class RunFolder:
    """Paths of a run; the folder is made when a run begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state.safetensors"
        self.epochs = folder / "epochs"
        self.patches = folder / "patches.safetensors"
        self._about = folder / "run.json"

    def begin(self, plan: DataPlan, settings: TrainSettings, *, fresh: bool) -> None:
        """Note down the run; a fresh one forgets the networks and the state of the last.

        Raises:
            UserError: if the folder cannot be written.
        """
        from app.pairs import ref_to_json

        try:
            self.epochs.mkdir(parents=True, exist_ok=True)
            if fresh:
                self.state.unlink(missing_ok=True)
                for file in self.epoch_files():
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"Cannot keep the training in {self.folder}: {error.strerror or error}.") from None
        about: dict[str, Any] = {
            "source": plan.data.source,
            "path": plan.data.path,
            "warp": to_json(plan.warp),
            "pair": None if plan.ref is None else ref_to_json(plan.ref),
            "settings": to_json(settings),
        }
        save_json(self._about, KIND, about)

    def end(self) -> None:
        """Note down that the run came to its end."""
        self._about.unlink(missing_ok=True)

    def epoch_files(self) -> tuple[Path, ...]:
        """Return the networks of all epochs kept, in order."""
        return tuple(sorted(self.epochs.glob("epoch-*.safetensors")))

    def interrupted(self) -> tuple[DataPlan, TrainSettings] | None:
        """Return what the unfinished run was, None if there is none that can be gone on with."""
        if not self.state.is_file() or not self._about.is_file():
            return None
        try:
            about = load_json(self._about, KIND)
            return _plan(about), from_json(TrainSettings, about["settings"])
        except (UserError, KeyError, TypeError, ValueError) as error:
            log.warning("the unfinished training is not offered: %s", error)
            return None


def _plan(about: dict[str, Any]) -> DataPlan:
    from app.pairs import ref_from_json

    data = DataState(source=str(about["source"]), path=str(about["path"]))
    ref = None if about["pair"] is None else ref_from_json(about["pair"])
    return DataPlan(data, from_json(WarpSettings, about["warp"]), ref)
