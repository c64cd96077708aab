"""The pages of the SIFT workspace: one module each, and the list that the frame shows as tabs.

What lives here: :data:`PAGES`. A page is a :class:`app.ui.sift.page.SiftPage`; it is imported when it is first
opened, and pages never import each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.sift.page import SiftPage


@dataclass(frozen=True)
class PageEntry:
    """A tab of the workspace: its key, its words, what it shows, and the function that imports its class."""

    key: str
    title: str
    tip: str
    load: Callable[[], type[SiftPage]]


def _space() -> type[SiftPage]:
    from app.ui.sift.scale_space_page import ScaleSpacePage

    return ScaleSpacePage


def _stages() -> type[SiftPage]:
    from app.ui.sift.stages_page import StagesPage

    return StagesPage


def _keypoint() -> type[SiftPage]:
    from app.ui.sift.keypoint_page import KeypointPage

    return KeypointPage


def _sides() -> type[SiftPage]:
    from app.ui.sift.sides_page import SidesPage

    return SidesPage


def _laws() -> type[SiftPage]:
    from app.ui.sift.laws_page import LawsPage

    return LawsPage


def _fails() -> type[SiftPage]:
    from app.ui.sift.fails_page import FailsPage

    return FailsPage


PAGES: tuple[PageEntry, ...] = (
    PageEntry("space", "Scale space", "Every level of every octave, the 26 neighbours, the response against σ", _space),
    PageEntry("stages", "Stages", "How many candidates each stage lets pass, and why each one lived or died", _stages),
    PageEntry("keypoint", "Keypoint", "Gradients, orientation histogram and descriptor of the point", _keypoint),
    PageEntry("sides", "Two sides", "Both ends of a match, and where their distance comes from", _sides),
    PageEntry("laws", "Laws", "What Gaussian smoothing may do: scan line, DoG and Laplacian, axioms", _laws),
    PageEntry("fails", "Failures", "Where SIFT fails: every change measured, and the stage that loses points", _fails),
)
