"""The actions that all pages of the SIFT workspace share: words, keys, menu.

What lives here: :class:`SiftActions`. What does not: what they do, and the actions of single pages. May import:
``bare_keys`` and, for types, the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.bare_keys import BareKeys
from app.ui.sift import PAGES

if TYPE_CHECKING:
    from app.ui.workspaces.sift import SiftWorkspace


class SiftActions(BareKeys):
    """The shared actions; ``listed`` is their order in the menu."""

    def __init__(self, workspace: SiftWorkspace) -> None:
        super().__init__(workspace)
        self._add_pages(PAGES, workspace.open_page)
        self._add("E&xplain the other picture", workspace.swap, "X")
        self._add_window_keys()
