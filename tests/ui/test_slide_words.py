"""Where a slide is wrong or loose, the page beside it says what is right and quotes the slide."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from metric_parts import shown_workspace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.learning.learners import ROWS
from app.ui.explanation import Prose
from app.ui.launch import _wait
from app.ui.metric import PAGES
from app.ui.metric.loss_state import LOSS_KEY, LossState
from app.ui.metric.state import MetricState
from app.ui.metric.words import LEARNER_TRIES
from app.ui.session import Session
from app.ui.style import Style
from app.ui.train.cost_page import CostPage
from app.ui.train.trainer import Trainer
from app.ui.workspaces.metric import MetricWorkspace

# Number of the erratum -> where it is shown, what is right, what the slide has.
SHOWN: dict[str, tuple[MetricState, str, str]] = {
    "9": (MetricState(), "ρ²(x_i, x_l) &lt; ρ²(x_i, x_j) + 1", "x_j closer to x_i than x_k”"),
    "10": (MetricState(), "all l of another class, with the hinge", "Ψ_push stands there without [·]₊"),
    "11, beside LMNN": (
        MetricState(),
        "chosen before training and then fixed",
        "“Target neighbors: points with similar",
    ),
    "11": (MetricState(page="neighbours"), "the k nearest of the same class", "“points with similar labels”"),
    "12": (MetricState(), "(1 − μ) pull + μ push", "λ Ψ_pull + (1 − λ) Ψ_push"),
    "13": (MetricState(page="recipes"), "convex in M, not in L", "LMNN"),
    "14": (MetricState(learner="mmc"), "take the root, Σ_D ρ", "“Margin maximisation”"),
    "15": (MetricState(page="recipes"), "none unless A = 0", "Find stationary points!".lower()),
    "16": (MetricState(page="axioms", measure="weighted"), "[W(x − y)]·[W(x − y)]", "W(x)−(y)·W(x)−(y)"),
    "16, on the ellipse": (MetricState(page="ellipse"), "W = diag(√w_i)", "W(x)−(y)·W(x)−(y)"),
    "17": (MetricState(page="losses"), "½ max(0, m − d)²", "max(0, m² − d²)"),
    "18": (MetricState(page="losses"), "here a pair is called similar", "s = 1 is “the same” on one slide"),
    "19": (MetricState(page="losses"), "only while the loss is above 0", "∂x_n = 2(x_a − x_n)"),
    "20": (MetricState(page="axioms", measure="lecture"), "f(1, 0) + f(0, 1) = 0 &lt; f(1, 1)", "“x² y² is not"),
    "21": (MetricState(page="axioms", measure="network"), "only a pseudometric", "“‖f(x) − f(y)‖”"),
    "23": (MetricState(page="losses"), "the hardest of all can collapse", "“those the classifier thinks"),
}


@pytest.fixture
def workspace(session: Session) -> Iterator[MetricWorkspace]:
    with shown_workspace(session, height=640) as made:
        yield made
        made.deactivate()


@pytest.mark.parametrize("number", SHOWN)
def test_that_what_is_right_stands_beside_the_slide(workspace: MetricWorkspace, number: str) -> None:
    state, right, slide = SHOWN[number]
    loss = "triplet" if number in ("19", "23") else "lecture"
    workspace.session.set_workspace_state(LOSS_KEY, LossState(loss=loss))
    workspace.set_state(state)
    workspace.activate()
    assert _wait(lambda: not workspace.busy, 60.0)
    details = workspace.details
    assert not details.slide.isHidden()
    told = details.slide.said
    assert told.startswith("<b>On the slide</b>")
    assert slide.lower() in told.lower()
    assert right in f"{told} {details.formula.said}".replace("LMNN is convex", "convex")


def test_that_an_index_is_shown_below_the_line_and_signs_stay_what_they_are(qtbot: QtBot) -> None:
    words = Prose()
    qtbot.addWidget(words)
    words.say("M ⪰ 0: y_l ≠ y_i,  d(x_i) < 1")
    assert words.text() == "M ⪰ 0: y<sub>l</sub> ≠ y<sub>i</sub>,&nbsp; d(x<sub>i</sub>) &lt; 1"
    assert words.textFormat() == Qt.TextFormat.RichText  # also without any tag
    words.say("<b>Look at</b> Ψ_push", markup=True)
    assert words.text() == "<b>Look at</b> Ψ<sub>push</sub>"
    assert words.said == "<b>Look at</b> Ψ_push"


@pytest.mark.parametrize("page", [entry.key for entry in PAGES])
def test_that_every_page_says_its_formula_what_to_look_at_and_what_to_try(
    workspace: MetricWorkspace, page: str
) -> None:
    workspace.set_state(MetricState(page=page))
    workspace.activate()
    assert _wait(lambda: not workspace.busy, 60.0)
    details = workspace.details
    for label, start in ((details.formula, ""), (details.teaches, "<b>Look at</b>"), (details.tries, "<b>Try</b>")):
        assert not label.isHidden()
        assert label.text().startswith(start)
        assert len(label.text()) > 30


def test_that_every_learner_has_something_to_try() -> None:
    assert set(LEARNER_TRIES) == {row.key for row in ROWS if row.learn is not None}


def test_that_a_measure_without_a_slide_says_nothing_of_one(workspace: MetricWorkspace) -> None:
    workspace.set_state(MetricState(page="axioms", measure="lecture"))
    workspace.activate()
    assert not workspace.details.slide.isHidden()
    workspace.set_state(MetricState(page="axioms", measure="hamming"))
    assert _wait(lambda: not workspace.busy, 60.0)
    assert workspace.details.slide.isHidden()


def test_that_the_cost_page_corrects_the_passes_of_a_siamese_network(session: Session) -> None:
    look = Style("dark")
    look.apply()
    page = CostPage(session, look, Trainer(session))
    look.setParent(page)
    try:
        told = next(label.text() for label in page.findChildren(QLabel) if "On the slide" in label.text())
        assert "“O(n²) feed-forward passes”" in told
        assert "it passes 2n times" in told
    finally:
        page.deleteLater()
