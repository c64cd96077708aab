"""Small stand-ins that tests of the window share: pairs, a quick match job, the least of a workspace."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.jobs import Progress
from app.records import Image, ImagePair, MatchRequest, MatchResult, PairRef
from app.ui.launch import _wait
from app.ui.main_window import MainWindow
from app.ui.session import Session
from app.ui.settings_panel import SettingsPanel
from app.ui.style import Style
from app.ui.worded_page import WordedPage
from app.ui.workspaces import WORKSPACES, WorkspaceEntry
from app.ui.workspaces.base import Workspace


def tiny_pair(ref: PairRef) -> ImagePair:
    rng = np.random.default_rng(abs(hash(ref.title)) % 2**32)
    left, right = (
        Image(f"{ref.title}-{side}", side, rng.integers(0, 255, (48, 64, 3), np.uint8)) for side in ("left", "right")
    )
    return ImagePair(ref, left, right)


def refs_of(count: int) -> tuple[PairRef, ...]:
    tags = (("geometric", "rotation"), ("photometric", "blur"), ("semantic",))
    return tuple(PairRef("builtin", f"Pair {n}", recipe=f"made-{n}", tags=tags[n % 3]) for n in range(count))


class Jobs:
    """Makes quick match jobs and remembers every request; ``fail`` makes the next one raise.

    Attributes:
        make_pair: stands in for reading the pair.
    """

    def __init__(self) -> None:
        self.make_pair: Callable[[PairRef], ImagePair] = tiny_pair
        self.requests: list[MatchRequest] = []
        self.steps = 1
        self.step_seconds = 0.0
        self.fail: Exception | None = None
        self.closed = 0

    def __call__(self, request: MatchRequest) -> Generator[Progress, None, MatchResult]:
        self.requests.append(request)
        pair = self.make_pair(request.ref)
        try:
            yield Progress(0, self.steps, "Loading", MatchResult(request, pair))
            for step in range(self.steps):
                time.sleep(self.step_seconds)
                yield Progress(step, self.steps, "Detecting", MatchResult(request, pair))
            if self.fail is not None:
                raise self.fail
            return MatchResult(request, pair, seconds={"load": 0.001})
        finally:
            self.closed += 1


def window_on(session: Session, entries: Sequence[WorkspaceEntry] = WORKSPACES, *, remember: bool = True) -> MainWindow:
    """Return a dark window of 1280 × 800 that owns its session, not shown yet; :func:`end` it."""
    look = Style("dark")
    look.apply()
    made = MainWindow(session, look, entries, remember=remember)
    session.setParent(made)
    look.setParent(made)
    made.resize(1280, 800)
    return made


def end(window: MainWindow) -> None:
    """Close a window, see that all its work has ended, and let it go."""
    window.close()
    assert window.ended
    window.deleteLater()
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.setStyleSheet("")


WorkspaceT = TypeVar("WorkspaceT", bound=Workspace)


@contextmanager
def shown_alone(
    kind: type[WorkspaceT], session: Session, states: dict[str, Any], refs: Sequence[PairRef] = (), height: int = 700
) -> Iterator[WorkspaceT]:
    """Show a workspace without a window, in these states (key -> state); the caller activates it."""
    session.open_pairs(refs or refs_of(1))
    for key, state in states.items():
        session.set_workspace_state(key, state)
    look = Style("dark")
    look.apply()
    made = kind(session, look)
    look.setParent(made)
    made.resize(900, height)
    made.show()
    try:
        yield made
    finally:
        made.hide()
        for part in (made.settings_panel(), made.details_panel(), made):  # the panels have no parent without a window
            part.deleteLater()


@contextmanager
def shown_settled(
    kind: type[WorkspaceT], session: Session, states: dict[str, Any], refs: Sequence[PairRef] = (), height: int = 700
) -> Iterator[WorkspaceT]:
    """Show a workspace without a window as :func:`shown_alone` does, in front and with nothing left to do."""
    with shown_alone(kind, session, states, refs, height) as made:
        made.activate()
        settled(made)
        yield made
        made.deactivate()


def change(page: WordedPage, **values: object) -> None:
    """Change settings as the form of a page does."""
    assert page.form is not None
    page.form.changed.emit(replace(page.form.settings, **values))


def settled(workspace: Workspace) -> None:
    """Wait until neither the session nor the workspace has anything left to do."""
    assert _wait(lambda: not workspace.session.busy and not workspace.busy, 60.0), "still busy after a minute"


class PlainWorkspace(Workspace):
    """The least that a workspace can be."""

    key: ClassVar[str] = "match"
    title: ClassVar[str] = "Match"
    number: ClassVar[int] = 1

    def __init__(self, session: Session, style: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, style, parent)
        self._settings, self._details = SettingsPanel(session), QLabel("details")

    def settings_panel(self) -> QWidget:
        return self._settings

    def details_panel(self) -> QWidget:
        return self._details


PLAIN = (WorkspaceEntry("match", "Match", 1, lambda: PlainWorkspace),)
