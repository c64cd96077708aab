"""The Metric workspace by itself, without a window, for the tests of its pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from window_parts import refs_of

from app.records import PairRef
from app.ui.session import Session
from app.ui.style import Style
from app.ui.workspaces.metric import MetricWorkspace


@contextmanager
def shown_workspace(
    session: Session, *, states: dict[str, Any] | None = None, refs: Sequence[PairRef] = (), height: int = 700
) -> Iterator[MetricWorkspace]:
    """Show the workspace on a session, in these states (key -> state); activated by the caller, deleted at the end."""
    session.open_pairs(refs or refs_of(1))
    for key, state in (states or {}).items():
        session.set_workspace_state(key, state)
    look = Style("dark")
    look.apply()
    made = MetricWorkspace(session, look)
    look.setParent(made)
    made.resize(900, height)
    made.show()
    try:
        yield made
    finally:
        made.hide()
        for part in (made.settings_panel(), made.details_panel(), made):  # the panels have no parent without a window
            part.deleteLater()
