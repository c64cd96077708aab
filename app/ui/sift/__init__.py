"""The pages of the SIFT workspace: one module each, and the list that the frame shows as tabs.

What lives here: :data:`PAGES`. A page is a :class:`app.ui.sift.page.SiftPage`; it is imported when it is first
opened, and pages never import each other.
"""

from __future__ import annotations

from app.ui.pages import PageEntry

PAGES: tuple[PageEntry, ...] = (
    PageEntry(
        "space",
        "Scale space",
        "Every level of every octave, the 26 neighbours, the response against σ",
        "app.ui.sift.scale_space_page:ScaleSpacePage",
    ),
    PageEntry(
        "stages",
        "Stages",
        "How many candidates each stage lets pass, and why each one lived or died",
        "app.ui.sift.stages_page:StagesPage",
    ),
    PageEntry(
        "keypoint",
        "Keypoint",
        "Gradients, orientation histogram and descriptor of the point",
        "app.ui.sift.keypoint_page:KeypointPage",
    ),
    PageEntry(
        "sides",
        "Two sides",
        "Both ends of a match, and where their distance comes from",
        "app.ui.sift.sides_page:SidesPage",
    ),
    PageEntry(
        "laws",
        "Laws",
        "What Gaussian smoothing may do: scan line, DoG and Laplacian, axioms",
        "app.ui.sift.laws_page:LawsPage",
    ),
    PageEntry(
        "fails",
        "Failures",
        "Where SIFT fails: every change measured, and the stage that loses points",
        "app.ui.sift.fails_page:FailsPage",
    ),
)
