"""The pages of the Metric workspace and their parts: points and ellipse, curves, lamps.

What lives here: :data:`PAGES`, in the order of their tabs. A page is a :class:`app.ui.metric.page.MetricPage`; it is
imported when it is first opened.
"""

from __future__ import annotations

from app.ui.pages import PageEntry

PAGES: tuple[PageEntry, ...] = (
    PageEntry(
        "learn",
        "Learn M",
        "A metric is learned on points that can be dragged, iteration by iteration",
        "app.ui.metric.learn_page:LearnPage",
    ),
    PageEntry(
        "ellipse",
        "Ellipse",
        "A matrix made by hand: drag its ellipse, or type what is no metric",
        "app.ui.metric.ellipse_page:EllipsePage",
    ),
    PageEntry(
        "losses",
        "Losses",
        "How the contrastive and the triplet loss push and pull",
        "app.ui.metric.loss_page:LossPage",
    ),
    PageEntry(
        "neighbours",
        "Neighbours",
        "Whose nearest neighbour changes from Euclid to a learned metric",
        "app.ui.metric.neighbour_page:NeighbourPage",
    ),
    PageEntry(
        "recipes",
        "Recipes",
        "The naive objective that collapses or explodes, and what repairs it",
        "app.ui.metric.recipe_page:RecipePage",
    ),
    PageEntry(
        "axioms",
        "Axioms",
        "Is a measure a metric? Four lamps, and the witness that puts one out",
        "app.ui.metric.axiom_page:AxiomPage",
    ),
)
