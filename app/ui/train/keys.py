"""The actions of the Train workspace: words, keys, menu.

What lives here: :class:`TrainActions`. What does not: what they do. May import: ``bare_keys`` and, for types,
the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.bare_keys import BareKeys
from app.ui.train import PAGES

if TYPE_CHECKING:
    from app.ui.workspaces.train import TrainWorkspace


class TrainActions(BareKeys):
    """The actions; ``listed`` is their order in the menu."""

    def __init__(self, workspace: TrainWorkspace) -> None:
        super().__init__(workspace)
        self._add_pages(PAGES, workspace.open_page)
        controls, trainer = workspace.controls, workspace.trainer
        self._add("&Start, pause or go on", controls.run.click, "Space")
        self._add("Train one s&tep", controls.step.click, ".")
        self._add("St&op training", trainer.stop, "")
        self._add("&Resume the unfinished training", workspace.resume, "")
        self._separator()
        self._add("&Use the newest network as matcher", workspace.details.use.click, "U")
        self._add_window_keys()
