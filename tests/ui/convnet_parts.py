"""The ConvNet workspace by itself, without a window, for the tests of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from window_parts import change, settled, shown_alone, shown_settled

from app.records import PairRef
from app.ui.convnet.page import ConvNetPage
from app.ui.convnet.state import ConvNetState
from app.ui.session import Session
from app.ui.workspaces.convnet import ConvNetWorkspace

PageT = TypeVar("PageT", bound=ConvNetPage)


def shown_workspace(
    session: Session, *, states: dict[str, Any] | None = None, refs: Sequence[PairRef] = (), height: int = 700
) -> AbstractContextManager[ConvNetWorkspace]:
    """Show the workspace on a session, in these states (key -> state); activated by the caller, deleted at the end."""
    return shown_alone(ConvNetWorkspace, session, states or {}, refs, height)


def shown_on(
    kind: type[ConvNetPage],
    session: Session,
    *,
    states: dict[str, Any] | None = None,
    refs: Sequence[PairRef] = (),
    height: int = 700,
) -> AbstractContextManager[ConvNetWorkspace]:
    """Show the workspace on one of its pages, with nothing left to do."""
    states = {"convnet": ConvNetState(page=kind.key), **(states or {})}
    return shown_settled(ConvNetWorkspace, session, states, refs, height)


def page_in(kind: type[PageT], workspace: ConvNetWorkspace) -> PageT:
    """Return a page of the workspace."""
    page = workspace.page_of(kind.key)
    assert isinstance(page, kind)
    return page


def change_in(kind: type[ConvNetPage], workspace: ConvNetWorkspace, **values: object) -> None:
    """Change settings as the form of a page does."""
    change(page_in(kind, workspace), **values)


def choose_in(kind: type[ConvNetPage], workspace: ConvNetWorkspace, **values: object) -> None:
    """Change settings as the form of a page does, and wait for what follows."""
    change_in(kind, workspace, **values)
    settled(workspace)
