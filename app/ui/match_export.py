"""Saving a result from the window: the picture as shown, the whole figure, the matches.

What lives here: which writer an ending means, and the dialogs. What does not: the writers (``figure``,
``app.formats``). May import: those, the session, QtWidgets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.jobs import Job, Progress, native
from app.records import MatchResult, UserError
from app.ui.lane import Event
from app.ui.match_state import MatchState
from app.ui.pair_view import PairView
from app.ui.session import Message, Session, failure_message
from app.ui.style import Style

PICTURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)"
MATCHES = "CSV (*.csv);;NumPy as SuperGlue writes it (*.npz);;JSON (*.json)"
LANE = "export"
AskPath = Callable[[QWidget, str, str, str], str]


def ask_path(parent: QWidget, title: str, suggestion: str, kinds: str) -> str:
    """Ask for a file to write; empty if the user changes their mind. The chosen kind gives the ending.

    The dialog itself adds the ending, so that it asks before a file of the whole name is written over.
    """
    dialog = QFileDialog(parent, title, "", kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(_ending(kind)))
    dialog.setDefaultSuffix(_ending(kinds))
    dialog.selectFile(suggestion)
    chosen = dialog.selectedFiles() if dialog.exec() else []
    dialog.deleteLater()
    return chosen[0] if chosen else ""


def _ending(kinds: str) -> str:
    """Return the ending of the first of these kinds, without its dot."""
    return kinds.partition("*.")[2].partition(")")[0]


def write_matches(result: MatchResult, path: str | Path) -> None:
    """Write all matches of a result as CSV, npz or JSON by the ending.

    Raises:
        UserError: for another ending, or if the file cannot be written.
    """
    from app.formats.matches_csv import write_matches_csv
    from app.formats.matches_json import write_matches_json
    from app.formats.matches_npz import write_matches_npz
    from app.formats.results import table_of

    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        write_matches_csv(path, table_of(result))
    elif suffix == ".npz":
        write_matches_npz(path, result)
    elif suffix == ".json":
        write_matches_json(path, result)
    else:
        raise UserError(f"{Path(path).name}: matches are saved as .csv, .npz or .json; choose one of these endings.")


def _writing(write: Callable[[], None], path: str) -> Job[str]:
    """Write a file, which takes seconds where there are hundreds of thousands of matches; return its path."""
    yield from native(write, progress=Progress(0, 1, f"Writing {Path(path).name}"))
    return path


class Exporter:
    """The export actions of the workspace; every failure is a message.

    Attributes:
        ask: asks for the path (replaced in tests).
    """

    def __init__(self, session: Session, look: Style, view: PairView) -> None:
        self._session, self._look, self._view = session, look, view
        self.ask: AskPath = ask_path
        self._lane = session.lane(LANE)
        self._lane.finished.connect(self._written)
        self._lane.failed.connect(self._not_written)

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._lane.busy

    def _result(self) -> MatchResult | None:
        """The finished result, or None with a message."""
        if self.busy:
            self._session.message.emit(Message("A file is still being written; wait until it is saved."))
            return None
        result = self._session.result
        if result is None or not self._session.complete or result.pair is None:
            self._session.message.emit(Message("There is nothing to export yet; wait for the match to finish."))
            return None
        return result

    def _ask(self, title: str, kinds: str, ending: str) -> tuple[MatchResult, str] | None:
        """The finished result and the path to write it to, None if there is none."""
        result = self._result()
        if result is None:
            return None
        words = "".join(c if c.isalnum() else " " for c in result.request.ref.title).lower().split()
        name = "-".join(words)[:60].rstrip("-")
        path = self.ask(self._view, title, f"{name or 'matches'}{ending}", kinds)
        return (result, path) if path else None

    def _save(self, title: str, ending: str, draw: Callable[[MatchResult, str], Callable[[], None]]) -> None:
        """Ask, let a picture be drawn, which only the window's thread can, and write it in the background."""
        asked = self._ask(title, PICTURES, ending)
        if asked is None:
            return
        try:
            write = draw(*asked)
        except UserError as error:
            self._session.message.emit(Message(str(error), "error"))
            return
        self._lane.start(partial(_writing, write, asked[1]))

    def _written(self, event: Event) -> None:
        self._session.message.emit(Message(f"Saved {event.value}."))

    def _not_written(self, event: Event) -> None:
        self._session.message.emit(failure_message(event))

    def picture_as_shown(self) -> None:
        """Save exactly what the canvas shows, with a caption."""
        from app.ui.figure import caption, drawn

        self._save("Export the picture as shown", ".png", lambda r, path: drawn(self._view, path, caption(r)))

    def figure(self, state: MatchState) -> None:
        """Save the whole pair with the best matches, legend and caption, on a light ground."""
        from app.ui.figure import drawn_figure

        self._save(
            "Export a figure of the whole pair",
            ".pdf",
            lambda r, path: drawn_figure(r, path, theme="light", colour_by=state.colour_by, top=state.top),
        )

    def matches(self) -> None:
        """Save all matches, in the background."""
        asked = self._ask("Export all matches", MATCHES, ".csv")
        if asked is not None:
            self._lane.start(partial(_writing, partial(write_matches, *asked), asked[1]))
