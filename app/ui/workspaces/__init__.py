"""One module per workspace, and the list the window shows; workspaces never import each other.

What lives here: :data:`WORKSPACES` and :func:`entry_of`. A workspace's tab appears when it works; its number stays
fixed. Each is imported when it is first opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.ui.workspaces.base import Workspace


class WorkspaceEntry(NamedTuple):
    """A line of the workspace list: its tab, and the function that imports its class.

    ``shows_pair``: whether its picture is the pair itself, so that the pair can stand there before the rest is made.
    """

    key: str
    title: str
    number: int
    load: Callable[[], type[Workspace]]
    shows_pair: bool = False


def _match() -> type[Workspace]:
    from app.ui.workspaces.match import MatchWorkspace

    return MatchWorkspace


def _sift() -> type[Workspace]:
    from app.ui.workspaces.sift import SiftWorkspace

    return SiftWorkspace


def _convnet() -> type[Workspace]:
    from app.ui.workspaces.convnet import ConvNetWorkspace

    return ConvNetWorkspace


def _train() -> type[Workspace]:
    from app.ui.workspaces.train import TrainWorkspace

    return TrainWorkspace


def _metric() -> type[Workspace]:
    from app.ui.workspaces.metric import MetricWorkspace

    return MetricWorkspace


WORKSPACES: tuple[WorkspaceEntry, ...] = (
    WorkspaceEntry("match", "Match", 1, _match, shows_pair=True),
    WorkspaceEntry("sift", "SIFT", 2, _sift),
    WorkspaceEntry("convnet", "ConvNet", 4, _convnet),
    WorkspaceEntry("train", "Train", 5, _train),
    WorkspaceEntry("metric", "Metric", 6, _metric),
)


def entry_of(key: str, entries: Sequence[WorkspaceEntry] = WORKSPACES) -> WorkspaceEntry:
    """Return the workspace of this name, the first one if there is none."""
    return next((entry for entry in entries if entry.key == key), entries[0])
