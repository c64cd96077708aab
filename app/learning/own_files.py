"""Folders of the user's own files of one kind: trained networks, detectors, metrics.

What lives here: :class:`OwnFolder`: where such files lie, what they may be called, and how one gets another name or
is deleted, with its card. What does not: what is in the files (``model_store``, ``detector_store``,
``metric_store``). May import: records; platformdirs when used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from app.records import UserError


@dataclass(frozen=True)
class OwnFolder:
    """The folder of one kind of files in the program's data folder.

    Attributes:
        kind: what a file holds, in a word: ``"model"``; the folder is called by its plural.
        variable: of the environment; names another folder.
        suffix: that the names of its files end in.
    """

    kind: str
    variable: str
    suffix: str

    @property
    def path(self) -> Path:
        """Where it is, or would be: it need not exist."""
        if named := os.environ.get(self.variable):
            return Path(named)
        import platformdirs

        return Path(platformdirs.user_data_dir("correspondence-explorer", appauthor=False)) / f"{self.kind}s"

    def made(self) -> Path:
        """Return it, made if it is missing.

        Raises:
            UserError: if it cannot be made.
        """
        path = self.path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"Cannot make the folder of {self.kind}s {path}: {error.strerror or error}.") from None
        return path

    def stems(self) -> list[str]:
        """Return the names of its files without their ending, in alphabetical order; none if there is no folder."""
        return sorted(file.stem for file in self.path.glob(f"*{self.suffix}"))

    def file(self, name: str) -> Path:
        """Return the file of this name, whether it is there or not."""
        return self.path / f"{name}{self.suffix}"

    def check_name(self, name: str, taken: Collection[str]) -> None:
        """Complain about a name that is no plain file name, or is taken; capitals make no other name.

        On many a disk they do not: what is then renamed into itself would be deleted.

        Raises:
            UserError: saying which.
        """
        if not re.fullmatch(r"[\w][\w .+-]{0,79}", name):
            raise UserError(f"{name!r} cannot be a {self.kind}'s name; use letters, digits, spaces, . + - and _.")
        same = next((other for other in taken if other.casefold() == name.casefold()), None)
        if same is not None:
            raise UserError(f"There is a {self.kind} {same} already; choose another name.")

    def rename(self, name: str, new: str, taken: Collection[str], write: Callable[[Path], object]) -> None:
        """Give a file and its card another name: the new ones are written before the old ones go.

        Args:
            name: it has now.
            new: it gets.
            taken: names that cannot be had.
            write: writes what is in the file, and its card, to a path.

        Raises:
            UserError: if the new name cannot be had, or the files not be written or deleted; then the old ones stay.
        """
        self.check_name(new, taken)
        target = self.file(new)
        try:
            write(target)
        except UserError:
            _remove(target)  # one of the two may have been written
            raise
        self.delete(name)

    def delete(self, name: str) -> None:
        """Delete a file and its card.

        Raises:
            UserError: if it is not there, or cannot be deleted.
        """
        path = self.file(name)
        if not path.is_file():
            raise UserError(f"The {self.kind} {name} is no longer there.")
        _remove(path)


def _remove(path: Path) -> None:
    """Delete a file and the card beside it, as far as they are there; the card last, for it describes the file."""
    try:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"Cannot delete {path}: {error.strerror or error}.") from None
