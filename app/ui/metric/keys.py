"""The actions of the Metric workspace that all its pages share.

What lives here: :class:`MetricActions`. What does not: what they do, and the actions of single pages. May import:
``bare_keys`` and, for types, the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.bare_keys import BareKeys
from app.ui.metric import PAGES

if TYPE_CHECKING:
    from app.ui.workspaces.metric import MetricWorkspace


class MetricActions(BareKeys):
    """The shared actions; ``listed`` is their order in the menu."""

    def __init__(self, workspace: MetricWorkspace) -> None:
        super().__init__(workspace)
        self._add_pages(PAGES, workspace.open_page)
        self._add("Learn &again", workspace.learn_again, "")
        self._add("&Stop learning", workspace.stop_learning, "")
