"""What a page of the ConvNet workspace is.

What lives here: :class:`ConvNetPage`. What does not: any page, and the frame around them
(``app.ui.workspaces.convnet``). May import: ``worded_page``.
"""

from __future__ import annotations

from app.ui.worded_page import WordedPage


class ConvNetPage(WordedPage):
    """Base of every page; it keeps a state of its own in the session."""

    def refresh(self) -> None:
        """Show the page's state and the pair of the session; called only while the page is in front."""
        raise NotImplementedError
