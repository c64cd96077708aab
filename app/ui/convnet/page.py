"""What a page of the ConvNet workspace is.

What lives here: :class:`ConvNetPage`. What does not: any page, and the frame around them
(``app.ui.workspaces.convnet``). May import: ``worded_page``, records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.records import ImagePair
from app.ui.worded_page import WordedPage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


class ConvNetPage(WordedPage):
    """Base of every page; it keeps a state of its own in the session.

    Attributes:
        below_form: what stands below its form in the panel of settings, if anything.
    """

    below_form: QWidget | None = None

    def _known(self) -> ImagePair | None:
        """Return the pair, where the session has read it already."""
        result = self.session.result
        pair = None if result is None else result.pair
        return pair if pair is not None and pair.ref == self.session.state.pair else None

    def _pair_comes(self) -> bool:
        """Whether the match job is reading the pair: nobody else need read it too."""
        return self._known() is None and self.session.busy

    def refresh(self) -> None:
        """Show the page's state and the pair of the session; called only while the page is in front."""
        raise NotImplementedError
