"""The pages of the Train workspace.

What lives here: :data:`PAGES`, in the order of their tabs. A page is a :class:`app.ui.train.page.TrainPage`; it is
imported when it is first opened.
"""

from __future__ import annotations

from app.ui.pages import PageEntry

PAGES: tuple[PageEntry, ...] = (
    PageEntry(
        "curves",
        "Curves",
        "Loss, held-out numbers, distances and gradients while the network learns",
        "app.ui.train.curves_page:CurvesPage",
    ),
    PageEntry(
        "embedding",
        "Embedding",
        "Where the network puts held-out patches, and what is near",
        "app.ui.train.embedding_page:EmbeddingPage",
    ),
    PageEntry(
        "triplets",
        "Triplets",
        "What the miner took from the batch, and the hardest wrong pairs",
        "app.ui.train.triplets_page:TripletsPage",
    ),
    PageEntry(
        "margin",
        "Margin",
        "One margin for all, against classes of unequal spread",
        "app.ui.train.margin_page:MarginPage",
    ),
    PageEntry(
        "match",
        "Match",
        "The open pair matched by the network of any epoch, beside SIFT",
        "app.ui.train.match_page:MatchPage",
    ),
    PageEntry(
        "models",
        "Models",
        "The networks kept: use, rename, delete, import, export",
        "app.ui.train.models_page:ModelsPage",
    ),
    PageEntry(
        "cost",
        "Cost",
        "n² joint passes against 2n tower passes and one product, measured",
        "app.ui.train.cost_page:CostPage",
    ),
)
