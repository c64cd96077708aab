"""The Metric workspace by itself, without a window, for the tests of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from window_parts import shown_alone, shown_settled

from app.records import PairRef
from app.ui.metric.state import MetricState
from app.ui.session import Session
from app.ui.workspaces.metric import MetricWorkspace


def shown_workspace(
    session: Session, *, states: dict[str, Any] | None = None, refs: Sequence[PairRef] = (), height: int = 700
) -> AbstractContextManager[MetricWorkspace]:
    """Show the workspace on a session, in these states (key -> state); activated by the caller, deleted at the end."""
    return shown_alone(MetricWorkspace, session, states or {}, refs, height)


def shown_on(page: str, session: Session, **states: Any) -> AbstractContextManager[MetricWorkspace]:
    """Show the workspace on one of its pages, with nothing left to do."""
    return shown_settled(MetricWorkspace, session, {"metric": MetricState(page=page), **states})
