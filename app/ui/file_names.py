"""The names of the user's own files in a session: they follow a file that is renamed, and leave one that is deleted.

What lives here: :func:`following`. What does not: the files (``app.learning``), what a session is. May import:
settings, records, session_state; no Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace

from app.records import StageSettings
from app.settings import followed
from app.ui.session_state import SessionState


def following(files: str, before: str, after: str) -> Callable[[SessionState], SessionState]:
    """Return what changes a state so that all its settings call a file by its new name.

    A workspace's own state that is still as it was read from the last session's file is left alone: a name that is no
    longer there becomes the default when it is looked at.

    Args:
        files: what kind the file is of, as in the fields that name one.
        before, after: its names; an empty one stands for the default.
    """

    def change(state: SessionState) -> SessionState:
        settings = tuple((matcher, _stages(each, files, before, after)) for matcher, each in state.settings)
        own = tuple(
            (name, followed(each, files, before, after) if is_dataclass(each) else each)
            for name, each in state.workspaces
        )
        return replace(state, settings=settings, workspaces=own)

    return change


def _stages(settings: StageSettings, files: str, before: str, after: str) -> StageSettings:
    stages = {item.name: followed(getattr(settings, item.name), files, before, after) for item in fields(settings)}
    return StageSettings(**stages)
