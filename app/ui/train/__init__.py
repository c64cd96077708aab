"""The pages of the Train workspace.

What lives here: :data:`PAGES`, in the order of their tabs. Each page is imported when it is first opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.train.page import TrainPage


@dataclass(frozen=True)
class PageEntry:
    """A tab of the workspace, and the function that imports its page."""

    key: str
    title: str
    tip: str
    load: Callable[[], type[TrainPage]]


def _curves() -> type[TrainPage]:
    from app.ui.train.curves_page import CurvesPage

    return CurvesPage


def _embedding() -> type[TrainPage]:
    from app.ui.train.embedding_page import EmbeddingPage

    return EmbeddingPage


def _triplets() -> type[TrainPage]:
    from app.ui.train.triplets_page import TripletsPage

    return TripletsPage


def _match() -> type[TrainPage]:
    from app.ui.train.match_page import MatchPage

    return MatchPage


def _models() -> type[TrainPage]:
    from app.ui.train.models_page import ModelsPage

    return ModelsPage


def _cost() -> type[TrainPage]:
    from app.ui.train.cost_page import CostPage

    return CostPage


PAGES: tuple[PageEntry, ...] = (
    PageEntry("curves", "Curves", "Loss, held-out numbers, distances and gradients while the network learns", _curves),
    PageEntry("embedding", "Embedding", "Where the network puts held-out patches, and what is near", _embedding),
    PageEntry("triplets", "Triplets", "What the miner took from the batch, and the hardest wrong pairs", _triplets),
    PageEntry("match", "Match", "The open pair matched by the network of any epoch, beside SIFT", _match),
    PageEntry("models", "Models", "The networks kept: use, rename, delete, import, export", _models),
    PageEntry("cost", "Cost", "n² joint passes against 2n tower passes and one product, measured", _cost),
)
