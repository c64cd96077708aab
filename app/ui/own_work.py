"""What is done with files of the user's own, as jobs: another name, deleting, taking one in; and what is said of one.

What lives here: :class:`FileWork`, the same for every kind of files, and :class:`FileText`. What does not: the files
(``app.learning``), widgets (``own_card``); no Qt. May import: jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.jobs import Job, Progress


@dataclass(frozen=True)
class FileText:
    """What is said of a file.

    Attributes:
        key: what it is found by.
        name: that the user gave it, or its title.
        rows: (name, value) of its card.
        words: a sentence about it.
        fixed: why it can be neither renamed nor deleted, without a full stop; empty if it can.
        broken: why it cannot be used or renamed; empty if it can.
    """

    key: str
    name: str
    rows: tuple[tuple[str, str], ...] = ()
    words: str = ""
    fixed: str = ""
    broken: str = ""


@dataclass(frozen=True)
class FileDone:
    """What was done: a file taken in has no ``before``, a deleted one no ``after``; both are keys."""

    before: str
    after: str
    told: str


@dataclass(frozen=True)
class FileWork:
    """One kind of files, and how its store does what is asked.

    Attributes:
        kind: in a word, ``"model"``.
        holds: what a file to import holds, ``"network"``.
        suffix: of such files.
        lane: where the work is done.
        rename: gives (key, new name) -> the new key.
        delete: of a key.
        take: copies a file into the user's folder -> its key.
        import_tip: what the button that imports says of itself.
        in_place: what is said after “… was deleted”, for one that is in use.
    """

    kind: str
    holds: str
    suffix: str
    lane: str
    rename: Callable[[str, str], str]
    delete: Callable[[str], None]
    take: Callable[[Path], str]
    import_tip: str
    in_place: str = ""

    def renamed(self, text: FileText, new: str) -> Job[FileDone]:
        """Give a file another name.

        Raises:
            UserError: as the store's.
        """
        yield Progress(0, 1, f"Renaming {text.name}")
        return FileDone(text.key, self.rename(text.key, new), f"The {self.kind} {text.name} is now called {new}.")

    def deleted(self, text: FileText) -> Job[FileDone]:
        """Delete a file with its card.

        Raises:
            UserError: as the store's.
        """
        yield Progress(0, 1, f"Deleting {text.name}")
        self.delete(text.key)
        return FileDone(text.key, "", f"The {self.kind} {text.name} was deleted{self.in_place}.")

    def imported(self, path: Path) -> Job[FileDone]:
        """Copy a file with its card into the user's folder.

        Raises:
            UserError: as the store's.
        """
        yield Progress(0, 1, f"Importing {path.stem}")
        return FileDone("", self.take(path), f"Imported {path.stem}.")
