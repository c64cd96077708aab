"""The pages of the ConvNet workspace: what the layers of convolutional networks know of a place.

What lives here: :data:`PAGES`, in the order of their tabs. A page is a :class:`app.ui.convnet.page.ConvNetPage`; it is
imported when it is first opened.
"""

from __future__ import annotations

from app.ui.pages import PageEntry

PAGES: tuple[PageEntry, ...] = (
    PageEntry(
        "reconstruction",
        "Reconstruction",
        "A picture made of the patches that each layer takes for alike: does it know where, or only what?",
        "app.ui.convnet.reconstruction_page:ReconstructionPage",
    ),
    PageEntry(
        "superpoint",
        "SuperPoint",
        "A network that finds points: 65 numbers for every 8 × 8 pixels, their heat map, and how many points recur",
        "app.ui.convnet.superpoint_page:SuperPointPage",
    ),
    PageEntry(
        "anchornet",
        "AnchorNet",
        "Filters learned from “object or none” alone become detectors of parts, if they must differ.",
        "app.ui.convnet.anchornet_page:AnchorNetPage",
    ),
)
