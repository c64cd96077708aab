"""The actions of the ConvNet workspace that all its pages share.

What lives here: :class:`ConvNetActions`. What does not: the actions of single pages. May import: ``bare_keys`` and, for
types, the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.bare_keys import BareKeys
from app.ui.convnet import PAGES

if TYPE_CHECKING:
    from app.ui.workspaces.convnet import ConvNetWorkspace


class ConvNetActions(BareKeys):
    """The shared actions; ``listed`` is their order in the menu."""

    def __init__(self, workspace: ConvNetWorkspace) -> None:
        super().__init__(workspace)
        self._add_pages(PAGES, workspace.open_page)
        self._add_window_keys()
