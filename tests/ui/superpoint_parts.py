"""The SuperPoint page by itself on drawn shapes, for its tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from convnet_parts import choose_in, page_in, shown_on
from PySide6.QtCore import QPoint
from window_parts import Jobs, refs_of

from app.learning.synthetic_shapes import shapes_picture
from app.records import ImagePair, PairRef, Truth
from app.ui.convnet.superpoint_jobs import Found
from app.ui.convnet.superpoint_page import SuperPointPage
from app.ui.convnet.superpoint_state import SUPERPOINT_KEY, SuperPointState
from app.ui.session import Session
from app.ui.workspaces.convnet import ConvNetWorkspace
from app.vision.images import make_image
from app.vision.synth import warp

SHIFT = np.array([[1, 0, 8], [0, 1, 16], [0, 0, 1.0]])
NO_TRUTH = "made-1"


def drawn_pair(ref: PairRef) -> ImagePair:
    """Stand in for reading a pair: drawn shapes and the same moved by a cell and two."""
    grey = shapes_picture(5, "checkerboard", (200, 149)).grey
    if ref.recipe == "blank":
        grey = np.full_like(grey, 90)
    left = np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    right = warp(left, SHIFT, (200, 149), oversampling=1)
    truth = Truth() if ref.recipe == NO_TRUTH else Truth(homography=SHIFT)
    return ImagePair(ref, make_image(left, "left"), make_image(right, "right"), truth)


page_of = partial(page_in, SuperPointPage)


@contextmanager
def shown_page(session: Session, jobs: Jobs, state: SuperPointState | None = None) -> Iterator[ConvNetWorkspace]:
    """Show the workspace on this page, its session reading drawn pairs; yield when all is found."""
    jobs.make_pair = drawn_pair
    refs = (*refs_of(2), PairRef("builtin", "Blank", recipe="blank"))
    states = {SUPERPOINT_KEY: state or SuperPointState()}
    with shown_on(SuperPointPage, session, refs=refs, states=states, height=600) as made:
        yield made


def choose(workspace: ConvNetWorkspace, **values: object) -> Found:
    """Change settings as the form does; return what is then known."""
    choose_in(SuperPointPage, workspace, **values)
    found = page_of(workspace).found
    assert found is not None
    return found


def at(page: SuperPointPage, x: float, y: float) -> QPoint:
    return page.view.screen_of(x, y).toPoint()
