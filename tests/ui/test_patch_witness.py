"""The Axioms page on real patches: three of the open picture break the triangle inequality for 1 − NCC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from metric_parts import shown_workspace
from window_parts import Jobs, tiny_pair

from app.learning.measures import measure
from app.locate import photographs
from app.records import ImagePair, PairRef
from app.ui.launch import _wait
from app.ui.metric.patch_witness import evened
from app.ui.metric.state import MetricState
from app.ui.session import Session
from app.ui.workspaces.metric import MetricWorkspace
from app.vision.images import grey8, make_image, read_image


@pytest.fixture
def kind() -> str:
    return "photograph"


@pytest.fixture
def workspace(session: Session, jobs: Jobs, kind: str) -> Iterator[MetricWorkspace]:
    def pair(ref: PairRef) -> ImagePair:
        left = {
            "photograph": lambda: read_image(photographs() / "camera.png"),
            "flat": lambda: make_image(np.full((60, 60, 3), 90, np.uint8), "grey card"),
            "noise": lambda: tiny_pair(ref).left,
        }[kind]()
        return ImagePair(ref, left, left)

    jobs.make_pair = pair
    with shown_workspace(session, states={"metric": MetricState(page="axioms", measure="ncc")}) as made:
        made.activate()
        page = made.page_of("axioms")
        assert _wait(lambda: not session.busy and not page.busy and bool(page.patches.sentence), 30.0)
        yield made


def test_that_patches_of_the_open_picture_break_the_inequality_and_its_root_does_not(
    workspace: MetricWorkspace,
) -> None:
    page, result = workspace.page_of("axioms"), workspace.session.result
    found = page.patches.triple
    assert found is not None
    assert result is not None
    assert result.pair is not None
    grey = grey8(result.pair.left.rgb)
    for patch, (column, row) in zip(found.patches, found.centres.astype(int), strict=True):
        np.testing.assert_array_equal(patch, grey[row - 8 : row + 9, column - 8 : column + 9])
    x, y, z = (row[None].astype(np.float64) for row in found.patches.reshape(3, -1))
    f, root = measure("ncc").function, measure("ncc-root").function
    assert f(x, z)[0] > f(x, y)[0] + f(y, z)[0]
    assert root(x, z)[0] <= root(x, y)[0] + root(y, z)[0]
    assert page.patches.isVisible()
    assert not page.witness.isVisible()
    assert f"Patches of {result.pair.left.name}" in workspace.details.told.said
    assert not page.patches.grab().isNull()


def test_that_patches_are_asked_only_for_measures_of_patches(workspace: MetricWorkspace) -> None:
    page = workspace.page_of("axioms")
    workspace.set_state(replace(workspace.metric_state, measure="ssd"))
    assert _wait(lambda: not page.busy, 30.0)
    assert not page.patches.isVisible()
    assert page.witness.isVisible()
    assert "Patches" not in workspace.details.told.said
    workspace.set_state(replace(workspace.metric_state, measure="ncc-root"))
    assert page.patches.isVisible()
    assert "Patches" in workspace.details.told.said  # the same picture is not compared again
    assert _wait(lambda: not page.busy, 30.0)


@pytest.mark.parametrize(("kind", "words"), [("flat", "flat nearly everywhere"), ("noise", "No three patches")])
def test_that_a_picture_without_such_patches_says_so(workspace: MetricWorkspace, words: str) -> None:
    page = workspace.page_of("axioms")
    assert page.patches.triple is None
    assert words in page.patches.sentence
    assert words in workspace.details.told.said
    page.patches.grab()


def test_that_patches_are_drawn_as_ncc_sees_them() -> None:
    patch = np.random.default_rng(0).integers(90, 110, (17, 17)).astype(np.uint8)
    shown = evened(patch)
    assert shown.mean() == pytest.approx(128, abs=1)
    assert np.corrcoef(shown.ravel(), patch.ravel())[0, 1] > 0.995
    assert (evened(np.full((5, 5), 7, np.uint8)) == 128).all()
